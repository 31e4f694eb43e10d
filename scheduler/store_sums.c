/* Lists that are no table's rows as they stand: jobs in sum, the tests of a pipeline. */
#include "base/str.h"
#include "scheduler/store_internal.h"

/* ---- stages ---------------------------------------------------------------- */

#define SUM(name, kind, field)                                                           \
	{                                                                                \
		name, kind, 0, offsetof(struct store_stage_sum, field), 0                \
	}

/* Columns of a result: what they are called is what is computed. */
static const struct store_column sum_columns[] = {
	SUM("stage_index", COL_INT64, index),
	SUM("stage", COL_TEXT, stage),
	SUM("status", COL_STATUS, status),
	SUM("max(allow_failure, warned) AS may_fail", COL_BOOL, allow_failure),
	SUM("count(*)", COL_INT64, count),
};
static const struct store_table stage_sums = { "jobs", "stage", sum_columns,
	ARRAY_LEN(sum_columns), sizeof(struct store_stage_sum), "stage_index" };

LIST_OF(stage_sum)

int
store_list_stage_sums(struct store_view *v, int64_t pipeline, store_stage_sum_fn fn,
    void *data, struct error *err)
{
	const struct store_arg args[] = { ARG_INT(pipeline), ARG_END };
	const struct store_query q = { .table = &stage_sums,
		.where = "INDEXED BY jobs_by_pipeline WHERE pipeline = ?1"
			 " AND retried_as IS NULL"
			 " GROUP BY stage_index, stage, status, may_fail"
			 " ORDER BY stage_index",
		.args = args };

	return list_of_stage_sum(v, &q, fn, data, err);
}

/* ---- tests ----------------------------------------------------------------- */

LIST_OF(test_case)

#define TESTS_OF_PIPELINE                                                                \
	"WHERE job IN (SELECT s.job FROM test_suites s JOIN jobs j ON j.id = s.job"      \
	" WHERE s.pipeline = ?1 AND j.retried_as IS NULL)"                               \
	" AND (?2 = 0 OR job = ?2) AND (?3 IS NULL OR status = ?3)"                      \
	" AND (?4 IS NULL OR instr(lower(name), lower(?4)) > 0"                          \
	" OR instr(lower(classname), lower(?4)) > 0)"

static int
count_tests(
    struct store_view *v, const struct store_arg *args, int64_t *out, struct error *err)
{
	const char *sql = "SELECT count(*) FROM test_cases " TESTS_OF_PIPELINE;
	cleanup_stmt struct store_stmt *st = NULL;

	if (store_stmt_take(&v->db, sql, &st, err) < 0 ||
	    store_stmt_bind_args(st, args, err) < 0 || store_stmt_step(st, err) < 0)
		return err->code;
	*out = store_stmt_number(st);
	return 0;
}

int
store_list_tests(struct store_view *v, const struct store_test_filter *f,
    struct store_page *page, store_test_case_fn fn, void *data, struct error *err)
{
	const struct store_arg which[] = { ARG_INT(f->pipeline), ARG_INT(f->job),
		ARG_TEXT(f->status), ARG_TEXT(f->search), ARG_END };
	const struct store_arg args[] = { which[0], which[1], which[2], which[3],
		ARG_INT(page->limit > 0 ? page->limit : -1), ARG_INT(page->offset),
		ARG_END };
	const struct store_query q = { .table = &store_test_cases,
		.where = TESTS_OF_PIPELINE
		" ORDER BY CASE status WHEN 'failed' THEN 0 WHEN 'error' THEN 0"
		" WHEN 'success' THEN 1 ELSE 2 END, time_us DESC, job, number"
		" LIMIT ?5 OFFSET ?6",
		.args = args,
		.given = &page->given };

	if (page->want_total && count_tests(v, which, &page->total, err) < 0)
		return err->code;
	return list_of_test_case(v, &q, fn, data, err);
}
