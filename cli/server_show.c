/* Rows of a server in the words of `pawl run`. */
#include "cli/server_show.h"

#include "base/json_writer.h"
#include "base/str.h"
#include "base/visible.h"
#include "runner/supervisor/wire.h"

const char *
server_show_text(const char *text, struct arena *arena)
{
	cleanup_buf struct buf out = BUF_INIT;

	visible_add(&out, text != NULL ? text : "");
	return arena_strdup(arena, buf_str(&out));
}

static const char *
command_for(const char *command, const struct server_job *job, struct arena *arena)
{
	cleanup_buf struct buf out = BUF_INIT;

	buf_printf(&out, "pawl %s ", command);
	buf_add_shell_quoted(&out, job->name);
	return arena_strdup(arena, buf_str(&out));
}

/* Why it is as it is; NULL: there is nothing to say. */
static const char *
why(const struct server_job *job, struct arena *arena)
{
	switch (job->status) {
	case STATUS_SUCCESS:
	case STATUS_RUNNING:
	case STATUS_PREPARING:
		return job->cause == NULL || !str_eq(job->cause, "system")
		    ? NULL
		    : "tried again after a failure of the system";
	case STATUS_MANUAL:
		return arena_printf(
		    arena, "to play it: %s", command_for("play", job, arena));
	case STATUS_FAILED:
		if (job->message != NULL && *job->message != '\0')
			return job->message;
		if (job->reason == REASON_SCRIPT_FAILURE && job->exit_code != 0)
			return arena_printf(arena, "exit code %" PRId64, job->exit_code);
		break;
	case STATUS_CREATED:
	case STATUS_WAITING_FOR_RESOURCE:
	case STATUS_PENDING:
	case STATUS_SCHEDULED:
		if (job->wait != NULL)
			return job->wait;
		break;
	case STATUS_CANCELING:
	case STATUS_CANCELED:
		if (job->reason == REASON_SUPERSEDED && job->because != 0)
			return arena_printf(arena, "%s: pipeline %" PRId64,
			    reason_text(job->reason), job->because);
		break;
	case STATUS_SKIPPED:
	case STATUS_COUNT:
		break;
	}
	return job->reason != REASON_NONE ? reason_text(job->reason) : NULL;
}

static bool
is_warned(const struct server_job *job)
{
	return job->status == STATUS_FAILED && job->allow_failure;
}

static bool
is_notable(const struct server_job *job)
{
	const struct job_usage *u = &job->usage;

	return u->peak_bytes > 0 &&
	    wire_result_is_notable(job->finished_us - job->started_us, u->cpu_us,
		u->peak_bytes, u->written_bytes);
}

struct screen_job *
server_show_jobs(const struct server_jobs *jobs, struct arena *arena)
{
	struct screen_job *out = arena_calloc(arena, jobs->count, sizeof(*out));

	for (size_t i = 0; i < jobs->count; i++) {
		const struct server_job *job = &jobs->items[i];

		out[i] = (struct screen_job){ .id = job->id,
			.name = job->name,
			.stage = job->stage,
			.attempt = (int)job->attempt,
			.status = job->status,
			.reason = job->reason,
			.warned = is_warned(job),
			.detail = why(job, arena),
			.log_path = job->started_us != 0
			    ? server_show_text(command_for("logs", job, arena), arena)
			    : NULL,
			.queued_us = job->queued_us,
			.started_us = job->started_us,
			.finished_us = job->finished_us,
			.peak_bytes = job->usage.peak_bytes,
			.cpu_us = job->usage.cpu_us,
			.read_bytes = job->usage.read_bytes,
			.written_bytes = job->usage.written_bytes,
			.usage_is_notable = is_notable(job) };
	}
	return out;
}

bool
server_show_has_warnings(const struct server_jobs *jobs)
{
	for (size_t i = 0; i < jobs->count; i++)
		if (is_warned(&jobs->items[i]))
			return true;
	return false;
}

static void
put_job(struct json_writer *w, const struct server_job *job, struct arena *arena)
{
	json_begin_object(w);
	json_put_int(w, "id", job->id);
	json_put_string(w, "name", job->name);
	json_put_string(w, "stage", job->stage);
	json_put_string(w, "status", job->status_text);
	json_put_bool(w, "allow_failure", job->allow_failure);
	json_put_string(
	    w, "reason", job->reason != REASON_NONE ? reason_name(job->reason) : NULL);
	json_put_string(w, "why", why(job, arena));
	json_put_int(w, "exit_code", job->exit_code);
	json_put_int(w, "attempt", job->attempt);
	json_put_string(w, "cause", job->cause);
	json_put_string(w, "started_at", job->started_at);
	json_put_string(w, "finished_at", job->finished_at);
	job_usage_put(w, &job->usage);
	if (job->image_digest != NULL)
		json_put_string(w, "image_digest", job->image_digest);
	json_put_string(w, "web_url", job->web_url);
	json_end_object(w);
}

void
server_show_json(const struct server_pipeline *p, const struct server_jobs *jobs,
    struct arena *arena, struct buf *out)
{
	struct json_writer w = JSON_WRITER_INIT(out);

	json_begin_object(&w);
	json_put_int(&w, "v", 1);
	json_put_int(&w, "id", p->id);
	json_put_string(&w, "status", p->status_text);
	json_put_string(&w, "ref", p->ref);
	json_put_string(&w, "sha", p->sha);
	json_put_string(&w, "source", p->source);
	json_put_string(&w, "created_at", p->created_at);
	json_put_string(&w, "started_at", p->started_at);
	json_put_string(&w, "finished_at", p->finished_at);
	json_put_string(&w, "web_url", p->web_url);
	json_put_string(&w, "yaml_errors", p->errors);
	json_key(&w, "jobs");
	json_begin_array(&w);
	for (size_t i = 0; i < jobs->count; i++)
		put_job(&w, &jobs->items[i], arena);
	json_end_array(&w);
	json_end_object(&w);
	buf_add_char(out, '\n');
}
