/*
 * A job's folder: jobs/NAME below the state folder, with its lock, spool and result, and
 * where the workspace's upper layer lies. A folder belongs to whoever holds its lock:
 * first the runner, then the supervisor it hands the lock to. A folder whose lock is
 * free was left behind by a crash, and a sweep removes it.
 */
#ifndef RUNNER_JOBDIR_H
#define RUNNER_JOBDIR_H

#include "base/error.h"

#define JOBDIR_MARKER_LEN 32

struct jobdir {
	char *path;
	char marker[JOBDIR_MARKER_LEN + 1]; /* of the job's processes; random */
	int lock_fd;                        /* close it once the supervisor has started */
};

#define JOBDIR_INIT                                                                      \
	{                                                                                \
		.lock_fd = -1                                                            \
	}

/* Make jobs_dir/name, which must not exist, and take its lock. */
MUST_CHECK int jobdir_create(
    const char *jobs_dir, const char *name, struct jobdir *out, struct error *err);

/* Remove the folder with all that is in it. */
MUST_CHECK int jobdir_remove(struct jobdir *dir, struct error *err);

void jobdir_clear(struct jobdir *dir); /* closes and frees; removes nothing */
#define cleanup_jobdir __attribute__((cleanup(jobdir_clear)))

#endif
