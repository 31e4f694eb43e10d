/* Globs as GitLab and its runner match them. */
#include <check.h>
#include <time.h>

#include "base/glob.h"

struct row {
	const char *pattern, *path;
	bool want;
};

static const struct row fnmatch_rows[] = {
	{ "README.md", "README.md", true },
	{ "README.md", "docs/README.md", false },
	{ "*", "a", true },
	{ "*", "a/b", false },
	{ "*.c", ".c", true }, /* DOTMATCH */
	{ "*", ".hidden", true },
	{ "a/*", "a/b", true },
	{ "a/*", "a/b/c", false },
	{ "a/*", "a/", true },
	{ "a", "a/b", false },
	{ "a?c", "abc", true },
	{ "a?c", "a/c", false },
	{ "a?c",
	    "a\xc3\xa4"
	    "c",
	    true }, /* one character of two bytes */
	{ "a?c",
	    "a\xff"
	    "c",
	    true }, /* one stray byte */
	{ "a??c",
	    "a\xc3\xa4"
	    "c",
	    false },
	{ "**/*.c", "a.c", true },
	{ "**/*.c", "x/a.c", true },
	{ "**/*.c", "x/y/.z/a.c", true },
	{ "**/*.c", "x/y/a.h", false },
	{ "dir/**/*", "dir/a", true },
	{ "dir/**/*", "dir/a/b/c", true },
	{ "dir/**/*", "dir", false },
	{ "dir/**", "dir/a", true },
	{ "dir/**", "dir/a/b", false }, /* a lone `**` is a `*` */
	{ "dir/**", "dir", false },
	{ "a**/b", "axx/b", true },
	{ "a**/b", "ax/x/b", false },
	{ "a/**/b", "a/b", true },
	{ "a/**/b", "a/x/y/b", true },
	{ "a/**/b", "ab", false },
	{ "a/**/b/**/c", "a/b/x/b/c", true },
	{ "a/**/**/b", "a/b", true },
	{ "***/b", "a/b", true },
	{ "***/b", "a/a/b", false },
	{ "[abc].c", "b.c", true },
	{ "[abc].c", "d.c", false },
	{ "[a-c]", "b", true },
	{ "[!a-c]", "b", false },
	{ "[^a-c]", "d", true },
	{ "a[/]b", "a/b", false }, /* a set never is a slash */
	{ "[]a]", "a", false },    /* the first bracket ends an empty set */
	{ "[a-]", "-", true },
	{ "[\\]]", "]", true },
	{ "[\xc3\xa4-\xc3\xb6]", "\xc3\xa5", true },
	{ "[a", "a", false },
	{ "[a", "[a", false },
	{ "a]", "a]", true },
	{ "\\*", "*", true },
	{ "\\*", "a", false },
	{ "\\", "\\", true },
	{ "{a,b}", "a", true },
	{ "{a,b}", "b", true },
	{ "{a,b}", "c", false },
	{ "{a,b}.{c,h}", "b.h", true },
	{ "{a,b}.{c,h}", "b.x", false },
	{ "{a,}b", "b", true },
	{ "{}", "", true },
	{ "x{}y", "xy", true },
	{ "{a,{b,c}d}e", "cde", true },
	{ "{a,{b,c}d}e", "de", false },
	{ "{a", "{a", false },
	{ "a}", "a}", true },
	{ "a,b", "a,b", true },
	{ "\\{a,b}", "{a,b}", true },
	{ "**/*.{rb,js}", "app/x.js", true },
	{ "{src,test}/**/*.c", "test/a/b.c", true },
	{ "{a/,b}**/c", "a/x/y/c", true }, /* a part starts after `a/` … */
	{ "{a/,b}**/c", "bx/y/c", false }, /* … but not after `b` */
	{ "{a/,b}**/c", "bx/c", true },
	{ "", "", true },
	{ "", "a", false },
	{ "a", "", false },
	{ "*", "", true },
	{ "Dockerfile*", "Dockerfile.dev", true },
	{ "a/**/", "a/b/", true },
};

static const struct row doublestar_rows[] = {
	{ "dir/**", "dir/a/b", true },
	{ "dir/**", "dir", true },
	{ "dir/**", "dirx", false },
	{ "dir/**", "dir/", true },
	{ "**", "a/b", true },
	{ "**", "", true },
	{ "dir/**/*", "dir/a/b", true },
	{ "dir/**/*", "dir", false },
	{ "dir/", "dir/a", false },
	{ "a**", "ab", true },
	{ "a**", "a/b", false },
	{ "{x/**,y}", "x/a/b", true },
	{ "{x/**,y}", "x", true },
	{ "{x/**,y}", "y/a", false },
	{ "{x/**,y}.c", "x/a.c", true },
	{ "{x/**,y}.c", "x/a/b.c", false },
	{ "*/**/a.{o,d}", "x/y/z/a.d", true },
	{ "[]", "x", false },
};

static const struct row include_rows[] = {
	{ "configs/*.yml", "configs/a.yml", true },
	{ "configs/*.yml", "configs/a/b.yml", false },
	{ "configs/**.yml", "configs/a.yml", true },
	{ "configs/**.yml", "configs/a/b/c.yml", true },
	{ "configs/**/*.yml", "configs/a.yml", false },
	{ "configs/**/*.yml", "configs/a/b.yml", true },
	{ "{a,b}.yml", "a.yml", false },
	{ "{a,b}.yml", "{a,b}.yml", true },
	{ "?.yml", "a.yml", false },
};

