/*
 * Pipelines come and go: compiled on a worker and handed to the core, kept as long as
 * something can happen in them by itself, loaded again when somebody wants them.
 */
#include <assert.h>
#include <stdio.h>

#include "base/iso_time.h"
#include "base/log.h"
#include "base/str.h"
#include "scheduler/repos.h"
#include "scheduler/service_internal.h"

struct live_job *
service_new_job(struct live_pipeline *p, int64_t id)
{
	struct live_job *job = xcalloc(1, sizeof(*job));

	job->id = id;
	job->pipeline = p;
	job->coverage = -1;
	job->log_crc32 = -1;
	GROW(p->jobs, p->job_count, p->job_cap);
	p->jobs[p->job_count++] = job;
	idmap_set(&p->service->jobs, id, job);
	return job;
}

static void
free_job(struct live_job *job)
{
	arena_free(job->arena);
	free(job);
}

void
service_free_pipeline(struct live_pipeline *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->job_count; i++)
		free_job(p->jobs[i]);
	free(p->jobs);
	plan_free(p->plan);
	recipe_free(p->recipe);
	free(p);
}

static bool
is_at_rest(enum status status)
{
	return status_is_completed(status) || status == STATUS_MANUAL;
}

void
service_try_to_forget(struct service *s, int64_t id)
{
	struct live_pipeline *p = service_find_pipeline(s, id);
	const struct core_pipeline *c = core_pipeline(s->core, id);

	if (s->is_loading || p == NULL || c == NULL || p->busy > 0 || p->is_dirty ||
	    !is_at_rest(c->status))
		return;
	for (size_t i = 0; i < p->job_count; i++)
		if (p->jobs[i]->is_dirty ||
		    core_job(s->core, p->jobs[i]->id)->status == STATUS_CANCELING)
			return;
	service_tell(
	    s, (struct core_event){ .type = CORE_FORGET_PIPELINE, .pipeline = id });
	if (core_pipeline(s->core, id) != NULL)
		return;
	service_drop_pipeline(s, p);
}

void
service_drop_pipeline(struct service *s, struct live_pipeline *p)
{
	for (size_t i = 0; i < p->job_count; i++) {
		service_end_token(s, p->jobs[i]);
		(void)idmap_remove(&s->jobs, p->jobs[i]->id);
	}
	(void)idmap_remove(&s->pipelines, p->id);
	repo_drop_pipeline(s->repos_dir, p->recipe->event.project_path, p->id);
	service_free_pipeline(p);
}

void
service_list_protected(
    const struct store_project *project, bool tags, struct strlist *out)
{
	const char *at = tags ? project->protected_tags : project->protected_branches;

	if (at == NULL) {
		if (!tags && project->default_branch != NULL)
			strlist_add(out, project->default_branch);
		return;
	}
	while (*at != '\0') {
		size_t len = strcspn(at, "\n");
		cleanup_free char *name = xstrndup(at, len);

		if (len > 0)
			strlist_add(out, name);
		at += len + (at[len] == '\n');
	}
}

bool
service_is_protected(const struct store_project *project, const char *ref, bool is_tag)
{
	cleanup_strlist struct strlist patterns = STRLIST_INIT;

	service_list_protected(project, is_tag, &patterns);
	for (size_t i = 0; i < patterns.count; i++)
		if (str_fits_stars(ref, patterns.items[i]))
			return true;
	return false;
}

char *
service_whole_ref(const struct event *e)
{
	return xasprintf("refs/%s/%s", e->is_tag ? "tags" : "heads", e->ref);
}

void
service_set_resource_group(struct service *s, const struct core_resource_group *group,
    store_done_fn done, void *data)
{
	service_begin(s);
	service_tell(s,
	    (struct core_event){ .type = CORE_RESOURCE_GROUP, .resource_group = group });
	if (done != NULL)
		service_after(s, done, data);
	service_end(s);
}

/* ---- making one
 * ----------------------------------------------------------------------------- */

/* From the request to the answer. */
struct making {
	struct service *service;
	struct live_pipeline *pipeline; /* NULL once the core has it, as `made` */
	struct live_pipeline *made;
	struct project *project;
	struct compilation compilation;
	struct held_variables held;
	bool skip, only_if_valid;
	int64_t parent_job;
	service_made_fn done;
	void *data;
	struct pipeline_outcome outcome;
	struct error error;
	struct store_pipeline failed; /* the row of one that did not compile */
	struct store_ref seen;        /* name NULL: none */
};

