/* The core's bookkeeping: making pipelines, finding jobs, taking events. */
#include "scheduler/core.h"

#include <assert.h>

#include "scheduler/core_internal.h"

struct core *
core_new(int64_t next_pipeline_id, int64_t next_job_id)
{
	struct core *core = xcalloc(1, sizeof(*core));

	core->first_pipeline = next_pipeline_id;
	core->first_job = next_job_id;
	return core;
}

static void
pipeline_free(struct pipeline *p)
{
	free(p->slots);
	free(p->dependents_store);
	free(p->stages);
	free(p->stage_first);
	free(p->jobs);
	free(p->work);
	free(p);
}

void
core_free(struct core *core)
{
	if (core == NULL)
		return;
	for (size_t i = 0; i < core->job_count; i++)
		free(core->jobs[i]);
	for (size_t i = 0; i < core->pipeline_count; i++)
		pipeline_free(core->pipelines[i]);
	map_for_each(e, &core->resources) {
		struct resource *r = e->value;

		free(r->waiting);
		free(r);
	}
	map_clear(&core->resources);
	free(core->jobs);
	free(core->pipelines);
	free(core->queue);
	free(core->requests);
	free(core->scheduled);
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
	if (id < core->first_job || (uint64_t)(id - core->first_job) >= core->job_count)
		return NULL;
	return core->jobs[id - core->first_job];
}

