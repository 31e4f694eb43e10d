/* pawl logs: what a job printed, or prints. */
#include <stdio.h>
#include <unistd.h>

#include "base/visible.h"
#include "cli/commands.h"
#include "cli/lines.h"
#include "cli/screen.h"
#include "cli/server_session.h"

#define AGAIN_MS 500 /* a stream that ended before its job */

static const struct option_row own_options[] = {
	{ 'f', "follow", NULL, "go on until the job has ended" },
	{ 0 },
};

static const struct option_row *const options[] = { own_options, server_pipeline_options,
	server_options, NULL };

/* Where the bytes go: to a terminal as lines with nothing but colours in them, to
 * anything else as they are. */
struct sink {
	struct lines lines;
	bool is_terminal, is_broken;
	int64_t offset; /* of the next byte */
};

static void
on_line(void *data, const char *line, size_t len)
{
	struct sink *sink = data;

	sink->is_broken = sink->is_broken || fwrite(line, 1, len, stdout) != len ||
	    putchar('\n') == EOF;
}

static bool
on_bytes(const char *bytes, size_t len, void *data)
{
	struct sink *sink = data;

	if (sink->is_terminal)
		lines_feed(&sink->lines, bytes, len, on_line, sink);
	else if (fwrite(bytes, 1, len, stdout) != len)
		sink->is_broken = true;
	sink->offset += (int64_t)len;
	if (fflush(stdout) != 0)
		sink->is_broken = true;
	return !sink->is_broken;
}

/* ---- which job --------------------------------------------------------------- */

/* Without a name: the only one, or the only one that runs, or the only one that failed.
 */
static const struct server_job *
only_one(const struct server_jobs *jobs)
{
	static const enum status order[] = { STATUS_RUNNING, STATUS_FAILED };

	if (jobs->count == 1)
		return &jobs->items[0];
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		const struct server_job *found = NULL;
		size_t count = 0;

		for (size_t k = 0; k < jobs->count; k++)
			if (jobs->items[k].status == order[i]) {
				found = &jobs->items[k];
				count++;
			}
		if (count > 0)
			return count == 1 ? found : NULL;
	}
	return NULL;
}

static int
say_which(const struct server_pipeline *p, const struct server_jobs *jobs)
{
	cleanup_buf struct buf out = BUF_INIT;

	if (jobs->count == 0 || jobs->items == NULL) {
		(void)fprintf(stderr, "pawl: pipeline %" PRId64 " has no jobs\n", p->id);
		return EXIT_INVALID;
	}
	for (size_t i = 0; i < jobs->count; i++) {
		buf_add_str(&out, "  ");
		visible_add(&out, jobs->items[i].name);
		buf_add_char(&out, '\n');
	}
	(void)fprintf(stderr, "pawl: the log of which job? pipeline %" PRId64 " has\n%s",
	    p->id, buf_str(&out));
	return EXIT_INVALID;
}

static int
find_job(struct server_session *s, const struct args *args, struct server_job *out)
{
	const struct server_job *only;
	struct server_pipeline pipeline = { .id = 0 };
	struct server_jobs jobs = { .count = 0 };
	cleanup_buf struct buf name = BUF_INIT;
	int rc;

	if (args_count(args) > 0)
		return server_session_job(s, args_word(args, 0), out);
	rc = server_session_given_pipeline(s, &pipeline);
	if (rc == EXIT_OK)
		rc = server_rows_jobs(&s->link, pipeline.id, s->link.arena, &jobs);
	if (rc != EXIT_OK)
		return rc;
	only = only_one(&jobs);
	if (only == NULL)
		return say_which(&pipeline, &jobs);
	visible_add(&name, only->name);
	(void)fprintf(
	    stderr, "pawl: the log of %s, job %" PRId64 "\n", buf_str(&name), only->id);
	*out = *only;
	return EXIT_OK;
}

static void
say_not_begun(const struct server_job *job, bool follow)
{
	if (job->status == STATUS_MANUAL)
		(void)fprintf(stderr,
		    "pawl: the job waits for a person: pawl play %" PRId64 "\n", job->id);
	else if (job->started_us == 0 && !follow)
		(void)fprintf(stderr, "pawl: the job has not begun%s\n",
		    status_is_completed(job->status) ? ", and will not"
						     : "; -f waits for it");
}

/* ---- the log ----------------------------------------------------------------- */

/* Is the job over? Said and the exit code, where that cannot be known. */
static int
look(struct server_link *l, int64_t id, bool *is_over)
{
	cleanup_arena struct arena *arena = arena_new();
	struct server_job job = { .id = 0 };
	int rc = server_rows_job(l, id, arena, &job);

	*is_over = status_is_completed(job.status);
	return rc;
}

/* Every byte once: a stream that broke goes on where it ended. */
static int
stream(struct server_link *l, int64_t id, bool follow, struct sink *sink)
{
	cleanup_free char *path =
	    xasprintf("/api/v4/projects/%s/jobs/%" PRId64 "/trace%s", l->project, id,
		follow ? "?follow=true" : "");
	cleanup_server_reply struct server_reply r = SERVER_REPLY_INIT;
	bool is_over = !follow;

	for (;;) {
		int rc = EXIT_OK;

		server_call(l,
		    &(struct server_call){ .path = path,
			.from = sink->offset,
			.write = on_bytes,
			.data = sink,
			.endless = true },
		    &r);
		if (sink->is_broken)
			return EXIT_FAILED;
		if (server_reply_is_lost(&r) && server_link_wait(l, &r))
			continue;
		if (!server_reply_is_ok(&r) && r.status != 416)
			return server_link_fail(l, &r, "cannot read the log");
		if (is_over)
			return EXIT_OK;
		rc = look(l, id, &is_over);
		if (rc != EXIT_OK)
			return rc;
		if (!is_over)
			server_link_pause(l, AGAIN_MS);
	}
}

static int
run(const struct args *args)
{
	cleanup_server_session struct server_session s = SERVER_SESSION_INIT;
	struct screen_options screen = { .fd = STDOUT_FILENO };
	struct sink sink = { .is_terminal = isatty(STDOUT_FILENO) == 1 };
	bool follow = args_has(args, "follow");
	struct server_job job = { .id = 0 };
	int rc;

	if (args_count(args) > 1)
		return command_usage_error(args, "takes one job");
	rc = server_session_open(&s, args);
	if (rc == EXIT_OK)
		rc = find_job(&s, args, &job);
	if (rc != EXIT_OK)
		return rc;
	screen_detect(&screen);
	sink.lines.colors = screen.color;
	s.link.is_patient = true;
	say_not_begun(&job, follow);
	rc = stream(&s.link, job.id, follow && !status_is_completed(job.status), &sink);
	lines_end(&sink.lines, on_line, &sink);
	lines_clear(&sink.lines);
	return rc == EXIT_OK && sink.is_broken ? EXIT_FAILED : rc;
}

const struct command command_logs = {
	.name = "logs",
	.usage = "[JOB]",
	.summary = "print the log of a job on the server",
	.description =
	    "JOB is a name in the latest pipeline of HEAD on this branch, or, where HEAD has "
	    "none, of this branch; or a job's id. Without it: the only job, the only one "
	    "that runs, or the only one that failed.\n\n"
	    "In a pipe the bytes are the log's own; a terminal gets its lines and colours, "
	    "and nothing that would move its cursor. With -f the log goes on until the job "
	    "has ended, also across a server that is started again meanwhile.",
	.options = options,
	.run = run,
};
