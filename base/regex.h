/*
 * Regular expressions as GitLab has them, which are RE2's, run by PCRE2. What RE2 does
 * not know (look-around, back-references, possessive and atomic groups, recursion,
 * conditions, callouts, verbs) is refused, and a match that takes too many steps is
 * given up, so that a stranger's pattern can neither fail elsewhere nor hang here.
 * Matching is by UTF-8 character; bytes that are none match nothing.
 * Source: github.com/google/re2/wiki/Syntax.
 */
#ifndef BASE_REGEX_H
#define BASE_REGEX_H

#include "base/error.h"
#include "base/map.h"

#define REGEX_MAX_BYTES 16384 /* of a pattern */

/* What may stand behind the closing slash: i, s, m, U. */
enum regex_flag {
	REGEX_IGNORE_CASE = 1 << 0,
	REGEX_DOT_ALL = 1 << 1,   /* s: `.` is a newline too */
	REGEX_MULTILINE = 1 << 2, /* m: ^ and $ at every line; else of the text only */
	REGEX_UNGREEDY = 1 << 3,  /* U: a* and a*? change places */
};

struct regex_span {
	size_t start, end; /* SIZE_MAX both: the group took no part */
};

struct regex; /* one thread at a time: a match uses its memory */

/* flags: regex_flag or-ed. ERR_INVALID says what is wrong and where. */
MUST_CHECK int regex_compile(const char *pattern, size_t len, unsigned flags,
    struct regex **out, struct error *err);
void regex_free(struct regex *re); /* NULL is fine */

/* "ismU" to flags; false when there is another letter. */
bool regex_parse_flags(const char *text, size_t len, unsigned *flags);

/* A whole text of the form "/pattern/ismU"; false when it is none. */
struct regex_literal {
	const char *pattern;
	size_t len;
	unsigned flags;
};
bool regex_split(const char *text, size_t len, struct regex_literal *out);

/* Groups in parentheses, named or not. */
size_t regex_group_count(const struct regex *re);

/*
 * The first match at or after start: 1, or 0 for none; ERR_LIMIT when it would take too
 * long. spans[0] is the match, spans[n] the n-th group; count may be 0.
 */
MUST_CHECK int regex_match(struct regex *re, const char *text, size_t len, size_t start,
    struct regex_span *spans, size_t count, struct error *err);

/*
 * Patterns compiled once and kept, for who meets the same ones again and again. The
 * caller owns it; initialise with REGEX_CACHE_INIT.
 */
struct regex_cache {
	struct map by_pattern;
};

#define REGEX_CACHE_MAX 1024 /* then it starts afresh */
#define REGEX_CACHE_INIT                                                                 \
	{                                                                                \
		.by_pattern = MAP_INIT                                                   \
	}

/* The cache's; valid until its next call. A pattern that is wrong is not kept. */
MUST_CHECK int regex_cache_get(struct regex_cache *cache, const char *pattern, size_t len,
    unsigned flags, struct regex **out, struct error *err);
void regex_cache_clear(struct regex_cache *cache);

DEFINE_CLEANUP(regex, struct regex, regex_free)
#define cleanup_regex __attribute__((cleanup(regex_cleanup)))
#define cleanup_regex_cache __attribute__((cleanup(regex_cache_clear)))

#endif
