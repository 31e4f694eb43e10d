/* Trigger jobs: child pipelines of the same commit, and pipelines of other projects. */
#include <stdio.h>

#include "base/git.h"
#include "base/str.h"
#include "scheduler/artifact_store.h"
#include "scheduler/repos.h"
#include "scheduler/service_internal.h"

#define MAX_DEPTH 2  /* GitLab's nesting of child pipelines */
#define MAX_ROUNDS 2 /* GitLab's: so often one may come back to where one has been */
#define MAX_FILE ((size_t)5 * 1024 * 1024)

/* What a downstream pipeline is made of, while it is put together. */
struct order {
	struct arena *arena;
	struct pipeline_request request;
	struct recipe_file *files;
	size_t file_count, file_cap;
	struct var *vars;
	size_t var_count, var_cap;
	const char **ancestors;
	size_t ancestor_count, ancestor_cap;
};

struct waiting {
	struct service *service;
	int64_t job;
	char *child; /* the file of a child pipeline; NULL: it is another project's */
};

static void fail(struct service *s, int64_t id, const char *fmt, ...) PRINTF(3, 4);

static void
fail(struct service *s, int64_t id, const char *fmt, ...)
{
	struct live_job *job = service_find_job(s, id);
	va_list ap;

	if (job == NULL)
		return; /* its pipeline was canceled and is gone */
	va_start(ap, fmt);
	(void)vsnprintf(job->message, sizeof(job->message), fmt, ap);
	va_end(ap);
	service_tell(s,
	    (struct core_event){ .type = CORE_DOWNSTREAM,
		.job = id,
		.reason = REASON_DOWNSTREAM_FAILURE });
}

static void
on_made(void *data, const struct pipeline_outcome *o)
{
	struct waiting *w = data;

	switch (o->verdict) {
	case PIPELINE_MADE:
		break;
	case PIPELINE_INVALID:
		fail(w->service, w->job, "the downstream file is wrong: %.400s",
		    o->findings);
		break;
	case PIPELINE_NO_FILE:
		if (w->child != NULL)
			fail(w->service, w->job, "this commit has no file %s", w->child);
		else
			fail(w->service, w->job,
			    "the downstream project has no pipeline file");
		break;
	case PIPELINE_SKIPPED:
	case PIPELINE_FILTERED:
		fail(w->service, w->job, "it gives no pipeline: %.400s", o->findings);
		break;
	case PIPELINE_ERROR:
		fail(w->service, w->job, "%s", o->error->msg);
		break;
	}
	free(w->child);
	free(w);
}

/* Variables the trigger job forwards, as the downstream pipeline's own. */
static void
add_vars(struct order *o, const struct live_pipeline *p, const struct plan_job *plan)
{
	const struct trigger *trigger = &plan->config->trigger;
	const struct var **all;
	size_t count;

	for (size_t i = 0;
	     trigger->forward_pipeline_variables && i < p->recipe->var_count; i++) {
		ARENA_GROW(o->arena, o->vars, o->var_count, o->var_cap);
		o->vars[o->var_count++] = p->recipe->vars[i];
	}
	if (!trigger->forward_yaml_variables)
		return;
	count = vars_all(&plan->vars, o->arena, &all);
	for (size_t i = 0; i < count; i++) {
		struct var v = *all[i];

		if (v.level < VAR_YAML || v.level > VAR_RULE)
			continue;
		v.level = VAR_PIPELINE;
		if (!v.raw)
			v.value = vars_expand(&plan->vars, o->arena, v.value);
		ARENA_GROW(o->arena, o->vars, o->var_count, o->var_cap);
		o->vars[o->var_count++] = v;
	}
}

static void
add_file(struct order *o, const char *path, const char *text)
{
	ARENA_GROW(o->arena, o->files, o->file_count, o->file_cap);
	o->files[o->file_count++] = (struct recipe_file){ path, text };
}

