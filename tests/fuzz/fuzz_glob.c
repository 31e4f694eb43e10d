/*
 * Globs: a pattern, a newline, a path. Short ones without braces are held against a
 * matcher that is too simple to be wrong, and too slow to be used.
 */
#include "base/glob.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool simple(const char *p, const char *s, bool part_starts);

static bool
simple_star(const char *p, const char *s)
{
	for (;; s++) {
		if (simple(p, s, false))
			return true;
		if (*s == '\0' || *s == '/')
			return false;
	}
}

static bool
simple_folders(const char *p, const char *s)
{
	while (s != NULL) {
		if (simple(p, s, true))
			return true;
		s = strchr(s, '/');
		if (s != NULL)
			s++;
	}
	return false;
}

/* Without sets, braces, escapes and characters of more than one byte. */
static bool
simple(const char *p, const char *s, bool part_starts)
{
	if (part_starts && strncmp(p, "**/", 3) == 0)
		return simple_folders(p + 3, s);
	if (*p == '*') {
		while (*p == '*')
			p++;
		return simple_star(p, s);
	}
	if (*p == '\0' || *s == '\0')
		return *p == *s;
	if (*p == '?' ? *s == '/' : *p != *s)
		return false;
	return simple(p + 1, s + 1, *p == '/');
}

static bool
is_simple(const char *s)
{
	for (; *s != '\0'; s++)
		if (strchr("[]{},\\", *s) != NULL || (unsigned char)*s >= 0x80)
			return false;
	return true;
}

static void
check(const char *pattern, const char *path)
{
	bool fits = glob_match(pattern, path);
	size_t prefix = glob_literal_prefix(pattern);
	struct error err = ERROR_INIT;

	for (enum glob_kind kind = GLOB_FNMATCH; kind <= GLOB_INCLUDE; kind++) {
		struct glob *g = glob_new(pattern, kind);
		bool now = glob_fits(g, path);

		if (kind == GLOB_FNMATCH && now != fits)
			abort();
		if (kind == GLOB_DOUBLESTAR &&
		    now != glob_match_doublestar(pattern, path))
			abort();
		if (now && glob_check(pattern, kind, &err) < 0 &&
		    strpbrk(pattern, "{,") == NULL)
			abort();
		glob_free(g);
	}
	if (fits && strncmp(pattern, path, prefix) != 0)
		abort();
	if (strlen(pattern) < 24 && strlen(path) < 24 && is_simple(pattern) &&
	    is_simple(path) && fits != simple(pattern, path, true))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = xstrndup((const char *)data, size);
	char *path = strchr(text, '\n');

	if (path == NULL)
		return 0;
	*path = '\0';
	check(text, path + 1);
	return 0;
}
