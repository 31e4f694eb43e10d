/* Composite status: the first line that fits decides, in the order of the specification.
 */
#include "scheduler/composite.h"

#define BIT(status) (1u << (status))

int
composite_map(enum status status, bool allow_failure)
{
	if (allow_failure && (status == STATUS_FAILED || status == STATUS_CANCELED))
		return MAPPED_WARNED;
	if (allow_failure && status == STATUS_MANUAL)
		return MAPPED_IGNORED;
	return (int)status;
}

static uint32_t
members(const struct composite *set)
{
	uint32_t bits = 0;

	for (int i = 0; i < MAPPED_COUNT; i++)
		if (set->counts[i] > 0)
			bits |= BIT(i);
	return bits;
}

/* "All in": every member is one of these. */
static const struct {
	uint32_t in;
	enum status status;
} all_in[] = {
	{ BIT(STATUS_SKIPPED) | BIT(MAPPED_IGNORED), STATUS_SKIPPED },
	{ BIT(STATUS_SUCCESS) | BIT(STATUS_SKIPPED) | BIT(MAPPED_WARNED) |
		BIT(MAPPED_IGNORED),
	    STATUS_SUCCESS },
	{ BIT(STATUS_CREATED) | BIT(MAPPED_WARNED) | BIT(MAPPED_IGNORED),
	    STATUS_CREATED },
	{ BIT(STATUS_PREPARING) | BIT(MAPPED_WARNED) | BIT(MAPPED_IGNORED),
	    STATUS_PREPARING },
	{ BIT(STATUS_CANCELED) | BIT(STATUS_SUCCESS) | BIT(STATUS_SKIPPED) |
		BIT(MAPPED_WARNED) | BIT(MAPPED_IGNORED),
	    STATUS_CANCELED },
	{ BIT(STATUS_PENDING) | BIT(STATUS_CREATED) | BIT(STATUS_SKIPPED) |
		BIT(MAPPED_WARNED) | BIT(MAPPED_IGNORED),
	    STATUS_PENDING },
};

/* "Any": one such member is enough. */
static const struct {
	uint32_t any;
	enum status status;
} any_of[] = {
	{ BIT(STATUS_CANCELING), STATUS_CANCELING },
	{ BIT(STATUS_RUNNING) | BIT(STATUS_PENDING), STATUS_RUNNING },
	{ BIT(STATUS_WAITING_FOR_RESOURCE), STATUS_WAITING_FOR_RESOURCE },
	{ BIT(STATUS_MANUAL), STATUS_MANUAL },
	{ BIT(STATUS_SCHEDULED), STATUS_SCHEDULED },
	{ BIT(STATUS_PREPARING), STATUS_PREPARING },
	{ BIT(STATUS_CREATED), STATUS_RUNNING },
};

enum status
composite_status(const struct composite *set, bool of_needs)
{
	uint32_t bits = members(set);
	uint32_t done = BIT(STATUS_SUCCESS) | BIT(STATUS_FAILED) | BIT(STATUS_CANCELED) |
	    BIT(STATUS_SKIPPED) | BIT(MAPPED_WARNED);

	if (bits == 0)
		return STATUS_SUCCESS;
	if (of_needs && (bits & (BIT(STATUS_SKIPPED) | BIT(MAPPED_IGNORED))) != 0)
		return STATUS_SKIPPED;
	if (of_needs && (bits & ~done) != 0)
		return STATUS_PENDING;
	for (size_t i = 0; i < ARRAY_LEN(all_in); i++)
		if ((bits & ~all_in[i].in) == 0)
			return all_in[i].status;
	for (size_t i = 0; i < ARRAY_LEN(any_of); i++)
		if ((bits & any_of[i].any) != 0)
			return any_of[i].status;
	return STATUS_FAILED;
}
