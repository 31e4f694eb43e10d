/*
 * What configure promises the code: a version and the names to hand to dlopen().
 */
#include "config.h"

#include <check.h>
#include <dlfcn.h>
#include <stdlib.h>

static const char *const opened_later[] = { PAWL_LIBGIT2_SONAME, PAWL_LIBARCHIVE_SONAME };

START_TEST(soname_can_be_opened)
{
	void *lib = dlopen(opened_later[_i], RTLD_NOW | RTLD_LOCAL);

	ck_assert_msg(lib != NULL, "%s: %s", opened_later[_i], dlerror());
	dlclose(lib);
}
END_TEST

START_TEST(version_has_three_numbers)
{
	int major, minor, patch, end = 0;
	int n = sscanf(PACKAGE_VERSION, "%d.%d.%d%n", &major, &minor, &patch, &end);

	ck_assert_int_eq(n, 3);
	ck_assert_int_eq(PACKAGE_VERSION[end], '\0');
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("build");
	TCase *tc = tcase_create("configure");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tc, soname_can_be_opened, 0, 2);
	tcase_add_test(tc, version_has_three_numbers);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
