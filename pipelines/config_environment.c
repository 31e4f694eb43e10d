/* environment: where a job deploys to. */
#include <ctype.h>

#include "base/str.h"
#include "pipelines/config_read.h"

#define NAME_MAX_BYTES 255

static const char *const actions[] = { "start", "prepare", "stop", "verify", "access",
	NULL };
static const char *const tiers[] = { "production", "staging", "testing", "development",
	"other", NULL };

static void
read_name(struct reader *r, const struct node *n, const void *arg, void *out)
{
	value_word(r, n, arg, out);
	if (n->kind != NODE_STRING)
		return;
	if (strlen(n->text) > NAME_MAX_BYTES)
		value_error(r, n->mark, "is longer than %d characters", NAME_MAX_BYTES);
	for (const char *p = n->text; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && strchr(" -_/${}.\\", *p) == NULL) {
			value_error(r, n->mark,
			    "is \"%s\"; a name has letters, digits, spaces, `-`, `_`, "
			    "`/`, `.` and variables only",
			    n->text);
			return;
		}
}

static void
read_url(struct reader *r, const struct node *n, const void *arg, void *out)
{
	value_word(r, n, arg, out);
	if (n->kind == NODE_STRING && strchr(n->text, '$') == NULL &&
	    !str_starts(n->text, "http://") && !str_starts(n->text, "https://"))
		value_report(r, DIAG_WARNING, DIAG_SHAPE, n->mark,
		    "%s should start with http:// or https://", value_path(r));
}

static void
read_tier(struct reader *r, const struct node *n, const void *arg, void *out)
{
	if (n->kind == NODE_STRING && strchr(n->text, '$') != NULL)
		value_string(r, n, NULL, out);
	else
		value_choice(r, n, arg, out);
}

static const struct value_field managed_fields[] = {
	{ "enabled", value_bool, VALUE_NOWHERE, NULL, 0 },
};
static const struct value_shape managed_shape = VALUE_SHAPE(managed_fields);

static const struct value_field dashboard_fields[] = {
	{ "namespace", value_string, VALUE_NOWHERE, NULL, 0 },
	{ "flux_resource_path", value_string, VALUE_NOWHERE, NULL, 0 },
};
static const struct value_shape dashboard_shape = VALUE_SHAPE(dashboard_fields);

static const struct value_field kubernetes_fields[] = {
	{ "agent", value_string, VALUE_NOWHERE, NULL, 0 },
	{ "namespace", value_string, VALUE_NOWHERE, NULL, 0 },
	{ "flux_resource_path", value_string, VALUE_NOWHERE, NULL, 0 },
	{ "managed_resources", value_map, VALUE_NOWHERE, &managed_shape, 0 },
	{ "dashboard", value_map, VALUE_NOWHERE, &dashboard_shape, 0 },
};
static const struct value_shape kubernetes_shape = VALUE_SHAPE(kubernetes_fields);

static void
read_kubernetes(struct reader *r, const struct node *n, const void *arg, void *out)
{
	value_map(r, n, arg, NULL);
	*(const struct node **)out = n;
}

static const struct value_duration stop_rule = { .never = true, .variable = true };

#define ENVIRONMENT(field) offsetof(struct environment, field)

static const struct value_field environment_fields[] = {
	{ "name", read_name, ENVIRONMENT(name), NULL, 0 },
	{ "url", read_url, ENVIRONMENT(url), NULL, 0 },
	{ "on_stop", value_word, ENVIRONMENT(on_stop), NULL, 0 },
	{ "action", value_choice, ENVIRONMENT(action), actions, 0 },
	{ "auto_stop_in", value_duration_text, ENVIRONMENT(auto_stop_in), &stop_rule, 0 },
	{ "deployment_tier", read_tier, ENVIRONMENT(deployment_tier), tiers, 0 },
	{ "kubernetes", read_kubernetes, ENVIRONMENT(kubernetes), &kubernetes_shape, 0 },
};
static const struct value_shape environment_shape = VALUE_SHAPE(environment_fields);

void
config_read_environment(
    struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	struct environment environment = { 0 };

	if (n->kind == NODE_STRING) {
		read_name(r, n, NULL, &environment.name);
	} else if (n->kind == NODE_MAP) {
		value_map(r, n, &environment_shape, &environment);
		if (node_is_null(node_get(n, "name")) &&
		    node_is_null(node_get(n, "action")))
			value_error(r, n->mark, "lacks `name`, which is required");
	} else {
		value_expected(r, n, "a string or a map");
	}
	*(struct environment *)out = environment;
}
