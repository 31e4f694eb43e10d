/*
 * A whole service in one address space and one thread: a server around the real core, a
 * store that keeps what was committed, runners, people, and a network between them that
 * loses, repeats and delays. Time is a number; what happens next is drawn from one seed,
 * so a seed replays exactly. The simulated parts know each other by messages only.
 */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include "base/arena.h"
#include "base/idmap.h"
#include "scheduler/core.h"

#define MS INT64_C(1000)
#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)

#define MAX_RUNNERS 16
#define MAX_PROJECTS 4

struct world;

/* ---- chance and time (agenda.c) -------------------------------------------------------
 */

uint64_t chance_next(struct world *w);
int64_t chance_between(struct world *w, int64_t low, int64_t high); /* both included */
bool chance_of(struct world *w, int percent);

enum message_kind {
	MSG_POLL,   /* a runner asks for a job; held until there is one */
	MSG_ACCEPT, /* "I have it" */
	MSG_PATCH,  /* log bytes [offset, end); also none, as a sign of life */
	MSG_FINAL,  /* it is over; end: how long the log is */
	MSG_REPLY,
};

struct message {
	enum message_kind kind;
	int runner;   /* index; whom it comes from or goes to */
	int64_t conn; /* ties a reply to what it answers */
	int64_t job, token, offset, end;
	bool success;
	enum reason reason;
	int code;            /* of a reply, as HTTP has it */
	enum status status;  /* of a reply: the job's, as the server sees it */
	int64_t incarnation; /* of the process a timer is for */
};

typedef void (*happen_fn)(struct world *w, const struct message *m);

struct happening {
	int64_t at_us;
	uint64_t order;
	happen_fn what;
	struct message with;
};

struct agenda {
	struct happening *items; /* a heap */
	size_t count, cap;
	uint64_t order;
};

void agenda_add(struct world *w, int64_t after_us, happen_fn what, struct message with);
bool agenda_step(struct world *w); /* false: nothing will happen any more */

/* ---- store ----------------------------------------------------------------------------
 */

struct stored_job {
	struct core_job row;
	int64_t token; /* of the runner it was given to; 0: none */
};

struct stored_pipeline {
	struct core_pipeline row;
	const struct plan *plan;
	struct core_origin origin;
	int64_t *jobs;
	size_t job_count, job_cap;
};

/* One thing the server wants on disk, and what it says when it is there. */
struct commit {
	struct stored_job *jobs;
	size_t job_count, job_cap;
	struct stored_pipeline *pipelines; /* jobs are not looked at */
	size_t pipeline_count, pipeline_cap;
	struct message *replies;
	size_t reply_count, reply_cap;
	int64_t told_pipeline; /* somebody will know of it */
	int64_t told_job;      /* and that this one ended as `told_status` */
	enum status told_status;
	int64_t *downstream; /* trigger jobs that want a pipeline */
	size_t downstream_count, downstream_cap;
};

struct store {
	struct idmap jobs, pipelines; /* stored_job, stored_pipeline */
	int64_t last_job, last_pipeline;
};

void store_apply(struct store *s, const struct commit *c);
void store_clear(struct store *s);
void commit_clear(struct commit *c);

/* ---- server ---------------------------------------------------------------------------
 */

struct poll {
	int runner;
	int64_t conn;
};

struct server {
	bool up;
	int64_t incarnation;
	struct core *core;
	struct core_effects effects;
	struct idmap tokens; /* job id -> token, as a pointer */
	struct poll *polls;
	size_t poll_count, poll_cap;
	struct commit *queue; /* what waits for the disk, oldest first */
	size_t queued, queue_cap;
	size_t in_flight; /* of these, in the transaction that is being written */
	int64_t clock_offset_us;
	int64_t timer;         /* counts them, so that replaced ones are known */
	int64_t loaded;        /* pipelines up to this one have been, after a start */
	bool loading;          /* ticks, but hears nobody */
	int64_t well_since_us; /* up, hearing, and its clock steady */
	bool stalled;          /* stopped: hears nothing, ticks nothing */
};

void server_start(struct world *w);
void server_crash(struct world *w);
void server_receive(struct world *w, const struct message *m);
void server_stall(struct world *w, int64_t for_us);
/* What people do; false: the server is down or would not. */
bool server_push(struct world *w);
/* The job is of the store; events of pipelines go to its pipeline. */
bool server_act(struct world *w, enum core_event_type type, int64_t job);
void server_describe_runner(struct world *w, int runner);
void server_describe_limits(struct world *w);
void server_describe_modes(struct world *w);

/* ---- runners --------------------------------------------------------------------------
 */

enum build_phase { BUILD_ACCEPTING, BUILD_RUNNING, BUILD_ENDED };

/* A job as a runner has it: on its disk, so that it outlives the runner's process. */
struct build {
	int64_t job, token;
	enum build_phase phase;
	int64_t timeout_us, started_us, ends_us, log_bytes, acked;
	bool success;
	enum reason reason;
	int64_t conn; /* of the call that has no answer yet; 0: none */
	int64_t wake; /* counts timers, so that older ones are known */
};

struct sim_runner {
	struct core_runner describes;
	bool up, cut_off; /* its process lives; no packet comes through */
	int64_t incarnation;
	int slots;
	struct build *builds;
	size_t build_count, build_cap;
	int64_t poll_conn; /* 0: no poll is out */
};

void runner_start(struct world *w, int runner);
void runner_stop(struct world *w, int runner); /* builds go on */
void runner_burn(struct world *w, int runner); /* with all its builds */
void runner_receive(struct world *w, const struct message *m);
void network_send(struct world *w, const struct message *m);

/* ---- plans, people, checks ------------------------------------------------------------
 */

struct plan *plan_invent(struct world *w, int depth);
void people_start(struct world *w);
/* No faults any more; everything comes up and stays up. */
void people_heal(struct world *w);

/* What really happened to a job, whatever anybody thinks. */
struct truth {
	int starts;       /* of its script */
	int64_t burnt_us; /* its runner was lost with it; 0: no */
	bool ran_to_end;
	bool success;
	int64_t log_bytes;
	int64_t log_on_server;
};
struct truth *truth_of(struct world *w, int64_t job);

void check_failed(struct world *w, const char *fmt, ...) PRINTF(2, 3);
void check_core(struct world *w); /* after each event */
void check_told(struct world *w, const struct commit *c);
bool check_quiet(const struct world *w); /* nothing is under way any more */
void check_end(struct world *w);

struct told {
	int64_t job, pipeline;
	enum status status;
};

struct world {
	uint64_t seed, state;
	int64_t now_us;
	bool verbose, faults;
	bool
	    meddled; /* people canceled or retried: the past no longer follows the plan */
	struct arena *arena;
	struct agenda agenda;
	struct store store;
	struct server server;
	struct sim_runner runners[MAX_RUNNERS];
	int runner_count, project_count;
	struct core_limits limits;
	int project_limit;
	enum core_process_mode mode;
	int loss, repeat; /* percent */
	int64_t conns, tokens;
	struct idmap truths;
	struct told *told;
	size_t told_count, told_cap;
	size_t events;
	char failure[512]; /* the first broken promise; "" */
};

void world_log(struct world *w, const char *fmt, ...) PRINTF(2, 3);

#endif
