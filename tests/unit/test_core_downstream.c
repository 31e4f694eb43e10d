/* Trigger jobs: strategies, cancel and retry across pipelines. */
#include <check.h>

#include "base/str.h"
#include "tests/unit/scheduled.h"

static const struct scheduled_spec child_specs[] = { { "c" }, { NULL } };

struct family {
	struct scheduled s;
	int64_t parent, trigger, child;
};

static void
make_child(struct family *f, const struct scheduled_spec *specs)
{
	scheduled_send(&f->s,
	    (struct core_event){ .type = CORE_CREATE_PIPELINE,
		.plan = scheduled_plan(&f->s, specs),
		.parent_job = f->trigger });
	f->child = core_job(f->s.core, f->trigger)->downstream;
}

/* t triggers, after comes behind it. */
static void
start(struct family *f, const char *strategy, const struct scheduled_spec *child)
{
	const struct scheduled_spec specs[] = { { "t", .trigger = strategy },
		{ "after", 2 }, { NULL } };

	scheduled_init(&f->s);
	scheduled_runner(&f->s, 1, NULL);
	for (int i = 0; i < 8; i++)
		scheduled_request(&f->s, 1);
	f->parent = scheduled_create(&f->s, scheduled_plan(&f->s, specs), NULL);
	f->trigger = scheduled_job(&f->s, f->parent, "t");
	ck_assert_int_eq(f->s.downstream[0], f->trigger);
	make_child(f, child);
}

static void
end_child(struct family *f, enum reason reason)
{
	scheduled_finish(&f->s, scheduled_job(&f->s, f->child, "c"), reason);
}

static const struct {
	const char *claim, *strategy;
	int end; /* an enum reason, or -1: canceled */
	const char *want;
} ends[] = {
	{ "depend waits for success", "depend", REASON_NONE,
	    "t:success after:pending => running" },
	{ "depend fails with it", "depend", REASON_SCRIPT_FAILURE,
	    "t:failed after:skipped => failed" },
	{ "depend takes a cancel for a failure", "depend", -1,
	    "t:failed after:skipped => failed" },
	{ "mirror copies success", "mirror", REASON_NONE,
	    "t:success after:pending => running" },
	{ "mirror copies failure", "mirror", REASON_SCRIPT_FAILURE,
	    "t:failed after:skipped => failed" },
	{ "mirror copies a cancel", "mirror", -1,
	    "t:canceled after:skipped => canceled" },
};

START_TEST(trigger_job_ends_as_its_strategy_says)
{
	struct family f;
	const char *got;

	start(&f, ends[_i].strategy, child_specs);
	ck_assert_str_eq(scheduled_status(&f.s, f.trigger), "running");
	if (ends[_i].end >= 0)
		end_child(&f, (enum reason)ends[_i].end);
	else
		scheduled_send(&f.s,
		    (struct core_event){ .type = CORE_FINISHED,
			.job = scheduled_job(&f.s, f.child, "c"),
			.canceled = true });
	got = scheduled_state(&f.s, f.parent);
	ck_assert_msg(str_eq(got, ends[_i].want), "%s: %s", ends[_i].claim, got);
	scheduled_clear(&f.s);
}
END_TEST

START_TEST(without_strategy_it_is_done_once_the_child_exists)
{
	struct family f;

	start(&f, "none", child_specs);
	ck_assert_str_eq(
	    scheduled_state(&f.s, f.parent), "t:success after:pending => running");
	scheduled_clear(&f.s);
}
END_TEST

START_TEST(mirror_shows_a_blocked_child)
{
	static const struct scheduled_spec manual[] = { { "c", .when = WHEN_MANUAL },
		{ NULL } };
	struct family f;

	start(&f, "mirror", manual);
	ck_assert_str_eq(
	    scheduled_state(&f.s, f.parent), "t:manual after:created => manual");
	scheduled_send(&f.s,
	    (struct core_event){
		.type = CORE_PLAY, .job = scheduled_job(&f.s, f.child, "c") });
	ck_assert_str_eq(scheduled_status(&f.s, f.trigger), "running");
	scheduled_clear(&f.s);
}
END_TEST

START_TEST(what_a_blocked_mirror_skipped_runs_when_it_goes_on)
{
	static const struct scheduled_spec specs[] = { { "t", .trigger = "mirror",
							   .allow_failure = true },
		{ "n", .needs = "t" }, { NULL } };
	static const struct scheduled_spec manual[] = { { "c", .when = WHEN_MANUAL },
		{ NULL } };
	struct family f = { .parent = 0 };

	scheduled_init(&f.s);
	scheduled_request(&f.s, 1);
	f.parent = scheduled_create(&f.s, scheduled_plan(&f.s, specs), NULL);
	f.trigger = scheduled_job(&f.s, f.parent, "t");
	make_child(&f, manual);
	ck_assert_str_eq(
	    scheduled_state(&f.s, f.parent), "t:manual n:skipped => skipped");
	scheduled_send(&f.s,
	    (struct core_event){
		.type = CORE_PLAY, .job = scheduled_job(&f.s, f.child, "c") });
	end_child(&f, REASON_NONE);
	ck_assert_str_eq(
	    scheduled_state(&f.s, f.parent), "t:success n:pending => running");
	scheduled_clear(&f.s);
}
END_TEST

