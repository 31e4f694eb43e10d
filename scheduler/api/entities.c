/* GitLab's entities. Sources: its API documentation, "Pipelines", "Jobs", "Projects". */
#include "scheduler/api/entities.h"

#include <stdio.h>

#include "base/iso_time.h"
#include "base/str.h"
#include "scheduler/runner_facts.h"

#define ONLINE_US (120 * INT64_C(1000000))

void
entity_put_time(struct json_writer *w, const char *key, int64_t us)
{
	char text[ISO_TIME_MAX];

	json_key(w, key);
	if (us == 0)
		json_add_null(w);
	else
		json_add_string(w, iso_time_write(text, us, true));
}

/* Seconds between two times; null unless both are known. */
static void
put_seconds(struct json_writer *w, const char *key, int64_t from_us, int64_t to_us)
{
	json_key(w, key);
	if (from_us == 0 || to_us == 0)
		json_add_null(w);
	else
		json_add_real(w, (double)(to_us - from_us) / 1e6);
}

static void
put_url(struct json_writer *w, const char *key, const char *server_url, const char *path,
    const char *rest, int64_t id)
{
	cleanup_free char *url = id == 0
	    ? xasprintf("%s/%s%s", server_url, path, rest)
	    : xasprintf("%s/%s%s%" PRId64, server_url, path, rest, id);

	json_put_string(w, key, url);
}

static void
put_null(struct json_writer *w, const char *key)
{
	json_key(w, key);
	json_add_null(w);
}

/* ---- projects -------------------------------------------------------------------------
 */

static void
put_namespace(struct json_writer *w, const struct store_project *p)
{
	const char *slash = strrchr(p->path, '/');
	cleanup_free char *path =
	    xstrndup(p->path, slash == NULL ? 0 : (size_t)(slash - p->path));
	const char *last = strrchr(path, '/');

	json_key(w, "namespace");
	json_begin_object(w);
	json_put_int(w, "id", p->namespace);
	json_put_string(w, "name", last == NULL ? path : last + 1);
	json_put_string(w, "path", last == NULL ? path : last + 1);
	json_put_string(w, "kind", "group");
	json_put_string(w, "full_path", path);
	json_end_object(w);
}

void
entity_add_project(
    struct json_writer *w, const struct store_project *p, const char *server_url)
{
	const char *slash = strrchr(p->path, '/');

	json_begin_object(w);
	json_put_int(w, "id", p->id);
	json_put_string(w, "description", p->description);
	json_put_string(w, "name", p->name);
	json_put_string(w, "path", slash == NULL ? p->path : slash + 1);
	json_put_string(w, "path_with_namespace", p->path);
	entity_put_time(w, "created_at", p->created_us);
	json_put_string(w, "default_branch", p->default_branch);
	put_url(w, "http_url_to_repo", server_url, p->path, ".git", 0);
	put_url(w, "web_url", server_url, p->path, "", 0);
	put_namespace(w, p);
	json_put_bool(w, "archived", p->archived);
	json_put_string(w, "visibility", p->visibility);
	json_put_string(
	    w, "ci_config_path", p->config_path != NULL ? p->config_path : "");
	json_key(w, "ci_delete_pipelines_in_seconds");
	if (p->keep_pipelines_s > 0)
		json_add_int(w, p->keep_pipelines_s);
	else
		json_add_null(w);
	json_put_bool(w, "empty_repo", p->default_branch == NULL);
	json_end_object(w);
}

/* ---- pipelines
 * ------------------------------------------------------------------------- */

static void
put_user(struct json_writer *w, const struct store_user *user)
{
	json_key(w, "user");
	if (user == NULL) {
		json_add_null(w);
		return;
	}
	json_begin_object(w);
	json_put_int(w, "id", user->id);
	json_put_string(w, "username", user->login);
	json_put_string(w, "name", user->name);
	json_put_string(w, "state", user->blocked ? "blocked" : "active");
	json_end_object(w);
}

void
entity_add_pipeline(struct json_writer *w, const struct store_pipeline *p,
    const struct store_project *project, const struct store_user *user,
    const char *server_url, bool whole)
{
	json_begin_object(w);
	json_put_int(w, "id", p->id);
	json_put_int(w, "iid", p->iid);
	json_put_int(w, "project_id", p->project);
	json_put_string(w, "sha", p->sha);
	json_put_string(w, "ref", p->ref);
	json_put_string(w, "status", status_name(p->status));
	json_put_string(w, "source", p->source);
	entity_put_time(w, "created_at", p->created_us);
	entity_put_time(w, "updated_at", p->updated_us);
	put_url(w, "web_url", server_url, project->path, "/-/pipelines/", p->id);
	json_put_string(w, "name", p->name);
	if (whole) {
		json_put_string(w, "before_sha",
		    p->before_sha != NULL ? p->before_sha
					  : "0000000000000000000000000000000000000000");
		json_put_bool(w, "tag", p->is_tag);
		json_put_string(w, "yaml_errors", p->errors);
		put_user(w, user);
		entity_put_time(w, "started_at", p->started_us);
		entity_put_time(w, "finished_at", p->finished_us);
		put_null(w, "committed_at");
		put_seconds(w, "duration", p->started_us, p->finished_us);
		put_seconds(w, "queued_duration", p->created_us, p->started_us);
		put_null(w, "coverage");
		json_put_string(w, "plan_hash", p->plan_hash);
		json_put_int(w, "priority", p->priority);
		if (p->superseded_by != 0)
			json_put_int(w, "superseded_by", p->superseded_by);
	}
	json_end_object(w);
}

