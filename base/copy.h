/*
 * Copying files and folders: by reflink where the file system can, else by content;
 * never by hard link. Blocks; any thread. Links libc only.
 */
#ifndef BASE_COPY_H
#define BASE_COPY_H

#include <stdatomic.h>

#include "base/error.h"

struct stat;

/* What several copies between the same two places share. Caller's storage, zeroed. */
struct copier {
	bool no_reflink;              /* this file system said so once */
	const struct timespec *mtime; /* of the next file, if not the source's; or NULL */
	uint64_t files, bytes;
};

/*
 * Copy the regular file or symbolic link `path` below from_fd to the same path below
 * to_fd, whose folder exists and where nothing of that name is. Mode (without setuid and
 * setgid) and modification time come along. out, if not NULL, gets what the source was.
 * ERR_MISSING: the source is gone, or neither of the two kinds. ERR_ENVIRONMENT: the disk
 * is full or read-only. -EACCES: the source cannot be read.
 */
MUST_CHECK int copy_file(struct copier *c, int from_fd, int to_fd, const char *path,
    struct stat *out, struct error *err);

/*
 * Copy what is in the folder from into the existing folder to. Sockets, pipes and devices
 * are left out. cancel (may be NULL), set by another thread, ends it with ERR_CANCELED.
 */
MUST_CHECK int copy_tree(
    const char *from, const char *to, const atomic_bool *cancel, struct error *err);

/* error_errno(), as ERR_ENVIRONMENT with a remedy when the disk is full or read-only. */
int copy_errno(struct error *err, const char *what, const char *path);

#endif
