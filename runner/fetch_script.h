/*
 * The step get_sources of a job whose scripts run where this machine's files are not: a
 * script that brings the commit there with git, as GitLab's runner does.
 * Source: runner-protocol.md section 8.3.
 */
#ifndef RUNNER_FETCH_SCRIPT_H
#define RUNNER_FETCH_SCRIPT_H

#include "base/buf.h"
#include "protocol/job.h"

void fetch_script_build(const struct job_payload *job, struct buf *out);

#endif
