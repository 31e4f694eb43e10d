/*
 * What a YAML file says, before anyone knows what it means: scalars, lists, maps and
 * `!reference`, each with the place it was written. Nodes live in an arena and are
 * read-only once the document is loaded, so that they may be shared (aliases, extends,
 * included files) instead of copied.
 */
#ifndef PIPELINES_NODE_H
#define PIPELINES_NODE_H

#include "base/arena.h"

/* A place in a file; line and column count from 1, 0 means unknown. */
struct mark {
	const char *file; /* as a person would type it, relative to the repository root */
	uint32_t line, col;
};

enum node_kind {
	NODE_NULL,
	NODE_BOOL,
	NODE_INT,
	NODE_FLOAT,
	NODE_STRING,
	NODE_LIST,
	NODE_MAP,
	NODE_REFERENCE, /* !reference [a, b]: items are its parts; after loading only
			   those that could not be resolved are left */
};

struct node;

struct node_pair {
	const char *key;
	struct mark key_mark;
	struct node *value;
};

struct node_index; /* hashes the keys of a large map; node.c */

struct node {
	enum node_kind kind;
	struct mark mark;
	union {
		bool boolean;
		int64_t integer;
		double real;
	};
	/*
	 * Every scalar: its text, as a variable's value would show it. A string's own
	 * bytes; "true" for a boolean; a number as GitLab prints it (010 is "8"); "" for
	 * null.
	 */
	const char *text;
	struct node **items;     /* NODE_LIST, NODE_REFERENCE */
	struct node_pair *pairs; /* NODE_MAP: order of first appearance, keys unique */
	size_t count;            /* of items or pairs */
	struct node_index *index;
	/*
	 * What it would cost to write the node out with everything shared copied: the
	 * number of nodes, itself included (a long text counts as several), and the
	 * levels. Kept by node_set and node_append; both stop at UINT32_MAX.
	 */
	uint32_t weight, depth;
	bool has_reference; /* is, or somewhere holds, a NODE_REFERENCE */
};

struct node *node_new(struct arena *a, enum node_kind kind, struct mark mark);
struct node *node_new_string(struct arena *a, const char *text, struct mark mark);

/* Give a scalar its text, which is copied. */
void node_set_text(struct arena *a, struct node *n, const char *text, size_t len);

/* A list or map of its own with the same items or pairs, to be changed; the index is not
 * copied but made anew when needed. */
struct node *node_copy(struct arena *a, const struct node *n);

/* The value under key, NULL when absent or when map is NULL or no map. */
struct node *node_get(const struct node *map, const char *key);
const struct node_pair *node_get_pair(const struct node *map, const char *key);

/* While building: add or replace. The node must be unshared. */
void node_set(struct arena *a, struct node *map, const char *key, struct mark key_mark,
    struct node *value);
void node_append(struct arena *a, struct node *list, struct node *item);

static inline bool
node_is(const struct node *n, enum node_kind kind)
{
	return n != NULL && n->kind == kind;
}

/* NULL, or the null of YAML. */
static inline bool
node_is_null(const struct node *n)
{
	return n == NULL || n->kind == NODE_NULL;
}

static inline bool
node_is_scalar(const struct node *n)
{
	return n != NULL && n->kind <= NODE_STRING;
}

/* Put another value in a pair or an item's place, and keep weight and depth true. */
void node_replace_pair(struct node *map, size_t i, struct node *value);
void node_replace_item(struct node *list, size_t i, struct node *item);

/* The same value, whatever the marks and the order of a map's keys. */
bool node_equal(const struct node *a, const struct node *b);

/* "a string", "a list", … for messages. */
const char *node_kind_name(enum node_kind kind);

#endif
