/* One call at a time, on a loop of its own. */
#include "config.h"

#include "cli/server_link.h"

#include <stdio.h>

#include "base/http_client.h"
#include "base/visible.h"
#include "cli/command.h"
#include "protocol/json.h"

#define CALL_MS 60000
#define PATIENCE_MS 60000
#define MAX_PAUSE_MS 3000
#define MAX_ANSWER ((size_t)16 << 20)

int
server_link_open(struct server_link *l, const struct remote *remote)
{
	static const struct http_client_options options = { .user_agent =
								"pawl/" PACKAGE_VERSION };
	cleanup_buf struct buf project = BUF_INIT;
	struct error err = ERROR_INIT;
	int rc = uv_loop_init(&l->loop);

	if (rc < 0) {
		(void)fprintf(stderr, "pawl: %s\n", uv_strerror(rc));
		return EXIT_FAULT;
	}
	if (http_client_new(&l->loop, &options, &l->client, &err) < 0) {
		(void)uv_loop_close(&l->loop);
		(void)fprintf(stderr, "pawl: %s\n", err.msg);
		return EXIT_FAULT;
	}
	l->arena = arena_new();
	l->remote = *remote;
	l->remote.server = arena_strdup(l->arena, remote->server);
	l->remote.project = arena_strdup(l->arena, remote->project);
	l->remote.token = arena_strdup(l->arena, remote->token);
	l->remote.name = arena_strdup(l->arena, remote->name);
	if (remote->project != NULL) {
		buf_add_url_encoded(&project, remote->project);
		l->project = arena_strdup(l->arena, buf_str(&project));
	}
	return EXIT_OK;
}

void
server_link_close(struct server_link *l)
{
	if (l->client == NULL)
		return;
	http_client_free(take(l->client));
	uv_run(&l->loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&l->loop);
	arena_free(take(l->arena));
}

void
server_reply_clear(struct server_reply *r)
{
	buf_clear(&r->body);
	*r = (struct server_reply)SERVER_REPLY_INIT;
}

bool
server_reply_is_ok(const struct server_reply *r)
{
	return r->status >= 200 && r->status < 300;
}

bool
server_reply_is_lost(const struct server_reply *r)
{
	return r->status == 0 || (r->status >= 502 && r->status <= 504);
}

/* ---- a call ------------------------------------------------------------------ */

struct running {
	const struct server_call *call;
	struct server_reply *reply;
	struct http_call *http;
	int64_t skip; /* bytes still to be left out */
	bool is_begun, is_done;
};

static bool
on_bytes(const char *bytes, size_t len, void *data)
{
	struct running *run = data;

	if (!run->is_begun && http_reply_status(run->http) == 206)
		run->skip = 0;
	run->is_begun = true;
	if ((int64_t)len <= run->skip) {
		run->skip -= (int64_t)len;
		return true;
	}
	bytes += run->skip;
	len -= (size_t)run->skip;
	run->skip = 0;
	return run->call->write(bytes, len, run->call->data);
}

static void
on_done(struct http_call *call, const struct http_reply *reply, void *data)
{
	struct running *run = data;
	struct server_reply *out = run->reply;
	const char *next = http_reply_get(call, "X-Next-Page");

	out->status = reply->status;
	out->err = *reply->error;
	buf_add(&out->body, reply->body, reply->len);
	if (next == NULL || !str_to_int64(next, &out->next_page) || out->next_page < 0)
		out->next_page = 0;
	run->is_done = true;
}

static int64_t
now_ms(void)
{
	return (int64_t)(uv_hrtime() / 1000000);
}

static void
keep_count(struct server_link *l, const struct server_reply *r)
{
	if (!server_reply_is_lost(r)) {
		l->was_reached = true;
		l->lost_ms = 0;
	} else if (l->lost_ms == 0) {
		l->lost_ms = now_ms();
	}
}

void
server_call(
    struct server_link *l, const struct server_call *call, struct server_reply *out)
{
	const char *headers[5] = { NULL };
	struct running run = { .call = call, .reply = out, .skip = call->from };
	cleanup_free char *url = xasprintf("%s%s", l->remote.server, call->path);
	cleanup_free char *token = NULL, *range = NULL;
	size_t n = 0;

