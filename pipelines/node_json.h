/* A node as JSON. */
#ifndef PIPELINES_NODE_JSON_H
#define PIPELINES_NODE_JSON_H

#include "base/json_writer.h"
#include "pipelines/node.h"

/* Not deeper than the writer has levels left: the caller looks at n->depth. */
void node_json(struct json_writer *w, const struct node *n);

#endif
