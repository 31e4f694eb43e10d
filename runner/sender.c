/*
 * One call at a time. What to do next follows from what is known: pump() looks at it
 * after each answer, at each growth of the log and when the timer fires.
 */
#include "runner/sender.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include <uv.h>

#include "base/crc32.h"
#include "base/http_client.h"
#include "base/log.h"
#include "base/str.h"
#include "protocol/json.h"

#define PATCH_MAX (1u << 20)
#define INTERVAL_MS 3000
#define INTERVAL_MAX_MS (15 * 60 * 1000)
#define FIRST_PATCH_MS 20 /* it shall bring the script's words, too */
/* The answer to a beat may be that the job is canceled, so the first ones come soon. */
#define FIRST_HEARTBEAT_MS 1000
#define HEARTBEAT_MS 5000
#define RETRY_MS 1000
#define RETRY_MAX_MS 30000
#define FINAL_TRIES 10                   /* in a row, that nobody answered */
#define FINAL_LIMIT_MS (6 * 3600 * 1000) /* and for so long */
#define CALL_LIMIT_MS (2 * 60 * 1000)
#define URL_MAX 2048

enum deed { IDLE, ACCEPTING, PATCHING, TOUCHING, FINISHING };

struct sender {
	struct sender_target target;
	struct sender_events events;
	uv_timer_t timer;
	bool timer_open, is_gone;
	char url[URL_MAX];
	char *job_header;
	int spool;

	enum deed deed;
	struct http_call *call;
	bool started, finishing, ended;
	bool told_cancel, told_abort;
	uint64_t grown;   /* bytes of the spool that are final */
	uint64_t sent;    /* that the server has */
	uint64_t patched; /* bytes of the patch on its way */
	bool probing;     /* one byte asks how much the server has */

	uint64_t grown_ms;                    /* when the spool got its first byte */
	uint64_t last_patch_ms, last_sent_ms; /* of uv_now() */
	uint64_t not_before_ms;               /* nothing is sent earlier */
	uint64_t interval_ms, heartbeat_ms;
	uint64_t wait_ms; /* after the next failure */
	unsigned failures;
	uint64_t finishing_ms; /* when that began */

	struct sender_end end;
	char reason[64];
	char *usage_samples, *image_digest;
	uint32_t crc;
	bool has_crc;
};

static void pump(struct sender *s);

static uint64_t
now_ms(const struct sender *s)
{
	return uv_now(s->target.loop);
}

/* ---- life ------------------------------------------------------------------ */

static uint64_t
or_else(int64_t ms, uint64_t otherwise)
{
	return ms > 0 ? (uint64_t)ms : otherwise;
}

struct sender *
sender_new(const struct sender_target *target, const struct sender_events *events)
{
	struct sender *s = xcalloc(1, sizeof(*s));

	s->target = *target;
	s->events = *events;
	s->spool = -1;
	s->interval_ms = INTERVAL_MS;
	s->heartbeat_ms = FIRST_HEARTBEAT_MS;
	s->wait_ms = or_else(target->retry_ms, RETRY_MS);
	s->probing = target->is_resumed;
	s->job_header = xasprintf("JOB-TOKEN: %s", target->token);
	uv_timer_init(target->loop, &s->timer);
	s->timer.data = s;
	s->timer_open = true;
	return s;
}

static void
on_timer_closed(uv_handle_t *handle)
{
	struct sender *s = handle->data;

	cleanup_close_fd(&s->spool);
	explicit_bzero(s->job_header, strlen(s->job_header));
	free(s->job_header);
	free(s->usage_samples);
	free(s->image_digest);
	free(s);
}

void
sender_free(struct sender *s)
{
	if (s == NULL || s->is_gone)
		return;
	s->is_gone = true;
	if (s->call != NULL)
		http_cancel(s->call);
	s->call = NULL;
	uv_close((uv_handle_t *)&s->timer, on_timer_closed);
}

static void
on_timer(uv_timer_t *timer)
{
	pump(timer->data);
}

static void
wake_at(struct sender *s, uint64_t at_ms)
{
	uint64_t now = now_ms(s);

	uv_timer_start(&s->timer, on_timer, at_ms > now ? at_ms - now : 0, 0);
}

