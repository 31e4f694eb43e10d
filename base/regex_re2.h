/* Between base/regex.c and the reading of RE2's syntax. */
#ifndef BASE_REGEX_RE2_H
#define BASE_REGEX_RE2_H

#include "base/buf.h"

/* Check that pattern is RE2's syntax and write what PCRE2 has for it. What PCRE2 itself
 * complains about (a missing parenthesis) is left to it. */
MUST_CHECK int re2_translate(
    const char *pattern, size_t len, struct buf *out, struct error *err);

#endif
