/*
 * A build follows its supervisor: prepare (build_begin.c) → (ready: restore) → steps →
 * (collect: save) → done. What may take long runs on a worker thread, which for that time
 * owns `work` and the workspace's folder; the loop thread owns the rest.
 */
#include "runner/build.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/path.h"
#include "runner/artifacts_export.h"
#include "runner/build_end.h"
#include "runner/build_internal.h"
#include "runner/cache.h"

#define LOG_CHUNK ((size_t)256 * 1024)

struct build *
build_new(const struct runner *runner, const struct job_payload *job,
    const struct build_events *events)
{
	struct build *b = xcalloc(1, sizeof(*b));

	b->runner = runner;
	b->job = job;
	b->events = *events;
	b->dir = (struct jobdir)JOBDIR_INIT;
	b->layers = (struct build_layers)BUILD_LAYERS_INIT;
	b->work.artifacts = (struct artifacts_result)ARTIFACTS_RESULT_INIT;
	b->trace_fd = b->work.workspace_fd = -1;
	build_words_init(&b->words, job);
	b->trace_path = xasprintf("%s/%" PRId64 ".log", runner->logs_dir, job->id);
	return b;
}

void
build_free(struct build *b)
{
	if (b == NULL)
		return;
	cleanup_close_fd(&b->trace_fd);
	build_words_close(&b->words);
	cleanup_close_fd(&b->work.workspace_fd);
	supervisor_free(b->supervisor);
	if (!b->has_ended)
		build_layers_forget(&b->layers);
	build_layers_clear(&b->layers);
	build_spec_clear(&b->spec);
	jobdir_clear(&b->dir);
	buf_clear(&b->work.log);
	artifacts_result_clear(&b->work.artifacts);
	artifacts_packed_clear(&b->work.packed);
	free(b->trace_path);
	free(b->chunk);
	free(b);
}

void
build_set_remote(struct build *b, const struct build_remote *remote)
{
	b->remote = *remote;
	b->is_remote = true;
	free(b->trace_path);
	b->trace_path = xstrdup(remote->spool);
}

void
build_set_slot(struct build *b, int64_t slot)
{
	b->slot = slot < 0 ? 0 : slot;
}

bool
build_log_begun(const struct build *b)
{
	return build_words_begun(&b->words);
}

bool
build_is_idle(const struct build *b)
{
	return !b->work.at_it && b->supervisor != NULL;
}

void
build_write_note(const struct build *b, const char *name, const char *text)
{
	cleanup_free char *file = path_join(b->dir.path, name);
	struct error err = ERROR_INIT;

	if (path_write_file(file, text, strlen(text), 0600, &err) < 0)
		log_event(LOG_WARN, LOG_JOB(b->job->id), "%s", err.msg);
}

void
build_set_failure(struct build *b, enum reason reason, const struct error *err)
{
	if (b->failure.code != 0)
		return;
	b->failure = *err;
	b->failure_reason = reason;
	if (b->is_remote && b->dir.path != NULL) {
		cleanup_free char *text =
		    xasprintf("%s\n%s", reason_name(reason), err->msg);

		build_write_note(b, BUILD_FAILURE_NAME, text);
	}
}

/* ---- the end --------------------------------------------------------------- */

static void
fill_result(struct build *b, const struct supervisor_result *s)
{
	struct build_result *r = &b->result;

	build_end_fill(r, s);
	r->kept_dir = s->kept ? b->dir.path : NULL;
	build_spec_item(&b->spec, s->step, s->item, r->command, sizeof(r->command));
}

/* The script's own failure comes first; then what went wrong around it. */
static bool
failed_around_script(const struct build *b)
{
	return b->failure.code != 0 && !b->canceled &&
	    (b->result.reason == REASON_NONE || b->result.reason == REASON_JOB_CANCELED);
}

static void
settle_result(struct build *b)
{
	struct build_result *r = &b->result;

	if (failed_around_script(b)) {
		r->reason = b->failure_reason;
		r->exit_code = 0;
		(void)snprintf(r->message, sizeof(r->message), "%.511s", b->failure.msg);
	}
	r->success = r->reason == REASON_NONE;
	r->canceled = r->reason == REASON_JOB_CANCELED;
	r->artifact_path = b->work.artifacts.path;
	r->artifact_files = b->work.artifacts.files;
	r->artifact_bytes = b->work.artifacts.bytes;
}

void
build_conclude(struct build *b)
{
	struct error err = ERROR_INIT;

	if (b->dir.path != NULL && !b->is_tidied && !b->is_remote &&
	    jobdir_remove(&b->dir, &err) < 0)
		build_set_failure(b, REASON_RUNNER_SYSTEM_FAILURE, &err);
	b->has_ended = true;
	if (b->work.artifacts.layer.tree != NULL)
		artifacts_exports_add(b->runner->exports, &b->work.artifacts);
	settle_result(b);
	b->events.on_done(b, &b->result, b->events.data);
}

