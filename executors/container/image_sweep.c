/* Removing what was asked for longest ago. All is decided and moved to trash/ under the
 * store's lock, which takes moments; removing it comes after. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "executors/container/image_store_internal.h"

/* A layer or a blob. */
struct part {
	uint64_t bytes;
	size_t users; /* images */
};

struct found {
	const char *name; /* "images/HEX" */
	struct image_parts parts;
	bool is_whole;
	struct timespec used;
};

struct sweep {
	struct image_store *store;
	struct arena *arena;
	struct map parts; /* "layers/HEX", "blobs/sha256/HEX": struct part of the arena */
	struct found *images;
	size_t image_count, image_cap;
	uint64_t total;
	size_t removed;
};

/* ---- looking */

static void
add_part(struct sweep *w, const char *name, uint64_t bytes)
{
	struct part *part = arena_alloc(w->arena, sizeof(*part));

	part->bytes = bytes;
	w->total += bytes;
	map_set(&w->parts, name, part);
}

static int
find_layer(const struct image_store *s, const char *name, void *data, struct error *err)
{
	cleanup_free char *folder = image_store_path(s, "%s", name);
	struct layer_info info = { .bytes = 0 };
	struct error ignored = ERROR_INIT;

	(void)err;
	if (image_layer_read(folder, &info, &ignored) < 0)
		info.bytes = 0; /* damaged: the next pull makes it anew */
	add_part(data, name, info.bytes);
	return 0;
}

static int
find_blob(const struct image_store *s, const char *name, void *data, struct error *err)
{
	cleanup_free char *path = image_store_path(s, "%s", name);
	struct stat st;

	(void)err;
	if (stat(path, &st) == 0)
		add_part(data, name, (uint64_t)st.st_blocks * 512);
	return 0;
}

static void
count_users(struct sweep *w, const char *folder, const struct image_strings *list, int by)
{
	for (size_t i = 0; i < list->count; i++) {
		cleanup_free char *name = xasprintf("%s/%s", folder, list->items[i]);
		struct part *part = map_get(&w->parts, name);

		if (part != NULL)
			part->users += (size_t)by;
	}
}

static int
find_image(const struct image_store *s, const char *name, void *data, struct error *err)
{
	cleanup_free char *folder = image_store_path(s, "%s", name);
	cleanup_free char *lock = image_store_path(s, "%s/lock", name);
	struct error ignored = ERROR_INIT;
	struct sweep *w = data;
	struct found *f;
	struct stat st;

	(void)err;
	GROW(w->images, w->image_count, w->image_cap);
	f = &w->images[w->image_count++];
	*f = (struct found){ .name = arena_strdup(w->arena, name) };
	f->is_whole = image_parts_read(folder, w->arena, &f->parts, &ignored) == 0;
	if (stat(lock, &st) == 0)
		f->used = st.st_mtim;
	count_users(w, "layers", &f->parts.layers, 1);
	count_users(w, "blobs/sha256", &f->parts.blobs, 1);
	return 0;
}

static int
look(struct sweep *w, struct error *err)
{
	const struct image_store *s = w->store;

	if (image_store_each(s, "layers", find_layer, w, err) < 0 ||
	    image_store_each(s, "blobs/sha256", find_blob, w, err) < 0)
		return err->code;
	return image_store_each(s, "images", find_image, w, err);
}

static int
compare_images(const void *x, const void *y)
{
	const struct found *a = x, *b = y;

	if (a->is_whole != b->is_whole)
		return a->is_whole ? 1 : -1;
	if (a->used.tv_sec != b->used.tv_sec)
		return a->used.tv_sec < b->used.tv_sec ? -1 : 1;
	return a->used.tv_nsec < b->used.tv_nsec ? -1 : a->used.tv_nsec > b->used.tv_nsec;
}

/* ---- removing */

static int
remove_unused_parts(struct sweep *w, struct error *err)
{
	map_for_each(e, &w->parts) {
		struct part *part = e->value;

		if (part->users > 0 || part->bytes == UINT64_MAX)
			continue;
		if (image_store_discard(w->store, e->key, err) < 0)
			return err->code;
		w->total -= part->bytes;
		part->bytes = UINT64_MAX; /* gone */
	}
	return 0;
}

/* Without its lock's file nobody finds it, and who has opened that sees that it is gone.
 */
static int
remove_image(struct sweep *w, struct found *f, struct error *err)
{
	cleanup_free char *path = image_store_path(w->store, "%s/lock", f->name);
	cleanup_close int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd >= 0 && (flock(fd, LOCK_EX | LOCK_NB) < 0 || unlink(path) < 0))
		return 0; /* held */
	if (image_store_discard(w->store, f->name, err) < 0)
		return err->code;
	count_users(w, "layers", &f->parts.layers, -1);
	count_users(w, "blobs/sha256", &f->parts.blobs, -1);
	w->removed++;
	return remove_unused_parts(w, err);
}

static int
remove_oldest(struct sweep *w, uint64_t low, image_in_use_cb is_in_use, void *data,
    struct error *err)
{
	if (remove_unused_parts(w, err) < 0)
		return err->code;
	if (w->image_count > 0)
		qsort(w->images, w->image_count, sizeof(*w->images), compare_images);
	for (size_t i = 0; i < w->image_count && w->total > low; i++) {
		cleanup_free char *digest =
		    xasprintf("sha256:%s", w->images[i].name + strlen("images/"));

		if (is_in_use != NULL && is_in_use(digest, data))
			continue;
		if (remove_image(w, &w->images[i], err) < 0)
			return err->code;
	}
	return 0;
}

/* A name that stands for what is gone. */
static int
forget_name(const struct image_store *s, const char *name, void *data, struct error *err)
{
	cleanup_free char *path = image_store_path(s, "%s", name);
	cleanup_free char *image = NULL;
	struct sweep *w = data;
	struct image_record r;

	(void)err;
	if (image_record_read_file(s, name, w->arena, &r)) {
		image = image_store_path(s, "images/%s", r.image);
		if (access(image, F_OK) == 0)
			return 0;
	}
	(void)unlink(path);
	return 0;
}

static int
sweep_locked(struct sweep *w, uint64_t high, uint64_t low, image_in_use_cb is_in_use,
    void *data, struct error *err)
{
	cleanup_close int lock = image_store_lock(w->store, err);
	size_t alive = 0;

	if (lock < 0)
		return err->code;
	if (image_store_each(w->store, "tmp", image_store_discard_dead, &alive, err) < 0)
		return err->code;
	if (alive > 0)
		return 0;
	if (image_store_each(w->store, "pulls", image_lock_forget, NULL, err) < 0)
		return err->code;
	if (look(w, err) < 0)
		return err->code;
	if (w->total > high && remove_oldest(w, low, is_in_use, data, err) < 0)
		return err->code;
	return image_store_each(w->store, "names", forget_name, w, err);
}

int
image_store_sweep(struct image_store *s, uint64_t high, uint64_t low,
    image_in_use_cb is_in_use, void *data, size_t *removed, struct error *err)
{
	struct sweep w = { .store = s, .arena = arena_new() };
	int rc = sweep_locked(&w, high, low, is_in_use, data, err);

	map_clear(&w.parts);
	free(w.images);
	arena_free(w.arena);
	if (rc < 0 || image_store_empty_trash(s, err) < 0 ||
	    image_sync_layers(s, err) < 0)
		return err->code;
	if (removed != NULL)
		*removed = w.removed;
	return 0;
}
