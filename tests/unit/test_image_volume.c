/* Which VOLUMEs of an image an empty folder can stand for. */
#include <check.h>
#include <sys/stat.h>

#include "base/path.h"
#include "executors/container/image_volume.h"
#include "tests/unit/fixture.h"

/* Layers top and low; what is in them, what is asked for, and whether it is empty. */
static const struct {
	const char *make, *path;
	bool want;
	unsigned mode;
} volumes[] = {
	{ "true", "/data", true, 0755 },
	{ "mkdir -p top/data && chmod 1777 top/data", "/data", true, 01777 },
	{ "mkdir -p top/data low/data && chmod 700 top/data", "/data", true, 0700 },
	{ "mkdir -p low/var/lib/data && chmod 750 low/var/lib/data", "/var/lib/data/",
	    true, 0750 },
	{ "mkdir -p top/data && touch top/data/file", "/data", false, 0 },
	{ "mkdir -p top/data low/data && touch low/data/.file", "/data", false, 0 },
	{ "mkdir -p low/data/folder", "/data", false, 0 },
	{ "mkdir -p low/run && ln -s /run low/data", "/data", false, 0 },
	{ "mkdir -p low/run/x && mkdir top/var && ln -s ../run top/var/run", "/var/run/x",
	    false, 0 },
	{ "touch top/data", "/data", false, 0 },
	{ "ln -s / low/up", "/up/etc", false, 0 },
};

START_TEST(empty_ones_alone)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *top = path_join(root, "top"), *low = path_join(root, "low");
	cleanup_strlist struct strlist layers = STRLIST_INIT;
	struct stat as;
	bool got;

	fixture_sh(root, "umask 022; mkdir top low; %s", volumes[_i].make);
	strlist_add(&layers, top);
	strlist_add(&layers, low);
	got = image_volume_is_empty(volumes[_i].path, &layers, &as);
	ck_assert_msg(got == volumes[_i].want, "%s", volumes[_i].make);
	if (got)
		ck_assert_msg((as.st_mode & 07777) == volumes[_i].mode, "%s: mode %o",
		    volumes[_i].make, as.st_mode & 07777);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("image_volume");
	TCase *tc = tcase_create("image_volume");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tc, empty_ones_alone, 0, (int)ARRAY_LEN(volumes));
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
