/* Restarts and forgetting: a core that is loaded goes on as the old one would have. */
#include <check.h>

#include "tests/unit/scheduled.h"

#define SECOND SCHEDULED_SECOND

static const struct scheduled_spec plain = { "a" };
static const struct core_limits limits = {
	.accept_us = 120 * SECOND, .lease_us = 30 * SECOND, .system_retries = 2
};

static void
settings(struct scheduled *s)
{
	scheduled_send(s, (struct core_event){ .type = CORE_LIMITS, .limits = &limits });
	scheduled_runner(s, 1, NULL);
}

static void
start(struct scheduled *s)
{
	scheduled_init(s);
	settings(s);
}

/* How much was told anew. */
static size_t
restart(struct scheduled *s)
{
	return scheduled_restart(s, settings);
}

START_TEST(queued_job_is_queued_again)
{
	struct scheduled s;
	int64_t job;

	start(&s);
	job = scheduled_one(&s, &plain, NULL);
	ck_assert_uint_eq(restart(&s), 0);
	scheduled_request(&s, 1);
	ck_assert_int_eq(scheduled_runner_of(&s, job), 1);
	scheduled_clear(&s);
}
END_TEST

START_TEST(running_job_goes_on)
{
	struct scheduled s;
	int64_t job;

	start(&s);
	scheduled_request(&s, 1);
	job = scheduled_one(&s, &plain, NULL);
	scheduled_started(&s, job);
	ck_assert_uint_eq(restart(&s), 0);
	ck_assert_int_eq(core_runner_jobs(s.core, 1), 1);
	scheduled_finish(&s, job, REASON_NONE);
	ck_assert_str_eq(scheduled_status(&s, job), "success");
	ck_assert_int_eq(core_runner_jobs(s.core, 1), 0);
	scheduled_clear(&s);
}
END_TEST

START_TEST(running_job_gets_a_fresh_lease)
{
	struct scheduled s;
	int64_t job;

	start(&s);
	scheduled_request(&s, 1);
	job = scheduled_one(&s, &plain, NULL);
	scheduled_started(&s, job);
	s.now_us += 3600 * SECOND; /* the server was down */
	(void)restart(&s);
	scheduled_wait(&s, 25 * SECOND);
	ck_assert_str_eq(scheduled_status(&s, job), "running");
	scheduled_wait(&s, 6 * SECOND);
	ck_assert_str_eq(scheduled_status(&s, job), "failed");
	scheduled_clear(&s);
}
END_TEST

START_TEST(unaccepted_job_is_still_waited_for)
{
	struct scheduled s;
	int64_t job;

	start(&s);
	scheduled_request(&s, 1);
	job = scheduled_one(&s, &plain, NULL);
	(void)restart(&s);
	scheduled_started(&s, job);
	ck_assert_str_eq(scheduled_status(&s, job), "running");
	scheduled_clear(&s);
}
END_TEST

START_TEST(delayed_job_whose_time_has_passed_is_due)
{
	static const struct scheduled_spec spec = { "a", .when = WHEN_DELAYED,
		.start_in_s = 60 };
	struct scheduled s;
	int64_t job;

	start(&s);
	job = scheduled_one(&s, &spec, NULL);
	s.now_us += 3600 * SECOND;
	(void)restart(&s);
	scheduled_wait(&s, SECOND);
	ck_assert_str_eq(scheduled_status(&s, job), "pending");
	scheduled_clear(&s);
}
END_TEST

START_TEST(resource_group_is_still_held)
{
	static const struct scheduled_spec deploy = { "d", .group = "prod" };
	struct scheduled s;
	int64_t first, second;

	start(&s);
	scheduled_request(&s, 1);
	first = scheduled_one(&s, &deploy, NULL);
	second = scheduled_one(&s, &deploy, NULL);
	(void)restart(&s);
	ck_assert_str_eq(scheduled_status(&s, second), "waiting_for_resource");
	scheduled_finish(&s, first, REASON_NONE);
	ck_assert_str_eq(scheduled_status(&s, second), "pending");
	scheduled_clear(&s);
}
END_TEST

