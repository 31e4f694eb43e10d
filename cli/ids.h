/*
 * Ids of local runs: counted in .pawl/ids, never given twice, also with several runs at
 * once. A run reserves more than it may need and gives back what it did not use, unless
 * another run has reserved behind it.
 */
#ifndef CLI_IDS_H
#define CLI_IDS_H

#include "base/error.h"

struct ids {
	int64_t pipeline, job;         /* the first ones of this run */
	int64_t pipeline_end, job_end; /* and what follows the last ones */
};

MUST_CHECK int ids_reserve(
    const char *state_dir, size_t jobs, struct ids *out, struct error *err);

/* The first ones not used. Failing to give back only leaves a gap. */
void ids_give_back(
    const char *state_dir, const struct ids *ids, int64_t pipeline, int64_t job);

#endif
