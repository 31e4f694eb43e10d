/*
 * A push in two processes. The worker pushes on to the server and, when that is done,
 * makes level what other pushes have left, trying again while the server is away. The
 * first process shows the pusher what the worker writes, and never for long nothing.
 */
#include "scheduler/hook/forward.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/path.h"
#include "scheduler/hook/level.h"
#include "scheduler/hook/queue.h"

#define SILENCE_MS 20000
#define MAX_DELAY_S 60
#define GIVE_UP_S (24 * 3600)

struct forward {
	struct place place;
	struct pushed pushed;
	int to_viewer;     /* -1: nobody reads any more */
	int lock;          /* -1: let go */
	char *note;        /* in the queue; NULL: none */
	bool has_arrived;  /* the server's hook has begun to speak */
	bool has_moved;    /* a ref of the server's */
	bool has_said;     /* which refs it has refused */
	bool is_overtaken; /* by a later push, of some refs at least */
};

/* ---- what the pusher sees -------------------------------------------------------- */

static void
show(int from_worker, const struct place *place)
{
	char block[4096];
	struct pollfd fd = { from_worker, POLLIN, 0 };

	for (;;) {
		int ready = poll(&fd, 1, SILENCE_MS);
		ssize_t n;

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready == 0)
			printf("pawl: %s has not answered for %d s; what was pushed goes "
			       "there in the background\n",
			    place->url, SILENCE_MS / 1000);
		if (ready <= 0)
			return;
		n = read(from_worker, block, sizeof(block));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || path_write_fd(STDOUT_FILENO, block, (size_t)n) < 0)
			return;
	}
}

static void say(struct forward *f, const char *fmt, ...) PRINTF(2, 3);

static void
say(struct forward *f, const char *fmt, ...)
{
	cleanup_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	if (f->to_viewer >= 0 && path_write_fd(f->to_viewer, text, strlen(text)) < 0)
		f->to_viewer = -1; /* the pusher left */
}

/* ---- the push itself ------------------------------------------------------------- */

static void
let_go(struct forward *f)
{
	if (f->note != NULL)
		queue_drop(&f->place, f->note);
	free(take(f->note));
	if (f->lock >= 0)
		(void)close(take_fd(&f->lock));
}

/* What the server's own hook says, which git calls once refs have moved: from then on
 * they are safe, and with ci.wait other pushes need not wait, too. */
static bool
is_of_hook(const char *line)
{
	return str_starts(line, "pipeline #") || str_starts(line, "pawl: ");
}

static bool
on_line(const char *line, void *data)
{
	struct forward *f = data;

	if (!f->has_arrived && is_of_hook(line)) {
		f->has_arrived = true;
		let_go(f);
	}
	say(f, "%s\n", line);
	return f->to_viewer >= 0 || !f->has_arrived;
}

static void
on_ref(char what, const char *ref, const char *why, void *data)
{
	struct forward *f = data;

	if (what == '!') {
		say(f, "pawl: %s has refused %s: %s\n", f->place.url, ref, why);
		f->has_said = true;
	} else if (what != '=') {
		f->has_moved = true;
	}
}

static void
say_result(struct forward *f, enum mirror_result result, const struct error *err)
{
	if (result == MIRROR_REFUSED && !f->has_said)
		say(f, "pawl: no pipeline: %s; see `pawl hook status %s`\n", err->msg,
		    f->place.git_dir);
	else if (result == MIRROR_DONE && !f->has_moved && !f->is_overtaken &&
	    !f->has_arrived)
		say(f, "pawl: %s had this already\n", f->place.url);
	else if (result == MIRROR_AWAY && f->has_arrived)
		say(f, "pawl: lost %s (%s); the pipeline goes on\n", f->place.url,
		    err->msg);
	else if (result == MIRROR_AWAY)
		say(f,
		    "pawl: cannot reach %s (%s); the pipeline starts when it is back: it is "
		    "asked again for a day, with the next push, and by "
		    "`pawl hook sync %s`\n",
		    f->place.url, err->msg, f->place.git_dir);
}

