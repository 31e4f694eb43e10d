/*
 * A pipeline run in this process: the scheduler's core and the runner's builds, joined
 * without a network. Effects of the core become builds, what builds report becomes
 * events. Lives on one loop, in one thread, from local_run() to its return.
 */
#ifndef CLI_LOCAL_H
#define CLI_LOCAL_H

#include "cli/ids.h"
#include "cli/project.h"
#include "cli/screen.h"
#include "runner/runner.h"
#include "scheduler/core.h"

struct build;

/* One try of one job. */
struct local_job {
	struct local *local;
	int64_t id;
	struct local_pipeline *pipeline;
	struct build *build;         /* NULL: not started, or over */
	struct job_payload *payload; /* kept while the build lives */
	char *name;                  /* on the screen */
	char *again;                 /* what `pawl run` calls it, as a shell takes it */
	char *log_path;              /* NULL: none */
	char *usage_path;            /* of its samples; NULL: none */
	char *image_digest;          /* NULL: none */
	int64_t peak_bytes, cpu_us, read_bytes, written_bytes;
	bool usage_is_notable;
	char detail[512];  /* why it is as it is; "" */
	bool ended;        /* detail is the build's last word */
	char command[256]; /* that failed; "" */
	struct arena *dotenv_arena;
	struct var *dotenv; /* what its report gives later jobs */
	size_t dotenv_count;
	bool has_artifacts;
	bool kept; /* pawl shell opens a shell in it */
};

/* One pipeline: the main one or a child. Its plan is owned here. */
struct local_pipeline {
	int64_t id;
	struct plan *plan;
	struct event event;
	struct vars *vars; /* of a child; in the plan's arena */
	int depth;         /* 0: the main one */
	int64_t parent_job;
};

struct local {
	struct project *project;
	struct runner *runner;
	struct uv_loop_s *loop;
	struct core *core;
	struct core_effects effects;
	struct screen *screen;
	struct screen_options screen_options;
	const char *options; /* of this run, for a suggested one: " -f ci.yml" */
	struct ids ids;
	struct local_pipeline **pipelines;
	size_t pipeline_count, pipeline_cap;
	struct local_job **jobs; /* by id - ids.job */
	size_t job_count, job_cap;
	size_t active;  /* builds that are not over */
	char cwd[4096]; /* of the user; "" when unknown */
	int interrupts; /* SIGINT and SIGTERM so far */
	int64_t started_us;
	struct local_handles *handles;
	struct error fault; /* of this machine; the run ends with it */
};

struct local_options {
	size_t slots;        /* jobs at once */
	const bool *include; /* per plan job, or NULL */
	const bool *play;
	size_t job_count; /* that will run, for the heading */
};

/*
 * Run the plan to its end and show it. Takes the plan. The exit code: 0 passed, 1 failed,
 * 3 fault of this machine, 130 interrupted.
 */
int local_run(
    struct local *local, struct plan *plan, const struct local_options *options);

/* local.c, for its companions */
int64_t local_now_us(void);
void local_send(struct local *local, struct core_event event);
struct local_job *local_find_job(struct local *local, int64_t id);
struct local_pipeline *local_add_pipeline(
    struct local *local, struct plan *plan, const struct event *event);

/* local_jobs.c: an assigned job becomes a build, and its end an event */
void local_start_job(struct local *local, int64_t id);
void local_cancel_job(struct local *local, int64_t id, bool force);
void local_show_job(struct local *local, int64_t id);
void local_describe(
    struct local *local, const struct core_job *job, struct screen_job *out);
void local_job_free(struct local_job *job);

/* local_child.c: trigger jobs */
void local_start_child(struct local *local, int64_t job_id);

#endif
