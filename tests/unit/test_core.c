/*
 * The core's rules, as whole pipelines: jobs, how each ends, and where all of them stand
 * when nothing moves any more. Rows follow gitlab-ci-language.md section 10.
 */
#include <check.h>

#include "base/str.h"
#include "tests/unit/scheduled.h"

struct fixture {
	struct scheduled s;
	const char *outcomes; /* "a=1 b=cancel": exit codes or cancel; others succeed */
	int64_t pipeline;
	size_t done; /* of what was given */
};

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

/* Jobs end in the order they were given, until nothing moves any more. */
static void
settle(struct fixture *f)
{
	while (f->done < f->s.given_count) {
		int64_t job = f->s.given[f->done++].job;

		scheduled_started(&f->s, job);
		scheduled_send(&f->s, outcome(f, core_job(f->s.core, job)));
		scheduled_request(&f->s, 1);
	}
}

static void
start(struct fixture *f, const struct scheduled_spec *specs, const char *outcomes,
    int slots)
{
	*f = (struct fixture){ .outcomes = outcomes };
	scheduled_init(&f->s);
	for (int i = 0; i < slots; i++)
		scheduled_request(&f->s, 1);
	f->pipeline = scheduled_create(&f->s, scheduled_plan(&f->s, specs), NULL);
	settle(f);
}

static const char *
state(struct fixture *f)
{
	return scheduled_state(&f->s, f->pipeline);
}

static int64_t
id_of(const struct fixture *f, const char *name)
{
	return scheduled_job(&f->s, f->pipeline, name);
}

static const struct core_job *
job(const struct fixture *f, const char *name)
{
	return core_job(f->s.core, id_of(f, name));
}

static const struct {
	const char *claim;
	struct scheduled_spec jobs[SCHEDULED_MAX_JOBS];
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
	struct fixture f;

	start(&f, rows[_i].jobs, rows[_i].outcomes, 2);
	ck_assert_msg(str_eq(state(&f), rows[_i].want), "%s: got %s, want %s",
	    rows[_i].claim, state(&f), rows[_i].want);
	scheduled_clear(&f.s);
}
END_TEST

START_TEST(retry_makes_new_jobs)
{
	static const struct scheduled_spec jobs[] = { { "a", 1, .retry = 2 }, { NULL } };
	struct fixture f;
	const struct core_pipeline *p;

	start(&f, jobs, "a=1", 1);
	p = core_pipeline(f.s.core, f.pipeline);
	ck_assert_uint_eq(p->job_count, 3);
	ck_assert_int_eq(core_job(f.s.core, p->jobs[0])->retried_as, p->jobs[1]);
	ck_assert_int_eq(core_job(f.s.core, p->jobs[2])->attempt, 3);
	scheduled_clear(&f.s);
}
END_TEST

START_TEST(played_job_unblocks_what_it_skipped)
{
	static const struct scheduled_spec jobs[] = { { "a", 1, WHEN_MANUAL,
							  .allow_failure = true },
		{ "b", 2, .needs = "a" }, { NULL } };
	struct fixture f;

	start(&f, jobs, "", 1);
	scheduled_send(
	    &f.s, (struct core_event){ .type = CORE_PLAY, .job = id_of(&f, "a") });
	settle(&f);
	ck_assert_str_eq(state(&f), "a:success b:success => success");
	scheduled_clear(&f.s);
}
END_TEST

START_TEST(delayed_job_starts_when_its_time_has_come)
{
	static const struct scheduled_spec jobs[] = {
		{ "a", 1, WHEN_DELAYED, .start_in_s = 60 }, { "b", 2 }, { NULL }
	};
	struct fixture f;

	start(&f, jobs, "", 1);
	ck_assert_int_eq(f.s.timer_us, job(&f, "a")->start_at_us);
	scheduled_wait(&f.s, 61 * SCHEDULED_SECOND);
	settle(&f);
	ck_assert_str_eq(state(&f), "a:success b:success => success");
	scheduled_clear(&f.s);
}
END_TEST

