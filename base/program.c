/* Finding a program of the family, and becoming one. */
#include "base/program.h"

#include <errno.h>
#include <unistd.h>

#include "base/path.h"

char *
program_path(const char *name)
{
	const char *folder = getenv("PAWL_LIBEXEC");
	char self[4096];
	ssize_t len;
	char *slash, *path;

	if (folder != NULL && *folder != '\0')
		return path_join(folder, name);
	len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[len < 0 ? 0 : len] = '\0';
	slash = strrchr(self, '/');
	if (slash != NULL) {
		*slash = '\0';
		path = path_join(self, name);
		if (access(path, X_OK) == 0)
			return path;
		free(path);
	}
	return path_join(PAWL_LIBEXECDIR, name);
}

int
program_become(const char *name, char **argv, struct error *err)
{
	cleanup_free char *path = program_path(name);

	argv[0] = path;
	execv(path, argv);
	if (errno == ENOENT)
		return error_set(err, ERR_ENVIRONMENT,
		    "%s is missing; it is installed together with pawl", path);
	return error_errno(err, "cannot start %s", path);
}
