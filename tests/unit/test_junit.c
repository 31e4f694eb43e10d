/* JUnit reports: what is read of sound ones, and what is said of the others. */
#include <check.h>

#include "base/buf.h"
#include "base/str.h"
#include "scheduler/junit.h"

static void
print_case(const struct junit_case *c, void *data)
{
	struct buf *out = data;

	buf_printf(out, "[%s|%s|%s|%s|%s|%" PRId64 "|%s]", c->suite, c->classname,
	    c->name, c->file, junit_status_name(c->status), c->time_us, c->output);
}

static int
parse(const char *text, size_t len, size_t piece, struct buf *out, struct error *err)
{
	cleanup_junit struct junit *j = junit_new(print_case, out);

	for (size_t at = 0; at < len; at += piece) {
		size_t n = len - at < piece ? len - at : piece;
		int rc = junit_add(j, text + at, n, err);

		if (rc < 0)
			return rc;
	}
	return junit_end(j, err);
}

#define CASE_A "<testcase name='a'/>"
#define SUITE(cases) "<testsuite>" cases "</testsuite>"

static const struct {
	const char *text, *want;
	size_t len; /* 0: up to its end */
} sound[] = {
	{ "<?xml version='1.0'?><testsuites><testsuite name='s'><testcase name='n' "
	  "classname='c' file='f' time='1.5'/></testsuite></testsuites>",
	    "[s|c|n|f|success|1500000|]" },
	{ "<testsuite name='s'/>", "" },
	{ "<testsuites>" CASE_A "</testsuites>", "[||a||success|0|]" },
	/* suites in suites, as PHPUnit makes them */
	{ "<testsuite name='1'>" CASE_A "<testsuite name='2'>" CASE_A
	  "</testsuite>" CASE_A "</testsuite>",
	    "[1||a||success|0|][2||a||success|0|][1||a||success|0|]" },
	/* what went wrong */
	{ SUITE("<testcase name='a'><failure message='m' type='t'>text</failure>"
		"</testcase>"),
	    "[||a||failed|0|m\ntext]" },
	{ SUITE("<testcase name='a'><failure message='m'>E: m\nat x</failure>"
		"</testcase>"),
	    "[||a||failed|0|E: m\nat x]" },
	{ SUITE("<testcase name='a'><error message='m'/></testcase>"),
	    "[||a||error|0|m]" },
	{ SUITE("<testcase name='a'><skipped/></testcase>"), "[||a||skipped|0|]" },
	{ SUITE("<testcase name='a'><skipped message='later'/></testcase>"),
	    "[||a||skipped|0|later]" },
	{ SUITE("<testcase name='a'><failure>1</failure><skipped>2</skipped>"
		"<failure>3</failure></testcase>"),
	    "[||a||failed|0|1\n\n3]" },
	{ SUITE("<testcase name='a'><error>1</error><failure>2</failure></testcase>"),
	    "[||a||failed|0|2]" },
	{ SUITE("<testcase name='a'><failure><![CDATA[<&>]]> &lt;&#65;</failure>"
		"</testcase>"),
	    "[||a||failed|0|<&> <A]" },
	/* what was printed belongs to what went wrong */
	{ SUITE("<testcase name='a'><system-out>o</system-out><failure>f</failure>"
		"<system-err>e</system-err></testcase>"),
	    "[||a||failed|0|f\n\nSystem Out:\n\no\n\nSystem Err:\n\ne]" },
	{ SUITE("<testcase name='a'><system-out>o</system-out></testcase>"),
	    "[||a||success|0|]" },
	{ SUITE("<system-out>o</system-out><failure>f</failure>" CASE_A),
	    "[||a||success|0|]" },
	/* not what it looks like */
	{ SUITE("<properties><testcase name='no'/></properties>" CASE_A),
	    "[||a||success|0|]" },
	{ SUITE("<testcase name='a'><rerunFailure><failure>f</failure></rerunFailure>"
		"</testcase>"),
	    "[||a||success|0|]" },
	/* times */
	{ SUITE("<testcase time='1,234.5'/>"), "[||||success|1234500000|]" },
	{ SUITE("<testcase time='1.5e-03'/>"), "[||||success|1500|]" },
	{ SUITE("<testcase time='2E1'/>"), "[||||success|20000000|]" },
	{ SUITE("<testcase time='-1'/>"), "[||||success|0|]" },
	{ SUITE("<testcase time='NaN'/>"), "[||||success|0|]" },
	{ SUITE("<testcase time='1e999999999999999999999'/>"), "[||||success|0|]" },
	{ SUITE("<testcase time='1e-999999999999999999999'/>"), "[||||success|0|]" },
	{ SUITE("<testcase time='99999999999999999999999999999'/>"), "[||||success|0|]" },
	/* several files in one */
	{ "<?xml version='1.0'?>\n" SUITE(CASE_A) "\n\n<?xml version='1.0'?>\n" SUITE(
	      CASE_A) "\n",
	    "[||a||success|0|][||a||success|0|]" },
	{ SUITE(CASE_A) SUITE(CASE_A) "<testsuites/>" SUITE(CASE_A),
	    "[||a||success|0|][||a||success|0|][||a||success|0|]" },
	{ SUITE(CASE_A) "<!-- 1 -->\n<?xml version='1.0'?>" SUITE(CASE_A) "<!-- 2 -->",
	    "[||a||success|0|][||a||success|0|]" },
	{ "\xef\xbb\xbf" SUITE(CASE_A) "\xef\xbb\xbf<?xml version='1.0'?>" SUITE(CASE_A),
	    "[||a||success|0|][||a||success|0|]" },
	/* encodings */
	{ "<?xml version='1.0' encoding='ISO-8859-1'?>" SUITE(
	      "<testcase name='\xe4'/>") "<?xml version='1.0' encoding='UTF-8'?>" SUITE("<testcase name='\xc3\xa4'/>"),
	    "[||\xc3\xa4||success|0|][||\xc3\xa4||success|0|]" },
	{ "\xff\xfe<\0t\0e\0s\0t\0s\0u\0i\0t\0e\0/\0>\0\n\0" SUITE(CASE_A),
	    "[||a||success|0|]", 2 + 26 + sizeof(SUITE(CASE_A)) - 1 },
	/* a document type is fine as long as it declares nothing */
	{ "<!DOCTYPE testsuite SYSTEM 'http://127.0.0.1/x.dtd'>" SUITE(CASE_A),
	    "[||a||success|0|]" },
};

