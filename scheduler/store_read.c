/* Single rows and the lists that need no paging; store_list.c has the others. */
#include "scheduler/store_internal.h"

/* ---- ids ------------------------------------------------------------------- */

static const struct {
	const char *table;
	size_t offset;
} counted[] = {
	{ "namespaces", offsetof(struct store_ids, namespace) },
	{ "projects", offsetof(struct store_ids, project) },
	{ "pipelines", offsetof(struct store_ids, pipeline) },
	{ "jobs", offsetof(struct store_ids, job) },
	{ "users", offsetof(struct store_ids, user) },
	{ "tokens", offsetof(struct store_ids, token) },
	{ "runners", offsetof(struct store_ids, runner) },
};

int
store_next_ids(struct store_view *v, struct store_ids *out, struct error *err)
{
	struct store_ids ids = { .job = 0 };

	for (size_t i = 0; i < ARRAY_LEN(counted); i++) {
		cleanup_free char *sql =
		    xasprintf("SELECT seq FROM sqlite_sequence WHERE name = '%s'",
			counted[i].table);
		int64_t *id = (void *)((char *)&ids + counted[i].offset);

		*id = 0;
		if (store_db_number(&v->db, sql, id, err) < 0)
			return err->code;
		++*id;
	}
	*out = ids;
	return 0;
}

int
store_next_iid(struct store_view *v, int64_t project, int64_t *out, struct error *err)
{
	cleanup_free char *sql =
	    xasprintf("SELECT last_iid + 1 FROM projects WHERE id = %" PRId64, project);
	int64_t next = 0;

	if (store_db_number(&v->db, sql, &next, err) < 0)
		return err->code;
	if (next == 0)
		return error_set(
		    err, ERR_MISSING, "there is no project %" PRId64, project);
	*out = next;
	return 0;
}

/* ---- one row --------------------------------------------------------------- */

static int
get_by_id(struct store_view *v, const struct store_table *table, int64_t id,
    struct arena *a, void *out, struct error *err)
{
	const struct store_arg args[] = { ARG_INT(id), ARG_END };
	int rc = store_row_get(v, table, "id = ?1", args, a, out, err);

	if (rc == ERR_MISSING)
		return error_set(err, rc, "there is no %s %" PRId64, table->one, id);
	return rc;
}

static int
get_by_name(struct store_view *v, const struct store_table *table, const char *where,
    const char *name, struct arena *a, void *out, struct error *err)
{
	const struct store_arg args[] = { ARG_TEXT(name), ARG_END };
	int rc = store_row_get(v, table, where, args, a, out, err);

	if (rc == ERR_MISSING)
		return error_set(err, rc, "there is no %s \"%s\"", table->one, name);
	return rc;
}

int
store_get_namespace(struct store_view *v, const char *path, struct arena *a,
    struct store_namespace *out, struct error *err)
{
	return get_by_name(v, &store_namespaces, "path = ?1", path, a, out, err);
}

int
store_get_project(struct store_view *v, int64_t id, struct arena *a,
    struct store_project *out, struct error *err)
{
	return get_by_id(v, &store_projects, id, a, out, err);
}

int
store_get_project_by_path(struct store_view *v, const char *path, struct arena *a,
    struct store_project *out, struct error *err)
{
	return get_by_name(v, &store_projects, "path = ?1", path, a, out, err);
}

int
store_get_ref(struct store_view *v, int64_t project, const char *name, struct arena *a,
    struct store_ref *out, struct error *err)
{
	const struct store_arg args[] = { ARG_INT(project), ARG_TEXT(name), ARG_END };

	return store_row_get(
	    v, &store_refs, "project = ?1 AND name = ?2", args, a, out, err);
}

int
store_get_pipeline(struct store_view *v, int64_t id, struct arena *a,
    struct store_pipeline *out, struct error *err)
{
	return get_by_id(v, &store_pipelines, id, a, out, err);
}

int
store_get_job(struct store_view *v, int64_t id, struct arena *a, struct store_job *out,
    struct error *err)
{
	return get_by_id(v, &store_jobs, id, a, out, err);
}

int
store_get_artifact(struct store_view *v, int64_t job, const char *type, struct arena *a,
    struct store_artifact *out, struct error *err)
{
	const struct store_arg args[] = { ARG_INT(job), ARG_TEXT(type), ARG_END };
	int rc = store_row_get(
	    v, &store_artifacts, "job = ?1 AND type = ?2", args, a, out, err);

	if (rc == ERR_MISSING)
		return error_set(
		    err, rc, "job %" PRId64 " has no artifact of type %s", job, type);
	return rc;
}

int
store_get_resource_group(struct store_view *v, int64_t project, const char *name,
    struct arena *a, struct store_resource_group *out, struct error *err)
{
	const struct store_arg args[] = { ARG_INT(project), ARG_TEXT(name), ARG_END };

