/* --json: one event per line, each with "v", "event" and "time". */
#include "base/json_writer.h"
#include "cli/screen_internal.h"

#define EVENT_VERSION 1

/* {"v":1,"event":…,"time":… and the caller goes on. Time is microseconds since the epoch.
 */
static struct json_writer
begin(struct screen *s, const char *event)
{
	struct json_writer w = JSON_WRITER_INIT(&s->out);

	json_begin_object(&w);
	json_put_int(&w, "v", EVENT_VERSION);
	json_put_string(&w, "event", event);
	json_put_int(&w, "time_us", s->now_us);
	return w;
}

static void
end(struct screen *s, struct json_writer *w)
{
	json_end_object(w);
	buf_add_char(&s->out, '\n');
}

void
screen_json_line(
    struct screen *s, const struct shown_job *job, const char *line, size_t len)
{
	struct json_writer w = begin(s, "log");
	cleanup_free char *text = xstrndup(line, len);

	json_put_int(&w, "id", job->id);
	json_put_string(&w, "job", job->name);
	json_put_string(&w, "line", text);
	end(s, &w);
}

void
screen_json_job(struct screen *s, const struct screen_job *job)
{
	struct json_writer w = begin(s, "job");

	json_put_int(&w, "id", job->id);
	json_put_string(&w, "job", job->name);
	json_put_string(&w, "stage", job->stage);
	json_put_int(&w, "attempt", job->attempt);
	json_put_string(&w, "status", status_name(job->status));
	json_put_string(&w, "reason", reason_name(job->reason));
	json_put_bool(&w, "allowed_to_fail", job->warned);
	if (job->detail != NULL)
		json_put_string(&w, "detail", job->detail);
	if (job->command != NULL)
		json_put_string(&w, "command", job->command);
	if (job->log_path != NULL)
		json_put_string(&w, "log", job->log_path);
	if (job->kept)
		json_put_bool(&w, "kept", true);
	if (job->started_us != 0 && job->finished_us != 0)
		json_put_int(&w, "duration_us", job->finished_us - job->started_us);
	if (job->peak_bytes > 0) {
		json_put_int(&w, "peak_bytes", job->peak_bytes);
		json_put_int(&w, "cpu_us", job->cpu_us);
		json_put_int(&w, "read_bytes", job->read_bytes);
		json_put_int(&w, "written_bytes", job->written_bytes);
	}
	if (job->image_digest != NULL)
		json_put_string(&w, "image_digest", job->image_digest);
	if (job->usage_path != NULL)
		json_put_string(&w, "usage", job->usage_path);
	end(s, &w);
}

void
screen_json_message(struct screen *s, const char *text)
{
	struct json_writer w = begin(s, "message");

	json_put_string(&w, "text", text);
	end(s, &w);
}

void
screen_json_started(struct screen *s, int64_t id, const char *name, const char *ref,
    const char *sha, const char *plan_hash, size_t job_count)
{
	struct json_writer w = begin(s, "pipeline");

	json_put_int(&w, "id", id);
	json_put_string(&w, "status", "running");
	json_put_string(&w, "name", name);
	json_put_string(&w, "ref", ref);
	json_put_string(&w, "sha", sha);
	json_put_string(&w, "plan", plan_hash);
	json_put_int(&w, "jobs", (int64_t)job_count);
	end(s, &w);
}

void
screen_json_finished(
    struct screen *s, int64_t id, enum status status, bool warnings, int64_t duration_us)
{
	struct json_writer w = begin(s, "pipeline");

	json_put_int(&w, "id", id);
	json_put_string(&w, "status", status_name(status));
	json_put_bool(&w, "warnings", warnings);
	json_put_int(&w, "duration_us", duration_us);
	end(s, &w);
}

void
screen_json_artifacts(
    struct screen *s, const char *job, const char *path, size_t files, int64_t bytes)
{
	struct json_writer w = begin(s, "artifacts");

	json_put_string(&w, "job", job);
	json_put_string(&w, "path", path);
	json_put_int(&w, "files", (int64_t)files);
	json_put_int(&w, "bytes", bytes);
	end(s, &w);
}
