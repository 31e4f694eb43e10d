/*
 * What a supervisor and pawl-init, the first process in a sandbox or container, say to
 * each other: one packet each over a SOCK_SEQPACKET socket that pawl-init inherits. Both
 * come from the same release. The end of the socket is the end of pawl-init, and with it
 * of all that is in its PID namespace.
 */
#ifndef EXECUTORS_INIT_INIT_H
#define EXECUTORS_INIT_INIT_H

#include <stdint.h>

/*
 * pawl-init SOCKET PIDNS: the number of the socket, or the path of one to connect to, and
 * the name of the PID namespace it
 * was started from, as readlink(2) of /proc/self/ns/pid gives it. It ends all processes
 * it can see, so it refuses to work where those are not the job's alone.
 */
#define INIT_LISTENS                                                                     \
	"--listens" /* pawl-init --listens PORT…: 0 when at one, see listens.h */

/* pawl-init --enters SOCKET PROGRAM ARGUMENT…: becomes an image's entrypoint, enter.h */
#define INIT_ENTERS "--enters"

#define INIT_SOCKET_FD 3
#define INIT_INPUT_FD 4 /* what else the program around it reads; see spec.h */

enum init_type {
	/* from pawl-init */
	INIT_READY = 1, /* the first one */
	INIT_EXITED,    /* number: of the step; value: its wait status; text: a struct
			   init_usage */
	INIT_FAILED,    /* number: could not be started; value: errno; text: what */
	INIT_ALONE,     /* no process but pawl-init is left */
	INIT_WHERE,     /* from who speaks with an engine, before INIT_READY; number: of a
			   process in the container, on this machine; 0: not to be seen;
			   text: the container's id */
	/* from the supervisor */
	INIT_RUN = 32, /* begin step number, text: its name; files: what to run; maybe the
			  script */
	INIT_SHELL,    /* the same for whoever looks into the job; files: what to run, its
			  stdin, stdout, stderr; a terminal becomes its own */
	INIT_HANGUP,   /* number: of a shell nobody looks at any more; its processes are
			  told */
	INIT_OUTPUT,   /* a file: what all steps write to */
	INIT_SIGNAL,   /* value: sent to all processes of the job */
	INIT_HELLO,    /* the first one to who has to know it before (wants_hello of
			  cage.h): a file like that of INIT_RUN, without argv, with the
			  environment steps will have */
};

struct init_message {
	uint32_t type, number;
	int32_t value;
	char text[244];
};

/* All that pawl-init has waited for so far; as of getrusage(2). */
struct init_usage {
	int64_t cpu_us, peak_bytes, read_bytes, written_bytes;
};

/*
 * The first file of INIT_RUN, in memory: this head, then strings, each with its NUL: the
 * folder, argv, environment. argv[0] "" is the first shell that is there. What pawl-init
 * has in its own environment is added where the step says nothing else.
 */
struct init_run {
	uint32_t argc, envc;
};

#define INIT_STEPS 9 /* that may run at a time: numbers 0 to 8 */
#define INIT_RUN_MAX (64 << 20)
#define INIT_SCRIPT_FD 9 /* where the step finds the second file */

#endif
