/* Pipelines: listed, looked at, made by hand, retried, canceled. */
#include "scheduler/api/pipelines.h"

#include <stdio.h>

#include "base/git.h"
#include "base/str.h"
#include "scheduler/api/entities.h"
#include "scheduler/repos.h"
#include "scheduler/service_internal.h"

#define MAX_PRIORITY 100

/* ---- reading ------------------------------------------------------------------------
 */

static bool
add_pipeline(const struct store_pipeline *row, void *data)
{
	struct reading *r = data;

	entity_add_pipeline(&r->writer, row, &r->project, NULL, r->text, false);
	r->last_id = row->id;
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

static bool
read_status(struct call *c, struct store_pipeline_filter *f)
{
	const char *text = query_text(c, "status");
	const char **list;
	enum status status;

	if (text == NULL)
		return true;
	if (!status_parse(text, &status)) {
		api_refuse(c, "status does not have a valid value");
		return false;
	}
	list = arena_calloc(c->arena, 2, sizeof(*list));
	list[0] = text;
	f->statuses = list;
	return true;
}

static bool
read_scope(struct call *c, struct store_pipeline_filter *f)
{
	static const char *const scopes[] = { "running", "pending", "finished",
		"branches", "tags" };
	size_t scope = ARRAY_LEN(scopes);

	if (!query_word(c, "scope", scopes, ARRAY_LEN(scopes), &scope))
		return false;
	f->scope = scope < ARRAY_LEN(scopes) ? scopes[scope] : NULL;
	return true;
}

/* Nobody's id, if there is no such user. */
static int64_t
user_named(struct call *c, const char *login)
{
	const struct user *user = login == NULL
	    ? NULL
	    : registry_user_by_login(service_registry(c->service), login);

	if (login == NULL)
		return 0;
	return user == NULL ? INT64_MAX : user->row.id;
}

static bool
read_filter(struct call *c, struct store_pipeline_filter *f, bool *ascending)
{
	static const char *const orders[] = { "id", "status", "ref", "updated_at",
		"user_id" };
	size_t order = 0;

	f->ref = query_text(c, "ref");
	f->sha = query_text(c, "sha");
	f->source = query_text(c, "source");
	f->without_children = f->source == NULL; /* as GitLab lists them */
	f->name = query_text(c, "name");
	f->user = user_named(c, query_text(c, "username"));
	if (!read_scope(c, f) || !read_status(c, f) ||
	    !query_order(c, orders, ARRAY_LEN(orders), &order, ascending) ||
	    !query_time(c, "updated_after", &f->updated_after_us) ||
	    !query_time(c, "updated_before", &f->updated_before_us) ||
	    !query_time(c, "created_after", &f->created_after_us) ||
	    !query_time(c, "created_before", &f->created_before_us) ||
	    !query_bool(c, "yaml_errors", &f->with_errors, &f->without_errors))
		return false;
	f->order = (enum store_pipeline_order)order;
	return true;
}

struct reading *
pipelines_listing(struct call *c)
{
	struct project *p = api_project(c, 0);
	struct store_pipeline_filter *f = arena_alloc(c->arena, sizeof(*f));
	struct reading *r;
	bool ascending = false;

	if (p == NULL || !read_filter(c, f, &ascending))
		return NULL;
	f->project = p->row.id;
	r = reading_of_project(c, p, true);
	r->page.ascending = ascending;
	reading_by_keyset(r);
	r->pipelines = f;
	return r;
}

static void
list_pipelines(struct call *c)
{
	struct reading *r = pipelines_listing(c);

	if (r != NULL)
		reading_start(r, read_pipelines);
}

int
pipelines_get(struct store_view *v, struct reading *r, struct store_pipeline *out,
    struct error *err)
{
	if (store_get_pipeline(v, r->id, r->arena, out, err) < 0)
		return err->code;
	if (out->project != r->project.id)
		return error_set(err, ERR_MISSING, "not of this project");
	return 0;
}

static int
read_pipeline(struct store_view *v, struct reading *r, struct error *err)
{
	struct store_pipeline row;
	struct store_user user, *who = NULL;
	struct error ignored = ERROR_INIT;

	if (pipelines_get(v, r, &row, err) < 0)
		return err->code;
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

int
pipelines_open_recipe(const struct reading *r, const struct store_pipeline *row,
    struct recipe **out, struct error *err)
{
	cleanup_free char *place = xasprintf("recipe of pipeline %" PRId64, row->id);
	struct buf json = BUF_INIT;
	int rc;

	*out = NULL;
	if (row->made_of == NULL)
		return 0;
	rc = seal_open_value(
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

	if (pipelines_get(v, r, &row, err) < 0 ||
	    pipelines_open_recipe(r, &row, &recipe, err) < 0)
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
	struct reading *r = reading_of_member(c);

	if (r != NULL)
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
	f->without_children = true;
	f->ref = query_text(c, "ref");
	if (f->ref == NULL) /* as GitLab has it: of the default branch */
		f->ref = arena_strdup(r->arena, p->row.default_branch);
	r->pipelines = f;
	reading_start(r, read_latest);
}

/* ---- making one by hand --------------------------------------------------------------
 */

struct new_pipeline {
	const char *ref;
	const char *inputs; /* JSON; NULL: none */
	struct api_variable *variables;
	size_t variable_count;
};

static const struct json_field new_fields[] = {
	{ JSON_FIELD("ref", STRING, struct new_pipeline, ref) },
	{ JSON_FIELD("inputs", MAP, struct new_pipeline, inputs) },
	{ JSON_COUNTED(
	      "variables", OBJECTS, struct new_pipeline, variables, variable_count),
	    .shape = &api_variable_shape },
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
	struct pipeline_request q = { /* from our own pages it is as from GitLab's */
		.project = p,
		.source = c->by_session ? "web" : "api",
		.only_if_valid = true
	};
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
	if (!api_variables(c, "variables", n.variables, n.variable_count, &q.vars))
		return;
	q.var_count = n.variable_count;
	q.inputs = n.inputs;
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
	bool is_at_rest;
	enum core_event_type type;
	int priority;
};

static void
on_acted(void *data, int64_t job UNUSED, const struct error *err)
{
	struct action *a = data;
	struct call *c = a->call;
	int status = a->type == CORE_RETRY_PIPELINE ? 201 : 200; /* as GitLab's */

	if (err->code != 0)
		api_fail(c, err);
	else
		send_pipeline(c, a->project, a->pipeline, status);
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
on_checked(void *data, const struct error *err)
{
	struct action *a = data;
	const struct core_event event = {
		.type = a->type, .pipeline = a->pipeline, .priority = a->priority
	};

	if (err->code != 0)
		on_acted(a, 0, err);
	else
		service_act(a->call->service, a->pipeline, &event, on_acted, a);
}

static void
act(struct call *c, enum core_event_type type, int priority)
{
	struct action *a = arena_alloc(c->arena, sizeof(*a));

	a->call = c;
	a->type = type;
	a->priority = priority;
	a->project = api_project(c, 0);
	if (a->project == NULL || !api_id(c, 1, &a->pipeline))
		return;
	api_hold(c);
	store_read(service_store(c->service), check_owner, on_checked, a);
}

static void
retry_pipeline(struct call *c)
{
	act(c, CORE_RETRY_PIPELINE, 0);
}

static void
cancel_pipeline(struct call *c)
{
	act(c, CORE_CANCEL_PIPELINE, 0);
}

struct priority_fields {
	int64_t priority;
};

static const struct json_field priority_fields[] = {
	{ JSON_FIELD("priority", INT, struct priority_fields, priority) },
	{ NULL },
};
static const struct json_shape priority_shape = { priority_fields,
	sizeof(struct priority_fields) };

/* Which of a project's waiting jobs go first; GitLab has no such thing. */
static void
set_priority(struct call *c)
{
	struct priority_fields q = { .priority = INT64_MAX };

	if (api_project(c, 0) == NULL || !api_read(c, &priority_shape, &q))
		return;
	if (q.priority < -MAX_PRIORITY || q.priority > MAX_PRIORITY)
		api_refuse(c, "priority has to be a number from -%d to %d", MAX_PRIORITY,
		    MAX_PRIORITY);
	else
		act(c, CORE_PRIORITY, (int)q.priority);
}

/* ---- deleting one -------------------------------------------------------------------
 */

static int
check_at_rest(struct store_view *v, void *data, struct error *err)
{
	struct action *a = data;
	cleanup_arena struct arena *arena = arena_new();
	struct store_pipeline row;

	if (store_get_pipeline(v, a->pipeline, arena, &row, err) < 0)
		return err->code;
	if (row.project != a->project->row.id)
		return error_set(err, ERR_MISSING, "not of this project");
	a->is_at_rest = status_is_completed(row.status) || row.status == STATUS_MANUAL;
	return 0;
}

static void
on_may_delete(void *data, const struct error *err)
{
	struct action *a = data;
	struct call *c = a->call;

	if (err->code == 0 && a->is_at_rest) {
		service_delete_pipeline(c->service, a->pipeline, api_done, c);
		return;
	}
	if (err->code == ERR_MISSING)
		api_error(c, 404, "404 Not Found");
	else if (err->code != 0)
		api_fail(c, err);
	else
		api_error(c, 403, "403 Forbidden - it has not ended; cancel it first");
	api_let_go(c);
}

static void
delete_pipeline(struct call *c)
{
	struct action *a = arena_alloc(c->arena, sizeof(*a));

	a->call = c;
	a->project = api_project(c, 0);
	if (a->project == NULL || !api_id(c, 1, &a->pipeline))
		return;
	api_hold(c);
	store_read(service_store(c->service), check_at_rest, on_may_delete, a);
}

const struct api_route api_pipeline_routes[] = {
	{ "GET", "/api/v4/projects/:id/pipelines", API_READ, list_pipelines },
	{ "GET", "/api/v4/projects/:id/pipelines/latest", API_READ, get_latest },
	{ "GET", "/api/v4/projects/:id/pipelines/:pipeline", API_READ, get_pipeline },
	{ "DELETE", "/api/v4/projects/:id/pipelines/:pipeline", API_WRITE,
	    delete_pipeline },
	{ "GET", "/api/v4/projects/:id/pipelines/:pipeline/variables", API_READ,
	    list_variables },
	{ "POST", "/api/v4/projects/:id/pipeline", API_WRITE, create_pipeline },
	{ "POST", "/api/v4/projects/:id/pipelines/:pipeline/retry", API_WRITE,
	    retry_pipeline },
	{ "POST", "/api/v4/projects/:id/pipelines/:pipeline/cancel", API_WRITE,
	    cancel_pipeline },
	{ "PUT", "/api/pawl/v1/projects/:id/pipelines/:pipeline/priority", API_WRITE,
	    set_priority },
	{ NULL },
};
