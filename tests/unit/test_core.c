/*
 * The core's rules, as whole pipelines: jobs, how each ends, and where all of them stand
 * when nothing moves any more. Rows follow gitlab-ci-language.md section 10.
 */
#include <check.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/str.h"
#include "scheduler/core.h"

#define MAX_JOBS 8

struct spec {
	const char *name;
	int stage; /* 1, 2, 3 */
	enum job_when when;
	const char *needs; /* NULL: stage order; "" or "a b": needs */
	bool allow_failure;
	int retry;
	const char *group;
	int start_in_s;
};

/* A plan made of specs; everything but the arena's content is static. */
struct fixture {
	struct arena *arena;
	struct plan plan;
	struct core *core;
	struct core_effects effects;
	const char *outcomes; /* "a=1 b=cancel": exit codes or cancel; others succeed */
	int64_t now_us, timer_us;
	int64_t pipeline;
};

static size_t
find(const struct fixture *f, const char *name, size_t len)
{
	for (size_t i = 0; i < f->plan.job_count; i++)
		if (strlen(f->plan.jobs[i].name) == len &&
		    memcmp(f->plan.jobs[i].name, name, len) == 0)
			return i;
	ck_abort_msg("no job %.*s", (int)len, name);
}

static void
add_needs(struct fixture *f, struct plan_job *job, const char *names)
{
	job->has_needs = true;
	job->needs = arena_calloc(f->arena, MAX_JOBS, sizeof(*job->needs));
	while (*names != '\0') {
		size_t n = strcspn(names, " ");

		job->needs[job->need_count++].job = find(f, names, n);
		names += n + (names[n] == ' ');
	}
}

static void
setup(struct fixture *f, const struct spec *specs)
{
	static const char *stages[] = { "one", "two", "three" };

	*f = (struct fixture){
		.arena = arena_new(), .timer_us = INT64_MAX, .outcomes = ""
	};
	f->plan.stages = (struct strs){ stages, 3 };
	f->plan.jobs = arena_calloc(f->arena, MAX_JOBS, sizeof(*f->plan.jobs));
	for (; specs[f->plan.job_count].name != NULL; f->plan.job_count++) {
		const struct spec *s = &specs[f->plan.job_count];
		struct job_config *config = arena_alloc(f->arena, sizeof(*config));

		config->retry.max = s->retry;
		f->plan.jobs[f->plan.job_count] = (struct plan_job){ .config = config,
			.name = s->name,
			.stage_index = (size_t)(s->stage == 0 ? 0 : s->stage - 1),
			.created = true,
			.when = s->when,
			.allow_failure.allowed = s->allow_failure,
			.resource_group = s->group,
			.start_in_s = s->start_in_s };
	}
	for (size_t i = 0; i < f->plan.job_count; i++)
		if (specs[i].needs != NULL)
			add_needs(f, &f->plan.jobs[i], specs[i].needs);
	f->core = core_new(100, 1);
}

static void
teardown(struct fixture *f)
{
	core_free(f->core);
	core_effects_clear(&f->effects);
	arena_free(f->arena);
}

static void
send(struct fixture *f, struct core_event event)
{
	struct error err = ERROR_INIT;

	event.time_us = f->now_us += 1000;
	if (core_handle(f->core, &event, &f->effects, &err) < 0)
		ck_abort_msg("event %d: %s", (int)event.type, err.msg);
}

/* How the outcome table wants this try to end; "a=1" holds for every try of a. */
static struct core_event
outcome(const struct fixture *f, const struct core_job *job)
{
	struct core_event event = {
		.type = CORE_FINISHED, .job = job->id, .success = true
	};
	size_t n = strlen(job->plan->name);

	for (const char *p = f->outcomes; *p != '\0';
	     p += strcspn(p, " "), p += *p == ' ') {
		if (strncmp(p, job->plan->name, n) != 0 || p[n] != '=')
			continue;
		event.success = false;
		event.canceled = p[n + 1] == 'c';
		event.exit_code = p[n + 1] - '0';
		event.reason = REASON_SCRIPT_FAILURE;
	}
	return event;
}

