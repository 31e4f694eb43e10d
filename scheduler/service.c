/* The loop between core and store: events in, effects worked off, changes written. */
#include "scheduler/service.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

#include "base/log.h"
#include "scheduler/disk_watch.h"
#include "scheduler/repos.h"
#include "scheduler/service_internal.h"

#define ACCEPT_S 120
#define STUCK_S 86400 /* in the queue; GitLab's day */
#define ONLINE_S 120
#define SYSTEM_RETRIES 2

int64_t
service_now_us(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_REALTIME, &ts) < 0)
		return 0;
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* ---- tables by id */

struct live_pipeline *
service_find_pipeline(struct service *s, int64_t id)
{
	return idmap_get(&s->pipelines, id);
}

struct live_job *
service_find_job(struct service *s, int64_t id)
{
	return idmap_get(&s->jobs, id);
}

/* ---- effects ------------------------------------------------------------------------
 */

void
service_touch_job(struct service *s, struct live_job *job)
{
	if (job->is_dirty)
		return;
	job->is_dirty = true;
	GROW(s->dirty_jobs, s->dirty_job_count, s->dirty_job_cap);
	s->dirty_jobs[s->dirty_job_count++] = job;
}

void
service_touch_pipeline(struct service *s, struct live_pipeline *p)
{
	if (p->is_dirty)
		return;
	p->is_dirty = true;
	GROW(s->dirty_pipelines, s->dirty_pipeline_count, s->dirty_pipeline_cap);
	s->dirty_pipelines[s->dirty_pipeline_count++] = p;
}

static void on_timer(uv_timer_t *timer);

static void
start_timer(struct service *s, int64_t at_us)
{
	int64_t wait_us = at_us - service_now_us();

	if (at_us == INT64_MAX) {
		uv_timer_stop(s->timer);
		return;
	}
	uv_timer_start(
	    s->timer, on_timer, wait_us > 0 ? (uint64_t)(wait_us + 999) / 1000 : 0, 0);
}

static void
count_job(struct service *s, struct live_job *job, const struct core_job *state)
{
	struct service_figures *f = &s->figures;

	if (state->status == STATUS_RUNNING && job->given_us != 0) {
		histogram_add(&f->pickup, state->started_us - job->given_us);
		job->given_us = 0;
	}
	if (!status_is_completed(state->status))
		return;
	f->ended[state->status]++;
	if (state->started_us != 0)
		histogram_add(&f->run, state->finished_us - state->started_us);
}

static void
log_job(const struct service *s, const struct core_job *job)
{
	const struct live_pipeline *p = idmap_get(&s->pipelines, job->pipeline);
	const struct log_about about = { .project = p == NULL ? 0 : p->project,
		.pipeline = job->pipeline,
		.job = job->id,
		.runner = job->runner,
		.status = status_name(job->status),
		.reason = job->status == STATUS_FAILED ? reason_name(job->reason) : NULL,
		.duration_ms = status_is_completed(job->status) && job->started_us != 0
		    ? (job->finished_us - job->started_us) / 1000
		    : 0 };

	log_event(LOG_INFO, &about, "job %s", job->plan->name);
}

static void
log_pipeline(struct live_pipeline *p, enum status status)
{
	const struct event *e = &p->recipe->event;
	const struct log_about about = { .project = p->project,
		.pipeline = p->id,
		.user = e->user_id,
		.ref = e->ref,
		.source = e->source,
		.status = status_name(status) };

	p->logged = status;
	log_event(LOG_INFO, &about, "pipeline of %s", e->project_path);
}

static void
on_pipeline_changed(struct service *s, int64_t id)
{
	struct live_pipeline *p = service_find_pipeline(s, id);
	enum status status = core_pipeline(s->core, id)->status;

	service_touch_pipeline(s, p);
	if (status_is_completed(status) && p->logged != status)
		log_pipeline(p, status);
}

