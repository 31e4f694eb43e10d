/* The store: rows go in and come out, lists are filtered and paged. */
#include <check.h>
#include <uv.h>

#include "base/buf.h"
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

/* ---- rows ---- */
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
	.superseded_by = 9,
	.priority = -3,
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
	.cause = "system",
	.token_hash = { 1, 2, 3 },
	.log_bytes = INT64_C(9007199254740991),
	.log_crc32 = 4294967295,
	.erased_us = 6,
	.usage = { 7, 8, 9, 10 },
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
	ck_assert(p.id == 7 && p.iid == 3);
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
	ck_assert(p.user == 1 && p.parent_job == 99);
	ck_assert_int_eq(p.made_of_len, 8);
	ck_assert_mem_eq(p.made_of, full_pipeline.made_of, 8);
	ck_assert(p.superseded_by == 9 && p.priority == -3);
	ck_assert(p.created_us == 1000 && p.updated_us == 2000);
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
	ck_assert_str_eq(j.cause, full_job.cause);
	/* what is left of it is numbers, compared in one go */
	j.name = full_job.name;
	j.stage = full_job.stage;
	j.when = full_job.when;
	j.environment = full_job.environment;
	j.resource_group = full_job.resource_group;
	j.message = full_job.message;
	j.tags = full_job.tags;
	j.why = full_job.why;
	j.cause = full_job.cause;
	ck_assert_int_eq(j.exit_code, -1);
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

/* ---- the other tables ------------------------------------------------------ */

static const struct store_artifact artifact = {
	.job = 11,
	.project = 1,
	.type = "archive",
	.format = "zip",
	.filename = "artifacts.zip",
	.size = 5000000000,
	.sha256 = { 9 },
	.created_us = 1,
	.expire_us = 500,
};
static const struct store_variable variable = {
	.owner = STORE_PROJECT,
	.owner_id = 1,
	.key = "KEY",
	.scope = "prod/*",
	.description = "what for",
	.value = "",
	.value_len = 0,
	.is_file = true,
	.masked = true,
	.hidden = true,
	.is_protected = true,
	.raw = true,
};
static const struct store_token token = {
	.id = 4,
	.user = 1,
	.project = 2,
	.name = "laptop",
	.scopes = "api",
	.hash = { 7 },
	.created_us = 1,
	.expires_us = 2,
	.revoked_us = 3,
	.used_us = 4,
};
static const struct store_runner runner = {
	.id = 3,
	.token_hash = { 5 },
	.description = "big",
	.tags = "[\"gpu\"]",
	.run_untagged = true,
	.locked = true,
	.only_protected = true,
	.paused = true,
	.maximum_timeout_s = 3600,
	.limit = 2,
	.owner = STORE_GROUP,
	.owner_id = 1,
	.created_us = 1,
	.contacted_us = 2,
	.info = "{}",
};

static int
write_others(struct store_txn *t, void *data UNUSED, struct error *err)
{
	const struct store_job_variable v = { .job = 11, .key = "A", .value = "1" };
	const struct store_ref ref = { .project = 1,
		.name = "refs/heads/main",
		.sha = "abc",
		.is_protected = true };

	if (write_full(t, NULL, err) < 0 || store_put_artifact(t, &artifact, err) < 0 ||
	    store_put_variable(t, &variable, err) < 0 ||
	    store_put_token(t, &token, err) < 0 ||
	    store_put_runner(t, &runner, err) < 0 ||
	    store_put_job_variable(t, &v, err) < 0)
		return err->code;
	return store_put_ref(t, &ref, err);
}

static bool
check_variable(const struct store_variable *row, void *data)
{
	++*(int *)data;
	ck_assert_int_eq(row->owner, STORE_PROJECT);
	ck_assert_str_eq(row->key, "KEY");
	ck_assert_str_eq(row->scope, "prod/*");
	ck_assert_str_eq(row->description, "what for");
	ck_assert_ptr_nonnull(row->value);
	ck_assert_int_eq(row->value_len, 0);
	ck_assert(
	    row->is_file && row->masked && row->hidden && row->is_protected && row->raw);
	return true;
}

