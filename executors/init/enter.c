/* Becoming the entrypoint. */
#include "executors/init/enter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "executors/init/packet.h"

/* The runner is gone, or what comes is nothing it would say. */
#define STATUS_UNHEARD 125

static bool
hear(int socket, struct init_step *out)
{
	int file = -1;
	bool heard = init_hear_hello(socket, &file) && file >= 0 &&
	    init_step_read(file, out) && init_step_add_own(out);

	if (file >= 0)
		close(file);
	return heard;
}

int
enter(int socket, char **argv)
{
	struct init_step hello = { .memory = NULL };
	int failed;

	if (!hear(socket, &hello)) {
		(void)fprintf(stderr, "pawl-init: cannot read the job's environment\n");
		return STATUS_UNHEARD;
	}
	environ = hello.env; /* whose PATH it is looked up in */
	execvp(argv[0], argv);
	failed = errno;
	(void)fprintf(stderr, "cannot start the entrypoint of the image, %s: %s\n",
	    argv[0],
	    failed == E2BIG ? "the variables are too large; one of type file has no limit"
			    : strerror(failed));
	return failed == ENOENT ? 127 : 126;
}
