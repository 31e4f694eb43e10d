/*
 * The provider behind a pipeline of the server: files as they are in the commit that was
 * pushed, read from bare repositories without a checkout. Projects that are included are
 * looked up beside it, and the commits their refs stand for are pinned in the recipe, so
 * that compiling again reads the same. One thread; lives as long as it is needed.
 */
#ifndef SCHEDULER_COMMIT_FILES_H
#define SCHEDULER_COMMIT_FILES_H

#include "base/git.h"
#include "base/map.h"
#include "pipelines/provider.h"
#include "scheduler/recipe.h"

struct commit_files {
	struct provider provider; /* what the compiler gets; points back here */
	struct recipe *recipe;    /* borrowed; pins are added */
	const char *repos_dir;    /* borrowed */
	struct git_repo *repo;    /* of the project itself */
	struct map others;        /* path -> struct git_repo */
	struct map lists;         /* "repo\0sha" and "changed:…" -> struct strlist */
};

/* ERR_MISSING: the project has no repository. */
MUST_CHECK int commit_files_open(struct commit_files *f, struct recipe *recipe,
    const char *repos_dir, struct error *err);
void commit_files_close(struct commit_files *f);

#endif
