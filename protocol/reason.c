/* Reasons: their stable names and what a person reads. */
#include "protocol/reason.h"

static const struct {
	const char *name, *text;
} rows[REASON_COUNT] = {
	[REASON_NONE] = { "none", "" },
	[REASON_UNKNOWN_FAILURE] = { "unknown_failure", "failed for an unknown reason" },
	[REASON_SCRIPT_FAILURE] = { "script_failure", "the script failed" },
	[REASON_API_FAILURE] = { "api_failure", "the server could not be reached" },
	[REASON_STUCK_OR_TIMEOUT_FAILURE] = { "stuck_or_timeout_failure",
	    "no runner took it in time" },
	[REASON_RUNNER_SYSTEM_FAILURE] = { "runner_system_failure",
	    "the runner could not run it" },
	[REASON_RUNNER_UNSUPPORTED] = { "runner_unsupported",
	    "the runner cannot run this kind of job" },
	[REASON_STALE_SCHEDULE] = { "stale_schedule",
	    "the delayed job was never started" },
	[REASON_JOB_EXECUTION_TIMEOUT] = { "job_execution_timeout",
	    "it took longer than its timeout" },
	[REASON_ARCHIVED_FAILURE] = { "archived_failure", "the job is archived" },
	[REASON_UNMET_PREREQUISITES] = { "unmet_prerequisites",
	    "a prerequisite could not be met" },
	[REASON_SCHEDULER_FAILURE] = { "scheduler_failure",
	    "the scheduler could not assign it" },
	[REASON_DATA_INTEGRITY_FAILURE] = { "data_integrity_failure",
	    "its data is damaged" },
	[REASON_IMAGE_PULL_FAILURE] = { "image_pull_failure",
	    "its image could not be had" },
	[REASON_RUNNER_CONFIGURATION_ERROR] = { "runner_configuration_error",
	    "it does not fit the runner's settings" },
	[REASON_RUNNER_INTERRUPTED] = { "runner_interrupted", "the runner was stopped" },
	[REASON_JOB_CANCELED] = { "job_canceled", "it was canceled" },
	[REASON_MISSING_DEPENDENCY_FAILURE] = { "missing_dependency_failure",
	    "artifacts it needs are missing" },
	[REASON_TRACE_SIZE_EXCEEDED] = { "trace_size_exceeded",
	    "its log grew beyond what the server keeps" },
	[REASON_DOWNSTREAM_FAILURE] = { "downstream_failure",
	    "the downstream pipeline failed" },
	[REASON_WAITS_FOR_JOB] = { "waits_for_job", "waits for earlier jobs" },
	[REASON_WAITS_FOR_SLOT] = { "waits_for_slot", "waits for a free runner" },
	[REASON_WAITS_FOR_PERSON] = { "waits_for_person", "manual: waits to be played" },
	[REASON_WAITS_FOR_TIME] = { "waits_for_time", "delayed: its time has not come" },
	[REASON_WAITS_FOR_RESOURCE] = { "waits_for_resource",
	    "its resource group is in use" },
	[REASON_PRIOR_FAILED] = { "prior_failed", "an earlier job failed" },
	[REASON_PRIOR_SKIPPED] = { "prior_skipped", "a job it needs did not run" },
	[REASON_PRIOR_SUCCEEDED] = { "prior_succeeded",
	    "runs on failure only, and nothing failed" },
	[REASON_PIPELINE_CANCELED] = { "pipeline_canceled", "the pipeline was canceled" },
	[REASON_SUPERSEDED] = { "superseded",
	    "a newer commit's pipeline took its place" },
	[REASON_NOT_SELECTED] = { "not_selected", "other jobs were asked for" },
};

const char *
reason_name(enum reason reason)
{
	return rows[reason].name;
}

const char *
reason_text(enum reason reason)
{
	return rows[reason].text;
}

bool
reason_parse(const char *name, enum reason *out)
{
	for (size_t i = 0; i < REASON_COUNT; i++) {
		if (strcmp(rows[i].name, name) == 0) {
			*out = (enum reason)i;
			return true;
		}
	}
	return false;
}

bool
reason_is_failure(enum reason reason)
{
	return reason >= REASON_UNKNOWN_FAILURE && reason <= REASON_DOWNSTREAM_FAILURE;
}
