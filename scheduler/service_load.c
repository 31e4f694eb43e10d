/*
 * Pipelines from the store: those that had not ended when the server stopped, and one
 * that was forgotten and is wanted again. The plan is compiled once more from the recipe;
 * the core gets it with every try of every job as it was written down.
 */
#include "base/log.h"
#include "base/str.h"
#include "scheduler/service_internal.h"

/* One pipeline on its way back. */
struct load {
	struct service *service;
	struct arena *arena;
	int64_t id;
	struct store_pipeline row;
	struct store_job *jobs;
	size_t job_count, job_cap;
	struct store_artifact *archives;
	size_t archive_count, archive_cap;
	struct store_job_variable *dotenv;
	size_t dotenv_count, dotenv_cap;
	struct store_job_variable *given; /* opened */
	size_t given_count, given_cap;
	struct recipe *recipe;
	struct compilation compilation;
	struct held_variables held;
	struct error error; /* within a list */
	struct load *next, *prev;
	bool is_gone; /* it is deleted meanwhile */
	void (*done)(struct load *l, const struct error *err);
	void *data;
};

/* ---- on a worker
 * ------------------------------------------------------------------------ */

static bool
on_job(const struct store_job *row, void *data)
{
	struct load *l = data;
	struct store_job *job;

	ARENA_GROW(l->arena, l->jobs, l->job_count, l->job_cap);
	job = &l->jobs[l->job_count++];
	*job = *row;
	job->name = arena_strdup(l->arena, row->name);
	job->message = arena_strdup(l->arena, row->message);
	job->image_digest = arena_strdup(l->arena, row->image_digest);
	return true;
}

static bool
on_artifact(const struct store_artifact *row, void *data)
{
	struct load *l = data;

	if (!str_eq(row->type, "archive"))
		return true;
	ARENA_GROW(l->arena, l->archives, l->archive_count, l->archive_cap);
	l->archives[l->archive_count] = *row;
	l->archives[l->archive_count++].filename = arena_strdup(l->arena, row->filename);
	return true;
}

static bool
on_dotenv(const struct store_job_variable *row, void *data)
{
	struct load *l = data;
	cleanup_free char *place = service_dotenv_place(row->job, row->key);
	cleanup_buf struct buf opened = BUF_INIT;

	if (row->sealed == NULL)
		buf_add_str(&opened, row->value);
	else if (seal_open_value(l->service->o.seal, place, row->sealed, row->sealed_len,
		     &opened, &l->error) < 0)
		return false;
	ARENA_GROW(l->arena, l->dotenv, l->dotenv_count, l->dotenv_cap);
	l->dotenv[l->dotenv_count++] = (struct store_job_variable){ .job = row->job,
		.key = arena_strdup(l->arena, row->key),
		.value = arena_strdup(l->arena, buf_str(&opened)) };
	return true;
}

static void
on_given(int64_t job, const char *key, const char *value, void *data)
{
	struct load *l = data;

	ARENA_GROW(l->arena, l->given, l->given_count, l->given_cap);
	l->given[l->given_count++] = (struct store_job_variable){ .job = job,
		.key = arena_strdup(l->arena, key),
		.value = arena_strdup(l->arena, value) };
}

static int
read_rows(struct load *l, struct store_view *v, struct error *err)
{
	const struct store_job_filter filter = { .pipeline = l->id,
		.with_retried = true };
	struct store_page all = { .ascending = true };

	if (store_get_pipeline(v, l->id, l->arena, &l->row, err) < 0 ||
	    store_list_jobs(v, &filter, &all, on_job, l, err) < 0)
		return err->code;
	for (size_t i = 0; i < l->job_count; i++)
		if (store_list_artifacts(v, l->jobs[i].id, on_artifact, l, err) < 0 ||
		    store_list_job_variables(v, l->jobs[i].id, on_dotenv, l, err) < 0 ||
		    service_read_given(l->service, v, l->jobs[i].id, on_given, l, err) <
			0)
			return err->code;
	if (l->error.code == 0)
		return 0;
	*err = l->error;
	return err->code;
}

static int
open_recipe(struct load *l, struct error *err)
{
	cleanup_buf struct buf json = BUF_INIT;
	cleanup_free char *place = NULL;

	if (l->row.made_of == NULL)
		return error_set(err, ERR_INVALID, "it never had jobs");
	place = xasprintf("recipe of pipeline %" PRId64, l->id);
	if (seal_open_value(l->service->o.seal, place, l->row.made_of, l->row.made_of_len,
		&json, err) < 0)
		return err->code;
	return recipe_read(buf_str(&json), json.len, &l->recipe, err);
}

