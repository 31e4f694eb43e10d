/*
 * Against uploads that keep the processor busy. A line of a chunked body that does not
 * end (an extension of 20 KB) fills libmicrohttpd's buffer; it then neither reads nor
 * gives up, and says for ever that it wants to run again. It does not say for which
 * connection. So while it never rests, each chunked upload that is silent is looked at:
 * - bytes have come that are not being read: it is that one, and is ended;
 * - else it may be: it is suspended until more bytes come, which harms no other.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/http_server_internal.h"
#include "base/log.h"

#define PATROL_MS 500

static void
watch_input(struct http_conn *c, bool on)
{
	struct epoll_event event = { .events = EPOLLRDHUP | EPOLLET, .data.ptr = c };

	if (on)
		event.events |= EPOLLIN;
	if (epoll_ctl(c->server->hangup_fd, EPOLL_CTL_MOD, c->fd, &event) < 0)
		log_warn("http: cannot watch a connection: %s", strerror(errno));
}

void
http_request_unbench(struct http_request *r)
{
	r->is_benched = false;
	r->conn->server->benched--;
	watch_input(r->conn, false);
}

/* Safe also outside of libmicrohttpd's calls, as long as it is not running. */
static void
bench(struct http_request *r)
{
	if (!http_request_suspend(r))
		return; /* the peer has gone, and that is noticed by reading */
	r->is_benched = true;
	r->benched_since = uv_now(r->conn->server->loop);
	r->conn->server->benched++;
	watch_input(r->conn, true);
}

static void
look_at(struct http_server *s, struct http_request *r)
{
	uint64_t limit = (uint64_t)s->options.idle_timeout_s * 1000;
	int unread = 0;

	if (r->is_benched) {
		if (uv_now(s->loop) - r->benched_since >= limit) {
			r->is_dead = true;
			http_request_wake(r);
		}
		return;
	}
	if (r->is_suspended || !s->never_rested)
		return;
	if (!r->is_silent) {
		r->is_silent = true; /* until its next piece */
		return;
	}
	if (ioctl(r->conn->fd, FIONREAD, &unread) < 0 || unread == 0)
		bench(r);
	else if (++r->strikes == 2)
		(void)shutdown(r->conn->fd, SHUT_RDWR);
}

static void
on_patrol(uv_timer_t *timer)
{
	struct http_server *s = timer->data;
	struct http_conn *c;

	for (c = TAILQ_FIRST(&s->busy); c != NULL; c = TAILQ_NEXT(c, link)) {
		struct http_request *r = c->request;

		if (r != NULL && r->stage == HTTP_BODY && r->content_length < 0)
			look_at(s, r);
	}
	if (!s->never_rested && s->benched == 0)
		(void)uv_timer_stop(timer);
	s->never_rested = true; /* until it does */
}

void
http_patrol_start(struct http_server *s)
{
	if (uv_is_active((uv_handle_t *)&s->patrol))
		return;
	s->never_rested = true;
	(void)uv_timer_start(&s->patrol, on_patrol, PATROL_MS, PATROL_MS);
}
