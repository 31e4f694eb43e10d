/* Which files patterns, exclusions and untracked come to. */
#include <check.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/collect.h"
#include "tests/unit/fixture.h"
#include "tests/unit/workspace_bench.h"

static const char made[] =
    "mkdir -p build/deep/er out empty && echo 1 >build/x.o && echo 2 >build/deep/y.o && "
    "echo 3 >build/deep/er/z.log && echo 4 >out/name.txt && ln -s ../src/a.c out/link && "
    "ln -s build latest && ln -s / top && echo 5 >'a b' && mkfifo out/pipe";

static const struct {
	const char *paths[3], *exclude[3];
	const char *want; /* the files, joined by blanks */
} patterns[] = {
	{ { "build/x.o" }, { NULL }, "build/x.o" },
	{ { "build" }, { NULL },
	    "build build/deep build/deep/er build/deep/er/z.log build/deep/y.o build/x.o" },
	{ { "build/" }, { "build/deep/**" }, "build build/x.o" },
	{ { "build/" }, { "build/deep" },
	    "build build/deep/er build/deep/er/z.log build/deep/y.o build/x.o" },
	{ { "build/*" }, { "**/*.o" }, "build/deep build/deep/er build/deep/er/z.log" },
	{ { "build/*.o" }, { NULL }, "build/x.o" },
	{ { "**/*.o" }, { NULL }, "build/deep/y.o build/x.o" },
	{ { "*/*/*.o" }, { NULL }, "build/deep/y.o" },
	{ { "build/**/*.{log,o}" }, { "build/x.o" },
	    "build/deep/er/z.log build/deep/y.o" },
	{ { "out/$NAME.txt", "out/${NAME}.txt" }, { NULL }, "out/name.txt" },
	{ { "$CI_PROJECT_DIR/out/*.txt" }, { NULL }, "out/name.txt" },
	{ { "./out/../out/name.txt" }, { NULL }, "out/name.txt" },
	{ { "out" }, { "$CI_PROJECT_DIR/out/n*" }, "out out/link out/pipe" },
	{ { "a b" }, { NULL }, "a b" },
	{ { "latest" }, { NULL }, "latest" },
	{ { "latest/x.o", "latest/*", "l*/x.o" }, { NULL }, "" },
	{ { "top/etc/passwd", "top/**", "**/passwd" }, { NULL }, "" },
	{ { "empty" }, { NULL }, "empty" },
	{ { "build/x.o", "build/*.o", "**/x.o" }, { NULL }, "build/x.o" },
	{ { "../x", "/etc/passwd", "" }, { NULL }, "" },
	{ { "src/*.c", "README" }, { "src/b.c" }, "README src/a.c" },
	{ { "build/[xy].o" }, { NULL }, "build/x.o" },
	{ { "build/[x.o" }, { NULL }, "" },
};

static size_t
count_of(const char *const *list)
{
	size_t n = 0;

	while (n < 3 && list[n] != NULL && *list[n] != '\0')
		n++;
	return n;
}

static char *
joined(const struct strlist *l)
{
	struct buf out = BUF_INIT;

	for (size_t i = 0; i < l->count; i++)
		buf_printf(&out, "%s%s", i > 0 ? " " : "", l->items[i]);
	return buf_take(&out);
}

/* The files, joined; malloced. */
static char *
collect(struct workspace_bench *b, struct collect *c)
{
	cleanup_strlist struct strlist out = STRLIST_INIT;
	struct error err = ERROR_INIT;

	c->view = &b->view;
	if (collect_files(c, &out, &b->log, &err) < 0)
		ck_abort_msg("%s", err.msg);
	return joined(&out);
}

START_TEST(patterns_find)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct collect c = { .paths = patterns[_i].paths,
		.path_count = count_of(patterns[_i].paths),
		.exclude = patterns[_i].exclude,
		.exclude_count = count_of(patterns[_i].exclude) };
	cleanup_free char *got = NULL;

	workspace_bench_open(&b);
	fixture_sh(b.dir, "%s", made);
	got = collect(&b, &c);
	ck_assert_str_eq(got, patterns[_i].want);
}
END_TEST

static const struct {
	const char *path, *line;
} lines[] = {
	{ "build/", "build/: found 6 matching artifact files and directories\n" },
	{ "nothing",
	    "WARNING: nothing: no matching files. Ensure that the artifact path is "
	    "relative to the working directory (" },
	{ "../x", "WARNING: ../x: the path is not below the project folder (" },
	{ "/etc", "WARNING: /etc: the path is not below the project folder (" },
	{ "build/[x", "WARNING: build/[x: " },
	{ ".git", "WARNING: part of the .git folder is among the files" },
};

