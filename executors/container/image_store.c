/* Opening the store, and the images that are in it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/path.h"
#include "executors/container/image_store_internal.h"

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

struct image_hold {
	int fd;
};

char *
image_store_path(const struct image_store *s, const char *fmt, ...)
{
	cleanup_free char *name = NULL;
	va_list ap;

	va_start(ap, fmt);
	name = xvasprintf(fmt, ap);
	va_end(ap);
	return path_join(s->dir, name);
}

/* ---- holding */

int
image_hold_fd(const struct image_hold *h)
{
	return h->fd;
}

void
image_hold_close(struct image_hold *h)
{
	if (h == NULL)
		return;
	close(h->fd);
	free(h);
}

/* NULL: there is no such image, or it is being removed. */
static struct image_hold *
hold(const char *folder)
{
	cleanup_free char *path = path_join(folder, "lock");
	cleanup_close int fd = open(path, O_RDWR | O_CLOEXEC);
	const struct timespec now[2] = { { .tv_nsec = UTIME_NOW },
		{ .tv_nsec = UTIME_NOW } };
	struct image_hold *h;
	struct stat st;

	if (fd < 0 || flock(fd, LOCK_SH | LOCK_NB) < 0 || fstat(fd, &st) < 0 ||
	    st.st_nlink == 0)
		return NULL;
	(void)futimens(fd, now); /* when it was last asked for; only an order */
	h = xcalloc(1, sizeof(*h));
	h->fd = take_fd(&fd);
	return h;
}

/* ---- loading */

static const char *
digest_of(struct arena *arena, const char *hex)
{
	return arena_printf(arena, "sha256:%s", hex);
}

static bool
find_layers(const struct image_store *s, const struct image_parts *parts, struct image *i)
{
	for (size_t n = 0; n < parts->layers.count; n++) {
		char *path = image_store_path(s, "layers/%s/fs", parts->layers.items[n]);

		strlist_add_take(&i->layers, path);
		if (access(path, F_OK) < 0)
			return false;
	}
	return true;
}

static bool
load(const struct image_store *s, const char *folder, struct image *i)
{
	cleanup_free char *config = path_join(folder, "config.json");
	cleanup_buf struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;
	struct image_parts parts;

	if (image_parts_read(folder, i->arena, &parts, &err) < 0 ||
	    buf_read_file(&text, config, IMAGE_JSON_MAX, &err) < 0 ||
	    image_config_parse(buf_str(&text), text.len, i->arena, &i->config, &err) < 0)
		return false;
	i->manifest_digest = digest_of(i->arena, parts.manifest);
	i->config_digest = digest_of(i->arena, parts.config);
	i->owners = parts.owners;
	i->devices = parts.devices;
	i->capabilities = parts.capabilities;
	return find_layers(s, &parts, i);
}

struct image *
image_store_load(struct image_store *s, const char *hex)
{
	cleanup_free char *folder = image_store_path(s, "images/%s", hex);
	cleanup_image struct image *i = NULL;
	struct image_hold *h = hold(folder);

	if (h == NULL)
		return NULL;
	i = xcalloc(1, sizeof(*i));
	i->arena = arena_new();
	i->hold = h;
	return load(s, folder, i) ? take(i) : NULL;
}

void
image_free(struct image *i)
{
	if (i == NULL)
		return;
	image_hold_close(i->hold);
	strlist_clear(&i->layers);
	arena_free(i->arena);
	free(i);
}

/* ---- opening */

/* Nobody else's: others may be emptying the trash. */
static char *
trash_name(const struct image_store *s)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return image_store_path(
	    s, "trash/%ld-%jd%09ld", (long)gettid(), (intmax_t)t.tv_sec, t.tv_nsec);
}

int
image_store_discard(const struct image_store *s, const char *name, struct error *err)
{
	cleanup_free char *from = image_store_path(s, "%s", name);
	cleanup_free char *to = trash_name(s);

	if (rename(from, to) < 0 && errno != ENOENT)
		return error_errno(err, "cannot remove %s", from);
	return 0;
}

