/*
 * The files of a commit as git writes them, with a .git beside them in which git works:
 * all of them, or those in which it differs from another commit, to be laid over that
 * one's. git itself knows filters, line ends and both hashes; the program is asked. Only
 * runner/snapshot_commit.c uses this. Blocks.
 */
#ifndef RUNNER_COMMIT_TREE_H
#define RUNNER_COMMIT_TREE_H

#include "base/error.h"
#include "base/str.h"
#include "runner/git_env.h"
#include "runner/git_index.h"

struct commit_tree {
	const char *repo_dir;      /* a bare repository, which stays where it is */
	const char *sha;           /* as commit_tree_is_name() wants it */
	const char *remote_url;    /* origin's; NULL: none */
	const struct git_env *git; /* what git is told besides; NULL: nothing */
};

/* A file in .git that a filter makes who writes other files than the commit has. */
#define COMMIT_TREE_LFS_RAN "large-files"

/*
 * git compares what was changed in the second its index was written with the commit, by
 * filters a job may not have. Wait until that second is over, and say so in the index.
 */
MUST_CHECK int commit_tree_settle(const char *index, struct error *err);

/* 40 or 64 hex digits. */
bool commit_tree_is_name(const char *sha);
size_t commit_tree_hash_len(const char *sha);

/* Into dir, which is not there yet. */
MUST_CHECK int commit_tree_write(
    const struct commit_tree *t, const char *dir, struct error *err);

/* What one commit has and another has not. Caller's storage. */
struct commit_changes {
	struct git_index_want *wants; /* new or different, by name */
	size_t want_count, want_cap;
	struct strlist gone;         /* files; by name */
	struct strlist gone_folders; /* with all that was in them; by name */
	bool attributes;             /* a .gitattributes is among them */
};

/* ERR_LIMIT: too much for a delta. ERR_INVALID: names no honest commit has; git says
 * which, asked for all files. */
MUST_CHECK int commit_tree_compare(const struct commit_tree *t, const char *from,
    struct commit_changes *out, struct error *err);
void commit_changes_clear(struct commit_changes *c);
#define cleanup_commit_changes __attribute__((cleanup(commit_changes_clear)))

/*
 * The changes from another commit, whose index is old, into dir, which is not there yet.
 * scratch names a file that may be made and removed. written, which is empty before, gets
 * an index of the files in dir, also when this fails.
 */
MUST_CHECK int commit_tree_write_delta(const struct commit_tree *t,
    const struct commit_changes *changes, const struct git_index *old, const char *dir,
    const char *scratch, struct git_index *written, struct error *err);

#endif