static void
on_job_changed(struct service *s, int64_t id)
{
	struct live_job *job = service_find_job(s, id);
	const struct core_job *state = core_job(s->core, id);

	assert(job != NULL && state != NULL);
	service_touch_job(s, job);
	if (job->counted == state->status)
		return; /* its place among its tries has changed, or why it waits */
	job->counted = state->status;
	count_job(s, job, state);
	if (state->status == STATUS_RUNNING || status_is_completed(state->status))
		log_job(s, state);
	if (!status_is_completed(state->status))
		return;
	service_end_token(s, job);
	service_close_log(s, job);
	if (state->runner != 0)
		service_follow_up(s, job);
}

static void
act(struct service *s, const struct core_effect *effect)
{
	struct live_pipeline *p;

	switch (effect->type) {
	case CORE_PIPELINE_CREATED:
		p = s->creating;
		p->id = effect->pipeline;
		p->recipe->event.pipeline_id = p->id;
		idmap_set(&s->pipelines, p->id, p);
		s->figures.pipelines++;
		log_pipeline(p, STATUS_CREATED);
		service_touch_pipeline(s, p);
		break;
	case CORE_JOB_CREATED:
		p = service_find_pipeline(s, effect->pipeline);
		service_touch_job(s, service_new_job(p, effect->job));
		break;
	case CORE_JOB_CHANGED:
		on_job_changed(s, effect->job);
		break;
	case CORE_PIPELINE_CHANGED:
		on_pipeline_changed(s, effect->pipeline);
		break;
	case CORE_ASSIGN:
		service_hand_out(s, effect->job, effect->runner);
		break;
	case CORE_CANCEL:
		break; /* the runner hears of it with its next word */
	case CORE_START_DOWNSTREAM:
		service_start_downstream(s, effect->job);
		break;
	case CORE_TIMER:
		start_timer(s, effect->time_us);
		break;
	}
}

/* Effects may send events that add effects: only the outermost call works them off. */
static void
drain(struct service *s)
{
	static const struct core_effect none;

	for (size_t i = 0; i < s->effects.count; i++) {
		struct core_effect effect = s->effects.items[i];

		s->effects.items[i] = none;
		act(s, &effect);
	}
	s->effects.count = 0;
}

/* ---- one write for all that one event leads to ------------------------------------ */

void
service_begin(struct service *s)
{
	if (s->flush == NULL) {
		struct arena *arena = arena_new();

		s->flush = arena_alloc(arena, sizeof(*s->flush));
		s->flush->arena = arena;
		s->flush->service = s;
	}
	s->flush_depth++;
}

void
service_end(struct service *s)
{
	struct flush *f = s->flush;

	assert(s->flush_depth > 0);
	if (--s->flush_depth > 0)
		return;
	s->flush = NULL;
	service_fill_flush(s, f);
	service_submit(s, f);
}

int
service_send(struct service *s, struct core_event event, struct error *err)
{
	bool outermost = !s->is_handling;
	int rc;

	service_begin(s);
	event.time_us = service_now_us();
	s->is_handling = true;
	rc = core_handle(s->core, &event, &s->effects, err);
	if (outermost) {
		drain(s);
		s->is_handling = false;
	}
	service_end(s);
	return rc;
}

/* An event that cannot be refused. */
void
service_tell(struct service *s, struct core_event event)
{
	struct error err = ERROR_INIT;

	if (service_send(s, event, &err) < 0)
		log_error("scheduler: %s", err.msg);
}

static void
on_timer(uv_timer_t *timer)
{
	service_tell(timer->data, (struct core_event){ .type = CORE_TICK });
}

/* ---- watching ------------------------------------------------------------------------
 */

struct service_watch *
service_watch(struct service *s, service_watch_fn fn, void *data)
{
	struct service_watch *w = xcalloc(1, sizeof(*w));

	*w = (struct service_watch){
		.service = s, .fn = fn, .data = data, .next = s->watches
	};
	s->watches = w;
	return w;
}

/* Those that went while they were called are freed when the last call is over. */
static void
sweep_watches(struct service *s)
{
	struct service_watch **at = &s->watches;

	while (*at != NULL) {
		struct service_watch *w = *at;

		if (w->is_gone) {
			*at = w->next;
			free(w);
		} else {
			at = &w->next;
		}
	}
}

void
service_unwatch(struct service_watch *w)
{
	if (w == NULL)
		return;
	w->is_gone = true;
	if (w->service->watch_depth == 0)
		sweep_watches(w->service);
}

