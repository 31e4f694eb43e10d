/* One table for both directions. */
#include "scheduler/runner_facts.h"

#include "base/str.h"
#include "protocol/json_shape.h"

#define TEXT_MAX 4096
/* 30 s, the 3 of a trace interval, and some for a slow network */
#define SLOW_LEASE_US INT64_C(45000000)

#define FACT(name)                                                                       \
	{                                                                                \
		JSON_FIELD(#name, STRING, struct runner_facts, name), .when = JSON_OMIT  \
	}

static const struct json_field fields[] = { FACT(name), FACT(version), FACT(revision),
	FACT(platform), FACT(architecture), FACT(executor), { NULL } };
static const struct json_shape shape = { fields, sizeof(struct runner_facts) };

void
runner_facts_write(const struct runner_info *info, struct buf *json)
{
	const struct runner_facts facts = {
		.name = info->name,
		.version = info->version,
		.revision = info->revision,
		.platform = info->platform,
		.architecture = info->architecture,
		.executor = info->executor,
	};

	json_shape_write(&shape, &facts, json);
}

struct runner_facts
runner_facts_read(const char *text, struct arena *arena)
{
	struct runner_facts facts = { .name = NULL };
	struct error err = ERROR_INIT;

	if (text != NULL &&
	    json_shape_read(&shape, text, strlen(text), TEXT_MAX, arena, &facts, &err) <
		0)
		facts = (struct runner_facts){ .name = NULL };
	return facts;
}

static bool
is_ours(const struct runner_facts *facts)
{
	return facts->name != NULL && str_eq(facts->name, "pawl-runner");
}

int64_t
runner_facts_lease_us(const struct runner_facts *facts)
{
	return is_ours(facts) ? RUNNER_LEASE_US : SLOW_LEASE_US;
}

int64_t
runner_facts_accept_us(const struct runner_facts *facts)
{
	return is_ours(facts) ? RUNNER_LEASE_US : 0;
}
