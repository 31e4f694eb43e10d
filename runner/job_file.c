/* The server's address on the first line, then the job as the server would send it. */
#include "runner/job_file.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "base/str.h"
#include "protocol/json.h"
#include "protocol/json_shape.h"
#include "runner/build.h"

#define HEAD "pawl-job 1 "
#define MAX_RESULT ((size_t)64 << 10)

/* A masked value is for the job's processes alone, and they have theirs. */
static void
leave_out_secrets(struct job_payload *job)
{
	struct job_variable *kept =
	    arena_calloc(job->arena, job->variable_count + 1, sizeof(*kept));
	size_t count = 0;

	for (size_t i = 0; i < job->variable_count; i++)
		if (!job->variables[i].masked && !job->variables[i].file)
			kept[count++] = job->variables[i];
	job->variables = kept;
	job->variable_count = count;
	job->credentials = NULL;
	job->credential_count = 0;
}

int
job_file_write(const char *job_dir, const char *server_url, const struct job_payload *job,
    struct error *err)
{
	cleanup_free char *file = path_join(job_dir, JOB_FILE_NAME);
	cleanup_buf struct buf text = BUF_INIT;
	struct job_payload kept = *job;
	int rc;

	leave_out_secrets(&kept);
	buf_printf(&text, HEAD "%s\n", server_url);
	job_payload_write(&kept, &text);
	rc = path_write_file(file, text.data, text.len, 0600, err);
	explicit_bzero(text.data, text.len);
	return rc;
}

int
job_file_read(
    const char *job_dir, char **server_url, struct job_payload **out, struct error *err)
{
	cleanup_free char *file = path_join(job_dir, JOB_FILE_NAME);
	cleanup_buf struct buf text = BUF_INIT;
	const char *end;
	size_t used;

	if (access(file, F_OK) < 0)
		return error_set(err, ERR_MISSING, "there is no %s", file);
	if (buf_read_file(&text, file, JSON_MAX_PAYLOAD, err) < 0)
		return err->code;
	end = strchr(buf_str(&text), '\n');
	if (end == NULL || !str_starts(text.data, HEAD))
		return error_set(err, ERR_INVALID,
		    "%s is damaged, or from another release of pawl", file);
	used = (size_t)(end - text.data) + 1;
	if (job_payload_read(text.data + used, text.len - used, out, err) < 0)
		return error_wrap(err, "%s", file);
	*server_url =
	    xstrndup(text.data + strlen(HEAD), (size_t)(end - text.data) - strlen(HEAD));
	return 0;
}

/* ---- how it ended ---------------------------------------------------------- */

struct result_file {
	int64_t version, exit_code, trace_bytes;
	const char *reason, *message;
	struct job_usage usage;
};

static const struct json_field result_fields[] = {
	{ JSON_FIELD("v", INT, struct result_file, version) },
	{ JSON_FIELD("exit_code", INT, struct result_file, exit_code) },
	{ JSON_FIELD("trace_bytes", INT, struct result_file, trace_bytes) },
	{ JSON_FIELD("reason", STRING, struct result_file, reason) },
	{ JSON_FIELD("message", STRING, struct result_file, message) },
	{ JSON_FIELD("peak_rss_bytes", INT, struct result_file, usage.peak_bytes) },
	{ JSON_FIELD("cpu_us", INT, struct result_file, usage.cpu_us) },
	{ JSON_FIELD("read_bytes", INT, struct result_file, usage.read_bytes) },
	{ JSON_FIELD("written_bytes", INT, struct result_file, usage.written_bytes) },
	{ NULL },
};
static const struct json_shape result_shape = { result_fields,
	sizeof(struct result_file) };

static int
read_result(const char *job_dir, struct job_outcome *out, struct error *err)
{
	cleanup_free char *file = path_join(job_dir, JOB_RESULT_NAME);
	cleanup_arena struct arena *arena = arena_new();
	cleanup_buf struct buf text = BUF_INIT;
	struct result_file r = { .reason = NULL };

	if (access(file, F_OK) < 0)
		return error_set(err, ERR_MISSING, "there is no %s", file);
	if (buf_read_file(&text, file, MAX_RESULT, err) < 0 ||
	    json_shape_read(
		&result_shape, buf_str(&text), text.len, MAX_RESULT, arena, &r, err) < 0)
		return error_wrap(err, "%s", file);
	if (r.version != 1 || r.reason == NULL)
		return error_set(err, ERR_INVALID, "%s is from another release", file);
	*out = (struct job_outcome){ .exit_code = (int)r.exit_code,
		.trace_bytes = r.trace_bytes,
		.usage = r.usage };
	if (*r.reason != '\0' && !reason_parse(r.reason, &out->reason))
		out->reason = REASON_UNKNOWN_FAILURE;
	(void)snprintf(
	    out->message, sizeof(out->message), "%s", r.message != NULL ? r.message : "");
	return 0;
}

/* What went wrong around the script, which the supervisor does not know of. */
static void
add_failure(const char *job_dir, struct job_outcome *out)
{
	cleanup_free char *file = path_join(job_dir, BUILD_FAILURE_NAME);
	cleanup_buf struct buf text = BUF_INIT;
	struct error ignored = ERROR_INIT;
	char *line;

	if (out->reason != REASON_NONE && out->reason != REASON_JOB_CANCELED)
		return;
	if (buf_read_file(&text, file, MAX_RESULT, &ignored) < 0 ||
	    (line = strchr(buf_str(&text), '\n')) == NULL)
		return;
	*line++ = '\0';
	if (!reason_parse(text.data, &out->reason))
		out->reason = REASON_RUNNER_SYSTEM_FAILURE;
	out->exit_code = 0;
	(void)snprintf(out->message, sizeof(out->message), "%s", line);
}

int
job_outcome_read(const char *job_dir, struct job_outcome *out, struct error *err)
{
	if (read_result(job_dir, out, err) < 0)
		return err->code;
	add_failure(job_dir, out);
	return 0;
}
