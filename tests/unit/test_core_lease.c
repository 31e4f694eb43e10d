/* Deadlines: acceptance, leases, timeouts, and what is tried again because of them. */
#include <check.h>

#include "tests/unit/scheduled.h"

#define SECOND SCHEDULED_SECOND

static const struct scheduled_spec plain = { "a" };

/* A server's usual limits, one runner that asks, one job it is given. */
static int64_t
given(struct scheduled *s, const struct scheduled_spec *spec)
{
	static const struct core_limits limits = { .accept_us = 120 * SECOND,
		.lease_us = 30 * SECOND,
		.pending_us = 3600 * SECOND,
		.timeout_us = 600 * SECOND,
		.grace_us = 60 * SECOND,
		.system_retries = 2 };
	int64_t job;

	scheduled_init(s);
	scheduled_send(s, (struct core_event){ .type = CORE_LIMITS, .limits = &limits });
	scheduled_runner(s, 1, NULL);
	scheduled_runner(s, 2, NULL);
	scheduled_request(s, 1);
	job = scheduled_one(s, spec, NULL);
	ck_assert_int_eq(scheduled_runner_of(s, job), 1);
	return job;
}

static int64_t
started(struct scheduled *s, const struct scheduled_spec *spec)
{
	int64_t job = given(s, spec);

	scheduled_started(s, job);
	return job;
}

static void
beat(struct scheduled *s, int64_t job)
{
	scheduled_send(
	    s, (struct core_event){ .type = CORE_HEARTBEAT, .job = job, .runner = 1 });
}

START_TEST(job_that_is_not_accepted_goes_to_another)
{
	struct scheduled s;
	int64_t job = given(&s, &plain);

	scheduled_request(&s, 2);
	scheduled_wait(&s, 119 * SECOND);
	ck_assert_int_eq(core_job(s.core, job)->runner, 1);
	scheduled_wait(&s, 2 * SECOND);
	ck_assert_int_eq(core_job(s.core, job)->runner, 2);
	ck_assert_int_eq(core_job(s.core, job)->attempt, 1);
	scheduled_clear(&s);
}
END_TEST

START_TEST(runner_has_a_time_of_its_own_to_accept)
{
	struct scheduled s;
	int64_t first = given(&s, &plain), second;

	scheduled_describe(&s,
	    (struct core_runner){ .id = 3,
		.run_untagged = true,
		.accept_us = 30 * SECOND,
		.online_until_us = INT64_MAX },
	    NULL);
	scheduled_request(&s, 3);
	second = scheduled_one(&s, &plain, NULL);
	ck_assert_int_eq(scheduled_runner_of(&s, second), 3);
	scheduled_request(&s, 2);
	scheduled_wait(&s, 29 * SECOND);
	ck_assert_int_eq(core_job(s.core, second)->runner, 3);
	scheduled_wait(&s, 2 * SECOND);
	ck_assert_int_eq(core_job(s.core, second)->runner, 2);
	ck_assert_int_eq(core_job(s.core, first)->runner, 1);
	scheduled_clear(&s);
}
END_TEST

START_TEST(word_of_the_runner_that_lost_it_is_refused)
{
	struct scheduled s;
	int64_t job = given(&s, &plain);

	scheduled_request(&s, 2);
	scheduled_wait(&s, 121 * SECOND);
	ck_assert_str_eq(
	    scheduled_refused(
		&s, (struct core_event){ .type = CORE_STARTED, .job = job, .runner = 1 }),
	    "job 1 is pending and does not belong to runner 1");
	scheduled_clear(&s);
}
END_TEST

START_TEST(pending_keep_alive_extends_acceptance)
{
	struct scheduled s;
	int64_t job = given(&s, &plain);

	scheduled_wait(&s, 100 * SECOND);
	beat(&s, job);
	scheduled_wait(&s, 100 * SECOND);
	ck_assert_int_eq(core_job(s.core, job)->runner, 1);
	scheduled_clear(&s);
}
END_TEST

