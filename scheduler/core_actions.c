/* What happens to a job from outside: it finishes, is played, retried or canceled. */
#include "base/str.h"
#include "scheduler/core_internal.h"

static bool
has_int(const struct ints *list, int value)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i] == value)
			return true;
	return false;
}

static bool
retry_fits(const struct retry *retry, enum reason reason, int exit_code)
{
	if (retry->when.count == 0 && retry->exit_codes.count == 0)
		return true;
	for (size_t i = 0; i < retry->when.count; i++)
		if (str_eq(retry->when.items[i], "always") ||
		    str_eq(retry->when.items[i], reason_name(reason)))
			return true;
	return reason == REASON_SCRIPT_FAILURE && has_int(&retry->exit_codes, exit_code);
}

static bool
wants_retry(const struct job *job, enum reason reason, int exit_code)
{
	const struct retry *retry = &job->pub.plan->config->retry;

	return job->pub.attempt <= retry->max && !job->pipeline->canceling &&
	    retry_fits(retry, reason, exit_code);
}

/* Another try takes the place of the one that ended. */
static struct job *
clone(struct core *core, struct job *old)
{
	struct pipeline *p = old->pipeline;
	struct job *job;

	core_count(p, old, -1);
	job = core_add_job(core, p, old->pub.index, STATUS_CREATED, REASON_NONE);
	job->pub.attempt = old->pub.attempt + 1;
	job->pub.played = old->pub.played;
	old->pub.retried_as = job->pub.id;
	if (p->first_failed == old->pub.id)
		p->first_failed = 0;
	return job;
}

static void
set_failed(struct core *core, struct job *job, enum reason reason, int exit_code)
{
	const struct allow_failure *allow = &job->pub.plan->allow_failure;

	job->pub.exit_code = exit_code;
	if (wants_retry(job, reason, exit_code)) {
		struct job *next = clone(core, job);

		core_set_status(core, job, STATUS_FAILED, reason, 0);
		core_enqueue(core, next);
		return;
	}
	core_count(job->pipeline, job, -1);
	job->pub.warned = allow->allowed ||
	    (reason == REASON_SCRIPT_FAILURE && has_int(&allow->exit_codes, exit_code));
	core_count(job->pipeline, job, 1);
	core_set_status(core, job, STATUS_FAILED, reason, 0);
}

static bool
cancels_all(const struct job *job)
{
	const char *mode = job->pipeline->pub.plan->auto_cancel.on_job_failure;

	return job->pub.status == STATUS_FAILED && !job->pub.warned &&
	    job->pub.retried_as == 0 && mode != NULL && str_eq(mode, "all");
}

int
core_finish(
    struct core *core, struct job *job, const struct core_event *event, struct error *err)
{
	struct pipeline *p = job->pipeline;

	if (status_is_completed(job->pub.status))
		return error_set(
		    err, ERR_INVALID, "job %" PRId64 " has ended already", job->pub.id);
	if (job->pub.status == STATUS_CANCELING || event->canceled)
		core_set_status(core, job, STATUS_CANCELED,
		    job->pub.reason == REASON_PIPELINE_CANCELED ? REASON_PIPELINE_CANCELED
								: REASON_JOB_CANCELED,
		    0);
	else if (event->success)
		core_set_status(core, job, STATUS_SUCCESS, REASON_NONE, 0);
	else
		set_failed(core, job, event->reason, event->exit_code);
	if (cancels_all(job))
		core_cancel_pipeline(core, p);
	core_process(core, p);
	return 0;
}

/* Jobs skipped because of this one get another chance: dependents and later stages. */
static void
reset_skipped(struct core *core, struct pipeline *p, size_t index)
{
	size_t stage = p->slots[index].latest->pub.plan->stage_index;
	const struct slot *slot = &p->slots[index];

	for (size_t i = 0; i < slot->dependent_count; i++) {
		struct job *dependent = p->slots[slot->dependents[i]].latest;

		if (dependent == NULL || dependent->pub.status != STATUS_SKIPPED)
			continue;
		core_set_status(core, dependent, STATUS_CREATED, REASON_WAITS_FOR_JOB, 0);
		reset_skipped(core, p, slot->dependents[i]);
	}
	for (size_t i = p->stage_first[stage + 1]; i < p->pub.plan->job_count; i++) {
		struct job *later = p->slots[i].latest;

		if (later != NULL && later->pub.status == STATUS_SKIPPED &&
		    !later->pub.plan->has_needs) {
			core_set_status(
			    core, later, STATUS_CREATED, REASON_WAITS_FOR_JOB, 0);
			reset_skipped(core, p, i);
		}
	}
}