START_TEST(canceled_pipeline_starts_nothing_more)
{
	static const struct scheduled_spec jobs[] = { { "a", 1 }, { "b", 1 },
		{ "c", 2, WHEN_ALWAYS }, { NULL } };
	struct fixture f = { .outcomes = "" };

	scheduled_init(&f.s);
	scheduled_request(&f.s, 1);
	f.pipeline = scheduled_create(&f.s, scheduled_plan(&f.s, jobs), NULL);
	scheduled_started(&f.s, id_of(&f, "a"));
	scheduled_send(&f.s,
	    (struct core_event){ .type = CORE_CANCEL_PIPELINE, .pipeline = f.pipeline });
	ck_assert_str_eq(state(&f), "a:canceling b:canceled c:canceled => canceling");
	scheduled_finish(&f.s, id_of(&f, "a"), REASON_NONE);
	ck_assert_str_eq(state(&f), "a:canceled b:canceled c:canceled => canceled");
	scheduled_clear(&f.s);
}
END_TEST

START_TEST(retried_pipeline_runs_what_failed_and_what_followed)
{
	static const struct scheduled_spec jobs[] = { { "a", 1 }, { "b", 1 }, { "c", 2 },
		{ NULL } };
	struct fixture f;
	int64_t b;

	start(&f, jobs, "a=1", 1);
	ck_assert_str_eq(state(&f), "a:failed b:success c:skipped => failed");
	b = id_of(&f, "b");
	f.outcomes = "";
	scheduled_send(&f.s,
	    (struct core_event){ .type = CORE_RETRY_PIPELINE, .pipeline = f.pipeline });
	settle(&f);
	ck_assert_str_eq(state(&f), "a:success b:success c:success => success");
	ck_assert_int_eq(id_of(&f, "b"), b);
	scheduled_clear(&f.s);
}
END_TEST

START_TEST(pipeline_without_a_failure_is_not_retried)
{
	static const struct scheduled_spec jobs[] = { { "a", 1 }, { NULL } };
	struct fixture f;

	start(&f, jobs, "", 1);
	ck_assert_str_eq(scheduled_refused(&f.s,
			     (struct core_event){
				 .type = CORE_RETRY_PIPELINE, .pipeline = f.pipeline }),
	    "pipeline 100 has no failed or canceled job to try again");
	scheduled_clear(&f.s);
}
END_TEST

START_TEST(skipped_job_names_who_failed)
{
	static const struct scheduled_spec jobs[] = { { "a", 1 }, { "b", 2 }, { NULL } };
	struct fixture f;

	start(&f, jobs, "a=3", 1);
	ck_assert_int_eq(job(&f, "b")->reason, REASON_PRIOR_FAILED);
	ck_assert_int_eq(job(&f, "b")->because, id_of(&f, "a"));
	ck_assert_int_eq(job(&f, "a")->exit_code, 3);
	scheduled_clear(&f.s);
}
END_TEST

START_TEST(refused_job_fails_without_a_runner_or_a_resource)
{
	static const struct scheduled_spec jobs[] = { { "a", 1, .retry = 2,
							  .refused = true },
		{ "b", 1, .group = "g" }, { "c", 1, .group = "g", .refused = true },
		{ "d", 1, .allow_failure = true, .refused = true }, { "e", 2 },
		{ "f", 2, WHEN_ON_FAILURE }, { NULL } };
	struct fixture f;

	start(&f, jobs, "", 0);
	ck_assert_str_eq(state(&f),
	    "a:failed b:pending c:failed d:failed e:created f:created => running");
	ck_assert_int_eq(job(&f, "a")->reason, REASON_RUNNER_UNSUPPORTED);
	ck_assert_int_eq(job(&f, "a")->attempt, 1);
	ck_assert(job(&f, "d")->warned);
	scheduled_clear(&f.s);
}
END_TEST

START_TEST(event_that_does_not_fit_changes_nothing)
{
	static const struct scheduled_spec jobs[] = { { "a", 1 }, { NULL } };
	struct fixture f;

	start(&f, jobs, "", 1);
	ck_assert_str_eq(
	    scheduled_refused(
		&f.s, (struct core_event){ .type = CORE_PLAY, .job = id_of(&f, "a") }),
	    "job a is success and cannot be played");
	scheduled_clear(&f.s);
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
	tcase_add_test(tc, retried_pipeline_runs_what_failed_and_what_followed);
	tcase_add_test(tc, pipeline_without_a_failure_is_not_retried);
	tcase_add_test(tc, skipped_job_names_who_failed);
	tcase_add_test(tc, refused_job_fails_without_a_runner_or_a_resource);
	tcase_add_test(tc, event_that_does_not_fit_changes_nothing);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
