/*
 * Is a pipeline file right? GitLab's "CI Lint" of a project: of a text that is in no
 * commit, or of what a commit has; as written, or (dry_run) as a push to a ref would find
 * it. Compiled on a worker, as every pipeline is.
 */
#include "base/json_writer.h"
#include "base/str.h"
#include "scheduler/api/trial.h"

struct lint_fields {
	const char *content, *content_ref, *sha, *ref, *dry_run_ref;
	bool dry_run, include_jobs;
};

static const struct json_field fields[] = {
	{ JSON_FIELD("content", STRING, struct lint_fields, content) },
	{ JSON_FIELD("content_ref", STRING, struct lint_fields, content_ref) },
	{ JSON_FIELD("sha", STRING, struct lint_fields, sha) },
	{ JSON_FIELD("ref", STRING, struct lint_fields, ref) },
	{ JSON_FIELD("dry_run_ref", STRING, struct lint_fields, dry_run_ref) },
	{ JSON_FIELD("dry_run", BOOL, struct lint_fields, dry_run) },
	{ JSON_FIELD("include_jobs", BOOL, struct lint_fields, include_jobs) },
	{ NULL },
};
static const struct json_shape shape = { fields, sizeof(struct lint_fields) };

struct lint {
	struct trial trial; /* first */
	struct lint_fields q;
	struct strlist errors, warnings;
	char *merged;
	struct buf jobs; /* JSON */
};

/* ---- the jobs, as GitLab shows them -------------------------------------------------
 */

static void
put_items(struct json_writer *w, const char *key, const char *const *items, size_t count)
{
	json_key(w, key);
	json_begin_array(w);
	for (size_t i = 0; i < count; i++)
		json_add_string(w, items[i]);
	json_end_array(w);
}

static void
put_strings(struct json_writer *w, const char *key, const struct strs *list)
{
	put_items(w, key, list->items, list->count);
}

static void
put_policy(struct json_writer *w, const char *key, const struct ref_policy *policy)
{
	json_key(w, key);
	if (!policy->present) {
		json_add_null(w);
		return;
	}
	json_begin_object(w);
	put_strings(w, "refs", &policy->refs);
	json_end_object(w);
}

static void
put_needs(struct json_writer *w, const struct needs *needs)
{
	json_key(w, "needs");
	if (!needs->present) {
		json_add_null(w);
		return;
	}
	json_begin_array(w);
	for (size_t i = 0; i < needs->count; i++) {
		json_begin_object(w);
		json_put_string(w, "name", needs->items[i].job);
		json_put_bool(w, "artifacts", needs->items[i].artifacts);
		json_put_bool(w, "optional", needs->items[i].optional);
		json_end_object(w);
	}
	json_end_array(w);
}

/* when and allow_failure: as written, or what the event makes of them. */
static void
put_job(struct json_writer *w, const struct job_config *job, enum job_when when,
    bool may_fail)
{
	json_begin_object(w);
	json_put_string(w, "name", job->name);
	json_put_string(w, "stage", job->stage);
	put_strings(w, "before_script", &job->before_script);
	put_strings(w, "script", &job->script);
	put_strings(w, "after_script", &job->after_script);
	put_strings(w, "tag_list", &job->tags);
	put_policy(w, "only", &job->only);
	put_policy(w, "except", &job->except);
	json_put_string(w, "environment", job->environment.name);
	json_put_string(w, "when", job_when_name(when));
	json_put_bool(w, "allow_failure", may_fail);
	put_needs(w, &job->needs);
	json_end_object(w);
}

static void
write_config_jobs(struct lint *l, const struct config *config)
{
	struct json_writer w = JSON_WRITER_INIT(&l->jobs);

	json_begin_array(&w);
	for (size_t i = 0; i < config->job_count; i++) {
		const struct job_config *job = &config->jobs[i];

		put_job(&w, job, job->when, job->allow_failure.allowed);
	}
	json_end_array(&w);
}

static void
write_plan_jobs(struct lint *l, const struct plan *plan)
{
	struct json_writer w = JSON_WRITER_INIT(&l->jobs);

	json_begin_array(&w);
	for (size_t i = 0; i < plan->job_count; i++) {
		const struct plan_job *job = &plan->jobs[i];

		if (job->created)
			put_job(&w, job->config, job->when, job->allow_failure.allowed);
	}
	json_end_array(&w);
}

