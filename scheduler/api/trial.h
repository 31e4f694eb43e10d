/*
 * A project's pipeline file tried out: compiled on a worker as an event would find it,
 * with nothing made of it. What lint, the run form and the editor are made of.
 */
#ifndef SCHEDULER_API_TRIAL_H
#define SCHEDULER_API_TRIAL_H

#include "base/git.h"
#include "scheduler/api/api.h"
#include "scheduler/compile.h"

/* The caller's, in the call's arena; often the first member of what it needs besides. */
struct trial {
	struct call *call;
	const char *ref;     /* branch or tag; NULL: the project's default branch */
	const char *source;  /* NULL: push */
	const char *content; /* of the file; NULL: as the commit has it */
	const char
	    *commit; /* whose file is meant, when content is NULL; NULL: the ref's */
	const char *inputs; /* as pipeline_request has them */
	bool inputs_as_typed;
	const struct var *vars;
	size_t var_count;
	bool prefers_tag; /* the ref is a tag, or is to be one */
	bool needs_ref;   /* one that is not there is an error, not one to come */
	bool has_event;   /* with what a push or a merge request brings along */
	bool is_unasked, only_checks; /* see struct compilation */
	struct compile_watch watch;   /* data is set to the trial */
	/* On the worker; may be NULL. */
	void (*on_repo)(struct trial *t, struct git_repo *repo);
	void (*judge)(struct trial *t, const struct compilation *c);
	/* On the loop, once: answers the call if there was no error, and frees what the
	 * trial's owner has. */
	void (*finish)(struct trial *t, const struct error *err);

	/* set by trial_start() */
	struct store_project project;
	struct recipe *recipe;
	const char *path; /* of the file */
};

/* The call is held until finish. */
void trial_start(struct trial *t, struct project *p);

#endif
