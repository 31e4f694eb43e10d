/* Status names. */
#include "protocol/status.h"

static const char *const names[STATUS_COUNT] = {
	[STATUS_CREATED] = "created",
	[STATUS_WAITING_FOR_RESOURCE] = "waiting_for_resource",
	[STATUS_PREPARING] = "preparing",
	[STATUS_PENDING] = "pending",
	[STATUS_RUNNING] = "running",
	[STATUS_CANCELING] = "canceling",
	[STATUS_SUCCESS] = "success",
	[STATUS_FAILED] = "failed",
	[STATUS_CANCELED] = "canceled",
	[STATUS_SKIPPED] = "skipped",
	[STATUS_MANUAL] = "manual",
	[STATUS_SCHEDULED] = "scheduled",
};

const char *
status_name(enum status status)
{
	return names[status];
}

bool
status_parse(const char *name, enum status *out)
{
	for (size_t i = 0; i < STATUS_COUNT; i++) {
		if (strcmp(names[i], name) == 0) {
			*out = (enum status)i;
			return true;
		}
	}
	return false;
}

bool
status_is_completed(enum status status)
{
	return status == STATUS_SUCCESS || status == STATUS_FAILED ||
	    status == STATUS_CANCELED || status == STATUS_SKIPPED;
}
