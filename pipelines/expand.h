/*
 * Expansion of keywords by the server, in depth: a value put in is itself expanded, as
 * GitLab does for tags, environment, resource_group, workflow:name and the globs of
 * rules. Pure; bounded whatever the variables say.
 */
#ifndef PIPELINES_EXPAND_H
#define PIPELINES_EXPAND_H

#include "pipelines/vars.h"

/* Limits of one expansion; beyond them references stay as written. */
#define EXPAND_MAX_BYTES ((size_t)1024 * 1024) /* of the result */
#define EXPAND_MAX_REFERENCES 10000            /* followed, nested ones counted */
#define EXPAND_MAX_DEPTH 1000

enum expand_unknown {
	EXPAND_KEEP, /* a reference to no variable stays as written */
	EXPAND_DROP, /* … is empty, as GitLab has it where the text becomes a name */
};

/*
 * `$name`, `${name}` and `%name%` replaced, values expanded in turn unless raw; those of
 * a circle stay as written; `$$` gives `$`. Returns text itself when there is nothing to
 * do, NULL for NULL.
 */
const char *expand_deep(
    const struct vars *v, struct arena *a, const char *text, enum expand_unknown unknown);

/*
 * Variables that need each other in a circle, reached from those v itself defines (not
 * its parents): "A, B, C", or NULL. One that names only itself is no circle: it stands
 * for the value it overrides.
 */
const char *expand_find_circle(const struct vars *v, struct arena *a);

#endif
