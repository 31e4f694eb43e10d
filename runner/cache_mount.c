/* Caches that are restored by laying their layers over those of the source. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/cache_internal.h"
#include "runner/collect.h"
#include "runner/layers.h"

/* The search for what one entry is to be. */
struct mounting {
	const struct job_cache *cache;
	struct cache_mount *mount;
	bool must_copy; /* there is something, but it cannot be mounted */
};

/*
 * A set that says something is gone would hide it in the source, too, if it has it by
 * now. Patterns may mean anything: those are not looked for.
 */
static bool
hides_source(const struct cache_store *s, const struct job_cache *c)
{
	const struct strlist *layers = snapshot_layers(s->view->snapshot);

	for (size_t i = 0; i < c->path_count; i++) {
		cleanup_free char *path = collect_plain_path(s->view, c->paths[i]);

		for (size_t k = 0; path != NULL && k < layers->count; k++) {
			cleanup_free char *there =
			    xasprintf("%s/%s", layers->items[k], path);

			if (faccessat(AT_FDCWD, there, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
				return true;
		}
		if (path == NULL)
			return true;
	}
	return c->untracked;
}

static bool
can_be_mounted(const struct cache_store *s, const struct mounting *m)
{
	const struct layer_set *set = &m->mount->set;

	return set->newest_ns < snapshot_oldest_ns(s->view->snapshot) &&
	    !(set->has_whiteouts && hides_source(s, m->cache));
}

static bool
exists(const struct cache_store *s, const char *key)
{
	cleanup_free char *archive = cache_file(s, key, "cache.tar.zst");

	return access(archive, F_OK) == 0;
}

/* Somebody may have tidied up. */
static bool
is_whole(const struct cache_store *s, const struct layer_set *set)
{
	for (size_t i = 0; i < set->ids.count; i++) {
		cleanup_free char *tree = layer_store_tree(s->dir, set->ids.items[i]);

		if (access(tree, F_OK) < 0)
			return false;
	}
	return true;
}

static bool
mount_key(const struct cache_store *s, const char *key, void *data)
{
	struct mounting *m = data;
	cleanup_free char *file = cache_file(s, key, LAYER_SET_NAME);
	struct error ignored = ERROR_INIT;

	buf_printf(s->log, "Checking cache for %s...\n", key);
	if (cache_has_set(s, key) &&
	    layer_set_read(file, &m->mount->set, &ignored) == 0 &&
	    is_whole(s, &m->mount->set)) {
		m->must_copy = !can_be_mounted(s, m);
		if (!m->must_copy) {
			(void)utimensat(AT_FDCWD, file, NULL, 0); /* its last use */
			buf_add_str(s->log, "Successfully extracted cache\n");
		}
		free(m->mount->key);
		m->mount->key = xstrdup(key);
		return true;
	}
	layer_set_clear(&m->mount->set);
	m->must_copy = exists(s, key);
	if (!m->must_copy)
		buf_printf(s->log, "No cache for %s\n", key);
	return m->must_copy;
}

/* False: this one, and so all after it, are to be copied. */
static bool
mount_entry(struct cache_store *s, struct cache_mounts *out, size_t index)
{
	struct mounting m = { .cache = &s->job->caches[index],
		.mount = &out->entries[index] };
	cleanup_buf struct buf words = BUF_INIT;
	struct buf *log = s->log;

	s->log = &words;
	cache_try_keys(s, m.cache, mount_key, &m);
	s->log = log;
	if (m.must_copy) { /* which will say all of this again */
		layer_set_clear(&m.mount->set);
		free(take(m.mount->key));
		return false;
	}
	if (!out->announced)
		buf_add_str(log, CACHE_HEADLINE("Restoring cache"));
	out->announced = true;
	buf_add(log, buf_str(&words), words.len);
	return true;
}

static void
forget(struct cache_mounts *m)
{
	for (size_t i = 0; i < m->count; i++) {
		layer_set_clear(&m->entries[i].set);
		free(m->entries[i].key);
	}
	free(m->entries);
	strlist_clear(&m->layers);
	*m = (struct cache_mounts){ .lease = m->lease };
}

/* Later entries come over earlier ones. */
static int
take_lease(const struct cache_store *s, struct cache_mounts *out, struct error *err)
{
	struct strlist ids = STRLIST_INIT;
	int rc = 0;

	for (size_t i = out->count; i > 0; i--) {
		const struct layer_set *set = &out->entries[i - 1].set;

		for (size_t k = 0; k < set->ids.count; k++) {
			strlist_add(&ids, set->ids.items[k]);
			strlist_add_take(
			    &out->layers, layer_store_tree(s->dir, set->ids.items[k]));
		}
	}
	if (ids.count > 0)
		rc = layer_lease_take(s->dir, &ids, &out->lease, err);
	strlist_clear(&ids);
	return rc;
}

void
cache_mount(const struct job_payload *job, const struct workspace_view *view,
    const char *store_dir, struct cache_mounts *out, struct buf *log)
{
	struct cache_store s = { .job = job, .view = view, .dir = store_dir, .log = log };
	struct error err = ERROR_INIT;
	cleanup_close int hold = -1;
	size_t i;

	*out = (struct cache_mounts){ .lease = LAYER_LEASE_INIT,
		.entries = xcalloc(job->cache_count + 1, sizeof(*out->entries)),
		.count = job->cache_count };
	for (i = 0; i < out->count; i++) {
		if (!cache_is_wanted(&s, &job->caches[i], "pull")) {
			out->entries[i].is_done = true;
			continue;
		}
		if (hold < 0)
			hold = layer_store_hold(store_dir, &err);
		if (hold < 0 || !mount_entry(&s, out, i))
			break;
		out->entries[i].is_done = true;
	}
	out->is_complete = i == out->count;
	if (hold >= 0 && take_lease(&s, out, &err) < 0)
		forget(out);
	if (err.code != 0)
		buf_printf(log, CACHE_WARNING "%s" CACHE_END, err.msg);
}

void
cache_mounts_clear(struct cache_mounts *m)
{
	forget(m);
	layer_lease_clear(&m->lease);
	*m = (struct cache_mounts){ .lease = LAYER_LEASE_INIT };
}