static void
check_row(const struct row *row, enum glob_kind kind, bool at_once)
{
	cleanup_glob struct glob *g = glob_new(row->pattern, kind);

	ck_assert_msg(
	    at_once == row->want, "glob_match \"%s\" \"%s\"", row->pattern, row->path);
	ck_assert_msg(glob_fits(g, row->path) == row->want, "glob_fits \"%s\" \"%s\"",
	    row->pattern, row->path);
}

START_TEST(fnmatch_as_ruby)
{
	const struct row *row = &fnmatch_rows[_i];

	check_row(row, GLOB_FNMATCH, glob_match(row->pattern, row->path));
}
END_TEST

START_TEST(doublestar_as_the_runner)
{
	const struct row *row = &doublestar_rows[_i];

	check_row(row, GLOB_DOUBLESTAR, glob_match_doublestar(row->pattern, row->path));
}
END_TEST

START_TEST(include_has_stars_only)
{
	const struct row *row = &include_rows[_i];

	check_row(row, GLOB_INCLUDE, glob_match_include(row->pattern, row->path));
}
END_TEST

static char *
repeat(const char *piece, size_t count, const char *tail)
{
	size_t len = strlen(piece);
	char *s = xmalloc(len * count + strlen(tail) + 1);

	for (size_t i = 0; i < count; i++)
		memcpy(s + i * len, piece, len);
	memcpy(s + count * len, tail, strlen(tail) + 1);
	return s;
}

/* Each of these is exponential for a matcher that tries and goes back. */
static const char *const hostile[] = { "a*", "*a", "{a,b,c}", "{a,aa}", "**/a", "{*,a}",
	"{,}", "{**/,a}", "?*" };

START_TEST(hostile_pattern_is_quick)
{
	cleanup_free char *pattern = repeat(hostile[_i], 400, "x");
	cleanup_free char *path = repeat("a", 2000, "");
	clock_t start = clock();

	ck_assert(!glob_match(pattern, path));
	ck_assert_msg(
	    clock() - start < 5 * CLOCKS_PER_SEC, "%s took too long", hostile[_i]);
}
END_TEST

START_TEST(deep_braces_fit_nothing)
{
	cleanup_free char *pattern = repeat("{", 1000, "a");

	ck_assert(!glob_match(pattern, "a"));
}
END_TEST

static const struct {
	const char *pattern, *want;
} bad[] = {
	{ "a[b", "a \"[\" has no \"]\"" },
	{ "{a,b", "a \"{\" has no \"}\"" },
	{ "{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}",
	    "32 deep" },
};

START_TEST(check_says_what_is_wrong)
{
	struct error err = ERROR_INIT;

	ck_assert_int_eq(glob_check(bad[_i].pattern, GLOB_FNMATCH, &err), ERR_INVALID);
	ck_assert_msg(strstr(err.msg, bad[_i].want) != NULL, "%s", err.msg);
}
END_TEST

START_TEST(check_refuses_a_long_pattern)
{
	cleanup_free char *pattern = repeat("a", GLOB_MAX_BYTES, "*");
	struct error err = ERROR_INIT;

	ck_assert_int_eq(glob_check(pattern, GLOB_FNMATCH, &err), ERR_INVALID);
	ck_assert_ptr_nonnull(strstr(err.msg, "longer than 4096"));
}
END_TEST

START_TEST(check_accepts_what_fits)
{
	struct error err = ERROR_INIT;

	ck_assert_int_eq(glob_check("a/{b,c}/**/[x-z]?*", GLOB_FNMATCH, &err), 0);
}
END_TEST

static const struct {
	const char *pattern;
	size_t prefix;
	bool literal;
} prefixes[] = {
	{ "src/lib/a*.c", 8, false },
	{ "*.c", 0, false },
	{ "src/{a,b}", 4, false },
	{ "src/a.c", 7, true },
	{ "src\\a/b", 0, false },
	{ "", 0, true },
};

START_TEST(prefix_is_the_common_folder)
{
	ck_assert_uint_eq(glob_literal_prefix(prefixes[_i].pattern), prefixes[_i].prefix);
	ck_assert(glob_is_literal(prefixes[_i].pattern) == prefixes[_i].literal);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("glob");
	TCase *tc = tcase_create("glob");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, fnmatch_as_ruby, 0, ARRAY_LEN(fnmatch_rows));
	tcase_add_loop_test(tc, doublestar_as_the_runner, 0, ARRAY_LEN(doublestar_rows));
	tcase_add_loop_test(tc, include_has_stars_only, 0, ARRAY_LEN(include_rows));
	tcase_add_loop_test(tc, hostile_pattern_is_quick, 0, ARRAY_LEN(hostile));
	tcase_add_test(tc, deep_braces_fit_nothing);
	tcase_add_loop_test(tc, check_says_what_is_wrong, 0, ARRAY_LEN(bad));
	tcase_add_test(tc, check_refuses_a_long_pattern);
	tcase_add_test(tc, check_accepts_what_fits);
	tcase_add_loop_test(tc, prefix_is_the_common_folder, 0, ARRAY_LEN(prefixes));
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
