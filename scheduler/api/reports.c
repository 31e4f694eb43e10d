/* What the tests of a pipeline's jobs said: whole, or in sum. */
#include "base/str.h"
#include "scheduler/api/listing.h"
#include "scheduler/service_internal.h"

#define MAX_ANSWER ((size_t)128 << 20)

struct suites {
	struct store_test_suite *rows;
	size_t count, cap;
	struct arena *arena;
};

static bool
keep_suite(const struct store_test_suite *row, void *data)
{
	struct suites *s = data;

	ARENA_GROW(s->arena, s->rows, s->count, s->cap);
	s->rows[s->count] = *row;
	s->rows[s->count].name = arena_strdup(s->arena, row->name);
	s->rows[s->count].error = arena_strdup(s->arena, row->error);
	s->count++;
	return true;
}

static int
read_suites(
    struct store_view *v, struct reading *r, struct suites *out, struct error *err)
{
	struct store_pipeline row;

	if (store_get_pipeline(v, r->id, r->arena, &row, err) < 0)
		return err->code;
	if (row.project != r->project.id)
		return error_set(err, ERR_MISSING, "not of this project");
	*out = (struct suites){ .arena = r->arena };
	return store_list_test_suites(v, r->id, keep_suite, out, err);
}

/* Jobs that are instances of one parallel job make one suite; of several errors the first
 * is shown. */
static struct store_test_suite
sum_of(const struct suites *s, const char *name)
{
	struct store_test_suite sum = { .name = name };

	for (size_t i = 0; i < s->count; i++) {
		const struct store_test_suite *one = &s->rows[i];

		if (name != NULL && !str_eq(one->name, name))
			continue;
		sum.success += one->success;
		sum.failed += one->failed;
		sum.errored += one->errored;
		sum.skipped += one->skipped;
		sum.time_us += one->time_us;
		if (sum.error == NULL)
			sum.error = one->error;
	}
	return sum;
}

static bool
is_first_of_its_name(const struct suites *s, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (str_eq(s->rows[i].name, s->rows[at].name))
			return false;
	return true;
}

static int64_t
total(const struct store_test_suite *s)
{
	return s->success + s->failed + s->errored + s->skipped;
}

static void
put_seconds(struct json_writer *w, const char *key, int64_t us)
{
	json_key(w, key);
	json_add_real(w, (double)us / 1e6);
}

static void
put_counts(struct json_writer *w, const struct store_test_suite *s)
{
	put_seconds(w, "total_time", s->time_us);
	json_put_int(w, "total_count", total(s));
	json_put_int(w, "success_count", s->success);
	json_put_int(w, "failed_count", s->failed);
	json_put_int(w, "skipped_count", s->skipped);
	json_put_int(w, "error_count", s->errored);
}

/* ---- in sum ---------------------------------------------------------------- */

static void
add_summary(struct json_writer *w, const struct suites *s, size_t at)
{
	struct store_test_suite sum = sum_of(s, s->rows[at].name);

	json_begin_object(w);
	json_put_string(w, "name", sum.name);
	put_counts(w, &sum);
	json_key(w, "build_ids");
	json_begin_array(w);
	for (size_t i = at; i < s->count; i++)
		if (str_eq(s->rows[i].name, sum.name))
			json_add_int(w, s->rows[i].job);
	json_end_array(w);
	json_put_string(w, "suite_error", sum.error);
	json_end_object(w);
}

static int
read_summary(struct store_view *v, struct reading *r, struct error *err)
{
	struct json_writer *w = &r->writer;
	struct store_test_suite all;
	struct suites s = { .count = 0 };

	if (read_suites(v, r, &s, err) < 0)
		return err->code;
	all = sum_of(&s, NULL);
	json_begin_object(w);
	json_key(w, "total");
	json_begin_object(w);
	put_seconds(w, "time", all.time_us);
	json_put_int(w, "count", total(&all));
	json_put_int(w, "success", all.success);
	json_put_int(w, "failed", all.failed);
	json_put_int(w, "skipped", all.skipped);
	json_put_int(w, "error", all.errored);
	json_put_string(w, "suite_error", all.error);
	json_end_object(w);
	json_key(w, "test_suites");
	json_begin_array(w);
	for (size_t i = 0; i < s.count; i++)
		if (is_first_of_its_name(&s, i))
			add_summary(w, &s, i);
	json_end_array(w);
	json_end_object(w);
	return 0;
}

