/*
 * A job's log over HTTP: whole, a range of bytes, or followed while it is written, as the
 * bytes themselves or as server-sent events. Memory does not grow with the log.
 */
#include <stdio.h>

#include "base/json_writer.h"
#include "base/log.h"
#include "base/str.h"
#include "scheduler/api/api.h"
#include "scheduler/service_internal.h"

#define CHUNK ((size_t)64 * 1024)
#define MAX_QUEUED (4 * CHUNK) /* well above where on_drain comes */
#define ENDLESS ((INT64_C(1) << 53) - 1)
#define KEEP_ALIVE_MS 25000 /* of an event stream: proxies end what is silent */

struct sending {
	struct call *call;
	int64_t job, offset, end;    /* end < 0: as far as it goes */
	struct log_reader *reader;   /* NULL: there is no log yet */
	struct service_watch *watch; /* NULL: not followed */
	struct api_timer *timer;
	bool as_events;
};

static void
finish(struct sending *s)
{
	struct call *c = s->call;

	log_reader_close(s->reader);
	service_unwatch(s->watch);
	api_timer_stop(take(s->timer));
	free(s);
	c->data = NULL;
	api_let_go(c);
}

static void
on_gone(struct call *c)
{
	if (c->data != NULL)
		finish(c->data);
}

/* One event: the bytes as a JSON string, its id the offset to go on from. */
static void
write_event(struct sending *s, const char *bytes, size_t len)
{
	cleanup_buf struct buf out = BUF_INIT;
	cleanup_free char *text = xstrndup(bytes, len);
	struct json_writer w = JSON_WRITER_INIT(&out);

	buf_printf(&out, "id: %" PRId64 "\nevent: log\ndata: ", s->offset + (int64_t)len);
	json_begin_array(&w);
	json_add_string(&w, text);
	json_end_array(&w);
	buf_add_str(&out, "\n\n");
	http_write(s->call->request, out.data, out.len);
}

static void
write_piece(struct sending *s, const char *bytes, size_t len)
{
	if (s->as_events)
		write_event(s, bytes, len);
	else
		http_write(s->call->request, bytes, len);
	s->offset += (int64_t)len;
}

/* Is it over, and all of it sent? */
static bool
is_complete(struct sending *s)
{
	return s->end >= 0
	    ? s->offset >= s->end
	    : s->watch == NULL || service_find_job(s->call->service, s->job) == NULL ||
		status_is_completed(
		    core_job(service_core(s->call->service), s->job)->status);
}

/* What can be sent now; false after the end. */
static bool
send_more(struct sending *s, char *chunk)
{
	struct error err = ERROR_INIT;

	if (s->reader == NULL &&
	    log_reader_open(service_logs(s->call->service), s->job, &s->reader, &err) < 0)
		return true; /* none yet */
	while (http_queued(s->call->request) < MAX_QUEUED) {
		size_t want = CHUNK, got = 0;

		if (s->end >= 0 && s->end - s->offset < (int64_t)want)
			want = (size_t)(s->end - s->offset);
		if (want == 0)
			return true;
		if (log_reader_read(s->reader, s->offset, chunk, want, &got, &err) < 0) {
			log_event(LOG_WARN, LOG_JOB(s->job), "its log: %s", err.msg);
			http_abort(s->call->request);
			return false;
		}
		if (got == 0)
			return true;
		write_piece(s, chunk, got);
	}
	return true;
}

static void
pump(struct sending *s)
{
	cleanup_free char *chunk = xmalloc(CHUNK);

	if (!send_more(s, chunk)) {
		finish(s);
		return;
	}
	if (http_queued(s->call->request) >= MAX_QUEUED || !is_complete(s))
		return; /* on_drain or on_change goes on */
	if (s->as_events)
		http_write(s->call->request, "event: end\ndata: {}\n\n", 21);
	http_end(s->call->request);
	s->call->is_answered = true;
	finish(s);
}

