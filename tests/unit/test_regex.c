/* Regular expressions: RE2's language, its meaning, and no way to hang. */
#include <check.h>
#include <time.h>

#include "base/regex.h"

static struct regex *
compiled(const char *pattern, unsigned flags)
{
	struct regex *re = NULL;
	struct error err = ERROR_INIT;

	if (regex_compile(pattern, strlen(pattern), flags, &re, &err) < 0)
		ck_abort_msg("%s: %s", pattern, err.msg);
	return re;
}

static const struct {
	const char *pattern;
	unsigned flags;
	const char *text;
	const char *want; /* the match; NULL: none */
} matches[] = {
	{ "b+", 0, "abbc", "bb" }, { "", 0, "abc", "" }, { "x", 0, "abc", NULL },
	{ "^b", 0, "a\nb", NULL }, { "^b", REGEX_MULTILINE, "a\nb", "b" },
	{ "(?m)^b$", 0, "a\nb\nc", "b" },
	{ "a$", 0, "a\n", NULL }, /* the very end, unlike Perl */
	{ "a.c", 0, "a\nc", NULL }, { "a.c", REGEX_DOT_ALL, "a\nc", "a\nc" },
	{ "a.c", 0, "a\rc", "a\rc" }, { "ABC", REGEX_IGNORE_CASE, "xabc", "abc" },
	{ "\xc3\x84", REGEX_IGNORE_CASE, "\xc3\xa4", "\xc3\xa4" },
	{ "(?i)ABC", 0, "xabc", "abc" }, { "(?i:A)B", 0, "aB", "aB" },
	{ "(?i:A)B", 0, "ab", NULL }, { "(?-s).", REGEX_DOT_ALL, "\n", NULL },
	{ "a+", REGEX_UNGREEDY, "aaa", "a" }, { "a+?", REGEX_UNGREEDY, "aaa", "aaa" },
	{ "a+?", 0, "aaa", "a" },
	{ "a.c", 0,
	    "a\xc3\xa4"
	    "c",
	    "a\xc3\xa4"
	    "c" },
	{ "(?P<n>a)(?:b)(?<m>c)", 0, "abc", "abc" },
	{ "\\d\\D\\w\\W", 0, "1xy-", "1xy-" },
	{ "\\d", 0, "\xd9\xa3", NULL }, /* ASCII only */
	{ "a\\sb", 0, "a b", "a b" },
	{ "a\\sb", 0, "a\vb", NULL }, /* RE2 leaves out the vertical tab */
	{ "a\\Sb", 0, "a\vb", "a\vb" }, { "[\\s]", 0, "\v", NULL },
	{ "[\\s-x]+", 0, "a-x ", "-x " }, { "[\\w.-]+", 0, "/a.b-c/", "a.b-c" },
	{ "\\v", 0, "\n\v", "\v" }, { "\\x41\\x{42}\\103", 0, "ABC", "ABC" },
	{ "\\0", 0, "x", NULL }, { "\\0123", 0, "\n3", "\n3" },
	{ "\\p{Greek}\\pL", 0, "\xce\xb1z", "\xce\xb1z" },
	{ "\\Qa.b(\\E+", 0, "a.b((", "a.b((" }, { "\\Qa.b", 0, "a.b", "a.b" },
	{ "[]a]+", 0, "]a", "]a" }, { "[^]a]", 0, "]ab", "b" },
	{ "[[:alpha:]]+", 0, "1ab2", "ab" }, { "[[=a]+", 0, "[=", "[=" },
	{ "a{2,3}", 0, "aaaa", "aaa" }, { "a{,3}", 0, "a{,3}", "a{,3}" },
	{ "a{x", 0, "a{x", "a{x" }, { "\\$\\/\\-\\_\\.", 0, "$/-_.", "$/-_." },
	{ "\\Aa\\b\\z", 0, "a", "a" }, { "a|b", 0, "b", "b" }, { "(|a)b", 0, "b", "b" },
	{ "a\\.b", 0,
	    "\xff"
	    "a.b",
	    "a.b" }, /* a stray byte before it does no harm */
};

START_TEST(matches_like_re2)
{
	cleanup_regex struct regex *re = compiled(matches[_i].pattern, matches[_i].flags);
	const char *text = matches[_i].text, *want = matches[_i].want;
	struct regex_span span = { 0, 0 };
	struct error err = ERROR_INIT;
	int rc = regex_match(re, text, strlen(text), 0, &span, 1, &err);

	ck_assert_msg(rc == (want != NULL), "%s on %s: %d %s", matches[_i].pattern, text,
	    rc, err.msg);
	if (want == NULL)
		return;
	ck_assert_msg(span.end - span.start == strlen(want) &&
		memcmp(text + span.start, want, strlen(want)) == 0,
	    "%s found [%zu, %zu)", matches[_i].pattern, span.start, span.end);
}
END_TEST

