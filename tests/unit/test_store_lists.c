/* The lists of the store: filters, pages, totals, and that the right index is walked. */
#include <check.h>
#include <stdio.h>

#include "base/buf.h"
#include "tests/unit/stored.h"

static struct stored st;
static struct buf got;

/* ---- pipelines ------------------------------------------------------------- */

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static const struct store_pipeline pipelines[] = {
	{ .id = 1, .project = 1, .ref = "main", .sha = A, .status = STATUS_SUCCESS },
	{ .id = 2, .project = 2, .ref = "main", .sha = A, .status = STATUS_RUNNING },
	{ .id = 3, .project = 1, .ref = "main", .sha = B, .status = STATUS_FAILED },
	{ .id = 4, .project = 1, .ref = "v1", .is_tag = true, .sha = A },
	{ .id = 5,
	    .project = 1,
	    .ref = "topic",
	    .sha = B,
	    .status = STATUS_MANUAL,
	    .user = 1 },
	{ .id = 6,
	    .project = 1,
	    .ref = "topic",
	    .sha = B,
	    .source = "parent_pipeline",
	    .parent_job = 50,
	    .status = STATUS_PENDING },
	{ .id = 7, .project = 1, .ref = "gone", .sha = A, .status = STATUS_SKIPPED },
	{ .id = 8, .project = 1, .ref = "v1", .sha = B, .status = STATUS_RUNNING },
};

static int
write_pipelines(struct store_txn *t, void *data UNUSED, struct error *err)
{
	static const char *const refs[] = { "refs/heads/main", "refs/heads/topic",
		"refs/heads/never-built", "refs/tags/v1", "refs/pull/1" };

	for (size_t i = 0; i < ARRAY_LEN(pipelines); i++) {
		struct store_pipeline p = pipelines[i];

		p.iid = p.id;
		if (p.source == NULL)
			p.source = "push";
		p.created_us = p.id * 100;
		p.made_of = "secret";
		p.made_of_len = 6;
		if (store_put_pipeline(t, &p, err) < 0)
			return err->code;
	}
	for (size_t i = 0; i < ARRAY_LEN(refs); i++) {
		const struct store_ref ref = { .project = 1, .name = refs[i], .sha = A };

		if (store_put_ref(t, &ref, err) < 0)
			return err->code;
	}
	return 0;
}

static const struct {
	struct store_pipeline_filter f;
	const char *want; /* ids; "/" and the total */
} filters[] = {
	{ { .project = 1 }, "8 7 6 5 4 3 1 /7" },
	{ { .project = 2 }, "2 /1" },
	{ { .project = 3 }, "/0" },
	{ { .project = 0 }, "8 7 6 5 4 3 2 1 /8" },
	{ { .unfinished = true }, "8 6 5 4 2 /5" },
	{ { .unfinished = true, .project = 1 }, "8 6 5 4 /4" },
	{ { .project = 1, .ref = "main" }, "3 1 /2" },
	{ { .project = 1, .ref = "v1" }, "8 4 /2" },
	{ { .ref = "main" }, "3 2 1 /3" },
	{ { .project = 1, .sha = A }, "7 4 1 /3" },
	{ { .project = 1, .sha = A, .ref = "v1" }, "4 /1" },
	{ { .project = 1, .source = "parent_pipeline" }, "6 /1" },
	{ { .project = 1, .without_children = true }, "8 7 5 4 3 1 /6" },
	{ { .parent_job = 50 }, "6 /1" },
	{ { .project = 1, .user = 1 }, "5 /1" },
	{ { .project = 1, .updated_after_us = 500 }, "8 7 6 /3" },
	{ { .project = 1, .updated_before_us = 400 }, "3 1 /2" },
	{ { .project = 1, .scope = "running" }, "8 /1" },
	{ { .project = 1, .scope = "pending" }, "6 /1" },
	{ { .project = 1, .scope = "finished" }, "7 3 1 /3" },
	{ { .project = 1, .scope = "branches" }, "6 3 /2" },
	{ { .project = 1, .scope = "tags" }, "4 /1" },
	{ { .project = 2, .scope = "branches" }, "/0" },
	{ { .project = 1, .statuses = (const char *const[]){ "failed", NULL } }, "3 /1" },
	{ { .project = 1,
	      .statuses = (const char *const[]){ "running", "pending", NULL } },
	    "8 6 /2" },
	{ { .project = 1,
	      .statuses = (const char *const[]){ "running", "success", NULL } },
	    "8 1 /2" },
	{ { .statuses = (const char *const[]){ "running", NULL } }, "8 2 /2" },
	{ { .project = 1,
	      .ref = "main",
	      .statuses = (const char *const[]){ "failed", NULL } },
	    "3 /1" },
	{ { .project = 1,
	      .without_children = true,
	      .statuses = (const char *const[]){ "running", "pending", NULL } },
	    "8 /1" },
	{ { .project = 1,
	      .unfinished = true,
	      .statuses = (const char *const[]){ "running", "success", NULL } },
	    "8 /1" },
};

