/* Who gets what: tags, scopes, protected refs, limits, fairness and priorities. */
#include <check.h>

#include "tests/unit/scheduled.h"

static const struct scheduled_spec plain = { "a" };
static const struct scheduled_spec linux_job = { "a", .tags = "linux" };

static const struct {
	const char *claim;
	const char *job_tags, *runner_tags;
	bool run_untagged, only_protected, paused, job_is_protected;
	struct core_scope scope;
	bool want;
} fits[] = {
	{ "no tags on either side", NULL, NULL, .run_untagged = true, .want = true },
	{ "a runner that wants tags", NULL, "linux", .want = false },
	{ "a tagged runner may take untagged jobs", NULL, "linux", .run_untagged = true,
	    .want = true },
	{ "the same tag", "linux", "linux", .want = true },
	{ "all tags among more", "linux gpu", "gpu big linux", .want = true },
	{ "one tag is missing", "linux gpu", "linux", .run_untagged = true },
	{ "a tag written twice", "linux linux", "linux", .want = true },
	{ "tags are no prefixes", "linux", "linux-arm" },
	{ "paused", "linux", "linux", .paused = true },
	{ "protected only, ref is not", "linux", "linux", .only_protected = true },
	{ "protected only, ref is", "linux", "linux", .only_protected = true,
	    .job_is_protected = true, .want = true },
	{ "any runner takes protected refs", "linux", "linux", .job_is_protected = true,
	    .want = true },
	{ "bound to the project", "linux", "linux", .scope = { CORE_SCOPE_PROJECT, 7 },
	    .want = true },
	{ "bound to another project", "linux", "linux",
	    .scope = { CORE_SCOPE_PROJECT, 8 } },
	{ "bound to a group above it", "linux", "linux", .scope = { CORE_SCOPE_GROUP, 4 },
	    .want = true },
	{ "bound to the project, without tags", NULL, NULL, .run_untagged = true,
	    .scope = { CORE_SCOPE_PROJECT, 7 }, .want = true },
	{ "bound to another group", "linux", "linux", .scope = { CORE_SCOPE_GROUP, 7 } },
};

static void
describe_project(struct scheduled *s, int limit)
{
	static const int64_t groups[] = { 3, 4 };
	struct core_project project = {
		.id = 7, .groups = groups, .group_count = 2, .limit = limit
	};

	scheduled_send(
	    s, (struct core_event){ .type = CORE_PROJECT, .project = &project });
}

/* The request comes first or the job: both must find the other. */
static bool
is_given(int row, bool request_first)
{
	struct scheduled s;
	struct scheduled_spec spec = { "a", .tags = fits[row].job_tags };
	struct core_origin origin = { .project = 7,
		.ref_is_protected = fits[row].job_is_protected };
	int64_t job, got;

	scheduled_init(&s);
	describe_project(&s, 0);
	scheduled_describe(&s,
	    (struct core_runner){ .id = 1,
		.run_untagged = fits[row].run_untagged,
		.only_protected = fits[row].only_protected,
		.paused = fits[row].paused,
		.scopes = &fits[row].scope,
		.scope_count = 1 },
	    fits[row].runner_tags);
	if (request_first)
		scheduled_request(&s, 1);
	job = scheduled_one(&s, &spec, &origin);
	if (!request_first)
		scheduled_request(&s, 1);
	got = scheduled_runner_of(&s, job);
	scheduled_clear(&s);
	return got == 1;
}

START_TEST(runner_gets_what_it_may_take)
{
	ck_assert_msg(
	    is_given(_i, true) == fits[_i].want, "%s, runner first", fits[_i].claim);
	ck_assert_msg(
	    is_given(_i, false) == fits[_i].want, "%s, job first", fits[_i].claim);
}
END_TEST