/* ---- jobs
 * ---------------------------------------------------------------------------------- */

static void
put_artifacts(struct json_writer *w, const struct store_artifact *a, size_t count)
{
	int64_t expire_us = 0;

	json_key(w, "artifacts");
	json_begin_array(w);
	for (size_t i = 0; i < count; i++) {
		json_begin_object(w);
		json_put_string(w, "file_type", a[i].type);
		json_put_int(w, "size", a[i].size);
		json_put_string(w, "filename", a[i].filename);
		json_put_string(w, "file_format", a[i].format);
		json_end_object(w);
		if (str_eq(a[i].type, "archive"))
			expire_us = a[i].expire_us;
	}
	json_end_array(w);
	for (size_t i = 0; i < count; i++) {
		if (!str_eq(a[i].type, "archive"))
			continue;
		json_key(w, "artifacts_file");
		json_begin_object(w);
		json_put_string(w, "filename", a[i].filename);
		json_put_int(w, "size", a[i].size);
		json_end_object(w);
	}
	entity_put_time(w, "artifacts_expire_at", expire_us);
}

static void
put_pipeline(struct json_writer *w, const char *key, const struct store_pipeline *p,
    const struct store_project *project, const char *server_url)
{
	json_key(w, key);
	json_begin_object(w);
	json_put_int(w, "id", p->id);
	json_put_int(w, "iid", p->iid);
	json_put_int(w, "project_id", p->project);
	json_put_string(w, "ref", p->ref);
	json_put_string(w, "sha", p->sha);
	json_put_string(w, "status", status_name(p->status));
	json_put_string(w, "source", p->source);
	put_url(w, "web_url", server_url, project->path, "/-/pipelines/", p->id);
	json_end_object(w);
}

static void
put_runner(struct json_writer *w, const struct store_runner *runner)
{
	json_key(w, "runner");
	if (runner == NULL) {
		json_add_null(w);
		return;
	}
	json_begin_object(w);
	json_put_int(w, "id", runner->id);
	json_put_string(w, "description", runner->description);
	json_put_bool(w, "active", !runner->paused);
	json_put_bool(w, "paused", runner->paused);
	json_put_bool(w, "is_shared", runner->owner == STORE_INSTANCE);
	json_end_object(w);
}

void
entity_put_wait(struct json_writer *w, const struct core_wait *wait)
{
	json_key(w, "waits");
	json_begin_object(w);
	json_put_string(w, "code", core_wait_name(wait->code));
	json_put_string(w, "text", wait->text);
	json_put_bool(w, "never", wait->never);
	if (wait->job != 0)
		json_put_int(w, "job", wait->job);
	if (wait->runner != 0)
		json_put_int(w, "runner", wait->runner);
	if (wait->tag != NULL)
		json_put_string(w, "tag", wait->tag);
	if (wait->position != 0) {
		json_put_int(w, "position", (int64_t)wait->position);
		json_put_int(w, "queued", (int64_t)wait->queued);
	}
	if (wait->until_us != 0)
		entity_put_time(w, "until", wait->until_us);
	json_end_object(w);
}

/* Which runners may have it, and what it deploys to. */
static void
put_place(struct json_writer *w, const struct store_job *job)
{
	json_key(w, "tag_list");
	json_add_raw(w, job->tags != NULL ? job->tags : "[]");
	if (job->environment == NULL)
		return;
	json_key(w, "environment");
	json_begin_object(w);
	json_put_string(w, "name", job->environment);
	json_end_object(w);
}

