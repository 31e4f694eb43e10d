/* What the ways of making a snapshot share. Only runner/snapshot*.c include this. */
#ifndef RUNNER_SNAPSHOT_INTERNAL_H
#define RUNNER_SNAPSHOT_INTERNAL_H

#include "runner/snapshot.h"
#include "runner/snapshot_slot.h"

struct snapshot {
	struct slot slot; /* or only its lock, of a commit's tree */
	char *tree;
	struct strlist files;
	int64_t oldest_ns, newest_ns;
};

#endif