START_TEST(mirrored_job_is_not_played_itself)
{
	static const struct scheduled_spec manual[] = { { "c", .when = WHEN_MANUAL },
		{ NULL } };
	struct family f;

	start(&f, "mirror", manual);
	ck_assert_str_eq(scheduled_refused(&f.s,
			     (struct core_event){ .type = CORE_PLAY, .job = f.trigger }),
	    "job t is manual because pipeline 101 is: play the jobs of that one");
	scheduled_clear(&f.s);
}
END_TEST

START_TEST(mirror_of_a_delayed_child_is_not_started_again)
{
	static const struct scheduled_spec specs[] = {
		{ "t", .trigger = "mirror", .when = WHEN_DELAYED, .start_in_s = 5 },
		{ NULL }
	};
	static const struct scheduled_spec delayed[] = {
		{ "c", .when = WHEN_DELAYED, .start_in_s = 3600 }, { NULL }
	};
	struct family f = { .parent = 0 };
	struct core_wait wait;

	scheduled_init(&f.s);
	f.parent = scheduled_create(&f.s, scheduled_plan(&f.s, specs), NULL);
	f.trigger = scheduled_job(&f.s, f.parent, "t");
	scheduled_wait(&f.s, 6 * SCHEDULED_SECOND);
	make_child(&f, delayed);
	ck_assert_str_eq(scheduled_state(&f.s, f.parent), "t:scheduled => scheduled");
	ck_assert(core_explain(f.s.core, f.trigger, &wait));
	ck_assert_str_eq(wait.text, "its pipeline 101 waits: it is scheduled");
	scheduled_wait(&f.s, 60 * SCHEDULED_SECOND);
	ck_assert_uint_eq(f.s.downstream_count, 1);
	ck_assert_str_eq(scheduled_state(&f.s, f.parent), "t:scheduled => scheduled");
	scheduled_clear(&f.s);
}
END_TEST

START_TEST(cancel_reaches_the_child)
{
	struct family f;

	start(&f, "depend", child_specs);
	scheduled_started(&f.s, scheduled_job(&f.s, f.child, "c"));
	scheduled_send(&f.s,
	    (struct core_event){ .type = CORE_CANCEL_PIPELINE, .pipeline = f.parent });
	ck_assert_str_eq(scheduled_state(&f.s, f.child), "c:canceling => canceling");
	end_child(&f, REASON_NONE);
	ck_assert_str_eq(scheduled_state(&f.s, f.child), "c:canceled => canceled");
	ck_assert_str_eq(
	    scheduled_state(&f.s, f.parent), "t:canceled after:canceled => canceled");
	scheduled_clear(&f.s);
}
END_TEST

START_TEST(retry_in_the_child_opens_the_parent_again)
{
	struct family f;

	start(&f, "depend", child_specs);
	end_child(&f, REASON_SCRIPT_FAILURE);
	ck_assert_str_eq(
	    scheduled_state(&f.s, f.parent), "t:failed after:skipped => failed");
	scheduled_send(&f.s,
	    (struct core_event){
		.type = CORE_RETRY, .job = scheduled_job(&f.s, f.child, "c") });
	ck_assert_str_eq(
	    scheduled_state(&f.s, f.parent), "t:running after:created => running");
	end_child(&f, REASON_NONE);
	ck_assert_str_eq(
	    scheduled_state(&f.s, f.parent), "t:success after:pending => running");
	scheduled_clear(&f.s);
}
END_TEST

START_TEST(retried_trigger_job_makes_another_child)
{
	struct family f;
	int64_t first;

	start(&f, "depend", child_specs);
	first = f.child;
	end_child(&f, REASON_SCRIPT_FAILURE);
	scheduled_send(&f.s, (struct core_event){ .type = CORE_RETRY, .job = f.trigger });
	f.trigger = scheduled_job(&f.s, f.parent, "t");
	ck_assert_int_eq(f.s.downstream[1], f.trigger);
	make_child(&f, child_specs);
	ck_assert_int_ne(f.child, first);
	end_child(&f, REASON_NONE);
	ck_assert_str_eq(scheduled_status(&f.s, f.trigger), "success");
	scheduled_clear(&f.s);
}
END_TEST

