/*
 * The columns of each table and the fields of the rows they hold. The schema itself is in
 * store_schema.c; a test holds one against the other.
 */
#include "scheduler/store_internal.h"

#define ROW struct store_namespace
#define COLUMN(name, kind, field, flags)                                                 \
	{                                                                                \
		name, kind, flags, offsetof(ROW, field), 0                               \
	}
#define BLOB_COLUMN(name, field, length)                                                 \
	{                                                                                \
		name, COL_BLOB, 0, offsetof(ROW, field), offsetof(ROW, length)           \
	}
#define TABLE(title, single, list, by)                                                   \
	{                                                                                \
		title, single, list, ARRAY_LEN(list), sizeof(ROW), by                    \
	}

static const struct store_column namespace_columns[] = {
	COLUMN("id", COL_INT64, id, COL_KEY),
	COLUMN("parent", COL_REF, parent, 0),
	COLUMN("path", COL_TEXT, path, 0),
	COLUMN("created_us", COL_INT64, created_us, 0),
};
const struct store_table store_namespaces =
    TABLE("namespaces", "namespace", namespace_columns, "path");

#undef ROW
#define ROW struct store_project
static const struct store_column project_columns[] = {
	COLUMN("id", COL_INT64, id, COL_KEY),
	COLUMN("namespace", COL_INT64, namespace, 0),
	COLUMN("path", COL_TEXT, path, 0),
	COLUMN("name", COL_TEXT, name, 0),
	COLUMN("description", COL_TEXT, description, 0),
	COLUMN("default_branch", COL_TEXT, default_branch, 0),
	COLUMN("config_path", COL_TEXT, config_path, 0),
	COLUMN("visibility", COL_TEXT, visibility, 0),
	COLUMN("archived", COL_BOOL, archived, 0),
	COLUMN("created_us", COL_INT64, created_us, 0),
	COLUMN("protected_branches", COL_TEXT, protected_branches, 0),
	COLUMN("protected_tags", COL_TEXT, protected_tags, 0),
	COLUMN("keep_pipelines_s", COL_INT64, keep_pipelines_s, 0),
};
const struct store_table store_projects =
    TABLE("projects", "project", project_columns, "id");

#undef ROW
#define ROW struct store_ref
static const struct store_column ref_columns[] = {
	COLUMN("project", COL_INT64, project, COL_KEY),
	COLUMN("name", COL_TEXT, name, COL_KEY),
	COLUMN("sha", COL_TEXT, sha, 0),
	COLUMN("is_protected", COL_BOOL, is_protected, 0),
};
const struct store_table store_refs = TABLE("refs", "ref", ref_columns, "name");

#undef ROW
#define ROW struct store_pipeline
static const struct store_column pipeline_columns[] = {
	COLUMN("id", COL_INT64, id, COL_KEY),
	COLUMN("project", COL_INT64, project, 0),
	COLUMN("iid", COL_INT64, iid, 0),
	COLUMN("ref", COL_TEXT, ref, 0),
	COLUMN("is_tag", COL_BOOL, is_tag, 0),
	COLUMN("ref_is_protected", COL_BOOL, ref_is_protected, 0),
	COLUMN("sha", COL_TEXT, sha, 0),
	COLUMN("before_sha", COL_TEXT, before_sha, 0),
	COLUMN("source", COL_TEXT, source, 0),
	COLUMN("status", COL_STATUS, status, COL_LIFE),
	COLUMN("warnings", COL_BOOL, warnings, COL_LIFE),
	COLUMN("name", COL_TEXT, name, 0),
	COLUMN("auto_cancel", COL_TEXT, auto_cancel, 0),
	COLUMN("plan_hash", COL_TEXT, plan_hash, 0),
	COLUMN("user", COL_REF, user, 0),
	COLUMN("parent_job", COL_REF, parent_job, 0),
	COLUMN("created_us", COL_INT64, created_us, COL_LIFE),
	COLUMN("started_us", COL_INT64, started_us, COL_LIFE),
	COLUMN("finished_us", COL_INT64, finished_us, COL_LIFE),
	COLUMN("updated_us", COL_INT64, updated_us, COL_LIFE),
	COLUMN("errors", COL_TEXT, errors, 0),
	BLOB_COLUMN("made_of", made_of, made_of_len),
	COLUMN("superseded_by", COL_REF, superseded_by, COL_LIFE),
	COLUMN("priority", COL_INT, priority, COL_LIFE),
};
const struct store_table store_pipelines =
    TABLE("pipelines", "pipeline", pipeline_columns, "id");

