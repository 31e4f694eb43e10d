/*
 * GIT_CLONE_PATH: another place for a job's CI_PROJECT_DIR, below CI_BUILDS_DIR. On this
 * machine, in no cage, the workspace is mounted there, over folders that are made for it
 * and go with the last job that uses them: whoever does holds a shared lock on
 * CI_BUILDS_DIR. Any thread.
 */
#ifndef RUNNER_CLONE_PATH_H
#define RUNNER_CLONE_PATH_H

#include "base/arena.h"
#include "base/error.h"
#include "protocol/job.h"

/*
 * out gets it, variables replaced, in the arena; untouched when the job has none.
 * ERR_INVALID: it is not below builds_dir.
 */
MUST_CHECK int clone_path_find(const struct job_payload *job, const char *builds_dir,
    int64_t slot, struct arena *arena, const char **out, struct error *err);

/* What one job holds. */
struct clone_place {
	bool is_held;
	int lock_fd;
};

/* Make what is missing of path, which is below builds_dir. Who goes on without this
 * process has to lock builds_dir, too. */
MUST_CHECK int clone_place_make(struct clone_place *place, const char *builds_dir,
    const char *path, struct error *err);
void clone_place_leave(struct clone_place *place); /* the job is over */

/* After jobs: folders that were made by this and hold nothing go, unless a job is at
 * work in one; blocks for a moment. */
void clone_places_tidy(const char *builds_dir);

#endif
