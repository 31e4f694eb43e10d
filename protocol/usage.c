/* A job's usage as JSON. */
#include "protocol/usage.h"

static const struct json_field fields[] = {
	{ JSON_FIELD("peak_bytes", INT, struct job_usage, peak_bytes) },
	{ JSON_FIELD("cpu_us", INT, struct job_usage, cpu_us) },
	{ JSON_FIELD("read_bytes", INT, struct job_usage, read_bytes) },
	{ JSON_FIELD("written_bytes", INT, struct job_usage, written_bytes) },
	{ NULL },
};

const struct json_shape job_usage_shape = { fields, sizeof(struct job_usage) };

void
job_usage_put(struct json_writer *w, const struct job_usage *usage)
{
	if (usage->peak_bytes <= 0)
		return;
	json_key(w, "usage");
	json_begin_object(w);
	json_put_int(w, "peak_bytes", usage->peak_bytes);
	json_put_int(w, "cpu_us", usage->cpu_us);
	json_put_int(w, "read_bytes", usage->read_bytes);
	json_put_int(w, "written_bytes", usage->written_bytes);
	json_end_object(w);
}
