/*
 * What a machine keeps for later jobs, held to a size and an age: trees of commits,
 * caches and artifacts. When all of it is larger than the one mark, what has not been
 * used for the longest time goes until it is below the other. What a job uses is never
 * touched. Blocks; any thread.
 */
#ifndef RUNNER_LAYER_GC_H
#define RUNNER_LAYER_GC_H

#include "base/base.h"

struct layer_limits {
	int64_t high_bytes, low_bytes;
	int64_t max_age_s; /* unused for so long it goes in any case */
};

#define LAYER_GB (INT64_C(1) << 30)
#define LAYER_LIMITS_DEFAULT                                                             \
	{                                                                                \
		.high_bytes = 50 * LAYER_GB, .low_bytes = 40 * LAYER_GB,                 \
		.max_age_s = INT64_C(30) * 24 * 3600                                     \
	}

/* Folders; NULL ones are left out. */
struct layer_places {
	const char *sources;   /* PROJECT/layers/ lie below */
	const char *caches;    /* stores of runner/cache.h, at any depth */
	const char *artifacts; /* stores of runner/artifact_layers.h, likewise */
	const char *stamp;     /* a file: when this was done last */
};

void layer_gc(const struct layer_places *places, const struct layer_limits *limits);

/* The same, unless it was done within a while. */
void layer_gc_now_and_then(
    const struct layer_places *places, const struct layer_limits *limits);

#endif
