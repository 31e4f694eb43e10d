/*
 * The lists that are paged and filtered: pipelines, jobs, projects. Which index to walk
 * is said, not left to the planner, which knows nothing of how statuses are distributed:
 * nearly all rows are finished, those that are not are few.
 */
#include <assert.h>

#include "base/str.h"
#include "scheduler/store_internal.h"

/* The very words of the partial indexes, without which they are not used. */
#define NOT_FINISHED "status NOT IN ('success', 'failed', 'canceled', 'skipped')"

/* A condition being put together. */
struct where {
	struct buf sql;
	struct store_arg args[STORE_ARGS_MAX + 1];
	size_t count;
	bool any;
};

static void
clear_where(struct where *w)
{
	buf_clear(&w->sql);
}
#define cleanup_where __attribute__((cleanup(clear_where)))

static size_t
add_arg(struct where *w, struct store_arg arg)
{
	assert(w->count < STORE_ARGS_MAX);
	w->args[w->count++] = arg;
	w->args[w->count] = (struct store_arg)ARG_END;
	return w->count;
}

static void
add_term(struct where *w, const char *term)
{
	buf_printf(&w->sql, "%s%s", w->any ? " AND " : " WHERE ", term);
	w->any = true;
}

/* "ref =" and the parameter after it. */
static void
add_text(struct where *w, const char *before, const char *text)
{
	if (text == NULL)
		return;
	add_term(w, before);
	buf_printf(&w->sql, " ?%zu", add_arg(w, (struct store_arg)ARG_TEXT(text)));
}

static void
add_id(struct where *w, const char *before, int64_t id)
{
	if (id == 0)
		return;
	add_term(w, before);
	buf_printf(&w->sql, " ?%zu", add_arg(w, (struct store_arg)ARG_INT(id)));
}

/* ---- statuses -------------------------------------------------------------- */

/* Those asked for, by name or in other words. none: there is no such condition. */
struct statuses {
	bool wanted[STATUS_COUNT];
	size_t count;
};

static void
want_status(struct statuses *s, enum status status)
{
	if (!s->wanted[status]) {
		s->wanted[status] = true;
		s->count++;
	}
}

static int
read_statuses(const char *const *names, struct statuses *out, struct error *err)
{
	for (; names != NULL && *names != NULL; names++) {
		enum status status;

		if (!status_parse(*names, &status))
			return error_set(err, ERR_INVALID,
			    "\"%.60s\" is not a status of jobs and pipelines", *names);
		want_status(out, status);
	}
	return 0;
}

static void
want_completed(struct statuses *s, bool completed)
{
	for (int i = 0; i < STATUS_COUNT; i++)
		if (status_is_completed((enum status)i) == completed)
			want_status(s, (enum status)i);
}

static bool
all_unfinished(const struct statuses *s)
{
	for (int i = 0; i < STATUS_COUNT; i++)
		if (s->wanted[i] && status_is_completed((enum status)i))
			return false;
	return s->count > 0;
}

/* by_index: the index has the status in it; else it must not tempt the planner. */
static void
add_statuses(struct where *w, const struct statuses *s, bool by_index)
{
	const char *comma = "";

	if (s->count == 0)
		return;
	add_term(w, by_index ? "status IN (" : "+status IN (");
	for (int i = 0; i < STATUS_COUNT; i++)
		if (s->wanted[i]) {
			buf_printf(&w->sql, "%s'%s'", comma, status_name((enum status)i));
			comma = ", ";
		}
	buf_add_char(&w->sql, ')');
}

/* ---- pages ----------------------------------------------------------------- */

static int
count_up_to(struct store_view *v, const struct store_table *table, const struct where *w,
    int64_t *out, struct error *err)
{
	cleanup_free char *sql =
	    xasprintf("SELECT count(*) FROM (SELECT 1 FROM %s%s LIMIT %d)", table->name,
		buf_str(&w->sql), STORE_TOTAL_MAX + 1);
	cleanup_stmt struct store_stmt *st = NULL;

	if (store_stmt_take(&v->db, sql, &st, err) < 0 ||
	    store_stmt_bind_args(st, w->args, err) < 0)
		return err->code;
	if (store_stmt_step(st, err) < 0)
		return err->code;
	*out = store_stmt_number(st);
	if (*out > STORE_TOTAL_MAX)
		*out = -1;
	return 0;
}

