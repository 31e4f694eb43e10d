/* The part of a runner's settings about a store of caches: `cache:` (runner/settings.h).
 */
#ifndef RUNNER_SETTINGS_CACHE_H
#define RUNNER_SETTINGS_CACHE_H

#include "base/arena.h"
#include "pipelines/diag.h"
#include "runner/cache_remote.h"

struct node; /* pipelines/node.h */

/* In arena; NULL when it is not usable, which diags says. */
struct cache_remote *settings_read_cache(
    const struct node *map, struct arena *arena, struct diags *diags);

/* What was not said: keys come from the environment, which loses them. */
MUST_CHECK int settings_complete_cache(
    struct cache_remote *remote, struct arena *arena, struct error *err);

#endif
