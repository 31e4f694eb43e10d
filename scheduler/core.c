/* The core's doors: events come in, what it knows can be looked at. */
#include "scheduler/core.h"

#include "scheduler/core_internal.h"

struct core *
core_new(int64_t next_pipeline_id, int64_t next_job_id)
{
	struct core *core = xcalloc(1, sizeof(*core));

	core->next_pipeline = next_pipeline_id;
	core->next_job = next_job_id;
	core->told_us = NEVER;
	core->delays = (struct ranked)RANKED_INIT(core_compare_timers);
	core->leases = (struct ranked)RANKED_INIT(core_compare_timers);
	core->fresh_lanes = (struct ranked)RANKED_INIT(core_compare_fresh);
	return core;
}

static void
free_all(struct core *core)
{
	cleanup_free struct pipeline **pipelines =
	    xcalloc(core->pipelines.count, sizeof(struct pipeline *));
	size_t count = 0;

	idmap_for_each(e, &core->pipelines)
		pipelines[count++] = e->value;
	for (size_t i = 0; i < count; i++)
		core_free_pipeline(core, pipelines[i]);
}

int64_t
core_take_pipeline_id(struct core *core)
{
	return core->next_pipeline++;
}

void
core_free(struct core *core)
{
	if (core == NULL)
		return;
	free_all(core);
	idmap_for_each(e, &core->runners)
		core_runner_free(core, e->value);
	idmap_for_each(e, &core->projects)
		core_project_free(e->value);
	core_free_resources(core);
	idmap_clear(&core->jobs);
	idmap_clear(&core->pipelines);
	idmap_clear(&core->runners);
	idmap_clear(&core->projects);
	map_clear(&core->lines);
	map_clear(&core->tags);
	map_clear(&core->lanes);
	map_clear(&core->posts);
	map_clear(&core->buckets);
	free(core);
}

void
core_effects_clear(struct core_effects *effects)
{
	free(effects->items);
	*effects = (struct core_effects)CORE_EFFECTS_INIT;
}

struct job *
core_find_job(const struct core *core, int64_t id)
{
	return idmap_get(&core->jobs, id);
}

struct pipeline *
core_find_pipeline(const struct core *core, int64_t id)
{
	return idmap_get(&core->pipelines, id);
}

void
core_emit(struct core *core, enum core_effect_type type, int64_t pipeline, int64_t job)
{
	struct core_effects *e = core->effects;

	GROW(e->items, e->count, e->cap);
	e->items[e->count++] = (struct core_effect){
		.type = type, .pipeline = pipeline, .job = job, .time_us = core->now_us
	};
}

static int
start_job(struct core *core, struct job *job, struct error *err)
{
	if (job->pub.status == STATUS_CANCELING || job->pub.status == STATUS_RUNNING)
		return 0; /* a cancel crossed the start, or it was said twice */
	if (job->pub.status != STATUS_PENDING)
		return error_set(err, ERR_INVALID,
		    "job %" PRId64 " is %s and cannot start", job->pub.id,
		    status_name(job->pub.status));
	core_set_status(core, job, STATUS_RUNNING, REASON_NONE, 0);
	return 0;
}

static int
release_job(struct core *core, struct job *job, struct error *err)
{
	if (job->pub.status != STATUS_PENDING)
		return error_set(err, ERR_INVALID,
		    "job %" PRId64 " is %s and cannot be given back", job->pub.id,
		    status_name(job->pub.status));
	core_give_back(core, job);
	return 0;
}

/* What a runner says counts only while it has the job. */
static int
handle_runner_word(
    struct core *core, struct job *job, const struct core_event *event, struct error *err)
{
	if (!job->assigned || (event->runner != 0 && event->runner != job->pub.runner))
		return error_set(err, ERR_INVALID,
		    "job %" PRId64 " is %s and does not belong to runner %" PRId64,
		    job->pub.id, status_name(job->pub.status), event->runner);
	core_heard_of(core, job->pub.runner);
	if (event->type == CORE_STARTED)
		return start_job(core, job, err);
	if (event->type == CORE_FINISHED)
		return core_finish(core, job, event, err);
	if (event->type == CORE_RELEASE)
		return release_job(core, job, err);
	core_lease(core, job);
	return 0;
}

static int
handle_job_event(struct core *core, const struct core_event *event, struct error *err)
{
	struct job *job = core_find_job(core, event->job);

	if (job == NULL)
		return error_set(
		    err, ERR_INVALID, "there is no job %" PRId64, event->job);
	switch ((int)event->type) {
	case CORE_PLAY:
		return core_play(core, job, err);
	case CORE_RETRY:
		return core_retry(core, job, err);
	case CORE_CANCEL_JOB:
		return core_cancel_job(core, job, event->force, err);
	case CORE_DOWNSTREAM:
		return core_downstream_failed(core, job, event, err);
	default:
		return handle_runner_word(core, job, event, err);
	}
}

static void
set_priority(struct core *core, struct job *job, int priority)
{
	bool queued = job->lane != NULL;

	if (queued)
		core_queue_remove(core, job);
	job->pub.priority = priority;
	if (queued) {
		core_queue_add(core, job);
		core_watch(core, job);
	}
	core_emit(core, CORE_JOB_CHANGED, job->pub.pipeline, job->pub.id);
}

static int
prioritize(struct core *core, const struct core_event *event, struct error *err)
{
	struct job *job = core_find_job(core, event->job);
	struct pipeline *p = core_find_pipeline(core, event->pipeline);

	if (event->job != 0 ? job == NULL : p == NULL)
		return error_set(
		    err, ERR_INVALID, "there is no such job or pipeline to prioritize");
	if (event->job != 0) {
		set_priority(core, job, event->priority);
		return 0;
	}
	p->pub.priority = event->priority;
	for (size_t i = 0; i < p->pub.plan->job_count; i++)
		if (p->slots[i].latest != NULL)
			set_priority(core, p->slots[i].latest, event->priority);
	core_emit(core, CORE_PIPELINE_CHANGED, p->pub.id, 0);
	return 0;
}

