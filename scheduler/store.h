/*
 * Where a server keeps what must not be lost: projects, refs, pipelines, jobs, runners,
 * tokens, variables. Writes go to a thread of the store's own, which commits all that
 * has queued up since its last commit in one transaction (group commit); a write's
 * done() is called on the loop after its commit reached the disk, in the order of
 * submission. Reads run on worker threads with connections of their own, so a long list
 * never waits for a commit nor a commit for a list; a read sees every write whose done()
 * came before it was asked for. SQLite behind it is seen nowhere else. Logs and
 * artifacts are files, not here.
 *
 * Opened, submitted to and closed on the loop thread. Times are microseconds UTC since
 * 1970, 0 where "never". Ids are positive, below 2^53 and never reused.
 */
#ifndef SCHEDULER_STORE_H
#define SCHEDULER_STORE_H

#include "base/arena.h"
#include "base/error.h"
#include "protocol/reason.h"
#include "protocol/status.h"
#include "protocol/usage.h"
#include "scheduler/metrics.h"

struct store;
struct store_txn;  /* a write in progress; store thread only */
struct store_view; /* a consistent read; worker thread only */
struct uv_loop_s;

/*
 * Opens or makes DIR/pawl.db and brings its schema up to date. ERR_ENVIRONMENT: disk
 * full, unwritable, or made by a newer pawl; ERR_INVALID: damaged, or no store of pawl.
 */
MUST_CHECK int store_open(
    struct uv_loop_s *loop, const char *dir, struct store **out, struct error *err);

/*
 * Commits what is queued, waits for reads that run, calls every done() that is still
 * owed (ERR_CANCELED to reads that had not begun, and to what a done() submits now) and
 * closes. The loop has to turn once more for its handle to go. NULL is fine.
 */
void store_close(struct store *s);

/*
 * Store thread. A negative return undoes this write alone, not its neighbours. A disk
 * that is full when all of them are committed fails them all.
 */
typedef int (*store_write_fn)(struct store_txn *t, void *data, struct error *err);
/* Worker thread. */
typedef int (*store_read_fn)(struct store_view *v, void *data, struct error *err);
/* Loop thread, never within store_write() or store_read(); err->code 0 on success. */
typedef void (*store_done_fn)(void *data, const struct error *err);

/* done may be NULL. Errors of the disk are ERR_ENVIRONMENT; the store stays usable. */
void store_write(struct store *s, store_write_fn fn, store_done_fn done, void *data);
void store_read(struct store *s, store_read_fn fn, store_done_fn done, void *data);

/* Block the loop: for start-up only. */
MUST_CHECK int store_read_now(
    struct store *s, store_read_fn fn, void *data, struct error *err);
MUST_CHECK int store_write_now(
    struct store *s, store_write_fn fn, void *data, struct error *err);

/* What happened since it was opened, for /metrics. */
struct store_stats {
	struct histogram write; /* committed ones: from asked for to on disk */
	uint64_t failed_writes; /* undone */
	/* transactions; fewer than writes under load, and their writes included */
	struct histogram commit;
	uint64_t queued;    /* writes that wait now */
	uint64_t reads;     /* done */
	uint64_t wal_pages; /* not yet in the main file, of 4 KiB */
};
void store_get_stats(struct store *s, struct store_stats *out); /* any thread */

/* ---- rows ------------------------------------------------------------------
 * Strings given to a write are borrowed until it returns; those of a read lie in the
 * arena handed in. NULL is "none". Enums are stored by name. What a comment does not
 * allow to be NULL must not be.
 */

/* GROUP or GROUP/SUB; a user's own is one too. Paths differ in more than upper case. */
struct store_namespace {
	int64_t id;
	int64_t parent;   /* 0: top level */
	const char *path; /* whole */
	int64_t created_us;
};

struct store_project {
	int64_t id, namespace;
	const char *path;           /* whole: "group/sub/name" */
	const char *name;           /* as shown */
	const char *description;    /* or NULL */
	const char *default_branch; /* NULL: nothing pushed yet */
	const char *config_path;    /* NULL: .gitlab-ci.yml */
	const char *visibility;     /* "private", "internal", "public" */
	/* Names, or patterns with stars, a line each. NULL: the default branch, no tag.
	 */
	const char *protected_branches, *protected_tags;
	bool archived;
	int64_t created_us;
	int64_t
	    keep_pipelines_s; /* ended ones; 0: as long as the server's settings say */
};

