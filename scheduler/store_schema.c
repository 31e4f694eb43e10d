/*
 * The schema, version by version: a database says in user_version how many of the steps
 * below it has had, and gets the rest, each in a transaction of its own. A step is a list
 * of statements. A step that was
 * released is never changed again.
 *
 * Ids are AUTOINCREMENT, so that SQLite remembers the highest one ever given. Large
 * columns stand last in their row: what comes after is what is skipped when reading.
 */
#include <assert.h>

#include "scheduler/store_internal.h"

/* "pawl": tells our file from any other SQLite database. */
enum { APPLICATION_ID = 0x7061776c };

static const char *const version_1[] = {
	"CREATE TABLE namespaces ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" parent INTEGER REFERENCES namespaces,"
	" path TEXT NOT NULL UNIQUE COLLATE NOCASE,"
	" created_us INTEGER NOT NULL) STRICT;"
	"CREATE INDEX namespaces_by_parent ON namespaces (parent);",

	"CREATE TABLE users ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" login TEXT NOT NULL UNIQUE COLLATE NOCASE,"
	" name TEXT NOT NULL,"
	" email TEXT,"
	" password_hash TEXT,"
	" is_admin INTEGER NOT NULL,"
	" blocked INTEGER NOT NULL,"
	" created_us INTEGER NOT NULL) STRICT;",

	/* last_iid: the highest a pipeline of the project ever had */
	"CREATE TABLE projects ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" namespace INTEGER NOT NULL REFERENCES namespaces,"
	" path TEXT NOT NULL UNIQUE COLLATE NOCASE,"
	" name TEXT NOT NULL,"
	" description TEXT,"
	" default_branch TEXT,"
	" config_path TEXT,"
	" visibility TEXT NOT NULL,"
	" archived INTEGER NOT NULL,"
	" created_us INTEGER NOT NULL,"
	" last_iid INTEGER NOT NULL DEFAULT 0) STRICT;"
	"CREATE INDEX projects_by_namespace ON projects (namespace);",

	"CREATE TABLE refs ("
	" project INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,"
	" name TEXT NOT NULL,"
	" sha TEXT NOT NULL,"
	" is_protected INTEGER NOT NULL,"
	" PRIMARY KEY (project, name)) STRICT, WITHOUT ROWID;",

	"CREATE TABLE pipelines ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" project INTEGER NOT NULL REFERENCES projects,"
	" iid INTEGER NOT NULL,"
	" ref TEXT NOT NULL,"
	" is_tag INTEGER NOT NULL,"
	" ref_is_protected INTEGER NOT NULL,"
	" sha TEXT NOT NULL,"
	" before_sha TEXT,"
	" source TEXT NOT NULL,"
	" status TEXT NOT NULL,"
	" warnings INTEGER NOT NULL,"
	" name TEXT,"
	" auto_cancel TEXT,"
	" plan_hash TEXT,"
	" user INTEGER,"
	" parent_job INTEGER,"
	" created_us INTEGER NOT NULL,"
	" started_us INTEGER NOT NULL,"
	" finished_us INTEGER NOT NULL,"
	" updated_us INTEGER NOT NULL,"
	" errors TEXT,"
	" made_of BLOB,"
	" UNIQUE (project, iid)) STRICT;"
	/* a list and its total need no row to know what it skips */
	"CREATE INDEX pipelines_by_project ON pipelines (project, id, source);"
	"CREATE INDEX pipelines_by_status ON pipelines (project, status, id, source);"
	"CREATE INDEX pipelines_by_ref ON pipelines (project, ref, id, source);"
	"CREATE INDEX pipelines_by_sha ON pipelines (project, sha, id, source);"
	"CREATE INDEX pipelines_by_parent ON pipelines (parent_job)"
	" WHERE parent_job IS NOT NULL;"
	"CREATE INDEX pipelines_unfinished ON pipelines (id)"
	" WHERE status NOT IN ('success', 'failed', 'canceled', 'skipped');",

	"CREATE TABLE jobs ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" pipeline INTEGER NOT NULL REFERENCES pipelines ON DELETE CASCADE,"
	" project INTEGER NOT NULL REFERENCES projects,"
	" plan_index INTEGER NOT NULL,"
	" name TEXT NOT NULL,"
	" stage TEXT NOT NULL,"
	" run_when TEXT NOT NULL,"
	" environment TEXT,"
	" resource_group TEXT,"
	" stage_index INTEGER NOT NULL,"
	" status TEXT NOT NULL,"
	" reason TEXT NOT NULL,"
	" because INTEGER,"
	" message TEXT,"
	" attempt INTEGER NOT NULL,"
	" retried_as INTEGER,"
	" allow_failure INTEGER NOT NULL,"
	" warned INTEGER NOT NULL,"
	" played INTEGER NOT NULL,"
	" interruptible INTEGER NOT NULL,"
	" exit_code INTEGER NOT NULL,"
	" runner INTEGER,"
	" downstream INTEGER,"
	" created_us INTEGER NOT NULL,"
	" queued_us INTEGER NOT NULL,"
	" started_us INTEGER NOT NULL,"
	" finished_us INTEGER NOT NULL,"
	" start_at_us INTEGER NOT NULL,"
	" coverage REAL NOT NULL,"
	" token_hash BLOB,"
	" log_bytes INTEGER NOT NULL,"
	" log_crc32 INTEGER NOT NULL,"
	" erased_us INTEGER NOT NULL,"
	" peak_bytes INTEGER NOT NULL,"
	" cpu_us INTEGER NOT NULL,"
	" tags TEXT,"
	" why TEXT) STRICT;"
	"CREATE INDEX jobs_by_pipeline ON jobs (pipeline, id);"
	"CREATE INDEX jobs_by_project ON jobs (project, id);"
	/* what is going on in a project; the rest of the list is walked by id */
	"CREATE INDEX jobs_unfinished ON jobs (project, status, id)"
	" WHERE status NOT IN ('success', 'failed', 'canceled', 'skipped');",

	"CREATE TABLE artifacts ("
	" job INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,"
	" project INTEGER NOT NULL,"
	" type TEXT NOT NULL,"
	" format TEXT NOT NULL,"
	" filename TEXT NOT NULL,"
	" size INTEGER NOT NULL,"
	" sha256 BLOB,"
	" created_us INTEGER NOT NULL,"
	" expire_us INTEGER NOT NULL,"
	" PRIMARY KEY (job, type)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX artifacts_by_expiry ON artifacts (expire_us) WHERE expire_us > 0;",

	"CREATE TABLE job_variables ("
	" job INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,"
	" key TEXT NOT NULL,"
	" value TEXT NOT NULL,"
	" PRIMARY KEY (job, key)) STRICT, WITHOUT ROWID;",

	"CREATE TABLE variables ("
	" owner TEXT NOT NULL,"
	" owner_id INTEGER NOT NULL,"
	" key TEXT NOT NULL,"
	" scope TEXT NOT NULL,"
	" description TEXT,"
	" is_file INTEGER NOT NULL,"
	" masked INTEGER NOT NULL,"
	" hidden INTEGER NOT NULL,"
	" is_protected INTEGER NOT NULL,"
	" raw INTEGER NOT NULL,"
	" value BLOB NOT NULL,"
	" PRIMARY KEY (owner, owner_id, key, scope)) STRICT, WITHOUT ROWID;",

	"CREATE TABLE tokens ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" user INTEGER REFERENCES users ON DELETE CASCADE,"
	" project INTEGER REFERENCES projects ON DELETE CASCADE,"
	" name TEXT NOT NULL,"
	" scopes TEXT NOT NULL,"
	" hash BLOB NOT NULL UNIQUE,"
	" created_us INTEGER NOT NULL,"
	" expires_us INTEGER NOT NULL,"
	" revoked_us INTEGER NOT NULL,"
	" used_us INTEGER NOT NULL) STRICT;"
	"CREATE INDEX tokens_by_user ON tokens (user);"
	"CREATE INDEX tokens_by_project ON tokens (project);",

	"CREATE TABLE runners ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" token_hash BLOB NOT NULL UNIQUE,"
	" description TEXT,"
	" tags TEXT,"
	" run_untagged INTEGER NOT NULL,"
	" locked INTEGER NOT NULL,"
	" only_protected INTEGER NOT NULL,"
	" paused INTEGER NOT NULL,"
	" maximum_timeout_s INTEGER NOT NULL,"
	" job_limit INTEGER NOT NULL,"
	" owner TEXT NOT NULL,"
	" owner_id INTEGER NOT NULL,"
	" created_us INTEGER NOT NULL,"
	" contacted_us INTEGER NOT NULL,"
	" info TEXT) STRICT;",
	NULL,
};

