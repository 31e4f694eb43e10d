/*
 * Replies. One is made when the handler has it, and given to libmicrohttpd when the whole
 * request was read: earlier it would only be taken at the price of the connection.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/http_server_internal.h"
#include "base/log.h"

#define DRAIN_MARK ((size_t)64 * 1024)

static bool
may_reply(const struct http_request *r)
{
	assert(r->stage != HTTP_LINE);
	assert(r->response == NULL || r->stage == HTTP_OVER);
	return r->stage < HTTP_SENDING && r->response == NULL;
}

void
http_reply_header(struct http_request *r, const char *name, const char *value)
{
	assert(strpbrk(name, "\r\n") == NULL && strpbrk(value, "\r\n") == NULL);
	strlist_add(&r->headers, name);
	strlist_add(&r->headers, value);
}

/* ---- giving it to libmicrohttpd ---------------------------------------------- */

static void
add_header(struct http_request *r, const char *name, const char *value)
{
	if (MHD_add_response_header(r->response, name, value) != MHD_YES)
		log_error("http: header \"%s: %s\" cannot be sent", name, value);
}

/* From within a call of libmicrohttpd, which alone may do it. */
enum MHD_Result
http_reply_send(struct http_request *r)
{
	struct MHD_Response *response = r->response;
	enum MHD_Result rc;

	if (r->conn->server->is_draining)
		add_header(r, "Connection", "close");
	r->response = NULL;
	r->stage = HTTP_SENDING;
	buf_clear(&r->late);
	rc = MHD_queue_response(r->conn->mhd, (unsigned int)r->status, response);
	MHD_destroy_response(response);
	return rc;
}

/* response is taken; NULL ends the connection. */
static void
set_response(struct http_request *r, int status, const char *content_type,
    struct MHD_Response *response)
{
	r->response = response;
	r->status = status;
	if (response == NULL) {
		log_error("http: no reply could be made for %s", r->path);
		http_abort(r);
		return;
	}
	if (content_type != NULL)
		add_header(r, "Content-Type", content_type);
	for (size_t i = 0; i < r->headers.count; i += 2)
		add_header(r, r->headers.items[i], r->headers.items[i + 1]);
}

static void
set_ready(struct http_request *r)
{
	r->is_ready = true;
	http_request_wake(r);
}

/* ---- in one piece ------------------------------------------------------------- */

/* The reply as it looks when it cuts off an upload. */
static void
write_late(struct http_request *r, int status, const char *content_type, const void *body,
    size_t len)
{
	const char *reason = MHD_get_reason_phrase_for((unsigned int)status);

	buf_printf(&r->late,
	    "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Length: %zu\r\n", status,
	    reason == NULL ? "" : reason, len);
	if (content_type != NULL)
		buf_printf(&r->late, "Content-Type: %s\r\n", content_type);
	for (size_t i = 0; i < r->headers.count; i += 2)
		buf_printf(
		    &r->late, "%s: %s\r\n", r->headers.items[i], r->headers.items[i + 1]);
	buf_add_str(&r->late, "\r\n");
	if (!r->is_head)
		buf_add(&r->late, body, len);
}

/* While a body is read nothing else is being sent on the connection. */
bool
http_reply_cut(struct http_request *r)
{
	ssize_t n =
	    send(r->conn->fd, r->late.data, r->late.len, MSG_NOSIGNAL | MSG_DONTWAIT);

	return r->late.len > 0 && n == (ssize_t)r->late.len &&
	    shutdown(r->conn->fd, SHUT_WR) == 0;
}

static bool
is_body_unread(const struct http_request *r)
{
	return http_request_has_body(r) && r->stage < HTTP_WHOLE;
}

void
http_reply(struct http_request *r, int status, const char *content_type, const void *body,
    size_t len)
{
	cleanup_free char *copy = NULL;

	if (!may_reply(r))
		return;
	if (is_body_unread(r))
		write_late(r, status, content_type, body, len);
	r->body_kind = HTTP_BODY_IGNORED;
	copy = xmemdup(len == 0 ? "" : body, len);
	set_response(r, status, content_type,
	    MHD_create_response_from_buffer(len, copy, MHD_RESPMEM_MUST_COPY));
	set_ready(r);
}

void
http_reply_text(struct http_request *r, int status, const char *text)
{
	cleanup_free char *line = xasprintf("%s\n", text);

	http_reply(r, status, "text/plain; charset=utf-8", line, strlen(line));
}

