/* Logs as pages show them: lines, sections, errors, matches. */
#include <check.h>
#include <jansson.h>

#include "base/buf.h"
#include "scheduler/log_view.h"
#include "tests/unit/fixture.h"

enum { JOB = 7 };

static char *root;
static struct log_store *logs;
static struct log_reader *reader;

static void
setup(void)
{
	struct error err = ERROR_INIT;

	root = fixture_open();
	reader = NULL;
	ck_assert_int_eq(log_store_open(root, &logs, &err), 0);
}

static void
teardown(void)
{
	log_reader_close(reader);
	log_store_close(logs);
	fixture_close(root);
}

static void
write_log(const void *text, size_t len, bool packed)
{
	struct error err = ERROR_INIT;
	struct log_state state;

	if (len == 0)
		return; /* a job that says nothing has no log */
	if (log_store_append(logs, JOB, 0, text, len, 1, &state, &err) < 0)
		ck_abort_msg("%s", err.msg);
	if (packed) {
		log_store_forget(logs, JOB);
		ck_assert_int_eq(log_store_compress(logs, JOB, &err), 0);
	}
	if (log_reader_open(logs, JOB, &reader, &err) < 0)
		ck_abort_msg("%s", err.msg);
}

static json_t *
parsed(const struct buf *out)
{
	json_t *root_value = json_loads(buf_str(out), 0, NULL);

	ck_assert_msg(root_value != NULL, "%s", buf_str(out));
	return root_value;
}

static json_t *
lines(int64_t first, int64_t count)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct json_writer w = JSON_WRITER_INIT(&out);
	struct error err = ERROR_INIT;

	json_begin_object(&w);
	if (log_view_lines(reader, first, count, &w, &err) < 0)
		ck_abort_msg("%s", err.msg);
	json_end_object(&w);
	return parsed(&out);
}

static json_t *
outline_with(int64_t from, const char *colour)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct json_writer w = JSON_WRITER_INIT(&out);
	struct error err = ERROR_INIT;

	json_begin_object(&w);
	if (log_view_outline(reader, from, colour, &w, NULL, &err) < 0)
		ck_abort_msg("%s", err.msg);
	json_end_object(&w);
	return parsed(&out);
}

static json_t *
outline_from(int64_t from)
{
	return outline_with(from, NULL);
}

static json_int_t
number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static const char *
line(const json_t *o, size_t i)
{
	return json_string_value(json_array_get(json_object_get(o, "lines"), i));
}

/* ---- lines ---- */

static const struct {
	const char *log;
	int64_t first, count;
	const char *want; /* joined by | */
	int64_t total;
} some[] = {
	{ "", 0, 10, "", 0 },
	{ "a\nb\nc\n", 0, 10, "a|b|c|", 3 },
	{ "a\nb\nc", 0, 10, "a|b|c|", 3 },
	{ "a\nb\nc\n", 1, 1, "b|", 3 },
	{ "a\nb\nc\n", 2, 5, "c|", 3 },
	{ "a\nb\nc\n", 3, 5, "", 3 },
	{ "a\nb\nc\n", 300, 5, "", 3 },
	{ "a\nb\nc", 2, 1, "c|", 3 },
	{ "a\nb\n", 0, 0, "", 2 },
	{ "\n\n\n", 0, 10, "|||", 3 },
	{ "a\r\nb\rc\n", 0, 10, "a\r|b\rc|", 2 },
};

START_TEST(lines_are_those_asked_for)
{
	cleanup_buf struct buf got = BUF_INIT;
	json_t *o;

	write_log(some[_i].log, strlen(some[_i].log), false);
	o = lines(some[_i].first, some[_i].count);
	for (size_t i = 0; line(o, i) != NULL; i++)
		buf_printf(&got, "%s|", line(o, i));
	ck_assert_str_eq(buf_str(&got), some[_i].want);
	ck_assert_int_eq(number(o, "total"), some[_i].total);
	ck_assert_int_eq(number(o, "first"), some[_i].first);
	ck_assert_int_eq(number(o, "bytes"), (json_int_t)strlen(some[_i].log));
	json_decref(o);
}
END_TEST

/* A NUL, bytes that are no text, and what a script of a page would be. */
START_TEST(any_bytes_are_text)
{
	static const char text[] = "a\0b\n\xff\xfe\n<script>alert(1)</script>\n\0\n";
	json_t *o;

	write_log(text, sizeof(text) - 1, _i == 1);
	o = lines(0, 10);
	ck_assert_str_eq(line(o, 0), "a b");
	ck_assert_str_eq(line(o, 1), "\xef\xbf\xbd\xef\xbf\xbd");
	ck_assert_str_eq(line(o, 2), "<script>alert(1)</script>");
	ck_assert_str_eq(line(o, 3), " ");
	ck_assert_int_eq(number(o, "total"), 4);
	json_decref(o);
}
END_TEST

