/* Parsing requests and writing responses, without any of HTTP's finer points. */
#include "tests/unit/fake_server.h"

#include <check.h>
#include <strings.h>
#include <uv.h>

#include "base/str.h"

union fake_handle {
	uv_handle_t any;
	uv_stream_t stream;
	uv_tcp_t tcp;
	uv_pipe_t pipe;
};

struct fake_server {
	uv_loop_t *loop;
	union fake_handle handle;
	bool is_unix;
	fake_handler handler;
	void *data;
	struct fake_connection *connections;
	size_t accepted, handles;
};

struct fake_connection {
	struct fake_server *server;
	struct fake_connection *prev, *next;
	union fake_handle handle;
	struct buf in;
	bool held;
	char chunk[65536];
};

struct fake_write {
	uv_write_t request;
	struct buf text;
};

static void
on_server_closed(uv_handle_t *handle)
{
	struct fake_server *s = handle->data;

	if (--s->handles == 0)
		free(s);
}

static void
on_connection_closed(uv_handle_t *handle)
{
	struct fake_connection *c = handle->data;
	struct fake_server *s = c->server;

	buf_clear(&c->in);
	free(c);
	if (--s->handles == 0)
		free(s);
}

static void
close_connection(struct fake_connection *c)
{
	if (uv_is_closing(&c->handle.any))
		return;
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		c->server->connections = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	uv_close(&c->handle.any, on_connection_closed);
}

static void
on_written(uv_write_t *request, int status UNUSED)
{
	struct fake_write *w = (struct fake_write *)request;

	buf_clear(&w->text);
	free(w);
}

static void
write_to(struct fake_connection *c, const char *text, size_t len)
{
	struct fake_write *w = xcalloc(1, sizeof(*w));
	uv_buf_t part;

	buf_add(&w->text, text, len);
	part = uv_buf_init(w->text.data, (unsigned)w->text.len);
	if (uv_write(&w->request, &c->handle.stream, &part, 1, on_written) < 0)
		on_written(&w->request, -1);
}

char *
fake_header(const struct fake_request *r, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = r->head; *line != '\0'; line = strstr(line, "\r\n") + 2) {
		if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
			line += len + 1;
			line += strspn(line, " ");
			return xstrndup(line, strcspn(line, "\r"));
		}
	}
	return NULL;
}

/* Bytes of the chunked body at text, SIZE_MAX when it is not all there; body gets its
 * content.
 */
static size_t
join_chunks(const char *text, size_t len, struct buf *body)
{
	size_t at = 0;

	for (;;) {
		const char *end = memmem(text + at, len - at, "\r\n", 2);
		size_t size;

		if (end == NULL)
			return SIZE_MAX;
		size = strtoul(text + at, NULL, 16);
		at = (size_t)(end - text) + 2;
		if (len - at < size + 2)
			return SIZE_MAX;
		buf_add(body, text + at, size);
		at += size + 2;
		if (size == 0)
			return at;
	}
}

static size_t
take_body(const struct fake_request *r, const char *text, size_t len, struct buf *body)
{
	cleanup_free char *length = fake_header(r, "Content-Length");
	cleanup_free char *coding = fake_header(r, "Transfer-Encoding");
	size_t want = length == NULL ? 0 : strtoul(length, NULL, 10);

	if (coding != NULL)
		return join_chunks(text, len, body);
	if (len < want)
		return SIZE_MAX;
	buf_add(body, text, want);
	return want;
}