/* Act on effects until there are none; jobs end in the order they were assigned. */
static void
settle(struct fixture *f)
{
	int64_t assigned[64];
	size_t count = 0, done = 0;

	for (;;) {
		for (size_t i = 0; i < f->effects.count; i++) {
			struct core_effect e = f->effects.items[i];

			if (e.type == CORE_ASSIGN) {
				ck_assert_uint_lt(count, 64);
				assigned[count++] = e.job;
			} else if (e.type == CORE_TIMER) {
				f->timer_us = e.time_us;
			}
		}
		f->effects.count = 0;
		if (done == count)
			return;
		send(f,
		    (struct core_event){ .type = CORE_STARTED, .job = assigned[done] });
		send(f, outcome(f, core_job(f->core, assigned[done++])));
		send(f, (struct core_event){ .type = CORE_REQUEST, .runner = 1 });
	}
}

static void
start(struct fixture *f, const struct spec *specs, const char *outcomes, int slots)
{
	setup(f, specs);
	f->outcomes = outcomes;
	for (int i = 0; i < slots; i++)
		send(f, (struct core_event){ .type = CORE_REQUEST, .runner = 1 });
	send(f, (struct core_event){ .type = CORE_CREATE_PIPELINE, .plan = &f->plan });
	f->pipeline = f->effects.items[0].pipeline;
	settle(f);
}

static void
describe(const struct fixture *f, struct buf *out)
{
	for (size_t i = 0; i < f->plan.job_count; i++)
		buf_printf(out, "%s:%s ", f->plan.jobs[i].name,
		    status_name(core_latest(f->core, f->pipeline, i)->status));
	buf_printf(
	    out, "=> %s", status_name(core_pipeline(f->core, f->pipeline)->status));
}

static int64_t
id_of(const struct fixture *f, const char *name)
{
	return core_latest(f->core, f->pipeline, find(f, name, strlen(name)))->id;
}

static const struct {
	const char *claim;
	struct spec jobs[MAX_JOBS];
	const char *outcomes, *want;
} rows[] = {
	{ "stages run in order", { { "a", 1 }, { "b", 2 } }, "",
	    "a:success b:success => success" },
	{ "a failure skips later stages, not its own",
	    { { "a", 1 }, { "b", 1 }, { "c", 2 } }, "a=1",
	    "a:failed b:success c:skipped => failed" },
	{ "on_failure runs after a failure, and the pipeline stays failed",
	    { { "a", 1 }, { "r", 2, WHEN_ON_FAILURE }, { "c", 3 } }, "a=1",
	    "a:failed r:success c:skipped => failed" },
	{ "a job that needs the rollback runs",
	    { { "a", 1 }, { "r", 2, WHEN_ON_FAILURE }, { "c", 3, .needs = "r" } }, "a=1",
	    "a:failed r:success c:success => failed" },
	{ "on_failure in the first stage is skipped",
	    { { "a", 1, WHEN_ON_FAILURE }, { "b", 1 } }, "",
	    "a:skipped b:success => success" },
	{ "on_failure with empty needs is skipped",
	    { { "b", 1 }, { "a", 2, WHEN_ON_FAILURE, .needs = "" } }, "b=1",
	    "b:failed a:skipped => failed" },
	{ "always runs after failure and skip",
	    { { "a", 1 }, { "b", 2 }, { "c", 3, WHEN_ALWAYS } }, "a=1",
	    "a:failed b:skipped c:success => failed" },
	{ "an allowed failure is a success with warnings",
	    { { "a", 1, .allow_failure = true }, { "b", 2 } }, "a=1",
	    "a:failed b:success => success" },
	{ "an optional manual job is ignored",
	    { { "a", 1, WHEN_MANUAL, .allow_failure = true }, { "b", 2 } }, "",
	    "a:manual b:success => success" },
	{ "a pipeline of optional manual jobs is skipped",
	    { { "a", 1, WHEN_MANUAL, .allow_failure = true } }, "",
	    "a:manual => skipped" },
	{ "a blocking manual job holds later stages",
	    { { "a", 1, WHEN_MANUAL }, { "b", 2 } }, "", "a:manual b:created => manual" },
	{ "needing an unplayed optional manual job skips",
	    { { "a", 1, WHEN_MANUAL, .allow_failure = true }, { "b", 2, .needs = "a" } },
	    "", "a:manual b:skipped => skipped" },
	{ "always that needs an unplayed optional manual job runs",
	    { { "a", 1, WHEN_MANUAL, .allow_failure = true },
		{ "b", 2, WHEN_ALWAYS, "a" } },
	    "", "a:manual b:success => success" },
	{ "needing a blocking manual job waits",
	    { { "a", 1, WHEN_MANUAL }, { "b", 2, .needs = "a" } }, "",
	    "a:manual b:created => manual" },
	{ "needs ignore the failures of others",
	    { { "a", 1 }, { "b", 1 }, { "c", 2, .needs = "b" } }, "a=1",
	    "a:failed b:success c:success => failed" },
	{ "a need that was skipped skips, also on_failure",
	    { { "a", 1 }, { "b", 2 }, { "c", 3, .needs = "b" },
		{ "d", 3, WHEN_ON_FAILURE, "b" } },
	    "a=1", "a:failed b:skipped c:skipped d:skipped => failed" },
	{ "a need that failed and may runs the job",
	    { { "a", 1, .allow_failure = true }, { "b", 2, .needs = "a" } }, "a=1",
	    "a:failed b:success => success" },
	{ "needs across a skipped job",
	    { { "b1", 1 }, { "b2", 1 }, { "test", 2 },
		{ "deploy", 3, .needs = "b1 test" } },
	    "b2=1", "b1:success b2:failed test:skipped deploy:skipped => failed" },
	{ "a need in the same stage", { { "a", 1 }, { "b", 1, .needs = "a" } }, "a=1",
	    "a:failed b:skipped => failed" },
	{ "a canceled job skips even always", { { "a", 1 }, { "b", 2, WHEN_ALWAYS } },
	    "a=cancel", "a:canceled b:skipped => canceled" },
	{ "an allowed cancel lets others go on",
	    { { "a", 1, .allow_failure = true }, { "b", 2 } }, "a=cancel",
	    "a:canceled b:success => success" },
	{ "a delayed job blocks later stages",
	    { { "a", 1, WHEN_DELAYED, .start_in_s = 60 }, { "b", 2 } }, "",
	    "a:scheduled b:created => scheduled" },
	{ "the last try counts", { { "a", 1, .retry = 2 }, { "b", 2 } }, "a=1",
	    "a:failed b:skipped => failed" },
	{ "one resource group, one after the other",
	    { { "a", 1, .group = "g" }, { "b", 1, .group = "g" },
		{ "c", 1, .group = "g" } },
	    "", "a:success b:success c:success => success" },
};