static bool
check_token(const struct store_token *row, void *data)
{
	++*(int *)data;
	ck_assert_int_eq(row->id, 4);
	ck_assert_int_eq(row->user, 1);
	ck_assert_int_eq(row->project, 2);
	ck_assert_str_eq(row->name, "laptop");
	ck_assert_str_eq(row->scopes, "api");
	ck_assert_mem_eq(row->hash, token.hash, 32);
	ck_assert_int_eq(row->used_us, 4);
	return true;
}

static bool
check_artifact(const struct store_artifact *row, void *data)
{
	++*(int *)data;
	ck_assert_str_eq(row->type, "archive");
	ck_assert_str_eq(row->filename, "artifacts.zip");
	ck_assert_int_eq(row->size, 5000000000);
	ck_assert_mem_eq(row->sha256, artifact.sha256, 32);
	return true;
}

static bool
check_job_variable(const struct store_job_variable *row, void *data)
{
	++*(int *)data;
	ck_assert_str_eq(row->key, "A");
	ck_assert_str_eq(row->value, "1");
	return true;
}

static bool
check_ref(const struct store_ref *row, void *data)
{
	++*(int *)data;
	ck_assert_str_eq(row->name, "refs/heads/main");
	ck_assert_str_eq(row->sha, "abc");
	ck_assert(row->is_protected);
	return true;
}

static bool
check_runner(const struct store_runner *row, void *data)
{
	++*(int *)data;
	ck_assert_str_eq(row->description, "big");
	ck_assert_str_eq(row->tags, "[\"gpu\"]");
	ck_assert(row->run_untagged && row->locked && row->only_protected && row->paused);
	ck_assert_int_eq(row->maximum_timeout_s, 3600);
	ck_assert_int_eq(row->limit, 2);
	ck_assert_int_eq(row->owner, STORE_GROUP);
	ck_assert_mem_eq(row->token_hash, runner.token_hash, 32);
	return true;
}

static bool
check_user(const struct store_user *row, void *data)
{
	++*(int *)data;
	ck_assert_str_eq(row->login, "root");
	ck_assert_ptr_null(row->email);
	return true;
}

static int
list_others(struct store_view *v, void *data, struct error *err)
{
	int *count = data;

	if (store_list_variables(v, STORE_PROJECT, 1, check_variable, count, err) < 0 ||
	    store_list_variables(v, STORE_GROUP, 1, check_variable, count, err) < 0 ||
	    store_list_tokens(v, 0, check_token, count, err) < 0 ||
	    store_list_tokens(v, 1, check_token, count, err) < 0 ||
	    store_list_tokens(v, 2, check_token, count, err) < 0 ||
	    store_list_artifacts(v, 11, check_artifact, count, err) < 0 ||
	    store_list_expired(v, 499, 0, check_artifact, count, err) < 0 ||
	    store_list_expired(v, 500, 5, check_artifact, count, err) < 0 ||
	    store_list_job_variables(v, 11, check_job_variable, count, err) < 0 ||
	    store_list_refs(v, 1, check_ref, count, err) < 0 ||
	    store_list_users(v, check_user, count, err) < 0)
		return err->code;
	return store_list_runners(v, check_runner, count, err);
}

START_TEST(other_rows_come_back_as_they_were)
{
	int count = 0;

	stored_write(&st, write_others, NULL);
	stored_write(&st, write_others, NULL); /* replaces, and adds none */
	stored_reopen(&st);
	stored_read(&st, list_others, &count);
	ck_assert_int_eq(count, 9);
}
END_TEST

static int
delete_others(struct store_txn *t, void *data UNUSED, struct error *err)
{
	if (store_delete_ref(t, 1, "refs/heads/main", err) < 0 ||
	    store_delete_ref(t, 1, "refs/heads/none", err) < 0 ||
	    store_delete_artifacts(t, 11, "junit", err) < 0 ||
	    store_delete_artifacts(t, 11, NULL, err) < 0 ||
	    store_delete_runner(t, 3, err) < 0)
		return err->code;
	return store_delete_variable(t, STORE_PROJECT, 1, "KEY", "prod/*", err);
}

START_TEST(deleted_rows_are_gone)
{
	int count = 0;

	stored_write(&st, write_others, NULL);
	stored_write(&st, delete_others, NULL);
	stored_read(&st, list_others, &count);
	ck_assert_int_eq(count, 4); /* tokens, a job's variable, the user */
}
END_TEST

/* ---- test reports ----------------------------------------------------------- */

