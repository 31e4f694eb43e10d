/*
 * Caches in an S3 store that runners share, as archives under the names that GitLab's
 * runner gives them: [PREFIX/][runner/TOKEN/]project/ID/KEY, so that either finds what
 * the other has left. A machine keeps what it fetched or sent as layers beside its own
 * caches (runner/cache.h) and asks the store for what is newer.
 *
 * Best effort: a store that is away, slow or wrong costs a warning, and one that is away
 * is not asked by every job anew. All calls block (worker threads). Source:
 * runner-protocol.md section 9.
 */
#ifndef RUNNER_CACHE_REMOTE_H
#define RUNNER_CACHE_REMOTE_H

#include "runner/cache.h"
#include "runner/s3_url.h"

#define CACHE_REMOTE_MAX_BYTES (INT64_C(5) << 30) /* of one PUT, in any store */

enum cache_remote_policy {
	CACHE_REMOTE_UNSAID, /* as CACHE_REMOTE_PULL_PUSH */
	CACHE_REMOTE_PULL,   /* nothing is sent */
	CACHE_REMOTE_PULL_PUSH,
};

/* What a runner's settings say. Read-only; outlives the jobs. */
struct cache_remote {
	struct s3_bucket bucket;
	const char *prefix; /* "" or "a/b/" */
	bool shared;        /* by all runners; else each has its own */
	int64_t max_bytes;  /* of an archive that is sent */
	enum cache_remote_policy policy;
	struct s3_keys keys;
	/* Instead of keys: a file as of AWS's programs, read for each job, as keys may
	   change; NULL: none. */
	const char *keys_file;
	int64_t stall_ms; /* 0: as usual */
	/* When it is to be asked again, as it has not answered (monotonic milliseconds);
	   of all jobs. NULL: each job finds out. */
	atomic_llong *away_until_ms;
};

/* One job's use of it. */
struct cache_remote_use {
	const struct cache_remote *remote;
	const char *short_token; /* names the runner in objects' names */
	const atomic_bool *cancel;
	/* A line of the log, at once; may be NULL. */
	void (*say)(const char *line, void *data);
	void *data;
	bool failed; /* it is not asked again */
};

/* Does the job have caches to restore? */
bool cache_remote_is_wanted(const struct job_payload *job);

/*
 * Before cache_mount() and cache_restore(): what the store has newer than the machine
 * becomes the machine's. An object that is gone takes with it what came of it.
 */
void cache_remote_fetch(struct cache_remote_use *use, const struct job_payload *job,
    const struct workspace_view *view, const char *store_dir);

/* The keys of a file with aws_access_key_id and so on, its first section; *keep owns the
 * strings. */
MUST_CHECK int cache_remote_read_keys(
    const char *file, char **keep, struct s3_keys *out, struct error *err);

#endif
