/* One try: which commit, which variables, and the compiler. */
#include "scheduler/api/trial.h"

#include "base/str.h"
#include "scheduler/compile.h"
#include "scheduler/merge_request.h"
#include "scheduler/registry_internal.h"
#include "scheduler/repos.h"
#include "scheduler/service_internal.h"

#define DEFAULT_FILE ".gitlab-ci.yml"
#define DEFAULT_BRANCH "main"

/* ---- the commit ---------------------------------------------------------------------
 */

static bool
find_ref(struct git_repo *repo, const char *kind, const char *name, char sha[GIT_SHA_MAX])
{
	cleanup_free char *full = xasprintf("refs/%s/%s", kind, name);
	struct error ignored = ERROR_INIT;

	return git_repo_resolve(repo, full, sha, &ignored) == 0;
}

/* A ref that is yet to come is thought to be made of what there is. */
static int
resolve_ref(
    struct trial *t, struct git_repo *repo, char sha[GIT_SHA_MAX], struct error *err)
{
	struct event *e = &t->recipe->event;
	struct error ignored = ERROR_INIT;
	const char *first = t->prefers_tag ? "tags" : "heads";
	const char *other = t->prefers_tag ? "heads" : "tags";

	e->is_tag = t->prefers_tag;
	if (find_ref(repo, first, e->ref, sha))
		return 0;
	if (find_ref(repo, other, e->ref, sha)) {
		e->is_tag = true; /* found as one, or is to be one */
		return 0;
	}
	if (t->needs_ref)
		return error_set(err, ERR_INVALID, "Reference not found");
	if (git_repo_resolve(repo, "HEAD", sha, &ignored) < 0)
		*sha = '\0';
	return 0;
}

/* The commit before; false: there is none. */
static bool
find_parent(struct git_repo *repo, const struct event *e, char before[GIT_SHA_MAX])
{
	cleanup_free char *parent = xasprintf("%s^", e->sha);
	struct error ignored = ERROR_INIT;

	return git_repo_resolve(repo, parent, before, &ignored) == 0;
}

/* Where the branch left the one it is proposed for; false: nowhere. */
static bool
find_branching(struct git_repo *repo, const struct event *e, char before[GIT_SHA_MAX])
{
	cleanup_free char *target = xasprintf("refs/heads/%s", e->default_branch);
	char sha[GIT_SHA_MAX];
	struct error ignored = ERROR_INIT;

	return git_repo_resolve(repo, target, sha, &ignored) == 0 &&
	    git_repo_merge_base(repo, sha, e->sha, before, &ignored) == 0;
}

/* What the caller gave stays. */
static void
add_predefined(void *data, const struct var *var)
{
	struct recipe *r = data;

	for (size_t i = 0; i < r->var_count; i++)
		if (str_eq(r->vars[i].name, var->name))
			return;
	recipe_add_var(r, var);
}

/* What `changes` compares with, and what rules ask of a merge request. */
static int
complete_event(struct trial *t, struct git_repo *repo, struct error *err)
{
	struct event *e = &t->recipe->event;
	bool is_merge_request = str_eq(e->source, "merge_request_event");
	char before[GIT_SHA_MAX];

	if (e->sha != NULL && !e->is_tag &&
	    ((is_merge_request && find_branching(repo, e, before)) ||
		(str_eq(e->source, "push") && find_parent(repo, e, before))))
		e->before_sha = arena_strdup(t->recipe->arena, before);
	if (!is_merge_request)
		return 0;
	if (compile_read_commit(t->recipe, repo, err) < 0)
		return err->code;
	merge_request_vars(e, e->before_sha, t->recipe->arena, add_predefined, t->recipe);
	return 0;
}

static int
find_commit(struct trial *t, struct error *err)
{
	struct service *s = t->call->service;
	struct event *e = &t->recipe->event;
	cleanup_free char *dir = repo_dir(s->repos_dir, t->project.path);
	cleanup_git_repo struct git_repo *repo = NULL;
	char sha[GIT_SHA_MAX] = "";

	if (git_repo_open_bare(dir, &repo, err) < 0 || resolve_ref(t, repo, sha, err) < 0)
		return err->code;
	if (t->commit != NULL && git_repo_resolve(repo, t->commit, sha, err) < 0)
		return error_set(err, ERR_MISSING, "404 Commit Not Found");
	e->ref_is_protected = service_is_protected(&t->project, e->ref, e->is_tag);
	e->sha = *sha == '\0' ? NULL : arena_strdup(t->recipe->arena, sha);
	if (t->has_event && complete_event(t, repo, err) < 0)
		return err->code;
	if (t->on_repo != NULL)
		t->on_repo(t, repo);
	return 0;
}

/* ---- the try ------------------------------------------------------------------------
 */

static int
try_on_worker(struct store_view *v, void *data, struct error *err)
{
	struct trial *t = data;
	struct service *s = t->call->service;
	struct held_variables held = { .arena = NULL };
	struct compilation c = { .recipe = t->recipe,
		.repos_dir = s->repos_dir,
		.is_unasked = t->is_unasked,
		.only_checks = t->only_checks,
		.watch = &t->watch };
	int rc = find_commit(t, err);

	if (rc == 0)
		rc = service_read_variables(s, v, t->project.id, &held, err);
	c.vars = held.vars;
	c.var_count = held.count;
	if (rc == 0)
		rc = compile_recipe(&c, err);
	if (rc == 0)
		t->judge(t, &c);
	compilation_clear(&c);
	arena_free(held.arena);
	return rc;
}

static void
on_tried(void *data, const struct error *err)
{
	struct trial *t = data;
	struct call *c = t->call;

	if (err->code == ERR_INVALID)
		api_refuse_member(c, "base", "%s", err->msg);
	else if (err->code != 0)
		api_fail(c, err);
	t->finish(t, err);
	recipe_free(t->recipe);
	api_let_go(c);
}

void
trial_start(struct trial *t, struct project *p)
{
	struct call *c = t->call;
	const struct store_project *row = &p->row;
	const struct recipe_file file = {
		row->config_path != NULL ? row->config_path : DEFAULT_FILE, t->content
	};
	struct pipeline_request q = { .project = p,
		.ref = t->ref,
		.source = t->source != NULL ? t->source : "push",
		.user = c->user->row.id,
		.inputs = t->inputs,
		.inputs_as_typed = t->inputs_as_typed,
		.vars = t->vars,
		.var_count = t->var_count,
		.files = &file,
		.file_count = t->content != NULL };

	if (q.ref == NULL)
		q.ref =
		    row->default_branch != NULL ? row->default_branch : DEFAULT_BRANCH;
	t->watch.data = t;
	t->path = arena_strdup(c->arena, file.path);
	t->project = registry_copy_project(c->arena, row);
	t->recipe = service_make_recipe(c->service, &q, p->next_iid);
	api_hold(c);
	store_read(service_store(c->service), try_on_worker, on_tried, t);
}
