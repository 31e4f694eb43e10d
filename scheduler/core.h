/*
 * The scheduler's core: a pure state machine over pipelines and their jobs, runners and
 * who gets what. Events with a time go in, effects come out; it does no I/O, reads no
 * clock and has no global state, so the same code serves `pawl run`, the server and the
 * simulation. Effects are what the caller has to do or tell, in that order. Whatever a
 * restart must find again is in struct core_job, struct core_pipeline and the settings
 * events; each change to a job or pipeline is told by an effect. One thread at a time.
 * Rules: gitlab-ci-language.md section 10.
 */
#ifndef SCHEDULER_CORE_H
#define SCHEDULER_CORE_H

#include "pipelines/plan.h"
#include "protocol/reason.h"
#include "protocol/status.h"

#define CORE_MAX_DEPTH 1000 /* of downstream pipelines; GitLab's limit of a hierarchy */

struct core;

enum core_event_type {
	/* pipelines */
	CORE_CREATE_PIPELINE, /* plan, include, play, parent_job, origin */
	CORE_LOAD_PIPELINE,   /* plan, saved: as it was stored; nothing is told but what
				 is due by now. A parent before its children, limits
				 and runners before all of them */
	CORE_LOADING, /* loading: true before what a restart finds is loaded, false after.
			 Between them no resource group and no job is given to anybody:
			 who has it may be in a pipeline yet to come */
	CORE_FORGET_PIPELINE, /* pipeline: completed or manual, so that nothing happens in
				 it by itself. Refused while a trigger job of it mirrors a
				 pipeline that waits; it changes again when that one does.
				 The plan may be freed afterwards; to act on the pipeline
				 again (play, retry), load it */
	CORE_CANCEL_PIPELINE, /* pipeline and its children */
	CORE_RETRY_PIPELINE,  /* pipeline: its failed and canceled jobs are tried again */
	/* jobs, by a person */
	CORE_PLAY,       /* job: manual or scheduled, is started */
	CORE_RETRY,      /* job: completed, is tried again */
	CORE_CANCEL_JOB, /* job; force: one that is canceling ends at once */
	CORE_PRIORITY,   /* job, or all jobs of pipeline if job is 0: priority */
	/* jobs, by their runner; runner 0: not checked who says it */
	CORE_STARTED,    /* job, runner: accepted; its script runs */
	CORE_HEARTBEAT,  /* job, runner: it is alive (log, state, or nothing new) */
	CORE_FINISHED,   /* job, runner: success, reason, exit_code, or canceled */
	CORE_RELEASE,    /* job, runner: not accepted; it goes back to the queue */
	CORE_DOWNSTREAM, /* job: its downstream pipeline could not be made (reason) */
	/* runners */
	CORE_REQUEST, /* runner asks for one job; answered by CORE_ASSIGN, now or later */
	CORE_WITHDRAW,    /* runner takes back one request */
	CORE_RUNNER,      /* describes: a new runner, or what is now true of it */
	CORE_RUNNER_GONE, /* runner: no job goes there any more; those it has go on */
	/* settings */
	CORE_PROJECT, /* project: its groups and limit */
	CORE_LIMITS,  /* limits of the instance, all 0 before the first one; deadlines
			 start anew */
	CORE_RESOURCE_GROUP, /* resource_group: its process mode */
	CORE_TICK,           /* time has passed; see CORE_TIMER */
};

/* Where a pipeline comes from, as far as scheduling goes. */
struct core_origin {
	int64_t project;
	const char *ref; /* whole ("refs/heads/main"); NULL: none, supersedes nothing */
	const char *sha; /* older pipelines of the same commit are not superseded */
	bool ref_is_protected; /* runners for protected refs alone may take its jobs */
	int priority;          /* higher goes first within the project; 0 is usual */
	/* Older pipelines of project and ref are canceled, each as its own
	 * workflow:auto_cancel:on_new_commit says. Children never supersede. */
	bool supersedes;
};

/* Whose jobs a runner takes. */
struct core_scope {
	enum { CORE_SCOPE_ALL, CORE_SCOPE_GROUP, CORE_SCOPE_PROJECT } kind;
	int64_t id; /* nothing for CORE_SCOPE_ALL */
};

/* A runner nobody described takes everything. Copied. */
struct core_runner {
	int64_t id;
	const char *name; /* for sentences */
	struct strs tags;
	bool run_untagged, only_protected, paused;
	const struct core_scope *scopes; /* count 0: CORE_SCOPE_ALL */
	size_t scope_count;
	int limit;          /* jobs at once; 0: any number */
	int64_t timeout_us; /* the longest a job runs there; 0: as the job says */
	int64_t accept_us, lease_us; /* of its jobs; 0: as core_limits has them */
	/* Taken for online until then, and as long as it has a request or is heard of;
	 * see core_limits.online_us. */
	int64_t online_until_us;
};

/* Copied. A project nobody described is in no group and has no limit. */
struct core_project {
	int64_t id;
	const int64_t *groups; /* all it is in, any order */
	size_t group_count;
	int limit; /* jobs at once; 0: any number */
};

