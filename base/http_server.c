/*
 * The server: one libmicrohttpd daemon without a listening socket and without a thread,
 * pumped from the loop. What must be kept in mind of it:
 * - after a connection is resumed, and when it says so, MHD_run() must be called again
 *   without any event; otherwise nothing happens, for ever;
 * - of a suspended connection it notices nothing, not even that the peer has gone. So all
 *   connections are in an epoll of our own, too, edge-triggered, for EPOLLRDHUP alone;
 * - its idle timeout begins anew with each byte of a head.
 */
#include "base/http_server.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/http_server_internal.h"
#include "base/log.h"

#define DEFAULT_HEAD ((size_t)8 * 1024)
#define DEFAULT_IDLE_S 60
#define OTHER_FILES 500 /* left of the open files for all else */
#define MANY_CONNECTIONS 256
#define ACCEPT_AGAIN_MS 500 /* after too many open files */

/* ---- the pump ------------------------------------------------------------- */

static uint64_t
earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t
head_limit_ms(const struct http_server *s)
{
	return (uint64_t)s->options.idle_timeout_s * 2000;
}

/* A peer that sends its head byte by byte, or nothing at all, does not stay. */
static uint64_t
end_slow_heads(struct http_server *s)
{
	uint64_t now = uv_now(s->loop), limit = head_limit_ms(s);
	struct http_conn *c = TAILQ_FIRST(&s->waiting), *next;

	for (; c != NULL && c->waiting_since + limit <= now; c = next) {
		next = TAILQ_NEXT(c, link);
		http_conn_wait(c, false);
		(void)shutdown(c->fd, SHUT_RDWR);
	}
	return c == NULL ? UINT64_MAX : c->waiting_since + limit - now;
}

static void
tell_drained(struct http_server *s)
{
	struct http_request *r;

	while ((r = TAILQ_FIRST(&s->drained)) != NULL) {
		TAILQ_REMOVE(&s->drained, r, drained_link);
		r->is_drained = false;
		r->on_drain.fn(r, r->on_drain.data);
	}
}

static bool
may_accept(const struct http_server *s)
{
	return s->connections < s->options.max_connections &&
	    uv_now(s->loop) >= s->accept_after;
}

static void on_timeout(uv_timer_t *timer);
static void on_again(uv_idle_t *idle);

static void
plan_next(struct http_server *s)
{
	MHD_UNSIGNED_LONG_LONG ms = 0;
	uint64_t wait = end_slow_heads(s);

	if (MHD_get_timeout(s->mhd, &ms) == MHD_YES)
		wait = earlier(wait, ms);
	if (s->accept_is_paused && may_accept(s))
		http_accept_start(s);
	if (s->accept_is_paused && s->accept_after > 0)
		wait = earlier(wait, ACCEPT_AGAIN_MS);
	/* not by a timer of 0 ms: libuv may serve it again and again, and nothing else */
	if (s->resumed || wait == 0)
		(void)uv_idle_start(&s->again, on_again);
	else
		(void)uv_idle_stop(&s->again);
	if (wait == 0)
		http_patrol_start(s);
	else
		s->never_rested = false;
	if (wait == 0 || wait == UINT64_MAX)
		(void)uv_timer_stop(&s->timeout);
	else
		(void)uv_timer_start(&s->timeout, on_timeout, wait, 0);
}

/* The pools of 10,000 connections that came once are not kept for ever. */
static void
give_back_memory(struct http_server *s)
{
	if (s->connections > s->most_connections)
		s->most_connections = s->connections;
	if (s->most_connections < MANY_CONNECTIONS ||
	    s->connections > s->most_connections / 4)
		return;
	s->most_connections = s->connections;
	(void)malloc_trim(0);
}

static void
pump(struct http_server *s)
{
	s->resumed = false;
	s->is_pumping = true;
	(void)MHD_run(s->mhd);
	tell_drained(s);
	s->is_pumping = false;
	plan_next(s);
	give_back_memory(s);
}

void
http_server_wake(struct http_server *s)
{
	s->resumed = true;
	if (!s->is_closing)
		(void)uv_idle_start(&s->again, on_again);
}

static void
on_again(uv_idle_t *idle)
{
	pump(idle->data);
}

static void
on_events(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	pump(poll->data);
}

static void
on_timeout(uv_timer_t *timer)
{
	pump(timer->data);
}

/* ---- suspended requests ---------------------------------------------------- */

bool
http_request_suspend(struct http_request *r)
{
	if (r->conn->hung_up) {
		r->is_dead = true;
		return false;
	}
	MHD_suspend_connection(r->conn->mhd);
	r->is_suspended = true;
	return true;
}

void
http_request_wake(struct http_request *r)
{
	if (!r->is_suspended)
		return;
	r->is_suspended = false;
	if (r->is_benched)
		http_request_unbench(r);
	MHD_resume_connection(r->conn->mhd);
	http_server_wake(r->conn->server);
}

