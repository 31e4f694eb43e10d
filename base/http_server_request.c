/*
 * The life of a request as libmicrohttpd tells it: its first line, its head, its body in
 * pieces, its end, and that it is over; and what a handler may ask of it.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/http_server_internal.h"

/* So much of a body nobody wants is read for the sake of the connection. */
#define IGNORE_MAX ((uint64_t)256 * 1024)
/* So long is an upload read on that was answered already: closing at once would reset the
 * connection, and the peer might not see the answer. */
#define LINGER_MS 5000

bool
http_request_has_body(const struct http_request *r)
{
	return r->content_length != 0;
}

/* ---- its line and its head -------------------------------------------------- */

void *
http_mhd_line(void *data, const char *target, struct MHD_Connection *mhd)
{
	struct http_request *r = xcalloc(1, sizeof(*r));
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	(void)data;
	r->conn = info->socket_context;
	r->conn->request = r;
	r->target = target == NULL ? NULL : xstrdup(target);
	r->stream.size = -1;
	return r;
}

/* Answer in the middle of the body. */
static enum MHD_Result
cut_off(struct http_request *r)
{
	if (!http_reply_cut(r))
		return MHD_NO;
	r->linger_until = uv_now(r->conn->server->loop) + LINGER_MS;
	return MHD_YES;
}

/* The handler has been asked; the body comes next, or at once the end. */
static enum MHD_Result
leave_head(struct http_request *r)
{
	bool is_answered = http_request_has_body(r) && r->is_ready;

	if (http_request_has_body(r) && r->response == NULL && r->is_paused)
		return http_request_suspend(r) ? MHD_YES : MHD_NO;
	r->stage = HTTP_BODY;
	/* the peer waits for "100 Continue" and gets the answer instead */
	if (is_answered && r->expects_continue)
		return http_reply_send(r);
	if (is_answered && r->content_length > (int64_t)IGNORE_MAX)
		return cut_off(r);
	return MHD_YES;
}

static enum MHD_Result
take_head(struct http_request *r, const char *method, const char *version)
{
	struct http_server *s = r->conn->server;
	const char *why = NULL;
	int status;

	http_conn_wait(r->conn, false);
	r->method = xstrdup(method);
	r->is_head = str_eq(method, "HEAD");
	status = http_head_check(r, version, &why);
	r->stage = HTTP_HEAD;
	if (status != 0) {
		http_reply_text(r, status, why);
		return http_reply_send(r); /* so early that it ends the connection */
	}
	s->options.on_request(r, s->options.data);
	return leave_head(r);
}

/* ---- its body --------------------------------------------------------------- */

/* A body nobody wants. */
static enum MHD_Result
ignore_body(struct http_request *r, size_t len)
{
	r->ignored_bytes += len;
	if (r->linger_until > 0)
		return uv_now(r->conn->server->loop) < r->linger_until ? MHD_YES : MHD_NO;
	if (r->ignored_bytes <= IGNORE_MAX || !r->is_ready)
		return MHD_YES;
	return cut_off(r);
}

static void
keep_body(struct http_request *r, const char *bytes, size_t len)
{
	if (len <= r->body_max - r->body.len) {
		buf_add(&r->body, bytes, len);
		return;
	}
	http_reply_text(r, MHD_HTTP_CONTENT_TOO_LARGE, "The body is too large.");
}

static enum MHD_Result
take_body(struct http_request *r, const char *bytes, size_t *len)
{
	size_t n = *len;

	r->is_silent = false;
	r->strikes = 0;
	if (r->body_kind != HTTP_BODY_IGNORED && r->is_paused)
		return http_request_suspend(r) ? MHD_YES : MHD_NO;
	*len = 0;
	switch (r->body_kind) {
	case HTTP_BODY_IGNORED:
		return ignore_body(r, n);
	case HTTP_BODY_WHOLE:
		keep_body(r, bytes, n);
		return MHD_YES;
	case HTTP_BODY_STREAM:
	default:
		r->body_fn(r, bytes, n, r->body_data);
		return MHD_YES;
	}
}

static void
tell_end(struct http_request *r)
{
	r->stage = HTTP_WHOLE;
	if (r->body_kind == HTTP_BODY_IGNORED)
		return;
	r->body_fn(r, buf_str(&r->body), r->body.len, r->body_data);
	buf_clear(&r->body);
}

static enum MHD_Result
take_end(struct http_request *r)
{
	if (r->linger_until > 0)
		return MHD_NO; /* answered */
	if (r->stage == HTTP_BODY && !(r->is_paused && r->body_kind != HTTP_BODY_IGNORED))
		tell_end(r);
	if (r->stage == HTTP_WHOLE && r->is_ready)
		return http_reply_send(r);
	return http_request_suspend(r) ? MHD_YES : MHD_NO;
}

enum MHD_Result
http_mhd_request(void *data, struct MHD_Connection *mhd, const char *url,
    const char *method, const char *version, const char *bytes, size_t *len,
    void **request)
{
	struct http_request *r = *request;

	(void)data;
	(void)mhd;
	(void)url;
	if (r == NULL || r->is_dead)
		return MHD_NO;
	if (r->is_suspended) /* the next chunk of what has been read already */
		return MHD_YES;
	if (r->stage == HTTP_LINE)
		return take_head(r, method, version);
	if (r->stage == HTTP_HEAD)
		return leave_head(r);
	if (*len > 0)
		return take_body(r, bytes, len);
	return take_end(r);
}

/* ---- its end ---------------------------------------------------------------- */

