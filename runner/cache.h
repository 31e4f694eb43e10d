/*
 * Caches kept between runs: DIR/<key>/cache.tar.zst. Best effort: whatever goes wrong is
 * a warning in the log, never a failed job. All calls block (worker threads).
 */
#ifndef RUNNER_CACHE_H
#define RUNNER_CACHE_H

#include <stdatomic.h>

#include "protocol/job.h"
#include "runner/snapshot.h"

/*
 * Key, then fallback keys, then CACHE_FALLBACK_KEY. All files get older than the
 * snapshot's oldest, in their own order (NULL in place: times as packed).
 */
void cache_restore(const struct job_payload *job, int workspace_fd,
    const struct snapshot *snapshot, const char *store_dir, const atomic_bool *cancel,
    struct buf *log);

/* Entries whose policy pushes and whose `when` fits. */
void cache_save(const struct job_payload *job, bool success, int workspace_fd,
    const struct snapshot *snapshot, const char *store_dir, const atomic_bool *cancel,
    struct buf *log);

/*
 * The key of `cache:key:files`: PREFIX-HASH over path and content of the files among
 * `files` (below dir, sorted) that fit a pattern; PREFIX-default when there is none.
 * prefix may be NULL or "". malloced.
 */
char *cache_files_key(const char *dir, const struct strlist *files,
    const char *const *patterns, size_t pattern_count, const char *prefix);

#endif
