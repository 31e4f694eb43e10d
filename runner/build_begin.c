/*
 * How a build begins: its folder and workspace, what surrounds it, the layers over the
 * source, its supervisor; or that of an earlier runner, taken over. What may take long is
 * done by a worker, whose words the loop passes on meanwhile.
 */
#include <stdio.h>

#include "base/log.h"
#include "runner/build_end.h"
#include "runner/build_internal.h"
#include "runner/source.h"
#include "runner/source_settings.h"

#define WORDS_EVERY_MS 100

static void start_supervisor(struct build *b);

static void
say(const char *line, void *data)
{
	struct build *b = data;

	build_words_say(&b->words, line);
}

/* Over the source; its words come after the preface, before those of the job. */
static void
add_layers(struct build *b)
{
	cleanup_buf struct buf words = BUF_INIT;
	struct spec *spec = &b->spec.spec;

	build_spec_finish(&b->spec, b->runner, b->job);
	build_layers_fetch(b->runner, b->job, &b->spec, &b->work.cancel, say, b);
	build_layers_add(&b->layers, b->runner, b->job, &b->spec);
	spec->hold = spec->hold && !b->layers.is_complete;
	if (b->is_remote && !build_words_begun(&b->words))
		buf_add_str(&words, b->remote.preface);
	buf_add(&words, buf_str(&b->layers.log), b->layers.log.len);
	buf_reset(&b->layers.log);
	buf_add(&b->layers.log, buf_str(&words), words.len);
	if (build_layers_write(&b->layers, b->dir.path, &b->work.error) < 0)
		error_wrap(&b->work.error, "cannot note what the job uses");
}

static void
add_cage(struct build *b)
{
	cleanup_free char *group =
	    cgroup_places_group(&b->runner->cgroups, b->dir.marker);
	struct executor_job what = { .job_dir = b->dir.path,
		.group = group,
		.say = say,
		.data = b,
		.cancel = &b->work.cancel };

	if (build_spec_add_cage(&b->spec, b->runner, b->job, &what, &b->work.error) ==
	    0) {
		b->result.image_digest = what.image_digest;
		if (b->is_remote && what.image_digest != NULL)
			build_write_note(b, BUILD_IMAGE_NAME, what.image_digest);
		return;
	}
	b->work.reason = what.reason;
	error_wrap(&b->work.error, "executor %s", b->spec.executor->name);
}

static void
prepare(struct build *b)
{
	if (source_settings_check(b->job, &b->work.reason, &b->work.error) < 0)
		return;
	if (workspace_prepare(b->runner->workspaces, &b->dir, b->spec.mode,
		&b->work.cancel, b->spec.arena, &b->spec.spec, &b->work.error) < 0) {
		error_wrap(&b->work.error, "cannot make a workspace");
		return;
	}
	if (b->is_remote && b->remote.source != NULL &&
	    source_write_refs(
		b->remote.source, build_spec_files_dir(&b->spec), &b->work.error) < 0) {
		error_wrap(&b->work.error, "cannot make the job's .git");
	}
	if (b->work.error.code == 0)
		add_cage(b);
	if (b->work.error.code == 0)
		add_layers(b);
}

static void
on_words(uv_timer_t *timer)
{
	struct build *b = timer->data;

	build_pass_log(b, atomic_load(&b->words.bytes));
}

static void prepared(struct build *b);

static void
on_words_closed(uv_handle_t *handle)
{
	prepared(handle->data);
}

static void
on_prepared(uv_work_t *request, int status UNUSED)
{
	struct build *b = request->data;

	b->work.at_it = false;
	on_words(&b->later);
	uv_close((uv_handle_t *)&b->later, on_words_closed);
}

void
build_prepare_slowly(struct build *b)
{
	b->words.path = b->trace_path;
	b->words.preface = b->is_remote ? b->remote.preface : NULL;
	uv_timer_init(b->runner->loop, &b->later);
	b->later.data = b;
	uv_timer_start(&b->later, on_words, WORDS_EVERY_MS, WORDS_EVERY_MS);
	build_start_work(b, -1, prepare, on_prepared);
}

static void
prepared(struct build *b)
{
	if (b->canceled) { /* nothing of it has run */
		b->result.reason = REASON_JOB_CANCELED;
		(void)snprintf(b->result.message, sizeof(b->result.message), "%s",
		    reason_text(REASON_JOB_CANCELED));
		build_conclude(b);
		return;
	}
	if (b->work.error.code != 0) {
		build_set_failure(b,
		    b->work.reason != REASON_NONE ? b->work.reason
						  : REASON_RUNNER_SYSTEM_FAILURE,
		    &b->work.error);
		build_conclude(b);
		return;
	}
	start_supervisor(b);
}

