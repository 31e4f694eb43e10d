/*
 * The bytes of a trace as lines that are safe to show: what a job prints is hostile to a
 * terminal (cursor moves, titles, half a colour), so only colours may pass, and a line
 * overwritten by carriage returns shows its last state. One per job; caller's storage.
 */
#ifndef CLI_LINES_H
#define CLI_LINES_H

#include "base/buf.h"

#define LINES_MAX ((size_t)64 * 1024) /* a longer line is shown in pieces */

struct lines {
	bool colors; /* let SGR sequences through, and end each line with a reset */
	struct buf partial, clean;
};

/* line has no newline and is valid during the call only. */
typedef void (*line_cb)(void *data, const char *line, size_t len);

void lines_feed(
    struct lines *lines, const char *bytes, size_t len, line_cb cb, void *data);
void lines_end(struct lines *lines, line_cb cb, void *data); /* what had no newline */
void lines_clear(struct lines *lines);

#endif
