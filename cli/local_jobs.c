/* One job of a local run: from assignment to build, from the build's end to an event. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/path.h"
#include "base/str.h"
#include "cli/frozen.h"
#include "cli/kept.h"
#include "cli/local.h"
#include "pipelines/duration.h"
#include "runner/artifacts.h"
#include "runner/build.h"
#include "scheduler/coverage.h"
#include "scheduler/dotenv.h"
#include "scheduler/payload.h"

#define DEFAULT_TIMEOUT_S 3600 /* GitLab's, of a project */
#define LOCAL_RUNNER 1

void
local_job_free(struct local_job *job)
{
	build_free(job->build);
	job_payload_free(job->payload);
	arena_free(job->dotenv_arena);
	free(job->log_path);
	free(job->usage_path);
	free(job->image_digest);
	free(job->name);
	free(job->again);
	free(job);
}

/* Jobs of children are called CHILD/JOB; what runs them again is the trigger job. */
static void
name_job(struct local *local, const struct core_job *job, struct local_job *own)
{
	const struct local_job *parent = local_find_job(local, own->pipeline->parent_job);
	struct buf quoted = BUF_INIT;

	if (parent != NULL) {
		own->name = xasprintf("%s/%s", parent->name, job->plan->name);
		own->again = xstrdup(parent->again);
		return;
	}
	own->name = xstrdup(job->plan->name);
	buf_add_shell_quoted(&quoted, job->plan->name);
	own->again = buf_take(&quoted);
}

/* "waits for a free runner", "lint failed" … */
static void
describe_reason(struct local *local, const struct core_job *job, struct local_job *own)
{
	const struct core_job *because = core_job(local->core, job->because);
	const char *who = because != NULL ? because->plan->name : NULL;
	struct error refusal = ERROR_INIT;
	char *out = own->detail, in[DURATION_TEXT_MAX];
	size_t size = sizeof(own->detail);

	if (own->ended && status_is_completed(job->status))
		return; /* the build said it better */
	*out = '\0';
	if (job->status == STATUS_SUCCESS || job->status == STATUS_RUNNING)
		return;
	if (who != NULL && job->reason == REASON_PRIOR_FAILED)
		(void)snprintf(out, size, "%s failed", who);
	else if (who != NULL && job->reason == REASON_PRIOR_SKIPPED)
		(void)snprintf(out, size, "%s did not run", who);
	else if (who != NULL && job->reason == REASON_WAITS_FOR_RESOURCE)
		(void)snprintf(out, size, "%s holds resource group %s", who,
		    job->plan->resource_group);
	else if (job->reason == REASON_WAITS_FOR_PERSON)
		(void)snprintf(
		    out, size, "to play it: pawl run%s %s", local->options, own->again);
	else if (job->reason == REASON_WAITS_FOR_TIME)
		(void)snprintf(out, size, "starts in %s, or now with pawl run%s %s",
		    duration_format(job->plan->start_in_s, in), local->options,
		    own->again);
	else if (job->reason == REASON_RUNNER_UNSUPPORTED &&
	    payload_check(job->plan, &refusal) < 0) {
		free(take(own->again)); /* it would not help */
		(void)snprintf(out, size, "%.511s", refusal.msg);
	} else {
		(void)snprintf(out, size, "%s", reason_text(job->reason));
	}
}

/* As seen from where the user stands. */
static const char *
short_path(const struct local *local, const char *path)
{
	size_t n = strlen(local->cwd);

	return path != NULL && n > 0 && strncmp(path, local->cwd, n) == 0 &&
		path[n] == '/'
	    ? path + n + 1
	    : path;
}

void
local_describe(struct local *local, const struct core_job *job, struct screen_job *out)
{
	struct local_job *own = local_find_job(local, job->id);

	if (own->name == NULL)
		name_job(local, job, own);
	describe_reason(local, job, own);
	*out = (struct screen_job){
		.id = job->id,
		.name = own->name,
		.stage = job->plan->stage,
		.attempt = job->attempt,
		.status = job->status,
		.reason = job->reason,
		.warned = job->warned,
		.retried = job->retried_as != 0,
		.detail = own->detail[0] != '\0' ? own->detail : NULL,
		.command = own->command[0] != '\0' ? own->command : NULL,
		.again = own->again,
		.again_options = local->options,
		.log_path = short_path(local, own->log_path),
		.usage_path = short_path(local, own->usage_path),
		.image_digest = own->image_digest,
		.peak_bytes = own->peak_bytes,
		.cpu_us = own->cpu_us,
		.read_bytes = own->read_bytes,
		.written_bytes = own->written_bytes,
		.usage_is_notable = own->usage_is_notable,
		.kept = own->kept,
		.queued_us = job->queued_us,
		.started_us = job->started_us,
		.finished_us = job->finished_us,
	};
}

void
local_show_job(struct local *local, int64_t id)
{
	const struct core_job *job = core_job(local->core, id);
	struct screen_job shown;

	local_describe(local, job, &shown);
	screen_job_changed(local->screen, &shown, local_now_us());
}

