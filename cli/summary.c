/* The beginning and the end of what `pawl run` shows: the heading, the table, the
 * failures. */
#include <stdio.h>

#include "base/visible.h"
#include "cli/screen_internal.h"

void
screen_duration(int64_t us, char *out, size_t size)
{
	int64_t s = us / 1000000;

	if (us < 0)
		us = 0;
	if (s < 60)
		(void)snprintf(
		    out, size, "%" PRId64 ".%02d s", s, (int)(us % 1000000 / 10000));
	else if (s < 3600)
		(void)snprintf(out, size, "%" PRId64 " m %02d s", s / 60, (int)(s % 60));
	else
		(void)snprintf(
		    out, size, "%" PRId64 " h %02d m", s / 3600, (int)(s % 3600 / 60));
}

void
screen_pipeline_started(struct screen *s, int64_t id, const char *name, const char *ref,
    const char *sha, const char *plan_hash, size_t job_count, int64_t now_us)
{
	s->now_us = now_us;
	if (s->options.json) {
		screen_json_started(s, id, name, ref, sha, plan_hash, job_count);
		return;
	}
	screen_erase_live(s);
	screen_color(s, 1);
	if (name != NULL) {
		visible_add(&s->out, name);
		buf_add_str(&s->out, ": ");
	}
	buf_printf(&s->out, "pipeline %" PRId64, id);
	screen_color(s, 0);
	buf_printf(&s->out, " of %s at %.8s, %zu job%s\n", ref, sha, job_count,
	    job_count == 1 ? "" : "s");
}

static const char *
format_bytes(int64_t bytes, char *out, size_t size)
{
	static const char *const units[] = { "KB", "MB", "GB", "TB" };
	double n = (double)bytes / 1000;
	size_t unit = 0;

	if (bytes < 1000) {
		(void)snprintf(out, size, "%d bytes", (int)bytes);
		return out;
	}
	for (; n >= 1000 && unit + 1 < ARRAY_LEN(units); unit++)
		n /= 1000;
	(void)snprintf(out, size, "%.1f %s", n, units[unit]);
	return out;
}

void
screen_artifacts(
    struct screen *s, const char *job, const char *path, size_t files, int64_t bytes)
{
	char size[32];

	if (s->options.json) {
		screen_json_artifacts(s, job, path, files, bytes);
		return;
	}
	GROW(s->artifacts, s->artifact_count, s->artifact_cap);
	s->artifacts[s->artifact_count++] = (struct screen_artifact){ xstrdup(job),
		xasprintf("%s  %zu file%s, %s", path, files, files == 1 ? "" : "s",
		    format_bytes(bytes, size, sizeof(size))) };
}

struct widths {
	size_t name, stage, status;
};

static struct widths
measure(const struct screen_job *jobs, size_t count)
{
	struct widths w = { 3, 5, 6 };

	for (size_t i = 0; i < count; i++) {
		size_t name = visible_width(jobs[i].name),
		       stage = visible_width(jobs[i].stage),
		       status = visible_width(screen_status_word(&jobs[i]));

		w.name = name > w.name ? name : w.name;
		w.stage = stage > w.stage ? stage : w.stage;
		w.status = status > w.status ? status : w.status;
	}
	return w;
}

/* Of jobs that took enough to be worth it. */
static void
print_usage(struct screen *s, const struct screen_job *job)
{
	char peak[32], written[32];

	if (!job->usage_is_notable)
		return;
	screen_color(s, 90);
	buf_printf(&s->out, "  peak %s, %.1f CPU-s",
	    format_bytes(job->peak_bytes, peak, sizeof(peak)), (double)job->cpu_us / 1e6);
	if (job->written_bytes >= 1000000)
		buf_printf(&s->out, ", %s written",
		    format_bytes(job->written_bytes, written, sizeof(written)));
	screen_color(s, 0);
}

static void
print_row(struct screen *s, const struct screen_job *job, const struct widths *w)
{
	char took[32] = "";

	if (job->started_us != 0 && job->finished_us != 0)
		screen_duration(job->finished_us - job->started_us, took, sizeof(took));
	buf_add_str(&s->out, "  ");
	visible_add_padded(&s->out, job->name, w->name + 2);
	visible_add_padded(&s->out, job->stage, w->stage + 2);
	screen_color(s, screen_status_color(job));
	visible_add_padded(&s->out, screen_status_word(job), w->status + 2);
	screen_color(s, 0);
	buf_printf(&s->out, "%9s", took);
	if (job->detail != NULL && *job->detail != '\0') {
		buf_add_str(&s->out, "  ");
		visible_add(&s->out, job->detail);
	}
	print_usage(s, job);
	buf_add_char(&s->out, '\n');
}

/* More rows than a screen holds say less: then those that passed are only counted. */
static void
print_table(struct screen *s, const struct screen_job *jobs, size_t count)
{
	struct widths w = measure(jobs, count);
	bool all = count <= 40;

	screen_color(s, 90);
	buf_add_str(&s->out, "\n  ");
	visible_add_padded(&s->out, "job", w.name + 2);
	visible_add_padded(&s->out, "stage", w.stage + 2);
	visible_add_padded(&s->out, "status", w.status + 2);
	buf_add_str(&s->out, "     time  why\n");
	screen_color(s, 0);
	for (size_t i = 0; i < count; i++)
		if (all || jobs[i].status != STATUS_SUCCESS)
			print_row(s, &jobs[i], &w);
}