/* The generated file of trigger:include:artifact, from the job that made it. */
static int
fetch_artifact(struct service *s, struct order *o, const struct core_job *job,
    const struct trigger_include *inc, const char **path, struct error *err)
{
	const struct plan *plan = service_find_pipeline(s, job->pipeline)->plan;
	const struct plan_job *maker = plan_find(plan, inc->job);
	const struct core_job *made = maker == NULL
	    ? NULL
	    : core_latest(s->core, job->pipeline, (size_t)(maker - plan->jobs));
	cleanup_buf struct buf text = BUF_INIT;

	if (made == NULL)
		return error_set(err, ERR_MISSING, "job %s, which makes %s, did not run",
		    inc->job, inc->artifact);
	if (artifact_store_read(
		s->artifacts_dir, made->id, inc->artifact, MAX_FILE, &text, err) < 0)
		return error_wrap(err, "artifact of job %s", inc->job);
	*path = arena_printf(
	    o->arena, ".pawl/generated/%" PRId64 "/%s", made->id, inc->artifact);
	add_file(o, *path, arena_strndup(o->arena, text.data, text.len));
	return 0;
}

static int
include_path(struct service *s, struct order *o, const struct core_job *job,
    const struct trigger_include *inc, const char **path, struct error *err)
{
	if (inc->local != NULL) {
		*path = vars_expand(&job->plan->vars, o->arena, inc->local);
		*path += strspn(*path, "/");
		return 0;
	}
	if (inc->artifact != NULL)
		return fetch_artifact(s, o, job, inc, path, err);
	return error_set(err, ERR_ENVIRONMENT,
	    "a child pipeline can include local files and artifacts; this one comes from "
	    "%s",
	    inc->project != NULL        ? "another project"
		: inc->remote != NULL   ? "a remote file"
		: inc->template != NULL ? "a template"
					: "a component");
}

/* Several files become one that includes them. */
static int
child_path(struct service *s, struct order *o, const struct core_job *job,
    const char **path, struct error *err)
{
	const struct trigger *trigger = &job->plan->config->trigger;
	cleanup_buf struct buf text = BUF_INIT;

	if (trigger->include_count == 1)
		return include_path(s, o, job, &trigger->includes[0], path, err);
	buf_add_str(&text, "include:\n");
	for (size_t i = 0; i < trigger->include_count; i++) {
		if (include_path(s, o, job, &trigger->includes[i], path, err) < 0)
			return err->code;
		buf_printf(&text, "  - local: '/%s'\n", *path);
	}
	*path = arena_printf(o->arena, ".pawl/generated/child-%" PRId64 ".yml", job->id);
	add_file(o, *path, arena_strdup(o->arena, buf_str(&text)));
	return 0;
}

/* YAML, which the compiler reads again. */
static const char *
inputs_text(struct arena *a, const struct node *inputs)
{
	cleanup_buf struct buf text = BUF_INIT;

	yaml_emit(inputs, &text);
	return arena_strdup(a, buf_str(&text));
}

/* Of the same commit. */
static int
order_child(struct service *s, struct order *o, const struct live_pipeline *p,
    const struct core_job *job, struct error *err)
{
	const struct event *e = &p->recipe->event;
	const struct trigger *trigger = &job->plan->config->trigger;
	const char *path = NULL;

	o->request.nesting = p->recipe->nesting + 1;
	if (o->request.nesting > MAX_DEPTH)
		return error_set(
		    err, ERR_LIMIT, "child pipelines nest at most %d deep", MAX_DEPTH);
	if (child_path(s, o, job, &path, err) < 0)
		return err->code;
	o->request.project = registry_project(s->o.registry, p->project);
	o->request.ref = e->ref;
	o->request.is_tag = e->is_tag;
	o->request.ref_is_protected = e->ref_is_protected;
	o->request.sha = e->sha;
	o->request.before_sha = e->before_sha;
	o->request.source = "parent_pipeline";
	o->request.config_path = path;
	if (trigger->include_count == 1 && trigger->includes[0].inputs != NULL)
		o->request.inputs = inputs_text(o->arena, trigger->includes[0].inputs);
	return 0;
}

