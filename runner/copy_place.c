/* Places are taken and swept under a lock on the folder they are in; leaving one is one
 * rename and needs none. */
#include "runner/copy_place.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"

#define OWNER "owner" /* in a place: a link to the folder of its job */
#define MAX_PLACES 10000

void
copy_place_clear(struct copy_place *place)
{
	free(place->dir);
	free(place->project_dir);
	*place = (struct copy_place){ NULL, NULL };
}

static bool
owner_lives(int copies_fd, const char *name)
{
	cleanup_free char *link = xasprintf("%s/" OWNER, name), *lock = NULL;
	cleanup_close int fd = -1;
	char job[PATH_MAX];
	ssize_t len = readlinkat(copies_fd, link, job, sizeof(job) - 1);

	if (len <= 0)
		return false;
	job[len] = '\0';
	lock = path_join(job, "lock");
	fd = open(lock, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0;
}

static int
lock_places(const char *copies_dir)
{
	int fd = open(copies_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX) == 0)
		return fd;
	cleanup_close_fd(&fd);
	return -1;
}

static void
sweep_locked(int copies_fd)
{
	int fd = openat(copies_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_closedir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	while (dir != NULL && (e = readdir(dir)) != NULL)
		if (isdigit((unsigned char)*e->d_name) &&
		    !owner_lives(copies_fd, e->d_name) &&
		    path_remove_tree(copies_fd, e->d_name, NULL) < 0)
			continue; /* the next sweep tries again */
}

void
copy_place_sweep(const char *copies_dir)
{
	cleanup_close int fd = lock_places(copies_dir);

	if (fd >= 0)
		sweep_locked(fd);
}

/* The first number nobody has; -1 and errno. */
static int
take_number(int copies_fd, const struct jobdir *job)
{
	for (int n = 0; n < MAX_PLACES; n++) {
		char name[32];
		char owner[48];

		(void)snprintf(name, sizeof(name), "%d", n);
		(void)snprintf(owner, sizeof(owner), "%d/" OWNER, n);
		if (mkdirat(copies_fd, name, 0700) == 0)
			return symlinkat(job->path, copies_fd, owner) < 0 ? -1 : n;
		if (errno != EEXIST)
			return -1;
	}
	return -1;
}

int
copy_place_claim(const char *copies_dir, const struct jobdir *job, const char *copy,
    const char *project, struct copy_place *out, struct error *err)
{
	cleanup_close int fd = -1;
	struct copy_place place;
	int n;

	if (path_mkdirs(copies_dir, 0700, err) < 0)
		return err->code;
	fd = lock_places(copies_dir);
	if (fd < 0)
		return error_errno(err, "cannot use %s", copies_dir);
	sweep_locked(fd);
	n = take_number(fd, job);
	if (n < 0)
		return error_errno(err, "cannot take a place in %s", copies_dir);
	place.dir = xasprintf("%s/%d", copies_dir, n);
	place.project_dir = path_join(place.dir, project);
	if (rename(copy, place.project_dir) < 0) {
		error_errno(err, "cannot move %s to %s", copy, place.project_dir);
		copy_place_clear(&place);
		return err->code;
	}
	*out = place;
	return 0;
}
