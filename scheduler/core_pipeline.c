/* Pipelines come, from a plan or from the store, and go. */
#include <assert.h>

#include "scheduler/core_internal.h"

struct project *
core_get_project(struct core *core, int64_t id)
{
	struct project *project = idmap_get(&core->projects, id);

	if (project != NULL)
		return project;
	project = xcalloc(1, sizeof(*project));
	project->pub.id = id;
	idmap_set(&core->projects, id, project);
	return project;
}

void
core_project_free(struct project *project)
{
	free((void *)(uintptr_t)project->pub.groups);
	free(project);
}

void
core_drop_project(struct core *core, struct project *project)
{
	if (project->described || project->pipelines > 0)
		return;
	idmap_remove(&core->projects, project->pub.id);
	core_project_free(project);
}

void
core_describe_project(struct core *core, const struct core_project *says)
{
	struct project *project = core_get_project(core, says->id);

	core_close_lanes(core, project);
	core_moor_lanes(core, project);
	free((void *)(uintptr_t)project->pub.groups);
	project->pub = *says;
	project->pub.groups = says->group_count == 0
	    ? NULL
	    : xmemdup(says->groups, says->group_count * sizeof(*says->groups));
	project->described = true;
	core_open_lanes(core, project);
}

struct job *
core_add_job(struct core *core, struct pipeline *p, size_t index, int64_t id)
{
	struct job *job = xcalloc(1, sizeof(*job));

	job->pipeline = p;
	job->timeout_us = job->due_us = NEVER;
	job->pub = (struct core_job){
		.id = id == 0 ? core->next_job++ : id,
		.pipeline = p->pub.id,
		.plan = &p->pub.plan->jobs[index],
		.index = index,
		.status = STATUS_CREATED,
		.attempt = 1,
		.priority = p->pub.priority,
		.created_us = core->now_us,
	};
	idmap_set(&core->jobs, job->pub.id, job);
	GROW(p->jobs, p->pub.job_count, p->jobs_cap);
	p->jobs[p->pub.job_count++] = job->pub.id;
	p->pub.jobs = p->jobs;
	return job;
}

