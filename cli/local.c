/* The loop of a local run: signals, timers, and the way from effects to deeds. */
#include "cli/local.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "base/visible.h"
#include "runner/build.h"

#define TICK_MS 100
#define LOCAL_RUNNER 1 /* its id, as the core sees it */

struct local_handles {
	uv_signal_t interrupt, terminate;
	uv_timer_t tick, timer;
	uv_prepare_t prepare;
};

int64_t
local_now_us(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_REALTIME, &ts) < 0)
		return 0;
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

struct local_job *
local_find_job(struct local *local, int64_t id)
{
	if (id < local->ids.job || (uint64_t)(id - local->ids.job) >= local->job_count)
		return NULL;
	return local->jobs[id - local->ids.job];
}

static struct local_pipeline *
find_pipeline(const struct local *local, int64_t id)
{
	for (size_t i = 0; i < local->pipeline_count; i++)
		if (local->pipelines[i]->id == id)
			return local->pipelines[i];
	return NULL;
}

struct local_pipeline *
local_add_pipeline(struct local *local, struct plan *plan, const struct event *event)
{
	struct local_pipeline *p = xcalloc(1, sizeof(*p));

	p->plan = plan;
	p->event = *event;
	p->id = local->ids.pipeline + (int64_t)local->pipeline_count;
	p->event.pipeline_id = p->event.pipeline_iid = p->id;
	GROW(local->pipelines, local->pipeline_count, local->pipeline_cap);
	local->pipelines[local->pipeline_count++] = p;
	return p;
}

static void
on_job_created(struct local *local, const struct core_effect *effect)
{
	struct local_job *job = xcalloc(1, sizeof(*job));

	job->local = local;
	job->id = effect->job;
	job->pipeline = find_pipeline(local, effect->pipeline);
	GROW(local->jobs, local->job_count, local->job_cap);
	local->jobs[local->job_count++] = job;
}

static void on_timer(uv_timer_t *timer);

static void
start_timer(struct local *local, int64_t at_us)
{
	int64_t wait_us = at_us - local_now_us();

	if (at_us == INT64_MAX) {
		uv_timer_stop(&local->handles->timer);
		return;
	}
	uv_timer_start(&local->handles->timer, on_timer,
	    wait_us > 0 ? (uint64_t)(wait_us + 999) / 1000 : 0, 0);
}

static void
act(struct local *local, const struct core_effect *effect)
{
	switch (effect->type) {
	case CORE_JOB_CREATED:
		on_job_created(local, effect);
		break;
	case CORE_JOB_CHANGED:
		local_show_job(local, effect->job);
		break;
	case CORE_ASSIGN:
		local_start_job(local, effect->job);
		break;
	case CORE_CANCEL:
		local_cancel_job(local, effect->job, false);
		break;
	case CORE_START_DOWNSTREAM:
		local_start_child(local, effect->job);
		break;
	case CORE_TIMER:
		start_timer(local, effect->time_us);
		break;
	case CORE_PIPELINE_CREATED:
	case CORE_PIPELINE_CHANGED:
		break;
	}
}

/* Effects may send events that add effects: only the outermost call works them off. */
static void
drain(struct local *local)
{
	static const struct core_effect none;
	size_t i = 0;

	for (; i < local->effects.count; i++) {
		struct core_effect effect = local->effects.items[i];

		local->effects.items[i] = none;
		act(local, &effect);
	}
	local->effects.count = 0;
}

void
local_send(struct local *local, struct core_event event)
{
	bool outermost = local->effects.count == 0;
	struct error err = ERROR_INIT;

	event.time_us = local_now_us();
	if (core_handle(local->core, &event, &local->effects, &err) < 0 &&
	    local->fault.code == 0)
		error_set(&local->fault, ERR_FOREIGN, "scheduler: %s", err.msg);
	if (outermost)
		drain(local);
}

static void
on_timer(uv_timer_t *timer)
{
	local_send(timer->data, (struct core_event){ .type = CORE_TICK });
}

static void
on_tick(uv_timer_t *timer)
{
	struct local *local = timer->data;

	screen_tick(local->screen, local_now_us());
}

/* Before the loop sleeps, what was said is shown; and when nothing is left, it ends. */
static void
on_prepare(uv_prepare_t *prepare)
{
	struct local *local = prepare->data;

	screen_flush(local->screen);
}

/* The first asks jobs to end well, the second ends them. */
static void
on_signal(uv_signal_t *handle, int signum)
{
	struct local *local = handle->data;

	local->interrupts++;
	if (local->interrupts == 1) {
		screen_message(local->screen,
		    "%s: canceling; after_script still runs. Again to kill.",
		    signum == SIGINT ? "Interrupted" : "Terminated");
		for (size_t i = 0; i < local->pipeline_count; i++)
			local_send(local,
			    (struct core_event){ .type = CORE_CANCEL_PIPELINE,
				.pipeline = local->pipelines[i]->id });
	} else {
		for (size_t i = 0; i < local->job_count; i++)
			local_cancel_job(local, local->jobs[i]->id, true);
	}
}

