/* Test reports: one row per job, one per test case. */
#include "scheduler/store_internal.h"

/* FNV-1a. Where two tests share one, their names tell them apart. */
static void
add_to_hash(uint64_t *hash, const char *text)
{
	for (text = text != NULL ? text : ""; *text != '\0'; text++)
		*hash = (*hash ^ (unsigned char)*text) * 0x100000001b3;
	*hash = (*hash ^ 0xff) * 0x100000001b3; /* no byte of UTF-8 */
}

static int64_t
identity_of(const char *suite, const char *classname, const char *name)
{
	uint64_t hash = 0xcbf29ce484222325;

	add_to_hash(&hash, suite);
	add_to_hash(&hash, classname);
	add_to_hash(&hash, name);
	return (int64_t)(hash >> 1);
}

/* ---- writing --------------------------------------------------------------- */

int
store_put_test_suite(
    struct store_txn *t, const struct store_test_suite *row, struct error *err)
{
	return store_row_put(t, &store_test_suites, row, err);
}

int
store_put_test_case(
    struct store_txn *t, const struct store_test_case *row, struct error *err)
{
	struct store_test_case c = *row;

	c.identity = identity_of(c.suite, c.classname, c.name);
	return store_row_put(t, &store_test_cases, &c, err);
}

int
store_delete_test_cases(struct store_txn *t, int64_t job, struct error *err)
{
	const struct store_arg args[] = { ARG_INT(job), ARG_END };
	int count = store_row_delete(t, &store_test_cases, "job = ?1", args, err);

	return count < 0 ? count : 0;
}

/* ---- reading --------------------------------------------------------------- */

LIST_OF(test_suite)
LIST_OF(test_case)

int
store_list_test_suites(struct store_view *v, int64_t pipeline, store_test_suite_fn fn,
    void *data, struct error *err)
{
	const struct store_arg args[] = { ARG_INT(pipeline), ARG_END };
	const struct store_query q = { .table = &store_test_suites,
		.where = "WHERE pipeline = ?1 AND (SELECT retried_as FROM jobs"
			 " WHERE id = job) IS NULL ORDER BY job",
		.args = args };

	return list_of_test_suite(v, &q, fn, data, err);
}

int
store_list_unread_test_suites(
    struct store_view *v, store_test_suite_fn fn, void *data, struct error *err)
{
	const struct store_query q = { .table = &store_test_suites,
		.where = "WHERE is_read = 0 ORDER BY job" };

	return list_of_test_suite(v, &q, fn, data, err);
}

int
store_list_test_cases(struct store_view *v, int64_t job, store_test_case_fn fn,
    void *data, struct error *err)
{
	const struct store_arg args[] = { ARG_INT(job), ARG_END };
	const struct store_query q = { .table = &store_test_cases,
		.where = "WHERE job = ?1 ORDER BY number",
		.args = args };

	return list_of_test_case(v, &q, fn, data, err);
}

int
store_list_test_history(struct store_view *v, int64_t project, const char *suite,
    const char *classname, const char *name, int64_t limit, store_test_case_fn fn,
    void *data, struct error *err)
{
	const struct store_arg args[] = { ARG_INT(project),
		ARG_INT(identity_of(suite, classname, name)), ARG_TEXT(suite),
		ARG_TEXT(classname), ARG_TEXT(name), ARG_INT(limit > 0 ? limit : -1),
		ARG_END };
	const struct store_query q = { .table = &store_test_cases,
		.where = "WHERE project = ?1 AND identity = ?2 AND suite IS ?3"
			 " AND classname IS ?4 AND name = ?5"
			 " ORDER BY job DESC LIMIT ?6",
		.args = args };

	return list_of_test_case(v, &q, fn, data, err);
}
