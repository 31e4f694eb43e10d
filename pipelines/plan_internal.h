/* What the files of the plan compiler share while one plan is made. */
#ifndef PIPELINES_PLAN_INTERNAL_H
#define PIPELINES_PLAN_INTERNAL_H

#include "pipelines/plan.h"
#include "pipelines/rules.h"

struct compile {
	const struct config *config;
	const struct plan_options *options;
	struct arena *arena;
	struct diags *diags;
	struct plan *plan;
	struct rules_context rules;
};

/* plan_job.c: scope, decision and expanded keywords of one job. job->config is set. */
void compile_job(struct compile *c, struct plan_job *job);

/* A scope with the job's variables, those of the matched rule (or NULL) included. */
void compile_job_vars(struct compile *c, struct plan_job *job, const struct rule *rule);

/* The job is left out for the reason of the whole pipeline. */
void compile_refused_job(struct compile *c, struct plan_job *job);

/* Tells of variables of this scope that need each other in a circle. */
void compile_check_circle(
    struct compile *c, const struct vars *scope, struct mark at, const char *job);

/* plan_needs.c: once every job is decided, its needs, and circles among them. */
void compile_needs(struct compile *c);

/* plan_artifacts.c: after the needs. */
void compile_artifact_sources(struct compile *c);

/* plan_vars.c */
void vars_add_config(
    struct vars *vars, enum var_level level, const struct config_vars *add);
void vars_set_job(struct vars *vars, const struct job_config *config);
void vars_set_environment(struct vars *vars, const struct plan_job *job);
#endif
