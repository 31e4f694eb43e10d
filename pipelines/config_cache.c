/* cache: one or several. */
#include <strings.h>

#include "base/str.h"
#include "pipelines/config_read.h"

#define CACHES_MAX 4

static const char *const result_whens[] = { "on_success", "on_failure", "always", NULL };
static const char *const policies[] = { "pull-push", "pull", "push", NULL };

static const struct value_limits files_limits = { .min = 1, .max = 10 };
static const struct value_limits commits_limits = { .min = 1, .max = 2 };
static const struct value_limits fallback_limits = { .max = 5 };

#define CACHE(field) offsetof(struct cache, field)

/* Only dots, plain or as %2E: the name of a folder that is none. */
static bool
is_only_dots(const char *s)
{
	const char *p = s;

	while (*p != '\0') {
		if (*p == '.')
			p++;
		else if (strncasecmp(p, "%2e", 3) == 0)
			p += 3;
		else
			return false;
	}
	return p != s;
}

static void
check_key(struct reader *r, const struct node *n)
{
	if (strchr(n->text, '/') != NULL || strcasestr(n->text, "%2f") != NULL)
		value_error(r, n->mark,
		    "is \"%s\"; a key must not contain `/`: use `-` or $CI_COMMIT_REF_SLUG",
		    n->text);
	else if (is_only_dots(n->text))
		value_error(r, n->mark, "is \"%s\"; a key must not consist of dots only",
		    n->text);
}

static void
read_commit_files(struct reader *r, const struct node *n, const void *arg, void *out)
{
	struct cache *cache = out;

	cache->key_by_commits = true;
	value_strings(r, n, arg, &cache->key_files);
}

static const struct value_field key_fields[] = {
	{ "files", value_strings, CACHE(key_files), &files_limits, 0 },
	{ "files_commits", read_commit_files, 0, &commits_limits, 0 },
	{ "prefix", value_string, CACHE(key_prefix), NULL, 0 },
};
static const struct value_shape key_shape = VALUE_SHAPE(key_fields);

static void
read_key_map(struct reader *r, const struct node *n, struct cache *cache)
{
	bool files = !node_is_null(node_get(n, "files"));
	bool commits = !node_is_null(node_get(n, "files_commits"));

	value_map(r, n, &key_shape, cache);
	if (files && commits)
		value_error(
		    r, n->mark, "has both `files` and `files_commits`; keep one of them");
	if (!files && !commits)
		value_error(r, n->mark,
		    "lacks `files`, a list of the files whose content "
		    "makes the key");
}

static void
read_key(struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	struct cache *cache = out;

	if (n->kind == NODE_MAP) {
		read_key_map(r, n, cache);
	} else if (n->kind == NODE_STRING) {
		cache->key = n->text;
		check_key(r, n);
	} else {
		value_expected(r, n, "a string or a map with `files`");
	}
}

static void
read_policy(struct reader *r, const struct node *n, const void *arg, void *out)
{
	if (n->kind == NODE_STRING && strchr(n->text, '$') != NULL)
		value_string(r, n, NULL, out);
	else
		value_choice(r, n, arg, out);
}

static const struct value_field cache_fields[] = {
	{ "key", read_key, 0, NULL, 0 },
	{ "paths", value_strings, CACHE(paths), NULL, 0 },
	{ "fallback_keys", value_strings, CACHE(fallback_keys), &fallback_limits, 0 },
	{ "policy", read_policy, CACHE(policy), policies, 0 },
	{ "untracked", value_bool, CACHE(untracked), NULL, 0 },
	{ "unprotect", value_bool, CACHE(unprotect), NULL, 0 },
	{ "when", value_enum, CACHE(when), result_whens, 0 },
};
static const struct value_shape cache_shape = VALUE_SHAPE(cache_fields);

struct cache_list {
	struct caches *caches;
	size_t cap, given;
};

/* An empty map is given, but none: it switches a default off. */
static void
add_cache(struct reader *r, const struct node *entry, void *into)
{
	struct cache_list *l = into;
	struct cache cache = { .policy = "pull-push" };

	if (value_is_empty_entry(r, entry))
		return;
	l->given++;
	value_map(r, entry, &cache_shape, &cache);
	if (entry->kind != NODE_MAP || entry->count == 0)
		return;
	ARENA_GROW(r->arena, l->caches->items, l->caches->count, l->cap);
	l->caches->items[l->caches->count++] = cache;
}

void
config_read_caches(
    struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	struct caches caches = { 0 };
	struct cache_list list = { .caches = &caches };

	if (n->kind == NODE_LIST)
		value_each_entry(r, n, add_cache, &list);
	else if (n->kind == NODE_MAP)
		add_cache(r, n, &list);
	else
		value_expected(r, n, "a map or a list of maps");
	if (list.given > CACHES_MAX)
		value_error(r, n->mark, "has %zu caches, at most %d are allowed",
		    list.given, CACHES_MAX);
	*(struct caches *)out = caches;
}
