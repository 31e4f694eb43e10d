/* Projects: listed, made, changed. */
#include <stdio.h>

#include "base/git.h"
#include "base/str.h"
#include "protocol/json.h"
#include "scheduler/api/entities.h"
#include "scheduler/api/listing.h"
#include "scheduler/repos.h"
#include "scheduler/service_internal.h"

#define MAX_NAME 255
#define DAY_S (24 * 3600)
#define MAX_KEEP_S (3650 * DAY_S)

static const char *const visibilities[] = { "private", "internal", "public" };

/* ---- projects --------------------------------------------------------------------- */

static bool
add_project(const struct store_project *row, void *data)
{
	struct reading *r = data;

	entity_add_project(&r->writer, row, r->text);
	r->last_id = row->id;
	return true;
}

/* What a token of one project sees. */
static int
read_only_project(struct store_view *v, struct reading *r, struct error *err)
{
	if (store_get_project(v, r->id, r->arena, &r->project, err) < 0)
		return err->code;
	r->page.total = 1;
	if (r->page.offset == 0)
		add_project(&r->project, r);
	json_end_array(&r->writer);
	return 0;
}

static int
read_projects(struct store_view *v, struct reading *r, struct error *err)
{
	json_begin_array(&r->writer);
	if (r->id != 0)
		return read_only_project(v, r, err);
	if (store_list_projects(v, r->data, &r->page, add_project, r, err) < 0)
		return err->code;
	json_end_array(&r->writer);
	return 0;
}

static bool
read_filter(struct call *c, struct store_project_filter *f, bool *ascending)
{
	static const struct {
		const char *word;
		enum store_project_order order;
	} orders[] = {
		{ "id", STORE_PROJECTS_BY_ID },
		{ "created_at", STORE_PROJECTS_BY_ID },
		{ "name", STORE_PROJECTS_BY_NAME },
		{ "path", STORE_PROJECTS_BY_PATH },
		{ "updated_at", STORE_PROJECTS_BY_ACTIVITY },
		{ "last_activity_at", STORE_PROJECTS_BY_ACTIVITY },
	};
	const char *words[ARRAY_LEN(orders)];
	size_t order = 0, visibility = ARRAY_LEN(visibilities);

	for (size_t i = 0; i < ARRAY_LEN(orders); i++)
		words[i] = orders[i].word;
	f->search = query_text(c, "search");
	if (!query_order(c, words, ARRAY_LEN(words), &order, ascending) ||
	    !query_word(
		c, "visibility", visibilities, ARRAY_LEN(visibilities), &visibility) ||
	    !query_bool(c, "archived", &f->archived, &f->not_archived) ||
	    !query_id(c, "id_after", &f->after_id) ||
	    !query_id(c, "id_before", &f->before_id))
		return false;
	f->order = orders[order].order;
	if (visibility < ARRAY_LEN(visibilities))
		f->visibility = visibilities[visibility];
	return true;
}

static void
list_projects(struct call *c)
{
	struct store_project_filter *f = arena_alloc(c->arena, sizeof(*f));
	struct reading *r;
	bool ascending = false;

	if (!read_filter(c, f, &ascending))
		return;
	r = reading_new(c, true);
	r->text = service_server_url(c->service);
	r->page.ascending = ascending;
	reading_by_keyset(r);
	r->data = f;
	r->id = api_is_bound(c) ? c->token->row.project : 0;
	reading_start(r, read_projects);
}

static void
send_project(struct call *c, int status, const struct project *p)
{
	cleanup_buf struct buf json = BUF_INIT;
	struct json_writer w = JSON_WRITER_INIT(&json);

	entity_add_project(&w, &p->row, service_server_url(c->service));
	api_json(c, status, &json);
}

static void
get_project(struct call *c)
{
	struct project *p = api_project(c, 0);

	if (p != NULL)
		send_project(c, 200, p);
}

struct project_fields {
	const char *name, *path, *namespace_path, *description, *default_branch,
	    *visibility, *config_path;
	int64_t keep_pipelines_s; /* NOT_SAID */
};

#define NOT_SAID INT64_MIN
#define NO_PROJECT_FIELDS                                                                \
	{                                                                                \
		.keep_pipelines_s = NOT_SAID                                             \
	}

static const struct json_field project_json_fields[] = {
	{ JSON_FIELD("name", STRING, struct project_fields, name) },
	{ JSON_FIELD("path", STRING, struct project_fields, path) },
	{ JSON_FIELD("namespace_path", STRING, struct project_fields, namespace_path) },
	{ JSON_FIELD("description", STRING, struct project_fields, description) },
	{ JSON_FIELD("default_branch", STRING, struct project_fields, default_branch) },
	{ JSON_FIELD("visibility", STRING, struct project_fields, visibility) },
	{ JSON_FIELD("ci_config_path", STRING, struct project_fields, config_path) },
	{ JSON_FIELD("ci_delete_pipelines_in_seconds", INT, struct project_fields,
	    keep_pipelines_s) },
	{ NULL },
};
static const struct json_shape project_shape = { project_json_fields,
	sizeof(struct project_fields) };

static bool
is_visibility(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(visibilities); i++)
		if (str_eq(word, visibilities[i]))
			return true;
	return false;
}

