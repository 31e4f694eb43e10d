/* Which caches an entry means: its keys, as paths that stay in the store. */
#include "base/hash.h"
#include "base/path.h"
#include "base/str.h"
#include "runner/cache_internal.h"
#include "runner/environment.h"

#define MAX_KEY 200 /* a longer one is replaced by its hash */

/* "%2f" and "%2e" are what they stand for; a backslash is a slash. */
static void
decode(char *key)
{
	char *out = key;

	for (const char *p = key; *p != '\0'; p++) {
		if (*p == '%' && p[1] == '2' && (p[2] == 'f' || p[2] == 'F')) {
			*out++ = '/';
			p += 2;
		} else if (*p == '%' && p[1] == '2' && (p[2] == 'e' || p[2] == 'E')) {
			*out++ = '.';
			p += 2;
		} else {
			*out++ = *p == '\\' ? '/' : *p;
		}
	}
	*out = '\0';
}

/* Without ".", ".." and doubled slashes, as a path that cannot leave its root. */
static char *
resolve(const char *key)
{
	cleanup_buf struct buf out = BUF_INIT;

	while (*key != '\0') {
		size_t n = strcspn(key, "/");

		if (n == 2 && memcmp(key, "..", 2) == 0) {
			while (out.len > 0 && out.data[--out.len] != '/')
				;
		} else if (n > 0 && !(n == 1 && *key == '.')) {
			if (out.len > 0)
				buf_add_char(&out, '/');
			buf_add(&out, key, n);
		}
		key += n + (key[n] == '/');
	}
	return xstrndup(buf_str(&out), out.len);
}

/* Layers lie there. */
static bool
is_ours(const char *path)
{
	size_t n = strlen(LAYER_STORE_FOLDER);

	return str_starts(path, LAYER_STORE_FOLDER) &&
	    (path[n] == '/' || path[n] == '\0');
}

/* A key as a path that stays in the store; NULL when nothing of it is left. */
static char *
clean_key(const struct strlist *env, const char *text)
{
	cleanup_free char *key = environment_expand(env, text), *path = NULL;
	char hash[HASH_SHA256_HEX];

	decode(key);
	for (size_t n = strlen(key); n > 0 && strchr(" \t\r\n", key[n - 1]) != NULL; n--)
		key[n - 1] = '\0';
	if (strlen(key) > MAX_KEY) {
		hash_sha256_hex(key, strlen(key), hash);
		return xstrdup(hash);
	}
	path = resolve(key);
	if (is_ours(path)) {
		hash_sha256_hex(path, strlen(path), hash);
		return xstrdup(hash);
	}
	return *path == '\0' ? NULL : take(path);
}

char *
cache_file(const struct cache_store *s, const char *key, const char *name)
{
	return xasprintf("%s/%s/%s", s->dir, key, name);
}

static bool
try_key(const struct cache_store *s, const char *text, cache_key_fn found, void *data)
{
	cleanup_free char *key = clean_key(s->view->env, text);

	return key != NULL && !(s->cancel != NULL && atomic_load(s->cancel)) &&
	    found(s, key, data);
}

bool
cache_try_keys(const struct cache_store *s, const struct job_cache *c, cache_key_fn found,
    void *data)
{
	const char *last = job_payload_variable(s->job, "CACHE_FALLBACK_KEY");

	if (try_key(s, c->key, found, data))
		return true;
	for (size_t i = 0; i < c->fallback_key_count; i++)
		if (try_key(s, c->fallback_keys[i], found, data))
			return true;
	if (last == NULL || *last == '\0')
		return false;
	if (!str_ends(last, "-protected"))
		return try_key(s, last, found, data);
	buf_printf(s->log,
	    CACHE_WARNING "CACHE_FALLBACK_KEY %s is not used: caches of protected "
			  "branches are for these alone" CACHE_END,
	    last);
	return false;
}

/* "pull-push" allows both; a policy may be a variable. */
static bool
policy_allows(const struct cache_store *s, const struct job_cache *c, const char *what)
{
	cleanup_free char *policy =
	    environment_expand(s->view->env, c->policy == NULL ? "" : c->policy);

	return *policy == '\0' || str_eq(policy, "pull-push") || str_eq(policy, what);
}

static bool
has_files(const struct job_cache *c)
{
	return c->path_count > 0 || c->untracked;
}

bool
cache_is_wanted(const struct cache_store *s, const struct job_cache *c, const char *what)
{
	return has_files(c) && policy_allows(s, c, what);
}

char *
cache_own_key(const struct cache_store *s, const struct job_cache *c)
{
	return clean_key(s->view->env, c->key);
}
