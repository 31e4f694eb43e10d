/* Beginning in the stead of pawl-init. */
#include "executors/stand_in.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "executors/cage.h"
#include "executors/init/packet.h"
#include "executors/orders.h"

static NORETURN void
shed_marker(const char *name, const char *files)
{
	cleanup_free char *entry = xasprintf(CAGE_FILES_VARIABLE "=%s", files);
	cleanup_free char *self = xstrdup(name);
	static char word[] = "run";
	char *const again[] = { self, word, NULL };
	char *const env[] = { entry, NULL };

	execve("/proc/self/exe", again, env);
	perror(name);
	_exit(125);
}

bool
stand_in_begin(int argc, char **argv)
{
	const char *files = getenv(CAGE_FILES_VARIABLE);
	const char *slash = strrchr(argv[0], '/');
	struct stat st;

	if (files == NULL || fstat(INIT_SOCKET_FD, &st) < 0 || !S_ISSOCK(st.st_mode)) {
		(void)fprintf(stderr, "%s is started by pawl, not by hand\n", argv[0]);
		return false;
	}
	if (argc < 2)
		shed_marker(argv[0], files);
	(void)prctl(PR_SET_NAME, slash != NULL ? slash + 1 : argv[0]);
	return fcntl(INIT_SOCKET_FD, F_SETFD, FD_CLOEXEC) == 0;
}

int
stand_in_orders(struct buf *out, struct error *err)
{
	int rc = buf_read_fd(out, INIT_INPUT_FD, ORDERS_MAX, err);

	close(INIT_INPUT_FD);
	return rc;
}

int
stand_in_hear(int socket, int *file, struct error *err)
{
	if (!init_hear_hello(socket, file))
		return error_set(err, ERR_CANCELED, "nobody is there");
	if (*file < 0)
		return error_set(err, ERR_INVALID, "cannot read the job's environment");
	return 0;
}

int
stand_in_hello(int socket, struct strlist *env, struct error *err)
{
	struct init_step hello = { .memory = NULL };
	cleanup_close int file = -1;

	if (stand_in_hear(socket, &file, err) < 0)
		return err->code;
	if (!init_step_read(file, &hello))
		return error_set(err, ERR_INVALID, "cannot read the job's environment");
	for (size_t i = 0; hello.env[i] != NULL; i++)
		if (!str_starts(hello.env[i], "PAWL_"))
			strlist_add(env, hello.env[i]);
	init_step_clear(&hello);
	return 0;
}