/* Lines longer than what is shown, longer than a piece, longer than what is read on. */
START_TEST(long_lines_come_cut)
{
	static const size_t sizes[] = { LOG_VIEW_LINE - 1, LOG_VIEW_LINE,
		LOG_VIEW_LINE + 1, 300000, 5000000 };
	const size_t size = sizes[_i % (int)ARRAY_LEN(sizes)];
	cleanup_buf struct buf log = BUF_INIT;
	cleanup_free char *x = xmalloc(size);
	json_t *o;

	memset(x, 'x', size);
	buf_add_str(&log, "before\n");
	buf_add(&log, x, size);
	buf_add_str(&log, "\nafter\nlast");
	write_log(log.data, log.len, _i >= (int)ARRAY_LEN(sizes));
	o = lines(0, 10);
	ck_assert_str_eq(line(o, 0), "before");
	ck_assert_uint_eq(
	    strlen(line(o, 1)), size < LOG_VIEW_LINE ? size : LOG_VIEW_LINE);
	ck_assert_str_eq(line(o, 2), "after");
	ck_assert_str_eq(line(o, 3), "last");
	ck_assert_uint_eq(
	    json_array_size(json_object_get(o, "cut")), size > LOG_VIEW_LINE);
	ck_assert_int_eq(number(o, "total"), 4);
	json_decref(o);
	o = lines(2, 1);
	ck_assert_str_eq(line(o, 0), "after");
	json_decref(o);
}
END_TEST

/* However many are asked for, an answer has an end. */
START_TEST(answers_are_bounded)
{
	cleanup_buf struct buf log = BUF_INIT;
	json_t *o;

	for (int i = 0; i < 5000; i++)
		buf_printf(&log, "line %d%.*s\n", i, _i == 1 ? 1000 : 0,
		    "0123456789012345678901234567890123456789");
	if (_i == 1)
		for (int i = 0; i < 40; i++)
			buf_printf(&log, "%*s\n", LOG_VIEW_LINE, "x");
	write_log(log.data, log.len, false);
	o = lines(_i == 1 ? 5000 : 0, 1000000);
	ck_assert_uint_le(json_array_size(json_object_get(o, "lines")), LOG_VIEW_LINES);
	ck_assert_uint_ge(json_array_size(json_object_get(o, "lines")), 16);
	if (_i == 1)
		ck_assert_uint_le(json_array_size(json_object_get(o, "lines")), 17);
	json_decref(o);
}
END_TEST

/* ---- outline ---- */

static const char sectioned[] =
    "\033[0KRunning\n"
    "section_start:100:prepare\r\033[0K\033[36;1mPreparing\033[0;m\r\n"
    "inside\n"
    "section_end:103:prepare\r\033[0Ksection_start:104:build[collapsed=true]\r\033[0KBuild it\n"
    "section_start:105:inner[hide_duration=true,collapsed=false]\r\033[0K\n"
    "section_end:106:inner\r\033[0K\n"
    "section_end:107:unknown\r\033[0K\n"
    "section_start:x:no\r\033[0K\n"
    "section_start:1:\r\n"
    "a section_start in a sentence\n";

START_TEST(sections_are_found)
{
	json_t *o, *all, *s;

	write_log(sectioned, sizeof(sectioned) - 1, _i == 1);
	o = outline_from(0);
	all = json_object_get(o, "sections");
	ck_assert_uint_eq(json_array_size(all), 3);
	s = json_array_get(all, 0);
	ck_assert_str_eq(json_string_value(json_object_get(s, "name")), "prepare");
	ck_assert_str_eq(json_string_value(json_object_get(s, "title")), "Preparing");
	ck_assert_int_eq(number(s, "first"), 1);
	ck_assert_int_eq(number(s, "last"), 2); /* more is behind the mark */
	ck_assert_int_eq(number(s, "end") - number(s, "start"), 3);
	ck_assert(json_is_false(json_object_get(s, "collapsed")));
	s = json_array_get(all, 1);
	ck_assert_str_eq(json_string_value(json_object_get(s, "title")), "Build it");
	ck_assert(json_is_true(json_object_get(s, "collapsed")));
	ck_assert(json_is_null(json_object_get(s, "last")));
	s = json_array_get(all, 2);
	ck_assert_str_eq(json_string_value(json_object_get(s, "name")), "inner");
	ck_assert(json_is_false(json_object_get(s, "collapsed")));
	ck_assert_int_eq(number(s, "last"), 5);
	ck_assert_int_eq(number(o, "total"), 10);
	json_decref(o);
}
END_TEST

