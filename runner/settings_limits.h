/* The part of a runner's settings about what a job may take: `limits:`
 * (runner/settings.h). */
#ifndef RUNNER_SETTINGS_LIMITS_H
#define RUNNER_SETTINGS_LIMITS_H

#include "executors/limits.h"
#include "pipelines/diag.h"

struct node; /* pipelines/node.h */

/* What is wrong goes to diags and sets no limit. */
void settings_read_limits(
    const struct node *map, struct limits *out, struct diags *diags);

#endif
