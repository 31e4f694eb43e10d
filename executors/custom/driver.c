/* Calling a driver's programs. */
#include "executors/custom/driver.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "executors/init/packet.h"

#define OUTPUT_MAX ((size_t)1 << 20)

struct running {
	pid_t pid; /* 0: it has ended */
	int output;
	int status;
	int64_t until_ms;
	enum driver_end end;
	bool was_asked, was_killed; /* SIGTERM; SIGKILL */
};

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static NORETURN void
become(const struct driver_call *call, char **argv, char **env, int output)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 &&
	    (output < 0 || dup2(output, STDOUT_FILENO) >= 0) &&
	    (!call->is_quiet ||
		(dup2(null, STDOUT_FILENO) >= 0 && dup2(null, STDERR_FILENO) >= 0)))
		execve(argv[0], argv, env);
	dprintf(STDERR_FILENO, "cannot start %s: %s\n", argv[0], strerror(errno));
	_exit(SYSTEM_FAILURE);
}

static int
start(struct custom *c, const struct driver_call *call, struct running *r,
    struct error *err)
{
	size_t n = call->argv->count;
	char **argv = xcalloc(n + 3, sizeof(*argv)), **env = driver_environment(c);
	int pipes[2] = { -1, -1 };

	memcpy(argv, call->argv->items, n * sizeof(*argv));
	for (size_t i = 0; i < 2 && call->more[i] != NULL; i++)
		argv[n + i] = (char *)(uintptr_t)call->more[i];
	if (call->output != NULL && pipe2(pipes, O_CLOEXEC | O_NONBLOCK) < 0)
		(void)error_errno(err, "cannot create a pipe");
	else if ((r->pid = fork()) == 0)
		become(call, argv, env, pipes[1]);
	else if (r->pid < 0)
		(void)error_errno(err, "cannot start a process");
	for (size_t i = 0; env[i] != NULL; i++)
		free(env[i]);
	free(env);
	free(argv);
	if (pipes[1] >= 0)
		close(pipes[1]);
	r->output = pipes[0];
	return r->pid > 0 ? 0 : err->code;
}

/* Each a step further: asked, made to go, given up on. */
static void
stop(const struct custom *c, struct running *r, enum driver_end end)
{
	if (r->pid == 0 || r->was_killed)
		return;
	if (r->end == DRIVER_EXITED)
		r->end = end;
	kill(-r->pid, r->was_asked ? SIGKILL : SIGTERM);
	r->was_killed = r->was_asked;
	r->until_ms =
	    now_ms() + (r->was_asked ? c->orders.force_ms : c->orders.graceful_ms);
	r->was_asked = true;
}

static void
on_socket(struct custom *c, struct running *r)
{
	struct init_message m = { .type = 0 };
	int files[INIT_FILES];

	c->is_gone = !init_receive(c->socket, &m, files);
	for (int i = 0; i < INIT_FILES; i++)
		if (files[i] >= 0)
			close(files[i]);
	if (m.type == INIT_SIGNAL && m.value == SIGKILL)
		r->was_asked = true;
	else if (!c->is_gone &&
	    (m.type != INIT_SIGNAL || m.value != SIGTERM || r->was_asked))
		return;
	stop(c, r, DRIVER_STOPPED);
}

static void
on_signals(const struct custom *c, struct running *r)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	while (read(c->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == r->pid) {
			r->pid = 0;
			r->status = status;
		}
}

static bool
read_output(struct running *r, struct buf *out)
{
	char bytes[4096];
	ssize_t n;

	while ((n = read(r->output, bytes, sizeof(bytes))) > 0)
		if (out->len < OUTPUT_MAX)
			buf_add(out, bytes, (size_t)n);
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static void
wait_a_while(struct custom *c, const struct driver_call *call, struct running *r)
{
	struct pollfd fds[] = { { .fd = c->signals, .events = POLLIN },
		{ .fd = c->is_gone ? -1 : c->socket, .events = POLLIN },
		{ .fd = r->output, .events = POLLIN } };
	int64_t left = r->until_ms - now_ms();

	if (r->until_ms != INT64_MAX && left <= 0) {
		if (r->was_killed) /* hangs in the kernel */
			r->pid = 0;
		stop(c, r, DRIVER_TIMED_OUT);
		return;
	}
	if (poll(fds, 3, left > 60000 ? 60000 : (int)left) < 0)
		return;
	if (fds[2].revents != 0 && !read_output(r, call->output))
		close(take_fd(&r->output));
	if (fds[0].revents != 0)
		on_signals(c, r);
	if (fds[1].revents != 0)
		on_socket(c, r);
}

int
driver_call(struct custom *c, const struct driver_call *call, enum driver_end *end,
    int *status, struct error *err)
{
	struct running r = { .output = -1, .until_ms = INT64_MAX };

	if (start(c, call, &r, err) < 0)
		return err->code = ERR_ENVIRONMENT;
	if (call->timeout_ms > 0)
		r.until_ms = now_ms() + call->timeout_ms;
	while (r.pid != 0)
		wait_a_while(c, call, &r);
	if (r.output >= 0) {
		(void)read_output(&r, call->output);
		close(r.output);
	}
	*end = r.end;
	*status = r.status;
	return 0;
}
