/*
 * Caches kept between runs: DIR/<key>/cache.tar.zst. Best effort: whatever goes wrong is
 * a warning in the log, never a failed job. All calls block (worker threads).
 */
#ifndef RUNNER_CACHE_H
#define RUNNER_CACHE_H

#include <stdatomic.h>

#include "protocol/job.h"
#include "runner/workspace.h"

/*
 * Key, then fallback keys, then CACHE_FALLBACK_KEY. All files get older than the
 * snapshot's oldest, in their own order (in place: older than anything of this century).
 */
void cache_restore(const struct job_payload *job, const struct workspace_view *view,
    const char *store_dir, const atomic_bool *cancel, struct buf *log);

/* Entries whose policy pushes and whose `when` fits; one that is as restored is kept. */
void cache_save(const struct job_payload *job, bool success,
    const struct workspace_view *view, const char *store_dir, const atomic_bool *cancel,
    struct buf *log);

#endif
