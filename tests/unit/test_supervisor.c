/* Jobs from start to result: what runs, what is seen, what is said at the end. */
#include <check.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/supervised.h"

static const struct {
	const char *script;
	int exit_code;
	enum reason reason;
} codes[] = {
	{ "true", 0, REASON_NONE },
	{ "exit 0", 0, REASON_NONE },
	{ "false", 1, REASON_SCRIPT_FAILURE },
	{ "exit 42", 42, REASON_SCRIPT_FAILURE },
	{ "false\ntrue", 1, REASON_SCRIPT_FAILURE },  /* errexit */
	{ "false | true", 1, REASON_SCRIPT_FAILURE }, /* pipefail */
	{ "false || true", 0, REASON_NONE },
	{ "if false; then true; fi", 0, REASON_NONE },
	{ "cd /nowhere", 1, REASON_SCRIPT_FAILURE },
	{ "no-such-command", 127, REASON_SCRIPT_FAILURE },
	{ "kill -9 $$", 137, REASON_SCRIPT_FAILURE },
	{ "if [", 2, REASON_SCRIPT_FAILURE },
	{ "read line", 1, REASON_SCRIPT_FAILURE }, /* stdin is empty */
	{ "trap 'exit 3' EXIT; false", 3, REASON_SCRIPT_FAILURE },
};

START_TEST(exit_code_is_the_scripts)
{
	struct supervised t;

	supervised_init(&t);
	supervised_add_script(&t, codes[_i].script);
	supervised_run(&t);
	ck_assert_msg(t.result.exit_code == codes[_i].exit_code &&
		t.result.reason == codes[_i].reason,
	    "%s: %d (%s)", codes[_i].script, t.result.exit_code, t.result.message);
	supervised_clear(&t);
}
END_TEST

START_TEST(log_shows_each_item_before_its_output)
{
	static const char *const items[] = { "echo one", "cd /", "echo two\npwd", NULL };
	struct supervised t;

	supervised_init(&t);
	supervised_add_step(&t, "script", items);
	supervised_run(&t);
	ck_assert_str_eq(buf_str(&t.trace),
	    "\033[32;1m$ echo one\033[0;m\none\n"
	    "\033[32;1m$ cd /\033[0;m\n"
	    "\033[32;1m$ echo two # collapsed multi-line command\033[0;m\ntwo\n/\n");
	ck_assert_uint_eq(t.result.trace_bytes, t.trace.len);
	supervised_clear(&t);
}
END_TEST

static const struct {
	const char *script;
	const char *status;
} statuses[] = {
	{ "true", "success" },
	{ "false", "failed" },
};

START_TEST(after_script_learns_the_status)
{
	static const char *const items[] = { "echo status=$CI_JOB_STATUS", NULL };
	cleanup_free char *want = xasprintf("status=%s\n", statuses[_i].status);
	struct supervised t;

	supervised_init(&t);
	supervised_add_script(&t, statuses[_i].script);
	supervised_add_step(&t, "after_script", items)->always = true;
	supervised_run(&t);
	ck_assert_msg(strstr(buf_str(&t.trace), want) != NULL, "%s", buf_str(&t.trace));
	supervised_clear(&t);
}
END_TEST

START_TEST(supervisor_that_cannot_start_is_a_system_failure)
{
	cleanup_free char *usual = xstrdup(getenv("PAWL_LIBEXEC"));
	struct supervised t;

	supervised_init(&t);
	ck_assert_int_eq(setenv("PAWL_LIBEXEC", "/nowhere", 1), 0);
	supervised_run(&t);
	ck_assert_int_eq(setenv("PAWL_LIBEXEC", usual, 1), 0);
	ck_assert_int_eq(t.result.reason, REASON_RUNNER_SYSTEM_FAILURE);
	ck_assert_str_eq(t.result.message,
	    "cannot start /nowhere/pawl-supervise: No such file or directory");
	supervised_clear(&t);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("supervisor");
	TCase *tc = tcase_create("jobs");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, exit_code_is_the_scripts, 0, ARRAY_LEN(codes));
	tcase_add_test(tc, log_shows_each_item_before_its_output);
	tcase_add_loop_test(tc, after_script_learns_the_status, 0, ARRAY_LEN(statuses));
	tcase_add_test(tc, supervisor_that_cannot_start_is_a_system_failure);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