/* Then w says which page, too. by: what goes before the id, or NULL. */
static void
add_page(struct where *w, const char *by, const struct store_page *page)
{
	const char *way = page->ascending ? "" : " DESC";

	add_id(w, page->ascending ? "id >" : "id <", page->beyond_id);
	buf_add_str(&w->sql, " ORDER BY ");
	if (by != NULL)
		buf_printf(&w->sql, "%s%s, ", by, way);
	buf_printf(&w->sql, "id%s", way);
	if (page->limit > 0 || page->offset > 0) {
		int64_t limit = page->limit > 0 ? page->limit : -1;

		buf_printf(
		    &w->sql, " LIMIT ?%zu", add_arg(w, (struct store_arg)ARG_INT(limit)));
		buf_printf(&w->sql, " OFFSET ?%zu",
		    add_arg(w, (struct store_arg)ARG_INT(page->offset)));
	}
}

static const struct store_page whole_list;

/* ---- pipelines ------------------------------------------------------------- */

/* The newest of each branch or tag that is there. */
#define NEWEST_OF(prefix, is_tag)                                                        \
	"id IN (SELECT (SELECT p.id FROM pipelines p WHERE p.project = r.project"        \
	" AND p.ref = substr(r.name, length('" prefix "') + 1) AND p.is_tag = " is_tag   \
	" ORDER BY p.id DESC LIMIT 1) FROM refs r WHERE r.name >= '" prefix "'"          \
	" AND r.name < '" prefix "~' AND r.project ="

enum { SCOPE_NONE, SCOPE_BRANCHES, SCOPE_TAGS };

static int
read_scope(const char *scope, struct statuses *statuses, int *out, struct error *err)
{
	*out = SCOPE_NONE;
	if (scope == NULL)
		return 0;
	if (str_eq(scope, "running"))
		want_status(statuses, STATUS_RUNNING);
	else if (str_eq(scope, "pending"))
		want_status(statuses, STATUS_PENDING);
	else if (str_eq(scope, "finished"))
		want_completed(statuses, true);
	else if (str_eq(scope, "branches"))
		*out = SCOPE_BRANCHES;
	else if (str_eq(scope, "tags"))
		*out = SCOPE_TAGS;
	else
		return error_set(err, ERR_INVALID,
		    "\"%.60s\" is not a scope of pipelines: running, pending, finished, "
		    "branches, tags",
		    scope);
	return 0;
}

static const struct {
	const char *column, *index;
} orders[STORE_PIPELINE_ORDER_COUNT] = {
	[STORE_BY_ID] = { NULL, " INDEXED BY pipelines_by_project" },
	[STORE_BY_STATUS] = { "status", " INDEXED BY pipelines_by_status" },
	[STORE_BY_REF] = { "ref", " INDEXED BY pipelines_by_ref" },
	[STORE_BY_UPDATED] = { "updated_us", " INDEXED BY pipelines_by_updated" },
	[STORE_BY_USER] = { "user", " INDEXED BY pipelines_by_user" },
};

/* How rows are come by: all that fit, to count or to sort them, which takes the narrowest
 * index; or in the order of the list, as many as a page has. */
enum way { WAY_ALL, WAY_IN_ORDER };

/* Where the filter leaves one value, there is nothing to sort by. */
static enum store_pipeline_order
order_of(const struct store_pipeline_filter *f, const struct statuses *s)
{
	if (f->project == 0 || (f->order == STORE_BY_STATUS && s->count == 1) ||
	    (f->order == STORE_BY_REF && f->ref != NULL) ||
	    (f->order == STORE_BY_USER && f->user != 0))
		return STORE_BY_ID;
	return f->order;
}

/* Of a project, for filters that no index serves but the one of a list's order. */
static const char *
loose_index(const struct store_pipeline_filter *f, const struct statuses *s, enum way way,
    bool *by_status)
{
	enum store_pipeline_order order = order_of(f, s);

	if (way == WAY_ALL && f->user != 0)
		return orders[STORE_BY_USER].index;
	if (way == WAY_ALL && (f->updated_after_us != 0 || f->updated_before_us != 0))
		return orders[STORE_BY_UPDATED].index;
	if (way == WAY_IN_ORDER && order != STORE_BY_ID)
		return orders[order].index;
	/* walked in the order of ids for one status alone; for a few rows no matter */
	*by_status = way == WAY_ALL ? s->count > 0 : s->count == 1 || all_unfinished(s);
	return orders[*by_status ? STORE_BY_STATUS : order].index;
}

