/*
 * Test reports: what a job uploaded is unpacked and parsed on a worker, some thousand
 * cases at a time, and those are written before the next are read, so that neither the
 * memory nor the store feels how many there are. The row of the report, unread, is
 * written with the upload itself: a server that is stopped or killed meanwhile begins
 * anew with it. A report that is wrong says so in its row and fails nothing else.
 */
#include <fcntl.h>
#include <unistd.h>

#include "base/archive.h"
#include "base/log.h"
#include "base/str.h"
#include "scheduler/artifact_store.h"
#include "scheduler/junit.h"
#include "scheduler/service_internal.h"

/* Of one write, about; the cases of one piece of the text are not parted. */
#define BATCH_CASES 1000
#define BATCH_BYTES ((size_t)1 << 20)

/* What the database takes of one report's texts; the report itself is an artifact. */
#define MAX_OUTPUT ((size_t)8 << 20)

struct test_report {
	uv_work_t request;
	struct service *service;
	struct test_report *next; /* in the service's list */
	struct arena *arena;      /* of the suite's strings */
	struct store_test_suite suite;
	int fd;
	struct archive_gunzip *file; /* NULL: not open yet */
	struct junit *junit;
	struct arena *batch_arena;
	struct store_test_case *batch;
	size_t count, cap, bytes;
	int64_t cases;  /* so far */
	size_t outputs; /* bytes of theirs, so far */
	bool is_first, is_over;
	bool again; /* another one was uploaded meanwhile */
	struct waiting {
		store_done_fn fn;
		void *data;
	} * waiting;
	size_t waiting_count, waiting_cap;
};

static void
close_file(struct test_report *r)
{
	archive_gunzip_close(take(r->file));
	if (r->fd >= 0)
		close(take_fd(&r->fd));
	junit_free(take(r->junit));
}

static void
drop_batch(struct test_report *r)
{
	arena_free(take(r->batch_arena));
	r->batch = NULL;
	r->count = r->cap = r->bytes = 0;
}

/* From the beginning. */
static void
rewind_report(struct test_report *r)
{
	struct store_test_suite *s = &r->suite;

	close_file(r);
	s->success = s->failed = s->errored = s->skipped = s->time_us = 0;
	s->error = NULL;
	s->is_read = false;
	r->cases = 0;
	r->outputs = 0;
	r->is_first = true;
	r->is_over = r->again = false;
}

/* ---- on the worker --------------------------------------------------------- */

static const char *
text_or_null(struct arena *a, const char *text)
{
	return *text != '\0' ? arena_strdup(a, text) : NULL;
}

static void
count_case(struct store_test_suite *suite, const struct junit_case *c)
{
	int64_t *const counts[] = { [JUNIT_SUCCESS] = &suite->success,
		[JUNIT_SKIPPED] = &suite->skipped,
		[JUNIT_ERROR] = &suite->errored,
		[JUNIT_FAILED] = &suite->failed };

	++*counts[c->status];
	suite->time_us += c->time_us;
}

static void
on_case(const struct junit_case *c, void *data)
{
	struct test_report *r = data;
	struct arena *a = r->batch_arena;
	size_t len = strlen(c->output);
	bool fits = r->outputs + len <= MAX_OUTPUT;

	r->outputs += fits ? len : 0;
	r->bytes += len + strlen(c->name) + strlen(c->classname) + strlen(c->file) +
	    strlen(c->suite);
	count_case(&r->suite, c);
	ARENA_GROW(a, r->batch, r->count, r->cap);
	r->batch[r->count++] = (struct store_test_case){ .job = r->suite.job,
		.number = ++r->cases,
		.project = r->suite.project,
		.status = junit_status_name(c->status),
		.suite = text_or_null(a, c->suite),
		.classname = text_or_null(a, c->classname),
		.name = arena_strdup(a, c->name),
		.file = text_or_null(a, c->file),
		.output = text_or_null(
		    a, fits ? c->output : "(too much text: see the report itself)"),
		.time_us = c->time_us };
}

static int
open_file(struct test_report *r, struct error *err)
{
	const char *dir = service_artifacts_dir(r->service);
	int64_t size;

	if (artifact_store_open(dir, r->suite.job, "junit", &r->fd, &size, err) < 0)
		return err->code;
	r->junit = junit_new(on_case, r);
	return archive_gunzip_open(r->fd, &r->file, err);
}

static int
read_batch(struct test_report *r, struct error *err)
{
	char piece[16 * 1024];
	size_t len = 1;

	if (r->file == NULL && open_file(r, err) < 0)
		return err->code;
	while (r->count < BATCH_CASES && r->bytes < BATCH_BYTES) {
		if (archive_gunzip_read(r->file, piece, sizeof(piece), &len, err) < 0)
			return err->code;
		if (len == 0) {
			r->is_over = true;
			return junit_end(r->junit, err);
		}
		if (junit_add(r->junit, piece, len, err) < 0)
			return err->code;
	}
	return 0;
}

