/*
 * The variables GitLab defines by itself. Source: gitlab-ci-language.md section 9.
 *
 * Not here: what only the plan knows of a job (CI_JOB_NAME, CI_NODE_INDEX,
 * CI_ENVIRONMENT_…: pipelines/plan_vars.c) and what only the runner knows
 * (CI_PROJECT_DIR, CI_JOB_STATUS, CI_RUNNER_…). What does not apply is not set, so that
 * a script can ask; nothing pretends to be GitLab where it could do harm
 * (CI_SERVER_NAME is "pawl").
 */
#ifndef SCHEDULER_PREDEFINED_H
#define SCHEDULER_PREDEFINED_H

#include "pipelines/plan.h"
#include "scheduler/event.h"

/* All that is known before jobs exist (phase E, and P of the whole pipeline). */
void predefined_set(struct vars *vars, const struct event *event);

/* What belongs to one job and must not be seen by rules (phase J): ids, pages, token. */
void predefined_set_job(struct vars *vars, const struct event *event,
    const struct plan_job *job, int64_t job_id, const char *job_token,
    bool played_by_hand);

#endif
