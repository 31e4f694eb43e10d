/*
 * What a commit's layer is laid over: the layer set of a commit near to it, of those that
 * are there. Only runner/snapshot_commit.c uses this.
 */
#ifndef RUNNER_COMMIT_CHOICE_H
#define RUNNER_COMMIT_CHOICE_H

#include "runner/commit_set.h"
#include "runner/commit_tree.h"

struct commit_base {
	struct commit_set set;
	struct commit_changes changes; /* from it to the commit */
	int lock_fd;                   /* it stays for as long as this is open */
};

#define COMMIT_BASE_INIT                                                                 \
	{                                                                                \
		.lock_fd = -1                                                            \
	}

/* False: none is near enough, or could be told from the commit. */
bool commit_base_choose(
    const struct commit_tree *t, const char *sets_dir, struct commit_base *out);
void commit_base_clear(struct commit_base *base);
#define cleanup_commit_base __attribute__((cleanup(commit_base_clear)))

#endif