static void
conclude(struct sender *s, enum sender_outcome outcome)
{
	if (s->ended)
		return;
	s->ended = true;
	uv_timer_stop(&s->timer);
	if (s->finishing)
		s->events.on_done(outcome, s->events.data);
}

/* ---- what an answer says --------------------------------------------------- */

static bool
says(const char *value, const char *word)
{
	return value != NULL && str_eq(value, word);
}

static void
read_interval(struct sender *s, const struct http_call *call)
{
	const char *text = http_reply_get(call, "X-GitLab-Trace-Update-Interval");
	int64_t seconds;

	if (text == NULL || !str_to_int64(text, &seconds) || seconds <= 0)
		return;
	s->interval_ms =
	    seconds > INTERVAL_MAX_MS / 1000 ? INTERVAL_MAX_MS : (uint64_t)seconds * 1000;
}

/* The server wants all to end: nobody listens to a word of this job any more. */
static bool
is_abort(const struct http_call *call, int status)
{
	const char *job = http_reply_get(call, "Job-Status");

	return status == 403 || says(job, "canceled") || says(job, "failed");
}

static void
abort_job(struct sender *s)
{
	if (s->finishing) {
		conclude(s, SENDER_REFUSED);
		return;
	}
	if (!s->told_abort) {
		s->told_abort = true;
		s->events.on_cancel(true, s->events.data);
	}
}

static void
read_cancel(struct sender *s, const struct http_call *call)
{
	if (s->finishing || s->told_cancel || s->told_abort ||
	    !says(http_reply_get(call, "Job-Status"), "canceling"))
		return;
	s->told_cancel = true;
	s->events.on_cancel(false, s->events.data);
}

/* "0-N", where N is how many bytes the server has. */
static uint64_t
read_range(const struct http_call *call)
{
	const char *range = http_reply_get(call, "Range");
	const char *dash = range == NULL ? NULL : strchr(range, '-');
	int64_t n;

	return dash != NULL && str_to_int64(dash + 1, &n) && n >= 0 ? (uint64_t)n : 0;
}

static void
succeed(struct sender *s)
{
	s->failures = 0;
	s->wait_ms = or_else(s->target.retry_ms, RETRY_MS);
	s->last_sent_ms = now_ms(s);
}

/* Later, and later each time; a server that was away must not meet all at once. */
static void
fail(struct sender *s, const char *what, const struct http_reply *reply)
{
	char words[256];
	uint64_t jitter = s->wait_ms / 4;

	error_answer_read(reply->status, reply->body, reply->len, words, sizeof(words));
	if (reply->status == 0)
		log_event(
		    LOG_INFO, LOG_JOB(s->target.job), "%s: %s", what, reply->error->msg);
	else
		log_event(LOG_INFO, LOG_JOB(s->target.job), "%s: the server answered %s",
		    what, words);
	s->failures++;
	s->not_before_ms =
	    now_ms(s) + s->wait_ms + (jitter > 0 ? uv_hrtime() / 1000 % jitter : 0);
	s->wait_ms = s->wait_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : s->wait_ms * 2;
	if (s->finishing && s->failures >= FINAL_TRIES &&
	    now_ms(s) - s->finishing_ms > FINAL_LIMIT_MS) {
		log_event(LOG_WARN, LOG_JOB(s->target.job),
		    "its end could not be told to the server");
		conclude(s, SENDER_LOST);
	}
}

/* ---- sending --------------------------------------------------------------- */

static void on_reply(struct http_call *call, const struct http_reply *reply, void *data);

static void
update(struct sender *s, enum deed deed, const struct runner_request *request)
{
	const char *headers[] = { "Content-Type: application/json",
		"Accept: application/json", s->job_header, NULL };
	cleanup_buf struct buf body = BUF_INIT;
	struct http_call_options o = { .method = "PUT",
		.url = s->url,
		.headers = headers,
		.timeout_ms = CALL_LIMIT_MS,
		.on_done = on_reply,
		.data = s };

	runner_request_write(request, &body);
	o.body = body.data;
	o.body_len = body.len;
	(void)snprintf(
	    s->url, sizeof(s->url), "%s/jobs/%" PRId64, s->target.api, s->target.job);
	s->deed = deed;
	s->call = http_send(s->target.client, &o);
	explicit_bzero(body.data, body.len); /* the token is in it */
}

