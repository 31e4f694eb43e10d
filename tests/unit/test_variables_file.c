/* The file behind --variables. */
#include <check.h>

#include "scheduler/variables_file.h"

static struct arena *arena;
static struct diags diags;
static struct {
	struct var *items;
	size_t count;
} file;

static void
setup(void)
{
	arena = arena_new();
	diags_init(&diags, arena);
	file.items = NULL;
	file.count = 0;
}

static void
teardown(void)
{
	arena_free(arena);
}

static int
parse(const char *text)
{
	return variables_file_parse(
	    text, strlen(text), "v.yml", arena, &file.items, &file.count, &diags);
}

static void
must_parse(const char *text)
{
	cleanup_buf struct buf line = BUF_INIT;

	if (parse(text) == 0)
		return;
	diag_format(&diags.items[0], &line);
	ck_abort_msg("%s", buf_str(&line));
}

START_TEST(plain_values)
{
	must_parse("A: text\nB: 010\nC: true\nD:\n");
	ck_assert_uint_eq(file.count, 4);
	ck_assert_str_eq(file.items[0].value, "text");
	ck_assert_str_eq(file.items[1].value, "8"); /* YAML's octal, as in the pipeline */
	ck_assert_str_eq(file.items[2].value, "true");
	ck_assert_str_eq(file.items[3].value, "");
	ck_assert_int_eq(file.items[0].level, VAR_PROJECT);
}
END_TEST

START_TEST(all_that_a_map_can_say)
{
	must_parse("A: {value: secret-value, masked: true, file: true, protected: true,\n"
		   "    expand: false, environment_scope: review/*}\n");
	ck_assert_uint_eq(file.count, 1);
	ck_assert_str_eq(file.items[0].value, "secret-value");
	ck_assert(file.items[0].masked);
	ck_assert(file.items[0].file);
	ck_assert(file.items[0].is_protected);
	ck_assert(file.items[0].raw);
	ck_assert_str_eq(file.items[0].environment_scope, "review/*");
}
END_TEST

START_TEST(list_is_for_several_environments)
{
	must_parse("A:\n  - {value: one, environment_scope: '*'}\n"
		   "  - {value: two, environment_scope: production}\n");
	ck_assert_uint_eq(file.count, 2);
	ck_assert_ptr_null(file.items[0].environment_scope);
	ck_assert_str_eq(file.items[1].environment_scope, "production");
}
END_TEST

START_TEST(nothing_is_fine)
{
	must_parse("");
	must_parse("# only a comment\n");
	must_parse("---\n");
	ck_assert_uint_eq(file.count, 0);
}
END_TEST

static const char *const maskable[] = {
	"A: {value: '12345678', masked: true}",
	"A: {value: \"short\\nlong enough\\n\", masked: true}",
	"A: {value: short}",
	"A: {value: short, masked: false}",
};

START_TEST(long_enough_to_mask)
{
	must_parse(maskable[_i]);
	ck_assert_uint_eq(file.count, 1);
}
END_TEST

static const struct {
	const char *text, *want;
} bad[] = {
	{ "A: {value: '1234567', masked: true}",
	    "v.yml:1:4: error: variable \"A\": a masked value needs at least 8 characters on a "
	    "line, this one has 7; make it longer, or leave out `masked`" },
	{ "A: {value: '   1234567   ', masked: true}", "this one has 7" },
	{ "A: {value: \"short\\nlines\\n\", masked: true}", "this one has 5" },
	{ "A: {value: '', masked: true}", "this one has 0" },
	{ "A: {masked: true}", "variable \"A\": `value` is missing" },
	{ "A: {}", "`value` is missing" },
	{ "A: {value: x, maskd: true}",
	    "unknown key \"maskd\"; did you mean \"masked\"?" },
	{ "A: {value: x, zzz: true}", "unknown key \"zzz\"" },
	{ "A: {value: x, masked: 1}", "masked should be true or false" },
	{ "A: {value: [x]}", "value should be a text, not a list" },
	{ "A: {value: x, environment_scope: {}}", "environment_scope should be a text" },
	{ "A: [[x]]", "variable \"A\" should be a text, a map" },
	{ "A-B: x", "v.yml:1:1: error: \"A-B\" is no name for a variable" },
	{ "1A: x", "\"1A\" is no name" },
	{ "[A]", "a file of variables is one map" },
	{ "text", "a file of variables is one map" },
	{ "A: 1\n---\nB: 2\n", "a file of variables is one map" },
	{ "A: [", "v.yml:" },
};

START_TEST(refuses)
{
	cleanup_buf struct buf line = BUF_INIT;

	ck_assert_int_eq(parse(bad[_i].text), ERR_INVALID);
	ck_assert_uint_ge(diags.count, 1);
	diag_format(&diags.items[0], &line);
	ck_assert_msg(strstr(buf_str(&line), bad[_i].want) != NULL, "%s", buf_str(&line));
	ck_assert_uint_eq(file.count, 0);
}
END_TEST

START_TEST(several_mistakes_are_told_at_once)
{
	ck_assert_int_eq(
	    parse("A-B: 1\nC: {valu: 2}\nD: {value: x, masked: true}\n"), ERR_INVALID);
	ck_assert_uint_eq(diags.errors, 3);
}
END_TEST

START_TEST(missing_file_is_told)
{
	cleanup_buf struct buf line = BUF_INIT;

	ck_assert_int_eq(variables_file_load(
			     "/nowhere/v.yml", arena, &file.items, &file.count, &diags),
	    ERR_INVALID);
	diag_format(&diags.items[0], &line);
	ck_assert_msg(strstr(buf_str(&line), "/nowhere/v.yml") != NULL &&
		strstr(buf_str(&line), "No such file") != NULL,
	    "%s", buf_str(&line));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("variables_file");
	TCase *tc = tcase_create("variables_file");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, plain_values);
	tcase_add_test(tc, all_that_a_map_can_say);
	tcase_add_test(tc, list_is_for_several_environments);
	tcase_add_test(tc, nothing_is_fine);
	tcase_add_loop_test(tc, long_enough_to_mask, 0, ARRAY_LEN(maskable));
	tcase_add_loop_test(tc, refuses, 0, ARRAY_LEN(bad));
	tcase_add_test(tc, several_mistakes_are_told_at_once);
	tcase_add_test(tc, missing_file_is_told);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