static void
on_worker(uv_work_t *request)
{
	struct test_report *r = request->data;
	struct error err = ERROR_INIT;

	r->batch_arena = arena_new();
	if (read_batch(r, &err) < 0) {
		r->is_over = true;
		r->suite.error =
		    arena_printf(r->arena, "JUnit XML parsing failed: %s", err.msg);
	}
}

/* ---- on the loop ----------------------------------------------------------- */

static int
write_batch(struct store_txn *t, void *data, struct error *err)
{
	struct test_report *r = data;

	/* what an earlier upload, or an interrupted reading, left */
	if (r->is_first && store_delete_test_cases(t, r->suite.job, err) < 0)
		return err->code;
	for (size_t i = 0; i < r->count; i++)
		if (store_put_test_case(t, &r->batch[i], err) < 0)
			return err->code;
	return r->is_over ? store_put_test_suite(t, &r->suite, err) : 0;
}

static void read_on(struct test_report *r);

static void
report_end(struct test_report *r, const struct error *err)
{
	struct service *s = r->service;
	struct test_report **at = &s->reports;

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	for (size_t i = 0; i < r->waiting_count; i++)
		r->waiting[i].fn(r->waiting[i].data, err);
	close_file(r);
	arena_free(r->arena);
	free(r);
	s->afterworks--;
}

static void
on_batch_written(void *data, const struct error *err)
{
	struct test_report *r = data;
	const struct error none = ERROR_INIT;

	drop_batch(r);
	r->is_first = false;
	if (err->code != 0)
		log_event(
		    LOG_WARN, LOG_JOB(r->suite.job), "its test report: %s", err->msg);
	if (r->again && !r->service->is_closing)
		rewind_report(r);
	else if (err->code != 0 || r->is_over || r->service->is_closing) {
		report_end(r, &none); /* the upload itself is stored */
		return;
	}
	read_on(r);
}

static void
on_read(uv_work_t *request, int status UNUSED)
{
	struct test_report *r = request->data;

	r->suite.is_read = r->is_over;
	store_write(r->service->o.store, write_batch, on_batch_written, r);
}

static void
read_on(struct test_report *r)
{
	uv_queue_work(r->service->o.loop, &r->request, on_worker, on_read);
}

static struct test_report *
find_report(struct service *s, int64_t job)
{
	struct test_report *r = s->reports;

	while (r != NULL && r->suite.job != job)
		r = r->next;
	return r;
}

static void
report_start(struct service *s, const struct store_test_suite *suite)
{
	struct arena *arena = arena_new();
	struct test_report *r = xcalloc(1, sizeof(*r));

	r->service = s;
	r->arena = arena;
	r->suite = *suite;
	r->suite.name = arena_strdup(arena, suite->name);
	r->fd = -1;
	r->is_first = true;
	r->request.data = r;
	r->next = s->reports;
	s->reports = r;
	s->afterworks++;
	read_on(r);
}

void
service_read_report(struct service *s, const struct store_test_suite *suite,
    store_done_fn done, void *data)
{
	const struct error none = ERROR_INIT;
	struct test_report *r = find_report(s, suite->job);

	if (s->is_closing) { /* the next start finds it unread */
		if (done != NULL)
			done(data, &none);
		return;
	}
	if (r != NULL)
		r->again = true;
	else
		report_start(s, suite);
	r = find_report(s, suite->job);
	if (done == NULL)
		return;
	ARENA_GROW(r->arena, r->waiting, r->waiting_count, r->waiting_cap);
	r->waiting[r->waiting_count++] = (struct waiting){ done, data };
}

/* ---- those that a stop left unread ------------------------------------------ */

struct unread {
	struct service *service;
	struct arena *arena;
	struct store_test_suite *rows;
	size_t count, cap;
};

static bool
on_unread(const struct store_test_suite *row, void *data)
{
	struct unread *u = data;

	ARENA_GROW(u->arena, u->rows, u->count, u->cap);
	u->rows[u->count] = *row;
	u->rows[u->count++].name = arena_strdup(u->arena, row->name);
	return true;
}

static int
list_unread(struct store_view *v, void *data, struct error *err)
{
	return store_list_unread_test_suites(v, on_unread, data, err);
}

static void
on_listed(void *data, const struct error *err)
{
	struct unread *u = data;

	if (err->code != 0)
		log_error("cannot read which test reports are unread: %s", err->msg);
	for (size_t i = 0; i < u->count; i++)
		service_read_report(u->service, &u->rows[i], NULL, NULL);
	arena_free(u->arena);
	free(u);
}

void
service_read_unread_reports(struct service *s)
{
	struct unread *u = xcalloc(1, sizeof(*u));

	u->service = s;
	u->arena = arena_new();
	store_read(s->o.store, list_unread, on_listed, u);
}
