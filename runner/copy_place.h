/*
 * Where a copy lies that cannot be mounted anywhere: COPIES/N/PROJECT, N counted from 0.
 * So jobs that run one after the other find each other's files at the path they know, as
 * with GitLab's runner; only those that run at the same time have different ones.
 *
 * A place belongs to the job whose folder it names, as long as somebody holds that
 * folder's lock. Whoever ends the job moves the place into the folder (the supervisor);
 * what is left where nobody did is removed by the next claim or sweep.
 */
#ifndef RUNNER_COPY_PLACE_H
#define RUNNER_COPY_PLACE_H

#include "runner/jobdir.h"

struct copy_place {
	char *dir;         /* COPIES/N: to be moved away at the end */
	char *project_dir; /* COPIES/N/PROJECT */
};

/* Move copy, a folder on the same file system, to the first free place. Any thread. */
MUST_CHECK int copy_place_claim(const char *copies_dir, const struct jobdir *job,
    const char *copy, const char *project, struct copy_place *out, struct error *err);
void copy_place_clear(struct copy_place *place); /* frees; removes nothing */

/* Remove the places of jobs that are no more. What resists stays for the next time. */
void copy_place_sweep(const char *copies_dir);

#endif
