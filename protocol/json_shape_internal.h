/* What the readers of shapes share; nobody else includes this. */
#ifndef PROTOCOL_JSON_SHAPE_INTERNAL_H
#define PROTOCOL_JSON_SHAPE_INTERNAL_H

#include "protocol/json_shape.h"

struct json_t; /* jansson's */

/* As json_shape_read() of what root was read from. */
MUST_CHECK int json_shape_read_tree(const struct json_shape *shape, struct json_t *root,
    struct arena *arena, void *out, struct error *err);

#endif