static void
on_log(struct build *build UNUSED, const char *bytes, size_t len, void *data)
{
	struct local_job *job = data;

	screen_log(job->local->screen, job->id, bytes, len, local_now_us());
}

static void
on_started(struct build *build UNUSED, void *data)
{
	struct local_job *job = data;

	local_send(
	    job->local, (struct core_event){ .type = CORE_STARTED, .job = job->id });
}

static void
on_scripts_ended(struct build *build UNUSED, void *data)
{
	struct local_job *job = data;

	screen_freeze_tail(job->local->screen, job->id);
}

/* The core hears of the end, and that a slot is free again. */
static void
end_job(struct local *local, struct core_event event)
{
	local_send(local, event);
	local_send(
	    local, (struct core_event){ .type = CORE_REQUEST, .runner = LOCAL_RUNNER });
}

/* The variables its dotenv report gives later jobs; a bad report fails the job. */
static int
read_dotenv(struct local_job *job, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	int rc = artifacts_read_report(
	    job->local->runner->artifacts_dir, job->id, "dotenv", &text, err);

	if (rc == ERR_MISSING)
		return 0;
	if (rc < 0)
		return rc;
	job->dotenv_arena = arena_new();
	return dotenv_parse(buf_str(&text), text.len, job->dotenv_arena, &job->dotenv,
	    &job->dotenv_count, err);
}

/* The share its log states, if the job says how to find it. */
static void
read_coverage(struct local_job *job)
{
	const struct core_job *state = core_job(job->local->core, job->id);
	const char *pattern = state->plan->config->coverage;
	cleanup_close int fd = -1;
	struct error err = ERROR_INIT;
	double percent;

	if (pattern == NULL || job->detail[0] != '\0')
		return;
	fd = open(job->log_path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && coverage_find(fd, pattern, &percent, &err) == 1)
		(void)snprintf(
		    job->detail, sizeof(job->detail), "coverage %.4g %%", percent);
}

static void
note_usage(struct local_job *job, const struct build_result *result)
{
	cleanup_free char *path =
	    xasprintf("%s/%" PRId64 ".usage", job->local->runner->logs_dir, job->id);

	job->peak_bytes = result->peak_rss_bytes;
	job->cpu_us = result->cpu_us;
	job->read_bytes = result->read_bytes;
	job->written_bytes = result->written_bytes;
	job->usage_is_notable = result->usage_is_notable;
	if (access(path, F_OK) == 0) /* short jobs have no samples */
		job->usage_path = take(path);
	if (result->image_digest != NULL) {
		free(job->image_digest);
		job->image_digest = xstrdup(result->image_digest);
	}
}

static void
remember_frozen(struct local_job *job, const struct build_result *result)
{
	const struct frozen frozen = { .job = job->name,
		.id = job->id,
		.dir = result->kept_dir,
		.why = result->message,
		.command = result->command,
		.log = job->log_path,
		.since = local_now_us() / 1000000 };
	struct error err = ERROR_INIT;

	job->kept = frozen_add(job->local->project->state_dir, &frozen, &err) == 0;
	if (job->kept)
		return;
	screen_message(job->local->screen, "%s cannot be kept: %s", job->name, err.msg);
	frozen_end(&frozen, false);
}

static void
on_done(struct build *build UNUSED, const struct build_result *result, void *data)
{
	struct local_job *job = data;
	struct local *local = job->local;
	struct core_event event = { .type = CORE_FINISHED,
		.job = job->id,
		.success = result->success,
		.canceled = result->canceled,
		.reason = result->reason,
		.exit_code = result->exit_code };
	struct error err = ERROR_INIT;

	local->active--;
	if (access(job->log_path, F_OK) < 0)
		free(take(job->log_path)); /* it never got as far as a log */
	note_usage(job, result);
	job->ended = true;
	job->has_artifacts = result->artifact_files > 0;
	(void)snprintf(job->detail, sizeof(job->detail), "%s", result->message);
	(void)snprintf(job->command, sizeof(job->command), "%s", result->command);
	if (result->kept_dir != NULL)
		remember_frozen(job, result);
	if (result->artifact_files > 0)
		screen_artifacts(local->screen, job->name,
		    short_path(local, result->artifact_path), result->artifact_files,
		    result->artifact_bytes);
	if (read_dotenv(job, &err) < 0 && event.success) {
		event.success = false;
		event.reason = REASON_SCRIPT_FAILURE;
		(void)snprintf(
		    job->detail, sizeof(job->detail), "dotenv report: %.480s", err.msg);
	}
	if (event.success)
		read_coverage(job);
	if (event.success && job->pipeline->depth == 0 &&
	    (job->has_artifacts || job->dotenv_count > 0))
		kept_set_latest(local->runner->artifacts_dir, job->name, job->id);
	build_free(take(job->build)); /* result is gone with it */
	job_payload_free(take(job->payload));
	end_job(local, event);
}