static bool
note_pipeline(const struct store_pipeline *row, void *data UNUSED)
{
	buf_printf(&got, "%" PRId64 " ", row->id);
	ck_assert_ptr_null(row->made_of);
	return true;
}

static int
list_filtered(struct store_view *v, void *data, struct error *err)
{
	struct store_page page = { .want_total = true, .total = -7 };
	int rc = store_list_pipelines(v, data, &page, note_pipeline, NULL, err);

	buf_printf(&got, "/%" PRId64, page.total);
	return rc;
}

START_TEST(filters_pipelines)
{
	struct store_pipeline_filter f = filters[_i].f;

	stored_read(&st, list_filtered, &f);
	ck_assert_str_eq(buf_str(&got), filters[_i].want);
}
END_TEST

static const struct {
	struct store_pipeline_filter f;
	const char *want;
} wrong[] = {
	{ { .project = 1, .scope = "walking" },
	    "\"walking\" is not a scope of pipelines: running, pending, finished, "
	    "branches, tags" },
	{ { .scope = "tags" }, "the scope \"tags\" is one of a project's pipelines" },
	{ { .project = 1, .statuses = (const char *const[]){ "odd", NULL } },
	    "\"odd\" is not a status of jobs and pipelines" },
};

START_TEST(refuses_wrong_filters)
{
	struct store_pipeline_filter f = wrong[_i].f;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(store_read_now(st.store, list_filtered, &f, &err), ERR_INVALID);
	ck_assert_str_eq(err.msg, wrong[_i].want);
}
END_TEST

static const struct {
	struct store_page page;
	const char *want;
} pages[] = {
	{ { .limit = 2 }, "8 7 " },
	{ { .limit = 2, .offset = 2 }, "6 5 " },
	{ { .offset = 5 }, "3 1 " },
	{ { .limit = 2, .offset = 9 }, "" },
	{ { .limit = 2, .ascending = true }, "1 3 " },
	{ { .limit = 2, .beyond_id = 7 }, "6 5 " },
	{ { .limit = 2, .beyond_id = 3, .ascending = true }, "4 5 " },
	{ { .limit = 2, .beyond_id = 7, .want_total = true, .offset = 1 }, "5 4 " },
};

static int
list_page(struct store_view *v, void *data, struct error *err)
{
	const struct store_pipeline_filter f = { .project = 1 };

	return store_list_pipelines(v, &f, data, note_pipeline, NULL, err);
}

START_TEST(pages_pipelines)
{
	struct store_page page = pages[_i].page;

	stored_read(&st, list_page, &page);
	ck_assert_str_eq(buf_str(&got), pages[_i].want);
	if (page.want_total)
		ck_assert_int_eq(page.total, 7);
}
END_TEST

static bool
note_one(const struct store_pipeline *row, void *data)
{
	(*(int *)data)++;
	ck_assert_int_eq(row->made_of_len, 6);
	ck_assert_mem_eq(row->made_of, "secret", 6);
	return false;
}

static int
list_one(struct store_view *v, void *data, struct error *err)
{
	const struct store_pipeline_filter f = { .project = 1, .with_made_of = true };

	return store_list_pipelines(v, &f, NULL, note_one, data, err);
}

START_TEST(a_callback_ends_the_list)
{
	int count = 0;

	stored_read(&st, list_one, &count);
	ck_assert_int_eq(count, 1);
}
END_TEST

/* ---- jobs ------------------------------------------------------------------ */

static const struct store_job jobs[] = {
	{ .id = 1, .pipeline = 1, .project = 1, .status = STATUS_SUCCESS },
	{ .id = 2,
	    .pipeline = 1,
	    .project = 1,
	    .status = STATUS_FAILED,
	    .retried_as = 3 },
	{ .id = 3, .pipeline = 1, .project = 1, .status = STATUS_RUNNING },
	{ .id = 4, .pipeline = 2, .project = 2, .status = STATUS_RUNNING },
	{ .id = 5, .pipeline = 3, .project = 1, .status = STATUS_PENDING },
};

