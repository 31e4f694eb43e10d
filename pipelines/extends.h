/* `extends`: jobs take over the keys of other jobs. gitlab-ci-language.md section 5. */
#ifndef PIPELINES_EXTENDS_H
#define PIPELINES_EXTENDS_H

#include "base/error.h"
#include "pipelines/diag.h"

#define EXTENDS_MAX_DEPTH 10 /* levels of parents above a job */

/*
 * Resolve `extends` in every job of the root map, which the caller owns alone. A job
 * loses its `extends` key when that succeeds. incomplete: files are missing, so parents
 * may be unknown for that reason; no finding is made of it. ERR_LIMIT after a finding:
 * what is merged is too large.
 */
MUST_CHECK int extends_resolve(
    struct node *root, bool incomplete, struct arena *arena, struct diags *diags);

#endif
