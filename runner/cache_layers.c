/*
 * Caches as layers: copied where they cannot be mounted, and saved. What a job has
 * changed lies in the upper layer of its workspace; when all that a cache is about lies
 * in there or in the cache's own layers, what is there is the new layer. In any other
 * case all of the files are copied into one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/path.h"
#include "runner/cache_internal.h"
#include "runner/collect.h"
#include "runner/layers.h"

/* Beyond, all times are moved back: what a delta adds lies a little later each time. */
#define LATEST_NS (CACHE_NEWEST_NS + INT64_C(10) * 365 * 24 * 3600 * CACHE_NS)

/* ---- copying --------------------------------------------------------------- */

static void
find_trees(const struct cache_store *s, const struct layer_set *set, struct strlist *out)
{
	for (size_t i = 0; i < set->ids.count; i++)
		strlist_add_take(out, layer_store_tree(s->dir, set->ids.items[i]));
}

bool
cache_copy_set(const struct cache_store *s, const char *key)
{
	cleanup_free char *file = cache_file(s, key, LAYER_SET_NAME);
	cleanup_layer_set struct layer_set set = LAYER_SET_INIT;
	cleanup_strlist struct strlist trees = STRLIST_INIT;
	struct error err = ERROR_INIT;
	cleanup_close int hold = layer_store_hold(s->dir, &err);
	struct layers_copy c = { .layers = &trees,
		.to_fd = s->view->fd,
		.not_before_ns = INT64_MIN,
		.folder_times = true,
		.cancel = s->cancel };

	if (hold >= 0 && layer_set_read(file, &set, &err) == 0) {
		find_trees(s, &set, &trees);
		c.shift_ns = cache_restore_shift(s->view, set.newest_ns);
		if (layers_copy(&c, &err) == 0) {
			buf_add_str(s->log, "Successfully extracted cache\n");
			return true;
		}
	}
	buf_printf(
	    s->log, CACHE_WARNING "Failed to extract cache: %s" CACHE_END, err.msg);
	return false;
}

/* ---- what has changed ------------------------------------------------------ */

enum change {
	CHANGE_NONE,
	CHANGE_SOME,  /* what is in the upper layer */
	CHANGE_OTHER, /* that does not say all: look at everything */
};

struct saving {
	const struct cache_store *s;
	const struct job_cache *cache;
	const struct cache_mount *below; /* what was mounted for the entry; NULL */
	struct strlist trees;            /* of that */
	struct strlist plain;            /* the entry's paths, when all are plain */
	int upper_fd;
	char paths_hash[HASH_SHA256_HEX];
	struct strlist changed;
	char *key;
	char *id; /* of what the key has, once it is saved */
};

