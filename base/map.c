/* The ordered hash map: FNV-1a mixed with a per-process seed, linear probing. */
#include "base/map.h"

#include <stdatomic.h>
#include <sys/random.h>

#define EMPTY UINT32_MAX

static uint64_t
seed(void)
{
	static _Atomic uint64_t chosen;
	uint64_t value = atomic_load_explicit(&chosen, memory_order_relaxed), none = 0;

	if (value != 0)
		return value;
	if (getrandom(&value, sizeof(value), GRND_NONBLOCK) < 0)
		value = 0x9e3779b97f4a7c15;
	value |= 1;
	/* several threads may choose at once: the first one's is everybody's */
	return atomic_compare_exchange_strong(&chosen, &none, value) ? value : none;
}

uint64_t
map_hash(const char *key)
{
	uint64_t h = 0xcbf29ce484222325 ^ seed();

	for (; *key != '\0'; key++)
		h = (h ^ (unsigned char)*key) * 0x100000001b3;
	h ^= h >> 32;
	return h * 0x9e3779b97f4a7c15;
}

void
map_clear(struct map *m)
{
	for (size_t i = 0; i < m->count; i++)
		free(m->entries[i].key);
	free(m->entries);
	free(m->index);
	*m = (struct map)MAP_INIT;
}

static struct map_entry *
find(const struct map *m, const char *key, uint64_t hash)
{
	if (m->index_size == 0)
		return NULL;
	for (size_t i = hash & (m->index_size - 1);; i = (i + 1) & (m->index_size - 1)) {
		struct map_entry *e;

		if (m->index[i] == EMPTY)
			return NULL;
		e = &m->entries[m->index[i]];
		if (e->key != NULL && e->hash == hash && strcmp(e->key, key) == 0)
			return e;
	}
}

void *
map_get(const struct map *m, const char *key)
{
	struct map_entry *e = find(m, key, map_hash(key));

	return e == NULL ? NULL : e->value;
}

bool
map_has(const struct map *m, const char *key)
{
	return find(m, key, map_hash(key)) != NULL;
}

static void
index_entry(struct map *m, uint32_t n)
{
	size_t i = m->entries[n].hash & (m->index_size - 1);

	while (m->index[i] != EMPTY)
		i = (i + 1) & (m->index_size - 1);
	m->index[i] = n;
}

/* Drop removed entries and build an index twice as large as needed. */
static void
rebuild(struct map *m)
{
	size_t live = 0;

	for (size_t i = 0; i < m->count; i++)
		if (m->entries[i].key != NULL)
			m->entries[live++] = m->entries[i];
	m->count = live;
	m->index_size = 16;
	while (m->index_size < (live + 1) * 4)
		m->index_size *= 2;
	m->index = xreallocarray(m->index, m->index_size, sizeof(*m->index));
	memset(m->index, 0xff, m->index_size * sizeof(*m->index));
	for (size_t i = 0; i < live; i++)
		index_entry(m, (uint32_t)i);
}

void
map_set(struct map *m, const char *key, void *value)
{
	uint64_t hash = map_hash(key);
	struct map_entry *e = find(m, key, hash);

	if (e != NULL) {
		e->value = value;
		return;
	}
	if ((m->count + 1) * 2 > m->index_size)
		rebuild(m);
	GROW(m->entries, m->count, m->cap);
	m->entries[m->count] = (struct map_entry){ xstrdup(key), value, hash };
	index_entry(m, (uint32_t)m->count);
	m->count++;
	m->live++;
}

bool
map_remove(struct map *m, const char *key)
{
	struct map_entry *e = find(m, key, map_hash(key));

	if (e == NULL)
		return false;
	free(e->key);
	e->key = NULL; /* its slot stays as a tombstone until the next rebuild */
	e->value = NULL;
	m->live--;
	return true;
}