void
service_notify(struct service *s, const struct service_change *change)
{
	s->watch_depth++;
	for (struct service_watch *w = s->watches; w != NULL; w = w->next)
		if (!w->is_gone)
			w->fn(w->data, change);
	if (--s->watch_depth == 0)
		sweep_watches(s);
}

/* ---- runners --------------------------------------------------------------------------
 */

void
service_describe_runner(struct service *s, const struct registered_runner *n)
{
	struct core_scope scope = { .kind = n->row.owner == STORE_PROJECT
		    ? CORE_SCOPE_PROJECT
		    : CORE_SCOPE_GROUP,
		.id = n->row.owner_id };
	cleanup_arena struct arena *arena = arena_new();
	const struct runner_facts facts = runner_facts_read(n->row.info, arena);
	struct core_runner runner = {
		.id = n->row.id,
		.name = n->row.description != NULL && *n->row.description != '\0'
		    ? n->row.description
		    : arena_printf(arena, "runner %" PRId64, n->row.id),
		.tags = n->tags,
		.run_untagged = n->row.run_untagged,
		.only_protected = n->row.only_protected,
		.paused = n->row.paused,
		.scopes = &scope,
		.scope_count = n->row.owner == STORE_INSTANCE ? 0 : 1,
		.limit = (int)n->row.limit,
		.timeout_us = n->row.maximum_timeout_s * INT64_C(1000000),
		.accept_us = runner_facts_accept_us(&facts),
		.lease_us = runner_facts_lease_us(&facts),
		.online_until_us = n->row.contacted_us == 0
		    ? 0
		    : n->row.contacted_us + ONLINE_S * INT64_C(1000000),
	};

	service_tell(s,
	    (struct core_event){
		.type = CORE_RUNNER, .runner = n->row.id, .describes = &runner });
	service_notify(s, &(struct service_change){ .runner = n->row.id });
}

void
service_describe_project(struct service *s, const struct project *p)
{
	const struct core_project project = { .id = p->row.id,
		.groups = &p->row.namespace,
		.group_count = 1,
		.limit = (int)s->o.settings->limits.project_jobs };

	service_tell(s, (struct core_event){ .type = CORE_PROJECT, .project = &project });
}

int
service_add_project(struct service *s, const char *path, int64_t user, store_done_fn done,
    void *data, struct project **out, struct error *err)
{
	cleanup_free char *as_written = NULL;

	if (registry_new_path(s->o.registry, path, &as_written, err) < 0 ||
	    repo_create(s->repos_dir, as_written, err) < 0)
		return err->code;
	*out =
	    registry_add_project(s->o.registry, as_written, service_now_us(), done, data);
	service_describe_project(s, *out);
	log_event(LOG_INFO,
	    &(struct log_about){ .project = (*out)->row.id, .user = user },
	    "project %s made", (*out)->row.path);
	return 0;
}

void
service_forget_runner(struct service *s, int64_t id)
{
	service_tell(s, (struct core_event){ .type = CORE_RUNNER_GONE, .runner = id });
	service_notify(s, &(struct service_change){ .runner = id });
}

static bool
describe(struct registered_runner *runner, void *data)
{
	service_describe_runner(data, runner);
	return true;
}

/* ---- life
 * -------------------------------------------------------------------------------- */

static void
on_timer_closed(uv_handle_t *handle)
{
	free(handle);
}

static uv_timer_t *
new_timer(struct service *s)
{
	uv_timer_t *timer = xcalloc(1, sizeof(*timer));

	uv_timer_init(s->o.loop, timer);
	timer->data = s;
	return timer;
}

static bool
describe_project(struct project *p, void *data)
{
	service_describe_project(data, p);
	return true;
}

