/* Resource groups: one at a time per project, and whose turn it is. */
#include <check.h>
#include <stdio.h>

#include "base/str.h"
#include "tests/unit/scheduled.h"

static const struct scheduled_spec deploy = { "deploy", .group = "prod" };
static const struct scheduled_spec staged[] = { { "build" },
	{ "deploy", 2, .group = "prod" }, { NULL } };

static void
set_mode(struct scheduled *s, enum core_process_mode mode)
{
	struct core_resource_group group = { 0, "prod", mode };

	scheduled_send(s,
	    (struct core_event){ .type = CORE_RESOURCE_GROUP, .resource_group = &group });
}

static void
start(struct scheduled *s)
{
	scheduled_init(s);
	scheduled_runner(s, 1, NULL);
	for (int i = 0; i < 20; i++)
		scheduled_request(s, 1);
}

START_TEST(holds_across_pipelines)
{
	struct scheduled s;
	int64_t first, second;

	start(&s);
	first = scheduled_one(&s, &deploy, NULL);
	second = scheduled_one(&s, &deploy, NULL);
	ck_assert_str_eq(scheduled_status(&s, second), "waiting_for_resource");
	ck_assert_int_eq(core_job(s.core, second)->because, first);
	scheduled_finish(&s, first, REASON_SCRIPT_FAILURE);
	ck_assert_int_eq(scheduled_runner_of(&s, second), 1);
	scheduled_clear(&s);
}
END_TEST

START_TEST(pipeline_of_the_next_job_moves_too)
{
	struct scheduled s;
	int64_t first, second, pipeline;

	start(&s);
	first = scheduled_one(&s, &deploy, NULL);
	second = scheduled_one(&s, &deploy, NULL);
	pipeline = core_job(s.core, second)->pipeline;
	ck_assert_int_eq(
	    core_pipeline(s.core, pipeline)->status, STATUS_WAITING_FOR_RESOURCE);
	scheduled_finish(&s, first, REASON_NONE);
	ck_assert_int_eq(core_pipeline(s.core, pipeline)->status, STATUS_PENDING);
	scheduled_clear(&s);
}
END_TEST

START_TEST(other_projects_have_their_own)
{
	static const struct core_origin other = { .project = 9 };
	struct scheduled s;

	start(&s);
	(void)scheduled_one(&s, &deploy, NULL);
	ck_assert_int_eq(scheduled_runner_of(&s, scheduled_one(&s, &deploy, &other)), 1);
	scheduled_clear(&s);
}
END_TEST

START_TEST(trigger_job_holds_it_too)
{
	static const struct scheduled_spec trigger = { "t", .group = "prod",
		.trigger = "depend" };
	struct scheduled s;

	start(&s);
	(void)scheduled_one(&s, &trigger, NULL);
	ck_assert_str_eq(scheduled_status(&s, scheduled_one(&s, &deploy, NULL)),
	    "waiting_for_resource");
	scheduled_clear(&s);
}
END_TEST

/*
 * Three pipelines hold a deploy each behind a build; builds end in the order given while
 * another job holds the group; the order of the deploys after that, as pipeline numbers.
 */
static const struct {
	enum core_process_mode mode;
	const char *builds, *want;
} orders[] = {
	{ CORE_UNORDERED, "2 3 1", "2 3 1" },
	{ CORE_OLDEST_FIRST, "2 3 1", "1 2 3" },
	{ CORE_NEWEST_FIRST, "2 3 1", "3 2 1" },
	{ CORE_NEWEST_READY_FIRST, "2 3 1", "3 2 1" },
	/* pipeline 1, or 3, is not ready: it holds the others up, or it does not */
	{ CORE_UNORDERED, "3 2", "3 2" },
	{ CORE_OLDEST_FIRST, "3 2", "" },
	{ CORE_OLDEST_FIRST, "2 1", "1 2" },
	{ CORE_NEWEST_FIRST, "1 2", "" },
	{ CORE_NEWEST_FIRST, "2 3", "3 2" },
	{ CORE_NEWEST_READY_FIRST, "1 2", "2 1" },
};

START_TEST(process_mode_says_whose_turn_it_is)
{
	cleanup_buf struct buf got = BUF_INIT;
	struct scheduled s;
	int64_t p[4], holder;

	start(&s);
	set_mode(&s, orders[_i].mode);
	holder = scheduled_one(&s, &deploy, NULL);
	for (size_t i = 1; i <= 3; i++)
		p[i] = scheduled_create(&s, scheduled_plan(&s, staged), NULL);
	for (const char *b = orders[_i].builds; *b != '\0'; b++)
		if (*b != ' ')
			scheduled_finish(
			    &s, scheduled_job(&s, p[*b - '0'], "build"), REASON_NONE);
	for (;;) {
		size_t before = s.given_count;

		scheduled_finish(&s, holder, REASON_NONE);
		if (s.given_count == before)
			break;
		holder = s.given[before].job;
		buf_printf(&got, "%s%d", got.len > 0 ? " " : "",
		    (int)(core_job(s.core, holder)->pipeline - p[1] + 1));
	}
	ck_assert_msg(str_eq(buf_str(&got), orders[_i].want), "row %d: %s, not %s", _i,
	    buf_str(&got), orders[_i].want);
	scheduled_clear(&s);
}
END_TEST

START_TEST(skipped_job_of_the_oldest_lets_others_go)
{
	struct scheduled s;
	int64_t first, second;

	start(&s);
	set_mode(&s, CORE_OLDEST_FIRST);
	first = scheduled_create(&s, scheduled_plan(&s, staged), NULL);
	second = scheduled_create(&s, scheduled_plan(&s, staged), NULL);
	scheduled_finish(&s, scheduled_job(&s, second, "build"), REASON_NONE);
	ck_assert_str_eq(scheduled_status(&s, scheduled_job(&s, second, "deploy")),
	    "waiting_for_resource");
	scheduled_finish(&s, scheduled_job(&s, first, "build"), REASON_SCRIPT_FAILURE);
	ck_assert_str_eq(
	    scheduled_status(&s, scheduled_job(&s, second, "deploy")), "pending");
	scheduled_clear(&s);
}
END_TEST

START_TEST(changed_mode_counts_at_once)
{
	struct scheduled s;
	int64_t second;

	start(&s);
	set_mode(&s, CORE_OLDEST_FIRST);
	(void)scheduled_create(&s, scheduled_plan(&s, staged), NULL);
	second = scheduled_one(&s, &deploy, NULL);
	ck_assert_str_eq(scheduled_status(&s, second), "waiting_for_resource");
	set_mode(&s, CORE_UNORDERED);
	ck_assert_str_eq(scheduled_status(&s, second), "pending");
	scheduled_clear(&s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("core_resource");
	TCase *tc = tcase_create("core_resource");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, holds_across_pipelines);
	tcase_add_test(tc, pipeline_of_the_next_job_moves_too);
	tcase_add_test(tc, other_projects_have_their_own);
	tcase_add_test(tc, trigger_job_holds_it_too);
	tcase_add_loop_test(
	    tc, process_mode_says_whose_turn_it_is, 0, (int)ARRAY_LEN(orders));
	tcase_add_test(tc, skipped_job_of_the_oldest_lets_others_go);
	tcase_add_test(tc, changed_mode_counts_at_once);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
