/*
 * What the files of the HTTP server share. libmicrohttpd drives a request by calls from
 * within MHD_run(): its line, its head, pieces of its body, its end, pieces of the reply.
 * Between those calls a request that waits for its handler is suspended.
 */
#ifndef BASE_HTTP_SERVER_INTERNAL_H
#define BASE_HTTP_SERVER_INTERNAL_H

#include <assert.h>
#include <microhttpd.h>
#include <sys/queue.h>
#include <uv.h>

#include "base/buf.h"
#include "base/http_server.h"
#include "base/str.h"

struct http_conn {
	struct http_server *server;
	struct MHD_Connection *mhd;
	struct http_request *request; /* from its first line to its end */
	uint64_t waiting_since;       /* loop time, ms */
	TAILQ_ENTRY(http_conn) link;  /* in server->waiting or ->busy */
	int fd;
	bool is_unix;
	bool is_waiting; /* for the end of a head */
	bool hung_up;    /* the peer sends nothing more */
	bool is_dropped;
};

struct http_listener {
	struct http_listener *next;
	struct http_server *server;
	uv_poll_t poll;
	int fd;
	bool is_unix;
};

struct http_server {
	uv_loop_t *loop;
	struct http_server_options options; /* without zeroes */
	struct MHD_Daemon *mhd;
	uv_poll_t events;   /* of libmicrohttpd's epoll descriptor */
	uv_poll_t hangups;  /* of hangup_fd */
	uv_idle_t again;    /* active: libmicrohttpd has more to do at once */
	uv_timer_t patrol;  /* active: libmicrohttpd does not rest */
	uv_timer_t timeout; /* the next deadline, of libmicrohttpd or ours */
	int hangup_fd;      /* an epoll of all connections, for EPOLLRDHUP alone */
	int open_handles;   /* the last one closed frees the server */
	struct http_listener *listeners;
	TAILQ_HEAD(http_conns, http_conn) waiting; /* in the order they began to wait */
	struct http_conns busy;                    /* the other connections */
	TAILQ_HEAD(http_requests, http_request) drained; /* on_drain is due */
	size_t connections, most_connections; /* most: since memory was given back */
	size_t dropped;    /* of them; only libmicrohttpd has them yet */
	size_t benched;    /* requests */
	bool never_rested; /* since the last patrol */
	bool resumed;      /* something for the next MHD_run() */
	bool is_pumping, is_draining, is_closing;
	bool accept_is_paused, limit_was_told;
	uint64_t accept_after; /* loop time, ms; 0: when a connection has ended */
};

enum http_stage {
	HTTP_LINE,    /* the head is being read */
	HTTP_HEAD,    /* on_request was called; the body is held back */
	HTTP_BODY,    /* the body is being read */
	HTTP_WHOLE,   /* all is read; the reply is awaited */
	HTTP_SENDING, /* the reply is libmicrohttpd's */
	HTTP_OVER,
};

enum http_body_kind { HTTP_BODY_IGNORED, HTTP_BODY_WHOLE, HTTP_BODY_STREAM };

struct http_callback {
	http_request_fn fn;
	void *data;
};

/* The bytes of a streamed reply that libmicrohttpd has not asked for yet. */
struct http_stream {
	struct buf queue;
	size_t queue_start;    /* what of queue was taken */
	int64_t size, written; /* size -1: unknown */
	bool is_stream, is_ended;
	bool is_full; /* on_drain is owed */
};

struct http_request {
	struct http_conn *conn;
	enum http_stage stage;
	bool is_suspended;
	bool is_paused;  /* by the handler */
	bool is_dead;    /* to be ended when libmicrohttpd next asks */
	bool is_aborted; /* by the handler */
	bool is_head;    /* no body in the reply */
	bool is_1_1;     /* chunks are understood */
	bool expects_continue;
	char *target, *path, *method, *peer;
	struct http_params params; /* from the first question on */
	bool has_params;
	void *data;
	struct http_callback on_gone, on_end, on_drain;

	int64_t content_length;
	enum http_body_kind body_kind;
	http_body_fn body_fn; /* http_chunk_fn is the same */
	void *body_data;
	size_t body_max;
	struct buf body;
	uint64_t ignored_bytes;
	bool is_silent;  /* no piece since the last patrol */
	bool is_benched; /* suspended by the patrol */
	int strikes;
	uint64_t benched_since; /* loop time, ms */

	struct strlist headers; /* name, value, … of the reply to come */
	struct MHD_Response *response;
	int status;
	bool is_ready;         /* response may be sent */
	struct buf late;       /* the same reply as text, to cut off a body with */
	uint64_t linger_until; /* loop time, ms; 0: late was not sent */
	struct http_stream stream;
	TAILQ_ENTRY(http_request) drained_link;
	bool is_drained; /* in server->drained */
};

/* http_server.c */
void http_conn_wait(struct http_conn *c, bool wait); /* for a head */
/* Its request was broken off. The peer is told at once; libmicrohttpd may keep what it
 * has of the connection until its timeout, and nobody waits for that. */
void http_conn_drop(struct http_conn *c);
void http_server_wake(struct http_server *s); /* MHD_run() has something to do */
/* Nothing happens to the request until it is woken. Only from within a call of
 * libmicrohttpd for it. False: the peer is gone, give up. */
bool http_request_suspend(struct http_request *r);
void http_request_wake(
    struct http_request *r); /* does nothing when it is not suspended */

/* http_server_patrol.c */
void http_patrol_start(struct http_server *s); /* or goes on */
void http_request_unbench(struct http_request *r);

/* http_server_accept.c */
void http_accept_start(struct http_server *s); /* again, after a pause */
void http_accept_close(struct http_server *s);

/* http_server_request.c: the calls of libmicrohttpd */
void *http_mhd_line(void *data, const char *target, struct MHD_Connection *mhd);
enum MHD_Result http_mhd_request(void *data, struct MHD_Connection *mhd, const char *url,
    const char *method, const char *version, const char *bytes, size_t *len,
    void **request);
void http_mhd_completed(void *data, struct MHD_Connection *mhd, void **request,
    enum MHD_RequestTerminationCode why);
/* Its connection has been closed, and it was not completed. */
void http_request_lost(struct http_request *r);
bool http_request_has_body(const struct http_request *r);

/* http_server_head.c: 0, or the status the head is refused with, and why. */
int http_head_check(struct http_request *r, const char *version, const char **why);

/* http_server_reply.c */
enum MHD_Result http_reply_send(struct http_request *r);
void http_reply_text(struct http_request *r, int status, const char *text);
/* Send r->late past libmicrohttpd; false: it cannot be. */
bool http_reply_cut(struct http_request *r);

#endif
