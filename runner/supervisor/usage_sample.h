/* One look at what a job uses. Costs a few reads, and two more for each process where the
 * job's control group does not tell all. */
#ifndef RUNNER_SUPERVISOR_USAGE_SAMPLE_H
#define RUNNER_SUPERVISOR_USAGE_SAMPLE_H

#include <sys/resource.h>

#include "runner/supervisor/supervision.h"

#define USAGE_BLOCK 512 /* of ru_oublock and ru_inblock */

void usage_sample(struct supervision *s, struct sample *out);

/* Of two that ran beside each other. */
void usage_add(struct sample *sum, const struct sample *more);

int64_t usage_cpu_us(const struct rusage *usage);

#endif