/* The last commit of a ref that got its pipelines: "refs are the truth". */
struct store_ref {
	int64_t project;
	const char *name; /* whole: "refs/heads/main" */
	const char *sha;
	bool is_protected;
};

struct store_pipeline {
	int64_t id, project;
	int64_t iid;     /* counts per project; see store_next_iid() */
	const char *ref; /* short */
	bool is_tag, ref_is_protected;
	const char *sha;
	const char *before_sha; /* or NULL */
	const char *source;     /* "push" … */
	enum status status;
	bool warnings;
	const char *name;        /* workflow:name or NULL */
	const char *auto_cancel; /* workflow:auto_cancel:on_new_commit or NULL */
	const char *plan_hash;   /* NULL: never compiled */
	const char *errors;      /* what the compiler found; NULL: nothing */
	int64_t user;            /* 0: nobody known */
	int64_t parent_job;      /* 0: no trigger job made it */
	/* Sealed JSON: variables, inputs, included commits; what it takes to compile the
	 * same plan again. NULL with 0: none. Lists leave it out unless asked. */
	const void *made_of;
	size_t made_of_len;
	int priority;
	int64_t superseded_by; /* the newer one that canceled it or jobs of it; 0 */
	int64_t created_us, started_us, finished_us;
	int64_t updated_us; /* given 0: the latest of the three above */
};

/* One try of a job. */
struct store_job {
	int64_t id, pipeline, project;
	int64_t index; /* in the plan */
	const char *name, *stage;
	const char *when;                         /* "on_success" … */
	const char *environment, *resource_group; /* or NULL */
	int64_t stage_index;
	enum status status;
	enum reason reason;
	int64_t because;     /* the job that reason speaks of; 0: none */
	const char *message; /* the runner's words, or why it was not made; NULL */
	int attempt;
	int64_t retried_as; /* 0: this is the latest try */
	bool allow_failure; /* may fail, whatever the exit code */
	bool warned, played, interruptible;
	int exit_code;
	int64_t runner, downstream; /* 0: none */
	int64_t created_us, queued_us, started_us, finished_us, start_at_us;
	double coverage;   /* below 0: none */
	const char *tags;  /* JSON array, or NULL */
	const char *why;   /* JSON: why the plan has it; or NULL */
	const char *needs; /* JSON: indexes in the plan; NULL: goes by stages */
	const char *cause; /* of a further try: core_cause_name(); or NULL */
	unsigned char token_hash[32]; /* zeroes: it has none (any more) */
	int64_t log_bytes;
	int64_t log_crc32; /* below 0: the runner gave none */
	int64_t erased_us;
	struct job_usage usage;
	const char *image_digest; /* NULL: none */
};

/* One per job and type. */
struct store_artifact {
	int64_t job, project;
	const char *type, *format, *filename; /* "archive", "zip", "artifacts.zip" */
	int64_t size;
	unsigned char sha256[32];
	int64_t created_us, expire_us; /* 0: kept */
};

/* From a dotenv report, for later jobs. */
struct store_job_variable {
	int64_t job;
	const char *key;
	const char *value; /* "" when it is sealed; in the clear in old rows */
	const void *sealed;
	size_t sealed_len;
};

/* What a person gave the job when it was played. */
struct store_given {
	int64_t job;
	const char *key;
	const void *value; /* sealed */
	size_t value_len;
};

enum store_owner { STORE_INSTANCE, STORE_GROUP, STORE_PROJECT, STORE_OWNER_COUNT };

struct store_variable {
	enum store_owner owner;
	int64_t owner_id; /* 0 for STORE_INSTANCE */
	const char *key;
	const char *scope;       /* "*": every environment */
	const char *description; /* or NULL */
	const void *value;       /* sealed by the caller; never NULL */
	size_t value_len;
	bool is_file, masked, hidden, is_protected, raw;
};

