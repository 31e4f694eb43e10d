/*
 * libcurl's multi interface driven by libuv: it says which sockets to watch and when to
 * be called again, and is called when either happens.
 */
#include "base/http_client.h"

#include <assert.h>
#include <strings.h>
#include <uv.h>

#include "base/http_lib.h"
#include "base/str.h"

#define MAX_REPLY ((size_t)8 << 20)
#define MAX_HEADERS ((size_t)256 << 10) /* of one reply */
#define MAX_REDIRECTS 10
#define CONNECT_MS 30000L
#define KEPT_CONNECTIONS 8L
#define SMALL_BODY (16 << 10) /* goes out with the headers, in one piece */

struct http_client {
	struct http_lib lib;
	uv_loop_t *loop;
	CURLM *multi;
	uv_timer_t timer;
	char *unix_socket, *ca_file, *cert_file, *key_file, *user_agent;
	struct http_call *calls; /* all that have not ended */
	size_t handles;          /* of libuv, that are not closed */
	bool busy;               /* on_done is being called */
	bool is_gone;            /* freed; what is left waits for its handles */
};

struct http_call {
	struct http_client *client;
	struct http_call *prev, *next;
	struct http_call_options options; /* strings and body in it are not to be used */
	CURL *easy;
	char *method, *url;
	struct strlist headers;
	struct curl_slist *sent;
	void *body;
	int64_t offset; /* of the next byte read() is asked for */
	struct strlist reply_headers;
	size_t reply_headers_len;
	struct buf reply;
	char problem[CURL_ERROR_SIZE];
	const char *refusal; /* why it was given up on here; NULL: not */
	int redirects;
};

struct watch { /* of one socket */
	uv_poll_t poll;
	struct http_client *client;
	curl_socket_t fd;
	int events; /* that libcurl wants to hear of */
};

/* ---- the client's end ------------------------------------------------------ */

static void
free_client(struct http_client *c)
{
	http_lib_close(&c->lib);
	free(c->unix_socket);
	free(c->ca_file);
	free(c->cert_file);
	free(c->key_file);
	free(c->user_agent);
	free(c);
}

static void
on_handle_closed(struct http_client *c)
{
	if (--c->handles == 0 && c->is_gone)
		free_client(c);
}

static void
on_timer_closed(uv_handle_t *handle)
{
	on_handle_closed(handle->data);
}

static void
on_watch_closed(uv_handle_t *handle)
{
	struct watch *w = handle->data;
	struct http_client *c = w->client;

	free(w);
	on_handle_closed(c);
}

static void call_free(struct http_call *call);

static void
close_client(struct http_client *c)
{
	for (struct http_call *call = c->calls, *next; call != NULL; call = next) {
		next = call->next;
		c->lib.curl_multi_remove_handle(c->multi, call->easy);
		call_free(call);
	}
	c->calls = NULL;
	c->lib.curl_multi_cleanup(c->multi);
	uv_close((uv_handle_t *)&c->timer, on_timer_closed);
}

void
http_client_free(struct http_client *c)
{
	if (c == NULL)
		return;
	c->is_gone = true;
	if (!c->busy)
		close_client(c);
}

/* ---- calls ----------------------------------------------------------------- */

static void
call_free(struct http_call *call)
{
	const struct http_lib *lib = &call->client->lib;

	lib->curl_easy_cleanup(call->easy);
	lib->curl_slist_free_all(call->sent);
	strlist_clear(&call->headers);
	strlist_clear(&call->reply_headers);
	buf_clear(&call->reply);
	free(call->method);
	free(call->url);
	free(call->body);
	free(call);
}

static void
unlink_call(struct http_call *call)
{
	struct http_client *c = call->client;

	c->lib.curl_multi_remove_handle(c->multi, call->easy);
	if (call->prev != NULL)
		call->prev->next = call->next;
	else
		c->calls = call->next;
	if (call->next != NULL)
		call->next->prev = call->prev;
}

void
http_cancel(struct http_call *call)
{
	unlink_call(call);
	call_free(call);
}