/* 0: none. Times but timeout_us do not run while the caller is late with CORE_TICK: a
 * server that stood still does not take its runners for lost. */
struct core_limits {
	int jobs;           /* at once, of all projects */
	int64_t accept_us;  /* from CORE_ASSIGN to CORE_STARTED, then queued again */
	int64_t lease_us;   /* without a word of a started job, then failed as `lost` */
	int64_t pending_us; /* in the queue, then stuck_or_timeout_failure */
	int64_t online_us;  /* a runner counts as online after its last word */
	int64_t timeout_us; /* of a job whose file does not say */
	int64_t grace_us;   /* beyond its timeout, then job_execution_timeout; 0: the
			       runner alone watches timeouts */
	int system_retries; /* further tries after failures of the system, for which the
			       file asks no retry */
};

enum core_process_mode {
	CORE_UNORDERED,
	CORE_OLDEST_FIRST, /* the next job of the oldest pipeline, also if not ready */
	CORE_NEWEST_FIRST,
	CORE_NEWEST_READY_FIRST,
};

const char *core_process_mode_name(enum core_process_mode mode); /* "unordered" */
bool core_process_mode_parse(const char *name, enum core_process_mode *out);

struct core_resource_group {
	int64_t project;
	const char *name;
	enum core_process_mode mode;
};

struct core_job;
struct core_pipeline;

/* What a store kept of a pipeline. Copied; of the jobs all but `plan` and `pipeline`. */
struct core_saved {
	const struct core_pipeline
	    *pipeline;               /* plan, jobs, job_count are not looked at */
	const struct core_job *jobs; /* every try, by ascending id */
	size_t job_count;
	struct core_origin origin; /* supersedes is not looked at */
};

struct core_event {
	enum core_event_type type;
	int64_t time_us; /* never goes back */
	int64_t pipeline, job, runner;
	/* CORE_CREATE_PIPELINE. The plan must outlive the pipeline in the core. */
	const struct plan *plan;
	const bool
	    *include; /* per plan job: take part at all; NULL: those the plan created */
	const bool *play;   /* per plan job: a manual job counts as played; NULL: none */
	int64_t parent_job; /* the trigger job this pipeline is downstream of; 0: none */
	const struct core_origin *origin; /* NULL: project 0, no ref */
	const struct core_saved *saved;
	bool loading;
	/* CORE_FINISHED, CORE_DOWNSTREAM */
	bool success, canceled;
	enum reason reason;
	int exit_code;
	bool force;
	int priority;
	const struct core_runner *describes;
	const struct core_project *project;
	const struct core_limits *limits;
	const struct core_resource_group *resource_group;
};

enum core_effect_type {
	CORE_PIPELINE_CREATED, /* pipeline */
	CORE_JOB_CREATED,      /* job: new, also as another try of a failed one */
	CORE_JOB_CHANGED,      /* job: see core_job() for what it is now */
	CORE_PIPELINE_CHANGED, /* pipeline: its status, superseded_by or priority */
	CORE_ASSIGN, /* job goes to runner; its payload may be built now. Save the job */
	CORE_CANCEL, /* tell the runner of job to cancel it, gracefully */
	CORE_START_DOWNSTREAM, /* job: make its downstream pipeline, or say
				  CORE_DOWNSTREAM */
	CORE_TIMER, /* send CORE_TICK at time_us at the latest; replaces the one before.
		       INT64_MAX: there is nothing to wait for */
};

struct core_effect {
	enum core_effect_type type;
	int64_t pipeline, job, runner;
	int64_t time_us;
};

/* Grows as needed; the caller resets count when it has dealt with them. */
struct core_effects {
	struct core_effect *items;
	size_t count, cap;
};
#define CORE_EFFECTS_INIT                                                                \
	{                                                                                \
		.items = NULL                                                            \
	}
void core_effects_clear(struct core_effects *effects);

/* Why there is this try of a job. */
enum core_cause {
	CORE_FIRST_TRY,
	CORE_RETRY_BY_FILE,   /* `retry` of the pipeline file */
	CORE_RETRY_BY_SYSTEM, /* core_limits.system_retries */
	CORE_RETRY_BY_PERSON,
};
const char *core_cause_name(enum core_cause cause); /* "first_try", "system" … */

/* One try of one job. Read-only outside the core; valid until the next event. */
struct core_job {
	int64_t id, pipeline;
	const struct plan_job *plan;
	size_t index; /* in the plan */
	enum status status;
	enum reason reason;
	int64_t because;       /* the job that reason speaks of, for REASON_SUPERSEDED the
				  pipeline; 0: none */
	int attempt;           /* 1-based */
	enum core_cause cause; /* not looked at when loaded */
	int64_t retried_as;    /* 0: this is the latest try */
	bool warned;           /* failed or canceled, and allowed to */
	bool played;
	bool lost; /* failed because its runner was not heard of; not looked at when
		      loaded */
	int exit_code;
	int priority;       /* of the pipeline when loaded with 0 */
	int64_t runner;     /* 0: none yet. Pending with a runner: not accepted yet */
	int64_t downstream; /* pipeline id; 0: none */
	int64_t created_us, queued_us, started_us, finished_us;
	int64_t start_at_us; /* scheduled: when it starts by itself */
};

