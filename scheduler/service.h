/*
 * The scheduler as a service: the pure core, the store, and what lies between. Requests
 * become the core's events; what the core says is written to the store; and only when it
 * is on disk is anybody told. Loop thread; work that may block runs on workers.
 */
#ifndef SCHEDULER_SERVICE_H
#define SCHEDULER_SERVICE_H

#include "base/seal.h"
#include "base/str.h"
#include "protocol/json.h"
#include "scheduler/core.h"
#include "scheduler/log_store.h"
#include "scheduler/metrics.h"
#include "scheduler/registry.h"
#include "scheduler/settings.h"

struct service;
struct uv_loop_s;

/* UTC, in microseconds since 1970. */
int64_t service_now_us(void);

struct service_options {
	struct uv_loop_s *loop;
	struct store *store;
	struct registry *registry;
	struct log_store *logs;
	const struct seal *seal;
	const struct server_settings *settings;
	const char *data_dir;   /* repos/ and artifacts/ lie below */
	const char *socket;     /* where hooks find it */
	const char *server_url; /* "http://127.0.0.1:8080" */
};

/* Strings are borrowed for as long as the service lives. */
struct service *service_new(const struct service_options *options);
void service_free(struct service *s); /* NULL is fine */

/* Takes up what had not ended when the server last stopped; done may come at once. */
void service_load(struct service *s, store_done_fn done, void *data);

/* Until then a job that is not found may yet come. */
bool service_is_loading(const struct service *s);

/* No more work is begun; true when none is in hand, so that it may be freed. */
bool service_close(struct service *s);

/* No jobs are handed out any more; those that run go on. */
void service_drain(struct service *s);

const struct core *service_core(const struct service *s);
struct registry *service_registry(const struct service *s);
struct store *service_store(const struct service *s);
struct log_store *service_logs(const struct service *s);
const char *service_repos_dir(const struct service *s);
const char *service_artifacts_dir(const struct service *s);
const char *service_server_url(const struct service *s);
const char *service_data_dir(const struct service *s);
const char *service_socket(const struct service *s);
/* A file of the data folder could not be written; errors that are not the disk's are
 * passed over. */
void service_write_failed(struct service *s, const struct error *err);
/* NULL: the disk takes writes, as far as is known. */
const char *service_disk_problem(struct service *s);
const struct server_settings *service_settings(const struct service *s);

/* With its repository. ERR_INVALID: the path is none, or taken. done may be NULL. */
MUST_CHECK int service_add_project(struct service *s, const char *path, int64_t user,
    store_done_fn done, void *data, struct project **out, struct error *err);

/* ---- pipelines ---------------------------------------------------------------- */

struct pipeline_request {
	struct project *project;
	const char *ref; /* short */
	bool is_tag, ref_is_protected;
	const char *sha, *before_sha;
	const char *source; /* "push" … */
	int64_t user;       /* 0: nobody known */
	const struct var *vars;
	size_t var_count;
	const char *inputs;
	bool inputs_as_typed;
	bool skip; /* made, and skipped as a whole */
	/* A file that is wrong makes a failed pipeline that shows why, or, for who waits
	 * for the answer, none. */
	bool only_if_valid;
	/* of a child or downstream one; see struct recipe */
	int64_t parent_job, nesting;
	const char *const *ancestors;
	size_t ancestor_count;
	/* Whole name of a ref whose move this is: remembered with the pipeline, in one
	 * write. NULL: none. */
	const char *seen_ref;
	const char *config_path; /* NULL: the project's */
	const struct recipe_file *files;
	size_t file_count;
};

enum pipeline_verdict {
	PIPELINE_MADE,
	PIPELINE_SKIPPED,  /* made, and skipped: the push or the message says so */
	PIPELINE_INVALID,  /* findings; id != 0 if it was kept as failed */
	PIPELINE_NO_FILE,  /* the commit has no pipeline file */
	PIPELINE_FILTERED, /* workflow:rules, or no job for this event; findings say why
			    */
	PIPELINE_ERROR,    /* error: a commit that cannot be read, a disk that is full */
};

struct pipeline_outcome {
	enum pipeline_verdict verdict;
	int64_t id, iid;         /* 0: none */
	const char *findings;    /* a line each; "" */
	const struct plan *plan; /* NULL: none */
	const char *hash;
	const struct error *error;
};

typedef void (*service_made_fn)(void *data, const struct pipeline_outcome *outcome);

/* done comes when the pipeline is on disk; never within the call. */
void service_make_pipeline(struct service *s, const struct pipeline_request *request,
    service_made_fn done, void *data);

/*
 * An event of the core about a pipeline or a job that a person asked for: cancel, retry,
 * play. One that has been forgotten is loaded first. job: the id of the job the event
 * led to (a retry's new one), or of the event's own.
 */
typedef void (*service_acted_fn)(void *data, int64_t job, const struct error *err);
void service_act(struct service *s, int64_t pipeline, const struct core_event *event,
    service_acted_fn done, void *data);

/* CORE_PLAY, with variables for this job and later tries of it; they are as those of a
 * pipeline made by hand. Borrowed until done. */
void service_play(struct service *s, int64_t pipeline, int64_t job,
    const struct var *vars, size_t count, service_acted_fn done, void *data);

/* A pipeline at rest, with all its jobs left. ERR_ENVIRONMENT: it is not, or something
 * is being done with it; done comes within the call then. */
void service_delete_pipeline(
    struct service *s, int64_t id, store_done_fn done, void *data);