static void
push(struct forward *f)
{
	struct error err = ERROR_INIT;
	struct level_push l = { .place = &f->place,
		.seen = &f->pushed,
		.options = &f->pushed.options,
		.on_line = on_line,
		.on_ref = on_ref,
		.data = f };
	enum mirror_result result;

	if (f->pushed.options.count > 0)
		f->note = queue_add(&f->place, &f->pushed, &err);
	f->lock = place_lock(&f->place, "lock", true);
	result = level_push(&l, &err);
	f->is_overtaken = l.overtaken > 0;
	if (f->is_overtaken)
		say(f, "pawl: a later push has moved on what this one brought\n");
	say_result(f, result, &err);
	if (result == MIRROR_AWAY)
		free(take(f->note)); /* it stays for whoever gets there */
	let_go(f);
}

/* ---- afterwards ------------------------------------------------------------------ */

/*
 * One process tries again and one more waits to be the next; it has not yet begun to
 * look, so that whoever finds both places taken can leave. -1: leave.
 */
static int
take_turn(const struct place *p)
{
	cleanup_close int next = -1;
	int turn = place_lock(p, "retry", false);

	if (turn >= 0)
		return turn;
	next = place_lock(p, "next", false);
	return next < 0 ? -1 : place_lock(p, "retry", true);
}

/* Makes all refs level; the settings may change, or go, meanwhile. */
static void
settle(const char *git_dir)
{
	cleanup_close int turn = -1;
	time_t end = time(NULL) + GIVE_UP_S;
	unsigned delay_s = 1;

	while (time(NULL) < end) {
		cleanup_place struct place p = PLACE_INIT;
		struct error err = ERROR_INIT;

		if (place_open(git_dir, NULL, &p, &err) < 0 ||
		    level_refs(&p, NULL, NULL, &err) != MIRROR_AWAY)
			return;
		if (turn < 0) {
			turn = take_turn(&p);
			if (turn < 0)
				return;
		}
		(void)sleep(delay_s);
		delay_s = delay_s * 2 > MAX_DELAY_S ? MAX_DELAY_S : delay_s * 2;
	}
}

/* Nothing of the pusher's connection stays open here: it would not end. */
static void
detach(void)
{
	cleanup_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)setsid();
	for (int fd = 0; fd <= 2; fd++)
		if (null < 0 || dup2(null, fd) < 0)
			(void)close(fd);
}

static void
work(struct forward *f)
{
	detach();
	if (f->pushed.refs.count > 0)
		push(f);
	if (f->to_viewer >= 0)
		(void)close(f->to_viewer);
	settle(f->place.git_dir);
}

/* ---- in the hook ----------------------------------------------------------------- */

/* Branches and tags are what pipelines are of. */
static void
leave_out_others(struct pushed *p)
{
	struct pushed all = *p;

	*p = (struct pushed){ .options = all.options };
	all.options = (struct strlist)STRLIST_INIT;
	for (size_t i = 0; i < all.refs.count; i++)
		if (str_starts(all.refs.items[i], "refs/heads/") ||
		    str_starts(all.refs.items[i], "refs/tags/"))
			pushed_add(p, all.refs.items[i], all.shas.items[i]);
	pushed_clear(&all);
}

static int
start(struct forward *f)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		(void)close(ends[0]);
		f->to_viewer = ends[1];
		work(f);
		_exit(0);
	}
	(void)close(ends[1]);
	if (pid > 0)
		show(ends[0], &f->place);
	(void)close(ends[0]);
	return pid < 0 ? -1 : 0;
}

int
forward_push(void)
{
	struct forward f = { .to_viewer = -1, .lock = -1 };
	const char *git_dir = getenv("GIT_DIR");
	struct error err = ERROR_INIT;

	pushed_read(&f.pushed);
	leave_out_others(&f.pushed);
	if (place_open(git_dir != NULL ? git_dir : ".", NULL, &f.place, &err) < 0) {
		if (err.code != ERR_MISSING)
			printf(
			    "pawl: no pipeline for now: %s; the owner of the repository "
			    "can run `pawl hook sync`\n",
			    err.msg);
	} else if (start(&f) < 0) {
		printf("pawl: no pipeline for now: cannot start a process: %s\n",
		    strerror(errno));
	}
	place_close(&f.place);
	pushed_clear(&f.pushed);
	return 0;
}
