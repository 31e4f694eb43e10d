/* The graph as text, for Graphviz and for Mermaid. */
#include "base/str.h"
#include "base/visible.h"
#include "pipelines/graph_internal.h"

bool
graph_format_parse(const char *name, enum graph_format *out)
{
	static const char *const names[] = {
		[GRAPH_TEXT] = "text",
		[GRAPH_DOT] = "dot",
		[GRAPH_MERMAID] = "mermaid",
		[GRAPH_SVG] = "svg",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(name, names[i]) == 0) {
			*out = (enum graph_format)i;
			return true;
		}
	return false;
}

size_t
graph_stages(const struct plan *plan, struct arena *a, struct graph_stage **out)
{
	struct graph_stage *stages = arena_calloc(a, plan->stages.count, sizeof(*stages));
	size_t count = 0;

	for (size_t i = 0; i < plan->job_count;) {
		struct graph_stage stage = { .first = i };
		bool any = false, by_stage = false;

		for (; i < plan->job_count &&
		     plan->jobs[i].stage_index == plan->jobs[stage.first].stage_index;
		     i++) {
			any |= plan->jobs[i].created;
			by_stage |= plan->jobs[i].created && !plan->jobs[i].has_needs;
		}
		stage.end = i;
		stage.waits = by_stage && count > 0;
		if (any)
			stages[count++] = stage;
	}
	*out = stages;
	return count;
}

const char *
graph_note(const struct plan_job *job, struct arena *a)
{
	const char *when = job->when == WHEN_ON_SUCCESS ? "" : job_when_name(job->when);
	bool may_fail =
	    job->allow_failure.allowed || job->allow_failure.exit_codes.count > 0;

	if (job->when == WHEN_MANUAL) /* the pipeline goes on without it, or waits */
		return may_fail ? when : "manual, blocks";
	if (!may_fail)
		return when;
	return arena_printf(a, "%s%smay fail", when, *when == '\0' ? "" : ", ");
}

/* ---- text ------------------------------------------------------------------------- */

static void
write_text_needs(const struct plan *plan, const struct plan_job *job, struct buf *out)
{
	if (!job->has_needs)
		return;
	buf_add_str(out, job->need_count == 0 ? "  ← nothing" : "  ← ");
	for (size_t i = 0; i < job->need_count; i++) {
		buf_add_str(out, i > 0 ? ", " : "");
		visible_add(out, plan->jobs[job->needs[i].job].name);
	}
}

/* The widest name, so that the arrows line up; a very long one may stick out. */
static size_t
name_column(const struct plan *plan)
{
	size_t widest = 0;

	for (size_t i = 0; i < plan->job_count; i++) {
		size_t width;

		if (!plan->jobs[i].created || !plan->jobs[i].has_needs)
			continue;
		width = visible_width(plan->jobs[i].name);
		if (width > widest)
			widest = width;
	}
	return widest < 40 ? widest : 40;
}

static void
write_text_job(const struct plan *plan, const struct plan_job *job, bool last,
    size_t width, struct buf *out)
{
	struct arena *a = arena_new();
	const char *note = graph_note(job, a);

	buf_add_str(out, last ? "└─ " : "├─ ");
	visible_add_padded(out, job->name, job->has_needs ? width : 0);
	write_text_needs(plan, job, out);
	if (*note != '\0')
		buf_printf(out, "  (%s)", note);
	buf_add_char(out, '\n');
	arena_free(a);
}

static void
write_text(const struct plan *plan, struct buf *out)
{
	struct arena *a = arena_new();
	struct graph_stage *stages;
	size_t count = graph_stages(plan, a, &stages), width = name_column(plan);
	bool waits = false;

	for (size_t s = 0; s < count; s++) {
		size_t last = stages[s].end;

		waits |= stages[s].waits;
		visible_add(out, plan->jobs[stages[s].first].stage);
		buf_add_char(out, '\n');
		while (!plan->jobs[--last].created)
			continue;
		for (size_t i = stages[s].first; i <= last; i++)
			if (plan->jobs[i].created)
				write_text_job(
				    plan, &plan->jobs[i], i == last, width, out);
	}
	if (waits)
		buf_add_str(
		    out, "\nA job without an arrow waits for all stages above it.\n");
	arena_free(a);
}

/* ---- Graphviz --------------------------------------------------------------------- */

static void
add_dot_string(struct buf *out, const char *text)
{
	cleanup_buf struct buf shown = BUF_INIT;

	visible_add(&shown, text);
	for (const char *p = buf_str(&shown); *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, *p);
	}
}

