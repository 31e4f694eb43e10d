/* Near misses. What is searched is bounded: a hostile file has many keys and errors. */
#include "pipelines/suggest.h"

#include "base/str.h"

#define MAX_FINDINGS 20
#define MAX_KEYS 5000
#define MIN_LETTERS 3 /* everything is near a shorter word */

const char *
suggest_name(const struct diags *d, const char *const *names, const char *word)
{
	const char *near = NULL;

	if (d->count < MAX_FINDINGS && strlen(word) >= MIN_LETTERS)
		near = str_nearest(word, names);
	return near == NULL ? "" : arena_printf(d->arena, "; did you mean \"%s\"?", near);
}

const char *
suggest_key(const struct diags *d, const struct node *map, const char *word)
{
	size_t count = map == NULL ? 0 : map->count;
	cleanup_free const char **names = NULL;

	if (d->count >= MAX_FINDINGS)
		return "";
	if (count > MAX_KEYS)
		count = MAX_KEYS;
	names = xcalloc(count + 1, sizeof(const char *));
	for (size_t i = 0; i < count; i++)
		names[i] = map->pairs[i].key;
	return suggest_name(d, names, word);
}
