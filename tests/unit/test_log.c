/* Lines of the program itself: their forms, what cannot break them, and a reader that
 * does not read. */
#include <check.h>
#include <fcntl.h>
#include <jansson.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/str.h"

static int saved, out[2];

static void
setup(void)
{
	saved = dup(STDERR_FILENO);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	ck_assert_int_ge(dup2(out[1], STDERR_FILENO), 0);
	log_set_level(LOG_INFO);
}

static void
teardown(void)
{
	(void)dup2(saved, STDERR_FILENO);
	(void)close(saved);
	(void)close(out[0]);
	(void)close(out[1]);
	log_set_format(LOG_FORMAT_PLAIN, "");
	log_set_level(LOG_WARN);
}

/* What was written since, and its end. The caller frees it. */
static char *
written(void)
{
	static char text[1 << 17];
	ssize_t n = read(out[0], text, sizeof(text));

	ck_assert_int_gt(n, 0);
	return xstrndup(text, (size_t)n);
}

static const struct log_about job = {
	.project = 1, .pipeline = 7, .job = 12, .ref = "a b", .status = "failed"
};

static const struct {
	enum log_format format;
	const char *message, *want; /* after the time */
} lines[] = {
	{ LOG_FORMAT_PLAIN, "it ended", "pawl: warning: job 12: it ended\n" },
	{ LOG_FORMAT_TEXT, "it ended",
	    " warning test: it ended project=1 pipeline=7 job=12 ref=\"a b\""
	    " status=failed\n" },
	{ LOG_FORMAT_TEXT, "two\nlines \033[31m",
	    " warning test: two\\nlines \\x1b[31m project=1 pipeline=7 job=12"
	    " ref=\"a b\" status=failed\n" },
	{ LOG_FORMAT_JSON, "it \"ended\"\\",
	    "\",\"level\":\"warning\",\"program\":\"test\",\"message\":"
	    "\"it \\\"ended\\\"\\\\\",\"project\":1,\"pipeline\":7,\"job\":12,"
	    "\"ref\":\"a b\",\"status\":\"failed\"}\n" },
};

START_TEST(says_whom_it_speaks_of)
{
	cleanup_free char *got = NULL;

	log_set_format(lines[_i].format, "test");
	log_event(LOG_WARN, &job, "%s", lines[_i].message);
	got = written();
	ck_assert_msg(str_ends(got, lines[_i].want), "%s", got);
}
END_TEST

START_TEST(below_the_level_nothing_is_said)
{
	cleanup_free char *got = NULL;

	log_debug("not this");
	log_info("this");
	got = written();
	ck_assert_str_eq(got, "pawl: info: this\n");
}
END_TEST

static const char *
message_of(const char *line, json_t **root)
{
	*root = json_loads(line, 0, NULL);
	ck_assert_msg(*root != NULL, "no JSON: %s", line);
	return json_string_value(json_object_get(*root, "message"));
}

static const struct {
	const char *in, *out;
} odd[] = {
	{ "line\nfeed\x7f\x01", "line\nfeed\x7f\x01" },
	{ "caf\xc3\xa9", "caf\xc3\xa9" },
	{ "bad\xff\xc3(", "bad\xef\xbf\xbd\xef\xbf\xbd(" },
	{ "cut\xe2\x82", "cut\xef\xbf\xbd\xef\xbf\xbd" },
	{ "", "" },
};

START_TEST(json_holds_whatever_is_said)
{
	cleanup_free char *got = NULL;
	json_t *root;

	log_set_format(LOG_FORMAT_JSON, "test");
	log_warn("%s", odd[_i].in);
	got = written();
	ck_assert_str_eq(message_of(got, &root), odd[_i].out);
	json_decref(root);
}
END_TEST

/* Each byte takes six in JSON, and a line is cut between characters. */
START_TEST(long_lines_are_cut_and_whole)
{
	static const char *const units[] = { "\x01", "\xe2\x82\xac", "x" };
	cleanup_buf struct buf text = BUF_INIT;
	struct log_about about = { .job = 1 };
	cleanup_free char *got = NULL;
	json_t *root;

	while (text.len < 100000)
		buf_add_str(&text, units[_i]);
	about.ref = about.source = about.reason = buf_str(&text);
	log_set_format(LOG_FORMAT_JSON, "test");
	log_event(LOG_WARN, &about, "%s", buf_str(&text));
	got = written();
	ck_assert_uint_lt(strlen(got), 4096);
	ck_assert_uint_gt(strlen(message_of(got, &root)), 300);
	ck_assert_int_eq(json_integer_value(json_object_get(root, "job")), 1);
	json_decref(root);
}
END_TEST

START_TEST(who_does_not_read_loses_lines_and_stops_nobody)
{
	cleanup_free char *full = NULL, *got = NULL;

	for (int i = 0; i < 3000; i++)
		log_warn("%0100d", i);
	full = written();
	ck_assert(strstr(full, "lost") == NULL);
	log_warn("again");
	got = written();
	ck_assert(strstr(got, " lines were lost here: nobody read them\n") != NULL);
	ck_assert(str_ends(got, "pawl: warning: again\n"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("log");
	TCase *tc = tcase_create("log");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, says_whom_it_speaks_of, 0, (int)ARRAY_LEN(lines));
	tcase_add_test(tc, below_the_level_nothing_is_said);
	tcase_add_loop_test(tc, json_holds_whatever_is_said, 0, (int)ARRAY_LEN(odd));
	tcase_add_loop_test(tc, long_lines_are_cut_and_whole, 0, 3);
	tcase_add_test(tc, who_does_not_read_loses_lines_and_stops_nobody);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