const char *
http_reply_get(const struct http_call *call, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = call->reply_headers.count; i-- > 0;) {
		const char *line = call->reply_headers.items[i];

		if (strncasecmp(line, name, len) == 0 && line[len] == ':')
			return line + len + 1 + strspn(line + len + 1, " \t");
	}
	return NULL;
}

static int
status_of(const struct http_call *call)
{
	long status = 0;

	call->client->lib.curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	return (int)status;
}

int
http_reply_status(const struct http_call *call)
{
	return status_of(call);
}

/* ---- what libcurl calls during a transfer ---------------------------------- */

static size_t
on_header(char *bytes, size_t size, size_t count, void *data)
{
	struct http_call *call = data;
	size_t len = size * count, n = len;

	while (n > 0 && (bytes[n - 1] == '\r' || bytes[n - 1] == '\n'))
		n--;
	if (n >= 5 &&
	    memcmp(bytes, "HTTP/", 5) == 0) { /* after a 100, or authentication */
		strlist_clear(&call->reply_headers);
		call->reply_headers_len = 0;
	} else if ((call->reply_headers_len += n) > MAX_HEADERS) {
		call->refusal = "the reply's headers are too long";
		return 0;
	} else if (n > 0) {
		strlist_add_take(&call->reply_headers, xstrndup(bytes, n));
	} else if (call->options.on_headers != NULL && status_of(call) >= 200) {
		call->options.on_headers(call->options.data);
	}
	return len;
}

static size_t
on_body(char *bytes, size_t size, size_t count, void *data)
{
	struct http_call *call = data;
	const struct http_call_options *o = &call->options;
	size_t len = size * count;
	size_t max = o->max_reply > 0 ? o->max_reply : MAX_REPLY;
	int status = status_of(call);

	if (o->write != NULL && status >= 200 && status < 300) {
		if (o->write(bytes, len, o->data))
			return len;
		call->refusal = "the reply could not be stored";
		return 0;
	}
	if (len > max - call->reply.len) {
		call->refusal = "the reply is longer than allowed";
		return 0;
	}
	buf_add(&call->reply, bytes, len);
	return len;
}

static size_t
on_read(char *out, size_t size, size_t count, void *data)
{
	struct http_call *call = data;
	ssize_t n =
	    call->options.read(out, size * count, call->offset, call->options.data);

	if (n < 0) {
		call->refusal = "what was to be sent could not be read";
		return CURL_READFUNC_ABORT;
	}
	call->offset += n;
	return (size_t)n;
}

static int
on_seek(void *data, curl_off_t offset, int origin)
{
	struct http_call *call = data;

	if (origin != SEEK_SET)
		return CURL_SEEKFUNC_CANTSEEK;
	call->offset = offset;
	return CURL_SEEKFUNC_OK;
}

/* ---- setting a call up ----------------------------------------------------- */

static void
set_client_options(struct http_call *call)
{
	const struct http_client *c = call->client;
	__typeof__(curl_easy_setopt) *set = c->lib.curl_easy_setopt;
	CURL *e = call->easy;

	set(e, CURLOPT_NOSIGNAL, 1L);
	set(e, CURLOPT_QUICK_EXIT, 1L); /* a slow name server must not hold a cancel */
	set(e, CURLOPT_PRIVATE, call);
	set(e, CURLOPT_ERRORBUFFER, call->problem);
	set(e, CURLOPT_PROTOCOLS_STR, "http,https");
	set(e, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	set(e, CURLOPT_TCP_KEEPALIVE, 1L);
	set(e, CURLOPT_HEADERFUNCTION, on_header);
	set(e, CURLOPT_HEADERDATA, call);
	set(e, CURLOPT_WRITEFUNCTION, on_body);
	set(e, CURLOPT_WRITEDATA, call);
	if (c->user_agent != NULL)
		set(e, CURLOPT_USERAGENT, c->user_agent);
	if (c->unix_socket != NULL) {
		set(e, CURLOPT_UNIX_SOCKET_PATH, c->unix_socket);
		set(e, CURLOPT_PROXY, "");
	}
	if (c->ca_file != NULL) /* the system's stay, by the folder libcurl knows */
		set(e, CURLOPT_CAINFO, c->ca_file);
	if (c->cert_file != NULL)
		set(e, CURLOPT_SSLCERT, c->cert_file);
	if (c->key_file != NULL)
		set(e, CURLOPT_SSLKEY, c->key_file);
}

static void
add_header(struct http_call *call, const char *line)
{
	struct curl_slist *grown = call->client->lib.curl_slist_append(call->sent, line);

	if (grown == NULL)
		abort(); /* no memory */
	call->sent = grown;
}

static void
set_headers(struct http_call *call)
{
	const struct http_call_options *o = &call->options;
	const struct http_lib *lib = &call->client->lib;

	lib->curl_slist_free_all(take(call->sent));
	for (size_t i = 0; i < call->headers.count; i++)
		add_header(call, call->headers.items[i]);
	if (o->read == NULL || !o->expect)
		add_header(call, "Expect:"); /* libcurl waits a second for an answer */
	lib->curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->sent);
}

