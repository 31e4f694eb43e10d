/* The map of ids: linear probing; a removal moves back what stood behind it. */
#include "base/idmap.h"

#include <assert.h>

#define MIN_SIZE ((size_t)16)

void
idmap_clear(struct idmap *m)
{
	free(m->entries);
	*m = (struct idmap)IDMAP_INIT;
}

/* Where an id wants to stand. Neighbouring ids are spread (Fibonacci hashing). */
static size_t
home(const struct idmap *m, int64_t id)
{
	uint64_t h = (uint64_t)id * 0x9e3779b97f4a7c15;

	return (size_t)(h ^ h >> 32) & (m->size - 1);
}

/* The entry of that id, or the free one where it would go. */
static struct idmap_entry *
find(const struct idmap *m, int64_t id)
{
	size_t i = home(m, id);

	while (m->entries[i].value != NULL && m->entries[i].id != id)
		i = (i + 1) & (m->size - 1);
	return &m->entries[i];
}

static void
resize(struct idmap *m, size_t size)
{
	struct idmap_entry *old = m->entries;
	size_t old_size = m->size;

	m->entries = xcalloc(size, sizeof(*m->entries));
	m->size = size;
	for (size_t i = 0; i < old_size; i++)
		if (old[i].value != NULL)
			*find(m, old[i].id) = old[i];
	free(old);
}

void *
idmap_get(const struct idmap *m, int64_t id)
{
	return m->count == 0 ? NULL : find(m, id)->value;
}

void
idmap_set(struct idmap *m, int64_t id, void *value)
{
	struct idmap_entry *e;

	assert(value != NULL);
	if ((m->count + 1) * 3 > m->size * 2)
		resize(m, m->size == 0 ? MIN_SIZE : m->size * 2);
	e = find(m, id);
	m->count += e->value == NULL;
	*e = (struct idmap_entry){ id, value };
}

/* Close the gap at i: each entry behind it that would not be found any more moves up. */
static void
close_gap(struct idmap *m, size_t i)
{
	size_t mask = m->size - 1;

	for (size_t k = (i + 1) & mask; m->entries[k].value != NULL; k = (k + 1) & mask) {
		size_t from_home = (k - home(m, m->entries[k].id)) & mask;

		if (from_home < ((k - i) & mask))
			continue;
		m->entries[i] = m->entries[k];
		i = k;
	}
	m->entries[i] = (struct idmap_entry){ 0, NULL };
}

void *
idmap_remove(struct idmap *m, int64_t id)
{
	struct idmap_entry *e;
	void *value;

	if (m->count == 0)
		return NULL;
	e = find(m, id);
	value = e->value;
	if (value == NULL)
		return NULL;
	close_gap(m, (size_t)(e - m->entries));
	m->count--;
	if (m->size > MIN_SIZE && m->count * 8 < m->size)
		resize(m, m->size / 4 < MIN_SIZE ? MIN_SIZE : m->size / 4);
	return value;
}
