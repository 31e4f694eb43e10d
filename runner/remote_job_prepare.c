/* What a server's job waits for: the source and the archives of earlier jobs. */
#include "base/log.h"
#include "base/path.h"
#include "executors/executor.h"
#include "runner/remote_job_internal.h"

static void download_next(struct remote_job *j);

void
remote_job_set_problem(struct remote_job *j, enum reason reason, const struct error *err)
{
	if (j->problem.code != 0)
		return;
	j->problem = *err;
	j->problem_reason = reason;
}

void
remote_job_arrive(struct remote_job *j)
{
	if (--j->waiting > 0)
		return;
	if (j->refused)
		remote_job_remove_folder(j);
	else if (j->canceled)
		remote_job_end_without_build(
		    j, REASON_JOB_CANCELED, "canceled before it began");
	else if (j->problem.code != 0)
		remote_job_end_without_build(j, j->problem_reason, j->problem.msg);
	else
		remote_job_begin_build(j);
}

static void
on_get_source(uv_work_t *work)
{
	struct remote_job *j = work->data;

	j->work_rc = source_get(
	    &j->context->source, j->payload, &j->source, &j->preface, &j->work_error);
}

static void
on_got_source(uv_work_t *work, int status UNUSED)
{
	struct remote_job *j = work->data;

	j->working = false;
	if (j->work_rc < 0)
		remote_job_set_problem(j,
		    j->work_error.code == ERR_INVALID ? REASON_SCRIPT_FAILURE
						      : REASON_RUNNER_SYSTEM_FAILURE,
		    &j->work_error);
	remote_job_arrive(j);
}

static void
on_downloaded(const struct error *err, void *data)
{
	struct remote_job *j = data;
	const struct job_dependency *d =
	    &j->payload->dependencies[j->next_dependency - 1];

	j->transfer = NULL;
	if (err->code == 0) {
		download_next(j);
		return;
	}
	{
		struct error problem = *err;

		error_wrap(&problem, "cannot download the artifacts of job \"%s\"",
		    d->name != NULL ? d->name : "?");
		remote_job_set_problem(j, REASON_MISSING_DEPENDENCY_FAILURE, &problem);
	}
	remote_job_arrive(j);
}

static const struct job_dependency *
next_wanted(struct remote_job *j)
{
	while (j->next_dependency < j->payload->dependency_count) {
		const struct job_dependency *d =
		    &j->payload->dependencies[j->next_dependency++];

		if (d->filename != NULL && *d->filename != '\0' &&
		    !(j->lease.file != NULL && artifact_layers_have(j->layers_dir, d)))
			return d;
	}
	return NULL;
}

static void
download_next(struct remote_job *j)
{
	const struct job_dependency *d = next_wanted(j);
	cleanup_free char *dir = NULL, *path = NULL;
	struct transfer_target target;
	struct error err = ERROR_INIT;

	if (d == NULL) {
		remote_job_arrive(j);
		return;
	}
	dir = xasprintf("%s/%" PRId64, j->dependencies, d->id);
	path = path_join(dir, ARTIFACTS_ZIP_NAME);
	if (path_mkdirs(dir, 0700, &err) < 0) {
		remote_job_set_problem(j, REASON_RUNNER_SYSTEM_FAILURE, &err);
		remote_job_arrive(j);
		return;
	}
	target = remote_job_target(j, d->id, d->token != NULL ? d->token : "");
	j->transfer = transfer_download(&target, path, on_downloaded, j);
}

/* What this machine has made itself need not be fetched. */
static void
get_artifacts(struct remote_job *j)
{
	struct error err = ERROR_INIT;

	if (j->payload->dependency_count > 0 &&
	    artifact_layers_lease(j->layers_dir, j->payload, &j->lease, &err) < 0)
		log_event(LOG_WARN, LOG_JOB(j->payload->id), "%s", err.msg);
	download_next(j);
}

/* ---- all of it ------------------------------------------------------------- */

/* Scripts that run elsewhere get it there. */
bool
remote_job_wants_source(const struct remote_job *j)
{
	const struct executor *by;
	struct error ignored = ERROR_INIT;

	if (source_is_unwanted(j->payload))
		return false;
	return executors_pick(j->context->runner->executors, j->payload, &by, &ignored) <
	    0 ||
	    by->place != EXECUTOR_PLACE_ELSEWHERE;
}

void
remote_job_prepare(struct remote_job *j)
{
	if (j->problem.code == 0 && remote_job_wants_source(j)) {
		j->working = true;
		j->work.data = j;
		uv_queue_work(
		    j->context->runner->loop, &j->work, on_get_source, on_got_source);
	} else {
		j->waiting--;
	}
	if (j->problem.code == 0)
		get_artifacts(j);
	else
		j->waiting--;
}
