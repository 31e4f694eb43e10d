/* Each input in turn: its rules, its value or default, and whether that is allowed. */
#include "pipelines/inputs.h"

#include "base/regex.h"
#include "base/str.h"
#include "pipelines/document.h"
#include "pipelines/expr.h"
#include "pipelines/suggest.h"

struct input {
	const char *name;
	const char *type;
	const struct node *spec; /* NULL or a map */
	/* What rules leave of them; NULL: none. */
	const struct node *options;
	struct node *fallback;
	struct mark at;
};

struct resolver {
	const struct inputs_request *request;
	struct arena *arena;
	struct diags *diags;
	struct node *values;
	struct node *known; /* what rules may ask for: these, and all that was given */
	size_t errors;
};

static void PRINTF(4, 5) complain(
    struct resolver *r, const struct input *in, struct mark at, const char *fmt, ...)
{
	cleanup_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	r->errors++;
	diag_error(r->diags, DIAG_LOGIC, at, NULL, "`%s` input: %s", in->name, text);
}

/* ---- rules
 * ---------------------------------------------------------------------------*/

static bool
rule_holds(struct resolver *r, const struct input *in, const struct node *rule)
{
	const struct expr_env env = { .inputs = r->known };
	const struct node *cond = node_get(rule, "if");
	struct error err = ERROR_INIT;
	bool holds = false;

	if (node_is_null(cond))
		return true;
	if (expr_eval_in(cond->text, &env, &holds, &err) < 0)
		complain(r, in, cond->mark, "rules:if %s", err.msg);
	return holds;
}

static void
apply_rules(struct resolver *r, struct input *in)
{
	const struct node *rules = node_get(in->spec, "rules");

	if (!node_is(rules, NODE_LIST))
		return;
	for (size_t i = 0; i < rules->count; i++) {
		if (!rule_holds(r, in, rules->items[i]))
			continue;
		in->options = node_get(rules->items[i], "options");
		in->fallback = node_get(rules->items[i], "default");
		if (node_is_null(in->fallback)) /* the person is to type a value */
			in->fallback = NULL;
		return;
	}
}

/* ---- values
 * --------------------------------------------------------------------------*/

static bool
has_type(const struct node *value, const char *type)
{
	switch (value->kind) {
	case NODE_STRING:
		return str_eq(type, "string");
	case NODE_INT:
	case NODE_FLOAT:
		return str_eq(type, "number");
	case NODE_BOOL:
		return str_eq(type, "boolean");
	case NODE_LIST:
		return str_eq(type, "array");
	case NODE_NULL:
	case NODE_MAP:
	case NODE_REFERENCE:
		break;
	}
	return false;
}

static double
number_of(const struct node *n)
{
	return n->kind == NODE_INT ? (double)n->integer : n->real;
}

static bool
is_option(const struct node *value, const struct node *option)
{
	bool numbers = (value->kind == NODE_INT || value->kind == NODE_FLOAT) &&
	    (option->kind == NODE_INT || option->kind == NODE_FLOAT);

	if (numbers)
		return number_of(value) == number_of(option);
	return value->kind == option->kind && str_eq(value->text, option->text);
}

static void
check_options(
    struct resolver *r, const struct input *in, const struct node *value, struct mark at)
{
	cleanup_buf struct buf list = BUF_INIT;

	if (!node_is(in->options, NODE_LIST))
		return;
	for (size_t i = 0; i < in->options->count; i++) {
		const struct node *option = in->options->items[i];

		if (is_option(value, option))
			return;
		buf_printf(&list, "%s`%s`", i > 0 ? ", " : "", option->text);
	}
	complain(r, in, at,
	    "`%s` cannot be used because it is not in the list of allowed options: %s",
	    value->text, buf_str(&list));
}

static void
check_regex(struct resolver *r, const struct input *in, const struct node *value,
    struct mark at, const char *which)
{
	const struct node *pattern = node_get(in->spec, "regex");
	cleanup_regex struct regex *re = NULL;
	struct error err = ERROR_INIT;
	int rc;

	if (!node_is(pattern, NODE_STRING) || value->kind != NODE_STRING)
		return;
	if (regex_compile(pattern->text, strlen(pattern->text), 0, &re, &err) < 0) {
		complain(r, in, pattern->mark, "invalid regular expression: %s", err.msg);
		return;
	}
	rc = regex_match(re, value->text, strlen(value->text), 0, NULL, 0, &err);
	if (rc < 0)
		complain(r, in, at, "%s value cannot be matched: %s", which, err.msg);
	else if (rc == 0)
		complain(r, in, at, "%s value does not match required RegEx pattern %s",
		    which, pattern->text);
}

/* Of a given value or a default; at: where to say so. */
static void
check_value(struct resolver *r, const struct input *in, const struct node *value,
    struct mark at, const char *which)
{
	const char *article = str_eq(in->type, "array") ? "an" : "a";

