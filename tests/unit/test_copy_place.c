/* Places for copies: one path for jobs that follow each other, and nothing stays. */
#include <check.h>
#include <stdio.h>
#include <unistd.h>

#include "base/path.h"
#include "runner/copy_place.h"
#include "tests/unit/fixture.h"

struct bench {
	char *root, *jobs, *copies;
};

static void
bench_open(struct bench *b)
{
	b->root = fixture_open();
	b->jobs = path_join(b->root, "jobs");
	b->copies = path_join(b->root, "copies");
	fixture_sh(b->root, "mkdir jobs");
}

static void
bench_close(struct bench *b)
{
	free(b->jobs);
	free(b->copies);
	fixture_close(b->root);
}
#define cleanup_bench __attribute__((cleanup(bench_close)))

/* A job with a copy, moved to a place of its own. */
struct job {
	struct jobdir dir;
	struct copy_place place;
};

static void
begin(struct bench *b, const char *name, struct job *job)
{
	struct error err = ERROR_INIT;
	cleanup_free char *copy = NULL;

	*job = (struct job){ .dir = JOBDIR_INIT };
	if (jobdir_create(b->jobs, name, &job->dir, &err) < 0)
		ck_abort_msg("%s", err.msg);
	copy = path_join(job->dir.path, "copy");
	fixture_sh(job->dir.path, "mkdir copy && echo %s >copy/file", name);
	if (copy_place_claim(b->copies, &job->dir, copy, "p", &job->place, &err) < 0)
		ck_abort_msg("%s", err.msg);
}

static void
assert_at(const struct bench *b, const struct job *job, const char *place)
{
	cleanup_free char *want = path_join(b->copies, place);

	ck_assert_str_eq(job->place.project_dir, want);
}

/* As its supervisor ends it. */
static void
end(struct job *job)
{
	struct error err = ERROR_INIT;
	cleanup_free char *away = path_join(job->dir.path, "place");

	ck_assert_int_eq(rename(job->place.dir, away), 0);
	ck_assert_int_eq(jobdir_remove(&job->dir, &err), 0);
	jobdir_clear(&job->dir);
	copy_place_clear(&job->place);
}

/* Nobody ends it: the lock is free, the folder is there or has been swept. */
static void
die(struct job *job, bool is_swept)
{
	struct error err = ERROR_INIT;

	if (is_swept)
		ck_assert_int_eq(jobdir_remove(&job->dir, &err), 0);
	jobdir_clear(&job->dir);
	copy_place_clear(&job->place);
}

START_TEST(jobs_one_after_the_other_have_the_same_path)
{
	cleanup_bench struct bench b;
	struct job job;

	bench_open(&b);
	for (int i = 0; i < 3; i++) {
		begin(&b, "1", &job);
		assert_at(&b, &job, "0/p");
		fixture_sh(job.place.project_dir, "test \"$(cat file)\" = 1");
		end(&job);
	}
	fixture_sh(b.copies, "test -z \"$(ls)\"");
}
END_TEST

START_TEST(jobs_at_the_same_time_do_not)
{
	cleanup_bench struct bench b;
	struct job one, two, three;

	bench_open(&b);
	begin(&b, "1", &one);
	begin(&b, "2", &two);
	assert_at(&b, &two, "1/p");
	fixture_sh(one.place.project_dir, "test \"$(cat file)\" = 1");
	end(&one);
	begin(&b, "3", &three);
	assert_at(&b, &three, "0/p");
	end(&two);
	end(&three);
}
END_TEST

START_TEST(place_of_a_dead_job_is_taken_over)
{
	cleanup_bench struct bench b;
	struct job dead, next;

	bench_open(&b);
	begin(&b, "1", &dead);
	die(&dead, _i == 1);
	begin(&b, "2", &next);
	assert_at(&b, &next, "0/p");
	fixture_sh(next.place.project_dir, "test \"$(cat file)\" = 2");
	end(&next);
}
END_TEST

START_TEST(sweep_removes_what_dead_jobs_left_alone)
{
	cleanup_bench struct bench b;
	struct job dead, alive;

	bench_open(&b);
	begin(&b, "1", &dead);
	begin(&b, "2", &alive);
	die(&dead, false);
	copy_place_sweep(b.copies);
	fixture_sh(b.copies, "test \"$(ls)\" = 1 && test \"$(cat 1/p/file)\" = 2");
	end(&alive);
}
END_TEST

START_TEST(sweep_of_nothing_is_no_error)
{
	copy_place_sweep("/nowhere/copies");
}
END_TEST

START_TEST(unwritable_folder_is_said)
{
	cleanup_bench struct bench b;
	struct job job = { .dir = JOBDIR_INIT };
	struct error err = ERROR_INIT;

	bench_open(&b);
	fixture_sh(b.root, "touch copies");
	ck_assert_int_eq(jobdir_create(b.jobs, "1", &job.dir, &err), 0);
	ck_assert_int_lt(
	    copy_place_claim(b.copies, &job.dir, b.jobs, "p", &job.place, &err), 0);
	ck_assert_msg(strstr(err.msg, "copies") != NULL, "%s", err.msg);
	jobdir_clear(&job.dir);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("copy_place");
	TCase *tc = tcase_create("copy_place");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tc, jobs_one_after_the_other_have_the_same_path);
	tcase_add_test(tc, jobs_at_the_same_time_do_not);
	tcase_add_loop_test(tc, place_of_a_dead_job_is_taken_over, 0, 2);
	tcase_add_test(tc, sweep_removes_what_dead_jobs_left_alone);
	tcase_add_test(tc, sweep_of_nothing_is_no_error);
	tcase_add_test(tc, unwritable_folder_is_said);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
