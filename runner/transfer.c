/* One call, tried again as the status says. */
#include "runner/transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/copy.h"
#include "base/http_client.h"
#include "base/path.h"
#include "protocol/json.h"

#define UPLOAD_LIMIT_MS INT64_C(3600000)
#define IDLE_LIMIT_MS INT64_C(600000)
#define FIRST_WAIT_MS 1000
#define TRIES 3
#define TRIES_BUSY 6 /* of a server that says it is busy (503) */

struct transfer {
	struct transfer_target target;
	transfer_done_fn done;
	void *data;
	struct http_call *call;
	uv_timer_t timer;
	unsigned tries;
	char *url, *token_header;
	char *path;
	int fd;
	bool is_upload, direct;
	struct error file_error; /* of the disk, during a download */
	/* multipart: what stands around the file */
	struct buf head, tail;
	int64_t file_size;
	char boundary[40];
};

static void start(struct transfer *t);

static void
on_closed(uv_handle_t *handle)
{
	struct transfer *t = handle->data;

	cleanup_close_fd(&t->fd);
	buf_clear(&t->head);
	buf_clear(&t->tail);
	explicit_bzero(t->token_header, strlen(t->token_header));
	free(t->token_header);
	free(t->url);
	free(t->path);
	free(t);
}

void
transfer_cancel(struct transfer *t)
{
	if (t == NULL)
		return;
	if (t->call != NULL)
		http_cancel(t->call);
	t->call = NULL;
	uv_close((uv_handle_t *)&t->timer, on_closed);
}

static void
end(struct transfer *t, const struct error *err)
{
	transfer_done_fn done = t->done;
	void *data = t->data;
	struct error copy = *err;

	transfer_cancel(t);
	done(&copy, data);
}

static void
on_timer(uv_timer_t *timer)
{
	start(timer->data);
}

/* Statuses that another try would not change. */
static bool
is_final(const struct transfer *t, int status)
{
	return status == 401 || status == 403 || status == 413 ||
	    (!t->is_upload && status == 404) || (t->is_upload && status == 400);
}

static void
describe(const struct transfer *t, const struct http_reply *reply, struct error *err)
{
	char words[256];

	error_answer_read(reply->status, reply->body, reply->len, words, sizeof(words));
	if (reply->status == 0)
		error_set(err, ERR_FOREIGN, "%s", reply->error->msg);
	else if (reply->status == 413)
		error_set(err, ERR_LIMIT,
		    "the server does not take that much: %" PRId64 " bytes (%s)",
		    t->file_size, words);
	else if (reply->status == 401 || reply->status == 403)
		error_set(err, ERR_FOREIGN, "the server refuses (%s)", words);
	else if (t->is_upload && reply->status == 400)
		error_set(err, ERR_INVALID, "the server does not take it (%s)", words);
	else if (reply->status == 404)
		error_set(err, ERR_MISSING, "the server does not have it (any more)");
	else
		error_set(err, ERR_FOREIGN, "the server answered %s", words);
}

static void
on_reply(struct http_call *call UNUSED, const struct http_reply *reply, void *data)
{
	struct transfer *t = data;
	struct error err = ERROR_INIT;
	unsigned tries = reply->status == 503 ? TRIES_BUSY : TRIES;
	uint64_t wait =
	    t->target.retry_ms > 0 ? (uint64_t)t->target.retry_ms : FIRST_WAIT_MS;

	t->call = NULL;
	if (t->file_error.code != 0) {
		end(t, &t->file_error);
	} else if (reply->status == (t->is_upload ? 201 : 200)) {
		end(t, &err);
	} else if (++t->tries >= tries || is_final(t, reply->status)) {
		describe(t, reply, &err);
		end(t, &err);
	} else {
		t->direct = false;
		uv_timer_start(&t->timer, on_timer, wait << (t->tries - 1), 0);
	}
}

static struct transfer *
new_transfer(const struct transfer_target *target, transfer_done_fn done, void *data)
{
	struct transfer *t = xcalloc(1, sizeof(*t));

	t->target = *target;
	t->done = done;
	t->data = data;
	t->fd = -1;
	t->token_header = xasprintf("JOB-TOKEN: %s", target->token);
	uv_timer_init(target->loop, &t->timer);
	t->timer.data = t;
	return t;
}

/* What cannot even begin ends from the loop, too. */
static void
on_failed(uv_timer_t *timer)
{
	struct transfer *t = timer->data;

	end(t, &t->file_error);
}

/* ---- sending --------------------------------------------------------------- */

static ssize_t
copy_part(const struct buf *part, int64_t at, char *out, size_t size)
{
	size_t left = part->len - (size_t)at, n = left < size ? left : size;

	memcpy(out, part->data + at, n);
	return (ssize_t)n;
}