static const struct store_test_suite full_suite = { .job = 11,
	.pipeline = 7,
	.project = 1,
	.name = "unit",
	.success = 1,
	.failed = 2,
	.errored = 3,
	.skipped = 4,
	.time_us = 5,
	.error = "line 1: no valid XML" };

static const struct store_test_case cases[] = {
	{ .job = 11,
	    .number = 1,
	    .project = 1,
	    .status = "failed",
	    .suite = "s",
	    .classname = "c",
	    .name = "n",
	    .file = "f",
	    .output = "o",
	    .time_us = 6 },
	{ .job = 11, .number = 2, .project = 1, .status = "success", .name = "n" },
	{ .job = 11, .number = 3, .project = 1, .status = "skipped", .name = "cn" },
	{ .job = 12, .number = 1, .project = 1, .status = "success", .name = "n" },
};

static int
write_reports(struct store_txn *t, void *data, struct error *err)
{
	struct store_test_suite latest = {
		.job = 12, .pipeline = 7, .project = 1, .name = "unit", .is_read = true
	};
	struct store_job job = full_job;

	if (write_full(t, data, err) < 0)
		return err->code;
	job.id = latest.job;
	job.retried_as = 0;
	if (store_put_job(t, &job, err) < 0 ||
	    store_put_test_suite(t, &full_suite, err) < 0 ||
	    store_put_test_suite(t, &latest, err) < 0)
		return err->code;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (store_put_test_case(t, &cases[i], err) < 0)
			return err->code;
	return 0;
}

static bool
print_suite(const struct store_test_suite *row, void *data)
{
	buf_printf(data, "%" PRId64 " %" PRId64 " %" PRId64 " %s %d %d %d %d %d %d %s\n",
	    row->job, row->pipeline, row->project, row->name, row->is_read,
	    (int)row->success, (int)row->failed, (int)row->errored, (int)row->skipped,
	    (int)row->time_us, row->error != NULL ? row->error : "-");
	return true;
}

static bool
print_case(const struct store_test_case *row, void *data)
{
	const char *const texts[] = { row->status, row->suite, row->classname, row->name,
		row->file, row->output };

	buf_printf(data, "%" PRId64 "/%" PRId64, row->job, row->number);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		buf_printf(data, " %s", texts[i] != NULL ? texts[i] : "-");
	buf_printf(data, " %d\n", (int)row->time_us);
	return true;
}

static int
list_of_pipeline(struct store_view *v, void *data, struct error *err)
{
	return store_list_test_suites(v, 7, print_suite, data, err);
}

static int
list_unread(struct store_view *v, void *data, struct error *err)
{
	return store_list_unread_test_suites(v, print_suite, data, err);
}

static int
list_cases(struct store_view *v, void *data, struct error *err)
{
	return store_list_test_cases(v, 11, print_case, data, err);
}

static int
list_history(struct store_view *v, void *data, struct error *err)
{
	return store_list_test_history(v, 1, NULL, NULL, "n", 5, print_case, data, err);
}

static int
list_short_history(struct store_view *v, void *data, struct error *err)
{
	return store_list_test_history(v, 1, NULL, NULL, "n", 1, print_case, data, err);
}

static int
list_history_of_class(struct store_view *v, void *data, struct error *err)
{
	return store_list_test_history(v, 1, "s", "c", "n", 5, print_case, data, err);
}

static const struct {
	store_read_fn fn;
	const char *want;
} report_lists[] = {
	{ list_of_pipeline, "12 7 1 unit 1 0 0 0 0 0 -\n" },
	{ list_unread, "11 7 1 unit 0 1 2 3 4 5 line 1: no valid XML\n" },
	{ list_cases,
	    "11/1 failed s c n f o 6\n11/2 success - - n - - 0\n"
	    "11/3 skipped - - cn - - 0\n" },
	{ list_history, "12/1 success - - n - - 0\n11/2 success - - n - - 0\n" },
	{ list_short_history, "12/1 success - - n - - 0\n" },
	{ list_history_of_class, "11/1 failed s c n f o 6\n" },
};

START_TEST(lists_of_test_reports)
{
	cleanup_buf struct buf got = BUF_INIT;

	stored_write(&st, write_reports, NULL);
	stored_write(&st, write_reports, NULL); /* replaces, and adds none */
	stored_reopen(&st);
	stored_read(&st, report_lists[_i].fn, &got);
	ck_assert_str_eq(buf_str(&got), report_lists[_i].want);
}
END_TEST

