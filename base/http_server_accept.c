/*
 * Listening sockets and what comes in through them. libmicrohttpd would listen on one
 * only, and knows no pause.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/http_server_internal.h"
#include "base/log.h"

#define ACCEPTS_PER_TURN 64 /* then others have their turn */
#define PAUSE_MS 500        /* with too many open files */

/* ---- accepting ------------------------------------------------------------- */

static void set_polls(struct http_server *s, bool on);

static void
pause_accept(struct http_server *s, uint64_t ms)
{
	s->accept_is_paused = true;
	s->accept_after = ms == 0 ? 0 : uv_now(s->loop) + ms;
	set_polls(s, false);
}

/* A peer that vanished without a word is found after two minutes. */
static void
set_keepalive(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 60 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 15 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 4 },
	};

	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		(void)setsockopt(fd, options[i].level, options[i].name, &options[i].value,
		    sizeof(options[i].value));
}

/* False: nothing more to accept now. */
static bool
accept_one(struct http_listener *l)
{
	struct http_server *s = l->server;
	struct sockaddr_storage addr = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(addr);
	int fd;

	if (s->connections >= s->options.max_connections) {
		if (!s->limit_was_told)
			log_warn("http: %zu connections are open; more have to wait",
			    s->connections);
		s->limit_was_told = true;
		pause_accept(s, 0);
		return false;
	}
	fd = accept4(l->fd, (struct sockaddr *)&addr, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		if (!l->is_unix)
			set_keepalive(fd);
		if (MHD_add_connection(s->mhd, fd, (struct sockaddr *)&addr, len) !=
		    MHD_YES)
			log_warn("http: a connection is lost: %s", strerror(errno));
		return true;
	}
	if (errno == ECONNABORTED || errno == EINTR)
		return true;
	if (errno != EAGAIN) {
		log_warn("http: cannot accept a connection: %s", strerror(errno));
		pause_accept(s, PAUSE_MS);
	}
	return false;
}

static void
on_listener(uv_poll_t *poll, int status, int events)
{
	struct http_listener *l = poll->data;
	int n = 0;

	(void)status;
	(void)events;
	while (n < ACCEPTS_PER_TURN && accept_one(l))
		n++;
	http_server_wake(l->server);
}

static void
set_polls(struct http_server *s, bool on)
{
	for (struct http_listener *l = s->listeners; l != NULL; l = l->next) {
		if (on)
			(void)uv_poll_start(&l->poll, UV_READABLE, on_listener);
		else
			(void)uv_poll_stop(&l->poll);
	}
}

void
http_accept_start(struct http_server *s)
{
	s->accept_is_paused = false;
	set_polls(s, true);
}

static void
on_listener_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void
http_accept_close(struct http_server *s)
{
	struct http_listener *l;

	while ((l = s->listeners) != NULL) {
		s->listeners = l->next;
		uv_close((uv_handle_t *)&l->poll, on_listener_closed);
		cleanup_close_fd(&l->fd);
	}
	s->accept_is_paused = false;
}

static int
check_listener(int fd, int *family, struct error *err)
{
	int on = 0;
	socklen_t len = sizeof(on), family_len = sizeof(*family);

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) < 0)
		return error_errno(err, "file %d is no listening socket", fd);
	if (on == 0)
		return error_set(
		    err, ERR_INVALID, "socket %d is not a listening one", fd);
	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, family, &family_len) < 0)
		return error_errno(err, "socket %d", fd);
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return error_errno(err, "socket %d", fd);
	return 0;
}

int
http_server_listen(struct http_server *s, int fd, struct error *err)
{
	struct http_listener *l;
	int family = AF_UNSPEC, rc;

	if (check_listener(fd, &family, err) < 0) {
		cleanup_close_fd(&fd);
		return err->code;
	}
	l = xcalloc(1, sizeof(*l));
	l->server = s;
	l->fd = fd;
	l->is_unix = family == AF_UNIX;
	l->poll.data = l;
	rc = uv_poll_init(s->loop, &l->poll, fd);
	if (rc < 0) {
		cleanup_close_fd(&l->fd);
		free(l);
		return error_set(err, rc, "cannot listen: %s", uv_strerror(rc));
	}
	l->next = s->listeners;
	s->listeners = l;
	if (!s->accept_is_paused)
		(void)uv_poll_start(&l->poll, UV_READABLE, on_listener);
	return 0;
}
