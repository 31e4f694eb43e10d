/*
 * A job in a sandbox or container: one program (bubblewrap, an OCI runtime) makes it
 * around pawl-init, which starts the steps in it and ends when its socket does.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/path.h"
#include "executors/init/init.h"
#include "runner/supervisor/procs.h"
#include "runner/supervisor/supervision.h"

#define START_LIMIT_MS 60000
#define END_LIMIT_MS 10000 /* until it is made to end */

/* ---- what goes to it ------------------------------------------------------- */

/* Without those in known. */
static uint32_t
add_strings(struct buf *out, char *const *list, const struct strlist *known)
{
	uint32_t count = 0;

	for (size_t i = 0; list[i] != NULL; i++) {
		if (known != NULL && strlist_has(known, list[i]))
			continue;
		buf_add(out, list[i], strlen(list[i]) + 1);
		count++;
	}
	return count;
}

static int
run_file(
    const struct supervision *s, char *const *argv, char *const *env, struct error *err)
{
	cleanup_close int fd = memfd_create("run", MFD_CLOEXEC);
	cleanup_buf struct buf text = BUF_INIT;
	struct init_run head;

	buf_add(&text, s->spec.cage.project_dir, strlen(s->spec.cage.project_dir) + 1);
	head.argc = add_strings(&text, argv, NULL);
	head.envc = add_strings(&text, env, &s->spec.cage.env);
	if (text.len > INIT_RUN_MAX - sizeof(head))
		return error_set(err, ERR_LIMIT, "script and variables are too large");
	if (fd < 0 || path_write_fd(fd, &head, sizeof(head)) < 0 ||
	    path_write_fd(fd, text.data, text.len) < 0)
		return error_errno(err, "cannot hold the step in memory");
	return take_fd(&fd);
}

static int
send_files(int socket, const struct init_message *m, const int *files, size_t count)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(2 * sizeof(int))];
	} control = { .space = { 0 } };
	struct iovec part = { (void *)(uintptr_t)m, sizeof(*m) };
	struct msghdr msg = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(count * sizeof(int)) };

	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(&control.head), files, count * sizeof(int));
	return sendmsg(socket, &msg, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

/* ---- starting it ----------------------------------------------------------- */

struct cage_launch {
	char **argv, **env;
	int socket, input, output; /* input: -1: none */
	volatile int failed;       /* errno; the child shares our memory */
};

/* In the child, on our stack and memory: system calls only. */
static NORETURN void
become_cage(struct cage_launch *launch)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	sigset_t none;

	setsid(); /* nobody's Ctrl-C reaches it */
	if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 &&
	    dup2(launch->output, STDOUT_FILENO) >= 0 &&
	    dup2(launch->output, STDERR_FILENO) >= 0 &&
	    dup2(launch->socket, INIT_SOCKET_FD) >= 0 &&
	    (launch->input < 0 || dup2(launch->input, INIT_INPUT_FD) >= 0)) {
		(void)signal(SIGPIPE, SIG_DFL);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		execve(launch->argv[0], launch->argv, launch->env);
	}
	launch->failed = errno;
	_exit(127);
}

/* Above the numbers the child wants them at. */
static int
move_up(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, INIT_INPUT_FD + 1);
	int failed = errno;

	close(fd);
	errno = failed;
	return high;
}

static int
input_file(const struct bytes *input, struct error *err)
{
	cleanup_close int fd = memfd_create("input", MFD_CLOEXEC);

	if (fd < 0 || path_write_fd(fd, input->data, input->len) < 0 ||
	    lseek(fd, 0, SEEK_SET) < 0)
		return error_errno(err, "cannot hold a file in memory");
	return move_up(take_fd(&fd));
}

/* What encloses the job needs little; the job's own environment comes with its steps. */
static void
fill_environment(const struct supervision *s, char *env[4])
{
	env[0] = xasprintf(PROCS_MARKER_NAME "=%s", s->spec.marker);
	env[1] = xstrdup("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:"
			 "/bin");
	env[2] = s->spec.cage.on_host ? xasprintf(CAGE_FILES_VARIABLE "=%s", s->files_dir)
				      : NULL;
	env[3] = NULL;
}

static int
launch_cage(struct supervision *s, struct cage_launch *launch, struct error *err)
{
	pid_t pid = vfork(); /* NOLINT(clang-analyzer-security.insecureAPI.vfork) */

	if (pid == 0)
		become_cage(launch); /* NOLINT(clang-analyzer-unix.Vfork) */
	if (pid < 0)
		return error_errno(err, "cannot start a process");
	errno = launch->failed;
	if (launch->failed != 0) {
		(void)waitpid(pid, NULL, 0);
		return error_errno(err, "cannot start %s", launch->argv[0]);
	}
	s->cage = pid;
	return 0;
}

static int
start_program(struct supervision *s, struct error *err)
{
	const struct strlist *argv = &s->spec.cage.argv;
	cleanup_close int socket = -1, input = -1;
	struct cage_launch launch = { .output = s->output_end };
	char *env[4], **args;
	int pair[2], rc;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return error_errno(err, "cannot create a socket");
	s->cage_socket = pair[0];
	socket = move_up(pair[1]);
	if (socket < 0)
		return error_errno(err, "cannot create a socket");
	if (s->spec.cage.input.len > 0) {
		input = input_file(&s->spec.cage.input, err);
		if (input < 0)
			return err->code;
	}
	args = xcalloc(argv->count + 1, sizeof(*args));
	memcpy(args, argv->items, argv->count * sizeof(*args));
	fill_environment(s, env);
	launch.argv = args;
	launch.env = env;
	launch.socket = socket;
	launch.input = input;
	rc = launch_cage(s, &launch, err);
	free(args);
	for (size_t i = 0; env[i] != NULL; i++)
		free(env[i]);
	return rc;
}

