/*
 * What pawl-hook says after a push, over the server's own socket, and what the pusher
 * reads: the link and the jobs, or what is wrong; with ci.wait how it goes on and ends.
 * By the first words, "pipeline #" or "pawl: ", the hook of a repository hosted elsewhere
 * knows that refs have moved (scheduler/hook/forward.c).
 */
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "scheduler/api/api.h"
#include "scheduler/push.h"
#include "scheduler/service_internal.h"

#define SILENCE_MS 4000 /* a proxy or a pusher's git gives up on a silent one */
#define MAX_FINDINGS 20 /* lines shown of what is wrong */
#define MAX_HOPELESS 5  /* jobs named that nobody could take */

struct hook {
	struct call *call;
	struct project *project;
	struct push_options options;
	int64_t *pipelines; /* that are waited for */
	size_t count, cap;
	bool looked, is_ending; /* the server, that is */
	struct service_watch *watch;
	struct api_timer *timer;
};

static void say(struct hook *h, const char *fmt, ...) PRINTF(2, 3);

static void
say(struct hook *h, const char *fmt, ...)
{
	cleanup_free char *text = NULL;
	va_list ap;

	if (h->call->is_gone)
		return;
	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	http_write(h->call->request, text, strlen(text));
}

static void
finish(struct hook *h)
{
	struct call *c = h->call;

	service_unwatch(h->watch);
	api_timer_stop(take(h->timer));
	if (!c->is_gone)
		http_end(c->request);
	c->is_answered = true;
	c->data = NULL;
	free(h->pipelines);
	free(h);
	api_let_go(c);
}

static void
finish_if_done(struct hook *h)
{
	if (!h->looked)
		return;
	if (h->count > 0 && h->is_ending)
		say(h,
		    "pawl: the server is ending; what runs goes on. "
		    "`pawl status --wait` has the verdict\n");
	if (h->count == 0 || h->is_ending)
		finish(h);
}

static void
on_drain(struct call *c)
{
	struct hook *h = c->data;

	if (h == NULL)
		return;
	h->is_ending = true;
	finish_if_done(h);
}

/* ---- what came of a ref
 * ------------------------------------------------------------------ */

/* "  build: make, lint" for each stage that has jobs. */
static void
say_jobs(struct hook *h, const struct plan *plan)
{
	for (size_t s = 0; s < plan->stages.count; s++) {
		cleanup_buf struct buf line = BUF_INIT;
		size_t shown = 0, more = 0;

		for (size_t i = 0; i < plan->job_count; i++) {
			const struct plan_job *job = &plan->jobs[i];

			if (!job->created || job->stage_index != s)
				continue;
			if (shown == 8)
				more++;
			else
				buf_printf(
				    &line, "%s%s", shown++ > 0 ? ", " : "", job->name);
		}
		if (more > 0)
			buf_printf(&line, " and %zu more", more);
		if (line.len > 0)
			say(h, "  %s: %s\n", plan->stages.items[s], buf_str(&line));
	}
}

static void
say_findings(struct hook *h, const char *findings)
{
	int lines = 0;

	for (const char *at = findings; *at != '\0';) {
		size_t len = strcspn(at, "\n");

		if (++lines > MAX_FINDINGS) {
			say(h, "  and more\n");
			return;
		}
		say(h, "  %.*s\n", (int)len, at);
		at += len + (at[len] == '\n');
	}
}

/* Those that no runner could ever take, as soon as they are there. */
static void
say_hopeless(struct hook *h, int64_t id)
{
	const struct core *core = service_core(h->call->service);
	const struct core_pipeline *p = core_pipeline(core, id);
	size_t found = 0;

	for (size_t i = 0; p != NULL && i < p->job_count; i++) {
		struct core_wait wait;

		if (core_explain(core, p->jobs[i], &wait) && wait.never &&
		    ++found <= MAX_HOPELESS)
			say(h, "  warning: no runner can take %s: %s\n",
			    core_job(core, p->jobs[i])->plan->name, wait.text);
	}
	if (found > MAX_HOPELESS)
		say(h, "  warning: nor %zu more jobs\n", found - MAX_HOPELESS);
}