/* What it is made of must stay as long as it does. */
static void
keep_failed(struct build *b)
{
	struct spec *spec = &b->spec.spec;
	const char *lock =
	    b->runner->snapshot != NULL ? snapshot_use_lock(b->runner->snapshot) : NULL;

	if (!b->runner->keep_failed || spec->keep_failed)
		return;
	spec->keep_failed = true;
	if (lock != NULL)
		strlist_add(&spec->cage.locks, lock);
}

/* Orders for a server's job: it asks at the end, for its last line, unless all is well.
 */
static void
finish_spec(struct build *b)
{
	struct spec *spec = &b->spec.spec;

	build_spec_finish(&b->spec, b->runner, b->job);
	keep_failed(b);
	if (!spec->hold && b->layers.log.len > 0)
		build_spec_set_preface(&b->spec, buf_str(&b->layers.log));
	if (!b->is_remote)
		return;
	if (!spec->collect)
		spec->last_line = BUILD_END_SUCCEEDED;
	spec->collect = true;
}

static void
start_supervisor(struct build *b)
{
	b->spec.spec.job_dir = b->dir.path;
	b->spec.spec.marker = b->dir.marker;
	b->spec.spec.trace = b->trace_path;
	b->spec.spec.usage = build_spec_usage_path(&b->spec, b->trace_path);
	b->spec.spec.continues = build_words_begun(&b->words);
	finish_spec(b);
	if (b->is_remote)
		build_write_note(b, BUILD_PLACE_NAME, build_spec_project_dir(&b->spec));
	b->supervisor = build_new_supervisor(b);
	supervisor_start(b->supervisor, &b->spec.spec, b->dir.lock_fd);
}

static void
on_later_closed(uv_handle_t *handle)
{
	build_conclude(handle->data);
}

static void
on_later(uv_timer_t *timer)
{
	uv_close((uv_handle_t *)timer, on_later_closed);
}

/* Before there is a supervisor: the failure is told by the loop, never within start. */
static void
fail_early(struct build *b, enum reason reason, const struct error *err)
{
	build_set_failure(b, reason, err);
	uv_timer_init(b->runner->loop, &b->later);
	b->later.data = b;
	uv_timer_start(&b->later, on_later, 0, 0);
}

void
build_start(struct build *b)
{
	const struct runner *r = b->runner;
	struct error err = ERROR_INIT;
	char name[24];

	(void)snprintf(name, sizeof(name), "%" PRId64, b->job->id);
	build_spec_init(&b->spec, b->job);
	b->spec.slot = b->slot;
	if (executors_pick(r->executors, b->job, &b->spec.executor, &err) < 0) {
		fail_early(b, REASON_RUNNER_UNSUPPORTED, &err);
		return;
	}
	build_spec_choose_place(&b->spec);
	if (b->is_remote) {
		b->dir = *b->remote.dir;
		*b->remote.dir = (struct jobdir)JOBDIR_INIT;
	} else if (jobdir_create(
		       workspaces_jobs_dir(r->workspaces), name, &b->dir, &err) < 0) {
		fail_early(b, REASON_RUNNER_SYSTEM_FAILURE, &err);
		return;
	}
	if (workspace_copies(r->workspaces, b->spec.mode) ||
	    build_layers_fetches(r, b->job, &b->spec) ||
	    executors_is_slow(b->spec.executor, b->job)) {
		build_prepare_slowly(b);
		return;
	}
	prepare(b);
	if (b->work.error.code != 0)
		fail_early(b, REASON_RUNNER_SYSTEM_FAILURE, &b->work.error);
	else
		start_supervisor(b);
}

int
build_adopt(struct build *b, const char *project_dir, struct error *err)
{
	struct error refusal = ERROR_INIT;

	b->dir = *b->remote.dir;
	*b->remote.dir = (struct jobdir)JOBDIR_INIT;
	b->is_adopted = b->started = true;
	build_spec_init(&b->spec, b->job);
	b->spec.slot = b->slot;
	/* it runs already, whatever is said now */
	if (executors_pick(b->runner->executors, b->job, &b->spec.executor, &refusal) < 0)
		log_event(LOG_INFO, LOG_JOB(b->job->id), "%s", refusal.msg);
	b->spec.spec.project_dir = arena_strdup(b->spec.arena, project_dir);
	b->spec.spec.job_dir = b->dir.path;
	workspace_recognise(&b->dir, b->spec.arena, &b->spec.spec);
	finish_spec(b);
	build_layers_take_over(&b->layers, b->dir.path);
	b->supervisor = build_new_supervisor(b);
	return supervisor_adopt(
	    b->supervisor, b->dir.path, b->dir.marker, b->trace_path, err);
}
