/*
 * What a runner sends (runner-protocol.md sections 1.1, 2, 3 and 5), and short answers.
 * Two fields look different on the wire: the checksum is "crc32:0a1b2c3d", the reason a
 * name.
 */
#include <jansson.h>

#include "base/json_writer.h"
#include "base/str.h"
#include "protocol/json.h"
#include "protocol/json_shape.h"

static const char *const feature_names[] = { "variables", "image", "services",
	"artifacts", "cache", "fallback_cache_keys", "shared",
	"upload_multiple_artifacts", "upload_raw_artifacts", "session", "terminal",
	"refspecs", "masking", "proxy", "raw_variables", "artifacts_exclude",
	"multi_build_steps", "trace_reset", "trace_checksum", "trace_size",
	"vault_secrets", "cancelable", "return_exit_code", "service_variables",
	"service_multiple_aliases", "image_executor_opts", "service_executor_opts",
	"cancel_gracefully", "native_steps_integration", "two_phase_job_commit",
	"job_inputs", NULL };

_Static_assert(ARRAY_LEN(feature_names) == FEATURE_COUNT + 1, "a name for each feature");

/* as it stands in JSON, before names become numbers */
struct wire {
	struct runner_request r;
	const char *old_checksum; /* the same beside output, from older runners */
	const char *checksum, *gpus;
};

#define REQUEST(name, type, field) JSON_FIELD(name, type, struct wire, r.field)
#define INFO(name, field)                                                                \
	{                                                                                \
		JSON_FIELD(name, STRING, struct wire, r.info.field), .when = JSON_OMIT   \
	}

static const struct json_field config_fields[] = {
	{ JSON_FIELD("gpus", STRING, struct wire, gpus) },
	{ NULL },
};
static const struct json_shape config = { config_fields, sizeof(struct wire) };

static const struct json_field info_fields[] = {
	INFO("name", name),
	INFO("version", version),
	INFO("revision", revision),
	INFO("platform", platform),
	INFO("architecture", architecture),
	INFO("executor", executor),
	INFO("shell", shell),
	{ REQUEST("features", BITS, info.features), .names = feature_names },
	{ .key = "config", .kind = JSON_KIND_OBJECT, .shape = &config },
	{ NULL },
};
static const struct json_shape info = { info_fields, sizeof(struct wire) };

static const struct json_field output_fields[] = {
	{ JSON_FIELD("checksum", STRING, struct wire, checksum), .when = JSON_OMIT },
	{ REQUEST("bytesize", INT, bytesize), .when = JSON_OMIT },
	{ NULL },
};
static const struct json_shape output = { output_fields, sizeof(struct wire) };

#define OF_RUNNER                                                                        \
	{                                                                                \
		.key = "info", .kind = JSON_KIND_OBJECT, .shape = &info                  \
	}
#define OF_ALL                                                                           \
	{ REQUEST("token", STRING, token), .when = JSON_OMIT },                          \
	    { REQUEST("system_id", STRING, system_id), .when = JSON_OMIT },              \
	{                                                                                \
		REQUEST("last_update", STRING, last_update), .when = JSON_OMIT           \
	}
#define OF_REGISTER                                                                      \
	{ REQUEST("description", STRING, description), .when = JSON_OMIT },              \
	    { REQUEST("maintenance_note", STRING, maintenance_note),                     \
		    .when = JSON_OMIT },                                                 \
	    { REQUEST("access_level", STRING, access_level), .when = JSON_OMIT },        \
	    { REQUEST("tag_list", COMMAS, tags),                                         \
		    .count = offsetof(struct wire, r.tag_count), .when = JSON_OMIT },    \
	    { REQUEST("run_untagged", BOOL, run_untagged) },                             \
	    { REQUEST("locked", BOOL, locked) }, { REQUEST("paused", BOOL, paused) },    \
	{                                                                                \
		REQUEST("maximum_timeout", INT, maximum_timeout_s), .when = JSON_OMIT    \
	}
