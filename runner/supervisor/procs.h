/*
 * The processes of a job, found below their supervisor: it is a sub-reaper, so whatever
 * daemonises becomes its child and stays within reach.
 */
#ifndef RUNNER_SUPERVISOR_PROCS_H
#define RUNNER_SUPERVISOR_PROCS_H

#include <sys/types.h>

#include "base/base.h"

struct pids {
	pid_t *items;
	size_t count, cap;
};

#define PIDS_INIT                                                                        \
	{                                                                                \
		.items = NULL                                                            \
	}

void pids_clear(struct pids *pids);
#define cleanup_pids __attribute__((cleanup(pids_clear)))

/* All processes below root, itself left out; parents before their children. */
void procs_descendants(pid_t root, struct pids *out);

/*
 * All processes of this machine that have "PAWL_JOB_MARKER=marker" in the environment
 * they were started with. Those of other users cannot be seen.
 */
void procs_marked(const char *marker, struct pids *out);

/* oom_score_adj, as /proc takes it; anyone may raise it. Not possible: no matter. */
void procs_set_oom_score(pid_t pid, const char *score);

#endif
