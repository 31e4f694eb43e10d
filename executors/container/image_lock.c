/* Locks by flock: they end with whoever holds them. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "executors/container/image_store_internal.h"

#define POLL_NS (50 * 1000 * 1000) /* flock cannot wait for a flag as well */

int
image_store_lock(const struct image_store *s, struct error *err)
{
	cleanup_free char *path = image_store_path(s, "lock");
	cleanup_close int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int rc;

	if (fd < 0)
		return error_errno(err, "cannot open %s", path);
	do
		rc = flock(fd, LOCK_EX);
	while (rc < 0 && errno == EINTR);
	if (rc < 0)
		return error_errno(err, "cannot lock %s", path);
	return take_fd(&fd);
}

/* 1: it is ours; 0: not yet; -1: err. Who had it before may have removed the file. */
static int
try_lock(const char *path, int *out, struct error *err)
{
	cleanup_close int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct stat mine, there;

	if (fd < 0)
		return error_errno(err, "cannot open %s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK || errno == EINTR
		    ? 0
		    : error_errno(err, "cannot lock %s", path);
	if (fstat(fd, &mine) < 0 || stat(path, &there) < 0 || mine.st_ino != there.st_ino)
		return 0;
	*out = take_fd(&fd);
	return 1;
}

int
image_lock_begin(const struct image_store *s, const char *name, const atomic_bool *cancel,
    struct image_lock *out, struct error *err)
{
	cleanup_free char *path = image_store_path(s, "pulls/%s", name);
	const struct timespec pause = { .tv_nsec = POLL_NS };
	int rc, fd;

	while ((rc = try_lock(path, &fd, err)) == 0) {
		if (cancel != NULL && atomic_load(cancel))
			return error_set(err, ERR_CANCELED, "canceled");
		(void)nanosleep(&pause, NULL);
	}
	if (rc < 0)
		return err->code;
	out->path = take(path);
	out->fd = fd;
	return 0;
}

void
image_lock_end(struct image_lock *l)
{
	if (l->path == NULL)
		return;
	(void)unlink(l->path);
	close(l->fd);
	free(l->path);
	*l = (struct image_lock){ .fd = -1 };
}

int
image_lock_forget(
    const struct image_store *s, const char *name, void *data, struct error *err)
{
	cleanup_free char *path = image_store_path(s, "%s", name);
	int fd, rc = try_lock(path, &fd, err);

	(void)data;
	if (rc <= 0)
		return rc;
	(void)unlink(path);
	close(fd);
	return 0;
}
