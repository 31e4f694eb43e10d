/* Where file variables lie: on a file system that lives in memory, or nowhere. */
#include "runner/supervisor/files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/path.h"

/* The second is NULL when there is none. */
static void
candidates(const char *out[2])
{
	out[0] = "/dev/shm";
	out[1] = getenv("XDG_RUNTIME_DIR");
}

int
files_create_dir(const char *marker, char **out, struct error *err)
{
	const char *parents[2];

	candidates(parents);
	for (size_t i = 0; i < ARRAY_LEN(parents); i++) {
		cleanup_free char *path = NULL;
		struct statfs fs;

		if (parents[i] == NULL || statfs(parents[i], &fs) < 0 ||
		    (fs.f_type != TMPFS_MAGIC && fs.f_type != RAMFS_MAGIC))
			continue;
		path = xasprintf("%s/pawl-%s", parents[i], marker);
		if (mkdir(path, 0700) < 0)
			continue;
		*out = take(path);
		return 0;
	}
	return error_set(err, ERR_ENVIRONMENT,
	    "no place in memory for variables of type file: a tmpfs this user may write to is "
	    "needed at /dev/shm or $XDG_RUNTIME_DIR");
}

void
files_sweep(const char *marker)
{
	const char *parents[2];

	candidates(parents);
	for (size_t i = 0; i < ARRAY_LEN(parents); i++) {
		cleanup_free char *path = NULL;

		if (parents[i] == NULL)
			continue;
		path = xasprintf("%s/pawl-%s", parents[i], marker);
		if (path_remove_tree(AT_FDCWD, path, NULL) < 0)
			continue; /* what resists cannot be helped from here */
	}
}