struct service *
service_new(const struct service_options *options)
{
	struct service *s = xcalloc(1, sizeof(*s));
	const struct store_ids *ids = registry_ids(options->registry);
	const struct core_limits limits = {
		.accept_us = ACCEPT_S * INT64_C(1000000),
		.lease_us = RUNNER_LEASE_US,
		.pending_us = STUCK_S * INT64_C(1000000),
		.online_us = ONLINE_S * INT64_C(1000000),
		.timeout_us = options->settings->limits.timeout_s * INT64_C(1000000),
		.jobs = (int)options->settings->limits.jobs,
		.grace_us = 60 * INT64_C(1000000),
		.system_retries = SYSTEM_RETRIES,
	};

	s->o = *options;
	s->figures.started_us = service_now_us();
	s->variables_version = 1;
	s->repos_dir = xasprintf("%s/repos", options->data_dir);
	s->artifacts_dir = xasprintf("%s/artifacts", options->data_dir);
	s->core = core_new(ids->pipeline, ids->job);
	s->timer = new_timer(s);
	s->retry = new_timer(s);
	s->disk = disk_watch_start(options->loop, options->data_dir);
	service_tell(s, (struct core_event){ .type = CORE_LIMITS, .limits = &limits });
	registry_each_project(options->registry, describe_project, s);
	registry_each_runner(options->registry, describe, s);
	return s;
}

void
service_free(struct service *s)
{
	if (s == NULL)
		return;
	uv_close((uv_handle_t *)s->timer, on_timer_closed);
	uv_close((uv_handle_t *)s->retry, on_timer_closed);
	disk_watch_stop(s->disk);
	core_free(s->core);
	core_effects_clear(&s->effects);
	idmap_for_each(p, &s->pipelines) {
		service_free_pipeline(p->value);
	}
	idmap_for_each(q, &s->polls) {
		struct polls *polls = q->value;

		for (size_t i = 0; i < polls->count; i++)
			free(polls->items[i]);
		free(polls->items);
		free(polls);
	}
	while (s->watches != NULL) {
		struct service_watch *next = s->watches->next;

		free(s->watches);
		s->watches = next;
	}
	service_free_variables(s);
	idmap_clear(&s->pipelines);
	idmap_clear(&s->jobs);
	map_clear(&s->tokens);
	idmap_clear(&s->polls);
	idmap_clear(&s->going);
	map_for_each(e, &s->pushes)
		free(e->value);
	map_clear(&s->pushes);
	free(s->dirty_jobs);
	free(s->dirty_pipelines);
	free(s->repos_dir);
	free(s->artifacts_dir);
	free(s);
}

bool
service_close(struct service *s)
{
	s->is_closing = true;
	return s->afterworks == 0;
}

void
service_drain(struct service *s)
{
	s->is_draining = true;
}

const struct core *
service_core(const struct service *s)
{
	return s->core;
}

struct registry *
service_registry(const struct service *s)
{
	return s->o.registry;
}

struct store *
service_store(const struct service *s)
{
	return s->o.store;
}

struct log_store *
service_logs(const struct service *s)
{
	return s->o.logs;
}

const char *
service_repos_dir(const struct service *s)
{
	return s->repos_dir;
}

const char *
service_artifacts_dir(const struct service *s)
{
	return s->artifacts_dir;
}

const char *
service_server_url(const struct service *s)
{
	return s->o.server_url;
}

const char *
service_data_dir(const struct service *s)
{
	return s->o.data_dir;
}

void
service_write_failed(struct service *s, const struct error *err)
{
	bool is_errno = err->code < 0 && err->code > ERR_INVALID;

	if (err->code == ERR_ENVIRONMENT || is_errno)
		disk_watch_failed(s->disk, err);
}

const char *
service_disk_problem(struct service *s)
{
	return disk_watch_problem(s->disk);
}

const char *
service_socket(const struct service *s)
{
	return s->o.socket;
}

const struct server_settings *
service_settings(const struct service *s)
{
	return s->o.settings;
}

const struct service_figures *
service_figures(const struct service *s)
{
	return &s->figures;
}

const size_t *
service_waits(struct service *s)
{
	struct waits *w = &s->waits;
	uint64_t now_ns = uv_hrtime();

	if (w->counted_ns != 0 && now_ns - w->counted_ns < 100 * w->took_ns)
		return w->counts;
	core_count_waits(s->core, w->counts);
	w->counted_ns = uv_hrtime();
	w->took_ns = w->counted_ns - now_ns;
	return w->counts;
}
