/* Durations, read and written. */
#include <check.h>

#include "pipelines/duration.h"

#define HOUR 3600
#define DAY (24 * HOUR)

static const struct {
	const char *text;
	int64_t want;
} good[] = {
	{ "42", 42 },
	{ "3600 seconds", 3600 },
	{ "60 minutes", HOUR },
	{ "1h 30m", 5400 },
	{ "2h20min", 2 * HOUR + 1200 },
	{ "3h 30m", 3 * HOUR + 1800 },
	{ "1 hour", HOUR },
	{ "one hour", HOUR },
	{ "an hour", HOUR },
	{ "hour", HOUR },
	{ "1 HOUR 2 Mins", HOUR + 120 },
	{ "1 week", 7 * DAY },
	{ "one week", 7 * DAY },
	{ "3 weeks and 2 days", 23 * DAY },
	{ "2 wks, 1 d", 15 * DAY },
	{ "47 yrs 6 mos and 4d", 47 * (INT64_C(1461) * DAY / 4) + 184 * DAY },
	{ "1 mo", 30 * DAY },
	{ "6 mos 1 day", 181 * DAY },
	{ "1 y", INT64_C(31557600) },
	{ "10 min 5s", 605 },
	{ "5s 10min", 605 }, /* any order */
	{ "1.5 hours", 5400 },
	{ ".5h", 1800 },
	{ "1.9", 1 },
	{ "twenty five minutes", 1500 },
	{ "two hundred seconds", 200 },
	{ "2h 30", 2 * HOUR + 30 }, /* a number without a unit: seconds */
	{ "4:30", 270 },
	{ "1:30:00", 5400 },
	{ "1:00:00:00", DAY },
	{ "\t1\nh ", HOUR },
	{ "1 day with 2 hrs plus 3 sec", DAY + 2 * HOUR + 3 },
};

START_TEST(reads)
{
	int64_t got = -1;
	struct error err = ERROR_INIT;

	if (duration_parse(good[_i].text, &got, &err) < 0)
		ck_abort_msg("%s: %s", good[_i].text, err.msg);
	ck_assert_msg(got == good[_i].want, "%s is %" PRId64, good[_i].text, got);
}
END_TEST

static const struct {
	const char *text, *want;
} bad[] = {
	{ "", "is less than a second" },
	{ "0", "\"0\" is less than a second" },
	{ "0.9s", "is less than a second" },
	{ "zero days", "is less than a second" },
	{ "test", "should be a duration such as \"1h 30m\", not \"test\"" },
	{ "1 parsec", "should be a duration" },
	{ "-1 hour", "should be a duration" },
	{ "1h!", "should be a duration" },
	{ "1 2 hours", "should be a duration" },
	{ "1 hour minutes", "should be a duration" },
	{ "1 hour one 2 days", "should be a duration" },
	{ "2 one hours", "should be a duration" },
	{ "never", "should be a duration" },
	{ "0x10", "should be a duration" },
	{ "1e5", "should be a duration" },
	{ "inf", "should be a duration" },
	{ "1:", "should be a duration" },
	{ ":30", "should be a duration" },
	{ "1:2:3:4:5", "should be a duration" },
	{ "1.", "should be a duration" },
	{ "1003 years", "more than a thousand years" },
	{ "99999999999999999999999999999999999999999999999999999999999999999 y",
	    "more than a thousand" },
};

START_TEST(refuses)
{
	int64_t got = -1;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(duration_parse(bad[_i].text, &got, &err), ERR_INVALID);
	ck_assert_msg(
	    strstr(err.msg, bad[_i].want) != NULL, "%s: %s", bad[_i].text, err.msg);
	ck_assert_int_eq(got, -1);
}
END_TEST

START_TEST(a_number_of_any_length_is_refused)
{
	cleanup_free char *text = xmalloc(5001);
	struct error err = ERROR_INIT;
	int64_t got = -1;

	memset(text, '9', 5000);
	text[5000] = '\0';
	ck_assert_int_eq(duration_parse(text, &got, &err), ERR_INVALID);
}
END_TEST

static const struct {
	int64_t seconds;
	const char *want;
} written[] = {
	{ 0, "0s" },
	{ -5, "0s" },
	{ 45, "45s" },
	{ 60, "1m" },
	{ 5400, "1h 30m" },
	{ 2 * DAY + 5, "2d 5s" },
	{ INT64_MAX, "106751991167300d 15h 30m 7s" },
};

START_TEST(writes)
{
	char got[DURATION_TEXT_MAX];

	ck_assert_str_eq(duration_format(written[_i].seconds, got), written[_i].want);
}
END_TEST

START_TEST(never_is_a_word_of_its_own)
{
	ck_assert(duration_is_never("Never"));
	ck_assert(!duration_is_never("never ever"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("duration");
	TCase *tc = tcase_create("duration");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tc, reads, 0, ARRAY_LEN(good));
	tcase_add_loop_test(tc, refuses, 0, ARRAY_LEN(bad));
	tcase_add_test(tc, a_number_of_any_length_is_refused);
	tcase_add_loop_test(tc, writes, 0, ARRAY_LEN(written));
	tcase_add_test(tc, never_is_a_word_of_its_own);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
