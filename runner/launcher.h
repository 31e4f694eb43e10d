/*
 * Starts the supervisors of a process's jobs. The first is started as any program is.
 * From the second on, a pawl-supervise that stands ready forks off each of them, as a
 * child of this process like the first: that costs half as much as starting a program
 * (runner/supervisor/fork_server.h). Loop thread.
 */
#ifndef RUNNER_LAUNCHER_H
#define RUNNER_LAUNCHER_H

#include <sys/types.h>

#include "base/error.h"

struct launcher;

/*
 * Nothing is started yet. many: jobs are sure to follow each other. Otherwise the first
 * supervisor is started as any program is, as there may be no second.
 */
struct launcher *launcher_new(bool many);

/* The supervisors go on; NULL is allowed. */
void launcher_free(struct launcher *l);

/* What a supervisor gets; all stays the caller's. */
struct launch_files {
	int socket, spec, lock;
	int program; /* of the job's cage; 0: none is needed */
};

/*
 * Start one; it is this process's to wait for. marker: of the job's processes. l may be
 * NULL: then it is started as a program.
 */
MUST_CHECK int launcher_start(struct launcher *l, const char *marker,
    const struct launch_files *files, pid_t *pid, struct error *err);

#endif
