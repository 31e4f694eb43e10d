/* Why a job waits: what the queue knows, as figures and as a sentence. */
#include <stdio.h>

#include "pipelines/duration.h"
#include "scheduler/core_internal.h"

static const char *const names[CORE_WAIT_COUNT] = {
	[CORE_WAIT_NONE] = "none",
	[CORE_WAIT_JOB] = "job",
	[CORE_WAIT_PERSON] = "person",
	[CORE_WAIT_TIME] = "time",
	[CORE_WAIT_RESOURCE] = "resource",
	[CORE_WAIT_ACCEPTANCE] = "acceptance",
	[CORE_WAIT_NO_RUNNER] = "no_runner",
	[CORE_WAIT_SCOPE] = "scope",
	[CORE_WAIT_TAG] = "tag",
	[CORE_WAIT_UNTAGGED] = "untagged",
	[CORE_WAIT_PROTECTED] = "protected",
	[CORE_WAIT_PAUSED] = "paused",
	[CORE_WAIT_OFFLINE] = "offline",
	[CORE_WAIT_RUNNER_LIMIT] = "runner_limit",
	[CORE_WAIT_PROJECT_LIMIT] = "project_limit",
	[CORE_WAIT_INSTANCE_LIMIT] = "instance_limit",
	[CORE_WAIT_QUEUE] = "queue",
};

const char *
core_wait_name(enum core_wait_code code)
{
	return names[code];
}

static void say(struct core_wait *w, const char *fmt, ...) PRINTF(2, 3);

static void
say(struct core_wait *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(w->text, sizeof(w->text), fmt, ap);
	va_end(ap);
}

static bool
serves_project(const struct runner *r, const struct core_project *project)
{
	for (size_t i = 0; i < r->pub.scope_count; i++) {
		const struct core_scope *scope = &r->pub.scopes[i];

		if (scope->kind == CORE_SCOPE_ALL ||
		    (scope->kind == CORE_SCOPE_PROJECT && scope->id == project->id))
			return true;
		for (size_t k = 0;
		     scope->kind == CORE_SCOPE_GROUP && k < project->group_count; k++)
			if (scope->id == project->groups[k])
				return true;
	}
	return false;
}

static bool
is_online(const struct core *core, const struct runner *r)
{
	return r->requests > 0 || r->pub.online_until_us > core->now_us;
}

/* The codes stand in the order in which they are asked, so that a later one is nearer. */
enum core_wait_code
core_runner_refusal(const struct runner *r, const struct lane *lane)
{
	if (!core_has_tags(&r->tags, &lane->tags))
		return CORE_WAIT_TAG;
	if (lane->tags.count == 0 && !r->pub.run_untagged)
		return CORE_WAIT_UNTAGGED;
	if (r->pub.only_protected && !lane->is_protected)
		return CORE_WAIT_PROTECTED;
	return CORE_WAIT_NONE;
}

enum core_wait_code
core_runner_reach(const struct core *core, const struct runner *r)
{
	if (r->pub.paused)
		return CORE_WAIT_PAUSED;
	if (!is_online(core, r))
		return CORE_WAIT_OFFLINE;
	if (r->pub.limit > 0 && r->running >= r->pub.limit)
		return CORE_WAIT_RUNNER_LIMIT;
	return CORE_WAIT_QUEUE;
}

/* How far a runner gets with a lane: the first thing in its way, or CORE_WAIT_QUEUE. */
static enum core_wait_code
obstacle(const struct core *core, const struct lane *lane, const struct runner *r)
{
	enum core_wait_code refusal;

	if (!r->described)
		return CORE_WAIT_QUEUE;
	if (!serves_project(r, &lane->project->pub))
		return CORE_WAIT_SCOPE;
	refusal = core_runner_refusal(r, lane);
	return refusal != CORE_WAIT_NONE ? refusal : core_runner_reach(core, r);
}

static size_t
shared_tags(const struct tags *a, const struct tags *b)
{
	size_t shared = 0;

	for (size_t i = 0; i < a->count; i++)
		for (size_t k = 0; k < b->count; k++)
			shared += a->items[i] == b->items[k];
	return shared;
}

/* The runner that gets furthest; among equals one that is online, then has more of the
 * tags, then the oldest. */
