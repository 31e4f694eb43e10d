/* secrets: checked only; which server answers them is the runner's affair. */
#include "base/str.h"
#include "pipelines/config_read.h"

static const struct value_field engine_fields[] = {
	{ "name", value_word, VALUE_NOWHERE, NULL, VALUE_REQUIRED },
	{ "path", value_word, VALUE_NOWHERE, NULL, VALUE_REQUIRED },
};
static const struct value_shape engine_shape = VALUE_SHAPE(engine_fields);

static const struct value_field vault_fields[] = {
	{ "engine", value_map, VALUE_NOWHERE, &engine_shape, VALUE_REQUIRED },
	{ "path", value_word, VALUE_NOWHERE, NULL, VALUE_REQUIRED },
	{ "field", value_word, VALUE_NOWHERE, NULL, VALUE_REQUIRED },
};
static const struct value_shape vault_shape = VALUE_SHAPE(vault_fields);

static const struct value_field versioned_fields[] = {
	{ "name", value_word, VALUE_NOWHERE, NULL, VALUE_REQUIRED },
	{ "version", value_scalar, VALUE_NOWHERE, NULL, 0 },
};
static const struct value_shape versioned_shape = VALUE_SHAPE(versioned_fields);

static const struct value_field aws_fields[] = {
	{ "secret_id", value_word, VALUE_NOWHERE, NULL, VALUE_REQUIRED },
	{ "version_id", value_string, VALUE_NOWHERE, NULL, 0 },
	{ "version_stage", value_string, VALUE_NOWHERE, NULL, 0 },
	{ "region", value_string, VALUE_NOWHERE, NULL, 0 },
	{ "role_arn", value_string, VALUE_NOWHERE, NULL, 0 },
	{ "role_session_name", value_string, VALUE_NOWHERE, NULL, 0 },
	{ "field", value_string, VALUE_NOWHERE, NULL, 0 },
};
static const struct value_shape aws_shape = VALUE_SHAPE(aws_fields);

static const struct value_field gitlab_fields[] = {
	{ "name", value_word, VALUE_NOWHERE, NULL, VALUE_REQUIRED },
	{ "source", value_string, VALUE_NOWHERE, NULL, 0 },
};
static const struct value_shape gitlab_shape = VALUE_SHAPE(gitlab_fields);

/* A short form as one string, or the map. */
static void
check_string_or_map(struct reader *r, const struct node *n, const void *arg, void *out)
{
	if (n->kind == NODE_STRING)
		value_word(r, n, NULL, out);
	else if (n->kind == NODE_MAP)
		value_map(r, n, arg, NULL);
	else
		value_expected(r, n, "a string or a map");
}

static const char *const providers[] = { "vault", "gcp_secret_manager", "azure_key_vault",
	"aws_secrets_manager", "gitlab_secrets_manager", NULL };

static const struct value_field secret_fields[] = {
	{ "vault", check_string_or_map, VALUE_NOWHERE, &vault_shape, 0 },
	{ "gcp_secret_manager", value_map, VALUE_NOWHERE, &versioned_shape, 0 },
	{ "azure_key_vault", value_map, VALUE_NOWHERE, &versioned_shape, 0 },
	{ "aws_secrets_manager", check_string_or_map, VALUE_NOWHERE, &aws_shape, 0 },
	{ "gitlab_secrets_manager", value_map, VALUE_NOWHERE, &gitlab_shape, 0 },
	{ "akeyless", value_any_map, VALUE_NOWHERE, NULL, 0 },
	{ "file", value_bool, VALUE_NOWHERE, NULL, 0 },
	{ "token", value_string, VALUE_NOWHERE, NULL, 0 },
};
static const struct value_shape secret_shape = VALUE_SHAPE(secret_fields);

static void
check_secret(struct reader *r, const struct node *n)
{
	size_t count = 0;

	value_map(r, n, &secret_shape, NULL);
	if (n->kind != NODE_MAP)
		return;
	for (size_t i = 0; providers[i] != NULL; i++)
		count += !node_is_null(node_get(n, providers[i]));
	if (count != 1)
		value_error(r, n->mark, "must have exactly one of %s",
		    value_alternatives(r, providers));
}

void
config_check_secrets(
    struct reader *r, const struct node *n, const void *arg UNUSED, void *out UNUSED)
{
	if (n->kind != NODE_MAP) {
		value_expected(r, n, "a map of secrets");
		return;
	}
	for (size_t i = 0; i < n->count; i++) {
		value_enter(r, n->pairs[i].key);
		check_secret(r, n->pairs[i].value);
		value_leave(r);
	}
}
