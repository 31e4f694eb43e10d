/*
 * The repository a command works on, and the event it pretends: opened from the shared
 * options, compiled to a plan. Owned by the command; one thread.
 */
#ifndef CLI_PROJECT_H
#define CLI_PROJECT_H

#include "base/git.h"
#include "cli/command.h"
#include "cli/report.h"
#include "cli/worktree.h"
#include "pipelines/document.h"
#include "pipelines/plan.h"
#include "scheduler/event.h"

/* -C -f -v -i --variables --ref --event --project: for every command that compiles. */
extern const struct option_row project_options[];

struct project {
	struct arena *arena; /* variables and the event's strings */
	struct git_repo *repo;
	struct git_facts facts;
	struct worktree worktree;
	struct event event;
	struct vars vars;   /* predefined, project's and pipeline's */
	struct var *scoped; /* variables for some environments only */
	size_t scoped_count, scoped_cap;
	const struct node *inputs; /* -i; a map, or NULL */
	const char *root;          /* of the work tree */
	const char *path;          /* of the pipeline file, below root */
	const char *state_dir;     /* ROOT/.pawl; not made here */
};

#define PROJECT_INIT                                                                     \
	{                                                                                \
		.arena = NULL                                                            \
	}

/* Say what is wrong on standard error and return the exit code; EXIT_OK otherwise. */
int project_open(struct project *p, const struct args *args);
void project_close(struct project *p);
#define cleanup_project __attribute__((cleanup(project_close)))

/* A pipeline file for an event: the main one, or a child's. */
struct project_source {
	const char *path;
	const struct vars *vars;
	const struct node *inputs;
	const struct event *event;
};

/* Compile; findings go to standard error. The plan is the caller's (plan_free). */
int project_compile(struct project *p, struct plan **out);
int project_compile_source(struct project *p, const struct project_source *source,
    struct diags *diags, struct plan **out);

#endif
