/*
 * What a job starts from, with a .git of its own in which describe, log and status work:
 * either the working state of a repository at one moment (every file `git ls-files -co
 * --exclude-standard` lists), taken once per run into a slot of the scratch folder that
 * later runs reuse; or the tree of one commit, made once. Read-only while it is held.
 */
#ifndef RUNNER_SNAPSHOT_H
#define RUNNER_SNAPSHOT_H

#include "base/git.h"
#include "runner/git_env.h"

struct snapshot;

/*
 * Blocks while files are copied (only those that changed since the slot was last used).
 * The slot stays locked until it is released; a second run takes another one.
 * scratch_dir is this repository's, and is made. ERR_ENVIRONMENT: disk full, unwritable.
 */
MUST_CHECK int snapshot_take(struct git_repo *repo, const struct git_facts *facts,
    const char *scratch_dir, struct snapshot **out, struct error *err);
/*
 * The tree of a commit, in the folder sets_dir/SHA: made there if it is not, by `git`
 * that reads repo_dir, a bare repository; of a commit near to one that is there already,
 * as what differs. Blocks while another makes the same. The objects stay where they are,
 * so the repository must outlive the jobs. remote_url (NULL: none) becomes origin's, and
 * must hold no secret. git is told what git has (NULL: nothing); sets made with other
 * filters in it need another sets_dir. ERR_MISSING: the repository does not have the
 * commit.
 */
MUST_CHECK int snapshot_of_commit(const char *repo_dir, const char *sha,
    const char *remote_url, const struct git_env *git, const char *sets_dir,
    struct snapshot **out, struct error *err);

/* The one in sets_dir/SHA if it is there already; ERR_MISSING otherwise. */
MUST_CHECK int snapshot_reuse(const char *dir, struct snapshot **out, struct error *err);

/*
 * Lay another set, of one layer, over a commit's; once. Held as long as the snapshot.
 * ERR_MISSING: there is none in dir.
 */
MUST_CHECK int snapshot_add_set(struct snapshot *s, const char *dir, struct error *err);

/* Remove those of these commits that nobody holds, unless one that stays is made of them.
 */
void snapshot_remove_commits(const char *sets_dir, const struct strlist *names);

void snapshot_release(struct snapshot *s); /* NULL is fine */

/* Folders, the top one first: what shows when they are stacked (runner/layers.h). */
const struct strlist *snapshot_layers(const struct snapshot *s);

/* A file whose shared lock (flock) says that something needs the snapshot, also after it
 * was released; NULL: it never changes. */
const char *snapshot_use_lock(const struct snapshot *s);

/* Sorted, without .git. Those of a commit's tree are read at the first call, which is one
 * thread's at a time. */
const struct strlist *snapshot_files(const struct snapshot *s);

/* Of a work tree: folders of submodules that are not checked out in it. */
const struct strlist *snapshot_absent(const struct snapshot *s);

/*
 * Modification times of its oldest and newest file, in ns since 1970: caches are unpacked
 * older than the one, artifacts not older than the other.
 */
int64_t snapshot_oldest_ns(const struct snapshot *s);
int64_t snapshot_newest_ns(const struct snapshot *s);

/*
 * ${XDG_CACHE_HOME:-~/.cache}/pawl/<name>-<id>, or below /tmp where that cannot be
 * written; made if it is missing. malloced. root is the work tree. ERR_ENVIRONMENT.
 */
MUST_CHECK int snapshot_scratch_dir(const char *root, char **out, struct error *err);

#endif