int
image_store_each(const struct image_store *s, const char *folder, image_name_cb on_name,
    void *data, struct error *err)
{
	cleanup_free char *path = image_store_path(s, "%s", folder);
	cleanup_closedir DIR *dir = opendir(path);
	struct dirent *e;

	if (dir == NULL)
		return error_errno(err, "cannot read %s", path);
	while ((e = readdir(dir)) != NULL) {
		cleanup_free char *name = xasprintf("%s/%s", folder, e->d_name);

		if (e->d_name[0] != '.' && on_name(s, name, data, err) < 0)
			return err->code;
	}
	return 0;
}

/* Unpacked before the power went: what of it had reached the disk nobody knows. */
static int
discard_unsynced(
    const struct image_store *s, const char *name, void *data, struct error *err)
{
	cleanup_free char *mark = image_store_path(s, "%s/unsynced", name);

	(void)data;
	return access(mark, F_OK) == 0 ? image_store_discard(s, name, err) : 0;
}

/* What is left of a pull whose process is gone: who lives holds its folder. */
int
image_store_discard_dead(
    const struct image_store *s, const char *name, void *data, struct error *err)
{
	cleanup_free char *path = image_store_path(s, "%s", name);
	cleanup_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t *alive = data;

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
		if (alive != NULL)
			++*alive;
		return 0;
	}
	return image_store_discard(s, name, err);
}

static int
remove_trash(const struct image_store *s, const char *name, void *data, struct error *err)
{
	cleanup_free char *path = image_store_path(s, "%s", name);

	(void)data;
	return path_remove_tree(AT_FDCWD, path, err);
}

int
image_store_empty_trash(const struct image_store *s, struct error *err)
{
	return image_store_each(s, "trash", remove_trash, NULL, err);
}

/* After a start of the machine, once. */
static int
check_boot(const struct image_store *s, struct error *err)
{
	cleanup_free char *path = image_store_path(s, "boot");
	cleanup_buf struct buf now = BUF_INIT, then = BUF_INIT;
	struct error ignored = ERROR_INIT;

	if (buf_read_file(&now, BOOT_ID, 4096, &ignored) < 0)
		return 0;
	if (buf_read_file(&then, path, 4096, &ignored) == 0 &&
	    str_eq(buf_str(&then), buf_str(&now)))
		return 0;
	if (image_store_each(s, "layers", discard_unsynced, NULL, err) < 0)
		return err->code;
	return path_write_file(path, now.data, now.len, 0600, err);
}

static int
put_in_order(const struct image_store *s, struct error *err)
{
	cleanup_close int lock = image_store_lock(s, err);

	if (lock < 0)
		return err->code;
	if (check_boot(s, err) < 0 ||
	    image_store_each(s, "tmp", image_store_discard_dead, NULL, err) < 0)
		return err->code;
	close(take_fd(&lock)); /* removing may take a while */
	return image_store_empty_trash(s, err);
}

static int
make_folders(const struct image_store *s, struct error *err)
{
	static const char *const names[] = { "blobs/sha256", "layers", "images", "names",
		"pulls", "tmp", "trash" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		cleanup_free char *path = image_store_path(s, "%s", names[i]);

		if (path_mkdirs(path, 0700, err) < 0)
			return err->code;
	}
	return 0;
}

int
image_store_open(const struct image_store_settings *settings, struct image_store **out,
    struct error *err)
{
	struct image_store *s;

	if (settings->dir[0] != '/' || strchr(settings->dir, ':') != NULL)
		return error_set(err, ERR_INVALID,
		    "%s: images are kept in a folder with an absolute path and no colon in "
		    "it",
		    settings->dir);
	s = xcalloc(1, sizeof(*s));
	s->settings = *settings;
	s->dir = xstrdup(settings->dir);
	(void)pthread_mutex_init(&s->mutex, NULL);
	(void)pthread_cond_init(&s->changed, NULL);
	if (make_folders(s, err) < 0 || put_in_order(s, err) < 0) {
		image_store_close(s);
		return error_wrap(err, "the store of images");
	}
	*out = s;
	return 0;
}

void
image_store_close(struct image_store *s)
{
	if (s == NULL)
		return;
	image_tidy_end(s);
	(void)pthread_cond_destroy(&s->changed);
	(void)pthread_mutex_destroy(&s->mutex);
	map_clear(&s->asking);
	free(s->dir);
	free(s);
}