/* Of a project; there from the first job on that names it. */
struct store_resource_group {
	int64_t id, project;
	const char *name, *mode; /* core_process_mode_name() */
	int64_t created_us, updated_us;
};

struct store_user {
	int64_t id;
	const char *login, *name;
	const char *email;         /* or NULL */
	const char *password_hash; /* NULL: tokens only */
	bool is_admin, blocked;
	int64_t created_us;
};

struct store_token {
	int64_t id;
	int64_t user;              /* 0: nobody's, such as a project's own */
	int64_t project;           /* 0: everywhere its user may go */
	const char *name, *scopes; /* "api", "read_api write_repository" */
	unsigned char hash[32];
	int64_t created_us, expires_us, revoked_us, used_us;
};

struct store_runner {
	int64_t id;
	unsigned char token_hash[32];
	const char *description, *tags; /* JSON array; each or NULL */
	bool run_untagged, locked, only_protected, paused;
	int64_t maximum_timeout_s; /* 0: none */
	int64_t limit;             /* jobs at once; 0: as many as it asks for */
	enum store_owner owner;    /* whose jobs it takes */
	int64_t owner_id;
	int64_t created_us, contacted_us;
	const char *info; /* JSON: version, platform … of its newest manager; or NULL */
};

/* What the test report of a job says, in sum. One per job. */
struct store_test_suite {
	int64_t job, pipeline, project;
	const char *name; /* the job's, without its place among parallel ones */
	bool is_read;     /* false: the report is there, and has yet to be read */
	int64_t success, failed, errored, skipped; /* how many */
	int64_t time_us;                           /* of all of them */
	const char *error; /* why it could not be read, or not to its end; NULL */
};

struct store_test_case {
	int64_t job;
	int64_t number; /* in the report, from 1 */
	int64_t project;
	const char *status;           /* "success", "failed", "error", "skipped" */
	const char *suite;            /* in the report; or NULL */
	const char *classname, *file; /* each or NULL */
	const char *name;
	const char *output; /* of one that did not succeed; or NULL */
	int64_t time_us;
	int64_t identity; /* the store's: what is the same for the same test */
};

/* How many jobs of a stage are in the same state, without tries that were retried. */
struct store_stage_sum {
	int64_t index; /* the stage's */
	const char *stage;
	enum status status;
	bool allow_failure;
	int64_t count;
};

/* ---- writing ---------------------------------------------------------------
 * put: insert, or replace the row of that key. Ids are the caller's: it takes them from
 * store_next_ids() at start and counts on. A row whose owner is not there, or whose path,
 * login or token another row has, is ERR_INVALID.
 */

struct store_ids { /* the next ones */
	int64_t namespace, project, pipeline, job, user, token, runner;
};
MUST_CHECK int store_next_ids(
    struct store_view *v, struct store_ids *out, struct error *err);
MUST_CHECK int store_next_iid(
    struct store_view *v, int64_t project, int64_t *out, struct error *err);

MUST_CHECK int store_put_namespace(
    struct store_txn *t, const struct store_namespace *row, struct error *err);
MUST_CHECK int store_put_project(
    struct store_txn *t, const struct store_project *row, struct error *err);
MUST_CHECK int store_put_ref(
    struct store_txn *t, const struct store_ref *row, struct error *err);
/* A ref that is not there is no error. */
MUST_CHECK int store_delete_ref(
    struct store_txn *t, int64_t project, const char *name, struct error *err);
MUST_CHECK int store_put_pipeline(
    struct store_txn *t, const struct store_pipeline *row, struct error *err);
/* Status, warnings, superseded_by, priority, times only. ERR_MISSING: there is none. */
MUST_CHECK int store_update_pipeline(
    struct store_txn *t, const struct store_pipeline *row, struct error *err);
/* With its jobs and what hangs off them; the files of logs and artifacts are the
 * caller's. Its ids are not given again. One that is not there is no error. */
MUST_CHECK int store_delete_pipeline(struct store_txn *t, int64_t id, struct error *err);
MUST_CHECK int store_put_job(
    struct store_txn *t, const struct store_job *row, struct error *err);
