/*
 * Resource groups: of the jobs of a project that name one, a single one runs. Jobs enter
 * its list when they are made, because two of the process modes let a job that is not
 * ready yet hold up those of other pipelines.
 */
#include "scheduler/core_internal.h"

static int
compare_int64(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

/* Whose turn it is among ready jobs, and for all of them whether readiness goes first. */
static int
compare_upcoming(const struct ranked_node *node_a, const struct ranked_node *node_b)
{
	const struct job *a = ranked_of(node_a, struct job, upcoming);
	const struct job *b = ranked_of(node_b, struct job, upcoming);
	int readiness = (b->arrival != 0) - (a->arrival != 0);
	int pipelines = compare_int64(a->pub.pipeline, b->pub.pipeline);
	int order[2] = { 0, 0 };

	switch (a->resource->mode) {
	case CORE_UNORDERED:
		order[0] = readiness;
		order[1] = compare_int64((int64_t)a->arrival, (int64_t)b->arrival);
		break;
	case CORE_OLDEST_FIRST:
		order[0] = pipelines;
		order[1] = readiness;
		break;
	case CORE_NEWEST_FIRST:
		order[0] = -pipelines;
		order[1] = readiness;
		break;
	case CORE_NEWEST_READY_FIRST:
		order[0] = readiness;
		order[1] = -pipelines;
		break;
	}
	for (size_t i = 0; i < 2; i++)
		if (order[i] != 0)
			return order[i];
	return compare_int64(a->pub.id, b->pub.id);
}

static struct resource *
get_resource(struct core *core, int64_t project, const char *name)
{
	cleanup_free char *key = xasprintf("%" PRId64 "/%s", project, name);
	struct resource *r = map_get(&core->resources, key);

	if (r != NULL)
		return r;
	r = xcalloc(1, sizeof(*r));
	r->key = take(key);
	r->upcoming = (struct ranked)RANKED_INIT(compare_upcoming);
	map_set(&core->resources, r->key, r);
	return r;
}

static struct job *
first_upcoming(const struct resource *r)
{
	return ranked_first(&r->upcoming, struct job, upcoming);
}

static void
make_dirty(struct core *core, struct resource *r)
{
	if (r->dirty)
		return;
	r->dirty = true;
	r->next_dirty = core->dirty_resources;
	core->dirty_resources = r;
}

void
core_attach_resource(struct core *core, struct job *job)
{
	const char *name = job->pub.plan->resource_group;

	if (name == NULL)
		return;
	job->resource = get_resource(core, job->pipeline->project->pub.id, name);
	job->resource->users++;
	core_follow_resource(core, job);
}

/* The job goes away; it may have been the last that wanted it. */
void
core_detach_resource(struct core *core, struct job *job)
{
	struct resource *r = job->resource;

	if (r == NULL)
		return;
	if (ranked_has(&job->upcoming))
		ranked_remove(&r->upcoming, &job->upcoming);
	if (r->holder == job->pub.id)
		r->holder = 0;
	job->resource = NULL;
	r->users--;
	make_dirty(core, r);
}

static bool
is_upcoming(const struct job *job)
{
	return job->resource->holder != job->pub.id &&
	    (job->pub.status == STATUS_CREATED || job->pub.status == STATUS_SCHEDULED ||
		job->pub.status == STATUS_WAITING_FOR_RESOURCE);
}

void
core_follow_resource(struct core *core, struct job *job)
{
	struct resource *r = job->resource;

	if (r == NULL)
		return;
	if (status_is_completed(job->pub.status) && r->holder == job->pub.id) {
		r->holder = 0;
		make_dirty(core, r);
	}
	if (ranked_has(&job->upcoming) == is_upcoming(job))
		return;
	if (is_upcoming(job)) {
		job->arrival =
		    job->pub.status == STATUS_WAITING_FOR_RESOURCE ? ++core->arrivals : 0;
		ranked_insert(&r->upcoming, &job->upcoming);
	} else {
		ranked_remove(&r->upcoming, &job->upcoming);
	}
	make_dirty(core, r);
}

void
core_hold_resource(struct job *job)
{
	struct resource *r = job->resource;

	if (r != NULL && r->holder == 0)
		r->holder = job->pub.id;
}

/* The job is ready now: it takes the resource, or its place among those that wait. */
bool
core_take_resource(struct core *core, struct job *job)
{
	struct resource *r = job->resource;

	if (r == NULL || r->holder == job->pub.id)
		return true;
	if (ranked_has(&job->upcoming))
		ranked_remove(&r->upcoming, &job->upcoming);
	job->arrival = ++core->arrivals;
	ranked_insert(&r->upcoming, &job->upcoming);
	make_dirty(core, r);
	if (r->holder == 0 && first_upcoming(r) == job && !core->loading) {
		ranked_remove(&r->upcoming, &job->upcoming);
		r->holder = job->pub.id;
		return true;
	}
	core_set_status(core, job, STATUS_WAITING_FOR_RESOURCE, REASON_WAITS_FOR_RESOURCE,
	    core_resource_blocker(job));
	return false;
}

int64_t
core_resource_blocker(const struct job *job)
{
	const struct resource *r = job->resource;
	const struct job *first;

	if (r == NULL)
		return 0;
	if (r->holder != 0)
		return r->holder == job->pub.id ? 0 : r->holder;
	first = first_upcoming(r);
	return first == NULL || first == job ? 0 : first->pub.id;
}

static void
grant(struct core *core, struct resource *r)
{
	struct job *first = first_upcoming(r);

	if (r->holder == 0 && first != NULL &&
	    first->pub.status == STATUS_WAITING_FOR_RESOURCE) {
		ranked_remove(&r->upcoming, &first->upcoming);
		r->holder = first->pub.id;
		core_enqueue(core, first);
	}
	if (r->users > 0 || r->configured)
		return;
	map_remove(&core->resources, r->key);
	free(r->key);
	free(r);
}

void
core_grant_resources(struct core *core)
{
	while (core->dirty_resources != NULL) {
		struct resource *r = core->dirty_resources;

		core->dirty_resources = r->next_dirty;
		r->dirty = false;
		grant(core, r);
	}
}

void
core_set_mode(struct core *core, const struct core_resource_group *says)
{
	struct resource *r = get_resource(core, says->project, says->name);
	struct ranked old = r->upcoming;

	r->upcoming = (struct ranked)RANKED_INIT(compare_upcoming);
	r->mode = says->mode;
	r->configured = says->mode != CORE_UNORDERED;
	while (old.root != NULL) {
		struct ranked_node *node = old.root;

		ranked_remove(&old, node);
		ranked_insert(&r->upcoming, node);
	}
	make_dirty(core, r);
}

void
core_free_resources(struct core *core)
{
	map_for_each(e, &core->resources) {
		struct resource *r = e->value;

		free(r->key);
		free(r);
	}
	map_clear(&core->resources);
}
