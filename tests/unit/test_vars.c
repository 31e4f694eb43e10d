/* Variables: which definition counts, and what references in values become. */
#include <check.h>
#include <time.h>

#include "pipelines/vars.h"

static struct arena *arena;
static struct vars event, job; /* job stands on event */

static void
setup(void)
{
	arena = arena_new();
	vars_init(&event, arena, NULL);
	vars_init(&job, arena, &event);
}

static void
teardown(void)
{
	vars_clear(&job);
	vars_clear(&event);
	arena_free(arena);
}

/* ---- which one counts ---------------------------------------------------------------
 */

START_TEST(undefined_is_null)
{
	ck_assert_ptr_null(vars_get(&job, "X"));
	vars_set_str(&job, VAR_JOB, "Y", "1");
	ck_assert_ptr_null(vars_value(&job, "X"));
}
END_TEST

START_TEST(empty_is_not_undefined)
{
	vars_set_str(&job, VAR_JOB, "X", "");
	ck_assert_str_eq(vars_value(&job, "X"), "");
}
END_TEST

START_TEST(null_value_is_empty)
{
	vars_set_str(&job, VAR_JOB, "X", NULL);
	ck_assert_str_eq(vars_value(&job, "X"), "");
}
END_TEST

START_TEST(later_definition_wins)
{
	vars_set_str(&job, VAR_JOB, "X", "first");
	vars_set_str(&job, VAR_JOB, "X", "second");
	ck_assert_str_eq(vars_value(&job, "X"), "second");
}
END_TEST

START_TEST(higher_level_wins_though_earlier)
{
	vars_set_str(&job, VAR_RULE, "X", "rule");
	vars_set_str(&job, VAR_JOB, "X", "job");
	ck_assert_str_eq(vars_value(&job, "X"), "rule");
}
END_TEST

START_TEST(inner_scope_wins_at_one_level)
{
	vars_set_str(&event, VAR_JOB, "X", "outer");
	vars_set_str(&job, VAR_JOB, "X", "inner");
	ck_assert_str_eq(vars_value(&job, "X"), "inner");
	ck_assert_str_eq(vars_value(&event, "X"), "outer");
}
END_TEST

START_TEST(project_wins_over_yaml_of_inner_scope)
{
	vars_set_str(&event, VAR_PROJECT, "X", "project");
	vars_set_str(&job, VAR_RULE, "X", "rule");
	ck_assert_str_eq(vars_value(&job, "X"), "project");
}
END_TEST

START_TEST(many_are_all_found)
{
	char name[32], value[32];

	for (int i = 0; i < 5000; i++) {
		(void)snprintf(name, sizeof(name), "VAR_%d", i);
		(void)snprintf(value, sizeof(value), "%d", i);
		vars_set_str(i % 2 == 0 ? &event : &job, VAR_JOB, name, value);
	}
	for (int i = 0; i < 5000; i++) {
		(void)snprintf(name, sizeof(name), "VAR_%d", i);
		(void)snprintf(value, sizeof(value), "%d", i);
		ck_assert_str_eq(vars_value(&job, name), value);
	}
	ck_assert_ptr_null(vars_value(&job, "VAR_5000"));
}
END_TEST

START_TEST(found_within_a_text)
{
	vars_set_str(&job, VAR_JOB, "AB", "1");
	ck_assert_ptr_nonnull(vars_find(&job, "ABC", 2));
	ck_assert_ptr_null(vars_find(&job, "ABC", 3));
	ck_assert_ptr_null(vars_find(&job, "ABC", 1));
}
END_TEST

START_TEST(all_has_each_once_in_order)
{
	const struct var **all = NULL;

	vars_set_str(&event, VAR_PREDEFINED, "A", "event");
	vars_set_str(&event, VAR_PROJECT, "B", "project");
	vars_set_str(&job, VAR_JOB, "C", "job");
	vars_set_str(&job, VAR_JOB, "B", "job");
	vars_set_str(&job, VAR_JOB, "A", "job");
	ck_assert_uint_eq(vars_all(&job, arena, &all), 3);
	ck_assert_str_eq(all[0]->name, "A");
	ck_assert_str_eq(all[0]->value, "job");
	ck_assert_str_eq(all[1]->name, "B");
	ck_assert_str_eq(all[1]->value, "project");
	ck_assert_str_eq(all[2]->name, "C");
}
END_TEST

