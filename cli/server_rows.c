/* Reading pipelines and jobs: shapes, times, and the order jobs are shown in. */
#include "cli/server_rows.h"

#include <stdio.h>

#include "base/iso_time.h"
#include "cli/command.h"

static const struct json_field pipeline_fields[] = {
	{ JSON_FIELD("id", INT, struct server_pipeline, id) },
	{ JSON_FIELD("ref", STRING, struct server_pipeline, ref) },
	{ JSON_FIELD("sha", STRING, struct server_pipeline, sha) },
	{ JSON_FIELD("status", STRING, struct server_pipeline, status_text) },
	{ JSON_FIELD("source", STRING, struct server_pipeline, source) },
	{ JSON_FIELD("web_url", STRING, struct server_pipeline, web_url) },
	{ JSON_FIELD("name", STRING, struct server_pipeline, name) },
	{ JSON_FIELD("yaml_errors", STRING, struct server_pipeline, errors) },
	{ JSON_FIELD("created_at", STRING, struct server_pipeline, created_at) },
	{ JSON_FIELD("started_at", STRING, struct server_pipeline, started_at) },
	{ JSON_FIELD("finished_at", STRING, struct server_pipeline, finished_at) },
	{ NULL },
};
const struct json_shape server_pipeline_shape = { pipeline_fields,
	sizeof(struct server_pipeline) };

static const struct json_field of_pipeline_fields[] = {
	{ JSON_FIELD("id", INT, struct server_job, pipeline) },
	{ NULL },
};
static const struct json_shape of_pipeline_shape = { of_pipeline_fields,
	sizeof(struct server_job) };
static const struct json_field waits_fields[] = {
	{ JSON_FIELD("text", STRING, struct server_job, wait) },
	{ NULL },
};
static const struct json_shape waits_shape = { waits_fields, sizeof(struct server_job) };
static const struct json_field archive_fields[] = {
	{ JSON_FIELD("filename", STRING, struct server_job, archive) },
	{ JSON_FIELD("size", INT, struct server_job, archive_bytes) },
	{ NULL },
};
static const struct json_shape archive_shape = { archive_fields,
	sizeof(struct server_job) };
static const struct json_field job_fields[] = {
	{ JSON_FIELD("id", INT, struct server_job, id) },
	{ JSON_FIELD("name", STRING, struct server_job, name) },
	{ JSON_FIELD("stage", STRING, struct server_job, stage) },
	{ JSON_FIELD("status", STRING, struct server_job, status_text) },
	{ JSON_FIELD("failure_reason", STRING, struct server_job, failure) },
	{ JSON_FIELD("reason", STRING, struct server_job, reason_text) },
	{ JSON_FIELD("message", STRING, struct server_job, message) },
	{ JSON_FIELD("web_url", STRING, struct server_job, web_url) },
	{ JSON_FIELD("exit_code", INT, struct server_job, exit_code) },
	{ JSON_FIELD("because", INT, struct server_job, because) },
	{ JSON_FIELD("attempt", INT, struct server_job, attempt) },
	{ JSON_FIELD("cause", STRING, struct server_job, cause) },
	{ JSON_FIELD("allow_failure", BOOL, struct server_job, allow_failure) },
	{ JSON_FIELD("queued_at", STRING, struct server_job, queued_at) },
	{ JSON_FIELD("started_at", STRING, struct server_job, started_at) },
	{ JSON_FIELD("finished_at", STRING, struct server_job, finished_at) },
	{ JSON_FIELD(
	    "artifacts_expire_at", STRING, struct server_job, archive_expires_at) },
	{ .key = "pipeline", .kind = JSON_KIND_OBJECT, .shape = &of_pipeline_shape },
	{ JSON_FIELD("usage", OBJECT, struct server_job, usage),
	    .shape = &job_usage_shape },
	{ JSON_FIELD("image_digest", STRING, struct server_job, image_digest) },
	{ .key = "waits", .kind = JSON_KIND_OBJECT, .shape = &waits_shape },
	{ .key = "artifacts_file", .kind = JSON_KIND_OBJECT, .shape = &archive_shape },
	{ NULL },
};
const struct json_shape server_job_shape = { job_fields, sizeof(struct server_job) };

int64_t
server_time(const char *text)
{
	int64_t us = 0;

	return text != NULL && iso_time_read(text, &us) ? us : 0;
}

/* A status this release does not know is shown as one that has not ended. */
static enum status
status_of(const char *text)
{
	enum status status = STATUS_CREATED;

	if (text != NULL)
		(void)status_parse(text, &status);
	return status;
}

