/*
 * The store's thread and its readers. Writes queue up while a commit is on its way to the
 * disk and go into the next one together, each in a savepoint; the loop hears of them
 * through one uv_async. Reads are uv_queue_work() on connections that are kept for the
 * next read, two at most. What lock guards is said in struct store.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>
#include <uv.h>

#include "base/path.h"
#include "scheduler/store_internal.h"

enum {
	BATCH_MAX = 2000, /* writes of one commit, so that the first waits not too long */
	CHECKPOINT_PAGES = 2000, /* 8 MB: copied in some 20 ms, also under load */
	IDLE_PAGES = 64,         /* worth copying when there is nothing else to do */
	IDLE_MS = 100,
	REST_TURNS = 10, /* idle that often: memory is given back */
	VIEWS_KEPT = 2,
};

/* One write or read, from store_write() to its done(). */
struct op {
	struct op *next, *prev; /* prev: of reads */
	store_write_fn write;   /* NULL: a read */
	store_read_fn read;
	store_done_fn done;
	void *data;
	struct error *err; /* NULL: success */
	bool waited_for;   /* by store_write_now(), which owns it */
	bool finished;
	bool abandoned; /* its done() was called by store_close() */
	uint64_t asked_ns;
	struct store *store;
	uv_work_t work;
};

struct queue {
	struct op *first, *last;
	size_t count;
};

struct store {
	uv_async_t
	    async; /* alive until the loop has closed it; keeps the loop while owed */
	uv_thread_t thread;
	char *path;
	size_t owed;          /* loop thread: writes whose done() has not been called */
	bool closed;          /* loop thread */
	struct op *reads;     /* loop thread: those whose done() has not been called */
	struct store_txn txn; /* store thread: the writing connection */
	int64_t wal_pages, copied_pages; /* store thread: of the log, and checkpointed */

	int idle_turns;        /* store thread: since anything was asked */
	uint64_t reads_before; /* store thread: how many reads there were by then */

	uv_mutex_t lock;   /* of all below */
	uv_cond_t wake;    /* the store thread: there is something to do */
	uv_cond_t settled; /* the loop thread, where it waits: an op is finished */
	bool stopping;
	bool rests; /* the store thread has done all there is to do when idle */
	struct queue queued, answered;
	struct store_view *views; /* connections kept for the next read */
	size_t view_count;
	struct store_stats stats;
};

/* ---- queues ---------------------------------------------------------------- */

static void
push(struct queue *q, struct op *op)
{
	op->next = NULL;
	if (q->last != NULL)
		q->last->next = op;
	else
		q->first = op;
	q->last = op;
	q->count++;
}

static struct op *
pop(struct queue *q)
{
	struct op *op = q->first;

	if (op == NULL)
		return NULL;
	q->first = op->next;
	if (q->first == NULL)
		q->last = NULL;
	q->count--;
	return op;
}

static void
set_failure(struct op *op, const struct error *err)
{
	if (op->err == NULL)
		op->err = xmemdup(err, sizeof(*err));
}

static void
free_op(struct op *op)
{
	if (op == NULL)
		return;
	free(op->err);
	free(op);
}

static void
call_done(struct op *op)
{
	static const struct error success = ERROR_INIT;

	if (op->done != NULL)
		op->done(op->data, op->err == NULL ? &success : op->err);
}

/* ---- the store thread ------------------------------------------------------ */

/* A function that fails without saying why has failed all the same. */
static int
settle(int rc, struct error *err)
{
	if (rc < 0 && err->code == 0)
		error_set(err, rc, "it failed and did not say why");
	return rc;
}

/* False: there is no transaction any more. */
static bool
run_write(struct store *s, struct op *op)
{
	struct store_db *db = &s->txn.db;
	struct error err = ERROR_INIT;
	bool fine;

	if (store_db_exec(db, "SAVEPOINT w", &err) < 0) {
		set_failure(op, &err);
		return false;
	}
	fine = settle(op->write(&s->txn, op->data, &err), &err) >= 0;
	if (!fine)
		set_failure(op, &err);
	return (fine || store_db_try(db, "ROLLBACK TO w")) &&
	    store_db_try(db, "RELEASE w");
}

