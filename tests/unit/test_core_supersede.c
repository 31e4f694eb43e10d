/* A newer commit's pipeline cancels older ones, as each of them allows. */
#include <check.h>

#include "base/str.h"
#include "tests/unit/scheduled.h"

#define ORIGIN(of_project, of_ref, of_sha, wants)                                        \
	{                                                                                \
		.project = (of_project), .ref = (of_ref), .sha = (of_sha),               \
		.supersedes = (wants)                                                    \
	}
#define MAIN "refs/heads/main"

static const struct core_origin old_commit = ORIGIN(7, MAIN, "aaaa", true);
static const struct core_origin new_commit = ORIGIN(7, MAIN, "bbbb", true);

/* i is interruptible, n is not, later comes after both. */
static const struct scheduled_spec specs[] = { { "i", .interruptible = true },
	{ "n", .tags = "other" }, { "later", 2 }, { NULL } };

static const struct {
	const char *claim, *mode;
	bool n_starts;
	struct core_origin newer;
	const char *want; /* state of the older one */
} rows[] = {
	{ "conservative cancels while nothing hard has started", NULL, false,
	    ORIGIN(7, MAIN, "bbbb", true),
	    "i:canceling n:canceled later:canceled => canceling" },
	{ "conservative leaves a pipeline whose hard job has started", "conservative",
	    true, ORIGIN(7, MAIN, "bbbb", true),
	    "i:running n:running later:created => running" },
	{ "interruptible cancels such jobs only", "interruptible", true,
	    ORIGIN(7, MAIN, "bbbb", true),
	    "i:canceling n:running later:created => canceling" },
	{ "none leaves all", "none", false, ORIGIN(7, MAIN, "bbbb", true),
	    "i:running n:pending later:created => running" },
	{ "the same commit again cancels nothing", NULL, false,
	    ORIGIN(7, MAIN, "aaaa", true),
	    "i:running n:pending later:created => running" },
	{ "nor does another ref", NULL, false, ORIGIN(7, "refs/heads/x", "bbbb", true),
	    "i:running n:pending later:created => running" },
	{ "nor another project", NULL, false, ORIGIN(8, MAIN, "bbbb", true),
	    "i:running n:pending later:created => running" },
	{ "nor a pipeline that does not want to", NULL, false,
	    ORIGIN(7, MAIN, "bbbb", false),
	    "i:running n:pending later:created => running" },
};

static int64_t
start_older(struct scheduled *s, const char *mode, bool n_starts)
{
	struct plan *plan;
	int64_t p;

	scheduled_init(s);
	plan = scheduled_plan(s, specs);
	plan->auto_cancel.on_new_commit = mode;
	scheduled_runner(s, 1, NULL);
	scheduled_runner(s, 2, "other");
	p = scheduled_create(s, plan, &old_commit);
	scheduled_request(s, 1);
	scheduled_started(s, scheduled_job(s, p, "i"));
	if (n_starts) {
		scheduled_request(s, 2);
		scheduled_started(s, scheduled_job(s, p, "n"));
	}
	return p;
}

START_TEST(newer_pipeline_cancels_as_the_older_allows)
{
	struct scheduled s;
	int64_t p = start_older(&s, rows[_i].mode, rows[_i].n_starts);
	const char *got;

	scheduled_create(&s, scheduled_plan(&s, specs), &rows[_i].newer);
	got = scheduled_state(&s, p);
	ck_assert_msg(str_eq(got, rows[_i].want), "%s: %s", rows[_i].claim, got);
	scheduled_clear(&s);
}
END_TEST

START_TEST(canceled_job_names_the_newer_pipeline)
{
	struct scheduled s;
	int64_t p = start_older(&s, NULL, false);
	int64_t newer = scheduled_create(&s, scheduled_plan(&s, specs), &new_commit);
	const struct core_job *job;

	scheduled_finish(&s, scheduled_job(&s, p, "i"), REASON_NONE);
	job = core_job(s.core, scheduled_job(&s, p, "i"));
	ck_assert_int_eq(job->status, STATUS_CANCELED);
	ck_assert_int_eq(job->reason, REASON_SUPERSEDED);
	ck_assert_int_eq(job->because, newer);
	ck_assert_int_eq(core_pipeline(s.core, p)->superseded_by, newer);
	scheduled_clear(&s);
}
END_TEST

START_TEST(ended_pipeline_stays_as_it_is)
{
	static const struct scheduled_spec one = { "a" };
	struct scheduled s;
	int64_t job;

	scheduled_init(&s);
	scheduled_runner(&s, 1, NULL);
	scheduled_request(&s, 1);
	job = scheduled_one(&s, &one, &old_commit);
	scheduled_finish(&s, job, REASON_NONE);
	(void)scheduled_one(&s, &one, &new_commit);
	ck_assert_str_eq(scheduled_status(&s, job), "success");
	ck_assert_int_eq(
	    core_pipeline(s.core, core_job(s.core, job)->pipeline)->superseded_by, 0);
	scheduled_clear(&s);
}
END_TEST

START_TEST(all_older_ones_go)
{
	static const struct scheduled_spec one = { "a" };
	static const struct core_origin third = {
		.project = 7, .ref = "refs/heads/main", .sha = "cccc", .supersedes = true
	};
	struct scheduled s;
	int64_t first, second;
	struct core_origin quiet = new_commit;

	quiet.supersedes = false;
	scheduled_init(&s);
	first = scheduled_one(&s, &one, &old_commit);
	second = scheduled_one(&s, &one, &quiet);
	(void)scheduled_one(&s, &one, &third);
	ck_assert_str_eq(scheduled_status(&s, first), "canceled");
	ck_assert_str_eq(scheduled_status(&s, second), "canceled");
	scheduled_clear(&s);
}
END_TEST

/* The parent has only its trigger job; the child's job is interruptible or not. */
static const char *
child_after_supersede(bool child_is_interruptible)
{
	static const struct scheduled_spec trigger = { "t", .trigger = "depend",
		.interruptible = true };
	const struct scheduled_spec specs_of_child[] = {
		{ "c", .interruptible = child_is_interruptible }, { NULL }
	};
	struct core_origin origin = old_commit;
	struct scheduled s;
	const char *status;
	int64_t parent, job;

	scheduled_init(&s);
	scheduled_runner(&s, 1, NULL);
	scheduled_request(&s, 1);
	parent = scheduled_one(&s, &trigger, &old_commit);
	scheduled_send(&s,
	    (struct core_event){ .type = CORE_CREATE_PIPELINE,
		.plan = scheduled_plan(&s, specs_of_child),
		.parent_job = parent,
		.origin = &origin });
	job = s.given[0].job;
	scheduled_started(&s, job);
	(void)scheduled_one(&s, &trigger, &new_commit);
	status = scheduled_status(&s, job);
	scheduled_clear(&s);
	return status;
}

START_TEST(child_goes_by_its_own_jobs)
{
	ck_assert_str_eq(child_after_supersede(true), "canceling");
	ck_assert_str_eq(child_after_supersede(false), "running");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("core_supersede");
	TCase *tc = tcase_create("core_supersede");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(
	    tc, newer_pipeline_cancels_as_the_older_allows, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, canceled_job_names_the_newer_pipeline);
	tcase_add_test(tc, ended_pipeline_stays_as_it_is);
	tcase_add_test(tc, all_older_ones_go);
	tcase_add_test(tc, child_goes_by_its_own_jobs);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
