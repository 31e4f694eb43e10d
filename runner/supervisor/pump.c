/* What may happen while the supervisor waits: output, signals, words from the runner. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/descriptors.h"
#include "runner/supervisor/usage.h"

#define READ_SIZE (256u << 10)
#define PIPE_SIZE (1 << 20)
#define FLUSH_LIMIT_MS 60000

/*
 * A program that prints line by line would wake the supervisor and the runner for each
 * line. So a small piece of output is left in the pipe for a moment, until there is more.
 */
#define GATHER_MS 3
#define GATHER_BELOW (16u << 10)

int64_t
supervision_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The signals that are read, not suffered. */
static void
watched_signals(sigset_t *set)
{
	static const int signals[] = { SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT };

	sigemptyset(set);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		sigaddset(set, signals[i]);
}

int
supervision_open(struct supervision *s, struct error *err)
{
	sigset_t set;
	int fds[2];

	watched_signals(&set);
	(void)signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
		return error_errno(err, "cannot block signals");
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signals < 0)
		return error_errno(err, "cannot watch signals");
	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_errno(err, "cannot create a pipe");
	s->output = fds[0];
	s->output_end = fds[1];
	if (fcntl(s->output, F_SETFL, O_NONBLOCK) < 0)
		return error_errno(err, "cannot use the pipe");
	s->output_buf = xmalloc(READ_SIZE);
	s->read_after_ms = supervision_now_ms() + GATHER_MS;
	return 0;
}

void
supervision_close(struct supervision *s)
{
	int *const fds[] = { &s->socket, &s->listener, &s->signals, &s->output,
		&s->output_end, &s->cage.socket };

	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		cleanup_close_fd(fds[i]);
		*fds[i] = -1;
	}
	free(take(s->output_buf));
}

/* ---- output ---------------------------------------------------------------- */

/* At most max bytes; how many it was. */
static size_t
read_output(struct supervision *s, size_t max)
{
	ssize_t n = read(s->output, s->output_buf, max < READ_SIZE ? max : READ_SIZE);

	if (n <= 0)
		return 0;
	echo_watch_feed(&s->watch, s->output_buf, (size_t)n);
	trace_add(&s->trace, s->output_buf, (size_t)n);
	return (size_t)n;
}

static void
on_output(struct supervision *s)
{
	size_t n = read_output(s, READ_SIZE);

	if (n < GATHER_BELOW)
		s->read_after_ms = supervision_now_ms() + GATHER_MS;
	else if (n >= (64u << 10) && fcntl(s->output, F_GETPIPE_SZ) < PIPE_SIZE)
		/* a talkative job; refused when the user holds many pipes, no matter */
		(void)fcntl(s->output, F_SETPIPE_SZ, PIPE_SIZE);
	if (s->trace.bytes != s->told_bytes)
		supervision_tell(s, WIRE_TRACE);
}

void
supervision_drain(struct supervision *s)
{
	int left = 0;

	if (ioctl(s->output, FIONREAD, &left) < 0)
		return;
	while (left > 0) {
		size_t n = read_output(s, (size_t)left);

		if (n == 0)
			return;
		left -= (int)n;
	}
}

/* ---- signals --------------------------------------------------------------- */

static void
reap_service(struct supervision *s, pid_t pid, int status)
{
	for (size_t i = 0; i < s->service_count; i++)
		if (s->services[i].process.pid == pid)
			cage_process_reaped(&s->services[i].process, status);
}

static void
reap(struct supervision *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == s->shell) {
			s->shell = 0;
			s->step_runs = false;
			s->shell_status = status;
		} else if (pid == s->cage.pid) {
			cage_on_exit(s, status);
		} else {
			reap_service(s, pid, status);
			kept_reaped(s, pid, status);
		}
	}
	if (s->cage.pid == 0)
		s->childless = pid < 0 && errno == ECHILD;
}

/* Somebody ends the supervisor itself: the job ends as if canceled; asked twice, at once.
 */
static void
on_end_signal(struct supervision *s)
{
	s->killed = s->canceled;
	s->canceled = true;
}