/* Whether a pipeline is over, which is said then. */
static bool
say_verdict(struct hook *h, int64_t id)
{
	const struct core_pipeline *p = core_pipeline(service_core(h->call->service), id);

	if (p == NULL || !(status_is_completed(p->status) || p->status == STATUS_MANUAL))
		return false;
	say(h, "pipeline %" PRId64 ": %s\n", id,
	    p->status == STATUS_MANUAL ? "waits for a person" : status_name(p->status));
	return true;
}

static void
say_made(struct hook *h, const struct push_result *r)
{
	const struct pipeline_outcome *o = r->outcome;

	say(h, "pipeline #%" PRId64 " %s/%s/-/pipelines/%" PRId64 "\n", o->iid,
	    service_server_url(h->call->service), h->project->row.path, o->id);
	say_jobs(h, o->plan);
	say_findings(h, o->findings);
	say_hopeless(h, o->id);
	if (!h->options.wait)
		return;
	/* one whose jobs are all manual will not change by itself */
	if (say_verdict(h, o->id))
		return;
	say(h, "  Ctrl-C leaves it running; `pawl status --wait` has the verdict\n");
	GROW(h->pipelines, h->count, h->cap);
	h->pipelines[h->count++] = o->id;
}

static void
on_result(const struct push_result *r, void *data)
{
	struct hook *h = data;
	const struct pipeline_outcome *o = r->outcome;

	switch (o->verdict) {
	case PIPELINE_MADE:
		say_made(h, r);
		break;
	case PIPELINE_SKIPPED:
		say(h, "pipeline #%" PRId64 " skipped, as asked\n", o->iid);
		break;
	case PIPELINE_INVALID:
		say(h, "pawl: the pipeline file of %s is wrong:\n", r->ref);
		say_findings(h, o->findings);
		break;
	case PIPELINE_NO_FILE:
		say(h, "pawl: no pipeline: the commit has no .gitlab-ci.yml\n");
		break;
	case PIPELINE_FILTERED:
		say(h, "pawl: no pipeline for this push:\n");
		say_findings(h, o->findings);
		break;
	case PIPELINE_ERROR:
		say(h, "pawl: no pipeline: %s\n", o->error->msg);
		break;
	}
}

static void
on_import(size_t refs, void *data)
{
	say(data,
	    "pawl: %zu refs at once are an import: the default branch alone gets a "
	    "pipeline\n",
	    refs);
}

static void
on_looked(void *data, const struct error *err)
{
	struct hook *h = data;

	if (err->code != 0)
		say(h, "pawl: %s\n", err->msg);
	h->looked = true;
	finish_if_done(h);
}

/* ---- following
 * --------------------------------------------------------------------------------- */

static bool
is_followed(const struct hook *h, int64_t pipeline, size_t *at)
{
	for (size_t i = 0; i < h->count; i++)
		if (h->pipelines[i] == pipeline) {
			*at = i;
			return true;
		}
	return false;
}

static void
say_job(struct hook *h, const struct core_job *job)
{
	double seconds =
	    job->started_us == 0 ? 0 : (double)(job->finished_us - job->started_us) / 1e6;

	if (status_is_completed(job->status) && job->status != STATUS_SKIPPED)
		say(h, "  %s: %s%s%s (%.1f s)\n", job->plan->name,
		    status_name(job->status), job->reason != REASON_NONE ? ", " : "",
		    job->reason != REASON_NONE ? reason_text(job->reason) : "", seconds);
	else if (job->status == STATUS_RUNNING)
		say(h, "  %s: running\n", job->plan->name);
}

static void
on_change(void *data, const struct service_change *change)
{
	struct hook *h = data;
	const struct core *core = service_core(h->call->service);
	size_t at;

	if (change->log_bytes != 0 || !is_followed(h, change->pipeline, &at))
		return;
	if (change->job != 0) {
		const struct core_job *job = core_job(core, change->job);

		if (job != NULL)
			say_job(h, job);
		return;
	}
	if (!say_verdict(h, change->pipeline))
		return;
	h->pipelines[at] = h->pipelines[--h->count];
	finish_if_done(h);
}

/* Of the push's own pipelines. */
struct progress {
	size_t running, waiting;
	char why[512]; /* the first job waits; "" when none does */
};

