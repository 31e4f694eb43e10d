/*
 * What a job takes of its machine: its control group, what its limits did, samples, and
 * the sum of it all. Parts of one supervision, in this order.
 */
#ifndef RUNNER_SUPERVISOR_USAGE_H
#define RUNNER_SUPERVISOR_USAGE_H

#include "runner/supervisor/supervision.h"

/* Make the group. While this process still sees the machine's folders. */
void usage_open(struct supervision *s);

/* The group a process of the job is to be in; NULL: none. */
const struct cgroup *usage_group(const struct supervision *s);

/* The first step begins: say what does not hold, and take samples from here on. */
void usage_begin(struct supervision *s);
void usage_tick(
    struct supervision *s, int64_t now_ms); /* once recorder.next_ms is there */

/*
 * A step has ended: what its limits did meanwhile goes into the log. True when memory was
 * short; then s->short_of says so.
 */
bool usage_look(struct supervision *s);

/* A service of an engine ends: what it has used is kept. */
void usage_forget(struct supervision *s, struct cage_process *service);

/* No process is left, but the group is: the result's numbers, and the log's last words.
 */
void usage_sum(struct supervision *s);

/* Everything of it goes. */
void usage_close(struct supervision *s);

#endif