/* ---- on the worker ------------------------------------------------------------------
 */

static void
on_finding(const struct diag *d, void *data)
{
	struct lint *l = data;
	cleanup_buf struct buf text = BUF_INIT;

	diag_format(d, &text);
	strlist_add(
	    d->severity == DIAG_ERROR ? &l->errors : &l->warnings, buf_str(&text));
}

static void
on_config(const struct config *config, void *data)
{
	struct lint *l = data;
	struct buf text = BUF_INIT;

	yaml_emit(config->root, &text);
	l->merged = buf_take(&text);
	if (l->q.include_jobs && !l->q.dry_run)
		write_config_jobs(l, config);
}

static void
judge(struct trial *t, const struct compilation *c)
{
	struct lint *l = (struct lint *)t;

	if (c->no_file)
		strlist_add(&l->errors, "Please provide content of .gitlab-ci.yml");
	if (c->plan == NULL)
		return;
	if (!c->plan->created)
		strlist_add_take(&l->errors,
		    xasprintf("Pipeline will not run for the selected trigger. %s",
			c->plan->why.text));
	if (l->q.include_jobs)
		write_plan_jobs(l, c->plan);
}

/* ---- the answer -----------------------------------------------------------------------
 */

/* The jobs are JSON already, and go before the last brace. */
static void
write_answer(const struct lint *l, struct buf *out)
{
	struct json_writer w = JSON_WRITER_INIT(out);

	json_begin_object(&w);
	json_put_bool(&w, "valid", l->errors.count == 0);
	put_items(&w, "errors", (const char *const *)l->errors.items, l->errors.count);
	put_items(
	    &w, "warnings", (const char *const *)l->warnings.items, l->warnings.count);
	json_put_string(&w, "merged_yaml", l->merged);
	json_end_object(&w);
	if (l->jobs.len == 0)
		return;
	out->data[--out->len] = '\0';
	buf_printf(out, ",\"jobs\":%s}", buf_str(&l->jobs));
}

static void
finish(struct trial *t, const struct error *err)
{
	struct lint *l = (struct lint *)t;
	cleanup_buf struct buf json = BUF_INIT;

	if (err->code == 0) {
		write_answer(l, &json);
		api_json(t->call, 200, &json);
	}
	strlist_clear(&l->errors);
	strlist_clear(&l->warnings);
	buf_clear(&l->jobs);
	free(l->merged);
}

/* NULL after the answer */
static struct lint *
new_lint(struct call *c)
{
	struct lint *l = arena_alloc(c->arena, sizeof(*l));

	if (!api_read(c, &shape, &l->q))
		return NULL;
	l->trial = (struct trial){ .call = c,
		.ref = l->q.dry_run_ref != NULL ? l->q.dry_run_ref : l->q.ref,
		.only_checks = !l->q.dry_run,
		.watch = { .on_finding = on_finding, .on_config = on_config },
		.judge = judge,
		.finish = finish };
	return l;
}

static void
lint_text(struct call *c)
{
	struct project *p = api_project(c, 0);
	struct lint *l = p == NULL ? NULL : new_lint(c);

	if (l == NULL)
		return;
	l->trial.content = l->q.content;
	if (l->q.content == NULL)
		api_refuse(c, "content is missing");
	else
		trial_start(&l->trial, p);
}

static void
lint_commit(struct call *c)
{
	struct project *p = api_project(c, 0);
	struct lint *l = p == NULL ? NULL : new_lint(c);

	if (l == NULL)
		return;
	l->trial.commit = l->q.content_ref != NULL ? l->q.content_ref
	    : l->q.sha != NULL                     ? l->q.sha
						   : "HEAD";
	trial_start(&l->trial, p);
}

const struct api_route api_lint_routes[] = {
	{ "GET", "/api/v4/projects/:id/ci/lint", API_READ, lint_commit },
	{ "POST", "/api/v4/projects/:id/ci/lint", API_WRITE, lint_text },
	{ NULL },
};
