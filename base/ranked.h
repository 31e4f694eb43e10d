/*
 * An ordered set whose members know their rank: a treap with subtree sizes. Members embed
 * a struct ranked_node, so nothing is allocated; every operation costs O(log n), the
 * first member is at hand. A member's key may change only while it is outside.
 */
#ifndef BASE_RANKED_H
#define BASE_RANKED_H

#include "base/base.h"

struct ranked_node {
	struct ranked_node *left, *right, *up;
	uint32_t weight;
	uint32_t size; /* of its subtree; 0: in no set */
};

/* < 0: a goes first. Never 0 for two members of one set. */
typedef int (*ranked_compare_fn)(
    const struct ranked_node *a, const struct ranked_node *b);

struct ranked {
	struct ranked_node *root, *first;
	ranked_compare_fn compare;
	uint32_t seed; /* of the weights: the same calls give the same tree */
};

#define RANKED_INIT(compare_fn)                                                          \
	{                                                                                \
		.compare = (compare_fn)                                                  \
	}

void ranked_insert(struct ranked *set, struct ranked_node *node);
void ranked_remove(struct ranked *set, struct ranked_node *node); /* one it has */

/* The one after it, NULL behind the last. */
struct ranked_node *ranked_next(const struct ranked_node *node);

size_t ranked_count(const struct ranked *set);

/* How many go before it. */
size_t ranked_rank(const struct ranked_node *node);

static inline bool
ranked_has(const struct ranked_node *node)
{
	return node->size != 0;
}

/* The struct of TYPE that embeds node, which is not NULL, as MEMBER. */
#define ranked_of(node, type, member)                                                    \
	((type *)ranked_container((node), offsetof(type, member)))

/* That of the first member of a set; NULL when it is empty. */
#define ranked_first(set, type, member)                                                  \
	((set)->first == NULL ? NULL : ranked_of((set)->first, type, member))

static inline void *
ranked_container(const struct ranked_node *node, size_t offset)
{
	return (char *)(uintptr_t)node - offset;
}

#endif
