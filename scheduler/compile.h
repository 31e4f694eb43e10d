/*
 * From a recipe to a plan: reads the commit, compiles its pipeline file. Blocks; worker
 * threads. The caller owns what goes in and what comes out, and lends both for the time
 * of the call.
 */
#ifndef SCHEDULER_COMPILE_H
#define SCHEDULER_COMPILE_H

#include "base/git.h"
#include "pipelines/plan.h"
#include "scheduler/recipe.h"

/* Who wants to know more than a plan; called on the worker, for the time of the call.
 * Each may be NULL. */
struct compile_watch {
	void (*on_finding)(const struct diag *d, void *data);
	/* What the files say, when they are right. */
	void (*on_config)(const struct config *config, void *data);
	/* What was read, whether or not it is right; root is NULL when it is no pipeline
	 * file at all. */
	void (*on_document)(const struct document *document, void *data);
	void *data;
};

struct compilation {
	struct recipe *recipe; /* commit facts, pins and held variables are filled in */
	const char *repos_dir;
	/* of the instance, groups and project, each at its level; not looked at when the
	 * recipe knows what they were */
	const struct var *vars;
	size_t var_count;
	bool is_unasked;                   /* inputs are yet to be asked for */
	bool only_checks;                  /* whether the file is right; no plan */
	const struct compile_watch *watch; /* NULL is fine */

	struct plan *plan; /* NULL unless it compiled */
	char hash[PLAN_HASH_SIZE];
	struct buf findings; /* a line each: "file:line:col: error: …" */
	size_t error_count;
	bool no_file;    /* the commit has no pipeline file */
	bool is_skipped; /* the commit message says so */
};

#define COMPILATION_INIT                                                                 \
	{                                                                                \
		.recipe = NULL                                                           \
	}

/* 0 also when the file is wrong (error_count); negative: the commit cannot be read. */
MUST_CHECK int compile_recipe(struct compilation *c, struct error *err);
void compilation_clear(struct compilation *c); /* frees plan and findings */

/* What the commit says of itself goes into the recipe's event, unless it is there. */
MUST_CHECK int compile_read_commit(
    struct recipe *r, struct git_repo *repo, struct error *err);

/* Does a commit message ask for no pipeline? "[ci skip]" or "[skip ci]", any case. */
bool compile_message_skips(const char *message);

#endif