static int
write_jobs(struct store_txn *t, void *data UNUSED, struct error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
		struct store_job j = jobs[i];

		j.name = j.stage = "build";
		j.when = "on_success";
		if (store_put_job(t, &j, err) < 0)
			return err->code;
	}
	return 0;
}

static const struct {
	struct store_job_filter f;
	const char *want;
} job_filters[] = {
	{ { .pipeline = 1 }, "3 1 /2" },
	{ { .pipeline = 1, .with_retried = true }, "3 2 1 /3" },
	{ { .project = 1 }, "5 3 1 /3" },
	{ { .project = 1, .pipeline = 2 }, "/0" },
	{ { .project = 1, .statuses = (const char *const[]){ "running", NULL } },
	    "3 /1" },
	{ { .project = 1,
	      .statuses =
		  (const char *const[]){ "running", "pending", "created", NULL } },
	    "5 3 /2" },
	{ { .project = 1,
	      .statuses = (const char *const[]){ "success", "pending", NULL } },
	    "5 1 /2" },
	{ { .project = 1,
	      .with_retried = true,
	      .statuses = (const char *const[]){ "failed", NULL } },
	    "2 /1" },
	{ { .statuses = (const char *const[]){ "running", NULL } }, "4 3 /2" },
};

static bool
note_job(const struct store_job *row, void *data UNUSED)
{
	buf_printf(&got, "%" PRId64 " ", row->id);
	return true;
}

static int
list_jobs(struct store_view *v, void *data, struct error *err)
{
	struct store_page page = { .want_total = true };
	int rc = store_list_jobs(v, data, &page, note_job, NULL, err);

	buf_printf(&got, "/%" PRId64, page.total);
	return rc;
}

START_TEST(filters_jobs)
{
	struct store_job_filter f = job_filters[_i].f;

	stored_write(&st, write_jobs, NULL);
	stored_read(&st, list_jobs, &f);
	ck_assert_str_eq(buf_str(&got), job_filters[_i].want);
}
END_TEST

/* ---- projects -------------------------------------------------------------- */

static const struct {
	struct store_project_filter f;
	bool ascending;
	const char *want;
} project_lists[] = {
	{ { .search = NULL }, false, "2 1 /2" },
	{ { .search = "" }, false, "2 1 /2" },
	{ { .search = "TEAM/o" }, false, "1 /1" },
	{ { .search = "tw" }, false, "2 /1" },
	{ { .search = "%" }, false, "/0" },
	{ { .search = "' OR 1" }, false, "/0" },
	{ { .search = NULL }, true, "1 2 /2" },
	{ { .order = STORE_PROJECTS_BY_NAME }, true, "1 2 /2" },
	{ { .order = STORE_PROJECTS_BY_PATH }, false, "2 1 /2" },
	{ { .order = STORE_PROJECTS_BY_ACTIVITY }, false, "1 2 /2" },
	{ { .order = STORE_PROJECTS_BY_ACTIVITY }, true, "2 1 /2" },
	{ { .after_id = 1 }, false, "2 /1" },
	{ { .before_id = 2 }, false, "1 /1" },
	{ { .visibility = "public" }, false, "/0" },
	{ { .archived = true }, false, "/0" },
	{ { .not_archived = true }, false, "2 1 /2" },
};

static bool
note_project(const struct store_project *row, void *data UNUSED)
{
	buf_printf(&got, "%" PRId64 " ", row->id);
	return true;
}

static int
list_projects(struct store_view *v, void *data, struct error *err)
{
	const int *i = data;
	struct store_page page = { .want_total = true,
		.ascending = project_lists[*i].ascending };
	int rc =
	    store_list_projects(v, &project_lists[*i].f, &page, note_project, NULL, err);

	buf_printf(&got, "/%" PRId64, page.total);
	return rc;
}

START_TEST(finds_projects)
{
	int row = _i;

	stored_read(&st, list_projects, &row);
	ck_assert_str_eq(buf_str(&got), project_lists[_i].want);
}
END_TEST

/* ---- orders ---------------------------------------------------------------- */

