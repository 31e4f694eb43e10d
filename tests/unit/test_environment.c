/* What a job's processes see of variables, and what they do not see of the caller's. */
#include <check.h>

#include "runner/duration.h"
#include "runner/environment.h"

static const struct environment_facts facts = { .project_dir = "/b/p",
	.builds_dir = "/b",
	.runner_name = "r",
	.runner_version = "1",
	.shell = "/bin/the-shell" };

/* The last definition of key, as a process would see it; NULL when there is none. */
static const char *
find(const struct spec *spec, const char *key)
{
	size_t n = strlen(key);

	for (size_t i = spec->env.count; i-- > 0;)
		if (strncmp(spec->env.items[i], key, n) == 0 &&
		    spec->env.items[i][n] == '=')
			return spec->env.items[i] + n + 1;
	return NULL;
}

static struct spec
build(struct arena *arena, struct job_variable *variables, size_t count)
{
	struct job_payload job = { .arena = arena,
		.variables = variables,
		.variable_count = count,
		.timeout_s = 60 };
	struct spec spec = SPEC_INIT;

	environment_build(&job, &facts, arena, &spec);
	return spec;
}

static const struct {
	const char *value;
	bool raw;
	const char *want;
} expansions[] = {
	{ "plain", false, "plain" },
	{ "$OTHER", false, "other" },
	{ "<${OTHER}>", false, "<other>" },
	{ "$OTHER", true, "$OTHER" },
	{ "[$UNKNOWN]", false, "[]" },
	{ "$$OTHER", false, "$OTHER" },
	{ "cost: 5$", false, "cost: 5$" },
	{ "${OTHER", false, "${OTHER" },
	{ "$-", false, "$-" },
	{ "$DEEP", false, "$OTHER" }, /* one pass only */
	{ "$CI_PROJECT_DIR/x", false, "/b/p/x" },
	{ "$PATH", false, "" },
};

START_TEST(value_is_expanded_once)
{
	cleanup_arena struct arena *arena = arena_new();
	struct job_variable variables[] = {
		{ .key = "OTHER", .value = "hidden by a later one" },
		{ .key = "OTHER", .value = "other" },
		{ .key = "DEEP", .value = "$OTHER", .raw = true },
		{ .key = "X", .value = expansions[_i].value, .raw = expansions[_i].raw },
	};
	struct spec spec = build(arena, variables, ARRAY_LEN(variables));

	ck_assert_str_eq(find(&spec, "X"), expansions[_i].want);
	spec_clear(&spec);
}
END_TEST

START_TEST(job_overrides_runner_and_caller)
{
	cleanup_arena struct arena *arena = arena_new();
	struct job_variable variables[] = { { .key = "CI_PROJECT_DIR", .value = "/else" },
		{ .key = "HOME", .value = "/h" } };
	struct spec spec = build(arena, variables, ARRAY_LEN(variables));

	ck_assert_str_eq(find(&spec, "CI_PROJECT_DIR"), "/else");
	ck_assert_str_eq(find(&spec, "HOME"), "/h");
	ck_assert_str_eq(find(&spec, "CI_BUILDS_DIR"), "/b");
	spec_clear(&spec);
}
END_TEST

START_TEST(masked_value_becomes_a_mask)
{
	cleanup_arena struct arena *arena = arena_new();
	struct job_variable variables[] = { { .key = "A", .value = "open" },
		{ .key = "B", .value = "secret-value", .masked = true } };
	struct spec spec = build(arena, variables, ARRAY_LEN(variables));

	ck_assert_uint_eq(spec.mask_count, 1);
	ck_assert_str_eq(spec.masks[0].data, "secret-value");
	spec_clear(&spec);
}
END_TEST

START_TEST(file_variable_is_not_in_the_environment)
{
	cleanup_arena struct arena *arena = arena_new();
	struct job_variable variables[] = {
		{ .key = "F", .value = "content", .file = true }
	};
	struct spec spec = build(arena, variables, ARRAY_LEN(variables));

	ck_assert_ptr_null(find(&spec, "F"));
	ck_assert_uint_eq(spec.file_count, 1);
	ck_assert_str_eq(spec.files[0].content.data, "content");
	spec_clear(&spec);
}
END_TEST

static const struct {
	const char *name;
	bool kept;
} callers[] = {
	{ "PATH", true },
	{ "SSH_AUTH_SOCK", true },
	{ "GIT_SSH_COMMAND", true },
	{ "GIT_DIR", false },
	{ "GIT_INDEX_FILE", false },
	{ "MAKEFLAGS", false },
	{ "BASH_ENV", false },
	{ "UV_THREADPOOL_SIZE", false },
	{ "CI_JOB_TOKEN", false },
	{ "PAWL_LIBEXEC", false },
};

START_TEST(callers_variable_is_kept_or_not)
{
	cleanup_arena struct arena *arena = arena_new();
	struct spec spec;

	(void)setenv(callers[_i].name, "callers", 1);
	spec = build(arena, NULL, 0);
	ck_assert_msg((find(&spec, callers[_i].name) != NULL) == callers[_i].kept, "%s",
	    callers[_i].name);
	spec_clear(&spec);
}
END_TEST

START_TEST(shell_is_the_callers_or_the_one_that_runs_the_scripts)
{
	cleanup_arena struct arena *arena = arena_new();
	struct spec spec;

	(void)unsetenv("SHELL");
	spec = build(arena, NULL, 0);
	ck_assert_str_eq(find(&spec, "SHELL"), "/bin/the-shell");
	spec_clear(&spec);
	(void)setenv("SHELL", "callers", 1);
	spec = build(arena, NULL, 0);
	ck_assert_str_eq(find(&spec, "SHELL"), "callers");
	spec_clear(&spec);
}
END_TEST

static const struct {
	const char *text;
	int64_t ms; /* -1: none */
} durations[] = { { "90s", 90000 }, { "1h30m", 5400000 }, { "1.5h", 5400000 },
	{ "10ms", 10 }, { "", -1 }, { "5", -1 }, { "s", -1 }, { "-5s", -1 }, { "5x", -1 },
	{ "1e99h", -1 } };

START_TEST(go_duration_is_read)
{
	int64_t ms = -1;

	ck_assert(duration_parse_go(durations[_i].text, &ms) == (durations[_i].ms >= 0));
	ck_assert_int_eq(ms, durations[_i].ms);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("environment");
	TCase *tc = tcase_create("environment");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tc, value_is_expanded_once, 0, (int)ARRAY_LEN(expansions));
	tcase_add_test(tc, job_overrides_runner_and_caller);
	tcase_add_test(tc, masked_value_becomes_a_mask);
	tcase_add_test(tc, file_variable_is_not_in_the_environment);
	tcase_add_test(tc, shell_is_the_callers_or_the_one_that_runs_the_scripts);
	tcase_add_loop_test(
	    tc, callers_variable_is_kept_or_not, 0, (int)ARRAY_LEN(callers));
	tcase_add_loop_test(tc, go_duration_is_read, 0, (int)ARRAY_LEN(durations));
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
