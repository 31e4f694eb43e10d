/* What becomes of a job's result: allow_failure, retry, coverage. */
#include "base/regex.h"
#include "base/str.h"
#include "pipelines/config_read.h"

#define RETRY_MAX 2

static const struct value_field exit_code_fields[] = {
	{ "exit_codes", value_one_or_ints, offsetof(struct allow_failure, exit_codes),
	    NULL, VALUE_REQUIRED },
};
static const struct value_shape exit_code_shape = VALUE_SHAPE(exit_code_fields);

void
config_read_allow_failure(
    struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	struct allow_failure *allow = out;

	if (n->kind == NODE_BOOL)
		allow->allowed = n->boolean;
	else if (n->kind == NODE_MAP)
		value_map(r, n, &exit_code_shape, allow);
	else
		value_expected(r, n, "true or false, or a map with `exit_codes`");
}

static const char *const reasons[] = { "always", "unknown_failure", "script_failure",
	"api_failure", "stuck_or_timeout_failure", "runner_system_failure",
	"missing_dependency_failure", "runner_unsupported", "stale_schedule",
	"job_execution_timeout", "archived_failure", "unmet_prerequisites",
	"scheduler_failure", "data_integrity_failure", "stuck_pending_no_runners",
	"stuck_pending_no_matching_runners", "no_updates_running", "no_updates_canceling",
	NULL };

/* Newer releases split one reason in several; their names need not be known here. */
static void
add_reason(struct reader *r, const struct node *n, struct strs_builder *b)
{
	const char *word = NULL;

	if (n->kind == NODE_STRING &&
	    (str_starts(n->text, "stuck_pending_") || str_starts(n->text, "no_updates_")))
		word = n->text;
	else
		value_choice(r, n, reasons, &word);
	if (word != NULL)
		value_strs_add(r->arena, b, word);
}

static void
read_reasons(struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	struct strs list = { 0 };
	struct strs_builder b = { .strs = &list };

	if (n->kind != NODE_LIST)
		add_reason(r, n, &b);
	else
		for (size_t i = 0; i < n->count; i++)
			add_reason(r, n->items[i], &b);
	*(struct strs *)out = list;
}

static void
read_max(struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	if (n->kind != NODE_INT)
		value_expected(r, n, "a whole number");
	else if (n->integer < 0 || n->integer > RETRY_MAX)
		value_error(r, n->mark, "is %s, it must be 0 to %d", n->text, RETRY_MAX);
	else
		*(int *)out = (int)n->integer;
}

static const struct value_field retry_fields[] = {
	{ "max", read_max, offsetof(struct retry, max), NULL, 0 },
	{ "when", read_reasons, offsetof(struct retry, when), NULL, 0 },
	{ "exit_codes", value_one_or_ints, offsetof(struct retry, exit_codes), NULL, 0 },
};
static const struct value_shape retry_shape = VALUE_SHAPE(retry_fields);

void
config_read_retry(
    struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	struct retry *retry = out;

	retry->max = -1;
	if (n->kind == NODE_INT)
		read_max(r, n, NULL, &retry->max);
	else if (n->kind == NODE_MAP)
		value_map(r, n, &retry_shape, retry);
	else
		value_expected(r, n, "a whole number or a map with `max`");
	retry->never = retry->max == 0;
	if (retry->max < 0) /* a map that does not say */
		retry->max = 0;
}

/* Kept without its slashes. */
void
config_read_coverage(
    struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	cleanup_regex struct regex *re = NULL;
	struct error err = ERROR_INIT;
	size_t len;

	if (n->kind != NODE_STRING) {
		value_expected(r, n, "a regular expression as a string");
		return;
	}
	len = strlen(n->text);
	if (len < 3 || n->text[0] != '/' || n->text[len - 1] != '/') {
		value_error(r, n->mark,
		    "must be a regular expression between slashes, such as "
		    "'/Total: (\\d+%%)/', not \"%s\"",
		    n->text);
		return;
	}
	if (regex_compile(n->text + 1, len - 2, 0, &re, &err) < 0) {
		value_error(r, n->mark, "is no valid regular expression: %s", err.msg);
		return;
	}
	*(const char **)out = arena_strndup(r->arena, n->text + 1, len - 2);
}
