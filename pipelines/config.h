/*
 * What a pipeline's files say once includes, extends, references, defaults and
 * `parallel` are resolved and every keyword is checked: stages and jobs, for any event.
 * Steps 6 to 9 of gitlab-ci-language.md section 1. Lives in one arena, read-only.
 */
#ifndef PIPELINES_CONFIG_H
#define PIPELINES_CONFIG_H

#include "pipelines/diag.h"

#define CONFIG_MAX_JOBS 50000 /* after `parallel`; bounds what a hostile file costs */
#define CONFIG_MAX_NEEDS 50   /* of one job; GitLab's limit */
#define CONFIG_MAX_PARALLEL 200
#define CONFIG_MAX_NAME 255 /* of a job or stage, in characters */

/* Plain arrays in the arena. */
struct strs {
	const char **items;
	size_t count;
};

struct ints {
	int *items;
	size_t count;
};

enum job_when {
	WHEN_ON_SUCCESS,
	WHEN_ON_FAILURE,
	WHEN_ALWAYS,
	WHEN_MANUAL,
	WHEN_DELAYED,
	WHEN_NEVER,
};
const char *job_when_name(enum job_when when);
bool job_when_parse(const char *name, enum job_when *out);

/* A variable as written in YAML. */
struct config_var {
	const char *name, *value;
	bool raw;                /* expand: false */
	const char *description; /* top level only, for the run form */
	struct strs options;
	struct mark at;
};

struct config_vars {
	struct config_var *items;
	size_t count;
};

struct allow_failure {
	bool allowed;           /* true: whatever the exit code */
	struct ints exit_codes; /* non-empty: allowed only for these */
};

struct need {
	const char
	    *job; /* NULL for the mirroring form `needs: {pipeline: group/project}` */
	bool artifacts, optional;
	const char *pipeline;      /* needs:pipeline, or NULL */
	const char *project, *ref; /* needs:project, or NULL */
	const struct node
	    *matrix; /* needs:parallel:matrix as written; gone after step 8 */
	struct mark at;
};

struct needs {
	struct need *items;
	size_t count;
	bool present; /* `needs: []` is present and empty */
};

/* rules:changes, rules:exists */
struct rule_paths {
	bool present;
	struct strs paths;
	const char *compare_to;    /* changes */
	const char *project, *ref; /* exists */
};

struct auto_cancel {
	const char *on_new_commit; /* NULL: not said */
	const char *on_job_failure;
};

struct rule {
	const char *cond; /* `if`; NULL: none */
	struct rule_paths changes, exists;
	bool has_when, has_allow_failure, has_interruptible, has_start_in;
	enum job_when when;
	struct allow_failure allow_failure;
	bool interruptible;
	int64_t start_in_s;
	struct config_vars variables;
	struct needs needs;
	struct auto_cancel auto_cancel; /* workflow:rules only */
	struct mark at, cond_at;
};

struct rules {
	struct rule *items;
	size_t count;
	bool present; /* `rules: []` is present and never matches */
};

/* only or except */
struct ref_policy {
	bool present;
	bool has_refs;
	struct strs refs, variables, changes;
	bool kubernetes;
	struct mark at;
};

struct image {
	const char *name; /* NULL: none */
	struct strs entrypoint;
	bool has_entrypoint;
	struct strs pull_policy;
	const char *docker_platform, *docker_user, *kubernetes_user;
	/* services only */
	const char *alias;
	struct strs command;
	struct config_vars variables;
};

struct images {
	struct image *items;
	size_t count;
};

enum result_when { RESULT_ON_SUCCESS, RESULT_ON_FAILURE, RESULT_ALWAYS };

struct report {
	const char *type; /* "junit", "dotenv", "coverage_report" … */
	struct strs paths;
	const char *format; /* coverage_report: cobertura, jacoco */
};

