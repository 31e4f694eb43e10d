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
