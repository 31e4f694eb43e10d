/*
 * Whose artifacts a job gets: those of its needs, else of all earlier stages, narrowed
 * by `dependencies`. By stage order half of the jobs could supply the other half, so the
 * list is kept once and each job takes the beginning of it.
 */
#include "pipelines/plan_internal.h"

/* Jobs with artifacts, ascending; before[s]: how many of them are in stages before s. */
struct suppliers {
	size_t *jobs;
	size_t *before;
};

static bool
has_artifacts(const struct plan_job *job)
{
	return job->created && job->config->artifacts.present;
}

static struct suppliers
find_suppliers(struct compile *c)
{
	const struct plan *plan = c->plan;
	size_t count = 0, job = 0;
	struct suppliers all;

	all.jobs = arena_calloc(c->arena, plan->job_count, sizeof(*all.jobs));
	all.before = arena_calloc(c->arena, plan->stages.count, sizeof(*all.before));
	for (size_t s = 0; s < plan->stages.count; s++) {
		all.before[s] = count;
		for (; job < plan->job_count && plan->jobs[job].stage_index == s; job++)
			if (has_artifacts(&plan->jobs[job]))
				all.jobs[count++] = job;
	}
	return all;
}

static int
compare_indexes(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	return (x > y) - (x < y);
}

/* sources: count of them, in any order and perhaps twice. */
static void
set_sources(struct plan_job *job, size_t *sources, size_t count)
{
	size_t kept = 0;

	if (count > 1)
		qsort(sources, count, sizeof(*sources), compare_indexes);
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || sources[kept - 1] != sources[i])
			sources[kept++] = sources[i];
	job->artifact_sources = sources;
	job->artifact_source_count = kept;
}

static bool
gives_by_need(const struct plan_job *job, size_t source)
{
	for (size_t i = 0; i < job->need_count; i++)
		if (job->needs[i].job == source)
			return job->needs[i].artifacts;
	return false;
}

/* `dependencies` chooses among the needed jobs, or among those of earlier stages. */
static void
use_dependencies(struct compile *c, struct plan_job *job)
{
	const struct strs *names = &job->config->dependencies;
	size_t *sources = arena_calloc(c->arena, names->count, sizeof(*sources));
	size_t count = 0;

	for (size_t i = 0; i < names->count; i++) {
		const struct plan_job *source = plan_find(c->plan, names->items[i]);
		size_t at;

		if (source == NULL || !has_artifacts(source))
			continue;
		at = (size_t)(source - c->plan->jobs);
		if (job->has_needs ? gives_by_need(job, at)
				   : source->stage_index < job->stage_index)
			sources[count++] = at;
	}
	set_sources(job, sources, count);
}

static void
use_needs(struct compile *c, struct plan_job *job)
{
	size_t *sources = arena_calloc(c->arena, job->need_count, sizeof(*sources));
	size_t count = 0;

	for (size_t i = 0; i < job->need_count; i++)
		if (job->needs[i].artifacts &&
		    has_artifacts(&c->plan->jobs[job->needs[i].job]))
			sources[count++] = job->needs[i].job;
	set_sources(job, sources, count);
}

void
compile_artifact_sources(struct compile *c)
{
	struct suppliers all = find_suppliers(c);

	for (size_t i = 0; i < c->plan->job_count; i++) {
		struct plan_job *job = &c->plan->jobs[i];

		if (!job->created)
			continue;
		if (job->config->has_dependencies) {
			use_dependencies(c, job);
		} else if (job->has_needs) {
			use_needs(c, job);
		} else {
			job->artifact_sources = all.jobs;
			job->artifact_source_count = all.before[job->stage_index];
		}
	}
}