/* Test reports. An identity is a hash of what names a test, so that the index of a test's
 * history stays small. */
static const char *const version_2[] = {
	"CREATE TABLE test_suites ("
	" job INTEGER PRIMARY KEY REFERENCES jobs ON DELETE CASCADE,"
	" pipeline INTEGER NOT NULL,"
	" project INTEGER NOT NULL,"
	" name TEXT NOT NULL,"
	" is_read INTEGER NOT NULL,"
	" success INTEGER NOT NULL,"
	" failed INTEGER NOT NULL,"
	" errored INTEGER NOT NULL,"
	" skipped INTEGER NOT NULL,"
	" time_us INTEGER NOT NULL,"
	" error TEXT) STRICT;"
	"CREATE INDEX test_suites_by_pipeline ON test_suites (pipeline, job);"
	"CREATE INDEX test_suites_unread ON test_suites (job) WHERE is_read = 0;",

	"CREATE TABLE test_cases ("
	" job INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,"
	" number INTEGER NOT NULL,"
	" project INTEGER NOT NULL,"
	" identity INTEGER NOT NULL,"
	" status TEXT NOT NULL,"
	" time_us INTEGER NOT NULL,"
	" suite TEXT,"
	" classname TEXT,"
	" name TEXT NOT NULL,"
	" file TEXT,"
	" output TEXT,"
	" PRIMARY KEY (job, number)) STRICT;"
	"CREATE INDEX test_cases_by_identity ON test_cases (project, identity, job);",
	NULL,
};

