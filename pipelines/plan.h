/*
 * What one event makes of a config: which jobs there are, with which `when` and
 * variables, and for each job (those left out too) why. Deterministic: the same commit,
 * variables and event give the same plan and the same hash on every machine.
 * Steps 10 to 13 of gitlab-ci-language.md section 1. Lives in one arena, read-only.
 */
#ifndef PIPELINES_PLAN_H
#define PIPELINES_PLAN_H

#include "pipelines/config.h"
#include "pipelines/document.h"
#include "pipelines/vars.h"
#include "pipelines/why.h"

#define PLAN_VERSION 1

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
	/* Jobs whose artifacts are fetched, by needs, dependencies or stage order; plan
	 * indexes. */
	size_t *artifact_sources;
	size_t artifact_source_count;
	struct vars vars; /* the job's scope: YAML, job, matrix, rule variables over the
			     event's */
	/* Expanded by the server's rules: */
	struct strs tags;
	const char *image; /* name; NULL: none */
	const char *environment, *environment_url, *environment_action; /* NULL: none */
	const char *resource_group;
	struct why why;
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
	struct auto_cancel auto_cancel;
	struct vars
	    vars;      /* pipeline scope: YAML and workflow variables over the event's */
	char hash[65]; /* SHA-256 of the canonical JSON, hex */
};

struct plan_options {
	const struct provider *provider; /* for rules:changes and rules:exists */
	const struct vars
	    *vars; /* predefined (E and P), project and pipeline variables */
	/* Needed by only/except; also in vars. */
	const char *ref; /* branch or tag name */
	bool is_tag;
	const char *source;                /* CI_PIPELINE_SOURCE: "push", "web" … */
	const struct document_file *files; /* for the hash */
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

/* The job of that name, NULL when there is none. */
const struct plan_job *plan_find(const struct plan *plan, const char *name);

#endif
