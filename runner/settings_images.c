/* Which registries may go without TLS, which have mirrors, and how much is kept. */
#include "runner/settings_images.h"

#include "base/str.h"
#include "executors/container/image_store.h"
#include "pipelines/document.h"
#include "runner/settings_value.h"

#define MAX_GB 1000000

static void
read_high(const struct node *n, struct image_registries *out, struct diags *diags)
{
	if (!node_is(n, NODE_INT) || n->integer < 1 || n->integer > MAX_GB)
		diag_error(diags, DIAG_SHAPE, n->mark, NULL,
		    "high_gb should be a number from 1 to %d", MAX_GB);
	else
		out->high_bytes = (uint64_t)n->integer << 30;
}

/* A host, with a port where it has one; scheme and path would never be found. */
static bool
is_host(const struct node *n)
{
	return node_is_scalar(n) && *n->text != '\0' && strpbrk(n->text, "/ @") == NULL;
}

static void
read_insecure(const struct node *list, struct arena *arena, struct image_registries *out,
    struct diags *diags)
{
	const char **hosts;

	if (!node_is(list, NODE_LIST)) {
		diag_error(diags, DIAG_SHAPE, list->mark, NULL,
		    "insecure should be a list of registries, host or host:port");
		return;
	}
	hosts = arena_calloc(arena, list->count + 1, sizeof(*hosts));
	for (size_t i = 0; i < list->count; i++) {
		if (!is_host(list->items[i])) {
			diag_error(diags, DIAG_SHAPE, list->items[i]->mark, NULL,
			    "a registry should be its host or host:port alone");
			continue;
		}
		hosts[out->insecure_count++] = arena_strdup(arena, list->items[i]->text);
	}
	out->insecure = hosts;
}

static bool
is_place(const char *text)
{
	return *text != '\0' && *text != '/' && strpbrk(text, " @") == NULL &&
	    strstr(text, "://") == NULL && !str_ends(text, "/");
}

static void
read_mirrors(const struct node *map, struct arena *arena, struct image_registries *out,
    struct diags *diags)
{
	struct image_mirror *mirrors;

	if (!node_is(map, NODE_MAP)) {
		diag_error(diags, DIAG_SHAPE, map->mark, NULL,
		    "mirrors should be a map, as in docker.io: mirror.example.org/hub");
		return;
	}
	mirrors = arena_calloc(arena, map->count + 1, sizeof(*mirrors));
	for (size_t i = 0; i < map->count; i++) {
		const struct node_pair *pair = &map->pairs[i];

		if (!node_is_scalar(pair->value) || !is_place(pair->value->text) ||
		    !is_place(pair->key)) {
			diag_error(diags, DIAG_SHAPE, pair->key_mark, NULL,
			    "a mirror should be host[:port][/path] on both sides, "
			    "without http");
			continue;
		}
		mirrors[out->mirror_count++] =
		    (struct image_mirror){ .prefix = arena_strdup(arena, pair->key),
			    .location = arena_strdup(arena, pair->value->text) };
	}
	out->mirrors = mirrors;
}

static void
read_pair(const struct node_pair *pair, struct arena *arena, struct image_registries *out,
    struct diags *diags)
{
	static const char *const names[] = { "high_gb", "insecure", "mirrors", NULL };

	if (str_eq(pair->key, "high_gb")) {
		read_high(pair->value, out, diags);
	} else if (str_eq(pair->key, "insecure")) {
		read_insecure(pair->value, arena, out, diags);
	} else if (str_eq(pair->key, "mirrors")) {
		read_mirrors(pair->value, arena, out, diags);
	} else {
		settings_refuse_key(pair, names, "images", diags);
	}
}

const struct image_registries *
settings_read_images(const struct node *map, struct arena *arena, struct diags *diags)
{
	struct image_registries *out = arena_calloc(arena, 1, sizeof(*out));

	if (!node_is(map, NODE_MAP)) {
		diag_error(diags, DIAG_SHAPE, map->mark, NULL,
		    "images should be a map with high_gb, insecure or mirrors, not %s",
		    node_kind_name(map->kind));
		return out;
	}
	for (size_t i = 0; i < map->count; i++)
		read_pair(&map->pairs[i], arena, out, diags);
	return out;
}