START_TEST(all_of_nothing_is_nothing)
{
	const struct var **all = NULL;

	ck_assert_uint_eq(vars_all(&job, arena, &all), 0);
}
END_TEST

static const struct {
	const char *name;
	bool want;
} names[] = { { "A", true }, { "_a9", true }, { "", false }, { "9a", false },
	{ "a-b", false }, { "a b", false }, { "\xc3\xa4", false } };

START_TEST(names_are_letters_digits_underscores)
{
	ck_assert(vars_is_name(names[_i].name, strlen(names[_i].name)) == names[_i].want);
}
END_TEST

/* ---- expansion once -----------------------------------------------------------------
 */

static const struct {
	const char *text, *server, *runner;
} expansions[] = {
	{ "", "", "" },
	{ "plain", "plain", "plain" },
	{ "$A", "va", "va" },
	{ "${A}", "va", "va" },
	{ "%A%", "va", "%A%" },
	{ "x${A}y$A", "xvayva", "xvayva" },
	{ "$AB", "$AB", "" },
	{ "${AB}", "${AB}", "" },
	{ "%AB%", "%AB%", "%AB%" },
	{ "$NESTED", "$A", "$A" }, /* once */
	{ "$$A", "$A", "$A" },
	{ "$$$A", "$va", "$va" },
	{ "$$", "$", "$" },
	{ "%%A%", "%%A%", "%%A%" },
	{ "100%", "100%", "100%" },
	{ "50% of %A%", "50% of va", "50% of %A%" },
	{ "%A%A%", "vaA%", "%A%A%" },
	{ "$", "$", "$" },
	{ "a$", "a$", "a$" },
	{ "$ A", "$ A", "$ A" },
	{ "${", "${", "" },
	{ "${A", "${A", "A" },
	{ "${}", "${}", "" },
	{ "${A-x}", "${A-x}", "" },
	{ "$1x", "$1x", "x" },
	{ "$-", "$-", "" },
	{ "$A-$EMPTY-", "va--", "va--" },
	{ "%A", "%A", "%A" },
	{ "$A$A$A", "vavava", "vavava" },
};

static void
define_a(void)
{
	vars_set_str(&event, VAR_PROJECT, "A", "va");
	vars_set_str(&job, VAR_JOB, "NESTED", "$A");
	vars_set_str(&job, VAR_JOB, "EMPTY", "");
}

START_TEST(expands_as_the_server)
{
	define_a();
	ck_assert_str_eq(
	    vars_expand(&job, arena, expansions[_i].text), expansions[_i].server);
}
END_TEST

START_TEST(expands_as_the_runner)
{
	define_a();
	ck_assert_str_eq(
	    vars_expand_runner(&job, arena, expansions[_i].text), expansions[_i].runner);
}
END_TEST

/* ---- resolving ------------------------------------------------------------------------
 */

static const char *
resolved(const char *name)
{
	struct error err = ERROR_INIT;
	struct var *list = NULL;
	size_t count = 0;

	if (vars_resolve(&job, arena, &list, &count, &err) < 0)
		ck_abort_msg("%s", err.msg);
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i].name, name) == 0)
			return list[i].value;
	ck_abort_msg("%s is not there", name);
}

START_TEST(resolves_through_several)
{
	vars_set_str(&job, VAR_JOB, "A", "a-$B");
	vars_set_str(&job, VAR_JOB, "B", "b-${C}-$C");
	vars_set_str(&event, VAR_PROJECT, "C", "c");
	ck_assert_str_eq(resolved("A"), "a-b-c-c");
	ck_assert_str_eq(resolved("B"), "b-c-c");
}
END_TEST