/* Lists of pipelines by what changed last and by who started them; what is walked needs
 * no row to know what it skips. */
static const char *const version_3[] = {
	"CREATE INDEX pipelines_by_updated ON pipelines (project, updated_us, id, source);"
	"CREATE INDEX pipelines_by_user ON pipelines (project, user, id, source);",
	NULL,
};

/* Why a pipeline was canceled, and why there is a further try of a job. */
static const char *const version_4[] = {
	"ALTER TABLE pipelines ADD COLUMN superseded_by INTEGER;",
	"ALTER TABLE jobs ADD COLUMN cause TEXT;",
	/* of those before, the jobs know */
	"UPDATE pipelines SET superseded_by = (SELECT max(because) FROM jobs"
	" WHERE pipeline = pipelines.id AND reason = 'superseded')"
	" WHERE status = 'canceled';",
	NULL,
};

static const char *const version_5[] = {
	"CREATE TABLE resource_groups ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" project INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,"
	" name TEXT NOT NULL,"
	" mode TEXT NOT NULL,"
	" created_us INTEGER NOT NULL,"
	" updated_us INTEGER NOT NULL,"
	" UNIQUE (project, name)) STRICT;"
	"CREATE INDEX resource_groups_ordered ON resource_groups (id)"
	" WHERE mode <> 'unordered';"
	/* those that jobs have named so far */
	"INSERT INTO resource_groups (project, name, mode, created_us, updated_us)"
	" SELECT project, resource_group, 'unordered', min(created_us), min(created_us)"
	" FROM jobs WHERE resource_group IS NOT NULL GROUP BY project, resource_group;",
	NULL,
};

static const char *const version_6[] = {
	"ALTER TABLE projects ADD COLUMN protected_branches TEXT;"
	"ALTER TABLE projects ADD COLUMN protected_tags TEXT;",
	NULL,
};

