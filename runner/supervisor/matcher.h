/*
 * Finds many strings in a stream at once (Wu and Manber, 1994): looks at two bytes, and
 * mostly skips almost as far as the shortest string is long. Fill, compile, then search.
 */
#ifndef RUNNER_SUPERVISOR_MATCHER_H
#define RUNNER_SUPERVISOR_MATCHER_H

#include "base/base.h"

#define MATCHER_MIN_LEN 3 /* shorter strings are left out */

struct pattern {
	char *text;
	uint32_t len, next; /* next of the same bucket, plus one */
};

struct matcher {
	struct pattern *patterns; /* sorted, each once */
	size_t count, cap;
	size_t min_len, max_len; /* min_len at most 32 */
	uint32_t hash_bits;
	uint8_t
	    *nearness; /* of two bytes, hashed, to the end of a string's head; 0: far */
	uint32_t *buckets; /* by the last two bytes of the first min_len, hashed */
	bool begins[256];  /* some string begins with this byte */
};

#define MATCHER_INIT                                                                     \
	{                                                                                \
		.patterns = NULL                                                         \
	}

struct match {
	size_t start, len;
};

void matcher_add(struct matcher *m, const char *text, size_t len); /* copied */
void matcher_compile(struct matcher *m);
void matcher_clear(struct matcher *m);

/*
 * The first match that lies in data and begins at from or later; the longest one there.
 * False when there is none.
 */
bool matcher_find(const struct matcher *m, const char *data, size_t len, size_t from,
    struct match *out);

/*
 * Where the first of the strings begins that may go on after the end of data; len when
 * none does.
 */
size_t matcher_unfinished(const struct matcher *m, const char *data, size_t len);

#endif
