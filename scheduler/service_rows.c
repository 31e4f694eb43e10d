/* What the core knows, as rows of the store; and what waits until they are on disk. */
#include <assert.h>

#include "base/json_writer.h"
#include "base/log.h"
#include "scheduler/disk_watch.h"
#include "scheduler/service_internal.h"

#define RETRY_MS 1000 /* of a write the disk had no room for */

static const char *const when_names[] = {
	[WHEN_ON_SUCCESS] = "on_success",
	[WHEN_ON_FAILURE] = "on_failure",
	[WHEN_ALWAYS] = "always",
	[WHEN_MANUAL] = "manual",
	[WHEN_DELAYED] = "delayed",
	[WHEN_NEVER] = "never",
};

static const char *
why_json(struct arena *a, const struct why *why)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct json_writer w = JSON_WRITER_INIT(&out);

	json_begin_object(&w);
	json_put_string(&w, "code", why_code_name(why->code));
	json_put_string(&w, "text", why->text);
	json_end_object(&w);
	return arena_strdup(a, buf_str(&out));
}

/* As indexes, which the rows of its pipeline have, too. */
static const char *
needs_json(struct arena *a, const struct plan_job *job)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct json_writer w = JSON_WRITER_INIT(&out);

	if (!job->has_needs)
		return NULL;
	json_begin_array(&w);
	for (size_t i = 0; i < job->need_count; i++)
		json_add_int(&w, (int64_t)job->needs[i].job);
	json_end_array(&w);
	return arena_strdup(a, buf_str(&out));
}

static struct store_job
job_row(struct service *s, const struct live_job *job, struct arena *a)
{
	const struct core_job *c = core_job(s->core, job->id);
	const struct plan_job *plan = c->plan;
	struct store_job row = {
		.id = c->id,
		.pipeline = c->pipeline,
		.project = job->pipeline->project,
		.index = (int64_t)c->index,
		.name = arena_strdup(a, plan->name),
		.stage = arena_strdup(a, plan->stage),
		.when = when_names[plan->when],
		.environment = arena_strdup(a, plan->environment),
		.resource_group = arena_strdup(a, plan->resource_group),
		.stage_index = (int64_t)plan->stage_index,
		.status = c->status,
		.reason = c->reason,
		.because = c->because,
		.message = job->message[0] != '\0' ? arena_strdup(a, job->message) : NULL,
		.attempt = c->attempt,
		.retried_as = c->retried_as,
		.allow_failure = plan->allow_failure.allowed,
		.warned = c->warned,
		.played = c->played,
		.interruptible = plan->interruptible,
		.exit_code = c->exit_code,
		.runner = c->runner,
		.downstream = c->downstream,
		.created_us = c->created_us,
		.queued_us = c->queued_us,
		.started_us = c->started_us,
		.finished_us = c->finished_us,
		.start_at_us = c->start_at_us,
		.coverage = job->coverage,
		.log_bytes = job->log_bytes,
		.log_crc32 = job->log_crc32,
		.usage = job->usage,
		.image_digest = *job->image_digest != '\0'
		    ? arena_strdup(a, job->image_digest)
		    : NULL,
	};

	if (!job->is_stored) {
		row.tags = registry_tags_json(a, &plan->tags);
		row.why = why_json(a, &plan->why);
		row.needs = needs_json(a, plan);
		if (c->cause != CORE_FIRST_TRY)
			row.cause = core_cause_name(c->cause);
	}
	if (job->has_token)
		memcpy(row.token_hash, job->token_hash, sizeof(row.token_hash));
	return row;
}

/* The first start and the last end of its jobs are the pipeline's. */
static void
set_times(struct service *s, const struct live_pipeline *p, struct store_pipeline *row)
{
	const struct core_pipeline *c = core_pipeline(s->core, p->id);

	row->created_us = c->created_us;
	row->finished_us = c->finished_us;
	for (size_t i = 0; i < p->job_count; i++) {
		const struct core_job *job = core_job(s->core, p->jobs[i]->id);

		if (job->started_us != 0 &&
		    (row->started_us == 0 || job->started_us < row->started_us))
			row->started_us = job->started_us;
	}
}

