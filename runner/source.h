/*
 * Where a server's job gets its files: the tree of its commit (runner/snapshot.h), made
 * once and shared by all jobs of that commit. The commit comes from the server's own
 * repository when that lies on this machine, else from a bare mirror per project that is
 * brought up to date by `git fetch`. Submodules are a layer over it
 * (runner/source_modules.h), large files are git-lfs's (runner/source_lfs.h). Credentials
 * are handed to git in its environment: they are in no argument and on no disk. All calls
 * block (worker threads).
 */
#ifndef RUNNER_SOURCE_H
#define RUNNER_SOURCE_H

#include "base/buf.h"
#include "protocol/job.h"
#include "runner/snapshot.h"

struct source_options {
	const char *state_dir; /* sources/ lies below */
	const char *repos_dir; /* DIR/<project_full_path>.git are the server's; or NULL */
	const char *ca_file;   /* for https, beside the system's; NULL: none */
};

/* Below sources/<project>: trees of commits as git writes them, the same where git-lfs
 * wrote some of their files, and layers of submodules. */
#define SOURCE_SETS "layers"
#define SOURCE_LFS_SETS "layers-lfs"
#define SOURCE_MODULE_SETS "modules"

struct source {
	struct snapshot *snapshot;
	char *note;             /* for source_hold() */
	struct buf packed_refs; /* what the job's .git has, as such a file */
	struct buf shallow;     /* the same */
};

/* What was done, as lines for the job's log, is appended to log. */
MUST_CHECK int source_get(const struct source_options *options,
    const struct job_payload *job, struct source *out, struct buf *log,
    struct error *err);
void source_clear(struct source *source);

/* What the note of an earlier process's source names, while it is there: ERR_MISSING. */
MUST_CHECK int source_hold(const char *note, struct snapshot **out, struct error *err);

/* Into dir, which is to be the job's project folder or an overlay's upper one. */
MUST_CHECK int source_write_refs(
    const struct source *source, const char *dir, struct error *err);

/* The job wants none: GIT_STRATEGY is none or empty. */
bool source_is_unwanted(const struct job_payload *job);

#endif