static void
on_drain(struct http_request *r UNUSED, void *data)
{
	struct call *c = data;

	if (c->data != NULL)
		pump(c->data);
}

static void
on_change(void *data, const struct service_change *change)
{
	struct sending *s = data;

	if (change->job == s->job)
		pump(s);
}

static void
on_silence(struct call *c)
{
	struct sending *s = c->data;

	http_write(c->request, ":\n\n", 3);
	s->timer = api_timer_start(c, KEEP_ALIVE_MS, on_silence);
}

/* "bytes=START-[END]"; the last byte counts, as HTTP has it. */
static bool
parse_range(const char *text, int64_t *start, int64_t *end)
{
	cleanup_free char *from = NULL;
	const char *dash;
	int64_t last;

	if (text == NULL || !str_starts(text, "bytes="))
		return false;
	text += strlen("bytes=");
	dash = strchr(text, '-');
	if (dash == NULL || dash == text)
		return false;
	from = xstrndup(text, (size_t)(dash - text));
	if (!str_to_int64(from, start) || *start < 0)
		return false;
	if (dash[1] == '\0')
		return true;
	if (!str_to_int64(dash + 1, &last) || last < *start)
		return false;
	*end = last + 1;
	return true;
}

static int64_t
size_of(struct sending *s)
{
	int64_t size = 0;
	struct error err = ERROR_INIT;

	if (log_reader_open(service_logs(s->call->service), s->job, &s->reader, &err) <
		0 ||
	    log_reader_size(s->reader, &size, &err) < 0)
		return 0;
	return size;
}

static struct sending *
begin(struct call *c, int64_t job)
{
	struct sending *s = xcalloc(1, sizeof(*s));

	s->call = c;
	s->job = job;
	c->data = s;
	c->on_gone = on_gone;
	api_hold(c);
	http_on_drain(c->request, on_drain, c);
	return s;
}

void
api_send_log(struct call *c, int64_t job)
{
	struct sending *s;
	int64_t size, start = 0, end = -1;
	bool ranged = parse_range(http_header(c->request, "Range"), &start, &end);

	if (c->is_gone)
		return;
	s = begin(c, job);
	size = size_of(s);
	s->offset = start < size ? start : size;
	s->end = end < 0 || end > size ? size : end;
	if (ranged && start >= size) {
		api_header(c, "Content-Range", "bytes */%" PRId64, size);
		api_empty(c, 416);
		finish(s);
		return;
	}
	if (ranged)
		api_header(c, "Content-Range", "bytes %" PRId64 "-%" PRId64 "/%" PRId64,
		    s->offset, s->end - 1, size);
	http_begin(c->request, ranged ? 206 : 200, "text/plain; charset=utf-8",
	    s->end - s->offset);
	pump(s);
}

/* The connection breaks off: an end of the stream would be one of the job. */
static void
on_server_ends(struct call *c)
{
	if (c->data == NULL)
		return;
	http_abort(c->request);
	finish(c->data);
}

/* A range that has no end yet is answered as RFC 8673 has it: with one far away. */
void
api_follow_log(struct call *c, int64_t job, int64_t from, bool as_events)
{
	struct sending *s;
	int64_t end;
	bool ranged;

	if (c->is_gone)
		return;
	ranged = !as_events && parse_range(http_header(c->request, "Range"), &from, &end);
	s = begin(c, job);
	s->end = -1;
	s->offset = from;
	s->as_events = as_events;
	s->watch = service_watch(c->service, on_change, s);
	c->on_drain = on_server_ends;
	if (as_events)
		s->timer = api_timer_start(c, KEEP_ALIVE_MS, on_silence);
	api_header(c, "Cache-Control", "no-cache");
	if (ranged)
		api_header(
		    c, "Content-Range", "bytes %" PRId64 "-%" PRId64 "/*", from, ENDLESS);
	http_begin(c->request, ranged ? 206 : 200,
	    as_events ? "text/event-stream" : "text/plain; charset=utf-8", -1);
	pump(s);
}