void
http_reply_file(struct http_request *r, int status, const char *content_type, int fd,
    int64_t offset, int64_t size)
{
	cleanup_close int taken = fd;
	struct stat st;

	if (!may_reply(r))
		return;
	/* what is missing later stops the transfer, and only the timeout ends it */
	if (fstat(fd, &st) < 0 || offset < 0 || size < 0 || offset > st.st_size ||
	    size > st.st_size - offset) {
		log_error("http: the file for %s is too short", r->path);
		strlist_clear(&r->headers);
		http_reply_text(r, MHD_HTTP_INTERNAL_SERVER_ERROR,
		    "The file is shorter than it should be.");
		return;
	}
	r->body_kind = HTTP_BODY_IGNORED;
	set_response(r, status, content_type,
	    MHD_create_response_from_fd_at_offset64(
		(uint64_t)size, take_fd(&taken), (uint64_t)offset));
	set_ready(r);
}

/* ---- as a stream --------------------------------------------------------------- */

static size_t
queued(const struct http_stream *st)
{
	return st->queue.len - st->queue_start;
}

static void
take_queued(struct http_request *r, char *to, size_t n)
{
	struct http_stream *st = &r->stream;

	memcpy(to, st->queue.data + st->queue_start, n);
	st->queue_start += n;
	if (st->queue_start == st->queue.len) {
		buf_clear(&st->queue); /* thousands of streams idle */
		st->queue_start = 0;
	} else if (st->queue_start >= DRAIN_MARK &&
	    st->queue_start * 2 >= st->queue.len) {
		buf_remove_front(&st->queue, st->queue_start);
		st->queue_start = 0;
	}
	if (st->is_full && queued(st) < DRAIN_MARK) {
		st->is_full = false;
		if (r->on_drain.fn != NULL && !st->is_ended && !r->is_drained) {
			TAILQ_INSERT_TAIL(&r->conn->server->drained, r, drained_link);
			r->is_drained = true;
		}
	}
}

/* libmicrohttpd asks for more. The last byte of a stream of known size is kept until
 * http_end(): with it the request would be over while the handler still holds it. */
static ssize_t
on_more(void *data, uint64_t at, char *to, size_t max)
{
	struct http_request *r = data;
	struct http_stream *st = &r->stream;
	size_t n = queued(st);

	if (r->is_dead)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (n > 0 && !st->is_ended && st->size >= 0 && at + n == (uint64_t)st->size)
		n--;
	if (n > max)
		n = max;
	if (n > 0) {
		take_queued(r, to, n);
		return (ssize_t)n;
	}
	if (st->is_ended)
		return st->size < 0 ? MHD_CONTENT_READER_END_OF_STREAM
				    : MHD_CONTENT_READER_END_WITH_ERROR;
	return http_request_suspend(r) ? 0 : MHD_CONTENT_READER_END_WITH_ERROR;
}

/* Where no body is sent libmicrohttpd is through as soon as it has the reply: it gets it
 * when the handler is through, too. */
static bool
is_bodiless(const struct http_request *r)
{
	return r->is_head || r->stream.size == 0 || r->status == MHD_HTTP_NO_CONTENT ||
	    r->status == MHD_HTTP_NOT_MODIFIED;
}

void
http_begin(struct http_request *r, int status, const char *content_type, int64_t size)
{
	/* chunks are built in the connection's own buffer; else this one is used */
	size_t block = size < 0 && r->is_1_1 ? 128 : 16384;

	if (!may_reply(r))
		return;
	r->stream.size = size < 0 ? -1 : size;
	r->stream.is_stream = true;
	set_response(r, status, content_type,
	    MHD_create_response_from_callback(
		size < 0 ? MHD_SIZE_UNKNOWN : (uint64_t)size, block, on_more, r, NULL));
	if (!is_bodiless(r))
		set_ready(r);
}

void
http_write(struct http_request *r, const void *data, size_t len)
{
	struct http_stream *st = &r->stream;

	assert(st->is_stream && !st->is_ended);
	if (st->size >= 0) {
		assert((int64_t)len <= st->size - st->written);
		st->written += (int64_t)len;
	}
	if (len == 0 || r->stage == HTTP_OVER || r->is_dead || is_bodiless(r))
		return;
	buf_add(&st->queue, data, len);
	if (queued(st) > DRAIN_MARK)
		st->is_full = true;
	if (r->stage == HTTP_SENDING)
		http_request_wake(r);
}

size_t
http_queued(const struct http_request *r)
{
	return queued(&r->stream);
}

void
http_on_drain(struct http_request *r, http_request_fn fn, void *data)
{
	r->on_drain = (struct http_callback){ fn, data };
}

void
http_end(struct http_request *r)
{
	assert(r->stream.is_stream && !r->stream.is_ended);
	r->stream.is_ended = true;
	if (r->stage == HTTP_OVER)
		return;
	if (r->stage == HTTP_SENDING)
		http_request_wake(r);
	else if (is_bodiless(r))
		set_ready(r);
}

void
http_abort(struct http_request *r)
{
	r->is_dead = r->is_aborted = true;
	r->stream.is_ended = true;
	if (r->stage != HTTP_OVER)
		http_request_wake(r);
}
