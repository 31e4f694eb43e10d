/*
 * Rows of any table: the statements are made from its columns, fields are bound and read
 * by their kind. Parameter and result number i are column i, whatever the statement.
 */
#include <assert.h>
#include <sqlite3.h>

#include "scheduler/store_internal.h"

enum { HASH_BYTES = 32 };

/* ---- fields ---------------------------------------------------------------- */

static int
bind_text(sqlite3_stmt *st, int i, const char *text)
{
	return text == NULL ? sqlite3_bind_null(st, i)
			    : sqlite3_bind_text(st, i, text, -1, SQLITE_STATIC);
}

static int
bind_blob(sqlite3_stmt *st, int i, const void *data, size_t len)
{
	/* a NULL pointer would be SQL's NULL, and a pointer to nothing is needed */
	return sqlite3_bind_blob64(st, i, data == NULL ? "" : data, len, SQLITE_STATIC);
}

static int
bind_ref(sqlite3_stmt *st, int i, int64_t id)
{
	return id == 0 ? sqlite3_bind_null(st, i) : sqlite3_bind_int64(st, i, id);
}

static int
bind_hash(sqlite3_stmt *st, int i, const unsigned char *hash)
{
	static const unsigned char none[HASH_BYTES];

	return memcmp(hash, none, HASH_BYTES) == 0
	    ? sqlite3_bind_null(st, i)
	    : sqlite3_bind_blob(st, i, hash, HASH_BYTES, SQLITE_STATIC);
}

static int
bind_field(sqlite3_stmt *st, int i, const struct store_column *c, const void *row)
{
	const void *field = (const char *)row + c->offset;
	const void *const *data = field;
	const size_t *len = (const void *)((const char *)row + c->len);

	switch (c->kind) {
	case COL_INT64:
		return sqlite3_bind_int64(st, i, *(const int64_t *)field);
	case COL_REF:
		return bind_ref(st, i, *(const int64_t *)field);
	case COL_INT:
		return sqlite3_bind_int(st, i, *(const int *)field);
	case COL_BOOL:
		return sqlite3_bind_int(st, i, *(const bool *)field);
	case COL_REAL:
		return sqlite3_bind_double(st, i, *(const double *)field);
	case COL_TEXT:
		return bind_text(st, i, *(const char *const *)field);
	case COL_BLOB:
		return *data == NULL && *len == 0 ? sqlite3_bind_null(st, i)
						  : bind_blob(st, i, *data, *len);
	case COL_HASH:
		return bind_hash(st, i, field);
	case COL_STATUS:
		return bind_text(st, i, status_name(*(const enum status *)field));
	case COL_REASON:
		return bind_text(st, i, reason_name(*(const enum reason *)field));
	case COL_OWNER:
		return bind_text(
		    st, i, store_owner_name(*(const enum store_owner *)field));
	}
	return SQLITE_MISUSE;
}

static bool
owner_parse(const char *name, enum store_owner *out)
{
	for (int i = 0; i < STORE_OWNER_COUNT; i++)
		if (strcmp(name, store_owner_name((enum store_owner)i)) == 0) {
			*out = (enum store_owner)i;
			return true;
		}
	return false;
}

/* A name of one of our enums; false on one this release does not know. */
static bool
read_name(enum store_kind kind, const char *name, void *field)
{
	if (name == NULL)
		return false;
	if (kind == COL_STATUS)
		return status_parse(name, field);
	return kind == COL_REASON ? reason_parse(name, field) : owner_parse(name, field);
}

static void
read_blob(sqlite3_stmt *st, int i, const struct store_column *c, void *row)
{
	const void **data = (void *)((char *)row + c->offset);
	size_t *len = (void *)((char *)row + c->len);

	*data = sqlite3_column_blob(st, i);
	*len = (size_t)sqlite3_column_bytes(st, i);
	if (*data == NULL && sqlite3_column_type(st, i) == SQLITE_BLOB)
		*data = "";
}