#define OF_UPDATE                                                                        \
	{ REQUEST("state", STRING, state), .when = JSON_OMIT },                          \
	    { REQUEST("failure_reason", STRING, failure_reason_name),                    \
		    .when = JSON_OMIT },                                                 \
	    { JSON_FIELD("checksum", STRING, struct wire, old_checksum),                 \
		    .when = JSON_OMIT },                                                 \
	    { .key = "output", .kind = JSON_KIND_OBJECT, .shape = &output },             \
	    { REQUEST("usage_samples", STRING, usage_samples), .when = JSON_OMIT },      \
	    { REQUEST("image_digest", STRING, image_digest), .when = JSON_OMIT },        \
	    { REQUEST("usage", OBJECT, usage), .shape = &job_usage_shape,                \
		    .when = JSON_OMIT },                                                 \
	{                                                                                \
		REQUEST("exit_code", INT, exit_code), .when = JSON_OMIT                  \
	}

static const struct json_field asked_fields[] = { OF_RUNNER, OF_ALL, { NULL } };
static const struct json_shape asked = { asked_fields, sizeof(struct wire) };
static const struct json_field registered_fields[] = { OF_RUNNER, OF_ALL, OF_REGISTER,
	{ NULL } };
static const struct json_shape registered = { registered_fields, sizeof(struct wire) };
/* the runner is known by its job's token, and said what it is when it asked */
static const struct json_field updated_fields[] = { OF_ALL, OF_UPDATE, { NULL } };
static const struct json_shape updated = { updated_fields, sizeof(struct wire) };
static const struct json_field any_fields[] = { OF_RUNNER, OF_ALL, OF_REGISTER, OF_UPDATE,
	{ NULL } };
static const struct json_shape any = { any_fields, sizeof(struct wire) };

static const struct json_shape *
shape_of(const struct runner_request *r)
{
	if (r->registers)
		return &registered;
	return r->state != NULL ? &updated : &asked;
}

void
runner_request_write(const struct runner_request *r, struct buf *out)
{
	struct wire wire = { .r = *r, .gpus = "" };
	char checksum[32];

	if (r->has_checksum) {
		(void)snprintf(
		    checksum, sizeof(checksum), "crc32:%08" PRIx32, r->checksum);
		wire.checksum = wire.old_checksum = checksum;
	}
	json_shape_write(shape_of(r), &wire, out);
}

/* "crc32:0a1b2c3d"; another kind of checksum is none. */
static int
read_checksum(const char *text, struct runner_request *r, struct error *err)
{
	const char *digits = text + strlen("crc32:");
	char *end = NULL;
	unsigned long value;

	if (!str_starts(text, "crc32:"))
		return 0;
	value = strtoul(digits, &end, 16);
	if (strspn(digits, "0123456789abcdefABCDEF") != strlen(digits) ||
	    *digits == '\0' || value > UINT32_MAX)
		return error_set(err, ERR_INVALID,
		    "output.checksum has to be \"crc32:\" and hexadecimal digits");
	r->has_checksum = true;
	r->checksum = (uint32_t)value;
	return 0;
}

int
runner_request_read(
    const char *text, size_t len, struct runner_request *out, struct error *err)
{
	struct arena *arena = arena_new();
	struct wire wire = { .r = { .arena = arena, .run_untagged = true } };
	struct runner_request *r = &wire.r;
	const char *checksum;
	int rc = json_shape_read(&any, text, len, JSON_MAX_REQUEST, arena, &wire, err);

	checksum = wire.checksum != NULL ? wire.checksum : wire.old_checksum;
	if (rc == 0 && checksum != NULL)
		rc = read_checksum(checksum, r, err);
	if (rc < 0) {
		arena_free(arena);
		return rc;
	}
	if (r->failure_reason_name != NULL &&
	    (!reason_parse(r->failure_reason_name, &r->failure_reason) ||
		!reason_is_failure(r->failure_reason)))
		r->failure_reason = REASON_UNKNOWN_FAILURE;
	*out = *r;
	return 0;
}

