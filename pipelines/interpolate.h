/*
 * `$[[ inputs.x | function ]]` replaced by values, in keys and texts of a file's body.
 * A block that is a whole text keeps its value's type. gitlab-ci-language.md section 4.
 */
#ifndef PIPELINES_INTERPOLATE_H
#define PIPELINES_INTERPOLATE_H

#include "pipelines/diag.h"
#include "pipelines/vars.h"

#define INTERPOLATE_MAX_FUNCTIONS 3
#define INTERPOLATE_MAX_BLOCK ((size_t)1024)
#define INTERPOLATE_MAX_TEXT ((size_t)1024 * 1024)
#define INTERPOLATE_MAX_TOTAL ((size_t)32 * 1024 * 1024) /* of all texts made */

struct interpolation {
	const struct node *context; /* { inputs: {…}, component: {…} } */
	const struct vars *vars;    /* for expand_vars; NULL: none */
	struct arena *arena;
	struct diags *diags;
};

/*
 * The body with every block replaced; parts without any are shared. NULL after a
 * finding. `$[[ matrix.X ]]` is left for later.
 */
struct node *interpolate_node(const struct interpolation *in, struct node *body);

#endif
