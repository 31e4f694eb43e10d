/* What a job waits for is counted; when nothing is left to wait for, it goes on. */
#include "runner/remote_job.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/path.h"
#include "base/str.h"
#include "executors/container/runtime.h"
#include "runner/build_spec.h"
#include "runner/job_file.h"
#include "runner/remote_job_internal.h"
#include "runner/sweep.h"

#define DEFAULT_TIMEOUT_S 7200 /* GitLab's, of a job that says none */
#define ADOPT_RETRY_MS 50
#define SLOT_NAME "slot"
#define SOURCE_NAME "source" /* in the job's folder: where its tree lies */

int64_t
remote_job_id(const struct remote_job *j)
{
	return j->payload->id;
}

int64_t
remote_job_slot(const struct remote_job *j)
{
	return j->slot_freed ? -1 : j->slot;
}

/* ---- life ------------------------------------------------------------------ */

static void
free_job(struct remote_job *j)
{
	source_clear(&j->source);
	workspaces_free(j->workspaces);
	buf_clear(&j->preface);
	buf_clear(&j->words);
	jobdir_clear(&j->jobdir);
	job_payload_free(j->payload);
	free(j->dir);
	free(j->spool);
	free(j->dependencies);
	free(j->cache_dir);
	free(j->layers_dir);
	layer_lease_clear(&j->lease);
	free(j);
}

static void
on_timer_closed(uv_handle_t *handle)
{
	free_job(handle->data);
}

static void
close_job(struct remote_job *j)
{
	sender_free(j->sender);
	j->sender = NULL;
	uv_close((uv_handle_t *)&j->timer, on_timer_closed);
}

static struct remote_job *
new_job(const struct remote_context *context, struct job_payload *payload,
    const struct remote_job_events *events)
{
	struct remote_job *j = xcalloc(1, sizeof(*j));

	j->context = context;
	j->payload = payload;
	j->events = *events;
	j->jobdir = (struct jobdir)JOBDIR_INIT;
	j->lease = (struct layer_lease)LAYER_LEASE_INIT;
	j->layers_dir = remote_layers_dir(context);
	if (payload->timeout_s <= 0)
		payload->timeout_s = DEFAULT_TIMEOUT_S;
	uv_timer_init(context->runner->loop, &j->timer);
	j->timer.data = j;
	return j;
}

static void
set_paths(struct remote_job *j, const char *dir)
{
	j->dir = xstrdup(dir);
	j->spool = path_join(dir, JOB_SPOOL_NAME);
	j->dependencies = path_join(dir, "dependencies");
}

static void
free_slot(struct remote_job *j)
{
	if (j->slot_freed)
		return;
	j->slot_freed = true;
	j->events.on_slot(j, j->events.data);
}

static void
on_remove(uv_work_t *work)
{
	struct remote_job *j = work->data;

	if (j->dir != NULL)
		runtime_sweep(j->dir);
	if (j->dir != NULL && path_remove_tree(AT_FDCWD, j->dir, &j->work_error) < 0)
		log_warn("%s", j->work_error.msg);
	remote_tidy_up(j->context);
}

static void
on_removed(uv_work_t *work, int status UNUSED)
{
	struct remote_job *j = work->data;

	j->working = false;
	free_slot(j);
	j->events.on_gone(j, j->events.data);
	close_job(j);
}

/* The last of it. */
void
remote_job_remove_folder(struct remote_job *j)
{
	j->working = true;
	j->work.data = j;
	uv_queue_work(j->context->runner->loop, &j->work, on_remove, on_removed);
}

/* ---- room ------------------------------------------------------------------ */

static void
on_clear(uv_work_t *work)
{
	static const char *const names[] = { "upper", "work", "copy", "upload",
		"dependencies" };
	struct remote_job *j = work->data;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		cleanup_free char *path = path_join(j->dir, names[i]);

		if (path_remove_tree(AT_FDCWD, path, NULL) < 0)
			continue; /* it goes with the folder, which says why not */
	}
}

static void
on_cleared(uv_work_t *work, int status UNUSED)
{
	struct remote_job *j = work->data;

	j->working = false;
	free_slot(j);
	if (j->told)
		remote_job_remove_folder(j);
}

