/*
 * What a crash left behind: processes, mounts, files. Everything of a job bears its
 * marker or lies in its folder, so it can be found without its supervisor.
 */
#ifndef RUNNER_SWEEP_H
#define RUNNER_SWEEP_H

#include "base/error.h"

/*
 * Of the job whose folder is or was this: end all processes that carry the marker or are
 * in its control group, and remove that and the files of file variables.
 */
void sweep_processes(const char *job_dir, const char *marker);

/*
 * Remove the folders in jobs_dir that no living runner or supervisor holds, and end what
 * is left of their jobs. How many, or a negative code; a missing jobs_dir is none.
 */
MUST_CHECK int sweep_jobs(const char *jobs_dir, struct error *err);

#endif