static void
say_running(struct sender *s, enum deed deed)
{
	struct runner_request r = { .token = s->target.token, .state = "running" };

	update(s, deed, &r);
}

static ssize_t
read_spool(char *out, size_t size, int64_t offset, void *data)
{
	struct sender *s = data;
	uint64_t left = s->patched - (uint64_t)offset;
	ssize_t n;

	if (left == 0)
		return 0;
	n = pread(s->spool, out, size < left ? size : (size_t)left,
	    (off_t)(s->sent + (uint64_t)offset));
	return n == 0 ? -1 : n; /* it is shorter than it was */
}

static void
patch(struct sender *s)
{
	uint64_t left = s->grown - s->sent;
	cleanup_free char *range = NULL;
	const char *headers[] = { "Content-Type: text/plain", s->job_header, NULL, NULL };
	struct http_call_options o = { .method = "PATCH",
		.url = s->url,
		.headers = headers,
		.read = read_spool,
		.timeout_ms = CALL_LIMIT_MS,
		.on_done = on_reply,
		.data = s };

	if (s->spool < 0)
		s->spool = open(s->target.spool, O_RDONLY | O_CLOEXEC);
	s->patched = s->probing ? 1 : left < PATCH_MAX ? left : PATCH_MAX;
	range = xasprintf(
	    "Content-Range: %" PRIu64 "-%" PRIu64, s->sent, s->sent + s->patched - 1);
	headers[2] = range;
	o.read_size = (int64_t)s->patched;
	(void)snprintf(s->url, sizeof(s->url),
	    "%s/jobs/%" PRId64 "/trace?debug_trace=false", s->target.api, s->target.job);
	s->deed = PATCHING;
	s->last_patch_ms = now_ms(s);
	s->call = http_send(s->target.client, &o);
}

/* Of the whole spool, as the server will count it. */
static void
compute_crc(struct sender *s)
{
	struct crc32 crc;
	uint64_t at = 0;
	cleanup_free char *block = xmalloc(65536);

	if (s->spool < 0 && s->target.spool != NULL)
		s->spool = open(s->target.spool, O_RDONLY | O_CLOEXEC);
	crc32_init(&crc);
	while (at < s->grown) {
		uint64_t left = s->grown - at;
		ssize_t n = pread(
		    s->spool, block, left < 65536 ? (size_t)left : 65536, (off_t)at);

		if (n <= 0)
			return; /* then it is not said */
		crc32_add(&crc, block, (size_t)n);
		at += (uint64_t)n;
	}
	s->crc = crc32_value(&crc);
	s->has_crc = true;
}

static void
say_end(struct sender *s)
{
	struct runner_request r = { .token = s->target.token,
		.state = s->end.success ? "success" : "failed",
		.failure_reason_name = s->end.success ? NULL : s->reason,
		.exit_code = s->end.exit_code,
		.usage = s->end.usage,
		.usage_samples = s->usage_samples,
		.image_digest = s->image_digest,
		.bytesize = (int64_t)s->grown };

	if (!s->has_crc)
		compute_crc(s);
	r.has_checksum = s->has_crc;
	r.checksum = s->crc;
	update(s, FINISHING, &r);
}

/* When the log may be sent: the first bytes soon, later ones once per interval. */
static uint64_t
patch_due_ms(const struct sender *s)
{
	if (s->finishing)
		return 0;
	if (s->last_patch_ms == 0)
		return s->grown_ms + FIRST_PATCH_MS;
	return s->last_patch_ms + s->interval_ms;
}

static void
beat(struct sender *s)
{
	s->heartbeat_ms =
	    s->heartbeat_ms * 2 < HEARTBEAT_MS ? s->heartbeat_ms * 2 : HEARTBEAT_MS;
	say_running(s, TOUCHING);
}

static void
pump(struct sender *s)
{
	uint64_t now = now_ms(s), due;
	uint64_t heartbeat = or_else(s->target.heartbeat_ms, s->heartbeat_ms);

	if (s->deed != IDLE || s->ended || s->is_gone || !s->started)
		return;
	if (s->told_abort && !s->finishing)
		return; /* nobody listens; the end will be tried once */
	if (now < s->not_before_ms) {
		wake_at(s, s->not_before_ms);
		return;
	}
	due = s->last_sent_ms + heartbeat;
	if (s->grown > s->sent && patch_due_ms(s) < due)
		due = patch_due_ms(s);
	if (s->grown > s->sent && patch_due_ms(s) <= now)
		patch(s);
	else if (s->finishing)
		say_end(s);
	else if (due <= now)
		beat(s);
	else
		wake_at(s, due);
}

