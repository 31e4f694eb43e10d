/*
 * Deep merge, as includes and extends use it: where both have a map under a key, these
 * are merged; otherwise the later value replaces the earlier, lists and null too.
 */
#ifndef PIPELINES_MERGE_H
#define PIPELINES_MERGE_H

#include "pipelines/node.h"

#define MERGE_MAX_WORK ((size_t)10 * 1000 * 1000)

/* One for all merges of a document. */
struct merge {
	struct arena *arena;
	size_t work; /* pairs handled so far, for who holds it to MERGE_MAX_WORK */
};

/* over on top of under. Neither is changed; the result shares what it can. */
struct node *merge_nodes(struct merge *m, struct node *under, struct node *over);

/* The same into a map the caller owns alone. */
void merge_into(struct merge *m, struct node *map, const struct node *over);

#endif
