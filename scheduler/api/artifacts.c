/*
 * Artifacts: uploaded by jobs as a form that is streamed to the disk, downloaded by later
 * jobs and by people. Source: runner-protocol.md section 6.
 */
#include <stdio.h>

#include "base/archive.h"
#include "base/path.h"
#include "base/str.h"
#include "pipelines/duration.h"
#include "scheduler/api/api.h"
#include "scheduler/artifact_store.h"
#include "scheduler/dotenv.h"
#include "scheduler/form.h"
#include "scheduler/service_internal.h"

#define MAX_SINGLE ((size_t)256 << 20) /* a file looked at by itself */

/* ---- uploading -----------------------------------------------------------------------
 */

struct upload {
	struct call *call;
	int64_t job_id;
	struct live_job *job; /* looked up anew with each piece */
	struct form *form;
	struct artifact_upload *file;
	char filename[256];
	const char *type, *format;
	int64_t expire_us;
	struct buf dotenv; /* the whole report, if it is one */
	struct error error;
};

static void
upload_free(struct upload *u)
{
	form_free(u->form);
	artifact_upload_free(u->file);
	buf_clear(&u->dotenv);
}

static int
on_file(const char *name, void *data, struct error *err)
{
	struct upload *u = data;

	(void)snprintf(u->filename, sizeof(u->filename), "%s",
	    *name != '\0' ? name : "artifacts.zip");
	return artifact_upload_begin(service_artifacts_dir(u->call->service), u->job->id,
	    u->type, service_settings(u->call->service)->limits.artifact_bytes, &u->file,
	    err);
}

static int
on_bytes(const char *bytes, size_t len, void *data, struct error *err)
{
	struct upload *u = data;

	if (str_eq(u->type, "dotenv") && u->dotenv.len <= 64 * 1024)
		buf_add(&u->dotenv, bytes, len);
	return artifact_upload_write(u->file, bytes, len, err);
}

static void
on_stored(void *data, const struct error *err)
{
	struct call *c = data;

	if (err->code != 0)
		api_fail(c, err);
	else
		api_reply(c, 201, "application/json", "{}", 2);
	api_let_go(c);
}

/* A report may be gzipped, as the wire wants it. */
static int
take_dotenv(struct upload *u, struct error *err)
{
	cleanup_arena struct arena *arena = arena_new();
	cleanup_buf struct buf text = BUF_INIT;
	struct var *vars;
	size_t count;

	if (archive_gunzip(&u->dotenv, 64 * 1024, &text, err) < 0 ||
	    dotenv_parse(buf_str(&text), text.len, arena, &vars, &count, err) < 0)
		return error_wrap(err, "the dotenv report");
	service_add_variables(u->call->service, u->job, vars, count);
	return 0;
}

static void
finish_upload(struct upload *u)
{
	struct call *c = u->call;
	struct store_artifact row = { .job = u->job->id,
		.project = service_project_of(u->job)->row.id,
		.type = u->type,
		.format = u->format,
		.filename = u->filename,
		.created_us = service_now_us(),
		.expire_us = u->expire_us };

	if (form_end(u->form, &u->error) < 0 ||
	    artifact_upload_finish(u->file, &row.size, row.sha256, &u->error) < 0 ||
	    (str_eq(u->type, "dotenv") && take_dotenv(u, &u->error) < 0)) {
		api_fail(c, &u->error);
		return;
	}
	api_hold(c);
	service_add_artifact(c->service, u->job, &row, on_stored, c);
}

static void
on_chunk(struct http_request *r UNUSED, const char *bytes, size_t len, void *data)
{
	struct call *c = data;
	struct upload *u = c->data;

	if (u == NULL)
		return; /* refused already */
	/* a job that was canceled meanwhile has no more say */
	u->job = service_find_job(c->service, u->job_id);
	if (u->job == NULL || !u->job->has_token) {
		error_set(&u->error, ERR_INVALID, "403 Forbidden");
		api_error(c, 403, "%s", u->error.msg);
	} else if (len == 0) {
		finish_upload(u);
	} else if (form_add(u->form, bytes, len, &u->error) < 0) {
		api_fail(c, &u->error);
	} else {
		return;
	}
	service_write_failed(c->service, &u->error);
	upload_free(u);
	c->data = NULL;
}

