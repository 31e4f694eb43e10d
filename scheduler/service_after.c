/*
 * What follows the end of a job: a last line of its log if nobody else has written one;
 * then, on a worker, the coverage its log states, and the log packed if it is worth it.
 * Its pipeline stays in memory meanwhile.
 */
#include <fcntl.h>
#include <stdio.h>

#include "base/log.h"
#include "scheduler/coverage.h"
#include "scheduler/log_internal.h"
#include "scheduler/payload.h"
#include "scheduler/service_internal.h"

#define PACK_FROM (64 * 1024) /* bytes; a smaller log would save nothing */

struct afterwork {
	uv_work_t request;
	struct service *service;
	struct live_pipeline *pipeline;
	int64_t job, log_bytes;
	const char *pattern; /* the plan's; NULL: no coverage */
	double coverage;
};

/* ---- the last line -------------------------------------------------------------------
 */

/* NULL: there is nothing to say, or nobody to whom a log would say it. */
static char *
last_words(const struct live_job *job, const struct core_job *state)
{
	if (job->is_told || state->plan->config->trigger.present)
		return NULL;
	if (state->status == STATUS_CANCELED && state->started_us != 0)
		return xstrdup(
		    "Job canceled: its runner has not said that it ended it, so "
		    "it may still be at it");
	if (state->status != STATUS_FAILED)
		return NULL;
	if (state->lost)
		return xstrdup("Job failed (system failure): its runner was not heard of "
			       "any more");
	return xasprintf("Job failed: %s",
	    job->message[0] != '\0' ? job->message : reason_text(state->reason));
}

static void
append_last_words(void *data, const struct error *err)
{
	struct live_job *job = data;
	struct service *s = job->pipeline->service;
	cleanup_free char *words = last_words(job, core_job(s->core, job->id));

	if (err->code == 0 && words != NULL)
		service_append_last_line(s, job, words);
}

/* A log is of a job that is stored: a new one's number might be given again. */
void
service_close_log(struct service *s, struct live_job *job)
{
	static const struct error none = ERROR_INIT;
	const struct core_job *state = core_job(s->core, job->id);
	struct error refusal = ERROR_INIT;

	if (state->reason == REASON_RUNNER_UNSUPPORTED && job->message[0] == '\0' &&
	    payload_check(state->plan, &refusal) < 0)
		(void)snprintf(job->message, sizeof(job->message), "%.511s", refusal.msg);
	if (job->is_stored)
		append_last_words(job, &none);
	else
		service_after(s, append_last_words, job);
}

/* ---- on a worker ---------------------------------------------------------------------
 */

static void
find_coverage(struct afterwork *w)
{
	cleanup_free char *path =
	    log_path(log_store_dir(w->service->o.logs), w->job, LOG_PLAIN);
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct error err = ERROR_INIT;
	double percent;

	if (fd >= 0 && coverage_find(fd, w->pattern, &percent, &err) == 1)
		w->coverage = percent;
}

static void
on_worker(uv_work_t *request)
{
	struct afterwork *w = request->data;
	struct error err = ERROR_INIT;

	if (w->pattern != NULL)
		find_coverage(w);
	if (w->log_bytes >= PACK_FROM &&
	    log_store_compress(w->service->o.logs, w->job, &err) < 0)
		log_event(LOG_WARN, LOG_JOB(w->job), "its log: %s", err.msg);
}

static void
on_done(uv_work_t *request, int status UNUSED)
{
	struct afterwork *w = request->data;
	struct service *s = w->service;
	struct live_job *job = service_find_job(s, w->job);

	w->pipeline->busy--;
	if (job != NULL && w->coverage >= 0) {
		service_begin(s);
		job->coverage = w->coverage;
		service_touch_job(s, job);
		service_end(s); /* which also sees whether the pipeline may go */
	} else {
		service_try_to_forget(s, w->pipeline->id);
	}
	s->afterworks--;
	free(w);
}

void
service_follow_up(struct service *s, struct live_job *job)
{
	const struct core_job *state = core_job(s->core, job->id);
	const char *pattern =
	    state->status == STATUS_SUCCESS ? state->plan->config->coverage : NULL;
	struct afterwork *w;

	log_store_forget(s->o.logs, job->id);
	if (s->is_closing || (pattern == NULL && job->log_bytes < PACK_FROM))
		return;
	w = xcalloc(1, sizeof(*w));
	*w = (struct afterwork){ .service = s,
		.pipeline = job->pipeline,
		.job = job->id,
		.log_bytes = job->log_bytes,
		.pattern = pattern,
		.coverage = -1 };
	w->request.data = w;
	job->pipeline->busy++;
	s->afterworks++;
	uv_queue_work(s->o.loop, &w->request, on_worker, on_done);
}
