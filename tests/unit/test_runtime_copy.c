/* A program that is started from memory. */
#include <check.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/path.h"
#include "executors/container/runtime_copy.h"
#include "tests/unit/fixture.h"

static int
status_of(int program)
{
	char name[] = "program";
	char *const argv[] = { name, NULL };
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		(void)fexecve(program, argv, environ);
		_exit(126);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static ino_t
inode(int fd)
{
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	return st.st_ino;
}

/* As crun asks for it, and so that no container can change what the next one gets. */
START_TEST(copy_runs_and_cannot_be_changed)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *program = path_join(root, "program");
	struct runtime_copy *c = runtime_copy_new();
	int fd;

	fixture_sh(root, "cp /bin/false program");
	fd = runtime_copy_open(c, program);
	ck_assert_int_gt(fd, STDERR_FILENO);
	ck_assert_int_eq(fcntl(fd, F_GET_SEALS),
	    F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(status_of(fd), 1);
	close(fd);
	runtime_copy_free(c);
}
END_TEST

START_TEST(made_once_for_each_state_of_the_program)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *program = path_join(root, "program");
	struct runtime_copy *c = runtime_copy_new();
	int first, again, other;

	fixture_sh(root, "cp /bin/false program");
	first = runtime_copy_open(c, program);
	again = runtime_copy_open(c, program);
	ck_assert_int_ne(first, again);
	ck_assert_uint_eq(inode(first), inode(again));
	fixture_sh(root, "cp /bin/true new && mv new program");
	other = runtime_copy_open(c, program);
	ck_assert_uint_ne(inode(first), inode(other));
	ck_assert_int_eq(status_of(other), 0);
	ck_assert_int_eq(status_of(first), 1); /* a job's that was about to start */
	close(first);
	close(again);
	close(other);
	runtime_copy_free(c);
}
END_TEST

START_TEST(what_cannot_be_copied_is_left_where_it_is)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *program = path_join(root, "program");
	struct runtime_copy *c = runtime_copy_new();

	ck_assert_int_eq(runtime_copy_open(c, program), 0);
	fixture_sh(root, "printf '#!/bin/sh\\n' >program; chmod +x program");
	ck_assert_int_eq(runtime_copy_open(c, program), 0);
	ck_assert_int_eq(runtime_copy_open(c, program), 0);
	fixture_sh(root, "true >program");
	ck_assert_int_eq(runtime_copy_open(c, program), 0);
	ck_assert_int_eq(runtime_copy_open(c, root), 0);
	runtime_copy_free(c);
	runtime_copy_free(NULL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("runtime_copy");
	TCase *tc = tcase_create("runtime_copy");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tc, copy_runs_and_cannot_be_changed);
	tcase_add_test(tc, made_once_for_each_state_of_the_program);
	tcase_add_test(tc, what_cannot_be_copied_is_left_where_it_is);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
