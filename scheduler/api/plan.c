/*
 * What an event would make of a pipeline file, of a commit or as somebody is writing it:
 * findings with their places, the jobs and why each is there, and those left out and why.
 * POST …/plan.
 */
#include "base/json_writer.h"
#include "base/str.h"
#include "pipelines/plan_json.h"
#include "scheduler/api/trial.h"

struct plan_fields {
	const char *content, *ref, *source, *inputs;
	bool tag;
	struct api_variable *variables;
	size_t variable_count;
};

static const struct json_field fields[] = {
	{ JSON_FIELD("content", STRING, struct plan_fields, content) },
	{ JSON_FIELD("ref", STRING, struct plan_fields, ref) },
	{ JSON_FIELD("tag", BOOL, struct plan_fields, tag) },
	{ JSON_FIELD("source", STRING, struct plan_fields, source) },
	{ JSON_FIELD("inputs", MAP, struct plan_fields, inputs) },
	{ JSON_COUNTED(
	      "variables", OBJECTS, struct plan_fields, variables, variable_count),
	    .shape = &api_variable_shape },
	{ NULL },
};
static const struct json_shape shape = { fields, sizeof(struct plan_fields) };

static const char *const sources[] = { "push", "web", "api", "schedule", "trigger",
	"merge_request_event", "pipeline", "parent_pipeline", "chat", "external",
	"webide" };

struct planning {
	struct trial trial; /* first */
	struct buf errors, warnings, plan, text;
	struct json_writer error_list, warning_list;
	size_t error_count;
	bool has_text;
};

/* ---- on the worker ------------------------------------------------------------------
 */

static void
add_finding(struct json_writer *w, const struct diag *d)
{
	json_begin_object(w);
	json_put_string(w, "file", d->at.file);
	json_put_int(w, "line", d->at.line);
	json_put_int(w, "column", d->at.col);
	json_put_string(w, "job", d->job);
	json_put_string(w, "text", d->msg);
	json_end_object(w);
}

static void
on_finding(const struct diag *d, void *data)
{
	struct planning *p = data;

	if (d->severity == DIAG_ERROR)
		p->error_count++;
	add_finding(d->severity == DIAG_ERROR ? &p->error_list : &p->warning_list, d);
}

/* The file that was not sent, for who goes on with it. */
static void
on_repo(struct trial *t, struct git_repo *repo)
{
	struct planning *p = (struct planning *)t;
	const char *sha = t->recipe->event.sha;
	struct error ignored = ERROR_INIT;

	p->has_text = t->content == NULL && sha != NULL &&
	    git_repo_blob(repo, sha, t->path, DOCUMENT_MAX_BYTES, &p->text, &ignored) ==
		0;
}

static void
put_why(struct json_writer *w, const struct why *why)
{
	cleanup_buf struct buf json = BUF_INIT;

	why_json(why, &json);
	json_key(w, "why");
	json_add_raw(w, buf_str(&json));
}

/* null: all of the stages before. */
static void
put_needs(struct json_writer *w, const struct plan *plan, const struct plan_job *job)
{
	json_key(w, "needs");
	if (!job->has_needs) {
		json_add_null(w);
		return;
	}
	json_begin_array(w);
	for (size_t i = 0; i < job->need_count; i++)
		json_add_string(w, plan->jobs[job->needs[i].job].name);
	json_end_array(w);
}

static void
put_words(struct json_writer *w, const char *key, const struct strs *words)
{
	json_key(w, key);
	json_begin_array(w);
	for (size_t i = 0; i < words->count; i++)
		json_add_string(w, words->items[i]);
	json_end_array(w);
}

static void
put_job(struct json_writer *w, const struct plan *plan, const struct plan_job *job)
{
	json_begin_object(w);
	json_put_string(w, "name", job->name);
	json_put_string(w, "stage", job->stage);
	if (job->created) {
		json_put_string(w, "when", job_when_name(job->when));
		json_put_int(w, "start_in", job->start_in_s);
		json_put_bool(w, "allow_failure", job->allow_failure.allowed);
		put_needs(w, plan, job);
		put_words(w, "tag_list", &job->tags);
		json_put_string(w, "environment", job->environment);
	}
	json_put_int(w, "line", job->config->at.line);
	json_put_string(w, "file", job->config->at.file);
	put_why(w, &job->why);
	json_end_object(w);
}

static void
put_jobs(struct json_writer *w, const char *key, const struct plan *plan, bool created)
{
	json_key(w, key);
	json_begin_array(w);
	for (size_t i = 0; i < plan->job_count; i++)
		if (plan->jobs[i].created == created)
			put_job(w, plan, &plan->jobs[i]);
	json_end_array(w);
}

