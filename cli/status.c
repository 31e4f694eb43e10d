/* pawl status: how a pipeline on the server stands, and following it to its end. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/visible.h"
#include "cli/commands.h"
#include "cli/server_session.h"
#include "cli/server_show.h"

#define LOOK_MS 1000
#define FIRST_LOOKS 20 /* which come faster: many a pipeline is over soon */
#define FIRST_LOOK_MS 200
#define DRAW_MS 100

static const struct option_row own_options[] = {
	{ 'w', "wait", NULL,
	    "follow it until it ends; exit with 0 if it passed, else 1" },
	{ 0, "json", NULL, "print one object, with wait at the end" },
	{ 0 },
};

static const struct option_row *const options[] = { own_options, server_options, NULL };

struct following {
	struct server_session session;
	struct screen *screen; /* NULL: JSON */
	int64_t id;
};

static int64_t
now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Nothing will happen by itself any more; a blocked pipeline waits for a person. */
static bool
is_over(const struct server_pipeline *p)
{
	return status_is_completed(p->status) || p->status == STATUS_MANUAL;
}

static int
verdict(const struct server_pipeline *p)
{
	return p->status == STATUS_FAILED || p->status == STATUS_CANCELED ? EXIT_FAILED
									  : EXIT_OK;
}

/* ---- reading ----------------------------------------------------------------- */

/* The pipeline first: when that is over, so are its jobs. */
static int
look(struct server_link *l, int64_t id, struct arena *arena, struct server_pipeline *p,
    struct server_jobs *jobs)
{
	int rc = server_rows_pipeline(l, id, arena, p);

	if (rc == EXIT_OK)
		rc = server_rows_jobs(l, id, arena, jobs);
	return rc;
}

/* ---- showing ----------------------------------------------------------------- */

static void
show_errors(struct screen *screen, const char *errors, struct arena *arena)
{
	char *copy = arena_strdup(arena, errors), *save = NULL;

	for (char *line = strtok_r(copy, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save))
		screen_message(screen, "  %s", server_show_text(line, arena));
}

static void
begin(struct following *s, const struct server_pipeline *p,
    const struct server_jobs *jobs, struct arena *arena)
{
	struct screen_options screen = { .fd = STDOUT_FILENO };
	size_t width = 0;

	screen_detect(&screen);
	for (size_t i = 0; i < jobs->count; i++) {
		size_t n = visible_width(jobs->items[i].name);

		width = n > width ? n : width;
	}
	s->screen = screen_new(&screen, width);
	screen_pipeline_started(s->screen, p->id, p->name,
	    server_show_text(p->ref, arena), server_show_text(p->sha, arena), NULL,
	    jobs->count, now_us());
	if (p->web_url != NULL)
		screen_message(s->screen, "%s", server_show_text(p->web_url, arena));
	if (p->errors != NULL)
		show_errors(s->screen, p->errors, arena);
}

/* The table, and what became of it all. */
static void
finish(struct following *s, const struct server_pipeline *p,
    const struct server_jobs *jobs, struct arena *arena)
{
	cleanup_buf struct buf json = BUF_INIT;
	int64_t start = p->started_us != 0 ? p->started_us : p->created_us;
	int64_t end = p->finished_us != 0 ? p->finished_us : now_us();

	if (s->screen == NULL) {
		server_show_json(p, jobs, arena, &json);
		(void)fwrite(json.data, 1, json.len, stdout);
		return;
	}
	screen_pipeline_finished(s->screen, p->id, p->status,
	    server_show_has_warnings(jobs), server_show_jobs(jobs, arena), jobs->count,
	    start, end > start ? end : start);
}

static void
show_changes(struct following *s, const struct server_jobs *jobs, struct arena *arena)
{
	const struct screen_job *rows;

	if (s->screen == NULL)
		return;
	rows = server_show_jobs(jobs, arena);
	for (size_t i = 0; i < jobs->count; i++)
		screen_job_changed(s->screen, &rows[i], now_us());
}

static void
pause_drawing(struct following *s, int64_t ms)
{
	for (; ms > 0; ms -= DRAW_MS) {
		if (s->screen != NULL)
			screen_tick(s->screen, now_us());
		server_link_pause(&s->session.link, DRAW_MS);
	}
}

/* ---- the command ------------------------------------------------------------- */

static int
follow(struct following *s)
{
	s->session.link.is_patient = true;
	for (size_t looks = 0;; looks++) {
		cleanup_arena struct arena *arena = arena_new();
		struct server_pipeline p;
		struct server_jobs jobs;
		int rc = look(&s->session.link, s->id, arena, &p, &jobs);

		if (rc != EXIT_OK)
			return rc;
		show_changes(s, &jobs, arena);
		if (is_over(&p)) {
			finish(s, &p, &jobs, arena);
			return verdict(&p);
		}
		pause_drawing(s, looks < FIRST_LOOKS ? FIRST_LOOK_MS : LOOK_MS);
	}
}

static int
show(struct following *s, const struct args *args)
{
	struct arena *arena = s->session.link.arena;
	struct server_pipeline p;
	struct server_jobs jobs;
	int rc = look(&s->session.link, s->id, arena, &p, &jobs);

	if (rc != EXIT_OK)
		return rc;
	if (!args_has(args, "json"))
		begin(s, &p, &jobs, arena);
	if (args_has(args, "wait"))
		return follow(s);
	finish(s, &p, &jobs, arena);
	return EXIT_OK;
}

static int
run(const struct args *args)
{
	struct following s = { .session = SERVER_SESSION_INIT };
	struct server_pipeline found;
	int rc;

	if (args_count(args) > 1)
		return command_usage_error(args, "takes one pipeline");
	rc = server_session_open(&s.session, args);
	if (rc == EXIT_OK)
		rc = server_session_pipeline(&s.session,
		    args_count(args) > 0 ? args_word(args, 0) : NULL,
		    args_has(args, "wait"), &found);
	if (rc == EXIT_OK) {
		s.id = found.id;
		rc = show(&s, args);
	}
	screen_free(s.screen);
	server_session_close(&s.session);
	return rc;
}

const struct command command_status = {
	.name = "status",
	.usage = "[PIPELINE]",
	.summary = "show how a pipeline on the server stands",
	.description =
	    "Shows the pipeline of that id, or the latest one of HEAD on this branch, or, "
	    "where HEAD has none, the latest one of this branch: each job with its stage, "
	    "status, time, and why it is so: what it waits for, what failed.\n\n"
	    "With --wait it follows the pipeline, says what changes, and ends when it "
	    "has ended: with 0 if it passed, also if it waits for a manual job, and "
	    "with 1 if it failed or was canceled. A server that goes away meanwhile is "
	    "waited for; one that stays away for a minute is exit code 75. With --wait, "
	    "HEAD itself must have a pipeline.",
	.options = options,
	.run = run,
};