START_TEST(released_job_goes_back_to_its_place)
{
	struct scheduled s;
	int64_t job = given(&s, &plain), later = scheduled_one(&s, &plain, NULL);

	scheduled_send(
	    &s, (struct core_event){ .type = CORE_RELEASE, .job = job, .runner = 1 });
	ck_assert_int_eq(core_job(s.core, job)->runner, 0);
	scheduled_request(&s, 2);
	ck_assert_int_eq(scheduled_runner_of(&s, job), 2);
	ck_assert_int_eq(scheduled_runner_of(&s, later), 0);
	scheduled_clear(&s);
}
END_TEST

START_TEST(started_job_cannot_be_released)
{
	struct scheduled s;
	int64_t job = started(&s, &plain);

	ck_assert_str_eq(
	    scheduled_refused(
		&s, (struct core_event){ .type = CORE_RELEASE, .job = job, .runner = 1 }),
	    "job 1 is running and cannot be given back");
	scheduled_clear(&s);
}
END_TEST

START_TEST(heartbeats_keep_a_job_running)
{
	struct scheduled s;
	int64_t job = started(&s, &plain);

	for (int i = 0; i < 10; i++) {
		scheduled_wait(&s, 29 * SECOND);
		beat(&s, job);
	}
	ck_assert_str_eq(scheduled_status(&s, job), "running");
	scheduled_clear(&s);
}
END_TEST

START_TEST(silent_runner_loses_its_job_within_the_lease)
{
	struct scheduled s;
	int64_t job = started(&s, &plain);

	scheduled_wait(&s, 31 * SECOND);
	ck_assert_str_eq(scheduled_status(&s, job), "failed");
	ck_assert_int_eq(core_job(s.core, job)->reason, REASON_RUNNER_SYSTEM_FAILURE);
	ck_assert(core_job(s.core, job)->lost);
	scheduled_clear(&s);
}
END_TEST

START_TEST(lost_job_is_tried_again_and_says_why)
{
	struct scheduled s;
	int64_t job = started(&s, &plain), next;

	scheduled_wait(&s, 31 * SECOND);
	next = core_job(s.core, job)->retried_as;
	ck_assert_str_eq(scheduled_status(&s, next), "pending");
	ck_assert_str_eq(core_cause_name(core_job(s.core, next)->cause), "system");
	scheduled_clear(&s);
}
END_TEST

START_TEST(late_word_for_the_lost_try_is_refused)
{
	struct scheduled s;
	int64_t job = started(&s, &plain);

	scheduled_wait(&s, 31 * SECOND);
	ck_assert_str_eq(
	    scheduled_refused(&s,
		(struct core_event){
		    .type = CORE_FINISHED, .job = job, .runner = 1, .success = true }),
	    "job 1 is failed and does not belong to runner 1");
	scheduled_clear(&s);
}
END_TEST

START_TEST(server_that_stood_still_takes_nobody_for_lost)
{
	struct scheduled s;
	int64_t job = started(&s, &plain);

	s.now_us += 3600 * SECOND; /* no tick came in all that time */
	scheduled_send(&s, (struct core_event){ .type = CORE_TICK });
	ck_assert_str_eq(scheduled_status(&s, job), "running");
	scheduled_wait(&s, 31 * SECOND);
	ck_assert_str_eq(scheduled_status(&s, job), "failed");
	scheduled_clear(&s);
}
END_TEST

START_TEST(clock_that_jumps_ahead_does_not_stop_the_leases)
{
	struct scheduled s;
	int64_t job = started(&s, &plain);

	s.now_us += 3600 * SECOND;
	s.timer_us = INT64_MAX; /* its timer knows nothing of the jump */
	beat(&s, job);
	ck_assert_int_ne(s.timer_us, INT64_MAX);
	scheduled_wait(&s, 31 * SECOND);
	ck_assert_str_eq(scheduled_status(&s, job), "failed");
	scheduled_clear(&s);
}
END_TEST