static int
compile_again(struct load *l, struct store_view *v, struct error *err)
{
	struct compilation *c = &l->compilation;

	if (service_read_variables(l->service, v, l->row.project, &l->held, err) < 0)
		return err->code;
	c->recipe = l->recipe;
	c->repos_dir = l->service->repos_dir;
	c->vars = l->held.vars;
	c->var_count = l->held.count;
	if (compile_recipe(c, err) < 0)
		return err->code;
	if (c->plan == NULL)
		return error_set(err, ERR_INVALID, "its file compiles no more: %s",
		    buf_str(&c->findings));
	if (l->row.plan_hash != NULL && !str_eq(l->row.plan_hash, c->hash))
		log_warn("pipeline %" PRId64
			 " goes on by another plan than it began with: %s, not %s",
		    l->id, c->hash, l->row.plan_hash);
	return 0;
}

static int
load_on_worker(struct store_view *v, void *data, struct error *err)
{
	struct load *l = data;

	if (read_rows(l, v, err) < 0 || open_recipe(l, err) < 0 ||
	    compile_again(l, v, err) < 0)
		return error_wrap(err, "pipeline %" PRId64, l->id);
	return 0;
}

/* ---- on the loop
 * --------------------------------------------------------------------------- */

/* By name: another release of pawl may order them in another way. A job that the plan
 * lost is an error of the data. */
static int
place_jobs(struct load *l, struct core_job *saved, struct error *err)
{
	const struct plan *plan = l->compilation.plan;

	for (size_t i = 0; i < l->job_count; i++) {
		const struct store_job *row = &l->jobs[i];
		const struct plan_job *job = plan_find(plan, row->name);

		if (job == NULL)
			return error_set(err, ERR_INVALID,
			    "pipeline %" PRId64 ": its file has no job %s any more",
			    l->id, row->name);
		saved[i] = (struct core_job){
			.id = row->id,
			.index = (size_t)(job - plan->jobs),
			.status = row->status,
			.reason = row->reason,
			.because = row->because,
			.attempt = row->attempt,
			.retried_as = row->retried_as,
			.warned = row->warned,
			.played = row->played,
			.exit_code = row->exit_code,
			.runner = row->runner,
			.downstream = row->downstream,
			.created_us = row->created_us,
			.queued_us = row->queued_us,
			.started_us = row->started_us,
			.finished_us = row->finished_us,
			.start_at_us = row->start_at_us,
		};
	}
	return 0;
}

/* What was acknowledged is in the file; the row is written now and then only. */
static int64_t
log_size(struct service *s, int64_t job)
{
	struct log_state state;
	struct error err = ERROR_INIT;

	if (log_store_state(s->o.logs, job, &state, &err) == 0)
		return state.size;
	log_event(LOG_ERROR, LOG_JOB(job), "its log: %s", err.msg);
	return 0;
}

static struct live_job *
revive_job(struct live_pipeline *p, const struct store_job *row)
{
	struct live_job *job = service_new_job(p, row->id);

	job->is_stored = true;
	job->counted = row->status;
	job->coverage = row->coverage;
	job->log_crc32 = row->log_crc32;
	job->usage = row->usage;
	job->log_bytes = row->log_bytes;
	if (!status_is_completed(row->status))
		job->log_bytes = log_size(p->service, row->id);
	if (row->image_digest != NULL)
		(void)snprintf(job->image_digest, sizeof(job->image_digest), "%s",
		    row->image_digest);
	if (row->message != NULL)
		(void)snprintf(job->message, sizeof(job->message), "%s", row->message);
	service_set_token(p->service, job, row->token_hash);
	return job;
}

static void
revive_jobs(struct load *l, struct live_pipeline *p)
{
	struct service *s = l->service;

	for (size_t i = 0; i < l->job_count; i++)
		revive_job(p, &l->jobs[i]);
	for (size_t i = 0; i < l->archive_count; i++) {
		struct live_job *job = service_find_job(s, l->archives[i].job);

		service_set_archive(job, l->archives[i].filename, l->archives[i].size);
	}
	for (size_t i = 0; i < l->dotenv_count; i++) {
		struct live_job *job = service_find_job(s, l->dotenv[i].job);

		service_add_dotenv(job, l->dotenv[i].key, l->dotenv[i].value);
	}
	for (size_t i = 0; i < l->given_count; i++)
		service_add_given(service_find_job(s, l->given[i].job), l->given[i].key,
		    l->given[i].value);
}

