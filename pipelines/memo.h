/*
 * Remembers what was made of a node or list, so that what jobs share (extends, aliases,
 * defaults) is read once. Keys are an address and a small tag. Caller's storage.
 */
#ifndef PIPELINES_MEMO_H
#define PIPELINES_MEMO_H

#include "base/base.h"

struct memo_entry {
	const void *key; /* NULL: free */
	unsigned tag;
	void *value;
};

struct memo {
	struct memo_entry *entries;
	size_t count, size; /* size is a power of two */
};

#define MEMO_INIT                                                                        \
	{                                                                                \
		.entries = NULL                                                          \
	}

void memo_clear(struct memo *m);
void *memo_get(const struct memo *m, const void *key, unsigned tag);
void memo_set(struct memo *m, const void *key, unsigned tag, void *value);

#endif
