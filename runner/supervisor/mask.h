/*
 * Hides secrets in a stream of log bytes: wherever one stands, "[MASKED]" comes out
 * instead. Bytes that may be the beginning of a secret are held back until it is decided;
 * no part of a secret ever comes out, however the stream is cut into pieces.
 */
#ifndef RUNNER_SUPERVISOR_MASK_H
#define RUNNER_SUPERVISOR_MASK_H

#include "base/buf.h"
#include "runner/supervisor/matcher.h"

#define MASK_TEXT "[MASKED]"

struct mask {
	struct matcher secrets;
	struct buf window; /* not yet decided */
	size_t covered;    /* of it, hidden already */
	bool is_open;      /* a secret that goes on here needs no second "[MASKED]" */
};

#define MASK_INIT                                                                        \
	{                                                                                \
		.secrets = MATCHER_INIT                                                  \
	}

/*
 * Hide this value, without the white space around it, in all its forms (mask_forms.c).
 * Values too short to be found safely are the caller's to refuse.
 */
void mask_add(struct mask *m, const char *secret, size_t len);

/* Once, after the last mask_add() and before the first byte. */
void mask_compile(struct mask *m);

/* Take bytes in; append what is decided to out. */
void mask_feed(struct mask *m, const char *data, size_t len, struct buf *out);

/* Nothing follows: append what was held back. */
void mask_flush(struct mask *m, struct buf *out);
void mask_clear(struct mask *m);

#endif