/* Of the branch of another project, as it is now. */
static int
order_elsewhere(
    struct service *s, struct order *o, const struct core_job *job, struct error *err)
{
	const struct trigger *trigger = &job->plan->config->trigger;
	const char *path = vars_expand(&job->plan->vars, o->arena, trigger->project);
	struct project *to = registry_project_by_path(s->o.registry, path);
	const char *branch;
	cleanup_free char *dir = NULL;
	cleanup_git_repo struct git_repo *repo = NULL;
	char sha[GIT_SHA_MAX];

	if (to == NULL)
		return error_set(
		    err, ERR_MISSING, "there is no project %s on this server", path);
	branch = trigger->branch != NULL
	    ? vars_expand(&job->plan->vars, o->arena, trigger->branch)
	    : to->row.default_branch;
	dir = repo_dir(s->repos_dir, path);
	if (branch == NULL || git_repo_open_bare(dir, &repo, err) < 0 ||
	    git_repo_resolve(
		repo, arena_printf(o->arena, "refs/heads/%s", branch), sha, err) < 0)
		return error_set(err, ERR_MISSING, "project %s has no branch %s", path,
		    branch != NULL ? branch : "yet");
	o->request.project = to;
	o->request.ref = branch;
	o->request.sha = arena_strdup(o->arena, sha);
	o->request.ref_is_protected = service_is_protected(&to->row, branch, false);
	o->request.source = "pipeline";
	return 0;
}

static void
add_ancestor(struct order *o, const char *key)
{
	ARENA_GROW(o->arena, o->ancestors, o->ancestor_count, o->ancestor_cap);
	o->ancestors[o->ancestor_count++] = key;
}

/* Two projects that trigger each other would do so for ever. */
static int
check_rounds(struct order *o, const struct live_pipeline *p, struct error *err)
{
	const struct recipe *r = p->recipe;

	for (size_t i = 0; i < r->ancestor_count; i++)
		add_ancestor(o, r->ancestors[i]);
	if (r->nesting == 0)
		add_ancestor(o,
		    arena_printf(o->arena, "%" PRId64 " %s %s", p->project,
			r->event.source, r->event.ref));
	for (size_t i = 0; o->request.nesting == 0 && i < o->ancestor_count; i++) {
		int rounds = 0;

		for (size_t k = 0; k < o->ancestor_count; k++)
			rounds += str_eq(o->ancestors[i], o->ancestors[k]);
		if (rounds > MAX_ROUNDS)
			return error_set(err, ERR_LIMIT,
			    "pipelines of these projects trigger each other in a circle");
	}
	return 0;
}

void
service_start_downstream(struct service *s, int64_t id)
{
	const struct core_job *job = core_job(s->core, id);
	struct live_pipeline *p = service_find_pipeline(s, job->pipeline);
	struct order o = { .arena = arena_new() };
	struct error err = ERROR_INIT;
	struct waiting *w;
	int rc;

	rc = job->plan->config->trigger.project != NULL
	    ? order_elsewhere(s, &o, job, &err)
	    : order_child(s, &o, p, job, &err);
	if (rc == 0)
		rc = check_rounds(&o, p, &err);
	if (rc < 0) {
		fail(s, id, "%s", err.msg);
		arena_free(o.arena);
		return;
	}
	add_vars(&o, p, job->plan);
	o.request.vars = o.vars;
	o.request.var_count = o.var_count;
	o.request.ancestors = o.ancestors;
	o.request.ancestor_count = o.ancestor_count;
	o.request.files = o.files;
	o.request.file_count = o.file_count;
	o.request.user = p->recipe->event.user_id;
	o.request.parent_job = id;
	o.request.only_if_valid = true;
	w = xcalloc(1, sizeof(*w));
	*w = (struct waiting){ s, id,
		o.request.config_path == NULL ? NULL : xstrdup(o.request.config_path) };
	service_make_pipeline(s, &o.request, on_made, w);
	arena_free(o.arena);
}
