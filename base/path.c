/* Paths and folders. */
#include "base/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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

static void remove_at(int dirfd, const char *name, struct error *err);

static void
remove_children(int dirfd, const char *name, struct error *err)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d;

	if (fd < 0 && errno == EACCES && fchmodat(dirfd, name, 0700, 0) == 0)
		fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return; /* the rmdir that follows says why */
	d = fdopendir(fd);
	if (d == NULL) {
		close(fd);
		return;
	}
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			remove_at(fd, e->d_name, err);
	closedir(d);
}

static void
remove_at(int dirfd, const char *name, struct error *err)
{
	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return;
	if (errno == EACCES && fchmod(dirfd, 0700) == 0 && unlinkat(dirfd, name, 0) == 0)
		return; /* the folder it stands in was not writable */
	if (errno == EISDIR || errno == EPERM || errno == EACCES) {
		remove_children(dirfd, name, err);
		if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return;
	}
	if (err != NULL && err->code == 0)
		error_errno(err, "cannot remove %s", name);
}

int
path_remove_tree(int dirfd, const char *name, struct error *err)
{
	struct error own = ERROR_INIT;

	remove_at(dirfd, name, &own);
	if (own.code == 0)
		return 0;
	if (err != NULL)
		*err = own;
	return own.code;
}

static int
write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		len -= (size_t)n;
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
	if (write_all(fd, data, len) < 0) {
		rc = error_errno(err, "cannot write %s", path);
		close(fd);
	} else if (close(fd) < 0 || rename(tmp, path) < 0) {
		rc = error_errno(err, "cannot write %s", path);
	}
	if (rc < 0)
		unlink(tmp);
	return rc;
}
