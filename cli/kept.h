/*
 * What local runs keep below .pawl: which try of a job last left artifacts, so that
 * `pawl run deploy` finds those of a build that ran earlier; and how much is kept.
 */
#ifndef CLI_KEPT_H
#define CLI_KEPT_H

#include "base/error.h"

#define KEPT_JOBS 1000 /* newest jobs whose logs and artifacts stay */

/* Remember that the job of this name left artifacts or reports under this id. */
void kept_set_latest(const char *artifacts_dir, const char *job, int64_t id);

/* The id of the last job of this name that did, 0 when there is none. */
int64_t kept_latest(const char *artifacts_dir, const char *job);

/* Remove logs and artifacts of all but the newest jobs; those kept_latest() names stay.
 */
void kept_prune(const char *logs_dir, const char *artifacts_dir, int64_t next_job_id);

#endif
