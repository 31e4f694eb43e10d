/* Columns as wide as what is in them; the last one may be as long as it likes. */
#include "cli/list_format.h"

#include "base/visible.h"

#define COLUMNS 4 /* stage, job, when, needs; what is left goes behind them */
#define WIDTH_MAX 48

#define DIM "\x1b[2m"
#define BOLD "\x1b[1m"
#define YELLOW "\x1b[33m"
#define RESET "\x1b[0m"

static const char *const titles[COLUMNS] = { "STAGE", "JOB", "WHEN", "NEEDS" };

static const char *
when_text(const struct plan_job *job)
{
	return job->created ? job_when_name(job->when) : "-";
}

/* Those that are there, a parallel job by its own name where all of it is needed.
 * Malloced. */
static char *
needs_text(const struct plan *plan, const struct plan_job *job)
{
	const struct needs *needs = &job->needs_written;
	struct buf out = BUF_INIT;
	size_t run;

	if (!job->created || !job->has_needs)
		return xstrdup("");
	if (job->need_count == 0)
		return xstrdup("nothing");
	for (size_t i = 0; i < needs->count; i += run) {
		const struct plan_job *target = needs->items[i].job == NULL
		    ? NULL
		    : plan_find(plan, needs->items[i].job);

		run = plan_needs_run(plan, job, i);
		if (target != NULL && target->created)
			buf_printf(&out, "%s%s", out.len > 0 ? ", " : "",
			    run > 1 ? target->config->base_name : target->name);
	}
	return buf_take(&out);
}

static void
widen(size_t *width, const char *text)
{
	size_t columns = visible_width(text);

	if (columns > WIDTH_MAX)
		columns = WIDTH_MAX;
	if (columns > *width)
		*width = columns;
}

static void
measure(const struct plan *plan, bool all, size_t width[COLUMNS])
{
	for (size_t c = 0; c < COLUMNS; c++)
		width[c] = strlen(titles[c]);
	for (size_t i = 0; i < plan->job_count; i++) {
		const struct plan_job *job = &plan->jobs[i];
		cleanup_free char *needs = NULL;

		if (!job->created && !all)
			continue;
		needs = needs_text(plan, job);
		widen(&width[0], job->stage);
		widen(&width[1], job->name);
		widen(&width[2], when_text(job));
		widen(&width[3], needs);
	}
}

static void
add_color(struct buf *out, bool color, const char *code)
{
	if (color)
		buf_add_str(out, code);
}

static void
trim_spaces(struct buf *out)
{
	while (out->len > 0 && out->data[out->len - 1] == ' ')
		out->data[--out->len] = '\0';
}

/* What a failure, or a person who does not come, means for the pipeline. */
static const char *
failure_note(const struct plan_job *job)
{
	const struct allow_failure *allow = &job->allow_failure;

	if (!job->created)
		return "";
	if (job->when == WHEN_MANUAL)
		return allow->allowed ? "" : "blocks until played";
	if (allow->allowed)
		return "may fail";
	return allow->exit_codes.count > 0 ? "may fail with some exit codes" : "";
}

/* What does not fit a column of its own. */
static void
add_notes(struct buf *out, const struct plan_job *job, bool all)
{
	const char *note = failure_note(job);

	buf_add_str(out, note);
	if (all) {
		buf_add_str(out, *note == '\0' ? "" : "; ");
		visible_add(out, job->why.text);
	}
}

static void
add_row(struct buf *out, const struct plan *plan, const struct plan_job *job,
    const size_t width[COLUMNS], bool all, bool color)
{
	cleanup_free char *needs = needs_text(plan, job);
	bool waits =
	    job->created && (job->when == WHEN_MANUAL || job->when == WHEN_DELAYED);

	if (!job->created)
		add_color(out, color, DIM);
	visible_add_padded(out, job->stage, width[0] + 2);
	visible_add_padded(out, job->name, width[1] + 2);
	if (waits)
		add_color(out, color, YELLOW);
	visible_add_padded(out, when_text(job), width[2] + 2);
	if (waits)
		add_color(out, color, RESET);
	visible_add_padded(out, needs, width[3] + 2);
	add_notes(out, job, all);
	trim_spaces(out);
	if (!job->created)
		add_color(out, color, RESET);
	buf_add_char(out, '\n');
}

void
list_format(const struct plan *plan, bool all, bool color, struct buf *out)
{
	size_t width[COLUMNS];

	measure(plan, all, width);
	add_color(out, color, BOLD);
	for (size_t c = 0; c < COLUMNS; c++)
		visible_add_padded(out, titles[c], width[c] + 2);
	buf_add_str(out, all ? "WHY" : "");
	trim_spaces(out);
	add_color(out, color, RESET);
	buf_add_char(out, '\n');
	for (size_t i = 0; i < plan->job_count; i++)
		if (plan->jobs[i].created || all)
			add_row(out, plan, &plan->jobs[i], width, all, color);
}