struct job *
core_new_try(struct core *core, struct pipeline *p, size_t index, enum reason reason)
{
	struct job *job = core_add_job(core, p, index, 0);

	job->pub.reason = reason;
	p->slots[index].latest = job;
	core_count(p, job, 1);
	core_emit(core, CORE_JOB_CREATED, p->pub.id, job->pub.id);
	core_attach_resource(core, job);
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

static void
lay_out(struct pipeline *p)
{
	const struct plan *plan = p->pub.plan;
	size_t i = 0;

	p->stage_count = plan->stages.count;
	p->stages = xcalloc(p->stage_count, sizeof(*p->stages));
	p->undecided = xcalloc(p->stage_count, sizeof(*p->undecided));
	p->stage_first = xcalloc(p->stage_count + 1, sizeof(*p->stage_first));
	for (size_t s = 0; s < p->stage_count; s++) {
		p->stage_first[s] = i;
		while (i < plan->job_count && plan->jobs[i].stage_index == s)
			i++;
	}
	p->stage_first[p->stage_count] = plan->job_count;
	p->slots = xcalloc(plan->job_count, sizeof(*p->slots));
	link_dependents(p);
}

static struct pipeline *
pipeline_new(struct core *core, int64_t id, const struct plan *plan,
    const struct core_origin *origin)
{
	static const struct core_origin none;
	struct pipeline *p = xcalloc(1, sizeof(*p));

	if (origin == NULL)
		origin = &none;
	p->pub = (struct core_pipeline){
		.id = id,
		.project = origin->project,
		.plan = plan,
		.status = STATUS_CREATED,
		.created_us = core->now_us,
	};
	p->project = core_get_project(core, origin->project);
	p->project->pipelines++;
	p->ref_is_protected = origin->ref_is_protected;
	p->pub.priority = origin->priority;
	p->ref = origin->ref == NULL ? NULL : xstrdup(origin->ref);
	p->sha = origin->sha == NULL ? NULL : xstrdup(origin->sha);
	lay_out(p);
	idmap_set(&core->pipelines, id, p);
	return p;
}

void
core_free_pipeline(struct core *core, struct pipeline *p)
{
	for (size_t i = 0; i < p->pub.job_count; i++) {
		struct job *job = idmap_remove(&core->jobs, p->jobs[i]);

		assert(job != NULL);
		if (job->lane != NULL)
			core_queue_remove(core, job);
		core_vacate(core, job);
		core_unwatch(core, job);
		core_detach_resource(core, job);
		free(job);
	}
	core_leave_line(core, p);
	idmap_remove(&core->pipelines, p->pub.id);
	p->project->pipelines--;
	core_drop_project(core, p->project);
	free(p->ref);
	free(p->sha);
	free(p->slots);
	free(p->dependents_store);
	free(p->stages);
	free(p->undecided);
	free(p->stage_first);
	free(p->jobs);
	free(p->work);
	free(p);
}

static void
add_jobs(struct core *core, struct pipeline *p, const struct core_event *event)
{
	for (size_t i = 0; i < event->plan->job_count; i++) {
		struct job *job;

		if (!event->plan->jobs[i].created ||
		    (event->include != NULL && !event->include[i]))
			continue;
		job = core_new_try(core, p, i, REASON_WAITS_FOR_JOB);
		job->pub.played = event->play != NULL && event->play[i];
	}
}

int
core_create_pipeline(struct core *core, const struct core_event *event, struct error *err)
{
	struct job *parent = core_find_job(core, event->parent_job);
	struct pipeline *p;

	if (parent != NULL && parent->pipeline->depth >= CORE_MAX_DEPTH)
		return error_set(err, ERR_LIMIT,
		    "downstream pipelines nest more than %d deep", CORE_MAX_DEPTH);
	if (event->parent_job != 0 &&
	    (parent == NULL || parent->pub.downstream != 0 ||
		status_is_completed(parent->pub.status)))
		return error_set(err, ERR_INVALID,
		    "job %" PRId64 " cannot have this downstream pipeline",
		    event->parent_job);
	p = pipeline_new(core, core->next_pipeline++, event->plan, event->origin);
	p->pub.parent_job = event->parent_job;
	p->depth = parent == NULL ? 0 : parent->pipeline->depth + 1;
	core_emit(core, CORE_PIPELINE_CREATED, p->pub.id, 0);
	add_jobs(core, p, event);
	core_join_line(core, p);
	core_touch_all(core, p);
	if (event->origin != NULL && event->origin->supersedes && parent == NULL)
		core_supersede(core, p);
	if (parent == NULL)
		return 0;
	parent->pub.downstream = p->pub.id;
	core_emit(core, CORE_JOB_CHANGED, parent->pub.pipeline, parent->pub.id);
	core_downstream_changed(core, p);
	return 0;
}

static int
check_saved(const struct core *core, const struct plan *plan,
    const struct core_saved *saved, struct error *err)
{
	int64_t pipeline = saved->pipeline->id, last = 0;

	if (pipeline <= 0 || core_find_pipeline(core, pipeline) != NULL)
		return error_set(
		    err, ERR_INVALID, "pipeline %" PRId64 " is there already", pipeline);
	for (size_t i = 0; i < saved->job_count; i++) {
		const struct core_job *job = &saved->jobs[i];

		if (job->id <= last || core_find_job(core, job->id) != NULL)
			return error_set(err, ERR_INVALID,
			    "pipeline %" PRId64 ": job %" PRId64 " is there twice",
			    pipeline, job->id);
		if (job->index >= plan->job_count)
			return error_set(err, ERR_INVALID,
			    "pipeline %" PRId64 ": job %" PRId64
			    " is none of its plan's %zu",
			    pipeline, job->id, plan->job_count);
		last = job->id;
	}
	return 0;
}

/* Why there is this try is not stored: it follows from how the one before ended. */
static void
find_cause(struct core *core, struct job *old, struct job *job)
{
	old->pub.retried_as = job->pub.id;
	job->system_tries = old->system_tries;
	job->pub.cause = old->pub.status != STATUS_FAILED
	    ? CORE_FIRST_TRY
	    : core_retry_cause(core, old, old->pub.reason, old->pub.exit_code);
	if (job->pub.cause == CORE_FIRST_TRY)
		job->pub.cause = CORE_RETRY_BY_PERSON;
	job->system_tries += job->pub.cause == CORE_RETRY_BY_SYSTEM;
}

static void
restore_job(struct core *core, struct pipeline *p, const struct core_job *saved)
{
	struct job *job = core_add_job(core, p, saved->index, saved->id);
	const struct plan_job *plan = job->pub.plan;
	struct slot *slot = &p->slots[saved->index];

	job->pub = *saved;
	job->pub.pipeline = p->pub.id;
	job->pub.plan = plan;
	job->pub.retried_as = 0;
	job->pub.lost = false;
	job->pub.cause = CORE_FIRST_TRY;
	if (saved->priority == 0)
		job->pub.priority = p->pub.priority;
	if (saved->id >= core->next_job)
		core->next_job = saved->id + 1;
	if (slot->latest != NULL)
		find_cause(core, slot->latest, job);
	slot->latest = job;
	if (saved->started_us != 0 && !plan->interruptible)
		p->committed = true;
	core->counts.waiting_for_resource += saved->status == STATUS_WAITING_FOR_RESOURCE;
}

/* What its status means for queue, runner, deadlines and resource. */
static void
resume_job(struct core *core, struct pipeline *p, struct job *job)
{
	const struct core_job *pub = &job->pub;
	bool is_trigger = pub->plan->config->trigger.present;
	bool active = pub->status == STATUS_PENDING || pub->status == STATUS_RUNNING ||
	    pub->status == STATUS_CANCELING;

	core_count(p, job, 1);
	if (pub->status == STATUS_FAILED && !pub->warned && p->first_failed == 0)
		p->first_failed = pub->id;
	if (pub->reason == REASON_PIPELINE_CANCELED)
		p->canceling = true;
	core_attach_resource(core, job); /* a skipped one may be created again */
	if (status_is_completed(pub->status))
		return;
	if (active)
		core_hold_resource(job);
	if (active && !is_trigger && pub->runner != 0)
		core_occupy(core, job, pub->runner);
	else if (pub->status == STATUS_PENDING)
		core_queue_add(core, job);
	core_watch(core, job);
	if (is_trigger && pub->status == STATUS_RUNNING && pub->downstream == 0)
		core_emit(core, CORE_START_DOWNSTREAM, pub->pipeline, pub->id);
}

int
core_load_pipeline(struct core *core, const struct core_event *event, struct error *err)
{
	const struct core_saved *saved = event->saved;
	const struct job *parent;
	struct pipeline *p;

	if (check_saved(core, event->plan, saved, err) < 0)
		return err == NULL ? ERR_INVALID : err->code;
	p = pipeline_new(core, saved->pipeline->id, event->plan, &saved->origin);
	if (p->pub.id >= core->next_pipeline)
		core->next_pipeline = p->pub.id + 1;
	p->pub.parent_job = saved->pipeline->parent_job;
	parent = core_find_job(core, p->pub.parent_job);
	p->depth = parent == NULL ? 0 : parent->pipeline->depth + 1;
	p->pub.status = saved->pipeline->status;
	p->pub.warnings = saved->pipeline->warnings;
	p->pub.superseded_by = saved->pipeline->superseded_by;
	p->pub.created_us = saved->pipeline->created_us;
	p->pub.finished_us = saved->pipeline->finished_us;
	for (size_t i = 0; i < saved->job_count; i++)
		restore_job(core, p, &saved->jobs[i]);
	for (size_t i = 0; i < event->plan->job_count; i++)
		if (p->slots[i].latest != NULL)
			resume_job(core, p, p->slots[i].latest);
	if (!status_is_completed(p->pub.status))
		core_join_line(core, p);
	core_touch_all(core, p);
	core_downstream_changed(core, p);
	return 0;
}

int
core_forget_pipeline(struct core *core, struct pipeline *p, struct error *err)
{
	bool still = status_is_completed(p->pub.status) || p->pub.status == STATUS_MANUAL;

	for (size_t i = 0; still && i < p->pub.plan->job_count; i++) {
		const struct job *job = p->slots[i].latest;

		still = job == NULL || status_is_completed(job->pub.status) ||
		    job->pub.status == STATUS_CREATED ||
		    (job->pub.status == STATUS_MANUAL && job->pub.downstream == 0);
	}
	if (!still)
		return error_set(err, ERR_INVALID,
		    "pipeline %" PRId64 " is %s and cannot be forgotten", p->pub.id,
		    status_name(p->pub.status));
	core_free_pipeline(core, p);
	return 0;
}
