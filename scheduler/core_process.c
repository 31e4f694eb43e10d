/*
 * Which created jobs may start, and what becomes of the others. Work is proportional to
 * what changed: a stage is looked at when a job of an earlier one changed, a
 * needs-scheduled job when one of its needs did.
 */
#include "scheduler/core_internal.h"

static bool
allows_failure(const struct job *job)
{
	if (job->pub.status == STATUS_MANUAL || job->pub.status == STATUS_CANCELED)
		return job->pub.plan->allow_failure.allowed;
	return job->pub.warned;
}

void
core_count(struct pipeline *p, const struct job *job, int by)
{
	int mapped = composite_map(job->pub.status, allows_failure(job));
	size_t stage = job->pub.plan->stage_index;

	p->stages[stage].counts[mapped] += (uint32_t)by;
	if (job->pub.status == STATUS_CREATED && !job->pub.plan->has_needs)
		p->undecided[stage] += (uint32_t)by;
}

void
core_touch_pipeline(struct core *core, struct pipeline *p)
{
	if (p->dirty)
		return;
	p->dirty = true;
	p->next_dirty = NULL;
	if (core->last_dirty != NULL)
		core->last_dirty->next_dirty = p;
	else
		core->first_dirty = p;
	core->last_dirty = p;
}

static void
add_work(struct pipeline *p, size_t index)
{
	if (p->slots[index].dirty)
		return;
	p->slots[index].dirty = true;
	GROW(p->work, p->work_count, p->work_cap);
	p->work[p->work_count++] = index;
}

void
core_touch(struct core *core, struct pipeline *p, size_t index)
{
	const struct slot *slot = &p->slots[index];

	core_touch_pipeline(core, p);
	p->stages_dirty = true;
	for (size_t i = 0; i < slot->dependent_count; i++)
		add_work(p, slot->dependents[i]);
}

void
core_touch_all(struct core *core, struct pipeline *p)
{
	core_touch_pipeline(core, p);
	p->stages_dirty = true;
	for (size_t i = 0; i < p->pub.plan->job_count; i++)
		if (p->slots[i].latest != NULL && p->pub.plan->jobs[i].has_needs)
			add_work(p, i);
}

/* Where a job stands follows from its status: queue, runner, deadlines. */
static void
place(struct core *core, struct job *job)
{
	bool queued = job->pub.status == STATUS_PENDING && !job->assigned;

	if (queued && job->lane == NULL)
		core_queue_add(core, job);
	else if (!queued && job->lane != NULL)
		core_queue_remove(core, job);
	if (status_is_completed(job->pub.status))
		core_vacate(core, job);
	core_watch(core, job);
}

static void
note_start(struct core *core, struct job *job)
{
	if (job->pub.started_us == 0)
		job->pub.started_us = core->now_us;
	if (!job->pub.plan->interruptible)
		job->pipeline->committed = true;
}

void
core_set_status(struct core *core, struct job *job, enum status status,
    enum reason reason, int64_t because)
{
	struct pipeline *p = job->pipeline;
	bool latest = job->pub.retried_as == 0;
	size_t *waiting = &core->counts.waiting_for_resource;

	if (latest)
		core_count(p, job, -1);
	*waiting -= job->pub.status == STATUS_WAITING_FOR_RESOURCE;
	core->counts.unaccepted -= job->assigned && job->pub.status == STATUS_PENDING;
	job->pub.status = status;
	job->pub.reason = reason;
	job->pub.because = because;
	*waiting += status == STATUS_WAITING_FOR_RESOURCE;
	core->counts.unaccepted += job->assigned && status == STATUS_PENDING;
	if (status == STATUS_RUNNING)
		note_start(core, job);
	job->pub.finished_us = status_is_completed(status) ? core->now_us : 0;
	if (latest)
		core_count(p, job, 1);
	if (latest && status == STATUS_FAILED && !job->pub.warned && p->first_failed == 0)
		p->first_failed = job->pub.id;
	core_emit(core, CORE_JOB_CHANGED, p->pub.id, job->pub.id);
	if (latest)
		core_touch(core, p, job->pub.index);
	place(core, job);
	core_follow_resource(core, job);
}

/* Nobody runs it: it waits for no runner and for no resource. */
static bool
is_refused(const struct job *job)
{
	return config_refused(job->pub.plan->config) != NULL;
}

void
core_enqueue(struct core *core, struct job *job)
{
	if (is_refused(job)) {
		job->pub.queued_us = core->now_us;
		core_refuse(core, job);
		return;
	}
	if (!core_take_resource(core, job))
		return;
	job->pub.queued_us = core->now_us;
	if (job->pub.plan->config->trigger.present) {
		core_set_status(core, job, STATUS_RUNNING, REASON_NONE, 0);
		core_emit(core, CORE_START_DOWNSTREAM, job->pub.pipeline, job->pub.id);
		return;
	}
	core_set_status(core, job, STATUS_PENDING, REASON_WAITS_FOR_SLOT, 0);
}

static bool
may_run(enum job_when when, enum status prior, bool has_needs)
{
	switch (when) {
	case WHEN_ON_SUCCESS:
	case WHEN_MANUAL:
	case WHEN_DELAYED:
		return prior == STATUS_SUCCESS || (prior == STATUS_SKIPPED && !has_needs);
	case WHEN_ON_FAILURE:
		return prior == STATUS_FAILED;
	case WHEN_ALWAYS:
		return prior == STATUS_SUCCESS || prior == STATUS_FAILED ||
		    prior == STATUS_SKIPPED;
	case WHEN_NEVER:
		break;
	}
	return false;
}

