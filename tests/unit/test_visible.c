/* Strangers' text, shown: nothing may steer the terminal, columns have to line up. */
#include <check.h>

#include "base/visible.h"

static const struct {
	const char *text, *shown;
	size_t width;
} texts[] = {
	{ "", "", 0 },
	{ "plain text", "plain text", 10 },
	{ "a\nb\tc", "a\\nb\\tc", 7 },
	{ "\x1b[31mred", "\\x1b[31mred", 11 },
	{ "bell\a", "bell\\x07", 8 },
	{ "\x7f", "\\x7f", 4 },
	{ "\xc2\x9b"
	  "31m",
	    "\\xc2\\x9b31m", 11 }, /* C1: a CSI in one character */
	{ "\xe2\x80\xae"
	  "abc",
	    "\\xe2\\x80\\xae"
	    "abc",
	    15 }, /* right-to-left override */
	{ "caf\xc3\xa9", "caf\xc3\xa9", 4 },
	{ "e\xcc\x81", "e\xcc\x81", 1 }, /* combining accent */
	{ "\xe6\x97\xa5\xe6\x9c\xac", "\xe6\x97\xa5\xe6\x9c\xac", 4 },
	{ "\xf0\x9f\x9a\x80", "\xf0\x9f\x9a\x80", 2 },
	{ "bad\xff", "bad\\xff", 7 },
	{ "cut\xe2\x82", "cut\\xe2\\x82", 11 },
};

START_TEST(text_is_safe)
{
	cleanup_buf struct buf out = BUF_INIT;

	visible_add(&out, texts[_i].text);
	ck_assert_str_eq(buf_str(&out), texts[_i].shown);
}
END_TEST

START_TEST(width_is_that_of_what_is_shown)
{
	ck_assert_uint_eq(visible_width(texts[_i].text), texts[_i].width);
}
END_TEST

START_TEST(padding_counts_columns)
{
	cleanup_buf struct buf out = BUF_INIT;

	visible_add_padded(&out, "\xe6\x97\xa5", 5);
	visible_add_padded(&out, "too long", 3);
	ck_assert_str_eq(buf_str(&out), "\xe6\x97\xa5   too long");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("visible");
	TCase *tc = tcase_create("visible");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tc, text_is_safe, 0, ARRAY_LEN(texts));
	tcase_add_loop_test(tc, width_is_that_of_what_is_shown, 0, ARRAY_LEN(texts));
	tcase_add_test(tc, padding_counts_columns);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
