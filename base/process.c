/* Children run to completion: vfork, two pipes, poll and a deadline. */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_MAX_OUT ((size_t)64 << 20)
#define DEFAULT_TIMEOUT_MS 60000
#define MAX_STDERR 4096 /* the end of it is kept: that is where the reason stands */
#define TICK_MS 250

struct child {
	const struct process *p;
	const char *name;
	pid_t pid;
	int out_fd, err_fd; /* -1 once closed by the child */
	size_t max_out;
	int64_t deadline_ms, tick_ms; /* when the next one is due */
	int timeout_ms;
	struct buf err_text;
	size_t told; /* of it: bytes whose lines were told */
};

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

struct launch {
	const struct process *p;
	int out_fd, err_fd;
	pid_t parent;
	volatile int failed; /* errno of exec; the child shares our memory */
};

/* Its number may be any, also the wanted one, where it would stay close-on-exec. */
static bool
put_file(int fd, int number)
{
	int high = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	return high >= 0 && dup2(high, number) >= 0;
}

static bool
become_ready(const struct launch *launch)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int out = fcntl(launch->out_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	int errors = fcntl(launch->err_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL); /* some numbers are libc's own */
	/* a group of its own, so that ending it ends what it started */
	if (setpgid(0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGTERM) < 0)
		return false;
	if (getppid() != launch->parent)
		_exit(127); /* killed just now */
	sigemptyset(&none);
	return put_file(null, STDIN_FILENO) && put_file(out, STDOUT_FILENO) &&
	    put_file(errors, STDERR_FILENO) &&
	    (launch->p->cwd == NULL || chdir(launch->p->cwd) == 0) &&
	    sigprocmask(SIG_SETMASK, &none, NULL) == 0;
}

/* In the child, on our stack and memory. */
static NORETURN void
become_program(struct launch *launch)
{
	const struct process *p = launch->p;

	/* exec does not write to argv and envp; its prototype is older than const */
	if (become_ready(launch))
		execvpe(p->argv[0], (char *const *)(uintptr_t)p->argv,
		    p->env == NULL ? environ : (char *const *)(uintptr_t)p->env);
	launch->failed = errno;
	_exit(127);
}

/* Returns an errno. */
static int
spawn(struct launch *launch, pid_t *pid)
{
	sigset_t all, before;
	pid_t child;

	/* no handler of ours may run in the child */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	child = vfork(); /* NOLINT(clang-analyzer-security.insecureAPI.vfork) */
	if (child == 0)
		become_program(launch); /* NOLINT(clang-analyzer-unix.Vfork) */
	if (child < 0)
		launch->failed = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (child > 0 && launch->failed != 0)
		(void)waitpid(child, NULL, 0);
	*pid = child;
	return launch->failed;
}

static int
start(const struct process *p, struct child **out, struct error *err)
{
	struct launch launch = { .p = p, .parent = getpid() };
	struct child *child;
	int out_pipe[2], err_pipe[2], rc;
	pid_t pid;

	if (pipe2(out_pipe, O_CLOEXEC) < 0)
		return error_errno(err, "cannot start %s", p->argv[0]);
	if (pipe2(err_pipe, O_CLOEXEC) < 0) {
		rc = error_errno(err, "cannot start %s", p->argv[0]);
		close(out_pipe[0]);
		close(out_pipe[1]);
		return rc;
	}
	launch.out_fd = out_pipe[1];
	launch.err_fd = err_pipe[1];
	rc = spawn(&launch, &pid);
	close(out_pipe[1]);
	close(err_pipe[1]);
	if (rc != 0) {
		close(out_pipe[0]);
		close(err_pipe[0]);
		return error_set(err, rc == ENOENT ? ERR_MISSING : -rc,
		    "cannot start %s: %s", p->argv[0], strerror(rc));
	}
	child = xcalloc(1, sizeof(*child));
	child->p = p;
	child->name = p->argv[0];
	child->pid = pid;
	child->out_fd = out_pipe[0];
	child->err_fd = err_pipe[0];
	child->max_out = p->max_out > 0 ? p->max_out : DEFAULT_MAX_OUT;
	child->timeout_ms = p->timeout_ms > 0 ? p->timeout_ms : DEFAULT_TIMEOUT_MS;
	child->deadline_ms = now_ms() + child->timeout_ms;
	*out = child;
	return 0;
}

/* Append what is there; closes *fd at its end. */
static void
read_some(int *fd, struct buf *b)
{
	ssize_t n;

	buf_reserve(b, 64 * 1024);
	n = read(*fd, b->data + b->len, b->cap - b->len - 1);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		close(*fd);
		*fd = -1;
		return;
	}
	b->len += (size_t)n;
	b->data[b->len] = '\0';
}