static void
fail_all(struct queue *batch, const struct error *err)
{
	for (struct op *op = batch->first; op != NULL; op = op->next)
		set_failure(op, err);
}

/*
 * An error of the disk in the middle may make SQLite undo the whole transaction; then
 * nobody's write is there any more, and everybody is told.
 */
static int
run_batch(struct store *s, struct queue *batch, struct error *err)
{
	struct store_db *db = &s->txn.db;

	if (store_db_exec(db, "BEGIN IMMEDIATE", err) < 0)
		return err->code;
	for (struct op *op = batch->first; op != NULL; op = op->next)
		if (!run_write(s, op) || !store_db_in_transaction(db)) {
			store_db_try(db, "ROLLBACK");
			return error_set(err, ERR_ENVIRONMENT,
			    "the changes of one transaction were undone: %s",
			    op->err != NULL ? op->err->msg : s->path);
		}
	if (store_db_exec(db, "COMMIT", err) < 0) {
		store_db_try(db, "ROLLBACK");
		return error_wrap(err, "the change is not stored");
	}
	return 0;
}

static void
count_batch(struct store *s, const struct queue *batch, bool committed, uint64_t start_ns)
{
	struct store_stats *stats = &s->stats;
	uint64_t now_ns = uv_hrtime();

	for (const struct op *op = batch->first; op != NULL; op = op->next)
		if (op->err != NULL)
			stats->failed_writes++;
		else
			histogram_add(
			    &stats->write, (int64_t)(now_ns - op->asked_ns) / 1000);
	if (committed)
		histogram_add(&stats->commit, (int64_t)(now_ns - start_ns) / 1000);
}

static void
answer(struct store *s, struct queue *batch)
{
	struct op *op;
	bool tell_loop = false;

	while ((op = pop(batch)) != NULL)
		if (op->waited_for) {
			op->finished = true;
		} else {
			push(&s->answered, op);
			tell_loop = true;
		}
	uv_cond_broadcast(&s->settled);
	if (tell_loop)
		uv_async_send(&s->async);
}

/* The log begins anew when all of it was copied and nobody reads it: it is shorter then.
 */
static int64_t
pages_to_copy(struct store *s)
{
	if (s->wal_pages < s->copied_pages)
		s->copied_pages = 0;
	return s->wal_pages - s->copied_pages;
}

static void
commit(struct store *s, struct queue *batch)
{
	struct error err = ERROR_INIT;
	uint64_t start = uv_hrtime();
	bool committed = run_batch(s, batch, &err) == 0;

	if (!committed)
		fail_all(batch, &err);
	uv_mutex_lock(&s->lock);
	count_batch(s, batch, committed, start);
	s->stats.wal_pages = (uint64_t)pages_to_copy(s);
	answer(s, batch);
	uv_mutex_unlock(&s->lock);
}

static void
checkpoint(struct store *s)
{
	store_db_checkpoint(&s->txn.db, &s->wal_pages);
	s->copied_pages =
	    s->wal_pages; /* or as far as readers let it; then the next time */
}

static void
close_view(struct store_view *v)
{
	if (v == NULL)
		return;
	store_db_close(&v->db);
	free(v);
}

static void
close_kept_views(struct store *s)
{
	struct store_view *v, *next;

	uv_mutex_lock(&s->lock);
	v = s->views;
	s->views = NULL;
	s->view_count = 0;
	uv_mutex_unlock(&s->lock);
	for (; v != NULL; v = next) {
		next = v->next;
		close_view(v);
	}
}

