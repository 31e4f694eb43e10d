/*
 * Large files that git's extension git-lfs keeps beside a repository. Where git-lfs is
 * installed git is told to let it write them, as `git lfs install` would for a user; what
 * it has fetched stays beside the mirror, for all jobs of the machine. Any thread.
 */
#ifndef RUNNER_SOURCE_LFS_H
#define RUNNER_SOURCE_LFS_H

#include "runner/git_env.h"
#include "runner/snapshot.h"

/* Is git-lfs in PATH? */
bool source_lfs_is_there(void);

/* run: large files are written, those of trees kept in storage; else what stands for them
 * in the repository is, whatever the user's settings say. */
void source_lfs_add(struct git_env *env, bool run, const char *storage);

/* Does a .gitattributes of this commit name files for it? dir is its set's, which keeps
 * the answer. */
bool source_lfs_is_wanted(const struct snapshot *snapshot, const char *dir);

#endif