/* Of what the job wrote nothing is needed any more. It does not wait for the server to
 * have heard everything: a server on the same disk may need the room for that. */
static void
clear_workspace(struct remote_job *j)
{
	if (j->dir == NULL || j->working) {
		free_slot(j);
		return;
	}
	j->working = true;
	j->work.data = j;
	uv_queue_work(j->context->runner->loop, &j->work, on_clear, on_cleared);
}

/* ---- telling how it ended -------------------------------------------------- */

/* Something of a job's folder that few jobs have; NULL: not this one. */
static const char *
read_note(const struct remote_job *j, const char *name, struct buf *out)
{
	cleanup_free char *file = j->dir != NULL ? path_join(j->dir, name) : NULL;
	struct error ignored = ERROR_INIT;

	if (file == NULL || access(file, F_OK) < 0 ||
	    buf_read_file(out, file, JOB_USAGE_MAX, &ignored) < 0 || out->len == 0)
		return NULL;
	return buf_str(out);
}

static void
tell_end(struct remote_job *j, enum reason reason, int exit_code,
    const struct job_usage *usage)
{
	struct sender_end end = {
		.success = reason == REASON_NONE, .exit_code = exit_code, .usage = *usage
	};
	cleanup_buf struct buf samples = BUF_INIT, digest = BUF_INIT;

	if (j->aborted && reason == REASON_JOB_CANCELED)
		reason = REASON_RUNNER_INTERRUPTED;
	if (!end.success)
		end.failure_reason = job_payload_reason(j->payload, reason);
	end.usage_samples = read_note(j, BUILD_USAGE_NAME, &samples);
	end.image_digest = read_note(j, BUILD_IMAGE_NAME, &digest);
	j->finishing = true;
	clear_workspace(j);
	sender_finish(j->sender, &end);
}

/* Without a supervisor the log is ours to write. */
static void
append_to_spool(struct remote_job *j, const char *text, size_t len)
{
	cleanup_close int fd = -1;
	struct stat st;

	if (j->spool == NULL) /* it has no folder */
		return;
	fd = open(j->spool, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || path_write_fd(fd, text, len) < 0 || fstat(fd, &st) < 0) {
		log_event(LOG_WARN, LOG_JOB(j->payload->id), "cannot write its log: %s",
		    strerror(errno));
		return;
	}
	sender_grow(j->sender, (uint64_t)st.st_size);
}

void
remote_job_end_without_build(
    struct remote_job *j, enum reason reason, const char *message)
{
	static const struct job_usage none = { 0 };
	cleanup_buf struct buf text = BUF_INIT;

	buf_add_str(&text, buf_str(&j->preface));
	buf_printf(&text, "\033[31;1mERROR: Job failed%s: %s\033[0;m\n",
	    reason == REASON_JOB_CANCELED ? "" : " (system failure)", message);
	append_to_spool(j, text.data, text.len);
	tell_end(j, reason, 0, &none);
}

static void
on_told(enum sender_outcome outcome, void *data)
{
	struct remote_job *j = data;

	log_event(LOG_INFO, LOG_JOB(j->payload->id), "%s",
	    outcome == SENDER_TOLD       ? "told"
		: outcome == SENDER_LOST ? "given up"
					 : "the server wants to hear no more of it");
	j->told = true;
	if (!j->working)
		remote_job_remove_folder(j);
}

/* ---- the build ------------------------------------------------------------- */

static void
on_trace(struct build *b UNUSED, uint64_t bytes, void *data)
{
	struct remote_job *j = data;

	sender_grow(j->sender, bytes);
}

static void
on_started(struct build *b UNUSED, void *data UNUSED)
{
}

static void
on_build_done(struct build *b, const struct build_result *r, void *data)
{
	struct remote_job *j = data;
	enum reason reason = r->reason;
	int exit_code = r->exit_code;
	const struct job_usage usage = { r->peak_rss_bytes, r->cpu_us, r->read_bytes,
		r->written_bytes };
	cleanup_free char *message = xstrdup(r->message);
	bool ran = r->log_bytes > 0;

	if (build_log_begun(b))
		buf_reset(&j->preface);
	sender_grow(j->sender, r->log_bytes);
	transfer_cancel(take(j->transfer)); /* of an upload that was not waited for */
	build_free(b);
	j->build = NULL;
	snapshot_release(j->source.snapshot);
	j->source.snapshot = NULL;
	if (!ran && reason != REASON_NONE) /* no supervisor wrote a word */
		remote_job_end_without_build(j, reason, message);
	else
		tell_end(j, reason, exit_code, &usage);
}

