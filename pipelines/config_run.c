/* run: a list of steps, an experiment of the language; checked only. */
#include "pipelines/config_read.h"

static const struct value_field git_fields[] = {
	{ "url", value_word, VALUE_NOWHERE, NULL, VALUE_REQUIRED },
	{ "rev", value_word, VALUE_NOWHERE, NULL, VALUE_REQUIRED },
	{ "dir", value_word, VALUE_NOWHERE, NULL, 0 },
	{ "file", value_word, VALUE_NOWHERE, NULL, 0 },
};
static const struct value_shape git_shape = VALUE_SHAPE(git_fields);

static const struct value_field oci_fields[] = {
	{ "registry", value_word, VALUE_NOWHERE, NULL, VALUE_REQUIRED },
	{ "repository", value_word, VALUE_NOWHERE, NULL, VALUE_REQUIRED },
	{ "tag", value_scalar, VALUE_NOWHERE, NULL, VALUE_REQUIRED },
	{ "dir", value_word, VALUE_NOWHERE, NULL, 0 },
	{ "file", value_word, VALUE_NOWHERE, NULL, 0 },
};
static const struct value_shape oci_shape = VALUE_SHAPE(oci_fields);

static const struct value_field reference_fields[] = {
	{ "git", value_map, VALUE_NOWHERE, &git_shape, 0 },
	{ "oci", value_map, VALUE_NOWHERE, &oci_shape, 0 },
};
static const struct value_shape reference_shape = VALUE_SHAPE(reference_fields);

static void
check_reference(struct reader *r, const struct node *n, const void *arg, void *out)
{
	if (n->kind == NODE_MAP) {
		value_map(r, n, arg, NULL);
		if (node_is_null(node_get(n, "git")) == node_is_null(node_get(n, "oci")))
			value_error(r, n->mark, "must have one of `git` or `oci`");
	} else if (n->kind == NODE_STRING) {
		value_word(r, n, NULL, out);
	} else {
		value_expected(r, n, "a string, or a map with `git` or `oci`");
	}
}

static const struct value_field step_fields[] = {
	{ "name", value_word, VALUE_NOWHERE, NULL, VALUE_REQUIRED },
	{ "script", value_word, VALUE_NOWHERE, NULL, 0 },
	{ "step", check_reference, VALUE_NOWHERE, &reference_shape, 0 },
	{ "action", value_word, VALUE_NOWHERE, NULL, 0 },
	{ "env", value_scalar_map, VALUE_NOWHERE, NULL, 0 },
	{ "inputs", value_any_map, VALUE_NOWHERE, NULL, 0 },
};
static const struct value_shape step_shape = VALUE_SHAPE(step_fields);

static void
check_step(struct reader *r, const struct node *n)
{
	static const char *const kinds[] = { "script", "step", "action", NULL };
	size_t count = 0;

	value_map(r, n, &step_shape, NULL);
	if (n->kind != NODE_MAP)
		return;
	for (size_t i = 0; kinds[i] != NULL; i++)
		count += !node_is_null(node_get(n, kinds[i]));
	if (count != 1)
		value_error(r, n->mark, "must have exactly one of %s in each step",
		    value_alternatives(r, kinds));
	if (!node_is_null(node_get(n, "script")) && !node_is_null(node_get(n, "inputs")))
		value_error(r, n->mark,
		    "has a step with `script` and `inputs`; a script has no inputs, use "
		    "`env`");
}

void
config_check_run(
    struct reader *r, const struct node *n, const void *arg UNUSED, void *out UNUSED)
{
	if (n->kind != NODE_LIST) {
		value_error(r, n->mark,
		    "must be a list of steps, each with a `name`, not %s",
		    node_kind_name(n->kind));
		return;
	}
	if (n->count == 0)
		value_error(r, n->mark, "must not be empty");
	for (size_t i = 0; i < n->count; i++)
		check_step(r, n->items[i]);
}
