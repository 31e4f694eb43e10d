/*
 * What a runner says of itself with each request ("info", runner-protocol.md
 * section 1.1), as the server keeps it: JSON in store_runner.info. Any thread.
 */
#ifndef SCHEDULER_RUNNER_FACTS_H
#define SCHEDULER_RUNNER_FACTS_H

#include "base/arena.h"
#include "base/buf.h"
#include "protocol/json.h"

/* How long a started job may say nothing, unless its runner is known to need longer. */
#define RUNNER_LEASE_US INT64_C(30000000)

/* Each may be NULL. */
struct runner_facts {
	const char *name, *version, *revision, *platform, *architecture, *executor;
};

void runner_facts_write(const struct runner_info *info, struct buf *json);

/* Of what was written, in the arena; text NULL or of another release: nothing is known.
 */
struct runner_facts runner_facts_read(const char *text, struct arena *arena);

/*
 * How long a started job of such a runner may say nothing: pawl-runner beats every 5 s,
 * GitLab's when it has sent nothing for more than 30 s (section 4).
 */
int64_t runner_facts_lease_us(const struct runner_facts *facts);

/* How long it may take to accept one, 0: as others. pawl-runner does so at once: an
 * answer that it did not live to read is no reason to wait longer. */
int64_t runner_facts_accept_us(const struct runner_facts *facts);

#endif
