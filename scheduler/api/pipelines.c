/* Pipelines: listed, looked at, made by hand, retried, canceled. */
#include <stdio.h>

#include "base/git.h"
#include "base/str.h"
#include "scheduler/api/entities.h"
#include "scheduler/api/listing.h"
#include "scheduler/repos.h"
#include "scheduler/service_internal.h"

/* ---- reading ------------------------------------------------------------------------
 */

static bool
add_pipeline(const struct store_pipeline *row, void *data)
{
	struct reading *r = data;

	entity_add_pipeline(&r->writer, row, &r->project, NULL, r->text, false);
	return true;
}

static int
read_pipelines(struct store_view *v, struct reading *r, struct error *err)
{
	json_begin_array(&r->writer);
	if (store_list_pipelines(v, r->pipelines, &r->page, add_pipeline, r, err) < 0)
		return err->code;
	json_end_array(&r->writer);
	return 0;
}

static const char *
query(struct call *c, struct reading *r, const char *name)
{
	return arena_strdup(r->arena, http_query(c->request, name));
}

static void
list_pipelines(struct call *c)
{
	struct project *p = api_project(c, 0);
	struct store_pipeline_filter *f;
	struct reading *r;
	const char *status;

	if (p == NULL)
		return;
	r = reading_of_project(c, p, true);
	f = arena_alloc(r->arena, sizeof(*f));
	f->project = p->row.id;
	f->ref = query(c, r, "ref");
	f->sha = query(c, r, "sha");
	f->source = query(c, r, "source");
	f->scope = query(c, r, "scope");
	status = query(c, r, "status");
	if (status != NULL) {
		const char **list = arena_calloc(r->arena, 2, sizeof(*list));

		list[0] = status;
		f->statuses = list;
	}
	r->pipelines = f;
	reading_start(r, read_pipelines);
}

static int
read_pipeline(struct store_view *v, struct reading *r, struct error *err)
{
	struct store_pipeline row;
	struct store_user user, *who = NULL;
	struct error ignored = ERROR_INIT;

	if (store_get_pipeline(v, r->id, r->arena, &row, err) < 0)
		return err->code;
	if (row.project != r->project.id)
		return error_set(err, ERR_MISSING, "not of this project");
	if (row.user != 0 && store_get_user(v, row.user, r->arena, &user, &ignored) == 0)
		who = &user;
	entity_add_pipeline(&r->writer, &row, &r->project, who, r->text, true);
	return 0;
}

static void
send_pipeline(struct call *c, struct project *p, int64_t id, int status)
{
	struct reading *r = reading_of_project(c, p, false);

	r->id = id;
	r->status = status;
	reading_start(r, read_pipeline);
}

static void
get_pipeline(struct call *c)
{
	struct project *p = api_project(c, 0);
	int64_t id;

	if (p != NULL && api_id(c, 1, &id))
		send_pipeline(c, p, id, 200);
}

/* What its starter gave, which lies sealed with it. */
static int
open_recipe(struct reading *r, const struct store_pipeline *row, struct recipe **out,
    struct error *err)
{
	cleanup_free char *place = xasprintf("recipe of pipeline %" PRId64, row->id);
	struct buf json = BUF_INIT;
	int rc = seal_open_value(
	    r->call->service->o.seal, place, row->made_of, row->made_of_len, &json, err);

	if (rc == 0)
		rc = recipe_read(buf_str(&json), json.len, out, err);
	seal_wipe(&json);
	return rc;
}

static int
read_variables(struct store_view *v, struct reading *r, struct error *err)
{
	struct recipe *recipe = NULL;
	struct store_pipeline row;

	if (store_get_pipeline(v, r->id, r->arena, &row, err) < 0)
		return err->code;
	if (row.project != r->project.id)
		return error_set(err, ERR_MISSING, "not of this project");
	if (row.made_of != NULL && open_recipe(r, &row, &recipe, err) < 0)
		return err->code;
	json_begin_array(&r->writer);
	for (size_t i = 0; recipe != NULL && i < recipe->var_count; i++) {
		const struct var *var = &recipe->vars[i];

		json_begin_object(&r->writer);
		json_put_string(
		    &r->writer, "variable_type", var->file ? "file" : "env_var");
		json_put_string(&r->writer, "key", var->name);
		json_put_string(&r->writer, "value", var->value);
		json_put_bool(&r->writer, "raw", var->raw);
		json_end_object(&r->writer);
	}
	json_end_array(&r->writer);
	recipe_free(recipe);
	return 0;
}

