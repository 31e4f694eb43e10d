/*
 * Why a job is in the state it is in: one list of stable strings, for the final table,
 * `--json`, the API and `retry:when`. Failure reasons carry GitLab's own names.
 */
#ifndef PROTOCOL_REASON_H
#define PROTOCOL_REASON_H

#include "base/base.h"

enum reason {
	REASON_NONE,
	/* failure reasons: sent by runners, matched by retry:when */
	REASON_UNKNOWN_FAILURE,
	REASON_SCRIPT_FAILURE,
	REASON_API_FAILURE,
	REASON_STUCK_OR_TIMEOUT_FAILURE,
	REASON_RUNNER_SYSTEM_FAILURE,
	REASON_RUNNER_UNSUPPORTED,
	REASON_STALE_SCHEDULE,
	REASON_JOB_EXECUTION_TIMEOUT,
	REASON_ARCHIVED_FAILURE,
	REASON_UNMET_PREREQUISITES,
	REASON_SCHEDULER_FAILURE,
	REASON_DATA_INTEGRITY_FAILURE,
	REASON_IMAGE_PULL_FAILURE,
	REASON_RUNNER_CONFIGURATION_ERROR,
	REASON_RUNNER_INTERRUPTED,
	REASON_JOB_CANCELED,
	REASON_MISSING_DEPENDENCY_FAILURE,
	REASON_TRACE_SIZE_EXCEEDED,
	REASON_DOWNSTREAM_FAILURE, /* the child pipeline failed (strategy) or was not made
				    */
	/* reasons of states that are no failure */
	REASON_WAITS_FOR_JOB,      /* created: an earlier job or stage is not done */
	REASON_WAITS_FOR_SLOT,     /* pending: all slots are taken */
	REASON_WAITS_FOR_PERSON,   /* manual */
	REASON_WAITS_FOR_TIME,     /* scheduled */
	REASON_WAITS_FOR_RESOURCE, /* resource_group is held */
	REASON_PRIOR_FAILED,       /* skipped: an earlier job failed */
	REASON_PRIOR_SKIPPED,      /* skipped: a needed job was skipped or not played */
	REASON_PRIOR_SUCCEEDED,    /* skipped: on_failure, and nothing failed */
	REASON_PIPELINE_CANCELED,  /* canceled, or skipped after a cancel */
	REASON_SUPERSEDED,         /* canceled: a newer pipeline of its ref came */
	REASON_NOT_SELECTED,       /* `pawl run JOB` asked for others */
	REASON_COUNT
};

const char *reason_name(enum reason reason); /* "script_failure" */
bool reason_parse(const char *name, enum reason *out);

/* A short phrase for a person: "the script failed". */
const char *reason_text(enum reason reason);

/* A value of retry:when other than "always" that fits this reason. */
bool reason_is_failure(enum reason reason);

#endif