static bool
read_field(sqlite3_stmt *st, int i, const struct store_column *c, void *row)
{
	void *field = (char *)row + c->offset;

	switch (c->kind) {
	case COL_INT64:
	case COL_REF:
		*(int64_t *)field = sqlite3_column_int64(st, i);
		break;
	case COL_INT:
		*(int *)field = sqlite3_column_int(st, i);
		break;
	case COL_BOOL:
		*(bool *)field = sqlite3_column_int(st, i) != 0;
		break;
	case COL_REAL:
		*(double *)field = sqlite3_column_double(st, i);
		break;
	case COL_TEXT:
		*(const char **)field = (const char *)sqlite3_column_text(st, i);
		break;
	case COL_BLOB:
		read_blob(st, i, c, row);
		break;
	case COL_HASH:
		memset(field, 0, HASH_BYTES);
		if (sqlite3_column_bytes(st, i) == HASH_BYTES)
			memcpy(field, sqlite3_column_blob(st, i), HASH_BYTES);
		break;
	case COL_STATUS:
	case COL_REASON:
	case COL_OWNER:
		return read_name(
		    c->kind, (const char *)sqlite3_column_text(st, i), field);
	}
	return true;
}

static int
read_row(
    struct store_stmt *st, const struct store_table *table, void *row, struct error *err)
{
	for (size_t i = 0; i < table->column_count; i++) {
		const struct store_column *c = &table->columns[i];
		const char *text;

		if (read_field(st->handle, (int)i, c, row))
			continue;
		text = (const char *)sqlite3_column_text(st->handle, (int)i);
		return error_set(err, ERR_INVALID,
		    "%s: a %s has the %s \"%.60s\", which this pawl does not know",
		    st->db->path, table->one, c->name, text == NULL ? "" : text);
	}
	return 0;
}

/* From the connection's memory into the arena. */
static void
keep_row(const struct store_table *table, void *row, struct arena *a)
{
	for (size_t i = 0; i < table->column_count; i++) {
		const struct store_column *c = &table->columns[i];
		void *field = (char *)row + c->offset;
		const size_t *len = (const void *)((const char *)row + c->len);
		const char **text = field;
		const void **data = field;

		if (c->kind == COL_TEXT)
			*text = arena_strdup(a, *text);
		else if (c->kind == COL_BLOB && *data != NULL)
			*data = arena_memdup(a, *data, *len);
	}
}

/* ---- writing --------------------------------------------------------------- */

/* "INSERT … ON CONFLICT": unlike REPLACE it is no deletion of what refers to the row. */
static void
build_put(const struct store_table *table, struct buf *sql)
{
	const char *comma = "";

	buf_printf(sql, "INSERT INTO %s (", table->name);
	for (size_t i = 0; i < table->column_count; i++)
		buf_printf(sql, "%s%s", i == 0 ? "" : ", ", table->columns[i].name);
	buf_add_str(sql, ") VALUES (");
	for (size_t i = 0; i < table->column_count; i++)
		buf_printf(sql, "%s?%zu", i == 0 ? "" : ", ", i + 1);
	buf_add_str(sql, ") ON CONFLICT (");
	for (size_t i = 0; i < table->column_count; i++)
		if ((table->columns[i].flags & COL_KEY) != 0) {
			buf_printf(sql, "%s%s", comma, table->columns[i].name);
			comma = ", ";
		}
	buf_add_str(sql, ") DO UPDATE SET ");
	comma = "";
	for (size_t i = 0; i < table->column_count; i++)
		if ((table->columns[i].flags & COL_KEY) == 0) {
			buf_printf(
			    sql, "%s%s = ?%zu", comma, table->columns[i].name, i + 1);
			comma = ", ";
		}
}

static void
build_update(const struct store_table *table, struct buf *sql)
{
	const char *comma = "";

	assert((table->columns[0].flags & COL_KEY) != 0);
	buf_printf(sql, "UPDATE %s SET ", table->name);
	for (size_t i = 0; i < table->column_count; i++)
		if ((table->columns[i].flags & COL_LIFE) != 0) {
			buf_printf(
			    sql, "%s%s = ?%zu", comma, table->columns[i].name, i + 1);
			comma = ", ";
		}
	buf_printf(sql, " WHERE %s = ?1", table->columns[0].name);
}

/* Binds the columns that have one of flags; runs. */
static int
run_with_row(struct store_stmt *st, const struct store_table *table, const void *row,
    unsigned flags, struct error *err)
{
	for (size_t i = 0; i < table->column_count; i++) {
		const struct store_column *c = &table->columns[i];
		int rc = SQLITE_OK;

		if (flags == 0 || (c->flags & flags) != 0)
			rc = bind_field(st->handle, (int)i + 1, c, row);
		if (rc != SQLITE_OK)
			return store_db_error(st->db, rc, err);
	}
	return store_stmt_step(st, err);
}

int
store_row_put(struct store_txn *t, const struct store_table *table, const void *row,
    struct error *err)
{
	cleanup_stmt struct store_stmt *st = store_stmt_find(&t->db, table->name);

