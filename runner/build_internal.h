/* A build as its parts know it. Only runner/build.c and build_begin.c include this. */
#ifndef RUNNER_BUILD_INTERNAL_H
#define RUNNER_BUILD_INTERNAL_H

#include <uv.h>

#include "runner/artifacts.h"
#include "runner/build.h"
#include "runner/build_layers.h"
#include "runner/build_live.h"
#include "runner/build_spec.h"
#include "runner/build_words.h"
#include "runner/runner.h"
#include "runner/supervisor.h"

/* What a worker does, and what it says of it. */
struct work {
	uv_work_t request;
	void (*run)(struct build *build);
	int workspace_fd;
	struct workspace_view view;
	bool success; /* of the script */
	atomic_bool cancel;
	struct buf log;
	struct artifacts_result artifacts;
	struct artifacts_packed_list packed;
	struct error error;
	enum reason reason; /* of error, when it is known */
	bool at_it;
};

struct build {
	const struct runner *runner;
	const struct job_payload *job;
	struct build_events events;
	struct build_remote remote; /* of a server's job */
	bool is_remote;
	int64_t slot; /* CI_CONCURRENT_ID */
	struct build_spec spec;
	struct build_layers layers;
	struct jobdir dir;
	struct supervisor *supervisor;
	struct work work;
	uv_timer_t later; /* to fail from the loop, not from within build_start(); to pass
			     words on while a worker prepares */
	struct build_words words;
	struct build_live live; /* while a worker collects */
	char *trace_path;
	int trace_fd;
	uint64_t trace_read;
	char *chunk;
	bool started, canceled, forced, is_adopted;
	bool is_over; /* the supervisor is done, while a worker is not */
	bool has_ended;
	bool is_tidied;       /* somebody else removes the folder */
	struct error failure; /* outside the script; the first one */
	enum reason failure_reason;
	struct build_result result;
};

/* The first one counts; a server's job has it noted for a later runner. */
void build_set_failure(struct build *b, enum reason reason, const struct error *err);

/* A file in the job's folder. */
void build_write_note(const struct build *b, const char *name, const char *text);

/* The log has that many bytes. */
void build_pass_log(struct build *b, uint64_t until);

/* run on a worker thread, which has the folder (-1: none is known yet); then after. */
void build_start_work(struct build *b, int workspace_fd, void (*run)(struct build *),
    uv_after_work_cb after);

struct supervisor *build_new_supervisor(struct build *b);

/* The last of it: on_done. */
void build_conclude(struct build *b);

/* runner/build_begin.c: make the workspace on a worker, then start the supervisor. */
void build_prepare_slowly(struct build *b);

#endif
