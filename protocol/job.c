/* Job payloads: looking into them, letting them go. */
#include "protocol/job.h"

#include "base/str.h"

void
job_payload_free(struct job_payload *job)
{
	if (job != NULL)
		arena_free(job->arena);
}

const char *
job_payload_variable(const struct job_payload *job, const char *key)
{
	for (size_t i = job->variable_count; i-- > 0;)
		if (str_eq(job->variables[i].key, key))
			return job->variables[i].value;
	return NULL;
}

static bool
knows_reason(const struct job_payload *job, const char *name)
{
	for (size_t i = 0; i < job->failure_reason_count; i++)
		if (str_eq(job->failure_reasons[i], name))
			return true;
	return false;
}

const char *
job_payload_reason(const struct job_payload *job, enum reason reason)
{
	if (reason == REASON_SCRIPT_FAILURE || reason == REASON_RUNNER_SYSTEM_FAILURE ||
	    reason == REASON_JOB_EXECUTION_TIMEOUT ||
	    knows_reason(job, reason_name(reason)))
		return reason_name(reason);
	if (reason == REASON_IMAGE_PULL_FAILURE ||
	    reason == REASON_MISSING_DEPENDENCY_FAILURE)
		return reason_name(REASON_RUNNER_SYSTEM_FAILURE);
	if (reason == REASON_RUNNER_CONFIGURATION_ERROR ||
	    reason == REASON_RUNNER_UNSUPPORTED)
		return reason_name(REASON_SCRIPT_FAILURE);
	return reason_name(REASON_UNKNOWN_FAILURE);
}
