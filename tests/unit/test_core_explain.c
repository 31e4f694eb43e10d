/* Why a job waits: the code, the figures and the sentence. */
#include <check.h>

#include "base/str.h"
#include "tests/unit/scheduled.h"

#define SECOND SCHEDULED_SECOND

struct known {
	const char *name, *tags;
	bool run_untagged, only_protected, paused, offline;
	struct core_scope scope;
	int limit;
};

static const struct {
	const char *tags; /* of the job, of project 7 */
	struct known runners[3];
	const char *code;
	bool never;
	const char *text;
} rows[] = {
	{ NULL, { { NULL } }, "no_runner", true, "there is no runner" },
	{ "linux", { { "r1", "linux", .scope = { CORE_SCOPE_PROJECT, 8 } } }, "scope",
	    true, "no runner takes jobs of this project" },
	{ "gpu", { { "r1", "linux" } }, "tag", true,
	    "no online runner has tag `gpu`; nearest: r1 has `linux`" },
	{ "gpu", { { "r1", "linux", .offline = true } }, "tag", true,
	    "no runner has tag `gpu`; nearest: r1 has `linux`" },
	{ "gpu linux", { { "r1", "arm" }, { "r2", "linux docker" } }, "tag", true,
	    "no online runner has tag `gpu`; nearest: r2 has `docker`, `linux`" },
	{ "gpu linux", { { "r1", "gpu" }, { "r2", "linux" } }, "tag", true,
	    "no runner has all its tags; nearest: r1 has `gpu`, but not `linux`" },
	{ NULL, { { "r1", "linux" } }, "untagged", true,
	    "no runner takes jobs without tags; r1 could be allowed to" },
	{ "linux", { { "r1", "linux", .only_protected = true } }, "protected", true,
	    "r1 takes jobs of protected refs only, and so do all with its tags" },
	{ "linux", { { "r1", "linux", .paused = true }, { "r2", "arm" } }, "paused",
	    false, "every runner that could take it is paused: r1" },
	{ "linux", { { "r1", "linux", .offline = true }, { "r2", "arm" } }, "offline",
	    false, "no runner that could take it is online: r1 is not" },
	{ "linux", { { "r1", "linux" } }, "queue", false,
	    "waits for a free runner: number 1 of 1" },
	{ NULL, { { "r1", "linux", .run_untagged = true } }, "queue", false,
	    "waits for a free runner: number 1 of 1" },
};

static void
describe(struct scheduled *s, const struct known *known, int64_t id)
{
	scheduled_describe(s,
	    (struct core_runner){ .id = id,
		.name = known->name,
		.run_untagged = known->run_untagged,
		.only_protected = known->only_protected,
		.paused = known->paused,
		.limit = known->limit,
		.scopes = &known->scope,
		.scope_count = 1,
		.online_until_us = known->offline ? 0 : INT64_MAX },
	    known->tags);
}

static struct core_wait
explain(const struct scheduled *s, int64_t job)
{
	struct core_wait wait;

	ck_assert(core_explain(s->core, job, &wait));
	return wait;
}

/* Jobs that wait for this; no others do. */
static size_t
counted(const struct scheduled *s, enum core_wait_code code)
{
	size_t counts[CORE_WAIT_COUNT], all = 0;

	core_count_waits(s->core, counts);
	for (int i = 0; i < CORE_WAIT_COUNT; i++)
		all += counts[i];
	ck_assert_uint_eq(counts[code], all);
	return counts[code];
}

START_TEST(says_what_stands_in_the_way)
{
	static const struct core_origin seven = { .project = 7 };
	struct scheduled_spec spec = { "a", .tags = rows[_i].tags };
	struct scheduled s;
	struct core_wait wait;

	scheduled_init(&s);
	for (size_t i = 0; rows[_i].runners[i].name != NULL; i++)
		describe(&s, &rows[_i].runners[i], (int64_t)i + 1);
	wait = explain(&s, scheduled_one(&s, &spec, &seven));
	ck_assert_str_eq(wait.text, rows[_i].text);
	ck_assert_str_eq(core_wait_name(wait.code), rows[_i].code);
	ck_assert(wait.never == rows[_i].never);
	ck_assert_uint_eq(counted(&s, wait.code), 1);
	scheduled_clear(&s);
}
END_TEST

static const struct scheduled_spec plain = { "a" };

