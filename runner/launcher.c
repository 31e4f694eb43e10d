/* By posix_spawn(), or by asking the fork server. */
#include "runner/launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/descriptors.h"
#include "base/path.h"
#include "base/program.h"
#include "runner/supervisor/fork_server.h"
#include "runner/supervisor/procs.h"
#include "runner/supervisor/spec.h"

#define PROGRAM "pawl-supervise"
#define FILES 4 /* of a job, at most */

/* Above every number the child gets its files at, so that dup2 overwrites none. */
#define FIRST_FREE_FD 16

#define ANSWER_LIMIT_S 30 /* of a fork; a machine may be very busy */

struct launcher {
	bool many;  /* no job is the only one */
	int socket; /* to the fork server; -1: there is none */
	pid_t server;
};

struct launcher *
launcher_new(bool many)
{
	struct launcher *l = xcalloc(1, sizeof(*l));

	l->many = many;
	l->socket = -1;
	return l;
}

/* It ends as soon as nobody can ask it. */
static void
end_server(struct launcher *l)
{
	if (l->socket < 0)
		return;
	cleanup_close_fd(&l->socket);
	l->socket = -1;
	(void)waitpid(l->server, NULL, 0);
}

void
launcher_free(struct launcher *l)
{
	if (l == NULL)
		return;
	end_server(l);
	free(l);
}

/* ---- as a program ---------------------------------------------------------- */

/* Each file at its number in the child; all of ours are close-on-exec. */
static int
add_file(posix_spawn_file_actions_t *actions, int fd, int number, int *high)
{
	*high = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
	if (*high < 0)
		return errno;
	return posix_spawn_file_actions_adddup2(actions, *high, number);
}

static int
set_attributes(posix_spawnattr_t *attr)
{
	sigset_t all, none;

	/* all, as libc looks at each of those not named here before it sets it */
	sigfillset(&all);
	sigemptyset(&none);
	posix_spawnattr_setsigdefault(attr, &all);
	posix_spawnattr_setsigmask(attr, &none);
	/* a session of its own: Ctrl-C in the terminal is for the runner alone */
	return posix_spawnattr_setflags(attr,
	    (short)(POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK));
}

/* Ours, with the marker: a child that has not exec'ed yet is known by it too. */
static char **
add_marker(char *entry)
{
	size_t count = 0;
	char **env;

	while (environ[count] != NULL)
		count++;
	env = xcalloc(count + 2, sizeof(*env));
	env[0] = entry;
	memcpy(env + 1, environ, count * sizeof(*env));
	return env;
}

/* files: at SPEC_FD_SOCKET and the next numbers. Returns an errno. */
static int
spawn(pid_t *pid, const char *program, const char *option, const char *marker,
    const int *files, size_t count)
{
	cleanup_free char *entry = xasprintf(PROCS_MARKER_NAME "=%s", marker);
	cleanup_free char **env = add_marker(entry);
	cleanup_free char *name = xstrdup(PROGRAM),
			  *word = option == NULL ? NULL : xstrdup(option);
	char *argv[] = { name, word, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int high[FILES] = { -1, -1, -1, -1 }, rc;

	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	rc = set_attributes(&attr);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_adddup2(&actions, 0, 1);
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = add_file(&actions, files[i], SPEC_FD_SOCKET + (int)i, &high[i]);
	if (rc == 0)
		rc = posix_spawn(pid, program, &actions, &attr, argv, env);
	for (size_t i = 0; i < count; i++)
		cleanup_close_fd(&high[i]);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return rc;
}

static int
start_program(const char *option, const char *marker, const int *files, size_t count,
    pid_t *pid, struct error *err)
{
	cleanup_free char *program = program_path(PROGRAM);
	int rc = spawn(pid, program, option, marker, files, count);

	if (rc == 0)
		return 0;
	errno = rc;
	return error_errno(err, "cannot start %s", program);
}

/* ---- by the fork server ---------------------------------------------------- */

static int
start_server(struct launcher *l, struct error *err)
{
	struct timeval limit = { .tv_sec = ANSWER_LIMIT_S };
	cleanup_close int ours = -1, theirs = -1;
	int pair[2], rc;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return error_errno(err, "cannot create a socket");
	ours = pair[0];
	theirs = pair[1];
	if (setsockopt(ours, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
		return error_errno(err, "cannot set up a socket");
	rc = start_program(
	    FORK_SERVER_OPTION, FORK_SERVER_NO_MARKER, &theirs, 1, &l->server, err);
	if (rc == 0)
		l->socket = take_fd(&ours);
	return rc;
}

static int
ask(struct launcher *l, const char *marker, const int *files, size_t count)
{
	struct fork_request request = { .marker = "" };
	const struct iovec part = { &request, sizeof(request) };

	memcpy(request.marker, marker, strlen(marker));
	return descriptors_send(l->socket, &part, 1, files, count, 0) < 0 ? -1 : 0;
}

static ssize_t
read_answer(struct launcher *l, int32_t *pid)
{
	ssize_t n;

	do
		n = recv(l->socket, pid, sizeof(*pid), 0);
	while (n < 0 && errno == EINTR);
	return n;
}

/* One that does not answer is ended; what it may have begun is a job that failed. */
static int
fork_supervisor(struct launcher *l, const char *marker, const int *files, size_t count,
    pid_t *pid, struct error *err)
{
	int32_t answer = 0;

	if (l->socket >= 0 && ask(l, marker, files, count) < 0)
		end_server(l); /* somebody killed it; another will do */
	if (l->socket < 0) {
		if (start_server(l, err) < 0)
			return err->code;
		if (ask(l, marker, files, count) < 0)
			return error_errno(err, "cannot ask for a supervisor");
	}
	if (read_answer(l, &answer) != sizeof(answer)) {
		kill(l->server, SIGKILL);
		end_server(l);
		return error_set(err, ERR_FOREIGN,
		    "the process that starts the supervisors does not answer");
	}
	if (answer < 0) {
		errno = -answer;
		return error_errno(err, "cannot start a supervisor");
	}
	*pid = answer;
	return 0;
}

int
launcher_start(struct launcher *l, const char *marker, const struct launch_files *files,
    pid_t *pid, struct error *err)
{
	const int numbers[FILES] = { files->socket, files->spec, files->lock,
		files->program };
	size_t count = files->program > 0 ? FILES : FILES - 1;
	bool many = l != NULL && l->many;

	if (l != NULL)
		l->many = true;
	if (!many || strlen(marker) != strlen(FORK_SERVER_NO_MARKER))
		return start_program(NULL, marker, numbers, count, pid, err);
	return fork_supervisor(l, marker, numbers, count, pid, err);
}