START_TEST(log_says)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct collect c = { .paths = &lines[_i].path, .path_count = 1 };

	workspace_bench_open(&b);
	fixture_sh(b.dir, "%s", made);
	free(collect(&b, &c));
	ck_assert_msg(
	    strstr(buf_str(&b.log), lines[_i].line) != NULL, "%s", buf_str(&b.log));
}
END_TEST

START_TEST(project_folder_itself)
{
	cleanup_workspace_bench struct workspace_bench b;
	static const char *const all[] = { "." };
	static const char *const none[] = { ".git/**", ".git" };
	struct collect c = {
		.paths = all, .path_count = 1, .exclude = none, .exclude_count = 2
	};
	cleanup_free char *got = NULL;

	workspace_bench_open(&b);
	got = collect(&b, &c);
	ck_assert_str_eq(got, ".gitignore README src src/a.c src/b.c");
}
END_TEST

START_TEST(untracked_is_what_the_job_made)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct collect c = { .untracked = true };
	cleanup_free char *got = NULL;

	workspace_bench_open(&b);
	fixture_sh(b.dir,
	    "echo 1 >x.o && mkdir d && echo 2 >d/new && echo 3 >>src/a.c && "
	    "mkdir e && git init -q repo && touch repo/file");
	got = collect(&b, &c);
	ck_assert_str_eq(got, "d/new x.o");
}
END_TEST

START_TEST(untracked_in_place_is_asked_of_git)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct collect c = { .untracked = true };
	cleanup_free char *got = NULL;

	workspace_bench_open(&b);
	b.view.snapshot = NULL;
	fixture_sh(b.dir, "echo 1 >x.o && mkdir d && echo 2 >d/new");
	got = collect(&b, &c);
	ck_assert_str_eq(got, "d/new x.o");
}
END_TEST

/* Folders in folders, with a file in the thousandth and one in the last. */
static void
make_deep(int fd)
{
	fd = dup(fd);
	for (int i = 1; i <= 5000; i++) {
		int next;

		ck_assert_int_eq(mkdirat(fd, "d", 0700), 0);
		next = openat(fd, "d", O_PATH);
		ck_assert_int_ge(next, 0);
		close(fd);
		fd = next;
		if (i == 1000 || i == 5000)
			close(openat(fd, "x.txt", O_WRONLY | O_CREAT, 0600));
	}
	close(fd);
}

START_TEST(very_deep_folders_do_no_harm)
{
	cleanup_workspace_bench struct workspace_bench b;
	static const char *const all[] = { "**/*.txt" };
	struct collect c = { .paths = all, .path_count = 1 };
	cleanup_free char *got = NULL;

	workspace_bench_open(&b);
	make_deep(b.view.fd);
	got = collect(&b, &c);
	ck_assert_uint_eq(strlen(got), 2 * 1000 + strlen("x.txt"));
}
END_TEST

START_TEST(cancel_ends_it)
{
	cleanup_workspace_bench struct workspace_bench b;
	static const char *const all[] = { "**" };
	cleanup_strlist struct strlist out = STRLIST_INIT;
	atomic_bool cancel = true;
	struct collect c = { .paths = all, .path_count = 1, .cancel = &cancel };
	struct error err = ERROR_INIT;

	workspace_bench_open(&b);
	c.view = &b.view;
	ck_assert_int_eq(collect_files(&c, &out, &b.log, &err), ERR_CANCELED);
}
END_TEST

static const struct {
	const char *when;
	bool success, want;
} whens[] = { { NULL, true, true }, { NULL, false, false }, { "on_success", true, true },
	{ "on_success", false, false }, { "on_failure", true, false },
	{ "on_failure", false, true }, { "always", true, true },
	{ "always", false, true }, { "whatever", true, false } };

START_TEST(when_fits)
{
	ck_assert_int_eq(
	    collect_when_fits(whens[_i].when, whens[_i].success), whens[_i].want);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("collect");
	TCase *tc = tcase_create("collect");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, patterns_find, 0, (int)ARRAY_LEN(patterns));
	tcase_add_loop_test(tc, log_says, 0, (int)ARRAY_LEN(lines));
	tcase_add_test(tc, project_folder_itself);
	tcase_add_test(tc, untracked_is_what_the_job_made);
	tcase_add_test(tc, untracked_in_place_is_asked_of_git);
	tcase_add_test(tc, very_deep_folders_do_no_harm);
	tcase_add_test(tc, cancel_ends_it);
	tcase_add_loop_test(tc, when_fits, 0, (int)ARRAY_LEN(whens));
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