int
core_play(struct core *core, struct job *job, struct error *err)
{
	if (job->pub.status != STATUS_MANUAL && job->pub.status != STATUS_SCHEDULED)
		return error_set(err, ERR_INVALID, "job %s is %s and cannot be played",
		    job->pub.plan->name, status_name(job->pub.status));
	job->pub.played = true;
	core_enqueue(core, job);
	reset_skipped(core, job->pipeline, job->pub.index);
	core_process(core, job->pipeline);
	return 0;
}

int
core_retry(struct core *core, struct job *job, struct error *err)
{
	struct pipeline *p = job->pipeline;
	struct job *next;

	if (!status_is_completed(job->pub.status) || job->pub.status == STATUS_SKIPPED ||
	    job->pub.retried_as != 0)
		return error_set(err, ERR_INVALID, "job %s is %s and cannot be retried",
		    job->pub.plan->name,
		    job->pub.retried_as != 0 ? "retried already"
					     : status_name(job->pub.status));
	p->canceling = false;
	next = clone(core, job);
	next->pub.played = true;
	core_enqueue(core, next);
	reset_skipped(core, p, job->pub.index);
	core_process(core, p);
	return 0;
}

static void
cancel_one(struct core *core, struct job *job, enum reason reason)
{
	switch (job->pub.status) {
	case STATUS_PENDING:
		if (job->assigned)
			break;
		core_set_status(core, job, STATUS_CANCELED, reason, 0);
		return;
	case STATUS_RUNNING:
		break;
	case STATUS_CREATED:
	case STATUS_WAITING_FOR_RESOURCE:
	case STATUS_PREPARING:
	case STATUS_SCHEDULED:
		core_set_status(core, job, STATUS_CANCELED, reason, 0);
		return;
	case STATUS_CANCELING:
	case STATUS_SUCCESS:
	case STATUS_FAILED:
	case STATUS_CANCELED:
	case STATUS_SKIPPED:
	case STATUS_MANUAL:
	case STATUS_COUNT:
		return;
	}
	if (job->pub.plan->config->trigger.present) {
		struct pipeline *child = core_find_pipeline(core, job->pub.downstream);

		core_set_status(core, job, STATUS_CANCELED, reason, 0);
		if (child != NULL) {
			core_cancel_pipeline(core, child);
			core_process(core, child);
		}
		return;
	}
	core_set_status(core, job, STATUS_CANCELING, reason, 0);
	core_emit(core, CORE_CANCEL, job->pub.pipeline, job->pub.id);
}

int
core_cancel_job(struct core *core, struct job *job, struct error *err)
{
	if (status_is_completed(job->pub.status))
		return error_set(err, ERR_INVALID, "job %s is %s and cannot be canceled",
		    job->pub.plan->name, status_name(job->pub.status));
	if (job->pub.status == STATUS_MANUAL)
		core_set_status(core, job, STATUS_CANCELED, REASON_JOB_CANCELED, 0);
	else
		cancel_one(core, job, REASON_JOB_CANCELED);
	core_process(core, job->pipeline);
	return 0;
}

void
core_cancel_pipeline(struct core *core, struct pipeline *p)
{
	p->canceling = true;
	for (size_t i = 0; i < p->pub.plan->job_count; i++)
		if (p->slots[i].latest != NULL)
			cancel_one(core, p->slots[i].latest, REASON_PIPELINE_CANCELED);
}

/* A downstream pipeline moved: the trigger job follows as its strategy says. */
void
core_downstream_changed(struct core *core, struct pipeline *child)
{
	struct job *job = core_find_job(core, child->pub.parent_job);
	struct core_event event = { .type = CORE_FINISHED };
	enum status status = child->pub.status;
	const char *strategy;

	if (job == NULL || status_is_completed(job->pub.status))
		return;
	strategy = job->pub.plan->config->trigger.strategy;
	if (strategy == NULL || status == STATUS_SUCCESS || status == STATUS_SKIPPED) {
		event.success = true;
	} else if (status == STATUS_CANCELED && str_eq(strategy, "mirror")) {
		event.canceled = true;
	} else if (status_is_completed(status)) {
		event.reason = REASON_DOWNSTREAM_FAILURE;
	} else {
		return;
	}
	if (core_finish(core, job, &event, NULL) < 0)
		return; /* cannot be: the job has not ended */
}
