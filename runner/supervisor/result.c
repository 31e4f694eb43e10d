/* How the job ended: kept for the runner's socket, and in a file for a later runner. */
#include <stdio.h>

#include "base/json_writer.h"
#include "base/path.h"
#include "runner/supervisor/supervision.h"

/* GitLab's names; the file is read by people and by runners of other releases. */
static const char *const reasons[] = {
	[WIRE_SUCCESS] = "",
	[WIRE_SCRIPT_FAILURE] = "script_failure",
	[WIRE_TIMEOUT] = "job_execution_timeout",
	[WIRE_CANCELED] = "job_canceled",
	[WIRE_SYSTEM_FAILURE] = "runner_system_failure",
	[WIRE_WORKSPACE_FAILURE] = "runner_system_failure",
};

void
supervision_fail(struct supervision *s, enum wire_verdict verdict, const char *fmt, ...)
{
	struct wire_result *r = &s->result;
	va_list ap;

	if (r->verdict == WIRE_SUCCESS) {
		r->step = (int32_t)s->step;
		r->item = s->watch.item;
	}
	if (r->verdict >= (uint32_t)verdict)
		return; /* the graver one stays, and the first of its kind */
	r->verdict = verdict;
	va_start(ap, fmt);
	(void)vsnprintf(r->message, sizeof(r->message), fmt, ap);
	va_end(ap);
}

int
supervision_write_result(const struct supervision *s, struct error *err)
{
	const struct wire_result *r = &s->result;
	cleanup_buf struct buf out = BUF_INIT;
	cleanup_free char *path = path_join(s->spec.job_dir, "result.json");
	struct json_writer w = JSON_WRITER_INIT(&out);
	char crc[16];

	(void)snprintf(crc, sizeof(crc), "%08x", r->trace_crc32);
	json_begin_object(&w);
	json_put_int(&w, "v", 1);
	json_put_string(&w, "reason", reasons[r->verdict]);
	json_put_string(&w, "message", r->message);
	json_put_int(&w, "exit_code", r->exit_code);
	json_put_int(&w, "signal", r->signal);
	json_put_int(&w, "step", r->step);
	json_put_int(&w, "item", r->item);
	json_put_int(&w, "trace_bytes", (int64_t)s->trace.bytes);
	json_put_string(&w, "trace_crc32", crc);
	json_put_int(&w, "started_us", r->started_us);
	json_put_int(&w, "finished_us", r->finished_us);
	json_put_int(&w, "duration_us", r->duration_us);
	json_put_int(&w, "cpu_us", r->cpu_us);
	json_put_int(&w, "peak_rss_bytes", r->peak_rss_bytes);
	json_put_int(&w, "read_bytes", r->read_bytes);
	json_put_int(&w, "written_bytes", r->written_bytes);
	json_end_object(&w);
	buf_add_char(&out, '\n');
	return path_write_file(path, out.data, out.len, 0600, err);
}
