/*
 * Everything that can go is listed with when it was last used and what it takes. Layers
 * may be shared, so what going has freed is seen only afterwards: it is done in rounds.
 */
#include "runner/layer_gc.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/path.h"
#include "runner/commit_set.h"
#include "runner/layer_store.h"
#include "runner/snapshot.h"
#include "runner/source.h"
#include "runner/source_modules.h"

#define PAUSE_S (10 * 60)
#define MAX_ROUNDS 16
#define MAX_DEPTH 256 /* of folders that projects and keys make */

struct item {
	time_t used;
	uint64_t bytes;
	char *path;  /* of a set or an archive; of a commit its name */
	char *owner; /* the store, or the folder of commits; NULL: an archive */
	bool is_commit;
};

struct survey {
	struct item *items;
	size_t count, cap;
	struct strlist stores;
	uint64_t total; /* of all there is */
};

static void
survey_clear(struct survey *s)
{
	for (size_t i = 0; i < s->count; i++) {
		free(s->items[i].path);
		free(s->items[i].owner);
	}
	free(s->items);
	strlist_clear(&s->stores);
	*s = (struct survey){ .items = NULL };
}

static void
add_item(struct survey *s, struct item item)
{
	GROW(s->items, s->count, s->cap);
	s->items[s->count++] = item;
}

/* ---- looking --------------------------------------------------------------- */

static void
add_commits(struct survey *s, const char *sets_dir)
{
	cleanup_strlist struct strlist names = STRLIST_INIT;
	struct error ignored = ERROR_INIT;

	commit_set_list(sets_dir, &names);
	for (size_t i = 0; i < names.count; i++) {
		cleanup_free char *dir = path_join(sets_dir, names.items[i]);
		cleanup_free char *lock = path_join(dir, "lock");
		cleanup_commit_set struct commit_set set = { .names = STRLIST_INIT };
		struct stat st;

		if (commit_set_read(dir, &set, &ignored) < 0 || stat(lock, &st) < 0)
			continue;
		s->total += set.bytes;
		add_item(s,
		    (struct item){ .used = st.st_mtime,
			.bytes = set.bytes,
			.path = xstrdup(names.items[i]),
			.owner = xstrdup(sets_dir),
			.is_commit = true });
	}
}

static void
add_sources(struct survey *s, const char *sources)
{
	static const char *const kinds[] = { SOURCE_SETS, SOURCE_LFS_SETS,
		SOURCE_MODULE_SETS };
	cleanup_closedir DIR *d = opendir(sources);

	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		for (size_t i = 0; *e->d_name != '.' && i < ARRAY_LEN(kinds); i++) {
			cleanup_free char *sets =
			    xasprintf("%s/%s/%s", sources, e->d_name, kinds[i]);

			add_commits(s, sets);
		}
	}
}

static void
add_set(struct survey *s, const char *store, const char *file, const struct stat *st)
{
	cleanup_layer_set struct layer_set set = LAYER_SET_INIT;
	struct error ignored = ERROR_INIT;
	uint64_t bytes = 0;

	if (layer_set_read(file, &set, &ignored) == 0)
		for (size_t i = 0; i < set.ids.count; i++)
			bytes += layer_store_size_of(store, set.ids.items[i]);
	add_item(s,
	    (struct item){ .used = st->st_mtime,
		.bytes = bytes,
		.path = xstrdup(file),
		.owner = xstrdup(store) });
}

/* A folder with layers is a store; the sets below it are its own. */
static void
add_stores(struct survey *s, const char *dir, const char *store, int depth)
{
	cleanup_free char *layers = path_join(dir, LAYER_STORE_FOLDER);
	cleanup_closedir DIR *d = opendir(dir);

	if (d == NULL || depth > MAX_DEPTH)
		return;
	if (access(layers, F_OK) == 0) {
		store = dir;
		strlist_add(&s->stores, dir);
		s->total += layer_store_size(dir);
	}
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		cleanup_free char *path = path_join(dir, e->d_name);
		struct stat st;

		if (str_eq(e->d_name, ".") || str_eq(e->d_name, "..") ||
		    str_eq(e->d_name, LAYER_STORE_FOLDER) || lstat(path, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode)) {
			add_stores(s, path, store, depth + 1);
		} else if (S_ISREG(st.st_mode) && str_eq(e->d_name, LAYER_SET_NAME) &&
		    store != NULL) {
			add_set(s, store, path, &st);
		} else if (S_ISREG(st.st_mode) && str_ends(e->d_name, ".tar.zst")) {
			s->total += (uint64_t)st.st_size;
			add_item(s,
			    (struct item){ .used = st.st_mtime,
				.bytes = (uint64_t)st.st_size,
				.path = xstrdup(path) });
		}
	}
}