START_TEST(pipeline_ends_as_specified)
{
	cleanup_buf struct buf got = BUF_INIT;
	struct fixture f;

	start(&f, rows[_i].jobs, rows[_i].outcomes, 2);
	describe(&f, &got);
	ck_assert_msg(str_eq(buf_str(&got), rows[_i].want), "%s: got %s, want %s",
	    rows[_i].claim, buf_str(&got), rows[_i].want);
	teardown(&f);
}
END_TEST

START_TEST(retry_makes_new_jobs)
{
	static const struct spec jobs[] = { { "a", 1, .retry = 2 }, { NULL } };
	struct fixture f;
	const struct core_pipeline *p;

	start(&f, jobs, "a=1", 1);
	p = core_pipeline(f.core, f.pipeline);
	ck_assert_uint_eq(p->job_count, 3);
	ck_assert_int_eq(core_job(f.core, p->jobs[0])->retried_as, p->jobs[1]);
	ck_assert_int_eq(core_job(f.core, p->jobs[2])->attempt, 3);
	teardown(&f);
}
END_TEST

START_TEST(played_job_unblocks_what_it_skipped)
{
	static const struct spec jobs[] = { { "a", 1, WHEN_MANUAL,
						.allow_failure = true },
		{ "b", 2, .needs = "a" }, { NULL } };
	cleanup_buf struct buf got = BUF_INIT;
	struct fixture f;

	start(&f, jobs, "", 1);
	send(&f, (struct core_event){ .type = CORE_PLAY, .job = id_of(&f, "a") });
	settle(&f);
	describe(&f, &got);
	ck_assert_str_eq(buf_str(&got), "a:success b:success => success");
	teardown(&f);
}
END_TEST

START_TEST(delayed_job_starts_when_its_time_has_come)
{
	static const struct spec jobs[] = { { "a", 1, WHEN_DELAYED, .start_in_s = 60 },
		{ "b", 2 }, { NULL } };
	cleanup_buf struct buf got = BUF_INIT;
	struct fixture f;

	start(&f, jobs, "", 1);
	ck_assert_int_eq(f.timer_us, core_job(f.core, id_of(&f, "a"))->start_at_us);
	f.now_us = f.timer_us;
	send(&f, (struct core_event){ .type = CORE_TICK });
	settle(&f);
	describe(&f, &got);
	ck_assert_str_eq(buf_str(&got), "a:success b:success => success");
	teardown(&f);
}
END_TEST

