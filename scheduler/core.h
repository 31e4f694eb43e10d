/*
 * The scheduler's core: a pure state machine over pipelines and their jobs. Events with
 * a time go in, effects come out; it does no I/O, reads no clock and has no global
 * state, so the same code serves `pawl run`, the server and the simulation. Effects are
 * what the caller has to do or tell, in that order. One thread at a time.
 * Rules: gitlab-ci-language.md section 10.
 */
#ifndef SCHEDULER_CORE_H
#define SCHEDULER_CORE_H

#include "pipelines/plan.h"
#include "protocol/reason.h"
#include "protocol/status.h"

struct core;

enum core_event_type {
	CORE_CREATE_PIPELINE, /* plan, include, play, parent_job */
	CORE_REQUEST, /* runner asks for one job; answered by CORE_ASSIGN, now or later */
	CORE_WITHDRAW,        /* runner takes back one request */
	CORE_STARTED,         /* job: its script runs */
	CORE_FINISHED,        /* job: success, reason, exit_code, or canceled */
	CORE_PLAY,            /* job: manual or scheduled, is started by a person */
	CORE_RETRY,           /* job: completed, is tried again by a person */
	CORE_CANCEL_JOB,      /* job */
	CORE_CANCEL_PIPELINE, /* pipeline and its children */
	CORE_DOWNSTREAM, /* job: its downstream pipeline could not be made (reason) */
	CORE_TICK,       /* time has passed; see CORE_TIMER */
};

struct core_event {
	enum core_event_type type;
	int64_t time_us; /* never goes back */
	int64_t pipeline, job, runner;
	/* CORE_CREATE_PIPELINE. The plan must outlive the core. */
	const struct plan *plan;
	const bool
	    *include; /* per plan job: take part at all; NULL: those the plan created */
	const bool *play;   /* per plan job: a manual job counts as played; NULL: none */
	int64_t parent_job; /* the trigger job this pipeline is downstream of; 0: none */
	/* CORE_FINISHED, CORE_DOWNSTREAM */
	bool success, canceled;
	enum reason reason;
	int exit_code;
};

enum core_effect_type {
	CORE_PIPELINE_CREATED, /* pipeline */
	CORE_JOB_CREATED,      /* job: new, also as another try of a failed one */
	CORE_JOB_CHANGED,      /* job: see core_job() for its status and reason */
	CORE_PIPELINE_CHANGED, /* pipeline: its status */
	CORE_ASSIGN,           /* job goes to runner; its payload may be built now */
	CORE_CANCEL,           /* tell the runner of job to cancel it, gracefully */
	CORE_START_DOWNSTREAM, /* job: make its downstream pipeline, or say
				  CORE_DOWNSTREAM */
	CORE_TIMER, /* send CORE_TICK at time_us at the latest; replaces the one before */
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

/* One try of one job. Read-only outside the core; valid until the next event. */
struct core_job {
	int64_t id, pipeline;
	const struct plan_job *plan;
	size_t index; /* in the plan */
	enum status status;
	enum reason reason;
	int64_t because;    /* the job that reason speaks of; 0: none */
	int attempt;        /* 1-based */
	int64_t retried_as; /* 0: this is the latest try */
	bool warned;        /* failed or canceled, and allowed to */
	bool played;
	int exit_code;
	int64_t runner;     /* 0: none yet */
	int64_t downstream; /* pipeline id; 0: none */
	int64_t created_us, queued_us, started_us, finished_us;
	int64_t start_at_us; /* scheduled: when it starts by itself */
};

struct core_pipeline {
	int64_t id;
	const struct plan *plan;
	int64_t parent_job;
	enum status status;
	bool warnings; /* success with a warned job */
	int64_t created_us, finished_us;
	const int64_t *jobs; /* every try, in order of creation */
	size_t job_count;
};

/* Ids start at these; 1, 1 for a first run. Never reused. */
struct core *core_new(int64_t next_pipeline_id, int64_t next_job_id);
void core_free(struct core *core);

/* An event that does not fit (unknown id, playing a running job) is ERR_INVALID and
 * changes nothing. */
MUST_CHECK int core_handle(struct core *core, const struct core_event *event,
    struct core_effects *effects, struct error *err);

const struct core_job *core_job(const struct core *core, int64_t id); /* NULL: unknown */
const struct core_pipeline *core_pipeline(
    const struct core *core, int64_t id); /* NULL: unknown */

/* The latest try of the plan's job, NULL when it takes no part. */
const struct core_job *core_latest(
    const struct core *core, int64_t pipeline, size_t plan_job);

/* Queue position of a pending job, from 1; 0 when it is not pending. */
size_t core_queue_position(const struct core *core, int64_t job);

#endif
