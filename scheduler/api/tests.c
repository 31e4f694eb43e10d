/* Single tests of a pipeline, those that failed first, and what became of one before. */
#include <string.h>

#include "base/str.h"
#include "scheduler/api/pipelines.h"

#define HISTORY 50
#define MAX_OUTPUT ((size_t)32 << 10) /* of one test; the report itself has all of it */

static void
put_seconds(struct json_writer *w, const char *key, int64_t us)
{
	json_key(w, key);
	json_add_real(w, (double)us / 1e6);
}

/* ---- of a pipeline ----------------------------------------------------------------- */

static void
put_output(struct reading *r, const char *output)
{
	size_t len = output == NULL ? 0 : strnlen(output, MAX_OUTPUT + 1);
	bool is_cut = len > MAX_OUTPUT;

	if (is_cut)
		output = arena_strndup(r->arena, output, MAX_OUTPUT);
	json_put_string(&r->writer, "output", output);
	json_put_bool(&r->writer, "output_is_cut", is_cut);
}

static bool
add_test(const struct store_test_case *t, void *data)
{
	struct reading *r = data;
	struct json_writer *w = &r->writer;

	json_begin_object(w);
	json_put_int(w, "job", t->job);
	json_put_int(w, "number", t->number);
	json_put_string(w, "status", t->status);
	json_put_string(w, "suite", t->suite);
	json_put_string(w, "classname", t->classname);
	json_put_string(w, "name", t->name);
	json_put_string(w, "file", t->file);
	put_seconds(w, "execution_time", t->time_us);
	put_output(r, t->output);
	json_end_object(w);
	return true;
}

static int
read_tests(struct store_view *v, struct reading *r, struct error *err)
{
	struct store_pipeline row;

	if (pipelines_get(v, r, &row, err) < 0)
		return err->code;
	json_begin_array(&r->writer);
	if (store_list_tests(v, r->data, &r->page, add_test, r, err) < 0)
		return err->code;
	json_end_array(&r->writer);
	return 0;
}

static void
list_tests(struct call *c)
{
	static const char *const statuses[] = { "failed", "error", "skipped", "success" };
	struct store_test_filter *f = arena_alloc(c->arena, sizeof(*f));
	struct project *p = api_project(c, 0);
	size_t status = ARRAY_LEN(statuses);
	struct reading *r;
	int64_t id;

	if (p == NULL || !api_id(c, 1, &id) || !query_id(c, "job", &f->job) ||
	    !query_word(c, "status", statuses, ARRAY_LEN(statuses), &status))
		return;
	f->pipeline = id;
	f->status = status < ARRAY_LEN(statuses) ? statuses[status] : NULL;
	f->search = query_text(c, "search");
	r = reading_of_project(c, p, true);
	r->id = id;
	r->data = f;
	reading_start(r, read_tests);
}

/* ---- of one test ------------------------------------------------------------------- */

struct past {
	struct reading *r;
	struct store_view *v;
};

struct which {
	const char *suite, *classname, *name;
};

static bool
add_result(const struct store_test_case *t, void *data)
{
	struct past *past = data;
	struct json_writer *w = &past->r->writer;
	struct store_job job;
	struct store_pipeline p;
	struct error ignored = ERROR_INIT;

	if (store_get_job(past->v, t->job, past->r->arena, &job, &ignored) < 0 ||
	    store_get_pipeline(past->v, job.pipeline, past->r->arena, &p, &ignored) < 0)
		return true;
	json_begin_object(w);
	json_put_string(w, "status", t->status);
	put_seconds(w, "execution_time", t->time_us);
	json_put_int(w, "job", t->job);
	json_put_string(w, "job_name", job.name);
	json_put_int(w, "pipeline", p.id);
	json_put_string(w, "ref", p.ref);
	json_put_string(w, "sha", p.sha);
	entity_put_time(w, "finished_at", job.finished_us);
	json_end_object(w);
	return true;
}

static int
read_history(struct store_view *v, struct reading *r, struct error *err)
{
	const struct which *q = r->data;
	struct past past = { r, v };

	json_begin_array(&r->writer);
	if (store_list_test_history(v, r->project.id, q->suite, q->classname, q->name,
		HISTORY, add_result, &past, err) < 0)
		return err->code;
	json_end_array(&r->writer);
	return 0;
}

static void
get_history(struct call *c)
{
	struct project *p = api_project(c, 0);
	struct which *q = arena_alloc(c->arena, sizeof(*q));
	struct reading *r;

	if (p == NULL)
		return;
	q->suite = query_text(c, "suite");
	q->classname = query_text(c, "classname");
	q->name = query_text(c, "name");
	if (q->name == NULL) {
		api_refuse(c, "name is missing");
		return;
	}
	r = reading_of_project(c, p, false);
	r->data = q;
	reading_start(r, read_history);
}

const struct api_route api_test_routes[] = {
	{ "GET", "/api/pawl/v1/projects/:id/pipelines/:pipeline/tests", API_READ,
	    list_tests },
	{ "GET", "/api/pawl/v1/projects/:id/tests/history", API_READ, get_history },
	{ NULL },
};