/* ---- answers --------------------------------------------------------------- */

static void
on_patched(struct sender *s, const struct http_call *call, const struct http_reply *reply)
{
	if (reply->status == 202) {
		s->probing = false;
		s->sent += s->patched;
		succeed(s);
	} else if (reply->status == 416) {
		uint64_t has = read_range(call);
		bool moved = has != s->sent;

		s->probing = false;
		s->sent = has < s->grown ? has : s->grown;
		if (moved)
			succeed(s); /* at once: it has just said where to go on */
		else
			fail(s, "log", reply);
	} else if (reply->status == 404 && s->finishing) {
		s->sent = s->grown; /* it takes no log any more: what counts is the end */
	} else {
		fail(s, "log", reply);
	}
}

static void
on_finished(
    struct sender *s, const struct http_call *call UNUSED, const struct http_reply *reply)
{
	switch (reply->status) {
	case 200:
		conclude(s, SENDER_TOLD);
		break;
	case 202: /* taken, but not complete: once more, when it says */
		succeed(s);
		s->not_before_ms = now_ms(s) + s->interval_ms;
		break;
	case 404:
		conclude(s, SENDER_REFUSED);
		break;
	case 412: /* what it has is not what was sent */
		s->sent = 0;
		fail(s, "end", reply);
		break;
	default:
		fail(s, "end", reply);
		break;
	}
}

static void
on_accept_answered(struct sender *s, bool aborted, const struct http_reply *reply)
{
	if (reply->status == 0)
		log_event(LOG_INFO, LOG_JOB(s->target.job), "%s", reply->error->msg);
	s->last_sent_ms = now_ms(s);
	s->events.on_accepted(!aborted && reply->status != 404, s->events.data);
}

static void
on_reply(struct http_call *call, const struct http_reply *reply, void *data)
{
	struct sender *s = data;
	enum deed deed = s->deed;
	bool aborted = is_abort(call, reply->status);

	s->deed = IDLE;
	s->call = NULL;
	read_interval(s, call);
	if (deed == ACCEPTING) {
		on_accept_answered(s, aborted, reply);
		if (!s->is_gone && !aborted)
			read_cancel(s, call);
	} else if (aborted || (deed == TOUCHING && reply->status == 404)) {
		abort_job(s);
	} else {
		if (deed == PATCHING)
			on_patched(s, call, reply);
		else if (deed == FINISHING)
			on_finished(s, call, reply);
		else if (reply->status == 200 || reply->status == 202)
			succeed(s);
		else
			fail(s, "heartbeat", reply);
		if (!s->is_gone)
			read_cancel(s, call);
	}
	if (!s->is_gone)
		pump(s);
}

/* ---- what the job's owner says --------------------------------------------- */

void
sender_accept(struct sender *s)
{
	say_running(s, ACCEPTING);
}

void
sender_start(struct sender *s)
{
	s->started = true;
	s->last_sent_ms = now_ms(s);
	pump(s);
}

void
sender_grow(struct sender *s, uint64_t bytes)
{
	if (bytes <= s->grown)
		return;
	if (s->grown == 0)
		s->grown_ms = now_ms(s);
	s->grown = bytes;
	pump(s);
}

void
sender_finish(struct sender *s, const struct sender_end *end)
{
	s->finishing = true;
	s->finishing_ms = now_ms(s);
	s->not_before_ms = 0;
	s->end = *end;
	free(s->usage_samples);
	s->usage_samples =
	    end->usage_samples != NULL ? xstrdup(end->usage_samples) : NULL;
	free(s->image_digest);
	s->image_digest = end->image_digest != NULL ? xstrdup(end->image_digest) : NULL;
	if (end->failure_reason != NULL)
		(void)snprintf(s->reason, sizeof(s->reason), "%s", end->failure_reason);
	s->started = true;
	pump(s);
}
