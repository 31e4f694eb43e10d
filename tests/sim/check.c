/*
 * The promises: what must be true at every moment, and at the end. Written from the
 * specification, slowly and plainly, and not from the code it checks.
 */
#include <stdio.h>
#include <string.h>

#include "tests/sim/world.h"

#define WAITS_EVERY 16 /* events: each job is asked */

void
check_failed(struct world *w, const char *fmt, ...)
{
	va_list ap;

	if (w->failure[0] != '\0')
		return;
	va_start(ap, fmt);
	(void)vsnprintf(w->failure, sizeof(w->failure), fmt, ap);
	va_end(ap);
}

struct truth *
truth_of(struct world *w, int64_t job)
{
	struct truth *truth = idmap_get(&w->truths, job);

	if (truth == NULL) {
		truth = xcalloc(1, sizeof(*truth));
		idmap_set(&w->truths, job, truth);
	}
	return truth;
}

static bool
is_active(const struct core_job *job)
{
	return job->status == STATUS_RUNNING || job->status == STATUS_CANCELING ||
	    job->status == STATUS_PENDING;
}

static bool
is_trigger(const struct core_job *job)
{
	return job->plan->config->trigger.present;
}

/* ---- at every moment ------------------------------------------------------------------
 */

struct tally {
	int of_runner[MAX_RUNNERS], of_project[MAX_PROJECTS + 1], all;
	int64_t staging[MAX_PROJECTS + 1], production[MAX_PROJECTS + 1]; /* holders */
};

static void
hold(struct world *w, struct tally *t, const struct core_job *job, int64_t project)
{
	const char *group = job->plan->resource_group;
	int64_t *holder;

	if (group == NULL)
		return;
	holder = strcmp(group, "staging") == 0 ? &t->staging[project]
					       : &t->production[project];
	if (*holder != 0)
		check_failed(w, "jobs %" PRId64 " and %" PRId64 " both hold %s", *holder,
		    job->id, group);
	*holder = job->id;
}

static void
tally_job(struct world *w, struct tally *t, const struct core_job *job)
{
	int64_t project = core_pipeline(w->server.core, job->pipeline)->project;

	if (!is_active(job))
		return;
	hold(w, t, job, project);
	if (is_trigger(job) || job->runner == 0)
		return;
	t->of_runner[job->runner - 1]++;
	t->of_project[project]++;
	t->all++;
}

static bool
may_take(const struct world *w, const struct core_runner *r, const struct core_job *job)
{
	const struct core_pipeline *p = core_pipeline(w->server.core, job->pipeline);
	const struct stored_pipeline *stored = idmap_get(&w->store.pipelines, p->id);

	if (r->paused || (job->plan->tags.count == 0 && !r->run_untagged))
		return false;
	if (stored == NULL || (r->only_protected && !stored->origin.ref_is_protected))
		return false;
	for (size_t i = 0; i < job->plan->tags.count; i++) {
		size_t k = 0;

		while (k < r->tags.count &&
		    strcmp(r->tags.items[k], job->plan->tags.items[i]) != 0)
			k++;
		if (k == r->tags.count)
			return false;
	}
	for (size_t i = 0; i < r->scope_count; i++)
		if (r->scopes[i].kind == CORE_SCOPE_ALL ||
		    (r->scopes[i].kind == CORE_SCOPE_PROJECT &&
			r->scopes[i].id == p->project) ||
		    (r->scopes[i].kind == CORE_SCOPE_GROUP &&
			r->scopes[i].id == 100 + p->project % 2))
			return true;
	return r->scope_count == 0;
}

