/* Paths and folders. */
#include "base/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

char *
path_join(const char *dir, const char *name)
{
	size_t n = strlen(dir);

	return xasprintf("%s%s%s", dir, n > 0 && dir[n - 1] == '/' ? "" : "/", name);
}

char *
path_clean(const char *path)
{
	cleanup_free char *out = xmalloc(strlen(path) + 2);
	size_t len = 0;

	if (*path == '/')
		return NULL;
	while (*path != '\0') {
		size_t n = strcspn(path, "/");

		if (n == 2 && memcmp(path, "..", 2) == 0) {
			if (len == 0)
				return NULL;
			while (len > 0 && out[--len] != '/')
				;
		} else if (n > 0 && !(n == 1 && *path == '.')) {
			if (len > 0)
				out[len++] = '/';
			memcpy(out + len, path, n);
			len += n;
		}
		path += n;
		path += *path == '/';
	}
	if (len == 0)
		out[len++] = '.';
	out[len] = '\0';
	return take(out);
}

int
path_mkdirs_at(int dirfd, const char *name, mode_t mode, struct error *err)
{
	cleanup_free char *copy = xstrdup(name);

	for (char *p = copy + (*copy == '/'); (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		if (mkdirat(dirfd, copy, mode) < 0 && errno != EEXIST)
			return error_errno(err, "cannot create folder %s", copy);
		*p = '/';
	}
	return 0;
}

int
path_mkdirs(const char *path, mode_t mode, struct error *err)
{
	struct stat st;

	if (mkdir(path, mode) == 0 ||
	    (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode)))
		return 0;
	if (errno == ENOENT) {
		if (path_mkdirs_at(AT_FDCWD, path, mode, err) < 0)
			return err == NULL ? ERR_FOREIGN : err->code;
		if (mkdir(path, mode) == 0 || errno == EEXIST)
			return 0;
	} else if (errno == EEXIST) {
		errno = ENOTDIR;
	}
	return error_errno(err, "cannot create folder %s", path);
}

/*
 * One removal. Each level takes a file descriptor and a stack frame, so what lies deeper
 * than MAX_OPEN is moved up to the top folder, which is then gone through again.
 */
struct removal {
	int top_fd;
	unsigned moved; /* names given out */
	struct error *err;
};

#define MAX_OPEN 64
#define MOVED_NAME ".pawl-deep-%u"

static void remove_at(
    struct removal *r, int dirfd, const char *name, int depth, bool is_folder);

static bool
move_up(struct removal *r, int dirfd, const char *name)
{
	char temp[32];

	for (int tries = 0; tries < 100; tries++) {
		(void)snprintf(temp, sizeof(temp), MOVED_NAME, r->moved++);
		if (renameat2(dirfd, name, r->top_fd, temp, RENAME_NOREPLACE) == 0)
			return true;
		if (errno != EEXIST)
			return false;
	}
	return false;
}

/* A folder opened for listing, made accessible if it is not; -1 with errno. */
static int
open_folder(int dirfd, const char *name)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(dirfd, name, flags);

	if (fd < 0 && errno == EACCES && fchmodat(dirfd, name, 0700, 0) == 0)
		fd = openat(dirfd, name, flags);
	return fd;
}

static void
remove_children(struct removal *r, int fd, int depth)
{
	DIR *d = fdopendir(fd);

	if (d == NULL) {
		close(fd);
		return;
	}
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			remove_at(r, fd, e->d_name, depth + 1, e->d_type == DT_DIR);
	closedir(d);
}

static void
remove_folder(struct removal *r, int dirfd, const char *name, int depth)
{
	int fd = open_folder(dirfd, name);

	if (fd < 0)
		return; /* the rmdir that follows says why */
	if (depth > MAX_OPEN && fchmod(fd, 0700) == 0 && move_up(r, dirfd, name))
		close(fd);
	else
		remove_children(r, fd, depth);
}

/* What unlink says of a folder, and of some file systems' oddities. */
static bool
may_be_folder(int why)
{
	return why == EISDIR || why == EPERM || why == EACCES || why == ENOTEMPTY ||
	    why == EEXIST || why == EBUSY;
}

/* is_folder only saves a call: a folder that is empty goes at once. */
static void
remove_at(struct removal *r, int dirfd, const char *name, int depth, bool is_folder)
{
	int flags = is_folder ? AT_REMOVEDIR : 0, why;

	if (unlinkat(dirfd, name, flags) == 0 || errno == ENOENT)
		return;
	why = errno;
	if (why == EACCES && fchmod(dirfd, 0700) == 0) {
		if (unlinkat(dirfd, name, flags) == 0)
			return; /* the folder it stands in was not writable */
		why = errno;
	}
	if (may_be_folder(why)) {
		remove_folder(r, dirfd, name, depth);
		if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return;
		why = errno == ENOTDIR ? why : errno;
	}
	errno = why;
	if (r->err->code == 0)
		error_errno(r->err, "cannot remove %s", name);
}

/* The top folder is gone through until nothing more was moved into it. */
static void
remove_top(struct removal *r, int dirfd, const char *name)
{
	unsigned before;

	do {
		int fd = open_folder(dirfd, name);

		before = r->moved;
		if (fd < 0)
			break;
		r->top_fd = fd;
		remove_children(r, fd, 0);
	} while (r->moved != before && r->err->code == 0);
	if (unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT &&
	    r->err->code == 0)
		error_errno(r->err, "cannot remove %s", name);
}

int
path_remove_tree(int dirfd, const char *name, struct error *err)
{
	struct error own = ERROR_INIT;
	struct removal r = { .err = &own };

	/* most of what is removed is a folder, and many of those are empty */
	if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno == ENOTDIR && (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT))
		return 0;
	if (may_be_folder(errno))
		remove_top(&r, dirfd, name);
	else
		error_errno(&own, "cannot remove %s", name);
	if (own.code != 0 && err != NULL)
		*err = own;
	return own.code;
}

int
path_write_fd(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int
path_write_fd_at(int fd, const void *data, size_t len, off_t offset)
{
	const char *at = data;

	while (len > 0) {
		ssize_t n = pwrite(fd, at, len, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		at += n;
		len -= (size_t)n;
		offset += n;
	}
	return 0;
}

int
path_write_file(
    const char *path, const void *data, size_t len, mode_t mode, struct error *err)
{
	cleanup_free char *tmp = xasprintf("%s.tmp%ld", path, (long)getpid());
	int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode), rc = 0;

	if (fd < 0)
		return error_errno(err, "cannot write %s", path);
	if (path_write_fd(fd, data, len) < 0) {
		rc = error_errno(err, "cannot write %s", path);
		close(fd);
	} else if (close(fd) < 0 || rename(tmp, path) < 0) {
		rc = error_errno(err, "cannot write %s", path);
	}
	if (rc < 0)
		unlink(tmp);
	return rc;
}

int
path_give_tree(const char *path, uid_t uid, gid_t gid, struct error *err)
{
	char *const roots[] = { (char *)(uintptr_t)path, NULL };
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL);
	FTSENT *e;
	int rc = 0;

	if (walk == NULL)
		return error_errno(err, "cannot read %s", path);
	while (rc == 0 && (e = fts_read(walk)) != NULL) {
		errno = e->fts_errno;
		if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR)
			rc = error_errno(err, "cannot read %s", e->fts_path);
		else if (e->fts_info != FTS_DP && lchown(e->fts_path, uid, gid) < 0)
			rc = error_errno(
			    err, "cannot give %s to user %u", e->fts_path, (unsigned)uid);
	}
	(void)fts_close(walk);
	return rc;
}
