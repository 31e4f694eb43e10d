/* Who gets what: jobs and runners that are new to each other are brought together. */
#include "scheduler/core_internal.h"

/* The longest waiting one of these that may serve the lane. */
static struct runner *
first_fit(const struct post *post, bool only_protected, const struct lane *lane)
{
	for (struct seat *s = post->first[only_protected]; s != NULL; s = s->next)
		if (!s->runner->described || core_has_tags(&s->runner->tags, &lane->tags))
			return s->runner;
	return NULL;
}

/* All that would fit sit at each of the posts: the one with the fewest is enough. */
static struct runner *
at_berth(const struct berth *berth, bool only_protected)
{
	const struct post *best = berth->posts[0];

	for (size_t i = 1; i < berth->post_count; i++)
		if (berth->posts[i]->waiting[only_protected] <
		    best->waiting[only_protected])
			best = berth->posts[i];
	return first_fit(best, only_protected, berth->lane);
}

/* Who waits longer; either may be NULL. */
static struct runner *
older(struct runner *a, struct runner *b)
{
	if (a == NULL || b == NULL)
		return a == NULL ? b : a;
	return a->arrival < b->arrival ? a : b;
}

struct runner *
core_waiting_runner(const struct lane *lane)
{
	struct runner *best = NULL;

	for (size_t i = 0; i < lane->berth_count; i++) {
		best = older(best, at_berth(&lane->berths[i], false));
		if (lane->is_protected)
			best = older(best, at_berth(&lane->berths[i], true));
	}
	return best;
}

/* The fairest lane at this post that the runner may serve. */
static struct lane *
at_post(
    const struct post *post, bool is_protected, const struct runner *r, struct lane *best)
{
	for (struct bucket *b = post->buckets[is_protected]; b != NULL; b = b->next) {
		struct lane *lane = ranked_of(b->lanes.first, struct berth, node)->lane;

		if (r->described && !core_has_tags(&r->tags, &lane->tags))
			continue;
		if (best == NULL || core_compare_lanes(lane, best) < 0)
			best = lane;
	}
	return best;
}

static struct lane *
best_lane(const struct runner *r)
{
	struct lane *best = NULL;

	for (size_t i = 0; i < r->seat_count; i++) {
		best = at_post(r->seats[i].post, true, r, best);
		if (!r->pub.only_protected)
			best = at_post(r->seats[i].post, false, r, best);
	}
	return best;
}

void
core_occupy(struct core *core, struct job *job, int64_t runner)
{
	struct runner *r = core_get_runner(core, runner);

	job->assigned = true;
	job->pub.runner = runner;
	r->running++;
	core->counts.assigned++;
	core->counts.unaccepted += job->pub.status == STATUS_PENDING;
	core_count_running(core, job->pipeline->project, 1);
	core_runner_served(core, r);
}

void
core_vacate(struct core *core, struct job *job)
{
	struct runner *r = idmap_get(&core->runners, job->pub.runner);

	if (!job->assigned)
		return;
	job->assigned = false;
	core->counts.assigned--;
	core->counts.unaccepted -= job->pub.status == STATUS_PENDING;
	core_count_running(core, job->pipeline->project, -1);
	if (r == NULL)
		return;
	r->running--;
	core_update_runner(core, r);
	core_drop_runner(core, r);
}

/* It was not started there: it takes its old place in the queue. */
void
core_give_back(struct core *core, struct job *job)
{
	core_vacate(core, job);
	job->pub.runner = 0;
	core_set_status(core, job, STATUS_PENDING, REASON_WAITS_FOR_SLOT, 0);
}

static bool
give(struct core *core, struct runner *r)
{
	struct lane *lane = best_lane(r);
	struct job *job;

	if (lane == NULL)
		return false;
	job = ranked_of(lane->jobs.first, struct job, queue);
	core_queue_remove(core, job);
	r->requests--;
	core->counts.requests--;
	core_occupy(core, job, r->pub.id);
	core_watch(core, job);
	core_emit(core, CORE_ASSIGN, job->pub.pipeline, job->pub.id);
	core->effects->items[core->effects->count - 1].runner = r->pub.id;
	return true;
}

/*
 * Afterwards no runner waits for a job that waits for a runner, unless the instance is
 * full; then what is fresh stays so. Whoever is not fresh has met all the others.
 */
void
core_assign(struct core *core)
{
	for (;;) {
		struct lane *lane =
		    ranked_first(&core->fresh_lanes, struct lane, fresh_node);
		struct runner *r = core->first_fresh;

		if (core->loading ||
		    (core->limits.jobs > 0 &&
			core->counts.assigned >= (size_t)core->limits.jobs))
			return;
		if (lane != NULL)
			r = core_waiting_runner(lane);
		else if (r == NULL)
			return;
		if (r == NULL)
			core_lane_seen(core, lane);
		else if (!give(core, r))
			core_runner_seen(core, r);
	}
}
