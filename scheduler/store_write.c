/* The writes of store.h, one table after the other; store_rows.c does the work. */
#include "scheduler/store_internal.h"

int
store_put_namespace(
    struct store_txn *t, const struct store_namespace *row, struct error *err)
{
	return store_row_put(t, &store_namespaces, row, err);
}

int
store_put_project(struct store_txn *t, const struct store_project *row, struct error *err)
{
	return store_row_put(t, &store_projects, row, err);
}

int
store_put_ref(struct store_txn *t, const struct store_ref *row, struct error *err)
{
	return store_row_put(t, &store_refs, row, err);
}

static int
none_is_fine(int count)
{
	return count < 0 ? count : 0;
}

int
store_delete_ref(
    struct store_txn *t, int64_t project, const char *name, struct error *err)
{
	const struct store_arg args[] = { ARG_INT(project), ARG_TEXT(name), ARG_END };

	return none_is_fine(
	    store_row_delete(t, &store_refs, "project = ?1 AND name = ?2", args, err));
}

static int64_t
latest(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static struct store_pipeline
with_update_time(const struct store_pipeline *row)
{
	struct store_pipeline p = *row;

	if (p.updated_us == 0)
		p.updated_us = latest(p.created_us, latest(p.started_us, p.finished_us));
	return p;
}

static int
remember_iid(struct store_txn *t, const struct store_pipeline *row, struct error *err)
{
	const struct store_arg args[] = { ARG_INT(row->project), ARG_INT(row->iid),
		ARG_END };
	cleanup_stmt struct store_stmt *st = NULL;

	if (store_stmt_take(&t->db,
		"UPDATE projects SET last_iid = ?2 WHERE id = ?1 AND last_iid < ?2", &st,
		err) < 0 ||
	    store_stmt_bind_args(st, args, err) < 0)
		return err->code;
	return store_stmt_step(st, err);
}

int
store_put_pipeline(
    struct store_txn *t, const struct store_pipeline *row, struct error *err)
{
	struct store_pipeline p = with_update_time(row);

	if (store_row_put(t, &store_pipelines, &p, err) < 0)
		return err->code;
	return remember_iid(t, row, err);
}

int
store_update_pipeline(
    struct store_txn *t, const struct store_pipeline *row, struct error *err)
{
	struct store_pipeline p = with_update_time(row);

	return store_row_update(t, &store_pipelines, &p, err);
}

int
store_delete_pipeline(struct store_txn *t, int64_t id, struct error *err)
{
	const struct store_arg args[] = { ARG_INT(id), ARG_END };

	return none_is_fine(store_row_delete(t, &store_pipelines, "id = ?1", args, err));
}

int
store_put_job(struct store_txn *t, const struct store_job *row, struct error *err)
{
	return store_row_put(t, &store_jobs, row, err);
}

int
store_update_job(struct store_txn *t, const struct store_job *row, struct error *err)
{
	return store_row_update(t, &store_jobs, row, err);
}

int
store_put_artifact(
    struct store_txn *t, const struct store_artifact *row, struct error *err)
{
	return store_row_put(t, &store_artifacts, row, err);
}

int
store_delete_artifacts(
    struct store_txn *t, int64_t job, const char *type, struct error *err)
{
	const struct store_arg args[] = { ARG_INT(job), ARG_TEXT(type), ARG_END };

	return none_is_fine(store_row_delete(
	    t, &store_artifacts, "job = ?1 AND (?2 IS NULL OR type = ?2)", args, err));
}

/* ERR_MISSING: there is no such row. */
static int
change_one(struct store_txn *t, const char *sql, const struct store_arg *args,
    const char *what, struct error *err)
{
	cleanup_stmt struct store_stmt *st = NULL;
	int rows;

	if (store_stmt_take(&t->db, sql, &st, err) < 0 ||
	    store_stmt_bind_args(st, args, err) < 0)
		return err->code;
	rows = store_stmt_step(st, err);
	if (rows == 0)
		return error_set(err, ERR_MISSING, "there is no such %s", what);
	return rows < 0 ? rows : 0;
}

int
store_erase_job(struct store_txn *t, int64_t id, int64_t erased_us, struct error *err)
{
	const struct store_arg args[] = { ARG_INT(id), ARG_INT(erased_us), ARG_END };

	if (store_delete_artifacts(t, id, NULL, err) < 0)
		return err->code;
	return change_one(t, "UPDATE jobs SET erased_us = ?2 WHERE id = ?1 RETURNING id",
	    args, "job", err);
}

int
store_keep_artifacts(struct store_txn *t, int64_t job, struct error *err)
{
	const struct store_arg args[] = { ARG_INT(job), ARG_END };

	return change_one(t,
	    "UPDATE artifacts SET expire_us = 0 WHERE job = ?1 RETURNING 1", args,
	    "artifact", err);
}

int
store_put_job_variable(
    struct store_txn *t, const struct store_job_variable *row, struct error *err)
{
	return store_row_put(t, &store_job_variables, row, err);
}

int
store_put_given(struct store_txn *t, const struct store_given *row, struct error *err)
{
	return store_row_put(t, &store_given_variables, row, err);
}

int
store_put_variable(
    struct store_txn *t, const struct store_variable *row, struct error *err)
{
	return store_row_put(t, &store_variables, row, err);
}

int
store_delete_variable(struct store_txn *t, enum store_owner owner, int64_t owner_id,
    const char *key, const char *scope, struct error *err)
{
	const struct store_arg args[] = { ARG_TEXT(store_owner_name(owner)),
		ARG_INT(owner_id), ARG_TEXT(key), ARG_TEXT(scope), ARG_END };
	int count = store_row_delete(t, &store_variables,
	    "owner = ?1 AND owner_id = ?2 AND key = ?3 AND scope = ?4", args, err);

	if (count == 0)
		return error_set(err, ERR_MISSING,
		    "there is no variable %s with the environment scope %s", key, scope);
	return none_is_fine(count);
}

int
store_add_resource_group(
    struct store_txn *t, const struct store_resource_group *row, struct error *err)
{
	const struct store_arg args[] = { ARG_INT(row->project), ARG_TEXT(row->name),
		ARG_TEXT(row->mode), ARG_INT(row->created_us), ARG_END };
	cleanup_stmt struct store_stmt *st = NULL;

	if (store_stmt_take(&t->db,
		"INSERT INTO resource_groups (project, name, mode, created_us, "
		"updated_us) VALUES (?1, ?2, ?3, ?4, ?4) ON CONFLICT DO NOTHING",
		&st, err) < 0 ||
	    store_stmt_bind_args(st, args, err) < 0 || store_stmt_step(st, err) < 0)
		return error_wrap(err, "cannot store a resource group");
	return 0;
}

int
store_set_resource_group(
    struct store_txn *t, const struct store_resource_group *row, struct error *err)
{
	const struct store_arg args[] = { ARG_INT(row->project), ARG_TEXT(row->name),
		ARG_TEXT(row->mode), ARG_INT(row->updated_us), ARG_END };
	cleanup_stmt struct store_stmt *st = NULL;
	int found;

	if (store_stmt_take(&t->db,
		"UPDATE resource_groups SET mode = ?3, updated_us = ?4"
		" WHERE project = ?1 AND name = ?2 RETURNING id",
		&st, err) < 0 ||
	    store_stmt_bind_args(st, args, err) < 0)
		return err->code;
	found = store_stmt_step(st, err);
	if (found == 0)
		return error_set(
		    err, ERR_MISSING, "there is no resource group %s", row->name);
	return found < 0 ? found : 0;
}

int
store_put_user(struct store_txn *t, const struct store_user *row, struct error *err)
{
	return store_row_put(t, &store_users, row, err);
}

int
store_put_token(struct store_txn *t, const struct store_token *row, struct error *err)
{
	return store_row_put(t, &store_tokens, row, err);
}

int
store_put_runner(struct store_txn *t, const struct store_runner *row, struct error *err)
{
	return store_row_put(t, &store_runners, row, err);
}

int
store_delete_runner(struct store_txn *t, int64_t id, struct error *err)
{
	const struct store_arg args[] = { ARG_INT(id), ARG_END };

	return none_is_fine(store_row_delete(t, &store_runners, "id = ?1", args, err));
}