START_TEST(reads_reports)
{
	size_t len = sound[_i].len != 0 ? sound[_i].len : strlen(sound[_i].text);

	for (size_t piece = 1; piece <= len + 1; piece += piece < 8 ? 1 : len - 7) {
		cleanup_buf struct buf got = BUF_INIT;
		struct error err = ERROR_INIT;

		if (parse(sound[_i].text, len, piece, &got, &err) < 0)
			ck_abort_msg(
			    "%s in pieces of %zu: %s", sound[_i].text, piece, err.msg);
		ck_assert_msg(strcmp(buf_str(&got), sound[_i].want) == 0,
		    "%s in pieces of %zu: %s", sound[_i].text, piece, buf_str(&got));
	}
}
END_TEST

static const struct {
	const char *text, *message;
	const char *want; /* cases that came before; NULL: none */
	int code;
} bad[] = {
	{ "", "the report is empty", NULL, ERR_INVALID },
	{ " \n ", "the report is empty", NULL, ERR_INVALID },
	{ "all tests passed\n", "line 1: no valid XML: syntax error", NULL, ERR_INVALID },
	{ "<html><body/></html>",
	    "line 1: the root element of a JUnit report is testsuites or testsuite", NULL,
	    ERR_INVALID },
	{ "<html/>", "line 1: the root element of a JUnit report is", NULL, ERR_INVALID },
	{ "<testsuite>\n" CASE_A "\n<testcase name='b'><failure>cut o",
	    "line 3: no valid XML: ", "[||a||success|0|]", ERR_INVALID },
	{ "<testsuite>\n" CASE_A "</testsuites>", "line 2: no valid XML: mismatched tag",
	    "[||a||success|0|]", ERR_INVALID },
	{ "<testsuite>\n<testcase name='\xff'/></testsuite>",
	    "line 2: no valid XML: not well-formed (invalid token)", NULL, ERR_INVALID },
	{ "<?xml version='1.0' encoding='klingon'?>" SUITE(CASE_A),
	    "line 1: no valid XML: unknown encoding", NULL, ERR_INVALID },
	{ SUITE(CASE_A) "\nlog", "file 2: line 1: no valid XML: syntax error",
	    "[||a||success|0|]", ERR_INVALID },
	{ SUITE("&nothing;"), "line 1: no valid XML: undefined entity", NULL,
	    ERR_INVALID },
	/* a billion laughs */
	{ "<!DOCTYPE testsuite [\n"
	  "<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>\n"
	  "<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'>]>\n" SUITE(
	      "<testcase name='&c;'/>"),
	    "line 2: it declares an entity, which no report needs", NULL, ERR_INVALID },
	{ "<!DOCTYPE testsuite [<!ENTITY a SYSTEM '/etc/passwd'>]>" SUITE("&a;"),
	    "line 1: it declares an entity, which no report needs", NULL, ERR_INVALID },
	{ "<!DOCTYPE testsuite [<!ENTITY % a SYSTEM '/etc/passwd'>%a;]>" SUITE(""),
	    "line 1: it declares an entity, which no report needs", NULL, ERR_INVALID },
};

