/* The part of a runner's settings that names a driver: `custom:` (runner/settings.h). */
#ifndef RUNNER_SETTINGS_CUSTOM_H
#define RUNNER_SETTINGS_CUSTOM_H

#include "executors/custom/custom.h"
#include "pipelines/diag.h"

struct node; /* pipelines/node.h */

/* In arena; NULL when it is not usable, which diags says. */
const struct custom_settings *settings_read_custom(
    const struct node *map, struct arena *arena, struct diags *diags);

#endif
