/* Jobs: listed, looked at, their logs and artifacts, retried, canceled, played. */
#include "scheduler/api/jobs.h"

#include <stdio.h>

#include "base/str.h"
#include "scheduler/api/entities.h"
#include "scheduler/api/listing.h"
#include "scheduler/artifact_store.h"
#include "scheduler/log_store.h"
#include "scheduler/service_internal.h"

#define MAX_ARTIFACTS 64
#define MAX_TRIES 100000 /* jobs and their tries in a pipeline */
#define MAX_SINGLE ((size_t)256 << 20)

/* ---- reading --------------------------------------------------------------------------
 */

struct artifact_list {
	struct arena *arena;
	struct store_artifact rows[MAX_ARTIFACTS];
	size_t count;
};

static bool
add_artifact(const struct store_artifact *row, void *data)
{
	struct artifact_list *l = data;
	struct store_artifact *to = &l->rows[l->count];

	*to = *row;
	to->type = arena_strdup(l->arena, row->type);
	to->format = arena_strdup(l->arena, row->format);
	to->filename = arena_strdup(l->arena, row->filename);
	return ++l->count < MAX_ARTIFACTS;
}

static const struct core_wait *
wait_of(const struct reading *r, int64_t job)
{
	for (size_t i = 0; i < r->wait_count; i++)
		if (r->waits[i].job == job)
			return &r->waits[i].wait;
	return NULL;
}

/* On the loop, before the worker reads: the core has it, not the store. */
static void
add_wait(struct reading *r, struct entity_wait *to, int64_t job)
{
	const struct core *core = service_core(r->call->service);

	to->job = job;
	if (!core_explain(core, job, &to->wait) || to->wait.code == CORE_WAIT_NONE)
		return;
	to->wait.tag = arena_strdup(r->arena, to->wait.tag);
	r->wait_count++;
}

static void
add_waits(struct reading *r, int64_t pipeline)
{
	const struct core_pipeline *p =
	    core_pipeline(service_core(r->call->service), pipeline);
	struct entity_wait *waits;

	if (p == NULL)
		return;
	waits = arena_calloc(r->arena, p->job_count, sizeof(*waits));
	r->waits = waits;
	for (size_t i = 0; i < p->job_count; i++)
		add_wait(r, &waits[r->wait_count], p->jobs[i]);
}

/* false: there is none, or no more. */
static bool
read_downstream(struct store_view *v, const struct store_job *job, struct arena *a,
    struct entity_downstream *out)
{
	struct error ignored = ERROR_INIT;

	return job->downstream != 0 &&
	    store_get_pipeline(v, job->downstream, a, &out->pipeline, &ignored) == 0 &&
	    store_get_project(v, out->pipeline.project, a, &out->project, &ignored) == 0;
}

static int
write_job(struct store_view *v, struct reading *r, const struct store_job *job,
    struct error *err)
{
	struct artifact_list l = { .arena = r->arena };
	struct store_pipeline p;
	struct store_runner runner, *who = NULL;
	struct entity_downstream down;
	struct error ignored = ERROR_INIT;

	if (store_get_pipeline(v, job->pipeline, r->arena, &p, err) < 0 ||
	    store_list_artifacts(v, job->id, add_artifact, &l, err) < 0)
		return err->code;
	if (job->runner != 0 &&
	    store_get_runner(v, job->runner, r->arena, &runner, &ignored) == 0)
		who = &runner;
	entity_add_job(&r->writer, job, &p, &r->project,
	    read_downstream(v, job, r->arena, &down) ? &down : NULL, l.rows, l.count, who,
	    wait_of(r, job->id), r->text);
	return 0;
}

struct job_list {
	struct reading *r;
	struct store_view *v;
	struct error *err;
	bool failed;
};

static bool
add_job(const struct store_job *row, void *data)
{
	struct job_list *l = data;

	l->r->last_id = row->id;
	l->failed = write_job(l->v, l->r, row, l->err) < 0;
	return !l->failed;
}

static int
read_jobs(struct store_view *v, struct reading *r, struct error *err)
{
	struct job_list l = { r, v, err, false };

	json_begin_array(&r->writer);
	if (store_list_jobs(v, r->jobs, &r->page, add_job, &l, err) < 0 || l.failed)
		return err->code;
	json_end_array(&r->writer);
	return 0;
}