START_TEST(nuls_end_no_title)
{
	static const char text[] = "section_start:1:a\r\033[0Kone\0two\0\n";
	json_t *o, *s;

	write_log(text, sizeof(text) - 1, _i == 1);
	o = outline_from(0);
	s = json_array_get(json_object_get(o, "sections"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(s, "title")), "one two");
	json_decref(o);
}
END_TEST

/* Who knows the beginning asks for the rest: what ends there and began before has none.
 */
START_TEST(an_outline_goes_on)
{
	json_t *o, *all, *s;

	write_log(sectioned, sizeof(sectioned) - 1, _i == 1);
	o = outline_from(3);
	all = json_object_get(o, "sections");
	ck_assert_uint_eq(json_array_size(all), 4);
	s = json_array_get(all, 0);
	ck_assert_str_eq(json_string_value(json_object_get(s, "name")), "prepare");
	ck_assert(json_is_null(json_object_get(s, "first")));
	ck_assert(json_is_null(json_object_get(s, "start")));
	ck_assert_int_eq(number(s, "last"), 2);
	ck_assert_int_eq(number(s, "end"), 103);
	ck_assert_int_eq(number(json_array_get(all, 1), "first"), 3);
	ck_assert_int_eq(number(json_array_get(all, 2), "last"), 5);
	ck_assert_int_eq(number(o, "total"), 10);
	json_decref(o);
	o = outline_from(10);
	ck_assert_uint_eq(json_array_size(json_object_get(o, "sections")), 0);
	ck_assert_int_eq(number(o, "total"), 10);
	json_decref(o);
}
END_TEST

static const struct {
	const char *line;
	bool tells;
} told[] = {
	{ "error: no rule", true },
	{ "main.c:3:1: error: expected", true },
	{ "\033[31;1mERROR: Job failed: exit code 1", true },
	{ "\033[1mer\033[0mror: split by colours", true },
	{ "2 errors generated", true },
	{ "FAILED tests/test_a.py", true },
	{ "Traceback (most recent call last):", true },
	{ "bash: line 1: nope: command not found", true },
	{ "thread 'main' panicked at", false },
	{ "0 errors, 0 warnings", false },
	{ "no errors found", false },
	{ "error.c compiled", false },
	{ "CC src/error", false },
	{ "--on-error=stop", false },
	{ "terrors and mirrors", false },
	{ "", false },
};

START_TEST(errors_are_told_from_names)
{
	cleanup_free char *log = xasprintf("first\n%s\n", told[_i].line);
	json_t *o;

	write_log(log, strlen(log), false);
	o = outline_from(0);
	ck_assert_uint_eq(json_array_size(json_object_get(o, "errors")), told[_i].tells);
	if (told[_i].tells)
		ck_assert_int_eq(
		    json_integer_value(json_array_get(json_object_get(o, "errors"), 0)),
		    1);
	json_decref(o);
}
END_TEST

START_TEST(outline_has_an_end)
{
	cleanup_buf struct buf log = BUF_INIT;
	json_t *o;

	for (int i = 0; i < LOG_VIEW_SECTIONS + 100; i++)
		buf_printf(&log, "section_start:1:s%d\r\033[0Kerror %d\n", i, i);
	write_log(log.data, log.len, false);
	o = outline_from(0);
	ck_assert_uint_eq(
	    json_array_size(json_object_get(o, "sections")), LOG_VIEW_SECTIONS);
	ck_assert_uint_eq(json_array_size(json_object_get(o, "errors")), LOG_VIEW_FOUND);
	json_decref(o);
}
END_TEST

/* What each line leaves to the next one. */
static const struct {
	const char *line, *leaves;
} coloured[] = {
	{ "plain", "" },
	{ "\033[31mred", "31" },
	{ "\033[31mred\033[0m", "" },
	{ "\033[31mred\033[m", "" },
	{ "\033[1;31mbold\033[22m not", "31" },
	{ "\033[1m\033[4m\033[92mall", "1;4;92" },
	{ "\033[31m\033[44m\033[39m", "44" },
	{ "\033[38;5;208;1mnew", "1;38;5;208" },
	{ "\033[48;2;1;22;333mof it", "48;2;1;22;255" },
	{ "\033[38:2::9:8:7mcolons", "38;2;9;8;7" },
	{ "\033[38:2:9:8:7;3mcolons", "3;38;2;9;8;7" },
	{ "\033[31mred\033[38mnone", "" },
	{ "\033[31mred\033[2K\033[?25l\033]0;title\007", "31" },
	{ "\033[31mred\033[", "31" },
	{ "\033[31mred\033", "31" },
	{ "\033[31;31;31;999999999999mred\033[7;5;6;8m", "7;31" },
};