static const struct runner *
nearest(const struct core *core, const struct lane *lane, enum core_wait_code *code)
{
	const struct runner *best = NULL;
	size_t best_score = 0;

	*code = CORE_WAIT_NO_RUNNER;
	idmap_for_each(e, &core->runners) {
		const struct runner *r = e->value;
		enum core_wait_code at = obstacle(core, lane, r);
		size_t score = shared_tags(&r->tags, &lane->tags) +
		    (is_online(core, r) && !r->pub.paused ? 1000 : 0);

		if (r->gone || (best != NULL && at < *code))
			continue;
		if (best == NULL || at > *code || score > best_score ||
		    (score == best_score && r->pub.id < best->pub.id)) {
			best = r;
			best_score = score;
			*code = at;
		}
	}
	return best;
}

/* "`linux`, `docker`" */
static void
list_tags(const struct tags *tags, struct buf *out)
{
	for (size_t i = 0; i < tags->count; i++)
		buf_printf(out, "%s`%s`", i > 0 ? ", " : "", tags->items[i]->name);
}

/* The tag nobody has who is of use here, else the first that the nearest has not. */
static const struct tag *
wanted_tag(const struct lane *lane, const struct runner *r)
{
	for (size_t i = 0; i < lane->tags.count; i++)
		if (lane->tags.items[i]->runners == 0)
			return lane->tags.items[i];
	return core_missing_tag(&r->tags, &lane->tags);
}

static const char *
tag_of_plan(const struct job *job, const char *name)
{
	const struct strs *tags = &job->pub.plan->tags;

	for (size_t i = 0; i < tags->count; i++)
		if (strcmp(tags->items[i], name) == 0)
			return tags->items[i];
	return NULL;
}

static void
explain_tag(const struct core *core, const struct job *job, const struct lane *lane,
    const struct runner *r, struct core_wait *w)
{
	const struct tag *tag = wanted_tag(lane, r);
	cleanup_buf struct buf has = BUF_INIT;

	if (tag == NULL)
		return; /* cannot be: it was a tag that stood in the way */
	list_tags(&r->tags, &has);
	w->tag = tag_of_plan(job, tag->name);
	if (tag->runners > 0)
		say(w, "no runner has all its tags; nearest: %s has %s, but not `%s`",
		    r->pub.name, has.len > 0 ? buf_str(&has) : "none", tag->name);
	else
		say(w, "no %srunner has tag `%s`; nearest: %s has %s",
		    is_online(core, r) ? "online " : "", tag->name, r->pub.name,
		    has.len > 0 ? buf_str(&has) : "none");
}

static void
explain_obstacle(const struct core *core, const struct job *job, const struct lane *lane,
    const struct runner *r, struct core_wait *w)
{
	const char *name = r->pub.name;

	w->runner = r->pub.id;
	switch ((int)w->code) {
	case CORE_WAIT_SCOPE:
		say(w, "no runner takes jobs of this project");
		return;
	case CORE_WAIT_TAG:
		explain_tag(core, job, lane, r, w);
		return;
	case CORE_WAIT_UNTAGGED:
		say(w, "no runner takes jobs without tags; %s could be allowed to", name);
		return;
	case CORE_WAIT_PROTECTED:
		say(w,
		    "%s takes jobs of protected refs only, and so do all with its tags",
		    name);
		return;
	case CORE_WAIT_PAUSED:
		say(w, "every runner that could take it is paused: %s", name);
		return;
	case CORE_WAIT_OFFLINE:
		say(w, "no runner that could take it is online: %s is not", name);
		return;
	case CORE_WAIT_RUNNER_LIMIT:
		w->limit = r->pub.limit;
		say(w, "every runner that could take it is full: %s has %d of %d jobs",
		    name, r->running, r->pub.limit);
		return;
	default:
		return;
	}
}

/* Lanes of other projects with the same tags; protected or not. */
static const struct bucket *
rivals(const struct lane *lane, bool is_protected)
{
	const struct berth *berth = &lane->berths[1]; /* of CORE_SCOPE_ALL */

	for (const struct bucket *b = berth->posts[0]->buckets[is_protected]; b != NULL;
	     b = b->next) {
		const struct lane *first =
		    ranked_of(b->lanes.first, struct berth, node)->lane;

		if (core_has_tags(&first->tags, &lane->tags) &&
		    core_has_tags(&lane->tags, &first->tags))
			return b;
	}
	return NULL;
}