/* Logs and artifacts of its jobs. Worker thread. */
MUST_CHECK int service_remove_files(
    struct service *s, struct store_view *v, int64_t pipeline, struct error *err);
/* A variable of the server's has changed, on disk: done when jobs that are given to a
 * runner from now on get it as it is. */
void service_variable_changed(struct service *s, enum store_owner owner, int64_t owner_id,
    store_done_fn done, void *data);

/* How jobs take turns at one of a project's resource groups; done (or NULL) when what
 * that changes is on disk. */
void service_set_resource_group(struct service *s,
    const struct core_resource_group *group, store_done_fn done, void *data);

/* May jobs of this ref have protected variables and runners? */
bool service_is_protected(
    const struct store_project *project, const char *ref, bool is_tag);
/* The names and patterns of those that may. */
void service_list_protected(
    const struct store_project *project, bool tags, struct strlist *out);

/* ---- runners ------------------------------------------------------------------ */

/* The core hears of it: what it takes, and that it is there. */
void service_describe_runner(struct service *s, const struct registered_runner *runner);
/* The same of a project: its group, its limit. */
void service_describe_project(struct service *s, const struct project *p);
void service_forget_runner(struct service *s, int64_t id);
void service_runner_seen(struct service *s, int64_t id, const struct runner_info *info);

struct service_poll;

/*
 * Ask for a job. given comes once, with the payload's JSON, when the assignment is on
 * disk; until then the poll can be taken back, which frees it without a word.
 */
typedef void (*service_given_fn)(void *data, const char *json, size_t len);
struct service_poll *service_ask(
    struct service *s, int64_t runner, bool accepts, service_given_fn given, void *data);
/* false: a job is on its way, and given will come all the same. */
bool service_take_back(struct service_poll *poll);
/* given is called no more; a job that is on its way goes to another runner. */
void service_abandon(struct service_poll *poll);
/* Changes whenever a runner may find more than before. */
int64_t service_queue_version(const struct service *s);
bool service_is_draining(const struct service *s);

/* A job whose end has not been told to its runner. */
struct live_job {
	int64_t id;
	struct live_pipeline *pipeline;
	unsigned char token_hash[32];
	char message[512]; /* of the end; "" */
	double coverage;   /* below 0: none */
	int64_t log_crc32; /* below 0: not said */
	int64_t log_bytes;
	struct job_usage usage;
	char image_digest[JOB_DIGEST_SIZE]; /* of its image; "" */
	int64_t given_us; /* to its runner, which has not accepted yet; 0 */
	bool has_token, is_stored, is_dirty;
	bool is_told;             /* its runner has said how it ended, in its log too */
	enum status counted;      /* and logged */
	const char *archive_name; /* NULL: it left none */
	int64_t archive_bytes;
	struct arena *arena; /* of the strings here; NULL: none yet */
	struct var *dotenv;  /* what its report gives later jobs */
	size_t dotenv_count, dotenv_cap;
	struct var *given; /* by who played it; also for later tries of it */
	size_t given_count, given_cap;
};

/* NULL: there is none of that id that is alive, or the token is another's. */
struct live_job *service_job_by_token(struct service *s, int64_t id, const char *token);
/* By its token alone: for git and the API. */
struct live_job *service_job_of_token(struct service *s, const char *token);
struct project *service_project_of(const struct live_job *job);
int64_t service_pipeline_of(const struct live_job *job);

struct job_update {
	bool running, success, canceled; /* running: nothing else counts */
	enum reason reason;
	int exit_code;
	int64_t log_crc32; /* below 0: not said */
	struct job_usage usage;
	const char *image_digest; /* NULL: not said */
};

/* done when it is on disk; refused at once with ERR_INVALID. */
MUST_CHECK int service_update_job(struct service *s, struct live_job *job,
    const struct job_update *update, store_done_fn done, void *data, struct error *err);
void service_heartbeat(struct service *s, struct live_job *job);
/* At the log's end, which is job->log_bytes. ERR_LIMIT: it is full; what there was room
 * for and a last line are in it, and the job is to be ended. */
MUST_CHECK int service_append_log(struct service *s, struct live_job *job,
    const char *bytes, size_t len, struct error *err);
/* An uploaded report or archive is in place (artifact_store.h); done when it is told, and
 * a test report has been read. */
void service_add_artifact(struct service *s, struct live_job *job,
    const struct store_artifact *row, store_done_fn done, void *data);
/* Variables of a dotenv report, for later jobs. */
void service_add_variables(
    struct service *s, struct live_job *job, const struct var *vars, size_t count);

/* Since the start. */
struct service_figures {
	struct histogram wait, pickup, run; /* queued to given, given to accepted, run */
	uint64_t ended[STATUS_COUNT];       /* jobs, by how they ended */
	uint64_t pipelines;                 /* made */
	int64_t started_us;
};
const struct service_figures *service_figures(const struct service *s);

/* How many jobs wait for what, by enum core_wait_code; as old as a hundred times what
 * counting them takes, so that a hundredth of the loop's time is spent on it at most. */
const size_t *service_waits(struct service *s);

/* ---- watching ------------------------------------------------------------------ */

/* What changed is on disk. Called for every change; kept short. */
struct service_change {
	int64_t pipeline, job; /* job 0: the pipeline itself */
	int64_t log_bytes;     /* 0: not the log */
	int64_t runner;        /* it was heard of, changed or removed, and nothing else */
};
typedef void (*service_watch_fn)(void *data, const struct service_change *change);
struct service_watch;
struct service_watch *service_watch(struct service *s, service_watch_fn fn, void *data);
void service_unwatch(struct service_watch *w);

#endif
