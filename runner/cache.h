/*
 * Caches kept between runs, a folder per key: layers that are mounted
 * (DIR/<key>/layers.set, runner/layer_store.h), or DIR/<key>/cache.tar.zst where a
 * workspace has no layers. Either way restores either; the newer counts. Best effort:
 * whatever goes wrong is a warning in the log, never a failed job. All calls block
 * (worker threads).
 */
#ifndef RUNNER_CACHE_H
#define RUNNER_CACHE_H

#include <stdatomic.h>

#include "protocol/job.h"
#include "runner/layer_store.h"
#include "runner/workspace.h"

struct cache_remote_use; /* runner/cache_remote.h */

/* One entry of job->caches, when its turn to be mounted has been. */
struct cache_mount {
	bool is_done;         /* nothing is left to restore */
	char *key;            /* of the set; NULL: none is mounted */
	struct layer_set set; /* as it was read */
};

struct cache_mounts {
	struct cache_mount *entries; /* as many as job->caches */
	size_t count;
	struct strlist layers;    /* their folders, the top one first */
	struct layer_lease lease; /* of all of them */
	bool announced;           /* the log says that caches are restored */
	bool is_complete;         /* cache_restore() has nothing to do */
};

/*
 * Look for caches that can be laid over the layers of snapshot as they are: in their
 * order up to the first that cannot. Quick; any thread. env and project_dir as in a view.
 */
void cache_mount(const struct job_payload *job, const struct workspace_view *view,
    const char *store_dir, struct cache_mounts *out, struct buf *log);
void cache_mounts_clear(struct cache_mounts *m); /* the job is over */

/*
 * Key, then fallback keys, then CACHE_FALLBACK_KEY. All files get older than the
 * snapshot's oldest, in their own order (in place: older than anything of this century).
 * mounts (may be NULL): what is mounted already.
 */
void cache_restore(const struct job_payload *job, const struct workspace_view *view,
    const char *store_dir, const struct cache_mounts *mounts, const atomic_bool *cancel,
    struct buf *log);

/*
 * Entries whose policy pushes and whose `when` fits; one that is as restored is kept.
 * From a workspace of layers only what has changed since is written. A store of other
 * machines (remote; NULL: none) gets what is new, too.
 */
void cache_save(const struct job_payload *job, bool success,
    const struct workspace_view *view, const char *store_dir,
    const struct cache_mounts *mounts, struct cache_remote_use *remote,
    const atomic_bool *cancel, struct buf *log);

#endif
