/*
 * The store as a machine: commits in groups, in order, each write on its own; readers
 * beside them; a killed process, a full disk, files of other versions.
 */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "base/buf.h"
#include "base/path.h"
#include "scheduler/store_internal.h"
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

/* ---- writes ---------------------------------------------------------------- */

enum { WRITES = 1000 };

/* One write of a namespace "n<id>", or one that fails after it. */
struct attempt {
	int64_t id;
	bool fails;
	size_t size; /* of a pipeline of that id in its place; 0: none */
	int code;    /* as done() had it; 1: not called yet */
	int turn;    /* the how manieth done() it was */
	struct error err;
};

static struct attempt attempts[WRITES];
static int turns;

static int
write_attempt(struct store_txn *t, void *data, struct error *err)
{
	const struct attempt *a = data;
	cleanup_free char *path = xasprintf("n%" PRId64, a->id);
	cleanup_free char *big = xcalloc(1, a->size + 1);
	const struct store_namespace row = { .id = a->id, .path = path };
	const struct store_pipeline pipeline = { .id = a->id,
		.project = 1,
		.iid = a->id,
		.ref = "main",
		.sha = "a",
		.source = "push",
		.made_of = big,
		.made_of_len = a->size };

	if (a->size > 0)
		return store_put_pipeline(t, &pipeline, err);
	if (store_put_namespace(t, &row, err) < 0)
		return err->code;
	return a->fails ? error_set(err, ERR_INVALID, "no %" PRId64, a->id) : 0;
}

static void
on_attempt(void *data, const struct error *err)
{
	struct attempt *a = data;

	ck_assert_int_eq(a->code, 1);
	a->code = err->code;
	a->turn = turns++;
	a->err = *err;
}

static void
prepare_attempts(void)
{
	turns = 0;
	for (int i = 0; i < WRITES; i++)
		attempts[i] = (struct attempt){ .id = 10 + i, .code = 1 };
}

static void
submit_attempts(void)
{
	for (int i = 0; i < WRITES; i++)
		store_write(st.store, write_attempt, on_attempt, &attempts[i]);
}

static bool
note_id(const struct store_namespace *row, void *data)
{
	bool *there = data;

	if (row->id >= 10 && row->id < 10 + WRITES)
		there[row->id - 10] = true;
	return true;
}

static int
read_ids(struct store_view *v, void *data, struct error *err)
{
	return store_list_namespaces(v, note_id, data, err);
}

START_TEST(writes_share_commits)
{
	struct store_stats before, after;

	prepare_attempts();
	store_get_stats(st.store, &before);
	submit_attempts();
	uv_run(&st.loop, UV_RUN_DEFAULT);
	store_get_stats(st.store, &after);
	ck_assert_uint_eq(after.write.total - before.write.total, WRITES);
	ck_assert_uint_lt(after.commit.total - before.commit.total, WRITES / 10);
	ck_assert_uint_eq(after.queued, 0);
	ck_assert_uint_eq(after.failed_writes, 0);
}
END_TEST

START_TEST(done_comes_in_the_order_of_submission)
{
	prepare_attempts();
	submit_attempts();
	uv_run(&st.loop, UV_RUN_DEFAULT);
	for (int i = 0; i < WRITES; i++) {
		ck_assert_int_eq(attempts[i].code, 0);
		ck_assert_int_eq(attempts[i].turn, i);
	}
}
END_TEST

START_TEST(a_failing_write_is_undone_alone)
{
	bool there[WRITES] = { false };

	prepare_attempts();
	for (int i = 0; i < WRITES; i++)
		attempts[i].fails = i % 3 == 1;
	submit_attempts();
	uv_run(&st.loop, UV_RUN_DEFAULT);
	stored_read(&st, read_ids, there);
	for (int i = 0; i < WRITES; i++) {
		ck_assert_int_eq(attempts[i].code, i % 3 == 1 ? ERR_INVALID : 0);
		ck_assert(there[i] == (i % 3 != 1));
	}
	ck_assert_str_eq(attempts[1].err.msg, "no 11");
}
END_TEST

START_TEST(closing_commits_what_is_queued)
{
	bool there[WRITES] = { false };

	prepare_attempts();
	submit_attempts();
	stored_reopen(&st);
	ck_assert_int_eq(turns, WRITES);
	stored_read(&st, read_ids, there);
	for (int i = 0; i < WRITES; i++)
		ck_assert(there[i]);
}
END_TEST

