/* variables: at the top level, in jobs, rules and services. */
#include "base/str.h"
#include "pipelines/config_read.h"
#include "pipelines/vars.h"

const struct variables_kind variables_top = { .maps = true, .prefill = true };
const struct variables_kind variables_job = { .maps = true };
const struct variables_kind variables_plain = { .maps = false };

static void
read_expand(struct reader *r, const struct node *n, const void *arg, void *out)
{
	bool expand = true;

	value_bool(r, n, arg, &expand);
	((struct config_var *)out)->raw = !expand;
}

static const struct value_limits some = { .min = 1 };

#define VAR(field) offsetof(struct config_var, field)

static const struct value_field top_fields[] = {
	{ "value", value_scalar, VAR(value), NULL, 0 },
	{ "description", value_string, VAR(description), NULL, 0 },
	{ "expand", read_expand, 0, NULL, 0 },
	{ "options", value_strings, VAR(options), &some, 0 },
};
static const struct value_shape top_shape = VALUE_SHAPE(top_fields);

static const struct value_field job_fields[] = {
	{ "value", value_scalar, VAR(value), NULL, 0 },
	{ "expand", read_expand, 0, NULL, 0 },
};
static const struct value_shape job_shape = VALUE_SHAPE(job_fields);

static void
check_options(struct reader *r, const struct node *n, const struct config_var *var)
{
	const struct node *value = node_get(n, "value");

	if (var->options.count == 0)
		return;
	if (node_is_null(value)) {
		value_error(r, n->mark, "has `options` but no `value`; name the default");
		return;
	}
	for (size_t i = 0; i < var->options.count; i++)
		if (str_eq(var->options.items[i], var->value))
			return;
	value_error(r, value->mark,
	    "has the value \"%s\", which is not among its `options`", var->value);
}

static void
read_map(struct reader *r, const struct node *n, const struct variables_kind *kind,
    struct config_var *var)
{
	if (!kind->maps) {
		value_error(r, n->mark,
		    "must be a string or number here; `value`, `expand` and the like "
		    "are for the variables of jobs and of the top level");
		return;
	}
	value_map(r, n, kind->prefill ? &top_shape : &job_shape, var);
	check_options(r, n, var);
}

static void
read_one(struct reader *r, const struct node_pair *pair,
    const struct variables_kind *kind, struct config_var *var)
{
	const struct node *n = pair->value;

	*var =
	    (struct config_var){ .name = pair->key, .value = "", .at = pair->key_mark };
	value_enter(r, pair->key);
	if (!vars_is_name(pair->key, strlen(pair->key)))
		value_report(r, DIAG_WARNING, DIAG_SHAPE, pair->key_mark,
		    "%s: a variable's name should have letters, digits and _ only; shells "
		    "cannot read this one",
		    value_path(r));
	if (n->kind == NODE_MAP)
		read_map(r, n, kind, var);
	else if (node_is_scalar(n))
		var->value = n->text;
	else if (n->kind == NODE_LIST)
		value_expected(r, n, "a string or number");
	value_leave(r);
}

void
config_read_variables(struct reader *r, const struct node *n, const void *arg, void *out)
{
	struct config_vars vars = { 0 };

	if (n->kind != NODE_MAP) {
		value_expected(r, n, "a map of names and values");
		return;
	}
	vars.count = n->count;
	vars.items = arena_calloc(r->arena, n->count, sizeof(*vars.items));
	for (size_t i = 0; i < n->count; i++)
		read_one(r, &n->pairs[i], arg, &vars.items[i]);
	*(struct config_vars *)out = vars;
}
