/*
 * A hash map from ids (any int64_t) to pointers, for tables that come and go: removing
 * leaves nothing behind, so its size follows what is in it. Values belong to the caller
 * and are not NULL. Ids are our own counters: hostile ones are not defended against.
 */
#ifndef BASE_IDMAP_H
#define BASE_IDMAP_H

#include "base/base.h"

struct idmap_entry {
	int64_t id;
	void *value; /* NULL: free */
};

struct idmap {
	struct idmap_entry *entries;
	size_t count, size; /* size: a power of two, or 0 */
};

#define IDMAP_INIT                                                                       \
	{                                                                                \
		.entries = NULL                                                          \
	}

void idmap_clear(struct idmap *m);
void *idmap_get(const struct idmap *m, int64_t id);       /* NULL when absent */
void idmap_set(struct idmap *m, int64_t id, void *value); /* replaces */
void *idmap_remove(struct idmap *m, int64_t id);          /* what was there, or NULL */

/* for (struct idmap_entry *e …): in no order. The map must not change meanwhile. */
#define idmap_for_each(e, m)                                                             \
	for (struct idmap_entry *e = (m)->entries,                                       \
				*e##_end = e == NULL ? NULL : e + (m)->size;             \
	     e != e##_end; e++)                                                          \
		if (e->value != NULL)

#endif
