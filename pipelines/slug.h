/*
 * Slugs: names made fit for host names and paths, the way GitLab makes them, since
 * scripts and other systems know the results.
 */
#ifndef PIPELINES_SLUG_H
#define PIPELINES_SLUG_H

#include "base/base.h"

#define SLUG_MAX 64             /* with the NUL: 63 bytes, a DNS label */
#define SLUG_ENVIRONMENT_MAX 32 /* 24 bytes at most */

/*
 * CI_COMMIT_REF_SLUG, CI_JOB_NAME_SLUG, CI_PROJECT_PATH_SLUG: lower case, what is not
 * 0-9 a-z becomes "-", cut to 63 bytes, no "-" at either end.
 */
const char *slug_make(const char *name, char out[SLUG_MAX]);

/*
 * CI_ENVIRONMENT_SLUG: begins with a letter, no "--", 24 bytes at most. A name that was
 * changed or is too long is cut to 17 bytes and gets "-" and six characters of its
 * SHA-256 in base 36, so that two names rarely share a slug.
 */
const char *slug_make_environment(const char *name, char out[SLUG_ENVIRONMENT_MAX]);

#endif