/* by_status tells that it is the one with statuses. */
static const char *
pipeline_index(const struct store_pipeline_filter *f, const struct statuses *s, int scope,
    enum way way, bool *by_status)
{
	bool sorts = way == WAY_IN_ORDER && order_of(f, s) != STORE_BY_ID;

	*by_status = false;
	if (scope != SCOPE_NONE)
		return " NOT INDEXED";
	if (f->parent_job != 0)
		return " INDEXED BY pipelines_by_parent";
	if (f->project == 0)
		return f->unfinished ? " INDEXED BY pipelines_unfinished"
				     : " NOT INDEXED";
	if (f->sha != NULL)
		return " INDEXED BY pipelines_by_sha";
	if (f->ref != NULL && !sorts)
		return orders[STORE_BY_REF].index;
	return loose_index(f, s, way, by_status);
}

static void
add_scope(struct where *w, int scope, int64_t project)
{
	if (scope == SCOPE_NONE)
		return;
	add_id(w,
	    scope == SCOPE_TAGS ? NEWEST_OF("refs/tags/", "1")
				: NEWEST_OF("refs/heads/", "0"),
	    project);
	buf_add_char(&w->sql, ')');
}

static int
pipeline_where(struct where *w, const struct store_pipeline_filter *f, enum way way,
    enum store_pipeline_order *order, struct error *err)
{
	struct statuses statuses = { .count = 0 };
	bool by_status;
	int scope;

	if (read_statuses(f->statuses, &statuses, err) < 0 ||
	    read_scope(f->scope, &statuses, &scope, err) < 0)
		return err->code;
	if (scope != SCOPE_NONE && f->project == 0)
		return error_set(err, ERR_INVALID,
		    "the scope \"%s\" is one of a project's pipelines", f->scope);
	if (f->unfinished && f->project != 0 && statuses.count == 0)
		want_completed(&statuses, false);
	*order = order_of(f, &statuses);
	buf_add_str(&w->sql, pipeline_index(f, &statuses, scope, way, &by_status));
	add_id(w, "project =", f->project);
	if (f->unfinished)
		add_term(w, NOT_FINISHED);
	add_statuses(w, &statuses, by_status);
	add_scope(w, scope, f->project);
	add_id(w, "parent_job =", f->parent_job);
	add_text(w, "ref =", f->ref);
	add_text(w, "sha =", f->sha);
	add_text(w, "source =", f->source);
	add_text(w, "name =", f->name);
	add_id(w, "user =", f->user);
	add_id(w, "updated_us >", f->updated_after_us);
	add_id(w, "updated_us <", f->updated_before_us);
	add_id(w, "created_us >", f->created_after_us);
	add_id(w, "created_us <", f->created_before_us);
	if (f->with_errors)
		add_term(w, "errors IS NOT NULL");
	if (f->without_errors)
		add_term(w, "errors IS NULL");
	if (f->without_children)
		add_term(w, "source <> 'parent_pipeline'");
	return 0;
}

static int
count_pipelines(struct store_view *v, const struct store_pipeline_filter *f, int64_t *out,
    struct error *err)
{
	cleanup_where struct where w = { .any = false };
	enum store_pipeline_order order = STORE_BY_ID;

	if (pipeline_where(&w, f, WAY_ALL, &order, err) < 0)
		return err->code;
	return count_up_to(v, &store_pipelines, &w, out, err);
}

LIST_OF(pipeline)

/* That few are sorted at once; of more a page is found soon on the way of its order. */
static enum way
way_of(const struct store_page *page)
{
	return page->want_total && page->total >= 0 ? WAY_ALL : WAY_IN_ORDER;
}

int
store_list_pipelines(struct store_view *v, const struct store_pipeline_filter *f,
    struct store_page *page, store_pipeline_fn fn, void *data, struct error *err)
{
	cleanup_where struct where w = { .any = false };
	struct store_page all = { .ascending = false };
	struct store_query q = { .table = &store_pipelines,
		.without = f->with_made_of ? NULL : "made_of",
		.args = w.args };
	enum store_pipeline_order order = STORE_BY_ID;