static int
compare_use(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return x->used < y->used ? -1 : x->used > y->used ? 1 : 0;
}

static void
look_around(const struct layer_places *p, struct survey *s)
{
	if (p->sources != NULL)
		add_sources(s, p->sources);
	if (p->caches != NULL)
		add_stores(s, p->caches, NULL, 0);
	if (p->artifacts != NULL)
		add_stores(s, p->artifacts, NULL, 0);
	if (s->count > 1)
		qsort(s->items, s->count, sizeof(*s->items), compare_use);
}

/* ---- removing -------------------------------------------------------------- */

/* False: it is in use, or others are made of it. */
static bool
remove_item(const struct item *item)
{
	cleanup_free char *set = NULL;
	struct strlist names = STRLIST_INIT;

	if (!item->is_commit)
		return unlink(item->path) == 0;
	strlist_add(&names, item->path);
	snapshot_remove_commits(item->owner, &names);
	strlist_clear(&names);
	set = xasprintf("%s/%s/set", item->owner, item->path);
	return access(set, F_OK) < 0;
}

/* From the one unused for the longest on: what is too old, and then what is too much. How
 * many have been removed. */
static size_t
remove_items(const struct survey *s, uint64_t too_much, time_t oldest)
{
	uint64_t gone = 0;
	size_t removed = 0;

	for (size_t i = 0; i < s->count; i++) {
		const struct item *item = &s->items[i];

		if (item->used >= oldest && gone >= too_much)
			break;
		if (!remove_item(item))
			continue;
		gone += item->bytes;
		removed++;
	}
	return removed;
}

static void
sweep(const struct survey *s)
{
	for (size_t i = 0; i < s->stores.count; i++)
		layer_store_sweep(s->stores.items[i]);
}

static void
sweep_modules(const char *sources)
{
	cleanup_closedir DIR *d = sources == NULL ? NULL : opendir(sources);

	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		cleanup_free char *project = path_join(sources, e->d_name);

		if (*e->d_name != '.')
			source_modules_sweep(project);
	}
}

/* One round; true: another one is to see what came of it. mark: what it is to be below.
 */
static bool
remove_some(
    const struct layer_places *places, const struct layer_limits *limits, uint64_t *mark)
{
	time_t oldest = time(NULL) - (time_t)limits->max_age_s;
	struct survey s = { .items = NULL };
	uint64_t too_much;
	size_t removed;

	look_around(places, &s);
	if (s.total > *mark)
		*mark = (uint64_t)limits->low_bytes;
	too_much = s.total > *mark ? s.total - *mark : 0;
	removed = remove_items(&s, too_much, oldest);
	if (removed > 0)
		sweep(&s);
	survey_clear(&s);
	return removed > 0 && too_much > 0;
}

void
layer_gc(const struct layer_places *places, const struct layer_limits *limits)
{
	uint64_t mark = (uint64_t)limits->high_bytes;
	struct survey before = { .items = NULL };

	if (limits->high_bytes <= 0 || limits->max_age_s <= 0)
		return;
	look_around(places, &before);
	sweep(&before); /* what jobs that are over by now have used */
	survey_clear(&before);
	for (int round = 0; round < MAX_ROUNDS && remove_some(places, limits, &mark);
	     round++)
		;
	sweep_modules(places->sources);
}

void
layer_gc_now_and_then(
    const struct layer_places *places, const struct layer_limits *limits)
{
	cleanup_close int fd = open(places->stamp, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct stat st;

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || fstat(fd, &st) < 0)
		return;
	if (time(NULL) - st.st_mtime < PAUSE_S)
		return;
	(void)futimens(fd, NULL);
	layer_gc(places, limits);
}