static void
on_uploader_gone(struct call *c)
{
	if (c->data != NULL)
		upload_free(c->data);
	c->data = NULL;
}

/* "30 days", "never"; what is not said is as the settings have it. */
static int64_t
expiry(struct call *c, const char *text)
{
	int64_t usual = service_settings(c->service)->keep.artifacts_s, seconds = usual;
	struct error ignored = ERROR_INIT;

	if (text != NULL && str_eq(text, "never"))
		return 0;
	if (text == NULL || *text == '\0' || duration_parse(text, &seconds, &ignored) < 0)
		seconds = usual;
	return seconds == 0 ? 0 : service_now_us() + seconds * 1000000;
}

static void
upload(struct call *c)
{
	struct live_job *job = api_job_of_token(c, 0, NULL);
	struct upload *u;
	struct form_events events;
	const char *type = http_query(c->request, "artifact_type");
	const char *format = http_query(c->request, "artifact_format");

	if (job == NULL)
		return;
	u = arena_alloc(c->arena, sizeof(*u));
	u->call = c;
	u->job = job;
	u->job_id = job->id;
	u->type =
	    arena_strdup(c->arena, type != NULL && *type != '\0' ? type : "archive");
	u->format =
	    arena_strdup(c->arena, format != NULL && *format != '\0' ? format : "zip");
	u->expire_us = expiry(c, http_query(c->request, "expire_in"));
	events =
	    (struct form_events){ .on_file = on_file, .on_bytes = on_bytes, .data = u };
	if (form_new(http_header(c->request, "Content-Type"), &events, &u->form,
		&u->error) < 0) {
		api_fail(c, &u->error);
		return;
	}
	c->data = u;
	c->on_gone = on_uploader_gone;
	http_stream_body(c->request, on_chunk, c);
}

/* ---- downloading
 * ------------------------------------------------------------------------- */

void
api_send_artifact(struct call *c, int64_t job, const char *type, const char *filename)
{
	struct error err = ERROR_INIT;
	int64_t size;
	int fd;

	if (c->is_gone)
		return;
	if (artifact_store_open(
		service_artifacts_dir(c->service), job, type, &fd, &size, &err) < 0) {
		api_error(c, 404, "404 Not Found");
		return;
	}
	api_header(c, "Content-Disposition", "attachment; filename=\"%s\"",
	    filename != NULL ? filename : "artifacts.zip");
	c->is_answered = true;
	http_reply_file(c->request, 200, "application/octet-stream", fd, 0, size);
}

/* Is from one of the jobs whose artifacts asker fetches? */
static bool
is_needed(struct call *c, const struct live_job *asker, const struct live_job *from)
{
	const struct core *core = service_core(c->service);
	const struct plan_job *plan = core_job(core, asker->id)->plan;

	for (size_t i = 0; i < plan->artifact_source_count; i++)
		if (plan->artifact_sources[i] == core_job(core, from->id)->index)
			return from->pipeline == asker->pipeline;
	return false;
}

/* A job's token opens what the jobs it needs have left. */
static void
download(struct call *c)
{
	const char *token = http_header(c->request, "JOB-TOKEN");
	struct live_job *asker =
	    token == NULL ? NULL : service_job_of_token(c->service, token);
	struct live_job *from;
	int64_t id;

	if (!api_id(c, 0, &id))
		return;
	from = service_find_job(c->service, id);
	if (asker == NULL) {
		api_error(c, 401, "401 Unauthorized");
		return;
	}
	if (from == NULL || from->archive_name == NULL || !is_needed(c, asker, from)) {
		api_error(c, 404, "404 Not Found");
		return;
	}
	service_heartbeat(c->service, asker);
	api_send_artifact(c, id, "archive", from->archive_name);
}

const struct api_route api_artifact_routes[] = {
	{ "POST", "/api/v4/jobs/:id/artifacts", API_OPEN, upload, true },
	{ "GET", "/api/v4/jobs/:id/artifacts", API_OPEN, download },
	{ NULL },
};