static void
copy_body(struct http_call *call, const void *body, size_t len)
{
	call->body = xmalloc(len + 1);
	memcpy(call->body, body, len);
}

/* What cannot be read is left to the sending, which says so. */
static void
read_small_body(struct http_call *call)
{
	struct http_call_options *o = &call->options;
	char body[SMALL_BODY];
	int64_t done = 0;
	ssize_t n = 1;

	while (done < o->read_size && n > 0) {
		n = o->read(body + done, (size_t)(o->read_size - done), done, o->data);
		done += n;
	}
	if (n <= 0)
		return;
	copy_body(call, body, (size_t)done);
	o->body_len = (size_t)done;
	o->read = NULL;
}

static void
set_body(struct http_call *call)
{
	const struct http_call_options *o = &call->options;
	__typeof__(curl_easy_setopt) *set = call->client->lib.curl_easy_setopt;
	CURL *e = call->easy;

	if (o->read != NULL) {
		set(e, CURLOPT_UPLOAD, 1L);
		set(e, CURLOPT_READFUNCTION, on_read);
		set(e, CURLOPT_READDATA, call);
		set(e, CURLOPT_SEEKFUNCTION, on_seek);
		set(e, CURLOPT_SEEKDATA, call);
		set(e, CURLOPT_INFILESIZE_LARGE, (curl_off_t)o->read_size);
	} else if (call->body != NULL) {
		set(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)o->body_len);
		set(e, CURLOPT_POSTFIELDS, call->body);
	} else if (str_eq(call->method, "HEAD")) {
		set(e, CURLOPT_NOBODY, 1L);
		return;
	}
	set(e, CURLOPT_CUSTOMREQUEST, call->method);
}

