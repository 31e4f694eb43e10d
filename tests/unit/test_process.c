/* Children run to their end: what they print, how they fail, and how they are ended. */
#include <check.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/process.h"
#include "tests/unit/fixture.h"

static int
run(const char *script, size_t max_out, int timeout_ms, struct buf *out, int *status,
    struct error *err)
{
	const char *argv[] = { "sh", "-c", script, NULL };
	struct process p = { .argv = argv, .max_out = max_out, .timeout_ms = timeout_ms };

	return process_run(&p, out, status, err);
}

START_TEST(output_is_kept_and_input_is_empty)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct error err = ERROR_INIT;
	int status = -1;

	ck_assert_int_eq(
	    run("cat; echo one; echo hidden >&2; printf two", 0, 0, &out, &status, &err),
	    0);
	ck_assert_str_eq(buf_str(&out), "one\ntwo");
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(folder_and_environment_are_given)
{
	static const char *const argv[] = { "sh", "-c", "pwd; echo $A; echo $HOME",
		NULL };
	static const char *const env[] = { "A=1", "PATH=/usr/bin:/bin", NULL };
	struct process p = { .argv = argv, .env = env, .cwd = "/usr" };
	cleanup_buf struct buf out = BUF_INIT;
	struct error err = ERROR_INIT;

	ck_assert_msg(process_run(&p, &out, NULL, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(buf_str(&out), "/usr\n1\n\n");
}
END_TEST

static const struct {
	const char *script;
	int code, status;
	const char *message;
} failures[] = {
	{ "exit 3", ERR_FOREIGN, 3, "sh ended with exit code 3" },
	{ "echo first >&2; echo why >&2; exit 1", ERR_FOREIGN, 1, "sh: why" },
	{ "echo 'fatal: it' >&2; echo 'use this' >&2; exit 128", ERR_FOREIGN, 128,
	    "sh: fatal: it" },
	{ "kill -9 $$", ERR_FOREIGN, 137, "sh was killed by signal 9" },
	{ "yes | head -c 1000000 >&2; echo end >&2; exit 1", ERR_FOREIGN, 1, "sh: end" },
};

START_TEST(failure_is_told)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct error err = ERROR_INIT;
	int status = -1;

	ck_assert_int_eq(
	    run(failures[_i].script, 0, 0, &out, &status, &err), failures[_i].code);
	ck_assert_int_eq(status, failures[_i].status);
	ck_assert_str_eq(err.msg, failures[_i].message);
}
END_TEST

START_TEST(missing_program_is_told)
{
	static const char *const argv[] = { "no-such-program", NULL };
	struct process p = { .argv = argv };
	cleanup_buf struct buf out = BUF_INIT;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(process_run(&p, &out, NULL, &err), ERR_MISSING);
	ck_assert_str_eq(
	    err.msg, "cannot start no-such-program: No such file or directory");
}
END_TEST

START_TEST(endless_output_is_ended)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(run("yes", 100000, 0, &out, NULL, &err), ERR_LIMIT);
	ck_assert_str_eq(err.msg, "sh printed more than 100000 bytes");
}
END_TEST

/* With all it has started: the pipe is held by the sleep in the background. */
START_TEST(slow_child_is_ended)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct error err = ERROR_INIT;
	time_t start = time(NULL);

	ck_assert_int_eq(
	    run("sleep 100 & sleep 100", 0, 1000, &out, NULL, &err), ERR_LIMIT);
	ck_assert_str_eq(err.msg, "sh took longer than 1 s");
	ck_assert_int_lt(time(NULL) - start, 60);
}
END_TEST

static bool
stop_after_three(void *data)
{
	int *ticks = data;

	return ++*ticks < 3;
}

START_TEST(child_is_watched_and_canceled)
{
	static const char *const argv[] = { "sh", "-c", "sleep 100 & sleep 100", NULL };
	int ticks = 0;
	struct process p = { .argv = argv, .on_tick = stop_after_three, .data = &ticks };
	cleanup_buf struct buf out = BUF_INIT;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(process_run(&p, &out, NULL, &err), ERR_CANCELED);
	ck_assert_int_eq(ticks, 3);
}
END_TEST

static void
add_line(const char *line, void *data)
{
	buf_printf(data, "[%.20s]", line);
}

START_TEST(lines_of_errors_are_told)
{
	static const char *const argv[] = { "sh", "-c",
		"printf 'a\nb' >&2; sleep 0.1; printf 'c\n\n' >&2;"
		"printf %09999d 1 >&2; echo >&2; echo fatal >&2; exit 1",
		NULL };
	cleanup_buf struct buf out = BUF_INIT, lines = BUF_INIT;
	struct process p = { .argv = argv, .on_error_line = add_line, .data = &lines };
	struct error err = ERROR_INIT;

	ck_assert_int_eq(process_run(&p, &out, NULL, &err), ERR_FOREIGN);
	ck_assert_str_eq(buf_str(&lines), "[a][bc][][00000000000000000000][fatal]");
	ck_assert_str_eq(err.msg, "sh: fatal");
}
END_TEST

/* What waits for the child is killed: the child's pipe is at its end soon after. */
START_TEST(child_of_a_killed_process_is_ended)
{
	struct pollfd end;
	int ready[2], status;
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		static const char *const argv[] = { "sh", "-c",
			"printf x >&9; exec sleep 100", NULL };
		struct process p = { .argv = argv };
		cleanup_buf struct buf out = BUF_INIT;

		if (dup2(ready[1], 9) == 9 && process_run(&p, &out, NULL, NULL) == 0)
			_exit(0);
		_exit(1);
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	end = (struct pollfd){ .fd = ready[0], .events = POLLIN };
	ck_assert_int_eq(poll(&end, 1, 50000), 1);
	ck_assert_int_eq(read(ready[0], &byte, 1), 0);
	close(ready[0]);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("process");
	TCase *tc = tcase_create("process");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, output_is_kept_and_input_is_empty);
	tcase_add_test(tc, folder_and_environment_are_given);
	tcase_add_loop_test(tc, failure_is_told, 0, (int)ARRAY_LEN(failures));
	if (!FIXTURE_TSAN)
		tcase_add_test(tc, missing_program_is_told);
	tcase_add_test(tc, endless_output_is_ended);
	tcase_add_test(tc, slow_child_is_ended);
	tcase_add_test(tc, child_is_watched_and_canceled);
	tcase_add_test(tc, lines_of_errors_are_told);
	tcase_add_test(tc, child_of_a_killed_process_is_ended);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
