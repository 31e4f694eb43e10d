/* The small parts of the command line: remote URLs, ids of local runs. */
#include <check.h>
#include <stdio.h>
#include <unistd.h>

#include "base/path.h"
#include "base/str.h"
#include "cli/ids.h"
#include "cli/kept.h"
#include "cli/remote_url.h"

static const struct {
	const char *url, *host, *path; /* host NULL: not understood */
} urls[] = {
	{ "git@gitlab.com:group/project.git", "gitlab.com", "group/project" },
	{ "git@gitlab.com:group/sub/project", "gitlab.com", "group/sub/project" },
	{ "https://gitlab.com/group/project.git", "gitlab.com", "group/project" },
	{ "https://user:pw@host:8443/a/b.git/", "host:8443", "a/b" },
	{ "ssh://git@host:2222/a/b.git", "host", "a/b" },
	{ "git://host/a/b", "host", "a/b" },
	{ "file:///srv/git/a.git", NULL, NULL },
	{ "/srv/git/a.git", NULL, NULL },
	{ "../a/b", NULL, NULL },
	{ "https://host/", NULL, NULL },
	{ "https://host/only", NULL, NULL },
	{ "", NULL, NULL },
	{ ":", NULL, NULL },
	{ "@:x/y", NULL, NULL },
};

START_TEST(remote_url_names_the_project)
{
	cleanup_arena struct arena *arena = arena_new();
	struct remote_url url = { NULL, NULL };
	bool got = remote_url_parse(urls[_i].url, arena, &url);

	ck_assert_msg(got == (urls[_i].host != NULL), "%s", urls[_i].url);
	if (!got)
		return;
	ck_assert_str_eq(url.host, urls[_i].host);
	ck_assert_str_eq(url.path, urls[_i].path);
}
END_TEST

static char dir[] = "/tmp/pawl-ids-XXXXXX";

static void
make_dir(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void
remove_dir(void)
{
	ck_assert_int_eq(path_remove_tree(-100, dir, NULL), 0);
	memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
}

static struct ids
reserve(void)
{
	struct error err = ERROR_INIT;
	struct ids ids;

	if (ids_reserve(dir, 10, &ids, &err) < 0)
		ck_abort_msg("%s", err.msg);
	return ids;
}

START_TEST(unused_ids_are_given_back)
{
	struct ids first = reserve(), second;

	ids_give_back(dir, &first, first.pipeline + 1, first.job + 3);
	second = reserve();
	ck_assert_int_eq(first.job, 1);
	ck_assert_int_eq(second.pipeline, 2);
	ck_assert_int_eq(second.job, 4);
}
END_TEST

START_TEST(two_runs_never_share_an_id)
{
	struct ids first = reserve(), second = reserve(), third;

	ids_give_back(dir, &first, first.pipeline + 1, first.job + 1);
	third = reserve();
	ck_assert_int_ge(second.job, first.job_end);
	ck_assert_int_ge(third.job, second.job_end);
	ck_assert_int_ge(third.pipeline, second.pipeline_end);
}
END_TEST

START_TEST(damaged_counter_is_not_guessed_at)
{
	cleanup_free char *path = path_join(dir, "ids");
	cleanup_free char *want =
	    xasprintf("%s: damaged; without it, ids begin at 1 again", path);
	struct error err = ERROR_INIT;
	struct ids ids;

	ck_assert_int_eq(path_write_file(path, "nonsense", 8, 0644, NULL), 0);
	ck_assert_int_lt(ids_reserve(dir, 1, &ids, &err), 0);
	ck_assert_str_eq(err.msg, want);
}
END_TEST

START_TEST(missing_folder_is_named)
{
	struct error err = ERROR_INIT;
	struct ids ids;

	ck_assert_int_lt(ids_reserve("/nonexistent/dir", 1, &ids, &err), 0);
	ck_assert_str_eq(
	    err.msg, "cannot open /nonexistent/dir/ids: No such file or directory");
}
END_TEST

START_TEST(latest_job_is_found_by_any_name)
{
	static const char *const names[] = { "build", "a/b", "../x", "t: [a, b]", "%41",
		"ü" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		kept_set_latest(dir, names[i], (int64_t)i + 1);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		ck_assert_int_eq(kept_latest(dir, names[i]), (int64_t)i + 1);
	ck_assert_int_eq(kept_latest(dir, "A"), 0);
}
END_TEST

static bool
exists(const char *name)
{
	cleanup_free char *path = path_join(dir, name);

	return access(path, F_OK) == 0;
}

START_TEST(old_jobs_are_forgotten_but_the_latest_of_a_name)
{
	static const char *const names[] = { "1.log", "2.log", "1500.log", "notes.txt" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		cleanup_free char *path = path_join(dir, names[i]);

		ck_assert_int_eq(path_write_file(path, "x", 1, 0644, NULL), 0);
	}
	kept_set_latest(dir, "build", 2);
	kept_prune(dir, dir, 2000);
	ck_assert(!exists("1.log"));
	ck_assert(exists("2.log"));
	ck_assert(exists("1500.log"));
	ck_assert(exists("notes.txt"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("cli parts");
	TCase *urls_case = tcase_create("remote_url"), *ids_case = tcase_create("ids");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(
	    urls_case, remote_url_names_the_project, 0, (int)ARRAY_LEN(urls));
	tcase_add_checked_fixture(ids_case, make_dir, remove_dir);
	tcase_add_test(ids_case, unused_ids_are_given_back);
	tcase_add_test(ids_case, two_runs_never_share_an_id);
	tcase_add_test(ids_case, damaged_counter_is_not_guessed_at);
	tcase_add_test(ids_case, missing_folder_is_named);
	tcase_add_test(ids_case, latest_job_is_found_by_any_name);
	tcase_add_test(ids_case, old_jobs_are_forgotten_but_the_latest_of_a_name);
	suite_add_tcase(suite, urls_case);
	suite_add_tcase(suite, ids_case);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
