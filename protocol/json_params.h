/*
 * Parameters of a query or a form, read into the same structs as JSON. Names are those of
 * HTML forms, as GitLab's server (Rack) reads them: "ref", "tag_list[]=a" for the next
 * element of a list, "filter[scope]" for a member, "variables[][key]" for a member of the
 * last object of a list, or of the next one when the last has it already. Numbers and
 * truths are written as text: "5", "true" or "1". A parameter without a field is ignored,
 * the last of several wins.
 */
#ifndef PROTOCOL_JSON_PARAMS_H
#define PROTOCOL_JSON_PARAMS_H

#include "protocol/json_shape.h"

struct json_params;

/* The shape is borrowed. */
struct json_params *json_params_new(const struct json_shape *shape);
void json_params_free(struct json_params *p); /* NULL is fine */
DEFINE_CLEANUP(json_params, struct json_params, json_params_free)
#define cleanup_json_params __attribute__((cleanup(json_params_cleanup)))

/* ERR_INVALID: no valid UTF-8, or a name that contradicts the field or one before. */
MUST_CHECK int json_params_add(
    struct json_params *p, const char *name, const char *value, struct error *err);

/* Into out, a struct of the shape; members that were not given stay as they are. */
MUST_CHECK int json_params_read(
    struct json_params *p, struct arena *arena, void *out, struct error *err);

#endif
