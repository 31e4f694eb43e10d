/* One thread, no loop: a request is answered before the next is read. */
#include "runner/supervisor/fork_server.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/descriptors.h"
#include "runner/supervisor/procs.h"
#include "runner/supervisor/spec.h"

#define FILES 4 /* of a job, at most; at SPEC_FD_SOCKET and the next numbers */
#define LAST_NEEDED (SPEC_FD_LOCK - SPEC_FD_SOCKET)
#define CONTROL_FD (SPEC_FD_PROGRAM + 1)

/*
 * What comes with a message gets the lowest free numbers: the files of a job must not
 * arrive where another of them belongs.
 */
static bool
take_places(void)
{
	if (dup3(SPEC_FD_SOCKET, CONTROL_FD, O_CLOEXEC) < 0)
		return false;
	for (int fd = SPEC_FD_SOCKET; fd < CONTROL_FD; fd++)
		if (dup3(STDIN_FILENO, fd, O_CLOEXEC) < 0)
			return false;
	close_range(CONTROL_FD + 1, ~0u, 0);
	return true;
}

static void
close_files(const int files[FILES])
{
	for (int i = 0; i < FILES; i++)
		if (files[i] >= 0)
			close(files[i]);
}

/* False: there is nobody to ask any more. */
static bool
receive(struct fork_request *request, int files[FILES])
{
	ssize_t n;

	do
		n = descriptors_receive(
		    CONTROL_FD, request, sizeof(*request), files, FILES, 0);
	while (n < 0 && errno == EINTR);
	request->marker[sizeof(request->marker) - 1] = '\0';
	return n == sizeof(*request) && files[LAST_NEEDED] >= 0;
}

/* In its place in memory, where /proc/PID/environ looks. */
static void
set_marker(const char *marker)
{
	char *value = getenv(PROCS_MARKER_NAME);

	if (value != NULL && strlen(value) == strlen(FORK_SERVER_NO_MARKER))
		memcpy(value, marker, strlen(marker) + 1);
}

static bool
become_supervisor(
    const struct fork_request *request, const int files[FILES], char *option)
{
	memset(option, 0, strlen(option)); /* ps shows it like one that was started */
	set_marker(request->marker);
	setsid();
	for (int i = 0; i < FILES && files[i] >= 0; i++)
		if (dup2(files[i], SPEC_FD_SOCKET + i) < 0)
			_exit(1);
	close_range(CONTROL_FD, ~0u, 0);
	return true;
}

bool
fork_server_run(char *option)
{
	struct fork_request request;
	int files[FILES] = { -1, -1, -1, -1 };

	if (!take_places())
		return false;
	while (receive(&request, files)) {
		/* no more than fork(), but for whose child it is; libc's fork() cannot */
		int32_t pid = (int32_t)syscall(SYS_clone, CLONE_PARENT, 0, 0, 0, 0);

		if (pid == 0)
			return become_supervisor(&request, files, option);
		if (pid < 0)
			pid = -errno;
		close_files(files);
		if (send(CONTROL_FD, &pid, sizeof(pid), MSG_NOSIGNAL) < 0)
			break;
	}
	return false;
}
