/*
 * The bare repositories of a server's projects: DATA/repos/GROUP/NAME.git. Made here,
 * written by git itself on pushes; what pawl adds is one ref per unfinished pipeline, so
 * that its commit can be fetched, and stays, whatever becomes of its branch. Blocks for a
 * few small files. Any thread.
 */
#ifndef SCHEDULER_REPOS_H
#define SCHEDULER_REPOS_H

#include "base/error.h"

/* REPOS_DIR/PATH.git, malloced. */
char *repo_dir(const char *repos_dir, const char *project_path);

/* An empty one; one that is there already stays as it is. */
MUST_CHECK int repo_create(
    const char *repos_dir, const char *project_path, struct error *err);
/* What HEAD names, for who clones: after the first push. */
MUST_CHECK int repo_set_head(const char *repos_dir, const char *project_path,
    const char *branch, struct error *err);

/* refs/pipelines/ID */
MUST_CHECK int repo_keep_pipeline(const char *repos_dir, const char *project_path,
    int64_t id, const char *sha, struct error *err);
void repo_drop_pipeline(const char *repos_dir, const char *project_path, int64_t id);

#endif
