/*
 * Measures what the server keeps, in a folder that it fills when it is empty:
 *
 *     keep lists DIR COUNT   99th percentile of a list of 20 in a store of COUNT
 * pipelines keep lines DIR MB      the slowest of 200 ways to 100 lines of a log of that
 * size, plain and compressed keep intake DIR MB     a log of that size appended in
 * patches of 64 KiB
 *
 * Prints milliseconds.
 */
#include <stdio.h>
#include <time.h>
#include <uv.h>

#include "base/buf.h"
#include "base/path.h"
#include "base/str.h"
#include "scheduler/log_store.h"
#include "scheduler/store.h"

enum { PROJECTS = 50, PER_COMMIT = 20000, LISTS = 1000, PATCH = 64 * 1024 };

static double
now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void NORETURN
give_up(const struct error *err)
{
	(void)fprintf(stderr, "keep: %s\n", err->msg);
	exit(1);
}

/* ---- lists ----------------------------------------------------------------- */

struct fill {
	int64_t from, to;
};

static int
write_projects(struct store_txn *t, void *data UNUSED, struct error *err)
{
	const struct store_namespace team = { .id = 1, .path = "team" };

	if (store_put_namespace(t, &team, err) < 0)
		return err->code;
	for (int i = 1; i <= PROJECTS; i++) {
		cleanup_free char *path = xasprintf("team/p%d", i);
		const struct store_project p = { .id = i,
			.namespace = 1,
			.path = path,
			.name = path,
			.visibility = "private" };

		if (store_put_project(t, &p, err) < 0)
			return err->code;
	}
	return 0;
}

/* Half of them in the first project; nearly all of them done. */
static int
write_pipelines(struct store_txn *t, void *data, struct error *err)
{
	const struct fill *fill = data;
	static const char made_of[1000];

	for (int64_t i = fill->from; i < fill->to; i++) {
		cleanup_free char *ref = xasprintf("branch-%d", (int)(i % 300));
		const struct store_pipeline p = {
			.id = i,
			.iid = i,
			.project = i % 2 == 0 ? 1 : i % PROJECTS + 1,
			.ref = ref,
			.sha = "0123456789abcdef0123456789abcdef01234567",
			.source = i % 7 == 0 ? "parent_pipeline" : "push",
			.status = i % 5 == 0 ? STATUS_FAILED : STATUS_SUCCESS,
			.made_of = made_of,
			.made_of_len = sizeof(made_of),
			.created_us = i,
			.updated_us = i * 7919 % 1000003,
			.user = i % 40,
		};

		if (store_put_pipeline(t, &p, err) < 0)
			return err->code;
	}
	return 0;
}

static void
fill_store(struct store *store, int64_t count)
{
	struct error err = ERROR_INIT;

	if (store_write_now(store, write_projects, NULL, &err) < 0)
		give_up(&err);
	for (struct fill fill = { .from = 1 }; fill.from <= count; fill.from = fill.to) {
		fill.to = fill.from + PER_COMMIT;
		if (store_write_now(store, write_pipelines, &fill, &err) < 0)
			give_up(&err);
	}
}

static bool
count_row(const struct store_pipeline *row UNUSED, void *data)
{
	++*(int *)data;
	return true;
}

/* What people and clients look at: the first pages, the totals, one branch, one status,
 * each order, also of one branch. */
static int
read_list(struct store_view *v, void *data, struct error *err)
{
	static const char *const failed[] = { "failed", NULL };
	static const enum store_pipeline_order orders[] = { STORE_BY_UPDATED,
		STORE_BY_USER, STORE_BY_REF, STORE_BY_STATUS };
	const int *turn = data;
	struct store_pipeline_filter f = { .project = 1, .without_children = true };
	struct store_page page = { .limit = 20, .want_total = true };
	int rows = 0;

	page.offset = *turn / 6 % 50 * 20;
	if (*turn % 6 == 1 || *turn % 12 == 11)
		f.ref = "branch-4";
	if (*turn % 6 == 2)
		f.statuses = failed;
	if (*turn % 6 == 3)
		f.scope = "finished";
	if (*turn % 6 >= 4)
		f.order = orders[*turn / 6 % ARRAY_LEN(orders)];
	if (store_list_pipelines(v, &f, &page, count_row, &rows, err) < 0)
		return err->code;
	return rows == 20 ? 0 : error_set(err, ERR_MISSING, "a list is too short");
}