static void
submit_one_more(void *data UNUSED, const struct error *err UNUSED)
{
	store_write(st.store, write_attempt, on_attempt, &attempts[1]);
	store_read(st.store, read_ids, on_attempt, &attempts[2]);
}

START_TEST(a_closing_store_refuses_more)
{
	prepare_attempts();
	store_write(st.store, write_attempt, submit_one_more, &attempts[0]);
	stored_reopen(&st);
	ck_assert_int_eq(attempts[1].code, ERR_CANCELED);
	ck_assert_int_eq(attempts[2].code, ERR_CANCELED);
}
END_TEST

static void
close_within(void *data UNUSED, const struct error *err UNUSED)
{
	store_close(st.store);
	st.store = NULL;
}

START_TEST(a_done_may_close_the_store)
{
	prepare_attempts();
	store_write(st.store, write_attempt, close_within, &attempts[0]);
	store_write(st.store, write_attempt, on_attempt, &attempts[1]);
	store_read(st.store, read_ids, NULL, (bool[WRITES]){ false });
	uv_run(&st.loop, UV_RUN_DEFAULT);
	ck_assert_int_eq(attempts[1].code, 0);
	ck_assert_ptr_null(st.store);
}
END_TEST

/* ---- reads beside them ----------------------------------------------------- */

struct look {
	int64_t first, second; /* namespaces, counted twice in one view */
	int code;
};

static bool
count_namespace(const struct store_namespace *row UNUSED, void *data)
{
	++*(int64_t *)data;
	return true;
}

static int
count_twice(struct store_view *v, void *data, struct error *err)
{
	struct look *look = data;

	if (store_list_namespaces(v, count_namespace, &look->first, err) < 0)
		return err->code;
	(void)nanosleep(&(struct timespec){ .tv_nsec = 500000 }, NULL);
	return store_list_namespaces(v, count_namespace, &look->second, err);
}

static void
on_look(void *data, const struct error *err)
{
	((struct look *)data)->code = err->code;
}

START_TEST(a_read_is_of_one_moment)
{
	static struct look looks[WRITES / 10];

	prepare_attempts();
	memset(looks, 0, sizeof(looks));
	for (int i = 0; i < WRITES; i++) {
		store_write(st.store, write_attempt, on_attempt, &attempts[i]);
		if (i % 10 == 0) {
			looks[i / 10].code = 1;
			store_read(st.store, count_twice, on_look, &looks[i / 10]);
			uv_run(&st.loop, UV_RUN_NOWAIT);
		}
	}
	uv_run(&st.loop, UV_RUN_DEFAULT);
	for (size_t i = 0; i < ARRAY_LEN(looks); i++) {
		ck_assert_int_eq(looks[i].code, 0);
		ck_assert_int_eq(looks[i].first, looks[i].second);
	}
}
END_TEST

static struct look after_done;

static void
look_now(void *data UNUSED, const struct error *err UNUSED)
{
	store_read(st.store, count_twice, on_look, &after_done);
}

START_TEST(a_read_sees_what_was_done)
{
	prepare_attempts();
	after_done = (struct look){ .code = 1 };
	store_write(st.store, write_attempt, look_now, &attempts[0]);
	uv_run(&st.loop, UV_RUN_DEFAULT);
	ck_assert_int_eq(after_done.code, 0);
	ck_assert_int_eq(after_done.first, 2);
}
END_TEST

static int
fail_silently(struct store_view *v UNUSED, void *data UNUSED, struct error *err UNUSED)
{
	return ERR_INVALID;
}

START_TEST(a_failure_always_has_words)
{
	struct error err = ERROR_INIT;

	ck_assert_int_eq(
	    store_read_now(st.store, fail_silently, NULL, &err), ERR_INVALID);
	ck_assert_str_eq(err.msg, "it failed and did not say why");
}
END_TEST

/* ---- kill ------------------------------------------------------------------ */

struct killed {
	int fd; /* where ids are told, once they are done */
	int64_t next;
	struct store *store;
};