/* Whether there were no reads either since it was asked last. */
static bool
nothing_read(struct store *s)
{
	uint64_t reads;

	uv_mutex_lock(&s->lock);
	reads = s->stats.reads;
	uv_mutex_unlock(&s->lock);
	if (reads == s->reads_before)
		return true;
	s->reads_before = reads;
	return false;
}

/* Nothing was written for a while: what was put off is done, and if there was nothing for
 * longer, memory given back. */
static void
idle(struct store *s)
{
	if (pages_to_copy(s) >= IDLE_PAGES)
		checkpoint(s);
	s->idle_turns = nothing_read(s) ? s->idle_turns + 1 : 0;
	if (s->idle_turns < REST_TURNS)
		return;
	close_kept_views(s);
	store_db_relax(&s->txn.db);
	(void)malloc_trim(0); /* else it stays with the process */
	uv_mutex_lock(&s->lock);
	s->rests = s->stats.reads == s->reads_before;
	uv_mutex_unlock(&s->lock);
}

/* With lock held. False: nothing came for a while. */
static bool
wait_for_work(struct store *s)
{
	while (s->queued.first == NULL && !s->stopping) {
		if (s->rests)
			uv_cond_wait(&s->wake, &s->lock);
		else if (uv_cond_timedwait(
			     &s->wake, &s->lock, IDLE_MS * UINT64_C(1000000)) != 0)
			return false;
	}
	return true;
}

/* False: the store is closed and there is nothing more to commit. */
static bool
take_batch(struct store *s, struct queue *batch)
{
	struct op *op;

	uv_mutex_lock(&s->lock);
	while (!wait_for_work(s)) {
		uv_mutex_unlock(&s->lock);
		idle(s);
		uv_mutex_lock(&s->lock);
	}
	while (batch->count < BATCH_MAX && (op = pop(&s->queued)) != NULL)
		push(batch, op);
	s->stats.queued = s->queued.count;
	s->rests = false;
	uv_mutex_unlock(&s->lock);
	s->idle_turns = 0;
	return batch->count > 0;
}

static void
run_thread(void *arg)
{
	struct store *s = arg;
	struct queue batch = { .count = 0 };

	while (take_batch(s, &batch)) {
		commit(s, &batch);
		if (pages_to_copy(s) >= CHECKPOINT_PAGES)
			checkpoint(s);
	}
}

/* ---- writes, on the loop thread -------------------------------------------- */

static struct op *
new_op(struct store *s, store_done_fn done, void *data)
{
	struct op *op = xcalloc(1, sizeof(*op));

	op->store = s;
	op->done = done;
	op->data = data;
	return op;
}

/* The loop runs on while somebody waits for a done(). */
static void
owe(struct store *s, int change)
{
	s->owed += (size_t)change;
	if (s->closed)
		return;
	if (s->owed > 0)
		uv_ref((uv_handle_t *)&s->async);
	else
		uv_unref((uv_handle_t *)&s->async);
}

/* One at a time, since a done() may close the store. */
static void
deliver(struct store *s)
{
	for (;;) {
		struct op *op;

		uv_mutex_lock(&s->lock);
		op = pop(&s->answered);
		uv_mutex_unlock(&s->lock);
		if (op == NULL)
			return;
		owe(s, -1);
		call_done(op);
		free_op(op);
	}
}

static void
on_async(uv_async_t *async)
{
	deliver(async->data);
}

static void
enqueue(struct store *s, struct op *op)
{
	op->asked_ns = uv_hrtime();
	uv_mutex_lock(&s->lock);
	push(&s->queued, op);
	s->stats.queued = s->queued.count;
	uv_cond_signal(&s->wake);
	uv_mutex_unlock(&s->lock);
}

/* What is asked of a store that is being closed. */
static void
refuse(struct store *s, struct op *op)
{
	struct error err = ERROR_INIT;

	error_set(&err, ERR_CANCELED, "the server is ending");
	set_failure(op, &err);
	uv_mutex_lock(&s->lock);
	push(&s->answered, op); /* store_close() delivers until there is none */
	uv_mutex_unlock(&s->lock);
}

