/*
 * An HTTP/1.1 server on a libuv loop, over libmicrohttpd: Unix and TCP sockets, uploads
 * and answers of any size as streams, long polls and event streams. Everything happens on
 * the loop thread. Memory does not grow with the size of a body.
 *
 * No function here calls back at once: callbacks come from the loop. A peer that closes
 * its side of the connection while its request waits counts as gone.
 */
#ifndef BASE_HTTP_SERVER_H
#define BASE_HTTP_SERVER_H

#include "base/error.h"

struct http_server;
struct http_request;
struct uv_loop_s;

typedef void (*http_request_fn)(struct http_request *r, void *data);

struct http_server_options {
	/* A request's head is there. Must, now or later, lead to exactly one reply. */
	http_request_fn on_request;
	void *data;
	size_t max_connections; /* 0: as many as open files allow, less 500; more wait */
	size_t max_head_bytes;  /* 0: 8 KiB; more is answered with 431, or 414 */
	int idle_timeout_s;     /* of a peer that neither sends nor reads; 0: 60. A head
				   has twice that in all. */
};

/* Where SIGPIPE ends the process (sendfile cannot do without it), it is caught from here
 * on; children have it as before. */
MUST_CHECK int http_server_new(struct uv_loop_s *loop,
    const struct http_server_options *o, struct http_server **out, struct error *err);
/* A listening socket, which is taken. Several may be added (TCP, Unix, inherited). */
MUST_CHECK int http_server_listen(struct http_server *s, int fd, struct error *err);
/* Stop accepting, end what idles; running requests go on, each the last of its
 * connection.
 */
void http_server_drain(struct http_server *s);
size_t http_server_connections(const struct http_server *s);
/* Ends all connections (each open request's on_gone is called), frees; the memory is
 * given back from the loop, which has to run once more. Not from within a callback of the
 * server. NULL is fine. */
void http_server_free(struct http_server *s);

/* Make a listening socket: "127.0.0.1:8080", "[::1]:0", or "unix:PATH" (mode 0600, an old
 * one of a dead server replaced). */
MUST_CHECK int http_listen_socket(const char *address, int *fd, struct error *err);
/* The address as a URL's authority: "127.0.0.1:41234", or "unix:PATH"; malloced. */
char *http_socket_name(int fd);

/* ---- the request; strings live as long as it does ------------------------- */

const char *http_method(const struct http_request *r);
const char *http_target(const struct http_request *r); /* raw, as sent: path and query */
const char *http_path(const struct http_request *r);   /* raw path, still %-encoded */
/* Decoded, "" without "="; NULL: none. The first of several. What is no %-sequence, and
 * %00, stays as it is. */
const char *http_query(struct http_request *r, const char *name);
/* Each parameter in turn (names may repeat: "scope[]"). */
void http_each_query(struct http_request *r,
    void (*fn)(const char *name, const char *value, void *data), void *data);
const char *http_header(const struct http_request *r, const char *name); /* NULL: none */
int64_t http_content_length(const struct http_request *r); /* -1: chunked, 0: no body */
bool http_is_unix(const struct http_request *r);           /* came over the Unix socket */
const char *http_peer(struct http_request *r); /* "127.0.0.1", "::1", "unix:UID" */
void http_set_data(struct http_request *r, void *data); /* the handler's own */
void *http_data(const struct http_request *r);

/* Percent-decoding of one path segment; malloced; NULL when malformed or it holds a NUL.
 */
char *http_decode(const char *text, size_t len);

/* What a query says, or a body of the type application/x-www-form-urlencoded: decoded as
 * http_query() does it. Caller's storage, zeroed before. */
struct http_params {
	struct http_param {
		const char *name, *value;
	} * items;
	size_t count, cap;
	char *text; /* what they point into */
};
void http_params_parse(struct http_params *p, const char *text);
void http_params_clear(struct http_params *p);
#define cleanup_http_params __attribute__((cleanup(http_params_clear)))

/* The peer went away before the reply was complete, or the server is freed. Nothing more
 * can be sent. Not called after a complete reply. */
void http_on_gone(struct http_request *r, http_request_fn fn, void *data);
/* The reply is complete (or the peer gone, after on_gone): always the very last call. The
 * request is gone after it. */
void http_on_end(struct http_request *r, http_request_fn fn, void *data);

/* ---- the body: one of these, from within on_request; else it is thrown away ---- */

/* The whole body in memory; above max it is answered with 413 without a call. */
typedef void (*http_body_fn)(
    struct http_request *r, const char *body, size_t len, void *data);
void http_read_body(struct http_request *r, size_t max, http_body_fn fn, void *data);

/* Piece by piece; len 0 is the end. http_pause() stops it until http_resume(); from
 * within on_request it also holds back "100 Continue". */
typedef void (*http_chunk_fn)(
    struct http_request *r, const char *bytes, size_t len, void *data);
void http_stream_body(struct http_request *r, http_chunk_fn fn, void *data);
void http_pause(struct http_request *r);
void http_resume(struct http_request *r);

/* ---- the reply ------------------------------------------------------------- */

/* Before the reply. Names and values with CR or LF are a bug of the caller. */
void http_reply_header(struct http_request *r, const char *name, const char *value);
/* Copied. May be called at once or at any later time (a long poll). What is left of the
 * body is then thrown away; the answer follows it, or, when it is long, cuts it off.
 * content_type may be NULL. */
void http_reply(struct http_request *r, int status, const char *content_type,
    const void *body, size_t len);
/* fd is taken; size bytes from offset, by sendfile. A file shorter than that is answered
 * with 500. */
void http_reply_file(struct http_request *r, int status, const char *content_type, int fd,
    int64_t offset, int64_t size);

/* A stream: begin, write as often as wanted, end. Bytes are queued; on_drain tells when
 * less than 64 KiB are left of more than that. Nothing is sent before the body has been
 * read, which goes on. Writes to a peer that is gone are forgotten. */
void http_begin(struct http_request *r, int status, const char *content_type,
    int64_t size /* -1: chunked */);
void http_write(struct http_request *r, const void *data, size_t len);
size_t http_queued(const struct http_request *r);
void http_on_drain(struct http_request *r, http_request_fn fn, void *data);
void http_end(struct http_request *r);
/* Break off: the peer sees a connection that ends in the middle. on_end follows. */
void http_abort(struct http_request *r);

#endif