static void
finish(struct making *m)
{
	struct project *project = m->project;

	/* a number that nothing bears is given again, if nobody took the next one */
	if (m->outcome.id == 0 && project->next_iid == m->pipeline->iid + 1)
		project->next_iid--;
	m->outcome.findings = buf_str(&m->compilation.findings);
	m->outcome.error = &m->error;
	if (m->error.code != 0)
		m->outcome.verdict = PIPELINE_ERROR;
	if (m->done != NULL)
		m->done(m->data, &m->outcome);
	if (m->made != NULL) {
		m->made->busy--;
		service_try_to_forget(m->service, m->made->id);
	}
	service_free_pipeline(m->pipeline);
	compilation_clear(&m->compilation);
	arena_free(m->held.arena);
	free(m);
}

/* The pipeline or its failure is on disk. */
static void
on_made(void *data, const struct error *err)
{
	struct making *m = data;

	if (err->code != 0)
		m->error = *err;
	finish(m);
}

static int
write_outcome(struct store_txn *t, void *data, struct error *err)
{
	const struct making *m = data;

	if (m->failed.id != 0 && store_put_pipeline(t, &m->failed, err) < 0)
		return err->code;
	return m->seen.name == NULL ? 0 : store_put_ref(t, &m->seen, err);
}

/* A pipeline without jobs: kept so that people see why. */
static void
keep_without_jobs(struct making *m, enum status status)
{
	struct service *s = m->service;
	const struct event *e = &m->pipeline->recipe->event;
	int64_t now = service_now_us();

	m->failed = (struct store_pipeline){
		.id = core_take_pipeline_id(s->core),
		.project = e->project_id,
		.iid = m->pipeline->iid,
		.ref = e->ref,
		.is_tag = e->is_tag,
		.ref_is_protected = e->ref_is_protected,
		.sha = e->sha,
		.before_sha = e->before_sha,
		.source = e->source,
		.status = status,
		.errors =
		    status == STATUS_FAILED ? buf_str(&m->compilation.findings) : NULL,
		.user = e->user_id,
		.parent_job = m->parent_job,
		.created_us = now,
		.finished_us = now,
	};
	m->outcome.id = m->failed.id;
	m->outcome.iid = m->failed.iid;
	store_write(s->o.store, write_outcome, on_made, m);
}

/* No pipeline; the ref has been seen all the same. */
static void
make_nothing(struct making *m)
{
	if (m->seen.name == NULL)
		finish(m);
	else
		store_write(m->service->o.store, write_outcome, on_made, m);
}

static int
write_seen(struct store_txn *t, void *data, struct error *err)
{
	const struct making *m = data;

	return store_put_ref(t, &m->seen, err);
}

/* What a pipeline sets off is as urgent as itself. */
static int
priority_above(const struct service *s, int64_t parent_job)
{
	const struct core_job *job = core_job(s->core, parent_job);
	const struct core_pipeline *p =
	    job == NULL ? NULL : core_pipeline(s->core, job->pipeline);

	return p == NULL ? 0 : p->priority;
}

static void
hand_to_core(struct making *m)
{
	struct service *s = m->service;
	struct live_pipeline *p = m->pipeline;
	const struct event *e = &p->recipe->event;
	cleanup_free char *ref = service_whole_ref(e);
	struct core_origin origin = {
		.project = p->project,
		.ref = ref,
		.sha = e->sha,
		.ref_is_protected = e->ref_is_protected,
		.supersedes = m->parent_job == 0 && !e->is_tag,
		.priority = priority_above(s, m->parent_job),
	};
	struct error ignored = ERROR_INIT;

	p->plan = take(m->compilation.plan);
	memcpy(p->hash, m->compilation.hash, sizeof(p->hash));
	m->outcome.plan = p->plan;
	m->outcome.hash = p->hash;
	service_begin(s);
	s->creating = p;
	if (service_send(s,
		(struct core_event){ .type = CORE_CREATE_PIPELINE,
		    .plan = p->plan,
		    .parent_job = m->parent_job,
		    .origin = &origin },
		&m->error) == 0) {
		m->outcome.id = p->id;
		m->outcome.iid = p->iid;
		if (repo_keep_pipeline(
			s->repos_dir, e->project_path, p->id, e->sha, &ignored) < 0)
			log_warn("%s", ignored.msg);
		m->made = take(m->pipeline);
		p->busy++;
	}
	s->creating = NULL;
	if (m->seen.name != NULL)
		service_write_too(s, write_seen, NULL, m);
	service_after(s, on_made, m);
	service_end(s);
}

/* Which way it goes, once the worker is done. */
static void
decide(struct making *m)
{
	struct compilation *c = &m->compilation;

	if (m->error.code != 0) {
		finish(m);
	} else if (c->no_file) {
		m->outcome.verdict = PIPELINE_NO_FILE;
		make_nothing(m);
	} else if (c->plan == NULL) {
		m->outcome.verdict = PIPELINE_INVALID;
		if (m->only_if_valid)
			finish(m);
		else
			keep_without_jobs(m, STATUS_FAILED);
	} else if (m->skip ||
	    (c->is_skipped && str_eq(m->pipeline->recipe->event.source, "push"))) {
		m->outcome.verdict = PIPELINE_SKIPPED;
		keep_without_jobs(m, STATUS_SKIPPED);
	} else if (!c->plan->created) {
		m->outcome.verdict = PIPELINE_FILTERED;
		buf_printf(&c->findings, "%s\n", c->plan->why.text);
		make_nothing(m);
	} else {
		m->outcome.verdict = PIPELINE_MADE;
		hand_to_core(m);
	}
}

