/*
 * `coverage: /regex/`: the number a job's log ends on. The log is read backwards in
 * pieces, so its size does not matter. Source: gitlab-ci-language.md section 6.
 */
#ifndef SCHEDULER_COVERAGE_H
#define SCHEDULER_COVERAGE_H

#include "base/regex.h"

#define COVERAGE_MAX_LINE ((size_t)64 * 1024) /* of a longer line the end counts */

/*
 * In the last line that matches and has a number in its match: 1 and the percentage, 0
 * when there is none. Of several matches in a line the last one counts, of its groups
 * the last one too. pattern stands without its slashes. Timestamps the runner put before
 * lines, colours and other escape sequences are not seen. fd must be seekable; its
 * position stays.
 */
MUST_CHECK int coverage_find(
    int fd, const char *pattern, double *percent, struct error *err);

/* The same for one line. */
MUST_CHECK int coverage_find_in_line(
    struct regex *re, const char *line, size_t len, double *percent, struct error *err);

#endif
