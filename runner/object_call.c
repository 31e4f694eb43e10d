/* A busy store is asked again; what a transfer has moved is looked at ten times a second.
 */
#include "runner/object_call.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "base/http_client.h"
#include "base/path.h"
#include "base/str.h"

#define TICK_MS 100
#define SAY_MS 5000
#define MIN_BYTES 1024 /* fewer are no progress */
/* A store that has all of an object has to put it together. */
#define ANSWER_MS 60000
#define RETRIES 2
#define RETRY_MS 500
#define MB 1e6

struct running {
	struct object_call *call;
	uv_loop_t loop;
	uv_timer_t tick, again;
	struct http_client *client;
	struct http_call *http;
	uint64_t began, progress_at, said_at;
	int64_t progress; /* bytes moved by then */
	unsigned retries;
	bool is_put;
	struct error err;
};

/* ---- the end --------------------------------------------------------------- */

static void
end(struct running *r)
{
	uv_close((uv_handle_t *)&r->tick, NULL);
	uv_close((uv_handle_t *)&r->again, NULL);
	if (r->http != NULL)
		http_cancel(r->http);
	r->http = NULL;
	http_client_free(r->client);
}

/* What stands between <name> and </name>; "": it does not. */
static void
find_element(const char *xml, const char *name, char *out, size_t size)
{
	cleanup_free char *open = xasprintf("<%s>", name);
	const char *at = strstr(xml, open);
	size_t n;

	*out = '\0';
	if (at == NULL)
		return;
	at += strlen(open);
	n = strcspn(at, "<\r\n");
	(void)snprintf(out, size, "%.*s", (int)(n < size ? n : size - 1), at);
}

static void
describe(struct running *r, const struct http_reply *reply)
{
	char code[80], message[200];

	find_element(reply->body, "Code", code, sizeof(code));
	find_element(reply->body, "Message", message, sizeof(message));
	error_set(&r->err,
	    reply->status == 404 && !str_eq(code, "NoSuchBucket") ? ERR_MISSING
								  : ERR_FOREIGN,
	    "the store answered %d%s%s%s%s%s", reply->status, *code != '\0' ? " " : "",
	    code, *message != '\0' ? " (" : "", message, *message != '\0' ? ")" : "");
}

static bool
is_worth_a_retry(int status)
{
	return status == 429 || status == 500 || status == 502 || status == 503 ||
	    status == 504;
}

static void start(struct running *r);

static void
on_again(uv_timer_t *timer)
{
	start(timer->data);
}

static void
on_reply(struct http_call *http, const struct http_reply *reply, void *data)
{
	struct running *r = data;
	struct object_call *c = r->call;
	const char *etag = http_reply_get(http, "etag");

	r->http = NULL;
	c->status = reply->status;
	if (r->err.code == 0 && is_worth_a_retry(reply->status) && r->retries < RETRIES) {
		uv_timer_start(&r->again, on_again, RETRY_MS << r->retries++, 0);
		return;
	}
	if (etag != NULL)
		(void)snprintf(c->etag, sizeof(c->etag), "%s", etag);
	if (r->err.code != 0)
		;
	else if (reply->status == 0)
		error_set(&r->err, ERR_FOREIGN, "%s", reply->error->msg);
	else if (reply->status / 100 != 2 && reply->status != 304)
		describe(r, reply);
	end(r);
}

/* ---- the transfer ---------------------------------------------------------- */

static bool
on_bytes(const char *bytes, size_t len, void *data)
{
	struct running *r = data;

	if ((int64_t)len > r->call->size - r->call->moved) {
		error_set(&r->err, ERR_LIMIT, "it is larger than there is room for");
		return false;
	}
	if (path_write_fd_at(r->call->fd, bytes, len, (off_t)r->call->moved) < 0) {
		error_errno(&r->err, "cannot write what the store sends");
		return false;
	}
	r->call->moved += (int64_t)len;
	return true;
}

