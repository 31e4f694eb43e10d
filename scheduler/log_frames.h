/*
 * Zstandard's seekable format: frames that are decompressed each on its own, and a table
 * of their sizes at the end. Any zstd reads it from the beginning. Source: seekable
 * format 0.1.0, in zstd's contrib/seekable_format.
 */
#ifndef SCHEDULER_LOG_FRAMES_H
#define SCHEDULER_LOG_FRAMES_H

#include "base/error.h"

enum { LOG_FRAME_BYTES = 1024 * 1024 };

/* All of from into to, both open files at their beginning. Blocks. */
MUST_CHECK int log_frames_write(int from, int to, int64_t *size, struct error *err);

struct log_frames; /* an open compressed file; one thread at a time */

/* Takes over fd, also on failure. ERR_INVALID: it is none, or cut short. */
MUST_CHECK int log_frames_open(int fd, struct log_frames **out, struct error *err);
void log_frames_close(struct log_frames *f); /* NULL is fine */

int64_t log_frames_size(const struct log_frames *f); /* decompressed */

/* Up to len bytes from offset, none at the end. Keeps the frame for the next call. */
MUST_CHECK int log_frames_read(struct log_frames *f, int64_t offset, void *data,
    size_t len, size_t *got, struct error *err);

#endif
