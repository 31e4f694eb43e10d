/* Steps from a tenth of a millisecond to ten hours. */
#include "scheduler/metrics.h"

static const int64_t steps_us[HISTOGRAM_STEPS] = { 100, 500, 1000, 2500, 5000, 10000,
	25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000,
	30000000, 60000000, 300000000, 900000000, 1800000000, INT64_C(3600000000),
	INT64_C(10800000000), INT64_C(36000000000) };

void
histogram_add(struct histogram *h, int64_t us)
{
	size_t i = 0;

	if (us < 0)
		us = 0; /* a clock that was set back */
	while (i < HISTOGRAM_STEPS && us > steps_us[i])
		i++;
	h->counts[i]++;
	h->total++;
	h->sum_us += us;
}

void
histogram_write(
    const struct histogram *h, const char *name, const char *help, struct buf *out)
{
	uint64_t below = 0;

	buf_printf(out, "# HELP %s %s\n# TYPE %s histogram\n", name, help, name);
	for (size_t i = 0; i < HISTOGRAM_STEPS; i++) {
		below += h->counts[i];
		buf_printf(out, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", name,
		    (double)steps_us[i] / 1e6, below);
	}
	buf_printf(out,
	    "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum %.6f\n%s_count %" PRIu64 "\n",
	    name, h->total, name, (double)h->sum_us / 1e6, name, h->total);
}
