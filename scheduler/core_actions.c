/* What happens to a job from outside: it finishes, is played, retried or canceled. */
#include "base/str.h"
#include "scheduler/core_internal.h"

struct slot_list {
	size_t *items;
	size_t count, cap;
};

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

/* What the machinery is to blame for, not the script. */
static bool
is_system_failure(enum reason reason)
{
	return reason == REASON_RUNNER_SYSTEM_FAILURE ||
	    reason == REASON_RUNNER_INTERRUPTED || reason == REASON_API_FAILURE ||
	    reason == REASON_SCHEDULER_FAILURE;
}

enum core_cause
core_retry_cause(
    const struct core *core, const struct job *job, enum reason reason, int exit_code)
{
	const struct retry *retry = &job->pub.plan->config->retry;
	bool told = retry->max > 0 && retry_fits(retry, reason, exit_code);

	if (told)
		return job->pub.attempt - job->system_tries <= retry->max
		    ? CORE_RETRY_BY_FILE
		    : CORE_FIRST_TRY;
	if (!retry->never && is_system_failure(reason) &&
	    job->system_tries < core->limits.system_retries)
		return CORE_RETRY_BY_SYSTEM;
	return CORE_FIRST_TRY;
}

/* Another try takes the place of the one that ended. */
static struct job *
clone(struct core *core, struct job *old, enum core_cause cause)
{
	struct pipeline *p = old->pipeline;
	struct job *job;

	core_count(p, old, -1);
	job = core_new_try(core, p, old->pub.index, REASON_WAITS_FOR_JOB);
	job->pub.attempt = old->pub.attempt + 1;
	job->pub.played = old->pub.played;
	job->pub.priority = old->pub.priority;
	job->pub.cause = cause;
	job->system_tries = old->system_tries + (cause == CORE_RETRY_BY_SYSTEM);
	old->pub.retried_as = job->pub.id;
	if (p->first_failed == old->pub.id)
		p->first_failed = 0;
	if (cause == CORE_RETRY_BY_PERSON)
		core_emit(core, CORE_JOB_CHANGED, p->pub.id, old->pub.id);
	core_touch(core, p, old->pub.index);
	return job;
}

static void
set_failed_for_good(struct core *core, struct job *job, enum reason reason, int exit_code)
{
	const struct allow_failure *allow = &job->pub.plan->allow_failure;

	core_count(job->pipeline, job, -1);
	job->pub.warned = allow->allowed ||
	    (reason == REASON_SCRIPT_FAILURE && has_int(&allow->exit_codes, exit_code));
	core_count(job->pipeline, job, 1);
	core_set_status(core, job, STATUS_FAILED, reason, 0);
}

static void
set_failed(struct core *core, struct job *job, enum reason reason, int exit_code)
{
	enum core_cause cause = job->pipeline->canceling
	    ? CORE_FIRST_TRY
	    : core_retry_cause(core, job, reason, exit_code);

	job->pub.exit_code = exit_code;
	if (cause != CORE_FIRST_TRY) {
		struct job *next = clone(core, job, cause);

		core_set_status(core, job, STATUS_FAILED, reason, 0);
		core_enqueue(core, next);
		return;
	}
	set_failed_for_good(core, job, reason, exit_code);
}

static bool
cancels_all(const struct job *job)
{
	const char *mode = job->pipeline->pub.plan->auto_cancel.on_job_failure;

	return job->pub.status == STATUS_FAILED && !job->pub.warned &&
	    job->pub.retried_as == 0 && mode != NULL && str_eq(mode, "all");
}

/* The reason of a cancel was given when it was asked for. */
static void
set_canceled(struct core *core, struct job *job)
{
	bool asked = job->pub.status == STATUS_CANCELING;

	core_set_status(core, job, STATUS_CANCELED,
	    asked ? job->pub.reason : REASON_JOB_CANCELED, asked ? job->pub.because : 0);
}

static void
after_failure(struct core *core, struct job *job)
{
	if (cancels_all(job))
		core_cancel_pipeline(core, job->pipeline);
}

int
core_finish(
    struct core *core, struct job *job, const struct core_event *event, struct error *err)
{
	if (status_is_completed(job->pub.status))
		return error_set(
		    err, ERR_INVALID, "job %" PRId64 " has ended already", job->pub.id);
	if (job->pub.status == STATUS_CANCELING || event->canceled)
		set_canceled(core, job);
	else if (event->success)
		core_set_status(core, job, STATUS_SUCCESS, REASON_NONE, 0);
	else
		set_failed(core, job, event->reason, event->exit_code);
	after_failure(core, job);
	return 0;
}