/* The one that waits is in an older pipeline than the one that holds. */
START_TEST(resource_group_is_not_given_away_while_loading)
{
	static const struct scheduled_spec deploy[] = { { "a" },
		{ "d", 2, .group = "prod" }, { NULL } };
	struct scheduled s;
	int64_t first, second, waits, holds;

	start(&s);
	first = scheduled_create(&s, scheduled_plan(&s, deploy), NULL);
	second = scheduled_create(&s, scheduled_plan(&s, deploy), NULL);
	waits = scheduled_job(&s, first, "d");
	holds = scheduled_job(&s, second, "d");
	scheduled_request(&s, 1);
	scheduled_request(&s, 1);
	scheduled_finish(&s, scheduled_job(&s, second, "a"), REASON_NONE);
	scheduled_finish(&s, scheduled_job(&s, first, "a"), REASON_NONE);
	ck_assert_str_eq(scheduled_status(&s, waits), "waiting_for_resource");
	(void)restart(&s);
	ck_assert_str_eq(scheduled_status(&s, waits), "waiting_for_resource");
	scheduled_request(&s, 1);
	scheduled_finish(&s, holds, REASON_NONE);
	ck_assert_str_eq(scheduled_status(&s, waits), "pending");
	scheduled_clear(&s);
}
END_TEST

START_TEST(skipped_job_that_is_loaded_still_needs_its_resource)
{
	static const struct scheduled_spec specs[] = { { "a" },
		{ "d", 2, .group = "prod" }, { NULL } };
	static const struct scheduled_spec deploy = { "d", .group = "prod" };
	struct scheduled s;
	int64_t p;

	start(&s);
	scheduled_request(&s, 1);
	p = scheduled_create(&s, scheduled_plan(&s, specs), NULL);
	scheduled_finish(&s, scheduled_job(&s, p, "a"), REASON_SCRIPT_FAILURE);
	(void)scheduled_one(&s, &deploy, NULL);
	(void)restart(&s);
	scheduled_send(&s,
	    (struct core_event){ .type = CORE_RETRY, .job = scheduled_job(&s, p, "a") });
	scheduled_request(&s, 1);
	scheduled_request(&s, 1);
	scheduled_finish(&s, scheduled_job(&s, p, "a"), REASON_NONE);
	ck_assert_str_eq(
	    scheduled_status(&s, scheduled_job(&s, p, "d")), "waiting_for_resource");
	scheduled_clear(&s);
}
END_TEST

/* The limit counts jobs of pipelines that are still to come. */
START_TEST(nothing_is_assigned_while_loading)
{
	struct scheduled s;
	int64_t job;

	start(&s);
	job = scheduled_one(&s, &plain, NULL);
	scheduled_send(&s, (struct core_event){ .type = CORE_LOADING, .loading = true });
	scheduled_request(&s, 1);
	ck_assert_int_eq(scheduled_runner_of(&s, job), 0);
	scheduled_send(&s, (struct core_event){ .type = CORE_LOADING });
	ck_assert_int_eq(scheduled_runner_of(&s, job), 1);
	scheduled_clear(&s);
}
END_TEST

START_TEST(delayed_job_takes_no_resource_while_loading)
{
	static const struct scheduled_spec spec = { "a", .when = WHEN_DELAYED,
		.start_in_s = 1, .group = "prod" };
	struct scheduled s;
	int64_t job;

	start(&s);
	job = scheduled_one(&s, &spec, NULL);
	scheduled_send(&s, (struct core_event){ .type = CORE_LOADING, .loading = true });
	scheduled_wait(&s, 2 * SECOND);
	ck_assert_str_eq(scheduled_status(&s, job), "waiting_for_resource");
	scheduled_send(&s, (struct core_event){ .type = CORE_LOADING });
	ck_assert_str_eq(scheduled_status(&s, job), "pending");
	scheduled_clear(&s);
}
END_TEST

