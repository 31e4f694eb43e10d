/* Deep merge. As deep as its inputs, which parsing bounds. */
#include "pipelines/merge.h"

struct node *
merge_nodes(struct arena *a, struct node *under, struct node *over)
{
	struct node *sum;

	if (!node_is(under, NODE_MAP) || !node_is(over, NODE_MAP))
		return over;
	if (under->count == 0)
		return over;
	sum = node_copy(a, under);
	sum->mark = over->mark;
	merge_into(a, sum, over);
	return sum;
}

void
merge_into(struct arena *a, struct node *map, const struct node *over)
{
	for (size_t i = 0; i < over->count; i++) {
		const struct node_pair *pair = &over->pairs[i];
		struct node *old = node_get(map, pair->key);

		node_set(
		    a, map, pair->key, pair->key_mark, merge_nodes(a, old, pair->value));
	}
}
