/* A job's reason, step by step, for a person: what `pawl why JOB` prints. */
#ifndef PIPELINES_WHY_TEXT_H
#define PIPELINES_WHY_TEXT_H

#include "pipelines/plan.h"

/*
 * The verdict; each rule looked at with its place, its clauses and the values that
 * decided; then when the job runs and what it gets from others.
 */
void why_explain(const struct plan *plan, const struct plan_job *job, struct buf *out);

/* The same for the pipeline itself: workflow:rules. */
void why_explain_pipeline(const struct plan *plan, struct buf *out);

#endif
