/*
 * Knows which item of a script runs, by watching the job's output for the lines that
 * show each item (runner/script.h). Nothing is added to the script for it, so nothing of
 * the script can be disturbed by it.
 */
#ifndef RUNNER_SUPERVISOR_ECHO_WATCH_H
#define RUNNER_SUPERVISOR_ECHO_WATCH_H

#include "base/buf.h"
#include "base/str.h"

struct echo_watch {
	const struct strlist *items; /* the lines, without newline; not owned */
	int32_t item;                /* the last one seen; -1: none yet */
	size_t matched;              /* bytes of the beginning all these lines share */
	struct buf line;             /* what follows it */
};

#define ECHO_WATCH_INIT                                                                  \
	{                                                                                \
		.item = -1                                                               \
	}

void echo_watch_begin(struct echo_watch *w, const struct strlist *items);
void echo_watch_feed(struct echo_watch *w, const char *data, size_t len);
void echo_watch_clear(struct echo_watch *w);

#endif
