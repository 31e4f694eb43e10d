/*
 * Scopes of variables: definitions in order, and a hash table from a name to the one
 * that counts. Everything lies in the arena, so a scope costs nothing until it is used.
 */
#include "pipelines/vars.h"

#include "base/str.h"
#include "pipelines/vars_ref.h"

#define FIRST_INDEX 16

struct vars_slot {
	uint32_t hash;
	uint32_t item; /* index + 1 into items; 0: free */
};

bool
var_fits_everywhere(const struct var *var)
{
	return var->environment_scope == NULL || str_eq(var->environment_scope, "*");
}

/* Where the program was loaded (ASLR) is the seed: names come from strangers. */
uint32_t
vars_hash(const char *name, size_t len)
{
	uint64_t h = 0xcbf29ce484222325 ^ (uint64_t)(uintptr_t)&vars_hash;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)name[i]) * 0x100000001b3;
	h ^= h >> 32;
	return (uint32_t)((h * 0x9e3779b97f4a7c15) >> 32);
}

void
vars_init(struct vars *v, struct arena *arena, const struct vars *parent)
{
	*v = (struct vars){ .parent = parent, .arena = arena };
}

void
vars_clear(struct vars *v)
{
	*v = (struct vars){ .arena = NULL };
}

/* The slot of that name, or the free one where it belongs; there is always a free one. */
static struct vars_slot *
find_slot(const struct vars *v, const char *name, size_t len, uint32_t hash)
{
	size_t mask = v->index_size - 1;

	for (size_t i = hash & mask;; i = (i + 1) & mask) {
		struct vars_slot *slot = &v->index[i];

		if (slot->item == 0 ||
		    (slot->hash == hash &&
			vars_name_is(v->items[slot->item - 1].name, name, len)))
			return slot;
	}
}

static void
grow_index(struct vars *v)
{
	struct vars_slot *old = v->index;
	size_t old_size = v->index_size;

	v->index_size = old_size == 0 ? FIRST_INDEX : old_size * 4;
	v->index = arena_calloc(v->arena, v->index_size, sizeof(*v->index));
	for (size_t i = 0; i < old_size; i++) {
		size_t at = old[i].hash & (v->index_size - 1);

		if (old[i].item == 0)
			continue;
		while (v->index[at].item != 0)
			at = (at + 1) & (v->index_size - 1);
		v->index[at] = old[i];
	}
}

void
vars_set(struct vars *v, const struct var *var)
{
	size_t len = strlen(var->name);
	uint32_t hash = vars_hash(var->name, len);
	struct vars_slot *slot;
	struct var *item;

	if ((v->count + 1) * 2 > v->index_size)
		grow_index(v);
	slot = find_slot(v, var->name, len, hash);
	ARENA_GROW(v->arena, v->items, v->count, v->cap);
	item = &v->items[v->count++];
	*item = *var;
	item->name = arena_strndup(v->arena, var->name, len);
	item->value = arena_strdup(v->arena, var->value == NULL ? "" : var->value);
	item->environment_scope = arena_strdup(v->arena, var->environment_scope);
	if (slot->item == 0 || v->items[slot->item - 1].level <= item->level)
		*slot = (struct vars_slot){ hash, (uint32_t)v->count };
}

void
vars_set_str(struct vars *v, enum var_level level, const char *name, const char *value)
{
	struct var var = { .name = name, .value = value, .level = level };

	vars_set(v, &var);
}

const struct var *
vars_find(const struct vars *v, const char *name, size_t len)
{
	uint32_t hash = vars_hash(name, len);
	const struct var *best = NULL;

	for (; v != NULL; v = v->parent) {
		const struct vars_slot *slot;
		const struct var *found;

		if (v->index_size == 0)
			continue;
		slot = find_slot(v, name, len, hash);
		if (slot->item == 0)
			continue;
		found = &v->items[slot->item - 1];
		if (best == NULL || found->level > best->level)
			best = found;
	}
	return best;
}

const struct var *
vars_get(const struct vars *v, const char *name)
{
	return vars_find(v, name, strlen(name));
}

const char *
vars_value(const struct vars *v, const char *name)
{
	const struct var *var = vars_get(v, name);

	return var == NULL ? NULL : var->value;
}
