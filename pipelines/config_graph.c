/*
 * The graph that `needs` make: every needed job exists and is not in a later stage, none
 * is named twice, and no job waits for itself. Only the needs of the job itself form the
 * graph; those of rules are checked one by one, since at most one rule applies.
 */
#include "base/str.h"
#include "pipelines/config_build.h"

static bool
is_local(const struct need *need)
{
	return need->job != NULL && need->pipeline == NULL && need->project == NULL;
}

static void
undefined_need(struct config_builder *b, const struct need *need)
{
	const char *hint;

	if (need->optional)
		return;
	hint =
	    *need->job == '.' ? "; hidden jobs never run" : config_near_job(b, need->job);
	config_logic_error(
	    b, need->at, "needs \"%s\", which is no job%s", need->job, hint);
}

static void
check_need(
    struct config_builder *b, const struct job_config *job, const struct need *need)
{
	const struct job_config *other = map_get(&b->jobs, need->job);

	if (other == NULL)
		undefined_need(b, need);
	else if (config_is_later(other, job))
		config_logic_error(b, need->at,
		    "needs \"%s\", which is in the later stage \"%s\"; a job may need jobs "
		    "of its own or earlier stages",
		    need->job, other->stage);
}

static void
check_twice(struct config_builder *b, const struct needs *needs, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (is_local(&needs->items[k]) &&
		    str_eq(needs->items[k].job, needs->items[i].job)) {
			config_logic_error(b, needs->items[i].at,
			    "needs \"%s\" twice; remove one", needs->items[i].job);
			return;
		}
}

void
config_too_many_needs(struct config_builder *b, struct mark at, size_t count)
{
	config_logic_error(b, at,
	    "needs %zu jobs, at most %d are allowed; instances of parallel jobs count one "
	    "by one",
	    count, CONFIG_MAX_NEEDS);
}

static void
check_list(
    struct config_builder *b, const struct job_config *job, const struct needs *needs)
{
	if (needs->count > CONFIG_MAX_NEEDS) {
		config_too_many_needs(b, needs->items[0].at, needs->count);
		return;
	}
	for (size_t i = 0; i < needs->count; i++)
		if (is_local(&needs->items[i])) {
			check_need(b, job, &needs->items[i]);
			check_twice(b, needs, i);
		}
}

/* Depth-first search without recursion: a chain may be as long as there are jobs. */
struct walk {
	struct config_builder *b;
	unsigned char *state; /* of each job */
	size_t *path;         /* jobs being looked at, from the start */
	size_t *next;         /* and which of their needs comes next */
	size_t depth;
	size_t found; /* cycles */
};

enum { UNSEEN, ON_PATH, DONE };

#define MAX_CYCLES 10 /* reported; one knot makes many */

static size_t
index_of(struct walk *w, const struct need *need)
{
	const struct job_config *job =
	    is_local(need) ? map_get(&w->b->jobs, need->job) : NULL;

	return job == NULL ? SIZE_MAX : (size_t)(job - w->b->config->jobs);
}

static void
report_cycle(struct walk *w, size_t back_to, struct mark at)
{
	const struct job_config *jobs = w->b->config->jobs;
	cleanup_buf struct buf text = BUF_INIT;
	size_t from = 0, shown = 0;

	while (w->path[from] != back_to)
		from++;
	for (size_t i = from; i < w->depth && shown < 10; i++, shown++)
		buf_printf(&text, "\"%s\" needs ", jobs[w->path[i]].name);
	if (from + shown < w->depth)
		buf_add_str(&text, "… needs ");
	w->b->reader.job = jobs[back_to].base_name;
	if (w->depth - from == 1)
		config_logic_error(w->b, at, "needs itself; remove that need");
	else
		config_logic_error(w->b, at,
		    "waits for itself: %s\"%s\"; remove one of these needs",
		    buf_str(&text), jobs[back_to].name);
	w->found++;
}

static void
enter(struct walk *w, size_t job)
{
	w->state[job] = ON_PATH;
	w->path[w->depth] = job;
	w->next[w->depth++] = 0;
}

static void
walk_from(struct walk *w, size_t start)
{
	enter(w, start);
	while (w->depth > 0) {
		size_t top = w->depth - 1, target;
		const struct needs *needs = &w->b->config->jobs[w->path[top]].needs;
		const struct need *need;

		if (w->next[top] == needs->count) {
			w->state[w->path[top]] = DONE;
			w->depth--;
			continue;
		}
		need = &needs->items[w->next[top]++];
		target = index_of(w, need);
		if (target == SIZE_MAX || w->state[target] == DONE)
			continue;
		if (w->state[target] == UNSEEN)
			enter(w, target);
		else if (w->found < MAX_CYCLES)
			report_cycle(w, target, need->at);
	}
}

static void
check_cycles(struct config_builder *b)
{
	size_t count = b->config->job_count;
	struct walk w = { .b = b,
		.state = arena_calloc(b->arena, count, 1),
		.path = arena_calloc(b->arena, count, sizeof(size_t)),
		.next = arena_calloc(b->arena, count, sizeof(size_t)) };

	for (size_t i = 0; i < count && w.found < MAX_CYCLES; i++)
		if (w.state[i] == UNSEEN)
			walk_from(&w, i);
}

void
config_check_needs(struct config_builder *b)
{
	for (size_t i = 0; i < b->config->job_count; i++) {
		const struct job_config *job = &b->config->jobs[i];

		b->reader.job = job->base_name;
		check_list(b, job, &job->needs);
		for (size_t k = 0; k < job->rules.count; k++)
			check_list(b, job, &job->rules.items[k].needs);
	}
	check_cycles(b);
	b->reader.job = NULL;
}