static void upload_next(struct remote_job *j);

static void
on_upload(struct build *b UNUSED, const struct artifacts_packed_list *files, void *data)
{
	struct remote_job *j = data;

	j->packed = files;
	j->next_packed = 0;
	upload_next(j);
}

struct transfer_target
remote_job_target(const struct remote_job *j, int64_t job, const char *token)
{
	return (struct transfer_target){ .loop = j->context->runner->loop,
		.client = j->context->client,
		.api = j->context->api,
		.job = job,
		.token = token };
}

static void
on_uploaded(const struct error *err, void *data)
{
	struct remote_job *j = data;
	const struct artifacts_packed *file = &j->packed->items[j->next_packed - 1];
	const char *type = file->of->type != NULL ? file->of->type : "archive";
	struct error problem = *err;

	j->transfer = NULL;
	if (err->code == 0) {
		buf_printf(&j->words, "Uploading artifacts as \"%s\"... ok\n", type);
		upload_next(j);
		return;
	}
	error_wrap(&problem, "cannot upload the artifacts as \"%s\"", type);
	buf_printf(&j->words, "\033[31;1mERROR: %s\033[0;m\n", problem.msg);
	build_uploaded(j->build, &j->words, &problem);
}

static void
upload_next(struct remote_job *j)
{
	struct transfer_target target =
	    remote_job_target(j, j->payload->id, j->payload->token);
	struct error none = ERROR_INIT;

	if (j->next_packed < j->packed->count)
		j->transfer = transfer_upload(
		    &target, &j->packed->items[j->next_packed++], on_uploaded, j);
	else
		build_uploaded(j->build, &j->words, &none);
}

static void
make_build(struct remote_job *j)
{
	struct build_events events = { .on_started = on_started,
		.on_scripts_ended = on_started,
		.on_done = on_build_done,
		.on_trace = on_trace,
		.data = j };
	struct build_remote remote = { .dir = &j->jobdir,
		.spool = j->spool,
		.preface = buf_str(&j->preface),
		.dependencies = j->dependencies,
		.source = j->source.snapshot != NULL ? &j->source : NULL,
		.upload = on_upload };

	j->runner = *j->context->runner;
	j->runner.workspaces = j->workspaces;
	j->runner.snapshot = j->source.snapshot;
	free(j->cache_dir);
	j->cache_dir = remote_cache_dir(j->context, j->payload);
	j->runner.cache_dir = j->cache_dir;
	j->runner.artifact_layers_dir = j->layers_dir;
	j->runner.short_token = j->context->short_token;
	j->runner.tied = false;
	j->build = build_new(&j->runner, j->payload, &events);
	build_set_slot(j->build, j->slot);
	build_set_remote(j->build, &remote);
}

static int
make_workspaces(struct remote_job *j, struct error *err)
{
	struct workspaces_options o = {
		.scratch_dir = j->context->state_dir,
		.snapshot = j->source.snapshot,
		.root = "/",
		.project_name = j->payload->project_full_path != NULL
		    ? j->payload->project_full_path
		    : "project",
	};

	return workspaces_new(&o, &j->workspaces, err);
}

static void
add_section(
    struct buf *b, const struct job_payload *job, const char *edge, const char *name)
{
	if (job->trace_sections)
		buf_printf(
		    b, "section_%s:%jd:%s\r\033[0K", edge, (intmax_t)time(NULL), name);
}

void
remote_job_begin_build(struct remote_job *j)
{
	cleanup_free char *note = path_join(j->dir, SOURCE_NAME);
	struct error err = ERROR_INIT;

	if (j->source.note != NULL)
		add_section(&j->preface, j->payload, "end", "get_sources");
	if (make_workspaces(j, &err) < 0 ||
	    (j->source.note != NULL &&
		path_write_file(
		    note, j->source.note, strlen(j->source.note), 0600, &err) < 0)) {
		remote_job_end_without_build(j, REASON_RUNNER_SYSTEM_FAILURE, err.msg);
		return;
	}
	make_build(j);
	build_start(j->build);
}

