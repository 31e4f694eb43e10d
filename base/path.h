/* Paths and folders: joining, cleaning, creating, removing. Links libc only. */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include "base/error.h"

/* dir + "/" + name, malloced. */
char *path_join(const char *dir, const char *name);

/*
 * A relative path with ".", "//" and "x/.." resolved as text, malloced; NULL when it
 * would leave its root or is absolute. "" and "." give ".".
 */
char *path_clean(const char *path);

/* mkdir -p. */
MUST_CHECK int path_mkdirs(const char *path, mode_t mode, struct error *err);

/* mkdir -p of everything before the last slash of name, below dirfd. */
MUST_CHECK int path_mkdirs_at(
    int dirfd, const char *name, mode_t mode, struct error *err);

/* All of it belongs to uid and gid from then on; links are not followed. */
MUST_CHECK int path_give_tree(const char *path, uid_t uid, gid_t gid, struct error *err);

/*
 * rm -rf of name below dirfd (or AT_FDCWD): never follows a symbolic link, makes
 * folders writable that are not (overlay leaves work/work with mode 000), goes on
 * after an error and reports the first one. A missing name is success.
 */
MUST_CHECK int path_remove_tree(int dirfd, const char *name, struct error *err);

/* All of data, also where the system takes it in parts; 0, or -1 with errno. */
MUST_CHECK int path_write_fd(int fd, const void *data, size_t len);
MUST_CHECK int path_write_fd_at(int fd, const void *data, size_t len, off_t offset);

/* Write a file through a temporary name and rename, so that a reader sees all or nothing.
 */
MUST_CHECK int path_write_file(
    const char *path, const void *data, size_t len, mode_t mode, struct error *err);

#endif
