/*
 * What waits, and why: jobs of all projects that a runner could have next, oldest first.
 * GET /api/pawl/v1/queue. The store knows the jobs, the core knows why they wait.
 */
#include "base/str.h"
#include "scheduler/api/listing.h"
#include "scheduler/service_internal.h"

/* One that waits, as the worker found it. */
struct waiting {
	struct store_job job; /* its numbers, and the texts below */
	const char *project, *ref;
};

struct queue {
	struct store_view *v;
	struct reading *r;
	struct waiting *rows;
	size_t count;
	const char *statuses[4];
	struct store_job_filter filter;
};

static bool
add_waiting(const struct store_job *row, void *data)
{
	struct queue *q = data;
	struct arena *a = q->r->arena;
	struct waiting *to = &q->rows[q->count];
	struct store_pipeline pipeline;
	struct store_project project;
	struct error ignored = ERROR_INIT;

	if (store_get_pipeline(q->v, row->pipeline, a, &pipeline, &ignored) < 0 ||
	    store_get_project(q->v, row->project, a, &project, &ignored) < 0)
		return true; /* it is being deleted */
	to->job = *row;
	to->job.name = arena_strdup(a, row->name);
	to->job.stage = arena_strdup(a, row->stage);
	to->job.resource_group = arena_strdup(a, row->resource_group);
	to->job.tags = arena_strdup(a, row->tags);
	to->project = project.path;
	to->ref = pipeline.ref;
	q->count++;
	return true;
}

static int
read_queue(struct store_view *v, struct reading *r, struct error *err)
{
	struct queue *q = r->own;

	q->v = v;
	q->rows = arena_calloc(r->arena, (size_t)r->page.limit, sizeof(*q->rows));
	return store_list_jobs(v, &q->filter, &r->page, add_waiting, q, err);
}

static void
put_named(struct json_writer *w, const char *key, int64_t id, const char *name_key,
    const char *name)
{
	json_key(w, key);
	json_begin_object(w);
	json_put_int(w, "id", id);
	json_put_string(w, name_key, name);
	json_end_object(w);
}

static void
put_waiting(struct reading *r, const struct waiting *row)
{
	const struct store_job *job = &row->job;
	struct json_writer *w = &r->writer;
	struct core_wait wait;

	json_begin_object(w);
	json_put_int(w, "id", job->id);
	json_put_string(w, "name", job->name);
	json_put_string(w, "stage", job->stage);
	json_put_string(w, "status", status_name(job->status));
	json_put_string(w, "resource_group", job->resource_group);
	put_named(w, "project", job->project, "path_with_namespace", row->project);
	put_named(w, "pipeline", job->pipeline, "ref", row->ref);
	json_key(w, "tag_list");
	json_add_raw(w, job->tags != NULL ? job->tags : "[]");
	entity_put_time(
	    w, "since", job->queued_us != 0 ? job->queued_us : job->created_us);
	/* one that has been given away since it was read waits no more */
	if (core_explain(service_core(r->call->service), job->id, &wait) &&
	    wait.code != CORE_WAIT_NONE)
		entity_put_wait(w, &wait);
	json_end_object(w);
}

/* On the loop, where the core is. */
static void
write_queue(struct reading *r)
{
	const struct queue *q = r->own;

	json_begin_array(&r->writer);
	for (size_t i = 0; i < q->count; i++)
		put_waiting(r, &q->rows[i]);
	json_end_array(&r->writer);
}

static void
get_queue(struct call *c)
{
	struct reading *r = reading_new(c, true);
	struct queue *q = arena_alloc(r->arena, sizeof(*q));

	*q = (struct queue){ .r = r,
		.statuses = { "pending", "waiting_for_resource", "scheduled", NULL } };
	q->filter = (struct store_job_filter){ .statuses = q->statuses,
		.project = api_is_bound(c) ? c->token->row.project : 0 };
	r->page.ascending = true;
	r->own = q;
	r->finish = write_queue;
	reading_start(r, read_queue);
}

const struct api_route api_queue_routes[] = {
	{ "GET", "/api/pawl/v1/queue", API_READ, get_queue },
	{ NULL },
};
