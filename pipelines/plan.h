/*
 * What one event makes of a config: which jobs there are, with which `when` and
 * variables, and for each job (those left out too) why. Deterministic: the same commit,
 * variables and event give the same plan and the same hash on every machine.
 * Steps 10 to 13 of gitlab-ci-language.md section 1. Lives in one arena, read-only.
 */
#ifndef PIPELINES_PLAN_H
#define PIPELINES_PLAN_H

#include "base/map.h"
#include "pipelines/config.h"
#include "pipelines/document.h"
#include "pipelines/vars.h"
#include "pipelines/why.h"

#define PLAN_VERSION 1
#define PLAN_HASH_SIZE 65 /* hex digits and NUL */

/* One need after resolving parallel instances; index of the job in plan.jobs. */
struct plan_need {
	size_t job;
	bool artifacts, optional;
};

struct plan_job {
	const struct job_config *config; /* keywords no event changes */
	const char *name, *stage;
	size_t stage_index;
	bool created; /* false: this event drops it; `when` is WHEN_NEVER */
	enum job_when when;
	struct allow_failure allow_failure;
	bool interruptible;
	int64_t start_in_s;
	bool has_needs;          /* needs-scheduled, also with an empty list */
	struct plan_need *needs; /* those in this pipeline only */
	size_t need_count;
	struct needs
	    needs_written; /* as written or from the rule, optional missing ones too */
	/*
	 * Jobs with artifacts that are fetched, by needs, dependencies or stage order:
	 * plan indexes, ascending. By stage order they are the first few of one array
	 * that all jobs of the plan share.
	 */
	const size_t *artifact_sources;
	size_t artifact_source_count;
	struct vars vars; /* the job's scope: YAML, job, matrix, rule variables over the
			     event's */
	/* Expanded by the server's rules: */
	struct strs tags;
	const char *image; /* name; NULL: none. The runner expands what is left */
	const char *environment, *environment_url, *environment_action; /* NULL: none */
	const char *resource_group;
	struct why why;
};

/* What happened, as only/except and the hash see it. */
struct plan_event {
	const char *ref; /* branch or tag name */
	bool is_tag;
	const char *source; /* CI_PIPELINE_SOURCE: "push", "web" … */
};

struct plan {
	struct arena *arena; /* owns everything, config and vars included */
	const struct config *config;
	const char *name; /* workflow:name; NULL: none */
	bool created;     /* false: workflow:rules, or nothing left to run; see why */
	struct why why;
	struct strs stages;
	struct plan_job *jobs; /* every job, order of stages, then of the files */
	size_t job_count;
	struct map by_name; /* index + 1 into jobs; see plan_find */
	struct auto_cancel auto_cancel;
	/* Pipeline scopes, each on the one before: the event's variables (a copy), those
	 * of workflow:rules, top-level ones of the files. A job stands on the last one,
	 * or on the second if it inherits no variables. */
	struct vars event_vars, workflow_vars, vars;
	struct plan_event event;
	const struct document_file *files; /* for the hash */
	size_t file_count;
};

struct plan_options {
	const struct provider *provider; /* for rules:changes and rules:exists */
	/* Predefined (E and P), project and pipeline variables. Copied. */
	const struct vars *vars;
	/* Variables for some environments only: their environment_scope says which. Not
	 * in vars; a job gets those that fit its environment. Copied. */
	const struct var *scoped;
	size_t scoped_count;
	struct plan_event event;           /* also in vars */
	const struct document_file *files; /* for the hash; in the arena */
	size_t file_count;
};

/*
 * 0 with a plan (which may say created: false), or ERR_INVALID with findings in diags.
 * On success the plan takes the arena; plan_free() frees both. On failure the caller
 * keeps it.
 */
MUST_CHECK int plan_compile(const struct config *config,
    const struct plan_options *options, struct arena *arena, struct diags *diags,
    struct plan **out);
void plan_free(struct plan *plan); /* NULL is fine */

/*
 * SHA-256 of the plan's canonical JSON, in hex: the same on every machine for the same
 * files, variables and event. docs/architecture.md, "Plan hash", says what is in it.
 */
void plan_hash(const struct plan *plan, char out[PLAN_HASH_SIZE]);

/* The canonical JSON itself. */
void plan_canonical_json(const struct plan *plan, struct buf *out);

/*
 * How many of needs_written, from index first on, are the instances of one parallel job,
 * all of them: such a run can be told by the name as written. 1: just this need.
 */
size_t plan_needs_run(const struct plan *plan, const struct plan_job *job, size_t first);

/* Of variables for some environments only, those for this one are set. */
void plan_set_scoped(
    struct vars *vars, const struct var *scoped, size_t count, const char *environment);

/* The job of that name, NULL when there is none. */
const struct plan_job *plan_find(const struct plan *plan, const char *name);

#endif
