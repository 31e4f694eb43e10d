/*
 * What a job has used, as pawl's runner tells pawl's server: our own addition to the
 * protocol, "usage" in the body of PUT /jobs/:id and in a job's entity. Other servers
 * pass over it, other runners do not say it. "usage_samples" is a text, second by second.
 */
#ifndef PROTOCOL_USAGE_H
#define PROTOCOL_USAGE_H

#include "base/json_writer.h"
#include "protocol/json_shape.h"

#define JOB_USAGE_MAX (64u << 10) /* of the samples: runner/supervisor/recorder.h */
#define JOB_USAGE_HEAD "pawl-usage 1\n"

/* "image_digest" beside it is what the image was, "sha256:" and 64 digits: a name may
 * mean another one tomorrow. */
#define JOB_DIGEST_SIZE 72
bool job_digest_is_valid(const char *text);

struct job_usage { /* all 0: not known */
	int64_t peak_bytes, cpu_us, read_bytes, written_bytes;
};

extern const struct json_shape job_usage_shape;

/* "usage" of the open object, when it is known. */
void job_usage_put(struct json_writer *w, const struct job_usage *usage);

#endif
