/* Deep merge. As deep as its inputs, which parsing bounds. */
#include "pipelines/merge.h"

struct node *
merge_nodes(struct merge *m, struct node *under, struct node *over)
{
	struct node *sum;

	if (!node_is(under, NODE_MAP) || !node_is(over, NODE_MAP))
		return over;
	if (under->count == 0)
		return over;
	sum = node_copy(m->arena, under);
	sum->mark = over->mark;
	m->work += under->count;
	merge_into(m, sum, over);
	return sum;
}

void
merge_into(struct merge *m, struct node *map, const struct node *over)
{
	m->work += over->count;
	for (size_t i = 0; i < over->count; i++) {
		const struct node_pair *pair = &over->pairs[i];
		struct node *old = node_get(map, pair->key);

		node_set(m->arena, map, pair->key, pair->key_mark,
		    merge_nodes(m, old, pair->value));
	}
}