struct artifacts {
	bool present;
	struct strs paths, exclude;
	const char *name, *expire_in, *expose_as, *access; /* NULL: not said */
	bool untracked;
	bool is_public;
	enum result_when when;
	struct report *reports;
	size_t report_count;
};

struct cache {
	const char *key;       /* NULL: `default`, or by files */
	struct strs key_files; /* key:files or key:files_commits */
	bool key_by_commits;
	const char *key_prefix;
	struct strs paths, fallback_keys;
	bool untracked, unprotect;
	const char *policy; /* "pull-push", "pull", "push" or with a variable */
	enum result_when when;
};

struct caches {
	struct cache *items;
	size_t count;
};

struct retry {
	int max;
	bool never;       /* a written 0: not after failures of the system either */
	struct strs when; /* reasons; empty with no exit_codes: any failure */
	struct ints exit_codes;
};

struct environment {
	const char *name; /* NULL: none */
	const char *url, *on_stop, *action, *auto_stop_in, *deployment_tier;
	const struct node *kubernetes;
};

struct trigger_include {
	const char *local, *artifact, *job, *project, *file, *ref, *component, *remote,
	    *template;
	const struct node *inputs;
	struct mark at;
};

struct trigger {
	bool present;
	const char *project, *branch;
	struct trigger_include *includes;
	size_t include_count;
	const char *strategy; /* NULL, "depend", "mirror" */
	bool forward_yaml_variables, forward_pipeline_variables;
	const struct node *inputs;
};

/* One concrete job, after `parallel`. */
struct job_config {
	const char *name;
	const char *base_name; /* as written: name without " 1/3" or ": [a, b]" */
	const char *stage;
	size_t stage_index; /* into config.stages */
	struct mark at;
	struct strs script, before_script, after_script, pre_get_sources;
	struct image image;
	struct images services;
	struct config_vars variables; /* the job's own */
	struct config_vars matrix;    /* of this instance */
	int node_index, node_total;   /* 1-based; 0, 0 without parallel */
	bool inherit_no_variables;    /* inherit:variables: false */
	bool inherit_some_variables;  /* inherit:variables: [names] */
	struct strs inherit_variables;
	struct needs needs;
	bool has_dependencies;
	struct strs dependencies;
	struct strs tags;
	const char *resource_group;
	bool interruptible;
	bool has_when;
	enum job_when when;
	int64_t start_in_s; /* 0: none */
	const char *manual_confirmation;
	bool has_allow_failure;
	struct allow_failure allow_failure;
	struct rules rules;
	struct ref_policy only, except;
	struct retry retry;
	int64_t timeout_s; /* 0: not said */
	struct artifacts artifacts;
	struct caches caches;
	const char *coverage; /* the regex between the slashes */
	struct environment environment;
	struct trigger trigger;
	const struct node *id_tokens; /* checked; NULL: none. May come from `default` */
	const char *identity;         /* "google_cloud" or NULL */
	const struct node *node; /* the job as merged: release, secrets, pages, run … */
};

struct config {
	struct arena *arena;
	struct strs stages; /* with .pre first and .post last */
	struct config_vars variables;
	struct rules workflow_rules;
	const char *workflow_name;
	struct auto_cancel auto_cancel;
	struct job_config *jobs; /* order of the files; hidden ones left out */
	size_t job_count;
	const struct node *root; /* the merged document, for `pawl show` */
};

/*
 * Check the merged document and turn it into a config. 0, or ERR_INVALID with the
 * findings in diags. With shape_only, logic findings (no script, unknown stage,
 * undefined need …) are not made; the config is then not fit for a plan.
 */
MUST_CHECK int config_build(const struct node *root, struct arena *arena, bool shape_only,
    struct diags *diags, struct config **out);

/* Work that a job asks for and nobody here does. */
struct config_refusal {
	const char *keyword;
	const char *why; /* for a person: what, and what to do instead */
};

/* NULL: the job can be run. Else it has to fail: to run the rest of it would be a lie. */
const struct config_refusal *config_refused(const struct job_config *job);

#endif