/* Everything of a job that changes in its life: not pipeline, project, index, name,
 * stage, when, resource_group, attempt, allow_failure, interruptible, created_us, tags,
 * why, cause. ERR_MISSING: there is none. */
MUST_CHECK int store_update_job(
    struct store_txn *t, const struct store_job *row, struct error *err);
MUST_CHECK int store_put_artifact(
    struct store_txn *t, const struct store_artifact *row, struct error *err);
/* Its log and artifacts are gone. ERR_MISSING: there is no such job. */
MUST_CHECK int store_erase_job(
    struct store_txn *t, int64_t id, int64_t erased_us, struct error *err);
/* They do not expire any more. */
MUST_CHECK int store_keep_artifacts(struct store_txn *t, int64_t job, struct error *err);
/* type NULL: all of the job's. */
MUST_CHECK int store_delete_artifacts(
    struct store_txn *t, int64_t job, const char *type, struct error *err);
MUST_CHECK int store_put_job_variable(
    struct store_txn *t, const struct store_job_variable *row, struct error *err);
MUST_CHECK int store_put_given(
    struct store_txn *t, const struct store_given *row, struct error *err);
MUST_CHECK int store_put_test_suite(
    struct store_txn *t, const struct store_test_suite *row, struct error *err);
MUST_CHECK int store_put_test_case(
    struct store_txn *t, const struct store_test_case *row, struct error *err);
/* The cases of a job; none is no error. */
MUST_CHECK int store_delete_test_cases(
    struct store_txn *t, int64_t job, struct error *err);
MUST_CHECK int store_put_variable(
    struct store_txn *t, const struct store_variable *row, struct error *err);
/* ERR_MISSING: there was none. */
MUST_CHECK int store_delete_variable(struct store_txn *t, enum store_owner owner,
    int64_t owner_id, const char *key, const char *scope, struct error *err);
/* Nothing happens if the project has one of that name. Its id is the store's own. */
MUST_CHECK int store_add_resource_group(
    struct store_txn *t, const struct store_resource_group *row, struct error *err);
/* Its mode and updated_us. ERR_MISSING: there is none. */
MUST_CHECK int store_set_resource_group(
    struct store_txn *t, const struct store_resource_group *row, struct error *err);
MUST_CHECK int store_put_user(
    struct store_txn *t, const struct store_user *row, struct error *err);
MUST_CHECK int store_put_token(
    struct store_txn *t, const struct store_token *row, struct error *err);
MUST_CHECK int store_put_runner(
    struct store_txn *t, const struct store_runner *row, struct error *err);
/* A runner that is not there is no error; jobs it ran keep its id. */
MUST_CHECK int store_delete_runner(struct store_txn *t, int64_t id, struct error *err);

/* ---- reading ---------------------------------------------------------------
 * One row: ERR_MISSING when there is none. Lists: a callback per row, whose strings live
 * until it returns; it ends the list by returning false, which is no error.
 */

MUST_CHECK int store_get_namespace(struct store_view *v, const char *path,
    struct arena *a, struct store_namespace *out, struct error *err);
MUST_CHECK int store_get_project(struct store_view *v, int64_t id, struct arena *a,
    struct store_project *out, struct error *err);
MUST_CHECK int store_get_project_by_path(struct store_view *v, const char *path,
    struct arena *a, struct store_project *out, struct error *err);
MUST_CHECK int store_get_ref(struct store_view *v, int64_t project, const char *name,
    struct arena *a, struct store_ref *out, struct error *err);
MUST_CHECK int store_get_pipeline(struct store_view *v, int64_t id, struct arena *a,
    struct store_pipeline *out, struct error *err);
MUST_CHECK int store_get_job(struct store_view *v, int64_t id, struct arena *a,
    struct store_job *out, struct error *err);
MUST_CHECK int store_get_artifact(struct store_view *v, int64_t job, const char *type,
    struct arena *a, struct store_artifact *out, struct error *err);
MUST_CHECK int store_get_resource_group(struct store_view *v, int64_t project,
    const char *name, struct arena *a, struct store_resource_group *out,
    struct error *err);
