/* Slugs, with results of GitLab's own rules. */
#include <check.h>

#include "pipelines/slug.h"

#define A62 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
	const char *name, *want;
} slugs[] = {
	{ "main", "main" }, { "feature/My_Thing", "feature-my-thing" }, { "--x--", "x" },
	{ "a--b", "a--b" }, { "1.2", "1-2" }, { "job: [a, b]", "job---a--b" },
	{ "\xc3\xbc\xc3\x9f", "" }, { "a\xc3\xbcz", "a-z" }, { "", "" }, { "///", "" },
	{ A62 "bc", A62 "b" },
	{ A62 "/c", A62 }, /* cut first, then the "-" at its end goes */
};

START_TEST(slug_of_a_name)
{
	char got[SLUG_MAX];

	ck_assert_str_eq(slug_make(slugs[_i].name, got), slugs[_i].want);
}
END_TEST

static const struct {
	const char *name, *want;
} environments[] = {
	{ "production", "production" },
	{ "staging/a", "staging-a-g9g0rk" },
	{ "review/My-Feature", "review-my-feature-itkiel" },
	{ "1.2.3", "env-1-2-3-rxh1ni" },
	{ "a-very-long-environment-name-here", "a-very-long-envir-z5w63o" },
	{ "exactly-twenty-four-byte", "exactly-twenty-four-byte" },
	{ "test-", "test" },
	{ "-", "env-dgv8k2" },
	{ "", "env-qhkd3p" },
	{ "review/\xc3\xbcn\xc3\xaf", "review-n-rmea3d" },
};

START_TEST(slug_of_an_environment)
{
	char got[SLUG_ENVIRONMENT_MAX];

	ck_assert_str_eq(
	    slug_make_environment(environments[_i].name, got), environments[_i].want);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("slug");
	TCase *tc = tcase_create("slug");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tc, slug_of_a_name, 0, ARRAY_LEN(slugs));
	tcase_add_loop_test(tc, slug_of_an_environment, 0, ARRAY_LEN(environments));
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
