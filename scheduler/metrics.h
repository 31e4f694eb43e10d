/*
 * Durations counted in steps, as Prometheus wants its histograms. Plain data, zeroed at
 * the start; loop thread.
 */
#ifndef SCHEDULER_METRICS_H
#define SCHEDULER_METRICS_H

#include "base/buf.h"

#define HISTOGRAM_STEPS 23

struct histogram {
	uint64_t counts[HISTOGRAM_STEPS + 1]; /* the last: longer than all */
	uint64_t total;
	int64_t sum_us;
};

void histogram_add(struct histogram *h, int64_t us);
/* NAME_bucket{le="…"}, _sum and _count, in seconds. */
void histogram_write(
    const struct histogram *h, const char *name, const char *help, struct buf *out);

#endif
