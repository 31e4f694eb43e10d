/* Scripts for caches where a driver runs them, by the shells here, without a store. */
#include <check.h>

#include "base/path.h"
#include "runner/cache_script.h"
#include "tests/unit/fixture.h"

static const char *paths[] = { "deps/", "$CI_PROJECT_DIR/out/*.o",
	"it's; touch evil $(touch evil) `touch evil`/x", "../outside", "-odd",
	"missing" };

static struct job_cache caches[] = {
	{ .key = "a; touch evil/../k'ey",
	    .paths = paths,
	    .path_count = ARRAY_LEN(paths) },
	{ .key = "failed", .paths = paths, .path_count = 1, .when = "on_failure" },
};

static const struct job_payload job = { .caches = caches, .cache_count = 2 };

#define FILES                                                                            \
	"deps/.hidden deps/sub/x out/1.o out/other -odd "                                \
	"\"it's; touch evil \\$(touch evil) \\`touch evil\\`/x\""

static void
prepare(const char *root)
{
	fixture_sh(root,
	    "mkdir -p p/deps/sub p/out && echo o >outside && cd p && "
	    "mkdir \"it's; touch evil \\$(touch evil) \\`touch evil\\`\" && "
	    "for f in " FILES "; do echo one >\"./$f\"; done");
}

static void
run(const char *root, const char *shell, const char *status,
    void (*write)(struct cache_remote_use *, const struct job_payload *,
	const struct strlist *, const char *, struct buf *))
{
	cleanup_free char *project = path_join(root, "p"),
			  *file = path_join(root, "script");
	cleanup_strlist struct strlist env = STRLIST_INIT;
	struct cache_remote_use use = { .remote = NULL };
	cleanup_buf struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;

	strlist_add_take(&env, xasprintf("CI_PROJECT_DIR=%s", project));
	write(&use, &job, &env, project, &text);
	ck_assert_int_eq(path_write_file(file, buf_str(&text), text.len, 0600, &err), 0);
	fixture_sh(root,
	    "cd p && pawl_cache_dir=$PWD/../caches CI_PROJECT_DIR=$PWD CI_PROJECT_PATH=g/p "
	    "CI_JOB_ID=1 CI_JOB_STATUS=%s %s ../script >../log 2>&1 </dev/null || "
	    "{ cat ../log; exit 1; }",
	    status, shell);
}

static const char *const shells[] = { "sh", "bash" };

START_TEST(what_is_saved_is_restored)
{
	cleanup_fixture char *root = fixture_open();

	prepare(root);
	run(root, shells[_i], "success", cache_script_save);
	fixture_sh(root,
	    "grep -q 'missing: no matching files' log && rm -rf p && mkdir p && "
	    "test -s \"caches/g/p/k'ey/cache.zip\" && ! test -e caches/g/p/failed");
	run(root, shells[_i], "running", cache_script_restore);
	fixture_sh(root,
	    "cat log; cd p; for f in " FILES "; do case $f in "
	    "out/other) ! test -e $f || exit 1 ;; *) grep -q one \"./$f\" || exit 1 ;; "
	    "esac; done; ! find .. -name evil | grep .");
	run(root, shells[_i], "success", cache_script_save);
	fixture_sh(root, "cat log; grep -q 'Archive is up to date' log");
	fixture_sh(root, "echo two >p/deps/sub/x");
	run(root, shells[_i], "failed", cache_script_save);
	fixture_sh(root,
	    "cat log; ! grep \"Creating cache k'ey\" log && test -s caches/g/p/failed/cache.zip");
}
END_TEST

START_TEST(a_job_without_caches_has_no_scripts)
{
	const struct job_payload none = { .cache_count = 0 };
	cleanup_strlist struct strlist env = STRLIST_INIT;
	struct cache_remote_use use = { .remote = NULL };
	cleanup_buf struct buf text = BUF_INIT;

	cache_script_restore(&use, &none, &env, "/p", &text);
	cache_script_save(&use, &none, &env, "/p", &text);
	ck_assert_uint_eq(text.len, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("cache_script");
	TCase *tc = tcase_create("cache_script");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, what_is_saved_is_restored, 0, ARRAY_LEN(shells));
	tcase_add_test(tc, a_job_without_caches_has_no_scripts);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