/* ---- the log --------------------------------------------------------------- */

void
build_pass_log(struct build *b, uint64_t until)
{
	if (b->events.on_trace != NULL)
		b->events.on_trace(b, until, b->events.data);
	if (b->events.on_log == NULL)
		return;
	if (b->trace_fd < 0)
		b->trace_fd = open(b->trace_path, O_RDONLY | O_CLOEXEC);
	if (b->chunk == NULL)
		b->chunk = xmalloc(LOG_CHUNK);
	while (b->trace_fd >= 0 && b->trace_read < until) {
		uint64_t left = until - b->trace_read;
		ssize_t n = pread(b->trace_fd, b->chunk,
		    left < LOG_CHUNK ? (size_t)left : LOG_CHUNK, (off_t)b->trace_read);

		if (n <= 0)
			return;
		b->trace_read += (uint64_t)n;
		b->events.on_log(b, b->chunk, (size_t)n, b->events.data);
	}
}

/* The workspace stands, or the first step begins. */
static void
tell_started(struct build *b)
{
	if (b->started)
		return;
	b->started = true;
	b->events.on_started(b, b->events.data);
}

/* What the log begins with is said by the first step. */
static void
on_trace(struct supervisor *s UNUSED, uint64_t trace_bytes, void *data)
{
	struct build *b = data;

	if (!b->spec.spec.hold && b->layers.log.len > 0)
		tell_started(b);
	build_pass_log(b, trace_bytes);
}

static void
on_step(struct supervisor *s UNUSED, unsigned step UNUSED, void *data)
{
	tell_started(data);
}

/* ---- work on another thread ------------------------------------------------ */

static void
on_work(uv_work_t *request)
{
	struct build *b = request->data;

	b->work.run(b);
}

void
build_start_work(struct build *b, int workspace_fd, void (*run)(struct build *),
    uv_after_work_cb after)
{
	b->work.run = run;
	b->work.at_it = true;
	b->work.workspace_fd = workspace_fd;
	b->work.view = (struct workspace_view){ .fd = workspace_fd,
		.project_dir = build_spec_project_dir(&b->spec),
		.env = &b->spec.spec.env,
		.snapshot = b->runner->snapshot,
		.lowers = &b->spec.spec.lowers,
		.upper = b->spec.spec.mode == SPEC_OVERLAY ? b->spec.spec.upper : NULL };
	b->work.request.data = b;
	uv_queue_work(b->runner->loop, &b->work.request, on_work, after);
}

/* What the worker wrote goes into the job's log, masked by the supervisor. */
static void
log_work(struct build *b)
{
	b->work.at_it = false;
	if (b->work.log.len > 0)
		supervisor_log(b->supervisor, b->work.log.data, b->work.log.len);
	buf_reset(&b->work.log);
	cleanup_close_fd(&b->work.workspace_fd);
	b->work.workspace_fd = -1;
}

static void
log_error_line(struct build *b)
{
	buf_printf(&b->work.log, "\033[31;1mERROR: %s\033[0;m\n", b->work.error.msg);
}

static struct artifacts_store
artifacts_store(const struct build *b)
{
	return (struct artifacts_store){
		.dir = b->is_remote ? b->remote.dependencies : b->runner->artifacts_dir,
		.layers_dir = b->runner->artifact_layers_dir,
	};
}

static void
restore(struct build *b)
{
	struct work *w = &b->work;
	const struct artifacts_store store = artifacts_store(b);

	cache_restore(b->job, &w->view, b->runner->cache_dir, &b->layers.caches,
	    &w->cancel, &w->log);
	if (artifacts_restore(b->job, &w->view, &store, &b->layers.artifacts, &w->cancel,
		&w->log, &w->error) < 0)
		log_error_line(b);
}

static void
on_restored(uv_work_t *request, int status UNUSED)
{
	struct build *b = request->data;

	log_work(b);
	if (b->is_over) {
		build_conclude(b);
		return;
	}
	if (b->work.error.code != 0) {
		build_set_failure(b, REASON_MISSING_DEPENDENCY_FAILURE, &b->work.error);
		supervisor_cancel(b->supervisor, true);
	}
	supervisor_begin(b->supervisor);
}

static void
on_ready(struct supervisor *s UNUSED, int workspace_fd, void *data)
{
	struct build *b = data;

	tell_started(b);
	if (!b->is_adopted)
		supervisor_log(b->supervisor, buf_str(&b->layers.log), b->layers.log.len);
	build_start_work(b, workspace_fd, restore, on_restored);
}

