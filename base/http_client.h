/*
 * HTTP requests on a libuv loop, over libcurl, which is opened at first use. Loop thread.
 * A call may be one of many at once; connections are kept and used again.
 */
#ifndef BASE_HTTP_CLIENT_H
#define BASE_HTTP_CLIENT_H

#include <sys/types.h>

#include "base/buf.h"

struct http_client;
struct http_call;
struct uv_loop_s;

struct http_client_options {
	const char *unix_socket; /* every connection goes there; NULL: by the URL */
	const char *ca_file;     /* beside the system's; NULL: none */
	const char *cert_file, *key_file;
	const char *user_agent;
};

/* ERR_ENVIRONMENT: libcurl is not installed. */
MUST_CHECK int http_client_new(struct uv_loop_s *loop,
    const struct http_client_options *options, struct http_client **out,
    struct error *err);

/* Ends its calls without a word. What it needs of the loop is closed when that runs on;
 * NULL is fine, and so is calling it from on_done. */
void http_client_free(struct http_client *client);

struct http_reply {
	int status;       /* 0: no answer came; error says why */
	const char *body; /* NUL-terminated; "" when it went to write() */
	size_t len;
	const struct error *error;
};

/* A header of the reply, for use in on_done only; NULL: none. The last of several. */
const char *http_reply_get(const struct http_call *call, const char *name);

/* The status of the reply that write() is getting the body of. */
int http_reply_status(const struct http_call *call);

struct http_call_options {
	const char *method, *url;
	const char *const *headers; /* "Name: value", ending with NULL; copied */
	const void *body;           /* copied; NULL: none */
	size_t body_len;
	/*
	 * Instead of body: bytes as they are asked for, from an offset, as the same may
	 * be asked for twice (a connection that had died, a redirect); 0 at the end, <0
	 * gives up. A few KiB are asked for within http_send() and sent as a body is.
	 */
	ssize_t (*read)(char *out, size_t size, int64_t offset, void *data);
	int64_t read_size; /* -1: unknown (chunked) */
	bool expect;       /* read's bytes are sent once the server says it wants them */
	/* Instead of memory: the reply's body when the status is 2xx; false gives up. */
	bool (*write)(const char *bytes, size_t len, void *data);
	/* The reply has begun: its headers have come. Calls nothing of the client. */
	void (*on_headers)(void *data);
	size_t max_reply;   /* bytes kept in memory, more is an error; 0: 8 MiB */
	int64_t timeout_ms; /* of the whole call; 0: none */
	int64_t idle_ms;    /* without a byte moved, in whole seconds; 0: none */
	bool follow; /* redirects, up to ten; secret headers do not go to another host */
	void (*on_done)(
	    struct http_call *call, const struct http_reply *reply, void *data);
	void *data;
};

/* on_done follows, once, from the loop, never within this call; the call is gone after.
 */
struct http_call *http_send(
    struct http_client *client, const struct http_call_options *options);

/* Without a word. Not from read or write, which may give up, nor once on_done began. */
void http_cancel(struct http_call *call);

#endif