START_TEST(unknown_reference_stays)
{
	vars_set_str(&job, VAR_JOB, "A", "$NOPE ${NOPE} %NOPE% $$B %%");
	vars_set_str(&job, VAR_JOB, "B", "b");
	ck_assert_str_eq(resolved("A"), "$NOPE ${NOPE} %NOPE% $$B %%");
}
END_TEST

START_TEST(raw_is_left_alone_and_left_to_the_runner)
{
	struct var raw = {
		.name = "RAW", .value = "r-$B", .level = VAR_JOB, .raw = true
	};

	vars_set(&job, &raw);
	vars_set_str(&job, VAR_JOB, "A", "$RAW$B");
	vars_set_str(&job, VAR_JOB, "B", "b");
	ck_assert_str_eq(resolved("RAW"), "r-$B");
	ck_assert_str_eq(resolved("A"), "$RAWb");
}
END_TEST

START_TEST(file_is_left_to_the_runner)
{
	struct var file = {
		.name = "F", .value = "content", .level = VAR_PROJECT, .file = true
	};

	vars_set(&event, &file);
	vars_set_str(&job, VAR_JOB, "A", "--kubeconfig $F");
	ck_assert_str_eq(resolved("A"), "--kubeconfig $F");
}
END_TEST

START_TEST(reference_to_itself_stays)
{
	vars_set_str(&job, VAR_JOB, "PATH", "$PATH:/x");
	ck_assert_str_eq(resolved("PATH"), "$PATH:/x");
}
END_TEST

START_TEST(reference_to_itself_means_what_it_overrides)
{
	vars_set_str(&event, VAR_PREDEFINED, "FLAGS", "-O2");
	vars_set_str(&event, VAR_YAML, "FLAGS", "$FLAGS -g");
	vars_set_str(&job, VAR_JOB, "FLAGS", "$FLAGS -Wall");
	ck_assert_str_eq(resolved("FLAGS"), "-O2 -g -Wall");
}
END_TEST

START_TEST(flags_are_kept)
{
	struct var secret = {
		.name = "S", .value = "$B", .level = VAR_PROJECT, .masked = true
	};
	struct error err = ERROR_INIT;
	struct var *list = NULL;
	size_t count = 0;

	vars_set(&event, &secret);
	ck_assert_int_eq(vars_resolve(&job, arena, &list, &count, &err), 0);
	ck_assert_uint_eq(count, 1);
	ck_assert(list[0].masked);
}
END_TEST

static const struct {
	const char *definitions[8]; /* name, value, … */
	const char *want;
} cycles[] = {
	{ { "A", "$B", "B", "$A" },
	    "circular variable reference detected: [\"A\", \"B\"]" },
	{ { "A", "$B", "B", "x${C}", "C", "%A%" },
	    "circular variable reference detected: [\"A\", \"B\", \"C\"]" },
	{ { "START", "$A", "A", "$B", "B", "$A" },
	    "circular variable reference detected: [\"A\", \"B\"]" },
};

START_TEST(cycle_is_named)
{
	const char *const *d = cycles[_i].definitions;
	struct error err = ERROR_INIT;
	struct var *list = NULL;
	size_t count = 0;

	for (size_t i = 0; i < 8 && d[i] != NULL; i += 2)
		vars_set_str(&job, VAR_JOB, d[i], d[i + 1]);
	ck_assert_int_eq(vars_resolve(&job, arena, &list, &count, &err), ERR_INVALID);
	ck_assert_str_eq(err.msg, cycles[_i].want);
	ck_assert_ptr_null(list);
}
END_TEST

