/* Pipelines and jobs as a server's API has them, for reading. */
#ifndef CLI_SERVER_ROWS_H
#define CLI_SERVER_ROWS_H

#include "cli/server_link.h"
#include "protocol/reason.h"
#include "protocol/status.h"
#include "protocol/usage.h"

struct server_pipeline {
	int64_t id;
	const char *ref, *sha, *status_text, *source, *web_url, *name, *errors;
	const char *created_at, *started_at, *finished_at;
	/* read from the texts */
	enum status status;
	int64_t created_us, started_us, finished_us; /* 0: not yet */
};

struct server_job {
	int64_t id, pipeline, exit_code, attempt, position;
	int64_t because; /* whom its reason speaks of; 0 */
	const char *name, *stage, *status_text, *failure, *reason_text, *message,
	    *web_url;
	const char *queued_at, *started_at, *finished_at;
	const char *archive, *archive_expires_at; /* its artifacts; NULL: none */
	int64_t archive_bytes;
	bool allow_failure;
	const char *cause; /* of a further try: "system" …; NULL */
	const char *wait;  /* why it has not begun, in words; NULL */
	enum status status;
	enum reason reason;
	int64_t queued_us, started_us, finished_us;
	struct job_usage usage;
	const char *image_digest; /* NULL: not known */
};

/* The latest try of each job, in the pipeline's order. */
struct server_jobs {
	struct server_job *items;
	size_t count;
};

extern const struct json_shape server_pipeline_shape, server_job_shape;

/* Fill what is read from texts. */
void server_pipeline_complete(struct server_pipeline *p);
void server_job_complete(struct server_job *job);

/* "2024-01-31T16:47:55.123Z" in microseconds since the epoch; 0 for NULL or no time. */
int64_t server_time(const char *text);

/* EXIT_OK, or said and the exit code. Rows lie in the arena. */
int server_rows_pipeline(
    struct server_link *l, int64_t id, struct arena *arena, struct server_pipeline *out);
/* id 0 when there is none. NULL: any. */
int server_rows_latest(struct server_link *l, const char *sha, const char *ref,
    struct arena *arena, struct server_pipeline *out);
int server_rows_job(
    struct server_link *l, int64_t id, struct arena *arena, struct server_job *out);
int server_rows_jobs(struct server_link *l, int64_t pipeline, struct arena *arena,
    struct server_jobs *out);

#endif