static void
list_variables(struct call *c)
{
	struct project *p = api_project(c, 0);
	struct reading *r;
	int64_t id;

	if (p == NULL || !api_id(c, 1, &id))
		return;
	r = reading_of_project(c, p, false);
	r->id = id;
	reading_start(r, read_variables);
}

static bool
latest_id(const struct store_pipeline *row, void *data)
{
	((struct reading *)data)->id = row->id;
	return false;
}

static int
read_latest(struct store_view *v, struct reading *r, struct error *err)
{
	r->page.limit = 1;
	if (store_list_pipelines(v, r->pipelines, &r->page, latest_id, r, err) < 0)
		return err->code;
	if (r->id == 0)
		return error_set(err, ERR_MISSING, "none");
	return read_pipeline(v, r, err);
}

static void
get_latest(struct call *c)
{
	struct project *p = api_project(c, 0);
	struct store_pipeline_filter *f;
	struct reading *r;

	if (p == NULL)
		return;
	r = reading_of_project(c, p, false);
	f = arena_alloc(r->arena, sizeof(*f));
	f->project = p->row.id;
	f->ref = query(c, r, "ref");
	r->pipelines = f;
	reading_start(r, read_latest);
}

/* ---- making one by hand --------------------------------------------------------------
 */

struct new_variable {
	const char *key, *value, *type;
};

struct new_pipeline {
	const char *ref;
	struct new_variable *variables;
	size_t variable_count;
};

static const struct json_field variable_fields[] = {
	{ JSON_FIELD("key", STRING, struct new_variable, key) },
	{ JSON_FIELD("value", STRING, struct new_variable, value) },
	{ JSON_FIELD("variable_type", STRING, struct new_variable, type) },
	{ NULL },
};
static const struct json_shape variable_shape = { variable_fields,
	sizeof(struct new_variable) };
static const struct json_field new_fields[] = {
	{ JSON_FIELD("ref", STRING, struct new_pipeline, ref) },
	{ JSON_COUNTED(
	      "variables", OBJECTS, struct new_pipeline, variables, variable_count),
	    .shape = &variable_shape },
	{ NULL },
};
static const struct json_shape new_shape = { new_fields, sizeof(struct new_pipeline) };

static void
on_made(void *data, const struct pipeline_outcome *o)
{
	struct call *c = data;
	struct project *p = c->data;

	switch (o->verdict) {
	case PIPELINE_MADE:
	case PIPELINE_SKIPPED:
		send_pipeline(c, p, o->id, 201);
		break;
	case PIPELINE_INVALID:
		api_refuse_member(c, "base", "%s", o->findings);
		break;
	case PIPELINE_NO_FILE:
		api_refuse_member(c, "base", "Missing CI config file");
		break;
	case PIPELINE_FILTERED:
		api_refuse_member(c, "base",
		    "Pipeline will not run for the selected trigger. %s", o->findings);
		break;
	case PIPELINE_ERROR:
		api_fail(c, o->error);
		break;
	}
	api_let_go(c);
}

/* A branch or a tag of the repository, to its commit. */
static int
resolve(struct call *c, struct project *p, const char *name, struct pipeline_request *q,
    struct error *err)
{
	cleanup_free char *dir = repo_dir(service_repos_dir(c->service), p->row.path);
	cleanup_git_repo struct git_repo *repo = NULL;
	const char *branch = arena_printf(c->arena, "refs/heads/%s", name);
	const char *tag = arena_printf(c->arena, "refs/tags/%s", name);
	char sha[GIT_SHA_MAX];

	if (git_repo_open_bare(dir, &repo, err) < 0)
		return err->code;
	q->is_tag = git_repo_resolve(repo, branch, sha, err) < 0;
	if (q->is_tag && git_repo_resolve(repo, tag, sha, err) < 0)
		return error_set(err, ERR_INVALID, "Reference not found");
	q->sha = arena_strdup(c->arena, sha);
	q->ref = name;
	q->ref_is_protected = service_is_protected(&p->row, name, q->is_tag);
	return 0;
}

