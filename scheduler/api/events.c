/*
 * What changes, as server-sent events, for pages and whoever else wants no polling: one
 * stream for any number of things. An event says what has changed, not how: whoever shows
 * it asks for it again. Its id names the server's run and counts on; a stream that comes
 * back with the last id it heard gets what it missed, or "reset" when that is too long
 * ago.
 */
#include <stdio.h>

#include "base/json_writer.h"
#include "base/str.h"
#include "protocol/status.h"
#include "scheduler/api/api.h"
#include "scheduler/service_internal.h"

#define REMEMBERED 4096 /* changes, not counting what logs grow by */
#define MAX_TOPICS 64
#define MAX_QUEUED ((size_t)1 << 20) /* of a reader that does not read */
#define KEEP_ALIVE_MS 25000 /* proxies end what is silent, and pages take it for lost */

struct change {
	uint64_t number;                /* 0: not remembered */
	int64_t project, pipeline, job; /* job 0: the pipeline itself */
	int64_t runner;                 /* else this */
};

enum topic_kind { TOPIC_ALL, TOPIC_RUNNERS, TOPIC_PROJECT, TOPIC_PIPELINE, TOPIC_JOB };

struct topic {
	enum topic_kind kind;
	int64_t id;
};

struct stream {
	struct live *live;
	struct call *call;
	struct api_timer *timer;
	struct stream *next, **at;
	struct topic topics[MAX_TOPICS];
	size_t topic_count;
};

/* All streams of a server share one watch and one memory. */
struct live {
	struct service *service;
	struct service_watch *watch;
	int64_t run; /* of the server: numbers begin anew with it */
	uint64_t last;
	struct change changes[REMEMBERED]; /* a ring, by number */
	struct stream *streams;
};

/* ---- which ----------------------------------------------------------------------- */

static bool
concerns(const struct topic *t, const struct change *ch)
{
	switch (t->kind) {
	case TOPIC_RUNNERS:
		return ch->runner != 0;
	case TOPIC_PROJECT:
		return t->id == ch->project;
	case TOPIC_PIPELINE:
		return t->id == ch->pipeline;
	case TOPIC_JOB:
		return t->id == ch->job;
	case TOPIC_ALL:
	default:
		return ch->runner == 0;
	}
}

static bool
wants(const struct stream *s, const struct change *ch)
{
	const struct access_token *by = s->call->token;

	if (by->row.project != 0 && by->row.project != ch->project)
		return false;
	if (ch->runner != 0 && !s->call->user->row.is_admin)
		return false;
	for (size_t i = 0; i < s->topic_count; i++)
		if (concerns(&s->topics[i], ch))
			return true;
	return false;
}

/* "all", "runners", "project:7", "pipeline:3", "job:12"; false: none of them. */
static bool
read_topic(const char *text, struct topic *out)
{
	static const char *const kinds[] = { [TOPIC_PROJECT] = "project:",
		[TOPIC_PIPELINE] = "pipeline:",
		[TOPIC_JOB] = "job:" };

	out->kind = str_eq(text, "runners") ? TOPIC_RUNNERS : TOPIC_ALL;
	if (out->kind == TOPIC_RUNNERS || str_eq(text, "all"))
		return true;
	for (size_t i = TOPIC_PROJECT; i < ARRAY_LEN(kinds); i++)
		if (str_starts(text, kinds[i])) {
			out->kind = (enum topic_kind)i;
			return str_to_int64(text + strlen(kinds[i]), &out->id) &&
			    out->id > 0;
		}
	return false;
}

/* ---- sending --------------------------------------------------------------------- */

static void
write_text(struct stream *s, const char *text)
{
	http_write(s->call->request, text, strlen(text));
}

static void
write_change(struct stream *s, const struct change *ch, int64_t log_bytes)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct json_writer w = JSON_WRITER_INIT(&out);

	if (ch->number != 0)
		buf_printf(
		    &out, "id: %" PRId64 "-%" PRIu64 "\n", s->live->run, ch->number);
	buf_add_str(&out, "event: change\ndata: ");
	json_begin_object(&w);
	if (ch->runner != 0)
		json_put_int(&w, "runner", ch->runner);
	if (ch->project != 0)
		json_put_int(&w, "project", ch->project);
	if (ch->pipeline != 0)
		json_put_int(&w, "pipeline", ch->pipeline);
	if (ch->job != 0)
		json_put_int(&w, "job", ch->job);
	if (log_bytes != 0)
		json_put_int(&w, "log_bytes", log_bytes);
	json_end_object(&w);
	buf_add_str(&out, "\n\n");
	http_write(s->call->request, out.data, out.len);
}

static void
end_stream(struct stream *s)
{
	struct call *c = s->call;

	*s->at = s->next;
	if (s->next != NULL)
		s->next->at = s->at;
	api_timer_stop(take(s->timer));
	free(s);
	c->data = NULL;
	api_let_go(c);
}

/* A log that grows tells those who look at that very job; what they have not read yet
 * needs no second word. */