static int
find_job(struct store_view *v, const struct store_project *project, int64_t id,
    struct arena *a, struct store_job *job, struct error *err)
{
	if (store_get_job(v, id, a, job, err) < 0)
		return err->code;
	if (job->project != project->id)
		return error_set(err, ERR_MISSING, "404 Not Found");
	return 0;
}

static int
read_job(struct store_view *v, struct reading *r, struct error *err)
{
	struct store_job job;

	if (find_job(v, &r->project, r->id, r->arena, &job, err) < 0)
		return err->code;
	return write_job(v, r, &job, err);
}

struct scopes {
	struct arena *arena;
	const char **items;
	size_t count, cap;
};

static void
add_scope(const char *name, const char *value, void *data)
{
	struct scopes *s = data;

	if (!str_eq(name, "scope[]") && !str_eq(name, "scope"))
		return;
	ARENA_GROW(s->arena, s->items, s->count, s->cap);
	s->items[s->count++] = arena_strdup(s->arena, value);
}

static bool
read_scopes(struct call *c, struct store_job_filter *f)
{
	struct scopes scopes = { .arena = c->arena };
	enum status status;

	http_each_query(c->request, add_scope, &scopes);
	for (size_t i = 0; i < scopes.count; i++)
		if (!status_parse(scopes.items[i], &status)) {
			api_refuse(c, "scope does not have a valid value");
			return false;
		}
	if (scopes.count > 0) {
		add_scope("scope", NULL, &scopes);
		f->statuses = scopes.items;
	}
	return true;
}

static void
list(struct call *c, int64_t pipeline, struct project *p)
{
	struct store_job_filter *f = arena_alloc(c->arena, sizeof(*f));
	struct reading *r;
	bool with_retried = pipeline == 0, without_retried = false;

	if (!query_bool(c, "include_retried", &with_retried, &without_retried) ||
	    !read_scopes(c, f))
		return;
	f->project = p->row.id;
	f->pipeline = pipeline;
	f->with_retried = pipeline == 0 || with_retried;
	r = reading_of_project(c, p, true);
	reading_by_keyset(r);
	r->jobs = f;
	if (pipeline != 0)
		add_waits(r, pipeline);
	reading_start(r, read_jobs);
}

static void
list_jobs(struct call *c)
{
	struct project *p = api_project(c, 0);

	if (p != NULL)
		list(c, 0, p);
}

static void
list_pipeline_jobs(struct call *c)
{
	struct project *p = api_project(c, 0);
	int64_t id;

	if (p != NULL && api_id(c, 1, &id))
		list(c, id, p);
}

/* Those of a resource group that are to come. */
static void
list_upcoming(struct call *c)
{
	static const char *const statuses[] = { "created", "scheduled",
		"waiting_for_resource", NULL };
	struct project *p = api_project(c, 0);
	struct store_job_filter *f;
	struct reading *r;

	if (p == NULL)
		return;
	r = reading_of_project(c, p, true);
	f = arena_alloc(r->arena, sizeof(*f));
	f->project = p->row.id;
	f->statuses = statuses;
	f->resource_group = arena_strdup(r->arena, c->params[1]);
	r->page.ascending = true;
	r->jobs = f;
	reading_start(r, read_jobs);
}

void
send_job(struct call *c, struct project *p, int64_t id, int status)
{
	struct reading *r = reading_of_project(c, p, false);

	struct entity_wait *wait = arena_alloc(r->arena, sizeof(*wait));

	r->id = id;
	r->status = status;
	r->waits = wait;
	add_wait(r, wait, id);
	reading_start(r, read_job);
}

static void
get_job(struct call *c)
{
	struct project *p = api_project(c, 0);
	int64_t id;

	if (p != NULL && api_id(c, 1, &id))
		send_job(c, p, id, 200);
}

/* Of the same job of the pipeline, the first one first. */
struct tries {
	struct json_writer *w;
	int64_t index;
};

static bool
add_try(const struct store_job *row, void *data)
{
	struct tries *t = data;

	if (row->index != t->index)
		return true;
	json_begin_object(t->w);
	json_put_int(t->w, "id", row->id);
	json_put_int(t->w, "attempt", row->attempt);
	json_put_string(t->w, "status", status_name(row->status));
	json_put_string(t->w, "reason", reason_name(row->reason));
	json_put_string(t->w, "cause", row->cause);
	json_put_bool(t->w, "allow_failure", row->allow_failure || row->warned);
	entity_put_time(t->w, "started_at", row->started_us);
	entity_put_time(t->w, "finished_at", row->finished_us);
	json_end_object(t->w);
	return true;
}

