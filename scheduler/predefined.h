/*
 * The variables GitLab defines by itself. Source: gitlab-ci-language.md section 9.
 */
#ifndef SCHEDULER_PREDEFINED_H
#define SCHEDULER_PREDEFINED_H

#include "pipelines/plan.h"
#include "scheduler/event.h"

/* All that is known before jobs exist (phase E, and P of the whole pipeline). */
void predefined_set(struct vars *vars, const struct event *event);

/* What belongs to one job (phase P and J of the scheduler; the runner adds its own). */
void predefined_set_job(struct vars *vars, const struct event *event,
    const struct plan_job *job, int64_t job_id, const char *job_token,
    bool played_by_hand);

#endif
