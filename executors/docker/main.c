/*
 * pawl-docker: has an engine make the container of a job, or of one of its services,
 * around pawl-init, and carries what
 * that and the job's supervisor say to each other. Whichever of the three dies, the
 * sockets of the others end: pawl-init ends with its container, which the engine
 * removes; pawl-docker removes what stands. Started by the supervisor (executors/cage.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "base/path.h"
#include "executors/cage.h"
#include "executors/docker/shared.h"
#include "executors/init/packet.h"
#include "executors/stand_in.h"

#define ROOM_MS 5000
#define ATTACH_TRIES 100
#define ATTACH_PAUSE_NS (20L * 1000 * 1000)
#define FRAME_HEAD 8
#define FRAME_MAX ((size_t)1 << 20)

struct docker {
	struct docker_orders orders;
	struct docker_room room;
	struct docker_shared shared;
	char *root, *socket_dir, *name;
	char *id; /* of the container, once it was made */
	struct engine *engine;
	atomic_bool is_gone;            /* the supervisor's socket has ended */
	int supervisor, listener, init; /* sockets; -1: none */
	int environment;                /* the file of the supervisor's INIT_HELLO */
	bool has_greeted;               /* the entrypoint, which comes before pawl-init */
	uv_poll_t supervisor_poll, listener_poll, init_poll;
	bool is_attached; /* the engine has answered that it is, or that it is not */
	bool has_ended;   /* the container, or its pawl-init */
	struct buf frames;
	char why[240]; /* the job cannot go on; said to its next step. "": it can */
};

/* ---- what is said ---------------------------------------------------------- */

/* No room: whoever has so much to read is given a while. */
static bool
pass_on(int to, const struct init_message *m, const int *files, size_t count)
{
	struct pollfd room = { .fd = to, .events = POLLOUT };

	return init_send(to, m, files, count) ||
	    (errno == EAGAIN && poll(&room, 1, ROOM_MS) > 0 &&
		init_send(to, m, files, count));
}

/* One packet from one side to the other; false: from is at its end. */
static bool
carry(struct docker *d, int from, int to)
{
	struct init_message m = { .type = 0 };
	int files[INIT_FILES];
	size_t count = 0;
	bool goes_on = init_receive(from, &m, files);

	while (count < INIT_FILES && files[count] >= 0)
		count++;
	/* those two are not from one to the other */
	if (goes_on && m.type != 0 && m.type != INIT_HELLO && m.type != INIT_WHERE &&
	    to >= 0 && !pass_on(to, &m, files, count) && m.type != INIT_SIGNAL)
		d->has_ended = true;
	for (size_t i = 0; i < count; i++)
		close(files[i]);
	return goes_on;
}

/* All that has come: after a reset libuv does not call again. */
static bool
carry_all(struct docker *d, int from, int to)
{
	struct pollfd news = { .fd = from, .events = POLLIN };

	while (poll(&news, 1, 0) > 0)
		if (!carry(d, from, to))
			return false;
	return true;
}

static void
on_supervisor(uv_poll_t *poll, int status UNUSED, int events UNUSED)
{
	struct docker *d = poll->data;

	if (carry_all(d, d->supervisor, d->init))
		return;
	atomic_store(&d->is_gone, true);
	uv_poll_stop(poll);
}

static void
on_init(uv_poll_t *poll, int status UNUSED, int events UNUSED)
{
	struct docker *d = poll->data;

	if (carry_all(d, d->init, d->supervisor))
		return;
	d->has_ended = true;
	uv_poll_stop(poll);
}

/* ---- pawl-init comes ------------------------------------------------------- */

/* What it works with belongs to whom the container runs it as. */
static int
give_away(struct docker *d, const struct ucred *who, struct error *err)
{
	struct stat st;

	if (who->uid == geteuid() && who->gid == getegid())
		return 0;
	if (d->orders.work_dir == NULL) { /* a service leaves nothing */
		(void)(fchown(STDOUT_FILENO, who->uid, who->gid) < 0);
		return 0;
	}
	if (geteuid() != 0)
		return error_set(err, ERR_ENVIRONMENT,
		    "the container runs as user %u of this machine, whose files user %u "
		    "could not remove: run the runner as root, or an engine as its user",
		    who->uid, geteuid());
	/* scripts may open /dev/stdout */
	if (fchown(STDOUT_FILENO, who->uid, who->gid) < 0)
		return error_errno(err, "cannot give the log to user %u", who->uid);
	if (stat(d->orders.work_dir, &st) == 0 && st.st_uid == who->uid &&
	    st.st_gid == who->gid)
		return 0;
	return path_give_tree(d->orders.work_dir, who->uid, who->gid, err);
}

