/*
 * What the files of the store share: a connection with its prepared statements, and
 * tables described by their columns, from which statements are made, rows bound and read.
 * A connection is used by one thread at a time.
 */
#ifndef SCHEDULER_STORE_INTERNAL_H
#define SCHEDULER_STORE_INTERNAL_H

#include "base/buf.h"
#include "base/map.h"
#include "scheduler/store.h"

struct sqlite3;
struct sqlite3_stmt;

/* ---- store_db.c: one connection -------------------------------------------- */

struct store_db {
	struct sqlite3 *handle;
	char *path;
	struct map statements; /* what it is known by → struct store_stmt */
	size_t statement_count;
};

struct store_txn {
	struct store_db db;
};

struct store_view {
	struct store_db db;
	struct store_view *next; /* while it is kept for the next read */
};

/* A prepared statement, taken from those of the connection until it is released. */
struct store_stmt {
	struct store_db *db;
	struct sqlite3_stmt *handle;
	bool kept, busy;
};

MUST_CHECK int store_db_open(
    struct store_db *db, const char *path, bool writable, struct error *err);
void store_db_close(struct store_db *db); /* one that was never opened too */

/* Fills err from what the connection says; returns its code. */
int store_db_error(struct store_db *db, int rc, struct error *err);

/* False: an error of the disk has undone the transaction. */
bool store_db_in_transaction(const struct store_db *db);

/* Moves what the log of writes (WAL) holds into the main file, as far as readers allow;
 * tells how long that log is. A failure is left for the next time. */
void store_db_checkpoint(struct store_db *db, int64_t *wal_pages);
/* After each commit *wal_pages is the length of the log. */
void store_db_watch_wal(struct store_db *db, int64_t *wal_pages);

/* Gives back what it holds only to be quick. */
void store_db_relax(struct store_db *db);

/* One or more statements without parameters. */
MUST_CHECK int store_db_exec(struct store_db *db, const char *sql, struct error *err);
/* The same where a failure needs no words. */
bool store_db_try(struct store_db *db, const char *sql);
/* A pragma's or a query's one number. */
MUST_CHECK int store_db_number(
    struct store_db *db, const char *sql, int64_t *out, struct error *err);

/* sql is also what it is known by. The same statement twice at a time is fine. */
MUST_CHECK int store_stmt_take(
    struct store_db *db, const char *sql, struct store_stmt **out, struct error *err);
/* Known by key; NULL, and no error, when it has not been made or is busy. */
struct store_stmt *store_stmt_find(struct store_db *db, const char *key);
MUST_CHECK int store_stmt_make(struct store_db *db, const char *key, const char *sql,
    struct store_stmt **out, struct error *err);
void store_stmt_release(struct store_stmt *st); /* NULL is fine */
DEFINE_CLEANUP(store_stmt, struct store_stmt, store_stmt_release)
#define cleanup_stmt __attribute__((cleanup(store_stmt_cleanup)))

/* 1: a row is there, 0: no more, negative: error. */
MUST_CHECK int store_stmt_step(struct store_stmt *st, struct error *err);
int64_t store_stmt_number(struct store_stmt *st); /* the row's first column */

/* ---- store_schema.c -------------------------------------------------------- */

/* Brings a database up to the version that has all of steps, one step per version; a step
 * is SQL texts, ending with NULL. */
MUST_CHECK int store_schema_upgrade(struct store_db *db, const char *const *const *steps,
    size_t step_count, struct error *err);
/* The same with the steps of this release, up to a version; 0: all of them. */
MUST_CHECK int store_schema_bring(struct store_db *db, size_t version, struct error *err);

/* ---- store_tables.c: what the tables look like ----------------------------- */

enum store_kind { /* the C type of the field, and how it is stored */
	COL_INT64,
	COL_REF, /* int64_t; 0 is NULL */
	COL_INT,
	COL_BOOL,
	COL_REAL,
	COL_TEXT,
	COL_BLOB, /* const void *, and a size_t at the offset len */
	COL_HASH, /* unsigned char[32]; all zeroes is NULL */
	COL_STATUS,
	COL_REASON,
	COL_OWNER,
};