	if (page == NULL)
		page = &all;
	if (page->want_total && count_pipelines(v, f, &page->total, err) < 0)
		return err->code;
	if (pipeline_where(&w, f, way_of(page), &order, err) < 0)
		return err->code;
	add_page(&w, orders[order].column, page);
	q.where = buf_str(&w.sql);
	q.given = &page->given;
	return list_of_pipeline(v, &q, fn, data, err);
}

/* ---- jobs ------------------------------------------------------------------ */

LIST_OF(job)

int
store_list_jobs(struct store_view *v, const struct store_job_filter *f,
    struct store_page *page, store_job_fn fn, void *data, struct error *err)
{
	cleanup_where struct where w = { .any = false };
	struct store_query q = { .table = &store_jobs, .args = w.args };
	struct statuses statuses = { .count = 0 };
	bool few;

	if (read_statuses(f->statuses, &statuses, err) < 0)
		return err->code;
	few = f->pipeline == 0 && all_unfinished(&statuses);
	if (few)
		buf_add_str(&w.sql, " INDEXED BY jobs_unfinished");
	else if (f->pipeline != 0)
		buf_add_str(&w.sql, " INDEXED BY jobs_by_pipeline");
	else if (f->project != 0)
		buf_add_str(&w.sql, " INDEXED BY jobs_by_project");
	add_id(&w, "pipeline =", f->pipeline);
	add_id(&w, "project =", f->project);
	if (few)
		add_term(&w, NOT_FINISHED);
	add_statuses(&w, &statuses, few);
	add_text(&w, "resource_group =", f->resource_group);
	if (!f->with_retried)
		add_term(&w, "retried_as IS NULL");
	if (page != NULL && page->want_total &&
	    count_up_to(v, q.table, &w, &page->total, err) < 0)
		return err->code;
	add_page(&w, NULL, page != NULL ? page : &whole_list);
	q.where = buf_str(&w.sql);
	q.given = page != NULL ? &page->given : NULL;
	return list_of_job(v, &q, fn, data, err);
}

/* ---- resource groups ------------------------------------------------------- */

LIST_OF(resource_group)

int
store_list_resource_groups(struct store_view *v, int64_t project, struct store_page *page,
    store_resource_group_fn fn, void *data, struct error *err)
{
	cleanup_where struct where w = { .any = false };
	struct store_query q = { .table = &store_resource_groups, .args = w.args };

	if (project == 0)
		add_term(&w, "mode <> 'unordered'");
	add_id(&w, "project =", project);
	if (page != NULL && page->want_total &&
	    count_up_to(v, q.table, &w, &page->total, err) < 0)
		return err->code;
	add_page(&w, NULL, page != NULL ? page : &whole_list);
	q.where = buf_str(&w.sql);
	return list_of_resource_group(v, &q, fn, data, err);
}

/* ---- projects -------------------------------------------------------------- */

LIST_OF(project)

static const char *const project_orders[STORE_PROJECT_ORDER_COUNT] = {
	[STORE_PROJECTS_BY_NAME] = "name COLLATE NOCASE",
	[STORE_PROJECTS_BY_PATH] = "path",
	[STORE_PROJECTS_BY_ACTIVITY] = "ifnull((SELECT max(updated_us) FROM pipelines"
				       " INDEXED BY pipelines_by_updated"
				       " WHERE project = projects.id), created_us)",
};

int
store_list_projects(struct store_view *v, const struct store_project_filter *f,
    struct store_page *page, store_project_fn fn, void *data, struct error *err)
{
	cleanup_where struct where w = { .any = false };
	struct store_query q = { .table = &store_projects, .args = w.args };

	if (f->search != NULL && *f->search != '\0') {
		add_text(&w, "instr(lower(path), lower(", f->search);
		buf_add_str(&w.sql, ")) > 0");
	}
	add_text(&w, "visibility =", f->visibility);
	if (f->archived)
		add_term(&w, "archived <> 0");
	if (f->not_archived)
		add_term(&w, "archived = 0");
	add_id(&w, "id >", f->after_id);
	add_id(&w, "id <", f->before_id);
	if (page != NULL && page->want_total &&
	    count_up_to(v, q.table, &w, &page->total, err) < 0)
		return err->code;
	add_page(&w, project_orders[f->order], page != NULL ? page : &whole_list);
	q.where = buf_str(&w.sql);
	q.given = page != NULL ? &page->given : NULL;
	return list_of_project(v, &q, fn, data, err);
}
