/*
 * Running `git push --porcelain`: its standard output says what becomes of each ref, its
 * standard error carries the server's lines, each after "remote: ", and git's own.
 */
#include "scheduler/hook/mirror.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"

#define MAX_LINE ((size_t)65536) /* of git's and the server's; the rest is cut */
#define MAX_REASON 700

/* The password is the first line of a file: no command line and no environment has it. */
static const char credentials[] =
    "credential.helper=!read -r token <\"$PAWL_HOOK_TOKEN\"; echo username=pawl; "
    "echo \"password=$token\"; :";

/* How git says that trying again is of no use. */
static const char *const lasting[] = { "Authentication failed", "returned error: 403",
	"could not read Username", "' not found", "hash algorithm", NULL };

struct git {
	const struct mirror_push *push;
	pid_t pid;
	struct buf out, err; /* a line that has not ended */
	char *reason;        /* git's, malloced; NULL: it gave none */
	bool reason_is_fatal, is_left;
	bool has_refused, has_failed, has_nothing;
};

/* ---- what it says ---------------------------------------------------------------- */

static void
keep_reason(struct git *g, const char *line, bool is_fatal)
{
	const char *after = strstr(line, "unable to access '");

	if (g->reason_is_fatal && !is_fatal)
		return;
	if (after != NULL && strstr(after, "': ") != NULL)
		line = strstr(after, "': ") + 3;
	free(g->reason);
	g->reason = xasprintf("%.*s", MAX_REASON, line);
	g->reason_is_fatal = is_fatal;
}

/* The first one says more than git's "failed to push some refs". */
static void
keep_refusal(struct git *g, const char *ref, const char *why)
{
	cleanup_free char *reason = xasprintf("%s: %s", ref, why);

	if (!g->has_refused)
		keep_reason(g, reason, true);
	g->has_refused = true;
}

/* "!\tSRC:DST\t[remote rejected] (why)" */
static void
take_ref(struct git *g, char *line)
{
	char *ref, *why, *colon;

	if (line[0] == '\0' || line[1] != '\t')
		return;
	why = strchr(line + 2, '\t');
	if (why == NULL)
		return;
	*why++ = '\0';
	colon = strchr(line + 2, ':');
	ref = colon != NULL ? colon + 1 : line + 2;
	if (line[0] == '!' && strstr(why, "[remote failure]") != NULL)
		g->has_failed = true; /* nobody knows what became of it */
	else if (line[0] == '!')
		keep_refusal(g, ref, why);
	if (g->push->on_ref != NULL)
		g->push->on_ref(line[0], ref, why, g->push->data);
}

static void
take_words(struct git *g, char *line)
{
	size_t len = strlen(line);

	if (str_starts(line, "remote: ")) {
		/* git writes blanks over what may have stood in the line */
		while (len > 8 && line[len - 1] == ' ')
			line[--len] = '\0';
		if (!g->is_left && g->push->on_line != NULL &&
		    !g->push->on_line(line + 8, g->push->data)) {
			g->is_left = true;
			(void)kill(g->pid, SIGTERM);
		}
	} else if (str_starts(line, "fatal: ")) {
		keep_reason(g, line + 7, true);
	} else if (str_starts(line, "error: ")) {
		keep_reason(g, line + 7, false);
	} else if (str_starts(line, "No refs in common")) {
		g->has_nothing = true; /* neither here nor there */
	}
}

static void
take_lines(struct git *g, struct buf *b, void (*take_line)(struct git *, char *))
{
	size_t start = 0;
	char *end;

	while (start < b->len &&
	    (end = memchr(b->data + start, '\n', b->len - start)) != NULL) {
		*end = '\0';
		take_line(g, b->data + start);
		start = (size_t)(end - b->data) + 1;
	}
	buf_remove_front(b, start);
	if (b->len > MAX_LINE)
		b->len = MAX_LINE;
}

/* ---- running it ------------------------------------------------------------------ */