/* Who comes first is to become the entrypoint, when there is one. */
static void
greet(struct docker *d)
{
	cleanup_close int who = accept4(d->listener, NULL, NULL, SOCK_CLOEXEC);
	const struct init_message hello = { .type = INIT_HELLO };

	if (who < 0)
		return;
	d->has_greeted = true;
	if (!init_send(who, &hello, &d->environment, 1))
		d->has_ended = true;
}

static void
on_listener(uv_poll_t *poll, int status UNUSED, int events UNUSED)
{
	struct docker *d = poll->data;
	const struct init_message m = { .type = INIT_OUTPUT };
	const int output = STDOUT_FILENO;
	struct error err = ERROR_INIT;
	struct ucred who;
	socklen_t len = sizeof(who);

	if (d->orders.entrypoint.count > 0 && !d->has_greeted) {
		greet(d);
		return;
	}
	d->init = accept4(d->listener, NULL, NULL, SOCK_CLOEXEC);
	if (d->init < 0)
		return;
	uv_poll_stop(poll);
	if (getsockopt(d->init, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0)
		(void)error_errno(&err, "cannot see who is in the container");
	else
		(void)give_away(d, &who, &err);
	if (err.code != 0) {
		(void)snprintf(d->why, sizeof(d->why), "%.230s", err.msg);
		close(take_fd(&d->init));
		return; /* nothing runs */
	}
	if (!init_send(d->init, &m, &output, 1) ||
	    !init_tell(d->supervisor, INIT_WHERE, (uint32_t)who.pid, 0, d->id))
		d->has_ended = true;
	uv_poll_init(engine_loop(d->engine), &d->init_poll, d->init);
	d->init_poll.data = d;
	uv_poll_start(&d->init_poll, UV_READABLE, on_init);
}

static int
listen_for_init(struct docker *d, struct error *err)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	cleanup_free char *path = path_join(d->socket_dir, DOCKER_SOCKET_NAME);

	if (strlen(path) >= sizeof(at.sun_path))
		return error_set(err, ERR_LIMIT, "%s is too long for a socket", path);
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	d->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	/* whatever user the image has; nobody else can enter the folder around it */
	if (mkdir(d->socket_dir, 0700) < 0 || chmod(d->socket_dir, 0755) < 0 ||
	    d->listener < 0 ||
	    bind(d->listener, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    chmod(path, 0666) < 0 || listen(d->listener, 1) < 0)
		return error_errno(err, "cannot listen at %s", path);
	uv_poll_init(engine_loop(d->engine), &d->listener_poll, d->listener);
	d->listener_poll.data = d;
	uv_poll_start(&d->listener_poll, UV_READABLE, on_listener);
	return 0;
}

/* ---- what the container says before pawl-init runs ------------------------- */

/* Frames: a stream's number, three zeros, a length, and so many bytes. */
static bool
on_output(const char *bytes, size_t len, void *data)
{
	struct docker *d = data;

	buf_add(&d->frames, bytes, len);
	while (d->frames.len >= FRAME_HEAD) {
		const unsigned char *head = (const unsigned char *)d->frames.data;
		size_t size = (size_t)head[4] << 24 | (size_t)head[5] << 16 |
		    (size_t)head[6] << 8 | head[7];

		if (size > FRAME_MAX)
			return false;
		if (d->frames.len < FRAME_HEAD + size)
			break;
		if (path_write_fd(STDOUT_FILENO, d->frames.data + FRAME_HEAD, size) < 0)
			return false;
		buf_remove_front(&d->frames, FRAME_HEAD + size);
	}
	return true;
}

static void
on_attached(void *data)
{
	struct docker *d = data;

	d->is_attached = true;
}

static void
on_attach_ended(int status UNUSED, const char *body UNUSED, void *data)
{
	on_attached(data);
}

static void
attach(struct docker *d)
{
	cleanup_free char *path = xasprintf(
	    "/containers/%s/attach?stream=true&stdout=true&stderr=true", d->name);
	const struct engine_call call = { .method = "POST",
		.path = path,
		.write = on_output,
		.heard = on_attached,
		.data = d };

	engine_begin(d->engine, &call, on_attach_ended);
}

/* An engine that lost its words: pawl-init is heard all the same, once it has come. */
static void
on_container_ended(int status, const char *body UNUSED, void *data)
{
	struct docker *d = data;

	if (status == 200 || status == 404 || d->init < 0)
		d->has_ended = true;
}

static void
await_end(struct docker *d)
{
	cleanup_free char *path =
	    xasprintf("/containers/%s/wait?condition=next-exit", d->name);
	const struct engine_call call = { .method = "POST", .path = path, .data = d };

	engine_begin(d->engine, &call, on_container_ended);
}

/*
 * Who starts the container before that hears nothing of its first words. Docker answers
 * right before it listens, and does not know what is asked here; Podman first makes the
 * container ready.
 */
static int
await_attached(struct docker *d, struct error *err)
{
	const struct timespec pause = { .tv_nsec = ATTACH_PAUSE_NS };
	cleanup_free char *path = xasprintf("/v4.0.0/libpod/containers/%s/json", d->name);
	const struct engine_call call = { .method = "GET", .path = path };

	for (int i = 0; i < ATTACH_TRIES; i++) {
		cleanup_buf struct buf body = BUF_INIT;
		bool was_attached = d->is_attached;
		int status = engine_ask(d->engine, &call, &body, err);

		if (status < 0)
			return status;
		if (status == 200
			? strstr(buf_str(&body), "\"Status\":\"initialized\"") != NULL
			: was_attached)
			return 0;
		if (status == 200 || !d->is_attached)
			nanosleep(&pause, NULL);
	}
	return 0; /* what its entrypoint says may be lost */
}

/* ---- the job --------------------------------------------------------------- */

/* What others have left does not keep this job from running. */
static void
sweep(struct docker *d)
{
	struct error err = ERROR_INIT;
	bool failed = docker_container_sweep(d->engine, &err) < 0;

	failed |= docker_shared_sweep(d->engine, &err) < 0;
	if (failed)
		(void)dprintf(STDOUT_FILENO,
		    "\033[0;33mWARNING: what an earlier job has left at the engine is still "
		    "there: %.400s\033[0;m\n",
		    err.msg);
}

static int
create(struct docker *d, struct error *err)
{
	struct docker_created made = { .id = NULL };
	int rc = docker_container_create(
	    d->engine, &d->orders, &d->room, &d->shared, &made, err);

	d->id = made.id;
	for (size_t i = 0; i < made.warnings.count; i++)
		(void)dprintf(STDOUT_FILENO,
		    "\033[0;33mWARNING: the engine says: %.500s\033[0;m\n",
		    made.warnings.items[i]);
	strlist_clear(&made.warnings);
	return rc;
}

static int
make_container(struct docker *d, struct error *err)
{
	if (listen_for_init(d, err) < 0)
		return err->code;
	if (d->orders.slot == 0)
		sweep(d);
	if (docker_shared_open(d->engine, &d->orders, &d->room, &d->shared, err) < 0 ||
	    create(d, err) < 0)
		return err->code;
	attach(d);
	await_end(d);
	if (await_attached(d, err) < 0)
		return err->code;
	return docker_container_start(d->engine, d->name, err);
}

/* The job's next step is told. */
static void
refuse(struct docker *d)
{
	struct init_message m = { .type = 0 };
	int files[INIT_FILES];

	uv_poll_stop(&d->supervisor_poll);
	if (fcntl(d->supervisor, F_SETFL, 0) < 0 ||
	    !init_tell(d->supervisor, INIT_READY, 0, 0, ""))
		return;
	while (init_receive(d->supervisor, &m, files)) {
		for (int i = 0; i < INIT_FILES; i++)
			if (files[i] >= 0)
				close(files[i]);
		if (m.type != INIT_RUN)
			continue;
		(void)init_tell(d->supervisor, INIT_FAILED, m.number, 0, d->why);
		(void)init_tell(d->supervisor, INIT_ALONE, 0, 0, "");
	}
}

static void
work(struct docker *d)
{
	struct error err = ERROR_INIT;

	if (make_container(d, &err) < 0 && d->why[0] == '\0')
		(void)snprintf(d->why, sizeof(d->why), "%.230s", err.msg);
	while (d->why[0] == '\0' && !d->has_ended && !atomic_load(&d->is_gone))
		uv_run(engine_loop(d->engine), UV_RUN_ONCE);
	if (atomic_load(&d->is_gone))
		return;
	if (d->why[0] != '\0') {
		(void)dprintf(STDOUT_FILENO, "\033[31;1mERROR: %s\033[0;m\n",
		    err.code != 0 ? err.msg : d->why);
	} else if (d->init < 0) {
		(void)snprintf(d->why, sizeof(d->why),
		    "the container ended before the job began; its entrypoint has to run "
		    "what it is given as arguments, with \"$@\" (or say `entrypoint: [\"\"]`)");
	} else {
		(void)carry_all(d, d->init, d->supervisor);
		/* now, while what the engine knew of the container may still be read */
		(void)shutdown(d->supervisor, SHUT_WR);
		(void)dprintf(
		    STDOUT_FILENO, "\033[31;1mERROR: the container has ended\033[0;m\n");
		return;
	}
	refuse(d);
}

static void
tidy_up(struct docker *d)
{
	struct error err = ERROR_INIT;

	uv_poll_stop(&d->supervisor_poll); /* what follows is not to be hurried */
	atomic_store(&d->is_gone, false);
	if (d->init >= 0) {
		uv_poll_stop(&d->init_poll);
		close(take_fd(&d->init));
	}
	if (d->name != NULL && docker_container_remove(d->engine, d->name, &err) < 0)
		(void)dprintf(STDOUT_FILENO,
		    "\033[0;33mWARNING: %s; it is tried again with the next job\033[0;m\n",
		    err.msg);
	docker_shared_remove(d->engine, &d->shared);
	if (path_remove_tree(AT_FDCWD, d->socket_dir, &err) < 0)
		(void)dprintf(STDOUT_FILENO, "\033[0;33mWARNING: %s\033[0;m\n", err.msg);
}

/* ---- beginning and end ----------------------------------------------------- */

static int
read_orders(struct docker *d, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	int rc = stand_in_orders(&text, err);

	return rc < 0 ? rc
		      : docker_orders_read(buf_str(&text), text.len, &d->orders, err);
}

static int
begin(struct docker *d, struct error *err)
{
	const char *files = getenv(CAGE_FILES_VARIABLE);
	struct engine_address address;
	int rc = read_orders(d, err);
	char *slash;

	if (rc < 0)
		return rc;
	d->root = xstrdup(files);
	slash = strrchr(d->root, '/');
	if (slash == NULL || slash == d->root)
		return error_set(err, ERR_INVALID, "%s is no folder for a job", files);
	*slash = '\0';
	d->socket_dir = xasprintf("%s/init-%" PRId64, d->root, d->orders.slot);
	d->room = (struct docker_room){ files, d->root, d->socket_dir };
	d->name = docker_container_name(&d->room, d->orders.slot);
	if (stand_in_hear(d->supervisor, &d->environment, err) < 0)
		return err->code;
	address = (struct engine_address){ d->orders.host, d->orders.cert_dir };
	if (engine_open(&address, &d->is_gone, &d->engine, err) < 0)
		return err->code;
	uv_poll_init(engine_loop(d->engine), &d->supervisor_poll, d->supervisor);
	d->supervisor_poll.data = d;
	uv_poll_start(&d->supervisor_poll, UV_READABLE, on_supervisor);
	return 0;
}

static void
finish(struct docker *d)
{
	if (d->supervisor_poll.data != NULL)
		uv_close((uv_handle_t *)&d->supervisor_poll, NULL);
	if (d->listener_poll.data != NULL)
		uv_close((uv_handle_t *)&d->listener_poll, NULL);
	if (d->init_poll.data != NULL)
		uv_close((uv_handle_t *)&d->init_poll, NULL);
	engine_close(d->engine);
	cleanup_close_fd(&d->environment);
	docker_orders_clear(&d->orders);
	docker_shared_clear(&d->shared);
	buf_clear(&d->frames);
	free(d->root);
	free(d->socket_dir);
	free(d->name);
	free(d->id);
}

int
main(int argc, char **argv)
{
	struct docker d = { .orders = DOCKER_ORDERS_INIT,
		.shared = DOCKER_SHARED_INIT,
		.supervisor = INIT_SOCKET_FD,
		.listener = -1,
		.init = -1,
		.environment = -1 };
	struct error err = ERROR_INIT;
	int rc = 0;

	if (!stand_in_begin(argc, argv))
		return 125;
	(void)signal(SIGPIPE, SIG_IGN);
	if (begin(&d, &err) < 0) {
		(void)fprintf(stderr, "pawl-docker: %s\n", err.msg);
		rc = 125;
	} else {
		work(&d);
		tidy_up(&d);
	}
	finish(&d);
	return rc;
}