static int
read_next(struct store_view *v, void *data, struct error *err)
{
	return store_next_ids(v, data, err);
}

static int
compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double
measure_lists(const char *dir, int64_t count)
{
	static double took[LISTS];
	struct error err = ERROR_INIT;
	struct store_ids ids;
	struct store *store;
	uv_loop_t loop;

	if (uv_loop_init(&loop) < 0 || store_open(&loop, dir, &store, &err) < 0 ||
	    store_read_now(store, read_next, &ids, &err) < 0)
		give_up(&err);
	if (ids.pipeline == 1)
		fill_store(store, count);
	for (int i = 0; i < LISTS; i++) {
		double start = now_ms();

		if (store_read_now(store, read_list, &i, &err) < 0)
			give_up(&err);
		took[i] = now_ms() - start;
	}
	qsort(took, LISTS, sizeof(*took), compare);
	store_close(store);
	uv_run(&loop, UV_RUN_DEFAULT);
	return took[LISTS * 99 / 100];
}

/* ---- logs ------------------------------------------------------------------ */

static int64_t
append_log(struct log_store *logs, int64_t job, int64_t bytes)
{
	cleanup_buf struct buf patch = BUF_INIT;
	struct log_state st = { .size = 0 };
	struct error err = ERROR_INIT;

	for (int i = 0; patch.len < PATCH; i++)
		buf_printf(&patch,
		    "2026-01-31T12:00:00.123456Z 00O cc -O2 -c source/file%06d.c\n",
		    i * 7919 % 999983);
	while (st.size < bytes)
		if (log_store_append(
			logs, job, st.size, patch.data, patch.len, 1, &st, &err) < 0)
			give_up(&err);
	return st.lines;
}

static double
slowest_lines(struct log_store *logs, int64_t lines)
{
	cleanup_free char *data = xmalloc(PATCH);
	struct error err = ERROR_INIT;
	double worst = 0;

	for (int64_t i = 0; i < 200; i++) {
		double start = now_ms(), took;
		cleanup_log_reader struct log_reader *r = NULL;
		struct log_range range;
		size_t got;

		if (log_reader_open(logs, 1, &r, &err) < 0 ||
		    log_reader_find_lines(r, lines * i / 200, 100, &range, &err) < 0 ||
		    log_reader_read(r, range.offset, data, PATCH, &got, &err) < 0)
			give_up(&err);
		took = now_ms() - start;
		if (took > worst)
			worst = took;
	}
	return worst;
}

static double
measure_lines(struct log_store *logs, int64_t bytes)
{
	struct error err = ERROR_INIT;
	int64_t lines = append_log(logs, 1, bytes);
	double plain = slowest_lines(logs, lines), compressed;

	log_store_forget(logs, 1);
	if (log_store_compress(logs, 1, &err) < 0)
		give_up(&err);
	compressed = slowest_lines(logs, lines);
	if (log_store_erase(logs, 1, &err) < 0)
		give_up(&err);
	return plain > compressed ? plain : compressed;
}

static double
measure_intake(struct log_store *logs, int64_t bytes)
{
	struct error err = ERROR_INIT;
	double start = now_ms(), took;

	(void)append_log(logs, 1, bytes);
	took = now_ms() - start;
	if (log_store_erase(logs, 1, &err) < 0)
		give_up(&err);
	return took;
}

int
main(int argc, char **argv)
{
	struct error err = ERROR_INIT;
	struct log_store *logs = NULL;
	int64_t count;
	double ms;

	if (argc != 4 || !str_to_int64(argv[3], &count)) {
		(void)fprintf(stderr, "usage: keep lists|lines|intake DIR COUNT\n");
		return 2;
	}
	if (str_eq(argv[1], "lists")) {
		ms = measure_lists(argv[2], count);
	} else {
		if (log_store_open(argv[2], &logs, &err) < 0)
			give_up(&err);
		ms = str_eq(argv[1], "lines") ? measure_lines(logs, count * 1000000)
					      : measure_intake(logs, count * 1000000);
		log_store_close(logs);
	}
	printf("%.3f\n", ms);
	return 0;
}