static int
hand_to_core(struct load *l, struct error *err)
{
	struct service *s = l->service;
	struct live_pipeline *p = xcalloc(1, sizeof(*p));
	struct core_job *saved = arena_calloc(l->arena, l->job_count, sizeof(*saved));
	const struct event *e = &l->recipe->event;
	cleanup_free char *ref = service_whole_ref(e);
	struct core_pipeline row = {
		.id = l->id,
		.project = l->row.project,
		.parent_job = l->row.parent_job,
		.status = l->row.status,
		.warnings = l->row.warnings,
		.superseded_by = l->row.superseded_by,
		.created_us = l->row.created_us,
		.finished_us = l->row.finished_us,
	};
	struct core_saved all = { .pipeline = &row,
		.jobs = saved,
		.job_count = l->job_count,
		.origin = { .project = l->row.project,
		    .ref = ref,
		    .sha = e->sha,
		    .ref_is_protected = e->ref_is_protected,
		    .priority = l->row.priority } };
	int rc;

	if (place_jobs(l, saved, err) < 0) {
		free(p);
		return err->code;
	}
	p->service = s;
	p->id = l->id;
	p->iid = l->row.iid;
	p->project = l->row.project;
	p->is_stored = true;
	p->recipe = take(l->recipe);
	p->plan = take(l->compilation.plan);
	p->recipe->event.pipeline_id = p->id;
	idmap_set(&s->pipelines, p->id, p);
	revive_jobs(l, p);
	rc = service_send(s,
	    (struct core_event){
		.type = CORE_LOAD_PIPELINE, .plan = p->plan, .saved = &all },
	    err);
	if (rc < 0)
		service_drop_pipeline(s, p);
	return rc;
}

static void
unlink_load(struct load *l)
{
	if (l->next != NULL)
		l->next->prev = l->prev;
	if (l->prev != NULL)
		l->prev->next = l->next;
	else
		l->service->loads = l->next;
}

void
service_begin_going(struct service *s, int64_t pipeline)
{
	idmap_set(&s->going, pipeline, s);
	for (struct load *l = s->loads; l != NULL; l = l->next)
		l->is_gone = l->is_gone || l->id == pipeline;
}

void
service_end_going(struct service *s, int64_t pipeline)
{
	(void)idmap_remove(&s->going, pipeline);
}

bool
service_is_going(const struct service *s, int64_t pipeline)
{
	return idmap_get(&s->going, pipeline) != NULL;
}

static void
on_loaded(void *data, const struct error *err)
{
	struct load *l = data;
	struct error own = *err;

	unlink_load(l);
	if (own.code == 0 && l->is_gone)
		error_set(
		    &own, ERR_MISSING, "pipeline %" PRId64 " has been deleted", l->id);
	if (own.code == 0)
		service_keep_variables(l->service, l->row.project, &l->held);
	/* somebody else may have asked for it, too */
	if (own.code == 0 && service_find_pipeline(l->service, l->id) == NULL &&
	    hand_to_core(l, &own) < 0)
		log_error("%s", own.msg);
	l->done(l, &own);
	compilation_clear(&l->compilation);
	recipe_free(l->recipe);
	arena_free(l->held.arena);
	arena_free(l->arena);
}

static void
load(struct service *s, int64_t id, void (*done)(struct load *, const struct error *),
    void *data)
{
	struct arena *arena = arena_new();
	struct load *l = arena_alloc(arena, sizeof(*l));

	*l = (struct load){
		.service = s, .arena = arena, .id = id, .done = done, .data = data
	};
	l->is_gone = service_is_going(s, id);
	l->next = s->loads;
	if (l->next != NULL)
		l->next->prev = l;
	s->loads = l;
	service_begin_variables(s, &l->held);
	store_read(s->o.store, load_on_worker, on_loaded, l);
}

/* ---- at start
 * ----------------------------------------------------------------------------- */

/* One after the other, parents before their children. */
struct start {
	struct service *service;
	int64_t *ids;
	size_t count, cap, at;
	struct arena *arena; /* of what follows */
	struct core_resource_group *groups;
	size_t group_count, group_cap;
	store_done_fn done;
	void *data;
};

static bool
on_unfinished(const struct store_pipeline *row, void *data)
{
	struct start *st = data;

	GROW(st->ids, st->count, st->cap);
	st->ids[st->count++] = row->id;
	return true;
}

static bool
on_group(const struct store_resource_group *row, void *data)
{
	struct start *st = data;
	struct core_resource_group group = { .project = row->project };

	if (!core_process_mode_parse(row->mode, &group.mode))
		return true;
	group.name = arena_strdup(st->arena, row->name);
	ARENA_GROW(st->arena, st->groups, st->group_count, st->group_cap);
	st->groups[st->group_count++] = group;
	return true;
}

