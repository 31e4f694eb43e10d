/* Canceling: a job, a pipeline with what it set off, and what a newer commit outdates. */
#include "base/str.h"
#include "scheduler/core_internal.h"

/* Its runner has it but may never say a word: with two phases it need not be asked. */
static bool
is_unaccepted(const struct core *core, const struct job *job)
{
	return job->pub.status == STATUS_PENDING && job->assigned &&
	    core->limits.accept_us > 0;
}

static void
cancel_now(struct core *core, struct job *job, const struct cancel *how)
{
	struct pipeline *child = core_find_pipeline(core, job->pub.downstream);

	core_set_status(core, job, STATUS_CANCELED, how->reason, how->because);
	if (child != NULL && how->cascade)
		core_cancel_pipeline(core, child);
}

void
core_cancel_one(struct core *core, struct job *job, const struct cancel *how)
{
	bool is_trigger = job->pub.plan->config->trigger.present;

	switch (job->pub.status) {
	case STATUS_PENDING:
	case STATUS_RUNNING:
		break;
	case STATUS_MANUAL:
		if (is_trigger && job->pub.downstream != 0)
			cancel_now(core, job, how); /* it mirrors one that waits */
		return;
	case STATUS_CREATED:
	case STATUS_WAITING_FOR_RESOURCE:
	case STATUS_PREPARING:
	case STATUS_SCHEDULED:
		cancel_now(core, job, how);
		return;
	case STATUS_CANCELING:
		if (how->force)
			core_set_status(core, job, STATUS_CANCELED, job->pub.reason,
			    job->pub.because);
		return;
	case STATUS_SUCCESS:
	case STATUS_FAILED:
	case STATUS_CANCELED:
	case STATUS_SKIPPED:
	case STATUS_COUNT:
		return;
	}
	if (is_trigger || !job->assigned || is_unaccepted(core, job)) {
		cancel_now(core, job, how);
		return;
	}
	core_set_status(core, job, STATUS_CANCELING, how->reason, how->because);
	core_emit(core, CORE_CANCEL, job->pub.pipeline, job->pub.id);
}

int
core_cancel_job(struct core *core, struct job *job, bool force, struct error *err)
{
	struct cancel how = { REASON_JOB_CANCELED, 0, true, force };

	if (status_is_completed(job->pub.status))
		return error_set(err, ERR_INVALID, "job %s is %s and cannot be canceled",
		    job->pub.plan->name, status_name(job->pub.status));
	if (job->pub.status == STATUS_MANUAL)
		cancel_now(core, job, &how);
	else
		core_cancel_one(core, job, &how);
	return 0;
}

void
core_cancel_pipeline(struct core *core, struct pipeline *p)
{
	struct cancel how = { REASON_PIPELINE_CANCELED, 0, true, false };

	p->canceling = true;
	core_touch_pipeline(core, p);
	for (size_t i = 0; i < p->pub.plan->job_count; i++)
		if (p->slots[i].latest != NULL)
			core_cancel_one(core, p->slots[i].latest, &how);
}

static char *
line_key(const struct pipeline *p)
{
	return xasprintf("%" PRId64 " %s", p->pub.project, p->ref);
}

/* Living pipelines of a project and ref stand in line, so that a newer one finds them. */
void
core_join_line(struct core *core, struct pipeline *p)
{
	cleanup_free char *key = NULL;

	if (p->in_line || p->ref == NULL || p->pub.parent_job != 0)
		return;
	key = line_key(p);
	p->newer = NULL;
	p->older = map_get(&core->lines, key);
	if (p->older != NULL)
		p->older->newer = p;
	map_set(&core->lines, key, p);
	p->in_line = true;
}

void
core_leave_line(struct core *core, struct pipeline *p)
{
	cleanup_free char *key = NULL;

	if (!p->in_line)
		return;
	p->in_line = false;
	if (p->older != NULL)
		p->older->newer = p->newer;
	if (p->newer != NULL) {
		p->newer->older = p->older;
		return;
	}
	key = line_key(p);
	if (p->older != NULL)
		map_set(&core->lines, key, p->older);
	else
		map_remove(&core->lines, key);
}

/* workflow:auto_cancel:on_new_commit: whether the whole pipeline goes, its interruptible
 * jobs, or nothing. */
enum outdated { OUTDATED_STAYS, OUTDATED_INTERRUPTIBLE, OUTDATED_GOES };

static enum outdated
outdated(const struct pipeline *p)
{
	const char *mode = p->pub.plan->auto_cancel.on_new_commit;

	if (mode != NULL && str_eq(mode, "none"))
		return OUTDATED_STAYS;
	if (mode != NULL && str_eq(mode, "interruptible"))
		return OUTDATED_INTERRUPTIBLE;
	return p->committed ? OUTDATED_STAYS : OUTDATED_GOES;
}

static void
mark_superseded(struct core *core, struct pipeline *p, int64_t by)
{
	if (p->pub.superseded_by != 0)
		return;
	p->pub.superseded_by = by;
	core_emit(core, CORE_PIPELINE_CHANGED, p->pub.id, 0);
}

/* Children of the same project go by their own settings, however their parent fares. */
static void
supersede_one(struct core *core, struct pipeline *p, int64_t by)
{
	struct cancel how = { REASON_SUPERSEDED, by, false, false };
	enum outdated what = outdated(p);

	p->canceling = p->canceling || what == OUTDATED_GOES;
	for (size_t i = 0; i < p->pub.plan->job_count; i++) {
		struct job *job = p->slots[i].latest;
		struct pipeline *child =
		    job == NULL ? NULL : core_find_pipeline(core, job->pub.downstream);
		enum status before;

		if (child != NULL && child->project == p->project)
			supersede_one(core, child, by);
		if (job == NULL || what == OUTDATED_STAYS ||
		    (what == OUTDATED_INTERRUPTIBLE && !job->pub.plan->interruptible))
			continue;
		before = job->pub.status;
		core_cancel_one(core, job, &how);
		if (job->pub.status != before)
			mark_superseded(core, p, by);
	}
}

void
core_supersede(struct core *core, struct pipeline *newer)
{
	struct pipeline *next;

	for (struct pipeline *p = newer->older; p != NULL; p = next) {
		next = p->older;
		if (newer->sha == NULL || p->sha == NULL || !str_eq(newer->sha, p->sha))
			supersede_one(core, p, newer->pub.id);
	}
}
