/*
 * A hash map from strings to pointers that remembers insertion order. Keys are copied;
 * values belong to the caller. Hashing is seeded per process (hostile keys). Open
 * addressing over an entry array: walking it is walking entries[0..count).
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/base.h"

struct map_entry {
	char *key; /* NULL: removed */
	void *value;
	uint64_t hash;
};

struct map {
	struct map_entry *entries;
	size_t count, cap; /* count includes removed entries */
	uint32_t *index;
	size_t index_size, live;
};

#define MAP_INIT                                                                         \
	{                                                                                \
		.entries = NULL                                                          \
	}

/* The seeded hash of a key, for other tables that meet hostile keys. */
uint64_t map_hash(const char *key);

void map_clear(struct map *m);
void *map_get(const struct map *m, const char *key); /* NULL when absent */
bool map_has(const struct map *m, const char *key);
void map_set(struct map *m, const char *key, void *value); /* replaces */
bool map_remove(struct map *m, const char *key);

/* for (struct map_entry *e …): in insertion order, removed ones left out. */
#define map_for_each(e, m)                                                               \
	for (struct map_entry *e = (m)->entries,                                         \
			      *e##_end = e == NULL ? NULL : e + (m)->count;              \
	     e != e##_end; e++)                                                          \
		if (e->key != NULL)

#define cleanup_map __attribute__((cleanup(map_clear)))

#endif