/*
 * Projects take turns, the one with the fewest running jobs first. So before this job's
 * turn another project gets as many as bring it level with ours by then.
 */
static void
count_rivals(const struct bucket *bucket, const struct lane *own, int64_t level,
    struct core_wait *w)
{
	if (bucket == NULL)
		return;
	for (const struct ranked_node *n = bucket->lanes.first; n != NULL;
	     n = ranked_next(n)) {
		const struct lane *lane = ranked_of(n, struct berth, node)->lane;
		size_t queued = ranked_count(&lane->jobs);
		int64_t before = level - lane->project->running;

		if (lane == own)
			continue;
		w->queued += queued;
		if (before > 0)
			w->position += (size_t)before < queued ? (size_t)before : queued;
	}
}

static void
find_position(const struct job *job, struct core_wait *w)
{
	const struct lane *lane = job->lane;
	size_t ahead = ranked_rank(&job->queue);
	int64_t level = lane->project->running + (int64_t)ahead;

	w->position = ahead + 1;
	w->queued = ranked_count(&lane->jobs);
	if (!lane->open)
		return;
	count_rivals(rivals(lane, false), lane, level, w);
	count_rivals(rivals(lane, true), lane, level, w);
}

enum core_wait_code
core_limited(
    const struct core *core, const struct project *project, enum core_wait_code code)
{
	if (code < CORE_WAIT_RUNNER_LIMIT)
		return code;
	if (project->pub.limit > 0 && project->running >= project->pub.limit)
		return CORE_WAIT_PROJECT_LIMIT;
	if (core->limits.jobs > 0 && core->counts.assigned >= (size_t)core->limits.jobs)
		return CORE_WAIT_INSTANCE_LIMIT;
	return code;
}

static void
explain_limit(struct core_wait *w, const char *whose, int limit)
{
	w->limit = limit;
	say(w, "the %s has its limit of %d running jobs; number %zu of %zu", whose, limit,
	    w->position, w->queued);
}

static void
explain_queued(const struct core *core, const struct job *job, struct core_wait *w)
{
	const struct project *project = job->pipeline->project;
	const struct runner *r = nearest(core, job->lane, &w->code);

	w->code = core_limited(core, project, w->code);
	find_position(job, w);
	w->never = w->code < CORE_WAIT_PAUSED;
	if (r == NULL)
		say(w, "there is no runner");
	else if (w->code == CORE_WAIT_PROJECT_LIMIT)
		explain_limit(w, "project", project->pub.limit);
	else if (w->code == CORE_WAIT_INSTANCE_LIMIT)
		explain_limit(w, "server", core->limits.jobs);
	else if (w->code == CORE_WAIT_QUEUE)
		say(w, "waits for a free runner: number %zu of %zu", w->position,
		    w->queued);
	else
		explain_obstacle(core, job, job->lane, r, w);
}

/* Is there a runner for such jobs, be it paused or away? */
static bool
could_run(const struct core *core, const struct lane *lane)
{
	idmap_for_each(e, &core->runners) {
		const struct runner *r = e->value;

		if (!r->gone && obstacle(core, lane, r) >= CORE_WAIT_PAUSED)
			return true;
	}
	return false;
}

/* A job whose time has not come, and that no runner could take when it has. */
static void
explain_later(const struct core *core, const struct job *job, struct core_wait *w)
{
	struct lane lane = { .project = job->pipeline->project,
		.is_protected = job->pipeline->ref_is_protected };
	struct core_wait later = { .code = CORE_WAIT_NONE };
	cleanup_free struct tag *unknown = NULL;
	const struct runner *r;
	size_t len = strlen(w->text);

	if (!core->any_described || job->pub.plan->config->trigger.present)
		return;
	lane.tags = core_find_tags(core, &job->pub.plan->tags, &unknown);
	w->never = !could_run(core, &lane);
	if (w->never) {
		r = nearest(core, &lane, &later.code);
		if (r == NULL)
			say(&later, "there is no runner");
		else
			explain_obstacle(core, job, &lane, r, &later);
		w->tag = later.tag;
		w->runner = later.runner;
		(void)snprintf(
		    w->text + len, sizeof(w->text) - len, "; then %s", later.text);
	}
	free(lane.tags.items);
}

