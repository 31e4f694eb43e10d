/* Whose objects a workspace borrows; and that a commit cannot name what it likes. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "runner/alternates.h"

static void
put(const char *dir, const char *name, const char *text)
{
	cleanup_free char *file = path_join(dir, name), *parent = xstrdup(file);
	struct error err = ERROR_INIT;

	*strrchr(parent, '/') = '\0';
	ck_assert_msg(path_mkdirs(parent, 0700, &err) == 0, "%s", err.msg);
	ck_assert_msg(
	    path_write_file(file, text, strlen(text), 0600, &err) == 0, "%s", err.msg);
}

/* A tree that borrows from lent/, with a file .gitmodules and what it names. */
static void
list(const char *modules, const char *link, struct strlist *out)
{
	char dir[] = "/tmp/pawl-test-XXXXXX";
	cleanup_free char *tree = NULL, *lent = NULL, *line = NULL, *outside = NULL;
	struct error err = ERROR_INIT;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	tree = path_join(dir, "tree");
	lent = path_join(dir, "lent");
	outside = path_join(dir, "outside");
	line = xasprintf("%s\n", lent);
	put(dir, "lent/info/x", "");
	put(dir, "tree/.git/objects/info/alternates", line);
	put(dir, "tree/sub/.git/objects/info/alternates", "/usr\n");
	put(dir, "outside/.git/objects/info/alternates", "/etc\n");
	put(dir, "tree/.gitmodules", modules);
	if (link != NULL) {
		cleanup_free char *at = path_join(tree, link);

		ck_assert_int_eq(symlink(outside, at), 0);
	}
	alternates_list(tree, out);
	ck_assert(strlist_has(out, lent));
	ck_assert_int_eq(path_remove_tree(AT_FDCWD, dir, &err), 0);
}

START_TEST(submodules_borrow_too)
{
	cleanup_strlist struct strlist found = STRLIST_INIT;

	list("[submodule \"sub\"]\n\tpath = sub\n", NULL, &found);
	ck_assert_uint_eq(found.count, 2);
	ck_assert(strlist_has(&found, "/usr"));
}
END_TEST

static const char *const hostile[] = { "\tpath = link\n", "\tpath = ../outside\n",
	"\tpath = link/../../outside\n", "\tpath = .\n", "\tpath = missing\n" };

START_TEST(links_lead_nowhere)
{
	cleanup_strlist struct strlist found = STRLIST_INIT;

	list(hostile[_i], "link", &found);
	ck_assert_uint_eq(found.count, 1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("alternates");
	TCase *tc = tcase_create("alternates");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tc, submodules_borrow_too);
	tcase_add_loop_test(tc, links_lead_nowhere, 0, (int)ARRAY_LEN(hostile));
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
