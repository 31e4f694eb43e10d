/* What the parts of a runner's settings (runner/settings.h) are read with. */
#ifndef RUNNER_SETTINGS_VALUE_H
#define RUNNER_SETTINGS_VALUE_H

#include "base/arena.h"
#include "pipelines/diag.h"

struct node_pair; /* pipelines/node.h */

/* There is no such key in where ("s3"; NULL: the top), but perhaps one of names, which
 * ends with NULL. */
void settings_refuse_key(const struct node_pair *pair, const char *const *names,
    const char *where, struct diags *diags);

/* These leave *out as it is when the value is not as it should be. */
void settings_read_flag(const struct node_pair *pair, bool *out, struct diags *diags);
void settings_read_text(const struct node_pair *pair, struct arena *arena,
    const char **out, struct diags *diags);
/* Relative ones would depend on where the runner was started. */
void settings_read_path(const struct node_pair *pair, struct arena *arena,
    const char **out, struct diags *diags);

#endif