void
runner_request_clear(struct runner_request *r)
{
	arena_free(r->arena);
	*r = (struct runner_request){ .arena = NULL };
}

/* ---- answers ---- */

void
runner_identity_write(const struct runner_identity *id, struct buf *out)
{
	struct json_writer w = JSON_WRITER_INIT(out);

	json_begin_object(&w);
	json_put_int(&w, "id", id->id);
	json_put_string(&w, "token", id->token);
	json_put_string(&w, "token_expires_at", NULL);
	json_end_object(&w);
}

struct identity {
	int64_t id;
	const char *token;
};

static const struct json_field identity_fields[] = {
	{ JSON_FIELD("id", INT, struct identity, id) },
	{ JSON_FIELD("token", STRING, struct identity, token) },
	{ NULL },
};
static const struct json_shape identity = { identity_fields, sizeof(struct identity) };

int
runner_identity_read(
    const char *text, size_t len, struct runner_identity *out, struct error *err)
{
	cleanup_arena struct arena *arena = arena_new();
	struct identity got = { .token = NULL };
	int rc =
	    json_shape_read(&identity, text, len, JSON_MAX_REQUEST, arena, &got, err);

	if (rc < 0)
		return rc;
	if (got.id <= 0)
		return error_set(err, ERR_INVALID, "id has to be a number above 0");
	if (got.token == NULL || *got.token == '\0' ||
	    strlen(got.token) >= sizeof(out->token))
		return error_set(err, ERR_INVALID,
		    "token has to be a string of at most %zu bytes",
		    sizeof(out->token) - 1);
	out->id = got.id;
	(void)snprintf(out->token, sizeof(out->token), "%s", got.token);
	return 0;
}

void
error_body_write(const char *message, struct buf *out)
{
	struct json_writer w = JSON_WRITER_INIT(out);

	json_begin_object(&w);
	json_put_string(&w, "message", message);
	json_end_object(&w);
}

/* {"base":["is closed","is old"]} as "base is closed, is old" */
static void
add_words(struct buf *b, const json_t *v, const char *before, int depth)
{
	const char *key;
	json_t *member;

	if (json_is_string(v)) {
		buf_printf(b, "%s%s", b->len > 0 ? before : "", json_string_value(v));
	} else if (json_is_array(v) && depth > 0) {
		for (size_t i = 0; i < json_array_size(v); i++)
			add_words(
			    b, json_array_get(v, i), i > 0 ? ", " : before, depth - 1);
	} else if (json_is_object(v) && depth > 0) {
		json_object_foreach((json_t *)(uintptr_t)v, key, member)
		{
			buf_printf(b, "%s%s", b->len > 0 ? "; " : "", key);
			add_words(b, member, " ", depth - 1);
		}
	}
}

/* jansson descends by recursion, up to 2048 levels, which this much text can reach */
#define MAX_ERROR_BODY ((size_t)64 << 10)

void
error_body_read(const char *text, size_t len, char *out, size_t size)
{
	cleanup_buf struct buf words = BUF_INIT;
	json_t *root = len <= MAX_ERROR_BODY ? json_loadb(text, len, 0, NULL) : NULL;
	const json_t *said = json_object_get(root, "message");

	add_words(&words, said != NULL ? said : json_object_get(root, "error"), "", 3);
	(void)snprintf(out, size, "%s", buf_str(&words));
	json_decref(root);
}

void
error_answer_read(int status, const char *text, size_t len, char *out, size_t size)
{
	char number[16], words[512];

	(void)snprintf(number, sizeof(number), "%d ", status);
	error_body_read(text, len, words, sizeof(words));
	if (str_starts(words, number))
		(void)snprintf(out, size, "%s", words);
	else
		(void)snprintf(
		    out, size, "%d%s%s", status, *words != '\0' ? ": " : "", words);
}