MUST_CHECK int store_get_user(struct store_view *v, int64_t id, struct arena *a,
    struct store_user *out, struct error *err);
MUST_CHECK int store_get_user_by_login(struct store_view *v, const char *login,
    struct arena *a, struct store_user *out, struct error *err);
MUST_CHECK int store_get_runner(struct store_view *v, int64_t id, struct arena *a,
    struct store_runner *out, struct error *err);

/* Totals are exact up to this many; finding out costs a walk of the index, about 1 ms
 * per 10,000 rows. A filter that few rows fit makes it walk all rows of the project. */
#define STORE_TOTAL_MAX 10000

struct store_page {
	int64_t
	    offset;    /* each row skipped costs 0.1 microseconds; beyond_id costs none */
	int64_t limit; /* 0: all */
	int64_t beyond_id; /* go on behind this one, in the order of the list; 0: start */
	bool ascending;    /* default: newest or highest first */
	bool want_total;   /* count all that fit, whatever offset and beyond_id are */
	int64_t total;     /* -1: more than STORE_TOTAL_MAX */
	int64_t given;     /* rows of this page */
};

/* Equals are in the order of their ids. */
enum store_pipeline_order {
	STORE_BY_ID,
	STORE_BY_STATUS,
	STORE_BY_REF,
	STORE_BY_UPDATED,
	STORE_BY_USER,
	STORE_PIPELINE_ORDER_COUNT
};

struct store_pipeline_filter { /* 0, NULL, false: any */
	int64_t project, parent_job;
	const char *ref, *sha, *source, *name;
	/* "running", "pending", "finished"; "branches", "tags": of each that is there the
	 * newest one. */
	const char *scope;
	const char *const *statuses; /* names, ending with NULL */
	bool unfinished;             /* those the core has to know, of all projects */
	bool without_children;       /* those whose source is not "parent_pipeline" */
	bool with_made_of;           /* fill made_of */
	int64_t updated_after_us, updated_before_us;
	int64_t created_after_us, created_before_us;
	int64_t user;
	bool with_errors, without_errors; /* of their file */
	enum store_pipeline_order order; /* of a project's; beyond_id wants STORE_BY_ID */
};
typedef bool (*store_pipeline_fn)(const struct store_pipeline *row, void *data);
/* page NULL: all, newest first. An unknown scope is ERR_INVALID. */
MUST_CHECK int store_list_pipelines(struct store_view *v,
    const struct store_pipeline_filter *f, struct store_page *page, store_pipeline_fn fn,
    void *data, struct error *err);

struct store_job_filter {
	int64_t project, pipeline;
	bool with_retried;           /* also tries that were retried */
	const char *const *statuses; /* names, ending with NULL */
	const char *resource_group;
};
typedef bool (*store_job_fn)(const struct store_job *row, void *data);
MUST_CHECK int store_list_jobs(struct store_view *v, const struct store_job_filter *f,
    struct store_page *page, store_job_fn fn, void *data, struct error *err);

/* The last two sort all that fit, which is 10 ms for 10,000 projects. */
enum store_project_order {
	STORE_PROJECTS_BY_ID,
	STORE_PROJECTS_BY_NAME,
	STORE_PROJECTS_BY_PATH,     /* groups too */
	STORE_PROJECTS_BY_ACTIVITY, /* when a pipeline of theirs last changed */
	STORE_PROJECT_ORDER_COUNT
};
struct store_project_filter { /* 0, NULL, false: any */
	const char *search;   /* part of the path, whatever its case */
	const char *visibility;
	bool archived, not_archived;
	int64_t after_id, before_id;
	enum store_project_order order;
};
typedef bool (*store_project_fn)(const struct store_project *row, void *data);
MUST_CHECK int store_list_projects(struct store_view *v,
    const struct store_project_filter *f, struct store_page *page, store_project_fn fn,
    void *data, struct error *err);

typedef bool (*store_resource_group_fn)(
    const struct store_resource_group *row, void *data);
/* project 0: those of all projects whose mode is not "unordered". */
MUST_CHECK int store_list_resource_groups(struct store_view *v, int64_t project,
    struct store_page *page, store_resource_group_fn fn, void *data, struct error *err);

