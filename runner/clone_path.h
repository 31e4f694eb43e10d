/*
 * GIT_CLONE_PATH: another place for a job's CI_PROJECT_DIR, below CI_BUILDS_DIR. Pure.
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
    struct arena *arena, const char **out, struct error *err);

#endif
