/*
 * pawl-init: the first process in a sandbox or container. It starts the steps it is told
 * to, waits for all that lose their parent, and ends with its socket. It runs beside
 * whatever the job runs and as the same user, so it holds nothing these have not; it
 * links libc alone, statically, so that it starts in any image.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "executors/init/enter.h"
#include "executors/init/listens.h"
#include "executors/init/packet.h"

/* GitLab's search order. Source: runner-protocol.md section 8.2. */
static const char *const shells[] = { "/usr/local/bin/bash", "/usr/bin/bash", "/bin/bash",
	"/usr/local/bin/sh", "/usr/bin/sh", "/bin/sh", "/busybox/sh" };

struct init {
	int socket, signals;
	pid_t steps[INIT_STEPS]; /* that run, by their numbers; 0: none */
	bool is_alone;
};

static void
tell(const struct init *in, enum init_type type, uint32_t number, int value,
    const char *text)
{
	if (!init_tell(in->socket, type, number, value, text))
		_exit(0); /* nobody is left to work for */
}

/* ---- a step ---------------------------------------------------------------- */

struct step {
	const struct init_step *run;
	int script;         /* -1: none */
	const int *streams; /* its own stdin, stdout and stderr; NULL: as all steps */
	uint32_t number;
};

static char *
find_shell(void)
{
	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
		if (access(shells[i], X_OK) == 0)
			return (char *)(uintptr_t)shells[i];
	return NULL;
}

static bool
take_streams(const int *streams)
{
	for (int i = 0; i <= STDERR_FILENO; i++)
		if (dup2(streams[i], i) < 0)
			return false;
	if (isatty(STDIN_FILENO))
		(void)ioctl(STDIN_FILENO, TIOCSCTTY, 0);
	return true;
}

static bool
take_nothing_in(void)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	return null >= 0 && dup2(null, STDIN_FILENO) >= 0;
}

/* In the child. What failed is told by the exec's errno through the pipe. */
static void
become_step(const struct step *step, int report)
{
	sigset_t none;
	int failed;

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	if (!(step->streams != NULL ? take_streams(step->streams) : take_nothing_in()) ||
	    (step->script >= 0 && dup2(step->script, INIT_SCRIPT_FD) < 0) ||
	    chdir(step->run->dir) < 0)
		failed = errno;
	else {
		environ = step->run->env; /* whose PATH it is looked up in */
		execvp(step->run->argv[0], step->run->argv);
		failed = errno;
	}
	if (write(report, &failed, sizeof(failed)) < 0)
		_exit(126);
	_exit(127);
}

static void
start_step(struct init *in, const struct step *step)
{
	char **argv = step->run->argv;
	int report[2], failed = 0;
	pid_t pid;

	if (argv[0][0] == '\0' && (argv[0] = find_shell()) == NULL) {
		tell(in, INIT_FAILED, step->number, ENOENT,
		    "no shell found: neither bash nor sh is in the image; its jobs "
		    "need one");
		return;
	}
	if (pipe2(report, O_CLOEXEC) < 0) {
		tell(in, INIT_FAILED, step->number, errno, "cannot create a pipe");
		return;
	}
	pid = fork();
	if (pid == 0)
		become_step(step, report[1]);
	close(report[1]);
	if (pid < 0)
		tell(in, INIT_FAILED, step->number, errno, "cannot start a process");
	else if (read(report[0], &failed, sizeof(failed)) == (ssize_t)sizeof(failed))
		tell(in, INIT_FAILED, step->number, failed, argv[0]);
	else
		in->steps[step->number] = pid;
	in->is_alone = in->is_alone && pid < 0;
	close(report[0]);
}

static void
on_run(struct init *in, const struct init_message *m, const int files[INIT_FILES])
{
	bool is_shell = m->type == INIT_SHELL;
	uint32_t number = m->number;
	struct init_step run = { .memory = NULL };
	struct step step = { .run = &run,
		.script = is_shell ? -1 : files[1],
		.streams = is_shell ? files + 1 : NULL,
		.number = number };

	if (init_step_read(files[0], &run) && run.argv[0] != NULL &&
	    init_step_add_own(&run))
		start_step(in, &step);
	else
		tell(in, INIT_FAILED, number, errno != 0 ? errno : EINVAL,
		    "cannot read what to run");
	init_step_clear(&run);
}

/* ---- messages -------------------------------------------------------------- */

