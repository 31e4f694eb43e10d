/* The queue: lanes of jobs that are as good as each other to a runner. */
#include <assert.h>

#include "scheduler/core_internal.h"

static struct job *
first_job(const struct lane *lane)
{
	return ranked_first(&lane->jobs, struct job, queue);
}

/* What one event made ready goes in the order of the pipeline file. */
static int
compare_jobs(const struct job *a, const struct job *b)
{
	if (a->pub.priority != b->pub.priority)
		return a->pub.priority > b->pub.priority ? -1 : 1;
	if (a->pub.queued_us != b->pub.queued_us)
		return a->pub.queued_us < b->pub.queued_us ? -1 : 1;
	return (a->pub.id > b->pub.id) - (a->pub.id < b->pub.id);
}

static int
compare_queued(const struct ranked_node *a, const struct ranked_node *b)
{
	return compare_jobs(
	    ranked_of(a, struct job, queue), ranked_of(b, struct job, queue));
}

/* The project with the fewest running jobs, then priority, then who waits longest. */
int
core_compare_lanes(const struct lane *a, const struct lane *b)
{
	const struct job *first = first_job(a), *second = first_job(b);

	assert(first != NULL && second != NULL); /* one without jobs is in no queue */
	if (a->project->running != b->project->running)
		return a->project->running < b->project->running ? -1 : 1;
	return compare_jobs(first, second);
}

int
core_compare_fresh(const struct ranked_node *a, const struct ranked_node *b)
{
	return core_compare_lanes(
	    ranked_of(a, struct lane, fresh_node), ranked_of(b, struct lane, fresh_node));
}

static struct lane *
get_lane(struct core *core, const struct job *job)
{
	cleanup_buf struct buf key = BUF_INIT;
	struct project *project = job->pipeline->project;
	struct lane *lane;

	buf_printf(
	    &key, "%" PRId64 " %d ", project->pub.id, job->pipeline->ref_is_protected);
	core_tags_key(&job->pub.plan->tags, &key);
	lane = map_get(&core->lanes, buf_str(&key));
	if (lane != NULL)
		return lane;
	lane = xcalloc(1, sizeof(*lane));
	lane->key = buf_take(&key);
	lane->project = project;
	lane->is_protected = job->pipeline->ref_is_protected;
	lane->tags = core_tags(core, &job->pub.plan->tags);
	lane->jobs = (struct ranked)RANKED_INIT(compare_queued);
	lane->next = project->lanes;
	if (lane->next != NULL)
		lane->next->prev = lane;
	project->lanes = lane;
	map_set(&core->lanes, lane->key, lane);
	return lane;
}

static void
unpark(struct lane *lane)
{
	struct tag *tag = lane->parked_for;

	if (tag == NULL)
		return;
	if (lane->next_parked != NULL)
		lane->next_parked->prev_parked = lane->prev_parked;
	if (lane->prev_parked != NULL)
		lane->prev_parked->next_parked = lane->next_parked;
	else
		tag->parked = lane->next_parked;
	lane->next_parked = lane->prev_parked = NULL;
	lane->parked_for = NULL;
}

/*
 * A lane with a tag that no runner has is kept out of the buckets: jobs that will never
 * run, of which there can be any number, cost the others nothing.
 */
static bool
park(const struct core *core, struct lane *lane)
{
	if (core->takes_all)
		return false;
	for (size_t i = 0; i < lane->tags.count; i++) {
		struct tag *tag = lane->tags.items[i];

		if (tag->runners > 0)
			continue;
		lane->parked_for = tag;
		lane->prev_parked = NULL;
		lane->next_parked = tag->parked;
		if (lane->next_parked != NULL)
			lane->next_parked->prev_parked = lane;
		tag->parked = lane;
		return true;
	}
	return false;
}

static void
add_berth(struct core *core, struct lane *lane, const struct core_scope *scope)
{
	struct berth *berth = &lane->berths[lane->berth_count++];
	size_t count = lane->tags.count == 0 ? 1 : lane->tags.count;

	berth->lane = lane;
	if (scope == NULL || lane->tags.count == 0)
		count = 1;
	berth->posts = xcalloc(count, sizeof(struct post *));
	berth->post_count = count;
	for (size_t i = 0; i < count; i++)
		berth->posts[i] = scope == NULL
		    ? core_post_of_all(core)
		    : core_post(core, scope,
			  lane->tags.count == 0 ? NULL : lane->tags.items[i]);
	berth->bucket = core_bucket(core, berth->posts[0], lane);
}

static void
add_berths(struct core *core, struct lane *lane)
{
	const struct core_project *project = &lane->project->pub;
	struct core_scope scope = { CORE_SCOPE_ALL, 0 };

	lane->berths = xcalloc(project->group_count + 3, sizeof(*lane->berths));
	add_berth(core, lane, NULL);
	add_berth(core, lane, &scope);
	for (size_t i = 0; i < project->group_count; i++) {
		scope = (struct core_scope){ CORE_SCOPE_GROUP, project->groups[i] };
		add_berth(core, lane, &scope);
	}
	scope = (struct core_scope){ CORE_SCOPE_PROJECT, project->id };
	add_berth(core, lane, &scope);
}

