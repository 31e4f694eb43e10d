/*
 * Copying layers: from the lowest up, each over what the ones below have left. Names are
 * walked one folder at a time, and no symbolic link is followed.
 */
#include "runner/layers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/copy.h"
#include "base/path.h"

#define NS INT64_C(1000000000)

/* ---- whiteouts ------------------------------------------------------------- */

/* Into the folder `part` of *fd, made if it is missing; false when it is no folder. */
static int
enter_folder(int *fd, const char *part, bool *is_folder, struct error *err)
{
	int next;

	if (mkdirat(*fd, part, 0777) < 0 && errno != EEXIST)
		return copy_errno(err, "cannot create folder", part);
	next = openat(*fd, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	*is_folder = next >= 0;
	if (next < 0)
		return errno == ENOTDIR || errno == ELOOP
		    ? 0
		    : error_errno(err, "cannot open folder %s", part);
	close(*fd);
	*fd = next;
	return 0;
}

int
layers_add_whiteout(int fd, const char *path, struct error *err)
{
	cleanup_free char *copy = xstrdup(path);
	cleanup_close int dir = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *part = copy, *slash;
	bool is_folder = true;

	if (dir < 0)
		return error_errno(err, "cannot open a layer");
	for (; (slash = strchr(part, '/')) != NULL; part = slash + 1) {
		*slash = '\0';
		if (enter_folder(&dir, part, &is_folder, err) < 0)
			return err->code;
		if (!is_folder)
			return 0;
	}
	if (mknodat(dir, part, S_IFCHR, 0) < 0 && errno != EEXIST)
		return copy_errno(err, "cannot mark as gone:", path);
	return 0;
}

/* ---- copying --------------------------------------------------------------- */

struct folder_time {
	char *path;
	struct timespec mtime;
};

struct copying {
	struct layers_copy *c;
	struct copier copier;
	int from_fd;
	struct strlist todo; /* folders, relative; "." is the layer */
	struct folder_time *times;
	size_t time_count, time_cap;
};

static int64_t
to_ns(const struct timespec *ts)
{
	return (int64_t)ts->tv_sec * NS + ts->tv_nsec;
}

/* ts is in the past or future of 1970, its nanoseconds are not. */
static struct timespec
shifted(const struct layers_copy *c, const struct timespec *ts)
{
	int64_t t = to_ns(ts) + c->shift_ns, ns;

	if (t < c->not_before_ns)
		t = c->not_before_ns;
	ns = t % NS;
	if (ns < 0)
		ns += NS;
	return (struct timespec){ .tv_sec = (t - ns) / NS, .tv_nsec = ns };
}

static int
copy_one(struct copying *k, const char *path, const struct stat *st, struct error *err)
{
	const struct layers_copy *c = k->c;
	struct timespec times[2];
	int rc = copy_file(&k->copier, k->from_fd, c->to_fd, path, NULL, err);

	if (rc < 0)
		return rc == ERR_MISSING ? 0 : rc; /* a socket, a pipe */
	k->c->files++;
	if (c->shift_ns == 0 && to_ns(&st->st_mtim) >= c->not_before_ns)
		return 0;
	times[0] = times[1] = shifted(c, &st->st_mtim);
	if (utimensat(c->to_fd, path, times, AT_SYMLINK_NOFOLLOW) < 0)
		return copy_errno(err, "cannot set the time of", path);
	return 0;
}

static int
enter(struct copying *k, const char *path, const struct stat *st, struct error *err)
{
	struct stat there;

	if (fstatat(k->c->to_fd, path, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	    !S_ISDIR(there.st_mode) && unlinkat(k->c->to_fd, path, 0) < 0)
		return copy_errno(err, "cannot replace", path);
	if (mkdirat(k->c->to_fd, path, (st->st_mode & 0777) | 0700) < 0 &&
	    errno != EEXIST)
		return copy_errno(err, "cannot create folder", path);
	strlist_add(&k->todo, path);
	if (!k->c->folder_times)
		return 0;
	GROW(k->times, k->time_count, k->time_cap);
	k->times[k->time_count++] =
	    (struct folder_time){ xstrdup(path), shifted(k->c, &st->st_mtim) };
	return 0;
}

static int
copy_entry(struct copying *k, const char *path, struct error *err)
{
	struct stat st;

	if (fstatat(k->from_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "cannot read %s", path);
	if (S_ISDIR(st.st_mode))
		return enter(k, path, &st, err);
	if (path_remove_tree(k->c->to_fd, path, err) < 0)
		return err->code;
	return layers_is_whiteout(&st) ? 0 : copy_one(k, path, &st, err);
}

static int
copy_folder(struct copying *k, const char *dir, struct error *err)
{
	int fd = openat(k->from_fd, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_closedir DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (d == NULL)
		return error_errno(err, "cannot read folder %s", dir);
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		cleanup_free char *path = NULL;

		if (str_eq(e->d_name, ".") || str_eq(e->d_name, ".."))
			continue;
		if (k->c->cancel != NULL && atomic_load(k->c->cancel))
			return error_set(err, ERR_CANCELED, "canceled");
		path = str_eq(dir, ".") ? xstrdup(e->d_name) : path_join(dir, e->d_name);
		if (copy_entry(k, path, err) < 0)
			return err->code;
	}
	return 0;
}

static int
copy_layer(struct copying *k, const char *layer, struct error *err)
{
	cleanup_close int fd = open(layer, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0)
		return error_errno(err, "cannot open the layer %s", layer);
	k->from_fd = fd;
	strlist_add(&k->todo, ".");
	while (k->todo.count > 0) {
		cleanup_free char *dir = k->todo.items[--k->todo.count];

		if (rc == 0)
			rc = copy_folder(k, dir, err);
	}
	return rc;
}

/* What was made in a folder changed its time: so these come last, inner ones first. One
 * that a higher layer has removed is no loss. */
static void
set_folder_times(struct copying *k)
{
	while (k->time_count > 0) {
		struct folder_time *f = &k->times[--k->time_count];
		const struct timespec times[2] = { f->mtime, f->mtime };

		(void)utimensat(k->c->to_fd, f->path, times, AT_SYMLINK_NOFOLLOW);
		free(f->path);
	}
	free(k->times);
}

int
layers_copy(struct layers_copy *c, struct error *err)
{
	struct copying k = { .c = c };
	int rc = 0;

	c->files = 0;
	for (size_t i = c->layers->count; rc == 0 && i > 0; i--) {
		rc = copy_layer(&k, c->layers->items[i - 1], err);
	}
	set_folder_times(&k);
	strlist_clear(&k.todo);
	return rc;
}

int
layers_copy_plain(const struct strlist *layers, const char *to, const atomic_bool *cancel,
    struct error *err)
{
	cleanup_close int fd = open(to, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct layers_copy c = { .layers = layers,
		.to_fd = fd,
		.not_before_ns = INT64_MIN,
		.cancel = cancel };
	struct strlist above = *layers;

	if (fd < 0)
		return error_errno(err, "cannot open folder %s", to);
	/* the lowest has no whiteouts, and nothing is in its way */
	if (copy_tree(layers->items[layers->count - 1], to, cancel, err) < 0)
		return err->code;
	above.count--;
	c.layers = &above;
	return layers_copy(&c, err);
}
