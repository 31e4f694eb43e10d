/*
 * Is a pipeline file right? GitLab's "CI Lint" of a project: of a text that is in no
 * commit, or of what a commit has; as written, or (dry_run) as a push to a ref would find
 * it. Compiled on a worker, as every pipeline is.
 */
#include "base/git.h"
#include "base/json_writer.h"
#include "base/str.h"
#include "scheduler/api/api.h"
#include "scheduler/registry_internal.h"
#include "scheduler/repos.h"
#include "scheduler/service_internal.h"

#define DEFAULT_FILE ".gitlab-ci.yml"
#define DEFAULT_BRANCH "main"

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
	struct call *call;
	struct lint_fields q;
	const char *commit; /* whose file is meant; NULL: the text that was sent */
	struct store_project project;
	struct recipe *recipe;
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

/* The commits of what is to be read, and of the ref a push is thought to go to. */
static int
find_commit(struct lint *l, struct error *err)
{
	struct service *s = l->call->service;
	struct event *e = &l->recipe->event;
	cleanup_free char *dir = repo_dir(s->repos_dir, l->project.path);
	cleanup_git_repo struct git_repo *repo = NULL;
	cleanup_free char *branch = xasprintf("refs/heads/%s", e->ref);
	cleanup_free char *tag = xasprintf("refs/tags/%s", e->ref);
	struct error ignored = ERROR_INIT;
	char sha[GIT_SHA_MAX] = "";

	if (git_repo_open_bare(dir, &repo, err) < 0)
		return err->code;
	if (git_repo_resolve(repo, branch, sha, &ignored) < 0)
		e->is_tag = git_repo_resolve(repo, tag, sha, &ignored) == 0;
	if (l->commit != NULL && git_repo_resolve(repo, l->commit, sha, err) < 0)
		return error_set(err, ERR_MISSING, "404 Commit Not Found");
	e->ref_is_protected = service_is_protected(&l->project, e->ref, e->is_tag);
	e->sha = *sha == '\0' ? NULL : arena_strdup(l->recipe->arena, sha);
	return 0;
}

static void
judge(struct lint *l, const struct compilation *c)
{
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

static int
compile_on_worker(struct store_view *v, void *data, struct error *err)
{
	struct lint *l = data;
	struct service *s = l->call->service;
	struct held_variables held = { .arena = NULL };
	const struct compile_watch watch = { on_finding, on_config, l };
	struct compilation c = { .recipe = l->recipe,
		.repos_dir = s->repos_dir,
		.only_checks = !l->q.dry_run,
		.watch = &watch };
	int rc = find_commit(l, err);

	if (rc == 0)
		rc = service_read_variables(s, v, l->project.id, &held, err);
	c.vars = held.vars;
	c.var_count = held.count;
	if (rc == 0)
		rc = compile_recipe(&c, err);
	if (rc == 0)
		judge(l, &c);
	compilation_clear(&c);
	arena_free(held.arena);
	return rc;
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
on_linted(void *data, const struct error *err)
{
	struct lint *l = data;
	struct call *c = l->call;
	cleanup_buf struct buf json = BUF_INIT;

	if (err->code != 0) {
		api_fail(c, err);
	} else {
		write_answer(l, &json);
		api_json(c, 200, &json);
	}
	strlist_clear(&l->errors);
	strlist_clear(&l->warnings);
	buf_clear(&l->jobs);
	free(l->merged);
	recipe_free(l->recipe);
	api_let_go(c);
}

static void
start(struct lint *l, struct project *p)
{
	struct call *c = l->call;
	const struct store_project *row = &p->row;
	const struct recipe_file file = {
		row->config_path != NULL ? row->config_path : DEFAULT_FILE, l->q.content
	};
	struct pipeline_request q = { .project = p,
		.source = "push",
		.user = c->user->row.id,
		.files = &file,
		.file_count = l->commit == NULL };

	q.ref = l->q.dry_run_ref != NULL  ? l->q.dry_run_ref
	    : l->q.ref != NULL            ? l->q.ref
	    : row->default_branch != NULL ? row->default_branch
					  : DEFAULT_BRANCH;
	l->project = registry_copy_project(c->arena, row);
	l->recipe = service_make_recipe(c->service, &q, p->next_iid);
	api_hold(c);
	store_read(service_store(c->service), compile_on_worker, on_linted, l);
}

/* NULL after the answer */
static struct lint *
new_lint(struct call *c)
{
	struct lint *l = arena_alloc(c->arena, sizeof(*l));

	l->call = c;
	return api_read(c, &shape, &l->q) ? l : NULL;
}

static void
lint_text(struct call *c)
{
	struct project *p = api_project(c, 0);
	struct lint *l = p == NULL ? NULL : new_lint(c);

	if (l == NULL)
		return;
	if (l->q.content == NULL)
		api_refuse(c, "content is missing");
	else
		start(l, p);
}

static void
lint_commit(struct call *c)
{
	struct project *p = api_project(c, 0);
	struct lint *l = p == NULL ? NULL : new_lint(c);

	if (l == NULL)
		return;
	l->commit = l->q.content_ref != NULL ? l->q.content_ref
	    : l->q.sha != NULL               ? l->q.sha
					     : "HEAD";
	start(l, p);
}

const struct api_route api_lint_routes[] = {
	{ "GET", "/api/v4/projects/:id/ci/lint", API_READ, lint_commit },
	{ "POST", "/api/v4/projects/:id/ci/lint", API_WRITE, lint_text },
	{ NULL },
};
