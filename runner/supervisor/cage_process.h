/*
 * A program that encloses processes (bubblewrap, an OCI runtime) and the pawl-init it has
 * started in there: the supervisor's end. Single-threaded; whoever waits polls `socket`
 * and reaps children.
 */
#ifndef RUNNER_SUPERVISOR_CAGE_PROCESS_H
#define RUNNER_SUPERVISOR_CAGE_PROCESS_H

#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"
#include "executors/init/init.h"
#include "runner/supervisor/cgroup_watch.h"

struct cage_process {
	pid_t pid;  /* 0: not started, or ended and reaped */
	int socket; /* -1: none (any more) */
	bool stands;
	int end_status; /* once pid has been reaped */

	struct cage_step {
		bool runs;
		int status;   /* of its end; wait(2)'s */
		int failed;   /* errno: it could not be started; text says what */
		bool was_cut; /* its place ended; how it did itself nobody said */
		char text[256];
	} steps[INIT_STEPS];
	bool alone; /* nothing but pawl-init is left in there */
	/* Of an engine's container: its group, and what pawl-init has waited for. */
	struct cgroup_watch watch;
	struct init_usage waited;
};

#define CAGE_PROCESS_INIT                                                                \
	{                                                                                \
		.socket = -1, .alone = true, .watch = CGROUP_WATCH_INIT                  \
	}

struct cage_start {
	const struct strlist *argv;
	const char *open_program; /* as in struct cage: it is SPEC_FD_PROGRAM */
	char *const *env;
	struct bytes input;         /* len 0: none */
	int output;                 /* stdout and stderr of all that runs in there */
	const struct cgroup *group; /* NULL: none */
};

MUST_CHECK int cage_process_start(
    struct cage_process *p, const struct cage_start *start, struct error *err);

struct cage_run {
	enum init_type type; /* INIT_RUN, INIT_SHELL or INIT_HELLO */
	uint32_t number;     /* which of the steps it is */
	const char *name;    /* of the step */
	const char *dir;
	char *const *argv, *const *env;
	const struct strlist *known; /* of env, what pawl-init has; NULL: nothing */
	int script;                  /* its INIT_SCRIPT_FD; -1: none */
	const int *streams;          /* of INIT_SHELL: its stdin, stdout and stderr */
};

MUST_CHECK int cage_process_run(
    struct cage_process *p, const struct cage_run *run, struct error *err);

/* The same, when nothing runs because of it. */
MUST_CHECK int cage_process_send(
    struct cage_process *p, const struct cage_run *run, struct error *err);

void cage_process_signal(struct cage_process *p, int signal);       /* all in there */
void cage_process_hang_up(struct cage_process *p, uint32_t number); /* a shell */
void cage_process_read(struct cage_process *p); /* the socket has news */
void cage_process_reaped(struct cage_process *p, int status);
void cage_process_close(struct cage_process *p); /* pawl-init ends, and all with it */

#endif