static void
add_progress(const struct core *core, const struct core_job *job, struct progress *out)
{
	struct core_wait wait;

	out->running += job->status == STATUS_RUNNING || job->status == STATUS_CANCELING;
	if (job->status != STATUS_PENDING && job->status != STATUS_WAITING_FOR_RESOURCE)
		return;
	out->waiting++;
	if (out->why[0] == '\0' && core_explain(core, job->id, &wait) &&
	    wait.text[0] != '\0')
		(void)snprintf(out->why, sizeof(out->why), "; %.128s waits: %s",
		    job->plan->name, wait.text);
}

static struct progress
progress(const struct hook *h)
{
	const struct core *core = service_core(h->call->service);
	struct progress out = { .why = "" };

	for (size_t i = 0; i < h->count; i++) {
		const struct core_pipeline *p = core_pipeline(core, h->pipelines[i]);

		for (size_t k = 0; p != NULL && k < p->job_count; k++)
			add_progress(core, core_job(core, p->jobs[k]), &out);
	}
	return out;
}

static void
on_silence(struct call *c)
{
	struct hook *h = c->data;
	struct progress now = progress(h);

	say(h, "  (%zu running, %zu waiting%s)\n", now.running, now.waiting, now.why);
	h->timer = api_timer_start(c, SILENCE_MS, on_silence);
}

/* ---- the request
 * ----------------------------------------------------------------------------------- */

struct said {
	int64_t project, user, push;
	struct strlist refs, options;
};

static void
read_line(struct said *s, const char *line)
{
	if (str_starts(line, "project "))
		(void)str_to_int64(line + 8, &s->project);
	else if (str_starts(line, "user "))
		(void)str_to_int64(line + 5, &s->user);
	else if (str_starts(line, "push "))
		(void)str_to_int64(line + 5, &s->push);
	else if (str_starts(line, "option "))
		strlist_add(&s->options, line + 7);
	else if (str_starts(line, "ref "))
		strlist_add(&s->refs, line + 4);
}

static void
read_lines(struct said *s, const char *body, size_t len)
{
	cleanup_free char *text = xstrndup(body, len);
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save))
		read_line(s, line);
}

static void
on_pusher_gone(struct call *c)
{
	struct hook *h = c->data;

	if (h != NULL && h->looked)
		finish(h);
}

static void
begin(struct call *c, struct project *p, const struct said *said)
{
	struct hook *h = xcalloc(1, sizeof(*h));
	struct push_events events = { on_import, on_result, on_looked, h };

	h->call = c;
	h->project = p;
	push_read_options(&said->options, c->arena, &h->options);
	c->data = h;
	c->on_gone = on_pusher_gone;
	c->on_drain = on_drain;
	api_hold(c);
	http_begin(c->request, 200, "text/plain", -1);
	if (h->options.error != NULL)
		say(h, "pawl: %s\n", h->options.error);
	if (h->options.wait) {
		h->watch = service_watch(c->service, on_change, h);
		h->timer = api_timer_start(c, SILENCE_MS, on_silence);
	}
	push_look(c->service, p, &said->refs, said->user, &h->options, &events);
}

/* Only this machine's user may speak for a push: it is who runs the server and its git.
 */
static bool
is_own(struct call *c)
{
	char own[32];

	(void)snprintf(own, sizeof(own), "unix:%u", (unsigned)getuid());
	return http_is_unix(c->request) && str_eq(http_peer(c->request), own);
}

static void
take_hook(struct call *c)
{
	struct said said = { .project = 0 };
	struct project *p;

	if (!is_own(c)) {
		api_error(c, 403, "403 Forbidden");
		return;
	}
	read_lines(&said, c->body, c->body_len);
	p = registry_project(service_registry(c->service), said.project);
	if (p == NULL) {
		api_error(c, 404, "404 Project Not Found");
	} else {
		api_git_told(c->api, said.push);
		begin(c, p, &said);
	}
	strlist_clear(&said.refs);
	strlist_clear(&said.options);
}

const struct api_route api_hook_routes[] = {
	{ "POST", "/api/pawl/v1/hook", API_OPEN, take_hook },
	{ NULL },
};
