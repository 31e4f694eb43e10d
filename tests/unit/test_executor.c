/* Which jobs an executor takes, and what it says of those it does not. */
#include <check.h>
#include <unistd.h>

#include "executors/container/services.h"
#include "executors/executor.h"
#include "executors/shell.h"

static const struct {
	const char *image, *service;
	bool chosen;
	const char *message; /* NULL: taken */
} jobs[] = {
	{ NULL, NULL, false, NULL },
	{ "", NULL, false, NULL },
	{ "debian:12", NULL, false,
	    "needs a container of the image debian:12; the executor shell runs it without, "
	    "with the programs that are installed here, when it is chosen (`-x shell`, or "
	    "`executor: shell` in a runner's settings)" },
	{ "debian:12", "postgres", true, NULL },
	{ NULL, "postgres", false,
	    "needs a container for the service postgres; the executor shell runs the job "
	    "without it, when it is chosen (`-x shell`, or `executor: shell` in a runner's "
	    "settings)" },
};

START_TEST(shell_says_what_a_job_needs)
{
	struct job_image service = { .name = jobs[_i].service };
	struct job_payload job = {
		.name = "job",
		.image.name = jobs[_i].image,
		.services = &service,
		.service_count = jobs[_i].service != NULL,
	};
	struct error err = ERROR_INIT;
	int rc = executor_shell.accepts(&job, jobs[_i].chosen, &err);

	ck_assert_int_eq(rc, jobs[_i].message == NULL ? 0 : ERR_ENVIRONMENT);
	ck_assert_str_eq(err.msg, jobs[_i].message == NULL ? "" : jobs[_i].message);
}
END_TEST

static struct executors *
open_executors(const char *name)
{
	static const struct executor_settings settings;
	struct executors *e = NULL;
	struct error err = ERROR_INIT;

	if (executors_new(&settings, name, &e, &err) < 0)
		ck_abort_msg("%s", err.msg);
	return e;
}

START_TEST(shell_starts_a_shell_that_is_there)
{
	struct executors *e = open_executors("shell");
	struct job_payload payload = { .name = "job" };
	struct executor_job job = { .payload = &payload };
	const struct executor *by = NULL;
	struct cage cage = { .mounts = NULL };
	struct error err = ERROR_INIT;

	ck_assert_int_eq(executors_pick(e, &payload, &by, &err), 0);
	ck_assert_int_eq(executors_prepare(e, by, &job, &cage, &err), 0);
	ck_assert_uint_eq(cage.shell.count, 1); /* no -l */
	ck_assert_int_eq(access(cage.shell.items[0], X_OK), 0);
	ck_assert_uint_eq(cage.argv.count, 0);
	cage_clear(&cage);
	executors_free(e);
}
END_TEST

START_TEST(environment_names_what_the_user_does_not)
{
	struct executors *e;

	ck_assert_int_eq(setenv("PAWL_EXECUTOR", "shell", 1), 0);
	e = open_executors(NULL);
	ck_assert_str_eq(executors_name(e), "shell");
	executors_free(e);
	e = open_executors("auto");
	ck_assert_str_eq(executors_name(e), "auto");
	executors_free(e);
	ck_assert_int_eq(unsetenv("PAWL_EXECUTOR"), 0);
}
END_TEST

START_TEST(unknown_name_finds_none)
{
	static const struct executor_settings settings;
	struct executors *e = NULL;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(
	    executors_new(&settings, "docker-autoscaler", &e, &err), ERR_INVALID);
	ck_assert_ptr_nonnull(strstr(
	    err.msg, "docker-autoscaler: there is no such executor; there is auto, "));
}
END_TEST

static const struct {
	const char *image, *first, *second;
} services[] = {
	{ "postgres", "postgres", "postgres" },
	{ "postgres:15", "postgres", "postgres" },
	{ "tutum/wordpress:latest", "tutum__wordpress", "tutum-wordpress" },
	{ "registry.example.org/group/db", "registry.example.org__group__db",
	    "registry.example.org-group-db" },
	{ "localhost:5000/db:1", "localhost__db", "localhost-db" },
	{ "db@sha256:0123", "db", "db" },
	{ "", "", "" },
};

START_TEST(a_service_has_the_names_of_its_image)
{
	char *first = NULL, *second = NULL;

	services_host_names(services[_i].image, &first, &second);
	ck_assert_str_eq(first, services[_i].first);
	ck_assert_str_eq(second, services[_i].second);
	free(first);
	free(second);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("executor");
	TCase *tc = tcase_create("executor");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tc, shell_says_what_a_job_needs, 0, ARRAY_LEN(jobs));
	tcase_add_test(tc, shell_starts_a_shell_that_is_there);
	tcase_add_test(tc, environment_names_what_the_user_does_not);
	tcase_add_test(tc, unknown_name_finds_none);
	tcase_add_loop_test(
	    tc, a_service_has_the_names_of_its_image, 0, ARRAY_LEN(services));
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
