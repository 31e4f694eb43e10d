/*
 * Variables a server would hold, for a run without one: a YAML file of
 *
 *     NAME: value
 *     NAME: {value, masked, file, protected, expand, environment_scope}
 *
 * or, for several environments, a list of such maps. A `$` in a value refers to another
 * variable unless `expand: false` says that it does not.
 */
#ifndef SCHEDULER_VARIABLES_FILE_H
#define SCHEDULER_VARIABLES_FILE_H

#include "pipelines/diag.h"
#include "pipelines/vars.h"

#define VARIABLES_FILE_MAX_BYTES ((size_t)1024 * 1024)
#define VARIABLES_FILE_MIN_MASKED 8 /* bytes; GitLab's rule: less would hide too much */

/*
 * All of them at VAR_PROJECT, in the order of the file, in the arena; who may have them
 * (is_protected, environment_scope) is the caller's business. ERR_INVALID with findings
 * in diags; a file that cannot be read is one too.
 */
MUST_CHECK int variables_file_load(const char *path, struct arena *arena,
    struct var **out, size_t *count, struct diags *diags);

/* The same for a text; file is its name in the findings. */
MUST_CHECK int variables_file_parse(const char *text, size_t len, const char *file,
    struct arena *arena, struct var **out, size_t *count, struct diags *diags);

#endif
