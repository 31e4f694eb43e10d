/*
 * Deadlines. Delayed jobs go by the clock. Leases and the like go by one that stands
 * still while nobody drives the core: when an event comes long after the tick that was
 * asked for, no runner could have been heard in between.
 */
#include "scheduler/core_internal.h"

#define LATE_US 1000000 /* a tick later than this means that we stood still */

int
core_compare_timers(const struct ranked_node *a, const struct ranked_node *b)
{
	const struct job *x = ranked_of(a, struct job, timer);
	const struct job *y = ranked_of(b, struct job, timer);

	if (x->timer_us != y->timer_us)
		return x->timer_us < y->timer_us ? -1 : 1;
	return (x->pub.id > y->pub.id) - (x->pub.id < y->pub.id);
}

static int64_t
lease_clock(const struct core *core)
{
	return core->now_us - core->stood_us;
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

void
core_advance(struct core *core, int64_t time_us)
{
	if (time_us <= core->now_us)
		return;
	if (core->told_us != NEVER && time_us > core->told_us + LATE_US) {
		core->stood_us += time_us - core->now_us;
		core->told_us = NEVER; /* that tick may be far away: asked for anew */
	}
	core->now_us = time_us;
}

void
core_unwatch(struct core *core, struct job *job)
{
	if (!ranked_has(&job->timer))
		return;
	ranked_remove(job->delayed ? &core->delays : &core->leases, &job->timer);
	core->counts.scheduled -= job->delayed;
	job->delayed = false;
}

static void
set_timer(struct core *core, struct ranked *set, struct job *job, int64_t at_us)
{
	core_unwatch(core, job);
	job->timer_us = at_us;
	job->delayed = set == &core->delays;
	core->counts.scheduled += job->delayed;
	ranked_insert(set, &job->timer);
}

static int64_t
after(const struct core *core, int64_t span_us)
{
	return span_us > 0 ? lease_clock(core) + span_us : NEVER;
}

/* What its runner says of itself; all 0 where there is none. */
static const struct core_runner *
runner_of(const struct core *core, const struct job *job)
{
	static const struct core_runner none;
	const struct runner *r = idmap_get(&core->runners, job->pub.runner);

	return r != NULL ? &r->pub : &none;
}

static int64_t
own_or_usual(int64_t own_us, int64_t usual_us)
{
	return own_us > 0 ? own_us : usual_us;
}

static int64_t
due(const struct core *core, const struct job *job)
{
	const struct core_runner *r = runner_of(core, job);

	if (job->pub.plan->config->trigger.present)
		return NEVER;
	if (job->pub.status == STATUS_PENDING)
		return after(core,
		    job->assigned ? own_or_usual(r->accept_us, core->limits.accept_us)
				  : core->limits.pending_us);
	if (job->pub.status == STATUS_RUNNING || job->pub.status == STATUS_CANCELING)
		return earlier(
		    after(core, own_or_usual(r->lease_us, core->limits.lease_us)),
		    job->timeout_us);
	return NEVER;
}

/* When the runner's own watch has failed too; after a restart it gets one lease more. */
static int64_t
timeout(const struct core *core, const struct job *job)
{
	const struct core_runner *r = runner_of(core, job);
	int64_t span_us = job->pub.plan->config->timeout_s > 0
	    ? job->pub.plan->config->timeout_s * 1000000
	    : core->limits.timeout_us;
	int64_t ran_us = core->now_us - job->pub.started_us;

	if (r->timeout_us > 0 && (span_us <= 0 || r->timeout_us < span_us))
		span_us = r->timeout_us;
	if (core->limits.grace_us <= 0 || span_us <= 0 || job->pub.started_us == 0)
		return NEVER;
	span_us += core->limits.grace_us - ran_us;
	if (span_us < core->limits.lease_us)
		span_us = core->limits.lease_us;
	return lease_clock(core) + span_us;
}

void
core_watch(struct core *core, struct job *job)
{
	if (job->pub.status == STATUS_SCHEDULED && job->pub.downstream == 0) {
		set_timer(core, &core->delays, job, job->pub.start_at_us);
		return;
	}
	job->timeout_us = timeout(core, job);
	job->due_us = due(core, job);
	core_unwatch(core, job);
	if (job->due_us != NEVER)
		set_timer(core, &core->leases, job, job->due_us);
}

/* A lease that grows stays where it is until its old end; most never get there. */
void
core_lease(struct core *core, struct job *job)
{
	job->due_us = due(core, job);
	if (job->due_us == NEVER)
		core_unwatch(core, job);
	else if (!ranked_has(&job->timer) || job->due_us < job->timer_us)
		set_timer(core, &core->leases, job, job->due_us);
}

static void
expire(struct core *core, struct job *job)
{
	if (job->due_us > lease_clock(core)) {
		set_timer(core, &core->leases, job, job->due_us);
		return;
	}
	core_unwatch(core, job);
	if (job->pub.status == STATUS_PENDING && job->assigned)
		core_give_back(core, job);
	else if (job->pub.status == STATUS_PENDING)
		core_end_lost(core, job, REASON_STUCK_OR_TIMEOUT_FAILURE);
	else if (job->due_us >= job->timeout_us)
		core_end_lost(core, job, REASON_JOB_EXECUTION_TIMEOUT);
	else
		core_end_lost(core, job, REASON_RUNNER_SYSTEM_FAILURE);
}

void
core_tick(struct core *core)
{
	struct job *job;

	while ((job = ranked_first(&core->delays, struct job, timer)) != NULL &&
	    job->timer_us <= core->now_us) {
		core_unwatch(core, job);
		core_enqueue(core, job);
	}
	while ((job = ranked_first(&core->leases, struct job, timer)) != NULL &&
	    job->timer_us <= lease_clock(core))
		expire(core, job);
}

/* A tick that comes too early does no harm, so only an earlier one is news. */
void
core_tell_timer(struct core *core, bool ticked)
{
	const struct job *delayed = ranked_first(&core->delays, struct job, timer);
	const struct job *leased = ranked_first(&core->leases, struct job, timer);
	int64_t at = delayed == NULL ? NEVER : delayed->timer_us;

	if (leased != NULL)
		at = earlier(at, leased->timer_us + core->stood_us);
	if (at == NEVER && core->told_us == NEVER)
		return;
	if (!ticked && at >= core->told_us && (at != NEVER || at == core->told_us))
		return;
	core->told_us = at;
	core_emit(core, CORE_TIMER, 0, 0);
	core->effects->items[core->effects->count - 1].time_us = at;
}