static void
on_hangups(uv_poll_t *poll, int status, int events)
{
	struct http_server *s = poll->data;
	struct epoll_event seen[64];
	int n = epoll_wait(s->hangup_fd, seen, ARRAY_LEN(seen), 0);

	(void)status;
	(void)events;
	for (int i = 0; i < n; i++) {
		struct http_conn *c = seen[i].data.ptr;
		struct http_request *r = c->request;

		if ((seen[i].events & ~(uint32_t)EPOLLIN) != 0)
			c->hung_up = true;
		else if (r != NULL && r->is_benched)
			http_request_wake(r);
		if (c->hung_up && r != NULL && r->is_suspended) {
			r->is_dead = true;
			http_request_wake(r);
		}
	}
}

/* ---- connections ----------------------------------------------------------- */

void
http_conn_wait(struct http_conn *c, bool wait)
{
	struct http_server *s = c->server;

	TAILQ_REMOVE(c->is_waiting ? &s->waiting : &s->busy, c, link);
	c->is_waiting = wait;
	c->waiting_since = uv_now(s->loop);
	TAILQ_INSERT_TAIL(wait ? &s->waiting : &s->busy, c, link);
}

void
http_conn_drop(struct http_conn *c)
{
	(void)shutdown(c->fd, SHUT_RDWR);
	c->is_dropped = true;
	c->server->dropped++;
	http_server_wake(c->server);
}

static void
on_started(struct http_server *s, struct MHD_Connection *mhd, void **context)
{
	struct http_conn *c = xcalloc(1, sizeof(*c));
	struct epoll_event event = { .events = EPOLLRDHUP | EPOLLET, .data.ptr = c };
	const union MHD_ConnectionInfo *info;

	c->server = s;
	c->mhd = mhd;
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	c->fd = info->connect_fd;
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	c->is_unix = info->client_addr->sa_family == AF_UNIX;
	if (epoll_ctl(s->hangup_fd, EPOLL_CTL_ADD, c->fd, &event) < 0)
		log_warn("http: cannot watch a connection: %s", strerror(errno));
	TAILQ_INSERT_TAIL(&s->busy, c, link);
	http_conn_wait(c, true);
	s->connections++;
	*context = c;
}

static void
on_closed(struct http_server *s, struct http_conn *c)
{
	if (c->request != NULL)
		http_request_lost(c->request);
	TAILQ_REMOVE(c->is_waiting ? &s->waiting : &s->busy, c, link);
	/* a child just being started may hold the socket open a little longer */
	(void)epoll_ctl(s->hangup_fd, EPOLL_CTL_DEL, c->fd, NULL);
	s->dropped -= c->is_dropped;
	free(c);
	s->connections--;
}

static void
on_connection(void *data, struct MHD_Connection *mhd, void **context,
    enum MHD_ConnectionNotificationCode what)
{
	if (what == MHD_CONNECTION_NOTIFY_STARTED)
		on_started(data, mhd, context);
	else if (*context != NULL)
		on_closed(data, take(*context));
}

static void PRINTF(2, 0) on_log(void *data, const char *fmt, va_list ap)
{
	cleanup_free char *text = xvasprintf(fmt, ap);

	(void)data;
	text[strcspn(text, "\n")] = '\0';
	log_debug("http: %s", text);
}

/* Nothing is decoded where libmicrohttpd would do it. */
static size_t
keep_escapes(void *data, struct MHD_Connection *mhd, char *text)
{
	(void)data;
	(void)mhd;
	return strlen(text);
}

/* ---- making and freeing ---------------------------------------------------- */

static void
on_sigpipe(int number)
{
	(void)number;
}

/* Caught, not ignored: what is caught is back at its default in a child. */
static void
catch_sigpipe(void)
{
	struct sigaction now,
	    caught = { .sa_handler = on_sigpipe, .sa_flags = SA_RESTART };

	if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
		(void)sigaction(SIGPIPE, &caught, NULL);
}

static size_t
default_connections(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur <= OTHER_FILES + 16)
		return 16;
	if (files.rlim_cur == RLIM_INFINITY || files.rlim_cur > 1024 * 1024)
		return (size_t)1024 * 1024;
	return files.rlim_cur - OTHER_FILES;
}

static void
set_options(struct http_server *s, const struct http_server_options *o)
{
	s->options = *o;
	if (s->options.max_connections == 0)
		s->options.max_connections = default_connections();
	if (s->options.max_head_bytes == 0)
		s->options.max_head_bytes = DEFAULT_HEAD;
	if (s->options.idle_timeout_s == 0)
		s->options.idle_timeout_s = DEFAULT_IDLE_S;
}

/* The pool of a connection holds the head, a record per header and parameter, the rest of
 * what was read and the reply's head; a keep-alive connection touches all of it. */