/* Those that have a job. */
static void
put_stages(struct json_writer *w, const struct plan *plan)
{
	size_t last = SIZE_MAX;

	json_key(w, "stages");
	json_begin_array(w);
	for (size_t i = 0; i < plan->job_count; i++) {
		const struct plan_job *job = &plan->jobs[i];

		if (job->created && job->stage_index != last)
			json_add_string(w, job->stage);
		if (job->created)
			last = job->stage_index;
	}
	json_end_array(w);
}

static void
put_plan(struct json_writer *w, const struct plan *plan, const char *hash)
{
	json_put_string(w, "plan_hash", hash);
	json_put_string(w, "name", plan->name);
	json_put_bool(w, "created", plan->created);
	put_why(w, &plan->why);
	put_stages(w, plan);
	put_jobs(w, "jobs", plan, true);
	put_jobs(w, "left_out", plan, false);
}

static void
judge(struct trial *t, const struct compilation *c)
{
	struct planning *p = (struct planning *)t;
	struct json_writer w = JSON_WRITER_INIT(&p->plan);

	if (c->no_file)
		on_finding(&(struct diag){ .severity = DIAG_ERROR,
			       .at = { .file = t->path },
			       .msg = "there is no such file in the commit" },
		    p);
	if (c->plan == NULL)
		return;
	json_begin_object(&w);
	put_plan(&w, c->plan, c->hash);
	json_end_object(&w);
}

/* ---- the answer ---------------------------------------------------------------------
 */

static void
put_list(struct json_writer *w, const char *key, struct json_writer *list)
{
	json_end_array(list);
	json_key(w, key);
	json_add_raw(w, buf_str(list->out));
}

static void
write_answer(struct planning *p, struct buf *out)
{
	const struct trial *t = &p->trial;
	const struct event *e = &t->recipe->event;
	struct json_writer w = JSON_WRITER_INIT(out);

	json_begin_object(&w);
	json_put_bool(&w, "valid", p->error_count == 0);
	json_put_string(&w, "file", t->path);
	json_put_string(&w, "ref", e->ref);
	json_put_bool(&w, "tag", e->is_tag);
	json_put_string(&w, "sha", e->sha);
	json_put_string(&w, "source", e->source);
	put_list(&w, "errors", &p->error_list);
	put_list(&w, "warnings", &p->warning_list);
	json_key(&w, "plan");
	json_add_raw(&w, p->plan.len > 0 ? buf_str(&p->plan) : "null");
	if (t->content == NULL)
		json_put_string(&w, "content", p->has_text ? buf_str(&p->text) : NULL);
	json_end_object(&w);
}

static void
finish(struct trial *t, const struct error *err)
{
	struct planning *p = (struct planning *)t;
	cleanup_buf struct buf json = BUF_INIT;

	if (err->code == 0) {
		write_answer(p, &json);
		api_json(t->call, 200, &json);
	}
	buf_clear(&p->errors);
	buf_clear(&p->warnings);
	buf_clear(&p->plan);
	buf_clear(&p->text);
}

/* false after a 400 */
static bool
is_source(struct call *c, const char *source)
{
	for (size_t i = 0; i < ARRAY_LEN(sources); i++)
		if (source == NULL || str_eq(source, sources[i]))
			return true;
	api_refuse(c, "source does not have a valid value");
	return false;
}

static void
plan_file(struct call *c)
{
	struct project *project = api_project(c, 0);
	struct plan_fields q = { .content = NULL };
	struct planning *p;

	if (project == NULL || !api_read(c, &shape, &q) || !is_source(c, q.source))
		return;
	p = arena_alloc(c->arena, sizeof(*p));
	*p = (struct planning){ .trial = { .call = c,
				    .ref = q.ref,
				    .source = q.source,
				    .content = q.content,
				    .inputs = q.inputs,
				    /* texts do for inputs of any type */
				    .inputs_as_typed = true,
				    .var_count = q.variable_count,
				    .prefers_tag = q.tag,
				    .needs_ref = q.content == NULL,
				    .has_event = true,
				    .watch = { .on_finding = on_finding },
				    .on_repo = on_repo,
				    .judge = judge,
				    .finish = finish } };
	p->error_list = (struct json_writer)JSON_WRITER_INIT(&p->errors);
	p->warning_list = (struct json_writer)JSON_WRITER_INIT(&p->warnings);
	if (!api_variables(c, "variables", q.variables, q.variable_count, &p->trial.vars))
		return;
	json_begin_array(&p->error_list);
	json_begin_array(&p->warning_list);
	trial_start(&p->trial, project);
}

const struct api_route api_plan_routes[] = {
	{ "POST", "/api/pawl/v1/projects/:id/plan", API_WRITE, plan_file },
	{ NULL },
};