struct core_pipeline {
	int64_t id, project;
	const struct plan *plan;
	int64_t parent_job;
	enum status status;
	bool warnings;         /* success with a warned job */
	int priority;          /* of its jobs, but for those that got their own */
	int64_t superseded_by; /* a newer pipeline that canceled it or jobs of it; 0 */
	int64_t created_us, finished_us;
	const int64_t *jobs; /* every try, in order of creation */
	size_t job_count;
};

/* Ids start at these; 1, 1 for a first run. Never reused. */
struct core *core_new(int64_t next_pipeline_id, int64_t next_job_id);
void core_free(struct core *core);

/* The id of a pipeline that has no jobs to schedule, and that the core never sees. */
int64_t core_take_pipeline_id(struct core *core);

/* An event that does not fit (unknown id, playing a running job, the word of a runner
 * that lost the job) is ERR_INVALID and changes nothing. */
MUST_CHECK int core_handle(struct core *core, const struct core_event *event,
    struct core_effects *effects, struct error *err);

const struct core_job *core_job(const struct core *core, int64_t id); /* NULL: unknown */
const struct core_pipeline *core_pipeline(
    const struct core *core, int64_t id); /* NULL: unknown */

/* The latest try of the plan's job, NULL when it takes no part. */
const struct core_job *core_latest(
    const struct core *core, int64_t pipeline, size_t plan_job);

/* Why a job waits, beyond its reason. */
enum core_wait_code {
	CORE_WAIT_NONE,       /* it does not wait */
	CORE_WAIT_JOB,        /* created: for job; or for those of its own pipeline */
	CORE_WAIT_PERSON,     /* manual */
	CORE_WAIT_TIME,       /* scheduled: until_us */
	CORE_WAIT_RESOURCE,   /* job holds its resource group, or comes before it there */
	CORE_WAIT_ACCEPTANCE, /* runner has been given it, and has until until_us */
	/* pending; in all of these no runner could take it even if it had nothing to do
	 */
	CORE_WAIT_NO_RUNNER, /* there is none at all */
	CORE_WAIT_SCOPE,     /* none for this project */
	CORE_WAIT_TAG,       /* none has tag; runner is the nearest */
	CORE_WAIT_UNTAGGED,  /* none takes jobs without tags */
	CORE_WAIT_PROTECTED, /* those with its tags take protected refs only */
	CORE_WAIT_PAUSED,    /* those that could are paused, e.g. runner */
	CORE_WAIT_OFFLINE,   /* those that could are not online, e.g. runner */
	/* pending; its turn has not come */
	CORE_WAIT_RUNNER_LIMIT,   /* every runner that could has `limit` jobs */
	CORE_WAIT_PROJECT_LIMIT,  /* the project has `limit` jobs */
	CORE_WAIT_INSTANCE_LIMIT, /* the instance has `limit` jobs */
	CORE_WAIT_QUEUE,          /* position in the queue */
	CORE_WAIT_COUNT
};
const char *core_wait_name(enum core_wait_code code); /* "tag" */

struct core_wait {
	enum core_wait_code code;
	/* No runner the core knows could ever take it as it is; said also of a job whose
	 * time has not come, where runner and tag are those in question. */
	bool never;
	int64_t job, runner; /* whom code speaks of; 0: none */
	const char *tag;     /* lives as long as the job's plan */
	int limit;
	int64_t until_us;
	/* Pending: its place among jobs with the same tags, of all projects, if all took
	 * the same time; and how many those are. From 1; 0: not in the queue. */
	size_t position, queued;
	char text[320]; /* for a person; "" for CORE_WAIT_NONE */
};

/* Cost grows with the number of runners, not with that of jobs. false: unknown id. */
bool core_explain(const struct core *core, int64_t job, struct core_wait *out);

/* How many jobs wait, by code; those that wait for other jobs or a person are not in it.
 * The cost grows with the number of runners, and with that of lanes: different sets of
 * tags in a project. Not with that of jobs. */
void core_count_waits(const struct core *core, size_t counts[CORE_WAIT_COUNT]);

/* For metrics; kept up to date, costs nothing. */
struct core_counts {
	size_t pipelines, jobs, projects, runners; /* known to the core */
	size_t queued;                             /* pending, with no runner */
	size_t assigned;                           /* given to a runner, not ended */
	size_t unaccepted;                         /* of those, not accepted yet */
	size_t waiting_for_resource, scheduled;
	size_t requests; /* of runners, open */
};
struct core_counts core_counts(const struct core *core);

/* Jobs a runner has; requests of it that are open. 0 for an unknown one. */
int core_runner_jobs(const struct core *core, int64_t runner);
size_t core_runner_requests(const struct core *core, int64_t runner);

#endif
