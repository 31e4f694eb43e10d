/*
 * Where a script runs. An executor turns "run this script in this workspace" into the
 * command the job's supervisor starts; it starts no process itself. One row in the
 * table per executor, one file or folder each.
 */
#ifndef EXECUTORS_EXECUTOR_H
#define EXECUTORS_EXECUTOR_H

#include "base/error.h"
#include "base/str.h"
#include "protocol/job.h"

struct executor {
	const char *name; /* as -x takes it */
	const char *summary;

	/* Can this executor work on this machine? ERR_ENVIRONMENT says what is missing.
	 */
	int (*probe)(struct error *err);

	/* Can it run this job? (a job with an image needs containers) */
	int (*accepts)(
	    const struct job_payload *job, bool chosen_by_user, struct error *err);

	/*
	 * The shell's argv; the supervisor adds the script. is_shared is what
	 * CI_SHARED_ENVIRONMENT / CI_DISPOSABLE_ENVIRONMENT tell the job.
	 */
	int (*command)(
	    const struct job_payload *job, struct strlist *argv, struct error *err);
	bool is_shared;
};

/* NULL when there is none of that name. */
const struct executor *executor_find(const char *name);

/* Every executor, ending with NULL, in the order help shows them. */
const struct executor *const *executor_all(void);

#endif