static int
delete_cases(struct store_txn *t, void *data UNUSED, struct error *err)
{
	return store_delete_test_cases(t, 11, err) < 0 ||
		store_delete_test_cases(t, 99, err) < 0
	    ? err->code
	    : 0;
}

START_TEST(deleted_test_cases_are_gone)
{
	cleanup_buf struct buf got = BUF_INIT;

	stored_write(&st, write_reports, NULL);
	stored_write(&st, delete_cases, NULL);
	stored_read(&st, list_cases, &got);
	ck_assert_str_eq(buf_str(&got), "");
	stored_read(&st, list_history, &got);
	ck_assert_str_eq(buf_str(&got), "12/1 success - - n - - 0\n");
}
END_TEST

/* ---- ids ------------------------------------------------------------------- */

static int
read_ids(struct store_view *v, void *data, struct error *err)
{
	return store_next_ids(v, data, err);
}

static int
read_iid(struct store_view *v, void *data, struct error *err)
{
	return store_next_iid(v, 1, data, err);
}

START_TEST(ids_go_on_where_they_were)
{
	struct store_ids ids;
	int64_t iid = 0;

	stored_write(&st, write_others, NULL);
	stored_write(&st, delete_others, NULL);
	stored_reopen(&st);
	stored_read(&st, read_ids, &ids);
	ck_assert_int_eq(ids.namespace, 2);
	ck_assert_int_eq(ids.project, 3);
	ck_assert_int_eq(ids.pipeline, 8);
	ck_assert_int_eq(ids.job, 12);
	ck_assert_int_eq(ids.user, 2);
	ck_assert_int_eq(ids.token, 5);
	ck_assert_int_eq(ids.runner, 4); /* though it is gone */
	stored_read(&st, read_iid, &iid);
	ck_assert_int_eq(iid, 4);
}
END_TEST

static int
delete_pipeline(struct store_txn *t, void *data UNUSED, struct error *err)
{
	return store_delete_pipeline(t, 8, err) < 0 ||
		store_delete_pipeline(t, 7, err) < 0
	    ? err->code
	    : 0;
}

static int
count_rows_of_pipeline(struct store_view *v, void *data, struct error *err)
{
	struct store_job j;

	if (store_list_artifacts(v, 11, check_artifact, data, err) < 0 ||
	    store_list_job_variables(v, 11, check_job_variable, data, err) < 0)
		return err->code;
	ck_assert_int_eq(store_get_job(v, 11, st.arena, &j, err), ERR_MISSING);
	return 0;
}

START_TEST(a_pipeline_takes_along_what_hangs_off_it)
{
	int count = 0;
	struct store_ids ids;
	int64_t iid = 0;

	stored_write(&st, write_others, NULL);
	stored_write(&st, delete_pipeline, NULL);
	stored_read(&st, count_rows_of_pipeline, &count);
	ck_assert_int_eq(count, 0);
	stored_read(&st, read_ids, &ids);
	ck_assert_int_eq(ids.pipeline, 8);
	stored_read(&st, read_iid, &iid);
	ck_assert_int_eq(iid, 4);
}
END_TEST

START_TEST(a_pipeline_takes_along_its_test_reports)
{
	cleanup_buf struct buf got = BUF_INIT;

	stored_write(&st, write_reports, NULL);
	stored_write(&st, delete_pipeline, NULL);
	stored_read(&st, list_unread, &got);
	stored_read(&st, list_cases, &got);
	stored_read(&st, list_history, &got);
	ck_assert_str_eq(buf_str(&got), "");
}
END_TEST

/* ---- failures -------------------------------------------------------------- */

static int
put_orphan(struct store_txn *t, void *data UNUSED, struct error *err)
{
	struct store_job j = full_job;

	j.pipeline = 77;
	return store_put_job(t, &j, err);
}

static int
put_same_path(struct store_txn *t, void *data UNUSED, struct error *err)
{
	const struct store_project p = { .id = 9,
		.namespace = 1,
		.path = "TEAM/One",
		.name = "x",
		.visibility = "private" };

	return store_put_project(t, &p, err);
}

