/* The part of a runner's settings that is about images: `images:` (runner/settings.h). */
#ifndef RUNNER_SETTINGS_IMAGES_H
#define RUNNER_SETTINGS_IMAGES_H

#include "base/arena.h"
#include "pipelines/diag.h"

struct node;             /* pipelines/node.h */
struct image_registries; /* executors/container/image_store.h */

/* In arena; diags says what of it is not usable. */
const struct image_registries *settings_read_images(
    const struct node *map, struct arena *arena, struct diags *diags);

#endif
