/* String questions, the nearest word, and lists of strings. */
#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <strings.h>

bool
str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool
str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && strcmp(s + n - m, suffix) == 0;
}

bool
str_is_blank(const char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	return *s == '\0';
}

bool
str_is_http_url(const char *s)
{
	size_t scheme = strncasecmp(s, "http://", 7) == 0 ? 7
	    : strncasecmp(s, "https://", 8) == 0          ? 8
							  : 0;

	if (scheme == 0 || s[scheme] == '\0' || s[scheme] == '/')
		return false;
	for (s += scheme; *s != '\0'; s++)
		if (*s <= 0x20 || *s >= 0x7f)
			return false;
	return true;
}

bool
str_to_int64(const char *s, int64_t *out)
{
	char *end;
	long long v;

	if (!isdigit((unsigned char)*s) && *s != '-')
		return false;
	errno = 0;
	v = strtoll(s, &end, 10);
	if (errno != 0 || end == s || *end != '\0')
		return false;
	*out = v;
	return true;
}

/* Bytes that follow a lead byte, or -1; the second byte's range guards overlongs and
 * surrogates. */
static int
utf8_tail(unsigned char lead, unsigned char *min, unsigned char *max)
{
	*min = 0x80;
	*max = 0xbf;
	if (lead < 0x80)
		return 0;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 1;
	if (lead >= 0xe0 && lead <= 0xef) {
		*min = lead == 0xe0 ? 0xa0 : 0x80;
		*max = lead == 0xed ? 0x9f : 0xbf;
		return 2;
	}
	if (lead >= 0xf0 && lead <= 0xf4) {
		*min = lead == 0xf0 ? 0x90 : 0x80;
		*max = lead == 0xf4 ? 0x8f : 0xbf;
		return 3;
	}
	return -1;
}

size_t
str_utf8_valid(const char *data, size_t len)
{
	const unsigned char *p = (const unsigned char *)data;
	size_t i = 0;

	while (i < len) {
		unsigned char min, max;
		int tail = utf8_tail(p[i], &min, &max);

		if (tail < 0 || i + (size_t)tail >= len + (tail == 0))
			return i;
		for (int k = 1; k <= tail; k++) {
			unsigned char c = p[i + (size_t)k];

			if (c < (k == 1 ? min : 0x80) || c > (k == 1 ? max : 0xbf))
				return i;
		}
		i += (size_t)tail + 1;
	}
	return len;
}

#define NEAREST_MAX 64

static size_t
edit_distance(const char *a, size_t n, const char *b, size_t m)
{
	size_t row[NEAREST_MAX + 1];

	for (size_t j = 0; j <= m; j++)
		row[j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t diag = row[0];

		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t best = diag + (a[i - 1] != b[j - 1]);

			diag = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[m];
}

const char *
str_nearest(const char *word, const char *const *candidates)
{
	size_t n = strlen(word), best = n / 3 + 1;
	const char *found = NULL;

	if (n == 0 || n > NEAREST_MAX)
		return NULL;
	for (; *candidates != NULL; candidates++) {
		size_t m = strlen(*candidates), d;

		if (m > NEAREST_MAX)
			continue;
		d = edit_distance(word, n, *candidates, m);
		if (d < best || (d == best && found == NULL)) {
			best = d;
			found = *candidates;
		}
	}
	return found;
}

void
strlist_add_take(struct strlist *l, char *s)
{
	GROW(l->items, l->count, l->cap);
	l->items[l->count++] = s;
}

void
strlist_add(struct strlist *l, const char *s)
{
	strlist_add_take(l, xstrdup(s));
}

bool
str_fits_stars(const char *s, const char *pattern)
{
	const char *star = NULL, *retry = NULL;

	while (*s != '\0') {
		if (*pattern == '*') {
			star = pattern++;
			retry = s;
		} else if (*pattern == *s) {
			pattern++;
			s++;
		} else if (star != NULL) { /* let the last star take one more */
			pattern = star + 1;
			s = ++retry;
		} else {
			return false;
		}
	}
	return pattern[strspn(pattern, "*")] == '\0';
}

bool
strlist_has(const struct strlist *l, const char *s)
{
	for (size_t i = 0; i < l->count; i++)
		if (str_eq(l->items[i], s))
			return true;
	return false;
}

bool
strlist_names(const struct strlist *l, const char *entry)
{
	size_t len = strcspn(entry, "=");

	for (size_t i = 0; i < l->count; i++)
		if (strncmp(l->items[i], entry, len) == 0 && l->items[i][len] == '=')
			return true;
	return false;
}

static int
compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void
strlist_sort(struct strlist *l)
{
	if (l->count > 1)
		qsort(l->items, l->count, sizeof(*l->items), compare_strings);
}

void
strlist_clear(struct strlist *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->items[i]);
	free(l->items);
	*l = (struct strlist)STRLIST_INIT;
}