	if (st == NULL) {
		cleanup_buf struct buf sql = BUF_INIT;

		build_put(table, &sql);
		if (store_stmt_make(&t->db, table->name, buf_str(&sql), &st, err) < 0)
			return err->code;
	}
	if (run_with_row(st, table, row, 0, err) < 0)
		return error_wrap(err, "cannot store a %s", table->one);
	return 0;
}

int
store_row_update(struct store_txn *t, const struct store_table *table, const void *row,
    struct error *err)
{
	cleanup_stmt struct store_stmt *st = store_stmt_find(&t->db, table->one);

	if (st == NULL) {
		cleanup_buf struct buf sql = BUF_INIT;

		build_update(table, &sql);
		if (store_stmt_make(&t->db, table->one, buf_str(&sql), &st, err) < 0)
			return err->code;
	}
	if (run_with_row(st, table, row, COL_KEY | COL_LIFE, err) < 0)
		return error_wrap(err, "cannot update a %s", table->one);
	if (sqlite3_changes(t->db.handle) == 0)
		return error_set(err, ERR_MISSING, "there is no %s %" PRId64, table->one,
		    *(const int64_t *)row);
	return 0;
}

int
store_stmt_bind_args(
    struct store_stmt *st, const struct store_arg *args, struct error *err)
{
	for (int i = 0; args != NULL && args[i].kind != STORE_ARG_END; i++) {
		int rc = args[i].kind == STORE_ARG_INT
		    ? sqlite3_bind_int64(st->handle, i + 1, args[i].number)
		    : bind_text(st->handle, i + 1, args[i].text);

		if (rc != SQLITE_OK)
			return store_db_error(st->db, rc, err);
	}
	return 0;
}

int
store_row_delete(struct store_txn *t, const struct store_table *table, const char *where,
    const struct store_arg *args, struct error *err)
{
	cleanup_free char *sql = xasprintf("DELETE FROM %s WHERE %s", table->name, where);
	cleanup_stmt struct store_stmt *st = NULL;

	if (store_stmt_take(&t->db, sql, &st, err) < 0 ||
	    store_stmt_bind_args(st, args, err) < 0 || store_stmt_step(st, err) < 0)
		return error_wrap(err, "cannot delete a %s", table->one);
	return sqlite3_changes(t->db.handle);
}

/* ---- reading --------------------------------------------------------------- */

static int
take_select(struct store_view *v, const struct store_query *q, struct store_stmt **out,
    struct error *err)
{
	cleanup_buf struct buf sql = BUF_INIT;

	buf_add_str(&sql, "SELECT ");
	for (size_t i = 0; i < q->table->column_count; i++) {
		const char *name = q->table->columns[i].name;
		bool out_of_it = q->without != NULL && strcmp(q->without, name) == 0;

		buf_printf(&sql, "%s%s", i == 0 ? "" : ", ", out_of_it ? "NULL" : name);
	}
	buf_printf(&sql, " FROM %s %s", q->table->name, q->where);
	if (store_stmt_take(&v->db, buf_str(&sql), out, err) < 0)
		return err->code;
	return store_stmt_bind_args(*out, q->args, err);
}

int
store_row_get(struct store_view *v, const struct store_table *table, const char *where,
    const struct store_arg *args, struct arena *a, void *out, struct error *err)
{
	cleanup_free void *row = xcalloc(1, table->row_size);
	cleanup_free char *condition = xasprintf("WHERE %s", where);
	struct store_query q = { .table = table, .where = condition, .args = args };
	cleanup_stmt struct store_stmt *st = NULL;
	int found;

	if (take_select(v, &q, &st, err) < 0)
		return err->code;
	found = store_stmt_step(st, err);
	if (found < 0)
		return found;
	if (found == 0)
		return error_set(err, ERR_MISSING, "there is no such %s", table->one);
	if (read_row(st, table, row, err) < 0)
		return err->code;
	keep_row(table, row, a);
	memcpy(out, row, table->row_size);
	return 0;
}

int
store_row_list(struct store_view *v, const struct store_query *q, store_row_fn fn,
    void *data, struct error *err)
{
	cleanup_free void *row = xcalloc(1, q->table->row_size);
	cleanup_stmt struct store_stmt *st = NULL;
	int more;

	if (take_select(v, q, &st, err) < 0)
		return err->code;
	while ((more = store_stmt_step(st, err)) > 0) {
		if (read_row(st, q->table, row, err) < 0)
			return err->code;
		if (q->given != NULL)
			++*q->given;
		if (!fn(row, data))
			return 0;
	}
	return more;
}
