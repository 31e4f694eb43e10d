/*
 * Which files of a workspace artifacts and caches are made of: what patterns fit, with
 * all that is below a folder that fits, and what is untracked, without what is excluded.
 * No symbolic link is ever followed. Blocks; worker threads.
 * Source: runner-protocol.md section 9.
 */
#ifndef RUNNER_COLLECT_H
#define RUNNER_COLLECT_H

#include "protocol/job.h"
#include "runner/workspace.h"

struct collect {
	const struct workspace_view *view;
	const char *const *paths; /* globs; may hold variables */
	size_t path_count;
	const char *const *exclude;
	size_t exclude_count;
	bool untracked;     /* also what the snapshot (in place: git) does not have */
	bool warnings_only; /* in log: not what was found, but what was not */
	const atomic_bool *cancel;
};

/*
 * Append the paths (files, links and folders, relative), sorted, each once. What was
 * found for each pattern, or that nothing was, is a line in log. Fails when canceled
 * only.
 */
MUST_CHECK int collect_files(
    const struct collect *c, struct strlist *out, struct buf *log, struct error *err);

/* A pattern without variables, from the project folder on; NULL when it leads out of it.
 * malloced. */
char *collect_relative(const struct workspace_view *view, const char *pattern);

/*
 * The one path a pattern stands for, tidied up, when it has no wildcards; NULL when it
 * has, or leads out of the project folder. malloced.
 */
char *collect_plain_path(const struct workspace_view *view, const char *pattern);

/* Say in log that nothing fits a pattern. */
void collect_warn_missing(
    const struct workspace_view *view, const char *pattern, struct buf *log);

/* Does an entry's `when` fit this outcome? NULL is on_success. */
bool collect_when_fits(const char *when, bool success);

/* The level of zstd that ARTIFACT_ or CACHE_COMPRESSION_LEVEL asks for. */
int collect_level(const struct job_payload *job, const char *variable);

#endif
