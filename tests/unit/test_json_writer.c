/* JSON as it is written: escapes, commas, and bytes that are no UTF-8. */
#include <check.h>
#include <math.h>

#include "base/json_writer.h"

static const struct {
	const char *text, *json;
} strings[] = {
	{ "", "\"\"" },
	{ "plain", "\"plain\"" },
	{ "a\"b\\c", "\"a\\\"b\\\\c\"" },
	{ "line\nnext\ttab\rcr", "\"line\\nnext\\ttab\\rcr\"" },
	{ "\x1b[0m\x7f", "\"\\u001B[0m\x7f\"" },
	{ "gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\"" },
	{ "\xff", "\"\xef\xbf\xbd\"" },
	{ "a\xc3(b", "\"a\xef\xbf\xbd(b\"" },
	{ "cut\xe2\x82", "\"cut\xef\xbf\xbd\xef\xbf\xbd\"" },
	{ NULL, "null" },
};

START_TEST(string_is_escaped)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct json_writer w = JSON_WRITER_INIT(&out);

	json_add_string(&w, strings[_i].text);
	ck_assert_str_eq(buf_str(&out), strings[_i].json);
}
END_TEST

START_TEST(commas_stand_between)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct json_writer w = JSON_WRITER_INIT(&out);

	json_begin_array(&w);
	json_begin_object(&w);
	json_put_int(&w, "n", -7);
	json_put_bool(&w, "b", true);
	json_key(&w, "list");
	json_begin_array(&w);
	json_end_array(&w);
	json_put_string(&w, "s", "x");
	json_end_object(&w);
	json_add_null(&w);
	json_add_real(&w, 1.5);
	json_end_array(&w);
	ck_assert_str_eq(
	    buf_str(&out), "[{\"n\":-7,\"b\":true,\"list\":[],\"s\":\"x\"},null,1.5]");
}
END_TEST

START_TEST(newline_stands_after_the_comma)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct json_writer w = JSON_WRITER_INIT(&out);

	json_begin_array(&w);
	json_newline(&w);
	json_add_int(&w, 1);
	json_newline(&w);
	json_add_int(&w, 2);
	json_end_array(&w);
	ck_assert_str_eq(buf_str(&out), "[\n1,\n2]");
}
END_TEST

START_TEST(infinity_is_null)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct json_writer w = JSON_WRITER_INIT(&out);

	json_add_real(&w, HUGE_VAL);
	ck_assert_str_eq(buf_str(&out), "null");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("json_writer");
	TCase *tc = tcase_create("json_writer");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tc, string_is_escaped, 0, ARRAY_LEN(strings));
	tcase_add_test(tc, commas_stand_between);
	tcase_add_test(tc, newline_stands_after_the_comma);
	tcase_add_test(tc, infinity_is_null);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
