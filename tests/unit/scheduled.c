/* The core under test. */
#include "tests/unit/scheduled.h"

#include <check.h>
#include <stdio.h>

#include "base/str.h"

void
scheduled_init(struct scheduled *s)
{
	*s = (struct scheduled){
		.arena = arena_new(), .timer_us = INT64_MAX, .now_us = SCHEDULED_SECOND
	};
	s->core = core_new(100, 1);
}

void
scheduled_clear(struct scheduled *s)
{
	core_free(s->core);
	core_effects_clear(&s->effects);
	arena_free(s->arena);
}

static struct strs
words(struct scheduled *s, const char *text)
{
	struct strs out = { arena_calloc(s->arena, 8, sizeof(char *)), 0 };

	while (text != NULL && *text != '\0') {
		size_t n = strcspn(text, " ");

		out.items[out.count++] = arena_strndup(s->arena, text, n);
		text += n + (text[n] == ' ');
	}
	return out;
}

static size_t
find(const struct plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->job_count; i++)
		if (str_eq(plan->jobs[i].name, name))
			return i;
	ck_abort_msg("no job %s", name);
}

static void
add_needs(
    struct scheduled *s, const struct plan *plan, struct plan_job *job, const char *text)
{
	struct strs names = words(s, text);

	job->has_needs = true;
	job->needs = arena_calloc(s->arena, names.count + 1, sizeof(*job->needs));
	for (size_t i = 0; i < names.count; i++)
		job->needs[job->need_count++].job = find(plan, names.items[i]);
}

static void
fill(struct scheduled *s, struct plan_job *job, const struct scheduled_spec *spec)
{
	static struct node tokens = { .kind = NODE_MAP, .count = 1 };
	struct job_config *config = arena_calloc(s->arena, 1, sizeof(*config));

	config->retry.max = spec->retry > 0 ? spec->retry : 0;
	config->retry.never = spec->retry < 0;
	config->retry.when = words(s, spec->retry_when);
	config->timeout_s = spec->timeout_s;
	if (spec->refused)
		config->id_tokens = &tokens;
	config->trigger.present = spec->trigger != NULL;
	if (spec->trigger != NULL && !str_eq(spec->trigger, "none"))
		config->trigger.strategy = spec->trigger;
	*job = (struct plan_job){ .config = config,
		.name = spec->name,
		.stage_index = (size_t)(spec->stage == 0 ? 0 : spec->stage - 1),
		.created = true,
		.when = spec->when,
		.allow_failure.allowed = spec->allow_failure,
		.interruptible = spec->interruptible,
		.resource_group = spec->group,
		.start_in_s = spec->start_in_s,
		.tags = words(s, spec->tags) };
}

struct plan *
scheduled_plan(struct scheduled *s, const struct scheduled_spec *specs)
{
	static const char *stages[] = { "one", "two", "three" };
	struct plan *plan = arena_calloc(s->arena, 1, sizeof(*plan));

	plan->stages = (struct strs){ stages, 3 };
	plan->jobs = arena_calloc(s->arena, SCHEDULED_MAX_JOBS, sizeof(*plan->jobs));
	for (; specs[plan->job_count].name != NULL; plan->job_count++)
		fill(s, &plan->jobs[plan->job_count], &specs[plan->job_count]);
	for (size_t i = 0; i < plan->job_count; i++)
		if (specs[i].needs != NULL)
			add_needs(s, plan, &plan->jobs[i], specs[i].needs);
	return plan;
}

static void
take_effects(struct scheduled *s)
{
	s->changes = 0;
	for (size_t i = 0; i < s->effects.count; i++) {
		const struct core_effect *e = &s->effects.items[i];

		if (e->type == CORE_ASSIGN) {
			ck_assert_uint_lt(s->given_count, ARRAY_LEN(s->given));
			s->given[s->given_count++] =
			    (struct scheduled_given){ e->job, e->runner };
		} else if (e->type == CORE_TIMER) {
			s->timer_us = e->time_us;
		} else if (e->type == CORE_START_DOWNSTREAM) {
			ck_assert_uint_lt(s->downstream_count, ARRAY_LEN(s->downstream));
			s->downstream[s->downstream_count++] = e->job;
		} else if (e->type == CORE_CANCEL) {
			ck_assert_uint_lt(s->canceled_count, ARRAY_LEN(s->canceled));
			s->canceled[s->canceled_count++] = e->job;
		} else {
			s->changes++;
		}
	}
	s->effects.count = 0;
}

void
scheduled_send(struct scheduled *s, struct core_event event)
{
	struct error err = ERROR_INIT;

	event.time_us = s->now_us += 1000;
	if (core_handle(s->core, &event, &s->effects, &err) < 0)
		ck_abort_msg("event %d: %s", (int)event.type, err.msg);
	take_effects(s);
}

const char *
scheduled_refused(struct scheduled *s, struct core_event event)
{
	static struct error err;

	err = (struct error)ERROR_INIT;
	event.time_us = s->now_us += 1000;
	if (core_handle(s->core, &event, &s->effects, &err) == 0)
		ck_abort_msg("event %d was taken", (int)event.type);
	take_effects(s);
	ck_assert_uint_eq(s->changes, 0);
	return err.msg;
}

