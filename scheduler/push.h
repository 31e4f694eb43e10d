/*
 * From refs to pipelines. Refs are the truth: what a repository has is compared with what
 * the store last saw, and each difference is a push. A hook only says where to look, so a
 * push whose hook or server died still gets its pipeline. Loop thread; the comparing is
 * done on a worker.
 */
#ifndef SCHEDULER_PUSH_H
#define SCHEDULER_PUSH_H

#include "base/str.h"
#include "scheduler/service.h"

/* What the pusher asked for with `git push -o`. */
struct push_options {
	bool skip;        /* ci.skip */
	struct var *vars; /* ci.variable="K=V" */
	size_t var_count, var_cap;
	const char *inputs; /* ci.input="K=V", as a map of texts; NULL: none */
	const char *error;  /* the first option that could not be read; NULL */
	bool wait;          /* ci.wait */
};

/* One text per option, as git hands them on. What is not of pawl is left alone. */
void push_read_options(
    const struct strlist *texts, struct arena *a, struct push_options *out);

/* A ref that moved, and what came of it. */
struct push_result {
	const char *ref; /* whole */
	const struct pipeline_outcome *outcome;
};

struct push_events {
	/* so many refs at once are an import; NULL is fine */
	void (*on_import)(size_t refs, void *data);
	void (*on_result)(const struct push_result *result, void *data);
	/* the last call */
	void (*on_done)(void *data, const struct error *err);
	void *data;
};

/*
 * Look at these refs (whole names; NULL: all of the repository) and make pipelines for
 * what has moved. Two that meet make one. Of many refs at once, as an import brings them,
 * the default branch alone gets one. options and refs are copied.
 */
void push_look(struct service *s, struct project *project, const struct strlist *refs,
    int64_t user, const struct push_options *options, const struct push_events *events);

/* All projects, one after the other: at start. */
void push_look_everywhere(struct service *s);

#endif