/* The need that stands in the way, for the reason of a skipped job. */
static int64_t
culprit(const struct pipeline *p, const struct job *job, enum reason reason)
{
	const struct plan_job *plan = job->pub.plan;

	if (!plan->has_needs)
		return reason == REASON_PRIOR_FAILED ? p->first_failed : 0;
	for (size_t i = 0; i < plan->need_count; i++) {
		const struct job *need = p->slots[plan->needs[i].job].latest;

		if (need == NULL)
			continue;
		if (reason == REASON_PRIOR_FAILED && need->pub.status == STATUS_FAILED &&
		    !need->pub.warned)
			return need->pub.id;
		if (reason == REASON_PRIOR_SKIPPED &&
		    (need->pub.status == STATUS_SKIPPED ||
			need->pub.status == STATUS_MANUAL))
			return need->pub.id;
		if (reason == REASON_PIPELINE_CANCELED &&
		    need->pub.status == STATUS_CANCELED)
			return need->pub.id;
	}
	return 0;
}

static void
skip(struct core *core, struct job *job, enum status prior)
{
	enum reason reason = prior == STATUS_FAILED ? REASON_PRIOR_FAILED
	    : prior == STATUS_SKIPPED               ? REASON_PRIOR_SKIPPED
	    : prior == STATUS_CANCELED              ? REASON_PIPELINE_CANCELED
						    : REASON_PRIOR_SUCCEEDED;

	core_set_status(
	    core, job, STATUS_SKIPPED, reason, culprit(job->pipeline, job, reason));
}

static void
schedule(struct core *core, struct job *job)
{
	job->pub.start_at_us = core->now_us + job->pub.plan->start_in_s * 1000000;
	core_set_status(core, job, STATUS_SCHEDULED, REASON_WAITS_FOR_TIME, 0);
}

static void
decide(struct core *core, struct job *job, enum status prior)
{
	const struct plan_job *plan = job->pub.plan;

	if (!status_is_completed(prior))
		return;
	if (!may_run(plan->when, prior, plan->has_needs))
		skip(core, job, prior);
	else if (plan->when == WHEN_MANUAL && !job->pub.played)
		core_set_status(core, job, STATUS_MANUAL, REASON_WAITS_FOR_PERSON, 0);
	else if (plan->when == WHEN_DELAYED && !job->pub.played)
		schedule(core, job);
	else
		core_enqueue(core, job);
}

static void
decide_by_needs(struct core *core, struct pipeline *p, size_t index)
{
	struct job *job = p->slots[index].latest;
	struct composite set = { { 0 } };

	p->slots[index].dirty = false;
	if (job == NULL || job->pub.status != STATUS_CREATED || !job->pub.plan->has_needs)
		return;
	for (size_t i = 0; i < job->pub.plan->need_count; i++) {
		const struct job *need = p->slots[job->pub.plan->needs[i].job].latest;

		if (need != NULL)
			set.counts[composite_map(
			    need->pub.status, allows_failure(need))]++;
	}
	decide(core, job, composite_status(&set, true));
}

static void
decide_stages(struct core *core, struct pipeline *p)
{
	struct composite earlier = { { 0 } };

	p->stages_dirty = false;
	for (size_t s = 0; s < p->stage_count; s++) {
		enum status prior = composite_status(&earlier, false);

		if (p->undecided[s] > 0 && status_is_completed(prior)) {
			for (size_t i = p->stage_first[s]; i < p->stage_first[s + 1];
			     i++) {
				struct job *job = p->slots[i].latest;

				if (job != NULL && job->pub.status == STATUS_CREATED &&
				    !job->pub.plan->has_needs)
					decide(core, job, prior);
			}
		}
		for (int k = 0; k < MAPPED_COUNT; k++)
			earlier.counts[k] += p->stages[s].counts[k];
	}
}

static void
update_pipeline(struct core *core, struct pipeline *p)
{
	struct composite all = { { 0 } };
	enum status status;

	for (size_t s = 0; s < p->stage_count; s++)
		for (int k = 0; k < MAPPED_COUNT; k++)
			all.counts[k] += p->stages[s].counts[k];
	status = composite_status(&all, false);
	p->pub.warnings = all.counts[MAPPED_WARNED] > 0;
	if (status == p->pub.status)
		return;
	p->pub.status = status;
	p->pub.finished_us = status_is_completed(status) ? core->now_us : 0;
	core_emit(core, CORE_PIPELINE_CHANGED, p->pub.id, 0);
	if (status_is_completed(status))
		core_leave_line(core, p);
	else
		core_join_line(core, p);
	core_downstream_changed(core, p);
}

static void
process(struct core *core, struct pipeline *p)
{
	while (p->work_count > 0 || p->stages_dirty) {
		if (p->work_count > 0)
			decide_by_needs(core, p, p->work[--p->work_count]);
		else
			decide_stages(core, p);
	}
	update_pipeline(core, p);
}

static struct pipeline *
next_dirty(struct core *core)
{
	struct pipeline *p = core->first_dirty;

	if (p == NULL)
		return NULL;
	core->first_dirty = p->next_dirty;
	if (core->first_dirty == NULL)
		core->last_dirty = NULL;
	p->dirty = false;
	return p;
}

void
core_settle(struct core *core)
{
	for (;;) {
		struct pipeline *p = next_dirty(core);

		if (p != NULL)
			process(core, p);
		else if (core->dirty_resources != NULL && !core->loading)
			core_grant_resources(core);
		else
			return;
	}
}
