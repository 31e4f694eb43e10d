/* The keys of the settings as tables, read as keywords of pipelines are. */
#include "scheduler/settings.h"

#include <ctype.h>
#include <stdio.h>

#include "base/str.h"
#include "pipelines/document.h"
#include "pipelines/value.h"

#define DAY_S INT64_C(86400)
#define SETTING(field) offsetof(struct server_settings, field)

void
server_settings_init(struct server_settings *s)
{
	*s = (struct server_settings){
		.listen = "127.0.0.1:8080",
		.create_on_push = true,
		.limits = { .artifact_bytes = INT64_C(5) << 30,
		    .log_bytes = INT64_C(1) << 30,
		    .timeout_s = 3600 },
		.keep = { .artifacts_s = 30 * DAY_S, .pipelines_s = 365 * DAY_S },
		.runner = { .enabled = true },
	};
}

#define MAX_COUNT 1000000

/* out: int64_t *. */
static void
read_count(struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	if (!node_is(n, NODE_INT))
		value_expected(r, n, "a whole number");
	else if (n->integer < 0 || n->integer > MAX_COUNT)
		value_error(
		    r, n->mark, "must be from 0 to %d, not %s", MAX_COUNT, n->text);
	else
		*(int64_t *)out = n->integer;
}

/* out: const char **. */
static void
read_url(struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	if (!node_is(n, NODE_STRING))
		value_expected(r, n, "an address such as \"https://ci.example.org\"");
	else if (!str_is_http_url(n->text))
		value_error(r, n->mark,
		    "must begin with http:// or https://, not be \"%s\"", n->text);
	else
		*(const char **)out = n->text;
}

#define A_SIZE "a size such as \"500 MiB\" or \"5 GiB\""
#define UNITS "KiB, MiB, GiB and TiB"

static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };

/* Bits to shift by; -1: no unit of ours. */
static int
unit_shift(const char *unit)
{
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (str_eq(unit, units[i]))
			return 10 * ((int)i + 1);
	return -1;
}

const char *
settings_size(int64_t bytes, char out[SETTINGS_SIZE_WORDS])
{
	size_t n = 0;

	while (n < ARRAY_LEN(units) && bytes != 0 && bytes % 1024 == 0) {
		bytes /= 1024;
		n++;
	}
	(void)snprintf(out, SETTINGS_SIZE_WORDS, "%" PRId64 " %s", bytes,
	    n == 0 ? "bytes" : units[n - 1]);
	return out;
}

/* "500 MiB": a number and its unit, in bytes. out: int64_t *. */
static void
read_size(struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	const char *text = node_is_scalar(n) ? n->text : "";
	size_t digits = strspn(text, "0123456789");
	const char *unit = text + digits;
	long long number = strtoll(text, NULL, 10); /* LLONG_MAX beyond */
	int shift;

	while (isspace((unsigned char)*unit))
		unit++;
	shift = unit_shift(unit);
	if (!node_is_scalar(n))
		value_expected(r, n, A_SIZE);
	else if (digits == 0)
		value_error(r, n->mark, "must be " A_SIZE ", not \"%s\"", text);
	else if (*unit == '\0')
		value_error(r, n->mark,
		    "must be " A_SIZE "; \"%s\" has no unit, which are " UNITS, text);
	else if (shift < 0)
		value_error(
		    r, n->mark, "has the unknown unit \"%s\"; there are " UNITS, unit);
	else if (number == 0 || number > (INT64_MAX >> shift))
		value_error(r, n->mark, "must be %s, not \"%s\"",
		    number == 0 ? "more than nothing" : "less than 8388608 TiB", text);
	else
		*(int64_t *)out = number << shift;
}

/* The runner has them; a wrong name would have it end at its start. */
#define EXECUTORS "auto, sandbox, container, docker, custom or shell"

static void
read_executor(struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	static const char *const names[] = { "auto", "sandbox", "container", "docker",
		"custom", "shell" };

	for (size_t i = 0; node_is_scalar(n) && i < ARRAY_LEN(names); i++)
		if (str_eq(n->text, names[i])) {
			*(const char **)out = n->text;
			return;
		}
	value_expected(r, n, "an executor: " EXECUTORS);
}

static const struct value_duration how_long = { .never = true, .positive = true };
static const struct value_duration at_most = { .positive = true };

static const struct value_field limit_fields[] = {
	{ "jobs", read_count, SETTING(limits.jobs), NULL, 0 },
	{ "project_jobs", read_count, SETTING(limits.project_jobs), NULL, 0 },
	{ "artifact_size", read_size, SETTING(limits.artifact_bytes), NULL, 0 },
	{ "log_size", read_size, SETTING(limits.log_bytes), NULL, 0 },
	{ "timeout", value_duration, SETTING(limits.timeout_s), &at_most, 0 },
};
static const struct value_shape limit_shape = VALUE_SHAPE(limit_fields);

static const struct value_field keep_fields[] = {
	{ "artifacts", value_duration, SETTING(keep.artifacts_s), &how_long, 0 },
	{ "pipelines", value_duration, SETTING(keep.pipelines_s), &how_long, 0 },
};
static const struct value_shape keep_shape = VALUE_SHAPE(keep_fields);

static const struct value_field runner_fields[] = {
	{ "enabled", value_bool, SETTING(runner.enabled), NULL, 0 },
	{ "jobs", read_count, SETTING(runner.jobs), NULL, 0 },
	{ "executor", read_executor, SETTING(runner.executor), NULL, 0 },
	{ "config", value_word, SETTING(runner.config), NULL, 0 },
};
static const struct value_shape runner_shape = VALUE_SHAPE(runner_fields);

static const struct value_field fields[] = {
	{ "listen", value_word, SETTING(listen), NULL, 0 },
	{ "url", read_url, SETTING(url), NULL, 0 },
	{ "log_format", value_enum, SETTING(log_format), log_formats, 0 },
	{ "create_on_push", value_bool, SETTING(create_on_push), NULL, 0 },
	{ "limits", value_map, 0, &limit_shape, 0 },
	{ "keep", value_map, 0, &keep_shape, 0 },
	{ "runner", value_map, 0, &runner_shape, 0 },
};
static const struct value_shape shape = VALUE_SHAPE(fields);

void
server_settings_read(struct server_settings *s, const char *text, size_t len,
    const char *file, struct diags *diags)
{
	struct node **documents = NULL;
	struct reader r;
	size_t count = 0;

	if (yaml_parse(text, len, file, diags->arena, diags, &documents, &count) < 0 ||
	    count == 0 || node_is_null(documents[0]))
		return;
	if (documents[0]->kind != NODE_MAP) {
		diag_error(diags, DIAG_SHAPE, documents[0]->mark, NULL,
		    "the settings should be a map, not %s",
		    node_kind_name(documents[0]->kind));
		return;
	}
	value_reader_init(&r, diags->arena, diags, false);
	value_enter(&r, "settings");
	value_map(&r, documents[0], &shape, s);
	value_leave(&r);
	value_reader_clear(&r);
}
