/*
 * One job's life on this machine, from an empty workspace to a result: workspace →
 * cache → artifacts → script → after_script → cache → artifacts → clean up. Lives on
 * the loop thread. build_start() hands it over; it comes back exactly once, through
 * on_done, from the loop.
 */
#ifndef RUNNER_BUILD_H
#define RUNNER_BUILD_H

#include "protocol/job.h"
#include "protocol/reason.h"

struct runner; /* runner/runner.h: what all builds of a process share */
struct build;

struct build_result {
	bool success;
	bool canceled;
	int exit_code;      /* of the script; 0 when it did not fail or did not run */
	int signal;         /* that ended it; 0: none */
	enum reason reason; /* REASON_NONE on success */
	char message[512];  /* what happened, for a person; "" on success */
	char command[256];  /* the script line that failed; "" when unknown */
	uint64_t log_bytes;
	int64_t duration_us; /* of hooks, script and after_script */
	int64_t peak_rss_bytes, cpu_us;
	const char *artifact_path; /* of the archive; NULL: none. The build's */
	size_t artifact_files;
	int64_t artifact_bytes; /* of the files in it */
};

/* All called on the loop thread. */
struct build_events {
	/* Bytes of the trace: masked, on disk, in order, without a gap. */
	void (*on_log)(struct build *build, const char *bytes, size_t len, void *data);
	/* The workspace stands. Not called when the job fails before. */
	void (*on_started)(struct build *build, void *data);
	/* The scripts are over; what the log says from here on is the runner's. */
	void (*on_scripts_ended)(struct build *build, void *data);
	/* The last call; it may free the build. */
	void (*on_done)(
	    struct build *build, const struct build_result *result, void *data);
	void *data;
};

/* job stays the caller's and must outlive the build. */
struct build *build_new(const struct runner *runner, const struct job_payload *job,
    const struct build_events *events);
void build_start(struct build *build);

/* Graceful: the script ends, after_script and uploads run. force: everything ends now. */
void build_cancel(struct build *build, bool force);

void build_free(struct build *build); /* only before start or in on_done */

#endif