static void
print_artifacts(struct screen *s)
{
	size_t width = 0;

	for (size_t i = 0; i < s->artifact_count; i++) {
		size_t n = visible_width(s->artifacts[i].job);

		width = n > width ? n : width;
	}
	if (s->artifact_count > 0)
		buf_add_str(&s->out, "\nArtifacts:\n");
	for (size_t i = 0; i < s->artifact_count; i++) {
		buf_add_str(&s->out, "  ");
		visible_add_padded(&s->out, s->artifacts[i].job, width + 2);
		buf_printf(&s->out, "%s\n", s->artifacts[i].text);
	}
}

static void
print_tail(struct screen *s, const struct shown_job *shown)
{
	size_t kept;

	if (shown == NULL || shown->tail_count == 0)
		return;
	kept = shown->tail_count < SCREEN_TAIL ? shown->tail_count : SCREEN_TAIL;
	buf_add_str(&s->out, "  last lines\n");
	for (size_t i = shown->tail_count - kept; i < shown->tail_count; i++)
		buf_printf(&s->out, "    %s\n", buf_str(&shown->tail[i % SCREEN_TAIL]));
}

static void
print_look(struct screen *s, const struct screen_job *job)
{
	if (!job->kept)
		return;
	if (job->warned)
		buf_add_char(&s->out, '\n');
	buf_add_str(&s->out, "  look at it pawl shell ");
	buf_add_shell_quoted(&s->out, job->name);
	buf_add_char(&s->out, '\n');
}

static void
print_failure(struct screen *s, const struct screen_job *job)
{
	buf_add_char(&s->out, '\n');
	screen_color(s, 31);
	visible_add(&s->out, job->name);
	buf_add_str(&s->out, " failed");
	screen_color(s, 0);
	buf_add_str(&s->out, ": ");
	visible_add(
	    &s->out, job->detail != NULL ? job->detail : reason_text(job->reason));
	buf_add_char(&s->out, '\n');
	if (job->command != NULL) {
		buf_add_str(&s->out, "  command    ");
		visible_add(&s->out, job->command);
		buf_add_char(&s->out, '\n');
	}
	print_tail(s, screen_find(s, job->id));
	if (job->log_path != NULL)
		buf_printf(&s->out, "  whole log  %s\n", job->log_path);
	print_look(s, job);
	if (job->again != NULL)
		buf_printf(&s->out, "  try again  pawl run%s%s --needs %s\n",
		    job->again_options != NULL ? job->again_options : "",
		    job->reason == REASON_RUNNER_UNSUPPORTED ? " -x shell" : "",
		    job->again);
}

/* "3 passed, 1 failed, 1 failed (allowed)" */
static void
print_counts(struct screen *s, const struct screen_job *jobs, size_t count)
{
	size_t of[STATUS_COUNT][2] = { { 0 } };
	const char *separator = ": ";

	for (size_t i = 0; i < count; i++)
		of[jobs[i].status][jobs[i].warned]++;
	for (int i = 0; i < STATUS_COUNT * 2; i++) {
		struct screen_job one = { .status = (enum status)(i / 2),
			.warned = i % 2 != 0 };

		if (of[i / 2][i % 2] == 0)
			continue;
		buf_printf(&s->out, "%s%zu %s", separator, of[i / 2][i % 2],
		    screen_status_word(&one));
		separator = ", ";
	}
	buf_add_char(&s->out, '\n');
}

static void
print_verdict(struct screen *s, enum status status, bool warnings, int64_t duration_us)
{
	struct screen_job all = { .status = status };
	char took[32];

	screen_duration(duration_us, took, sizeof(took));
	screen_color(s, screen_status_color(&all));
	if (status == STATUS_MANUAL)
		buf_add_str(&s->out, "\nPipeline waits for a manual job");
	else
		buf_printf(&s->out, "\nPipeline %s", screen_status_word(&all));
	screen_color(s, 0);
	if (warnings && status == STATUS_SUCCESS)
		buf_add_str(&s->out, " with warnings");
	buf_printf(&s->out, " %s %s",
	    status == STATUS_MANUAL           ? "after"
		: status_is_completed(status) ? "in"
					      : "for",
	    took);
}

void
screen_pipeline_finished(struct screen *s, int64_t id, enum status status, bool warnings,
    const struct screen_job *jobs, size_t count, int64_t started_us, int64_t now_us)
{
	s->now_us = now_us;
	screen_erase_live(s);
	if (s->options.json) {
		screen_json_finished(s, id, status, warnings, now_us - started_us);
		screen_flush(s);
		return;
	}
	print_table(s, jobs, count);
	print_artifacts(s);
	for (size_t i = 0; i < count; i++) {
		if (jobs[i].status == STATUS_FAILED && !jobs[i].warned)
			print_failure(s, &jobs[i]);
		else
			print_look(s, &jobs[i]);
	}
	print_verdict(s, status, warnings, now_us - started_us);
	print_counts(s, jobs, count);
	screen_flush(s);
}