static int
write_next(struct store_txn *t, void *data, struct error *err)
{
	int64_t id = (int64_t)(intptr_t)data;
	cleanup_free char *path = xasprintf("n%" PRId64, id);
	const struct store_namespace row = { .id = id, .path = path };

	return store_put_namespace(t, &row, err);
}

static struct killed victim;

static void
tell_and_go_on(void *data, const struct error *err)
{
	int64_t id = (int64_t)(intptr_t)data;

	if (err->code != 0 || write(victim.fd, &id, sizeof(id)) != sizeof(id))
		_exit(1);
	id = victim.next++;
	store_write(victim.store, write_next, tell_and_go_on, (void *)(intptr_t)id);
}

static void NORETURN
be_killed(const char *dir, int fd, int64_t next)
{
	struct error err = ERROR_INIT;
	uv_loop_t loop;

	victim = (struct killed){ .fd = fd, .next = next };
	if (uv_loop_init(&loop) < 0 || store_open(&loop, dir, &victim.store, &err) < 0)
		_exit(1);
	for (int i = 0; i < 40; i++) {
		int64_t id = victim.next++;

		store_write(
		    victim.store, write_next, tell_and_go_on, (void *)(intptr_t)id);
	}
	uv_run(&loop, UV_RUN_DEFAULT);
	_exit(1);
}

/* The highest id told before the process was killed; all below it were told too. */
static int64_t
kill_one(const char *dir, int64_t next, long delay_us)
{
	int ends[2], status;
	int64_t told = next - 1, id;
	pid_t pid;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		be_killed(dir, ends[1], next);
	close(ends[1]);
	(void)nanosleep(&(struct timespec){ .tv_nsec = delay_us * 1000 }, NULL);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFSIGNALED(status), "the writer ended by itself");
	while (read(ends[0], &id, sizeof(id)) == sizeof(id)) {
		ck_assert_int_eq(id, told + 1);
		told = id;
	}
	close(ends[0]);
	return told;
}

struct range {
	int64_t count, highest;
};

static bool
note_range(const struct store_namespace *row, void *data)
{
	struct range *r = data;

	r->count++;
	if (row->id > r->highest)
		r->highest = row->id;
	return true;
}

static int
read_sound(struct store_view *v, void *data, struct error *err)
{
	int64_t rows = 0;

	/* one row "ok" when it is sound */
	if (store_db_number(&v->db,
		"SELECT count(*) FROM pragma_integrity_check"
		" WHERE integrity_check = 'ok'",
		&rows, err) < 0)
		return err->code;
	ck_assert_int_eq(rows, 1);
	return store_list_namespaces(v, note_range, data, err);
}

START_TEST(a_kill_loses_nothing_that_was_told)
{
	cleanup_fixture char *dir = fixture_open();
	int rounds = getenv("SOAK") != NULL ? 500 : 20;
	unsigned seed = (unsigned)time(NULL);
	int64_t next = 1, told_in_all = 0;

	printf("seed %u\n", seed);
	for (int i = 0; i < rounds; i++) {
		int64_t told = kill_one(dir, next, 2000 + rand_r(&seed) % 60000);
		struct error err = ERROR_INIT;
		struct range r = { .count = 0 };
		struct store *store;
		uv_loop_t loop;

		ck_assert_int_eq(uv_loop_init(&loop), 0);
		if (store_open(&loop, dir, &store, &err) < 0 ||
		    store_read_now(store, read_sound, &r, &err) < 0)
			ck_abort_msg("%s", err.msg);
		ck_assert_int_ge(r.highest, told);
		ck_assert_int_eq(r.count, r.highest);
		store_close(store);
		uv_run(&loop, UV_RUN_DEFAULT);
		ck_assert_int_eq(uv_loop_close(&loop), 0);
		told_in_all += told - next + 1;
		next = r.highest + 1;
	}
	ck_assert_int_gt(told_in_all, rounds);
}
END_TEST

/* ---- a full disk ----------------------------------------------------------- */

static int
write_until_full(void)
{
	int i = 0;

	for (; i < WRITES && (i == 0 || attempts[i - 1].code == 0); i++) {
		attempts[i].size = 50000;
		store_write(st.store, write_attempt, on_attempt, &attempts[i]);
		uv_run(&st.loop, UV_RUN_DEFAULT);
	}
	return i - 1;
}

