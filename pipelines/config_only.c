/* only and except, the older way to say when a job is in a pipeline. */
#include "base/regex.h"
#include "base/str.h"
#include "pipelines/config_read.h"
#include "pipelines/expr.h"

/* `/regex/flags`, alone or with `@group/project` behind it. */
static void
check_ref(struct reader *r, const struct node *n)
{
	const char *at = strrchr(n->text, '@');
	size_t len = strlen(n->text);
	struct regex_literal literal;
	cleanup_regex struct regex *re = NULL;
	struct error err = ERROR_INIT;

	if (*n->text != '/')
		return;
	if (at != NULL && !regex_split(n->text, len, &literal))
		len = (size_t)(at - n->text);
	if (!regex_split(n->text, len, &literal))
		value_error(r, n->mark,
		    "has the pattern %s, which lacks the slash at its end; `\\/` is a "
		    "slash inside",
		    n->text);
	else if (regex_compile(literal.pattern, literal.len, literal.flags, &re, &err) <
	    0)
		value_error(
		    r, n->mark, "has the invalid pattern %s: %s", n->text, err.msg);
}

static void
read_refs(struct reader *r, const struct node *n, const void *arg, void *out)
{
	struct ref_policy *policy = out;

	policy->has_refs = true;
	value_strings(r, n, arg, &policy->refs);
	if (n->kind != NODE_LIST)
		return;
	for (size_t i = 0; i < n->count; i++)
		if (n->items[i]->kind == NODE_STRING)
			check_ref(r, n->items[i]);
}

static void
read_expressions(struct reader *r, const struct node *n, const void *arg, void *out)
{
	value_strings(r, n, arg, out);
	if (n->kind != NODE_LIST)
		return;
	for (size_t i = 0; i < n->count; i++) {
		const struct node *item = n->items[i];
		struct error err = ERROR_INIT;

		if (item->kind == NODE_STRING && expr_check(item->text, &err) < 0)
			value_error(r, item->mark, "has %s", err.msg);
	}
}

static void
read_kubernetes(struct reader *r, const struct node *n, const void *arg, void *out)
{
	const char *word = NULL;

	value_choice(r, n, arg, &word);
	*(bool *)out = word != NULL;
}

static const char *const kubernetes_words[] = { "active", NULL };

#define POLICY(field) offsetof(struct ref_policy, field)

static const struct value_field policy_fields[] = {
	{ "refs", read_refs, 0, NULL, 0 },
	{ "variables", read_expressions, POLICY(variables), NULL, 0 },
	{ "changes", value_strings, POLICY(changes), NULL, 0 },
	{ "kubernetes", read_kubernetes, POLICY(kubernetes), kubernetes_words, 0 },
};
static const struct value_shape policy_shape = VALUE_SHAPE(policy_fields);

void
config_read_policy(
    struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	struct ref_policy policy = { .present = true, .at = n->mark };

	if (n->kind == NODE_LIST)
		read_refs(r, n, NULL, &policy);
	else if (n->kind == NODE_MAP)
		value_map(r, n, &policy_shape, &policy);
	else
		value_expected(r, n, "a list of refs or a map");
	*(struct ref_policy *)out = policy;
}