static const char **
make_argv(const struct mirror_push *p)
{
	/* what the repository's owner has set for pushes of their own does not count */
	static const char *const first[] = { "git", "-c", "credential.helper=", "-c",
		credentials, "-c", "push.pushOption=", "-c", "push.gpgSign=false", "-c",
		"push.recurseSubmodules=no", "-c", "http.lowSpeedLimit=1", "-c",
		"http.lowSpeedTime=60", "push", "--porcelain", "--no-verify" };
	static const char *const all[] = { "+refs/heads/*:refs/heads/*",
		"+refs/tags/*:refs/tags/*" };
	size_t options = p->options != NULL ? p->options->count : 0;
	size_t refspecs = p->refspecs != NULL ? p->refspecs->count : ARRAY_LEN(all);
	const char **argv =
	    xcalloc(ARRAY_LEN(first) + 2 * options + refspecs + 4, sizeof(*argv));
	size_t n = ARRAY_LEN(first);

	memcpy(argv, first, sizeof(first));
	if (p->prune)
		argv[n++] = "--prune";
	if (p->compare)
		argv[n++] = "--dry-run";
	for (size_t i = 0; i < options; i++) {
		argv[n++] = "-o";
		argv[n++] = p->options->items[i];
	}
	argv[n++] = p->place->url;
	for (size_t i = 0; i < refspecs; i++)
		argv[n++] = p->refspecs != NULL ? p->refspecs->items[i] : all[i];
	return argv;
}

static int
spawn(struct git *g, int out_fd, int err_fd)
{
	const char **argv = make_argv(g->push);
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t all;
	int rc;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out_fd, 1);
	posix_spawn_file_actions_adddup2(&actions, err_fd, 2);
	posix_spawn_file_actions_addchdir_np(&actions, g->push->place->git_dir);
	sigfillset(&all);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
	/* it does not write to argv; its prototype is older than const */
	rc = posix_spawnp(
	    &g->pid, "git", &actions, &attr, (char *const *)(uintptr_t)argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	free(argv);
	return rc;
}

/* false: it has closed its end. */
static bool
read_some(int fd, struct buf *b)
{
	ssize_t n;

	buf_reserve(b, 4096);
	n = read(fd, b->data + b->len, 4096);
	if (n < 0 && errno == EINTR)
		return true;
	if (n <= 0)
		return false;
	b->len += (size_t)n;
	b->data[b->len] = '\0';
	return true;
}

static void
collect(struct git *g, int out_fd, int err_fd)
{
	struct pollfd fds[2] = { { out_fd, POLLIN, 0 }, { err_fd, POLLIN, 0 } };

	while (fds[0].fd >= 0 || fds[1].fd >= 0) {
		if (poll(fds, 2, -1) < 0)
			continue; /* a signal */
		if (fds[0].fd >= 0 && fds[0].revents != 0) {
			if (!read_some(out_fd, &g->out))
				fds[0].fd = -1;
			take_lines(g, &g->out, take_ref);
		}
		if (fds[1].fd >= 0 && fds[1].revents != 0) {
			if (!read_some(err_fd, &g->err))
				fds[1].fd = -1;
			take_lines(g, &g->err, take_words);
		}
	}
}

static int
run(struct git *g)
{
	int out[2], err[2], rc, status = 0;
	cleanup_close int out_fd = -1, err_fd = -1;

	if (pipe2(out, O_CLOEXEC) < 0)
		return -1;
	out_fd = out[0];
	if (pipe2(err, O_CLOEXEC) < 0) {
		(void)close(out[1]);
		return -1;
	}
	err_fd = err[0];
	rc = spawn(g, out[1], err[1]);
	(void)close(out[1]);
	(void)close(err[1]);
	if (rc != 0) {
		errno = rc;
		return -1;
	}
	collect(g, out_fd, err_fd);
	while (waitpid(g->pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

static bool
is_lasting(const struct git *g)
{
	for (size_t i = 0; g->reason != NULL && lasting[i] != NULL; i++)
		if (strstr(g->reason, lasting[i]) != NULL)
			return true;
	return g->has_refused && !g->has_failed;
}

static enum mirror_result
judge(const struct git *g, int status, struct error *err)
{
	/* the server has it all: who left only does not hear of it */
	if (status == 0 || g->is_left || (g->has_nothing && g->push->compare))
		return MIRROR_DONE;
	if (status == -1)
		(void)error_errno(err, "cannot start git");
	else
		(void)error_set(err, ERR_FOREIGN, "%s",
		    g->reason != NULL ? g->reason : "git push failed");
	return is_lasting(g) ? MIRROR_REFUSED : MIRROR_AWAY;
}

enum mirror_result
mirror_push(const struct mirror_push *push, struct error *err)
{
	struct git g = { .push = push };
	enum mirror_result result = judge(&g, run(&g), err);

	buf_clear(&g.out);
	buf_clear(&g.err);
	free(g.reason);
	return result;
}