/* ---- whole ------------------------------------------------------------------ */

/*
 * There may be half a million cases. The writer keeps a value until it is complete, so
 * each case is written by itself, and what surrounds the cases as text.
 */
struct whole {
	struct reading *r;
	bool comma, is_too_large;
};

static bool
add_case(const struct store_test_case *c, void *data)
{
	struct whole *whole = data;
	struct buf *out = &whole->r->body;
	struct json_writer w = JSON_WRITER_INIT(out);

	if (whole->comma)
		buf_add_char(out, ',');
	whole->comma = true;
	json_begin_object(&w);
	json_put_string(&w, "status", c->status);
	json_put_string(&w, "name", c->name);
	json_put_string(&w, "classname", c->classname);
	json_put_string(&w, "file", c->file);
	put_seconds(&w, "execution_time", c->time_us);
	json_put_string(&w, "system_output", c->output);
	json_put_string(&w, "stack_trace", NULL);
	json_end_object(&w);
	whole->is_too_large = out->len > MAX_ANSWER;
	return !whole->is_too_large;
}

/* An object without its closing brace, so that more can follow. */
static void
add_open_object(struct buf *out, const struct store_test_suite *sum, bool is_suite)
{
	struct json_writer w = JSON_WRITER_INIT(out);

	json_begin_object(&w);
	if (is_suite)
		json_put_string(&w, "name", sum->name);
	put_counts(&w, sum);
	if (is_suite)
		json_put_string(&w, "suite_error", sum->error);
	json_end_object(&w);
	while (out->len > 0 && out->data[out->len - 1] != '}')
		out->len--;
	out->len--;
}

static int
add_suite(struct store_view *v, struct whole *whole, const struct suites *s, size_t at,
    struct error *err)
{
	struct buf *out = &whole->r->body;
	struct store_test_suite sum = sum_of(s, s->rows[at].name);

	add_open_object(out, &sum, true);
	buf_add_str(out, ",\"test_cases\":[");
	whole->comma = false;
	for (size_t i = at; i < s->count; i++)
		if (str_eq(s->rows[i].name, sum.name) &&
		    store_list_test_cases(v, s->rows[i].job, add_case, whole, err) < 0)
			return err->code;
	buf_add_str(out, "]}");
	return 0;
}

static int
read_report(struct store_view *v, struct reading *r, struct error *err)
{
	struct whole whole = { .r = r };
	struct store_test_suite all;
	struct suites s = { .count = 0 };
	const char *comma = "";

	if (read_suites(v, r, &s, err) < 0)
		return err->code;
	all = sum_of(&s, NULL);
	add_open_object(&r->body, &all, false);
	buf_add_str(&r->body, ",\"test_suites\":[");
	for (size_t i = 0; i < s.count && !whole.is_too_large; i++) {
		if (!is_first_of_its_name(&s, i))
			continue;
		buf_add_str(&r->body, comma);
		comma = ",";
		if (add_suite(v, &whole, &s, i, err) < 0)
			return err->code;
	}
	buf_add_str(&r->body, "]}");
	if (whole.is_too_large)
		return error_set(err, ERR_LIMIT,
		    "the test report is larger than %zu MiB; ask for test_report_summary",
		    MAX_ANSWER >> 20);
	return 0;
}

/* ---- routes ---------------------------------------------------------------- */

static void
start(
    struct call *c, int (*fn)(struct store_view *v, struct reading *r, struct error *err))
{
	struct reading *r = reading_of_member(c);

	if (r != NULL)
		reading_start(r, fn);
}

static void
get_report(struct call *c)
{
	start(c, read_report);
}

static void
get_summary(struct call *c)
{
	start(c, read_summary);
}

const struct api_route api_report_routes[] = {
	{ "GET", "/api/v4/projects/:id/pipelines/:pipeline/test_report", API_READ,
	    get_report },
	{ "GET", "/api/v4/projects/:id/pipelines/:pipeline/test_report_summary", API_READ,
	    get_summary },
	{ NULL },
};
