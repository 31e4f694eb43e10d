/*
 * The variables of a merge request's pipeline where there is no merge request yet: what
 * GitLab would say if the branch were proposed for the default branch. For `pawl run` and
 * the like, and for tries at the server. Source: gitlab-ci-language.md section 9.
 */
#ifndef SCHEDULER_MERGE_REQUEST_H
#define SCHEDULER_MERGE_REQUEST_H

#include "base/arena.h"
#include "pipelines/vars.h"
#include "scheduler/event.h"

/*
 * Calls add for each, of VAR_PREDEFINED; names and values are the event's, the arena's or
 * constant. diff_base: where the branch left its target; NULL: nowhere, or unknown.
 * Labels, milestone and the like are absent when there are none, and there are none.
 */
void merge_request_vars(const struct event *event, const char *diff_base,
    struct arena *arena, void (*add)(void *data, const struct var *var), void *data);

#endif
