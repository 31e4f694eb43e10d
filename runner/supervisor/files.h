/* The folder for a job's file variables: in memory, found again by the job's marker. */
#ifndef RUNNER_SUPERVISOR_FILES_H
#define RUNNER_SUPERVISOR_FILES_H

#include "base/error.h"

/* Make it, for this user alone; *out is malloced. */
MUST_CHECK int files_create_dir(const char *marker, char **out, struct error *err);

/* Remove what a supervisor that died may have left. */
void files_sweep(const char *marker);

#endif
