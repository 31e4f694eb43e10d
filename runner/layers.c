/*
 * Copying layers: from the top down, what a layer has is looked at no more in those below
 * it. Names are walked one folder at a time, and no symbolic link is followed.
 */
#include "runner/layers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/copy.h"
#include "base/map.h"
#include "base/path.h"

#define NS INT64_C(1000000000)

struct timespec
layers_timespec(int64_t ns)
{
	int64_t rest = ns % NS;

	if (rest < 0)
		rest += NS;
	return (struct timespec){ .tv_sec = (ns - rest) / NS, .tv_nsec = rest };
}

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

struct folder {
	char *path;
	struct timespec mtime;
	mode_t mode;
};

struct copying {
	struct layers_copy *c;
	struct copier copier;
	int from_fd;
	struct map seen; /* path → &folder or &other; of the layers above */
	char folder, other;
	struct strlist todo; /* folders, relative; "." is the layer */
	struct folder *folders;
	size_t folder_count, folder_cap;
};

static struct timespec
time_for(const struct layers_copy *c, const struct timespec *ts, bool is_file)
{
	int64_t t = layers_ns(ts) + c->shift_ns;

	if (is_file && t < c->not_before_ns)
		t = c->not_before_ns;
	return layers_timespec(t);
}

static int
copy_one(struct copying *k, const char *path, const struct stat *st, struct error *err)
{
	const struct layers_copy *c = k->c;
	const struct timespec mtime = time_for(c, &st->st_mtim, true);
	int rc;

	if (path_remove_tree(c->to_fd, path, err) < 0)
		return err->code;
	k->copier.mtime = &mtime;
	rc = copy_file(&k->copier, k->from_fd, c->to_fd, path, NULL, err);
	k->copier.mtime = NULL;
	if (rc < 0)
		return rc == ERR_MISSING ? 0 : rc; /* a socket, a pipe */
	k->c->files++;
	return 0;
}

static int
make_folder(struct copying *k, const char *path, const struct stat *st, struct error *err)
{
	struct stat there;

	if (fstatat(k->c->to_fd, path, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	    !S_ISDIR(there.st_mode) && unlinkat(k->c->to_fd, path, 0) < 0)
		return copy_errno(err, "cannot replace", path);
	if (mkdirat(k->c->to_fd, path, 0700) < 0 && errno != EEXIST)
		return copy_errno(err, "cannot create folder", path);
	GROW(k->folders, k->folder_count, k->folder_cap);
	k->folders[k->folder_count++] = (struct folder){ xstrdup(path),
		time_for(k->c, &st->st_mtim, false), st->st_mode & 0777 };
	return 0;
}

static int
copy_entry(struct copying *k, const char *path, struct error *err)
{
	const void *above = map_get(&k->seen, path);
	struct stat st;
	bool is_folder;

	if (above == &k->other)
		return 0;
	if (fstatat(k->from_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "cannot read %s", path);
	is_folder = S_ISDIR(st.st_mode);
	if (is_folder)
		strlist_add(&k->todo, path);
	/* a folder over something else hides that, and all there is below it */
	if (k->c->layers->count > 1 && (above == NULL || !is_folder))
		map_set(&k->seen, path, is_folder ? &k->folder : &k->other);
	if (above != NULL || layers_is_whiteout(&st))
		return 0;
	return is_folder ? make_folder(k, path, &st, err) : copy_one(k, path, &st, err);
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

/* What is made in a folder changes its time, and takes the right to: so these come last,
 * inner ones first. */
static int
finish_folders(struct copying *k, int rc, struct error *err)
{
	while (k->folder_count > 0) {
		struct folder *f = &k->folders[--k->folder_count];
		const struct timespec times[2] = { f->mtime, f->mtime };

		if (rc == 0 &&
		    (fchmodat(k->c->to_fd, f->path, f->mode, 0) < 0 ||
			(k->c->folder_times &&
			    utimensat(k->c->to_fd, f->path, times, AT_SYMLINK_NOFOLLOW) <
				0)))
			rc = copy_errno(err, "cannot finish folder", f->path);
		free(f->path);
	}
	free(k->folders);
	return rc;
}

int
layers_copy(struct layers_copy *c, struct error *err)
{
	struct copying k = { .c = c };
	int rc = 0;

	c->files = 0;
	for (size_t i = 0; rc == 0 && i < c->layers->count; i++)
		rc = copy_layer(&k, c->layers->items[i], err);
	rc = finish_folders(&k, rc, err);
	strlist_clear(&k.todo);
	map_clear(&k.seen);
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

	if (fd < 0)
		return error_errno(err, "cannot open folder %s", to);
	if (layers->count == 1) /* nothing is in the way */
		return copy_tree(layers->items[0], to, cancel, err);
	return layers_copy(&c, err);
}
