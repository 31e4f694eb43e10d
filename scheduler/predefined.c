/* The predefined variables of a pipeline and of a job, from an event's facts. */
#include "config.h"

#include "scheduler/predefined.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/str.h"
#include "pipelines/slug.h"

#define SHORT_SHA 8
#define TITLE_IS_LONG 100 /* then the description is the whole message */

static void
set(struct vars *vars, const char *name, const char *value)
{
	if (value != NULL)
		vars_set_str(vars, VAR_PREDEFINED, name, value);
}

/* What people wrote at length: a `$` in it is a dollar, never a reference. */
static void
set_text(struct vars *vars, const char *name, const char *value)
{
	struct var var = {
		.name = name, .value = value, .level = VAR_PREDEFINED, .raw = true
	};

	if (value != NULL)
		vars_set(vars, &var);
}

static void
set_number(struct vars *vars, const char *name, int64_t n)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRId64, n);
	set(vars, name, text);
}

static void
set_id(struct vars *vars, const char *name, int64_t id)
{
	if (id > 0) /* they begin at 1 */
		set_number(vars, name, id);
}

static void
set_bool(struct vars *vars, const char *name, bool truth)
{
	set(vars, name, truth ? "true" : "false");
}

static void
set_part(struct vars *vars, const char *name, const char *text, size_t len)
{
	cleanup_free char *part = xstrndup(text, len);

	set(vars, name, part);
}

static void
set_slug(struct vars *vars, const char *name, const char *of)
{
	char slug[SLUG_MAX];

	set(vars, name, slug_make(of, slug));
}

/* ---- commit -------------------------------------------------------------------------
 */

static void
set_message(struct vars *vars, const char *message)
{
	size_t title = strcspn(message, "\n");
	cleanup_free char *first = xstrndup(message, title);
	cleanup_buf struct buf rest = BUF_INIT;
	const char *start = title >= TITLE_IS_LONG ? message : message + title;

	buf_add_str(&rest, start + strspn(start, " \t\r\n"));
	while (rest.len > 0 && strchr(" \t\r\n", rest.data[rest.len - 1]) != NULL)
		rest.data[--rest.len] = '\0';
	set_text(vars, "CI_COMMIT_MESSAGE", message);
	set_text(vars, "CI_COMMIT_TITLE", first);
	set_text(vars, "CI_COMMIT_DESCRIPTION", buf_str(&rest));
}

static void
set_sha(struct vars *vars, const struct event *event)
{
	size_t len = strlen(event->sha);
	cleanup_free char *zeros = xcalloc(len + 1, 1);

	memset(zeros, '0', len);
	set(vars, "CI_COMMIT_SHA", event->sha);
	set_part(
	    vars, "CI_COMMIT_SHORT_SHA", event->sha, len < SHORT_SHA ? len : SHORT_SHA);
	set(vars, "CI_COMMIT_BEFORE_SHA",
	    event->before_sha != NULL ? event->before_sha : zeros);
}

static bool
is_merge_request(const struct event *event)
{
	return event->source != NULL && str_eq(event->source, "merge_request_event");
}

static void
set_commit(struct vars *vars, const struct event *event)
{
	if (event->sha != NULL)
		set_sha(vars, event);
	if (event->ref != NULL) {
		set(vars, "CI_COMMIT_REF_NAME", event->ref);
		set_slug(vars, "CI_COMMIT_REF_SLUG", event->ref);
		if (event->is_tag)
			set(vars, "CI_COMMIT_TAG", event->ref);
		else if (!is_merge_request(event))
			set(vars, "CI_COMMIT_BRANCH", event->ref);
	}
	if (event->is_tag)
		set_text(vars, "CI_COMMIT_TAG_MESSAGE",
		    event->tag_message != NULL ? event->tag_message : "");
	set_bool(vars, "CI_COMMIT_REF_PROTECTED", event->ref_is_protected);
	if (event->message != NULL)
		set_message(vars, event->message);
	set_text(vars, "CI_COMMIT_AUTHOR", event->author);
	set(vars, "CI_COMMIT_TIMESTAMP", event->timestamp);
	set(vars, "CI_DEFAULT_BRANCH", event->default_branch);
}

/* ---- project, server, people ----------------------------------------------------------
 */

/* "group/sub/name": the path, and what it is made of. */
static void
set_project_path(struct vars *vars, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;
	size_t namespace_len = slash == NULL ? 0 : (size_t)(slash - path);
	cleanup_free char *namespace = xstrndup(path, namespace_len);

	set(vars, "CI_PROJECT_PATH", path);
	set_slug(vars, "CI_PROJECT_PATH_SLUG", path);
	set(vars, "CI_PROJECT_NAME", name);
	set(vars, "CI_PROJECT_NAMESPACE", namespace);
	set_slug(vars, "CI_PROJECT_NAMESPACE_SLUG", namespace);
	set_part(vars, "CI_PROJECT_ROOT_NAMESPACE", namespace, strcspn(namespace, "/"));
}

/* Malloced; NULL when there is no page. */
static char *
project_url(const struct event *event)
{
	if (event->server_url == NULL || event->project_path == NULL)
		return NULL;
	return xasprintf("%s/%s", event->server_url, event->project_path);
}

