/*
 * Plans made from text, and told as text, so that a test is a row: what the file says,
 * what happens, which jobs there are then.
 */
#ifndef TESTS_UNIT_PLAN_TEXT_H
#define TESTS_UNIT_PLAN_TEXT_H

#include "pipelines/plan.h"

/* What happens. All zero: a push to branch main, no diff known, no files. */
struct plan_event_text {
	const char *vars;   /* see below */
	const char *scoped; /* "SCOPE:NAME=VALUE" of the project, by "; " */
	const char *ref;    /* NULL: "main" */
	bool is_tag;
	const char *source;  /* NULL: "push" */
	const char *files;   /* tracked files, sorted, separated by spaces */
	const char *changed; /* changed paths, by spaces; NULL: no diff is known */
};

/*
 * vars holds NAME=VALUE pairs separated by "; ", each with the level of a pipeline
 * variable; "predefined:", "project:" and "masked:" before a name say otherwise.
 */
struct plan_made {
	struct plan *plan; /* NULL: refused */
	struct arena *arena;
	char *findings; /* a line each */
};

struct plan_made plan_make(const char *yaml, const struct plan_event_text *event);
void plan_made_clear(struct plan_made *made);
#define cleanup_plan_made __attribute__((cleanup(plan_made_clear)))

/* The plan, or the test ends with the findings. The caller frees it by plan_free(). */
struct plan *plan_make_valid(const char *yaml, const struct plan_event_text *event);

/*
 * Jobs in their order, separated by "; ":  NAME WHEN [allow | allow(1 2)] [in 30]
 * [needs(a b)], or -NAME CODE for one that is left out. Malloced.
 */
char *plan_text(const struct plan *plan);

#endif