/* Tries made until it stays failed, all ending with this reason. */
static const struct {
	const char *claim;
	struct scheduled_spec spec;
	enum reason reason;
	int want;
} tries[] = {
	{ "a script's failure is not tried again", { "a" }, REASON_SCRIPT_FAILURE, 1 },
	{ "one of the system is, twice", { "a" }, REASON_RUNNER_SYSTEM_FAILURE, 3 },
	{ "an interrupted runner is one of the system", { "a" },
	    REASON_RUNNER_INTERRUPTED, 3 },
	{ "the file decides about scripts", { "a", .retry = 1 }, REASON_SCRIPT_FAILURE,
	    2 },
	{ "and about the system, if it says so", { "a", .retry = 1 },
	    REASON_RUNNER_SYSTEM_FAILURE, 2 },
	{ "a file that speaks of scripts leaves the system to us",
	    { "a", .retry = 1, .retry_when = "script_failure" },
	    REASON_RUNNER_SYSTEM_FAILURE, 3 },
	{ "a written 0 means never", { "a", .retry = -1 }, REASON_RUNNER_SYSTEM_FAILURE,
	    1 },
	{ "a timeout is the job's own", { "a" }, REASON_JOB_EXECUTION_TIMEOUT, 1 },
	{ "what the runner does not support stays so", { "a" }, REASON_RUNNER_UNSUPPORTED,
	    1 },
};

START_TEST(tries_as_often_as_it_should)
{
	struct scheduled s;
	int64_t job = given(&s, &tries[_i].spec);
	int64_t pipeline = core_job(s.core, job)->pipeline;

	for (int i = 0; i < 6; i++) {
		scheduled_finish(&s, job, tries[_i].reason);
		if (core_job(s.core, job)->retried_as == 0)
			break;
		job = core_job(s.core, job)->retried_as;
		scheduled_request(&s, 1);
	}
	ck_assert_msg(
	    core_pipeline(s.core, pipeline)->job_count == (size_t)tries[_i].want,
	    "%s: %zu tries, not %d", tries[_i].claim,
	    core_pipeline(s.core, pipeline)->job_count, tries[_i].want);
	scheduled_clear(&s);
}
END_TEST

START_TEST(tries_of_the_system_leave_the_file_its_own)
{
	static const struct scheduled_spec spec = { "a", .retry = 1,
		.retry_when = "script_failure" };
	struct scheduled s;
	int64_t job = given(&s, &spec);

	scheduled_finish(&s, job, REASON_RUNNER_SYSTEM_FAILURE);
	scheduled_request(&s, 1);
	job = core_job(s.core, job)->retried_as;
	scheduled_finish(&s, job, REASON_SCRIPT_FAILURE);
	job = core_job(s.core, job)->retried_as;
	ck_assert_int_ne(job, 0);
	ck_assert_str_eq(core_cause_name(core_job(s.core, job)->cause), "file");
	scheduled_clear(&s);
}
END_TEST

START_TEST(job_beyond_its_timeout_and_grace_fails)
{
	static const struct scheduled_spec spec = { "a", .timeout_s = 100 };
	struct scheduled s;
	int64_t job = started(&s, &spec);

	for (int i = 0; i < 16; i++) {
		ck_assert_str_eq(scheduled_status(&s, job), "running");
		scheduled_wait(&s, 10 * SECOND);
		if (core_job(s.core, job)->status == STATUS_RUNNING)
			beat(&s, job);
	}
	ck_assert_str_eq(scheduled_status(&s, job), "failed");
	ck_assert_int_eq(core_job(s.core, job)->reason, REASON_JOB_EXECUTION_TIMEOUT);
	ck_assert_int_eq(core_job(s.core, job)->retried_as, 0);
	scheduled_clear(&s);
}
END_TEST

START_TEST(runner_may_allow_less_time_than_the_job)
{
	static const struct scheduled_spec spec = { "a", .timeout_s = 100 };
	const struct core_runner strict = { .id = 1,
		.run_untagged = true,
		.online_until_us = INT64_MAX,
		.timeout_us = 10 * SECOND };
	struct scheduled s;
	int64_t job = given(&s, &spec);

	scheduled_describe(&s, strict, NULL);
	scheduled_started(&s, job);
	for (int i = 0; i < 7; i++) {
		ck_assert_str_eq(scheduled_status(&s, job), "running");
		scheduled_wait(&s, 10 * SECOND);
		if (core_job(s.core, job)->status == STATUS_RUNNING)
			beat(&s, job);
	}
	ck_assert_int_eq(core_job(s.core, job)->reason, REASON_JOB_EXECUTION_TIMEOUT);
	scheduled_clear(&s);
}
END_TEST