START_TEST(later_stage_follows_after_a_restart)
{
	static const struct scheduled_spec specs[] = { { "a" }, { "b", 2 },
		{ "c", 3, .needs = "a" }, { NULL } };
	struct scheduled s;
	int64_t p;

	start(&s);
	scheduled_request(&s, 1);
	p = scheduled_create(&s, scheduled_plan(&s, specs), NULL);
	(void)restart(&s);
	scheduled_finish(&s, scheduled_job(&s, p, "a"), REASON_NONE);
	ck_assert_str_eq(
	    scheduled_state(&s, p), "a:success b:pending c:pending => running");
	scheduled_clear(&s);
}
END_TEST

START_TEST(tries_are_counted_across_a_restart)
{
	struct scheduled s;
	int64_t job;

	start(&s);
	scheduled_request(&s, 1);
	job = scheduled_one(&s, &plain, NULL);
	for (int i = 0; i < 2; i++) {
		scheduled_finish(&s, job, REASON_RUNNER_SYSTEM_FAILURE);
		job = core_job(s.core, job)->retried_as;
		(void)restart(&s);
		scheduled_request(&s, 1);
	}
	scheduled_finish(&s, job, REASON_RUNNER_SYSTEM_FAILURE);
	ck_assert_int_eq(core_job(s.core, job)->attempt, 3);
	ck_assert_int_eq(core_job(s.core, job)->retried_as, 0);
	scheduled_clear(&s);
}
END_TEST

START_TEST(trigger_job_asks_again_for_its_child)
{
	static const struct scheduled_spec spec = { "t", .trigger = "depend" };
	struct scheduled s;
	int64_t job;

	start(&s);
	job = scheduled_one(&s, &spec, NULL);
	s.downstream_count = 0;
	(void)restart(&s);
	ck_assert_uint_eq(s.downstream_count, 1);
	ck_assert_int_eq(s.downstream[0], job);
	scheduled_clear(&s);
}
END_TEST

START_TEST(child_still_moves_its_parent)
{
	static const struct scheduled_spec spec = { "t", .trigger = "depend" };
	const struct scheduled_spec child[] = { { "c" }, { NULL } };
	struct scheduled s;
	int64_t job;

	start(&s);
	job = scheduled_one(&s, &spec, NULL);
	scheduled_request(&s, 1);
	scheduled_send(&s,
	    (struct core_event){ .type = CORE_CREATE_PIPELINE,
		.plan = scheduled_plan(&s, child),
		.parent_job = job });
	(void)restart(&s);
	scheduled_finish(&s, s.given[0].job, REASON_NONE);
	ck_assert_str_eq(scheduled_status(&s, job), "success");
	scheduled_clear(&s);
}
END_TEST

START_TEST(ids_go_on_behind_what_was_loaded)
{
	struct scheduled s;
	int64_t first, second;

	start(&s);
	first = scheduled_one(&s, &plain, NULL);
	(void)restart(&s);
	second = scheduled_one(&s, &plain, NULL);
	ck_assert_int_eq(second, first + 1);
	scheduled_clear(&s);
}
END_TEST

START_TEST(pipeline_is_not_loaded_twice)
{
	struct scheduled s;
	struct core_saved saved;
	const struct core_pipeline *p;

	start(&s);
	p = core_pipeline(
	    s.core, core_job(s.core, scheduled_one(&s, &plain, NULL))->pipeline);
	saved = (struct core_saved){ .pipeline = p };
	ck_assert_str_eq(
	    scheduled_refused(&s,
		(struct core_event){
		    .type = CORE_LOAD_PIPELINE, .plan = p->plan, .saved = &saved }),
	    "pipeline 100 is there already");
	scheduled_clear(&s);
}
END_TEST

