/* Starting one, talking with its pawl-init. */
#include "runner/supervisor/cage_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/descriptors.h"
#include "base/path.h"
#include "executors/init/init.h"
#include "runner/supervisor/spec.h"

/* ---- starting it ----------------------------------------------------------- */

struct cage_launch {
	char **argv, **env;
	int socket, input, output; /* input: -1: none */
	bool is_open;              /* the program of argv[0] */
	const struct cgroup *group;
	bool joins_all;
	volatile int failed; /* errno; the child shares our memory */
};

/* In the child, on our stack and memory: system calls only. */
static NORETURN __attribute__((noinline)) void
become_cage(struct cage_launch *launch)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	sigset_t none;

	setsid(); /* nobody's Ctrl-C reaches it */
	if (cgroup_join(launch->group, launch->joins_all) && null >= 0 &&
	    dup2(null, STDIN_FILENO) >= 0 && dup2(launch->output, STDOUT_FILENO) >= 0 &&
	    dup2(launch->output, STDERR_FILENO) >= 0 &&
	    dup2(launch->socket, INIT_SOCKET_FD) >= 0 &&
	    (launch->input < 0 || dup2(launch->input, INIT_INPUT_FD) >= 0)) {
		(void)signal(SIGPIPE, SIG_DFL);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		if (launch->is_open) /* where the system allows that */
			(void)execveat(SPEC_FD_PROGRAM, "", launch->argv, launch->env,
			    AT_EMPTY_PATH);
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

static int
launch(struct cage_process *p, struct cage_launch *launch, struct error *err)
{
	pid_t pid = cgroup_vfork(launch->group);

	if (pid == 0)
		become_cage(launch);
	if (pid < 0) {
		launch->joins_all = true;
		pid = vfork(); /* NOLINT(clang-analyzer-security.insecureAPI.vfork) */
	}
	if (pid == 0)
		become_cage(launch); /* NOLINT(clang-analyzer-unix.Vfork) */
	if (pid < 0)
		return error_errno(err, "cannot start a process");
	errno = launch->failed;
	if (launch->failed != 0) {
		(void)waitpid(pid, NULL, 0);
		return error_errno(err, "cannot start %s", launch->argv[0]);
	}
	p->pid = pid;
	return 0;
}

int
cage_process_start(
    struct cage_process *p, const struct cage_start *start, struct error *err)
{
	const struct strlist *argv = start->argv;
	cleanup_close int socket = -1, input = -1;
	struct cage_launch how = { .output = start->output, .input = -1 };
	char **args;
	int pair[2], rc;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return error_errno(err, "cannot create a socket");
	p->socket = pair[0];
	socket = move_up(pair[1]);
	if (socket < 0)
		return error_errno(err, "cannot create a socket");
	if (start->input.len > 0) {
		input = input_file(&start->input, err);
		if (input < 0)
			return err->code;
	}
	args = xcalloc(argv->count + 1, sizeof(*args));
	memcpy(args, argv->items, argv->count * sizeof(*args));
	how.argv = args;
	how.is_open = start->open_program != NULL && str_eq(args[0], start->open_program);
	how.env = (char **)(uintptr_t)start->env;
	how.socket = socket;
	how.input = input;
	how.group = start->group;
	rc = launch(p, &how, err);
	free(args);
	return rc;
}

/* ---- a step ---------------------------------------------------------------- */

#define RUN_FILES 4 /* the most that come with a message */

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
run_file(const struct cage_run *run, struct error *err)
{
	cleanup_close int fd = memfd_create("run", MFD_CLOEXEC);
	cleanup_buf struct buf text = BUF_INIT;
	struct init_run head;

	buf_add(&text, run->dir, strlen(run->dir) + 1);
	head.argc = add_strings(&text, run->argv, NULL);
	head.envc = add_strings(&text, run->env, run->known);
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
	const struct iovec part = { (void *)(uintptr_t)m, sizeof(*m) };

	return descriptors_send(socket, &part, 1, files, count, 0) < 0 ? -1 : 0;
}

int
cage_process_send(struct cage_process *p, const struct cage_run *run, struct error *err)
{
	struct init_message m = { .type = (uint32_t)run->type, .number = run->number };
	cleanup_close int fd = run_file(run, err);
	int files[RUN_FILES] = { fd };
	size_t count = 1;

	if (fd < 0)
		return fd;
	if (run->script >= 0)
		files[count++] = run->script;
	for (int i = 0; run->streams != NULL && i <= STDERR_FILENO; i++)
		files[count++] = run->streams[i];
	(void)snprintf(m.text, sizeof(m.text), "%s", run->name);
	if (send_files(p->socket, &m, files, count) < 0)
		return error_errno(err, "cannot reach the processes of the job");
	return 0;
}

int
cage_process_run(struct cage_process *p, const struct cage_run *run, struct error *err)
{
	if (cage_process_send(p, run, err) < 0)
		return err->code;
	p->steps[run->number] = (struct cage_step){ .runs = true };
	p->alone = false;
	return 0;
}

void
cage_process_signal(struct cage_process *p, int signal)
{
	struct init_message m = { .type = INIT_SIGNAL, .value = signal };

	/* no room: it has many to read already, all of them signals */
	(void)send(p->socket, &m, sizeof(m), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void
cage_process_hang_up(struct cage_process *p, uint32_t number)
{
	struct init_message m = { .type = INIT_HANGUP, .number = number };

	(void)send(p->socket, &m, sizeof(m), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* ---- what is heard of it --------------------------------------------------- */

static void
on_step_message(struct cage_step *step, const struct init_message *m)
{
	step->runs = false;
	if (m->type == INIT_EXITED) {
		step->status = m->value;
		return;
	}
	step->failed = m->value != 0 ? m->value : EIO;
	(void)snprintf(step->text, sizeof(step->text), "%.*s",
	    (int)strnlen(m->text, sizeof(m->text)), m->text);
}

static void
on_where(struct cage_process *p, const struct init_message *m)
{
	char id[sizeof(m->text)];

	(void)snprintf(
	    id, sizeof(id), "%.*s", (int)strnlen(m->text, sizeof(m->text) - 1), m->text);
	cgroup_watch_open(&p->watch, (pid_t)m->number, id);
}

static void
on_message(struct cage_process *p, const struct init_message *m)
{
	switch (m->type) {
	case INIT_READY:
		p->stands = true;
		break;
	case INIT_EXITED:
	case INIT_FAILED:
		if (m->number < INIT_STEPS)
			on_step_message(&p->steps[m->number], m);
		if (m->type == INIT_EXITED)
			memcpy(&p->waited, m->text, sizeof(p->waited));
		cgroup_look(&p->watch.group); /* it may be gone soon */
		break;
	case INIT_ALONE:
		p->alone = true;
		break;
	case INIT_WHERE:
		on_where(p, m);
		break;
	default:
		break;
	}
}

void
cage_process_read(struct cage_process *p)
{
	struct init_message m;
	ssize_t n;

	if (p->socket < 0)
		return;
	while ((n = descriptors_receive_text(p->socket, &m, sizeof(m), MSG_DONTWAIT)) ==
	    (ssize_t)sizeof(m))
		on_message(p, &m);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	cgroup_look(&p->watch.group);
	/* its end; the program around it says by its exit that all is over */
	cage_process_close(p);
}

void
cage_process_reaped(struct cage_process *p, int status)
{
	cage_process_read(p); /* what was said before */
	p->pid = 0;
	p->end_status = status;
	for (size_t i = 0; i < INIT_STEPS; i++) {
		p->steps[i].was_cut = p->steps[i].runs;
		p->steps[i].runs = false;
	}
	p->alone = true;
}

void
cage_process_close(struct cage_process *p)
{
	if (p->socket >= 0)
		close(take_fd(&p->socket));
}