START_TEST(full_runner)
{
	struct scheduled s;
	struct core_wait wait;

	scheduled_init(&s);
	describe(&s, &(struct known){ "r1", .run_untagged = true, .limit = 1 }, 1);
	scheduled_request(&s, 1);
	(void)scheduled_one(&s, &plain, NULL);
	wait = explain(&s, scheduled_one(&s, &plain, NULL));
	ck_assert_int_eq(wait.code, CORE_WAIT_RUNNER_LIMIT);
	ck_assert_int_eq(wait.runner, 1);
	ck_assert_str_eq(
	    wait.text, "every runner that could take it is full: r1 has 1 of 1 jobs");
	scheduled_clear(&s);
}
END_TEST

START_TEST(full_project)
{
	static const struct core_project project = { .id = 7, .limit = 1 };
	static const struct core_origin seven = { .project = 7 };
	struct scheduled s;
	struct core_wait wait;

	scheduled_init(&s);
	scheduled_send(
	    &s, (struct core_event){ .type = CORE_PROJECT, .project = &project });
	scheduled_runner(&s, 1, NULL);
	scheduled_request(&s, 1);
	(void)scheduled_one(&s, &plain, &seven);
	(void)scheduled_one(&s, &plain, &seven);
	wait = explain(&s, scheduled_one(&s, &plain, &seven));
	ck_assert_int_eq(wait.code, CORE_WAIT_PROJECT_LIMIT);
	ck_assert_str_eq(
	    wait.text, "the project has its limit of 1 running jobs; number 2 of 2");
	scheduled_clear(&s);
}
END_TEST

START_TEST(full_instance)
{
	static const struct core_limits limits = { .jobs = 1 };
	struct scheduled s;
	struct core_wait wait;

	scheduled_init(&s);
	scheduled_send(&s, (struct core_event){ .type = CORE_LIMITS, .limits = &limits });
	scheduled_runner(&s, 1, NULL);
	scheduled_request(&s, 1);
	(void)scheduled_one(&s, &plain, NULL);
	wait = explain(&s, scheduled_one(&s, &plain, NULL));
	ck_assert_int_eq(wait.code, CORE_WAIT_INSTANCE_LIMIT);
	ck_assert_int_eq(wait.limit, 1);
	scheduled_clear(&s);
}
END_TEST

START_TEST(position_counts_the_turns_of_other_projects)
{
	static const struct core_origin seven = { .project = 7 },
					eight = { .project = 8 };
	struct scheduled s;
	struct core_wait wait;
	int64_t job = 0;

	scheduled_init(&s);
	scheduled_runner(&s, 1, NULL);
	for (int i = 0; i < 10; i++)
		(void)scheduled_one(&s, &plain, &eight);
	for (int i = 0; i < 3; i++)
		job = scheduled_one(&s, &plain, &seven);
	wait = explain(&s, job);
	ck_assert_uint_eq(wait.queued, 13);
	ck_assert_uint_eq(wait.position, 5); /* two of its own, and two of the other */
	scheduled_clear(&s);
}
END_TEST

START_TEST(assigned_job_names_its_runner_and_deadline)
{
	static const struct core_limits limits = { .accept_us = 120 * SECOND };
	struct scheduled s;
	struct core_wait wait;

	scheduled_init(&s);
	scheduled_send(&s, (struct core_event){ .type = CORE_LIMITS, .limits = &limits });
	scheduled_runner(&s, 1, NULL);
	scheduled_request(&s, 1);
	wait = explain(&s, scheduled_one(&s, &plain, NULL));
	ck_assert_int_eq(wait.code, CORE_WAIT_ACCEPTANCE);
	ck_assert_int_eq(wait.until_us, s.now_us + 120 * SECOND);
	ck_assert_str_eq(wait.text, "given to r1, which has not accepted it yet");
	scheduled_clear(&s);
}
END_TEST

START_TEST(resource_group_names_its_holder)
{
	static const struct scheduled_spec deploy = { "deploy", .group = "prod" };
	struct scheduled s;
	struct core_wait wait;
	int64_t first;

	scheduled_init(&s);
	first = scheduled_one(&s, &deploy, NULL);
	wait = explain(&s, scheduled_one(&s, &deploy, NULL));
	ck_assert_int_eq(wait.code, CORE_WAIT_RESOURCE);
	ck_assert_int_eq(wait.job, first);
	ck_assert_str_eq(
	    wait.text, "job deploy (1) of pipeline 100 holds resource group prod");
	scheduled_clear(&s);
}
END_TEST