#undef ROW
#define ROW struct store_job
static const struct store_column job_columns[] = {
	COLUMN("id", COL_INT64, id, COL_KEY),
	COLUMN("pipeline", COL_INT64, pipeline, 0),
	COLUMN("project", COL_INT64, project, 0),
	COLUMN("plan_index", COL_INT64, index, 0),
	COLUMN("name", COL_TEXT, name, 0),
	COLUMN("stage", COL_TEXT, stage, 0),
	COLUMN("run_when", COL_TEXT, when, 0),
	COLUMN("environment", COL_TEXT, environment, COL_LIFE),
	COLUMN("resource_group", COL_TEXT, resource_group, 0),
	COLUMN("stage_index", COL_INT64, stage_index, 0),
	COLUMN("status", COL_STATUS, status, COL_LIFE),
	COLUMN("reason", COL_REASON, reason, COL_LIFE),
	COLUMN("because", COL_REF, because, COL_LIFE),
	COLUMN("message", COL_TEXT, message, COL_LIFE),
	COLUMN("attempt", COL_INT, attempt, 0),
	COLUMN("retried_as", COL_REF, retried_as, COL_LIFE),
	COLUMN("allow_failure", COL_BOOL, allow_failure, 0),
	COLUMN("warned", COL_BOOL, warned, COL_LIFE),
	COLUMN("played", COL_BOOL, played, COL_LIFE),
	COLUMN("interruptible", COL_BOOL, interruptible, 0),
	COLUMN("exit_code", COL_INT, exit_code, COL_LIFE),
	COLUMN("runner", COL_REF, runner, COL_LIFE),
	COLUMN("downstream", COL_REF, downstream, COL_LIFE),
	COLUMN("created_us", COL_INT64, created_us, 0),
	COLUMN("queued_us", COL_INT64, queued_us, COL_LIFE),
	COLUMN("started_us", COL_INT64, started_us, COL_LIFE),
	COLUMN("finished_us", COL_INT64, finished_us, COL_LIFE),
	COLUMN("start_at_us", COL_INT64, start_at_us, COL_LIFE),
	COLUMN("coverage", COL_REAL, coverage, COL_LIFE),
	COLUMN("token_hash", COL_HASH, token_hash, COL_LIFE),
	COLUMN("log_bytes", COL_INT64, log_bytes, COL_LIFE),
	COLUMN("log_crc32", COL_INT64, log_crc32, COL_LIFE),
	COLUMN("erased_us", COL_INT64, erased_us, 0),
	COLUMN("peak_bytes", COL_INT64, usage.peak_bytes, COL_LIFE),
	COLUMN("cpu_us", COL_INT64, usage.cpu_us, COL_LIFE),
	COLUMN("read_bytes", COL_INT64, usage.read_bytes, COL_LIFE),
	COLUMN("written_bytes", COL_INT64, usage.written_bytes, COL_LIFE),
	COLUMN("image_digest", COL_TEXT, image_digest, COL_LIFE),
	COLUMN("tags", COL_TEXT, tags, 0),
	COLUMN("why", COL_TEXT, why, 0),
	COLUMN("needs", COL_TEXT, needs, 0),
	COLUMN("cause", COL_TEXT, cause, 0),
};
const struct store_table store_jobs = TABLE("jobs", "job", job_columns, "id");

