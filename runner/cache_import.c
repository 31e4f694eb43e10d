/*
 * An archive of a cache becomes layers. Nothing is known of who made it: names and links
 * are bound to the new layer, times are moved below those of any source, and what it
 * unpacks to must leave room on the disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/archive.h"
#include "base/path.h"
#include "runner/cache_internal.h"
#include "runner/collect.h"
#include "runner/layers.h"

struct import {
	const struct cache_store *s;
	const struct job_cache *cache;
	struct workspace_view view; /* the layer, as if it were the project */
	struct strlist all;
	struct layer_set set;
	uint64_t disk_bytes;
	char *id;
};

static int
unpack(struct import *m, int archive, struct error *err)
{
	struct archive_unpack u = { .dir_fd = m->view.fd,
		.not_before_ns = INT64_MIN,
		.cancel = m->s->cancel,
		.log = m->s->log,
		.max_bytes = archive_room(m->view.fd) };
	static const char *const everything[] = { "." };
	struct collect c = { .view = &m->view,
		.paths = everything,
		.path_count = 1,
		.warnings_only = true,
		.cancel = m->s->cancel };
	cleanup_buf struct buf ignored = BUF_INIT;

	if (archive_unpack(&u, archive, NULL, err) < 0)
		return err->code;
	return collect_files(&c, &m->all, &ignored, err);
}

/* The newest is at CACHE_NEWEST_NS then, as of what is saved here. */
static int
move_times(struct import *m, int64_t newest_ns, struct error *err)
{
	int64_t shift = CACHE_NEWEST_NS - newest_ns;

	m->set.oldest_ns = CACHE_NEWEST_NS;
	m->set.newest_ns = CACHE_NEWEST_NS;
	for (size_t i = 0; i < m->all.count; i++) {
		const char *path = m->all.items[i];
		struct timespec times[2];
		struct stat st;
		int64_t t;

		if (fstatat(m->view.fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return error_errno(err, "cannot look at %s", path);
		t = layers_ns(&st.st_mtim) + shift;
		if (t < 0)
			t = 0;
		times[0] = times[1] = layers_timespec(t);
		if (shift != 0 &&
		    utimensat(m->view.fd, path, times, AT_SYMLINK_NOFOLLOW) < 0)
			return error_errno(err, "cannot date %s", path);
		m->disk_bytes += (uint64_t)st.st_blocks * 512;
		if (S_ISDIR(st.st_mode))
			continue;
		m->set.files++;
		if (t < m->set.oldest_ns)
			m->set.oldest_ns = t;
	}
	return 0;
}

/* Files beside those the entry speaks of: what is saved will have to be made anew. */
static bool
holds_more(const struct import *m, const struct strlist *spoken_of)
{
	size_t k = 0;

	for (size_t i = 0; i < m->all.count; i++) {
		struct stat st;

		if (k < spoken_of->count && str_eq(spoken_of->items[k], m->all.items[i]))
			k++;
		else if (fstatat(m->view.fd, m->all.items[i], &st, AT_SYMLINK_NOFOLLOW) <
			0 ||
		    !S_ISDIR(st.st_mode))
			return true;
	}
	return false;
}

/* What is needed to see, at the job's end, that nothing has changed. */
static int
describe(struct import *m, struct error *err)
{
	struct cache_store s = *m->s;
	cleanup_strlist struct strlist paths = STRLIST_INIT;
	cleanup_buf struct buf ignored = BUF_INIT;
	struct cache_state state;

	(void)snprintf(m->set.state, sizeof(m->set.state), "-");
	(void)snprintf(m->set.paths, sizeof(m->set.paths), "-");
	if (m->cache->untracked)
		return 0;
	s.view = &m->view;
	s.log = &ignored;
	if (cache_list_files(&s, m->cache, &paths, err) < 0)
		return err->code;
	if (holds_more(m, &paths))
		return 0;
	cache_look_at(m->view.fd, &paths, &state);
	memcpy(m->set.state, state.hash, sizeof(m->set.state));
	cache_hash_paths(m->s, m->cache, NULL, m->set.paths);
	return 0;
}

static int
fill(struct import *m, int archive, const char *key, struct error *err)
{
	cleanup_free char *dir = path_join(m->s->dir, key);
	cleanup_free char *file = path_join(dir, LAYER_SET_NAME);
	struct cache_state state;

	if (unpack(m, archive, err) < 0)
		return err->code;
	if (m->all.count == 0)
		return error_set(err, ERR_INVALID, "there is nothing in the archive");
	cache_look_at(m->view.fd, &m->all, &state);
	if (move_times(m, state.newest_ns, err) < 0 || describe(m, err) < 0 ||
	    layer_store_set_size(m->s->dir, m->id, m->disk_bytes, err) < 0 ||
	    path_mkdirs(dir, 0755, err) < 0)
		return err->code;
	strlist_add(&m->set.ids, m->id);
	return layer_set_write(file, &m->set, err);
}

int
cache_import(const struct cache_store *s, const struct job_cache *c, const char *key,
    int archive, char **id, struct error *err)
{
	struct import m = { .s = s, .cache = c, .view = *s->view };
	cleanup_close int hold = layer_store_hold(s->dir, err), fd = -1;
	cleanup_free char *tree = NULL;
	int rc;

	if (hold < 0 || layer_store_new(s->dir, &m.id, err) < 0)
		return err->code;
	tree = layer_store_tree(s->dir, m.id);
	fd = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	m.view.fd = fd;
	rc = fd < 0 ? error_errno(err, "cannot open %s", tree)
		    : fill(&m, archive, key, err);
	if (rc < 0)
		layer_store_drop(s->dir, m.id);
	else
		*id = take(m.id);
	free(m.id);
	strlist_clear(&m.all);
	layer_set_clear(&m.set);
	return rc;
}
