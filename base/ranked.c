/* The treap: a binary search tree by key, a heap by weight. */
#include "base/ranked.h"

#include <assert.h>

static uint32_t
size_of(const struct ranked_node *node)
{
	return node == NULL ? 0 : node->size;
}

static void
measure(struct ranked_node *node)
{
	node->size = 1 + size_of(node->left) + size_of(node->right);
}

/* Weights in no order that a sequence of keys could follow (the finaliser of murmur3). */
static uint32_t
next_weight(struct ranked *set)
{
	uint32_t h = set->seed += 0x9e3779b9;

	h = (h ^ h >> 16) * 0x85ebca6b;
	h = (h ^ h >> 13) * 0xc2b2ae35;
	return h ^ h >> 16;
}

/* Where the pointer to node stands. */
static struct ranked_node **
link_of(struct ranked *set, const struct ranked_node *node)
{
	if (node->up == NULL)
		return &set->root;
	return node->up->left == node ? &node->up->left : &node->up->right;
}

/* Turn node above its parent. */
static void
rotate_up(struct ranked *set, struct ranked_node *node)
{
	struct ranked_node *parent = node->up, **link = link_of(set, parent), *moved;

	if (parent->left == node) {
		moved = node->right;
		parent->left = moved;
		node->right = parent;
	} else {
		moved = node->left;
		parent->right = moved;
		node->left = parent;
	}
	if (moved != NULL)
		moved->up = parent;
	node->up = parent->up;
	parent->up = node;
	*link = node;
	measure(parent);
	measure(node);
}

void
ranked_insert(struct ranked *set, struct ranked_node *node)
{
	struct ranked_node **link = &set->root, *up = NULL;
	bool is_first = true;

	assert(node->size == 0);
	while (*link != NULL) {
		up = *link;
		up->size++;
		if (set->compare(node, up) < 0) {
			link = &up->left;
		} else {
			link = &up->right;
			is_first = false;
		}
	}
	*node = (struct ranked_node){ .up = up, .weight = next_weight(set), .size = 1 };
	*link = node;
	if (is_first)
		set->first = node;
	while (node->up != NULL && node->up->weight < node->weight)
		rotate_up(set, node);
}

void
ranked_remove(struct ranked *set, struct ranked_node *node)
{
	struct ranked_node *child;

	assert(node->size != 0);
	if (set->first == node)
		set->first = ranked_next(node);
	while (node->left != NULL && node->right != NULL)
		rotate_up(set,
		    node->left->weight > node->right->weight ? node->left : node->right);
	child = node->left != NULL ? node->left : node->right;
	*link_of(set, node) = child;
	if (child != NULL)
		child->up = node->up;
	for (struct ranked_node *n = node->up; n != NULL; n = n->up)
		n->size--;
	*node = (struct ranked_node){ .size = 0 };
}

struct ranked_node *
ranked_next(const struct ranked_node *node)
{
	struct ranked_node *n = node->right;

	if (n != NULL) {
		while (n->left != NULL)
			n = n->left;
		return n;
	}
	while (node->up != NULL && node->up->right == node)
		node = node->up;
	return node->up;
}

size_t
ranked_count(const struct ranked *set)
{
	return size_of(set->root);
}

size_t
ranked_rank(const struct ranked_node *node)
{
	size_t rank = size_of(node->left);

	for (; node->up != NULL; node = node->up)
		if (node->up->right == node)
			rank += 1 + size_of(node->up->left);
	return rank;
}