static void
free_request(struct http_request *r)
{
	if (r->is_drained)
		TAILQ_REMOVE(&r->conn->server->drained, r, drained_link);
	if (r->response != NULL)
		MHD_destroy_response(r->response);
	http_params_clear(&r->params);
	strlist_clear(&r->headers);
	buf_clear(&r->body);
	buf_clear(&r->late);
	buf_clear(&r->stream.queue);
	free(r->target);
	free(r->path);
	free(r->method);
	free(r->peer);
	free(r);
}

static void
end_request(struct http_request *r, bool is_complete)
{
	r->stage = HTTP_OVER;
	r->is_suspended = false;
	if (!is_complete && !r->is_aborted && r->on_gone.fn != NULL)
		r->on_gone.fn(r, r->on_gone.data);
	if (r->on_end.fn != NULL)
		r->on_end.fn(r, r->on_end.data);
	r->conn->request = NULL;
	free_request(r);
}

void
http_mhd_completed(void *data, struct MHD_Connection *mhd, void **request,
    enum MHD_RequestTerminationCode why)
{
	struct http_request *r = take(*request);
	struct http_conn *c;
	bool is_complete;

	(void)data;
	(void)mhd;
	if (r == NULL)
		return;
	c = r->conn;
	is_complete = (r->stage == HTTP_SENDING && !r->is_dead &&
			  why == MHD_REQUEST_TERMINATED_COMPLETED_OK) ||
	    r->linger_until > 0;
	end_request(r, is_complete);
	http_conn_wait(c, true);
	if (!is_complete)
		http_conn_drop(c);
}

/* libmicrohttpd 0.9.75 says nothing of the end of a request whose parameters, some
 * hundred, do not fit into its memory. Nor does it answer: the peer leaves, or has been
 * idle for too long. */
void
http_request_lost(struct http_request *r)
{
	end_request(r, false);
}

/* ---- what a handler may ask -------------------------------------------------- */

const char *
http_method(const struct http_request *r)
{
	return r->method;
}

const char *
http_target(const struct http_request *r)
{
	return r->target;
}

const char *
http_path(const struct http_request *r)
{
	return r->path;
}

static const struct http_params *
params(struct http_request *r)
{
	const char *query = strchr(r->target, '?');

	if (!r->has_params && query != NULL)
		http_params_parse(&r->params, query + 1);
	r->has_params = true;
	return &r->params;
}

const char *
http_query(struct http_request *r, const char *name)
{
	const struct http_params *p = params(r);

	for (size_t i = 0; i < p->count; i++)
		if (str_eq(p->items[i].name, name))
			return p->items[i].value;
	return NULL;
}

void
http_each_query(struct http_request *r,
    void (*fn)(const char *name, const char *value, void *data), void *data)
{
	const struct http_params *p = params(r);

	for (size_t i = 0; i < p->count; i++)
		fn(p->items[i].name, p->items[i].value, data);
}

const char *
http_header(const struct http_request *r, const char *name)
{
	return MHD_lookup_connection_value(r->conn->mhd, MHD_HEADER_KIND, name);
}

int64_t
http_content_length(const struct http_request *r)
{
	return r->content_length;
}

bool
http_is_unix(const struct http_request *r)
{
	return r->conn->is_unix;
}

static char *
peer_name(const struct http_conn *c)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *addr = info->client_addr;
	struct ucred who = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(who);
	char text[INET6_ADDRSTRLEN] = "";

	if (c->is_unix) {
		if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0)
			return xstrdup("unix:");
		return xasprintf("unix:%u", (unsigned int)who.uid);
	}
	if (addr->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, addr, sizeof(in6));
		(void)inet_ntop(AF_INET6, &in6.sin6_addr, text, sizeof(text));
	} else if (addr->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, addr, sizeof(in));
		(void)inet_ntop(AF_INET, &in.sin_addr, text, sizeof(text));
	}
	return xstrdup(str_starts(text, "::ffff:") ? text + 7 : text);
}

const char *
http_peer(struct http_request *r)
{
	if (r->peer == NULL)
		r->peer = peer_name(r->conn);
	return r->peer;
}

void
http_set_data(struct http_request *r, void *data)
{
	r->data = data;
}

void *
http_data(const struct http_request *r)
{
	return r->data;
}

void
http_on_gone(struct http_request *r, http_request_fn fn, void *data)
{
	r->on_gone = (struct http_callback){ fn, data };
}

void
http_on_end(struct http_request *r, http_request_fn fn, void *data)
{
	r->on_end = (struct http_callback){ fn, data };
}

static void
want_body(struct http_request *r, enum http_body_kind kind, http_body_fn fn, void *data)
{
	assert(r->stage == HTTP_HEAD && r->body_kind == HTTP_BODY_IGNORED);
	r->body_kind = kind;
	r->body_fn = fn;
	r->body_data = data;
}

void
http_read_body(struct http_request *r, size_t max, http_body_fn fn, void *data)
{
	want_body(r, HTTP_BODY_WHOLE, fn, data);
	r->body_max = max;
	if (r->content_length > 0 && (uint64_t)r->content_length > max)
		http_reply_text(r, MHD_HTTP_CONTENT_TOO_LARGE, "The body is too large.");
}

void
http_stream_body(struct http_request *r, http_chunk_fn fn, void *data)
{
	want_body(r, HTTP_BODY_STREAM, fn, data);
}

void
http_pause(struct http_request *r)
{
	r->is_paused = true;
}

void
http_resume(struct http_request *r)
{
	if (r->is_paused && r->stage < HTTP_SENDING)
		http_request_wake(r);
	r->is_paused = false;
}