static int
read_pipelines(struct store_view *v, void *data, struct error *err)
{
	struct store_pipeline p;

	for (int i = 0; i < *(int *)data; i++)
		if (store_get_pipeline(v, attempts[i].id, st.arena, &p, err) < 0)
			return err->code;
	return 0;
}

START_TEST(a_full_disk_fails_writes_and_no_reads)
{
	cleanup_free char *small = path_join(st.root, "small");
	struct error err = ERROR_INIT;
	struct store *usual = st.store;
	int full;

	if (!fixture_can_mount()) {
		printf("skipped: a full disk needs root, to mount a small one\n");
		return;
	}
	fixture_sh(st.root,
	    "mkdir small && mount -t tmpfs -o size=4m none small && "
	    "cd small && cp ../pawl.db* . && "
	    "head -c 1500000 /dev/zero >ballast");
	if (store_open(&st.loop, small, &st.store, &err) < 0)
		ck_abort_msg("%s", err.msg);
	prepare_attempts();
	full = write_until_full();
	ck_assert_int_gt(full, 5);
	ck_assert_int_lt(full, WRITES - 1);
	ck_assert_int_eq(attempts[full].code, ERR_ENVIRONMENT);
	ck_assert_msg(
	    strstr(attempts[full].err.msg, "full") != NULL, "%s", attempts[full].err.msg);
	stored_read(&st, read_pipelines, &full);

	fixture_sh(small, "rm ballast");
	store_write(st.store, write_attempt, on_attempt, &attempts[full + 1]);
	uv_run(&st.loop, UV_RUN_DEFAULT);
	ck_assert_msg(attempts[full + 1].code == 0, "%s", attempts[full + 1].err.msg);
	stored_read(&st, read_pipelines, &full);
	store_close(st.store);
	st.store = usual;
	uv_run(&st.loop, UV_RUN_DEFAULT);
	fixture_sh(st.root, "umount small");
}
END_TEST

/* ---- versions -------------------------------------------------------------- */

static const char *const first_step[] = { "CREATE TABLE a (x INTEGER) STRICT",
	"INSERT INTO a VALUES (1), (2)", NULL };
static const char *const second_step[] = { "ALTER TABLE a ADD COLUMN y TEXT",
	"UPDATE a SET y = 'row ' || x", NULL };
static const char *const failing_step[] = { "CREATE TABLE b (x INTEGER)",
	"INSERT INTO nowhere VALUES (1)", NULL };
static const char *const *const old_steps[] = { first_step };
static const char *const *const new_steps[] = { first_step, second_step };
static const char *const *const bad_steps[] = { first_step, failing_step };

static void
open_db(struct store_db *db, const char *dir, const char *name)
{
	cleanup_free char *path = path_join(dir, name);
	struct error err = ERROR_INIT;

	if (store_db_open(db, path, true, &err) < 0)
		ck_abort_msg("%s", err.msg);
}

static int64_t
ask_db(struct store_db *db, const char *sql)
{
	struct error err = ERROR_INIT;
	int64_t n = -1;

	if (store_db_number(db, sql, &n, &err) < 0)
		ck_abort_msg("%s", err.msg);
	return n;
}

START_TEST(an_older_file_is_brought_up)
{
	struct error err = ERROR_INIT;
	struct store_db db;

	open_db(&db, st.root, "old.db");
	ck_assert_int_eq(store_schema_upgrade(&db, old_steps, 1, &err), 0);
	ck_assert_int_eq(ask_db(&db, "PRAGMA user_version"), 1);
	ck_assert_int_eq(store_schema_upgrade(&db, new_steps, 2, &err), 0);
	ck_assert_int_eq(store_schema_upgrade(&db, new_steps, 2, &err), 0);
	ck_assert_int_eq(ask_db(&db, "PRAGMA user_version"), 2);
	ck_assert_int_eq(
	    ask_db(&db, "SELECT count(*) FROM a WHERE y IN ('row 1', 'row 2')"), 2);
	store_db_close(&db);
}
END_TEST

