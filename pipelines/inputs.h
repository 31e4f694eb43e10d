/*
 * `spec:inputs`: what a file asks for, and the values it gets.
 * gitlab-ci-language.md section 4.
 */
#ifndef PIPELINES_INPUTS_H
#define PIPELINES_INPUTS_H

#include "pipelines/diag.h"
#include "pipelines/vars.h"

#define INPUTS_MAX 1000 /* of one file; GitLab's limit is by use, 20 from its form */

struct inputs_request {
	const struct node *spec;  /* the map under `spec:inputs`; NULL: none */
	const struct node *given; /* the map of values; NULL: none */
	struct mark at;           /* where values would be given */
	/* Values are yet to be asked for: required ones that are missing are left empty,
	 * with no finding. */
	bool is_unasked;
};

/*
 * The value of every input of the spec, in its order, as a map. What is wrong with spec
 * or values gives findings and NULL. A given text whose mark has no file comes from a
 * command line: for an input that is no string it is read as YAML.
 */
struct node *inputs_resolve(
    const struct inputs_request *request, struct arena *arena, struct diags *diags);

#endif