/* false after a 400 */
static bool
check_fields(struct call *c, const struct project_fields *q)
{
	if (q->visibility != NULL && !is_visibility(q->visibility)) {
		api_refuse(c, "visibility does not have a valid value");
		return false;
	}
	if (q->name != NULL && str_is_blank(q->name)) {
		api_refuse_member(c, "name", "can't be blank");
		return false;
	}
	if (q->name != NULL && strlen(q->name) > MAX_NAME) {
		api_refuse_member(
		    c, "name", "is too long (maximum is %d characters)", MAX_NAME);
		return false;
	}
	if (q->config_path != NULL && strlen(q->config_path) > MAX_NAME) {
		api_refuse_member(c, "ci_config_path",
		    "is too long (maximum is %d characters)", MAX_NAME);
		return false;
	}
	if (q->keep_pipelines_s != NOT_SAID && q->keep_pipelines_s != 0 &&
	    (q->keep_pipelines_s < DAY_S || q->keep_pipelines_s > MAX_KEEP_S)) {
		api_refuse_member(c, "ci_delete_pipelines_in_seconds",
		    "must be 0 or between %d (a day) and %d (ten years)", DAY_S,
		    MAX_KEEP_S);
		return false;
	}
	return true;
}

/* What is not said stays; what is said to be empty is none. */
static const char *
said(const char *value, const char *old)
{
	if (value == NULL)
		return old;
	return *value == '\0' ? NULL : value;
}

static void
apply_fields(const struct project_fields *q, struct store_project *row)
{
	if (q->name != NULL)
		row->name = q->name;
	if (q->visibility != NULL)
		row->visibility = q->visibility;
	row->description = said(q->description, row->description);
	row->config_path = said(q->config_path, row->config_path);
	if (q->keep_pipelines_s != NOT_SAID)
		row->keep_pipelines_s = q->keep_pipelines_s;
}

static void
answer_project(struct call *c, const struct error *err, int status)
{
	const struct project *p = c->data;

	if (err->code != 0)
		api_fail(c, err);
	else
		send_project(c, status, p);
	api_let_go(c);
}

static void
on_project_made(void *data, const struct error *err)
{
	answer_project(data, err, 201);
}

static void
on_project_changed(void *data, const struct error *err)
{
	answer_project(data, err, 200);
}

/* Without a namespace it is the user's own. */
static void
create_project(struct call *c)
{
	struct project_fields q = NO_PROJECT_FIELDS;
	struct registry *registry = service_registry(c->service);
	struct error err = ERROR_INIT;
	struct store_project row;
	struct project *p;
	const char *name, *path;

	if (!api_read(c, &project_shape, &q) || !check_fields(c, &q))
		return;
	if (api_is_bound(c)) {
		api_error(c, 403, "403 Forbidden");
		return;
	}
	name = q.path != NULL ? q.path : q.name;
	if (name == NULL) {
		api_refuse(c,
		    "name, path are missing, at least one parameter must be "
		    "provided");
		return;
	}
	path = arena_printf(c->arena, "%s/%s",
	    q.namespace_path != NULL ? q.namespace_path : c->user->row.login, name);
	if (service_add_project(c->service, path, c->user->row.id, NULL, NULL, &p, &err) <
	    0) {
		api_fail(c, &err);
		return;
	}
	c->data = p;
	api_hold(c);
	row = p->row;
	apply_fields(&q, &row);
	registry_set_project(registry, &row, on_project_made, c);
}

/* It must be there, and what clones begin with follows it. */
static int
set_default_branch(struct call *c, const char *branch, const char *path,
    struct store_project *row, struct error *err)
{
	cleanup_free char *dir = repo_dir(service_repos_dir(c->service), path);
	cleanup_git_repo struct git_repo *repo = NULL;
	const char *ref = arena_printf(c->arena, "refs/heads/%s", branch);
	struct error ignored = ERROR_INIT;
	char sha[GIT_SHA_MAX];

	if (git_repo_open_bare(dir, &repo, err) < 0)
		return err->code;
	if (git_repo_resolve(repo, ref, sha, &ignored) < 0)
		return error_set(err, ERR_INVALID,
		    "Could not set the default branch. Branch '%.200s' does not exist",
		    branch);
	row->default_branch = branch;
	return repo_set_head(service_repos_dir(c->service), path, branch, err);
}

static void
change_project(struct call *c)
{
	struct project *p = api_project(c, 0);
	struct project_fields q = NO_PROJECT_FIELDS;
	struct error err = ERROR_INIT;
	struct store_project row;

	if (p == NULL || !api_read(c, &project_shape, &q) || !check_fields(c, &q))
		return;
	row = p->row;
	if (q.path != NULL && !str_eq(q.path, strrchr(row.path, '/') + 1)) {
		api_refuse_member(c, "path", "cannot be changed");
		return;
	}
	apply_fields(&q, &row);
	if (q.default_branch != NULL &&
	    set_default_branch(c, q.default_branch, p->row.path, &row, &err) < 0) {
		if (err.code == ERR_INVALID)
			api_refuse_member(c, "base", "%s", err.msg);
		else
			api_fail(c, &err);
		return;
	}
	c->data = p;
	api_hold(c);
	registry_set_project(service_registry(c->service), &row, on_project_changed, c);
}

const struct api_route api_project_routes[] = {
	{ "GET", "/api/v4/projects", API_READ, list_projects },
	{ "POST", "/api/v4/projects", API_WRITE, create_project },
	{ "GET", "/api/v4/projects/:id", API_READ, get_project },
	{ "PUT", "/api/v4/projects/:id", API_WRITE, change_project },
	{ NULL },
};
