/*
 * What a later runner has to know of a server's job, in the job's folder: which server,
 * and the job, without the values of masked variables. Mode 0600, for the token in it.
 */
#ifndef RUNNER_JOB_FILE_H
#define RUNNER_JOB_FILE_H

#include "base/error.h"
#include "protocol/job.h"
#include "protocol/reason.h"
#include "protocol/usage.h"

#define JOB_FILE_NAME "job.json"
#define JOB_SPOOL_NAME "spool"
#define JOB_RESULT_NAME "result.json" /* the supervisor's, of an untied job */

MUST_CHECK int job_file_write(const char *job_dir, const char *server_url,
    const struct job_payload *job, struct error *err);
/* server_url is malloced. ERR_MISSING: it is no server's job. */
MUST_CHECK int job_file_read(
    const char *job_dir, char **server_url, struct job_payload **out, struct error *err);

/* What the supervisor left in the job's folder. */
struct job_outcome {
	enum reason reason; /* REASON_NONE: success */
	int exit_code;
	char message[512];
	int64_t trace_bytes;
	struct job_usage usage;
};

/* ERR_MISSING: the job has not ended, or its supervisor had no time to say so. */
MUST_CHECK int job_outcome_read(
    const char *job_dir, struct job_outcome *out, struct error *err);

#endif