/* ---- what the server says ------------------------------------------------- */

static void
on_accepted(bool accepted, void *data)
{
	struct remote_job *j = data;

	if (!accepted) {
		j->refused = true;
		log_event(
		    LOG_INFO, LOG_JOB(j->payload->id), "the server has taken it back");
		free_slot(j);
	} else {
		sender_start(j->sender);
	}
	remote_job_arrive(j);
}

static void
on_cancel(bool force, void *data)
{
	struct remote_job *j = data;

	j->canceled = true;
	if (force && j->transfer != NULL && j->waiting > 0) {
		transfer_cancel(take(j->transfer));
		remote_job_arrive(j);
		return;
	}
	if (j->build != NULL)
		build_cancel(j->build, force);
}

/* ---- the beginning --------------------------------------------------------- */

static void
write_preface(struct remote_job *j)
{
	const struct remote_context *c = j->context;
	struct buf *b = &j->preface;

	buf_printf(b, "\033[0KRunning with pawl-runner %s\033[0;m\n", c->runner->version);
	buf_printf(b, "\033[0K  on %s %s, system ID: %s\033[0;m\n", c->runner->name,
	    c->short_token, c->system_id);
	if (!remote_job_wants_source(j))
		return;
	add_section(b, j->payload, "start", "get_sources");
	buf_add_str(b, "\033[0K\033[36;1mGetting source from Git repository\033[0;m\n");
}

static void
start_sender(struct remote_job *j, bool is_resumed)
{
	struct sender_target target = { .loop = j->context->runner->loop,
		.client = j->context->client,
		.api = j->context->api,
		.job = j->payload->id,
		.token = j->payload->token,
		.spool = j->spool,
		.is_resumed = is_resumed };
	struct sender_events events = { .on_accepted = on_accepted,
		.on_cancel = on_cancel,
		.on_done = on_told,
		.data = j };

	j->sender = sender_new(&target, &events);
}

/* Jobs of several servers may bear the same number. */
static char *
folder_name(const struct remote_job *j)
{
	char hash[HASH_SHA256_HEX];

	hash_sha256_hex(j->context->url, strlen(j->context->url), hash);
	return xasprintf("%.8s-%" PRId64, hash, j->payload->id);
}

static int
write_slot(const struct remote_job *j, struct error *err)
{
	cleanup_free char *file = path_join(j->dir, SLOT_NAME);
	cleanup_free char *text = xasprintf("%" PRId64, j->slot);

	return path_write_file(file, text, strlen(text), 0600, err);
}

static int
make_folder(struct remote_job *j, struct error *err)
{
	cleanup_free char *jobs = path_join(j->context->state_dir, "jobs");
	cleanup_free char *name = folder_name(j), *dir = path_join(jobs, name);

	if (path_mkdirs(jobs, 0700, err) < 0 ||
	    jobdir_create(jobs, name, &j->jobdir, err) < 0)
		return err
		    ->code; /* without a folder of its own there is none to remove */
	set_paths(j, dir);
	if (write_slot(j, err) < 0)
		return err->code;
	return job_file_write(dir, j->context->url, j->payload, err);
}

struct remote_job *
remote_job_start(const struct remote_context *context, struct job_payload *payload,
    int64_t slot, const struct remote_job_events *events)
{
	struct remote_job *j = new_job(context, payload, events);
	struct error err = ERROR_INIT;

	j->slot = slot;

	log_event(LOG_INFO, LOG_JOB(payload->id), "%s of %s",
	    payload->name != NULL ? payload->name : "?",
	    payload->project_full_path != NULL ? payload->project_full_path : "?");
	if (make_folder(j, &err) < 0) {
		log_event(LOG_WARN, LOG_JOB(payload->id), "%s", err.msg);
		remote_job_set_problem(j, REASON_RUNNER_SYSTEM_FAILURE, &err);
	}
	if (payload->run != NULL || payload->has_secrets) {
		error_set(&err, ERR_INVALID, "this job has %s",
		    payload->run != NULL ? "`run:` steps, which pawl does not run"
					 : "`secrets:`, which pawl does not fetch");
		remote_job_set_problem(j, REASON_RUNNER_UNSUPPORTED, &err);
	}
	write_preface(j);
	start_sender(j, false);
	j->waiting = 3; /* the answer, the source, the archives */
	sender_accept(j->sender);
	remote_job_prepare(j);
	return j;
}