static void
set_limits(struct http_call *call)
{
	const struct http_call_options *o = &call->options;
	__typeof__(curl_easy_setopt) *set = call->client->lib.curl_easy_setopt;

	if (o->timeout_ms > 0)
		set(call->easy, CURLOPT_TIMEOUT_MS, (long)o->timeout_ms);
	if (o->idle_ms > 0) {
		set(call->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
		set(call->easy, CURLOPT_LOW_SPEED_TIME,
		    (long)((o->idle_ms + 999) / 1000));
	}
}

static void
start_call(struct http_call *call)
{
	struct http_client *c = call->client;

	c->lib.curl_easy_setopt(call->easy, CURLOPT_URL, call->url);
	set_headers(call);
	/* cannot fail: the handle is new or was removed; the rest is told by its end */
	c->lib.curl_multi_add_handle(c->multi, call->easy);
}

struct http_call *
http_send(struct http_client *c, const struct http_call_options *o)
{
	struct http_call *call = xcalloc(1, sizeof(*call));

	call->client = c;
	call->options = *o;
	call->easy = c->lib.curl_easy_init();
	if (call->easy == NULL)
		abort(); /* no memory */
	call->method = xstrdup(o->method);
	call->url = xstrdup(o->url);
	for (const char *const *h = o->headers; h != NULL && *h != NULL; h++)
		strlist_add(&call->headers, *h);
	if (o->body != NULL)
		copy_body(call, o->body, o->body_len);
	else if (o->read != NULL && o->read_size > 0 && o->read_size <= SMALL_BODY)
		read_small_body(call);
	set_client_options(call);
	set_body(call);
	set_limits(call);
	call->next = c->calls;
	if (c->calls != NULL)
		c->calls->prev = call;
	c->calls = call;
	start_call(call);
	return call;
}

/* ---- redirects ------------------------------------------------------------- */

/* Length of "https://host:port". */
static size_t
origin_length(const char *url)
{
	const char *host = strstr(url, "://");

	host = host == NULL ? url : host + 3;
	return (size_t)(host - url) + strcspn(host, "/?#");
}

static bool
is_same_origin(const char *a, const char *b)
{
	size_t len = origin_length(a);

	return len == origin_length(b) && strncasecmp(a, b, len) == 0;
}

/* Tokens of jobs and runners, and what HTTP itself has. */
static bool
is_secret(const char *line)
{
	size_t name = strcspn(line, ":");

	return (name >= 5 && strncasecmp(line + name - 5, "token", 5) == 0) ||
	    strncasecmp(line, "authorization:", 14) == 0 ||
	    strncasecmp(line, "cookie:", 7) == 0;
}

static void
drop_secrets(struct http_call *call)
{
	size_t kept = 0;

	for (size_t i = 0; i < call->headers.count; i++) {
		if (is_secret(call->headers.items[i]))
			free(call->headers.items[i]);
		else
			call->headers.items[kept++] = call->headers.items[i];
	}
	call->headers.count = kept;
}

/* 307 and 308 send all of it again; of the others only questions can be repeated. */
static bool
may_follow(const struct http_call *call, int status)
{
	bool asks = str_eq(call->method, "GET") || str_eq(call->method, "HEAD");

	return call->options.follow && call->redirects < MAX_REDIRECTS &&
	    (status == 307 || status == 308 ||
		(asks && (status == 301 || status == 302 || status == 303)));
}

static bool
follow(struct http_call *call)
{
	const struct http_lib *lib = &call->client->lib;
	char *to = NULL;

	if (!may_follow(call, status_of(call)))
		return false;
	lib->curl_easy_getinfo(call->easy, CURLINFO_REDIRECT_URL, &to);
	if (to == NULL)
		return false;
	if (!is_same_origin(call->url, to))
		drop_secrets(call);
	lib->curl_multi_remove_handle(call->client->multi, call->easy);
	to = xstrdup(to);
	free(call->url);
	call->url = to;
	call->offset = 0;
	call->redirects++;
	buf_reset(&call->reply);
	strlist_clear(&call->reply_headers);
	start_call(call);
	return true;
}

/* ---- the end of a call ----------------------------------------------------- */

static void
end_call(struct http_call *call, CURLcode code)
{
	struct http_client *c = call->client;
	struct error err = ERROR_INIT;
	struct http_reply reply = { .error = &err };

	if (code == CURLE_OK && follow(call))
		return;
	if (code != CURLE_OK)
		error_set(&err, ERR_FOREIGN, "%.*s: %s", (int)origin_length(call->url),
		    call->url,
		    call->refusal != NULL          ? call->refusal
			: call->problem[0] != '\0' ? call->problem
						   : c->lib.curl_easy_strerror(code));
	else
		reply.status = status_of(call);
	reply.body = code == CURLE_OK ? buf_str(&call->reply) : "";
	reply.len = code == CURLE_OK ? call->reply.len : 0;
	unlink_call(call);
	call->options.on_done(call, &reply, call->options.data);
	call_free(call);
}

static void
end_calls(struct http_client *c)
{
	CURLMsg *m;
	int left;

	if (c->busy)
		return; /* on_done called something that came back here */
	c->busy = true;
	while (
	    !c->is_gone && (m = c->lib.curl_multi_info_read(c->multi, &left)) != NULL) {
		CURLcode code = m->data.result;
		char *call = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		c->lib.curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &call);
		end_call((struct http_call *)(void *)call, code);
	}
	c->busy = false;
	if (c->is_gone)
		close_client(c);
}