START_TEST(colours_go_on_until_they_end)
{
	cleanup_buf struct buf log = BUF_INIT;
	json_t *o, *list;

	for (int i = 0; i < 3 * LOG_VIEW_COLOURED; i++)
		buf_printf(&log, "%s\n", i == 5 ? coloured[_i].line : "x");
	buf_add_str(&log, "\033[0mlast\n");
	write_log(log.data, log.len, false);
	o = outline_from(0);
	list = json_object_get(o, "colours");
	ck_assert_uint_eq(json_array_size(list), *coloured[_i].leaves != '\0');
	if (json_array_size(list) > 0) {
		list = json_array_get(list, 0);
		ck_assert_int_eq(
		    json_integer_value(json_array_get(list, 0)), LOG_VIEW_COLOURED);
		ck_assert_str_eq(
		    json_string_value(json_array_get(list, 1)), coloured[_i].leaves);
	}
	ck_assert_str_eq(
	    json_string_value(json_object_get(o, "colour")), coloured[_i].leaves);
	json_decref(o);
	o = outline_with(3 * LOG_VIEW_COLOURED - 1, "32");
	list = json_object_get(o, "colours");
	ck_assert_uint_eq(json_array_size(list), 0);
	ck_assert_str_eq(json_string_value(json_object_get(o, "colour")), "32");
	json_decref(o);
}
END_TEST

/* ---- search ---- */

static const char searched[] =
    "Hello World\nhello \033[31mwor\033[0mld\nthe end.\nHELLO\n\xff hello\n";

static const struct {
	struct log_search what;
	int64_t count, first;
} searches[] = {
	{ { "hello", false, false }, 4, 0 },
	{ { "hello", false, true }, 2, 1 },
	{ { "hello world", false, false }, 2, 0 },
	{ { "end.", false, false }, 1, 2 },
	{ { "^h.*d$", true, false }, 2, 0 },
	{ { "^H.*d$", true, true }, 1, 0 },
	{ { "nowhere", false, false }, 0, -1 },
};

START_TEST(lines_that_match_are_found)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct json_writer w = JSON_WRITER_INIT(&out);
	struct error err = ERROR_INIT;
	json_t *o, *found;

	write_log(searched, sizeof(searched) - 1, false);
	json_begin_object(&w);
	ck_assert_int_eq(log_view_search(reader, &searches[_i].what, &w, NULL, &err), 0);
	json_end_object(&w);
	o = parsed(&out);
	found = json_object_get(o, "lines");
	ck_assert_int_eq(number(o, "count"), searches[_i].count);
	ck_assert_uint_eq(json_array_size(found), (size_t)searches[_i].count);
	if (searches[_i].first >= 0)
		ck_assert_int_eq(
		    json_integer_value(json_array_get(found, 0)), searches[_i].first);
	json_decref(o);
}
END_TEST

START_TEST(what_cannot_be_searched_is_said)
{
	static const struct log_search wrong = { "(", true, false };
	cleanup_buf struct buf out = BUF_INIT;
	struct json_writer w = JSON_WRITER_INIT(&out);
	const atomic_bool canceled = true;
	struct error err = ERROR_INIT;

	write_log(searched, sizeof(searched) - 1, false);
	json_begin_object(&w);
	ck_assert_int_eq(log_view_search(reader, &wrong, &w, NULL, &err), ERR_INVALID);
	ck_assert_int_eq(log_view_search(reader, &searches[0].what, &w, &canceled, &err),
	    ERR_CANCELED);
	ck_assert_int_eq(
	    log_view_outline(reader, 0, NULL, &w, &canceled, &err), ERR_CANCELED);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("log_view");
	TCase *tc = tcase_create("log_view");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, lines_are_those_asked_for, 0, ARRAY_LEN(some));
	tcase_add_loop_test(tc, any_bytes_are_text, 0, 2);
	tcase_add_loop_test(tc, long_lines_come_cut, 0, 10);
	tcase_add_loop_test(tc, answers_are_bounded, 0, 2);
	tcase_add_loop_test(tc, sections_are_found, 0, 2);
	tcase_add_loop_test(tc, nuls_end_no_title, 0, 2);
	tcase_add_loop_test(tc, an_outline_goes_on, 0, 2);
	tcase_add_loop_test(tc, errors_are_told_from_names, 0, ARRAY_LEN(told));
	tcase_add_test(tc, outline_has_an_end);
	tcase_add_loop_test(tc, colours_go_on_until_they_end, 0, ARRAY_LEN(coloured));
	tcase_add_loop_test(tc, lines_that_match_are_found, 0, ARRAY_LEN(searches));
	tcase_add_test(tc, what_cannot_be_searched_is_said);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
