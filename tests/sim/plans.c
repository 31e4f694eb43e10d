/* Pipelines nobody would write, of every kind of job there is. */
#include "tests/sim/world.h"

#define STAGES 3

static struct strs
invent_tags(struct world *w)
{
	static const char *const all[] = { "linux", "gpu", "arm", "unheard-of" };
	struct strs tags = { arena_calloc(w->arena, 2, sizeof(char *)), 0 };
	int64_t dice = chance_between(w, 0, 99);

	if (dice < 50)
		return tags;
	tags.items[tags.count++] = all[dice < 75 ? 0 : dice < 90 ? 1 : dice < 98 ? 2 : 3];
	if (chance_of(w, 20))
		tags.items[tags.count++] = all[0];
	return tags;
}

static enum job_when
invent_when(struct world *w)
{
	int64_t dice = chance_between(w, 0, 99);

	return dice < 70 ? WHEN_ON_SUCCESS
	    : dice < 77  ? WHEN_ON_FAILURE
	    : dice < 85  ? WHEN_ALWAYS
	    : dice < 92  ? WHEN_MANUAL
			 : WHEN_DELAYED;
}

static void
invent_needs(struct world *w, struct plan *plan, size_t index)
{
	struct plan_job *job = &plan->jobs[index];

	if (!chance_of(w, 35))
		return;
	job->has_needs = true;
	job->needs = arena_calloc(w->arena, index + 1, sizeof(*job->needs));
	for (size_t i = 0; i < index; i++)
		if (chance_of(w, 30))
			job->needs[job->need_count++].job = i;
}

static void
invent_trigger(struct world *w, struct trigger *trigger)
{
	int64_t dice = chance_between(w, 0, 2);

	trigger->present = true;
	trigger->strategy = dice == 0 ? NULL : dice == 1 ? "depend" : "mirror";
}

static void
invent_job(struct world *w, struct plan *plan, size_t index, int depth)
{
	static const char *const groups[] = { "staging", "production" };
	struct plan_job *job = &plan->jobs[index];
	struct job_config *config = arena_calloc(w->arena, 1, sizeof(*config));
	size_t stage = index == 0 ? 0 : plan->jobs[index - 1].stage_index;

	if (stage + 1 < STAGES && chance_of(w, 40))
		stage++;
	config->retry.max = chance_of(w, 20) ? (int)chance_between(w, 1, 2) : 0;
	config->timeout_s = chance_of(w, 10) ? chance_between(w, 20, 60) : 0;
	*job = (struct plan_job){ .config = config,
		.name = arena_printf(w->arena, "j%zu", index),
		.stage_index = stage,
		.created = true,
		.when = invent_when(w),
		.allow_failure.allowed = chance_of(w, 20),
		.interruptible = chance_of(w, 50),
		.start_in_s = chance_between(w, 1, 120),
		.resource_group = chance_of(w, 25) ? groups[chance_of(w, 50)] : NULL };
	if (depth < 2 && chance_of(w, 8)) {
		invent_trigger(w, &config->trigger);
		/* one that holds a group its own child wants would wait for ever */
		if (config->trigger.strategy != NULL)
			job->resource_group = NULL;
		if (job->when == WHEN_DELAYED)
			job->when = WHEN_ON_SUCCESS;
	} else {
		job->tags = invent_tags(w);
	}
	invent_needs(w, plan, index);
}

struct plan *
plan_invent(struct world *w, int depth)
{
	static const char *stages[STAGES] = { "build", "test", "deploy" };
	static const char *const modes[] = { NULL, "conservative", "interruptible",
		"none" };
	struct plan *plan = arena_calloc(w->arena, 1, sizeof(*plan));

	plan->stages = (struct strs){ stages, STAGES };
	plan->job_count = (size_t)chance_between(w, 1, 8);
	plan->jobs = arena_calloc(w->arena, plan->job_count, sizeof(*plan->jobs));
	for (size_t i = 0; i < plan->job_count; i++)
		invent_job(w, plan, i, depth);
	plan->auto_cancel.on_new_commit = modes[chance_between(w, 0, 3)];
	plan->auto_cancel.on_job_failure = chance_of(w, 10) ? "all" : NULL;
	return plan;
}