START_TEST(doubling_values_are_refused)
{
	struct error err = ERROR_INIT;
	struct var *list = NULL;
	size_t count = 0;
	char name[16], value[32];

	for (int i = 0; i < 60; i++) {
		(void)snprintf(name, sizeof(name), "V%d", i);
		(void)snprintf(value, sizeof(value), "$V%d$V%d", i + 1, i + 1);
		vars_set_str(&job, VAR_JOB, name, value);
	}
	vars_set_str(&job, VAR_JOB, "V60", "boom");
	ck_assert_int_eq(vars_resolve(&job, arena, &list, &count, &err), ERR_LIMIT);
	ck_assert_msg(strstr(err.msg, "expands to more than") != NULL, "%s", err.msg);
}
END_TEST

START_TEST(long_chain_is_no_problem)
{
	char name[16], value[32];

	for (int i = 0; i < 100000; i++) {
		(void)snprintf(name, sizeof(name), "V%d", i);
		(void)snprintf(value, sizeof(value), "$V%d", i + 1);
		vars_set_str(&job, VAR_JOB, name, value);
	}
	vars_set_str(&job, VAR_JOB, "V100000", "end");
	ck_assert_str_eq(resolved("V0"), "end");
}
END_TEST

START_TEST(many_scopes_are_cheap)
{
	clock_t start = clock();
	char name[32];

	for (int i = 0; i < 60; i++) {
		(void)snprintf(name, sizeof(name), "CI_PREDEFINED_%d", i);
		vars_set_str(
		    &event, VAR_PREDEFINED, name, "some value of a usual length");
	}
	for (int n = 0; n < 1000; n++) {
		struct vars v;

		vars_init(&v, arena, &event);
		for (int i = 0; i < 20; i++) {
			(void)snprintf(name, sizeof(name), "JOB_%d", i);
			vars_set_str(&v, VAR_JOB, name, "a $JOB_0 value");
		}
		ck_assert_ptr_nonnull(vars_get(&v, "CI_PREDEFINED_7"));
		vars_clear(&v);
	}
	/* some 3 ms without sanitizers; a list searched from end to end takes seconds */
	ck_assert_msg(clock() - start < CLOCKS_PER_SEC, "too slow");
}
END_TEST

static TCase *
case_resolve(void)
{
	TCase *tc = tcase_create("resolve");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, resolves_through_several);
	tcase_add_test(tc, unknown_reference_stays);
	tcase_add_test(tc, raw_is_left_alone_and_left_to_the_runner);
	tcase_add_test(tc, file_is_left_to_the_runner);
	tcase_add_test(tc, reference_to_itself_stays);
	tcase_add_test(tc, reference_to_itself_means_what_it_overrides);
	tcase_add_test(tc, flags_are_kept);
	tcase_add_loop_test(tc, cycle_is_named, 0, ARRAY_LEN(cycles));
	tcase_add_test(tc, doubling_values_are_refused);
	tcase_add_test(tc, long_chain_is_no_problem);
	tcase_add_test(tc, many_scopes_are_cheap);
	return tc;
}

static TCase *
case_lookup(void)
{
	TCase *tc = tcase_create("lookup");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, undefined_is_null);
	tcase_add_test(tc, empty_is_not_undefined);
	tcase_add_test(tc, null_value_is_empty);
	tcase_add_test(tc, later_definition_wins);
	tcase_add_test(tc, higher_level_wins_though_earlier);
	tcase_add_test(tc, inner_scope_wins_at_one_level);
	tcase_add_test(tc, project_wins_over_yaml_of_inner_scope);
	tcase_add_test(tc, many_are_all_found);
	tcase_add_test(tc, found_within_a_text);
	tcase_add_test(tc, all_has_each_once_in_order);
	tcase_add_test(tc, all_of_nothing_is_nothing);
	tcase_add_loop_test(
	    tc, names_are_letters_digits_underscores, 0, ARRAY_LEN(names));
	return tc;
}

static TCase *
case_expand(void)
{
	TCase *tc = tcase_create("expand");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, expands_as_the_server, 0, ARRAY_LEN(expansions));
	tcase_add_loop_test(tc, expands_as_the_runner, 0, ARRAY_LEN(expansions));
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("vars");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, case_lookup());
	suite_add_tcase(suite, case_expand());
	suite_add_tcase(suite, case_resolve());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