	return store_row_get(
	    v, &store_resource_groups, "project = ?1 AND name = ?2", args, a, out, err);
}

int
store_get_user(struct store_view *v, int64_t id, struct arena *a, struct store_user *out,
    struct error *err)
{
	return get_by_id(v, &store_users, id, a, out, err);
}

int
store_get_user_by_login(struct store_view *v, const char *login, struct arena *a,
    struct store_user *out, struct error *err)
{
	return get_by_name(v, &store_users, "login = ?1", login, a, out, err);
}

int
store_get_runner(struct store_view *v, int64_t id, struct arena *a,
    struct store_runner *out, struct error *err)
{
	return get_by_id(v, &store_runners, id, a, out, err);
}

/* ---- lists ----------------------------------------------------------------- */

LIST_OF(namespace)
LIST_OF(ref)
LIST_OF(artifact)
LIST_OF(job_variable)
LIST_OF(variable)
LIST_OF(user)
LIST_OF(token)
LIST_OF(runner)

int
store_list_namespaces(
    struct store_view *v, store_namespace_fn fn, void *data, struct error *err)
{
	const struct store_query q = { .table = &store_namespaces,
		.where = "ORDER BY path" };

	return list_of_namespace(v, &q, fn, data, err);
}

int
store_list_refs(
    struct store_view *v, int64_t project, store_ref_fn fn, void *data, struct error *err)
{
	const struct store_arg args[] = { ARG_INT(project), ARG_END };
	const struct store_query q = { .table = &store_refs,
		.where = "WHERE project = ?1 ORDER BY name",
		.args = args };

	return list_of_ref(v, &q, fn, data, err);
}

int
store_list_artifacts(struct store_view *v, int64_t job, store_artifact_fn fn, void *data,
    struct error *err)
{
	const struct store_arg args[] = { ARG_INT(job), ARG_END };
	const struct store_query q = { .table = &store_artifacts,
		.where = "WHERE job = ?1 ORDER BY type",
		.args = args };

	return list_of_artifact(v, &q, fn, data, err);
}

int
store_list_expired(struct store_view *v, int64_t now_us, int64_t limit,
    store_artifact_fn fn, void *data, struct error *err)
{
	const struct store_arg args[] = { ARG_INT(now_us),
		ARG_INT(limit > 0 ? limit : -1), ARG_END };
	const struct store_query q = { .table = &store_artifacts,
		.where = "WHERE expire_us > 0 AND expire_us <= ?1"
			 " ORDER BY expire_us LIMIT ?2",
		.args = args };

	return list_of_artifact(v, &q, fn, data, err);
}

int
store_list_job_variables(struct store_view *v, int64_t job, store_job_variable_fn fn,
    void *data, struct error *err)
{
	const struct store_arg args[] = { ARG_INT(job), ARG_END };
	const struct store_query q = { .table = &store_job_variables,
		.where = "WHERE job = ?1 ORDER BY key",
		.args = args };

	return list_of_job_variable(v, &q, fn, data, err);
}

LIST_OF(given)

int
store_list_given(
    struct store_view *v, int64_t job, store_given_fn fn, void *data, struct error *err)
{
	const struct store_arg args[] = { ARG_INT(job), ARG_END };
	const struct store_query q = { .table = &store_given_variables,
		.where = "WHERE job = ?1 ORDER BY key",
		.args = args };

	return list_of_given(v, &q, fn, data, err);
}

int
store_list_variables(struct store_view *v, enum store_owner owner, int64_t owner_id,
    store_variable_fn fn, void *data, struct error *err)
{
	const struct store_arg args[] = { ARG_TEXT(store_owner_name(owner)),
		ARG_INT(owner_id), ARG_END };
	const struct store_query q = { .table = &store_variables,
		.where = "WHERE owner = ?1 AND owner_id = ?2 ORDER BY key, scope",
		.args = args };

	return list_of_variable(v, &q, fn, data, err);
}

int
store_list_users(struct store_view *v, store_user_fn fn, void *data, struct error *err)
{
	const struct store_query q = { .table = &store_users, .where = "ORDER BY id" };

	return list_of_user(v, &q, fn, data, err);
}

int
store_list_tokens(
    struct store_view *v, int64_t user, store_token_fn fn, void *data, struct error *err)
{
	const struct store_arg args[] = { ARG_INT(user), ARG_END };
	const struct store_query q = { .table = &store_tokens,
		.where = user == 0 ? "ORDER BY id" : "WHERE user = ?1 ORDER BY id",
		.args = user == 0 ? NULL : args };

	return list_of_token(v, &q, fn, data, err);
}

int
store_list_runners(
    struct store_view *v, store_runner_fn fn, void *data, struct error *err)
{
	const struct store_query q = { .table = &store_runners, .where = "ORDER BY id" };

	return list_of_runner(v, &q, fn, data, err);
}
