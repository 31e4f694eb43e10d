/*
 * Building and asking nodes. An array's capacity follows from its count (the next power
 * of two, at least four), so a node need not carry it.
 */
#include "pipelines/node.h"

#include "base/map.h"

#define TEXT_UNIT ((size_t)256) /* a text weighs as much as a node for each */
#define FIRST_CAP ((size_t)4)
#define INDEX_FROM ((size_t)12) /* below it comparing keys is as quick as hashing */

/* Open addressing; a slot holds a pair's number + 1. */
struct node_index {
	size_t size;
	struct slot {
		uint32_t pair, hash;
	} slots[];
};

static size_t
cap_of(size_t count)
{
	size_t cap = FIRST_CAP;

	while (cap < count)
		cap *= 2;
	return count == 0 ? 0 : cap;
}

static uint32_t
add_saturating(uint32_t a, uint32_t b)
{
	return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

struct node *
node_new(struct arena *a, enum node_kind kind, struct mark mark)
{
	struct node *n = arena_alloc(a, sizeof(*n));

	n->kind = kind;
	n->mark = mark;
	n->text = "";
	n->weight = 1;
	n->depth = 1;
	n->has_reference = kind == NODE_REFERENCE;
	return n;
}

struct node *
node_new_string(struct arena *a, const char *text, struct mark mark)
{
	struct node *n = node_new(a, NODE_STRING, mark);

	node_set_text(a, n, text, strlen(text));
	return n;
}

void
node_set_text(struct arena *a, struct node *n, const char *text, size_t len)
{
	n->text = arena_strndup(a, text, len);
	n->weight = (uint32_t)(1 + len / TEXT_UNIT);
}

/* ---- keys
 * ----------------------------------------------------------------------------*/

static void
index_put(struct node_index *index, const char *key, size_t pair)
{
	uint64_t hash = map_hash(key);
	size_t i = hash & (index->size - 1);

	while (index->slots[i].pair != 0)
		i = (i + 1) & (index->size - 1);
	index->slots[i].pair = (uint32_t)pair + 1;
	index->slots[i].hash = (uint32_t)(hash >> 32);
}

static void
index_build(struct arena *a, struct node *map)
{
	size_t size = 4 * cap_of(map->count);

	map->index = arena_alloc(a, sizeof(*map->index) + size * sizeof(struct slot));
	map->index->size = size;
	for (size_t i = 0; i < map->count; i++)
		index_put(map->index, map->pairs[i].key, i);
}

static const struct node_pair *
index_find(const struct node *map, const char *key)
{
	const struct node_index *index = map->index;
	uint64_t hash = map_hash(key);

	for (size_t i = hash & (index->size - 1); index->slots[i].pair != 0;
	     i = (i + 1) & (index->size - 1)) {
		const struct node_pair *pair = &map->pairs[index->slots[i].pair - 1];

		if (index->slots[i].hash == (uint32_t)(hash >> 32) &&
		    strcmp(pair->key, key) == 0)
			return pair;
	}
	return NULL;
}

const struct node_pair *
node_get_pair(const struct node *map, const char *key)
{
	if (map == NULL || map->kind != NODE_MAP)
		return NULL;
	if (map->index != NULL)
		return index_find(map, key);
	for (size_t i = 0; i < map->count; i++)
		if (strcmp(map->pairs[i].key, key) == 0)
			return &map->pairs[i];
	return NULL;
}

struct node *
node_get(const struct node *map, const char *key)
{
	const struct node_pair *pair = node_get_pair(map, key);

	return pair == NULL ? NULL : pair->value;
}

/* ---- building
 * ------------------------------------------------------------------------*/

static void
weigh(struct node *container, const struct node *added)
{
	uint32_t below = add_saturating(added->depth, 1);

	container->weight = add_saturating(container->weight, added->weight);
	if (below > container->depth)
		container->depth = below;
	container->has_reference |= added->has_reference;
}

/* Depth and has_reference may go on counting what is left out: they are bounds. */
static void
unweigh(struct node *container, const struct node *removed)
{
	if (container->weight != UINT32_MAX)
		container->weight -= removed->weight;
}

static void *
grown(struct arena *a, void *array, size_t count, size_t size)
{
	void *more;

	if (count != 0 && count != cap_of(count))
		return array;
	more = arena_calloc(a, cap_of(count + 1), size);
	if (count > 0)
		memcpy(more, array, count * size);
	return more;
}

void
node_append(struct arena *a, struct node *list, struct node *item)
{
	list->items = grown(a, list->items, list->count, sizeof(struct node *));
	list->items[list->count++] = item;
	weigh(list, item);
}

void
node_set(struct arena *a, struct node *map, const char *key, struct mark key_mark,
    struct node *value)
{
	const struct node_pair *old = node_get_pair(map, key);

	if (old != NULL) {
		size_t i = (size_t)(old - map->pairs);

		map->pairs[i].key_mark = key_mark;
		node_replace_pair(map, i, value);
		return;
	}
	map->pairs = grown(a, map->pairs, map->count, sizeof(struct node_pair));
	map->pairs[map->count++] = (struct node_pair){ key, key_mark, value };
	weigh(map, value);
	if (map->index != NULL && map->count * 2 <= map->index->size)
		index_put(map->index, key, map->count - 1);
	else if (map->count >= INDEX_FROM)
		index_build(a, map);
}

struct node *
node_copy(struct arena *a, const struct node *n)
{
	struct node *copy = arena_memdup(a, n, sizeof(*n));

	copy->index = NULL;
	if (n->kind == NODE_MAP && n->count > 0) {
		copy->pairs = arena_calloc(a, cap_of(n->count), sizeof(*n->pairs));
		memcpy(copy->pairs, n->pairs, n->count * sizeof(*n->pairs));
		if (n->count >= INDEX_FROM)
			index_build(a, copy);
	} else if (n->count > 0) {
		copy->items = arena_calloc(a, cap_of(n->count), sizeof(struct node *));
		memcpy(copy->items, n->items, n->count * sizeof(struct node *));
	}
	return copy;
}

void
node_replace_pair(struct node *map, size_t i, struct node *value)
{
	unweigh(map, map->pairs[i].value);
	map->pairs[i].value = value;
	weigh(map, value);
}

void
node_replace_item(struct node *list, size_t i, struct node *item)
{
	unweigh(list, list->items[i]);
	list->items[i] = item;
	weigh(list, item);
}

/* ---- asking
 * --------------------------------------------------------------------------*/

static bool
maps_equal(const struct node *a, const struct node *b)
{
	for (size_t i = 0; i < a->count; i++) {
		const struct node *other = node_get(b, a->pairs[i].key);

		if (other == NULL || !node_equal(a->pairs[i].value, other))
			return false;
	}
	return true;
}

bool
node_equal(const struct node *a, const struct node *b)
{
	if (a == b)
		return true;
	if (a->kind != b->kind || a->count != b->count || strcmp(a->text, b->text) != 0)
		return false;
	if (a->kind == NODE_MAP)
		return maps_equal(a, b);
	for (size_t i = 0; i < a->count; i++)
		if (!node_equal(a->items[i], b->items[i]))
			return false;
	return true;
}

const char *
node_kind_name(enum node_kind kind)
{
	static const char *const names[] = {
		[NODE_NULL] = "nothing (null)",
		[NODE_BOOL] = "a boolean",
		[NODE_INT] = "an integer",
		[NODE_FLOAT] = "a number",
		[NODE_STRING] = "a string",
		[NODE_LIST] = "a list",
		[NODE_MAP] = "a map",
		[NODE_REFERENCE] = "a !reference",
	};

	return names[kind];
}
