/* Sets of tags. Each text is kept once, as long as somebody has it. */
#include "scheduler/core_internal.h"

static struct tag *
get_tag(struct core *core, const char *name)
{
	struct tag *tag = map_get(&core->tags, name);

	if (tag == NULL) {
		tag = xcalloc(1, sizeof(*tag));
		tag->name = xstrdup(name);
		map_set(&core->tags, name, tag);
	}
	tag->refs++;
	return tag;
}

static void
release_tag(struct core *core, struct tag *tag)
{
	if (--tag->refs > 0)
		return;
	map_remove(&core->tags, tag->name);
	free(tag->name);
	free(tag);
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* In order and none twice; the caller frees the array. */
static const char **
sorted(const struct strs *names, size_t *count)
{
	const char **out = xcalloc(names->count + 1, sizeof(*out));
	size_t n = 0;

	for (size_t i = 0; i < names->count; i++)
		out[i] = names->items[i];
	qsort(out, names->count, sizeof(*out), compare_names);
	for (size_t i = 0; i < names->count; i++)
		if (n == 0 || strcmp(out[n - 1], out[i]) != 0)
			out[n++] = out[i];
	*count = n;
	return out;
}

struct tags
core_tags(struct core *core, const struct strs *names)
{
	struct tags tags = { NULL, 0 };
	cleanup_free const char **all = NULL;

	if (names->count == 0)
		return tags;
	all = sorted(names, &tags.count);
	tags.items = xcalloc(tags.count, sizeof(*tags.items));
	for (size_t i = 0; i < tags.count; i++)
		tags.items[i] = get_tag(core, all[i]);
	return tags;
}

struct tags
core_find_tags(const struct core *core, const struct strs *names, struct tag **unknown)
{
	struct tags tags = { NULL, 0 };
	cleanup_free const char **all = sorted(names, &tags.count);

	tags.items = xcalloc(tags.count + 1, sizeof(*tags.items));
	*unknown = xcalloc(tags.count + 1, sizeof(**unknown));
	for (size_t i = 0; i < tags.count; i++) {
		tags.items[i] = map_get(&core->tags, all[i]);
		if (tags.items[i] != NULL)
			continue;
		(*unknown)[i].name = (char *)(uintptr_t)all[i];
		tags.items[i] = &(*unknown)[i];
	}
	return tags;
}

void
core_release_tags(struct core *core, struct tags *tags)
{
	for (size_t i = 0; i < tags->count; i++)
		release_tag(core, tags->items[i]);
	free(tags->items);
	*tags = (struct tags){ NULL, 0 };
}

void
core_tags_key(const struct strs *names, struct buf *out)
{
	cleanup_free const char **all = NULL;
	size_t count = 0;

	if (names->count == 0)
		return;
	all = sorted(names, &count);
	for (size_t i = 0; i < count; i++)
		buf_printf(out, "%zu:%s", strlen(all[i]), all[i]);
}

const struct tag *
core_missing_tag(const struct tags *all, const struct tags *some)
{
	size_t k = 0;

	for (size_t i = 0; i < some->count; i++) {
		while (k < all->count && all->items[k] != some->items[i])
			k++;
		if (k == all->count)
			return some->items[i];
	}
	return NULL;
}

bool
core_has_tags(const struct tags *all, const struct tags *some)
{
	return core_missing_tag(all, some) == NULL;
}