START_TEST(new_tag_of_a_runner_frees_what_waited_for_it)
{
	struct scheduled s;
	int64_t job;

	scheduled_init(&s);
	scheduled_runner(&s, 1, "arm");
	scheduled_request(&s, 1);
	job = scheduled_one(&s, &linux_job, NULL);
	ck_assert_int_eq(scheduled_runner_of(&s, job), 0);
	scheduled_runner(&s, 1, "arm linux");
	ck_assert_int_eq(scheduled_runner_of(&s, job), 1);
	scheduled_clear(&s);
}
END_TEST

START_TEST(unpaused_runner_takes_what_waited)
{
	struct scheduled s;
	int64_t job;

	scheduled_init(&s);
	scheduled_describe(&s, (struct core_runner){ .id = 1, .paused = true }, "linux");
	scheduled_request(&s, 1);
	job = scheduled_one(&s, &linux_job, NULL);
	ck_assert_int_eq(scheduled_runner_of(&s, job), 0);
	scheduled_runner(&s, 1, "linux");
	ck_assert_int_eq(scheduled_runner_of(&s, job), 1);
	scheduled_clear(&s);
}
END_TEST

START_TEST(project_that_joins_a_group_gets_its_runners)
{
	static const struct core_scope group = { CORE_SCOPE_GROUP, 4 };
	static const struct core_origin origin = { .project = 7 };
	struct scheduled s;
	int64_t job;

	scheduled_init(&s);
	scheduled_describe(&s,
	    (struct core_runner){ .id = 1, .scopes = &group, .scope_count = 1 }, "linux");
	scheduled_request(&s, 1);
	job = scheduled_one(&s, &linux_job, &origin);
	ck_assert_int_eq(scheduled_runner_of(&s, job), 0);
	describe_project(&s, 0);
	ck_assert_int_eq(scheduled_runner_of(&s, job), 1);
	scheduled_clear(&s);
}
END_TEST

START_TEST(unknown_runner_gets_nothing_where_some_are_described)
{
	struct scheduled s;

	scheduled_init(&s);
	scheduled_runner(&s, 1, NULL);
	ck_assert_str_eq(scheduled_refused(&s,
			     (struct core_event){ .type = CORE_REQUEST, .runner = 2 }),
	    "there is no runner 2");
	scheduled_clear(&s);
}
END_TEST

START_TEST(gone_runner_gets_nothing)
{
	struct scheduled s;
	int64_t job;

	scheduled_init(&s);
	scheduled_runner(&s, 1, NULL);
	scheduled_request(&s, 1);
	scheduled_send(&s, (struct core_event){ .type = CORE_RUNNER_GONE, .runner = 1 });
	job = scheduled_one(&s, &plain, NULL);
	ck_assert_int_eq(scheduled_runner_of(&s, job), 0);
	ck_assert_uint_eq(core_counts(s.core).runners, 0);
	scheduled_clear(&s);
}
END_TEST

START_TEST(gone_runner_may_finish_what_it_has)
{
	struct scheduled s;
	int64_t job;

	scheduled_init(&s);
	scheduled_runner(&s, 1, NULL);
	scheduled_request(&s, 1);
	job = scheduled_one(&s, &plain, NULL);
	scheduled_send(&s, (struct core_event){ .type = CORE_RUNNER_GONE, .runner = 1 });
	scheduled_finish(&s, job, REASON_NONE);
	ck_assert_str_eq(scheduled_status(&s, job), "success");
	ck_assert_uint_eq(core_counts(s.core).runners, 0);
	scheduled_clear(&s);
}
END_TEST

START_TEST(withdrawn_request_gets_nothing)
{
	struct scheduled s;
	int64_t job;

	scheduled_init(&s);
	scheduled_runner(&s, 1, NULL);
	scheduled_request(&s, 1);
	scheduled_send(&s, (struct core_event){ .type = CORE_WITHDRAW, .runner = 1 });
	job = scheduled_one(&s, &plain, NULL);
	ck_assert_int_eq(scheduled_runner_of(&s, job), 0);
	scheduled_clear(&s);
}
END_TEST

