/*
 * tests/sim/sim [--seed N] [--seeds COUNT]: lives through COUNT histories, each from a
 * fresh seed, and says which seed broke a promise; --seed replays one, telling what
 * happens. Without options 300 (SOAK in the environment: 10,000, QUICK: 30).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/str.h"
#include "tests/sim/world.h"

#define TROUBLE (15 * MINUTE)
#define PATIENCE (12 * 60 * MINUTE) /* after healing; then something is stuck */

void
world_log(struct world *w, const char *fmt, ...)
{
	va_list ap;

	if (!w->verbose)
		return;
	(void)printf("%10.3f  ", (double)w->now_us / (double)SECOND);
	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	(void)printf("\n");
}

static void
world_clear(struct world *w)
{
	core_free(w->server.core);
	core_effects_clear(&w->server.effects);
	for (size_t i = 0; i < w->server.queued; i++)
		commit_clear(&w->server.queue[i]);
	free(w->server.queue);
	free(w->server.polls);
	idmap_clear(&w->server.tokens);
	for (int i = 0; i < w->runner_count; i++)
		free(w->runners[i].builds);
	idmap_for_each(e, &w->truths)
		free(e->value);
	idmap_clear(&w->truths);
	store_clear(&w->store);
	free(w->agenda.items);
	free(w->told);
	arena_free(w->arena);
}

static void
run_until_quiet(struct world *w)
{
	int64_t patience = w->now_us + PATIENCE, look = 0;

	while (w->failure[0] == '\0' && agenda_step(w)) {
		if (w->now_us < look)
			continue;
		if (check_quiet(w))
			break;
		look = w->now_us + MINUTE;
		if (w->now_us > patience)
			break;
	}
}

struct outcome {
	size_t events, jobs;
	char failure[512];
};

static struct outcome
live_through(uint64_t seed, bool verbose)
{
	struct world w = { .seed = seed,
		.state = seed,
		.now_us = INT64_C(1700000000) * SECOND,
		.verbose = verbose,
		.faults = true,
		.arena = arena_new() };
	int64_t end = w.now_us + TROUBLE;
	struct outcome out;

	people_start(&w);
	while (w.failure[0] == '\0' && w.now_us < end && agenda_step(&w))
		;
	people_heal(&w);
	run_until_quiet(&w);
	if (w.failure[0] == '\0')
		check_end(&w);
	out = (struct outcome){ w.events, w.store.jobs.count, "" };
	memcpy(out.failure, w.failure, sizeof(out.failure));
	world_clear(&w);
	return out;
}

static int
replay(uint64_t seed)
{
	struct outcome out = live_through(seed, true);

	(void)printf("seed %" PRIu64 ": %zu events, %zu jobs: %s\n", seed, out.events,
	    out.jobs, out.failure[0] != '\0' ? out.failure : "all promises kept");
	return out.failure[0] != '\0';
}

static int
explore(int64_t count)
{
	size_t events = 0, jobs = 0;
	int broken = 0;

	for (int64_t i = 0; i < count; i++) {
		struct outcome out;
		uint64_t seed;

		if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
			return 1;
		seed >>= 16; /* easier to copy */
		out = live_through(seed, false);
		events += out.events;
		jobs += out.jobs;
		if (out.failure[0] == '\0')
			continue;
		(void)printf("seed %" PRIu64
			     ": %s\n  replay: tests/sim/sim --seed %" PRIu64 "\n",
		    seed, out.failure, seed);
		if (++broken == 10)
			break;
	}
	(void)printf("%" PRId64 " seeds, %zu events, %zu jobs, %d broken\n", count,
	    events, jobs, broken);
	return broken > 0;
}

static int64_t
usual_count(void)
{
	const char *soak = getenv("SOAK"), *quick = getenv("QUICK");

	return soak != NULL && *soak != '\0'  ? 10000
	    : quick != NULL && *quick != '\0' ? 30
					      : 300;
}

int
main(int argc, char **argv)
{
	int64_t n;

	if (argc == 1)
		return explore(usual_count());
	if (argc == 3 && str_to_int64(argv[2], &n) && n > 0) {
		if (str_eq(argv[1], "--seed"))
			return replay((uint64_t)n);
		if (str_eq(argv[1], "--seeds"))
			return explore(n);
	}
	(void)fprintf(stderr, "usage: sim [--seed N | --seeds COUNT]\n");
	return 2;
}
