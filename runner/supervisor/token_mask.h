/*
 * Hides what follows the prefixes of GitLab's tokens, and the values of URL parameters
 * that carry credentials: "glpat-[MASKED]". Source: runner-protocol.md section 8.2.
 */
#ifndef RUNNER_SUPERVISOR_TOKEN_MASK_H
#define RUNNER_SUPERVISOR_TOKEN_MASK_H

#include "base/buf.h"

enum token_tail { TOKEN_NONE, TOKEN_WORD, TOKEN_PARAMETER };

struct token_mask {
	struct buf window;    /* may be the beginning of a prefix */
	enum token_tail tail; /* what the next bytes may go on with */
	bool is_shown;        /* "[MASKED]" stands for it already */
};

#define TOKEN_MASK_INIT                                                                  \
	{                                                                                \
		.tail = TOKEN_NONE                                                       \
	}

/* As mask_feed() and mask_flush() in mask.h. */
void token_mask_feed(struct token_mask *m, const char *data, size_t len, struct buf *out);
void token_mask_flush(struct token_mask *m, struct buf *out);
void token_mask_clear(struct token_mask *m);

#endif
