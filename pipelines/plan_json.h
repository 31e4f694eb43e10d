/* A plan as `pawl list --json` prints it: an array of jobs, one to a line. */
#ifndef PIPELINES_PLAN_JSON_H
#define PIPELINES_PLAN_JSON_H

#include "pipelines/plan.h"

/* all: also the jobs this event drops, with `created: false`. */
void plan_list_json(const struct plan *plan, bool all, struct buf *out);

/* One reason: {"code", "text", "at", "rule", "values"}; `at` is "file:line" or null. */
void why_json(const struct why *why, struct buf *out);

#endif
