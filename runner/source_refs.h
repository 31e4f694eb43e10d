/* Refs of a job: which are fetched, and which its .git has. Only runner/source.c. */
#ifndef RUNNER_SOURCE_REFS_H
#define RUNNER_SOURCE_REFS_H

#include "base/buf.h"
#include "base/str.h"
#include "protocol/job.h"

/* The refspecs a mirror is asked to fetch. */
void source_refs_to_fetch(const struct job_payload *job, struct strlist *out);

/*
 * A packed-refs file: what the job's refspecs name, and the tags, so that `git describe`
 * works. Of a repository whose refs are no files (reftable) the first alone.
 */
void source_refs_pack(const char *repo, const struct job_payload *job, struct buf *out);

#endif