START_TEST(job_that_nobody_takes_fails_in_time)
{
	static const struct scheduled_spec spec = { "a", .tags = "gpu" };
	struct scheduled s;
	int64_t job;

	(void)given(&s, &plain);
	job = scheduled_one(&s, &spec, NULL);
	scheduled_wait(&s, 3601 * SECOND);
	ck_assert_str_eq(scheduled_status(&s, job), "failed");
	ck_assert_int_eq(core_job(s.core, job)->reason, REASON_STUCK_OR_TIMEOUT_FAILURE);
	scheduled_clear(&s);
}
END_TEST

START_TEST(canceling_job_of_a_silent_runner_is_canceled)
{
	struct scheduled s;
	int64_t job = started(&s, &plain);

	scheduled_send(&s, (struct core_event){ .type = CORE_CANCEL_JOB, .job = job });
	ck_assert_str_eq(scheduled_status(&s, job), "canceling");
	ck_assert_int_eq(s.canceled[0], job);
	scheduled_wait(&s, 31 * SECOND);
	ck_assert_str_eq(scheduled_status(&s, job), "canceled");
	scheduled_clear(&s);
}
END_TEST

START_TEST(forced_cancel_waits_for_nobody)
{
	struct scheduled s;
	int64_t job = started(&s, &plain);

	scheduled_send(&s, (struct core_event){ .type = CORE_CANCEL_JOB, .job = job });
	scheduled_send(&s,
	    (struct core_event){ .type = CORE_CANCEL_JOB, .job = job, .force = true });
	ck_assert_str_eq(scheduled_status(&s, job), "canceled");
	scheduled_clear(&s);
}
END_TEST

START_TEST(unaccepted_job_is_canceled_at_once)
{
	struct scheduled s;
	int64_t job = given(&s, &plain);

	scheduled_send(&s, (struct core_event){ .type = CORE_CANCEL_JOB, .job = job });
	ck_assert_str_eq(scheduled_status(&s, job), "canceled");
	ck_assert_int_eq(core_runner_jobs(s.core, 1), 0);
	scheduled_clear(&s);
}
END_TEST

START_TEST(nothing_to_wait_for_stops_the_timer)
{
	static const struct scheduled_spec spec = { "a", .when = WHEN_DELAYED,
		.start_in_s = 60 };
	struct scheduled s;
	int64_t job;

	scheduled_init(&s);
	job = scheduled_one(&s, &spec, NULL);
	ck_assert_int_eq(s.timer_us, core_job(s.core, job)->start_at_us);
	scheduled_send(&s, (struct core_event){ .type = CORE_CANCEL_JOB, .job = job });
	ck_assert_int_eq(s.timer_us, INT64_MAX);
	scheduled_clear(&s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("core_lease");
	TCase *tc = tcase_create("core_lease");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, job_that_is_not_accepted_goes_to_another);
	tcase_add_test(tc, runner_has_a_time_of_its_own_to_accept);
	tcase_add_test(tc, word_of_the_runner_that_lost_it_is_refused);
	tcase_add_test(tc, pending_keep_alive_extends_acceptance);
	tcase_add_test(tc, released_job_goes_back_to_its_place);
	tcase_add_test(tc, started_job_cannot_be_released);
	tcase_add_test(tc, heartbeats_keep_a_job_running);
	tcase_add_test(tc, silent_runner_loses_its_job_within_the_lease);
	tcase_add_test(tc, lost_job_is_tried_again_and_says_why);
	tcase_add_test(tc, late_word_for_the_lost_try_is_refused);
	tcase_add_test(tc, server_that_stood_still_takes_nobody_for_lost);
	tcase_add_test(tc, clock_that_jumps_ahead_does_not_stop_the_leases);
	tcase_add_loop_test(tc, tries_as_often_as_it_should, 0, (int)ARRAY_LEN(tries));
	tcase_add_test(tc, tries_of_the_system_leave_the_file_its_own);
	tcase_add_test(tc, job_beyond_its_timeout_and_grace_fails);
	tcase_add_test(tc, runner_may_allow_less_time_than_the_job);
	tcase_add_test(tc, job_that_nobody_takes_fails_in_time);
	tcase_add_test(tc, canceling_job_of_a_silent_runner_is_canceled);
	tcase_add_test(tc, forced_cancel_waits_for_nobody);
	tcase_add_test(tc, unaccepted_job_is_canceled_at_once);
	tcase_add_test(tc, nothing_to_wait_for_stops_the_timer);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
