/*
 * What `pawl run` shows while it runs: every job's lines prefixed by the job, what
 * becomes of each, on a terminal one live line per running job below, at the end a table
 * and, for failures, what to look at. In a pipe the same lines, plain and stable; with
 * --json one event per line instead. Lives on the loop thread; writes only to its fd.
 */
#ifndef CLI_SCREEN_H
#define CLI_SCREEN_H

#include "base/buf.h"
#include "protocol/reason.h"
#include "protocol/status.h"

struct screen;

struct screen_options {
	int fd;
	bool json, timestamps;
	bool live, color; /* what screen_detect() found, unless told otherwise */
};

/* Looks at the terminal, NO_COLOR, TERM and CI. */
void screen_detect(struct screen_options *options);

struct screen_job {
	int64_t id;
	const char *name, *stage;
	int attempt;
	enum status status;
	enum reason reason;
	bool warned;
	bool retried; /* another try follows */
	const char
	    *detail; /* "exit code 1", "waits for build"; NULL: the reason's own text */
	const char *command; /* that failed; NULL */
	const char *again;   /* what to give to `pawl run`, quoted; NULL: nothing */
	const char
	    *again_options;   /* and the options before it: \" -f ci.yml\"; NULL: none */
	const char *log_path; /* NULL: none */
	bool kept;            /* pawl shell can look into it */
	int64_t queued_us, started_us, finished_us;            /* 0: not yet */
	int64_t peak_bytes, cpu_us, read_bytes, written_bytes; /* 0: not known */
	bool usage_is_notable;
	const char *usage_path;   /* its samples; NULL: none */
	const char *image_digest; /* "sha256:…"; NULL: not known */
};

struct screen *screen_new(const struct screen_options *options, size_t name_width);
void screen_free(struct screen *screen);

/* A job with a longer name will come. */
void screen_widen(struct screen *screen, size_t name_width);

/* The clock is the caller's, in microseconds since the epoch. */
void screen_pipeline_started(struct screen *s, int64_t id, const char *name,
    const char *ref, const char *sha, const char *plan_hash, size_t job_count,
    int64_t now_us);
void screen_job_changed(struct screen *s, const struct screen_job *job, int64_t now_us);
void screen_log(
    struct screen *s, int64_t job_id, const char *bytes, size_t len, int64_t now_us);
/* The last lines of this job, for the report on a failure, are those so far. */
void screen_freeze_tail(struct screen *s, int64_t job_id);
void screen_message(struct screen *s, const char *fmt, ...)
    PRINTF(2, 3); /* a note of pawl's own */

/* Artifacts a job left, for the summary. */
void screen_artifacts(
    struct screen *s, const char *job, const char *path, size_t files, int64_t bytes);

/* The table; jobs in the order to show. Also how things stand, before the end. */
void screen_pipeline_finished(struct screen *s, int64_t id, enum status status,
    bool warnings, const struct screen_job *jobs, size_t count, int64_t started_us,
    int64_t now_us);

/* Redraw the live lines (some ten times a second) and write out what is buffered. */
void screen_tick(struct screen *s, int64_t now_us);
void screen_flush(struct screen *s);

/* The reader went away (EPIPE) or the disk is full: true from then on. */
bool screen_is_broken(const struct screen *s);

#endif
