/*
 * Which jobs of a plan a run takes: all the event creates, or those named on the command
 * line, with what they need. Named manual and delayed jobs count as played.
 */
#ifndef CLI_SELECT_H
#define CLI_SELECT_H

#include "pipelines/plan.h"

struct selection {
	bool *include, *play; /* per plan job; include NULL: all that are created */
	size_t count;         /* of jobs that take part */
};

/*
 * names: job names; a name without " 1/3" or ": [a]" stands for all its instances.
 * ERR_MISSING names what is not there, and what is near it.
 */
MUST_CHECK int selection_make(const struct plan *plan, const char *const *names,
    size_t count, bool with_needs, struct selection *out, struct error *err);
void selection_clear(struct selection *s);

#endif
