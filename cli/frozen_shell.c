/*
 * The user's terminal never enters the job: what runs there has a pseudo-terminal of its
 * own, or pipes, and what it says is carried over.
 */
#include "cli/frozen_shell.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/descriptors.h"
#include "base/path.h"
#include "base/str.h"
#include "cli/command.h"
#include "runner/supervisor/kept_wire.h"

#define STREAMS 3

struct conversation {
	int socket, resized;   /* -1: none */
	int streams[STREAMS];  /* the job's */
	int from[STREAMS];     /* what it says there comes out here; -1: not by us */
	int master;            /* of its terminal; also in from; -1: it has none */
	struct termios before; /* of the user's, when there is a master */
	bool is_over;
	int exit_code;
};

bool
frozen_shell_is_interactive(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

/* ---- what the job gets ----------------------------------------------------- */

static void
pass_size(const struct conversation *c)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		(void)ioctl(c->master, TIOCSWINSZ, &size);
}

static int
watch_size(struct conversation *c, struct error *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 ||
	    (c->resized = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
		return error_errno(err, "cannot watch the terminal");
	return 0;
}

static int
open_terminal(struct conversation *c, struct error *err)
{
	int slave = -1;

	if (tcgetattr(STDIN_FILENO, &c->before) < 0 ||
	    openpty(&c->master, &slave, NULL, &c->before, NULL) < 0)
		return error_errno(err, "cannot open a terminal");
	c->from[STDOUT_FILENO] = c->master;
	for (int i = 0; i < STREAMS; i++)
		c->streams[i] = fcntl(slave, F_DUPFD_CLOEXEC, 0);
	close(slave);
	if (fcntl(c->master, F_SETFD, FD_CLOEXEC) < 0 ||
	    fcntl(c->master, F_SETFL, O_NONBLOCK) < 0)
		return error_errno(err, "cannot use a terminal");
	pass_size(c);
	return watch_size(c, err);
}

/* A stream that is no terminal is the job's as it is. */
static int
open_stream(struct conversation *c, int i, struct error *err)
{
	int fds[2];

	if (!isatty(i))
		c->streams[i] = fcntl(i, F_DUPFD_CLOEXEC, 0);
	else if (i == STDIN_FILENO)
		c->streams[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	else if (pipe2(fds, O_CLOEXEC) == 0) {
		c->from[i] = fds[0];
		c->streams[i] = fds[1];
		(void)fcntl(fds[0], F_SETFL, O_NONBLOCK);
	}
	if (c->streams[i] < 0)
		return error_errno(err, "cannot hand over standard stream %d", i);
	return 0;
}

static int
open_streams(struct conversation *c, struct error *err)
{
	if (frozen_shell_is_interactive())
		return open_terminal(c, err);
	for (int i = 0; i < STREAMS; i++)
		if (open_stream(c, i, err) < 0)
			return err->code;
	return 0;
}

/* ---- asking for it --------------------------------------------------------- */

static int
add_word(struct kept_message *m, size_t *len, const char *word, struct error *err)
{
	size_t n = strlen(word) + 1;

	if (n > sizeof(m->text) - *len)
		return error_set(err, ERR_LIMIT,
		    "the command is too long: put it into a script and give that on "
		    "standard input");
	memcpy(m->text + *len, word, n);
	*len += n;
	return 0;
}

static int
send_request(const struct conversation *c, const struct kept_message *m, size_t len)
{
	const struct iovec part = { (void *)(uintptr_t)m,
		offsetof(struct kept_message, text) + len };

	return descriptors_send(c->socket, &part, 1, c->streams, STREAMS, 0) < 0 ? -1 : 0;
}

static int
ask(struct conversation *c, const char *const *argv, size_t argc, struct error *err)
{
	const char *terminal = getenv("TERM");
	struct kept_message m = { .version = KEPT_VERSION, .type = KEPT_RUN };
	size_t len = 0;

	if (terminal == NULL || c->master < 0)
		terminal = "";
	if (add_word(&m, &len, terminal, err) < 0)
		return err->code;
	for (size_t i = 0; i < argc; i++)
		if (add_word(&m, &len, argv[i], err) < 0)
			return err->code;
	if (send_request(c, &m, len) < 0)
		return error_errno(err, "cannot reach the job");
	for (int i = 0; i < STREAMS; i++)
		close(take_fd(&c->streams[i]));
	return 0;
}

/* ---- carrying -------------------------------------------------------------- */

/* True: there may be more. */
static bool
carry(int from, int to)
{
	char piece[16384];
	ssize_t n = read(from, piece, sizeof(piece));

	return n > 0 && path_write_fd(to, piece, (size_t)n) == 0;
}

/* A terminal takes what is typed by and by. */
static void
carry_typed(struct conversation *c)
{
	char piece[1024];
	ssize_t n = read(STDIN_FILENO, piece, sizeof(piece));

	if (n <= 0) { /* the user's terminal is gone */
		c->is_over = true;
		return;
	}
	for (ssize_t done = 0; done < n;) {
		ssize_t part = write(c->master, piece + done, (size_t)(n - done));
		struct pollfd room = { .fd = c->master, .events = POLLOUT };

		if (part > 0)
			done += part;
		else if (errno != EAGAIN || poll(&room, 1, 1000) <= 0)
			return;
	}
}

static void
on_answer(struct conversation *c)
{
	struct kept_message m = { .type = 0 };
	ssize_t n = descriptors_receive_text(c->socket, &m, sizeof(m), 0);

	c->is_over = true;
	if (n > (ssize_t)offsetof(struct kept_message, text) && m.type == KEPT_EXITED) {
		c->exit_code =
		    WIFEXITED(m.value) ? WEXITSTATUS(m.value) : 128 + WTERMSIG(m.value);
		return;
	}
	c->exit_code = EXIT_FAULT;
	(void)fprintf(stderr, "pawl: %.*s\n", KEPT_TEXT_MAX,
	    n > 0 && m.type == KEPT_REFUSED ? m.text : "the job is not kept any more");
}

static void
look(struct conversation *c)
{
	struct pollfd fds[] = { { .fd = c->socket, .events = POLLIN },
		{ .fd = c->resized, .events = POLLIN },
		{ .fd = c->master >= 0 ? STDIN_FILENO : -1, .events = POLLIN },
		{ .fd = c->from[STDOUT_FILENO], .events = POLLIN },
		{ .fd = c->from[STDERR_FILENO], .events = POLLIN } };
	struct signalfd_siginfo info;

	if (poll(fds, ARRAY_LEN(fds), -1) < 0)
		return;
	for (int i = STDOUT_FILENO; i <= STDERR_FILENO; i++)
		if (fds[2 + i].revents != 0 && !carry(c->from[i], i) && errno != EAGAIN)
			c->from[i] = -1; /* master is closed in the end */
	if (fds[1].revents != 0 && read(c->resized, &info, sizeof(info)) > 0)
		pass_size(c);
	if (fds[2].revents != 0)
		carry_typed(c);
	if (fds[0].revents != 0)
		on_answer(c);
}

static void
converse(struct conversation *c)
{
	struct termios raw = c->before;

	if (c->master >= 0) {
		cfmakeraw(&raw);
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
	}
	while (!c->is_over)
		look(c);
	for (int i = STDOUT_FILENO; i <= STDERR_FILENO; i++)
		while (c->from[i] >= 0 && carry(c->from[i], i))
			;
	if (c->master >= 0)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &c->before);
}

static void
clear(struct conversation *c)
{
	for (int i = 0; i < STREAMS; i++) {
		cleanup_close_fd(&c->streams[i]);
		if (c->from[i] != c->master)
			cleanup_close_fd(&c->from[i]);
	}
	cleanup_close_fd(&c->master);
	cleanup_close_fd(&c->resized);
	cleanup_close_fd(&c->socket);
}

int
frozen_shell(const struct frozen *frozen, const char *const *argv, size_t argc)
{
	struct conversation c = { .resized = -1,
		.streams = { -1, -1, -1 },
		.from = { -1, -1, -1 },
		.master = -1 };
	struct error err = ERROR_INIT;

	c.socket = frozen_knock(frozen, &err);
	if (c.socket < 0 || open_streams(&c, &err) < 0 || ask(&c, argv, argc, &err) < 0) {
		(void)fprintf(stderr, "pawl: %s\n", err.msg);
		c.exit_code = EXIT_FAULT;
	} else {
		converse(&c);
	}
	clear(&c);
	return c.exit_code;
}
