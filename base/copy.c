/* Copying files and folders. */
#include "base/copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "base/str.h"

#define SMALL (64 * 1024) /* up to here read and write beat copy_file_range */
#define CHUNK ((size_t)64 << 20)

int
copy_errno(struct error *err, const char *what, const char *path)
{
	int e = errno;

	if (e == ENOSPC || e == EDQUOT)
		return error_set(err, ERR_ENVIRONMENT,
		    "%s %s: the disk is full; free some space, or let XDG_CACHE_HOME "
		    "point to a disk that has some",
		    what, path);
	if (e == EROFS)
		return error_set(err, ERR_ENVIRONMENT,
		    "%s %s: the file system is read-only", what, path);
	return error_errno(err, "%s %s", what, path);
}

static int
copy_by_hand(int from, int to)
{
	char block[SMALL];

	for (;;) {
		ssize_t n = read(from, block, sizeof(block));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return (int)n;
		if (path_write_fd(to, block, (size_t)n) < 0)
			return -1;
	}
}

/* From both files' start; 0, or -1 with errno. */
static int
copy_content(struct copier *c, int from, int to, off_t size)
{
	if (size > 0 && !c->no_reflink) {
		if (ioctl(to, FICLONE, from) == 0)
			return 0;
		c->no_reflink = errno == EOPNOTSUPP || errno == EXDEV ||
		    errno == ENOTTY || errno == ENOSYS;
	}
	while (size > SMALL) {
		ssize_t n = copy_file_range(from, NULL, to, NULL, CHUNK, 0);

		if (n == 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) /* both files' offsets are at what has been copied */
			break;
	}
	return copy_by_hand(from, to);
}

static struct timespec
mtime_for(const struct copier *c, const struct stat *st)
{
	return c->mtime != NULL ? *c->mtime : st->st_mtim;
}

static int
copy_link(const struct copier *c, int from_fd, int to_fd, const char *path,
    const struct stat *st, struct error *err)
{
	const struct timespec mtime = mtime_for(c, st), times[2] = { mtime, mtime };
	char target[4097];
	ssize_t n = readlinkat(from_fd, path, target, sizeof(target) - 1);

	if (n < 0)
		return error_set(err, ERR_MISSING, "%s is gone", path);
	target[n] = '\0';
	if (symlinkat(target, to_fd, path) < 0)
		return copy_errno(err, "cannot create the link", path);
	if (utimensat(to_fd, path, times, AT_SYMLINK_NOFOLLOW) < 0)
		return copy_errno(err, "cannot set the time of", path);
	return 0;
}

/* ENOENT, ELOOP, ENXIO: it was something else when it was looked at. */
static int
open_error(const char *path, struct error *err)
{
	if (errno == EACCES || errno == EPERM)
		return error_errno(err, "cannot read %s", path);
	if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == ENXIO)
		return error_set(err, ERR_MISSING, "%s is gone", path);
	return copy_errno(err, "cannot read", path);
}

static int
copy_regular(struct copier *c, int from_fd, int to_fd, const char *path, struct stat *st,
    struct error *err)
{
	cleanup_close int from =
	    openat(from_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	cleanup_close int to = -1;
	struct timespec times[2];

	if (from < 0 || fstat(from, st) < 0)
		return open_error(path, err);
	if (!S_ISREG(st->st_mode))
		return error_set(err, ERR_MISSING, "%s is no regular file", path);
	to = openat(to_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (to < 0)
		return copy_errno(err, "cannot create", path);
	times[0] = times[1] = mtime_for(c, st);
	if (copy_content(c, from, to, st->st_size) < 0 ||
	    fchmod(to, st->st_mode & 0777) < 0 || futimens(to, times) < 0)
		return copy_errno(err, "cannot write", path);
	c->files++;
	c->bytes += (uint64_t)st->st_size;
	return 0;
}

int
copy_file(struct copier *c, int from_fd, int to_fd, const char *path, struct stat *out,
    struct error *err)
{
	struct stat st;
	int rc;

	if (fstatat(from_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return open_error(path, err);
	if (S_ISLNK(st.st_mode))
		rc = copy_link(c, from_fd, to_fd, path, &st, err);
	else if (S_ISREG(st.st_mode))
		rc = copy_regular(c, from_fd, to_fd, path, &st, err);
	else
		rc = error_set(err, ERR_MISSING, "%s is no regular file", path);
	if (rc == 0 && out != NULL)
		*out = st;
	return rc;
}

struct tree {
	struct copier copier;
	int from_fd, to_fd;
	const atomic_bool *cancel;
	struct strlist dirs; /* still to do, relative; "." is the root */
};

/* The names first, so that only one folder is open at a time however deep it goes. */
static int
list_names(int fd, const char *dir, struct strlist *out, struct error *err)
{
	int own = openat(fd, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_closedir DIR *d = own < 0 ? NULL : fdopendir(own);

	if (d == NULL)
		return error_errno(err, "cannot read folder %s", dir);
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		if (!str_eq(e->d_name, ".") && !str_eq(e->d_name, ".."))
			strlist_add_take(out,
			    str_eq(dir, ".") ? xstrdup(e->d_name)
					     : path_join(dir, e->d_name));
	return 0;
}

static int
copy_entry(struct tree *t, const char *path, struct error *err)
{
	struct stat st;
	int rc;

	if (fstatat(t->from_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "cannot read %s", path);
	if (S_ISDIR(st.st_mode)) {
		if (mkdirat(t->to_fd, path, (st.st_mode & 0777) | 0700) < 0)
			return copy_errno(err, "cannot create folder", path);
		strlist_add(&t->dirs, path);
		return 0;
	}
	rc = copy_file(&t->copier, t->from_fd, t->to_fd, path, NULL, err);
	return rc == ERR_MISSING ? 0 : rc;
}

static int
copy_dir(struct tree *t, const char *dir, struct error *err)
{
	cleanup_strlist struct strlist names = STRLIST_INIT;
	int rc = list_names(t->from_fd, dir, &names, err);

	for (size_t i = 0; rc == 0 && i < names.count; i++) {
		if (t->cancel != NULL && atomic_load(t->cancel))
			return error_set(err, ERR_CANCELED, "canceled");
		rc = copy_entry(t, names.items[i], err);
	}
	return rc;
}

int
copy_tree(const char *from, const char *to, const atomic_bool *cancel, struct error *err)
{
	cleanup_close int from_fd = open(from, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int to_fd = open(to, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct tree t = { .from_fd = from_fd, .to_fd = to_fd, .cancel = cancel };
	int rc = 0;

	if (from_fd < 0)
		return error_errno(err, "cannot open folder %s", from);
	if (to_fd < 0)
		return error_errno(err, "cannot open folder %s", to);
	strlist_add(&t.dirs, ".");
	while (rc == 0 && t.dirs.count > 0) {
		cleanup_free char *dir = t.dirs.items[--t.dirs.count];

		rc = copy_dir(&t, dir, err);
	}
	strlist_clear(&t.dirs);
	return rc;
}