static size_t
pool_size(const struct http_server *s)
{
	return s->options.max_head_bytes + s->options.max_head_bytes / 4 + 2048;
}

static struct MHD_Daemon *
start_daemon(struct http_server *s)
{
	unsigned int flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME |
	    MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG;

	return MHD_start_daemon(flags, 0, NULL, NULL, http_mhd_request, s,
	    MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	    pool_size(s), MHD_OPTION_CONNECTION_LIMIT,
	    (unsigned int)s->options.max_connections + 16, MHD_OPTION_CONNECTION_TIMEOUT,
	    (unsigned int)s->options.idle_timeout_s, MHD_OPTION_NOTIFY_CONNECTION,
	    on_connection, s, MHD_OPTION_NOTIFY_COMPLETED, http_mhd_completed, s,
	    MHD_OPTION_URI_LOG_CALLBACK, http_mhd_line, s, MHD_OPTION_UNESCAPE_CALLBACK,
	    keep_escapes, NULL, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
}

static int
start(struct http_server *s, struct error *err)
{
	const union MHD_DaemonInfo *info;
	int rc;

	s->hangup_fd = epoll_create1(EPOLL_CLOEXEC);
	if (s->hangup_fd < 0)
		return error_errno(err, "cannot start the HTTP server: epoll");
	s->mhd = start_daemon(s);
	if (s->mhd == NULL)
		return error_set(err, ERR_FOREIGN,
		    "cannot start the HTTP server: libmicrohttpd refuses");
	info = MHD_get_daemon_info(s->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	rc = uv_poll_init(s->loop, &s->events, info->listen_fd);
	if (rc == 0)
		rc = uv_poll_init(s->loop, &s->hangups, s->hangup_fd);
	if (rc == 0)
		rc = uv_poll_start(&s->events, UV_READABLE, on_events);
	if (rc == 0)
		rc = uv_poll_start(&s->hangups, UV_READABLE, on_hangups);
	if (rc < 0)
		return error_set(
		    err, rc, "cannot start the HTTP server: %s", uv_strerror(rc));
	return 0;
}

int
http_server_new(struct uv_loop_s *loop, const struct http_server_options *o,
    struct http_server **out, struct error *err)
{
	struct http_server *s = xcalloc(1, sizeof(*s));

	s->loop = loop;
	s->hangup_fd = -1;
	TAILQ_INIT(&s->waiting);
	TAILQ_INIT(&s->busy);
	TAILQ_INIT(&s->drained);
	set_options(s, o);
	catch_sigpipe();
	s->events.data = s->hangups.data = s->again.data = s->timeout.data = s;
	s->patrol.data = s;
	(void)uv_idle_init(loop, &s->again);
	(void)uv_timer_init(loop, &s->timeout);
	(void)uv_timer_init(loop, &s->patrol);
	if (start(s, err) < 0) {
		http_server_free(s);
		return err->code;
	}
	*out = s;
	return 0;
}

size_t
http_server_connections(const struct http_server *s)
{
	return s->connections - s->dropped;
}

void
http_server_drain(struct http_server *s)
{
	struct http_conn *c;

	if (s->is_draining)
		return;
	s->is_draining = true;
	http_accept_close(s);
	for (c = TAILQ_FIRST(&s->waiting); c != NULL; c = TAILQ_NEXT(c, link)) {
		if (c->request == NULL)
			(void)shutdown(c->fd, SHUT_RD);
	}
}

static void
on_handle_closed(uv_handle_t *handle)
{
	struct http_server *s = handle->data;

	if (--s->open_handles == 0)
		free(s);
}

static void
close_handle(struct http_server *s, uv_handle_t *handle)
{
	if (uv_handle_get_type(handle) == UV_UNKNOWN_HANDLE)
		return; /* never made */
	s->open_handles++;
	uv_close(handle, on_handle_closed);
}

/* libmicrohttpd may not be stopped while a connection is suspended. */
static void
stop_daemon(struct http_server *s)
{
	struct http_conn *c;

	if (s->mhd == NULL)
		return;
	for (c = TAILQ_FIRST(&s->busy); c != NULL; c = TAILQ_NEXT(c, link)) {
		if (c->request != NULL)
			http_request_wake(c->request);
	}
	MHD_stop_daemon(take(s->mhd));
}

void
http_server_free(struct http_server *s)
{
	if (s == NULL)
		return;
	assert(!s->is_pumping);
	s->is_closing = true;
	http_accept_close(s);
	close_handle(s, (uv_handle_t *)&s->events);
	close_handle(s, (uv_handle_t *)&s->hangups);
	close_handle(s, (uv_handle_t *)&s->again);
	close_handle(s, (uv_handle_t *)&s->timeout);
	close_handle(s, (uv_handle_t *)&s->patrol);
	stop_daemon(s);
	cleanup_close_fd(&s->hangup_fd);
}