START_TEST(says_what_is_wrong)
{
	cleanup_buf struct buf got = BUF_INIT;
	struct error err = ERROR_INIT;
	int rc = parse(bad[_i].text, strlen(bad[_i].text), 5, &got, &err);

	ck_assert_msg(rc == bad[_i].code, "%s: %d %s", bad[_i].text, rc, err.msg);
	ck_assert_msg(strncmp(err.msg, bad[_i].message, strlen(bad[_i].message)) == 0,
	    "%s: %s", bad[_i].text, err.msg);
	ck_assert_str_eq(buf_str(&got), bad[_i].want != NULL ? bad[_i].want : "");
}
END_TEST

/* ---- limits ---------------------------------------------------------------- */

static void
count_case(const struct junit_case *c UNUSED, void *data)
{
	++*(size_t *)data;
}

/* before, and then more, again and again. */
static int
flood(const char *before, const char *again, size_t times, const char *after,
    size_t *count, struct error *err)
{
	cleanup_junit struct junit *j = junit_new(count_case, count);
	cleanup_buf struct buf block = BUF_INIT;
	size_t per_block = 1000;
	int rc = junit_add(j, before, strlen(before), err);

	for (size_t i = 0; i < per_block; i++)
		buf_add_str(&block, again);
	for (; rc == 0 && times >= per_block; times -= per_block)
		rc = junit_add(j, block.data, block.len, err);
	for (; rc == 0 && times > 0; times--)
		rc = junit_add(j, again, strlen(again), err);
	if (rc == 0)
		rc = junit_add(j, after, strlen(after), err);
	return rc < 0 ? rc : junit_end(j, err);
}