static struct store_pipeline
pipeline_row(struct service *s, const struct live_pipeline *p, struct arena *a)
{
	const struct core_pipeline *c = core_pipeline(s->core, p->id);
	const struct event *e = &p->recipe->event;
	struct store_pipeline row = {
		.id = p->id,
		.project = p->project,
		.iid = p->iid,
		.status = c->status,
		.warnings = c->warnings,
		.superseded_by = c->superseded_by,
		.priority = c->priority,
	};

	set_times(s, p, &row);
	if (p->is_stored)
		return row;
	row.ref = arena_strdup(a, e->ref);
	row.is_tag = e->is_tag;
	row.ref_is_protected = e->ref_is_protected;
	row.sha = arena_strdup(a, e->sha);
	row.before_sha = arena_strdup(a, e->before_sha);
	row.source = arena_strdup(a, e->source);
	row.name = arena_strdup(a, p->plan->name);
	row.auto_cancel = arena_strdup(a, p->plan->auto_cancel.on_new_commit);
	row.plan_hash = arena_strdup(a, p->hash);
	row.user = e->user_id;
	row.parent_job = c->parent_job;
	service_seal_recipe(s, p->recipe, a, &row.made_of, &row.made_of_len);
	return row;
}

void
service_fill_flush(struct service *s, struct flush *f)
{
	f->pipelines =
	    arena_calloc(f->arena, s->dirty_pipeline_count, sizeof(*f->pipelines));
	for (size_t i = 0; i < s->dirty_pipeline_count; i++) {
		struct live_pipeline *p = s->dirty_pipelines[i];

		p->is_dirty = false;
		p->busy++;
		f->pipelines[f->pipeline_count++] =
		    (struct flush_pipeline){ pipeline_row(s, p, f->arena), p,
			    !p->is_stored };
	}
	f->jobs = arena_calloc(f->arena, s->dirty_job_count, sizeof(*f->jobs));
	for (size_t i = 0; i < s->dirty_job_count; i++) {
		struct live_job *job = s->dirty_jobs[i];

		job->is_dirty = false;
		job->pipeline->busy++;
		f->jobs[f->job_count++] =
		    (struct flush_job){ job_row(s, job, f->arena), job, !job->is_stored };
	}
	s->dirty_pipeline_count = s->dirty_job_count = 0;
}

/* ---- on the store's thread -----------------------------------------------------------
 */

static int
put_new_job(struct store_txn *t, const struct store_job *row, struct error *err)
{
	const struct store_resource_group group = { .project = row->project,
		.name = row->resource_group,
		.mode = core_process_mode_name(CORE_UNORDERED),
		.created_us = row->created_us };

	if (group.name != NULL && store_add_resource_group(t, &group, err) < 0)
		return err->code;
	return store_put_job(t, row, err);
}

static int
write_flush(struct store_txn *t, void *data, struct error *err)
{
	const struct flush *f = data;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < f->pipeline_count; i++)
		rc = f->pipelines[i].is_new
		    ? store_put_pipeline(t, &f->pipelines[i].row, err)
		    : store_update_pipeline(t, &f->pipelines[i].row, err);
	for (size_t i = 0; rc == 0 && i < f->job_count; i++)
		rc = f->jobs[i].is_new ? put_new_job(t, &f->jobs[i].row, err)
				       : store_update_job(t, &f->jobs[i].row, err);
	for (size_t i = 0; rc == 0 && i < f->extra_count; i++)
		rc = f->extras[i].fn(t, f->extras[i].data, err);
	return rc;
}

/* ---- back on the loop
 * ------------------------------------------------------------------ */

static void
tell(struct flush *f, const struct error *err)
{
	struct service *s = f->service;

	for (size_t i = 0; i < f->job_count; i++)
		service_notify(s,
		    &(struct service_change){
			.pipeline = f->jobs[i].row.pipeline, .job = f->jobs[i].row.id });
	for (size_t i = 0; i < f->pipeline_count; i++)
		service_notify(
		    s, &(struct service_change){ .pipeline = f->pipelines[i].row.id });
	for (size_t i = 0; i < f->after_count; i++)
		f->afters[i].fn(f->afters[i].data, err);
	for (size_t i = 0; i < f->handout_count; i++)
		service_give(&f->handouts[i]);
}