void
server_pipeline_complete(struct server_pipeline *p)
{
	p->status = status_of(p->status_text);
	p->created_us = server_time(p->created_at);
	p->started_us = server_time(p->started_at);
	p->finished_us = server_time(p->finished_at);
	if (p->ref == NULL)
		p->ref = "";
	if (p->sha == NULL)
		p->sha = "";
}

void
server_job_complete(struct server_job *job)
{
	const char *reason = job->reason_text != NULL ? job->reason_text : job->failure;

	job->status = status_of(job->status_text);
	if (reason == NULL || !reason_parse(reason, &job->reason))
		job->reason =
		    job->status == STATUS_FAILED ? REASON_UNKNOWN_FAILURE : REASON_NONE;
	job->queued_us = server_time(job->queued_at);
	job->started_us = server_time(job->started_at);
	job->finished_us = server_time(job->finished_at);
	if (job->name == NULL)
		job->name = "";
	if (job->stage == NULL)
		job->stage = "";
}

int
server_rows_pipeline(
    struct server_link *l, int64_t id, struct arena *arena, struct server_pipeline *out)
{
	const char *path =
	    arena_printf(arena, "/api/v4/projects/%s/pipelines/%" PRId64, l->project, id);
	cleanup_free char *what = xasprintf("pipeline %" PRId64, id);
	int rc;

	*out = (struct server_pipeline){ 0 };
	rc = server_link_object(l, &(struct server_call){ .path = path },
	    &server_pipeline_shape, arena, out, what);
	server_pipeline_complete(out);
	return rc;
}

int
server_rows_latest(struct server_link *l, const char *sha, const char *ref,
    struct arena *arena, struct server_pipeline *out)
{
	cleanup_buf struct buf path = BUF_INIT;
	void *items;
	size_t count;
	int rc;

	*out = (struct server_pipeline){ 0 };
	buf_printf(&path, "/api/v4/projects/%s/pipelines?per_page=1", l->project);
	if (sha != NULL)
		buf_printf(&path, "&sha=%s", sha);
	if (ref != NULL) {
		buf_add_str(&path, "&ref=");
		buf_add_url_encoded(&path, ref);
	}
	rc = server_link_list(
	    l, buf_str(&path), 1, &server_pipeline_shape, arena, &items, &count);
	if (rc == EXIT_OK && count > 0)
		*out = *(struct server_pipeline *)items;
	server_pipeline_complete(out);
	return rc;
}

int
server_rows_job(
    struct server_link *l, int64_t id, struct arena *arena, struct server_job *out)
{
	const char *path =
	    arena_printf(arena, "/api/v4/projects/%s/jobs/%" PRId64, l->project, id);
	cleanup_free char *what = xasprintf("job %" PRId64, id);
	int rc;

	*out = (struct server_job){ 0 };
	rc = server_link_object(l, &(struct server_call){ .path = path },
	    &server_job_shape, arena, out, what);
	server_job_complete(out);
	return rc;
}

/* ---- the jobs of a pipeline -------------------------------------------------- */

static int
by_name_and_id(const void *a, const void *b)
{
	const struct server_job *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order != 0 ? order : (x->id > y->id) - (x->id < y->id);
}

static int
by_position(const void *a, const void *b)
{
	const struct server_job *x = a, *y = b;

	return (x->position > y->position) - (x->position < y->position);
}

/* A try that came later stands where the first one did: ids are in the plan's order. */
static void
keep_latest(struct server_jobs *jobs)
{
	size_t n = 0;

	qsort(jobs->items, jobs->count, sizeof(*jobs->items), by_name_and_id);
	for (size_t i = 0; i < jobs->count; i++) {
		struct server_job job = jobs->items[i];

		job.position = job.id;
		if (n > 0 && str_eq(jobs->items[n - 1].name, job.name))
			job.position = jobs->items[--n].position;
		jobs->items[n++] = job;
	}
	jobs->count = n;
	qsort(jobs->items, jobs->count, sizeof(*jobs->items), by_position);
}

int
server_rows_jobs(
    struct server_link *l, int64_t pipeline, struct arena *arena, struct server_jobs *out)
{
	const char *path = arena_printf(arena,
	    "/api/v4/projects/%s/pipelines/%" PRId64
	    "/jobs?include_retried=true&per_page=100",
	    l->project, pipeline);
	void *items;
	int rc = server_link_list(
	    l, path, SERVER_ALL_PAGES, &server_job_shape, arena, &items, &out->count);

	out->items = items;
	for (size_t i = 0; i < out->count; i++)
		server_job_complete(&out->items[i]);
	if (out->count > 0)
		keep_latest(out);
	return rc;
}
