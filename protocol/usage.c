/* A job's usage as JSON. */
#include "protocol/usage.h"

#include <string.h>

#include "base/str.h"

static const struct json_field fields[] = {
	{ JSON_FIELD("peak_bytes", INT, struct job_usage, peak_bytes) },
	{ JSON_FIELD("cpu_us", INT, struct job_usage, cpu_us) },
	{ JSON_FIELD("read_bytes", INT, struct job_usage, read_bytes) },
	{ JSON_FIELD("written_bytes", INT, struct job_usage, written_bytes) },
	{ NULL },
};

const struct json_shape job_usage_shape = { fields, sizeof(struct job_usage) };

bool
job_digest_is_valid(const char *text)
{
	return str_starts(text, "sha256:") && strlen(text) == JOB_DIGEST_SIZE - 1 &&
	    strspn(text + 7, "0123456789abcdef") == 64;
}

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
