/* Times as RFC 3339 writes them, read and written. */
#include <check.h>

#include "base/iso_time.h"

#define NOON INT64_C(1769860800000000) /* 2026-01-31T12:00:00Z */

static const struct {
	const char *text;
	int64_t want; /* -1: it is none */
} reads[] = {
	{ "2026-01-31T12:00:00Z", NOON },
	{ "2026-01-31T12:00:00", NOON },
	{ "2026-01-31t12:00:00z", NOON },
	{ "2026-01-31 12:00:00", NOON },
	{ "2026-01-31T12:00:00.5Z", NOON + 500000 },
	{ "2026-01-31T12:00:00.1234567Z", NOON + 123456 },
	{ "2026-01-31T14:00:00+02:00", NOON },
	{ "2026-01-31T14:00:00 02:00", NOON },
	{ "2026-01-31T06:30:00-0530", NOON },
	{ "2026-01-31", NOON - INT64_C(43200000000) },
	{ "1970-01-01T00:00:00Z", 0 },
	{ "", -1 },
	{ "yesterday", -1 },
	{ "2026-13-01", -1 },
	{ "2026-01-31T12", -1 },
	{ "2026-01-31T12:00:00x", -1 },
	{ "2026-01-31T12:00:00.Z", -1 },
	{ "2026-01-31T12:00:00+2:00", -1 },
	{ "2026-01-31T12:00:00+02:0", -1 },
	{ "2026-01-31T12:00:00Z and more", -1 },
};

START_TEST(reads_times)
{
	int64_t us = -1;

	ck_assert(iso_time_read(reads[_i].text, &us) == (reads[_i].want >= 0));
	ck_assert_int_eq(us, reads[_i].want);
}
END_TEST

START_TEST(writes_times)
{
	char out[ISO_TIME_MAX];

	ck_assert_str_eq(iso_time_write(out, NOON + 7654, false), "2026-01-31T12:00:00Z");
	ck_assert_str_eq(
	    iso_time_write(out, NOON + 7654, true), "2026-01-31T12:00:00.007Z");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("iso_time");
	TCase *tc = tcase_create("iso_time");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tc, reads_times, 0, (int)ARRAY_LEN(reads));
	tcase_add_test(tc, writes_times);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