/* A job that is not done, of those it waits for. */
static const struct job *
awaited(const struct job *job)
{
	const struct pipeline *p = job->pipeline;
	const struct plan_job *plan = job->pub.plan;
	size_t end = p->stage_first[plan->stage_index];

	for (size_t i = 0; plan->has_needs && i < plan->need_count; i++) {
		const struct job *need = p->slots[plan->needs[i].job].latest;

		if (need != NULL && !status_is_completed(need->pub.status))
			return need;
	}
	for (size_t i = 0; !plan->has_needs && i < end; i++) {
		const struct job *earlier = p->slots[i].latest;

		if (earlier != NULL && !status_is_completed(earlier->pub.status) &&
		    !(earlier->pub.status == STATUS_MANUAL &&
			earlier->pub.plan->allow_failure.allowed))
			return earlier;
	}
	return NULL;
}

static void
explain_created(const struct job *job, struct core_wait *w)
{
	const struct job *other = awaited(job);

	w->code = CORE_WAIT_JOB;
	if (other == NULL) {
		say(w, "waits for earlier jobs");
		return;
	}
	w->job = other->pub.id;
	say(w, "waits for job %s, which is %s", other->pub.plan->name,
	    status_name(other->pub.status));
}

static void
explain_resource(const struct core *core, const struct job *job, struct core_wait *w)
{
	const struct job *other;

	w->code = CORE_WAIT_RESOURCE;
	w->job = core_resource_blocker(job);
	other = core_find_job(core, w->job);
	if (other == NULL)
		say(w, "waits for resource group %s", job->pub.plan->resource_group);
	else if (job->resource->holder == w->job)
		say(w,
		    "job %s (%" PRId64 ") of pipeline %" PRId64
		    " holds resource group %s",
		    other->pub.plan->name, w->job, other->pub.pipeline,
		    job->pub.plan->resource_group);
	else
		say(w,
		    "job %s (%" PRId64 ") of pipeline %" PRId64
		    " comes before it in resource group %s",
		    other->pub.plan->name, w->job, other->pub.pipeline,
		    job->pub.plan->resource_group);
}

static void
explain_acceptance(const struct core *core, const struct job *job, struct core_wait *w)
{
	const struct runner *r = idmap_get(&core->runners, job->pub.runner);

	w->code = CORE_WAIT_ACCEPTANCE;
	w->runner = job->pub.runner;
	w->until_us = job->due_us == NEVER ? 0 : job->due_us + core->stood_us;
	say(w, "given to %s, which has not accepted it yet",
	    r != NULL && r->described ? r->pub.name : "a runner");
}

/* A trigger job that shows what its pipeline is does not wait itself. */
static bool
explain_mirror(const struct job *job, struct core_wait *w)
{
	if (job->pub.downstream == 0)
		return false;
	w->code = CORE_WAIT_JOB;
	say(w, "its pipeline %" PRId64 " waits: it is %s", job->pub.downstream,
	    status_name(job->pub.status));
	return true;
}

static void
explain_manual(const struct job *job, struct core_wait *w)
{
	if (explain_mirror(job, w))
		return;
	w->code = CORE_WAIT_PERSON;
	say(w, "waits to be played");
}

static void
explain_scheduled(const struct core *core, const struct job *job, struct core_wait *w)
{
	char in[DURATION_TEXT_MAX];

	if (explain_mirror(job, w))
		return;
	w->code = CORE_WAIT_TIME;
	w->until_us = job->pub.start_at_us;
	say(w, "starts in %s",
	    duration_format(
		(job->pub.start_at_us - core->now_us + 999999) / 1000000, in));
}

bool
core_explain(const struct core *core, int64_t id, struct core_wait *out)
{
	const struct job *job = core_find_job(core, id);

	*out = (struct core_wait){ .code = CORE_WAIT_NONE };
	if (job == NULL)
		return false;
	switch ((int)job->pub.status) {
	case STATUS_CREATED:
		explain_created(job, out);
		explain_later(core, job, out);
		break;
	case STATUS_WAITING_FOR_RESOURCE:
		explain_resource(core, job, out);
		explain_later(core, job, out);
		break;
	case STATUS_MANUAL:
		explain_manual(job, out);
		explain_later(core, job, out);
		break;
	case STATUS_SCHEDULED:
		explain_scheduled(core, job, out);
		explain_later(core, job, out);
		break;
	case STATUS_PENDING:
		if (job->assigned)
			explain_acceptance(core, job, out);
		else
			explain_queued(core, job, out);
		break;
	default:
		break;
	}
	return true;
}
