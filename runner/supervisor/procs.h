/*
 * The processes of a job, found below their supervisor: it is a sub-reaper, so whatever
 * daemonises becomes its child and stays within reach.
 */
#ifndef RUNNER_SUPERVISOR_PROCS_H
#define RUNNER_SUPERVISOR_PROCS_H

#include <sys/types.h>

#include "base/base.h"

#define PROCS_MARKER_NAME "PAWL_JOB_MARKER"

struct pids {
	pid_t *items;
	size_t count, cap;
};

#define PIDS_INIT                                                                        \
	{                                                                                \
		.items = NULL                                                            \
	}

void pids_add(struct pids *pids, pid_t pid);
void pids_clear(struct pids *pids);
#define cleanup_pids __attribute__((cleanup(pids_clear)))

/* All processes of this machine, ourselves left out; in the order of their numbers. */
void procs_all(struct pids *out);

/* The processes root is the parent of. */
void procs_children(pid_t root, struct pids *out);

/* All processes below root, itself left out; parents before their children. */
void procs_descendants(pid_t root, struct pids *out);

enum procs_mark {
	PROCS_UNMARKED, /* or it has ended */
	PROCS_MARKED,
	PROCS_UNCLEAR, /* between two programs, without any environment: ask again */
};

/*
 * Was this process started with "PAWL_JOB_MARKER=marker" in its environment, or is it in
 * a mount namespace where something is mounted from procs_mount_source(marker)? The
 * second also finds who has cleaned his environment.
 */
enum procs_mark procs_mark_of(pid_t pid, const char *marker);

char *procs_mount_source(const char *marker); /* malloced */

/* oom_score_adj, as /proc takes it; anyone may raise it. Not possible: no matter. */
void procs_set_oom_score(pid_t pid, const char *score);

#endif
