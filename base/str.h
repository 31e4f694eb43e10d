/* Small questions about strings, and the list of strings that half of pawl passes around.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/base.h"

static inline bool
str_eq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

bool str_starts(const char *s, const char *prefix);
/* `review/` and a star, and the like: a star stands for anything, slashes too. */
bool str_fits_stars(const char *s, const char *pattern);
bool str_ends(const char *s, const char *suffix);
bool str_is_blank(const char *s); /* empty or white space only */
/* "http://" or "https://", a host after it, printable ASCII without spaces. */
bool str_is_http_url(const char *s);

/* Whole text as a decimal int64; false on anything else. */
bool str_to_int64(const char *s, int64_t *out);

/* Length of the valid UTF-8 prefix of data; == len when all of it is valid. */
size_t str_utf8_valid(const char *data, size_t len);

/*
 * The candidate nearest to word by edit distance, for "did you mean"; NULL when none
 * is near (more than a third of the letters differ). candidates ends with NULL.
 */
const char *str_nearest(const char *word, const char *const *candidates);

/* Bytes that may hold anything. Not owned. */
struct bytes {
	const char *data;
	size_t len;
};

/* A malloced growing list of malloced strings. Caller's storage. */
struct strlist {
	char **items;
	size_t count, cap;
};

#define STRLIST_INIT                                                                     \
	{                                                                                \
		.items = NULL                                                            \
	}

void strlist_add(struct strlist *l, const char *s);
void strlist_add_take(struct strlist *l, char *s); /* takes a malloced string */
bool strlist_has(const struct strlist *l, const char *s);
/* Of "KEY=VALUE" entries: is there one with the key of this one? */
bool strlist_names(const struct strlist *l, const char *entry);
void strlist_sort(struct strlist *l);
void strlist_clear(struct strlist *l);
#define cleanup_strlist __attribute__((cleanup(strlist_clear)))

#endif
