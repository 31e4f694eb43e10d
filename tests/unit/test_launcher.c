/* Supervisors that are forked off: what can happen to the process that does it. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/supervisor/procs.h"
#include "tests/unit/supervised.h"

/* Of this process, oldest first: the fork server, then supervisors. */
static size_t
count_children(pid_t *oldest)
{
	cleanup_pids struct pids pids = PIDS_INIT;

	procs_children(getpid(), &pids);
	*oldest = pids.count > 0 ? pids.items[0] : -1;
	return pids.count;
}

static void
run_job(struct launcher *launcher)
{
	struct supervised t;

	supervised_init(&t);
	t.launcher = launcher;
	supervised_add_script(&t, "echo said by $PAWL_JOB_MARKER");
	supervised_run(&t);
	ck_assert_msg(t.result.reason == REASON_NONE, "%s", t.result.message);
	ck_assert_msg(
	    strstr(buf_str(&t.trace), t.dir.marker) != NULL, "%s", buf_str(&t.trace));
	t.launcher = NULL;
	supervised_clear(&t);
}

START_TEST(one_job_starts_one_program)
{
	struct launcher *launcher = launcher_new(false);
	pid_t oldest;

	run_job(launcher);
	ck_assert_uint_eq(count_children(&oldest), 0);
	run_job(launcher);
	ck_assert_uint_eq(count_children(&oldest), 1);
	launcher_free(launcher);
	ck_assert_uint_eq(count_children(&oldest), 0);
}
END_TEST

START_TEST(killed_fork_server_is_replaced)
{
	struct launcher *launcher = launcher_new(true);
	pid_t first, second;
	siginfo_t dead;

	run_job(launcher);
	ck_assert_uint_eq(count_children(&first), 1);
	ck_assert_int_eq(kill(first, SIGKILL), 0);
	ck_assert_int_eq(waitid(P_PID, (id_t)first, &dead, WEXITED | WNOWAIT), 0);
	run_job(launcher);
	ck_assert_uint_eq(count_children(&second), 1);
	ck_assert_int_ne(first, second);
	launcher_free(launcher);
}
END_TEST

START_TEST(job_goes_on_without_the_fork_server)
{
	struct supervised t;
	pid_t server;

	supervised_init(&t);
	t.launcher = launcher_new(true);
	supervised_add_script(
	    &t, "echo up; until [ -e go ]; do sleep 0.01; done; echo over");
	supervised_start(&t);
	supervised_await_log(&t, "\nup");
	ck_assert_uint_eq(count_children(&server), 2);
	ck_assert_int_eq(kill(server, SIGKILL), 0);
	free(supervised_put_file(&t, "project", "go", ""));
	supervised_wait(&t);
	ck_assert_msg(t.result.reason == REASON_NONE, "%s", t.result.message);
	ck_assert_ptr_nonnull(strstr(buf_str(&t.trace), "\nover"));
	supervised_clear(&t);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("launcher");
	TCase *tc = tcase_create("launcher");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, one_job_starts_one_program);
	tcase_add_test(tc, killed_fork_server_is_replaced);
	tcase_add_test(tc, job_goes_on_without_the_fork_server);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