/* A job and a runner that wait for each other have not been brought together. */
static void
check_idle(struct world *w, const struct tally *t, const struct core_job *job)
{
	int64_t project = core_pipeline(w->server.core, job->pipeline)->project;

	if (w->server.loading || job->status != STATUS_PENDING || job->runner != 0 ||
	    (w->limits.jobs > 0 && t->all >= w->limits.jobs) ||
	    (w->project_limit > 0 && t->of_project[project] >= w->project_limit))
		return;
	for (int i = 0; i < w->runner_count; i++) {
		const struct core_runner *r = &w->runners[i].describes;

		if (core_runner_requests(w->server.core, r->id) > 0 &&
		    (r->limit == 0 || t->of_runner[i] < r->limit) && may_take(w, r, job))
			check_failed(w, "job %" PRId64 " waits, and so does runner %d",
			    job->id, i + 1);
	}
}

/* Lowered limits take effect as jobs end: only what is given counts. */
static void
check_limits(struct world *w, const struct tally *t)
{
	for (int i = 0; i < w->runner_count; i++) {
		const struct core_runner *r = &w->runners[i].describes;

		if (t->of_runner[i] != core_runner_jobs(w->server.core, r->id))
			check_failed(w, "runner %d has %d jobs, and is said to have %d",
			    i + 1, t->of_runner[i],
			    core_runner_jobs(w->server.core, r->id));
		if (r->limit > 0 && t->of_runner[i] > r->limit)
			check_failed(w, "runner %d has %d jobs of at most %d", i + 1,
			    t->of_runner[i], r->limit);
	}
	for (int i = 1; i <= w->project_count; i++)
		if (w->project_limit > 0 && t->of_project[i] > w->project_limit)
			check_failed(w, "project %d has %d jobs of at most %d", i,
			    t->of_project[i], w->project_limit);
	if (w->limits.jobs > 0 && t->all > w->limits.jobs)
		check_failed(
		    w, "there are %d jobs of at most %d", t->all, w->limits.jobs);
}

/* A lease is 30 s; its runner's last words may be on the way for as long. */
static void
check_lease(struct world *w, const struct core_job *job)
{
	int64_t since = truth_of(w, job->id)->burnt_us;

	if (since == 0 || job->status != STATUS_RUNNING || w->server.stalled ||
	    w->server.loading)
		return;
	if (since < w->server.well_since_us)
		since = w->server.well_since_us;
	if (w->now_us - since > 70 * SECOND)
		check_failed(w, "job %" PRId64 " still runs where nobody is", job->id);
}

/* What is counted without looking at the jobs is what each of them says. */
static void
check_waits(struct world *w, int64_t last)
{
	const struct core *core = w->server.core;
	size_t said[CORE_WAIT_COUNT] = { 0 }, counted[CORE_WAIT_COUNT];
	struct core_wait wait;

	for (int64_t id = 1; id <= last; id++)
		if (core_explain(core, id, &wait))
			said[wait.code]++;
	core_count_waits(core, counted);
	for (int i = CORE_WAIT_TIME; i < CORE_WAIT_COUNT; i++)
		if (counted[i] != said[i])
			check_failed(w, "%zu jobs wait for %s, and %zu are counted",
			    said[i], core_wait_name((enum core_wait_code)i), counted[i]);
}

void
check_core(struct world *w)
{
	const struct core *core = w->server.core;
	struct tally t = { .all = 0 };
	int64_t last = w->store.last_job + 200; /* those not on disk yet lie above */

	for (int64_t id = 1; id <= last; id++)
		if (core_job(core, id) != NULL)
			tally_job(w, &t, core_job(core, id));
	check_limits(w, &t);
	for (int64_t id = 1; id <= last; id++)
		if (core_job(core, id) != NULL) {
			check_idle(w, &t, core_job(core, id));
			check_lease(w, core_job(core, id));
		}
	if (w->events % WAITS_EVERY == 0)
		check_waits(w, last);
}

/* What somebody has heard must stay true, whatever crashes later. */
void
check_told(struct world *w, const struct commit *c)
{
	if (c->told_job == 0 && c->told_pipeline == 0)
		return;
	GROW(w->told, w->told_count, w->told_cap);
	w->told[w->told_count++] =
	    (struct told){ c->told_job, c->told_pipeline, c->told_status };
}

