/*
 * A job's own network, when it has services: a bridge the job is on, and a namespace for
 * each service beside it, as containers have them. In a namespace where this process may
 * do so: as root, or in the user namespace it has just made.
 */
#ifndef RUNNER_SUPERVISOR_NETWORK_H
#define RUNNER_SUPERVISOR_NETWORK_H

#include <sys/types.h>

#include "base/error.h"
#include "executors/cage.h"

/* The job's own address there; that of slirp4netns, as slirp4netns(1) has it. */
#define NETWORK_JOB_ADDRESS "172.31.255.1"
#define NETWORK_GATEWAY "172.31.255.2"
#define NETWORK_PREFIX 24

/*
 * Enter the job's network and make that of each service. Single-threaded callers only. n
 * has room for each; its descriptors are the caller's, also after a failure.
 */
struct network {
	int home;                   /* -1: none was made */
	int services[SERVICES_MAX]; /* as in the cage */
	size_t count;
};

MUST_CHECK int network_enter(
    const struct cage *cage, struct network *n, struct error *err);
void network_close(struct network *n);

/* Be in that network: what is started now starts there. */
MUST_CHECK int network_go(int fd, struct error *err);

/*
 * Gives the job and its services a way out, by slirp4netns, from the outside: call it
 * before the namespaces are entered; the child waits for network_uplink_go(). -1: it
 * cannot be had.
 */
struct network_uplink {
	pid_t pid;
	int go, ready; /* pipes; it ends when go is closed. -1: closed */
	int said;      /* its errors, a pipe: what is too much for that is lost */
};

#define NETWORK_UPLINK_INIT                                                              \
	{                                                                                \
		.go = -1, .ready = -1, .said = -1                                        \
	}

int network_uplink_prepare(const char *program, bool userns, struct network_uplink *u);

/* In the job's network: waits until it works, and leads there. */
MUST_CHECK int network_uplink_go(
    struct network_uplink *u, const struct network *n, struct error *err);
void network_uplink_end(struct network_uplink *u); /* it is the caller's to reap */

#endif