void
scheduled_wait(struct scheduled *s, int64_t us)
{
	int64_t until = s->now_us + us;

	while (s->timer_us <= until) {
		s->now_us =
		    s->timer_us - 1000 > s->now_us ? s->timer_us - 1000 : s->now_us;
		s->timer_us = INT64_MAX;
		scheduled_send(s, (struct core_event){ .type = CORE_TICK });
	}
	s->now_us = until > s->now_us ? until : s->now_us;
}

int64_t
scheduled_create(
    struct scheduled *s, const struct plan *plan, const struct core_origin *origin)
{
	struct core_event event = { .type = CORE_CREATE_PIPELINE,
		.plan = plan,
		.origin = origin,
		.time_us = s->now_us += 1000 };
	struct error err = ERROR_INIT;
	int64_t id;

	if (core_handle(s->core, &event, &s->effects, &err) < 0)
		ck_abort_msg("%s", err.msg);
	ck_assert_int_eq(s->effects.items[0].type, CORE_PIPELINE_CREATED);
	id = s->effects.items[0].pipeline;
	take_effects(s);
	return id;
}

int64_t
scheduled_one(struct scheduled *s, const struct scheduled_spec *spec,
    const struct core_origin *origin)
{
	const struct scheduled_spec specs[2] = { *spec, { .name = NULL } };
	int64_t p = scheduled_create(s, scheduled_plan(s, specs), origin);

	return core_pipeline(s->core, p)->jobs[0];
}

void
scheduled_describe(struct scheduled *s, struct core_runner runner, const char *tags)
{
	runner.tags = words(s, tags);
	if (runner.name == NULL)
		runner.name = arena_printf(s->arena, "r%" PRId64, runner.id);
	scheduled_send(
	    s, (struct core_event){ .type = CORE_RUNNER, .describes = &runner });
}

void
scheduled_runner(struct scheduled *s, int64_t id, const char *tags)
{
	scheduled_describe(s,
	    (struct core_runner){
		.id = id, .run_untagged = tags == NULL, .online_until_us = INT64_MAX },
	    tags);
}

void
scheduled_request(struct scheduled *s, int64_t runner)
{
	scheduled_send(s, (struct core_event){ .type = CORE_REQUEST, .runner = runner });
}

int64_t
scheduled_runner_of(const struct scheduled *s, int64_t job)
{
	for (size_t i = s->given_count; i > 0; i--)
		if (s->given[i - 1].job == job)
			return s->given[i - 1].runner;
	return 0;
}

void
scheduled_started(struct scheduled *s, int64_t job)
{
	scheduled_send(s,
	    (struct core_event){ .type = CORE_STARTED,
		.job = job,
		.runner = core_job(s->core, job)->runner });
}

void
scheduled_finish(struct scheduled *s, int64_t job, enum reason reason)
{
	scheduled_send(s,
	    (struct core_event){ .type = CORE_FINISHED,
		.job = job,
		.runner = core_job(s->core, job)->runner,
		.success = reason == REASON_NONE,
		.reason = reason,
		.exit_code = reason == REASON_SCRIPT_FAILURE });
}

int64_t
scheduled_job(const struct scheduled *s, int64_t pipeline, const char *name)
{
	const struct core_pipeline *p = core_pipeline(s->core, pipeline);

	return core_latest(s->core, pipeline, find(p->plan, name))->id;
}

const char *
scheduled_status(const struct scheduled *s, int64_t job)
{
	return status_name(core_job(s->core, job)->status);
}

const char *
scheduled_state(struct scheduled *s, int64_t pipeline)
{
	const struct core_pipeline *p = core_pipeline(s->core, pipeline);
	cleanup_buf struct buf out = BUF_INIT;

	for (size_t i = 0; i < p->plan->job_count; i++)
		buf_printf(&out, "%s:%s ", p->plan->jobs[i].name,
		    status_name(core_latest(s->core, pipeline, i)->status));
	buf_printf(&out, "=> %s", status_name(p->status));
	return arena_strndup(s->arena, buf_str(&out), out.len);
}

static void
carry_over(struct scheduled *s, const struct core *old, const struct core_pipeline *p)
{
	struct core_job *jobs = arena_calloc(s->arena, p->job_count, sizeof(*jobs));
	struct core_saved saved = { .pipeline = p,
		.jobs = jobs,
		.job_count = p->job_count,
		.origin.project = p->project };

	for (size_t i = 0; i < p->job_count; i++)
		jobs[i] = *core_job(old, p->jobs[i]);
	scheduled_send(s,
	    (struct core_event){
		.type = CORE_LOAD_PIPELINE, .plan = p->plan, .saved = &saved });
}

size_t
scheduled_restart(struct scheduled *s, void (*settings)(struct scheduled *s))
{
	struct core *old = s->core;
	size_t changes = 0;

	s->core = core_new(100, 1);
	s->timer_us = INT64_MAX;
	settings(s);
	scheduled_send(s, (struct core_event){ .type = CORE_LOADING, .loading = true });
	for (int64_t id = 100; id < 200; id++) {
		if (core_pipeline(old, id) == NULL)
			continue;
		carry_over(s, old, core_pipeline(old, id));
		changes += s->changes;
		scheduled_wait(s, SCHEDULED_SECOND);
	}
	scheduled_send(s, (struct core_event){ .type = CORE_LOADING });
	core_free(old);
	return changes;
}
