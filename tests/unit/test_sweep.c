/* What nobody supervises any more is found and ended. */
#include <check.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/supervisor/procs.h"
#include "runner/sweep.h"
#include "tests/unit/supervised.h"

static void
wait_for_file(const char *path)
{
	for (int i = 0; i < 1000 && access(path, F_OK) < 0; i++)
		usleep(10000);
	ck_assert_msg(access(path, F_OK) == 0, "%s is not there", path);
}

/* Starts a program in the project folder that nobody supervises, but bears the marker. */
static void
start_marked(const struct supervised *t, const char *program)
{
	cleanup_free char *entry = xasprintf(PROCS_MARKER_NAME "=%s", t->dir.marker);
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		char *env[] = { entry, NULL };

		if (chdir(t->project_dir) == 0 && fork() == 0)
			execle(program, program, (char *)NULL, env);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
}

/* Each lives for less time than it takes to look at all processes of a machine. */
START_TEST(sweep_catches_who_forks_and_exits)
{
	static const char chain[] =
	    "#!/bin/sh\n>up; ./chain </dev/null >/dev/null 2>&1 &\n";
	cleanup_free char *file = NULL, *up = NULL;
	struct error err = ERROR_INIT;
	struct supervised t;

	supervised_init(&t);
	file = path_join(t.project_dir, "chain");
	up = path_join(t.project_dir, "up");
	ck_assert_int_eq(path_write_file(file, chain, strlen(chain), 0755, &err), 0);
	for (int i = 0; i < 20; i++) {
		start_marked(&t, "./chain");
		wait_for_file(up);
		sweep_processes(t.dir.path, t.dir.marker);
		ck_assert_int_eq(unlink(up), 0);
		usleep(100000);
		ck_assert_msg(access(up, F_OK) < 0, "it goes on after sweep %d", i);
	}
	supervised_clear(&t);
}
END_TEST

START_TEST(sweep_of_nothing_is_no_error)
{
	struct error err = ERROR_INIT;

	ck_assert_int_eq(sweep_jobs("/nowhere/jobs", &err), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("sweep");
	TCase *tc = tcase_create("sweep");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, sweep_catches_who_forks_and_exits);
	tcase_add_test(tc, sweep_of_nothing_is_no_error);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