struct pipeline *
core_find_pipeline(const struct core *core, int64_t id)
{
	if (id < core->first_pipeline ||
	    (uint64_t)(id - core->first_pipeline) >= core->pipeline_count)
		return NULL;
	return core->pipelines[id - core->first_pipeline];
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

struct job *
core_add_job(struct core *core, struct pipeline *p, size_t index, enum status status,
    enum reason reason)
{
	struct job *job = xcalloc(1, sizeof(*job));

	job->pipeline = p;
	job->pub = (struct core_job){
		.id = core->first_job + (int64_t)core->job_count,
		.pipeline = p->pub.id,
		.plan = &p->pub.plan->jobs[index],
		.index = index,
		.status = status,
		.reason = reason,
		.attempt = 1,
		.created_us = core->now_us,
	};
	GROW(core->jobs, core->job_count, core->job_cap);
	core->jobs[core->job_count++] = job;
	GROW(p->jobs, p->pub.job_count, p->jobs_cap);
	p->jobs[p->pub.job_count++] = job->pub.id;
	p->pub.jobs = p->jobs;
	p->slots[index].latest = job;
	core_count(p, job, 1);
	core_emit(core, CORE_JOB_CREATED, p->pub.id, job->pub.id);
	return job;
}

/* The reverse of needs, in one array: first counted, then filled. */
static void
link_dependents(struct pipeline *p)
{
	const struct plan *plan = p->pub.plan;
	size_t total = 0, used = 0;

	for (size_t i = 0; i < plan->job_count; i++) {
		for (size_t k = 0; k < plan->jobs[i].need_count; k++)
			p->slots[plan->jobs[i].needs[k].job].dependent_count++;
		total += plan->jobs[i].need_count;
	}
	p->dependents_store = xcalloc(total, sizeof(*p->dependents_store));
	for (size_t i = 0; i < plan->job_count; i++) {
		p->slots[i].dependents = p->dependents_store + used;
		used += p->slots[i].dependent_count;
		p->slots[i].dependent_count = 0;
	}
	for (size_t i = 0; i < plan->job_count; i++) {
		for (size_t k = 0; k < plan->jobs[i].need_count; k++) {
			struct slot *slot = &p->slots[plan->jobs[i].needs[k].job];

			slot->dependents[slot->dependent_count++] = i;
		}
	}
}

static struct pipeline *
pipeline_new(struct core *core, const struct core_event *event)
{
	struct pipeline *p = xcalloc(1, sizeof(*p));
	const struct plan *plan = event->plan;
	size_t i = 0;

	p->pub = (struct core_pipeline){
		.id = core->first_pipeline + (int64_t)core->pipeline_count,
		.plan = plan,
		.parent_job = event->parent_job,
		.status = STATUS_CREATED,
		.created_us = core->now_us,
	};
	p->stage_count = plan->stages.count;
	p->stages = xcalloc(p->stage_count, sizeof(*p->stages));
	p->stage_first = xcalloc(p->stage_count + 1, sizeof(*p->stage_first));
	for (size_t s = 0; s < p->stage_count; s++) {
		p->stage_first[s] = i;
		while (i < plan->job_count && plan->jobs[i].stage_index == s)
			i++;
	}
	p->stage_first[p->stage_count] = plan->job_count;
	p->slots = xcalloc(plan->job_count, sizeof(*p->slots));
	link_dependents(p);
	GROW(core->pipelines, core->pipeline_count, core->pipeline_cap);
	core->pipelines[core->pipeline_count++] = p;
	return p;
}

static int
create_pipeline(struct core *core, const struct core_event *event, struct error *err)
{
	struct job *parent = core_find_job(core, event->parent_job);
	struct pipeline *p;

	if (event->parent_job != 0 && (parent == NULL || parent->pub.downstream != 0))
		return error_set(err, ERR_INVALID,
		    "job %" PRId64 " cannot have this downstream pipeline",
		    event->parent_job);
	p = pipeline_new(core, event);
	core_emit(core, CORE_PIPELINE_CREATED, p->pub.id, 0);
	for (size_t i = 0; i < event->plan->job_count; i++) {
		struct job *job;

		if (!event->plan->jobs[i].created ||
		    (event->include != NULL && !event->include[i]))
			continue;
		job = core_add_job(core, p, i, STATUS_CREATED, REASON_WAITS_FOR_JOB);
		job->pub.played = event->play != NULL && event->play[i];
	}
	for (size_t i = 0; i < event->plan->job_count; i++) {
		if (p->slots[i].latest == NULL || !event->plan->jobs[i].has_needs)
			continue;
		p->slots[i].dirty = true;
		GROW(p->work, p->work_count, p->work_cap);
		p->work[p->work_count++] = i;
	}
	p->stages_dirty = true;
	if (parent != NULL)
		parent->pub.downstream = p->pub.id;
	core_process(core, p);
	core_downstream_changed(core, p);
	return 0;
}

static void
start_timer(struct core *core)
{
	int64_t at = INT64_MAX;

	for (size_t i = 0; i < core->scheduled_count; i++) {
		const struct job *job = core_find_job(core, core->scheduled[i]);

		assert(job != NULL);
		if (job->pub.status == STATUS_SCHEDULED && job->pub.start_at_us < at)
			at = job->pub.start_at_us;
	}
	if (at == INT64_MAX)
		return;
	core_emit(core, CORE_TIMER, 0, 0);
	core->effects->items[core->effects->count - 1].time_us = at;
}

/* Delayed jobs whose time has come are queued; the list forgets those and canceled ones.
 */
static void
tick(struct core *core)
{
	size_t kept = 0, count = core->scheduled_count;

	for (size_t i = 0; i < count; i++) {
		struct job *job = core_find_job(core, core->scheduled[i]);

		assert(job != NULL); /* jobs stay as long as the core */
		if (job->pub.status != STATUS_SCHEDULED)
			continue;
		if (job->pub.start_at_us > core->now_us) {
			core->scheduled[kept++] = job->pub.id;
			continue;
		}
		core_enqueue(core, job);
		core_process(core, job->pipeline);
	}
	/* what core_process scheduled anew stands behind count */
	memmove(core->scheduled + kept, core->scheduled + count,
	    (core->scheduled_count - count) * sizeof(*core->scheduled));
	core->scheduled_count = kept + core->scheduled_count - count;
}

static int
start_job(struct core *core, struct job *job, struct error *err)
{
	if (job->pub.status == STATUS_CANCELING)
		return 0; /* the cancel crossed the start */
	if (job->pub.status != STATUS_PENDING || !job->assigned)
		return error_set(err, ERR_INVALID,
		    "job %" PRId64 " is %s and cannot start", job->pub.id,
		    status_name(job->pub.status));
	core_set_status(core, job, STATUS_RUNNING, REASON_NONE, 0);
	core_process(core, job->pipeline);
	return 0;
}

static void
withdraw(struct core *core, int64_t runner)
{
	for (size_t i = 0; i < core->request_count; i++) {
		if (core->requests[i] != runner)
			continue;
		core->request_count--;
		memmove(core->requests + i, core->requests + i + 1,
		    (core->request_count - i) * sizeof(*core->requests));
		return;
	}
}

static int
fail_downstream(
    struct core *core, struct job *job, const struct core_event *event, struct error *err)
{
	struct core_event end = *event;

	if (!job->pub.plan->config->trigger.present || job->pub.downstream != 0)
		return error_set(err, ERR_INVALID,
		    "job %" PRId64 " waits for no downstream pipeline", job->pub.id);
	end.success = false;
	if (end.reason == REASON_NONE)
		end.reason = REASON_DOWNSTREAM_FAILURE;
	return core_finish(core, job, &end, err);
}

static int
handle_job_event(struct core *core, const struct core_event *event, struct error *err)
{
	struct job *job = core_find_job(core, event->job);

	if (job == NULL)
		return error_set(
		    err, ERR_INVALID, "there is no job %" PRId64, event->job);
	switch (event->type) {
	case CORE_STARTED:
		return start_job(core, job, err);
	case CORE_FINISHED:
		return core_finish(core, job, event, err);
	case CORE_PLAY:
		return core_play(core, job, err);
	case CORE_RETRY:
		return core_retry(core, job, err);
	case CORE_CANCEL_JOB:
		return core_cancel_job(core, job, err);
	case CORE_DOWNSTREAM:
		return fail_downstream(core, job, event, err);
	case CORE_CREATE_PIPELINE:
	case CORE_REQUEST:
	case CORE_WITHDRAW:
	case CORE_CANCEL_PIPELINE:
	case CORE_TICK:
		break;
	}
	return error_set(err, ERR_INVALID, "not an event of a job");
}

static int
handle(struct core *core, const struct core_event *event, struct error *err)
{
	struct pipeline *p;

	switch (event->type) {
	case CORE_CREATE_PIPELINE:
		return create_pipeline(core, event, err);
	case CORE_REQUEST:
		GROW(core->requests, core->request_count, core->request_cap);
		core->requests[core->request_count++] = event->runner;
		return 0;
	case CORE_WITHDRAW:
		withdraw(core, event->runner);
		return 0;
	case CORE_CANCEL_PIPELINE:
		p = core_find_pipeline(core, event->pipeline);
		if (p == NULL)
			return error_set(err, ERR_INVALID,
			    "there is no pipeline %" PRId64, event->pipeline);
		core_cancel_pipeline(core, p);
		core_process(core, p);
		return 0;
	case CORE_TICK:
		tick(core);
		return 0;
	case CORE_STARTED:
	case CORE_FINISHED:
	case CORE_PLAY:
	case CORE_RETRY:
	case CORE_CANCEL_JOB:
	case CORE_DOWNSTREAM:
		break;
	}
	return handle_job_event(core, event, err);
}

static int
compare_ids(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* What one event made ready starts in the order of the pipeline file, not of our search.
 */
static void
sort_queued(struct core *core, size_t from)
{
	if (from < core->queue_head || from > core->queue_count)
		from = core->queue_head;
	if (core->queue_count > from + 1)
		qsort(core->queue + from, core->queue_count - from, sizeof(*core->queue),
		    compare_ids);
}

int
core_handle(struct core *core, const struct core_event *event,
    struct core_effects *effects, struct error *err)
{
	size_t scheduled = core->scheduled_count, queued = core->queue_count;
	int rc;

	core->effects = effects;
	if (event->time_us > core->now_us)
		core->now_us = event->time_us;
	rc = handle(core, event, err);
	sort_queued(core, queued);
	core_assign(core);
	if (core->scheduled_count > 0 &&
	    (event->type == CORE_TICK || core->scheduled_count != scheduled))
		start_timer(core);
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

size_t
core_queue_position(const struct core *core, int64_t id)
{
	size_t position = 0;

	for (size_t i = core->queue_head; i < core->queue_count; i++) {
		const struct job *job = core_find_job(core, core->queue[i]);

		assert(job != NULL);
		if (job->pub.status != STATUS_PENDING || job->assigned)
			continue;
		position++;
		if (job->pub.id == id)
			return position;
	}
	return 0;
}