/* ---- at the end -----------------------------------------------------------------------
 */

bool
check_quiet(const struct world *w)
{
	for (int i = 0; i < w->runner_count; i++)
		if (w->runners[i].build_count > 0)
			return false;
	idmap_for_each(e, &w->store.jobs) {
		const struct stored_job *job = e->value;

		if (!status_is_completed(job->row.status))
			return false;
	}
	return w->server.queued == 0;
}

enum { WARNED = STATUS_COUNT, IGNORED };

static int
mapped(const struct core_job *job)
{
	bool allowed = job->plan->allow_failure.allowed;

	if (allowed && job->status == STATUS_MANUAL)
		return IGNORED;
	if (job->warned || (allowed && (job->status == STATUS_CANCELED)))
		return WARNED;
	return (int)job->status;
}

struct set {
	int members[16];
	size_t count;
};

static bool
is_in(int member, const int *list)
{
	for (; *list >= 0; list++)
		if (*list == member)
			return true;
	return false;
}

static bool
all_in(const struct set *s, const int *list)
{
	for (size_t i = 0; i < s->count; i++)
		if (!is_in(s->members[i], list))
			return false;
	return s->count > 0;
}

static bool
any_in(const struct set *s, const int *list)
{
	for (size_t i = 0; i < s->count; i++)
		if (is_in(s->members[i], list))
			return true;
	return false;
}

#define LIST(...) ((const int[]){ __VA_ARGS__, -1 })

/* gitlab-ci-language.md section 10, "Composite status of a set", as far as jobs that have
 * ended need it. */
static enum status
composite(const struct set *s, bool of_needs)
{
	if (s->count == 0)
		return STATUS_SUCCESS;
	if (of_needs && any_in(s, LIST(STATUS_SKIPPED, IGNORED)))
		return STATUS_SKIPPED;
	if (all_in(s, LIST(STATUS_SKIPPED, IGNORED)))
		return STATUS_SKIPPED;
	if (all_in(s, LIST(STATUS_SUCCESS, STATUS_SKIPPED, WARNED, IGNORED)))
		return STATUS_SUCCESS;
	if (all_in(s,
		LIST(STATUS_CANCELED, STATUS_SUCCESS, STATUS_SKIPPED, WARNED, IGNORED)))
		return STATUS_CANCELED;
	return STATUS_FAILED;
}

struct jobs {
	const struct core_job *latest[16]; /* per job of the plan */
	size_t count;
	bool turned; /* canceled, or played when others had been decided already */
};

static bool
is_mirror(const struct core_job *job)
{
	const char *strategy = job->plan->config->trigger.strategy;

	return strategy != NULL && strcmp(strategy, "mirror") == 0;
}

static void collect(
    const struct world *w, const struct stored_pipeline *p, struct jobs *out);

/* A trigger job that waits for its pipeline is decided again when a job there is played,
 * however long ago it succeeded.
 */
static bool
may_turn(const struct world *w, const struct core_job *job)
{
	const struct stored_pipeline *p =
	    job->downstream == 0 ? NULL : idmap_get(&w->store.pipelines, job->downstream);
	struct jobs there;

	if (p == NULL || job->plan->config->trigger.strategy == NULL)
		return false;
	collect(w, p, &there);
	return there.turned;
}

static void
collect(const struct world *w, const struct stored_pipeline *p, struct jobs *out)
{
	*out = (struct jobs){ .count = p->plan->job_count };
	for (size_t i = 0; i < p->job_count; i++) {
		const struct stored_job *job = idmap_get(&w->store.jobs, p->jobs[i]);

		out->latest[job->row.index] = &job->row;
		out->turned = out->turned || job->row.status == STATUS_CANCELED ||
		    job->row.plan->when == WHEN_MANUAL || is_mirror(&job->row) ||
		    may_turn(w, &job->row);
	}
}

