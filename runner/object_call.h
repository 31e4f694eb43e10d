/*
 * One object of a store, fetched into a file or sent from one, by a signed address.
 * Blocks, on a loop of its own: worker threads. Never longer than its limits: a transfer
 * that stalls is given up, and so is one whose caller is canceled.
 */
#ifndef RUNNER_OBJECT_CALL_H
#define RUNNER_OBJECT_CALL_H

#include <stdatomic.h>

#include "base/error.h"

#define OBJECT_STALL_MS 10000
#define OBJECT_ETAG_MAX 256

struct object_call {
	/* "GET": to fd, from its start, up to size bytes; "PUT": from fd, size bytes */
	const char *method;
	const char *url;
	const char *if_none_match; /* an etag; NULL: the object in any case */
	int fd;
	int64_t size;
	int64_t timeout_ms;        /* of all of it; 0: none */
	int64_t stall_ms;          /* with hardly a byte moved; 0: OBJECT_STALL_MS */
	const atomic_bool *cancel; /* may be NULL */
	/* A line now and then, while it takes long; may be NULL. */
	void (*say)(const char *line, void *data);
	void *data;

	/* out */
	int status;                 /* what the store said; 0: nothing */
	char etag[OBJECT_ETAG_MAX]; /* "": none */
	int64_t moved;              /* bytes of the object */
	int64_t took_ms;
};

/*
 * 0: done (2xx), or the object is as it was (304). ERR_MISSING: there is none.
 * ERR_FOREIGN: the store cannot be reached, refuses, stalls, or takes too long.
 * ERR_LIMIT: more than size bytes came.
 */
MUST_CHECK int object_call(struct object_call *call, struct error *err);

#endif
