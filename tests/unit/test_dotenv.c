/* Dotenv reports: what they may hold, and what is said about the others. */
#include <check.h>

#include "base/buf.h"
#include "scheduler/dotenv.h"

static struct arena *arena;

static void
setup(void)
{
	arena = arena_new();
}

static void
teardown(void)
{
	arena_free(arena);
}

static const struct {
	const char *text;
	const char *want; /* KEY=[value] … */
} good[] = {
	{ "", "" },
	{ "A=1\n", "A=[1] " },
	{ "A=1", "A=[1] " },
	{ "A=1\nB=two words\n", "A=[1] B=[two words] " },
	{ "A=1\r\nB=2\r\n", "A=[1] B=[2] " },
	{ " A = 1 \n", "A=[1] " },
	{ "A=\n", "A=[] " },
	{ "A=b=c\n", "A=[b=c] " },
	{ "A=\"x\"\n", "A=[\"x\"] " }, /* quotes are part of it */
	{ "A=$B # no comment\n", "A=[$B # no comment] " },
	{ "A=1\nB=2\nA=3\n", "A=[3] B=[2] " },
	{ "1_a=x\n", "1_a=[x] " },
	{ "\xef\xbb\xbf"
	  "A=1\n",
	    "A=[1] " },
	{ "A=\xff.\n", "A=[\xef\xbf\xbd.] " },
};

START_TEST(reads)
{
	struct error err = ERROR_INIT;
	cleanup_buf struct buf got = BUF_INIT;
	struct var *list = NULL;
	size_t count = 0;

	if (dotenv_parse(
		good[_i].text, strlen(good[_i].text), arena, &list, &count, &err) < 0)
		ck_abort_msg("%s", err.msg);
	for (size_t i = 0; i < count; i++) {
		ck_assert_int_eq(list[i].level, VAR_DOTENV);
		buf_printf(&got, "%s=[%s] ", list[i].name, list[i].value);
	}
	ck_assert_str_eq(buf_str(&got), good[_i].want);
}
END_TEST

static const struct {
	const char *text, *want;
} bad[] = {
	{ "A=1\n\nB=2\n",
	    "line 2: invalid format: every line of a dotenv report is KEY=VALUE" },
	{ "# comment\n", "line 1: invalid format" },
	{ "A\n", "line 1: invalid format" },
	{ "=1\n", "line 1: the key \"\" can contain only letters, digits and '_'" },
	{ "A-B=1\n", "the key \"A-B\" can contain only" },
	{ "export A=1\n", "the key \"export A\" can contain only" },
};

START_TEST(refuses)
{
	struct error err = ERROR_INIT;
	struct var *list = NULL;
	size_t count = 0;

	ck_assert_int_eq(
	    dotenv_parse(bad[_i].text, strlen(bad[_i].text), arena, &list, &count, &err),
	    ERR_INVALID);
	ck_assert_msg(strstr(err.msg, bad[_i].want) != NULL, "%s", err.msg);
	ck_assert_ptr_null(list);
}
END_TEST

START_TEST(nul_is_refused)
{
	struct error err = ERROR_INIT;
	struct var *list = NULL;
	size_t count = 0;

	ck_assert_int_eq(
	    dotenv_parse("A=a\0b\n", 6, arena, &list, &count, &err), ERR_INVALID);
}
END_TEST

static int
parse_many(int lines, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct var *list = NULL;
	size_t count = 0;

	for (int i = 0; i < lines; i++)
		buf_printf(&text, "V%d=x\n", i);
	return dotenv_parse(buf_str(&text), text.len, arena, &list, &count, err);
}

START_TEST(fifty_variables_and_no_more)
{
	struct error err = ERROR_INIT;

	ck_assert_int_eq(parse_many(50, &err), 0);
	ck_assert_int_eq(parse_many(51, &err), ERR_LIMIT);
	ck_assert_ptr_nonnull(
	    strstr(err.msg, "cannot have more than 50 variables, this one has 51"));
}
END_TEST

START_TEST(five_kilobytes_and_no_more)
{
	struct error err = ERROR_INIT;

	ck_assert_int_eq(parse_many(1000, &err), ERR_LIMIT);
	ck_assert_ptr_nonnull(strstr(err.msg, "smaller than 5120 bytes"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dotenv");
	TCase *tc = tcase_create("dotenv");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, reads, 0, ARRAY_LEN(good));
	tcase_add_loop_test(tc, refuses, 0, ARRAY_LEN(bad));
	tcase_add_test(tc, nul_is_refused);
	tcase_add_test(tc, fifty_variables_and_no_more);
	tcase_add_test(tc, five_kilobytes_and_no_more);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
