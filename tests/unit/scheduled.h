/*
 * A core under test: plans made of a few words, a clock that moves a millisecond per
 * event, and what came of it: who was given what, what changed, when a tick is due.
 */
#ifndef TESTS_UNIT_SCHEDULED_H
#define TESTS_UNIT_SCHEDULED_H

#include "base/buf.h"
#include "scheduler/core.h"

#define SCHEDULED_MAX_JOBS 8
#define SCHEDULED_SECOND INT64_C(1000000)

struct scheduled_spec {
	const char *name; /* NULL ends a list of them */
	int stage;        /* 1, 2, 3; 0 is 1 */
	enum job_when when;
	const char *needs; /* NULL: stage order; "" or "a b": needs */
	bool allow_failure;
	int retry; /* -1: a written 0 */
	const char *group;
	int start_in_s;
	const char *tags; /* "a b" */
	bool interruptible;
	const char *trigger; /* "none", "depend", "mirror"; NULL: runs a script */
	const char *retry_when;
	int timeout_s;
	bool refused; /* asks for what no runner does */
};

/* What a runner was given. */
struct scheduled_given {
	int64_t job, runner;
};

struct scheduled {
	struct arena *arena;
	struct core *core;
	struct core_effects effects;
	int64_t now_us, timer_us;
	struct scheduled_given given[64]; /* since the start */
	size_t given_count;
	int64_t downstream[64]; /* trigger jobs whose pipeline was asked for */
	size_t downstream_count;
	int64_t canceled[64]; /* jobs whose runner was told to cancel */
	size_t canceled_count;
	size_t changes; /* of the last event: jobs and pipelines told of */
};

void scheduled_init(struct scheduled *s);
void scheduled_clear(struct scheduled *s);

struct plan *scheduled_plan(struct scheduled *s, const struct scheduled_spec *specs);

/* Sent a millisecond after the one before. Must be taken. */
void scheduled_send(struct scheduled *s, struct core_event event);
/* Must be refused, and change nothing; the sentence lives until the next refusal. */
const char *scheduled_refused(struct scheduled *s, struct core_event event);
/* Time goes by: with a tick whenever the core asked for one. */
void scheduled_wait(struct scheduled *s, int64_t us);

/* The id of a new pipeline; origin may be NULL. */
int64_t scheduled_create(
    struct scheduled *s, const struct plan *plan, const struct core_origin *origin);
/* One of one job, which is the id that comes back. */
int64_t scheduled_one(struct scheduled *s, const struct scheduled_spec *spec,
    const struct core_origin *origin);

/* A runner with these tags ("a b"); NULL: without tags, and takes those without. */
void scheduled_runner(struct scheduled *s, int64_t id, const char *tags);
void scheduled_describe(struct scheduled *s, struct core_runner runner, const char *tags);
void scheduled_request(struct scheduled *s, int64_t runner);
/* Whom the job was given to last; 0: nobody. */
int64_t scheduled_runner_of(const struct scheduled *s, int64_t job);

/* Of the runner that has it. */
void scheduled_started(struct scheduled *s, int64_t job);
void scheduled_finish(struct scheduled *s, int64_t job, enum reason reason);

/* The latest try. */
int64_t scheduled_job(const struct scheduled *s, int64_t pipeline, const char *name);
const char *scheduled_status(const struct scheduled *s, int64_t job);
/* "a:success b:created => running" */
const char *scheduled_state(struct scheduled *s, int64_t pipeline);

/* The same core as after a restart: first the settings, then all that a store keeps is
 * loaded into a new one. How many changes of jobs and pipelines it told of. */
size_t scheduled_restart(struct scheduled *s, void (*settings)(struct scheduled *s));

#endif