START_TEST(canceled_pipeline_starts_nothing_more)
{
	static const struct spec jobs[] = { { "a", 1 }, { "b", 1 },
		{ "c", 2, WHEN_ALWAYS }, { NULL } };
	cleanup_buf struct buf got = BUF_INIT;
	struct fixture f;

	setup(&f, jobs);
	send(&f, (struct core_event){ .type = CORE_REQUEST, .runner = 1 });
	send(&f, (struct core_event){ .type = CORE_CREATE_PIPELINE, .plan = &f.plan });
	f.pipeline = f.effects.items[0].pipeline;
	send(&f, (struct core_event){ .type = CORE_STARTED, .job = id_of(&f, "a") });
	send(&f,
	    (struct core_event){ .type = CORE_CANCEL_PIPELINE, .pipeline = f.pipeline });
	describe(&f, &got);
	ck_assert_str_eq(buf_str(&got), "a:canceling b:canceled c:canceled => canceling");
	send(&f,
	    (struct core_event){
		.type = CORE_FINISHED, .job = id_of(&f, "a"), .success = true });
	buf_reset(&got);
	describe(&f, &got);
	ck_assert_str_eq(buf_str(&got), "a:canceled b:canceled c:canceled => canceled");
	teardown(&f);
}
END_TEST

START_TEST(resource_group_runs_one_at_a_time)
{
	static const struct spec jobs[] = { { "a", 1, .group = "g" },
		{ "b", 1, .group = "g" }, { NULL } };
	struct fixture f;

	setup(&f, jobs);
	send(&f, (struct core_event){ .type = CORE_REQUEST, .runner = 1 });
	send(&f, (struct core_event){ .type = CORE_REQUEST, .runner = 1 });
	send(&f, (struct core_event){ .type = CORE_CREATE_PIPELINE, .plan = &f.plan });
	f.pipeline = f.effects.items[0].pipeline;
	ck_assert_int_eq(
	    core_job(f.core, id_of(&f, "b"))->status, STATUS_WAITING_FOR_RESOURCE);
	ck_assert_int_eq(core_job(f.core, id_of(&f, "b"))->because, id_of(&f, "a"));
	teardown(&f);
}
END_TEST

START_TEST(skipped_job_names_who_failed)
{
	static const struct spec jobs[] = { { "a", 1 }, { "b", 2 }, { NULL } };
	struct fixture f;

	start(&f, jobs, "a=3", 1);
	ck_assert_int_eq(core_job(f.core, id_of(&f, "b"))->reason, REASON_PRIOR_FAILED);
	ck_assert_int_eq(core_job(f.core, id_of(&f, "b"))->because, id_of(&f, "a"));
	ck_assert_int_eq(core_job(f.core, id_of(&f, "a"))->exit_code, 3);
	teardown(&f);
}
END_TEST

START_TEST(event_that_does_not_fit_changes_nothing)
{
	static const struct spec jobs[] = { { "a", 1 }, { NULL } };
	struct error err = ERROR_INIT;
	struct fixture f;

	start(&f, jobs, "", 1);
	ck_assert_int_lt(
	    core_handle(f.core,
		&(struct core_event){ .type = CORE_PLAY, .job = id_of(&f, "a") },
		&f.effects, &err),
	    0);
	ck_assert_str_eq(err.msg, "job a is success and cannot be played");
	ck_assert_uint_eq(f.effects.count, 0);
	teardown(&f);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("core");
	TCase *tc = tcase_create("core");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tc, pipeline_ends_as_specified, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, retry_makes_new_jobs);
	tcase_add_test(tc, played_job_unblocks_what_it_skipped);
	tcase_add_test(tc, delayed_job_starts_when_its_time_has_come);
	tcase_add_test(tc, canceled_pipeline_starts_nothing_more);
	tcase_add_test(tc, resource_group_runs_one_at_a_time);
	tcase_add_test(tc, skipped_job_names_who_failed);
	tcase_add_test(tc, event_that_does_not_fit_changes_nothing);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
