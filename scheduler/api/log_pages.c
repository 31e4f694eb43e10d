/*
 * A log as pages show it: GET …/jobs/:job/log/lines, outline, search. All of it is read
 * by workers, which stop when nobody waits for the answer any more. Outline and search
 * read whole logs, seconds of work: only some do at once, and the others wait their turn,
 * so that workers are left for all else.
 */
#include <uv.h>

#include "base/json_writer.h"
#include "base/str.h"
#include "scheduler/api/jobs.h"
#include "scheduler/api/listing.h"
#include "scheduler/log_view.h"
#include "scheduler/service_internal.h"

/* Of the four threads that libuv has. */
#define WHOLE_AT_ONCE 2

struct look {
	uv_work_t work;
	struct wanted *wanted;
	struct log_reader *reader;
	struct buf body;
	struct error error;
	atomic_bool cancel;
	bool is_complete; /* nothing will be added */
	bool is_whole;    /* it reads all of the log … */
	bool is_running;  /* … now; else it waits its turn */
	int (*fn)(struct look *l, struct json_writer *w, struct error *err);
	int64_t from, count;
	const char *colour; /* that the line from begins with */
	struct log_search search;
};

static int
write_lines(struct look *l, struct json_writer *w, struct error *err)
{
	return log_view_lines(l->reader, l->from, l->count, w, err);
}

static int
write_outline(struct look *l, struct json_writer *w, struct error *err)
{
	return log_view_outline(l->reader, l->from, l->colour, w, &l->cancel, err);
}

static int
write_search(struct look *l, struct json_writer *w, struct error *err)
{
	return log_view_search(l->reader, &l->search, w, &l->cancel, err);
}

static void
on_work(uv_work_t *work)
{
	struct look *l = work->data;
	struct json_writer w = JSON_WRITER_INIT(&l->body);

	json_begin_object(&w);
	if (l->fn(l, &w, &l->error) < 0)
		return;
	json_put_bool(&w, "complete", l->is_complete);
	json_end_object(&w);
}

static void on_worked(uv_work_t *work, int status);

static void
run(struct look *l)
{
	l->is_running = true;
	l->work.data = l;
	uv_queue_work(api_loop(l->wanted->call), &l->work, on_work, on_worked);
}

static void
drop(struct look *l)
{
	struct call *c = l->wanted->call;

	log_reader_close(l->reader);
	buf_clear(&l->body);
	c->data = NULL;
	api_let_go(c);
}

static void on_gone(struct call *c);

/* Of those who read a whole log: how many run, and who has waited longest. */
static size_t
count_whole(const struct api *api, struct look **waiting)
{
	size_t running = 0;

	*waiting = NULL;
	for (struct call *c = api_calls(api); c != NULL; c = c->next) { /* newest first */
		struct look *l = c->on_gone == on_gone ? c->data : NULL;

		if (l == NULL || !l->is_whole)
			continue;
		if (l->is_running)
			running++;
		else
			*waiting = l;
	}
	return running;
}

static void
on_worked(uv_work_t *work, int status UNUSED)
{
	struct look *l = work->data;
	struct call *c = l->wanted->call;
	struct api *api = c->api;
	const bool was_whole = l->is_whole;
	struct look *next;

	if (l->error.code != 0)
		api_fail(c, &l->error);
	else
		api_json(c, 200, &l->body);
	drop(l);
	if (was_whole && count_whole(api, &next) < WHOLE_AT_ONCE && next != NULL)
		run(next);
}

static void
on_gone(struct call *c)
{
	struct look *l = c->data;

	if (l != NULL && !l->is_running)
		drop(l);
	else if (l != NULL)
		atomic_store(&l->cancel, true);
}

/* A job that has not said anything has an empty log. */
static void
start(struct wanted *w)
{
	struct call *c = w->call;
	struct look *l = c->data, *first;
	int rc;

	l->wanted = w;
	l->is_complete = status_is_completed(w->job.status);
	rc = log_reader_open(service_logs(c->service), w->id, &l->reader, &l->error);
	if (rc == ERR_MISSING && w->job.erased_us == 0)
		rc = l->error.code = 0;
	if (rc < 0 || c->is_gone) {
		if (rc == ERR_MISSING)
			api_error(c, 404, "404 Not Found: this log was erased");
		else
			api_fail(c, &l->error);
		drop(l);
		return;
	}
	c->on_gone = on_gone;
	if (!l->is_whole || count_whole(c->api, &first) < WHOLE_AT_ONCE)
		run(l);
}

static struct look *
look(struct call *c, int (*fn)(struct look *l, struct json_writer *w, struct error *err))
{
	struct look *l = arena_calloc(c->arena, 1, sizeof(*l));

	l->fn = fn;
	c->data = l;
	return l;
}

static void
get_lines(struct call *c)
{
	struct look *l = look(c, write_lines);

	l->count = LOG_VIEW_LINES;
	if (api_project(c, 0) != NULL && query_id(c, "count", &l->count) &&
	    query_id(c, "from", &l->from))
		(void)want_job(c, start);
}

static void
get_outline(struct call *c)
{
	struct look *l = look(c, write_outline);

	l->colour = query_text(c, "colour");
	l->is_whole = true;
	if (api_project(c, 0) != NULL && query_id(c, "from", &l->from))
		(void)want_job(c, start);
}

static void
get_search(struct call *c)
{
	struct look *l = look(c, write_search);
	bool is_regex = false, match_case = false, other;

	l->is_whole = true;
	l->search.text = query_text(c, "q");
	if (api_project(c, 0) == NULL)
		return;
	if (!query_bool(c, "regex", &is_regex, &other) ||
	    !query_bool(c, "case", &match_case, &other))
		return;
	if (l->search.text == NULL) {
		api_refuse(c, "q is missing");
		return;
	}
	l->search.is_regex = is_regex;
	l->search.match_case = match_case;
	(void)want_job(c, start);
}

#define LOG "/api/pawl/v1/projects/:id/jobs/:job/log"

const struct api_route api_log_routes[] = {
	{ "GET", LOG "/lines", API_READ, get_lines },
	{ "GET", LOG "/outline", API_READ, get_outline },
	{ "GET", LOG "/search", API_READ, get_search },
	{ NULL },
};
