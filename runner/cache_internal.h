/* What the two ways of keeping a cache share. Only runner/cache*.c include this. */
#ifndef RUNNER_CACHE_INTERNAL_H
#define RUNNER_CACHE_INTERNAL_H

#include "base/buf.h"
#include "base/hash.h"
#include "runner/cache.h"
#include "runner/cache_remote.h"

#define CACHE_NS INT64_C(1000000000)
/* What is kept has times up to this one, or little later: September 2001. */
#define CACHE_NEWEST_NS (INT64_C(1000000000) * CACHE_NS)

#define CACHE_HEADLINE(text) "\033[36;1m" text "\033[0;m\n"
#define CACHE_WARNING "\033[0;33mWARNING: "
#define CACHE_END "\033[0;m\n"

/* What the steps of restoring and saving share. */
struct cache_store {
	const struct job_payload *job;
	const struct workspace_view *view;
	const char *dir;
	const struct cache_mounts *mounts; /* may be NULL */
	const atomic_bool *cancel;
	struct buf *log;
	struct cache_remote_use *remote; /* NULL: there is none */
	/* Nobody looks at the workspace any more: its files are linked, not copied. */
	bool may_link;
};

/* The key an entry is saved under; NULL: nothing of it is left. malloced. */
char *cache_own_key(const struct cache_store *s, const struct job_cache *c);

/* DIR/KEY/NAME, malloced. */
char *cache_file(const struct cache_store *s, const char *key, const char *name);

/*
 * Call found for the cleaned keys of an entry, in order, until it says that it was the
 * one. False: none was.
 */
typedef bool (*cache_key_fn)(const struct cache_store *s, const char *key, void *data);
bool cache_try_keys(const struct cache_store *s, const struct job_cache *c,
    cache_key_fn found, void *data);

/* Has the entry files, and does its policy allow "pull" or "push"? */
bool cache_is_wanted(
    const struct cache_store *s, const struct job_cache *c, const char *what);

/* What to add to the times of what is kept: so that all of it is older than any source.
 */
int64_t cache_restore_shift(const struct workspace_view *view, int64_t newest_ns);

/* The files as they are: how new the newest is, and a hash of all but their content. */
struct cache_state {
	int64_t newest_ns, newest_file_ns;
	char hash[HASH_SHA256_HEX];
};

void cache_look_at(int fd, const struct strlist *paths, struct cache_state *out);

/* The files of an entry, as they are in the workspace; what was found goes to the log. */
MUST_CHECK int cache_list_files(const struct cache_store *s, const struct job_cache *c,
    struct strlist *out, struct error *err);

/* Is a set, and no newer archive, what a key has? */
bool cache_has_set(const struct cache_store *s, const char *key);

/* Copy a set into the workspace. False: it is missing or damaged. */
bool cache_copy_set(const struct cache_store *s, const char *key);

/*
 * Save an entry as layers; index is its place in job->caches. *id: the name of what the
 * key has then; malloced; NULL: nothing was there to save.
 */
MUST_CHECK int cache_save_layers(const struct cache_store *s, size_t index,
    const char *key, char **id, struct error *err);

/* What an entry is to hold, as layer_set.paths; plain (may be NULL) gets its paths that
 * have no wildcards. */
void cache_hash_paths(const struct cache_store *s, const struct job_cache *c,
    struct strlist *plain, char out[HASH_SHA256_HEX]);

/* An archive becomes what the key has; id as above. archive: a file, read from its
 * beginning. */
MUST_CHECK int cache_import(const struct cache_store *s, const struct job_cache *c,
    const char *key, int archive, char **id, struct error *err);

/* Who has it may do that with the key's object, for so long; malloced. NULL: the store's
 * keys cannot be read. */
char *cache_remote_url(const struct cache_store *s, const char *key, const char *method,
    int64_t valid_s, struct error *err);

/* What one transfer may take: CACHE_REQUEST_TIMEOUT. */
int64_t cache_remote_limit_ms(const struct job_payload *job);

/* The store gets what was saved, unless it has that; what goes wrong is said. */
void cache_remote_send(const struct cache_store *s, const struct job_cache *c,
    const char *key, const char *id);

#endif
