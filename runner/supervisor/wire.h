/*
 * The messages between a runner and the supervisor of a job, over a SOCK_SEQPACKET
 * socket pair: one packet each, in the byte order of the machine both run on. Log bytes
 * are not sent: a message only says how long the spool is.
 */
#ifndef RUNNER_SUPERVISOR_WIRE_H
#define RUNNER_SUPERVISOR_WIRE_H

#include "base/base.h"

#define WIRE_VERSION 1
#define WIRE_TEXT_MAX 16384

enum wire_type {
	/* from the supervisor */
	WIRE_STEP = 1, /* number: the index of the step that begins */
	WIRE_TRACE,    /* the spool has grown */
	WIRE_READY,    /* hold: the workspace stands; a folder fd comes along */
	WIRE_COLLECT,  /* collect: the steps are over; result; a folder fd comes along */
	WIRE_RESULT,   /* result; everything of the job is gone */
	/* from the runner */
	WIRE_START = 32, /* answers WIRE_READY */
	WIRE_LOG,        /* text to be masked and appended to the spool */
	WIRE_CANCEL,     /* end gracefully: steps marked on_cancel still run */
	WIRE_KILL,       /* end everything now */
	WIRE_FINISH,     /* answers WIRE_COLLECT */
};

/* How a job ended. */
enum wire_verdict {
	WIRE_SUCCESS,
	WIRE_SCRIPT_FAILURE,
	WIRE_TIMEOUT,
	WIRE_CANCELED,
	WIRE_SYSTEM_FAILURE,    /* message says what this machine could not do */
	WIRE_WORKSPACE_FAILURE, /* the same, and no process was started: the runner may
				   try another kind of workspace */
	WIRE_VERDICT_COUNT
};

struct wire_header {
	uint16_t version, type;
	uint32_t number;
	uint64_t trace_bytes; /* the spool's length; 0 from the runner */
};

struct wire_result {
	uint32_t verdict;
	int32_t exit_code, signal; /* of the step that failed */
	int32_t step, item;        /* that failed, and where its script was; or -1 */
	uint32_t trace_crc32;      /* IEEE, of the whole spool */
	int64_t started_us, finished_us; /* since 1970, of the steps */
	int64_t duration_us;             /* the same, by a clock nobody sets */
	int64_t cpu_us, peak_rss_bytes, read_bytes, written_bytes;
	int32_t kept; /* what failed is there to be looked at (kept_wire.h) */
	char message[512];
};

/* Is what a job has used worth a line? Of most it is not. */
static inline bool
wire_result_is_notable(
    int64_t duration_us, int64_t cpu_us, int64_t peak_bytes, int64_t written_bytes)
{
	return duration_us >= 10000000 || cpu_us >= 500000 || peak_bytes >= 100000000 ||
	    written_bytes >= 10000000;
}

struct wire_message {
	struct wire_header head;
	union {
		struct wire_result result;
		char text[WIRE_TEXT_MAX]; /* WIRE_LOG, as long as the packet is */
	} body;
};

#endif
