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

struct artifacts_packed_list; /* runner/artifacts.h */
struct buf;
struct error;
struct jobdir; /* runner/jobdir.h */
struct source; /* runner/source.h */
struct runner; /* runner/runner.h: what all builds of a process share */
struct build;

struct build_result {
	bool success;
	bool canceled;
	int exit_code;        /* of the script; 0 when it did not fail or did not run */
	int signal;           /* that ended it; 0: none */
	enum reason reason;   /* REASON_NONE on success */
	char message[512];    /* what happened, for a person; "" on success */
	char command[256];    /* the script line that failed; "" when unknown */
	const char *kept_dir; /* the job's folder, when it is kept; the build's. NULL */
	uint64_t log_bytes;
	int64_t duration_us; /* of hooks, script and after_script */
	int64_t peak_rss_bytes, cpu_us, read_bytes, written_bytes;
	bool usage_is_notable;     /* worth showing */
	const char *artifact_path; /* of the archive; NULL: none. The build's */
	size_t artifact_files;
	int64_t artifact_bytes;   /* of the files in it */
	const char *image_digest; /* "sha256:…" of its image; NULL: none. The build's */
};

/* All called on the loop thread. Those of the log may be NULL. */
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
	/* Instead of the bytes: so many are on disk, masked and final. */
	void (*on_trace)(struct build *build, uint64_t bytes, void *data);
};

/*
 * What is different for a job that came from a server. All of it is the caller's and
 * outlives the build; so is the job's folder, which the caller makes and removes.
 */
struct build_remote {
	struct jobdir *dir;          /* its lock is handed on to the supervisor */
	const char *spool;           /* the trace's file */
	const char *preface;         /* what the log begins with */
	const char *dependencies;    /* a store as of runner/artifacts.h */
	const struct source *source; /* NULL: the job wants no files */
	/* The job's files lie packed, to be sent; build_uploaded() follows, later. */
	void (*upload)(
	    struct build *build, const struct artifacts_packed_list *files, void *data);
};

/* In the job's folder: what a later runner has to know. */
#define BUILD_PLACE_NAME "project_dir" /* the path, once the supervisor may live */
#define BUILD_FAILURE_NAME "failure"   /* "REASON\nMESSAGE", of the runner itself */
#define BUILD_IMAGE_NAME "image"       /* the digest of its image */

/* job stays the caller's and must outlive the build. */
/* Before it starts: its number among those that run at the same time (0). */
void build_set_slot(struct build *b, int64_t slot);

struct build *build_new(const struct runner *runner, const struct job_payload *job,
    const struct build_events *events);
void build_start(struct build *build);

/* Before start: the events' data goes with upload(), too. */
void build_set_remote(struct build *build, const struct build_remote *remote);

/*
 * Instead of start: take over a job whose runner has died while its supervisor lives.
 * ERR_MISSING: it does not (any more); the build is then to be freed.
 */
MUST_CHECK int build_adopt(
    struct build *build, const char *project_dir, struct error *err);

/* Answers upload(). words go into the log; err->code 0: all was taken. */
void build_uploaded(
    struct build *build, const struct buf *words, const struct error *err);

/* Graceful: the script ends, after_script and uploads run. force: everything ends now. */
void build_cancel(struct build *build, bool force);

/* Before start or in on_done; of an untied job also between, while no worker is at it
 * (build_is_idle): the job goes on by itself. */
void build_free(struct build *build);

/* Has the trace its preface, although no supervisor has written? */
bool build_log_begun(const struct build *build);
bool build_is_idle(const struct build *build);

#endif
