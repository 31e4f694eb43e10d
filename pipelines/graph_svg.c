/*
 * The graph as SVG. Each stage is a lane of one or more columns: a job stands one column
 * right of the jobs of its own stage that it needs. Boxes fill a column from the top,
 * all columns have the same rows; arrows run between them.
 */
#include "base/str.h"
#include "base/visible.h"
#include "pipelines/graph_internal.h"

/* pixels */
#define BOX_HEIGHT 38
#define ROW_HEIGHT 50
#define COLUMN_GAP 56
#define LANE_PADDING 14
#define LANE_TOP 34
#define MARGIN 12
#define CHAR_WIDTH 8 /* of the font below, rounded up */
#define NAME_MAX 36  /* characters; a longer name is cut, its title has all of it */
#define BOX_MIN_WIDTH 72

static const char style[] =
    "<style>\n"
    "  svg { color-scheme: light dark; }\n"
    "  text { font: 13px ui-monospace, Menlo, Consolas, monospace; fill: #1f2328; }\n"
    "  .lane { fill: #f6f8fa; }\n"
    "  .stage { font-weight: bold; }\n"
    "  .note { font-size: 10px; fill: #656d76; }\n"
    "  .box { fill: #fff; stroke: #8c959f; stroke-width: 1.2; }\n"
    "  .manual { stroke-dasharray: 4 3; }\n"
    "  .on_failure { stroke: #cf222e; }\n"
    "  .need { fill: none; stroke: #57606a; stroke-width: 1.3; }\n"
    "  .order { fill: none; stroke: #8c959f; stroke-width: 1.6; }\n"
    "  .head { fill: #57606a; }\n"
    "  @media (prefers-color-scheme: dark) {\n"
    "    text { fill: #e6edf3; }\n"
    "    .lane { fill: #161b22; }\n"
    "    .note { fill: #8d96a0; }\n"
    "    .box { fill: #0d1117; stroke: #6e7681; }\n"
    "    .on_failure { stroke: #f85149; }\n"
    "    .need { stroke: #8d96a0; }\n"
    "    .order { stroke: #6e7681; }\n"
    "    .head { fill: #8d96a0; }\n"
    "  }\n"
    "</style>\n"
    "<defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" "
    "markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\">"
    "<path class=\"head\" d=\"M0 0L8 4L0 8z\"/></marker></defs>\n";

struct box {
	size_t column, row;
	size_t x, y, width;
};

struct column {
	size_t x, width, rows;
};

struct lane {
	size_t first_column, columns;
};

struct layout {
	const struct plan *plan;
	struct arena *arena;
	struct graph_stage *stages;
	size_t stage_count;
	struct lane *lanes;
	struct column *columns;
	size_t column_count;
	struct box *boxes; /* per job of the plan */
	size_t width, height;
};

/* ---- layout ----------------------------------------------------------------------- */

/*
 * box.column within the lane: the longest chain of needs inside the stage. Needs have no
 * circles, so the passes end; they are bounded by the chain, and by MAX_PASSES, beyond
 * which a picture helps nobody.
 */
#define MAX_PASSES 64

static size_t
place_in_lane(struct layout *l, const struct graph_stage *stage)
{
	size_t deepest = 0;
	bool moved = true;

	for (size_t pass = 0; moved && pass < MAX_PASSES; pass++) {
		moved = false;
		for (size_t i = stage->first; i < stage->end; i++) {
			const struct plan_job *job = &l->plan->jobs[i];

			for (size_t k = 0; k < job->need_count; k++) {
				size_t need = job->needs[k].job;

				if (need < stage->first ||
				    l->boxes[need].column < l->boxes[i].column)
					continue;
				l->boxes[i].column = l->boxes[need].column + 1;
				moved = true;
			}
		}
	}
	for (size_t i = stage->first; i < stage->end; i++)
		if (l->boxes[i].column > deepest)
			deepest = l->boxes[i].column;
	return deepest + 1;
}

static size_t
box_width(struct layout *l, const struct plan_job *job)
{
	size_t name = visible_width(job->name);
	size_t note = strlen(graph_note(job, l->arena)) * 6;
	size_t width = (name < NAME_MAX ? name : NAME_MAX) * CHAR_WIDTH;

	if (note > width)
		width = note;
	width += 20;
	return width > BOX_MIN_WIDTH ? width : BOX_MIN_WIDTH;
}

