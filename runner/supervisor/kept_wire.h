/*
 * What `pawl shell` and the supervisor of a job that failed and is kept say to each
 * other: one packet each over a SOCK_SEQPACKET socket, which lies in the job's folder
 * under SPEC_SOCKET_NAME. The end of the socket towards pawl shell is the end of what it
 * had started; the other way it is the end of the job.
 */
#ifndef RUNNER_SUPERVISOR_KEPT_WIRE_H
#define RUNNER_SUPERVISOR_KEPT_WIRE_H

#include "base/base.h"

#define KEPT_VERSION 1
#define KEPT_TEXT_MAX 16384
#define KEPT_SHELLS 8 /* at a time */

enum kept_type {
	/* from pawl shell */
	KEPT_RUN = 1, /* text: the name of its terminal's kind ("": none), then argv, each
			 with its NUL; files: stdin, stdout, stderr. argv is empty: the
			 job's shell */
	KEPT_END,     /* nothing is to be kept any more; value 1: unless somebody looks */
	/* from the supervisor */
	KEPT_EXITED = 32, /* value: a wait status */
	KEPT_REFUSED,     /* text: why */
};

struct kept_message {
	uint16_t version, type;
	int32_t value;
	char text[KEPT_TEXT_MAX]; /* as long as the packet is */
};

#endif