/* Tell the lines of standard error that came, and forget all but the end of it. */
static void
tell_lines(struct child *child)
{
	struct buf *text = &child->err_text;
	char *end;

	while (child->p->on_error_line != NULL && child->told < text->len &&
	    (end = memchr(text->data + child->told, '\n', text->len - child->told)) !=
		NULL) {
		*end = '\0';
		child->p->on_error_line(text->data + child->told, child->p->data);
		*end = '\n';
		child->told = (size_t)(end - text->data) + 1;
	}
	if (text->len > MAX_STDERR) {
		size_t gone = text->len - MAX_STDERR;

		buf_remove_front(text, gone);
		child->told = child->told > gone ? child->told - gone : 0;
	}
}

/* How long to wait for output; 0 or less: the time is over. Fails when on_tick says so.
 */
static int
time_left(struct child *child, int64_t *out, struct error *err)
{
	int64_t now = now_ms();

	*out = child->deadline_ms - now;
	if (child->p->on_tick == NULL)
		return 0;
	if (now >= child->tick_ms) {
		if (!child->p->on_tick(child->p->data))
			return error_set(
			    err, ERR_CANCELED, "%s was canceled", child->name);
		child->tick_ms = now + TICK_MS;
	}
	if (*out > child->tick_ms - now)
		*out = child->tick_ms - now;
	return 0;
}

/* Collect both streams until the child closed them. */
static int
collect(struct child *child, struct buf *out, struct error *err)
{
	size_t start = out->len;

	while (child->out_fd >= 0 || child->err_fd >= 0) {
		struct pollfd fds[2] = { { child->out_fd, POLLIN, 0 },
			{ child->err_fd, POLLIN, 0 } };
		int64_t left;

		if (time_left(child, &left, err) < 0)
			return err->code;
		if (left <= 0)
			return error_set(err, ERR_LIMIT, "%s took longer than %d s",
			    child->name, child->timeout_ms / 1000);
		if (poll(fds, 2, (int)left) < 0 && errno != EINTR)
			return error_errno(err, "cannot wait for %s", child->name);
		if (child->out_fd >= 0 && fds[0].revents != 0)
			read_some(&child->out_fd, out);
		if (child->err_fd >= 0 && fds[1].revents != 0)
			read_some(&child->err_fd, &child->err_text);
		tell_lines(child);
		if (out->len - start > child->max_out)
			return error_set(err, ERR_LIMIT, "%s printed more than %zu bytes",
			    child->name, child->max_out);
	}
	return 0;
}

/* The line of standard error with the reason: a "fatal: " one, else the last. */
static const char *
reason_line(struct buf *text)
{
	char *line;

	if (text->data == NULL)
		return "";
	while (text->len > 0 && strchr("\r\n \t", text->data[text->len - 1]) != NULL)
		text->data[--text->len] = '\0';
	line = strstr(text->data, "fatal: ");
	if (line != NULL && (line == text->data || line[-1] == '\n')) {
		line[strcspn(line, "\n")] = '\0';
		return line;
	}
	line = strrchr(text->data, '\n');
	return line == NULL ? text->data : line + 1;
}

static int
judge(struct child *child, int wstatus, int *status, struct error *err)
{
	const char *why = reason_line(&child->err_text);
	int code = WIFSIGNALED(wstatus) ? 128 + WTERMSIG(wstatus) : WEXITSTATUS(wstatus);

	if (status != NULL)
		*status = code;
	if (code == 0)
		return 0;
	if (WIFSIGNALED(wstatus))
		return error_set(err, ERR_FOREIGN, "%s was killed by signal %d",
		    child->name, WTERMSIG(wstatus));
	if (*why == '\0')
		return error_set(
		    err, ERR_FOREIGN, "%s ended with exit code %d", child->name, code);
	return error_set(err, ERR_FOREIGN, "%s: %s", child->name, why);
}

static int
finish(struct child *child, struct buf *out, int *status, struct error *err)
{
	int rc = collect(child, out, err), wstatus = 0;

	if (rc < 0)
		kill(-child->pid, SIGKILL);
	while (waitpid(child->pid, &wstatus, 0) < 0 && errno == EINTR)
		;
	if (rc < 0 && status != NULL)
		*status = 128 + SIGKILL;
	if (rc == 0)
		rc = judge(child, wstatus, status, err);
	if (child->out_fd >= 0)
		close(child->out_fd);
	if (child->err_fd >= 0)
		close(child->err_fd);
	buf_clear(&child->err_text);
	free(child);
	return rc;
}

int
process_run(const struct process *p, struct buf *out, int *status, struct error *err)
{
	struct child *child = NULL;
	int rc = start(p, &child, err);

	return child == NULL ? rc : finish(child, out, status, err);
}