START_TEST(old_child_no_longer_moves_a_retried_trigger_job)
{
	struct family f;
	int64_t first;

	start(&f, "depend", child_specs);
	first = f.child;
	end_child(&f, REASON_SCRIPT_FAILURE);
	scheduled_send(&f.s, (struct core_event){ .type = CORE_RETRY, .job = f.trigger });
	scheduled_send(&f.s,
	    (struct core_event){
		.type = CORE_RETRY, .job = scheduled_job(&f.s, first, "c") });
	ck_assert_str_eq(scheduled_status(&f.s, f.trigger), "failed");
	scheduled_clear(&f.s);
}
END_TEST

START_TEST(job_that_mirrors_a_skipped_child_is_not_started_again)
{
	static const struct scheduled_spec specs[] = { { "m", .when = WHEN_MANUAL,
							   .allow_failure = true },
		{ "t", 2, .trigger = "mirror" }, { NULL } };
	static const struct scheduled_spec skipped[] = { { "c", .when = WHEN_ON_FAILURE },
		{ NULL } };
	struct family f = { .parent = 0 };

	scheduled_init(&f.s);
	f.parent = scheduled_create(&f.s, scheduled_plan(&f.s, specs), NULL);
	f.trigger = scheduled_job(&f.s, f.parent, "t");
	make_child(&f, skipped);
	ck_assert_str_eq(scheduled_status(&f.s, f.trigger), "skipped");
	scheduled_send(&f.s,
	    (struct core_event){
		.type = CORE_PLAY, .job = scheduled_job(&f.s, f.parent, "m") });
	ck_assert_str_eq(scheduled_status(&f.s, f.trigger), "skipped");
	ck_assert_uint_eq(f.s.downstream_count, 1);
	scheduled_clear(&f.s);
}
END_TEST

START_TEST(child_that_cannot_be_made_fails_the_job)
{
	static const struct scheduled_spec trigger = { "t", .trigger = "depend" };
	struct scheduled s;
	int64_t job;

	scheduled_init(&s);
	job = scheduled_one(&s, &trigger, NULL);
	scheduled_send(&s, (struct core_event){ .type = CORE_DOWNSTREAM, .job = job });
	ck_assert_str_eq(scheduled_status(&s, job), "failed");
	ck_assert_int_eq(core_job(s.core, job)->reason, REASON_DOWNSTREAM_FAILURE);
	scheduled_clear(&s);
}
END_TEST

START_TEST(endless_nesting_is_refused)
{
	static const struct scheduled_spec trigger[] = { { "t", .trigger = "depend" },
		{ NULL } };
	struct family f = { .parent = 0 };

	scheduled_init(&f.s);
	f.trigger = scheduled_one(&f.s, trigger, NULL);
	for (int i = 0; i < CORE_MAX_DEPTH; i++) {
		f.s.downstream_count = 0;
		make_child(&f, trigger);
		f.trigger = scheduled_job(&f.s, f.child, "t");
	}
	ck_assert_str_eq(scheduled_refused(&f.s,
			     (struct core_event){ .type = CORE_CREATE_PIPELINE,
				 .plan = core_pipeline(f.s.core, f.child)->plan,
				 .parent_job = f.trigger }),
	    "downstream pipelines nest more than 1000 deep");
	scheduled_send(
	    &f.s, (struct core_event){ .type = CORE_CANCEL_PIPELINE, .pipeline = 100 });
	ck_assert_str_eq(scheduled_status(&f.s, f.trigger), "canceled");
	scheduled_clear(&f.s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("core_downstream");
	TCase *tc = tcase_create("core_downstream");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(
	    tc, trigger_job_ends_as_its_strategy_says, 0, (int)ARRAY_LEN(ends));
	tcase_add_test(tc, without_strategy_it_is_done_once_the_child_exists);
	tcase_add_test(tc, mirror_shows_a_blocked_child);
	tcase_add_test(tc, what_a_blocked_mirror_skipped_runs_when_it_goes_on);
	tcase_add_test(tc, mirrored_job_is_not_played_itself);
	tcase_add_test(tc, mirror_of_a_delayed_child_is_not_started_again);
	tcase_add_test(tc, cancel_reaches_the_child);
	tcase_add_test(tc, retry_in_the_child_opens_the_parent_again);
	tcase_add_test(tc, retried_trigger_job_makes_another_child);
	tcase_add_test(tc, old_child_no_longer_moves_a_retried_trigger_job);
	tcase_add_test(tc, job_that_mirrors_a_skipped_child_is_not_started_again);
	tcase_add_test(tc, child_that_cannot_be_made_fails_the_job);
	tcase_add_test(tc, endless_nesting_is_refused);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
