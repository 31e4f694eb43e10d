/*
 * What a build tells its supervisor, and the memory it lies in: a spec made from the job
 * payload. Owned by the build.
 */
#ifndef RUNNER_BUILD_SPEC_H
#define RUNNER_BUILD_SPEC_H

#include "executors/executor.h"
#include "protocol/job.h"
#include "runner/clone_path.h"
#include "runner/supervisor/spec.h"
#include "runner/workspace.h"

struct runner;

#define BUILD_USAGE_NAME "usage" /* in a server's job's folder */

struct build_spec {
	struct spec spec;
	struct arena *arena;
	const struct executor *executor; /* set before the cage is added */
	struct strlist shown;     /* folders the workspace refers to, for the cage */
	enum workspace_mode mode; /* wanted by the job's PAWL_WORKSPACE; AUTO: not said */
	struct build_spec_step {  /* what a step's script was made from */
		const char *const *items;
		size_t count;
	} * steps;
	const char *builds_dir; /* CI_BUILDS_DIR; NULL: what CI_PROJECT_DIR lies in */
	int64_t slot;           /* CI_CONCURRENT_ID */
	struct clone_place clone;
	bool finished;
};

void build_spec_init(struct build_spec *b, const struct job_payload *job);
void build_spec_clear(struct build_spec *b);

/*
 * Once the workspace is known: where and by what shell the steps run. Of what the caller
 * fills in the job's folder, and who hears how it goes; it may block.
 */
MUST_CHECK int build_spec_add_cage(struct build_spec *b, const struct runner *runner,
    const struct job_payload *job, struct executor_job *what, struct error *err);

/* After that: environment, steps, limits. Harmless when repeated. */
void build_spec_finish(
    struct build_spec *b, const struct runner *runner, const struct job_payload *job);

/* After the executor is known: the kind of workspace it needs. */
void build_spec_choose_place(struct build_spec *b);

/* Scripts run where files of this machine cannot be brought. */
bool build_spec_is_elsewhere(const struct build_spec *b);

/* What the job changes lies there before anything is mounted. */
const char *build_spec_files_dir(const struct build_spec *b);

/* The project's folder as the job knows it. */
const char *build_spec_project_dir(const struct build_spec *b);

/* Where samples of what the job uses are kept: beside its log, ID.usage for ID.log, or
 * "usage" beside a server's job's spool. */
const char *build_spec_usage_path(struct build_spec *b, const char *trace);

/* What the log begins with, when nothing is said before the first step. */
void build_spec_set_preface(struct build_spec *b, const char *text);

/* Forget the workspace part, to prepare another kind; what depends on it follows. */
void build_spec_reset_workspace(struct build_spec *b);

/* The script item a result speaks of, cut to size; "" when unknown. */
void build_spec_item(
    const struct build_spec *b, int step, int item, char *out, size_t size);

#endif
