/* Rows as the JSON that GitLab's API has for them: its names, its order, its nulls. Any
 * thread. */
#ifndef SCHEDULER_API_ENTITIES_H
#define SCHEDULER_API_ENTITIES_H

#include "base/json_writer.h"
#include "scheduler/core.h"
#include "scheduler/store.h"

/* RFC 3339 with milliseconds, in UTC; null for 0. */
void entity_put_time(struct json_writer *w, const char *key, int64_t us);

void entity_add_project(
    struct json_writer *w, const struct store_project *p, const char *server_url);
/* whole: also what lists leave out */
void entity_add_pipeline(struct json_writer *w, const struct store_pipeline *p,
    const struct store_project *project, const struct store_user *user,
    const char *server_url, bool whole);
/* Why a job waits; what GitLab has not. */
struct entity_wait {
	int64_t job;
	struct core_wait wait;
};

void entity_put_wait(struct json_writer *w, const struct core_wait *wait);

/* What a trigger job set off. */
struct entity_downstream {
	struct store_pipeline pipeline;
	struct store_project project;
};

/* downstream, runner and wait may be NULL. */
void entity_add_job(struct json_writer *w, const struct store_job *job,
    const struct store_pipeline *p, const struct store_project *project,
    const struct entity_downstream *downstream, const struct store_artifact *artifacts,
    size_t artifact_count, const struct store_runner *runner,
    const struct core_wait *wait, const char *server_url);

enum runner_status {
	RUNNER_ONLINE,
	RUNNER_OFFLINE,
	RUNNER_NEVER_CONTACTED,
	RUNNER_STATUS_COUNT
};
enum runner_status entity_runner_status(const struct store_runner *r, int64_t now_us);
const char *entity_runner_status_name(enum runner_status status); /* GitLab's */
const char *entity_runner_type(enum store_owner owner);           /* "project_type" */
/* running: jobs it has. */
void entity_add_runner(struct json_writer *w, const struct store_runner *r,
    const struct strs *tags, int running, int64_t now_us);

#endif
