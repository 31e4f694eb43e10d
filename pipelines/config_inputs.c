/*
 * `spec:` as far as its shape goes, where it stands in the document itself, and the
 * `inputs` of a job, which have the same form. Values are not looked at here.
 */
#include "base/str.h"
#include "pipelines/config_read.h"

static const char *const types[] = { "string", "number", "boolean", "array", NULL };

static bool
fits(const struct node *n, const char *type)
{
	if (str_eq(type, "string"))
		return n->kind == NODE_STRING;
	if (str_eq(type, "number"))
		return n->kind == NODE_INT || n->kind == NODE_FLOAT;
	if (str_eq(type, "boolean"))
		return n->kind == NODE_BOOL;
	return n->kind == NODE_LIST;
}

static void
check_option_list(
    struct reader *r, const struct node *n, const void *arg UNUSED, void *out UNUSED)
{
	if (n->kind != NODE_LIST || n->count == 0) {
		value_expected(r, n, "a list of values with at least one");
		return;
	}
	if (n->count > 50)
		value_error(
		    r, n->mark, "has %zu entries, at most 50 are allowed", n->count);
	for (size_t i = 0; i < n->count; i++)
		if (!node_is_scalar(n->items[i]))
			value_error(r, n->items[i]->mark,
			    "must be strings or numbers, but an entry is %s",
			    node_kind_name(n->items[i]->kind));
}

static const struct value_field rule_fields[] = {
	{ "if", value_string, VALUE_NOWHERE, NULL, 0 },
	{ "options", check_option_list, VALUE_NOWHERE, NULL, 0 },
	{ "default", value_node, VALUE_NOWHERE, NULL, 0 },
};
static const struct value_shape rule_shape = VALUE_SHAPE(rule_fields);

static void
check_rules(struct reader *r, const struct node *n, const void *arg, void *out UNUSED)
{
	if (n->kind != NODE_LIST) {
		value_expected(r, n, "a list of maps");
		return;
	}
	for (size_t i = 0; i < n->count; i++) {
		value_map(r, n->items[i], arg, NULL);
		if (node_get(n->items[i], "options") != NULL &&
		    node_get(n->items[i], "default") == NULL)
			value_error(r, n->items[i]->mark,
			    "has `options` without `default`; say which is meant when "
			    "nothing is given");
	}
}

static const struct value_field input_fields[] = {
	{ "type", value_choice, 0, types, 0 },
	{ "default", value_node, VALUE_NOWHERE, NULL, 0 },
	{ "options", check_option_list, VALUE_NOWHERE, NULL, 0 },
	{ "regex", value_string, VALUE_NOWHERE, NULL, 0 },
	{ "description", value_string, VALUE_NOWHERE, NULL, 0 },
	{ "rules", check_rules, VALUE_NOWHERE, &rule_shape, 0 },
};
static const struct value_shape input_shape = VALUE_SHAPE(input_fields);

static void
check_default(struct reader *r, const struct node *n, const char *type)
{
	const struct node *value = node_get(n, "default");
	const struct node *options = node_get(n, "options");

	if (node_is_null(value))
		return;
	if (!fits(value, type)) {
		value_error(r, value->mark,
		    "has a default that is %s, but its type is %s",
		    node_kind_name(value->kind), type);
		return;
	}
	if (!node_is(options, NODE_LIST) || !node_is_scalar(value))
		return;
	for (size_t i = 0; i < options->count; i++)
		if (str_eq(options->items[i]->text, value->text))
			return;
	value_error(r, value->mark,
	    "has the default \"%s\", which is not among its options", value->text);
}

static void
check_input(struct reader *r, const struct node *n, bool default_required)
{
	const char *type = "string";

	if (!node_is_null(n))
		value_map(r, n, &input_shape, &type);
	if (default_required && node_get(n, "default") == NULL)
		value_error(r, n->mark, "must have a `default`");
	if (!node_is(n, NODE_MAP))
		return;
	check_default(r, n, type);
	if (node_get(n, "rules") != NULL &&
	    (node_get(n, "options") != NULL || node_get(n, "default") != NULL))
		value_error(r, n->mark,
		    "has `rules` beside `options` or `default`; move those into the rules");
	if (node_get(n, "regex") != NULL && !str_eq(type, "string"))
		value_error(r, n->mark,
		    "has `regex`, which is for strings, but its type is %s", type);
	if (node_get(n, "options") != NULL &&
	    (str_eq(type, "boolean") || str_eq(type, "array")))
		value_error(r, n->mark,
		    "has `options`, which are for strings and numbers, but its type is %s",
		    type);
}

static void
check_inputs(struct reader *r, const struct node *n, bool default_required)
{
	if (n->kind != NODE_MAP) {
		value_expected(r, n, "a map of names and inputs");
		return;
	}
	for (size_t i = 0; i < n->count; i++) {
		const char *name = n->pairs[i].key;

		value_enter(r, name);
		if (*name == '\0' ||
		    name[strspn(name,
			"abcdefghijklmnopqrstuvwxyz"
			"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			"0123456789_-")] != '\0')
			value_error(r, n->pairs[i].key_mark,
			    "is no name for an input; use letters, digits, `_` and `-`");
		check_input(r, n->pairs[i].value, default_required);
		value_leave(r);
	}
}

void
config_check_job_inputs(
    struct reader *r, const struct node *n, const void *arg UNUSED, void *out UNUSED)
{
	check_inputs(r, n, true);
}

static void
check_spec_inputs(
    struct reader *r, const struct node *n, const void *arg UNUSED, void *out UNUSED)
{
	check_inputs(r, n, false);
}

static const struct value_field include_fields[] = {
	{ "local", value_word, VALUE_NOWHERE, NULL, 0 },
	{ "remote", value_word, VALUE_NOWHERE, NULL, 0 },
	{ "project", value_word, VALUE_NOWHERE, NULL, 0 },
	{ "file", value_one_or_strings, VALUE_NOWHERE, NULL, 0 },
	{ "ref", value_word, VALUE_NOWHERE, NULL, 0 },
	{ "integrity", value_word, VALUE_NOWHERE, NULL, 0 },
};
static const struct value_shape include_shape = VALUE_SHAPE(include_fields);

static void
check_includes(struct reader *r, const struct node *n, const void *arg, void *out UNUSED)
{
	if (n->kind != NODE_LIST)
		value_map(r, n, arg, NULL);
	else
		for (size_t i = 0; i < n->count; i++)
			value_map(r, n->items[i], arg, NULL);
}

static const char *const component_words[] = { "name", "sha", "version", "reference",
	NULL };

static const struct value_field spec_fields[] = {
	{ "inputs", check_spec_inputs, VALUE_NOWHERE, NULL, 0 },
	{ "include", check_includes, VALUE_NOWHERE, &include_shape, 0 },
	{ "component", value_choices, VALUE_NOWHERE, component_words, 0 },
	{ "description", value_string, VALUE_NOWHERE, NULL, 0 },
};
static const struct value_shape spec_shape = VALUE_SHAPE(spec_fields);

void
config_check_spec(
    struct reader *r, const struct node *n, const void *arg UNUSED, void *out UNUSED)
{
	value_map(r, n, &spec_shape, NULL);
}
