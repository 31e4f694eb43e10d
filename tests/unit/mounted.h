/*
 * A workspace of layers as a job would find it, over the snapshot of a workspace bench:
 * round after round, each in an overlay of its own. The test program has a mount
 * namespace of its own (mounted_can_be_had()).
 */
#ifndef TESTS_MOUNTED_H
#define TESTS_MOUNTED_H

#include "runner/artifacts.h"
#include "runner/cache.h"
#include "tests/unit/workspace_bench.h"

struct mounted {
	struct workspace_bench bench;
	char *upper, *work, *target, *layers_dir; /* the last: of artifacts */
	struct strlist lowers;
	struct cache_mounts caches;
	struct artifact_mounts artifacts;
	struct workspace_view view;
	struct buf log;
};

/* Enter a mount namespace, once, in main(): false where there is none to be had. */
bool mounted_can_be_had(void);

void mounted_open(struct mounted *m);
void mounted_close(struct mounted *m);
#define cleanup_mounted __attribute__((cleanup(mounted_close)))

/* End the round before, mount what of the job's caches and artifacts can be, restore the
 * rest. */
void mounted_begin(struct mounted *m, const struct job_payload *job);
void mounted_end(struct mounted *m);

struct artifacts_store mounted_store(const struct mounted *m);

#endif