/* What a person gave a job when it was played; sealed. */
static const char *const version_7[] = {
	"CREATE TABLE given_variables ("
	" job INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,"
	" key TEXT NOT NULL,"
	" value BLOB NOT NULL,"
	" PRIMARY KEY (job, key)) STRICT, WITHOUT ROWID;",
	NULL,
};

static const char *const version_8[] = {
	"ALTER TABLE pipelines ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;",
	NULL,
};

/* Values of dotenv reports are sealed from here on. */
static const char *const version_9[] = {
	"ALTER TABLE job_variables ADD COLUMN sealed BLOB;",
	NULL,
};

static const char *const version_10[] = {
	"ALTER TABLE jobs ADD COLUMN read_bytes INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE jobs ADD COLUMN written_bytes INTEGER NOT NULL DEFAULT 0;",
	NULL,
};

static const char *const version_11[] = {
	"ALTER TABLE jobs ADD COLUMN image_digest TEXT;",
	NULL,
};

static const char *const version_12[] = {
	"ALTER TABLE jobs ADD COLUMN needs TEXT;",
	NULL,
};

static const char *const version_13[] = {
	"ALTER TABLE projects ADD COLUMN keep_pipelines_s INTEGER NOT NULL DEFAULT 0;",
	NULL,
};

static const char *const *const versions[] = { version_1, version_2, version_3, version_4,
	version_5, version_6, version_7, version_8, version_9, version_10, version_11,
	version_12, version_13 };

/* The version of a database that is ours and not newer than version wanted. */
static int
read_version(struct store_db *db, int64_t wanted, int64_t *out, struct error *err)
{
	int64_t application = 0, version = 0, tables = 0;

	if (store_db_number(db, "PRAGMA application_id", &application, err) < 0 ||
	    store_db_number(db, "PRAGMA user_version", &version, err) < 0 ||
	    store_db_number(db, "SELECT count(*) FROM sqlite_schema", &tables, err) < 0)
		return err->code;
	if (application != APPLICATION_ID && (application != 0 || tables > 0))
		return error_set(err, ERR_INVALID,
		    "%s: this database was not made by pawl; name another data folder",
		    db->path);
	if (version > wanted)
		return error_set(err, ERR_ENVIRONMENT,
		    "%s: made by a newer pawl (schema version %" PRId64
		    ", this one knows %" PRId64
		    "); install that release again, or take a backup made before it",
		    db->path, version, wanted);
	*out = version;
	return 0;
}

static int
take_step(
    struct store_db *db, const char *const *step, int64_t version, struct error *err)
{
	int rc;

	cleanup_free char *mark = xasprintf("PRAGMA application_id = %d;"
					    "PRAGMA user_version = %" PRId64 ";",
	    APPLICATION_ID, version);

	if (store_db_exec(db, "BEGIN IMMEDIATE", err) < 0)
		return err->code;
	do
		rc = store_db_exec(db, *step, err);
	while (rc == 0 && *++step != NULL);
	if (rc < 0 || store_db_exec(db, mark, err) < 0 ||
	    store_db_exec(db, "COMMIT", err) < 0) {
		store_db_try(db, "ROLLBACK");
		return error_wrap(err, "schema version %" PRId64, version);
	}
	return 0;
}

int
store_schema_upgrade(struct store_db *db, const char *const *const *steps,
    size_t step_count, struct error *err)
{
	int64_t version = 0;

	if (read_version(db, (int64_t)step_count, &version, err) < 0)
		return err->code;
	assert(version >= 0);
	for (; version < (int64_t)step_count; version++)
		if (take_step(db, steps[version], version + 1, err) < 0)
			return err->code;
	return 0;
}

int
store_schema_bring(struct store_db *db, size_t version, struct error *err)
{
	assert(version <= ARRAY_LEN(versions));
	if (version == 0)
		version = ARRAY_LEN(versions);
	return store_schema_upgrade(db, versions, version, err);
}