void
store_write(struct store *s, store_write_fn fn, store_done_fn done, void *data)
{
	struct op *op = new_op(s, done, data);

	op->write = fn;
	owe(s, +1);
	if (s->closed)
		refuse(s, op);
	else
		enqueue(s, op);
}

int
store_write_now(struct store *s, store_write_fn fn, void *data, struct error *err)
{
	struct op op = { .write = fn, .data = data, .store = s, .waited_for = true };
	int rc = 0;

	enqueue(s, &op);
	uv_mutex_lock(&s->lock);
	while (!op.finished)
		uv_cond_wait(&s->settled, &s->lock);
	uv_mutex_unlock(&s->lock);
	if (op.err != NULL)
		rc = error_set(err, op.err->code, "%s", op.err->msg);
	free(op.err);
	return rc;
}

/* ---- reads ----------------------------------------------------------------- */

static struct store_view *
take_view(struct store *s, struct error *err)
{
	struct store_view *v;

	uv_mutex_lock(&s->lock);
	v = s->views;
	if (v != NULL) {
		s->views = v->next;
		s->view_count--;
	}
	uv_mutex_unlock(&s->lock);
	if (v != NULL)
		return v;
	v = xcalloc(1, sizeof(*v));
	if (store_db_open(&v->db, s->path, false, err) < 0) {
		close_view(v);
		return NULL;
	}
	return v;
}

static void
return_view(struct store *s, struct store_view *v, bool sound)
{
	uv_mutex_lock(&s->lock);
	s->stats.reads++;
	if (s->rests) { /* or this connection would be kept for good */
		s->rests = false;
		uv_cond_signal(&s->wake);
	}
	if (sound && s->view_count < VIEWS_KEPT) {
		v->next = s->views;
		s->views = v;
		s->view_count++;
		v = NULL;
	}
	uv_mutex_unlock(&s->lock);
	close_view(v);
}

/* In one transaction, so that all it reads is of one moment. */
static int
run_read(struct store *s, store_read_fn fn, void *data, struct error *err)
{
	struct store_view *v = take_view(s, err);
	bool sound;
	int rc;

	if (v == NULL)
		return err->code;
	rc = store_db_exec(&v->db, "BEGIN", err);
	if (rc == 0)
		rc = settle(fn(v, data, err), err);
	sound = store_db_try(&v->db, "COMMIT");
	return_view(s, v, sound);
	return rc;
}

static void
on_read(uv_work_t *work)
{
	struct op *op = work->data;
	struct store *s = op->store;
	struct error err = ERROR_INIT;

	if (run_read(s, op->read, op->data, &err) < 0)
		set_failure(op, &err);
	uv_mutex_lock(&s->lock);
	op->finished = true;
	uv_cond_broadcast(&s->settled);
	uv_mutex_unlock(&s->lock);
}

static void
unlink_read(struct op *op)
{
	if (op->prev != NULL)
		op->prev->next = op->next;
	else
		op->store->reads = op->next;
	if (op->next != NULL)
		op->next->prev = op->prev;
}

static void
on_read_done(uv_work_t *work, int status UNUSED)
{
	struct op *op = work->data;

	if (!op->abandoned) {
		unlink_read(op);
		call_done(op);
	}
	free_op(op);
}

void
store_read(struct store *s, store_read_fn fn, store_done_fn done, void *data)
{
	struct op *op = new_op(s, done, data);

	op->read = fn;
	if (s->closed) {
		owe(s, +1);
		refuse(s, op);
		return;
	}
	op->next = s->reads;
	if (op->next != NULL)
		op->next->prev = op;
	s->reads = op;
	op->work.data = op;
	uv_queue_work(s->async.loop, &op->work, on_read, on_read_done);
}

int
store_read_now(struct store *s, store_read_fn fn, void *data, struct error *err)
{
	return run_read(s, fn, data, err);
}

