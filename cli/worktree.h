/*
 * The provider behind a local run: files as they are in the developer's work tree, and
 * what differs from what was pushed. Other projects come from folders named by
 * --project. One thread; the repository is the caller's.
 */
#ifndef CLI_WORKTREE_H
#define CLI_WORKTREE_H

#include "base/git.h"
#include "base/map.h"
#include "pipelines/provider.h"

struct worktree {
	struct provider provider; /* what the compiler gets; points back here */
	struct git_repo *repo;
	const char *root; /* of the work tree */
	const char *before,
	    *sha; /* the commits the event moved between; before NULL: unknown */
	struct map projects; /* "group/name" -> malloced folder */
	struct map
	    extra; /* path -> malloced struct buf: files that are not in the tree */
	struct strlist files;
	bool files_known;
	struct map changed; /* compare_to, or "" for the event -> struct strlist */
};

void worktree_init(struct worktree *w, struct git_repo *repo);
void worktree_clear(struct worktree *w);

/* "GROUP/NAME=PATH", as --project has it. */
MUST_CHECK int worktree_add_project(
    struct worktree *w, const char *spec, struct error *err);

/* A file the compiler finds at path as if it were there; takes text's content. */
void worktree_add_file(struct worktree *w, const char *path, struct buf *text);

/*
 * A branch as origin has it, which is what a server compares with, and all there is of
 * most branches in a clone; else any name git knows.
 */
MUST_CHECK int worktree_resolve_pushed(
    struct git_repo *repo, const char *name, char sha[GIT_SHA_MAX], struct error *err);

#endif