typedef bool (*store_namespace_fn)(const struct store_namespace *row, void *data);
MUST_CHECK int store_list_namespaces(
    struct store_view *v, store_namespace_fn fn, void *data, struct error *err);

typedef bool (*store_ref_fn)(const struct store_ref *row, void *data);
/* By name, in the order of bytes. */
MUST_CHECK int store_list_refs(struct store_view *v, int64_t project, store_ref_fn fn,
    void *data, struct error *err);

typedef bool (*store_artifact_fn)(const struct store_artifact *row, void *data);
MUST_CHECK int store_list_artifacts(struct store_view *v, int64_t job,
    store_artifact_fn fn, void *data, struct error *err);
/* Those whose time is over, the longest first. */
MUST_CHECK int store_list_expired(struct store_view *v, int64_t now_us, int64_t limit,
    store_artifact_fn fn, void *data, struct error *err);

typedef bool (*store_job_variable_fn)(const struct store_job_variable *row, void *data);
MUST_CHECK int store_list_job_variables(struct store_view *v, int64_t job,
    store_job_variable_fn fn, void *data, struct error *err);

typedef bool (*store_given_fn)(const struct store_given *row, void *data);
MUST_CHECK int store_list_given(
    struct store_view *v, int64_t job, store_given_fn fn, void *data, struct error *err);

typedef bool (*store_test_suite_fn)(const struct store_test_suite *row, void *data);
/* Those of a pipeline's jobs, without tries that were retried. */
MUST_CHECK int store_list_test_suites(struct store_view *v, int64_t pipeline,
    store_test_suite_fn fn, void *data, struct error *err);
/* Those that have yet to be read, of all projects. */
MUST_CHECK int store_list_unread_test_suites(
    struct store_view *v, store_test_suite_fn fn, void *data, struct error *err);

typedef bool (*store_test_case_fn)(const struct store_test_case *row, void *data);
/* As they stand in the report. */
MUST_CHECK int store_list_test_cases(struct store_view *v, int64_t job,
    store_test_case_fn fn, void *data, struct error *err);
typedef bool (*store_stage_sum_fn)(const struct store_stage_sum *row, void *data);
/* Of a pipeline, in the order of its stages; rows of one stage follow each other. */
MUST_CHECK int store_list_stage_sums(struct store_view *v, int64_t pipeline,
    store_stage_sum_fn fn, void *data, struct error *err);

struct store_test_filter {
	int64_t pipeline, job; /* job 0: any */
	const char *status;    /* or NULL */
	const char *search;    /* part of name or class, whatever its case; or NULL */
};
/* Single tests of a pipeline, without those of retried jobs: those that did not succeed
 * first, then the slowest. All that fit are sorted: 1 s for half a million. */
MUST_CHECK int store_list_tests(struct store_view *v, const struct store_test_filter *f,
    struct store_page *page, store_test_case_fn fn, void *data, struct error *err);
/* What became of one test in a project's jobs, the newest first. suite and classname may
 * be NULL. */
MUST_CHECK int store_list_test_history(struct store_view *v, int64_t project,
    const char *suite, const char *classname, const char *name, int64_t limit,
    store_test_case_fn fn, void *data, struct error *err);

typedef bool (*store_variable_fn)(const struct store_variable *row, void *data);
MUST_CHECK int store_list_variables(struct store_view *v, enum store_owner owner,
    int64_t owner_id, store_variable_fn fn, void *data, struct error *err);

typedef bool (*store_user_fn)(const struct store_user *row, void *data);
MUST_CHECK int store_list_users(
    struct store_view *v, store_user_fn fn, void *data, struct error *err);

typedef bool (*store_token_fn)(const struct store_token *row, void *data);
/* user 0: all */
MUST_CHECK int store_list_tokens(
    struct store_view *v, int64_t user, store_token_fn fn, void *data, struct error *err);

typedef bool (*store_runner_fn)(const struct store_runner *row, void *data);
MUST_CHECK int store_list_runners(
    struct store_view *v, store_runner_fn fn, void *data, struct error *err);

#endif
