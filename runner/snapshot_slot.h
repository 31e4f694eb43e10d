/*
 * A folder of its own for one run at a time: snapshots/N with tree/, manifest and lock.
 * The lowest one that nobody holds or needs is taken. Only runner/snapshot*.c use this.
 */
#ifndef RUNNER_SNAPSHOT_SLOT_H
#define RUNNER_SNAPSHOT_SLOT_H

#include "base/error.h"

struct slot {
	char *dir;
	int lock_fd;    /* held as long as it is open */
	char *use_lock; /* a file locked by those who need it for longer */
};

#define SLOT_INIT                                                                        \
	{                                                                                \
		.lock_fd = -1                                                            \
	}

MUST_CHECK int slot_take(const char *scratch_dir, struct slot *out, struct error *err);
void slot_clear(struct slot *slot); /* lets go of it */

/* Empty the slots nobody has used for a week. */
void slot_sweep(const char *scratch_dir);

#endif