#undef ROW
#define ROW struct store_artifact
static const struct store_column artifact_columns[] = {
	COLUMN("job", COL_INT64, job, COL_KEY),
	COLUMN("project", COL_INT64, project, 0),
	COLUMN("type", COL_TEXT, type, COL_KEY),
	COLUMN("format", COL_TEXT, format, 0),
	COLUMN("filename", COL_TEXT, filename, 0),
	COLUMN("size", COL_INT64, size, 0),
	COLUMN("sha256", COL_HASH, sha256, 0),
	COLUMN("created_us", COL_INT64, created_us, 0),
	COLUMN("expire_us", COL_INT64, expire_us, 0),
};
const struct store_table store_artifacts =
    TABLE("artifacts", "artifact", artifact_columns, "type");

#undef ROW
#define ROW struct store_job_variable
static const struct store_column job_variable_columns[] = {
	COLUMN("job", COL_INT64, job, COL_KEY),
	COLUMN("key", COL_TEXT, key, COL_KEY),
	COLUMN("value", COL_TEXT, value, 0),
	BLOB_COLUMN("sealed", sealed, sealed_len),
};
const struct store_table store_job_variables =
    TABLE("job_variables", "variable of a job", job_variable_columns, "key");

#undef ROW
#define ROW struct store_given
static const struct store_column given_columns[] = {
	COLUMN("job", COL_INT64, job, COL_KEY),
	COLUMN("key", COL_TEXT, key, COL_KEY),
	BLOB_COLUMN("value", value, value_len),
};
const struct store_table store_given_variables =
    TABLE("given_variables", "variable given to a job", given_columns, "key");

#undef ROW
#define ROW struct store_variable
static const struct store_column variable_columns[] = {
	COLUMN("owner", COL_OWNER, owner, COL_KEY),
	COLUMN("owner_id", COL_INT64, owner_id, COL_KEY),
	COLUMN("key", COL_TEXT, key, COL_KEY),
	COLUMN("scope", COL_TEXT, scope, COL_KEY),
	COLUMN("description", COL_TEXT, description, 0),
	COLUMN("is_file", COL_BOOL, is_file, 0),
	COLUMN("masked", COL_BOOL, masked, 0),
	COLUMN("hidden", COL_BOOL, hidden, 0),
	COLUMN("is_protected", COL_BOOL, is_protected, 0),
	COLUMN("raw", COL_BOOL, raw, 0),
	BLOB_COLUMN("value", value, value_len),
};
const struct store_table store_variables =
    TABLE("variables", "variable", variable_columns, "key, scope");

#undef ROW
#define ROW struct store_user
static const struct store_column user_columns[] = {
	COLUMN("id", COL_INT64, id, COL_KEY),
	COLUMN("login", COL_TEXT, login, 0),
	COLUMN("name", COL_TEXT, name, 0),
	COLUMN("email", COL_TEXT, email, 0),
	COLUMN("password_hash", COL_TEXT, password_hash, 0),
	COLUMN("is_admin", COL_BOOL, is_admin, 0),
	COLUMN("blocked", COL_BOOL, blocked, 0),
	COLUMN("created_us", COL_INT64, created_us, 0),
};
const struct store_table store_users = TABLE("users", "user", user_columns, "id");

#undef ROW
#define ROW struct store_token
static const struct store_column token_columns[] = {
	COLUMN("id", COL_INT64, id, COL_KEY),
	COLUMN("user", COL_REF, user, 0),
	COLUMN("project", COL_REF, project, 0),
	COLUMN("name", COL_TEXT, name, 0),
	COLUMN("scopes", COL_TEXT, scopes, 0),
	COLUMN("hash", COL_HASH, hash, 0),
	COLUMN("created_us", COL_INT64, created_us, 0),
	COLUMN("expires_us", COL_INT64, expires_us, 0),
	COLUMN("revoked_us", COL_INT64, revoked_us, 0),
	COLUMN("used_us", COL_INT64, used_us, 0),
};
const struct store_table store_tokens = TABLE("tokens", "token", token_columns, "id");