START_TEST(who_waits_longest_is_served_first)
{
	struct scheduled s;

	scheduled_init(&s);
	for (int64_t r = 1; r <= 3; r++) {
		scheduled_runner(&s, r, NULL);
		scheduled_request(&s, r);
	}
	for (int64_t r = 1; r <= 3; r++)
		ck_assert_int_eq(
		    scheduled_runner_of(&s, scheduled_one(&s, &plain, NULL)), r);
	scheduled_clear(&s);
}
END_TEST

START_TEST(runner_has_no_more_than_its_limit)
{
	struct scheduled s;
	int64_t first, second;

	scheduled_init(&s);
	scheduled_describe(
	    &s, (struct core_runner){ .id = 1, .run_untagged = true, .limit = 1 }, NULL);
	scheduled_request(&s, 1);
	scheduled_request(&s, 1);
	first = scheduled_one(&s, &plain, NULL);
	second = scheduled_one(&s, &plain, NULL);
	ck_assert_int_eq(scheduled_runner_of(&s, second), 0);
	scheduled_finish(&s, first, REASON_NONE);
	ck_assert_int_eq(scheduled_runner_of(&s, second), 1);
	scheduled_clear(&s);
}
END_TEST

START_TEST(project_has_no_more_than_its_limit)
{
	static const struct core_origin seven = { .project = 7 },
					eight = { .project = 8 };
	struct scheduled s;
	int64_t first, second, other;

	scheduled_init(&s);
	describe_project(&s, 1);
	scheduled_runner(&s, 1, NULL);
	for (int i = 0; i < 3; i++)
		scheduled_request(&s, 1);
	first = scheduled_one(&s, &plain, &seven);
	second = scheduled_one(&s, &plain, &seven);
	other = scheduled_one(&s, &plain, &eight);
	ck_assert_int_eq(scheduled_runner_of(&s, second), 0);
	ck_assert_int_eq(scheduled_runner_of(&s, other), 1);
	scheduled_finish(&s, first, REASON_NONE);
	ck_assert_int_eq(scheduled_runner_of(&s, second), 1);
	scheduled_clear(&s);
}
END_TEST

START_TEST(raised_limit_of_a_project_counts_at_once)
{
	static const struct core_origin seven = { .project = 7 };
	struct scheduled s;
	int64_t second;

	scheduled_init(&s);
	describe_project(&s, 1);
	scheduled_runner(&s, 1, NULL);
	scheduled_request(&s, 1);
	scheduled_request(&s, 1);
	(void)scheduled_one(&s, &plain, &seven);
	second = scheduled_one(&s, &plain, &seven);
	describe_project(&s, 2);
	ck_assert_int_eq(scheduled_runner_of(&s, second), 1);
	scheduled_clear(&s);
}
END_TEST

static void
limit_instance(struct scheduled *s, int jobs)
{
	struct core_limits limits = { .jobs = jobs };

	scheduled_send(s, (struct core_event){ .type = CORE_LIMITS, .limits = &limits });
}

START_TEST(instance_has_no_more_than_its_limit)
{
	struct scheduled s;
	int64_t first, second, third;

	scheduled_init(&s);
	limit_instance(&s, 1);
	scheduled_runner(&s, 1, NULL);
	for (int i = 0; i < 3; i++)
		scheduled_request(&s, 1);
	first = scheduled_one(&s, &plain, NULL);
	second = scheduled_one(&s, &plain, NULL);
	third = scheduled_one(&s, &plain, NULL);
	ck_assert_int_eq(scheduled_runner_of(&s, second), 0);
	scheduled_finish(&s, first, REASON_NONE);
	ck_assert_int_eq(scheduled_runner_of(&s, second), 1);
	ck_assert_int_eq(scheduled_runner_of(&s, third), 0);
	limit_instance(&s, 2);
	ck_assert_int_eq(scheduled_runner_of(&s, third), 1);
	scheduled_clear(&s);
}
END_TEST

