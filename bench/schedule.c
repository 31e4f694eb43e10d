/*
 * bench/schedule JOBS RUNNERS: what an event costs the scheduler's core while so many
 * jobs are queued and so many runners known. The level is held: for each pipeline that
 * ends a new one comes. Prints nanoseconds per event, bytes per queued job, how long the
 * slowest event took, and the count of who waits for what, in microseconds.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/str.h"
#include "scheduler/core.h"

#define PROJECTS 1000
#define TAGS 16
#define PIPELINE_JOBS 10
#define TURNS 50000

static int64_t
now_ns(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) < 0)
		return 0;
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

struct bench {
	struct core *core;
	struct core_effects effects;
	struct arena *arena;
	struct plan *plans[TAGS]; /* all jobs of one want the same tags */
	int64_t now_us, events, slowest_ns, spent_ns;
	int64_t pipelines, runners;
	int64_t assigned; /* by the last event; 0: nothing */
};

static void
take_effects(struct bench *b)
{
	b->assigned = 0;
	for (size_t i = 0; i < b->effects.count; i++)
		if (b->effects.items[i].type == CORE_ASSIGN)
			b->assigned = b->effects.items[i].job;
	b->effects.count = 0;
}

static void
send(struct bench *b, struct core_event event)
{
	struct error err = ERROR_INIT;
	int64_t start = now_ns(), took;

	event.time_us = b->now_us += 100;
	if (core_handle(b->core, &event, &b->effects, &err) < 0) {
		(void)fprintf(stderr, "event %d: %s\n", (int)event.type, err.msg);
		exit(1);
	}
	took = now_ns() - start;
	b->events++;
	b->spent_ns += took;
	b->slowest_ns = took > b->slowest_ns ? took : b->slowest_ns;
	take_effects(b);
}

static struct plan *
make_plan(struct bench *b, int kind)
{
	static const char *stages[] = { "test" };
	struct plan *plan = arena_calloc(b->arena, 1, sizeof(*plan));
	struct job_config *config = arena_calloc(b->arena, 1, sizeof(*config));
	const char **tags = arena_calloc(b->arena, 2, sizeof(*tags));

	tags[0] = "linux";
	tags[1] = arena_printf(b->arena, "tag-%d", kind);
	plan->stages = (struct strs){ stages, 1 };
	plan->job_count = PIPELINE_JOBS;
	plan->jobs = arena_calloc(b->arena, PIPELINE_JOBS, sizeof(*plan->jobs));
	for (size_t i = 0; i < PIPELINE_JOBS; i++)
		plan->jobs[i] = (struct plan_job){ .config = config,
			.name = "job",
			.created = true,
			.tags = { tags, 2 } };
	return plan;
}

static void
create(struct bench *b)
{
	struct core_origin origin = { .project = 1 + b->pipelines % PROJECTS,
		.ref = "refs/heads/main" };

	send(b,
	    (struct core_event){ .type = CORE_CREATE_PIPELINE,
		.plan = b->plans[b->pipelines++ % TAGS],
		.origin = &origin });
}

/* Each has four of the tags, so that several kinds of job compete for it. */
static void
describe(struct bench *b, int64_t id)
{
	const char *tags[5] = { "linux" };
	char names[4][16];
	struct core_runner runner = { .id = id, .name = "r", .tags = { tags, 5 } };

	for (int64_t i = 0; i < 4; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "tag-%" PRId64,
		    (id + i * (id % 3 + 1)) % TAGS);
		tags[i + 1] = names[i];
	}
	send(b, (struct core_event){ .type = CORE_RUNNER, .describes = &runner });
}

/* A runner asks, is given a job, and ends it. */
static void
turn(struct bench *b, int64_t runner)
{
	const struct core_pipeline *p;
	int64_t job;

	send(b, (struct core_event){ .type = CORE_REQUEST, .runner = runner });
	job = b->assigned;
	if (job == 0) {
		(void)fprintf(stderr, "runner %" PRId64 " got nothing\n", runner);
		exit(1);
	}
	send(b, (struct core_event){ .type = CORE_STARTED, .job = job });
	send(b, (struct core_event){ .type = CORE_HEARTBEAT, .job = job });
	send(b, (struct core_event){ .type = CORE_HEARTBEAT, .job = job });
	p = core_pipeline(b->core, core_job(b->core, job)->pipeline);
	send(
	    b, (struct core_event){ .type = CORE_FINISHED, .job = job, .success = true });
	if (!status_is_completed(p->status))
		return;
	send(b, (struct core_event){ .type = CORE_FORGET_PIPELINE, .pipeline = p->id });
	create(b);
}

/* In microseconds, the best of a few. */
static int64_t
count_waits(const struct core *core)
{
	size_t counts[CORE_WAIT_COUNT];
	int64_t best = INT64_MAX;

	for (int i = 0; i < 5; i++) {
		int64_t start = now_ns(), took;

		core_count_waits(core, counts);
		took = (now_ns() - start) / 1000;
		best = took < best ? took : best;
	}
	return best;
}

static void
measure(struct bench *b, int64_t jobs)
{
	static const struct core_limits limits = {
		.accept_us = 120000000, .lease_us = 30000000, .pending_us = 86400000000
	};
	size_t before;

	send(b, (struct core_event){ .type = CORE_LIMITS, .limits = &limits });
	for (int64_t r = 1; r <= b->runners; r++)
		describe(b, r);
	before = mallinfo2().uordblks + mallinfo2().hblkhd;
	for (int64_t i = 0; i < jobs / PIPELINE_JOBS; i++)
		create(b);
	before = mallinfo2().uordblks + mallinfo2().hblkhd - before;
	for (int64_t i = 0; i < TURNS / 10; i++)
		turn(b, 1 + i % b->runners);
	b->events = b->spent_ns = b->slowest_ns = 0;
	for (int64_t i = 0; i < TURNS; i++)
		turn(b, 1 + i * 7919 % b->runners);
	(void)printf("%" PRId64 " ns/event %zu bytes/job slowest %" PRId64
		     " us count %" PRId64 " us\n",
	    b->spent_ns / b->events, before / (size_t)jobs, b->slowest_ns / 1000,
	    count_waits(b->core));
}

int
main(int argc, char **argv)
{
	struct bench b = { .arena = arena_new(), .now_us = 1 };
	int64_t jobs;

	if (argc != 3 || !str_to_int64(argv[1], &jobs) ||
	    !str_to_int64(argv[2], &b.runners) || jobs < PIPELINE_JOBS || b.runners < 1) {
		(void)fprintf(stderr, "usage: bench/schedule JOBS RUNNERS\n");
		return 2;
	}
	b.core = core_new(1, 1);
	for (int i = 0; i < TAGS; i++)
		b.plans[i] = make_plan(&b, i);
	measure(&b, jobs);
	core_free(b.core);
	core_effects_clear(&b.effects);
	arena_free(b.arena);
	return 0;
}
