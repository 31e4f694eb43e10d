/* People push, play, retry and cancel; machines and cables fail. Until all is healed. */
#include "tests/sim/world.h"

static void
describe(struct world *w, int runner)
{
	static const char *const names[] = { "linux", "gpu", "arm" };
	struct core_runner *r = &w->runners[runner].describes;
	struct core_scope *scope = arena_calloc(w->arena, 1, sizeof(*scope));
	int64_t dice = chance_between(w, 0, 99);

	scope->kind = dice < 70 ? CORE_SCOPE_ALL
	    : dice < 85         ? CORE_SCOPE_GROUP
				: CORE_SCOPE_PROJECT;
	scope->id = scope->kind == CORE_SCOPE_GROUP ? chance_between(w, 100, 101)
						    : chance_between(w, 1, 3);
	*r = (struct core_runner){ .id = runner + 1,
		.name = arena_printf(w->arena, "r%d", runner + 1),
		.tags = { arena_calloc(w->arena, 3, sizeof(char *)), 0 },
		.run_untagged = chance_of(w, 70),
		.only_protected = chance_of(w, 15),
		.paused = w->faults && chance_of(w, 10),
		.scopes = scope,
		.scope_count = 1,
		.limit = (int)chance_between(w, 0, 3) };
	for (size_t i = 0; i < 3; i++)
		if (chance_of(w, 60))
			r->tags.items[r->tags.count++] = names[i];
}

/* One that takes everything at the end, so that nothing has to wait for ever. */
static void
describe_well(struct world *w, int runner)
{
	struct core_runner *r = &w->runners[runner].describes;

	describe(w, runner);
	r->paused = false;
	if (runner > 0)
		return;
	r->tags.items[0] = "linux";
	r->tags.items[1] = "gpu";
	r->tags.items[2] = "arm";
	r->tags.count = 3;
	r->run_untagged = true;
	r->only_protected = false;
	r->scope_count = 0;
}

static void
server_returns(struct world *w, const struct message *m)
{
	(void)m;
	server_start(w);
}

static void
runner_returns(struct world *w, const struct message *m)
{
	runner_start(w, m->runner);
}

static void
cable_returns(struct world *w, const struct message *m)
{
	w->runners[m->runner].cut_off = false;
}

static void
break_runner(struct world *w, int runner)
{
	struct message m = { .runner = runner };

	if (chance_of(w, 40)) {
		w->runners[runner].cut_off = true;
		agenda_add(w, chance_between(w, SECOND, 2 * MINUTE), cable_returns, m);
		return;
	}
	world_log(w, "runner %d fails", runner + 1);
	if (chance_of(w, 40))
		runner_burn(w, runner);
	else
		runner_stop(w, runner);
	agenda_add(w, chance_between(w, 100 * MS, 2 * MINUTE), runner_returns, m);
}

static void
break_server(struct world *w)
{
	int64_t dice = chance_between(w, 0, 99);

	if (dice < 60) {
		server_crash(w);
		agenda_add(w, chance_between(w, 100 * MS, MINUTE), server_returns,
		    (struct message){ .runner = 0 });
	} else if (dice < 80) {
		server_stall(w, chance_between(w, SECOND, 2 * MINUTE));
	} else {
		w->server.clock_offset_us +=
		    chance_between(w, -20 * SECOND, 120 * MINUTE);
		w->server.well_since_us = w->now_us + 20 * SECOND;
	}
}

static void
change_settings(struct world *w)
{
	int runner = (int)chance_between(w, 0, w->runner_count - 1);

	if (chance_of(w, 30)) {
		w->mode = (enum core_process_mode)chance_between(
		    w, CORE_UNORDERED, CORE_NEWEST_READY_FIRST);
		server_describe_modes(w);
		return;
	}
	/* never below what it has: a limit does not take a job away */
	int limit = w->runners[runner].describes.limit;

	describe(w, runner);
	w->runners[runner].describes.limit = limit;
	server_describe_runner(w, runner);
}

static void
act(struct world *w)
{
	static const enum core_event_type acts[] = { CORE_PLAY, CORE_PLAY, CORE_PLAY,
		CORE_RETRY, CORE_RETRY, CORE_CANCEL_JOB, CORE_CANCEL_PIPELINE,
		CORE_RETRY_PIPELINE, CORE_PRIORITY };

	if (w->store.last_job > 0)
		(void)server_act(w, acts[chance_between(w, 0, ARRAY_LEN(acts) - 1)],
		    chance_between(w, 1, w->store.last_job));
}

static void
live(struct world *w, const struct message *m)
{
	int64_t dice = chance_between(w, 0, 99);

	if (!w->faults)
		return;
	if (dice < 40)
		(void)server_push(w);
	else if (dice < 70 && w->meddled)
		act(w);
	else if (dice < 85)
		break_runner(w, (int)chance_between(w, 0, w->runner_count - 1));
	else if (dice < 92)
		break_server(w);
	else
		change_settings(w);
	agenda_add(w, chance_between(w, 10 * MS, 15 * SECOND), live, *m);
}

void
people_start(struct world *w)
{
	w->meddled = chance_of(w, 60);
	w->runner_count = (int)chance_between(w, 1, 8);
	w->project_count = (int)chance_between(w, 1, MAX_PROJECTS);
	w->project_limit = chance_of(w, 30) ? (int)chance_between(w, 1, 3) : 0;
	w->loss = (int)chance_between(w, 0, 20);
	w->repeat = (int)chance_between(w, 0, 10);
	w->mode = (enum core_process_mode)chance_between(
	    w, CORE_UNORDERED, CORE_NEWEST_READY_FIRST);
	w->limits =
	    (struct core_limits){ .jobs =
				      chance_of(w, 30) ? (int)chance_between(w, 1, 5) : 0,
		    .accept_us = chance_between(w, 20, 120) * SECOND,
		    .lease_us = 30 * SECOND,
		    .pending_us = 20 * MINUTE,
		    .online_us = 2 * MINUTE,
		    .timeout_us = 5 * MINUTE,
		    .grace_us = MINUTE,
		    .system_retries = (int)chance_between(w, 0, 2) };
	for (int i = 0; i < w->runner_count; i++) {
		describe(w, i);
		w->runners[i].slots = (int)chance_between(w, 1, 3);
	}
	server_start(w);
	for (int i = 0; i < w->runner_count; i++)
		runner_start(w, i);
	live(w, &(struct message){ .runner = 0 });
}

/* In the end somebody presses every button, so that nothing waits for a person. */
static void
press_all(struct world *w, const struct message *m)
{
	for (int64_t id = 1; id <= w->store.last_job; id++) {
		const struct stored_job *job = idmap_get(&w->store.jobs, id);

		if (job != NULL && job->row.status == STATUS_MANUAL &&
		    job->row.downstream == 0)
			(void)server_act(w, CORE_PLAY, id);
	}
	agenda_add(w, MINUTE, press_all, *m);
}

void
people_heal(struct world *w)
{
	world_log(w, "all is healed");
	w->faults = false;
	server_start(w);
	w->server.stalled = false;
	w->server.well_since_us = w->now_us;
	w->mode = CORE_UNORDERED; /* others may wait for what waits for them */
	server_describe_modes(w);
	press_all(w, &(struct message){ .runner = 0 });
	for (int i = 0; i < w->runner_count; i++) {
		int limit = w->runners[i].describes.limit;

		describe_well(w, i);
		w->runners[i].describes.limit = limit;
		server_describe_runner(w, i);
		w->runners[i].cut_off = false;
		runner_start(w, i);
	}
}