START_TEST(created_job_names_whom_it_waits_for)
{
	static const struct scheduled_spec specs[] = { { "m", .when = WHEN_MANUAL,
							   .allow_failure = true },
		{ "a" }, { "b", 2 }, { "c", 2, .needs = "b" }, { NULL } };
	struct scheduled s;
	int64_t p;

	scheduled_init(&s);
	p = scheduled_create(&s, scheduled_plan(&s, specs), NULL);
	ck_assert_str_eq(explain(&s, scheduled_job(&s, p, "b")).text,
	    "waits for job a, which is pending");
	ck_assert_str_eq(explain(&s, scheduled_job(&s, p, "c")).text,
	    "waits for job b, which is created");
	ck_assert_str_eq(
	    explain(&s, scheduled_job(&s, p, "m")).text, "waits to be played");
	scheduled_clear(&s);
}
END_TEST

/* Jobs whose time has not come, and that no runner could take by then. */
static const struct {
	struct scheduled_spec spec[3];
	const char *text;
	bool never;
} early[] = {
	{ { { "a" }, { "b", 2, .tags = "gpu" }, { NULL } },
	    "waits for job a, which is pending; then no online runner has tag `gpu`; "
	    "nearest: r1 has `linux`",
	    true },
	{ { { "a" }, { "b", 2, .tags = "linux" }, { NULL } },
	    "waits for job a, which is pending", false },
	{ { { "b", .when = WHEN_MANUAL, .tags = "gpu linux" }, { NULL } },
	    "waits to be played; then no online runner has tag `gpu`; nearest: r1 has "
	    "`linux`",
	    true },
	{ { { "b", .when = WHEN_DELAYED, .start_in_s = 60, .tags = "gpu" }, { NULL } },
	    "starts in 1m; then no online runner has tag `gpu`; nearest: r1 has `linux`",
	    true },
	{ { { "a" }, { "b", 2, .trigger = "none" }, { NULL } },
	    "waits for job a, which is pending", false },
};

START_TEST(job_without_a_runner_is_told_before_its_time)
{
	struct scheduled s;
	struct core_wait wait;
	int64_t pipeline;
	size_t last = early[_i].spec[1].name != NULL;

	scheduled_init(&s);
	describe(&s, &(struct known){ "r1", "linux", .run_untagged = true }, 1);
	pipeline = scheduled_create(&s, scheduled_plan(&s, early[_i].spec), NULL);
	wait = explain(&s, core_latest(s.core, pipeline, last)->id);
	ck_assert_str_eq(wait.text, early[_i].text);
	ck_assert(wait.never == early[_i].never);
	scheduled_clear(&s);
}
END_TEST

START_TEST(delayed_job_says_when)
{
	static const struct scheduled_spec spec = { "a", .when = WHEN_DELAYED,
		.start_in_s = 60 };
	struct scheduled s;
	struct core_wait wait;

	scheduled_init(&s);
	wait = explain(&s, scheduled_one(&s, &spec, NULL));
	ck_assert_int_eq(wait.code, CORE_WAIT_TIME);
	ck_assert_int_eq(wait.until_us, s.now_us + 60 * SECOND);
	ck_assert_str_eq(wait.text, "starts in 1m");
	scheduled_clear(&s);
}
END_TEST

START_TEST(running_job_does_not_wait)
{
	struct scheduled s;
	int64_t job;

	scheduled_init(&s);
	scheduled_runner(&s, 1, NULL);
	scheduled_request(&s, 1);
	job = scheduled_one(&s, &plain, NULL);
	scheduled_started(&s, job);
	ck_assert_int_eq(explain(&s, job).code, CORE_WAIT_NONE);
	ck_assert(!core_explain(s.core, 999, &(struct core_wait){ .code = 0 }));
	scheduled_clear(&s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("core_explain");
	TCase *tc = tcase_create("core_explain");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tc, says_what_stands_in_the_way, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, full_runner);
	tcase_add_test(tc, full_project);
	tcase_add_test(tc, full_instance);
	tcase_add_test(tc, position_counts_the_turns_of_other_projects);
	tcase_add_test(tc, assigned_job_names_its_runner_and_deadline);
	tcase_add_test(tc, resource_group_names_its_holder);
	tcase_add_test(tc, created_job_names_whom_it_waits_for);
	tcase_add_test(tc, delayed_job_says_when);
	tcase_add_loop_test(
	    tc, job_without_a_runner_is_told_before_its_time, 0, (int)ARRAY_LEN(early));
	tcase_add_test(tc, running_job_does_not_wait);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