static void
on_signals(struct supervision *s)
{
	struct signalfd_siginfo info;

	while (read(s->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		if (info.ssi_signo != SIGCHLD)
			on_end_signal(s);
	reap(s);
}

/* ---- messages -------------------------------------------------------------- */

static void send_unsent(struct supervision *s);

static void
on_runner_gone(struct supervision *s)
{
	close(s->socket);
	s->socket = -1;
	s->orphaned = true;
	s->unsent = 0;
	if (s->spec.tied)
		s->canceled = s->killed = true;
}

int
supervision_listen(struct supervision *s, struct error *err)
{
	cleanup_close int dir = open(s->spec.job_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	/* a socket's address is too short for some paths, but not for this one */
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "/proc/self/fd/%d/%s", dir,
	    SPEC_SOCKET_NAME);
	s->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (dir >= 0) /* of one that could not make the workspace */
		unlinkat(dir, SPEC_SOCKET_NAME, 0);
	if (dir < 0 || s->listener < 0 ||
	    bind(s->listener, (const struct sockaddr *)&at, sizeof(at)) < 0 ||
	    listen(s->listener, 1) < 0)
		return error_errno(err, "cannot listen in %s", s->spec.job_dir);
	return 0;
}

/* A later runner hears where the job is, and the question the last one left open. */
static void
on_listener(struct supervision *s)
{
	int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	s->socket = fd;
	s->orphaned = false;
	s->unsent = 1u << WIRE_STEP | 1u << WIRE_TRACE | s->asked;
	send_unsent(s);
}

static void
on_message(struct supervision *s, const struct wire_message *m, size_t len)
{
	if (len < sizeof(m->head) || m->head.version != WIRE_VERSION)
		return;
	switch (m->head.type) {
	case WIRE_START:
		s->started = true;
		break;
	case WIRE_LOG:
		trace_add(&s->trace, m->body.text, len - sizeof(m->head));
		supervision_tell(s, WIRE_TRACE);
		break;
	case WIRE_CANCEL:
		s->canceled = true;
		break;
	case WIRE_KILL:
		s->canceled = s->killed = true;
		break;
	case WIRE_FINISH:
		s->finished = true;
		break;
	default:
		break; /* a newer runner's; what matters is versioned */
	}
}

static void
on_socket(struct supervision *s)
{
	static struct wire_message m; /* 16 KiB, too much for a small stack */

	while (s->socket >= 0) {
		ssize_t n =
		    descriptors_receive_text(s->socket, &m, sizeof(m), MSG_DONTWAIT);

		if (n > 0)
			on_message(s, &m, (size_t)n);
		else if (n == 0 || (errno != EAGAIN && errno != EINTR))
			on_runner_gone(s);
		else
			return;
	}
}

/* A message that carries the workspace: the runner reads and writes it as the job saw it.
 */
static bool
needs_workspace(enum wire_type type)
{
	return type == WIRE_READY || type == WIRE_COLLECT;
}

static bool
send_message(struct supervision *s, enum wire_type type, int fd)
{
	struct wire_header head = {
		.version = WIRE_VERSION,
		.type = (uint16_t)type,
		.number = s->step,
		.trace_bytes = s->trace.bytes,
	};
	struct iovec parts[] = { { &head, sizeof(head) },
		{ &s->result, sizeof(s->result) } };
	const bool has_result = type == WIRE_COLLECT || type == WIRE_RESULT;

	return descriptors_send(
		   s->socket, parts, has_result ? 2 : 1, &fd, fd >= 0, MSG_DONTWAIT) >= 0;
}

/* Send what waits, in the order of the types, as far as there is room. */
static void
send_unsent(struct supervision *s)
{
	for (unsigned type = WIRE_STEP; type <= WIRE_RESULT && s->socket >= 0; type++) {
		cleanup_close int fd = -1;

		if ((s->unsent & 1u << type) == 0)
			continue;
		if (needs_workspace((enum wire_type)type))
			fd =
			    open(s->spec.project_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (!send_message(s, (enum wire_type)type, fd)) {
			if (errno != EAGAIN && errno != ENOBUFS && errno != EINTR)
				on_runner_gone(s);
			return;
		}
		s->unsent &= ~(1u << type);
		s->told_bytes = s->trace.bytes;
	}
}

void
supervision_tell(struct supervision *s, enum wire_type type)
{
	if (s->socket < 0)
		return;
	s->unsent |= 1u << type;
	send_unsent(s);
}

void
supervision_flush(struct supervision *s)
{
	int64_t until_ms = supervision_now_ms() + FLUSH_LIMIT_MS;

	while (s->unsent != 0 && s->socket >= 0 && supervision_now_ms() < until_ms)
		supervision_pump(s, until_ms);
}

/* ---- waiting --------------------------------------------------------------- */

static int
poll_timeout(int64_t now_ms, int64_t until_ms)
{
	int64_t left = until_ms - now_ms;

	return left < 0 ? 0 : left > 3600000 ? 3600000 : (int)left;
}

/* What is always there, and two for each service. */
enum {
	POLL_SIGNALS,
	POLL_SOCKET,
	POLL_OUTPUT,
	POLL_LISTENER,
	POLL_CAGE,
	POLL_KEPT,
	POLL_SERVICES = POLL_KEPT + KEPT_POLLS,
	POLL_MAX = POLL_SERVICES + 2 * SERVICES_MAX
};

static size_t
fill_polls(const struct supervision *s, bool listens, struct pollfd fds[POLL_MAX])
{
	size_t n = POLL_SERVICES;

	fds[POLL_SIGNALS].fd = s->signals;
	fds[POLL_SOCKET].fd = s->socket;
	fds[POLL_OUTPUT].fd = listens ? s->output : -1;
	fds[POLL_LISTENER].fd = s->socket < 0 && !s->kept.is_open ? s->listener : -1;
	fds[POLL_CAGE].fd = s->cage.socket;
	kept_fill_polls(s, fds + POLL_KEPT);
	for (size_t i = 0; i < s->service_count; i++) {
		fds[n++].fd = s->services[i].process.socket;
		fds[n++].fd = s->services[i].output;
	}
	for (size_t i = 0; i < n; i++)
		fds[i].events = POLLIN;
	if (s->unsent != 0)
		fds[POLL_SOCKET].events |= POLLOUT;
	return n;
}

static void
on_services(struct supervision *s, const struct pollfd *fds)
{
	for (size_t i = 0; i < s->service_count; i++) {
		if (fds[2 * i].revents != 0)
			cage_process_read(&s->services[i].process);
		if (fds[2 * i + 1].revents != 0)
			services_read(s, i);
	}
}

void
supervision_pump(struct supervision *s, int64_t until_ms)
{
	int64_t now_ms = supervision_now_ms();
	bool listens = s->output >= 0 && now_ms >= s->read_after_ms;
	struct pollfd fds[POLL_MAX];
	size_t n = fill_polls(s, listens, fds);

	if (now_ms >= s->recorder.next_ms)
		usage_tick(s, now_ms);
	if (s->recorder.next_ms < until_ms)
		until_ms = s->recorder.next_ms;
	if (!listens && s->read_after_ms < until_ms)
		until_ms = s->read_after_ms;
	if (poll(fds, n, poll_timeout(now_ms, until_ms)) <= 0)
		return;
	/* first what names services by their place; signals may end some */
	on_services(s, fds + POLL_SERVICES);
	if (fds[POLL_SIGNALS].revents != 0)
		on_signals(s);
	if (fds[POLL_OUTPUT].revents != 0)
		on_output(s);
	if ((fds[POLL_SOCKET].revents & POLLOUT) != 0)
		send_unsent(s);
	if ((fds[POLL_SOCKET].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
		on_socket(s);
	if (fds[POLL_LISTENER].revents != 0)
		on_listener(s);
	if (fds[POLL_CAGE].revents != 0) {
		cage_process_read(&s->cage);
		cage_heard(s);
	}
	kept_on_polls(s, fds + POLL_KEPT);
}