static ssize_t
read_form(char *out, size_t size, int64_t offset, void *data)
{
	struct transfer *t = data;
	int64_t in_file = offset - (int64_t)t->head.len;
	int64_t in_tail = in_file - t->file_size;
	int64_t left = t->file_size - in_file;
	ssize_t n;

	if (in_file < 0)
		return copy_part(&t->head, offset, out, size);
	if (in_tail >= (int64_t)t->tail.len)
		return 0;
	if (in_tail >= 0)
		return copy_part(&t->tail, in_tail, out, size);
	n = pread(t->fd, out, (int64_t)size < left ? size : (size_t)left, in_file);
	return n == 0 ? -1 : n; /* it is shorter than it was */
}

static void
start_upload(struct transfer *t)
{
	cleanup_free char *type =
	    xasprintf("Content-Type: multipart/form-data; boundary=%s", t->boundary);
	const char *headers[] = { type, "Accept: application/json", t->token_header,
		NULL };
	struct http_call_options o = { .method = "POST",
		.url = t->url,
		.headers = headers,
		.read = read_form,
		.read_size = (int64_t)(t->head.len + t->tail.len) + t->file_size,
		.expect = true,
		.timeout_ms = UPLOAD_LIMIT_MS,
		.idle_ms = IDLE_LIMIT_MS,
		.follow = true,
		.on_done = on_reply,
		.data = t };

	t->call = http_send(t->target.client, &o);
}

static void
make_form(struct transfer *t, const char *filename)
{
	unsigned char bytes[12] = { 0 };
	size_t n = 0;

	/* a file that holds the boundary would have to guess it */
	while (n < sizeof(bytes) &&
	    getrandom(bytes + n, sizeof(bytes) - n, 0) == (ssize_t)(sizeof(bytes) - n))
		n = sizeof(bytes);
	(void)snprintf(t->boundary, sizeof(t->boundary), "pawl-");
	for (size_t i = 0; i < sizeof(bytes); i++)
		(void)snprintf(t->boundary + 5 + 2 * i, 3, "%02x", bytes[i]);
	buf_printf(&t->head,
	    "--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s\"\r\n"
	    "Content-Type: application/octet-stream\r\n\r\n",
	    t->boundary, filename);
	buf_printf(&t->tail, "\r\n--%s--\r\n", t->boundary);
}

static void
add_query(struct buf *url, const char *key, const char *value, char *sign)
{
	if (value == NULL || *value == '\0')
		return;
	buf_printf(url, "%c%s=", *sign, key);
	*sign = '&';
	for (; *value != '\0'; value++) {
		unsigned char c = (unsigned char)*value;

		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		    (c >= 'A' && c <= 'Z') || strchr("-_.~", c) != NULL)
			buf_add_char(url, (char)c);
		else
			buf_printf(url, "%%%02X", c);
	}
}

struct transfer *
transfer_upload(const struct transfer_target *target, const struct artifacts_packed *file,
    transfer_done_fn done, void *data)
{
	struct transfer *t = new_transfer(target, done, data);
	struct buf url = BUF_INIT;
	char sign = '?';
	struct stat st;

	t->is_upload = true;
	buf_printf(&url, "%s/jobs/%" PRId64 "/artifacts", target->api, target->job);
	add_query(&url, "expire_in", file->of->expire_in, &sign);
	add_query(&url, "artifact_format", file->of->format, &sign);
	add_query(&url, "artifact_type", file->of->type, &sign);
	t->url = buf_take(&url);
	make_form(t, file->filename);
	t->fd = open(file->path, O_RDONLY | O_CLOEXEC);
	if (t->fd < 0 || fstat(t->fd, &st) < 0) {
		error_errno(&t->file_error, "cannot open %s", file->path);
		uv_timer_start(&t->timer, on_failed, 0, 0);
		return t;
	}
	t->file_size = st.st_size;
	start_upload(t);
	return t;
}

/* ---- fetching -------------------------------------------------------------- */

static bool
store(const char *bytes, size_t len, void *data)
{
	struct transfer *t = data;

	if (path_write_fd(t->fd, bytes, len) == 0)
		return true;
	copy_errno(&t->file_error, "cannot write", t->path);
	return false;
}

static void
start_download(struct transfer *t)
{
	cleanup_free char *url = xasprintf("%s/jobs/%" PRId64 "/artifacts%s",
	    t->target.api, t->target.job, t->direct ? "?direct_download=true" : "");
	const char *headers[] = { t->token_header, NULL };
	struct http_call_options o = { .method = "GET",
		.url = url,
		.headers = headers,
		.write = store,
		.idle_ms = IDLE_LIMIT_MS,
		.follow = true,
		.on_done = on_reply,
		.data = t };

	cleanup_close_fd(&t->fd);
	t->fd = open(t->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (t->fd < 0) {
		copy_errno(&t->file_error, "cannot create", t->path);
		uv_timer_start(&t->timer, on_failed, 0, 0);
		return;
	}
	t->call = http_send(t->target.client, &o);
}

struct transfer *
transfer_download(const struct transfer_target *target, const char *path,
    transfer_done_fn done, void *data)
{
	struct transfer *t = new_transfer(target, done, data);

	t->path = xstrdup(path);
	t->direct = true;
	start_download(t);
	return t;
}

static void
start(struct transfer *t)
{
	if (t->is_upload)
		start_upload(t);
	else
		start_download(t);
}