/* Whatever its file says of further tries: they would end as this one does. */
void
core_refuse(struct core *core, struct job *job)
{
	set_failed_for_good(core, job, REASON_RUNNER_UNSUPPORTED, 0);
	after_failure(core, job);
}

/* Nobody can say any more how it ended. */
void
core_end_lost(struct core *core, struct job *job, enum reason reason)
{
	if (job->pub.status == STATUS_CANCELING) {
		set_canceled(core, job);
		return;
	}
	job->pub.lost = reason == REASON_RUNNER_SYSTEM_FAILURE;
	set_failed(core, job, reason, 0);
	after_failure(core, job);
}

/* A trigger job that mirrors a skipped pipeline was not skipped itself. */
static bool
was_skipped(const struct job *job)
{
	return job != NULL && job->pub.status == STATUS_SKIPPED &&
	    job->pub.downstream == 0;
}

static void
reset_one(struct core *core, struct job *job, struct slot_list *next)
{
	if (!was_skipped(job))
		return;
	core_set_status(core, job, STATUS_CREATED, REASON_WAITS_FOR_JOB, 0);
	GROW(next->items, next->count, next->cap);
	next->items[next->count++] = job->pub.index;
}

/* Jobs skipped because of this one get another chance: dependents and later stages. */
void
core_reset_skipped(struct core *core, struct pipeline *p, size_t index)
{
	struct slot_list next = { NULL, 0, 0 };
	size_t done = 0, stage_end = p->pub.plan->job_count;

	for (;;) {
		const struct slot *slot = &p->slots[index];
		size_t later = p->stage_first[p->pub.plan->jobs[index].stage_index + 1];

		for (size_t i = 0; i < slot->dependent_count; i++)
			reset_one(core, p->slots[slot->dependents[i]].latest, &next);
		for (size_t i = later; i < stage_end; i++)
			if (!p->pub.plan->jobs[i].has_needs)
				reset_one(core, p->slots[i].latest, &next);
		if (later < stage_end)
			stage_end = later; /* those behind it have had their turn */
		if (done == next.count)
			break;
		index = next.items[done++];
	}
	free(next.items);
}

int
core_play(struct core *core, struct job *job, struct error *err)
{
	if (job->pub.status != STATUS_MANUAL && job->pub.status != STATUS_SCHEDULED)
		return error_set(err, ERR_INVALID, "job %s is %s and cannot be played",
		    job->pub.plan->name, status_name(job->pub.status));
	if (job->pub.downstream != 0)
		return error_set(err, ERR_INVALID,
		    "job %s is %s because pipeline %" PRId64
		    " is: play the jobs of that one",
		    job->pub.plan->name, status_name(job->pub.status),
		    job->pub.downstream);
	job->pub.played = true;
	core_enqueue(core, job);
	core_reset_skipped(core, job->pipeline, job->pub.index);
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
	next = clone(core, job, CORE_RETRY_BY_PERSON);
	next->pub.played = true;
	core_enqueue(core, next);
	core_reset_skipped(core, p, job->pub.index);
	return 0;
}

/* Each takes its place in the pipeline again: what it waits for may be tried again too.
 */
int
core_retry_pipeline(struct core *core, struct pipeline *p, struct error *err)
{
	size_t count = 0;

	for (size_t i = 0; i < p->pub.plan->job_count; i++) {
		struct job *job = p->slots[i].latest;

		if (job == NULL ||
		    (job->pub.status != STATUS_FAILED &&
			job->pub.status != STATUS_CANCELED))
			continue;
		clone(core, job, CORE_RETRY_BY_PERSON);
		count++;
	}
	if (count == 0)
		return error_set(err, ERR_INVALID,
		    "pipeline %" PRId64 " has no failed or canceled job to try again",
		    p->pub.id);
	for (size_t i = 0; i < p->pub.plan->job_count; i++)
		if (was_skipped(p->slots[i].latest))
			core_set_status(core, p->slots[i].latest, STATUS_CREATED,
			    REASON_WAITS_FOR_JOB, 0);
	p->canceling = false;
	core_touch_all(core, p);
	return 0;
}