static void
write_dot_job(const struct plan_job *job, size_t index, struct arena *a, struct buf *out)
{
	const char *note = graph_note(job, a);

	buf_printf(out, "    j%zu [label=\"", index);
	add_dot_string(out, job->name);
	if (*note != '\0')
		buf_printf(out, "\\n(%s)", note);
	buf_add_str(out, "\"");
	if (job->when == WHEN_MANUAL)
		buf_add_str(out, ", style=\"rounded,dashed\"");
	buf_add_str(out, "];\n");
}

/* A stage that waits gets one arrow from the stage before, drawn between the frames. */
static void
write_dot_stage(const struct plan *plan, const struct graph_stage *stages, size_t s,
    struct arena *a, struct buf *out)
{
	buf_printf(out, "  subgraph cluster_%zu {\n    label=\"", s);
	add_dot_string(out, plan->jobs[stages[s].first].stage);
	buf_add_str(out, "\";\n");
	for (size_t i = stages[s].first; i < stages[s].end; i++)
		if (plan->jobs[i].created)
			write_dot_job(&plan->jobs[i], i, a, out);
	buf_add_str(out, "  }\n");
}

static size_t
first_created(const struct plan *plan, const struct graph_stage *stage)
{
	size_t i = stage->first;

	while (!plan->jobs[i].created)
		i++;
	return i;
}

static void
write_dot(const struct plan *plan, struct buf *out)
{
	struct arena *a = arena_new();
	struct graph_stage *stages;
	size_t count = graph_stages(plan, a, &stages);

	buf_add_str(out,
	    "digraph pipeline {\n"
	    "  rankdir=LR;\n"
	    "  compound=true;\n"
	    "  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n"
	    "  graph [fontname=\"sans-serif\"];\n");
	for (size_t s = 0; s < count; s++)
		write_dot_stage(plan, stages, s, a, out);
	for (size_t s = 1; s < count; s++)
		if (stages[s].waits)
			buf_printf(out,
			    "  j%zu -> j%zu [style=dotted, ltail=cluster_%zu, "
			    "lhead=cluster_%zu];\n",
			    first_created(plan, &stages[s - 1]),
			    first_created(plan, &stages[s]), s - 1, s);
	for (size_t i = 0; i < plan->job_count; i++)
		for (size_t k = 0; k < plan->jobs[i].need_count; k++)
			buf_printf(
			    out, "  j%zu -> j%zu;\n", plan->jobs[i].needs[k].job, i);
	buf_add_str(out, "}\n");
	arena_free(a);
}

/* ---- Mermaid ---------------------------------------------------------------------- */

/* A label in quotes; what Mermaid or HTML would read otherwise becomes an entity. */
static void
add_mermaid_string(struct buf *out, const char *text)
{
	cleanup_buf struct buf shown = BUF_INIT;

	visible_add(&shown, text);
	for (const char *p = buf_str(&shown); *p != '\0'; p++)
		if (strchr("\"#<>&`\\;[](){}|", *p) != NULL)
			buf_printf(out, "#%d;", *p);
		else
			buf_add_char(out, *p);
}

static void
write_mermaid(const struct plan *plan, struct buf *out)
{
	struct arena *a = arena_new();
	struct graph_stage *stages;
	size_t count = graph_stages(plan, a, &stages);

	buf_add_str(out, "flowchart LR\n");
	for (size_t s = 0; s < count; s++) {
		buf_printf(out, "  subgraph s%zu [\"", s);
		add_mermaid_string(out, plan->jobs[stages[s].first].stage);
		buf_add_str(out, "\"]\n");
		for (size_t i = stages[s].first; i < stages[s].end; i++) {
			const char *note = graph_note(&plan->jobs[i], a);

			if (!plan->jobs[i].created)
				continue;
			buf_printf(out, "    j%zu[\"", i);
			add_mermaid_string(out, plan->jobs[i].name);
			if (*note != '\0')
				buf_printf(out, " #40;%s#41;", note);
			buf_add_str(out, "\"]\n");
		}
		buf_add_str(out, "  end\n");
	}
	for (size_t s = 1; s < count; s++)
		if (stages[s].waits)
			buf_printf(out, "  s%zu -.-> s%zu\n", s - 1, s);
	for (size_t i = 0; i < plan->job_count; i++)
		for (size_t k = 0; k < plan->jobs[i].need_count; k++)
			buf_printf(
			    out, "  j%zu --> j%zu\n", plan->jobs[i].needs[k].job, i);
	arena_free(a);
}

void
graph_write(const struct plan *plan, enum graph_format format, struct buf *out)
{
	switch (format) {
	case GRAPH_TEXT:
		write_text(plan, out);
		return;
	case GRAPH_DOT:
		write_dot(plan, out);
		return;
	case GRAPH_MERMAID:
		write_mermaid(plan, out);
		return;
	case GRAPH_SVG:
		graph_write_svg(plan, out);
		return;
	}
}