	if (value->has_reference) {
		complain(r, in, at, "%s value cannot hold !reference", which);
		return;
	}
	if (!has_type(value, in->type)) {
		complain(r, in, at, "%s value is not %s %s, it is %s", which, article,
		    in->type, node_kind_name(value->kind));
		return;
	}
	check_options(r, in, value, at);
	check_regex(r, in, value, at, which);
}

/* A text from a command line, as the type asks for it. */
static struct node *
from_command_line(struct resolver *r, const struct input *in, struct node *value)
{
	struct diags unheard;
	struct node **documents;
	size_t count;

	if (value->kind != NODE_STRING || value->mark.file != NULL ||
	    str_eq(in->type, "string"))
		return value;
	diags_init(&unheard, r->arena);
	if (yaml_parse(value->text, strlen(value->text), "input", r->arena, &unheard,
		&documents, &count) < 0 ||
	    count != 1)
		return value;
	return documents[0];
}

static void
set_value(struct resolver *r, const struct input *in, struct node *value)
{
	node_set(r->arena, r->values, in->name, in->at, value);
	node_set(r->arena, r->known, in->name, in->at, value);
}

/* Stands for a value that nobody was asked for yet. */
static struct node *
nothing_of(struct resolver *r, const struct input *in)
{
	struct node *n;

	if (str_eq(in->type, "array"))
		return node_new(r->arena, NODE_LIST, in->at);
	if (str_eq(in->type, "string"))
		return node_new_string(r->arena, "", in->at);
	n = node_new(r->arena, str_eq(in->type, "number") ? NODE_INT : NODE_BOOL, in->at);
	node_set_text(r->arena, n, n->kind == NODE_INT ? "0" : "false",
	    n->kind == NODE_INT ? 1 : strlen("false"));
	return n;
}

static void
resolve_input(struct resolver *r, const struct input *in)
{
	struct node *given = node_get(r->request->given, in->name);
	const struct node_pair *pair = node_get_pair(r->request->given, in->name);
	const struct node_pair *fallback = node_get_pair(in->spec, "default");

	if (!node_is_null(given)) {
		given = from_command_line(r, in, given);
		check_value(r, in, given, pair->key_mark, "provided");
		set_value(r, in, given);
	} else if (in->fallback != NULL) {
		check_value(r, in, in->fallback, in->fallback->mark, "default");
		set_value(r, in, in->fallback);
	} else if (fallback != NULL) {
		check_value(r, in, fallback->value, fallback->value->mark, "default");
		set_value(r, in, fallback->value);
	} else if (r->request->is_unasked) {
		set_value(r, in, nothing_of(r, in));
	} else {
		complain(r, in, r->request->at, "required value has not been provided");
	}
}

static void
resolve_pair(struct resolver *r, const struct node_pair *pair)
{
	const struct node *type = node_get(pair->value, "type");
	struct input in = {
		.name = pair->key,
		.type = node_is(type, NODE_STRING) ? type->text : "string",
		.spec = pair->value,
		.options = node_get(pair->value, "options"),
		.at = pair->key_mark,
	};

	apply_rules(r, &in);
	resolve_input(r, &in);
}

/* ---- all of them
 * ---------------------------------------------------------------------*/

static void
check_unknown(struct resolver *r)
{
	const struct node *given = r->request->given;

	for (size_t i = 0; given != NULL && i < given->count; i++) {
		const struct node_pair *pair = &given->pairs[i];

		if (node_get_pair(r->request->spec, pair->key) != NULL)
			continue;
		r->errors++;
		diag_error(r->diags, DIAG_LOGIC, pair->key_mark, NULL,
		    "unknown input arguments: %s%s", pair->key,
		    suggest_key(r->diags, r->request->spec, pair->key));
	}
}

struct node *
inputs_resolve(
    const struct inputs_request *request, struct arena *arena, struct diags *diags)
{
	struct resolver r = { .request = request,
		.arena = arena,
		.diags = diags,
		.values = node_new(arena, NODE_MAP, request->at),
		.known = request->given != NULL
		    ? node_copy(arena, request->given)
		    : node_new(arena, NODE_MAP, request->at) };

	if (request->spec != NULL && request->spec->count > INPUTS_MAX) {
		diag_error(diags, DIAG_SHAPE, request->spec->mark, NULL,
		    "spec:inputs has %zu inputs, at most %d are allowed",
		    request->spec->count, INPUTS_MAX);
		return NULL;
	}
	check_unknown(&r);
	for (size_t i = 0; request->spec != NULL && i < request->spec->count; i++)
		resolve_pair(&r, &request->spec->pairs[i]);
	return r.errors > 0 ? NULL : r.values;
}