/* ---- taking over ----------------------------------------------------------- */

static void adopt(struct remote_job *j);

static void
on_adopt_again(uv_timer_t *timer)
{
	adopt(timer->data);
}

/* Nobody holds the folder: the job has ended, one way or another. */
static void
adopt_ended(struct remote_job *j)
{
	struct job_outcome outcome = { .reason = REASON_NONE };
	struct error err = ERROR_INIT;
	struct stat st;

	if (stat(j->spool, &st) == 0)
		sender_grow(j->sender, (uint64_t)st.st_size);
	if (job_outcome_read(j->dir, &outcome, &err) == 0) {
		tell_end(j, outcome.reason, outcome.exit_code, &outcome.usage);
		return;
	}
	sweep_processes(j->dir, j->marker);
	remote_job_end_without_build(j, REASON_RUNNER_SYSTEM_FAILURE,
	    "the runner's machine or the job's supervisor was ended meanwhile");
}

static void
adopt_living(struct remote_job *j)
{
	cleanup_free char *place = path_join(j->dir, BUILD_PLACE_NAME);
	cleanup_free char *note = path_join(j->dir, SOURCE_NAME);
	cleanup_buf struct buf project = BUF_INIT, source = BUF_INIT;
	struct error err = ERROR_INIT, ignored = ERROR_INIT;

	if (buf_read_file(&project, place, 8192, &err) == 0 &&
	    buf_read_file(&source, note, 8192, &ignored) == 0 &&
	    j->source.snapshot == NULL &&
	    source_hold(buf_str(&source), &j->source.snapshot, &ignored) < 0)
		log_event(LOG_INFO, LOG_JOB(j->payload->id), "%s", ignored.msg);
	if (err.code == 0) {
		j->jobdir = (struct jobdir){ .path = xstrdup(j->dir), .lock_fd = -1 };
		memcpy(j->jobdir.marker, j->marker, sizeof(j->marker));
		make_build(j);
		if (build_adopt(j->build, buf_str(&project), &err) == 0) {
			log_event(LOG_INFO, LOG_JOB(j->payload->id), "taken over");
			return;
		}
		build_free(take(j->build));
	}
	/* it is just beginning or ending: the lock will tell */
	uv_timer_start(&j->timer, on_adopt_again, ADOPT_RETRY_MS, 0);
}

static void
adopt(struct remote_job *j)
{
	cleanup_free char *file = path_join(j->dir, "lock");
	cleanup_close int lock = open(file, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	if (lock >= 0 &&
	    pread(lock, j->marker, JOBDIR_MARKER_LEN, 0) != JOBDIR_MARKER_LEN)
		j->marker[0] = '\0';
	if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) < 0)
		adopt_living(j);
	else
		adopt_ended(j);
}

static void
read_slot(struct remote_job *j)
{
	cleanup_free char *file = path_join(j->dir, SLOT_NAME);
	cleanup_buf struct buf text = BUF_INIT;
	struct error ignored = ERROR_INIT;

	if (buf_read_file(&text, file, 24, &ignored) < 0 ||
	    !str_to_int64(buf_str(&text), &j->slot))
		j->slot = -1; /* not known */
}

struct remote_job *
remote_job_adopt(const struct remote_context *context, const char *job_dir,
    struct job_payload *payload, const struct remote_job_events *events)
{
	struct remote_job *j = new_job(context, payload, events);

	set_paths(j, job_dir);
	read_slot(j);
	start_sender(j, true);
	sender_start(j->sender);
	adopt(j);
	return j;
}

/* ---- the runner's end ------------------------------------------------------ */

void
remote_job_abort(struct remote_job *j)
{
	j->aborted = true;
	if (!j->finishing)
		on_cancel(true, j);
}

bool
remote_job_can_be_left(const struct remote_job *j)
{
	if (j->working || j->waiting > 0)
		return false;
	return j->build == NULL || build_is_idle(j->build);
}

void
remote_job_leave(struct remote_job *j)
{
	transfer_cancel(take(j->transfer));
	build_free(take(j->build));
	uv_timer_stop(&j->timer);
	close_job(j);
}
