/* Making job folders under a lock that sweepers respect. */
#include "runner/jobdir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "executors/container/runtime.h"

static int
make_marker(char marker[JOBDIR_MARKER_LEN + 1], struct error *err)
{
	unsigned char bytes[JOBDIR_MARKER_LEN / 2];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return error_errno(err, "no random bytes");
	for (size_t i = 0; i < sizeof(bytes); i++)
		(void)snprintf(marker + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

/* The lock file holds the marker, for the sweep that may come one day. */
static int
make_lock(struct jobdir *dir, struct error *err)
{
	cleanup_free char *path = path_join(dir->path, "lock");

	dir->lock_fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (dir->lock_fd < 0 ||
	    write(dir->lock_fd, dir->marker, JOBDIR_MARKER_LEN) != JOBDIR_MARKER_LEN ||
	    flock(dir->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return error_errno(err, "cannot create the lock %s", path);
	return 0;
}

int
jobdir_create(
    const char *jobs_dir, const char *name, struct jobdir *out, struct error *err)
{
	cleanup_jobdir struct jobdir dir = JOBDIR_INIT;
	/* a sweep looks at folders only while nobody is between mkdir and flock */
	cleanup_close int jobs_fd = open(jobs_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	dir.path = path_join(jobs_dir, name);
	if (jobs_fd < 0 || flock(jobs_fd, LOCK_SH) < 0)
		return error_errno(err, "cannot use %s", jobs_dir);
	if (make_marker(dir.marker, err) < 0)
		return err->code;
	if (mkdir(dir.path, 0700) < 0)
		return error_errno(err, "cannot create the job folder %s", dir.path);
	if (make_lock(&dir, err) < 0) {
		(void)!path_remove_tree(AT_FDCWD, dir.path, NULL);
		return err->code;
	}
	*out = dir;
	dir = (struct jobdir)JOBDIR_INIT;
	return 0;
}

int
jobdir_remove(struct jobdir *dir, struct error *err)
{
	runtime_sweep(dir->path);
	return path_remove_tree(AT_FDCWD, dir->path, err);
}

void
jobdir_clear(struct jobdir *dir)
{
	cleanup_close_fd(&dir->lock_fd);
	free(dir->path);
	*dir = (struct jobdir)JOBDIR_INIT;
}
