/* What watches a server asks: is it alive, is it ready, which version. */
#include "config.h"

#include "base/json_writer.h"
#include "scheduler/api/api.h"

static void
health(struct call *c)
{
	api_reply(c, 200, "text/plain", "ok\n", 3);
}

static void
say_failing(struct call *c, const char *problem)
{
	cleanup_free char *line = xasprintf("writes fail: %s\n", problem);

	api_reply(c, 503, "text/plain", line, strlen(line));
}

/* Ready for pushes and runners: what was running has been taken up again, and
 * the disk takes what they bring. */
static void
ready(struct call *c)
{
	const char *problem = service_disk_problem(c->service);

	if (service_is_loading(c->service))
		api_reply(c, 503, "text/plain", "loading\n", 8);
	else if (service_is_draining(c->service))
		api_reply(c, 503, "text/plain", "draining\n", 9);
	else if (problem != NULL)
		say_failing(c, problem);
	else
		api_reply(c, 200, "text/plain", "ready\n", 6);
}

struct version {
	const char *version, *revision;
};

static const struct json_field version_fields[] = {
	{ JSON_FIELD("version", STRING, struct version, version) },
	{ JSON_FIELD("revision", STRING, struct version, revision) },
	{ NULL },
};
static const struct json_shape version_shape = { version_fields, sizeof(struct version) };

static void
version(struct call *c)
{
	const struct version v = { PACKAGE_VERSION, "pawl" };

	api_shape(c, 200, &version_shape, &v);
}

/* What holds for everybody here. */
static void
get_settings(struct call *c)
{
	const struct server_settings *s = service_settings(c->service);
	cleanup_buf struct buf json = BUF_INIT;
	struct json_writer w = JSON_WRITER_INIT(&json);

	json_begin_object(&w);
	json_put_bool(&w, "create_on_push", s->create_on_push);
	json_key(&w, "limits");
	json_begin_object(&w);
	json_put_int(&w, "jobs", s->limits.jobs);
	json_put_int(&w, "project_jobs", s->limits.project_jobs);
	json_put_int(&w, "artifact_size", s->limits.artifact_bytes);
	json_put_int(&w, "log_size", s->limits.log_bytes);
	json_put_int(&w, "timeout", s->limits.timeout_s);
	json_end_object(&w);
	json_key(&w, "keep");
	json_begin_object(&w);
	json_put_int(&w, "artifacts", s->keep.artifacts_s);
	json_put_int(&w, "pipelines", s->keep.pipelines_s);
	json_end_object(&w);
	json_end_object(&w);
	api_json(c, 200, &json);
}

const struct api_route api_system_routes[] = {
	{ "GET", "/-/health", API_OPEN, health },
	{ "GET", "/-/ready", API_OPEN, ready },
	{ "GET", "/api/v4/version", API_READ, version },
	{ "GET", "/api/pawl/v1/settings", API_READ, get_settings },
	{ NULL },
};