static void
create_pipeline(struct call *c)
{
	struct project *p = api_project(c, 0);
	struct new_pipeline n = { .ref = http_query(c->request, "ref") };
	struct pipeline_request q = {
		.project = p, .source = "api", .only_if_valid = true
	};
	struct var *vars;
	struct error err = ERROR_INIT;

	if (p == NULL || !api_read(c, &new_shape, &n))
		return;
	if (n.ref == NULL) {
		api_refuse(c, "ref is missing");
		return;
	}
	if (resolve(c, p, n.ref, &q, &err) < 0) {
		if (err.code == ERR_INVALID)
			api_refuse_member(c, "base", "%s", err.msg);
		else
			api_fail(c, &err);
		return;
	}
	vars = arena_calloc(c->arena, n.variable_count, sizeof(*vars));
	for (size_t i = 0; i < n.variable_count; i++) {
		const struct new_variable *v = &n.variables[i];

		if (v->key == NULL || !vars_is_name(v->key, strlen(v->key))) {
			api_refuse(c, "variables[%zu][key] is missing or no name", i);
			return;
		}
		vars[i] = (struct var){ .name = v->key,
			.value = v->value != NULL ? v->value : "",
			.level = VAR_PIPELINE,
			.file = v->type != NULL && str_eq(v->type, "file") };
	}
	q.vars = vars;
	q.var_count = n.variable_count;
	q.user = c->user->row.id;
	c->data = p;
	api_hold(c);
	service_make_pipeline(c->service, &q, on_made, c);
}

/* ---- acting on one
 * ----------------------------------------------------------------------- */

struct action {
	struct call *call;
	struct project *project;
	int64_t pipeline;
};

static void
on_acted(void *data, int64_t job UNUSED, const struct error *err)
{
	struct action *a = data;
	struct call *c = a->call;

	if (err->code != 0)
		api_fail(c, err);
	else
		send_pipeline(c, a->project, a->pipeline, 200);
	api_let_go(c);
}

static int
check_owner(struct store_view *v, void *data, struct error *err)
{
	struct action *a = data;
	cleanup_arena struct arena *arena = arena_new();
	struct store_pipeline row;

	if (store_get_pipeline(v, a->pipeline, arena, &row, err) < 0)
		return err->code;
	if (row.project != a->project->row.id)
		return error_set(err, ERR_MISSING, "404 Not Found");
	return 0;
}

static void
act(struct action *a, enum core_event_type type)
{
	service_act(a->call->service, a->pipeline,
	    &(struct core_event){ .type = type, .pipeline = a->pipeline }, on_acted, a);
}

static void
on_may_retry(void *data, const struct error *err)
{
	struct action *a = data;

	if (err->code != 0)
		on_acted(a, 0, err);
	else
		act(a, CORE_RETRY_PIPELINE);
}

static void
on_may_cancel(void *data, const struct error *err)
{
	struct action *a = data;

	if (err->code != 0)
		on_acted(a, 0, err);
	else
		act(a, CORE_CANCEL_PIPELINE);
}

static void
prepare(struct call *c, store_done_fn next)
{
	struct action *a = arena_alloc(c->arena, sizeof(*a));

	a->call = c;
	a->project = api_project(c, 0);
	if (a->project == NULL || !api_id(c, 1, &a->pipeline))
		return;
	api_hold(c);
	store_read(service_store(c->service), check_owner, next, a);
}

static void
retry_pipeline(struct call *c)
{
	prepare(c, on_may_retry);
}

static void
cancel_pipeline(struct call *c)
{
	prepare(c, on_may_cancel);
}

const struct api_route api_pipeline_routes[] = {
	{ "GET", "/api/v4/projects/:id/pipelines", API_READ, list_pipelines },
	{ "GET", "/api/v4/projects/:id/pipelines/latest", API_READ, get_latest },
	{ "GET", "/api/v4/projects/:id/pipelines/:pipeline", API_READ, get_pipeline },
	{ "GET", "/api/v4/projects/:id/pipelines/:pipeline/variables", API_READ,
	    list_variables },
	{ "POST", "/api/v4/projects/:id/pipeline", API_WRITE, create_pipeline },
	{ "POST", "/api/v4/projects/:id/pipelines/:pipeline/retry", API_WRITE,
	    retry_pipeline },
	{ "POST", "/api/v4/projects/:id/pipelines/:pipeline/cancel", API_WRITE,
	    cancel_pipeline },
	{ NULL },
};