#undef ROW
#define ROW struct store_runner
static const struct store_column runner_columns[] = {
	COLUMN("id", COL_INT64, id, COL_KEY),
	COLUMN("token_hash", COL_HASH, token_hash, 0),
	COLUMN("description", COL_TEXT, description, 0),
	COLUMN("tags", COL_TEXT, tags, 0),
	COLUMN("run_untagged", COL_BOOL, run_untagged, 0),
	COLUMN("locked", COL_BOOL, locked, 0),
	COLUMN("only_protected", COL_BOOL, only_protected, 0),
	COLUMN("paused", COL_BOOL, paused, 0),
	COLUMN("maximum_timeout_s", COL_INT64, maximum_timeout_s, 0),
	COLUMN("job_limit", COL_INT64, limit, 0),
	COLUMN("owner", COL_OWNER, owner, 0),
	COLUMN("owner_id", COL_INT64, owner_id, 0),
	COLUMN("created_us", COL_INT64, created_us, 0),
	COLUMN("contacted_us", COL_INT64, contacted_us, 0),
	COLUMN("info", COL_TEXT, info, 0),
};
const struct store_table store_runners = TABLE("runners", "runner", runner_columns, "id");

#undef ROW
#define ROW struct store_test_suite
static const struct store_column test_suite_columns[] = {
	COLUMN("job", COL_INT64, job, COL_KEY),
	COLUMN("pipeline", COL_INT64, pipeline, 0),
	COLUMN("project", COL_INT64, project, 0),
	COLUMN("name", COL_TEXT, name, 0),
	COLUMN("is_read", COL_BOOL, is_read, 0),
	COLUMN("success", COL_INT64, success, 0),
	COLUMN("failed", COL_INT64, failed, 0),
	COLUMN("errored", COL_INT64, errored, 0),
	COLUMN("skipped", COL_INT64, skipped, 0),
	COLUMN("time_us", COL_INT64, time_us, 0),
	COLUMN("error", COL_TEXT, error, 0),
};
const struct store_table store_test_suites =
    TABLE("test_suites", "test report", test_suite_columns, "job");

#undef ROW
#define ROW struct store_test_case
static const struct store_column test_case_columns[] = {
	COLUMN("job", COL_INT64, job, COL_KEY),
	COLUMN("number", COL_INT64, number, COL_KEY),
	COLUMN("project", COL_INT64, project, 0),
	COLUMN("identity", COL_INT64, identity, 0),
	COLUMN("status", COL_TEXT, status, 0),
	COLUMN("time_us", COL_INT64, time_us, 0),
	COLUMN("suite", COL_TEXT, suite, 0),
	COLUMN("classname", COL_TEXT, classname, 0),
	COLUMN("name", COL_TEXT, name, 0),
	COLUMN("file", COL_TEXT, file, 0),
	COLUMN("output", COL_TEXT, output, 0),
};
const struct store_table store_test_cases =
    TABLE("test_cases", "test case", test_case_columns, "number");

#undef ROW
#define ROW struct store_resource_group
static const struct store_column resource_group_columns[] = {
	COLUMN("id", COL_INT64, id, COL_KEY),
	COLUMN("project", COL_INT64, project, 0),
	COLUMN("name", COL_TEXT, name, 0),
	COLUMN("mode", COL_TEXT, mode, 0),
	COLUMN("created_us", COL_INT64, created_us, 0),
	COLUMN("updated_us", COL_INT64, updated_us, 0),
};
const struct store_table store_resource_groups =
    TABLE("resource_groups", "resource group", resource_group_columns, "id");

const char *
store_owner_name(enum store_owner owner)
{
	static const char *const names[STORE_OWNER_COUNT] = {
		[STORE_INSTANCE] = "instance",
		[STORE_GROUP] = "group",
		[STORE_PROJECT] = "project",
	};

	return names[owner];
}
