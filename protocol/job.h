/*
 * What a scheduler gives a runner: everything needed to run one job. The fields are
 * GitLab's (runner-protocol.md section 3.1), so that what `pawl run` passes by pointer
 * can travel to and from stock runners and servers. Owned by its arena;
 * read-only after it is built.
 */
#ifndef PROTOCOL_JOB_H
#define PROTOCOL_JOB_H

#include "base/arena.h"
#include "protocol/reason.h"

struct job_variable {
	const char *key, *value;
	bool is_public, file, masked, raw;
};

struct job_step {
	const char *name; /* "script", "after_script", "release" */
	const char **script;
	size_t script_count;
	int64_t timeout_s;
	const char *when;
	bool allow_failure;
};

struct job_hook {
	const char *name; /* "pre_get_sources_script" */
	const char **script;
	size_t script_count;
};

struct job_image {
	const char *name; /* NULL or "": none */
	const char *alias;
	const char **entrypoint;
	size_t entrypoint_count;
	const char **command;
	size_t command_count;
	const char **pull_policy;
	size_t pull_policy_count;
	const char *docker_platform, *docker_user;
	struct job_variable *variables;
	size_t variable_count;
};

struct job_artifact {
	const char *name; /* may hold variables; NULL: default */
	bool untracked;
	const char **paths;
	size_t path_count;
	const char **exclude;
	size_t exclude_count;
	const char *when;   /* "on_success", "on_failure", "always" */
	const char *type;   /* "archive", "junit", "dotenv" … */
	const char *format; /* "zip", "gzip", "raw" */
	const char *expire_in;
};

struct job_cache {
	const char *key; /* may hold variables */
	bool untracked;
	const char *policy; /* "pull-push", "pull", "push" */
	const char **paths;
	size_t path_count;
	const char *when;
	const char **fallback_keys;
	size_t fallback_key_count;
};

/* An earlier job whose artifacts this one gets. */
struct job_dependency {
	int64_t id;
	const char *token, *name;
	const char *filename; /* NULL: it has none */
	int64_t size_bytes;
};

struct job_git {
	const char *repo_url, *ref, *sha, *before_sha;
	const char *ref_type;      /* "branch", "tag" */
	const char *object_format; /* "sha1", "sha256"; NULL: sha1 */
	const char **refspecs;
	size_t refspec_count;
	int64_t depth; /* 0: all of the history */
	bool is_protected;
};

/* For a registry of images. */
struct job_credential {
	const char *type, *url, *username, *password;
};

struct job_payload {
	struct arena *arena;
	int64_t id;
	const char *token;
	const char *name, *stage, *project_name, *project_full_path;
	const char *instance_id, *instance_uuid;
	const char *instance_running; /* how many jobs of this project run on the
					 instance's runners: "0" … "5+" */
	int64_t pipeline_id, project_id, namespace_id, root_namespace_id;
	int64_t organization_id, user_id, queue_size, queue_depth;
	double queued_s;      /* how long it waited for a runner */
	bool allow_git_fetch; /* what is there may be brought up to date; else afresh */
	struct job_git git;
	int64_t timeout_s; /* runner_info.timeout */
	const char *runner_uuid;
	struct job_variable *variables; /* later duplicates win */
	size_t variable_count;
	struct job_step *steps;
	size_t step_count;
	struct job_hook *hooks;
	size_t hook_count;
	struct job_image image;
	struct job_image *services;
	size_t service_count;
	struct job_artifact *artifacts;
	size_t artifact_count;
	struct job_cache *caches;
	size_t cache_count;
	struct job_dependency *dependencies;
	size_t dependency_count;
	struct job_credential *credentials;
	size_t credential_count;
	/* features.artifact_max_bytes: what a server of pawl's takes of one; 0: unknown
	 */
	int64_t artifact_max_bytes;
	bool trace_sections;        /* features.trace_sections */
	const char **mask_prefixes; /* what follows them in a log is hidden */
	size_t mask_prefix_count;
	const char **failure_reasons; /* the server knows, beside the three of old */
	size_t failure_reason_count;
	const char *run;  /* steps of the other kind, JSON in a string; NULL: none */
	bool has_secrets; /* that the runner would have to fetch */
};

void job_payload_free(struct job_payload *job); /* frees its arena; NULL is fine */

/* The value a script would see, or NULL. Later duplicates win. */
const char *job_payload_variable(const struct job_payload *job, const char *key);

/* How to name a failure to the job's server, which may not know the newer names: as
 * GitLab's runner does. */
const char *job_payload_reason(const struct job_payload *job, enum reason reason);

#endif