/* Every deadline is set anew. */
static void
set_limits(struct core *core, const struct core_limits *limits)
{
	core->limits = *limits;
	idmap_for_each(e, &core->jobs)
		core_watch(core, e->value);
}

static int
handle_pipeline_event(
    struct core *core, const struct core_event *event, struct error *err)
{
	struct pipeline *p = core_find_pipeline(core, event->pipeline);

	if (p == NULL)
		return error_set(
		    err, ERR_INVALID, "there is no pipeline %" PRId64, event->pipeline);
	if (event->type == CORE_RETRY_PIPELINE)
		return core_retry_pipeline(core, p, err);
	if (event->type == CORE_FORGET_PIPELINE)
		return core_forget_pipeline(core, p, err);
	core_cancel_pipeline(core, p);
	return 0;
}

static int
handle(struct core *core, const struct core_event *event, struct error *err)
{
	switch (event->type) {
	case CORE_CREATE_PIPELINE:
		return core_create_pipeline(core, event, err);
	case CORE_LOAD_PIPELINE:
		return core_load_pipeline(core, event, err);
	case CORE_FORGET_PIPELINE:
	case CORE_CANCEL_PIPELINE:
	case CORE_RETRY_PIPELINE:
		return handle_pipeline_event(core, event, err);
	case CORE_PLAY:
	case CORE_RETRY:
	case CORE_CANCEL_JOB:
	case CORE_STARTED:
	case CORE_HEARTBEAT:
	case CORE_FINISHED:
	case CORE_RELEASE:
	case CORE_DOWNSTREAM:
		return handle_job_event(core, event, err);
	case CORE_PRIORITY:
		return prioritize(core, event, err);
	case CORE_REQUEST:
		return core_request(core, event->runner, err);
	case CORE_WITHDRAW:
		core_withdraw(core, event->runner);
		return 0;
	case CORE_RUNNER:
		core_describe_runner(core, event->describes);
		return 0;
	case CORE_RUNNER_GONE:
		return core_runner_gone(core, event->runner, err);
	case CORE_PROJECT:
		core_describe_project(core, event->project);
		return 0;
	case CORE_LIMITS:
		set_limits(core, event->limits);
		return 0;
	case CORE_RESOURCE_GROUP:
		core_set_mode(core, event->resource_group);
		return 0;
	case CORE_LOADING:
		core->loading = event->loading;
		return 0;
	case CORE_TICK:
		core_tick(core);
		return 0;
	}
	return error_set(err, ERR_INVALID, "no event: %d", (int)event->type);
}

int
core_handle(struct core *core, const struct core_event *event,
    struct core_effects *effects, struct error *err)
{
	int rc;

	core->effects = effects;
	core_advance(core, event->time_us);
	rc = handle(core, event, err);
	core_settle(core);
	core_assign(core);
	core_tell_timer(core, event->type == CORE_TICK);
	core->effects = NULL;
	return rc;
}

const struct core_job *
core_job(const struct core *core, int64_t id)
{
	const struct job *job = core_find_job(core, id);

	return job == NULL ? NULL : &job->pub;
}

const struct core_pipeline *
core_pipeline(const struct core *core, int64_t id)
{
	const struct pipeline *p = core_find_pipeline(core, id);

	return p == NULL ? NULL : &p->pub;
}

const struct core_job *
core_latest(const struct core *core, int64_t pipeline, size_t plan_job)
{
	const struct pipeline *p = core_find_pipeline(core, pipeline);

	if (p == NULL || plan_job >= p->pub.plan->job_count ||
	    p->slots[plan_job].latest == NULL)
		return NULL;
	return &p->slots[plan_job].latest->pub;
}

const char *
core_cause_name(enum core_cause cause)
{
	static const char *const names[] = {
		[CORE_FIRST_TRY] = "first_try",
		[CORE_RETRY_BY_FILE] = "file",
		[CORE_RETRY_BY_SYSTEM] = "system",
		[CORE_RETRY_BY_PERSON] = "person",
	};

	return names[cause];
}

static const char *const mode_names[] = {
	[CORE_UNORDERED] = "unordered",
	[CORE_OLDEST_FIRST] = "oldest_first",
	[CORE_NEWEST_FIRST] = "newest_first",
	[CORE_NEWEST_READY_FIRST] = "newest_ready_first",
};

const char *
core_process_mode_name(enum core_process_mode mode)
{
	return mode_names[mode];
}

bool
core_process_mode_parse(const char *name, enum core_process_mode *out)
{
	for (size_t i = 0; i < ARRAY_LEN(mode_names); i++)
		if (str_eq(mode_names[i], name)) {
			*out = (enum core_process_mode)i;
			return true;
		}
	return false;
}

struct core_counts
core_counts(const struct core *core)
{
	struct core_counts counts = core->counts;

	counts.pipelines = core->pipelines.count;
	counts.jobs = core->jobs.count;
	counts.projects = core->projects.count;
	counts.runners = core->runners.count;
	return counts;
}

int
core_runner_jobs(const struct core *core, int64_t runner)
{
	const struct runner *r = idmap_get(&core->runners, runner);

	return r == NULL ? 0 : r->running;
}

size_t
core_runner_requests(const struct core *core, int64_t runner)
{
	const struct runner *r = idmap_get(&core->runners, runner);

	return r == NULL ? 0 : r->requests;
}
