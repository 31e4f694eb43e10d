/* Coverage: which number of a log counts. */
#include <check.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "scheduler/coverage.h"

/* A log in memory. */
static int
log_of(const char *text, size_t len)
{
	int fd = memfd_create("log", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
	return fd;
}

#define STAMP "2026-01-31T12:00:00.123456Z 01O "

static const struct {
	const char *pattern, *log;
	double want; /* below 0: none */
} logs[] = {
	{ "Coverage: \\d+%", "Coverage: 80%\n", 80 },
	{ "Coverage: \\d+%", "Coverage: 80%", 80 },
	{ "\\d+\\.\\d+% covered", "12.5% covered\r\n", 12.5 },
	{ "\\d+%", "10%\n20%\nend\n", 20 }, /* the last line that matches … */
	{ "\\d+%", "10% 20%\n", 20 },       /* … and the last match in it */
	{ "TOTAL.*\\s(\\d+)%", "TOTAL 12 34 56%\n", 56 },
	{ "(\\d+)/(\\d+)", "3/4\n", 4 },
	{ "covered: .*", "covered: 10%\ncovered: none\n", 10 }, /* no number: go on */
	{ "(a)|(\\d+)", "7\na\n", 7 },
	{ "x*", "1\n", -1 },
	{ "\\d+%", "nothing\n", -1 },
	{ "\\d+%", "", -1 },
	{ "\\d+%", "\n\n\n", -1 },
	{ "^\\s*Lines:\\s*\\d+.\\d+%", "\033[32m Lines:  12.50%\033[0m\n", 12.5 },
	{ "^a \\d+$", "\033(Ba 5\033", -1 },
	{ "^a \\d+$", "\033Ba 5\033[", 5 },
	{ "^cov \\d+", STAMP "cov 42\n", 42 },
	{ "^cov \\d+", "2026-01-31 cov 42\n", -1 },
	{ "^\\d+", "2026-01-31T12:00:00.123456Z 01X \n", 2026 },
	{ "\\d+%", "99999999999999999999%\n", 1e20 },
	{ "(?i)COVERAGE \\d+\\.?\\d*", "coverage 1.25.7\n", 1.25 },
};

START_TEST(finds_the_last)
{
	cleanup_close int fd = log_of(logs[_i].log, strlen(logs[_i].log));
	struct error err = ERROR_INIT;
	double got = -1;
	int rc = coverage_find(fd, logs[_i].pattern, &got, &err);

	ck_assert_msg(
	    rc == (logs[_i].want >= 0), "%s: %d %s", logs[_i].pattern, rc, err.msg);
	ck_assert_msg(got > logs[_i].want * 0.999999 - 1e-6 - 0.00001 &&
		got < logs[_i].want * 1.000001 + 1e-6 + 0.00001,
	    "%s: %f", logs[_i].pattern, got);
}
END_TEST

/* Lines across the borders of the pieces it is read in; the wanted one far from the end.
 */
START_TEST(reads_a_long_log_backwards)
{
	cleanup_buf struct buf text = BUF_INIT;
	cleanup_close int fd = -1;
	struct error err = ERROR_INIT;
	double got = 0;

	buf_add_str(&text, "cov 11\ncov 12\n");
	while (text.len < 1000000)
		buf_printf(&text, "line of no importance, at %zu\n", text.len);
	fd = log_of(text.data, text.len);
	ck_assert_int_eq(coverage_find(fd, "^cov \\d+$", &got, &err), 1);
	ck_assert(got > 11.5 && got < 12.5);
	ck_assert_int_eq(coverage_find(fd, "^cov 11$", &got, &err), 1);
	ck_assert(got > 10.5 && got < 11.5);
}
END_TEST

START_TEST(line_at_every_place_of_a_piece)
{
	struct error err = ERROR_INIT;

	for (size_t after = 65536 - 12; after < 65536 + 4; after++) {
		cleanup_buf struct buf text = BUF_INIT;
		cleanup_close int fd = -1;
		double got = 0;

		buf_add_str(&text, "x\ncov 12\n");
		for (size_t i = 0; i < after; i++)
			buf_add_char(&text, i % 50 == 49 ? '\n' : '-');
		fd = log_of(text.data, text.len);
		ck_assert_int_eq(coverage_find(fd, "^cov \\d+$", &got, &err), 1);
	}
}
END_TEST

START_TEST(end_of_a_very_long_line_counts)
{
	cleanup_buf struct buf text = BUF_INIT;
	cleanup_close int fd = -1;
	struct error err = ERROR_INIT;
	double got = 0;

	while (text.len < 500000)
		buf_add_str(&text, "..........");
	buf_add_str(&text, " 77%");
	fd = log_of(text.data, text.len);
	ck_assert_int_eq(coverage_find(fd, "\\d+%", &got, &err), 1);
	ck_assert(got > 76.5 && got < 77.5);
}
END_TEST

START_TEST(bad_pattern_is_an_error)
{
	cleanup_close int fd = log_of("", 0);
	struct error err = ERROR_INIT;
	double got = 0;

	ck_assert_int_eq(coverage_find(fd, "(", &got, &err), ERR_INVALID);
	ck_assert_ptr_nonnull(strstr(err.msg, "coverage: missing closing parenthesis"));
}
END_TEST

START_TEST(unreadable_log_is_an_error)
{
	struct error err = ERROR_INIT;
	double got = 0;

	ck_assert_int_lt(coverage_find(-1, "x", &got, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.msg, "cannot read the log"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("coverage");
	TCase *tc = tcase_create("coverage");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, finds_the_last, 0, ARRAY_LEN(logs));
	tcase_add_test(tc, reads_a_long_log_backwards);
	tcase_add_test(tc, line_at_every_place_of_a_piece);
	tcase_add_test(tc, end_of_a_very_long_line_counts);
	tcase_add_test(tc, bad_pattern_is_an_error);
	tcase_add_test(tc, unreadable_log_is_an_error);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