/* ---- opening and closing --------------------------------------------------- */

/* Readable by nobody else; SQLite gives its other files the same mode. */
static int
make_file(const char *dir, const char *path, struct error *err)
{
	cleanup_close int fd =
	    open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
	cleanup_close int folder = -1;

	if (fd < 0 && errno == EEXIST)
		return 0;
	if (fd < 0)
		return error_errno(err, "cannot create %s", path);
	folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0 || fsync(folder) < 0)
		return error_errno(err, "cannot create %s", path);
	return 0;
}

static int
open_database(struct store *s, const char *dir, struct error *err)
{
	if (path_mkdirs(dir, S_IRWXU, err) < 0 || make_file(dir, s->path, err) < 0)
		return err->code = ERR_ENVIRONMENT;
	if (store_db_open(&s->txn.db, s->path, true, err) < 0)
		return err->code;
	store_db_watch_wal(&s->txn.db, &s->wal_pages);
	return store_schema_bring(&s->txn.db, 0, err);
}

static void
free_store(struct store *s)
{
	store_db_close(&s->txn.db);
	uv_mutex_destroy(&s->lock);
	uv_cond_destroy(&s->wake);
	uv_cond_destroy(&s->settled);
	free(s->path);
	free(s);
}

static struct store *
new_store(const char *dir)
{
	struct store *s = xcalloc(1, sizeof(*s));

	s->path = path_join(dir, "pawl.db");
	if (uv_mutex_init(&s->lock) < 0 || uv_cond_init(&s->wake) < 0 ||
	    uv_cond_init(&s->settled) < 0)
		abort(); /* no memory */
	return s;
}

static void
on_closed(uv_handle_t *handle)
{
	free_store(handle->data);
}

int
store_open(struct uv_loop_s *loop, const char *dir, struct store **out, struct error *err)
{
	struct store *s = new_store(dir);
	int rc;

	if (open_database(s, dir, err) < 0) {
		free_store(s);
		return err->code;
	}
	rc = uv_async_init(loop, &s->async, on_async);
	if (rc < 0) {
		free_store(s);
		return error_set(err, rc, "the store: %s", uv_strerror(rc));
	}
	s->async.data = s;
	uv_unref((uv_handle_t *)&s->async);
	rc = uv_thread_create(&s->thread, run_thread, s);
	if (rc < 0) {
		uv_close((uv_handle_t *)&s->async, on_closed);
		return error_set(err, ERR_ENVIRONMENT,
		    "cannot start the store's thread: %s", uv_strerror(rc));
	}
	*out = s;
	return 0;
}

/* A read that had not begun never will; one that runs is waited for. */
static void
settle_read(struct store *s, struct op *op)
{
	struct error err = ERROR_INIT;

	if (uv_cancel((uv_req_t *)&op->work) == 0) {
		error_set(&err, ERR_CANCELED, "the server is ending");
		set_failure(op, &err);
	} else {
		uv_mutex_lock(&s->lock);
		while (!op->finished)
			uv_cond_wait(&s->settled, &s->lock);
		uv_mutex_unlock(&s->lock);
	}
	unlink_read(op);
	op->abandoned = true; /* on_read_done() frees it */
	call_done(op);
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	s->closed = true;
	uv_mutex_lock(&s->lock);
	s->stopping = true;
	uv_cond_signal(&s->wake);
	uv_mutex_unlock(&s->lock);
	uv_thread_join(&s->thread);
	while (s->reads != NULL)
		settle_read(s, s->reads);
	deliver(s);
	close_kept_views(s);
	store_db_close(&s->txn.db);
	uv_close((uv_handle_t *)&s->async, on_closed);
}

void
store_get_stats(struct store *s, struct store_stats *out)
{
	uv_mutex_lock(&s->lock);
	*out = s->stats;
	uv_mutex_unlock(&s->lock);
}