static int
read_tries(struct store_view *v, struct reading *r, struct error *err)
{
	struct store_page page = { .limit = MAX_TRIES, .ascending = true };
	struct store_job job;
	struct store_job_filter f = { .with_retried = true };
	struct tries t = { .w = &r->writer };

	if (find_job(v, &r->project, r->id, r->arena, &job, err) < 0)
		return err->code;
	f.project = job.project;
	f.pipeline = job.pipeline;
	t.index = job.index;
	json_begin_array(&r->writer);
	if (store_list_jobs(v, &f, &page, add_try, &t, err) < 0)
		return err->code;
	json_end_array(&r->writer);
	return 0;
}

static void
get_tries(struct call *c)
{
	struct reading *r = reading_of_member(c);

	if (r != NULL)
		reading_start(r, read_tries);
}

/* ---- what needs the job's row first
 * -------------------------------------------------------- */

static int
read_row(struct store_view *v, void *data, struct error *err)
{
	struct wanted *w = data;

	return find_job(v, &w->project->row, w->id, w->call->arena, &w->job, err);
}

static void
on_row(void *data, const struct error *err)
{
	struct wanted *w = data;

	if (err->code == 0) {
		w->then(w);
		return;
	}
	if (err->code == ERR_MISSING)
		api_error(w->call, 404, "404 Not Found");
	else
		api_fail(w->call, err);
	api_let_go(w->call);
}

struct wanted *
want_job(struct call *c, void (*then)(struct wanted *w))
{
	struct wanted *w = arena_alloc(c->arena, sizeof(*w));

	w->call = c;
	w->then = then;
	w->project = api_project(c, 0);
	if (w->project == NULL || !api_id(c, 1, &w->id))
		return NULL;
	api_hold(c);
	store_read(service_store(c->service), read_row, on_row, w);
	return w;
}

/* ---- actions
 * ----------------------------------------------------------------------------------- */

static void
on_acted(void *data, int64_t job, const struct error *err)
{
	struct wanted *w = data;
	struct call *c = w->call;

	if (err->code != 0)
		api_fail(c, err);
	else
		send_job(c, w->project, job, w->action == CORE_PLAY ? 200 : 201);
	api_let_go(c);
}

static void
act(struct wanted *w)
{
	if (w->action == CORE_PLAY) {
		service_play(w->call->service, w->job.pipeline, w->id, w->vars,
		    w->var_count, on_acted, w);
		return;
	}
	service_act(w->call->service, w->job.pipeline,
	    &(struct core_event){ .type = w->action, .job = w->id }, on_acted, w);
}

static void
start_action(struct call *c, enum core_event_type action)
{
	struct wanted *w = want_job(c, act);

	if (w != NULL)
		w->action = action;
}

static void
retry_job(struct call *c)
{
	start_action(c, CORE_RETRY);
}

static void
cancel_job(struct call *c)
{
	start_action(c, CORE_CANCEL_JOB);
}

struct play {
	struct api_variable *vars;
	size_t count;
};

static const struct json_field play_fields[] = {
	{ JSON_COUNTED("job_variables_attributes", OBJECTS, struct play, vars, count),
	    .shape = &api_variable_shape },
	{ NULL },
};
static const struct json_shape play_shape = { play_fields, sizeof(struct play) };

static void
play_job(struct call *c)
{
	struct play q = { .vars = NULL };
	const struct var *vars;
	struct wanted *w;

	if (!api_read(c, &play_shape, &q) ||
	    !api_variables(c, "job_variables_attributes", q.vars, q.count, &vars))
		return;
	w = want_job(c, act);
	if (w == NULL)
		return;
	w->action = CORE_PLAY;
	w->vars = vars;
	w->var_count = q.count;
}

/* ---- the log
 * --------------------------------------------------------------------------------------
 */

/* Whole, a range, or with follow=true to its end as it is written. */
static void
send_trace(struct wanted *w)
{
	struct call *c = w->call;
	const char *follow = c->is_gone ? NULL : http_query(c->request, "follow");

	if (c->is_gone)
		; /* before his job was found */
	else if (follow != NULL && str_eq(follow, "true"))
		api_follow_log(c, w->id, 0, false);
	else
		api_send_log(c, w->id);
	api_let_go(c);
}

