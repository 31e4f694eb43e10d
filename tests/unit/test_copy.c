/* Copying files and folders, and removing folders that fight back. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/copy.h"
#include "base/path.h"
#include "tests/unit/fixture.h"

#define DEPTH 10000

/* A folder with one of everything, and an empty folder beside it. */
static char *
make_tree(void)
{
	char *root = fixture_open();

	fixture_sh(root,
	    "mkdir -p from/a/b from/empty to && echo small >from/a/file && "
	    "head -c 300000 /dev/urandom >from/large && ln -s a/b from/link && "
	    "ln -s /nowhere from/dangling && printf x >from/a/b/run && "
	    "chmod 751 from/a/b/run && chmod 4755 from/large && "
	    "touch -d '2001-02-03 04:05:06.789' from/a/file && "
	    "touch -hd '2001-02-03' from/link && mkfifo from/pipe");
	return root;
}

static void
copy_it(const char *root)
{
	cleanup_free char *from = path_join(root, "from"), *to = path_join(root, "to");
	struct error err = ERROR_INIT;

	if (copy_tree(from, to, NULL, &err) < 0)
		ck_abort_msg("%s", err.msg);
}

START_TEST(copy_has_the_same_content)
{
	cleanup_fixture char *root = make_tree();

	copy_it(root);
	fixture_sh(root, "rm from/pipe && diff -r --no-dereference from to");
}
END_TEST

START_TEST(copy_keeps_modes_and_times)
{
	cleanup_fixture char *root = make_tree();
	cleanup_free char *got = NULL;

	copy_it(root);
	got = fixture_ask(root, "cd to && stat -c '%%n %%a %%y' a/b/run a/file link");
	ck_assert_msg(strstr(got, "a/b/run 751") != NULL, "%s", got);
	ck_assert_msg(strstr(got, "2001-02-03 04:05:06.789000000") != NULL, "%s", got);
	ck_assert_msg(strstr(got, "link 777 2001-02-03") != NULL, "%s", got);
}
END_TEST

START_TEST(copy_drops_setuid)
{
	cleanup_fixture char *root = make_tree();
	cleanup_free char *mode = NULL;

	copy_it(root);
	mode = fixture_ask(root, "stat -c %%a to/large");
	ck_assert_str_eq(mode, "755");
}
END_TEST

START_TEST(copy_shares_no_inode)
{
	cleanup_fixture char *root = make_tree();
	cleanup_free char *links = NULL;

	copy_it(root);
	links = fixture_ask(root, "find to -type f -links +1");
	ck_assert_str_eq(links, "");
}
END_TEST

START_TEST(copy_leaves_pipes_out)
{
	cleanup_fixture char *root = make_tree();

	copy_it(root);
	fixture_sh(root, "! test -e to/pipe");
}
END_TEST

START_TEST(what_is_gone_is_said)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_close int fd = open(root, O_PATH);
	struct copier c = { .files = 0 };
	struct error err = ERROR_INIT;

	ck_assert_int_eq(copy_file(&c, fd, fd, "none", NULL, &err), ERR_MISSING);
	ck_assert_str_eq(err.msg, "none is gone");
}
END_TEST

START_TEST(copy_can_be_canceled)
{
	cleanup_fixture char *root = make_tree();
	cleanup_free char *from = path_join(root, "from"), *to = path_join(root, "to");
	atomic_bool cancel = true;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(copy_tree(from, to, &cancel, &err), ERR_CANCELED);
}
END_TEST

START_TEST(full_disk_is_an_environment_fault)
{
	struct error err = ERROR_INIT;

	errno = ENOSPC;
	ck_assert_int_eq(copy_errno(&err, "cannot write", "x"), ERR_ENVIRONMENT);
	ck_assert_msg(strstr(err.msg, "cannot write x: the disk is full") == err.msg,
	    "%s", err.msg);
}
END_TEST

/* Folders in folders, far deeper than a path can say. */
static void
make_deep(const char *root)
{
	int fd = open(root, O_PATH);

	for (int i = 0; i < DEPTH; i++) {
		int next;

		ck_assert_int_eq(mkdirat(fd, "d", 0700), 0);
		next = openat(fd, "d", O_PATH);
		ck_assert_int_ge(next, 0);
		close(fd);
		fd = next;
	}
	close(fd);
}

START_TEST(deep_folders_are_removed)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *dir = path_join(root, "d");
	struct rlimit old, few;
	struct error err = ERROR_INIT;
	int rc;

	make_deep(root);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = (struct rlimit){ 128, old.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	rc = path_remove_tree(AT_FDCWD, dir, &err);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
	ck_assert_msg(rc == 0, "%s", err.msg);
	ck_assert_int_eq(access(dir, F_OK), -1);
}
END_TEST

START_TEST(folders_without_permissions_are_removed)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *dir = path_join(root, "d");
	struct error err = ERROR_INIT;

	fixture_sh(root, "mkdir -p d/e/f && touch d/e/f/g && chmod 0 d/e/f d/e");
	ck_assert_msg(path_remove_tree(AT_FDCWD, dir, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(access(dir, F_OK), -1);
}
END_TEST

START_TEST(links_are_removed_not_followed)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *dir = path_join(root, "d");
	struct error err = ERROR_INIT;

	fixture_sh(root, "mkdir d keep && touch keep/file && ln -s ../keep d/link");
	ck_assert_msg(path_remove_tree(AT_FDCWD, dir, &err) == 0, "%s", err.msg);
	fixture_sh(root, "test -e keep/file");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("copy");
	TCase *copy = tcase_create("copy"), *removal = tcase_create("remove");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(copy, copy_has_the_same_content);
	tcase_add_test(copy, copy_keeps_modes_and_times);
	tcase_add_test(copy, copy_drops_setuid);
	tcase_add_test(copy, copy_shares_no_inode);
	tcase_add_test(copy, copy_leaves_pipes_out);
	tcase_add_test(copy, what_is_gone_is_said);
	tcase_add_test(copy, copy_can_be_canceled);
	tcase_add_test(copy, full_disk_is_an_environment_fault);
	tcase_set_timeout(removal, 60);
	tcase_add_test(removal, deep_folders_are_removed);
	tcase_add_test(removal, folders_without_permissions_are_removed);
	tcase_add_test(removal, links_are_removed_not_followed);
	suite_add_tcase(suite, copy);
	suite_add_tcase(suite, removal);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
