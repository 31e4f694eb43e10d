/*
 * The steps restore_cache and archive_cache of a job whose scripts run where this
 * machine's files are not: scripts that fetch, unpack, pack and send the archives with
 * what is installed there. They lie in the driver's cache_dir, if it has one, and in the
 * store of caches (runner/cache_remote.h), whose signed addresses are in the script, each
 * good for one key. Whatever goes wrong is a warning.
 * Source: runner-protocol.md section 9.
 */
#ifndef RUNNER_CACHE_SCRIPT_H
#define RUNNER_CACHE_SCRIPT_H

#include "base/buf.h"
#include "runner/cache_remote.h"

/* Nothing is written when the job has nothing to restore, or to save. use->remote may be
 * NULL. env as in a view. */
void cache_script_restore(struct cache_remote_use *use, const struct job_payload *job,
    const struct strlist *env, const char *project_dir, struct buf *out);
void cache_script_save(struct cache_remote_use *use, const struct job_payload *job,
    const struct strlist *env, const char *project_dir, struct buf *out);

#endif
