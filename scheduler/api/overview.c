/*
 * Lists as pages show them, each in one answer: all projects with their last pipelines,
 * and a project's pipelines with what is known of their commits, people and stages.
 */
#include <string.h>

#include "base/git.h"
#include "base/str.h"
#include "scheduler/api/pipelines.h"
#include "scheduler/composite.h"
#include "scheduler/repos.h"
#include "scheduler/service_internal.h"

#define LAST_PIPELINES 12
#define MAX_TITLE 255 /* bytes of a commit's first line */

/* ---- all projects ------------------------------------------------------------------ */

struct overview {
	struct reading *r;
	struct store_view *v;
	const struct store_project_filter *filter;
	struct error *err;
	bool failed;
};

static bool
add_bar(const struct store_pipeline *p, void *data)
{
	struct json_writer *w = data;

	json_begin_object(w);
	json_put_int(w, "id", p->id);
	json_put_string(w, "status", status_name(p->status));
	json_put_bool(w, "warnings", p->warnings);
	json_put_string(w, "ref", p->ref);
	json_put_string(w, "source", p->source);
	entity_put_time(w, "created_at", p->created_us);
	entity_put_time(w, "started_at", p->started_us);
	entity_put_time(w, "finished_at", p->finished_us);
	json_end_object(w);
	return true;
}

static bool
add_project(const struct store_project *row, void *data)
{
	struct overview *o = data;
	struct json_writer *w = &o->r->writer;
	const struct store_pipeline_filter last = { .project = row->id,
		.without_children = true };
	struct store_page page = { .limit = LAST_PIPELINES };

	json_begin_object(w);
	json_put_int(w, "id", row->id);
	json_put_string(w, "path", row->path);
	json_put_string(w, "name", row->name);
	json_put_string(w, "description", row->description);
	json_put_string(w, "default_branch", row->default_branch);
	json_put_bool(w, "archived", row->archived);
	json_key(w, "pipelines");
	json_begin_array(w);
	o->failed = store_list_pipelines(o->v, &last, &page, add_bar, w, o->err) < 0;
	json_end_array(w);
	json_end_object(w);
	return !o->failed;
}

/* r->id: the one project that the token is for; 0: it is for all. */
static int
read_overview(struct store_view *v, struct reading *r, struct error *err)
{
	struct overview o = { r, v, r->data, err, false };

	json_begin_array(&r->writer);
	if (r->id != 0) {
		if (store_get_project(v, r->id, r->arena, &r->project, err) < 0)
			return err->code;
		r->page.total = 1;
		if (r->page.offset == 0)
			(void)add_project(&r->project, &o);
	} else if (store_list_projects(v, o.filter, &r->page, add_project, &o, err) < 0) {
		return err->code;
	}
	json_end_array(&r->writer);
	return o.failed ? err->code : 0;
}

static void
get_overview(struct call *c)
{
	struct store_project_filter *f = arena_alloc(c->arena, sizeof(*f));
	struct reading *r;

	f->search = query_text(c, "search");
	f->order = STORE_PROJECTS_BY_ACTIVITY;
	r = reading_new(c, true);
	r->data = f;
	r->id = api_is_bound(c) ? c->token->row.project : 0;
	reading_start(r, read_overview);
}

/* ---- a project's pipelines --------------------------------------------------------- */

struct pipeline_list {
	struct reading *r;
	struct store_view *v;
	struct git_repo *repo; /* NULL: it cannot be read, and commits have no words */
	struct error *err;
	bool failed;
};

static void
put_commit(struct pipeline_list *l, const struct store_pipeline *p)
{
	cleanup_git_facts struct git_facts facts = GIT_FACTS_INIT;
	struct json_writer *w = &l->r->writer;
	struct error ignored = ERROR_INIT;

	json_key(w, "commit");
	if (l->repo == NULL || git_repo_commit(l->repo, p->sha, &facts, &ignored) < 0 ||
	    facts.message == NULL) {
		json_add_null(w);
		return;
	}
	facts.message[strcspn(facts.message, "\n")] = '\0';
	json_begin_object(w);
	json_put_string(
	    w, "title", arena_printf(l->r->arena, "%.*s", MAX_TITLE, facts.message));
	json_put_string(w, "author_name", facts.author.name);
	json_end_object(w);
}