/* What every version has had. */
static const char old_rows[] =
    "INSERT INTO namespaces (id, path, created_us) VALUES (1, 'team', 0);"
    "INSERT INTO projects (id, namespace, path, name, default_branch, visibility,"
    " archived, created_us) VALUES (1, 1, 'team/one', 'One', 'main', 'private', 0, 0);"
    "INSERT INTO pipelines (id, project, iid, ref, is_tag, ref_is_protected, sha, source,"
    " status, warnings, created_us, started_us, finished_us, updated_us)"
    " VALUES (1, 1, 1, 'main', 0, 1, 'a', 'push', 'canceled', 0, 1, 2, 3, 3);"
    "INSERT INTO jobs (id, pipeline, project, plan_index, name, stage, run_when,"
    " stage_index, status, reason, because, attempt, allow_failure, warned, played,"
    " interruptible, exit_code, resource_group, created_us, queued_us, started_us,"
    " finished_us,"
    " start_at_us, coverage, log_bytes, log_crc32, erased_us, peak_bytes, cpu_us)"
    " VALUES (1, 1, 1, 0, 'unit', 'test', 'on_success', 0, 'canceled', 'superseded', 2,"
    " 1, 0, 0, 0, 1, 0, 'prod', 1, 2, 3, 4, 0, -1, 0, -1, 0, 0, 0);";

/* A file of an earlier version with a job in it, opened by today's release. */
static void
make_version(const char *dir, int version)
{
	struct error err = ERROR_INIT;
	struct store_db db;

	ck_assert_int_eq(path_mkdirs(dir, 0700, &err), 0);
	open_db(&db, dir, "pawl.db");
	ck_assert_int_eq(store_schema_bring(&db, (size_t)version, &err), 0);
	ck_assert_int_eq(ask_db(&db, "PRAGMA user_version"), version);
	ck_assert_int_eq(
	    ask_db(&db, "SELECT count(*) FROM sqlite_schema WHERE name = 'test_cases'"),
	    version >= 2);
	ck_assert_int_eq(ask_db(&db,
			     "SELECT count(*) FROM sqlite_schema"
			     " WHERE name = 'pipelines_by_user'"),
	    version >= 3);
	if (store_db_exec(&db, old_rows, &err) < 0)
		ck_abort_msg("%s", err.msg);
	store_db_close(&db);
}

static int
put_suite_of_old_job(struct store_txn *t, void *data UNUSED, struct error *err)
{
	const struct store_test_suite suite = {
		.job = 1, .pipeline = 1, .project = 1, .name = "unit"
	};

	return store_put_test_suite(t, &suite, err);
}

static bool
note_id_of_pipeline(const struct store_pipeline *row, void *data)
{
	*(int64_t *)data = row->id;
	return true;
}

static int
check_old_job(struct store_view *v, void *data, struct error *err)
{
	const int *version = data;
	const struct store_pipeline_filter f = { .project = 1, .order = STORE_BY_USER };
	int64_t pipeline = 0;
	struct store_resource_group group;
	struct store_pipeline row;
	struct store_job job;

	if (store_list_pipelines(v, &f, NULL, note_id_of_pipeline, &pipeline, err) < 0)
		return err->code;
	ck_assert_int_eq(pipeline, 1);
	if (store_get_job(v, 1, st.arena, &job, err) < 0)
		return err->code;
	ck_assert_str_eq(job.name, "unit");
	ck_assert_ptr_null(job.cause);
	if (store_get_pipeline(v, 1, st.arena, &row, err) < 0)
		return err->code;
	ck_assert_int_eq(row.superseded_by, *version < 4 ? 2 : 0);
	if (*version >= 5)
		return 0;
	if (store_get_resource_group(v, 1, "prod", st.arena, &group, err) < 0)
		return err->code;
	ck_assert_str_eq(group.mode, "unordered");
	return 0;
}

START_TEST(an_earlier_version_is_brought_up)
{
	cleanup_free char *dir = path_join(st.root, "earlier");
	struct error err = ERROR_INIT;
	struct store *store = NULL;
	int version = _i;

	make_version(dir, version);
	if (store_open(&st.loop, dir, &store, &err) < 0 ||
	    store_write_now(store, put_suite_of_old_job, NULL, &err) < 0 ||
	    store_read_now(store, check_old_job, &version, &err) < 0)
		ck_abort_msg("%s", err.msg);
	store_close(store);
	uv_run(&st.loop, UV_RUN_DEFAULT);
}
END_TEST

