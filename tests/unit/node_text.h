/* A node on one line, for comparing in tests: {a: 1, b: ["x", null], c: !["d", "e"]}. */
#ifndef TESTS_UNIT_NODE_TEXT_H
#define TESTS_UNIT_NODE_TEXT_H

#include "base/buf.h"
#include "pipelines/diag.h"
#include "pipelines/node.h"

/* Malloced. Strings are quoted, numbers and booleans are not. */
char *node_text(const struct node *n);

/* All findings, a line each. Malloced. */
char *diags_text(const struct diags *d);

#endif