static void
tell(struct stream *s, const struct change *ch, int64_t log_bytes)
{
	const size_t queued = http_queued(s->call->request);
	bool looks = log_bytes == 0;

	for (size_t i = 0; i < s->topic_count && !looks; i++)
		looks = s->topics[i].kind == TOPIC_JOB && s->topics[i].id == ch->job &&
		    queued == 0;
	if (!looks || !wants(s, ch))
		return;
	if (queued > MAX_QUEUED) {
		http_abort(s->call->request); /* it comes back, and hears "reset" */
		end_stream(s);
		return;
	}
	write_change(s, ch, log_bytes);
}

static void
on_change(void *data, const struct service_change *change)
{
	struct live *l = data;
	const struct live_pipeline *p =
	    service_find_pipeline(l->service, change->pipeline);
	struct change ch = { .project = p == NULL ? 0 : p->project,
		.pipeline = change->pipeline,
		.job = change->job,
		.runner = change->runner };

	if (change->log_bytes == 0 && change->runner == 0) {
		ch.number = ++l->last;
		l->changes[ch.number % REMEMBERED] = ch;
	}
	for (struct stream *s = l->streams, *next; s != NULL; s = next) {
		next = s->next;
		tell(s, &ch, change->log_bytes);
	}
}

/* ---- beginning ------------------------------------------------------------------- */

/* "RUN-NUMBER" of this run, and not longer ago than is remembered. */
static bool
heard_until(const struct live *l, const char *id, uint64_t *number)
{
	int64_t run, n;
	const char *dash = strchr(id, '-');
	cleanup_free char *first =
	    dash == NULL ? NULL : xstrndup(id, (size_t)(dash - id));

	if (first == NULL || !str_to_int64(first, &run) || run != l->run ||
	    !str_to_int64(dash + 1, &n) || n < 0)
		return false;
	*number = (uint64_t)n;
	return *number <= l->last && l->last - *number < REMEMBERED;
}

/* The first words: where it begins, so that a stream that breaks off knows, too. */
static void
catch_up(struct stream *s)
{
	const struct live *l = s->live;
	const char *id = http_header(s->call->request, "Last-Event-ID");
	cleanup_free char *hello = xasprintf("retry: 1000\nid: %" PRId64 "-%" PRIu64
					     "\nevent: hello\ndata: {}\n\n",
	    l->run, l->last);
	uint64_t number;

	if (id == NULL)
		id = http_query(s->call->request, "last_event_id");
	if (id != NULL && *id != '\0') {
		if (!heard_until(l, id, &number))
			write_text(s, "event: reset\ndata: {}\n\n");
		else
			while (++number <= l->last)
				if (wants(s, &l->changes[number % REMEMBERED]))
					write_change(
					    s, &l->changes[number % REMEMBERED], 0);
	}
	write_text(s, hello);
}

static void
on_silence(struct call *c)
{
	struct stream *s = c->data;

	write_text(s, "event: alive\ndata: {}\n\n"); /* scripts do not see comments */
	s->timer = api_timer_start(c, KEEP_ALIVE_MS, on_silence);
}

static void
on_gone(struct call *c)
{
	if (c->data != NULL)
		end_stream(c->data);
}

/* The stream breaks off; it comes back to the server that is next. */
static void
on_drain(struct call *c)
{
	if (c->data == NULL)
		return;
	http_abort(c->request);
	end_stream(c->data);
}

/* Each "of" of the query is one thing; false after a 400. */
static void
add_topic(const char *name, const char *value, void *data)
{
	struct stream *s = data;

	if (!str_eq(name, "of") || s->topic_count > MAX_TOPICS)
		return;
	if (s->topic_count == MAX_TOPICS ||
	    !read_topic(value, &s->topics[s->topic_count]))
		s->topic_count = MAX_TOPICS + 1; /* wrong */
	else
		s->topic_count++;
}

static void
get_events(struct call *c)
{
	struct live *l = api_live(c);
	struct stream *s = xcalloc(1, sizeof(*s));

	http_each_query(c->request, add_topic, s);
	if (s->topic_count == 0 || s->topic_count > MAX_TOPICS) {
		free(s);
		api_refuse(c,
		    "of is to be all, runners, project:ID, pipeline:ID or job:ID, and may be "
		    "said %d times",
		    MAX_TOPICS);
		return;
	}
	s->live = l;
	s->call = c;
	s->next = l->streams;
	s->at = &l->streams;
	if (s->next != NULL)
		s->next->at = &s->next;
	l->streams = s;
	c->data = s;
	c->on_gone = on_gone;
	c->on_drain = on_drain;
	api_hold(c);
	api_header(c, "Cache-Control", "no-cache");
	http_begin(c->request, 200, "text/event-stream", -1);
	catch_up(s);
	s->timer = api_timer_start(c, KEEP_ALIVE_MS, on_silence);
}

struct live *
live_new(struct service *service)
{
	struct live *l = xcalloc(1, sizeof(*l));

	l->service = service;
	l->run = service_now_us();
	l->watch = service_watch(service, on_change, l);
	return l;
}

/* Its watch is the service's, and went with that. */
void
live_free(struct live *l)
{
	free(l);
}

const struct api_route api_event_routes[] = {
	{ "GET", "/api/pawl/v1/events", API_READ, get_events },
	{ NULL },
};