static enum status
prior_of(const struct jobs *all, const struct core_job *job)
{
	const struct plan_job *plan = job->plan;
	struct set set = { .count = 0 };

	for (size_t i = 0; plan->has_needs && i < plan->need_count; i++)
		set.members[set.count++] = mapped(all->latest[plan->needs[i].job]);
	for (size_t i = 0; !plan->has_needs && i < all->count; i++)
		if (all->latest[i]->plan->stage_index < plan->stage_index)
			set.members[set.count++] = mapped(all->latest[i]);
	return composite(&set, plan->has_needs);
}

static bool
should_run(const struct core_job *job, enum status prior)
{
	switch (job->plan->when) {
	case WHEN_ON_SUCCESS:
	case WHEN_MANUAL:
	case WHEN_DELAYED:
		return prior == STATUS_SUCCESS ||
		    (prior == STATUS_SKIPPED && !job->plan->has_needs);
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

/* Where people did not meddle, the past of each job follows from where all others are. */
static void
check_choice(struct world *w, const struct jobs *all, const struct core_job *job)
{
	enum status prior = prior_of(all, job);

	if (w->meddled || all->turned ||
	    (is_trigger(job) && job->status == STATUS_SKIPPED && job->downstream != 0))
		return;
	if (should_run(job, prior) == (job->status == STATUS_SKIPPED))
		check_failed(w, "job %" PRId64 " is %s, after %s", job->id,
		    status_name(job->status), status_name(prior));
}

static void
check_truth(struct world *w, const struct core_job *job)
{
	const struct truth *truth = truth_of(w, job->id);

	if (!status_is_completed(job->status))
		check_failed(
		    w, "job %" PRId64 " is stuck: %s", job->id, status_name(job->status));
	if (job->status != STATUS_SUCCESS || is_trigger(job))
		return;
	if (truth->starts != 1 || !truth->ran_to_end || !truth->success)
		check_failed(w, "job %" PRId64 " is a success that never was", job->id);
	if (truth->log_on_server != truth->log_bytes)
		check_failed(w, "job %" PRId64 " has a gap in its log", job->id);
}

static void
check_pipeline(struct world *w, const struct stored_pipeline *p)
{
	struct jobs all;
	struct set set = { .count = 0 };

	collect(w, p, &all);
	for (size_t i = 0; i < all.count; i++) {
		if (all.latest[i] == NULL) {
			check_failed(w, "pipeline %" PRId64 " has lost a job", p->row.id);
			return;
		}
		set.members[set.count++] = mapped(all.latest[i]);
	}
	for (size_t i = 0; i < p->job_count; i++)
		check_truth(w,
		    &((const struct stored_job *)idmap_get(&w->store.jobs, p->jobs[i]))
			 ->row);
	for (size_t i = 0; i < all.count; i++)
		check_choice(w, &all, all.latest[i]);
	if (composite(&set, false) != p->row.status)
		check_failed(w, "pipeline %" PRId64 " is %s and should be %s", p->row.id,
		    status_name(p->row.status), status_name(composite(&set, false)));
}

void
check_end(struct world *w)
{
	idmap_for_each(e, &w->store.pipelines)
		check_pipeline(w, e->value);
	for (size_t i = 0; i < w->told_count; i++) {
		const struct told *told = &w->told[i];
		const struct stored_job *job = idmap_get(&w->store.jobs, told->job);

		if (told->pipeline != 0 &&
		    idmap_get(&w->store.pipelines, told->pipeline) == NULL)
			check_failed(w, "pipeline %" PRId64 " was told of and is lost",
			    told->pipeline);
		if (told->job != 0 && (job == NULL || job->row.status != told->status))
			check_failed(w, "job %" PRId64 " was told to be %s and is not",
			    told->job, status_name(told->status));
	}
}
