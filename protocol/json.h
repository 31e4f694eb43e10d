/*
 * The wire's JSON, both ways: what runner and server send each other as GitLab's do
 * (runner-protocol.md sections 1.1, 2, 3, 5). Readers ignore unknown fields, name a field
 * of a wrong type, and bound depth and size; null and missing are the same.
 */
#ifndef PROTOCOL_JSON_H
#define PROTOCOL_JSON_H

#include "base/buf.h"
#include "protocol/job.h"
#include "protocol/reason.h"
#include "protocol/usage.h"

#define JSON_MAX_PAYLOAD ((size_t)64 << 20)
#define JSON_MAX_REQUEST ((size_t)1 << 20)

/* The 201 body of jobs/request. */
void job_payload_write(const struct job_payload *job, struct buf *out);
/* ERR_INVALID also without an id, a token or a commit. out: job_payload_free(). */
MUST_CHECK int job_payload_read(
    const char *text, size_t len, struct job_payload **out, struct error *err);

enum runner_feature { /* in the order of section 1.1 */
	FEATURE_VARIABLES,
	FEATURE_IMAGE,
	FEATURE_SERVICES,
	FEATURE_ARTIFACTS,
	FEATURE_CACHE,
	FEATURE_FALLBACK_CACHE_KEYS,
	FEATURE_SHARED,
	FEATURE_UPLOAD_MULTIPLE_ARTIFACTS,
	FEATURE_UPLOAD_RAW_ARTIFACTS,
	FEATURE_SESSION,
	FEATURE_TERMINAL,
	FEATURE_REFSPECS,
	FEATURE_MASKING,
	FEATURE_PROXY,
	FEATURE_RAW_VARIABLES,
	FEATURE_ARTIFACTS_EXCLUDE,
	FEATURE_MULTI_BUILD_STEPS,
	FEATURE_TRACE_RESET,
	FEATURE_TRACE_CHECKSUM,
	FEATURE_TRACE_SIZE,
	FEATURE_VAULT_SECRETS,
	FEATURE_CANCELABLE,
	FEATURE_RETURN_EXIT_CODE,
	FEATURE_SERVICE_VARIABLES,
	FEATURE_SERVICE_MULTIPLE_ALIASES,
	FEATURE_IMAGE_EXECUTOR_OPTS,
	FEATURE_SERVICE_EXECUTOR_OPTS,
	FEATURE_CANCEL_GRACEFULLY,
	FEATURE_NATIVE_STEPS_INTEGRATION,
	FEATURE_TWO_PHASE_JOB_COMMIT,
	FEATURE_JOB_INPUTS,
	FEATURE_COUNT
};

#define FEATURE_BIT(feature) (UINT64_C(1) << (feature))

/* What a runner says of itself ("info"). */
struct runner_info {
	const char *name, *version, *revision, *platform, *architecture, *executor;
	const char *shell;
	uint64_t features; /* of FEATURE_BIT()s */
};

/*
 * Bodies of register, verify, jobs/request, PUT job; fields a call has not are NULL, 0 or
 * false. One that was read lies in its arena: runner_request_clear(). One to be written
 * may point anywhere and needs no arena.
 */
struct runner_request {
	struct arena *arena;
	struct runner_info info;
	const char *token, *system_id, *last_update;
	/* register. Written only if `registers`; always read, absent run_untagged as true
	 */
	bool registers;
	const char *description, *maintenance_note;
	const char *access_level; /* "not_protected", "ref_protected" */
	const char **tags;
	size_t tag_count;
	bool run_untagged, locked, paused;
	int64_t maximum_timeout_s;
	/* PUT job */
	const char *state;               /* "running", "success", "failed", "pending" */
	const char *failure_reason_name; /* as sent; NULL: none */
	enum reason failure_reason; /* read: that, REASON_UNKNOWN_FAILURE for others */
	int64_t exit_code;
	bool has_checksum;
	uint32_t checksum;
	int64_t bytesize; /* 0: not said */
	struct job_usage usage;
	const char *usage_samples; /* NULL: none */
	const char *image_digest;  /* of the job's image: our own, as these; NULL: none */
};

void runner_request_write(const struct runner_request *r, struct buf *out);
MUST_CHECK int runner_request_read(
    const char *text, size_t len, struct runner_request *out, struct error *err);
void runner_request_clear(struct runner_request *r);
#define cleanup_runner_request __attribute__((cleanup(runner_request_clear)))

/* {"id":…,"token":…,"token_expires_at":null} of register and verify. */
struct runner_identity {
	int64_t id;
	char token[256];
};

void runner_identity_write(const struct runner_identity *id, struct buf *out);
MUST_CHECK int runner_identity_read(
    const char *text, size_t len, struct runner_identity *out, struct error *err);

/*
 * GitLab's error body: {"message":"…"}, also {"error":"…"} and {"message":{field:[…]}}.
 * What a reply's body says, cut to size; "" if nothing.
 */
void error_body_write(const char *message, struct buf *out);
void error_body_read(const char *text, size_t len, char *out, size_t size);
/* The same with its status, once: "403 Forbidden", "500: no space", "502". */
void error_answer_read(int status, const char *text, size_t len, char *out, size_t size);

#endif
