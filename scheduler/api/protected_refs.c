/*
 * Which branches and tags are protected: GitLab's "Protected branches" and "Protected
 * tags" APIs. Protected variables and runners reach these refs alone; who may push at all
 * may push to them, which is what the access levels say.
 */
#include <ctype.h>

#include "base/str.h"
#include "scheduler/api/listing.h"
#include "scheduler/service_internal.h"

#define MAX_NAME 255
#define MAX_PATTERNS 1000

enum kind { BRANCHES, TAGS };

static void
put_levels(struct json_writer *w, const char *key)
{
	json_key(w, key);
	json_begin_array(w);
	json_begin_object(w);
	json_put_int(w, "access_level", 30);
	json_put_string(w, "access_level_description", "Developers + Maintainers");
	json_end_object(w);
	json_end_array(w);
}

static void
put_pattern(struct json_writer *w, enum kind kind, const char *name)
{
	json_begin_object(w);
	json_put_string(w, "name", name);
	if (kind == TAGS) {
		put_levels(w, "create_access_levels");
	} else {
		put_levels(w, "push_access_levels");
		put_levels(w, "merge_access_levels");
		json_put_bool(w, "allow_force_push", true);
		json_put_bool(w, "code_owner_approval_required", false);
	}
	json_end_object(w);
}

static int
read_patterns(struct store_view *v UNUSED, struct reading *r, struct error *err UNUSED)
{
	enum kind kind = *(const enum kind *)r->data;
	cleanup_strlist struct strlist all = STRLIST_INIT;
	size_t from = (size_t)r->page.offset;

	service_list_protected(&r->project, kind == TAGS, &all);
	r->page.total = (int64_t)all.count;
	json_begin_array(&r->writer);
	for (size_t i = from; i < all.count && i < from + (size_t)r->page.limit; i++)
		put_pattern(&r->writer, kind, all.items[i]);
	json_end_array(&r->writer);
	return 0;
}

static void
list_patterns(struct call *c, enum kind kind)
{
	struct project *p = api_project(c, 0);
	struct reading *r;

	if (p == NULL)
		return;
	r = reading_of_project(c, p, true);
	r->data = arena_memdup(r->arena, &kind, sizeof(kind));
	reading_start(r, read_patterns);
}

static void
send_pattern(struct call *c, enum kind kind, const char *name, int status)
{
	cleanup_buf struct buf json = BUF_INIT;
	struct json_writer w = JSON_WRITER_INIT(&json);

	put_pattern(&w, kind, name);
	api_json(c, status, &json);
}

static void
get_pattern(struct call *c, enum kind kind)
{
	struct project *p = api_project(c, 0);
	cleanup_strlist struct strlist all = STRLIST_INIT;

	if (p == NULL)
		return;
	service_list_protected(&p->row, kind == TAGS, &all);
	if (strlist_has(&all, c->params[1]))
		send_pattern(c, kind, c->params[1], 200);
	else
		api_error(c, 404, "404 Not found");
}

/* ---- changing -------------------------------------------------------------------- */

/* The row with these patterns; its strings are the call's and the project's. */
static struct store_project
with_patterns(
    struct call *c, const struct project *p, enum kind kind, const struct strlist *all)
{
	struct store_project row = p->row;
	cleanup_buf struct buf text = BUF_INIT;

	for (size_t i = 0; i < all->count; i++)
		buf_printf(&text, "%s\n", all->items[i]);
	if (kind == TAGS)
		row.protected_tags = arena_strdup(c->arena, buf_str(&text));
	else
		row.protected_branches = arena_strdup(c->arena, buf_str(&text));
	return row;
}

struct addition {
	struct call *call;
	enum kind kind;
	const char *name;
};

static void
on_added(void *data, const struct error *err)
{
	struct addition *a = data;

	if (err->code != 0)
		api_fail(a->call, err);
	else
		send_pattern(a->call, a->kind, a->name, 201);
	api_let_go(a->call);
}

