/*
 * A connection to the database: how it is opened, what its errors mean to a person, and
 * the statements it keeps prepared. No memory-mapped reading: a damaged disk or a
 * truncated file would then be a signal instead of an error.
 */
#include <sqlite3.h>
#include <stdio.h>

#include "base/str.h"
#include "scheduler/store_internal.h"

/* Lists may be filtered in many ways; a statement costs some 5 KB. */
enum { STATEMENTS_MAX = 48 };

/* How long another program, such as a backup, may hold the database. */
enum { BUSY_MS = 10000 };

/*
 * FULL: a commit has reached the disk when it returns. Checkpoints are store.c's to make.
 * Page caches in KiB are small because the operating system has the file in its own;
 * the writer's should hold what one commit changes, and is given back when idle.
 */
static const char writer_pragmas[] = "PRAGMA foreign_keys = ON;"
				     "PRAGMA journal_mode = WAL;"
				     "PRAGMA synchronous = FULL;"
				     "PRAGMA wal_autocheckpoint = 0;"
				     "PRAGMA journal_size_limit = 16777216;"
				     "PRAGMA mmap_size = 0;"
				     "PRAGMA cache_size = -512;";
static const char reader_pragmas[] = "PRAGMA query_only = ON;"
				     "PRAGMA mmap_size = 0;"
				     "PRAGMA cache_size = -128;";

static bool
is_of_the_machine(int rc)
{
	static const int codes[] = { SQLITE_FULL, SQLITE_IOERR, SQLITE_READONLY,
		SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_BUSY, SQLITE_LOCKED, SQLITE_NOMEM,
		SQLITE_AUTH, SQLITE_PROTOCOL, SQLITE_NOLFS };

	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (codes[i] == (rc & 0xff))
			return true;
	return false;
}

static const char *
advice(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_FULL:
		return ": make room on that disk";
	case SQLITE_IOERR:
		return ": the disk is full or failing";
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
		return ": it and its folder have to be writable for this user";
	case SQLITE_BUSY:
		return ": another program holds it";
	case SQLITE_CORRUPT:
		return ": the file is damaged, take the last backup";
	case SQLITE_NOTADB:
		return ": the file is damaged or not a database";
	default:
		return "";
	}
}

int
store_db_error(struct store_db *db, int rc, struct error *err)
{
	int extended = db->handle != NULL ? sqlite3_extended_errcode(db->handle) : rc;
	const char *words =
	    db->handle != NULL ? sqlite3_errmsg(db->handle) : sqlite3_errstr(rc);

	return error_set(err, is_of_the_machine(rc) ? ERR_ENVIRONMENT : ERR_INVALID,
	    "%s: %s (SQLite %d)%s", db->path, words, extended, advice(rc));
}

int
store_db_open(struct store_db *db, const char *path, bool writable, struct error *err)
{
	int flags =
	    writable ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
	int rc;

	*db = (struct store_db){ .path = xstrdup(path) };
	rc = sqlite3_open_v2(path, &db->handle, flags | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc != SQLITE_OK)
		return store_db_error(db, rc, err);
	sqlite3_busy_timeout(db->handle, BUSY_MS);
	return store_db_exec(db, writable ? writer_pragmas : reader_pragmas, err);
}

static void
free_statement(struct store_stmt *st)
{
	sqlite3_finalize(st->handle);
	free(st);
}

static void
forget_statements(struct store_db *db)
{
	map_for_each(e, &db->statements) {
		struct store_stmt *st = e->value;

		if (st->busy)
			st->kept = false; /* its release frees it */
		else
			free_statement(st);
	}
	map_clear(&db->statements);
	db->statement_count = 0;
}

void
store_db_close(struct store_db *db)
{
	forget_statements(db);
	sqlite3_close_v2(db->handle);
	free(db->path);
	*db = (struct store_db){ .path = NULL };
}

int
store_db_exec(struct store_db *db, const char *sql, struct error *err)
{
	int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : store_db_error(db, rc, err);
}

bool
store_db_try(struct store_db *db, const char *sql)
{
	return sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK;
}

int
store_db_number(struct store_db *db, const char *sql, int64_t *out, struct error *err)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db->handle, sql, -1, &st, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*out = sqlite3_column_int64(st, 0);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		(void)store_db_error(db, rc, err);
	sqlite3_finalize(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : err->code;
}

bool
store_db_in_transaction(const struct store_db *db)
{
	return sqlite3_get_autocommit(db->handle) == 0;
}

void
store_db_checkpoint(struct store_db *db, int64_t *wal_pages)
{
	int pages = 0, done = 0;
	int rc = sqlite3_wal_checkpoint_v2(
	    db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, &done);

	if (rc == SQLITE_OK && pages >= 0)
		*wal_pages = pages;
}

void
store_db_relax(struct store_db *db)
{
	forget_statements(db);
	sqlite3_db_release_memory(db->handle);
}

static int
on_wal(void *data, sqlite3 *handle UNUSED, const char *name UNUSED, int pages)
{
	*(int64_t *)data = pages;
	return SQLITE_OK;
}

void
store_db_watch_wal(struct store_db *db, int64_t *wal_pages)
{
	sqlite3_wal_hook(db->handle, on_wal, wal_pages);
}

struct store_stmt *
store_stmt_find(struct store_db *db, const char *key)
{
	struct store_stmt *st = map_get(&db->statements, key);

	if (st == NULL || st->busy)
		return NULL;
	st->busy = true;
	return st;
}

int
store_stmt_make(struct store_db *db, const char *key, const char *sql,
    struct store_stmt **out, struct error *err)
{
	struct store_stmt *st;
	sqlite3_stmt *handle = NULL;
	int rc = sqlite3_prepare_v3(
	    db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, NULL);

	if (rc != SQLITE_OK)
		return store_db_error(db, rc, err);
	st = xcalloc(1, sizeof(*st));
	*st = (struct store_stmt){ .db = db, .handle = handle, .busy = true };
	if (!map_has(&db->statements, key)) {
		if (db->statement_count >= STATEMENTS_MAX)
			forget_statements(db);
		st->kept = true;
		map_set(&db->statements, key, st);
		db->statement_count++;
	}
	*out = st;
	return 0;
}

int
store_stmt_take(
    struct store_db *db, const char *sql, struct store_stmt **out, struct error *err)
{
	*out = store_stmt_find(db, sql);
	return *out != NULL ? 0 : store_stmt_make(db, sql, sql, out, err);
}

void
store_stmt_release(struct store_stmt *st)
{
	if (st == NULL)
		return;
	if (!st->kept) {
		free_statement(st);
		return;
	}
	sqlite3_reset(st->handle);
	sqlite3_clear_bindings(st->handle);
	st->busy = false;
}

int
store_stmt_step(struct store_stmt *st, struct error *err)
{
	int rc = sqlite3_step(st->handle);

	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : store_db_error(st->db, rc, err);
}

int64_t
store_stmt_number(struct store_stmt *st)
{
	return sqlite3_column_int64(st->handle, 0);
}
