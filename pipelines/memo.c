/* Open addressing with linear probing, at most half full. */
#include "pipelines/memo.h"

#define MEMO_START 256

void
memo_clear(struct memo *m)
{
	free(m->entries);
	*m = (struct memo)MEMO_INIT;
}

static struct memo_entry *
find(const struct memo *m, const void *key, unsigned tag)
{
	uint64_t h = ((uint64_t)(uintptr_t)key + tag) * UINT64_C(0x9e3779b97f4a7c15);
	size_t i = (size_t)(h >> 32) & (m->size - 1);

	while (m->entries[i].key != NULL &&
	    (m->entries[i].key != key || m->entries[i].tag != tag))
		i = (i + 1) & (m->size - 1);
	return &m->entries[i];
}

void *
memo_get(const struct memo *m, const void *key, unsigned tag)
{
	return m->size == 0 ? NULL : find(m, key, tag)->value;
}

static void
grow(struct memo *m)
{
	struct memo old = *m;

	m->size = old.size == 0 ? MEMO_START : old.size * 2;
	m->entries = xcalloc(m->size, sizeof(*m->entries));
	for (size_t i = 0; i < old.size; i++)
		if (old.entries[i].key != NULL)
			*find(m, old.entries[i].key, old.entries[i].tag) = old.entries[i];
	free(old.entries);
}

void
memo_set(struct memo *m, const void *key, unsigned tag, void *value)
{
	struct memo_entry *e;

	if (m->count * 2 >= m->size)
		grow(m);
	e = find(m, key, tag);
	m->count += e->key == NULL;
	*e = (struct memo_entry){ .key = key, .tag = tag, .value = value };
}