/* Resumed where the browser's last event ended. */
static void
send_events(struct wanted *w)
{
	struct call *c = w->call;
	const char *last = c->is_gone ? NULL : http_header(c->request, "Last-Event-ID");
	int64_t from;

	if (last == NULL || !str_to_int64(last, &from) || from < 0)
		from = 0;
	if (!c->is_gone)
		api_follow_log(c, w->id, from, true);
	api_let_go(c);
}

static void
get_events(struct call *c)
{
	(void)want_job(c, send_events);
}

static void
send_usage(struct wanted *w)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;
	struct call *c = w->call;

	if (log_store_read_usage(service_logs(c->service), w->id, &text, &err) == 0)
		api_reply(c, 200, "text/plain", text.data, text.len);
	else if (err.code == ERR_MISSING)
		api_empty(c, 204); /* no mistake: most runners send none */
	else
		api_fail(c, &err);
	api_let_go(c);
}

static void
get_usage(struct call *c)
{
	(void)want_job(c, send_usage);
}

static void
get_trace(struct call *c)
{
	(void)want_job(c, send_trace);
}

/* ---- artifacts
 * ---------------------------------------------------------------------------------------
 */

/* The archive, or with file_type=junit and so on a report as it was uploaded. */
static void
send_archive(struct wanted *w)
{
	struct call *c = w->call;
	const char *type = c->is_gone ? NULL : http_query(c->request, "file_type");

	if (type == NULL || str_eq(type, "archive"))
		api_send_artifact(c, w->id, "archive", NULL);
	else
		api_send_artifact(c, w->id, type, type);
	api_let_go(c);
}

static void
get_artifacts(struct call *c)
{
	(void)want_job(c, send_archive);
}

struct single {
	struct wanted *wanted;
	struct buf text;
};

static int
read_single(struct store_view *v UNUSED, void *data, struct error *err)
{
	struct single *s = data;
	const struct call *c = s->wanted->call;

	return artifact_store_read(service_artifacts_dir(c->service), s->wanted->id,
	    c->params[2], MAX_SINGLE, &s->text, err);
}

static void
on_single(void *data, const struct error *err)
{
	struct single *s = data;
	struct call *c = s->wanted->call;

	if (err->code == ERR_MISSING)
		api_error(c, 404, "404 Not Found");
	else if (err->code != 0)
		api_fail(c, err);
	else
		send_artifact_file(c, c->params[2], &s->text);
	buf_clear(&s->text);
	api_let_go(c);
}

static void
send_single(struct wanted *w)
{
	struct single *s = arena_alloc(w->call->arena, sizeof(*s));

	s->wanted = w;
	store_read(service_store(w->call->service), read_single, on_single, s);
}

static void
get_artifact_file(struct call *c)
{
	(void)want_job(c, send_single);
}

const struct api_route api_job_routes[] = {
	{ "GET", "/api/v4/projects/:id/jobs", API_READ, list_jobs },
	{ "GET", "/api/v4/projects/:id/pipelines/:pipeline/jobs", API_READ,
	    list_pipeline_jobs },
	{ "GET", "/api/v4/projects/:id/jobs/:job", API_READ, get_job },
	{ "GET", "/api/v4/projects/:id/jobs/:job/trace", API_READ, get_trace },
	{ "GET", "/api/pawl/v1/projects/:id/jobs/:job/log/events", API_READ, get_events },
	{ "GET", "/api/pawl/v1/projects/:id/jobs/:job/usage", API_READ, get_usage },
	{ "GET", "/api/pawl/v1/projects/:id/jobs/:job/tries", API_READ, get_tries },
	{ "GET", "/api/v4/projects/:id/jobs/:job/artifacts", API_READ, get_artifacts },
	{ "GET", "/api/v4/projects/:id/jobs/:job/artifacts/*path", API_READ,
	    get_artifact_file },
	{ "GET", "/api/v4/projects/:id/resource_groups/:group/upcoming_jobs", API_READ,
	    list_upcoming },
	{ "POST", "/api/v4/projects/:id/jobs/:job/retry", API_WRITE, retry_job },
	{ "POST", "/api/v4/projects/:id/jobs/:job/cancel", API_WRITE, cancel_job },
	{ "POST", "/api/v4/projects/:id/jobs/:job/play", API_WRITE, play_job },
	{ NULL },
};