static const struct {
	const char *pattern, *want;
} refused[] = {
	{ "^(?!master).+", "look-ahead at offset 1 of the regular expression: RE2" },
	{ "(?=a)", "look-ahead" },
	{ "(?<=a)b", "look-behind" },
	{ "(?<!a)b", "look-behind" },
	{ "(a)\\1", "back-reference at offset 3" },
	{ "(?P<n>a)(?P=n)", "back-reference" },
	{ "\\k<n>", "\\k at offset 0" },
	{ "\\g1", "\\g" },
	{ "(?>a)", "atomic group" },
	{ "a++", "possessive quantifier at offset 2" },
	{ "a**", "a second quantifier" },
	{ "a{2}{3}", "a second quantifier" },
	{ "(?R)", "recursion" },
	{ "(?1)", "this kind of group" },
	{ "(?&n)", "recursion" },
	{ "(?(1)a)", "condition" },
	{ "(?C1)", "callout" },
	{ "(*ACCEPT)", "verb" },
	{ "(?#x)", "comment" },
	{ "(?x)a b", "this kind of group" },
	{ "(?|a)", "branch reset" },
	{ "(?i", "this kind of group" },
	{ "\\Z", "\\Z" },
	{ "\\R", "\\R" },
	{ "\\h", "\\h" },
	{ "\\K", "\\K" },
	{ "[\\b]", "\\b" },
	{ "\\C", "\\C" },
	{ "\\x4", "an incomplete escape" },
	{ "\\p", "an incomplete escape" },
	{ "\\p{Greek", "without its" },
	{ "\\8", "back-reference" },
	{ "a\\", "nothing follows the backslash" },
	{ "*a", "nothing to repeat" },
	{ "a|*", "nothing to repeat" },
	{ "(+)", "nothing to repeat" },
	{ "a{1001}", "more than 1000" },
	{ "a{1,1001}", "more than 1000" },
	{ "[a", "a \"[\" without its \"]\"" },
	{ "(a", "missing closing parenthesis" },
	{ "a)", "unmatched closing parenthesis" },
	{ "[b-a]", "range out of order" },
	{ "\xff", "UTF-8" },
};

START_TEST(refuses_what_re2_has_not)
{
	const char *pattern = refused[_i].pattern;
	struct regex *re = NULL;
	struct error err = ERROR_INIT;
	int rc = regex_compile(pattern, strlen(pattern), 0, &re, &err);

	regex_free(re);
	ck_assert_msg(rc == ERR_INVALID, "%s was accepted", pattern);
	ck_assert_msg(
	    strstr(err.msg, refused[_i].want) != NULL, "%s: %s", pattern, err.msg);
}
END_TEST

START_TEST(groups_are_found)
{
	cleanup_regex struct regex *re = compiled("(a)|(b)(c)?", 0);
	struct regex_span spans[5];
	struct error err = ERROR_INIT;

	ck_assert_uint_eq(regex_group_count(re), 3);
	ck_assert_int_eq(regex_match(re, "xb", 2, 0, spans, 5, &err), 1);
	ck_assert_uint_eq(spans[1].start, SIZE_MAX);
	ck_assert_uint_eq(spans[2].start, 1);
	ck_assert_uint_eq(spans[2].end, 2);
	ck_assert_uint_eq(spans[3].start, SIZE_MAX);
	ck_assert_uint_eq(spans[4].start, SIZE_MAX);
}
END_TEST

START_TEST(start_skips_what_is_before)
{
	cleanup_regex struct regex *re = compiled("a", 0);
	struct regex_span span;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(regex_match(re, "aba", 3, 1, &span, 1, &err), 1);
	ck_assert_uint_eq(span.start, 2);
	ck_assert_int_eq(regex_match(re, "aba", 3, 3, &span, 1, &err), 0);
}
END_TEST

START_TEST(hostile_match_is_given_up)
{
	cleanup_regex struct regex *re = compiled("^(a+)+$", 0);
	char text[64];
	struct error err = ERROR_INIT;
	clock_t start = clock();
	int rc = 0;

	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = 'b';
	for (int i = 0; i < 3; i++)
		rc = regex_match(re, text, sizeof(text), 0, NULL, 0, &err);
	ck_assert_int_eq(rc, ERR_LIMIT);
	ck_assert_ptr_nonnull(strstr(err.msg, "takes too long"));
	ck_assert(clock() - start < 10 * CLOCKS_PER_SEC);
}
END_TEST

/* The machine code takes over somewhere on the way, and finds the same. */
START_TEST(many_matches_stay_right)
{
	cleanup_regex struct regex *re = compiled("^line ([0-9]+)$", 0);
	struct error err = ERROR_INIT;
	struct regex_span spans[2];

	for (int i = 0; i < 5000; i++) {
		char text[64];
		int len = snprintf(text, sizeof(text), "line %d", i);

		ck_assert_int_eq(
		    regex_match(re, text, (size_t)len, 0, spans, 2, &err), 1);
		ck_assert_uint_eq(spans[1].start, 5);
		ck_assert_uint_eq(spans[1].end, (size_t)len);
	}
}
END_TEST