START_TEST(projects_take_turns)
{
	static const struct core_origin seven = { .project = 7 },
					eight = { .project = 8 };
	static const struct scheduled_spec three[] = { { "a" }, { "b" }, { "c" },
		{ NULL } };
	static const int64_t want[] = { 7, 8, 7, 8, 7, 8 };
	struct scheduled s;

	scheduled_init(&s);
	scheduled_runner(&s, 1, NULL);
	scheduled_create(&s, scheduled_plan(&s, three), &seven);
	scheduled_create(&s, scheduled_plan(&s, three), &eight);
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		const struct core_job *job;

		scheduled_request(&s, 1);
		job = core_job(s.core, s.given[i].job);
		ck_assert_int_eq(core_pipeline(s.core, job->pipeline)->project, want[i]);
	}
	scheduled_clear(&s);
}
END_TEST

START_TEST(priority_goes_first_within_a_project)
{
	static const struct core_origin low = { .priority = -1 },
					high = { .priority = 5 };
	struct scheduled s;
	int64_t jobs[3];

	scheduled_init(&s);
	scheduled_runner(&s, 1, NULL);
	jobs[2] = scheduled_one(&s, &plain, &low);
	jobs[1] = scheduled_one(&s, &plain, NULL);
	jobs[0] = scheduled_one(&s, &plain, &high);
	for (size_t i = 0; i < 3; i++) {
		scheduled_request(&s, 1);
		ck_assert_int_eq(s.given[i].job, jobs[i]);
	}
	scheduled_clear(&s);
}
END_TEST

START_TEST(priority_can_be_changed_in_the_queue)
{
	struct scheduled s;
	int64_t second;

	scheduled_init(&s);
	scheduled_runner(&s, 1, NULL);
	(void)scheduled_one(&s, &plain, NULL);
	second = scheduled_one(&s, &plain, NULL);
	scheduled_send(&s,
	    (struct core_event){ .type = CORE_PRIORITY, .job = second, .priority = 1 });
	scheduled_request(&s, 1);
	ck_assert_int_eq(s.given[0].job, second);
	scheduled_clear(&s);
}
END_TEST

START_TEST(canceled_job_leaves_the_queue)
{
	struct scheduled s;
	int64_t first, second;

	scheduled_init(&s);
	scheduled_runner(&s, 1, NULL);
	first = scheduled_one(&s, &plain, NULL);
	second = scheduled_one(&s, &plain, NULL);
	scheduled_send(&s, (struct core_event){ .type = CORE_CANCEL_JOB, .job = first });
	scheduled_request(&s, 1);
	ck_assert_int_eq(s.given[0].job, second);
	ck_assert_uint_eq(core_counts(s.core).queued, 0);
	scheduled_clear(&s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("core_queue");
	TCase *tc = tcase_create("core_queue");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tc, runner_gets_what_it_may_take, 0, (int)ARRAY_LEN(fits));
	tcase_add_test(tc, new_tag_of_a_runner_frees_what_waited_for_it);
	tcase_add_test(tc, unpaused_runner_takes_what_waited);
	tcase_add_test(tc, project_that_joins_a_group_gets_its_runners);
	tcase_add_test(tc, unknown_runner_gets_nothing_where_some_are_described);
	tcase_add_test(tc, gone_runner_gets_nothing);
	tcase_add_test(tc, gone_runner_may_finish_what_it_has);
	tcase_add_test(tc, withdrawn_request_gets_nothing);
	tcase_add_test(tc, who_waits_longest_is_served_first);
	tcase_add_test(tc, runner_has_no_more_than_its_limit);
	tcase_add_test(tc, project_has_no_more_than_its_limit);
	tcase_add_test(tc, raised_limit_of_a_project_counts_at_once);
	tcase_add_test(tc, instance_has_no_more_than_its_limit);
	tcase_add_test(tc, projects_take_turns);
	tcase_add_test(tc, priority_goes_first_within_a_project);
	tcase_add_test(tc, priority_can_be_changed_in_the_queue);
	tcase_add_test(tc, canceled_job_leaves_the_queue);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
