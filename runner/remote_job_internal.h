/* A server's job as its parts know it. Only runner/remote_job*.c include this. */
#ifndef RUNNER_REMOTE_JOB_INTERNAL_H
#define RUNNER_REMOTE_JOB_INTERNAL_H

#include <uv.h>

#include "runner/build.h"
#include "runner/remote_job.h"
#include "runner/remote_places.h"
#include "runner/sender.h"
#include "runner/transfer.h"

struct remote_job {
	const struct remote_context *context;
	struct job_payload *payload;
	struct remote_job_events events;

	char *dir, *spool, *dependencies, *cache_dir;
	char *layers_dir;         /* of files that jobs have left here */
	struct layer_lease lease; /* on those it gets, until the build has its own */
	struct jobdir jobdir;     /* until the build has it */
	char marker[JOBDIR_MARKER_LEN + 1];

	struct sender *sender;
	struct build *build;
	struct runner runner; /* the context's, with what is this job's own */
	struct workspaces *workspaces;

	int64_t slot;     /* kept in the job's folder */
	unsigned waiting; /* for the answer, the source, the archives */
	bool refused, canceled, aborted, slot_freed, finishing, told, adopting;
	struct error problem; /* of preparing */
	enum reason problem_reason;

	uv_work_t work; /* getting the source; removing the folder at the end */
	bool working;
	struct source source;
	struct buf preface;
	struct error work_error;
	int work_rc;

	struct transfer *transfer;
	size_t next_dependency;

	const struct artifacts_packed_list *packed;
	size_t next_packed;
	struct buf words; /* about uploads, for the log */

	uv_timer_t timer;
	int handles;
};

/* ---- runner/remote_job.c ---- */

struct transfer_target remote_job_target(
    const struct remote_job *j, int64_t job, const char *token);
void remote_job_begin_build(struct remote_job *j);
void remote_job_end_without_build(
    struct remote_job *j, enum reason reason, const char *message);
void remote_job_remove_folder(struct remote_job *j);

/* ---- runner/remote_job_prepare.c ---- */

/* Get the source and the archives; each of them, and the answer, arrives. */
void remote_job_prepare(struct remote_job *j);
bool remote_job_wants_source(const struct remote_job *j);

/* Something that was waited for is there. */
void remote_job_arrive(struct remote_job *j);

/* It will not begin: the first one counts. */
void remote_job_set_problem(
    struct remote_job *j, enum reason reason, const struct error *err);

#endif