static void
fill_columns(struct layout *l, size_t s)
{
	const struct graph_stage *stage = &l->stages[s];

	for (size_t i = stage->first; i < stage->end; i++) {
		struct box *box = &l->boxes[i];
		struct column *column;

		if (!l->plan->jobs[i].created)
			continue;
		box->column += l->lanes[s].first_column;
		column = &l->columns[box->column];
		box->row = column->rows++;
		box->width = box_width(l, &l->plan->jobs[i]);
		if (box->width > column->width)
			column->width = box->width;
	}
}

/* From left to right; a stage's title needs its room too. */
static void
set_positions(struct layout *l)
{
	size_t x = MARGIN, rows = 1;

	for (size_t s = 0; s < l->stage_count; s++) {
		const struct lane *lane = &l->lanes[s];
		const char *title = l->plan->jobs[l->stages[s].first].stage;
		size_t title_width = visible_width(title) * CHAR_WIDTH;

		x += LANE_PADDING;
		if (lane->columns == 1 &&
		    l->columns[lane->first_column].width < title_width)
			l->columns[lane->first_column].width = title_width;
		for (size_t c = 0; c < lane->columns; c++) {
			struct column *column = &l->columns[lane->first_column + c];

			column->x = x;
			x += column->width + (c + 1 < lane->columns ? COLUMN_GAP : 0);
			if (column->rows > rows)
				rows = column->rows;
		}
		x += LANE_PADDING + (s + 1 < l->stage_count ? COLUMN_GAP : 0);
	}
	l->width = x + MARGIN;
	l->height = MARGIN + LANE_TOP + rows * ROW_HEIGHT + MARGIN;
	for (size_t i = 0; i < l->plan->job_count; i++) {
		l->boxes[i].x = l->columns[l->boxes[i].column].x;
		l->boxes[i].width = l->columns[l->boxes[i].column].width;
		l->boxes[i].y = MARGIN + LANE_TOP + l->boxes[i].row * ROW_HEIGHT;
	}
}

static void
lay_out(struct layout *l)
{
	l->stage_count = graph_stages(l->plan, l->arena, &l->stages);
	l->boxes = arena_calloc(l->arena, l->plan->job_count, sizeof(*l->boxes));
	l->lanes = arena_calloc(l->arena, l->stage_count, sizeof(*l->lanes));
	for (size_t s = 0; s < l->stage_count; s++) {
		l->lanes[s].first_column = l->column_count;
		l->lanes[s].columns = place_in_lane(l, &l->stages[s]);
		l->column_count += l->lanes[s].columns;
	}
	/* jobs that are left out stay in the first column, unseen */
	l->columns = arena_calloc(l->arena, l->column_count + 1, sizeof(*l->columns));
	for (size_t s = 0; s < l->stage_count; s++)
		fill_columns(l, s);
	set_positions(l);
}

/* ---- drawing ---------------------------------------------------------------------- */

static void
add_xml(struct buf *out, const char *text)
{
	cleanup_buf struct buf shown = BUF_INIT;

	visible_add(&shown, text);
	for (const char *p = buf_str(&shown); *p != '\0'; p++) {
		if (strchr("<>&\"'", *p) != NULL)
			buf_printf(out, "&#%d;", *p);
		else
			buf_add_char(out, *p);
	}
}

/* At most NAME_MAX characters, the last one an ellipsis if there are more. */
static const char *
shorten(struct arena *a, const char *name)
{
	cleanup_buf struct buf shown = BUF_INIT;
	const char *p, *cut = NULL;
	size_t count = 0;

	visible_add(&shown, name);
	for (p = buf_str(&shown); *p != '\0'; p++) {
		if ((*p & 0xc0) == 0x80) /* inside a character */
			continue;
		if (++count == NAME_MAX)
			cut = p;
	}
	if (count <= NAME_MAX)
		return arena_strdup(a, buf_str(&shown));
	return arena_printf(a, "%.*s…", (int)(cut - buf_str(&shown)), buf_str(&shown));
}

static void
draw_lane(const struct layout *l, size_t s, struct buf *out)
{
	const struct lane *lane = &l->lanes[s];
	const struct column *first = &l->columns[lane->first_column];
	const struct column *last = &l->columns[lane->first_column + lane->columns - 1];
	size_t x = first->x - LANE_PADDING;

	buf_printf(out,
	    "<rect class=\"lane\" x=\"%zu\" y=\"%d\" width=\"%zu\" height=\"%zu\" rx=\"8\"/>\n",
	    x, MARGIN, last->x + last->width + LANE_PADDING - x, l->height - 2 * MARGIN);
	buf_printf(
	    out, "<text class=\"stage\" x=\"%zu\" y=\"%d\">", first->x, MARGIN + 22);
	add_xml(out, l->plan->jobs[l->stages[s].first].stage);
	buf_add_str(out, "</text>\n");
	if (l->stages[s].waits)
		buf_printf(out,
		    "<path class=\"order\" marker-end=\"url(#head)\" d=\"M%zu %dh%d\"/>\n",
		    x - COLUMN_GAP + 6, MARGIN + 18, COLUMN_GAP - 12);
}