static void
collect(struct build *b)
{
	struct work *w = &b->work;
	const struct artifacts_store store = artifacts_store(b);
	struct cache_remote_use remote = build_layers_remote(b->runner, &w->cancel);

	remote.say = build_live_say;
	remote.data = &b->live;
	cache_save(b->job, w->success, &w->view, b->runner->cache_dir, &b->layers.caches,
	    b->runner->cache_remote != NULL ? &remote : NULL, &w->cancel, &w->log);
	if (b->is_remote) {
		cleanup_free char *dir = path_join(b->dir.path, "upload");

		if (artifacts_pack(b->job, w->success, &w->view, dir, store.layers_dir,
			&w->cancel, &w->packed, &w->log, &w->error) < 0)
			log_error_line(b);
		return;
	}
	if (artifacts_collect(b->job, w->success, &w->view, &store, &w->cancel,
		&w->artifacts, &w->log, &w->error) < 0)
		log_error_line(b);
}

/* A server's job ends with a line that says how, as its readers know it. */
static void
log_end(struct build *b)
{
	bool around = failed_around_script(b);
	enum reason reason = around ? b->failure_reason : b->result.reason;
	const char *message = around ? b->failure.msg : b->result.message;
	cleanup_buf struct buf line = BUF_INIT;

	if (!b->is_remote)
		return;
	build_end_line(reason, around ? 0 : b->result.exit_code, message, &line);
	supervisor_log(b->supervisor, line.data, line.len);
}

static void
finish(struct build *b)
{
	log_end(b);
	supervisor_finish(b->supervisor);
}

void
build_uploaded(struct build *b, const struct buf *words, const struct error *err)
{
	if (words->len > 0)
		supervisor_log(b->supervisor, words->data, words->len);
	if (err->code != 0)
		build_set_failure(b, build_end_reason_of_files(err), err);
	finish(b);
}

static void
collected(void *data)
{
	struct build *b = data;

	log_work(b);
	if (b->is_over) {
		build_conclude(b);
		return;
	}
	if (b->work.error.code != 0)
		build_set_failure(
		    b, build_end_reason_of_files(&b->work.error), &b->work.error);
	if (b->work.packed.count > 0 && b->failure.code == 0 && !b->forced)
		b->remote.upload(b, &b->work.packed, b->events.data);
	else
		finish(b);
}

static void
on_collected(uv_work_t *request, int status UNUSED)
{
	struct build *b = request->data;

	if (b->live.runs)
		build_live_stop(&b->live, collected);
	else
		collected(b);
}

static void
pass_live(const char *text, size_t len, void *data)
{
	struct build *b = data;

	if (!b->is_over)
		supervisor_log(b->supervisor, text, len);
}

/* Nothing to keep needs no worker. */
static bool
has_to_collect(const struct build *b)
{
	return !b->forced && b->failure.code == 0 && !build_spec_is_elsewhere(&b->spec) &&
	    b->job->cache_count + b->job->artifact_count > 0;
}

static void
on_collect(struct supervisor *s UNUSED, int workspace_fd,
    const struct supervisor_result *so_far, void *data)
{
	struct build *b = data;

	b->work.success = so_far->reason == REASON_NONE;
	fill_result(b, so_far);
	build_pass_log(b, so_far->trace_bytes);
	b->events.on_scripts_ended(b, b->events.data);
	if (has_to_collect(b)) {
		if (b->runner->cache_remote != NULL)
			build_live_start(&b->live, b->runner->loop, pass_live, b);
		build_start_work(b, workspace_fd, collect, on_collected);
		return;
	}
	close(workspace_fd);
	finish(b);
}

/* ---- the supervisor -------------------------------------------------------- */

/* A mount that fails here (another kernel, another policy) is no reason to fail the job.
 */
static bool
try_a_copy(struct build *b, const struct supervisor_result *result)
{
	if (!result->workspace_failed || b->spec.mode == WORKSPACE_COPY ||
	    b->spec.spec.mode != SPEC_OVERLAY || b->canceled)
		return false;
	supervisor_free(take(b->supervisor));
	b->spec.mode = WORKSPACE_COPY;
	build_spec_reset_workspace(&b->spec);
	build_prepare_slowly(b);
	return true;
}

static void
on_supervisor_done(
    struct supervisor *s UNUSED, const struct supervisor_result *result, void *data)
{
	struct build *b = data;

	if (try_a_copy(b, result))
		return;
	build_pass_log(b, result->trace_bytes);
	b->is_tidied = result->tidies_up;
	fill_result(b, result);
	if (b->work.at_it) /* killed meanwhile: what it works with stays until it ends */
		b->is_over = true;
	else
		build_conclude(b);
}

struct supervisor *
build_new_supervisor(struct build *b)
{
	struct supervisor_events events = { .on_ready = on_ready,
		.on_step = on_step,
		.on_trace = on_trace,
		.on_collect = on_collect,
		.on_done = on_supervisor_done,
		.data = b };

	return supervisor_new(b->runner->loop, b->runner->launcher, &events);
}

void
build_cancel(struct build *b, bool force)
{
	b->canceled = true;
	b->forced = b->forced || force;
	if (force || b->supervisor == NULL)
		atomic_store(&b->work.cancel, true);
	if (b->supervisor != NULL)
		supervisor_cancel(b->supervisor, force);
}
