/*
 * What a runtime leaves that was killed: cgroups, in each hierarchy, which bear the
 * container's name. Where its own had been is not known to who tidies up, so all are
 * looked through.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/path.h"
#include "executors/container/runtime.h"

#define CGROUPS "/sys/fs/cgroup"
#define DEPTH_MAX 12
#define TRIES 200 /* who was killed in there has to be gone */
#define PAUSE_NS (5L * 1000 * 1000)

static void
remove_group(int at, const char *name)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };

	for (int i = 0; i < TRIES; i++) {
		if (unlinkat(at, name, AT_REMOVEDIR) == 0 || errno != EBUSY)
			return;
		nanosleep(&pause, NULL);
	}
}

/* The lowest first. Takes the descriptor at. */
static void
remove_groups(int at, const struct strlist *names, bool is_inside, int depth)
{
	cleanup_closedir DIR *dir = at < 0 ? NULL : fdopendir(at);

	if (dir == NULL) {
		cleanup_close_fd(&at);
		return;
	}
	for (struct dirent *e; (e = readdir(dir)) != NULL;) {
		bool named = is_inside || strlist_has(names, e->d_name);

		if (e->d_name[0] == '.' || e->d_type != DT_DIR)
			continue;
		if (depth < DEPTH_MAX)
			remove_groups(
			    openat(dirfd(dir), e->d_name,
				O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
			    names, named, depth + 1);
		if (named)
			remove_group(dirfd(dir), e->d_name);
	}
}

void
runtime_sweep(const char *job_dir)
{
	static const char *const places[] = { RUNTIME_STATE "/" RUNTIME_NAME "*",
		"*/" RUNTIME_STATE "/" RUNTIME_NAME "*" };
	cleanup_strlist struct strlist names = STRLIST_INIT;

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		cleanup_free char *pattern = path_join(job_dir, places[i]);
		glob_t found;

		if (glob(pattern, GLOB_NOSORT, NULL, &found) != 0)
			continue;
		for (size_t k = 0; k < found.gl_pathc; k++)
			strlist_add(&names, strrchr(found.gl_pathv[k], '/') + 1);
		globfree(&found);
	}
	if (names.count > 0)
		remove_groups(
		    open(CGROUPS, O_RDONLY | O_DIRECTORY | O_CLOEXEC), &names, false, 0);
}
