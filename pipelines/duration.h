/*
 * Durations as people write them in `timeout`, `start_in`, `expire_in`, `auto_stop_in`:
 * "1h 30m", "2h20min", "3 weeks and 2 days", "one week", "1:30:00", "3600".
 * Source: gitlab-ci-language.md section 11; GitLab uses chronic_duration.
 */
#ifndef PIPELINES_DURATION_H
#define PIPELINES_DURATION_H

#include "base/error.h"

#define DURATION_MAX_S (INT64_C(1000) * 366 * 24 * 3600) /* a thousand years */

/*
 * Whole seconds, more than 0; a fraction of a second is dropped. A number without a unit
 * is seconds; a month is 30 days, a year 365.25. ERR_INVALID: "should be a duration …".
 */
MUST_CHECK int duration_parse(const char *text, int64_t *seconds, struct error *err);

/* `never`, in any case: allowed by some keywords in place of a duration. */
bool duration_is_never(const char *text);

/* For messages: "45s", "1h 30m", "2d 5s"; days are the largest unit, "0s" nothing. */
#define DURATION_TEXT_MAX 64
const char *duration_format(int64_t seconds, char out[DURATION_TEXT_MAX]);

#endif