static void
open_handles(struct local *local)
{
	struct local_handles *h = xcalloc(1, sizeof(*h));

	local->handles = h;
	h->interrupt.data = h->terminate.data = h->tick.data = h->timer.data =
	    h->prepare.data = local;
	uv_signal_init(local->loop, &h->interrupt);
	uv_signal_init(local->loop, &h->terminate);
	uv_timer_init(local->loop, &h->tick);
	uv_timer_init(local->loop, &h->timer);
	uv_prepare_init(local->loop, &h->prepare);
	uv_signal_start(&h->interrupt, on_signal, SIGINT);
	uv_signal_start(&h->terminate, on_signal, SIGTERM);
	uv_timer_start(&h->tick, on_tick, TICK_MS, TICK_MS);
	uv_prepare_start(&h->prepare, on_prepare);
	/* the loop lives as long as builds do, and as a delayed job waits */
	uv_unref((uv_handle_t *)&h->interrupt);
	uv_unref((uv_handle_t *)&h->terminate);
	uv_unref((uv_handle_t *)&h->tick);
	uv_unref((uv_handle_t *)&h->prepare);
}

static void
close_handles(struct local *local)
{
	struct local_handles *h = local->handles;

	uv_close((uv_handle_t *)&h->interrupt, NULL);
	uv_close((uv_handle_t *)&h->terminate, NULL);
	uv_close((uv_handle_t *)&h->tick, NULL);
	uv_close((uv_handle_t *)&h->timer, NULL);
	uv_close((uv_handle_t *)&h->prepare, NULL);
	uv_run(local->loop, UV_RUN_DEFAULT);
	free(h);
}

static size_t
name_width(const struct plan *plan, const struct local_options *options)
{
	size_t width = 0;

	for (size_t i = 0; i < plan->job_count; i++) {
		size_t n = visible_width(plan->jobs[i].name);

		if (plan->jobs[i].created &&
		    (options->include == NULL || options->include[i]))
			width = n > width ? n : width;
	}
	return width;
}

/* The latest try of each job of every pipeline, in the order of the plans. */
static size_t
collect_rows(struct local *local, struct screen_job **out)
{
	struct screen_job *rows = NULL;
	size_t count = 0, cap = 0;

	for (size_t i = 0; i < local->pipeline_count; i++) {
		const struct local_pipeline *p = local->pipelines[i];

		for (size_t k = 0; k < p->plan->job_count; k++) {
			const struct core_job *job = core_latest(local->core, p->id, k);

			if (job == NULL)
				continue;
			GROW(rows, count, cap);
			local_describe(local, job, &rows[count++]);
		}
	}
	*out = rows;
	return count;
}

static int
exit_code(const struct local *local, enum status status)
{
	if (local->interrupts > 0)
		return EXIT_INTERRUPTED;
	if (local->fault.code != 0)
		return EXIT_FAULT;
	return status == STATUS_FAILED || status == STATUS_CANCELED ? EXIT_FAILED
								    : EXIT_OK;
}

static int
finish(struct local *local)
{
	const struct core_pipeline *main_one =
	    core_pipeline(local->core, local->ids.pipeline);
	struct screen_job *rows;
	size_t count = collect_rows(local, &rows);
	enum status status = main_one->status;
	int code = exit_code(local, status);

	screen_pipeline_finished(local->screen, main_one->id, status, main_one->warnings,
	    rows, count, local->started_us, local_now_us());
	free(rows);
	if (local->fault.code != 0)
		(void)fprintf(stderr, "pawl: %s\n", local->fault.msg);
	return code;
}

static void
clear(struct local *local)
{
	ids_give_back(local->project->state_dir, &local->ids,
	    local->ids.pipeline + (int64_t)local->pipeline_count,
	    local->ids.job + (int64_t)local->job_count);
	core_free(local->core);
	core_effects_clear(&local->effects);
	for (size_t i = 0; i < local->job_count; i++)
		local_job_free(local->jobs[i]);
	free(local->jobs);
	for (size_t i = 0; i < local->pipeline_count; i++) {
		struct local_pipeline *p = local->pipelines[i];

		plan_free(p->plan);
		free(p);
	}
	free(local->pipelines);
	screen_free(local->screen);
}

int
local_run(struct local *local, struct plan *plan, const struct local_options *options)
{
	struct screen_options screen = local->screen_options;
	struct local_pipeline *p;
	char hash[PLAN_HASH_SIZE] = "";
	int code;

	if (screen.json)
		plan_hash(plan, hash);
	local->started_us = local_now_us();
	if (getcwd(local->cwd, sizeof(local->cwd)) == NULL)
		local->cwd[0] = '\0';
	local->core = core_new(local->ids.pipeline, local->ids.job);
	local->screen = screen_new(&screen, name_width(plan, options));
	open_handles(local);
	p = local_add_pipeline(local, plan, &local->project->event);
	screen_pipeline_started(local->screen, p->id, plan->name, p->event.ref,
	    p->event.sha, hash, options->job_count, local->started_us);
	for (size_t i = 0; i < options->slots; i++)
		local_send(local,
		    (struct core_event){ .type = CORE_REQUEST, .runner = LOCAL_RUNNER });
	local_send(local,
	    (struct core_event){ .type = CORE_CREATE_PIPELINE,
		.plan = plan,
		.include = options->include,
		.play = options->play });
	uv_run(local->loop, UV_RUN_DEFAULT);
	code = finish(local);
	close_handles(local);
	clear(local);
	return code;
}
