/* Trigger jobs and the pipelines they set off, as their strategy ties them. */
#include "base/str.h"
#include "scheduler/core_internal.h"

int
core_downstream_failed(
    struct core *core, struct job *job, const struct core_event *event, struct error *err)
{
	struct core_event end = *event;

	if (!job->pub.plan->config->trigger.present || job->pub.downstream != 0)
		return error_set(err, ERR_INVALID,
		    "job %" PRId64 " waits for no downstream pipeline", job->pub.id);
	end.success = end.canceled = false;
	end.runner = 0;
	if (end.reason == REASON_NONE)
		end.reason = REASON_DOWNSTREAM_FAILURE;
	return core_finish(core, job, &end, err);
}

/* A pipeline that had ended moves again: so does the job that stands for it. */
static void
reopen(struct core *core, struct job *job)
{
	if (job->pub.retried_as != 0)
		return;
	core_count(job->pipeline, job, -1);
	job->pub.warned = false;
	core_count(job->pipeline, job, 1);
	core_set_status(core, job, STATUS_RUNNING, REASON_NONE, 0);
	core_reset_skipped(core, job->pipeline, job->pub.index);
}

/* What a mirroring job shows while its pipeline has not ended. */
static void
mirror(struct core *core, struct job *job, enum status status)
{
	enum status want = status == STATUS_MANUAL || status == STATUS_SCHEDULED
	    ? status
	    : STATUS_RUNNING;
	enum reason reason = want == STATUS_MANUAL ? REASON_WAITS_FOR_PERSON
	    : want == STATUS_SCHEDULED             ? REASON_WAITS_FOR_TIME
						   : REASON_NONE;
	bool waited = job->pub.status == STATUS_MANUAL;

	if (job->pub.status == want)
		return;
	core_set_status(core, job, want, reason, 0);
	if (waited)
		core_reset_skipped(core, job->pipeline, job->pub.index);
}

static void
end_with(struct core *core, struct job *job, enum status status, bool mirrors)
{
	struct core_event event = { .type = CORE_FINISHED };

	if (mirrors && status == STATUS_SKIPPED) {
		core_set_status(core, job, STATUS_SKIPPED, REASON_PRIOR_SKIPPED, 0);
		return;
	}
	if (status == STATUS_SUCCESS || status == STATUS_SKIPPED)
		event.success = true;
	else if (mirrors && status == STATUS_CANCELED)
		event.canceled = true;
	else
		event.reason = REASON_DOWNSTREAM_FAILURE;
	if (core_finish(core, job, &event, NULL) < 0)
		return; /* cannot be: the job has not ended */
}

/* A downstream pipeline moved: the trigger job follows as its strategy says. */
void
core_downstream_changed(struct core *core, struct pipeline *child)
{
	struct job *job = core_find_job(core, child->pub.parent_job);
	const char *strategy;
	bool mirrors, ended = status_is_completed(child->pub.status);

	if (job == NULL || job->pub.downstream != child->pub.id)
		return;
	strategy = job->pub.plan->config->trigger.strategy;
	mirrors = strategy != NULL && str_eq(strategy, "mirror");
	if (status_is_completed(job->pub.status)) {
		if (strategy != NULL && !ended && job->pub.status != STATUS_CANCELED)
			reopen(core, job);
		return;
	}
	if (strategy == NULL)
		end_with(core, job, STATUS_SUCCESS, false);
	else if (ended)
		end_with(core, job, child->pub.status, mirrors);
	else if (mirrors)
		mirror(core, job, child->pub.status);
}