struct fields {
	const char *name;
};

static const struct json_field fields[] = {
	{ JSON_FIELD("name", STRING, struct fields, name) },
	{ NULL },
};
static const struct json_shape shape = { fields, sizeof(struct fields) };

static bool
is_name(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < len; i++)
		if (isspace((unsigned char)name[i]) || iscntrl((unsigned char)name[i]))
			return false;
	return len > 0 && len <= MAX_NAME;
}

static void
add_pattern(struct call *c, enum kind kind)
{
	struct project *p = api_project(c, 0);
	struct addition *a = arena_alloc(c->arena, sizeof(*a));
	cleanup_strlist struct strlist all = STRLIST_INIT;
	struct fields q = { .name = NULL };
	struct store_project row;

	if (p == NULL || !api_read(c, &shape, &q))
		return;
	if (q.name == NULL) {
		api_refuse(c, "name is missing");
		return;
	}
	service_list_protected(&p->row, kind == TAGS, &all);
	if (!is_name(q.name) || all.count >= MAX_PATTERNS) {
		api_refuse_member(c, "name", "is invalid");
		return;
	}
	if (strlist_has(&all, q.name)) {
		api_error(c, 409, "Protected %s '%s' already exists",
		    kind == TAGS ? "tag" : "branch", q.name);
		return;
	}
	strlist_add(&all, q.name);
	row = with_patterns(c, p, kind, &all);
	*a = (struct addition){ c, kind, q.name };
	api_hold(c);
	registry_set_project(service_registry(c->service), &row, on_added, a);
}

static void
drop_pattern(struct call *c, enum kind kind)
{
	struct project *p = api_project(c, 0);
	cleanup_strlist struct strlist all = STRLIST_INIT, left = STRLIST_INIT;
	struct store_project row;

	if (p == NULL)
		return;
	service_list_protected(&p->row, kind == TAGS, &all);
	for (size_t i = 0; i < all.count; i++)
		if (!str_eq(all.items[i], c->params[1]))
			strlist_add(&left, all.items[i]);
	if (left.count == all.count) {
		api_error(c, 404, "404 Not found");
		return;
	}
	row = with_patterns(c, p, kind, &left);
	api_hold(c);
	registry_set_project(service_registry(c->service), &row, api_done, c);
}

/* ---- the routes ------------------------------------------------------------------ */

static void
list_branches(struct call *c)
{
	list_patterns(c, BRANCHES);
}

static void
get_branch(struct call *c)
{
	get_pattern(c, BRANCHES);
}

static void
add_branch(struct call *c)
{
	add_pattern(c, BRANCHES);
}

static void
drop_branch(struct call *c)
{
	drop_pattern(c, BRANCHES);
}

static void
list_tags(struct call *c)
{
	list_patterns(c, TAGS);
}

static void
get_tag(struct call *c)
{
	get_pattern(c, TAGS);
}

static void
add_tag(struct call *c)
{
	add_pattern(c, TAGS);
}

static void
drop_tag(struct call *c)
{
	drop_pattern(c, TAGS);
}

#define OF_BRANCHES "/api/v4/projects/:id/protected_branches"
#define OF_TAGS "/api/v4/projects/:id/protected_tags"

const struct api_route api_protected_ref_routes[] = {
	{ "GET", OF_BRANCHES, API_READ, list_branches },
	{ "POST", OF_BRANCHES, API_WRITE, add_branch },
	{ "GET", OF_BRANCHES "/:pattern", API_READ, get_branch },
	{ "DELETE", OF_BRANCHES "/:pattern", API_WRITE, drop_branch },
	{ "GET", OF_TAGS, API_READ, list_tags },
	{ "POST", OF_TAGS, API_WRITE, add_tag },
	{ "GET", OF_TAGS "/:pattern", API_READ, get_tag },
	{ "DELETE", OF_TAGS "/:pattern", API_WRITE, drop_tag },
	{ NULL },
};