static const struct {
	struct store_pipeline_filter f;
	bool ascending;
	const char *want;
} ordered[] = {
	{ { .order = STORE_BY_REF }, true, "7 1 3 5 6 4 8 " },
	{ { .order = STORE_BY_REF }, false, "8 4 6 5 3 1 7 " },
	{ { .order = STORE_BY_STATUS }, true, "4 3 5 6 8 7 1 " },
	{ { .order = STORE_BY_STATUS }, false, "1 7 8 6 5 3 4 " },
	{ { .order = STORE_BY_UPDATED }, false, "8 7 6 5 4 3 1 " },
	{ { .order = STORE_BY_UPDATED }, true, "1 3 4 5 6 7 8 " },
	{ { .order = STORE_BY_USER }, false, "5 8 7 6 4 3 1 " },
	{ { .order = STORE_BY_UPDATED, .ref = "main" }, false, "3 1 " },
	{ { .order = STORE_BY_REF, .ref = "main" }, true, "1 3 " },
	{ { .order = STORE_BY_REF, .sha = A }, true, "7 1 4 " },
	{ { .order = STORE_BY_REF, .user = 1 }, true, "5 " },
	{ { .order = STORE_BY_REF, .updated_after_us = 500 }, true, "7 6 8 " },
	{ { .order = STORE_BY_REF, .scope = "branches" }, false, "6 3 " },
	{ { .order = STORE_BY_STATUS,
	      .statuses = (const char *const[]){ "running", "failed", NULL } },
	    true, "3 8 " },
	{ { .order = STORE_BY_STATUS,
	      .statuses = (const char *const[]){ "running", NULL } },
	    true, "8 " },
	{ { .created_after_us = 300, .created_before_us = 700 }, true, "4 5 6 " },
	{ { .with_errors = true }, true, "" },
	{ { .without_errors = true, .ref = "v1" }, true, "4 8 " },
};

struct ordered_list {
	int row;
	bool want_total;
};

static int
list_ordered(struct store_view *v, void *data, struct error *err)
{
	const struct ordered_list *l = data;
	struct store_pipeline_filter f = ordered[l->row].f;
	struct store_page page = { .ascending = ordered[l->row].ascending,
		.want_total = l->want_total };

	f.project = 1;
	return store_list_pipelines(v, &f, &page, note_pipeline, NULL, err);
}

/* Whether all that fit are sorted, or the rows are found on the way of their order. */
START_TEST(orders_pipelines)
{
	for (int i = 0; i < 2; i++) {
		struct ordered_list l = { _i, i == 1 };

		buf_reset(&got);
		stored_read(&st, list_ordered, &l);
		ck_assert_str_eq(buf_str(&got), ordered[_i].want);
	}
}
END_TEST

/* ---- totals ---------------------------------------------------------------- */

static int
write_many(struct store_txn *t, void *data, struct error *err)
{
	for (int64_t i = 100; i < 100 + *(int *)data; i++) {
		const struct store_pipeline p = { .id = i,
			.project = 2,
			.iid = i,
			.ref = "main",
			.sha = A,
			.source = "push" };

		if (store_put_pipeline(t, &p, err) < 0)
			return err->code;
	}
	return 0;
}

static int
total_of_two(struct store_view *v, void *data, struct error *err)
{
	const struct store_pipeline_filter f = { .project = 2 };
	struct store_page page = { .want_total = true, .limit = 1 };
	int rc = store_list_pipelines(v, &f, &page, note_pipeline, NULL, err);

	*(int64_t *)data = page.total;
	return rc;
}

START_TEST(totals_have_an_end)
{
	int count = STORE_TOTAL_MAX - 1;
	int64_t total = 0;

	stored_write(&st, write_many, &count);
	stored_read(&st, total_of_two, &total);
	ck_assert_int_eq(total, STORE_TOTAL_MAX);
	count++;
	stored_write(&st, write_many, &count);
	stored_read(&st, total_of_two, &total);
	ck_assert_int_eq(total, -1);
}
END_TEST

/* ---- stages and tests ------------------------------------------------------- */

static const struct store_job staged[] = {
	{ .id = 1, .stage = "test", .stage_index = 2, .status = STATUS_SUCCESS },
	{ .id = 2,
	    .stage = "build",
	    .stage_index = 1,
	    .status = STATUS_FAILED,
	    .retried_as = 3 },
	{ .id = 3, .stage = "build", .stage_index = 1, .status = STATUS_SUCCESS },
	{ .id = 4,
	    .stage = "test",
	    .stage_index = 2,
	    .status = STATUS_FAILED,
	    .warned = true },
	{ .id = 5, .stage = "test", .stage_index = 2, .status = STATUS_SUCCESS },
};