static void
drop_berths(struct core *core, struct lane *lane)
{
	for (size_t i = 0; i < lane->berth_count; i++) {
		struct berth *berth = &lane->berths[i];

		core_release_bucket(core, berth->bucket);
		for (size_t k = 0; k < berth->post_count; k++)
			core_release_post(core, berth->posts[k]);
		free(berth->posts);
	}
	free(lane->berths);
	lane->berths = NULL;
	lane->berth_count = 0;
}

static void
lane_free(struct core *core, struct lane *lane)
{
	unpark(lane);
	drop_berths(core, lane);
	if (lane->next != NULL)
		lane->next->prev = lane->prev;
	if (lane->prev != NULL)
		lane->prev->next = lane->next;
	else
		lane->project->lanes = lane->next;
	map_remove(&core->lanes, lane->key);
	core_release_tags(core, &lane->tags);
	free(lane->key);
	free(lane);
}

void
core_lane_close(struct core *core, struct lane *lane)
{
	unpark(lane);
	if (!lane->open)
		return;
	for (size_t i = 0; i < lane->berth_count; i++)
		core_berth_leave(&lane->berths[i]);
	if (lane->fresh)
		ranked_remove(&core->fresh_lanes, &lane->fresh_node);
	lane->open = false;
}

void
core_lane_open(struct core *core, struct lane *lane, bool fresh)
{
	const struct project *project = lane->project;

	lane->fresh = lane->fresh || fresh;
	if (ranked_count(&lane->jobs) == 0)
		return;
	if (project->pub.limit > 0 && project->running >= project->pub.limit) {
		lane->fresh = true; /* what comes meanwhile is for it too */
		return;
	}
	if (park(core, lane)) {
		lane->fresh = true;
		return;
	}
	if (lane->berths == NULL)
		add_berths(core, lane);
	for (size_t i = 0; i < lane->berth_count; i++)
		core_berth_enter(&lane->berths[i]);
	if (lane->fresh)
		ranked_insert(&core->fresh_lanes, &lane->fresh_node);
	lane->open = true;
}

/* It has been offered to everybody; only what changes from here on is news. */
void
core_lane_seen(struct core *core, struct lane *lane)
{
	ranked_remove(&core->fresh_lanes, &lane->fresh_node);
	lane->fresh = false;
}

void
core_close_lanes(struct core *core, struct project *project)
{
	for (struct lane *lane = project->lanes; lane != NULL; lane = lane->next)
		core_lane_close(core, lane);
}

void
core_open_lanes(struct core *core, struct project *project)
{
	for (struct lane *lane = project->lanes; lane != NULL; lane = lane->next)
		core_lane_open(core, lane, false);
}

/* Its groups have changed, and with them the runners that may serve it. */
void
core_moor_lanes(struct core *core, struct project *project)
{
	for (struct lane *lane = project->lanes; lane != NULL; lane = lane->next) {
		drop_berths(core, lane);
		lane->fresh = true;
	}
}

void
core_count_running(struct core *core, struct project *project, int by)
{
	core_close_lanes(core, project);
	project->running += by;
	core_open_lanes(core, project);
}

/* Only a new head changes the lane's place among others. */
void
core_queue_add(struct core *core, struct job *job)
{
	struct lane *lane = get_lane(core, job);
	const struct job *head = first_job(lane);
	bool moves = head == NULL || compare_jobs(job, head) < 0;

	job->lane = lane;
	if (moves)
		core_lane_close(core, lane);
	ranked_insert(&lane->jobs, &job->queue);
	core->counts.queued++;
	if (moves) {
		core_lane_open(core, lane, true);
	} else if (!lane->fresh) {
		lane->fresh = true;
		if (lane->open)
			ranked_insert(&core->fresh_lanes, &lane->fresh_node);
	}
}

void
core_queue_remove(struct core *core, struct job *job)
{
	struct lane *lane = job->lane;
	bool moves = first_job(lane) == job;

	if (moves)
		core_lane_close(core, lane);
	ranked_remove(&lane->jobs, &job->queue);
	job->lane = NULL;
	core->counts.queued--;
	if (ranked_count(&lane->jobs) == 0)
		lane_free(core, lane);
	else if (moves)
		core_lane_open(core, lane, false);
}

/* A runner with this tag has come: lanes that waited for one look again. */
void
core_unpark(struct core *core, struct tag *tag)
{
	struct lane *lane = tag->parked;

	tag->parked = NULL;
	while (lane != NULL) {
		struct lane *next = lane->next_parked;

		lane->next_parked = lane->prev_parked = NULL;
		lane->parked_for = NULL;
		core_lane_open(core, lane, true);
		lane = next;
	}
}

void
core_unpark_all(struct core *core)
{
	map_for_each(e, &core->tags)
		core_unpark(core, e->value);
}