/* What earlier jobs hand over: their archives, and the variables of their reports. */
struct inheritance {
	struct job_dependency *deps;
	size_t dep_count;
	struct var *dotenv;
	size_t dotenv_count;
};

struct inheriting {
	struct inheritance all;
	size_t dep_cap, var_cap;
	struct arena *arena;
};

static void
inherit_dotenv(struct inheriting *in, const struct var *vars, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		ARENA_GROW(in->arena, in->all.dotenv, in->all.dotenv_count, in->var_cap);
		in->all.dotenv[in->all.dotenv_count++] = vars[i];
	}
}

static void
inherit_archive(struct inheriting *in, int64_t id, const char *name)
{
	ARENA_GROW(in->arena, in->all.deps, in->all.dep_count, in->dep_cap);
	in->all.deps[in->all.dep_count++] = (struct job_dependency){
		.id = id, .name = name, .filename = ARTIFACTS_FILE_NAME
	};
}

/* A job that takes no part in this run: what it left in an earlier one, if it did. */
static void
inherit_earlier(struct local *local, const char *name, struct inheriting *in)
{
	const char *store = local->runner->artifacts_dir;
	cleanup_buf struct buf text = BUF_INIT;
	cleanup_free char *archive = NULL;
	int64_t id = kept_latest(store, name);
	struct error ignored = ERROR_INIT;
	struct var *vars;
	size_t count;

	if (id == 0)
		return;
	if (artifacts_read_report(store, id, "dotenv", &text, &ignored) == 0 &&
	    dotenv_parse(buf_str(&text), text.len, in->arena, &vars, &count, &ignored) ==
		0)
		inherit_dotenv(in, vars, count);
	archive = xasprintf("%s/%" PRId64 "/" ARTIFACTS_FILE_NAME, store, id);
	if (access(archive, R_OK) == 0)
		inherit_archive(in, id, name);
}

static struct inheritance
inherit(struct local *local, const struct core_job *job, struct arena *arena)
{
	const struct local_pipeline *p = local_find_job(local, job->id)->pipeline;
	const struct plan_job *plan = job->plan;
	struct inheriting in = { .arena = arena };

	for (size_t i = 0; i < plan->artifact_source_count; i++) {
		size_t index = plan->artifact_sources[i];
		const struct core_job *source =
		    core_latest(local->core, job->pipeline, index);
		const struct local_job *own;

		if (source == NULL) {
			if (p->depth == 0)
				inherit_earlier(local, p->plan->jobs[index].name, &in);
			continue;
		}
		own = local_find_job(local, source->id);
		inherit_dotenv(&in, own->dotenv, own->dotenv_count);
		if (own->has_artifacts)
			inherit_archive(&in, source->id, source->plan->name);
	}
	return in.all;
}

static int
make_payload(struct local *local, const struct core_job *job, struct local_job *own,
    struct error *err)
{
	cleanup_arena struct arena *arena = arena_new();
	struct inheritance got = inherit(local, job, arena);
	struct payload_options options = {
		.plan = own->pipeline->plan,
		.job = job->plan,
		.event = &own->pipeline->event,
		.provider = &local->project->worktree.provider,
		.job_id = job->id,
		.pipeline_id = job->pipeline,
		.played_by_hand = job->played,
		.dotenv = got.dotenv,
		.dotenv_count = got.dotenv_count,
		.dependencies = got.deps,
		.dependency_count = got.dep_count,
		.default_timeout_s = DEFAULT_TIMEOUT_S,
	};

	return payload_build(&options, &own->payload, err);
}

/* A job that cannot begin. */
static void
fail_job(struct local *local, struct local_job *own, enum reason reason,
    const struct error *err)
{
	own->ended = true;
	(void)snprintf(own->detail, sizeof(own->detail), "%.511s", err->msg);
	end_job(local,
	    (struct core_event){
		.type = CORE_FINISHED, .job = own->id, .reason = reason });
}

void
local_start_job(struct local *local, int64_t id)
{
	const struct core_job *job = core_job(local->core, id);
	struct local_job *own = local_find_job(local, id);
	struct build_events events = { on_log, on_started, on_scripts_ended, on_done,
		own };
	struct error err = ERROR_INIT;

	if (make_payload(local, job, own, &err) < 0) {
		fail_job(local, own, REASON_RUNNER_CONFIGURATION_ERROR, &err);
		return;
	}
	if (own->name == NULL)
		name_job(local, job, own);
	frozen_replace(local->project->state_dir, own->name);
	own->log_path = xasprintf("%s/%" PRId64 ".log", local->runner->logs_dir, id);
	own->build = build_new(local->runner, own->payload, &events);
	local->active++;
	build_start(own->build);
}

void
local_cancel_job(struct local *local, int64_t id, bool force)
{
	struct local_job *job = local_find_job(local, id);
	const struct core_job *state = core_job(local->core, id);

	if (job->build != NULL && !status_is_completed(state->status))
		build_cancel(job->build, force);
}