/* What steps will be started with, for a program that has to know it before. */
static int
say_hello(struct supervision *s, struct error *err)
{
	static char *const no_argv[] = { NULL };
	const struct spec_step none = { .name = "" };
	struct init_message m = { .type = INIT_HELLO };
	char **env = supervision_environment(s, &none);
	cleanup_close int file = run_file(s, no_argv, env, err);

	supervision_free_strings(env);
	if (file < 0)
		return file;
	if (send_files(s->cage_socket, &m, &file, 1) < 0)
		return error_errno(err, "cannot reach %s", s->spec.cage.argv.items[0]);
	return 0;
}

static int
explain_start(const struct supervision *s, struct error *err)
{
	return error_set(err, ERR_ENVIRONMENT,
	    "%s could not start the job: exit code %d; what it said is in the log",
	    s->spec.cage.argv.items[0],
	    WIFEXITED(s->shell_status) ? WEXITSTATUS(s->shell_status)
				       : 128 + WTERMSIG(s->shell_status));
}

int
cage_start(struct supervision *s, struct error *err)
{
	int64_t limit_ms =
	    s->spec.cage.start_ms > 0 ? s->spec.cage.start_ms : START_LIMIT_MS;
	int64_t until_ms = supervision_now_ms() + limit_ms;

	if (start_program(s, err) < 0 || (s->spec.cage.on_host && say_hello(s, err) < 0))
		return err->code;
	while (!s->cage_stands && s->cage != 0 && !s->killed && !s->canceled) {
		if (supervision_now_ms() >= until_ms)
			return error_set(err, ERR_ENVIRONMENT,
			    "%s did not start the job within %" PRId64 " s",
			    s->spec.cage.argv.items[0], limit_ms / 1000);
		supervision_pump(s, until_ms);
	}
	if (s->cage_stands || s->killed || s->canceled)
		return 0;
	return explain_start(s, err);
}

/* ---- a step ---------------------------------------------------------------- */

int
cage_run(struct supervision *s, char *const *argv, char *const *env, int script,
    struct error *err)
{
	struct init_message m = { .type = INIT_RUN };
	cleanup_close int run = run_file(s, argv, env, err);
	int files[2] = { run, script };

	if (run < 0)
		return run;
	(void)snprintf(m.text, sizeof(m.text), "%s", s->spec.steps[s->step].name);
	if (send_files(s->cage_socket, &m, files, script < 0 ? 1 : 2) < 0)
		return error_errno(err, "cannot reach the processes of the job");
	s->step_runs = true;
	s->childless = false;
	return 0;
}

void
cage_signal(struct supervision *s, int signal)
{
	struct init_message m = { .type = INIT_SIGNAL, .value = signal };

	/* no room: it has many to read already, all of them signals */
	(void)send(s->cage_socket, &m, sizeof(m), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* ---- what is heard of it --------------------------------------------------- */

static void
on_failed(struct supervision *s, const struct init_message *m)
{
	int size = (int)strnlen(m->text, sizeof(m->text));

	s->step_runs = false;
	s->shell_status = 0;
	if (m->value == E2BIG)
		supervision_fail(s, WIRE_SYSTEM_FAILURE,
		    "cannot start %.*s: the variables are too large; one of type file has "
		    "no limit",
		    size, m->text);
	else if (strchr(m->text, ' ') != NULL)
		supervision_fail(s, WIRE_SYSTEM_FAILURE, "%.*s", size, m->text);
	else
		supervision_fail(s, WIRE_SYSTEM_FAILURE, "cannot start %.*s: %s", size,
		    m->text, strerror(m->value));
}

static void
on_init_message(struct supervision *s, const struct init_message *m)
{
	switch (m->type) {
	case INIT_READY:
		s->cage_stands = true;
		break;
	case INIT_EXITED:
		s->step_runs = false;
		s->shell_status = m->value;
		break;
	case INIT_FAILED:
		on_failed(s, m);
		break;
	case INIT_ALONE:
		s->childless = true;
		break;
	default:
		break;
	}
}

void
cage_on_socket(struct supervision *s)
{
	struct init_message m;
	ssize_t n;

	while (
	    (n = recv(s->cage_socket, &m, sizeof(m), MSG_DONTWAIT)) == (ssize_t)sizeof(m))
		on_init_message(s, &m);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* its end; the program around it says by its exit that all is over */
	close(take_fd(&s->cage_socket));
}

void
cage_on_exit(struct supervision *s, int status)
{
	if (s->cage_socket >= 0)
		cage_on_socket(s); /* what was said before */
	s->cage = 0;
	if (s->step_runs && !s->killed)
		supervision_fail(s, WIRE_SYSTEM_FAILURE,
		    "the job's %s ended while %s ran", s->spec.cage.argv.items[0],
		    s->spec.steps[s->step].name);
	s->shell_status = s->cage_stands ? 0 : status;
	s->step_runs = false;
}

void
cage_end(struct supervision *s)
{
	int64_t limit_ms = s->spec.cage.end_ms > 0 ? s->spec.cage.end_ms : END_LIMIT_MS;
	int64_t until_ms = supervision_now_ms() + limit_ms;

	if (s->cage_socket >= 0)
		close(take_fd(&s->cage_socket));
	while (s->cage != 0 && supervision_now_ms() < until_ms)
		supervision_pump(s, until_ms);
	if (s->cage == 0)
		return;
	kill(s->cage, SIGKILL);
	until_ms = supervision_now_ms() + END_LIMIT_MS;
	while (s->cage != 0 && supervision_now_ms() < until_ms)
		supervision_pump(s, until_ms);
}
