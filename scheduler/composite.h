/*
 * The status of a set of jobs, from how many members stand in which state.
 * Source: gitlab-ci-language.md section 10, "Composite status of a set".
 */
#ifndef SCHEDULER_COMPOSITE_H
#define SCHEDULER_COMPOSITE_H

#include "protocol/status.h"

/* A job's status as its set sees it: two more than the statuses of jobs. */
enum {
	MAPPED_WARNED = STATUS_COUNT, /* allowed to fail, and failed or canceled */
	MAPPED_IGNORED,               /* allowed to fail, and waiting for a person */
	MAPPED_COUNT
};

struct composite {
	uint32_t counts[MAPPED_COUNT];
};

/* How a job with this status counts. */
int composite_map(enum status status, bool allow_failure);

/* of_needs: the set is the needs of a job, not the jobs of stages. Empty: success. */
enum status composite_status(const struct composite *set, bool of_needs);

#endif
