/*
 * The working state of a repository at one moment: every file `git ls-files -co
 * --exclude-standard` lists, and a .git of its own in which describe, log and status
 * work. Taken once per run into a slot of the scratch folder that later runs reuse, and
 * read-only while it is held.
 */
#ifndef RUNNER_SNAPSHOT_H
#define RUNNER_SNAPSHOT_H

#include "base/git.h"

struct snapshot;

/*
 * Blocks while files are copied (only those that changed since the slot was last used).
 * scratch_dir is this repository's, and is made. ERR_ENVIRONMENT: disk full, unwritable.
 */
MUST_CHECK int snapshot_take(struct git_repo *repo, const struct git_facts *facts,
    const char *scratch_dir, struct snapshot **out, struct error *err);
void snapshot_release(struct snapshot *s); /* NULL is fine */

const char *snapshot_dir(const struct snapshot *s);
const struct strlist *snapshot_files(const struct snapshot *s); /* sorted, without .git */

/* ${XDG_CACHE_HOME:-~/.cache}/pawl/<id of the repository>, or below /tmp; malloced. */
MUST_CHECK int snapshot_scratch_dir(const char *root, char **out, struct error *err);

#endif
