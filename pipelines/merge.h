/*
 * Deep merge, as includes and extends use it: where both have a map under a key, these
 * are merged; otherwise the later value replaces the earlier, lists and null too.
 */
#ifndef PIPELINES_MERGE_H
#define PIPELINES_MERGE_H

#include "pipelines/node.h"

/* over on top of under. Neither is changed; the result shares what it can. */
struct node *merge_nodes(struct arena *a, struct node *under, struct node *over);

/* The same into a map the caller owns alone. */
void merge_into(struct arena *a, struct node *map, const struct node *over);

#endif