static bool
on_socket(struct init *in)
{
	struct init_message m;
	int files[INIT_FILES];
	bool goes_on = init_receive(in->socket, &m, files);

	if (goes_on && (m.type == INIT_RUN || m.type == INIT_SHELL) && files[0] >= 0 &&
	    m.number < INIT_STEPS)
		on_run(in, &m, files);
	else if (goes_on && m.type == INIT_OUTPUT && files[0] >= 0) {
		if (dup2(files[0], STDOUT_FILENO) < 0 ||
		    dup2(files[0], STDERR_FILENO) < 0)
			_exit(125);
	} else if (goes_on && m.type == INIT_SIGNAL) {
		(void)kill(-1, m.value); /* all but ourselves */
	} else if (goes_on && m.type == INIT_HANGUP) {
		if (m.number < INIT_STEPS && in->steps[m.number] > 0)
			(void)kill(-in->steps[m.number], SIGHUP);
	}
	for (int i = 0; i < INIT_FILES; i++)
		if (files[i] >= 0)
			close(files[i]);
	return goes_on;
}

static void
tell_end(const struct init *in, uint32_t number, int status)
{
	struct init_message m = {
		.type = INIT_EXITED, .number = number, .value = status
	};
	struct init_usage sum = { 0, 0, 0, 0 };
	struct rusage u;

	if (getrusage(RUSAGE_CHILDREN, &u) == 0) {
		sum.cpu_us = (int64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 +
		    u.ru_utime.tv_usec + u.ru_stime.tv_usec;
		sum.peak_bytes = (int64_t)u.ru_maxrss * 1024;
		sum.read_bytes = (int64_t)u.ru_inblock * 512;
		sum.written_bytes = (int64_t)u.ru_oublock * 512;
	}
	memcpy(m.text, &sum, sizeof(sum));
	if (!init_send(in->socket, &m, NULL, 0))
		_exit(0);
}

static void
reap(struct init *in)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (uint32_t i = 0; i < INIT_STEPS; i++) {
			if (pid != in->steps[i])
				continue;
			in->steps[i] = 0;
			tell_end(in, i, status);
		}
	}
	if (pid < 0 && errno == ECHILD && !in->is_alone) {
		in->is_alone = true;
		tell(in, INIT_ALONE, 0, 0, "");
	}
}

static void
on_signals(struct init *in)
{
	struct signalfd_siginfo info;

	while (read(in->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		;
	reap(in);
}

/* ---- beginning ------------------------------------------------------------- */

/* Ending all processes one can see must never hit a whole machine. */
static bool
is_enclosed(const char *outside)
{
	char name[64];
	ssize_t n = readlink("/proc/self/ns/pid", name, sizeof(name) - 1);

	if (n <= 0)
		return false;
	name[n] = '\0';
	return strcmp(name, outside) != 0;
}

static int
open_signals(void)
{
	sigset_t set;

	sigfillset(&set);
	if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int
connect_to(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	perror(path);
	if (fd >= 0)
		close(fd);
	return -1;
}

static int
socket_of(const char *word)
{
	return word[0] == '/' ? connect_to(word) : (int)strtol(word, NULL, 10);
}

static void
run(struct init *in)
{
	struct pollfd fds[] = { { .fd = in->signals, .events = POLLIN },
		{ .fd = in->socket, .events = POLLIN } };

	for (;;) {
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[0].revents != 0)
			on_signals(in);
		if (fds[1].revents != 0 && !on_socket(in))
			return;
	}
}

int
main(int argc, char **argv)
{
	struct init in = { .socket = -1, .is_alone = true };
	struct stat st;

	if (argc > 3 && strcmp(argv[1], INIT_ENTERS) == 0)
		return enter(socket_of(argv[2]), argv + 3);
	if (argc > 2 && strcmp(argv[1], INIT_LISTENS) == 0) {
		for (int i = 2; i < argc; i++)
			if (listens(argv[i]))
				return 0;
		return 1;
	}
	if (argc == 3)
		in.socket = socket_of(argv[1]);
	if (in.socket < 0 || fstat(in.socket, &st) < 0 || !S_ISSOCK(st.st_mode) ||
	    !is_enclosed(argv[2])) {
		(void)fprintf(stderr,
		    "pawl-init is started by pawl, in a sandbox or container of its own, "
		    "not by hand\n");
		return 125;
	}
	/* the job's processes shall not look into ours, nor hold what is ours */
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	(void)fcntl(in.socket, F_SETFD, FD_CLOEXEC);
	in.signals = open_signals();
	if (in.signals < 0)
		return 125;
	tell(&in, INIT_READY, 0, 0, "");
	run(&in);
	return 0;
}
