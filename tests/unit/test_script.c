/* What a script's items do, in bash and in a plain POSIX shell. */
#include <check.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "runner/script.h"

static const char *const shells[] = { "/bin/bash", "/bin/dash" };

#define GREEN "\033[32;1m$ "
#define PLAIN "\033[0;m\n"

static const struct {
	const char *items[4];
	int status;
	const char *output;
} scripts[] = {
	{ { NULL }, 0, "" },
	{ { "true" }, 0, GREEN "true" PLAIN },
	{ { "echo a", "echo b" }, 0,
	    GREEN "echo a" PLAIN "a\n" GREEN "echo b" PLAIN "b\n" },
	{ { "false", "echo not reached" }, 1, GREEN "false" PLAIN },
	{ { "false || echo saved" }, 0, GREEN "false || echo saved" PLAIN "saved\n" },
	{ { "! true" }, 1, GREEN "! true" PLAIN },
	/* quotes, backslashes, percents and dollars are shown as they are written */
	{ { "printf '%s ' 'it'\\''s' \"$((1+1))\" \\\\n" }, 0,
	    GREEN "printf '%s ' 'it'\\''s' \"$((1+1))\" \\\\n" PLAIN "it's 2 \\n " },
	{ { "echo one\necho two\n" }, 0,
	    GREEN "echo one # collapsed multi-line command" PLAIN "one\ntwo\n" },
	{ { "echo one\n" }, 0, GREEN "echo one" PLAIN "one\n" },
	/* one shell for all: folders, variables and functions last */
	{ { "cd /", "X=1; f() { echo f$X; }", "f; pwd" }, 0,
	    GREEN "cd /" PLAIN GREEN "X=1; f() { echo f$X; }" PLAIN GREEN "f; pwd" PLAIN
		  "f1\n/\n" },
	/* a compound command may go over several items */
	{ { "for i in 1 2; do", "echo $i", "done" }, 0,
	    GREEN "for i in 1 2; do" PLAIN GREEN "echo $i" PLAIN "1\n" GREEN
		  "done" PLAIN GREEN "echo $i" PLAIN "2\n" GREEN "done" PLAIN },
	{ { "exit 7", "echo not reached" }, 7, GREEN "exit 7" PLAIN },
	/* what is redirected stays so */
	{ { "exec >/dev/null", "echo hidden" }, 0, GREEN "exec >/dev/null" PLAIN },
};

static void
run_shell(const char *shell, const struct buf *script, struct buf *out, int *status)
{
	struct error err = ERROR_INIT;
	int fds[2];
	pid_t pid;

	ck_assert_int_eq(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		dup2(fds[1], STDERR_FILENO);
		close(fds[0]);
		close(fds[1]);
		execl(shell, shell, "-c", buf_str(script), (char *)NULL);
		_exit(99);
	}
	close(fds[1]);
	if (buf_read_fd(out, fds[0], 1 << 20, &err) < 0)
		ck_abort_msg("%s", err.msg);
	close(fds[0]);
	ck_assert_int_eq(waitpid(pid, status, 0), pid);
}

static size_t
count_items(const char *const items[4])
{
	size_t count = 0;

	while (count < 4 && items[count] != NULL)
		count++;
	return count;
}

START_TEST(items_run_by_the_rules)
{
	size_t row = (size_t)_i % ARRAY_LEN(scripts);
	const char *shell = shells[(size_t)_i / ARRAY_LEN(scripts)];
	size_t count = count_items(scripts[row].items);
	cleanup_buf struct buf script = BUF_INIT, out = BUF_INIT;
	struct strlist echoes = STRLIST_INIT;
	int status = 0;

	if (access(shell, X_OK) != 0) {
		printf("skipped: no %s here\n", shell);
		return;
	}
	script_build(scripts[row].items, count, false, &script, &echoes);
	run_shell(shell, &script, &out, &status);
	ck_assert_uint_eq(echoes.count, count);
	ck_assert_str_eq(buf_str(&out), scripts[row].output);
	ck_assert_int_eq(WEXITSTATUS(status), scripts[row].status);
	strlist_clear(&echoes);
}
END_TEST

START_TEST(failure_inside_a_pipe_counts_where_the_shell_can_tell)
{
	static const char *const items[] = { "false | true", "echo on" };
	cleanup_buf struct buf script = BUF_INIT, out = BUF_INIT;
	struct strlist echoes = STRLIST_INIT;
	int status = 0;

	script_build(items, 2, false, &script, &echoes);
	run_shell("/bin/bash", &script, &out, &status);
	ck_assert_int_eq(WEXITSTATUS(status), 1);
	strlist_clear(&echoes);
}
END_TEST

START_TEST(debug_trace_shows_commands)
{
	static const char *const items[] = { "true" };
	cleanup_buf struct buf script = BUF_INIT, out = BUF_INIT;
	struct strlist echoes = STRLIST_INIT;
	int status = 0;

	script_build(items, 1, true, &script, &echoes);
	run_shell("/bin/bash", &script, &out, &status);
	ck_assert_ptr_nonnull(strstr(buf_str(&out), "\n+ true\n"));
	strlist_clear(&echoes);
}
END_TEST

static const struct {
	const char *item;
	size_t size;
	const char *title;
} titles[] = {
	{ "make", 80, "make" },
	{ "\n  make all\nmake test\n", 80, "make all" },
	{ "make\r\n", 80, "make" },
	{ "abcdef", 4, "abc" },
	{ "a\303\274\303\274", 4, "a\303\274" },
	{ "a\303\274", 3, "a" }, /* half a character is left out */
	{ "", 80, "" },
};

START_TEST(title_is_the_first_line)
{
	char out[80];

	script_item_title(titles[_i].item, out, titles[_i].size);
	ck_assert_str_eq(out, titles[_i].title);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("script");
	TCase *tc = tcase_create("script");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(
	    tc, items_run_by_the_rules, 0, ARRAY_LEN(scripts) * ARRAY_LEN(shells));
	tcase_add_test(tc, failure_inside_a_pipe_counts_where_the_shell_can_tell);
	tcase_add_test(tc, debug_trace_shows_commands);
	tcase_add_loop_test(tc, title_is_the_first_line, 0, ARRAY_LEN(titles));
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
