/*
 * The .git of a snapshot: HEAD detached at the commit, the refs, the index, and the
 * developer's objects by alternates. Jobs read and write it as they like; what they
 * write stays in it. Only runner/snapshot*.c use this.
 */
#ifndef RUNNER_SNAPSHOT_GIT_H
#define RUNNER_SNAPSHOT_GIT_H

#include "base/git.h"

/*
 * Make dir/.git anew, replacing what is there. sha "" (submodules): HEAD is as theirs.
 * The index is a plain copy and stays true because the snapshot keeps modification
 * times: with core.checkStat=minimal git looks at no others.
 */
MUST_CHECK int snapshot_git_write(
    struct git_repo *repo, const char *sha, const char *dir, struct error *err);

/* A text that changes when snapshot_git_write() would write something else. */
void snapshot_git_signature(
    const struct git_repo *repo, const char *sha, struct buf *out);

#endif
