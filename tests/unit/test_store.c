/* The store: rows go in and come out, lists are filtered and paged. */
#include <check.h>
#include <uv.h>

#include "base/path.h"
#include "tests/unit/fixture.h"
#include "tests/unit/stored.h"

static struct stored st;

static void
setup(void)
{
	stored_open(&st);
}

static void
teardown(void)
{
	stored_close(&st);
}

/* ---- rows ------------------------------------------------------------------ */

static const struct store_pipeline full_pipeline = {
	.id = 7,
	.project = 1,
	.iid = 3,
	.ref = "main",
	.ref_is_protected = true,
	.sha = "0123456789abcdef0123456789abcdef01234567",
	.before_sha = "fedcba9876543210fedcba9876543210fedcba98",
	.source = "push",
	.status = STATUS_RUNNING,
	.warnings = true,
	.name = "Nightly “build”",
	.auto_cancel = "conservative",
	.plan_hash = "abc",
	.errors = "ci.yml:1:2: no",
	.user = 1,
	.parent_job = 99,
	.made_of = "\0\1binary",
	.made_of_len = 8,
	.created_us = 1000,
	.started_us = 2000,
	.finished_us = 0,
};

static const struct store_job full_job = {
	.id = 11,
	.pipeline = 7,
	.project = 1,
	.index = 4,
	.name = "build 1/2",
	.stage = "build",
	.when = "on_success",
	.environment = "production",
	.resource_group = "prod",
	.stage_index = 1,
	.status = STATUS_FAILED,
	.reason = REASON_SCRIPT_FAILURE,
	.because = 3,
	.message = "exit status 1",
	.attempt = 2,
	.retried_as = 12,
	.allow_failure = true,
	.warned = true,
	.played = true,
	.interruptible = true,
	.exit_code = -1,
	.runner = 5,
	.downstream = 8,
	.created_us = 1,
	.queued_us = 2,
	.started_us = 3,
	.finished_us = 4,
	.start_at_us = 5,
	.coverage = 61.5,
	.tags = "[\"linux\"]",
	.why = "{}",
	.token_hash = { 1, 2, 3 },
	.log_bytes = INT64_C(9007199254740991),
	.log_crc32 = 4294967295,
	.erased_us = 6,
	.peak_bytes = 7,
	.cpu_us = 8,
};

static int
write_full(struct store_txn *t, void *data UNUSED, struct error *err)
{
	return store_put_pipeline(t, &full_pipeline, err) < 0 ||
		store_put_job(t, &full_job, err) < 0
	    ? err->code
	    : 0;
}

static int
read_full_pipeline(struct store_view *v, void *data, struct error *err)
{
	return store_get_pipeline(v, 7, st.arena, data, err);
}

static int
read_full_job(struct store_view *v, void *data, struct error *err)
{
	return store_get_job(v, 11, st.arena, data, err);
}

START_TEST(a_pipeline_comes_back_as_it_was)
{
	struct store_pipeline p;

	stored_write(&st, write_full, NULL);
	stored_read(&st, read_full_pipeline, &p);
	ck_assert_int_eq(p.id, 7);
	ck_assert_int_eq(p.iid, 3);
	ck_assert_str_eq(p.ref, "main");
	ck_assert(!p.is_tag && p.ref_is_protected && p.warnings);
	ck_assert_str_eq(p.sha, full_pipeline.sha);
	ck_assert_str_eq(p.before_sha, full_pipeline.before_sha);
	ck_assert_str_eq(p.source, "push");
	ck_assert_int_eq(p.status, STATUS_RUNNING);
	ck_assert_str_eq(p.name, full_pipeline.name);
	ck_assert_str_eq(p.auto_cancel, "conservative");
	ck_assert_str_eq(p.plan_hash, "abc");
	ck_assert_str_eq(p.errors, full_pipeline.errors);
	ck_assert_int_eq(p.user, 1);
	ck_assert_int_eq(p.parent_job, 99);
	ck_assert_int_eq(p.made_of_len, 8);
	ck_assert_mem_eq(p.made_of, full_pipeline.made_of, 8);
	ck_assert_int_eq(p.created_us, 1000);
	ck_assert_int_eq(p.updated_us, 2000);
}
END_TEST

START_TEST(a_job_comes_back_as_it_was)
{
	struct store_job j;

	stored_write(&st, write_full, NULL);
	stored_read(&st, read_full_job, &j);
	ck_assert_str_eq(j.name, full_job.name);
	ck_assert_str_eq(j.stage, full_job.stage);
	ck_assert_str_eq(j.when, full_job.when);
	ck_assert_str_eq(j.environment, full_job.environment);
	ck_assert_str_eq(j.resource_group, full_job.resource_group);
	ck_assert_str_eq(j.message, full_job.message);
	ck_assert_str_eq(j.tags, full_job.tags);
	ck_assert_str_eq(j.why, full_job.why);
	/* what is left of it is numbers, compared in one go */
	j.name = full_job.name;
	j.stage = full_job.stage;
	j.when = full_job.when;
	j.environment = full_job.environment;
	j.resource_group = full_job.resource_group;
	j.message = full_job.message;
	j.tags = full_job.tags;
	j.why = full_job.why;
	ck_assert_int_eq(j.log_bytes, full_job.log_bytes);
	ck_assert_int_eq(j.log_crc32, full_job.log_crc32);
	ck_assert_int_eq(j.exit_code, -1);
	ck_assert_mem_eq(j.token_hash, full_job.token_hash, 32);
	ck_assert_mem_eq(&j, &full_job, offsetof(struct store_job, attempt));
	ck_assert_mem_eq(&j.created_us, &full_job.created_us,
	    sizeof(j) - offsetof(struct store_job, created_us));
}
END_TEST

static int
finish_job(struct store_txn *t, void *data UNUSED, struct error *err)
{
	struct store_job j = full_job;

	j.status = STATUS_SUCCESS;
	j.reason = REASON_NONE;
	j.message = NULL;
	j.name = "another name";
	memset(j.token_hash, 0, sizeof(j.token_hash));
	return store_update_job(t, &j, err);
}

START_TEST(an_update_leaves_what_does_not_change)
{
	struct store_job j;
	static const unsigned char none[32];

	stored_write(&st, write_full, NULL);
	stored_write(&st, finish_job, NULL);
	stored_read(&st, read_full_job, &j);
	ck_assert_int_eq(j.status, STATUS_SUCCESS);
	ck_assert_int_eq(j.reason, REASON_NONE);
	ck_assert_ptr_null(j.message);
	ck_assert_mem_eq(j.token_hash, none, 32);
	ck_assert_str_eq(j.name, "build 1/2");
}
END_TEST

static const struct {
	int (*write)(struct store_txn *t, void *data, struct error *err);
	int code;
	const char *want;
} failures[] = {
	{ finish_job, ERR_MISSING, "there is no job 11" },
};

START_TEST(says_why_a_write_fails)
{
	struct error err = ERROR_INIT;

	ck_assert_int_eq(
	    store_write_now(st.store, failures[_i].write, NULL, &err), failures[_i].code);
	ck_assert_msg(strstr(err.msg, failures[_i].want) != NULL, "%s", err.msg);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store");
	TCase *tc = tcase_create("store");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_pipeline_comes_back_as_it_was);
	tcase_add_test(tc, a_job_comes_back_as_it_was);
	tcase_add_test(tc, an_update_leaves_what_does_not_change);
	tcase_add_loop_test(tc, says_why_a_write_fails, 0, ARRAY_LEN(failures));
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