START_TEST(a_failing_step_leaves_the_file_as_it_was)
{
	struct error err = ERROR_INIT;
	struct store_db db;

	open_db(&db, st.root, "old.db");
	ck_assert_int_eq(store_schema_upgrade(&db, old_steps, 1, &err), 0);
	ck_assert_int_eq(store_schema_upgrade(&db, bad_steps, 2, &err), ERR_INVALID);
	ck_assert_msg(strncmp(err.msg, "schema version 2: ", 18) == 0, "%s", err.msg);
	ck_assert_int_eq(ask_db(&db, "PRAGMA user_version"), 1);
	ck_assert_int_eq(
	    ask_db(&db, "SELECT count(*) FROM sqlite_schema WHERE name = 'b'"), 0);
	store_db_close(&db);
}
END_TEST

static const struct {
	const char *sql;  /* done to a new file beside */
	const char *text; /* or what the file holds */
	int code;
	const char *want;
} refusals[] = {
	{ "PRAGMA application_id = 1885435756; PRAGMA user_version = 99", NULL,
	    ERR_ENVIRONMENT,
	    "made by a newer pawl (schema version 99, this one knows 13); install that "
	    "release again, or take a backup made before it" },
	{ "CREATE TABLE x (y)", NULL, ERR_INVALID,
	    "this database was not made by pawl; name another data folder" },
	{ "PRAGMA application_id = 5", NULL, ERR_INVALID, "was not made by pawl" },
	{ NULL,
	    "This is a text, and as such longer than a header of SQLite. Is it? It "
	    "has to have a hundred bytes at least.",
	    ERR_INVALID, "the file is damaged or not a database" },
};

START_TEST(refuses_files_it_did_not_make)
{
	cleanup_free char *dir = path_join(st.root, "other");
	cleanup_free char *path = path_join(dir, "pawl.db");
	struct error err = ERROR_INIT;
	struct store *store = NULL;
	struct store_db db;

	ck_assert_int_eq(path_mkdirs(dir, 0700, &err), 0);
	if (refusals[_i].sql != NULL) {
		open_db(&db, dir, "pawl.db");
		ck_assert_int_eq(store_db_exec(&db, refusals[_i].sql, &err), 0);
		store_db_close(&db);
	} else {
		ck_assert_int_eq(path_write_file(path, refusals[_i].text,
				     strlen(refusals[_i].text), 0600, &err),
		    0);
	}
	ck_assert_int_eq(store_open(&st.loop, dir, &store, &err), refusals[_i].code);
	ck_assert_msg(strstr(err.msg, refusals[_i].want) != NULL, "%s", err.msg);
	ck_assert_msg(strstr(err.msg, path) != NULL, "%s", err.msg);
	ck_assert_ptr_null(store);
}
END_TEST

START_TEST(only_its_owner_may_read_the_files)
{
	fixture_sh(st.root, "test \"$(stat -c %%a pawl.db)\" = 600");
	fixture_sh(st.root, "test -z \"$(find . -name 'pawl.db*' -perm /077)\"");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store_commits");
	TCase *tc = tcase_create("store"), *alone = tcase_create("kill");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, writes_share_commits);
	tcase_add_test(tc, done_comes_in_the_order_of_submission);
	tcase_add_test(tc, a_failing_write_is_undone_alone);
	tcase_add_test(tc, closing_commits_what_is_queued);
	tcase_add_test(tc, a_closing_store_refuses_more);
	tcase_add_test(tc, a_done_may_close_the_store);
	tcase_add_test(tc, a_read_is_of_one_moment);
	tcase_add_test(tc, a_read_sees_what_was_done);
	tcase_add_test(tc, a_failure_always_has_words);
	tcase_add_test(tc, a_full_disk_fails_writes_and_no_reads);
	tcase_add_test(tc, an_older_file_is_brought_up);
	tcase_add_loop_test(tc, an_earlier_version_is_brought_up, 1, 9);
	tcase_add_test(tc, a_failing_step_leaves_the_file_as_it_was);
	tcase_add_loop_test(tc, refuses_files_it_did_not_make, 0, ARRAY_LEN(refusals));
	tcase_add_test(tc, only_its_owner_may_read_the_files);
	suite_add_tcase(suite, tc);
	tcase_set_timeout(alone, 900);
	tcase_add_test(alone, a_kill_loses_nothing_that_was_told);
	suite_add_tcase(suite, alone);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