/* Between neighbours: one curve. */
static void
draw_near_need(const struct box *a, const struct box *b, struct buf *out)
{
	size_t x1 = a->x + a->width, y1 = a->y + BOX_HEIGHT / 2;
	size_t x2 = b->x, y2 = b->y + BOX_HEIGHT / 2;
	size_t bend = (x2 > x1 ? x2 - x1 : 0) / 2;

	buf_printf(out, "M%zu %zuC%zu %zu %zu %zu %zu %zu", x1, y1, x1 + bend, y1,
	    x2 - bend, y2, x2, y2);
}

/*
 * Over columns in between: along the gap between two rows, which is free of boxes in
 * every column. spread keeps arrows in one gap apart.
 */
static void
draw_far_need(const struct box *a, const struct box *b, size_t spread, struct buf *out)
{
	size_t x1 = a->x + a->width, y1 = a->y + BOX_HEIGHT / 2;
	size_t x2 = b->x, y2 = b->y + BOX_HEIGHT / 2;
	size_t below = a->row < b->row ? b->row - 1 : b->row; /* the gap under this row */
	size_t y =
	    MARGIN + LANE_TOP + below * ROW_HEIGHT + BOX_HEIGHT + 3 + spread % 3 * 3;
	size_t half = COLUMN_GAP / 2;

	buf_printf(out, "M%zu %zuC%zu %zu %zu %zu %zu %zuH%zuC%zu %zu %zu %zu %zu %zu",
	    x1, y1, x1 + half, y1, x1 + half, y, x1 + COLUMN_GAP, y, x2 - COLUMN_GAP,
	    x2 - half, y, x2 - half, y2, x2, y2);
}

static void
draw_need(const struct layout *l, size_t from, size_t to, struct buf *out)
{
	const struct box *a = &l->boxes[from], *b = &l->boxes[to];

	buf_add_str(out, "<path class=\"need\" marker-end=\"url(#head)\" d=\"");
	if (b->column > a->column + 1)
		draw_far_need(a, b, from, out);
	else
		draw_near_need(a, b, out);
	buf_add_str(out, "\"/>\n");
}

static void
draw_job(const struct layout *l, size_t i, struct buf *out)
{
	const struct plan_job *job = &l->plan->jobs[i];
	const struct box *box = &l->boxes[i];
	const char *note = graph_note(job, l->arena);
	size_t x = box->x + box->width / 2;

	buf_add_str(out, "<g><title>");
	add_xml(out, job->name);
	buf_add_str(out, ": ");
	add_xml(out, job->why.text == NULL ? "" : job->why.text);
	buf_printf(out,
	    "</title><rect class=\"box %s\" x=\"%zu\" y=\"%zu\" width=\"%zu\" height=\"%d\" "
	    "rx=\"6\"/>",
	    job_when_name(job->when), box->x, box->y, box->width, BOX_HEIGHT);
	buf_printf(out, "<text text-anchor=\"middle\" x=\"%zu\" y=\"%zu\">", x,
	    box->y + (*note == '\0' ? 23 : 17));
	add_xml(out, shorten(l->arena, job->name));
	buf_add_str(out, "</text>");
	if (*note != '\0')
		buf_printf(out,
		    "<text class=\"note\" text-anchor=\"middle\" x=\"%zu\" y=\"%zu\">%s</text>",
		    x, box->y + 31, note);
	buf_add_str(out, "</g>\n");
}

void
graph_write_svg(const struct plan *plan, struct buf *out)
{
	struct layout l = { .plan = plan, .arena = arena_new() };

	lay_out(&l);
	buf_printf(out,
	    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%zu\" height=\"%zu\" "
	    "viewBox=\"0 0 %zu %zu\" role=\"img\">\n<title>Pipeline</title>\n%s",
	    l.width, l.height, l.width, l.height, style);
	for (size_t s = 0; s < l.stage_count; s++)
		draw_lane(&l, s, out);
	for (size_t i = 0; i < plan->job_count; i++)
		for (size_t k = 0; k < plan->jobs[i].need_count; k++)
			draw_need(&l, plan->jobs[i].needs[k].job, i, out);
	for (size_t i = 0; i < plan->job_count; i++)
		if (plan->jobs[i].created)
			draw_job(&l, i, out);
	buf_add_str(out, "</svg>\n");
	arena_free(l.arena);
}
