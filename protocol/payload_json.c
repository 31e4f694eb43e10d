/* The job as GitLab's servers send it (runner-protocol.md section 3.1), as tables. */
#include "protocol/json.h"
#include "protocol/json_shape.h"

#define FIELDS(name, type, ...)                                                          \
	static const struct json_field name##_fields[] = { __VA_ARGS__, { NULL } };      \
	static const struct json_shape name = { name##_fields, sizeof(type) }

/* file and raw stand there only when they are true, as GitLab has it */
FIELDS(variable, struct job_variable,
    { JSON_FIELD("key", STRING, struct job_variable, key) },
    { JSON_FIELD("value", STRING, struct job_variable, value) },
    { JSON_FIELD("public", BOOL, struct job_variable, is_public) },
    { JSON_FIELD("file", BOOL, struct job_variable, file), .when = JSON_OMIT },
    { JSON_FIELD("masked", BOOL, struct job_variable, masked) },
    { JSON_FIELD("raw", BOOL, struct job_variable, raw), .when = JSON_OMIT });

FIELDS(step, struct job_step, { JSON_FIELD("name", STRING, struct job_step, name) },
    { JSON_COUNTED("script", STRINGS, struct job_step, script, script_count) },
    { JSON_FIELD("timeout", INT, struct job_step, timeout_s) },
    { JSON_FIELD("when", STRING, struct job_step, when) },
    { JSON_FIELD("allow_failure", BOOL, struct job_step, allow_failure) });

FIELDS(hook, struct job_hook, { JSON_FIELD("name", STRING, struct job_hook, name) },
    { JSON_COUNTED("script", STRINGS, struct job_hook, script, script_count) });

/* docker's options lie two objects deep, the user may be a number */
FIELDS(docker_opts, struct job_image,
    { JSON_FIELD("platform", STRING, struct job_image, docker_platform),
	.when = JSON_OMIT },
    { JSON_FIELD("user", WORD, struct job_image, docker_user), .when = JSON_OMIT });

FIELDS(executor_opts, struct job_image,
    { .key = "docker",
	.kind = JSON_KIND_OBJECT,
	.when = JSON_OMIT,
	.shape = &docker_opts });

FIELDS(image, struct job_image, { JSON_FIELD("name", STRING, struct job_image, name) },
    { JSON_FIELD("alias", STRING, struct job_image, alias) },
    { JSON_COUNTED("entrypoint", STRINGS, struct job_image, entrypoint, entrypoint_count),
	.when = JSON_AS_NULL },
    { JSON_COUNTED("command", STRINGS, struct job_image, command, command_count),
	.when = JSON_AS_NULL },
    { JSON_COUNTED(
	  "pull_policy", STRINGS, struct job_image, pull_policy, pull_policy_count),
	.when = JSON_OMIT },
    { JSON_COUNTED("variables", OBJECTS, struct job_image, variables, variable_count),
	.when = JSON_OMIT, .shape = &variable },
    { .key = "executor_opts",
	.kind = JSON_KIND_OBJECT,
	.when = JSON_OMIT,
	.shape = &executor_opts });

FIELDS(artifact, struct job_artifact,
    { JSON_FIELD("name", STRING, struct job_artifact, name) },
    { JSON_FIELD("untracked", BOOL, struct job_artifact, untracked) },
    { JSON_COUNTED("paths", STRINGS, struct job_artifact, paths, path_count) },
    { JSON_COUNTED("exclude", STRINGS, struct job_artifact, exclude, exclude_count) },
    { JSON_FIELD("when", STRING, struct job_artifact, when) },
    { JSON_FIELD("artifact_type", STRING, struct job_artifact, type) },
    { JSON_FIELD("artifact_format", STRING, struct job_artifact, format) },
    { JSON_FIELD("expire_in", STRING, struct job_artifact, expire_in) });

FIELDS(cache, struct job_cache, { JSON_FIELD("key", STRING, struct job_cache, key) },
    { JSON_FIELD("untracked", BOOL, struct job_cache, untracked) },
    { JSON_FIELD("policy", STRING, struct job_cache, policy) },
    { JSON_COUNTED("paths", STRINGS, struct job_cache, paths, path_count) },
    { JSON_FIELD("when", STRING, struct job_cache, when) },
    { JSON_COUNTED(
	"fallback_keys", STRINGS, struct job_cache, fallback_keys, fallback_key_count) });

FIELDS(credential, struct job_credential,
    { JSON_FIELD("type", STRING, struct job_credential, type) },
    { JSON_FIELD("url", STRING, struct job_credential, url) },
    { JSON_FIELD("username", STRING, struct job_credential, username) },
    { JSON_FIELD("password", STRING, struct job_credential, password) });

FIELDS(artifacts_file, struct job_dependency,
    { JSON_FIELD("filename", STRING, struct job_dependency, filename) },
    { JSON_FIELD("size", INT, struct job_dependency, size_bytes) });

FIELDS(dependency, struct job_dependency,
    { JSON_FIELD("id", INT, struct job_dependency, id) },
    { JSON_FIELD("token", STRING, struct job_dependency, token) },
    { JSON_FIELD("name", STRING, struct job_dependency, name) },
    { .key = "artifacts_file",
	.kind = JSON_KIND_OBJECT,
	.when = JSON_OMIT,
	.shape = &artifacts_file });

FIELDS(git_info, struct job_git,
    { JSON_FIELD("repo_url", STRING, struct job_git, repo_url) },
    { JSON_FIELD("repo_object_format", STRING, struct job_git, object_format),
	.when = JSON_OMIT },
    { JSON_FIELD("ref", STRING, struct job_git, ref) },
    { JSON_FIELD("sha", STRING, struct job_git, sha) },
    { JSON_FIELD("before_sha", STRING, struct job_git, before_sha) },
    { JSON_FIELD("ref_type", STRING, struct job_git, ref_type) },
    { JSON_COUNTED("refspecs", STRINGS, struct job_git, refspecs, refspec_count) },
    { JSON_FIELD("depth", INT, struct job_git, depth) },
    { JSON_FIELD("protected", BOOL, struct job_git, is_protected) });

/* these objects are only groups: their members lie in the payload itself */
FIELDS(job_info, struct job_payload,
    { JSON_FIELD("name", STRING, struct job_payload, name) },
    { JSON_FIELD("stage", STRING, struct job_payload, stage) },
    { JSON_FIELD("pipeline_id", INT, struct job_payload, pipeline_id) },
    { JSON_FIELD("project_id", INT, struct job_payload, project_id) },
    { JSON_FIELD("project_name", STRING, struct job_payload, project_name) },
    { JSON_FIELD("project_full_path", STRING, struct job_payload, project_full_path) },
    { JSON_FIELD("namespace_id", INT, struct job_payload, namespace_id) },
    { JSON_FIELD("root_namespace_id", INT, struct job_payload, root_namespace_id) },
    { JSON_FIELD("organization_id", INT, struct job_payload, organization_id) },
    { JSON_FIELD("instance_id", STRING, struct job_payload, instance_id) },
    { JSON_FIELD("instance_uuid", STRING, struct job_payload, instance_uuid) },
    { JSON_FIELD("user_id", INT, struct job_payload, user_id) },
    { JSON_FIELD("time_in_queue_seconds", REAL, struct job_payload, queued_s) },
    { JSON_FIELD("queue_size", INT, struct job_payload, queue_size) },
    { JSON_FIELD("queue_depth", INT, struct job_payload, queue_depth) },
    { JSON_FIELD("project_jobs_running_on_instance_runners_count", STRING,
	struct job_payload, instance_running) });

FIELDS(runner_info, struct job_payload,
    { JSON_FIELD("timeout", INT, struct job_payload, timeout_s) },
    { JSON_FIELD("uuid", STRING, struct job_payload, runner_uuid), .when = JSON_OMIT });

FIELDS(features, struct job_payload,
    { JSON_FIELD("trace_sections", BOOL, struct job_payload, trace_sections) },
    { JSON_FIELD("artifact_max_bytes", INT, struct job_payload, artifact_max_bytes),
	.when = JSON_OMIT },
    { JSON_COUNTED("token_mask_prefixes", STRINGS, struct job_payload, mask_prefixes,
	mask_prefix_count) },
    { JSON_COUNTED("failure_reasons", STRINGS, struct job_payload, failure_reasons,
	failure_reason_count) });

FIELDS(payload, struct job_payload, { JSON_FIELD("id", INT, struct job_payload, id) },
    { JSON_FIELD("token", STRING, struct job_payload, token) },
    { JSON_FIELD("allow_git_fetch", BOOL, struct job_payload, allow_git_fetch) },
    { .key = "job_info", .kind = JSON_KIND_OBJECT, .shape = &job_info },
    { JSON_FIELD("git_info", OBJECT, struct job_payload, git), .shape = &git_info },
    { .key = "runner_info", .kind = JSON_KIND_OBJECT, .shape = &runner_info },
    { JSON_COUNTED("variables", OBJECTS, struct job_payload, variables, variable_count),
	.shape = &variable },
    { JSON_COUNTED("steps", OBJECTS, struct job_payload, steps, step_count),
	.shape = &step },
    { JSON_FIELD("run", STRING, struct job_payload, run), .when = JSON_OMIT },
    { JSON_COUNTED("hooks", OBJECTS, struct job_payload, hooks, hook_count),
	.shape = &hook },
    { JSON_FIELD("image", OBJECT, struct job_payload, image), .when = JSON_AS_NULL,
	.shape = &image },
    { JSON_COUNTED("services", OBJECTS, struct job_payload, services, service_count),
	.shape = &image },
    { JSON_COUNTED("artifacts", OBJECTS, struct job_payload, artifacts, artifact_count),
	.shape = &artifact },
    { JSON_COUNTED("cache", OBJECTS, struct job_payload, caches, cache_count),
	.shape = &cache },
    { JSON_COUNTED(
	  "credentials", OBJECTS, struct job_payload, credentials, credential_count),
	.shape = &credential },
    { JSON_COUNTED(
	  "dependencies", OBJECTS, struct job_payload, dependencies, dependency_count),
	.shape = &dependency },
    { .key = "features", .kind = JSON_KIND_OBJECT, .shape = &features },
    { JSON_FIELD("secrets", FILLED, struct job_payload, has_secrets) });

void
job_payload_write(const struct job_payload *job, struct buf *out)
{
	json_shape_write(&payload, job, out);
}

static int
check(const struct job_payload *job, struct error *err)
{
	if (job->id <= 0)
		return error_set(err, ERR_INVALID, "id has to be a number above 0");
	if (job->token == NULL || *job->token == '\0')
		return error_set(err, ERR_INVALID, "token is missing");
	if (job->git.sha == NULL || strlen(job->git.sha) < 8)
		return error_set(
		    err, ERR_INVALID, "git_info.sha has to be a commit's name");
	for (size_t i = 0; i < job->variable_count; i++)
		if (job->variables[i].key == NULL || job->variables[i].value == NULL)
			return error_set(err, ERR_INVALID,
			    "variables[%zu] has to have a key and a value", i);
	return 0;
}

int
job_payload_read(
    const char *text, size_t len, struct job_payload **out, struct error *err)
{
	struct arena *arena = arena_new();
	struct job_payload *job = arena_alloc(arena, sizeof(*job));
	int rc;

	job->arena = arena;
	rc = json_shape_read(&payload, text, len, JSON_MAX_PAYLOAD, arena, job, err);
	if (rc == 0)
		rc = check(job, err);
	if (rc < 0) {
		arena_free(arena);
		return rc;
	}
	*out = job;
	return 0;
}