static bool
exists_in(const struct strlist *trees, const char *path)
{
	for (size_t i = 0; i < trees->count; i++) {
		cleanup_free char *there = path_join(trees->items[i], path);

		if (faccessat(AT_FDCWD, there, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return true;
	}
	return false;
}

/* Does a layer that is none of the cache's have any of its paths? */
static bool
others_have_it(const struct saving *v)
{
	struct strlist others = STRLIST_INIT;
	bool found = false;

	for (size_t i = 0; i < v->s->view->lowers->count; i++)
		if (!strlist_has(&v->trees, v->s->view->lowers->items[i]))
			strlist_add(&others, v->s->view->lowers->items[i]);
	for (size_t i = 0; i < v->plain.count && !found; i++)
		found = exists_in(&others, v->plain.items[i]);
	strlist_clear(&others);
	return found;
}

static bool
has_mark(int fd, const char *what)
{
	static const char *const spaces[] = { "trusted.overlay.", "user.overlay." };

	for (size_t i = 0; i < ARRAY_LEN(spaces); i++) {
		cleanup_free char *name = xasprintf("%s%s", spaces[i], what);

		if (fgetxattr(fd, name, NULL, 0) >= 0)
			return true;
	}
	return false;
}

/* A folder of the upper layer that is not what it has and what is below it, together. */
static bool
is_something_else(const struct saving *v, const char *path)
{
	cleanup_close int fd =
	    openat(v->upper_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return true; /* unreadable */
	return has_mark(fd, "redirect") ||
	    (has_mark(fd, "opaque") && exists_in(&v->trees, path));
}

/* Is one of the folders a path lies in gone, moved, or made anew? */
static bool
has_lost_its_place(const struct saving *v, const char *path)
{
	for (const char *slash = strchr(path, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		cleanup_free char *parent = xstrndup(path, (size_t)(slash - path));
		struct stat st;

		if (fstatat(v->upper_fd, parent, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return errno != ENOENT;
		if (!S_ISDIR(st.st_mode) || is_something_else(v, parent))
			return true;
	}
	return false;
}

static int
list_changed(struct saving *v, struct error *err)
{
	struct workspace_view upper = *v->s->view;
	struct cache_store s = *v->s;
	cleanup_buf struct buf ignored = BUF_INIT;

	upper.fd = v->upper_fd;
	s.view = &upper;
	s.log = &ignored;
	return cache_list_files(&s, v->cache, &v->changed, err);
}

/* All of it gone is nothing to save, as with files that were never there. */
static bool
is_all_gone(const struct saving *v)
{
	for (size_t i = 0; i < v->plain.count; i++)
		if (faccessat(v->s->view->fd, v->plain.items[i], F_OK,
			AT_SYMLINK_NOFOLLOW) == 0)
			return false;
	return true;
}

/* A folder comes into the upper layer by whatever happens in it, and need not be new. */
static enum change
weigh_changes(const struct saving *v)
{
	enum change found = CHANGE_NONE;

	for (size_t i = 0; i < v->changed.count; i++) {
		const char *path = v->changed.items[i];
		struct stat st;

		if (fstatat(v->upper_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    (S_ISDIR(st.st_mode) && is_something_else(v, path)))
			return CHANGE_OTHER;
		if (!S_ISDIR(st.st_mode) || !exists_in(&v->trees, path))
			found = CHANGE_SOME;
	}
	return found;
}

static int
find_changes(struct saving *v, enum change *out, struct error *err)
{
	const struct cache_mount *below = v->below;

	*out = CHANGE_OTHER;
	if (below == NULL || below->set.ids.count > LAYERS_MAX_DELTAS ||
	    !str_eq(below->set.paths, v->paths_hash) || v->cache->untracked ||
	    v->plain.count != v->cache->path_count || others_have_it(v))
		return 0;
	for (size_t i = 0; i < v->plain.count; i++)
		if (has_lost_its_place(v, v->plain.items[i]))
			return 0;
	if (list_changed(v, err) < 0)
		return err->code;
	*out = weigh_changes(v);
	if (*out == CHANGE_SOME && is_all_gone(v))
		*out = CHANGE_OTHER;
	return 0;
}

/* ---- saving ---------------------------------------------------------------- */

static void
note_id(struct saving *v, const struct layer_set *set)
{
	free(v->id);
	v->id = set->ids.count > 0 ? xstrdup(set->ids.items[0]) : NULL;
}

static int
write_set(struct saving *v, const struct layer_set *set, struct error *err)
{
	cleanup_free char *dir = path_join(v->s->dir, v->key);
	cleanup_free char *file = path_join(dir, LAYER_SET_NAME);

	if (path_mkdirs(dir, 0755, err) < 0 || layer_set_write(file, set, err) < 0)
		return err->code;
	note_id(v, set);
	return 0;
}

/* What the key has now is what was mounted, or it becomes that. */
static int
keep(struct saving *v, const struct layer_set *set, struct error *err)
{
	cleanup_free char *file = cache_file(v->s, v->key, LAYER_SET_NAME);
	cleanup_layer_set struct layer_set now = LAYER_SET_INIT;
	struct error ignored = ERROR_INIT;

	if (layer_set_read(file, &now, &ignored) == 0 &&
	    str_eq(now.ids.items[0], set->ids.items[0])) {
		buf_add_str(v->s->log, "Archive is up to date!\n");
		note_id(v, set);
		return 0;
	}
	if (write_set(v, set, err) < 0)
		return err->code;
	buf_add_str(v->s->log, "Created cache\n");
	return 0;
}

/* Fill a layer of its own; set gets it on top. */
static int
add_layer(const struct saving *v, struct layers_pick *p, struct layer_set *set,
    struct error *err)
{
	cleanup_free char *id = NULL, *tree = NULL;
	cleanup_close int fd = -1;
	struct strlist ids = STRLIST_INIT;

	if (layer_store_new(v->s->dir, &id, err) < 0)
		return err->code;
	tree = layer_store_tree(v->s->dir, id);
	fd = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	p->to_fd = fd;
	p->modes_fd = v->s->view->fd;
	p->not_before_ns = INT64_MIN;
	p->link_fd = v->s->may_link ? v->upper_fd : -1;
	p->cancel = v->s->cancel;
	if (fd < 0)
		error_errno(err, "cannot open %s", tree);
	if (fd < 0 || layers_pick(p, err) < 0 ||
	    layer_store_set_size(v->s->dir, id, p->disk_bytes, err) < 0) {
		layer_store_drop(v->s->dir, id);
		return err->code;
	}
	strlist_add(&ids, id);
	for (size_t i = 0; i < set->ids.count; i++)
		strlist_add(&ids, set->ids.items[i]);
	strlist_clear(&set->ids);
	set->ids = ids;
	set->has_whiteouts = set->has_whiteouts || p->has_whiteouts;
	return 0;
}

static int
save_set(struct saving *v, const struct layer_set *set, struct error *err)
{
	if (write_set(v, set, err) == 0)
		return 0;
	if (set->ids.count > 0)
		layer_store_drop(v->s->dir, set->ids.items[0]);
	return err->code;
}

/* Times later than all below: from where to where they go. */
static void
find_span(const struct saving *v, int64_t after_ns, int64_t *first, int64_t *last)
{
	*first = INT64_MAX;
	*last = INT64_MIN;
	for (size_t i = 0; i < v->changed.count; i++) {
		struct stat st;
		int64_t t;

		if (fstatat(v->upper_fd, v->changed.items[i], &st, AT_SYMLINK_NOFOLLOW) <
			0 ||
		    layers_is_whiteout(&st))
			continue;
		t = layers_ns(&st.st_mtim);
		if (t > after_ns && t < *first)
			*first = t;
		if (t > *last)
			*last = t;
	}
}

/* What the job has written is newer than what was there, and older than any source.
 * False: there is no more room between the two. */
static bool
move_times(const struct saving *v, struct layers_pick *p, struct layer_set *set)
{
	int64_t first, last;

	p->after_ns = set->newest_ns;
	find_span(v, set->newest_ns, &first, &last);
	if (first == INT64_MAX)
		return true;
	p->shift_ns = set->newest_ns + CACHE_NS - first;
	set->newest_ns = last + p->shift_ns;
	return set->newest_ns <= LATEST_NS;
}

static void
copy_set(const struct layer_set *from, struct layer_set *to)
{
	*to = *from;
	to->ids = (struct strlist)STRLIST_INIT;
	for (size_t i = 0; i < from->ids.count; i++)
		strlist_add(&to->ids, from->ids.items[i]);
}

/* 1: done; 0: all is to be saved instead. */
static int
save_changes(struct saving *v, struct error *err)
{
	struct layers_pick p = { .from_fd = v->upper_fd, .paths = &v->changed };
	cleanup_layer_set struct layer_set set = LAYER_SET_INIT;

	copy_set(&v->below->set, &set);
	if (!move_times(v, &p, &set))
		return 0;
	(void)snprintf(set.state, sizeof(set.state), "-");
	if (add_layer(v, &p, &set, err) < 0 || save_set(v, &set, err) < 0)
		return err->code;
	buf_add_str(v->s->log, "Created cache\n");
	return 1;
}

/* Nothing has changed: what a job writes is newer than anything restored, and all the
 * rest shows in the hash. */
static bool
is_as_restored(const struct saving *v, const struct cache_state *state)
{
	return v->below != NULL && str_eq(v->below->set.state, state->hash) &&
	    state->newest_file_ns <= v->below->set.newest_ns;
}

static int
save_all(struct saving *v, struct error *err)
{
	cleanup_strlist struct strlist paths = STRLIST_INIT;
	cleanup_layer_set struct layer_set set = LAYER_SET_INIT;
	struct layers_pick p = {
		.from_fd = v->s->view->fd, .paths = &paths, .after_ns = INT64_MIN
	};
	struct cache_state state;

	if (cache_list_files(v->s, v->cache, &paths, err) < 0)
		return err->code;
	if (paths.count == 0)
		return 0;
	cache_look_at(v->s->view->fd, &paths, &state);
	if (is_as_restored(v, &state))
		return keep(v, &v->below->set, err);
	p.shift_ns = CACHE_NEWEST_NS - state.newest_ns;
	set.newest_ns = CACHE_NEWEST_NS;
	memcpy(set.paths, v->paths_hash, sizeof(set.paths));
	memcpy(set.state, state.hash, sizeof(set.state));
	if (add_layer(v, &p, &set, err) < 0 || save_set(v, &set, err) < 0)
		return err->code;
	buf_add_str(v->s->log, "Created cache\n");
	return 0;
}

/* As is said when all is looked at. */
static void
warn_of_missing(const struct saving *v)
{
	for (size_t i = 0; i < v->plain.count; i++)
		if (faccessat(
			v->s->view->fd, v->plain.items[i], F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			collect_warn_missing(v->s->view, v->cache->paths[i], v->s->log);
}

static int
save(struct saving *v, struct error *err)
{
	enum change change;
	int rc = find_changes(v, &change, err);

	if (rc == 0 && change != CHANGE_OTHER)
		warn_of_missing(v);
	if (rc == 0 && change == CHANGE_NONE)
		return keep(v, &v->below->set, err);
	if (rc == 0 && change == CHANGE_SOME)
		rc = save_changes(v, err);
	return rc != 0 ? (rc < 0 ? rc : 0) : save_all(v, err);
}

void
cache_hash_paths(const struct cache_store *s, const struct job_cache *c,
    struct strlist *plain, char out[HASH_SHA256_HEX])
{
	struct hash h;

	hash_init(&h);
	for (size_t i = 0; i < c->path_count; i++) {
		cleanup_free char *path = collect_plain_path(s->view, c->paths[i]);
		const char *text = path != NULL ? path : c->paths[i];

		hash_add(&h, text, strlen(text) + 1);
		if (path != NULL && plain != NULL)
			strlist_add(plain, path);
	}
	hash_end_hex(&h, out);
}

static void
begin(struct saving *v, size_t index)
{
	const struct cache_store *s = v->s;

	if (s->mounts != NULL && index < s->mounts->count &&
	    s->mounts->entries[index].set.ids.count > 0)
		v->below = &s->mounts->entries[index];
	if (v->below != NULL)
		find_trees(s, &v->below->set, &v->trees);
	cache_hash_paths(s, v->cache, &v->plain, v->paths_hash);
}

int
cache_save_layers(const struct cache_store *s, size_t index, const char *key, char **id,
    struct error *err)
{
	struct saving v = { .s = s, .cache = &s->job->caches[index] };
	cleanup_close int upper =
	    open(s->view->upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int hold = upper < 0 ? -1 : layer_store_hold(s->dir, err);
	int rc;

	if (upper < 0)
		return error_errno(err, "cannot open %s", s->view->upper);
	if (hold < 0)
		return err->code;
	v.upper_fd = upper;
	v.key = xstrdup(key);
	begin(&v, index);
	rc = save(&v, err);
	free(v.key);
	strlist_clear(&v.trees);
	strlist_clear(&v.plain);
	strlist_clear(&v.changed);
	*id = v.id;
	if (rc < 0)
		return rc;
	cleanup_close_fd(&hold);
	hold = -1;
	layer_store_sweep(s->dir);
	return 0;
}
