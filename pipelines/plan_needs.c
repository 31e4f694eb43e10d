/*
 * Needs, resolved to jobs of this pipeline: linear in jobs and needs. That a file has the
 * needed job, in no later stage, is settled by the config; whether this event has it is
 * found here.
 */
#include "pipelines/plan_internal.h"

static void
refuse_need(struct compile *c, const struct plan_job *job, const struct need *need,
    const struct plan_job *target)
{
	diag_error(c->diags, DIAG_LOGIC, need->at, job->name,
	    "'%s' job needs '%s' job, but '%s' does not exist in the pipeline: %s; "
	    "give both jobs the same rules, or say `optional: true` in the need",
	    job->name, need->job, need->job, target->why.text);
}

/* Every instance of a parallel job is a need of its own by now. */
static void
resolve_job(struct compile *c, struct plan_job *job)
{
	const struct needs *needs = &job->needs_written;

	job->needs = arena_calloc(c->arena, needs->count, sizeof(*job->needs));
	for (size_t i = 0; i < needs->count; i++) {
		const struct need *need = &needs->items[i];
		const struct plan_job *target;

		if (need->job == NULL || need->pipeline != NULL || need->project != NULL)
			continue; /* of another pipeline: it orders nothing here */
		target = plan_find(c->plan, need->job);
		if (target != NULL && target->created)
			job->needs[job->need_count++] =
			    (struct plan_need){ (size_t)(target - c->plan->jobs),
				    need->artifacts, need->optional };
		else if (target != NULL && !need->optional)
			refuse_need(c, job, need, target);
	}
}

/* ---- circles ---------------------------------------------------------------------- */

enum visit { VISIT_NEW, VISIT_OPEN, VISIT_DONE };

/* Depth first along the needs, with a stack of our own: a chain may be long. */
struct walk {
	const struct plan *plan;
	struct step {
		enum visit visit;
		size_t next; /* need to look at */
	} * steps;           /* per job */
	size_t *path;        /* jobs that are open, in order */
	size_t depth;
};

static void
report_circle(struct compile *c, const struct walk *w, size_t target)
{
	cleanup_buf struct buf names = BUF_INIT;
	const struct plan_job *first = &c->plan->jobs[target];
	size_t i = w->depth;

	while (w->path[i - 1] != target)
		i--;
	for (i--; i < w->depth && names.len < ERROR_MAX; i++)
		buf_printf(&names, "'%s' needs ", c->plan->jobs[w->path[i]].name);
	diag_error(c->diags, DIAG_LOGIC, first->config->at, first->name,
	    "jobs need each other in a circle: %s'%s'", buf_str(&names), first->name);
}

static void
enter(struct walk *w, size_t job)
{
	w->steps[job].visit = VISIT_OPEN;
	w->path[w->depth++] = job;
}

/* False when a circle was found and told of. */
static bool
follow_needs(struct compile *c, struct walk *w)
{
	while (w->depth > 0) {
		size_t at = w->path[w->depth - 1];
		const struct plan_job *job = &w->plan->jobs[at];
		size_t target;

		if (w->steps[at].next == job->need_count) {
			w->steps[at].visit = VISIT_DONE;
			w->depth--;
			continue;
		}
		target = job->needs[w->steps[at].next++].job;
		if (w->steps[target].visit == VISIT_OPEN) {
			report_circle(c, w, target);
			return false;
		}
		if (w->steps[target].visit == VISIT_NEW)
			enter(w, target);
	}
	return true;
}

/* Needs of rules may close a circle that the check of the files could not see. */
static void
check_circles(struct compile *c)
{
	size_t count = c->plan->job_count;
	struct walk w = { .plan = c->plan };
	bool fine = true;

	w.steps = xcalloc(count + 1, sizeof(*w.steps));
	w.path = xcalloc(count + 1, sizeof(*w.path));
	for (size_t i = 0; i < count && fine; i++) {
		if (w.steps[i].visit != VISIT_NEW)
			continue;
		enter(&w, i);
		fine = follow_needs(c, &w);
	}
	free(w.steps);
	free(w.path);
}

void
compile_needs(struct compile *c)
{
	struct plan *plan = c->plan;

	for (size_t i = 0; i < plan->job_count; i++)
		if (plan->jobs[i].created)
			resolve_job(c, &plan->jobs[i]);
	check_circles(c);
}
