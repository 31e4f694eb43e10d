/*
 * The statuses of jobs and pipelines, as GitLab names them.
 * Source: gitlab-ci-language.md section 10.
 */
#ifndef PROTOCOL_STATUS_H
#define PROTOCOL_STATUS_H

#include "base/base.h"

enum status {
	STATUS_CREATED,
	STATUS_WAITING_FOR_RESOURCE,
	STATUS_PREPARING,
	STATUS_PENDING,
	STATUS_RUNNING,
	STATUS_CANCELING,
	STATUS_SUCCESS,
	STATUS_FAILED,
	STATUS_CANCELED,
	STATUS_SKIPPED,
	STATUS_MANUAL,
	STATUS_SCHEDULED,
	STATUS_COUNT
};

const char *status_name(enum status status); /* "waiting_for_resource" */
bool status_parse(const char *name, enum status *out);

/* success, failed, canceled, skipped. */
bool status_is_completed(enum status status);

#endif