static int
compile_on_worker(struct store_view *v, void *data, struct error *err)
{
	struct making *m = data;
	struct compilation *c = &m->compilation;

	if (service_read_variables(m->service, v, m->pipeline->project, &m->held, err) <
	    0)
		return err->code;
	c->recipe = m->pipeline->recipe;
	c->repos_dir = m->service->repos_dir;
	c->vars = m->held.vars;
	c->var_count = m->held.count;
	return compile_recipe(c, err);
}

static void
on_compiled(void *data, const struct error *err)
{
	struct making *m = data;

	m->error = *err;
	if (err->code == 0) {
		m->pipeline->held_version = m->held.version;
		service_keep_variables(m->service, m->pipeline->project, &m->held);
	}
	decide(m);
}

struct recipe *
service_make_recipe(struct service *s, const struct pipeline_request *q, int64_t iid)
{
	struct recipe *r = recipe_new();
	const struct store_project *p = &q->project->row;
	const struct user *user = registry_user(s->o.registry, q->user);
	cleanup_free char *repo_url = xasprintf("%s/%s.git", s->o.server_url, p->path);
	char now[ISO_TIME_MAX];
	struct event e = {
		.sha = q->sha,
		.before_sha = q->before_sha,
		.ref = q->ref,
		.is_tag = q->is_tag,
		.ref_is_protected = q->ref_is_protected,
		.default_branch = p->default_branch != NULL ? p->default_branch : q->ref,
		.source = q->source,
		.pipeline_iid = iid,
		.created_at =
		    arena_strdup(r->arena, iso_time_write(now, service_now_us(), false)),
		.project_id = p->id,
		.project_path = p->path,
		.project_title = p->name,
		.project_description = p->description,
		.project_visibility = p->visibility,
		.repo_url = repo_url,
		.server_url = s->o.server_url,
		.user_id = q->user,
	};

	r->config_path = arena_strdup(
	    r->arena, q->config_path != NULL ? q->config_path : p->config_path);
	e.config_path = r->config_path;
	if (user != NULL) {
		e.user_login = user->row.login;
		e.user_name = user->row.name;
		e.user_email = user->row.email;
	}
	recipe_set_event(r, &e);
	r->inputs = arena_strdup(r->arena, q->inputs);
	r->inputs_as_typed = q->inputs_as_typed;
	for (size_t i = 0; i < q->var_count; i++)
		recipe_add_var(r, &q->vars[i]);
	r->nesting = q->nesting;
	for (size_t i = 0; i < q->ancestor_count; i++)
		recipe_add_ancestor(r, q->ancestors[i]);
	for (size_t i = 0; i < q->file_count; i++)
		recipe_add_file(
		    r, q->files[i].path, q->files[i].text, strlen(q->files[i].text));
	return r;
}

void
service_make_pipeline(
    struct service *s, const struct pipeline_request *q, service_made_fn done, void *data)
{
	struct making *m = xcalloc(1, sizeof(*m));
	struct live_pipeline *p = xcalloc(1, sizeof(*p));

	p->service = s;
	p->project = q->project->row.id;
	p->iid = q->project->next_iid++;
	p->recipe = service_make_recipe(s, q, p->iid);
	*m = (struct making){ .service = s,
		.pipeline = p,
		.project = q->project,
		.skip = q->skip,
		.only_if_valid = q->only_if_valid,
		.parent_job = q->parent_job,
		.done = done,
		.data = data };
	if (q->seen_ref != NULL)
		m->seen = (struct store_ref){ .project = p->project,
			.name = arena_strdup(p->recipe->arena, q->seen_ref),
			.sha = p->recipe->event.sha,
			.is_protected = q->ref_is_protected };
	service_begin_variables(s, &m->held);
	store_read(s->o.store, compile_on_worker, on_compiled, m);
}

/* ---- what is stored
 * -------------------------------------------------------------------------- */

void
service_seal_recipe(struct service *s, const struct recipe *recipe, struct arena *a,
    const void **sealed, size_t *len)
{
	cleanup_buf struct buf json = BUF_INIT, out = BUF_INIT;
	cleanup_free char *place =
	    xasprintf("recipe of pipeline %" PRId64, recipe->event.pipeline_id);

	recipe_write(recipe, &json);
	seal_value(s->o.seal, place, buf_str(&json), json.len, &out);
	*sealed = arena_memdup(a, out.data, out.len);
	*len = out.len;
}