static const struct store_test_case cases[] = {
	{ .job = 1, .number = 1, .status = "success", .name = "quick", .time_us = 1 },
	{ .job = 1, .number = 2, .status = "skipped", .name = "later", .time_us = 9 },
	{ .job = 1, .number = 3, .status = "success", .name = "slow", .time_us = 8 },
	{ .job = 1,
	    .number = 4,
	    .status = "failed",
	    .name = "bad",
	    .classname = "Slowly" },
	{ .job = 2,
	    .number = 1,
	    .status = "failed",
	    .name = "of a try that was retried" },
	{ .job = 4, .number = 1, .status = "error", .name = "wrong", .time_us = 7 },
};

static int
write_staged(struct store_txn *t, void *data UNUSED, struct error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(staged); i++) {
		struct store_job j = staged[i];
		const struct store_test_suite suite = {
			.job = j.id, .pipeline = 1, .project = 1, .name = "unit"
		};

		j.pipeline = j.project = 1;
		j.name = "unit";
		j.when = "on_success";
		if (store_put_job(t, &j, err) < 0 ||
		    store_put_test_suite(t, &suite, err) < 0)
			return err->code;
	}
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct store_test_case c = cases[i];

		c.project = 1;
		if (store_put_test_case(t, &c, err) < 0)
			return err->code;
	}
	return 0;
}

static bool
note_sum(const struct store_stage_sum *row, void *data UNUSED)
{
	buf_printf(&got, "%s %s%s %" PRId64 "; ", row->stage, status_name(row->status),
	    row->allow_failure ? ", allowed" : "", row->count);
	return true;
}

static int
list_sums(struct store_view *v, void *data UNUSED, struct error *err)
{
	return store_list_stage_sums(v, 1, note_sum, NULL, err);
}

START_TEST(sums_up_stages)
{
	stored_write(&st, write_staged, NULL);
	stored_read(&st, list_sums, NULL);
	ck_assert_str_eq(
	    buf_str(&got), "build success 1; test failed, allowed 1; test success 2; ");
}
END_TEST

static const struct {
	struct store_test_filter f;
	int64_t offset;
	const char *want;
} tests[] = {
	{ { .pipeline = 1 }, 0, "wrong bad slow /5" },
	{ { .pipeline = 1 }, 3, "quick later /5" },
	{ { .pipeline = 1, .job = 1 }, 0, "bad slow quick /4" },
	{ { .pipeline = 1, .job = 2 }, 0, "/0" },
	{ { .pipeline = 2 }, 0, "/0" },
	{ { .pipeline = 1, .status = "success" }, 0, "slow quick /2" },
	{ { .pipeline = 1, .search = "SLOW" }, 0, "bad slow /2" },
	{ { .pipeline = 1, .search = "%" }, 0, "/0" },
};

static bool
note_test(const struct store_test_case *row, void *data UNUSED)
{
	buf_printf(&got, "%s ", row->name);
	return true;
}

static int
list_tests(struct store_view *v, void *data, struct error *err)
{
	size_t at = *(const size_t *)data;
	struct store_page page = {
		.limit = 3, .offset = tests[at].offset, .want_total = true
	};
	int rc = store_list_tests(v, &tests[at].f, &page, note_test, NULL, err);

	buf_printf(&got, "/%" PRId64, page.total);
	return rc;
}

START_TEST(finds_tests)
{
	size_t at = (size_t)_i;

	stored_write(&st, write_staged, NULL);
	stored_read(&st, list_tests, &at);
	ck_assert_str_eq(buf_str(&got), tests[at].want);
}
END_TEST

static void
setup(void)
{
	stored_open(&st);
	stored_write(&st, write_pipelines, NULL);
}

static void
teardown(void)
{
	stored_close(&st);
	buf_clear(&got);
}

int
main(void)
{
	Suite *suite = suite_create("store_lists");
	TCase *tc = tcase_create("store_lists");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, filters_pipelines, 0, ARRAY_LEN(filters));
	tcase_add_loop_test(tc, refuses_wrong_filters, 0, ARRAY_LEN(wrong));
	tcase_add_loop_test(tc, pages_pipelines, 0, ARRAY_LEN(pages));
	tcase_add_test(tc, a_callback_ends_the_list);
	tcase_add_loop_test(tc, filters_jobs, 0, ARRAY_LEN(job_filters));
	tcase_add_loop_test(tc, finds_projects, 0, ARRAY_LEN(project_lists));
	tcase_add_loop_test(tc, orders_pipelines, 0, ARRAY_LEN(ordered));
	tcase_add_test(tc, totals_have_an_end);
	tcase_add_test(tc, sums_up_stages);
	tcase_add_loop_test(tc, finds_tests, 0, ARRAY_LEN(tests));
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