/* One request of what has come in; false: not all of it is there. */
static bool
handle_request(struct fake_connection *c)
{
	const char *end = c->in.len == 0 ? NULL : strstr(c->in.data, "\r\n\r\n");
	cleanup_free char *head = NULL;
	cleanup_buf struct buf body = BUF_INIT, reply = BUF_INIT;
	struct fake_request r = { .from = c };
	size_t head_len, used;
	char *rest;

	if (end == NULL)
		return false;
	head_len = (size_t)(end - c->in.data) + 4;
	head = xstrndup(c->in.data, head_len - 2);
	rest = strstr(head, "\r\n");
	r.head = rest + 2;
	*rest = '\0';
	rest = head;
	r.method = strsep(&rest, " ");
	r.path = strsep(&rest, " ");
	used = take_body(&r, c->in.data + head_len, c->in.len - head_len, &body);
	if (used == SIZE_MAX)
		return false;
	r.body = buf_str(&body);
	r.len = body.len;
	buf_remove_front(&c->in, head_len + used);
	switch (c->server->handler(&r, &reply, c->server->data)) {
	case FAKE_ANSWER:
		write_to(c, reply.data, reply.len);
		return true;
	case FAKE_HOLD:
		c->held = true;
		return false;
	case FAKE_DROP:
		close_connection(c);
		return false;
	}
	return false;
}

static void
on_bytes(uv_stream_t *stream, ssize_t n, const uv_buf_t *part)
{
	struct fake_connection *c = stream->data;

	if (n < 0) {
		close_connection(c);
		return;
	}
	buf_add(&c->in, part->base, (size_t)n);
	while (!c->held && handle_request(c))
		;
}

static void
on_alloc(uv_handle_t *handle, size_t size UNUSED, uv_buf_t *out)
{
	struct fake_connection *c = handle->data;

	*out = uv_buf_init(c->chunk, sizeof(c->chunk));
}

static void
init_handle(const struct fake_server *s, union fake_handle *handle, void *data)
{
	if (s->is_unix)
		uv_pipe_init(s->loop, &handle->pipe, 0);
	else
		uv_tcp_init(s->loop, &handle->tcp);
	handle->any.data = data;
}

static void
on_connection(uv_stream_t *stream, int status)
{
	struct fake_server *s = stream->data;
	struct fake_connection *c = xcalloc(1, sizeof(*c));

	ck_assert_int_eq(status, 0);
	c->server = s;
	init_handle(s, &c->handle, c);
	s->handles++;
	s->accepted++;
	c->next = s->connections;
	if (c->next != NULL)
		c->next->prev = c;
	s->connections = c;
	ck_assert_int_eq(uv_accept(stream, &c->handle.stream), 0);
	uv_read_start(&c->handle.stream, on_alloc, on_bytes);
}

struct fake_server *
fake_server_open(struct uv_loop_s *loop, const char *unix_path, int port,
    fake_handler handler, void *data)
{
	struct fake_server *s = xcalloc(1, sizeof(*s));
	struct sockaddr_in at;

	s->loop = loop;
	s->is_unix = unix_path != NULL;
	s->handler = handler;
	s->data = data;
	s->handles = 1;
	init_handle(s, &s->handle, s);
	if (s->is_unix) {
		ck_assert_int_eq(uv_pipe_bind(&s->handle.pipe, unix_path), 0);
	} else {
		uv_ip4_addr("127.0.0.1", port, &at);
		ck_assert_int_eq(
		    uv_tcp_bind(&s->handle.tcp, (const struct sockaddr *)&at, 0), 0);
	}
	ck_assert_int_eq(uv_listen(&s->handle.stream, 128, on_connection), 0);
	return s;
}

void
fake_server_close(struct fake_server *s)
{
	while (s->connections != NULL)
		close_connection(s->connections);
	uv_close(&s->handle.any, on_server_closed);
}

int
fake_server_port(const struct fake_server *s)
{
	struct sockaddr_in at;
	int len = sizeof(at);

	uv_tcp_getsockname(&s->handle.tcp, (struct sockaddr *)&at, &len);
	return ntohs(at.sin_port);
}

size_t
fake_server_connections(const struct fake_server *s)
{
	return s->accepted;
}

void
fake_reply(struct buf *reply, int status, const char *headers, const char *body)
{
	buf_printf(reply, "HTTP/1.1 %d x\r\n%s", status, headers);
	if (status != 204 && status != 304)
		buf_printf(reply, "Content-Length: %zu\r\n", strlen(body));
	buf_printf(reply, "\r\n%s", body);
}

void
fake_answer(struct fake_connection *to, const struct buf *reply)
{
	to->held = false;
	write_to(to, reply->data, reply->len);
	while (!to->held && handle_request(to))
		;
}
