/* The event a command pretends, for project_open() alone. */
#ifndef CLI_PROJECT_EVENT_H
#define CLI_PROJECT_EVENT_H

#include "cli/project.h"

/*
 * Fill p->event from the facts of HEAD, --event and --ref. A --ref that is not where HEAD
 * is gets a note on standard error: what runs is always the work tree.
 */
void project_make_event(struct project *p, const struct args *args);

/* The variables of a merge request from the event's branch to the default branch. */
void project_set_merge_request(struct project *p);

#endif
