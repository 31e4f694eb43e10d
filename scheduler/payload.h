/*
 * From a planned job to what a runner gets: variables resolved, before_script and script
 * joined, keywords in the wire's shape.
 */
#ifndef SCHEDULER_PAYLOAD_H
#define SCHEDULER_PAYLOAD_H

#include "pipelines/plan.h"
#include "protocol/job.h"
#include "scheduler/event.h"

struct payload_options {
	const struct plan *plan;
	const struct plan_job *job;
	const struct event *event;
	const struct provider *provider; /* reads the files of cache:key:files */
	int64_t job_id, pipeline_id;
	const char *job_token;
	bool played_by_hand;
	/* What the server holds by now, each at its level, instead of what it held when
	 * the plan was made; has_held false: nothing has changed since. */
	const struct var *held;
	size_t held_count;
	bool has_held;
	/* From dotenv reports of earlier jobs, in the order of those jobs. */
	const struct var *dotenv;
	size_t dotenv_count;
	const struct job_dependency *dependencies; /* strings are copied */
	size_t dependency_count;
	int64_t default_timeout_s;
	int64_t maximum_timeout_s; /* of the runner; 0: none */
};

/* ERR_ENVIRONMENT: the job asks for what no runner of ours does; the core fails it with
 * REASON_RUNNER_UNSUPPORTED as soon as it could start. */
MUST_CHECK int payload_check(const struct plan_job *job, struct error *err);

/* ERR_INVALID: the variables refer to each other in a circle, or a cache file cannot be
 * read. */
MUST_CHECK int payload_build(
    const struct payload_options *options, struct job_payload **out, struct error *err);

#endif