START_TEST(deep_text_does_not_end_the_stack)
{
	cleanup_regex struct regex *re = compiled("^(?:a|b)*$", 0);
	size_t len = 200000;
	cleanup_free char *text = xmalloc(len);
	struct error err = ERROR_INIT;

	memset(text, 'a', len);
	for (int i = 0; i < 3; i++)
		ck_assert_int_ne(regex_match(re, text, len, 0, NULL, 0, &err), 0);
}
END_TEST

START_TEST(long_or_deep_patterns_are_refused)
{
	size_t len = REGEX_MAX_BYTES + 1;
	cleanup_free char *pattern = xmalloc(len);
	struct regex *re = NULL;
	struct error err = ERROR_INIT;

	memset(pattern, 'a', len);
	ck_assert_int_eq(regex_compile(pattern, len, 0, &re, &err), ERR_LIMIT);
	memset(pattern, '(', 1000);
	memset(pattern + 1000, ')', 1000);
	ck_assert_int_eq(regex_compile(pattern, 2000, 0, &re, &err), ERR_INVALID);
}
END_TEST

static const struct {
	const char *text, *pattern;
	unsigned flags;
	bool want;
} literals[] = {
	{ "/a/", "a", 0, true },
	{ "//", "", 0, true },
	{ "/a\\/b/i", "a\\/b", REGEX_IGNORE_CASE, true },
	{ "/a/smU", "a", REGEX_DOT_ALL | REGEX_MULTILINE | REGEX_UNGREEDY, true },
	{ "/a/x", NULL, 0, false },
	{ "/", NULL, 0, false },
	{ "", NULL, 0, false },
	{ "a/", NULL, 0, false },
	{ "/a", NULL, 0, false },
	{ " /a/", NULL, 0, false },
	{ "/a/ ", NULL, 0, false },
};

START_TEST(literal_is_split)
{
	struct regex_literal got = { NULL, 0, 0 };

	ck_assert(regex_split(literals[_i].text, strlen(literals[_i].text), &got) ==
	    literals[_i].want);
	if (!literals[_i].want)
		return;
	ck_assert_uint_eq(got.len, strlen(literals[_i].pattern));
	ck_assert(memcmp(got.pattern, literals[_i].pattern, got.len) == 0);
	ck_assert_uint_eq(got.flags, literals[_i].flags);
}
END_TEST

START_TEST(cache_gives_the_same_again)
{
	cleanup_regex_cache struct regex_cache cache = REGEX_CACHE_INIT;
	struct regex *a = NULL, *b = NULL, *c = NULL;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(regex_cache_get(&cache, "ab", 2, 0, &a, &err), 0);
	ck_assert_int_eq(regex_cache_get(&cache, "abc", 2, 0, &b, &err), 0);
	ck_assert_int_eq(regex_cache_get(&cache, "ab", 2, REGEX_DOT_ALL, &c, &err), 0);
	ck_assert_ptr_eq(a, b);
	ck_assert_ptr_ne(a, c);
}
END_TEST

START_TEST(cache_is_bounded)
{
	cleanup_regex_cache struct regex_cache cache = REGEX_CACHE_INIT;
	struct error err = ERROR_INIT;

	for (int i = 0; i < REGEX_CACHE_MAX + 10; i++) {
		struct regex *re = NULL;
		char pattern[16];
		int len = snprintf(pattern, sizeof(pattern), "%d", i);

		ck_assert_int_eq(
		    regex_cache_get(&cache, pattern, (size_t)len, 0, &re, &err), 0);
	}
	ck_assert_uint_eq(cache.by_pattern.live, 10);
}
END_TEST

START_TEST(cache_reports_a_bad_pattern_each_time)
{
	cleanup_regex_cache struct regex_cache cache = REGEX_CACHE_INIT;
	struct error err = ERROR_INIT;
	struct regex *re = NULL;

	for (int i = 0; i < 2; i++) {
		err.code = 0;
		ck_assert_int_eq(
		    regex_cache_get(&cache, "(", 1, 0, &re, &err), ERR_INVALID);
		ck_assert_int_eq(err.code, ERR_INVALID);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("regex");
	TCase *tc = tcase_create("regex");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, matches_like_re2, 0, ARRAY_LEN(matches));
	tcase_add_loop_test(tc, refuses_what_re2_has_not, 0, ARRAY_LEN(refused));
	tcase_add_loop_test(tc, literal_is_split, 0, ARRAY_LEN(literals));
	tcase_add_test(tc, groups_are_found);
	tcase_add_test(tc, start_skips_what_is_before);
	tcase_add_test(tc, hostile_match_is_given_up);
	tcase_add_test(tc, many_matches_stay_right);
	tcase_add_test(tc, deep_text_does_not_end_the_stack);
	tcase_add_test(tc, long_or_deep_patterns_are_refused);
	tcase_add_test(tc, cache_gives_the_same_again);
	tcase_add_test(tc, cache_is_bounded);
	tcase_add_test(tc, cache_reports_a_bad_pattern_each_time);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