/* Everything it was about may go now. */
static void
release(struct flush *f)
{
	struct service *s = f->service;

	for (size_t i = 0; i < f->pipeline_count; i++)
		f->pipelines[i].live->busy--;
	for (size_t i = 0; i < f->job_count; i++)
		f->jobs[i].live->pipeline->busy--;
	for (size_t i = 0; i < f->pipeline_count; i++)
		service_try_to_forget(s, f->pipelines[i].row.id);
	for (size_t i = 0; i < f->job_count; i++)
		service_try_to_forget(s, f->jobs[i].row.pipeline);
	arena_free(f->arena);
}

/* What was to be written before goes with what is true now, and so do those who wait. */
static void
write_again(struct service *s, struct flush *old)
{
	for (size_t i = 0; i < old->pipeline_count; i++)
		service_touch_pipeline(s, old->pipelines[i].live);
	for (size_t i = 0; i < old->job_count; i++)
		service_touch_job(s, old->jobs[i].live);
	for (size_t i = 0; i < old->after_count; i++)
		service_after(s, old->afters[i].fn, old->afters[i].data);
	for (size_t i = 0; i < old->extra_count; i++)
		service_write_too(
		    s, old->extras[i].fn, old->extras[i].done, old->extras[i].data);
	for (size_t i = 0; i < old->handout_count; i++)
		service_add_handout(s, old->handouts[i].poll, &old->handouts[i].json);
}

static void
on_retry(uv_timer_t *timer)
{
	struct service *s = timer->data;
	struct flush *failed = take(s->failed);

	service_begin(s);
	while (failed != NULL) {
		struct flush *next = failed->next;

		write_again(s, failed);
		release(failed);
		failed = next;
	}
	service_end(s);
}

/*
 * What the core has decided stays decided: it is written as soon as the disk takes it,
 * and nobody is told before.
 */
static void
keep_for_later(struct flush *f, const struct error *err)
{
	struct service *s = f->service;

	disk_watch_failed(s->disk, err);
	if (s->failed == NULL)
		uv_timer_start(s->retry, on_retry, RETRY_MS, 0);
	f->next = s->failed;
	s->failed = f;
}

static void
on_written(void *data, const struct error *err)
{
	struct flush *f = data;

	if (err->code != 0 && err->code != ERR_CANCELED) {
		keep_for_later(f, err);
		return;
	}
	for (size_t i = 0; i < f->pipeline_count; i++)
		f->pipelines[i].live->is_stored = true;
	for (size_t i = 0; i < f->job_count; i++)
		f->jobs[i].live->is_stored = true;
	for (size_t i = 0; i < f->extra_count; i++)
		if (f->extras[i].done != NULL)
			f->extras[i].done(f->extras[i].data, err);
	tell(f, err);
	release(f);
}

void
service_submit(struct service *s, struct flush *f)
{
	bool is_empty = f->pipeline_count == 0 && f->job_count == 0 &&
	    f->extra_count == 0 && f->after_count == 0 && f->handout_count == 0;

	if (is_empty)
		arena_free(f->arena);
	else
		store_write(s->o.store, write_flush, on_written, f);
}

void
service_after(struct service *s, store_done_fn fn, void *data)
{
	struct flush *f = s->flush;

	assert(f != NULL);
	ARENA_GROW(f->arena, f->afters, f->after_count, f->after_cap);
	f->afters[f->after_count++] = (struct flush_after){ fn, data };
}

void
service_write_too(struct service *s, store_write_fn fn, store_done_fn done, void *data)
{
	struct flush *f = s->flush;

	assert(f != NULL);
	ARENA_GROW(f->arena, f->extras, f->extra_count, f->extra_cap);
	f->extras[f->extra_count++] = (struct flush_extra){ fn, done, data };
}

void
service_add_handout(struct service *s, struct service_poll *poll, struct buf *json)
{
	struct flush *f = s->flush;

	assert(f != NULL);
	ARENA_GROW(f->arena, f->handouts, f->handout_count, f->handout_cap);
	f->handouts[f->handout_count++] = (struct flush_handout){ poll, *json };
	*json = (struct buf)BUF_INIT;
}