/* ---- the loop -------------------------------------------------------------- */

static void
on_timeout(uv_timer_t *timer)
{
	struct http_client *c = timer->data;
	int running;

	c->lib.curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	end_calls(c);
}

static int
on_set_timer(CURLM *multi UNUSED, long ms, void *data)
{
	struct http_client *c = data;

	if (uv_is_closing((uv_handle_t *)&c->timer))
		return 0;
	if (ms < 0)
		uv_timer_stop(&c->timer);
	else
		uv_timer_start(&c->timer, on_timeout, (uint64_t)ms, 0);
	return 0;
}

static void
on_ready(uv_poll_t *poll, int status, int events)
{
	struct watch *w = poll->data;
	struct http_client *c = w->client;
	int flags = 0, running;

	/* libuv gives up; but the other side's last words may lie there, such as what it
	 * has against our certificate, and libcurl meets the error behind them */
	if (status < 0)
		flags = CURL_CSELECT_IN | CURL_CSELECT_OUT;
	if ((events & UV_READABLE) != 0)
		flags |= CURL_CSELECT_IN;
	if ((events & UV_WRITABLE) != 0)
		flags |= CURL_CSELECT_OUT;
	c->lib.curl_multi_socket_action(c->multi, w->fd, flags, &running);
	if (status < 0 && !uv_is_closing((uv_handle_t *)poll))
		uv_poll_start(poll, w->events, on_ready);
	end_calls(c);
}

static struct watch *
add_watch(struct http_client *c, curl_socket_t fd)
{
	struct watch *w = xcalloc(1, sizeof(*w));

	w->client = c;
	w->fd = fd;
	w->poll.data = w;
	if (uv_poll_init_socket(c->loop, &w->poll, fd) < 0) {
		free(w);
		return NULL;
	}
	c->handles++;
	c->lib.curl_multi_assign(c->multi, fd, w);
	return w;
}

static int
on_set_socket(CURL *easy UNUSED, curl_socket_t fd, int what, void *data, void *known)
{
	struct http_client *c = data;
	struct watch *w = known;
	int events = 0;

	if (what == CURL_POLL_REMOVE) {
		if (w != NULL)
			uv_close((uv_handle_t *)&w->poll, on_watch_closed);
		c->lib.curl_multi_assign(c->multi, fd, NULL);
		return 0;
	}
	if (w == NULL)
		w = add_watch(c, fd);
	if (w == NULL)
		return -1;
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		events |= UV_READABLE;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		events |= UV_WRITABLE;
	w->events = events;
	uv_poll_start(&w->poll, events, on_ready);
	return 0;
}

static char *
copy_of(const char *s)
{
	return s == NULL ? NULL : xstrdup(s);
}

int
http_client_new(struct uv_loop_s *loop, const struct http_client_options *o,
    struct http_client **out, struct error *err)
{
	struct http_client *c = xcalloc(1, sizeof(*c));

	if (http_lib_open(&c->lib, err) < 0) {
		free_client(c);
		return err->code;
	}
	c->loop = loop;
	c->unix_socket = copy_of(o->unix_socket);
	c->ca_file = copy_of(o->ca_file);
	c->cert_file = copy_of(o->cert_file);
	c->key_file = copy_of(o->key_file);
	c->user_agent = copy_of(o->user_agent);
	c->multi = c->lib.curl_multi_init();
	if (c->multi == NULL)
		abort(); /* no memory */
	uv_timer_init(loop, &c->timer);
	c->timer.data = c;
	c->handles = 1;
	c->lib.curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_set_socket);
	c->lib.curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	c->lib.curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_set_timer);
	c->lib.curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	c->lib.curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, KEPT_CONNECTIONS);
	*out = c;
	return 0;
}
