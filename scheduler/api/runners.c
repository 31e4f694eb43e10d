/*
 * What runners speak, GitLab's stock one and pawl's: runner-protocol.md sections 2 to 6
 * and 13. A job's calls are opened by its token, as long as it lives; to anyone else they
 * say 403, which tells a runner to drop the job.
 */
#include <stdio.h>

#include "base/log.h"
#include "base/str.h"
#include "scheduler/api/api.h"
#include "scheduler/log_store.h"

#define POLL_MS 50000     /* GitLab's long poll */
#define LIVE_INTERVAL_S 1 /* between patches of a log: somebody may be watching */
#define MAX_PATCH ((size_t)64 << 20)
#define MAX_UPDATE ((size_t)1 << 20)

/* ---- runners --------------------------------------------------------------------------
 */

static struct registered_runner *
runner_of(struct call *c, const struct runner_request *q)
{
	const char *token = q->token != NULL ? q->token : "";
	struct registered_runner *n =
	    registry_runner_by_token(service_registry(c->service), token);

	if (n == NULL)
		api_error(c, 403, "403 Forbidden");
	return n;
}

static bool
read_request(struct call *c, struct runner_request *q)
{
	struct error err = ERROR_INIT;

	if (runner_request_read(c->body, c->body_len, q, &err) == 0)
		return true;
	api_error(c, 400, "%s", err.msg);
	return false;
}

static void
verify(struct call *c)
{
	cleanup_runner_request struct runner_request q = { .arena = NULL };
	cleanup_buf struct buf json = BUF_INIT;
	struct runner_identity id = { .id = 0 };
	struct registered_runner *n;

	if (!read_request(c, &q) || (n = runner_of(c, &q)) == NULL)
		return;
	id.id = n->row.id;
	(void)snprintf(id.token, sizeof(id.token), "%s", q.token);
	runner_identity_write(&id, &json);
	service_runner_seen(c->service, n->row.id, &q.info);
	api_json(c, 200, &json);
}

static void
unregister(struct call *c)
{
	cleanup_runner_request struct runner_request q = { .arena = NULL };
	struct registered_runner *n;
	int64_t id;

	if (!read_request(c, &q) || (n = runner_of(c, &q)) == NULL)
		return;
	id = n->row.id;
	api_hold(c);
	registry_remove_runner(service_registry(c->service), id, api_done, c);
	service_forget_runner(c->service, id);
}

/* ---- jobs/request
 * ------------------------------------------------------------------------- */

struct wait {
	struct call *call;
	struct service_poll *poll;
	struct api_timer *timer;
};

static void
end_wait(struct call *c)
{
	struct wait *w = c->data;

	api_timer_stop(take(w->timer));
}

static void
on_given(void *data, const char *json, size_t len)
{
	struct call *c = data;

	end_wait(c);
	api_header(
	    c, "X-GitLab-Last-Update", "%" PRId64, service_queue_version(c->service));
	api_reply(c, 201, "application/json", json, len);
	api_let_go(c);
}

static void
no_job(struct call *c)
{
	api_header(
	    c, "X-GitLab-Last-Update", "%" PRId64, service_queue_version(c->service));
	api_header(c, "Gitlab-Ci-Builds-Polling", "yes");
	api_empty(c, 204);
}

static void
on_poll_over(struct call *c)
{
	struct wait *w = c->data;

	w->timer = NULL;
	if (!service_take_back(w->poll))
		return; /* a job is on its way */
	no_job(c);
	api_let_go(c);
}

static void
on_drain(struct call *c)
{
	end_wait(c);
	on_poll_over(c);
}

static void
on_runner_gone(struct call *c)
{
	struct wait *w = c->data;

	end_wait(c);
	service_abandon(w->poll);
	api_let_go(c);
}

static void
request_job(struct call *c)
{
	cleanup_runner_request struct runner_request q = { .arena = NULL };
	struct registered_runner *n;
	struct wait *w;

	if (!read_request(c, &q) || (n = runner_of(c, &q)) == NULL)
		return;
	service_runner_seen(c->service, n->row.id, &q.info);
	if (n->row.paused || service_is_draining(c->service)) {
		no_job(c);
		return;
	}
	w = arena_alloc(c->arena, sizeof(*w));
	w->call = c;
	c->data = w;
	c->on_gone = on_runner_gone;
	c->on_drain = on_drain;
	api_hold(c);
	w->timer = api_timer_start(c, POLL_MS, on_poll_over);
	w->poll = service_ask(c->service, n->row.id,
	    (q.info.features & FEATURE_BIT(FEATURE_TWO_PHASE_JOB_COMMIT)) != 0, on_given,
	    c);
}

/* ---- a job's own calls
 * ------------------------------------------------------------------------ */

static void
say_status(struct call *c, const struct live_job *job)
{
	const struct core_job *state = core_job(service_core(c->service), job->id);

	api_header(c, "Job-Status", "%s", status_name(state->status));
	api_header(c, "X-GitLab-Trace-Update-Interval", "%d", LIVE_INTERVAL_S);
}

static void
on_updated(void *data, const struct error *err)
{
	struct call *c = data;
	struct live_job *job = c->data;

	if (err->code != 0) {
		api_fail(c, err);
	} else {
		if (job != NULL)
			say_status(c, job);
		api_reply(c, 200, "text/plain", "200", 3);
	}
	api_let_go(c);
}