static int
put_without_sha(struct store_txn *t, void *data UNUSED, struct error *err)
{
	struct store_pipeline p = full_pipeline;

	p.sha = NULL;
	return store_put_pipeline(t, &p, err);
}

static int
delete_no_variable(struct store_txn *t, void *data UNUSED, struct error *err)
{
	return store_delete_variable(t, STORE_GROUP, 1, "KEY", "*", err);
}

static const struct {
	int (*write)(struct store_txn *t, void *data, struct error *err);
	int code;
	const char *want;
} failures[] = {
	{ finish_job, ERR_MISSING, "there is no job 11" },
	{ put_orphan, ERR_INVALID, "cannot store a job: " },
	{ put_orphan, ERR_INVALID, "FOREIGN KEY constraint failed" },
	{ put_same_path, ERR_INVALID, "UNIQUE constraint failed: projects.path" },
	{ put_without_sha, ERR_INVALID, "NOT NULL constraint failed: pipelines.sha" },
	{ delete_no_variable, ERR_MISSING, "there is no variable KEY with the " },
};

START_TEST(says_why_a_write_fails)
{
	struct error err = ERROR_INIT;

	ck_assert_int_eq(
	    store_write_now(st.store, failures[_i].write, NULL, &err), failures[_i].code);
	ck_assert_msg(strstr(err.msg, failures[_i].want) != NULL, "%s", err.msg);
}
END_TEST

static int
get_project(struct store_view *v, void *data UNUSED, struct error *err)
{
	return store_get_project(v, 9, st.arena, &(struct store_project){ 0 }, err);
}

static int
get_by_path(struct store_view *v, void *data UNUSED, struct error *err)
{
	struct store_project p;
	int rc = store_get_project_by_path(v, "Team/ONE", st.arena, &p, err);

	return rc < 0 ? rc : store_get_project_by_path(v, "team/none", st.arena, &p, err);
}

static int
get_artifact(struct store_view *v, void *data UNUSED, struct error *err)
{
	return store_get_artifact(
	    v, 11, "junit", st.arena, &(struct store_artifact){ 0 }, err);
}

static int
get_login(struct store_view *v, void *data UNUSED, struct error *err)
{
	struct store_user *u = &(struct store_user){ 0 };
	int rc = store_get_user_by_login(v, "Root", st.arena, u, err);

	return rc < 0 ? rc : store_get_user_by_login(v, "toor", st.arena, u, err);
}

static int
get_iid(struct store_view *v, void *data UNUSED, struct error *err)
{
	return store_next_iid(v, 9, &(int64_t){ 0 }, err);
}

static const struct {
	int (*read)(struct store_view *v, void *data, struct error *err);
	const char *want;
} misses[] = {
	{ get_project, "there is no project 9" },
	{ get_by_path, "there is no project \"team/none\"" },
	{ get_artifact, "job 11 has no artifact of type junit" },
	{ get_login, "there is no user \"toor\"" },
	{ get_iid, "there is no project 9" },
};

START_TEST(says_what_is_missing)
{
	struct error err = ERROR_INIT;
	int rc = store_read_now(st.store, misses[_i].read, NULL, &err);

	ck_assert_int_eq(rc, ERR_MISSING);
	ck_assert_str_eq(err.msg, misses[_i].want);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store");
	TCase *tc = tcase_create("store");
	SRunner *sr = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_pipeline_comes_back_as_it_was);
	tcase_add_test(tc, a_job_comes_back_as_it_was);
	tcase_add_test(tc, an_update_leaves_what_does_not_change);
	tcase_add_test(tc, other_rows_come_back_as_they_were);
	tcase_add_test(tc, deleted_rows_are_gone);
	tcase_add_loop_test(tc, lists_of_test_reports, 0, ARRAY_LEN(report_lists));
	tcase_add_test(tc, deleted_test_cases_are_gone);
	tcase_add_test(tc, a_pipeline_takes_along_its_test_reports);
	tcase_add_test(tc, a_pipeline_takes_along_what_hangs_off_it);
	tcase_add_test(tc, ids_go_on_where_they_were);
	tcase_add_loop_test(tc, says_what_is_missing, 0, ARRAY_LEN(misses));
	tcase_add_loop_test(tc, says_why_a_write_fails, 0, ARRAY_LEN(failures));
	suite_add_tcase(suite, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