static void
set_project(struct vars *vars, const struct event *event)
{
	cleanup_free char *url = project_url(event);
	const char *path = event->project_path;
	const char *slash = path == NULL ? NULL : strrchr(path, '/');
	const char *title = event->project_title;

	set_id(vars, "CI_PROJECT_ID", event->project_id);
	if (path != NULL)
		set_project_path(vars, path);
	if (title == NULL)
		title = slash == NULL ? path : slash + 1;
	set_text(vars, "CI_PROJECT_TITLE", title);
	set_text(vars, "CI_PROJECT_DESCRIPTION", event->project_description);
	set(vars, "CI_PROJECT_VISIBILITY", event->project_visibility);
	set(vars, "CI_PROJECT_URL", url);
	set(vars, "CI_CONFIG_PATH",
	    event->config_path != NULL ? event->config_path : ".gitlab-ci.yml");
}

/* "https://host:port/path" taken apart. An IPv6 address keeps its brackets. */
static void
set_server_url(struct vars *vars, const char *url)
{
	const char *colon = strstr(url, "://");
	const char *host = colon == NULL ? url : colon + 3;
	size_t authority = strcspn(host, "/");
	const char *bracket = memchr(host, ']', authority);
	const char *name_end = bracket == NULL ? host : bracket;
	const char *port = memchr(name_end, ':', authority - (size_t)(name_end - host));
	bool tls = str_starts(url, "https:");
	cleanup_free char *api = xasprintf("%s/api/v4", url);

	set(vars, "CI_SERVER_URL", url);
	set_part(
	    vars, "CI_SERVER_PROTOCOL", url, colon == NULL ? 0 : (size_t)(colon - url));
	set_part(vars, "CI_SERVER_FQDN", host, authority);
	set_part(vars, "CI_SERVER_HOST", host,
	    port == NULL ? authority : (size_t)(port - host));
	if (port != NULL)
		set_part(vars, "CI_SERVER_PORT", port + 1,
		    authority - (size_t)(port + 1 - host));
	else
		set(vars, "CI_SERVER_PORT", tls ? "443" : "80");
	set(vars, "CI_API_V4_URL", api);
}

static void
set_server(struct vars *vars, const struct event *event)
{
	int part[3] = { 0, 0, 0 };

	set(vars, "CI_SERVER_NAME", "pawl");
	set(vars, "CI_SERVER_VERSION", PACKAGE_VERSION);
	if (sscanf(PACKAGE_VERSION, "%d.%d.%d", &part[0], &part[1], &part[2]) == 3) {
		set_number(vars, "CI_SERVER_VERSION_MAJOR", part[0]);
		set_number(vars, "CI_SERVER_VERSION_MINOR", part[1]);
		set_number(vars, "CI_SERVER_VERSION_PATCH", part[2]);
	}
	/* where the images named in GitLab's own templates are */
	set(vars, "CI_TEMPLATE_REGISTRY_HOST", "registry.gitlab.com");
	if (event->server_url != NULL)
		set_server_url(vars, event->server_url);
}

static void
set_user(struct vars *vars, const struct event *event)
{
	set_id(vars, "GITLAB_USER_ID", event->user_id);
	set_text(vars, "GITLAB_USER_LOGIN", event->user_login);
	set_text(vars, "GITLAB_USER_NAME", event->user_name);
	set_text(vars, "GITLAB_USER_EMAIL", event->user_email);
}

void
predefined_set(struct vars *vars, const struct event *event)
{
	set(vars, "CI", "true");
	set(vars, "GITLAB_CI", "true");
	set_id(vars, "CI_PIPELINE_IID", event->pipeline_iid);
	set(vars, "CI_PIPELINE_SOURCE", event->source);
	set(vars, "CI_PIPELINE_CREATED_AT", event->created_at);
	if (event->source != NULL && str_eq(event->source, "trigger"))
		set(vars, "CI_PIPELINE_TRIGGERED", "true");
	set_commit(vars, event);
	set_project(vars, event);
	set_server(vars, event);
	set_user(vars, event);
}

/* ---- one job -------------------------------------------------------------------------
 */

static void
set_page(
    struct vars *vars, const char *name, const char *url, const char *kind, int64_t id)
{
	cleanup_free char *page = NULL;

	if (url == NULL || id <= 0)
		return;
	page = xasprintf("%s/-/%s/%" PRId64, url, kind, id);
	set(vars, name, page);
}

void
predefined_set_job(struct vars *vars, const struct event *event,
    const struct plan_job *job, int64_t job_id, const char *job_token,
    bool played_by_hand)
{
	cleanup_free char *url = project_url(event);
	struct var token = {
		.name = "CI_JOB_TOKEN",
		.value = job_token,
		.level = VAR_PREDEFINED,
		.raw = true,
		.masked = true,
	};

	set(vars, "CI_SERVER", "yes");
	set_id(vars, "CI_PIPELINE_ID", event->pipeline_id);
	set_page(vars, "CI_PIPELINE_URL", url, "pipelines", event->pipeline_id);
	set_id(vars, "CI_JOB_ID", job_id);
	set_page(vars, "CI_JOB_URL", url, "jobs", job_id);
	if (job_token != NULL && *job_token != '\0')
		vars_set(vars, &token);
	if (played_by_hand || job->when == WHEN_MANUAL)
		set(vars, "CI_JOB_MANUAL", "true");
	set(vars, "CI_REPOSITORY_URL", event->repo_url);
}