void
entity_add_job(struct json_writer *w, const struct store_job *job,
    const struct store_pipeline *p, const struct store_project *project,
    const struct entity_downstream *downstream, const struct store_artifact *artifacts,
    size_t artifact_count, const struct store_runner *runner,
    const struct core_wait *wait, const char *server_url)
{
	json_begin_object(w);
	json_put_int(w, "id", job->id);
	json_put_string(w, "status", status_name(job->status));
	json_put_string(w, "stage", job->stage);
	json_put_string(w, "name", job->name);
	json_put_string(w, "ref", p->ref);
	json_put_bool(w, "tag", p->is_tag);
	json_key(w, "coverage");
	if (job->coverage < 0)
		json_add_null(w);
	else
		json_add_real(w, job->coverage);
	json_put_bool(w, "allow_failure", job->allow_failure || job->warned);
	entity_put_time(w, "created_at", job->created_us);
	entity_put_time(w, "queued_at", job->queued_us);
	entity_put_time(w, "started_at", job->started_us);
	entity_put_time(w, "finished_at", job->finished_us);
	entity_put_time(w, "erased_at", job->erased_us);
	put_seconds(w, "duration", job->started_us, job->finished_us);
	put_seconds(w, "queued_duration", job->queued_us, job->started_us);
	json_put_string(w, "failure_reason",
	    job->status == STATUS_FAILED ? reason_name(job->reason) : NULL);
	put_pipeline(w, "pipeline", p, project, server_url);
	if (downstream != NULL)
		put_pipeline(w, "downstream_pipeline", &downstream->pipeline,
		    &downstream->project, server_url);
	put_url(w, "web_url", server_url, project->path, "/-/jobs/", job->id);
	put_artifacts(w, artifacts, artifact_count);
	put_runner(w, runner);
	json_put_int(w, "exit_code", job->exit_code);
	json_put_string(w, "message", job->message);
	json_put_string(w, "reason", reason_name(job->reason));
	if (job->reason != REASON_NONE)
		json_put_string(w, "reason_text", reason_text(job->reason));
	if (job->because != 0)
		json_put_int(w, "because", job->because);
	json_put_int(w, "attempt", job->attempt);
	put_place(w, job);
	job_usage_put(w, &job->usage);
	if (job->image_digest != NULL)
		json_put_string(w, "image_digest", job->image_digest);
	if (job->cause != NULL)
		json_put_string(w, "cause", job->cause);
	if (wait != NULL)
		entity_put_wait(w, wait);
	json_end_object(w);
}

enum runner_status
entity_runner_status(const struct store_runner *r, int64_t now_us)
{
	if (r->contacted_us == 0)
		return RUNNER_NEVER_CONTACTED;
	return now_us - r->contacted_us < ONLINE_US ? RUNNER_ONLINE : RUNNER_OFFLINE;
}

const char *
entity_runner_status_name(enum runner_status status)
{
	static const char *const names[] = { "online", "offline", "never_contacted" };

	return names[status];
}

const char *
entity_runner_type(enum store_owner owner)
{
	static const char *const names[STORE_OWNER_COUNT] = {
		[STORE_INSTANCE] = "instance_type",
		[STORE_GROUP] = "group_type",
		[STORE_PROJECT] = "project_type",
	};

	return names[owner];
}

static void
put_runner_fields(struct json_writer *w, const struct store_runner *r, int64_t now_us)
{
	enum runner_status status = entity_runner_status(r, now_us);

	json_put_int(w, "id", r->id);
	json_put_string(w, "description", r->description);
	json_put_bool(w, "active", !r->paused);
	json_put_bool(w, "paused", r->paused);
	json_put_bool(w, "is_shared", r->owner == STORE_INSTANCE);
	json_put_string(w, "runner_type", entity_runner_type(r->owner));
	json_put_bool(w, "online", status == RUNNER_ONLINE);
	json_put_string(w, "status", entity_runner_status_name(status));
	entity_put_time(w, "created_at", r->created_us);
	entity_put_time(w, "contacted_at", r->contacted_us);
}

void
entity_add_runner(struct json_writer *w, const struct store_runner *r,
    const struct strs *tags, int running, int64_t now_us)
{
	cleanup_arena struct arena *arena = arena_new();
	const struct runner_facts facts = runner_facts_read(r->info, arena);

	json_begin_object(w);
	put_runner_fields(w, r, now_us);
	json_put_string(w, "version", facts.version);
	json_put_string(w, "revision", facts.revision);
	json_put_string(w, "platform", facts.platform);
	json_put_string(w, "architecture", facts.architecture);
	json_key(w, "tag_list");
	json_begin_array(w);
	for (size_t i = 0; i < tags->count; i++)
		json_add_string(w, tags->items[i]);
	json_end_array(w);
	json_put_bool(w, "run_untagged", r->run_untagged);
	json_put_bool(w, "locked", r->locked);
	json_put_string(
	    w, "access_level", r->only_protected ? "ref_protected" : "not_protected");
	json_key(w, "maximum_timeout");
	if (r->maximum_timeout_s == 0)
		json_add_null(w);
	else
		json_add_int(w, r->maximum_timeout_s);
	json_put_int(w, "limit", r->limit);
	json_put_string(w, "job_execution_status", running > 0 ? "active" : "idle");
	json_put_int(w, "running_jobs", running);
	json_end_object(w);
}
