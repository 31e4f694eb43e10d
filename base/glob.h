/*
 * Globs: does a pattern fit a path? A pattern becomes a small automaton that walks the
 * path once, so that no pattern, however hostile, takes more than the product of both
 * lengths; alternatives in braces are branches of it, never multiplied out. Matching is
 * by character (UTF-8), a byte that is none counts as one. Links libc only.
 */
#ifndef BASE_GLOB_H
#define BASE_GLOB_H

#include "base/error.h"

#define GLOB_MAX_BYTES 4096 /* of a pattern; a longer one fits nothing */
#define GLOB_MAX_DEPTH 32   /* of braces in braces; deeper fits nothing */

enum glob_kind {
	/*
	 * rules:changes, rules:exists: Ruby's File.fnmatch with PATHNAME, DOTMATCH and
	 * EXTGLOB. `*` and `?` stop at a slash, a leading dot is nothing special, `**`
	 * with a slash after it is any number of folders at the start of a part, every
	 * other
	 * `**` is a `*`; [a-z], [!a], {x,y}, backslash.
	 */
	GLOB_FNMATCH,
	/*
	 * artifacts and cache paths: the runner's doublestar. As above, but `**` at the
	 * end is everything below, and the folder itself: `dir/` and two stars fit `dir`.
	 */
	GLOB_DOUBLESTAR,
	/* include:local: only `*` (not a slash) and `**` (anything at all) are special.
	 */
	GLOB_INCLUDE,
};

struct glob; /* a pattern made ready to be used often; read-only, any thread */

struct glob *glob_new(const char *pattern, enum glob_kind kind);
void glob_free(struct glob *g); /* NULL is fine */
bool glob_fits(const struct glob *g, const char *path);

DEFINE_CLEANUP(glob, struct glob, glob_free)
#define cleanup_glob __attribute__((cleanup(glob_cleanup)))

/* The same at once. The whole path has to fit; paths are relative, without "./". */
bool glob_match(const char *pattern, const char *path); /* GLOB_FNMATCH */
bool glob_match_doublestar(const char *pattern, const char *path);
bool glob_match_include(const char *pattern, const char *path);

/* A pattern that can never fit (a bracket or brace without its end, too long, too deep)
 * is ERR_INVALID and says why. */
MUST_CHECK int glob_check(const char *pattern, enum glob_kind kind, struct error *err);

/* No special character: fits only the path spelled like it. */
bool glob_is_literal(const char *pattern);

/*
 * Length of the folders all that fits lies in, with their last slash: 8 for
 * "src/lib/a*.c", 0 for "*.c"; of a literal pattern the whole length.
 */
size_t glob_literal_prefix(const char *pattern);

#endif
