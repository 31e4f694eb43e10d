/*
 * A job that failed and is kept: its workspace, its sandbox or container and its services
 * stay as they were, and whoever comes by `pawl shell` gets a shell in there.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/descriptors.h"
#include "runner/supervisor/kept_wire.h"
#include "runner/supervisor/supervision.h"
#include "runner/supervisor/usage.h"

#define KEPT_MS (24 * 3600 * 1000LL) /* since somebody looked */
#define FILES 3
#define STEP_OF(slot) ((uint32_t)(slot) + 1) /* in pawl-init; 0 is the job's own */

bool
kept_is_wanted(const struct supervision *s)
{
	return s->spec.keep_failed && s->spec.tied && !s->orphaned && !s->canceled &&
	    (s->result.verdict == WIRE_SCRIPT_FAILURE ||
		s->result.verdict == WIRE_TIMEOUT);
}

/* ---- what is said ---------------------------------------------------------- */

static void
say(int socket, enum kept_type type, int value, const char *text)
{
	struct kept_message m = {
		.version = KEPT_VERSION, .type = (uint16_t)type, .value = value
	};
	size_t len = offsetof(struct kept_message, text) + strlen(text) + 1;

	(void)snprintf(m.text, sizeof(m.text), "%s", text);
	(void)send(socket, &m, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
close_client(struct kept_client *c)
{
	cleanup_close_fd(&c->socket);
	*c = (struct kept_client)KEPT_CLIENT_INIT;
}

static void
refuse(struct kept_client *c, const char *why)
{
	say(c->socket, KEPT_REFUSED, 0, why);
	close_client(c);
}

/* ---- a shell --------------------------------------------------------------- */

struct request {
	char *words[KEPT_TEXT_MAX / 2]; /* the terminal's kind, argv, NULL */
	int streams[FILES];
};

/* In the child of a vfork: system calls only. */
static NORETURN void
become_shell(const struct cgroup *group, char *const *argv, char *const *env,
    const int *streams, volatile int *failed)
{
	sigset_t none;

	setsid();
	for (int i = 0; i < FILES; i++)
		if (dup2(streams[i], i) < 0)
			_exit(127);
	if (!cgroup_join(group, true))
		_exit(127);
	(void)ioctl(STDIN_FILENO, TIOCSCTTY, 0); /* where it is a terminal */
	(void)signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvpe(argv[0], argv, env);
	*failed = errno;
	_exit(127);
}

static int
spawn_beside(struct supervision *s, size_t slot, char *const *argv, char *const *env,
    const int *streams, struct error *err)
{
	const struct cgroup *group = usage_group(s);
	volatile int failed = 0;
	pid_t pid = vfork(); /* NOLINT(clang-analyzer-security.insecureAPI.vfork) */

	if (pid == 0) /* NOLINTNEXTLINE(clang-analyzer-unix.Vfork) */
		become_shell(group, argv, env, streams, &failed);
	if (pid < 0)
		return error_errno(err, "cannot start a process");
	s->childless = false;
	if (failed != 0) {
		errno = failed;
		return error_errno(err, "cannot start %s", argv[0]);
	}
	s->kept.clients[slot].pid = pid;
	return 0;
}

/* Who the job runs as may open it again; without that it can still be used. */
static void
give_terminal(const struct cage *cage, int fd)
{
	int rc = isatty(fd) ? fchown(fd, (uid_t)cage->uid, (gid_t)cage->gid) : 0;

	(void)rc;
}

static int
spawn_in_cage(struct supervision *s, size_t slot, char *const *argv, char *const *env,
    const int *streams, struct error *err)
{
	const struct cage *cage = &s->spec.cage;
	struct cage_run run = { .type = INIT_SHELL,
		.number = STEP_OF(slot),
		.name = "shell",
		.dir = cage->project_dir,
		.argv = argv,
		.env = env,
		.known = &cage->env,
		.script = -1,
		.streams = streams };

	if (cage->gives)
		give_terminal(cage, streams[STDIN_FILENO]);
	if (cage_process_run(&s->cage, &run, err) < 0)
		return err->code;
	s->childless = false;
	return 0;
}

/* The variables of the job, and what kind of terminal it is; NULL or "": none. */
static char **
shell_environment(const struct supervision *s, const char *terminal)
{
	const struct spec_step looks = { .name = "shell", .always = true };
	char **env = supervision_environment(s, &looks);
	size_t n = 0;

	while (env[n] != NULL && strncmp(env[n], "TERM=", 5) != 0)
		n++;
	if (terminal == NULL || *terminal == '\0')
		return env;
	if (env[n] == NULL) {
		env = xreallocarray(env, n + 2, sizeof(*env));
		env[n + 1] = NULL;
	} else {
		free(env[n]);
	}
	env[n] = xasprintf("TERM=%s", terminal);
	return env;
}

/* What pawl shell names, else the shell its scripts ran in. */
static char **
shell_argv(const struct supervision *s, char *const *words, bool is_terminal)
{
	const struct strlist *shell = &s->spec.cage.shell;
	size_t count = 0, n = 0;
	char **argv;

	while (words[count] != NULL)
		count++;
	argv = xcalloc(count + shell->count + 3, sizeof(*argv));
	for (size_t i = 0; i < count; i++)
		argv[n++] = xstrdup(words[i]);
	for (size_t i = 0; count == 0 && i < shell->count; i++)
		argv[n++] = xstrdup(shell->items[i]);
	if (n == 0)
		argv[n++] = xstrdup(""); /* whatever shell is there */
	if (count == 0 && is_terminal)
		argv[n++] = xstrdup("-i");
	return argv;
}

static void
start_shell(struct supervision *s, size_t slot, struct request *r)
{
	struct kept_client *c = &s->kept.clients[slot];
	struct error err = ERROR_INIT;
	char **env = shell_environment(s, r->words[0]);
	char **argv = shell_argv(s, r->words + 1, isatty(r->streams[0]));
	int rc = s->spec.cage.argv.count > 0
	    ? spawn_in_cage(s, slot, argv, env, r->streams, &err)
	    : spawn_beside(s, slot, argv, env, r->streams, &err);

	supervision_free_strings(argv);
	supervision_free_strings(env);
	c->runs = rc == 0;
	if (rc < 0)
		refuse(c, err.msg);
}

/* ---- requests -------------------------------------------------------------- */

/* False: it is not what pawl shell says. The words point into m. */
static bool
read_request(struct kept_message *m, size_t len, struct request *r)
{
	char *at = m->text, *end = (char *)m + len;
	size_t count = 0;

	if (at >= end || end[-1] != '\0' || r->streams[FILES - 1] < 0)
		return false;
	for (; at < end; at += strlen(at) + 1)
		r->words[count++] = at;
	r->words[count] = NULL;
	return true;
}

static ssize_t
receive(int socket, struct kept_message *m, int files[FILES])
{
	return descriptors_receive(socket, m, sizeof(*m), files, FILES, MSG_DONTWAIT);
}

/* Nobody sees any more what it says. */
static void
on_client_gone(struct supervision *s, size_t slot)
{
	struct kept_client *c = &s->kept.clients[slot];

	if (!c->runs) {
		close_client(c);
		return;
	}
	close(take_fd(&c->socket));
	if (c->pid > 0)
		kill(-c->pid, SIGHUP);
	else
		cage_process_hang_up(&s->cage, STEP_OF(slot));
}

static void
on_message(struct supervision *s, size_t slot, struct kept_message *m, size_t len,
    struct request *r)
{
	struct kept_client *c = &s->kept.clients[slot];

	if (len < offsetof(struct kept_message, text) || m->version != KEPT_VERSION) {
		refuse(c, "another release of pawl keeps this job: end it with that one");
	} else if (m->type == KEPT_END) {
		s->kept.ends_when_alone = m->value != 0;
		s->kept.ends = m->value == 0;
		if (m->value != 0)
			close_client(c);
	} else if (m->type == KEPT_RUN && !c->runs && read_request(m, len, r)) {
		start_shell(s, slot, r);
	} else {
		refuse(c, "this is nothing pawl shell would say");
	}
}

static void
on_client(struct supervision *s, size_t slot)
{
	static struct kept_message m; /* too much for a small stack, as is the request */
	static struct request r;
	ssize_t n;

	for (int i = 0; i < FILES; i++)
		r.streams[i] = -1;
	n = receive(s->kept.clients[slot].socket, &m, r.streams);
	if (n > 0)
		on_message(s, slot, &m, (size_t)n, &r);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		on_client_gone(s, slot);
	for (int i = 0; i < FILES; i++)
		cleanup_close_fd(&r.streams[i]);
}

static void
on_knock(struct supervision *s)
{
	int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);

	for (size_t i = 0; fd >= 0 && i < KEPT_SHELLS; i++) {
		if (s->kept.clients[i].socket < 0 && !s->kept.clients[i].runs) {
			s->kept.clients[i].socket = fd;
			return;
		}
	}
	if (fd < 0)
		return;
	say(fd, KEPT_REFUSED, 0, "eight shells look into this job already");
	close(fd);
}

/* ---- waiting --------------------------------------------------------------- */

void
kept_fill_polls(const struct supervision *s, struct pollfd fds[KEPT_POLLS])
{
	fds[0].fd = s->kept.is_open ? s->listener : -1;
	for (size_t i = 0; i < KEPT_SHELLS; i++)
		fds[i + 1].fd = s->kept.is_open ? s->kept.clients[i].socket : -1;
}

void
kept_on_polls(struct supervision *s, const struct pollfd fds[KEPT_POLLS])
{
	for (size_t i = 0; i < KEPT_SHELLS; i++)
		if (fds[i + 1].revents != 0 && s->kept.clients[i].socket >= 0)
			on_client(s, i);
	if (fds[0].revents != 0)
		on_knock(s);
}

static void
finish_shell(struct supervision *s, size_t slot, int status)
{
	struct kept_client *c = &s->kept.clients[slot];

	if (c->socket >= 0)
		say(c->socket, KEPT_EXITED, status, "");
	close_client(c);
}

void
kept_reaped(struct supervision *s, pid_t pid, int status)
{
	for (size_t i = 0; i < KEPT_SHELLS; i++)
		if (s->kept.clients[i].pid == pid && s->kept.clients[i].runs)
			finish_shell(s, i, status);
}

/* What pawl-init has said of them. */
static void
look_at_shells(struct supervision *s)
{
	for (size_t i = 0; i < KEPT_SHELLS; i++) {
		struct kept_client *c = &s->kept.clients[i];
		const struct cage_step *step = &s->cage.steps[STEP_OF(i)];
		cleanup_free char *why = NULL;

		if (!c->runs || c->pid > 0 || step->runs)
			continue;
		if (step->failed == 0 || c->socket < 0) {
			finish_shell(s, i, step->status);
			continue;
		}
		why =
		    xasprintf("cannot start %s: %s", step->text, strerror(step->failed));
		refuse(c, why);
	}
}

static bool
somebody_looks(const struct supervision *s)
{
	for (size_t i = 0; i < KEPT_SHELLS; i++)
		if (s->kept.clients[i].runs)
			return true;
	return false;
}

/* ---- all of it ------------------------------------------------------------- */

int
kept_open(struct supervision *s, struct error *err)
{
	for (size_t i = 0; i < KEPT_SHELLS; i++)
		s->kept.clients[i] = (struct kept_client)KEPT_CLIENT_INIT;
	return supervision_listen(s, err);
}

/* Whoever waits for the end of what pawl run writes does not wait for us. */
static void
leave_runner(struct supervision *s)
{
	cleanup_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	close(take_fd(&s->socket));
	for (int i = 0; null >= 0 && i <= STDERR_FILENO; i++)
		(void)dup2(null, i);
	s->killed = s->canceled = false; /* it was a timeout */
	s->unsent = 0;
}

void
kept_stay(struct supervision *s)
{
	bool has_cage = s->cage.pid != 0;
	int64_t until_ms = supervision_now_ms() + KEPT_MS;

	leave_runner(s);
	s->recorder.next_ms = INT64_MAX; /* it has been summed up */
	s->kept.is_open = true;
	while (!s->kept.ends && !s->canceled && (!has_cage || s->cage.pid != 0)) {
		supervision_pump(s, until_ms);
		look_at_shells(s);
		if (somebody_looks(s))
			until_ms = supervision_now_ms() + KEPT_MS;
		else if (s->kept.ends_when_alone || supervision_now_ms() >= until_ms)
			break;
	}
	s->kept.is_open = false;
}
