/* git for trees of commits. Only runner/commit_*.c, snapshot_commit.c and
 * source_modules.c use this. */
#ifndef RUNNER_COMMIT_GIT_H
#define RUNNER_COMMIT_GIT_H

#include "base/buf.h"
#include "base/hash.h"

struct commit_tree; /* runner/commit_tree.h */

/* Without refs, index and `shallow`. */
MUST_CHECK int commit_git_dir_write(
    const struct commit_tree *t, const char *git_dir, struct error *err);

/* In the folder dir; index_file NULL: git's own. max_out as in struct process. */
MUST_CHECK int commit_git_run(const struct commit_tree *t, const char *const *argv,
    const char *dir, const char *index_file, size_t max_out, struct buf *out,
    struct error *err);

/*
 * A text that changes when git might write the same files in another way, because of
 * settings of the user or the machine.
 */
void commit_git_ways(char out[HASH_SHA256_HEX]);

#endif
