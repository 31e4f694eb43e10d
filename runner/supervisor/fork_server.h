/*
 * A pawl-supervise that stands ready: for each request it forks off a supervisor, which
 * becomes a child of the process that asked. So the program is loaded, linked and set up
 * once for many jobs. Its environment has room for the marker of a job, so that a
 * supervisor made in this way is found by it like one that was started.
 */
#ifndef RUNNER_SUPERVISOR_FORK_SERVER_H
#define RUNNER_SUPERVISOR_FORK_SERVER_H

#include "base/error.h"

#define FORK_SERVER_OPTION "--fork-server"

/* As long as a marker is (runner/jobdir.h); stands in the environment of the server. */
#define FORK_SERVER_NO_MARKER "00000000000000000000000000000000"

/*
 * A request is one packet: this, with the files of enum spec_fd in their order. The
 * answer is a packet with the pid as int32_t, or -errno.
 */
struct fork_request {
	char marker[sizeof(FORK_SERVER_NO_MARKER)]; /* ends with NUL */
};

/*
 * Serve SPEC_FD_SOCKET until its other end is closed. True: this is the child, with the
 * files of its job at their numbers. False: the server's work is over. option: the word
 * of the command line that asked for it; the child wipes it there.
 */
bool fork_server_run(char *option);

#endif