START_TEST(job_that_its_plan_has_not_is_refused)
{
	struct scheduled s;
	const struct core_job job = { .id = 9, .index = 5 };
	const struct core_pipeline p = { .id = 500 };
	const struct core_saved saved = { .pipeline = &p, .jobs = &job, .job_count = 1 };
	const struct scheduled_spec specs[] = { { "a" }, { NULL } };

	start(&s);
	ck_assert_str_eq(scheduled_refused(&s,
			     (struct core_event){ .type = CORE_LOAD_PIPELINE,
				 .plan = scheduled_plan(&s, specs),
				 .saved = &saved }),
	    "pipeline 500: job 9 is none of its plan's 1");
	ck_assert_ptr_null(core_pipeline(s.core, 500));
	scheduled_clear(&s);
}
END_TEST

START_TEST(ended_pipeline_is_forgotten_whole)
{
	struct scheduled s;
	int64_t job, pipeline;

	start(&s);
	scheduled_request(&s, 1);
	job = scheduled_one(&s, &plain, NULL);
	pipeline = core_job(s.core, job)->pipeline;
	scheduled_finish(&s, job, REASON_NONE);
	scheduled_send(&s,
	    (struct core_event){ .type = CORE_FORGET_PIPELINE, .pipeline = pipeline });
	ck_assert_ptr_null(core_job(s.core, job));
	ck_assert_ptr_null(core_pipeline(s.core, pipeline));
	ck_assert_uint_eq(core_counts(s.core).jobs, 0);
	ck_assert_uint_eq(core_counts(s.core).projects, 0);
	ck_assert_int_gt(scheduled_one(&s, &plain, NULL), job);
	scheduled_clear(&s);
}
END_TEST

START_TEST(living_pipeline_is_not_forgotten)
{
	struct scheduled s;

	start(&s);
	(void)scheduled_one(&s, &plain, NULL);
	ck_assert_str_eq(
	    scheduled_refused(
		&s, (struct core_event){ .type = CORE_FORGET_PIPELINE, .pipeline = 100 }),
	    "pipeline 100 is pending and cannot be forgotten");
	scheduled_clear(&s);
}
END_TEST

START_TEST(blocked_pipeline_may_be_forgotten)
{
	static const struct scheduled_spec specs[] = { { "a", .when = WHEN_MANUAL },
		{ "b", 2 }, { NULL } };
	struct scheduled s;
	int64_t p;

	start(&s);
	p = scheduled_create(&s, scheduled_plan(&s, specs), NULL);
	scheduled_send(
	    &s, (struct core_event){ .type = CORE_FORGET_PIPELINE, .pipeline = p });
	ck_assert_uint_eq(core_counts(s.core).jobs, 0);
	scheduled_clear(&s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("core_load");
	TCase *tc = tcase_create("core_load");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, queued_job_is_queued_again);
	tcase_add_test(tc, running_job_goes_on);
	tcase_add_test(tc, running_job_gets_a_fresh_lease);
	tcase_add_test(tc, unaccepted_job_is_still_waited_for);
	tcase_add_test(tc, delayed_job_whose_time_has_passed_is_due);
	tcase_add_test(tc, resource_group_is_still_held);
	tcase_add_test(tc, resource_group_is_not_given_away_while_loading);
	tcase_add_test(tc, skipped_job_that_is_loaded_still_needs_its_resource);
	tcase_add_test(tc, nothing_is_assigned_while_loading);
	tcase_add_test(tc, delayed_job_takes_no_resource_while_loading);
	tcase_add_test(tc, later_stage_follows_after_a_restart);
	tcase_add_test(tc, tries_are_counted_across_a_restart);
	tcase_add_test(tc, trigger_job_asks_again_for_its_child);
	tcase_add_test(tc, child_still_moves_its_parent);
	tcase_add_test(tc, ids_go_on_behind_what_was_loaded);
	tcase_add_test(tc, pipeline_is_not_loaded_twice);
	tcase_add_test(tc, job_that_its_plan_has_not_is_refused);
	tcase_add_test(tc, ended_pipeline_is_forgotten_whole);
	tcase_add_test(tc, living_pipeline_is_not_forgotten);
	tcase_add_test(tc, blocked_pipeline_may_be_forgotten);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