enum {                /* of a column */
	COL_KEY = 1,  /* of the primary key */
	COL_LIFE = 2, /* what update writes */
};

struct store_column {
	const char *name;
	enum store_kind kind;
	unsigned flags;
	size_t offset, len;
};

struct store_table {
	const char *name, *one; /* "pipelines", "pipeline" */
	const struct store_column *columns;
	size_t column_count;
	size_t row_size;
	const char *order; /* of a list: columns */
};

extern const struct store_table store_namespaces, store_projects, store_refs,
    store_pipelines, store_jobs, store_artifacts, store_job_variables,
    store_given_variables, store_variables, store_users, store_tokens, store_runners,
    store_test_suites, store_test_cases, store_resource_groups;

const char *store_owner_name(enum store_owner owner);

/* ---- store_rows.c: rows in general ------------------------------------------ */

/* A parameter of a condition, or none at the end. */
struct store_arg {
	enum { STORE_ARG_END, STORE_ARG_INT, STORE_ARG_TEXT } kind;
	int64_t number;
	const char *text;
};
#define STORE_ARGS_MAX 32
#define ARG_INT(n)                                                                       \
	{                                                                                \
		STORE_ARG_INT, (n), NULL                                                 \
	}
#define ARG_TEXT(s)                                                                      \
	{                                                                                \
		STORE_ARG_TEXT, 0, (s)                                                   \
	}
#define ARG_END                                                                          \
	{                                                                                \
		STORE_ARG_END, 0, NULL                                                   \
	}

MUST_CHECK int store_row_put(struct store_txn *t, const struct store_table *table,
    const void *row, struct error *err);
MUST_CHECK int store_row_update(struct store_txn *t, const struct store_table *table,
    const void *row, struct error *err);
/* where: "id = ?1". Returns how many went, or negative. */
MUST_CHECK int store_row_delete(struct store_txn *t, const struct store_table *table,
    const char *where, const struct store_arg *args, struct error *err);

/* The first one that fits where; ERR_MISSING without. Its strings are put into a. */
MUST_CHECK int store_row_get(struct store_view *v, const struct store_table *table,
    const char *where, const struct store_arg *args, struct arena *a, void *out,
    struct error *err);

typedef bool (*store_row_fn)(const void *row, void *data);

/*
 * LIST_OF(job) gives list_of_job(), which is store_row_list() for a store_job_fn: a
 * function may not be called through a pointer of another type.
 */
#define LIST_OF(what)                                                                    \
	struct what##_list {                                                             \
		store_##what##_fn fn;                                                    \
		void *data;                                                              \
	};                                                                               \
	static bool on_##what(const void *row, void *data)                               \
	{                                                                                \
		const struct what##_list *list = data;                                   \
                                                                                         \
		return list->fn(row, list->data);                                        \
	}                                                                                \
	MUST_CHECK static int list_of_##what(struct store_view *v,                       \
	    const struct store_query *q, store_##what##_fn fn, void *data,               \
	    struct error *err)                                                           \
	{                                                                                \
		struct what##_list list = { fn, data };                                  \
                                                                                         \
		return store_row_list(v, q, on_##what, &list, err);                      \
	}

struct store_query {
	const struct store_table *table;
	const char *where;   /* all that follows the table: INDEXED BY, WHERE, ORDER BY */
	const char *without; /* a column to leave out, or NULL */
	const struct store_arg *args;
	int64_t *given; /* counts the rows; NULL: nobody asks */
};
MUST_CHECK int store_row_list(struct store_view *v, const struct store_query *q,
    store_row_fn fn, void *data, struct error *err);

MUST_CHECK int store_stmt_bind_args(
    struct store_stmt *st, const struct store_arg *args, struct error *err);

#endif