	if (l->remote.token != NULL)
		headers[n++] = token = xasprintf("PRIVATE-TOKEN: %s", l->remote.token);
	if (call->from > 0)
		headers[n++] = range = xasprintf("Range: bytes=%" PRId64 "-", call->from);
	if (call->json != NULL)
		headers[n++] = "Content-Type: application/json";
	server_reply_clear(out);
	run.http = http_send(l->client,
	    &(struct http_call_options){
		.method = call->method != NULL ? call->method : "GET",
		.url = url,
		.headers = headers,
		.body = call->json,
		.body_len = call->json != NULL ? strlen(call->json) : 0,
		.write = call->write != NULL ? on_bytes : NULL,
		.max_reply = MAX_ANSWER,
		.timeout_ms = call->endless ? 0 : CALL_MS,
		.follow = true,
		.on_done = on_done,
		.data = &run });
	while (!run.is_done)
		uv_run(&l->loop, UV_RUN_ONCE);
	keep_count(l, out);
}

/* ---- patience ---------------------------------------------------------------- */

static void
on_pause_over(uv_timer_t *timer)
{
	*(bool *)timer->data = true;
}

void
server_link_pause(struct server_link *l, int64_t ms)
{
	uv_timer_t timer;
	bool is_over = false;

	uv_timer_init(&l->loop, &timer);
	timer.data = &is_over;
	uv_timer_start(&timer, on_pause_over, (uint64_t)ms, 0);
	while (!is_over)
		uv_run(&l->loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(&l->loop, UV_RUN_NOWAIT);
}

bool
server_link_wait(struct server_link *l, const struct server_reply *r)
{
	int64_t lost_for = now_ms() - l->lost_ms, pause = lost_for / 2 + 100;

	if (!server_reply_is_lost(r) || !l->was_reached || lost_for > PATIENCE_MS)
		return false;
	server_link_pause(l, pause < MAX_PAUSE_MS ? pause : MAX_PAUSE_MS);
	return true;
}

/* ---- what went wrong --------------------------------------------------------- */

void
server_print_words(const char *text, const char *indent)
{
	cleanup_free char *copy = xstrdup(text);
	char *save = NULL;

	for (char *line = strtok_r(copy, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		cleanup_buf struct buf out = BUF_INIT;

		visible_add(&out, line);
		(void)fprintf(stderr, "%s%s\n", indent, buf_str(&out));
	}
}

static int
say_no_token(const struct server_link *l)
{
	if (l->remote.token == NULL)
		(void)fprintf(stderr,
		    "pawl: %s wants a token, and there is none; log in: pawl login %s\n",
		    l->remote.server, l->remote.server);
	else
		(void)fprintf(stderr,
		    "pawl: %s does not accept %s; log in with another: pawl login %s\n",
		    l->remote.server, l->token_from, l->remote.server);
	return EXIT_INVALID;
}

/* What a server says may have several lines: findings about a pipeline file. */
static int
say_refused(const struct server_link *l, const struct server_reply *r, const char *what)
{
	char text[4096];
	const char *words = text;

	error_body_read(buf_str(&r->body), r->body.len, text, sizeof(text));
	if (text[0] == '\0')
		(void)snprintf(text, sizeof(text), "HTTP %d", r->status);
	if (str_starts(text, "base ")) /* Rails' name for what is wrong of no one field */
		words += strlen("base ");
	if (what != NULL)
		(void)fprintf(stderr, "pawl: %s: ", what);
	else
		(void)fprintf(stderr, "pawl: %s says: ", l->remote.server);
	if (strchr(words, '\n') != NULL)
		(void)fputc('\n', stderr);
	server_print_words(words, strchr(words, '\n') != NULL ? "  " : "");
	if (r->status >= 500)
		return EXIT_FAULT;
	return r->status == 403 || r->status == 404 ? EXIT_INVALID : EXIT_FAILED;
}

int
server_link_fail(
    const struct server_link *l, const struct server_reply *r, const char *what)
{
	bool no_project = r->status == 404 && strstr(buf_str(&r->body), "404 Project");

	if (r->status == 0)
		(void)fprintf(
		    stderr, "pawl: the server is out of reach: %s\n", r->err.msg);
	else if (server_reply_is_lost(r))
		(void)fprintf(stderr,
		    "pawl: the server is out of reach: %s answers with HTTP %d\n",
		    l->remote.server, r->status);
	if (server_reply_is_lost(r))
		return EXIT_UNREACHABLE;
	if (r->status == 401)
		return say_no_token(l);
	if (!no_project || l->remote.project == NULL)
		return say_refused(l, r, what);
	(void)fprintf(stderr,
	    "pawl: %s has no project %s, or the token may not see it; the first push "
	    "makes it\n",
	    l->remote.server, l->remote.project);
	return EXIT_INVALID;
}

/* ---- answers that are read --------------------------------------------------- */

static void
ask(struct server_link *l, const struct server_call *call, struct server_reply *out)
{
	do
		server_call(l, call, out);
	while (l->is_patient && server_link_wait(l, out));
}

int
server_link_read(const struct server_link *l, const char *path, const struct buf *body,
    const struct json_shape *shape, struct arena *arena, void *out)
{
	struct error err = ERROR_INIT;

	if (json_shape_read(
		shape, buf_str(body), body->len, MAX_ANSWER, arena, out, &err) == 0)
		return EXIT_OK;
	(void)fprintf(stderr, "pawl: %s%s: not what a pawl server answers: %s\n",
	    l->remote.server, path, err.msg);
	return EXIT_FAULT;
}

int
server_link_object(struct server_link *l, const struct server_call *call,
    const struct json_shape *shape, struct arena *arena, void *out, const char *what)
{
	cleanup_server_reply struct server_reply r = SERVER_REPLY_INIT;

	ask(l, call, &r);
	if (!server_reply_is_ok(&r))
		return server_link_fail(l, &r, what);
	if (shape == NULL)
		return EXIT_OK;
	return server_link_read(l, call->path, &r.body, shape, arena, out);
}

struct page {
	void *items;
	size_t count;
};

int
server_link_read_list(const struct server_link *l, const char *path,
    const struct buf *body, const struct json_shape *shape, struct arena *arena,
    void **items, size_t *count)
{
	const struct json_field fields[] = {
		{ JSON_COUNTED("items", OBJECTS, struct page, items, count),
		    .shape = shape },
		{ NULL },
	};
	const struct json_shape wrapped = { fields, sizeof(struct page) };
	cleanup_buf struct buf text = BUF_INIT;
	struct page got = { NULL, 0 };
	int rc;

	buf_printf(&text, "{\"items\":%s}", buf_str(body));
	rc = server_link_read(l, path, &text, &wrapped, arena, &got);
	*items = got.items;
	*count = got.count;
	return rc;
}

int
server_link_list(struct server_link *l, const char *path, size_t max_pages,
    const struct json_shape *shape, struct arena *arena, void **items, size_t *count)
{
	cleanup_server_reply struct server_reply r = SERVER_REPLY_INIT;
	int64_t page = 1;
	int rc = EXIT_OK;

	*items = NULL;
	*count = 0;
	for (size_t n = 0; page != 0 && n < max_pages && rc == EXIT_OK; n++) {
		cleanup_free char *url = xasprintf("%s&page=%" PRId64, path, page);
		struct page got;
		char *all;

		ask(l, &(struct server_call){ .path = url }, &r);
		if (!server_reply_is_ok(&r))
			return server_link_fail(l, &r, NULL);
		rc = server_link_read_list(
		    l, path, &r.body, shape, arena, &got.items, &got.count);
		if (got.count > 0) {
			all = arena_calloc(arena, *count + got.count, shape->size);
			if (*count > 0)
				memcpy(all, *items, *count * shape->size);
			memcpy(all + *count * shape->size, got.items,
			    got.count * shape->size);
			*items = all;
			*count += got.count;
		}
		page = r.next_page;
	}
	return rc;
}
