/*
 * A job that a server gave, from the moment it came to the server's last word: accepted,
 * prepared (source tree, archives of earlier jobs), built, told. Its folder is its state:
 * a runner that comes later takes it over from there. Loop thread.
 */
#ifndef RUNNER_REMOTE_JOB_H
#define RUNNER_REMOTE_JOB_H

#include "protocol/job.h"
#include "runner/layer_gc.h"
#include "runner/runner.h"
#include "runner/source.h"

struct http_client;
struct remote_job;

/* In the state folder: a file, whose time is that of the last tidying up, or of the
 * runner's start: jobs of an earlier one are found first. */
#define REMOTE_TIDIED_NAME "tidied"

/* What the jobs of one server share. Outlives them. */
struct remote_context {
	const struct runner *runner; /* loop, executor, name, version */
	struct http_client *client;
	const char *url; /* the server's, as configured; names it in job folders */
	const char *api; /* "https://host/api/v4" */
	const char *short_token, *system_id;
	struct source_options source;
	const char *state_dir; /* jobs/ lies below */
	struct layer_limits limits;
};

struct remote_job_events {
	/* What it used of this machine is free again. Once. */
	void (*on_slot)(struct remote_job *job, void *data);
	/* All is told, or nobody wants to know; the job is gone after. */
	void (*on_gone)(struct remote_job *job, void *data);
	void *data;
};

/* payload is taken over. slot: CI_CONCURRENT_ID, no other job's at the same time. */
struct remote_job *remote_job_start(const struct remote_context *context,
    struct job_payload *payload, int64_t slot, const struct remote_job_events *events);

/* The folder is that of an earlier runner's job; payload is taken over. */
struct remote_job *remote_job_adopt(const struct remote_context *context,
    const char *job_dir, struct job_payload *payload,
    const struct remote_job_events *events);

/* The runner is to end. */
void remote_job_abort(struct remote_job *job);

/* Its supervisor and its folder can go on without us now. */
bool remote_job_can_be_left(const struct remote_job *job);
/* Forget it, without a word; on_gone does not come. */
void remote_job_leave(struct remote_job *job);

int64_t remote_job_id(const struct remote_job *job);
int64_t remote_job_slot(const struct remote_job *job); /* -1: it has none any more */

#endif