static int
list_unfinished(struct store_view *v, void *data, struct error *err)
{
	const struct store_pipeline_filter filter = { .unfinished = true };
	struct store_page all = { .ascending = true };

	if (store_list_resource_groups(v, 0, NULL, on_group, data, err) < 0)
		return err->code;
	return store_list_pipelines(v, &filter, &all, on_unfinished, data, err);
}

static void load_next(struct start *st);

/* One that cannot be taken up again is said, and left as it is. */
static void
on_next(struct load *l, const struct error *err)
{
	struct start *st = l->data;

	if (err->code != 0)
		log_error("cannot go on with %s", err->msg);
	load_next(st);
}

static void
load_next(struct start *st)
{
	struct error none = ERROR_INIT;

	if (st->at < st->count) {
		load(st->service, st->ids[st->at++], on_next, st);
		return;
	}
	st->service->is_loading = false;
	service_tell(st->service, (struct core_event){ .type = CORE_LOADING });
	if (st->done != NULL)
		st->done(st->data, &none);
	arena_free(st->arena);
	free(st->ids);
	free(st);
}

static void
on_listed(void *data, const struct error *err)
{
	struct start *st = data;

	if (err->code != 0)
		log_error("cannot read what was running: %s", err->msg);
	for (size_t i = 0; i < st->group_count; i++)
		service_set_resource_group(st->service, &st->groups[i], NULL, NULL);
	load_next(st);
}

void
service_load(struct service *s, store_done_fn done, void *data)
{
	struct start *st = xcalloc(1, sizeof(*st));

	*st = (struct start){
		.service = s, .arena = arena_new(), .done = done, .data = data
	};
	s->is_loading = true;
	service_tell(s, (struct core_event){ .type = CORE_LOADING, .loading = true });
	store_read(s->o.store, list_unfinished, on_listed, st);
	service_read_unread_reports(s);
}

bool
service_is_loading(const struct service *s)
{
	return s->is_loading;
}

/* ---- an event for one that may be forgotten
 * ------------------------------------------------- */

struct act {
	struct service *service;
	struct core_event event;
	const struct var *vars; /* with CORE_PLAY */
	size_t var_count;
	service_acted_fn done;
	void *data;
	int64_t job;
	struct error error;
};

static void
on_act_written(void *data, const struct error *err)
{
	struct act *a = data;

	a->done(a->data, a->job, a->error.code != 0 ? &a->error : err);
	free(a);
}

static void
give(const struct act *a)
{
	struct live_job *job = service_find_job(a->service, a->event.job);

	for (size_t i = 0; job != NULL && i < a->var_count; i++)
		service_add_given(job, a->vars[i].name, a->vars[i].value);
}

static void
keep_given(const struct act *a, bool was_played)
{
	struct live_job *job = service_find_job(a->service, a->event.job);

	if (job == NULL || a->var_count == 0)
		return;
	if (was_played)
		service_write_given(a->service, job);
	else
		service_drop_given(job, a->var_count);
}

static void
perform(struct act *a)
{
	struct service *s = a->service;
	const struct core_job *job;
	bool done;

	service_begin(s);
	give(a); /* a runner that waits gets the job within the event */
	done = service_send(s, a->event, &a->error) == 0;
	keep_given(a, done);
	if (done && a->event.job != 0) {
		job = core_job(s->core, a->event.job);
		a->job =
		    job != NULL && job->retried_as != 0 && a->event.type == CORE_RETRY
		    ? job->retried_as
		    : a->event.job;
	}
	service_after(s, on_act_written, a);
	service_end(s);
}

static void
on_act_loaded(struct load *l, const struct error *err)
{
	struct act *a = l->data;

	if (err->code != 0) {
		on_act_written(a, err);
		return;
	}
	perform(a);
}

static void
act(struct act *a, int64_t pipeline)
{
	if (service_find_pipeline(a->service, pipeline) != NULL)
		perform(a);
	else
		load(a->service, pipeline, on_act_loaded, a);
}

void
service_act(struct service *s, int64_t pipeline, const struct core_event *event,
    service_acted_fn done, void *data)
{
	struct act *a = xcalloc(1, sizeof(*a));

	*a = (struct act){ .service = s, .event = *event, .done = done, .data = data };
	act(a, pipeline);
}

void
service_play(struct service *s, int64_t pipeline, int64_t job, const struct var *vars,
    size_t count, service_acted_fn done, void *data)
{
	struct act *a = xcalloc(1, sizeof(*a));

	*a = (struct act){ .service = s,
		.event = { .type = CORE_PLAY, .job = job },
		.vars = vars,
		.var_count = count,
		.done = done,
		.data = data };
	act(a, pipeline);
}