static void
put_user(struct pipeline_list *l, const struct store_pipeline *p)
{
	struct json_writer *w = &l->r->writer;
	struct store_user user;
	struct error ignored = ERROR_INIT;

	json_key(w, "user");
	if (p->user == 0 ||
	    store_get_user(l->v, p->user, l->r->arena, &user, &ignored) < 0) {
		json_add_null(w);
		return;
	}
	json_begin_object(w);
	json_put_string(w, "username", user.login);
	json_put_string(w, "name", user.name);
	json_end_object(w);
}

/* The sums of one stage, until the next one begins. */
struct stage {
	struct json_writer *w;
	const char *name; /* NULL: there was none yet */
	struct arena *arena;
	int64_t index;
	struct composite jobs;
};

static void
put_stage(struct stage *s)
{
	enum status status;

	if (s->name == NULL)
		return;
	status = composite_status(&s->jobs, false);
	json_begin_object(s->w);
	json_put_string(s->w, "name", s->name);
	json_put_string(s->w, "status", status_name(status));
	json_put_bool(s->w, "warnings",
	    status == STATUS_SUCCESS && s->jobs.counts[MAPPED_WARNED] > 0);
	json_end_object(s->w);
}

static bool
add_sum(const struct store_stage_sum *row, void *data)
{
	struct stage *s = data;

	if (s->name == NULL || s->index != row->index) {
		put_stage(s);
		s->name = arena_strdup(s->arena, row->stage);
		s->index = row->index;
		s->jobs = (struct composite){ { 0 } };
	}
	s->jobs.counts[composite_map(row->status, row->allow_failure)] +=
	    (uint32_t)row->count;
	return true;
}

static void
put_stages(struct pipeline_list *l, const struct store_pipeline *p)
{
	struct stage s = { .w = &l->r->writer, .arena = l->r->arena };

	json_key(s.w, "stages");
	json_begin_array(s.w);
	l->failed = store_list_stage_sums(l->v, p->id, add_sum, &s, l->err) < 0;
	put_stage(&s);
	json_end_array(s.w);
}

static bool
add_pipeline(const struct store_pipeline *p, void *data)
{
	struct pipeline_list *l = data;
	struct json_writer *w = &l->r->writer;

	json_begin_object(w);
	json_put_int(w, "id", p->id);
	json_put_int(w, "iid", p->iid);
	json_put_string(w, "name", p->name);
	json_put_string(w, "status", status_name(p->status));
	json_put_bool(w, "warnings", p->warnings);
	json_put_string(w, "ref", p->ref);
	json_put_bool(w, "tag", p->is_tag);
	json_put_string(w, "sha", p->sha);
	json_put_string(w, "source", p->source);
	json_put_string(w, "yaml_errors", p->errors);
	entity_put_time(w, "created_at", p->created_us);
	entity_put_time(w, "started_at", p->started_us);
	entity_put_time(w, "finished_at", p->finished_us);
	if (p->superseded_by != 0)
		json_put_int(w, "superseded_by", p->superseded_by);
	put_user(l, p);
	put_commit(l, p);
	put_stages(l, p);
	json_end_object(w);
	l->r->last_id = p->id;
	return !l->failed;
}

static int
read_list(struct store_view *v, struct reading *r, struct error *err)
{
	cleanup_free char *dir = repo_dir(r->data, r->project.path);
	cleanup_git_repo struct git_repo *repo = NULL;
	struct pipeline_list l = { r, v, NULL, err, false };
	struct error ignored = ERROR_INIT;

	if (git_repo_open_bare(dir, &repo, &ignored) == 0)
		l.repo = repo;
	json_begin_array(&r->writer);
	if (store_list_pipelines(v, r->pipelines, &r->page, add_pipeline, &l, err) < 0)
		return err->code;
	json_end_array(&r->writer);
	return l.failed ? err->code : 0;
}

static void
list_pipelines(struct call *c)
{
	struct reading *r = pipelines_listing(c);

	if (r == NULL)
		return;
	r->data = service_repos_dir(c->service);
	reading_start(r, read_list);
}

const struct api_route api_overview_routes[] = {
	{ "GET", "/api/pawl/v1/overview", API_READ, get_overview },
	{ "GET", "/api/pawl/v1/projects/:id/pipelines", API_READ, list_pipelines },
	{ NULL },
};
