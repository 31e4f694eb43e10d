/*
 * A pipeline as pages draw it, in one answer: its stages and jobs, who needs whom, and
 * what stands above and below it. GET …/pipelines/:pipeline/graph; ?jobs=7,9 gives of its
 * jobs these alone, for who has the others and heard that these changed.
 */
#include "base/str.h"
#include "scheduler/api/listing.h"
#include "scheduler/service_internal.h"

#define MAX_JOBS 20000 /* more than a plan can have */

#define MAX_ASKED 200

struct asked {
	size_t count;
	int64_t ids[MAX_ASKED];
};

struct graph {
	struct reading *r;
	struct store_view *v;
};

static void
put_linked(struct json_writer *w, const char *key, const struct store_pipeline *p,
    const struct store_project *project)
{
	json_key(w, key);
	json_begin_object(w);
	json_put_int(w, "pipeline", p->id);
	json_put_string(w, "project", project->path);
	json_put_string(w, "status", status_name(p->status));
	json_end_object(w);
}

static void
put_pipeline_of(struct graph *g, const char *key, int64_t id)
{
	struct store_pipeline p;
	struct store_project project;
	struct error ignored = ERROR_INIT;

	if (id != 0 && store_get_pipeline(g->v, id, g->r->arena, &p, &ignored) == 0 &&
	    store_get_project(g->v, p.project, g->r->arena, &project, &ignored) == 0)
		put_linked(&g->r->writer, key, &p, &project);
}

/* JSON that is kept as it was written. */
static void
put_kept(struct json_writer *w, const char *key, const char *json)
{
	json_key(w, key);
	if (json == NULL)
		json_add_null(w);
	else
		json_add_raw(w, json);
}

static bool
add_job(const struct store_job *row, void *data)
{
	struct graph *g = data;
	struct json_writer *w = &g->r->writer;

	json_begin_object(w);
	json_put_int(w, "id", row->id);
	json_put_int(w, "index", row->index);
	json_put_string(w, "name", row->name);
	json_put_string(w, "stage", row->stage);
	json_put_int(w, "stage_index", row->stage_index);
	json_put_string(w, "status", status_name(row->status));
	json_put_string(w, "when", row->when);
	json_put_string(
	    w, "reason", row->reason != REASON_NONE ? reason_name(row->reason) : NULL);
	json_put_string(w, "reason_text",
	    row->reason != REASON_NONE ? reason_text(row->reason) : NULL);
	json_put_bool(w, "allow_failure", row->allow_failure || row->warned);
	json_put_int(w, "attempt", row->attempt);
	entity_put_time(w, "queued_at", row->queued_us);
	entity_put_time(w, "started_at", row->started_us);
	entity_put_time(w, "finished_at", row->finished_us);
	entity_put_time(w, "scheduled_at", row->start_at_us);
	put_kept(w, "needs", row->needs);
	put_kept(w, "why", row->why);
	put_pipeline_of(g, "downstream", row->downstream);
	json_end_object(w);
	return true;
}

/* A try that was retried since has a later one in its place. */
static void
add_asked(struct graph *g, const struct asked *asked)
{
	for (size_t i = 0; i < asked->count; i++) {
		struct store_job job;
		struct error ignored = ERROR_INIT;

		if (store_get_job(g->v, asked->ids[i], g->r->arena, &job, &ignored) ==
			0 &&
		    job.pipeline == g->r->id && job.retried_as == 0)
			(void)add_job(&job, g);
	}
}

static int
read_graph(struct store_view *v, struct reading *r, struct error *err)
{
	struct graph g = { r, v };
	struct json_writer *w = &r->writer;
	struct store_pipeline row;
	struct store_job parent;
	struct store_job_filter f = { .project = r->project.id, .pipeline = r->id };
	struct store_page page = { .limit = MAX_JOBS, .ascending = true };
	struct error ignored = ERROR_INIT;

	if (store_get_pipeline(v, r->id, r->arena, &row, err) < 0)
		return err->code;
	if (row.project != r->project.id)
		return error_set(err, ERR_MISSING, "not of this project");
	json_begin_object(w);
	json_put_int(w, "id", row.id);
	json_put_string(w, "status", status_name(row.status));
	if (row.parent_job != 0 &&
	    store_get_job(v, row.parent_job, r->arena, &parent, &ignored) == 0)
		put_pipeline_of(&g, "upstream", parent.pipeline);
	json_key(w, "jobs");
	json_begin_array(w);
	if (r->data != NULL)
		add_asked(&g, r->data);
	else if (store_list_jobs(v, &f, &page, add_job, &g, err) < 0)
		return err->code;
	json_end_array(w);
	json_end_object(w);
	return 0;
}

/* "7,9"; false after a 400. Nothing: all of them. */
static bool
read_asked(struct call *c, struct asked **out)
{
	const char *text = query_text(c, "jobs");
	struct asked *asked;
	char *list, *id, *rest;

	*out = NULL;
	if (text == NULL)
		return true;
	*out = asked = arena_calloc(c->arena, 1, sizeof(*asked));
	list = arena_strdup(c->arena, text);
	for (id = strtok_r(list, ",", &rest); id != NULL; id = strtok_r(NULL, ",", &rest))
		if (asked->count == MAX_ASKED ||
		    !str_to_int64(id, &asked->ids[asked->count++])) {
			api_refuse(
			    c, "jobs is invalid: up to %d ids with commas", MAX_ASKED);
			return false;
		}
	return true;
}

static void
get_graph(struct call *c)
{
	struct asked *asked;
	struct reading *r = read_asked(c, &asked) ? reading_of_member(c) : NULL;

	if (r == NULL)
		return;
	r->data = asked;
	reading_start(r, read_graph);
}

const struct api_route api_graph_routes[] = {
	{ "GET", "/api/pawl/v1/projects/:id/pipelines/:pipeline/graph", API_READ,
	    get_graph },
	{ NULL },
};
