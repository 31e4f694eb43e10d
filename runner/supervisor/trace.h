/*
 * The spool of one job: what its processes print and what the runner says goes through
 * here, masked, into a file. One writer. Bytes in the file are final: they are never
 * changed or taken back.
 */
#ifndef RUNNER_SUPERVISOR_TRACE_H
#define RUNNER_SUPERVISOR_TRACE_H

#include "base/crc32.h"
#include "base/error.h"
#include "runner/supervisor/mask.h"
#include "runner/supervisor/token_mask.h"

struct trace {
	int fd;
	uint64_t bytes; /* in the file */
	struct crc32 crc;
	struct mask mask;
	struct token_mask tokens;
	struct buf masked, decided; /* between the two, and on its way to the file */
	int write_errno; /* of the first write that failed; nothing is written after */
};

#define TRACE_INIT                                                                       \
	{                                                                                \
		.fd = -1, .mask = MASK_INIT, .tokens = TOKEN_MASK_INIT                   \
	}

/* Secrets are added to t->mask before. continues: what the file has, stays. */
MUST_CHECK int trace_open(
    struct trace *t, const char *path, bool continues, struct error *err);
void trace_add(struct trace *t, const char *data, size_t len);
void trace_printf(struct trace *t, const char *fmt, ...) PRINTF(2, 3);
void trace_flush(struct trace *t); /* nothing follows */
void trace_close(struct trace *t);

#endif