static void
start_or_touch(struct call *c, struct live_job *job)
{
	struct job_update update = { .running = true };
	struct error err = ERROR_INIT;
	const struct core_job *state = core_job(service_core(c->service), job->id);

	if (state->status != STATUS_PENDING) { /* a heartbeat, which is no change */
		say_status(c, job);
		api_reply(c, 200, "text/plain", "200", 3);
		return;
	}
	api_hold(c);
	c->data = job;
	if (service_update_job(c->service, job, &update, on_updated, c, &err) < 0) {
		api_error(c, 403, "%s", err.msg);
		api_let_go(c);
	}
}

/* They are nice to have: what is wrong with them is no failure of the job. */
static void
keep_samples(struct call *c, const struct live_job *job, const struct runner_request *q)
{
	const char *text = q->usage_samples;
	struct error err = ERROR_INIT;

	if (text == NULL || !str_starts(text, JOB_USAGE_HEAD) ||
	    strlen(text) > LOG_USAGE_MAX)
		return;
	if (log_store_keep_usage(
		service_logs(c->service), job->id, text, strlen(text), &err) < 0)
		log_event(
		    LOG_WARN, LOG_JOB(job->id), "what it used is not kept: %s", err.msg);
}

static void
finish_job(struct call *c, struct live_job *job, const struct runner_request *q)
{
	struct job_update update = {
		.success = str_eq(q->state, "success"),
		.reason = q->failure_reason,
		.exit_code = (int)q->exit_code,
		.usage = q->usage,
		.image_digest = q->image_digest,
		.log_crc32 = q->has_checksum ? (int64_t)q->checksum : -1,
	};
	struct error err = ERROR_INIT;

	if (!update.success && update.reason == REASON_NONE)
		update.reason = REASON_UNKNOWN_FAILURE;
	update.canceled = !update.success && update.reason == REASON_JOB_CANCELED;
	keep_samples(c, job, q);
	api_hold(c);
	c->data = NULL; /* it may be gone when this is on disk */
	if (service_update_job(c->service, job, &update, on_updated, c, &err) < 0) {
		api_error(c, 403, "%s", err.msg);
		api_let_go(c);
	}
}

static void
update_job(struct call *c)
{
	cleanup_runner_request struct runner_request q = { .arena = NULL };
	const char *header = http_header(c->request, "JOB-TOKEN");
	struct live_job *job;

	if (!read_request(c, &q))
		return;
	job = api_job_of_token(c, 0, header != NULL ? header : q.token);
	if (job == NULL)
		return;
	if (q.state == NULL || str_eq(q.state, "running"))
		start_or_touch(c, job);
	else if (str_eq(q.state, "pending"))
		api_reply(c, 200, "text/plain", "200", 3);
	else if (str_eq(q.state, "success") || str_eq(q.state, "failed"))
		finish_job(c, job, &q);
	else
		api_error(c, 400, "state %s is not known", q.state);
}

/* ---- the log
 * ------------------------------------------------------------------------------------ */

static void
say_range(struct call *c, const struct live_job *job)
{
	say_status(c, job);
	api_header(c, "Range", "0-%" PRId64, job->log_bytes);
}

/* "START-END" */
static bool
parse_range(const char *text, int64_t *start)
{
	char digits[24];
	size_t n = text == NULL ? 0 : strcspn(text, "-");

	if (n == 0 || n >= sizeof(digits) || text[n] != '-')
		return false;
	(void)snprintf(digits, sizeof(digits), "%.*s", (int)n, text);
	return str_to_int64(digits, start) && *start >= 0;
}

static void
on_oversized(void *data, const struct error *err UNUSED)
{
	struct call *c = data;

	api_error(c, 403, "403 Forbidden: the log is too large");
	api_let_go(c);
}

/* The job ends; the 403 tells its runner to stop. */
static void
end_oversized(struct call *c, struct live_job *job, const struct error *why)
{
	const struct job_update update = { .reason = REASON_TRACE_SIZE_EXCEEDED,
		.log_crc32 = -1 };
	struct error err = ERROR_INIT;

	(void)snprintf(job->message, sizeof(job->message), "%.511s", why->msg);
	api_hold(c);
	if (service_update_job(c->service, job, &update, on_oversized, c, &err) < 0)
		on_oversized(c, &err);
}

static void
on_patch(struct http_request *r, const char *body, size_t len, void *data)
{
	struct call *c = data;
	struct live_job *job = api_job_of_token(c, 0, NULL);
	int64_t start;
	struct error err = ERROR_INIT;

	if (job == NULL)
		return;
	if (!parse_range(http_header(r, "Content-Range"), &start)) {
		api_error(c, 400, "Content-Range: wanted START-END");
		return;
	}
	if (start != job->log_bytes) {
		say_range(c, job);
		api_empty(c, 416);
		return;
	}
	if (service_append_log(c->service, job, body, len, &err) < 0) {
		if (err.code == ERR_LIMIT)
			end_oversized(c, job, &err);
		else
			api_fail(c, &err);
		return;
	}
	say_range(c, job);
	api_empty(c, 202);
}

static void
patch_trace(struct call *c)
{
	http_read_body(c->request, MAX_PATCH, on_patch, c);
}

const struct api_route api_runner_routes[] = {
	{ "POST", "/api/v4/runners/verify", API_OPEN, verify },
	{ "DELETE", "/api/v4/runners", API_OPEN, unregister },
	{ "POST", "/api/v4/jobs/request", API_OPEN, request_job },
	{ "PUT", "/api/v4/jobs/:id", API_OPEN, update_job },
	{ "PATCH", "/api/v4/jobs/:id/trace", API_OPEN, patch_trace, true },
	{ NULL },
};