static const struct {
	const char *before, *again, *after;
	size_t times;
	const char *want; /* NULL: still fine */
	size_t cases;
} limits[] = {
	{ "<testsuite>", "<testcase/>", "</testsuite>", JUNIT_MAX_CASES, NULL,
	    JUNIT_MAX_CASES },
	{ "<testsuite>", "<testcase/>", "</testsuite>", JUNIT_MAX_CASES + 1,
	    "line 1: more than 500000 test cases", JUNIT_MAX_CASES },
	{ "", "<testsuite>", "", JUNIT_MAX_DEPTH + 1,
	    "line 1: elements are nested more than 64 deep", 0 },
	{ "", "<a>", "", 100000, "line 1: the root element of a JUnit report is", 0 },
	{ "", "<testsuite/>", "", JUNIT_MAX_FILES, NULL, 0 },
	{ "", "<testsuite/>", "", JUNIT_MAX_FILES + 1,
	    "it is made of more than 10000 files", 0 },
	{ "<testsuite name='", "0123456789", "'/>", JUNIT_MAX_TAG / 10 + 20000,
	    "line 1: a tag or a comment is longer than 2 MiB", 0 },
	{ "<!--", "0123456789", "-->", JUNIT_MAX_TAG / 10 + 20000,
	    "line 1: a tag or a comment is longer than 2 MiB", 0 },
	{ "<testsuite>", "0123456789", "</testsuite>", JUNIT_MAX_BYTES / 10 - 3, NULL,
	    0 },
	{ "<testsuite>", "0123456789", "</testsuite>", JUNIT_MAX_BYTES / 10,
	    "the report is larger than the 64 MiB that are read of one", 0 },
	{ "", "   \n      ", "", JUNIT_MAX_BYTES / 10 + 1,
	    "the report is larger than the 64 MiB that are read of one", 0 },
};

START_TEST(keeps_its_limits)
{
	struct error err = ERROR_INIT;
	size_t count = 0;
	int rc = flood(limits[_i].before, limits[_i].again, limits[_i].times,
	    limits[_i].after, &count, &err);

	if (limits[_i].want == NULL)
		ck_assert_msg(rc == 0, "%s", err.msg);
	else
		ck_assert_msg(
		    strncmp(err.msg, limits[_i].want, strlen(limits[_i].want)) == 0,
		    "%d %s", rc, err.msg);
	ck_assert_uint_eq(count, limits[_i].cases);
}
END_TEST

struct lengths {
	size_t name, output;
	bool valid;
};

static void
measure(const struct junit_case *c, void *data)
{
	struct lengths *l = data;

	l->name = strlen(c->name);
	l->output = strlen(c->output);
	l->valid = str_utf8_valid(c->name, l->name) == l->name &&
	    str_utf8_valid(c->output, l->output) == l->output;
}

static void
add_times(struct buf *out, const char *text, size_t times)
{
	for (size_t i = 0; i < times; i++)
		buf_add_str(out, text);
}

/* Of three bytes each, which do not end where the limits are. */
START_TEST(long_texts_are_cut_in_whole_characters)
{
	struct lengths got = { .name = 0 };
	cleanup_junit struct junit *j = junit_new(measure, &got);
	cleanup_buf struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;

	buf_add_str(&text, "<testsuite><testcase name='");
	add_times(&text, "\xe2\x82\xac", 3000);
	buf_add_str(&text, "'><failure>");
	add_times(&text, "\xe2\x82\xac", 50000);
	buf_add_str(&text, "</failure></testcase></testsuite>");
	ck_assert_int_eq(junit_add(j, text.data, text.len, &err), 0);
	ck_assert_int_eq(junit_end(j, &err), 0);
	ck_assert_uint_eq(got.name, JUNIT_MAX_NAME - JUNIT_MAX_NAME % 3);
	ck_assert_uint_eq(got.output, JUNIT_MAX_TEXT - JUNIT_MAX_TEXT % 3);
	ck_assert(got.valid);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("junit");
	TCase *tc = tcase_create("junit");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, reads_reports, 0, ARRAY_LEN(sound));
	tcase_add_loop_test(tc, says_what_is_wrong, 0, ARRAY_LEN(bad));
	tcase_add_loop_test(tc, keeps_its_limits, 0, ARRAY_LEN(limits));
	tcase_add_test(tc, long_texts_are_cut_in_whole_characters);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
