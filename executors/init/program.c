/* Starting pawl-init in a cage. */
#include "executors/init/program.h"

#include <unistd.h>

#include "base/program.h"
#include "executors/init/init.h"

int
init_program_path(char **out, struct error *err)
{
	char *path = program_path("pawl-init");

	if (access(path, X_OK) < 0) {
		(void)error_errno(err, "pawl-init is not installed: %s", path);
		free(path);
		return err->code = ERR_ENVIRONMENT;
	}
	*out = path;
	return 0;
}

void
init_program_argv(const char *inside, struct strlist *argv)
{
	char name[64];
	ssize_t n = readlink("/proc/self/ns/pid", name, sizeof(name) - 1);

	name[n < 0 ? 0 : n] = '\0';
	strlist_add(argv, inside);
	strlist_add_take(argv, xasprintf("%d", INIT_SOCKET_FD));
	strlist_add(argv, name);
}