static ssize_t
on_wanted(char *out, size_t size, int64_t offset, void *data)
{
	struct running *r = data;
	int64_t left = r->call->size - offset;
	size_t want = (int64_t)size < left ? size : (size_t)left;
	ssize_t n = want == 0 ? 0 : pread(r->call->fd, out, want, (off_t)offset);

	if (n < 0 || (n == 0 && want > 0)) {
		error_errno(&r->err, "cannot read what is to be sent");
		return -1;
	}
	r->call->moved = offset + n;
	return n;
}

static void
start(struct running *r)
{
	struct object_call *c = r->call;
	cleanup_free char *condition = c->if_none_match == NULL
	    ? NULL
	    : xasprintf("If-None-Match: %s", c->if_none_match);
	const char *headers[] = { "Content-Type: application/octet-stream", NULL };
	const char *conditions[] = { condition, NULL };
	struct http_call_options o = { .method = c->method,
		.url = c->url,
		.headers = r->is_put ? headers : conditions,
		.read = r->is_put ? on_wanted : NULL,
		.read_size = c->size,
		.write = r->is_put ? NULL : on_bytes,
		.on_done = on_reply,
		.data = r };

	c->moved = 0;
	r->progress = 0;
	r->progress_at = uv_now(&r->loop);
	r->http = http_send(r->client, &o);
}

static void
say_progress(struct running *r, uint64_t now)
{
	struct object_call *c = r->call;
	char line[128];

	if (c->say == NULL || c->moved == 0 || now - r->said_at < SAY_MS)
		return;
	r->said_at = now;
	if (r->is_put)
		(void)snprintf(line, sizeof(line), "... %.1f of %.1f MB",
		    (double)c->moved / MB, (double)c->size / MB);
	else
		(void)snprintf(line, sizeof(line), "... %.1f MB", (double)c->moved / MB);
	c->say(line, c->data);
}

static void
on_tick(uv_timer_t *timer)
{
	struct running *r = timer->data;
	struct object_call *c = r->call;
	uint64_t now = uv_now(&r->loop);
	uint64_t limit = (uint64_t)(c->stall_ms > 0 ? c->stall_ms : OBJECT_STALL_MS);

	if (r->is_put && c->moved == c->size && limit < ANSWER_MS && c->stall_ms == 0)
		limit = ANSWER_MS;
	if (c->moved - r->progress >= MIN_BYTES || r->http == NULL) {
		r->progress = c->moved;
		r->progress_at = now;
	}
	if (c->cancel != NULL && atomic_load(c->cancel)) {
		error_set(&r->err, ERR_CANCELED, "canceled");
		end(r);
	} else if (now - r->progress_at > limit) {
		error_set(&r->err, ERR_FOREIGN, "the store has stalled for %" PRIu64 " s",
		    limit / 1000);
		end(r);
	} else if (c->timeout_ms > 0 && now - r->began > (uint64_t)c->timeout_ms) {
		error_set(&r->err, ERR_FOREIGN,
		    "it takes longer than CACHE_REQUEST_TIMEOUT allows (%" PRId64
		    " minutes)",
		    c->timeout_ms / 60000);
		end(r);
	} else {
		say_progress(r, now);
	}
}

static int
open_client(struct running *r, struct error *err)
{
	const struct http_client_options o = { .user_agent = "pawl-runner" };

	uv_loop_init(&r->loop);
	if (http_client_new(&r->loop, &o, &r->client, err) < 0) {
		uv_loop_close(&r->loop);
		return err->code;
	}
	uv_timer_init(&r->loop, &r->tick);
	uv_timer_init(&r->loop, &r->again);
	r->tick.data = r->again.data = r;
	return 0;
}

int
object_call(struct object_call *c, struct error *err)
{
	struct running r = { .call = c, .is_put = str_eq(c->method, "PUT") };

	c->status = 0;
	c->etag[0] = '\0';
	if (open_client(&r, err) < 0)
		return err->code;
	r.began = r.said_at = uv_now(&r.loop);
	uv_timer_start(&r.tick, on_tick, TICK_MS, TICK_MS);
	start(&r);
	uv_run(&r.loop, UV_RUN_DEFAULT);
	c->took_ms = (int64_t)(uv_now(&r.loop) - r.began);
	uv_loop_close(&r.loop);
	if (r.err.code == 0)
		return 0;
	*err = r.err;
	return err->code;
}
