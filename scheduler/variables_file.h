/*
 * The variables a server would hold, from a YAML file: `NAME: value`, or a map of value,
 * masked, file, protected, environment_scope.
 */
#ifndef SCHEDULER_VARIABLES_FILE_H
#define SCHEDULER_VARIABLES_FILE_H

#include "pipelines/diag.h"
#include "pipelines/vars.h"

/*
 * All of them at VAR_PROJECT, in the order of the file, in the arena; who may have them
 * (is_protected, environment_scope) is the caller's business. A value that is to be
 * masked but cannot be (too short) is a finding. ERR_INVALID with findings in diags.
 */
MUST_CHECK int variables_file_load(const char *path, struct arena *arena,
    struct var **out, size_t *count, struct diags *diags);

#endif
