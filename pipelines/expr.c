/* Expressions: what a tree is worth, for given variables. */
#include "pipelines/expr.h"

#include "base/str.h"
#include "pipelines/expr_tree.h"
#include "pipelines/vars_ref.h"

enum value_kind { VALUE_NULL, VALUE_BOOL, VALUE_TEXT, VALUE_PATTERN };

struct value {
	enum value_kind kind;
	bool truth;
	const char *text; /* of a pattern: between its slashes */
	size_t len;
	unsigned flags;
};

struct eval {
	const struct expr_tree *tree;
	const struct expr_env *env;
	bool failed; /* a pattern could not be used: all is false */
};

static struct value
value_bool(bool truth)
{
	return (struct value){ .kind = VALUE_BOOL, .truth = truth };
}

static struct value
value_text(const char *text, size_t len)
{
	return (struct value){ .kind = VALUE_TEXT, .text = text, .len = len };
}

/* A boolean compares and matches as its word. */
static struct value
as_text(struct value v)
{
	if (v.kind == VALUE_BOOL)
		return v.truth ? value_text("true", 4) : value_text("false", 5);
	if (v.kind == VALUE_NULL)
		return value_text("", 0);
	return v;
}

/* What && and || look at: an empty text is as good as any. */
static bool
is_given(struct value v)
{
	return v.kind != VALUE_NULL && (v.kind != VALUE_BOOL || v.truth);
}

static bool
is_blank(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] != ' ' && (text[i] < '\t' || text[i] > '\r'))
			return false;
	return true;
}

/* What the whole and `!` look at: a blank text is false. */
static bool
is_true(struct value v)
{
	return is_given(v) && (v.kind != VALUE_TEXT || !is_blank(v.text, v.len));
}

static bool
are_equal(struct value a, struct value b)
{
	if (a.kind == VALUE_NULL || b.kind == VALUE_NULL)
		return a.kind == b.kind;
	a = as_text(a);
	b = as_text(b);
	return a.kind == b.kind && a.flags == b.flags && a.len == b.len &&
	    memcmp(a.text, b.text, a.len) == 0;
}

/* ---- matching -------------------------------------------------------------------------
 */

static bool
match_pattern(struct eval *e, struct value text, const struct regex_literal *pattern)
{
	cleanup_regex struct regex *own = NULL;
	struct regex *re = NULL;
	struct error err = ERROR_INIT;
	int rc;

	if (e->env->regexes != NULL)
		rc = regex_cache_get(e->env->regexes, pattern->pattern, pattern->len,
		    pattern->flags, &re, &err);
	else {
		rc = regex_compile(
		    pattern->pattern, pattern->len, pattern->flags, &own, &err);
		re = own;
	}
	if (rc == 0)
		rc = regex_match(re, text.text, text.len, 0, NULL, 0, &err);
	if (rc < 0) {
		e->failed = true;
		if (e->env->problem != NULL)
			*e->env->problem = err;
	}
	return rc == 1;
}

/* A text on the right that is no /pattern/ is where the left one is looked for. */
static bool
matches(struct eval *e, struct value left, struct value right)
{
	struct regex_literal pattern = { right.text, right.len, right.flags };

	left = as_text(left);
	if (!is_given(right))
		return false;
	right = as_text(right);
	if (right.kind == VALUE_PATTERN || regex_split(right.text, right.len, &pattern))
		return match_pattern(e, left, &pattern);
	return memmem(right.text, right.len, left.text, left.len) != NULL;
}

/* ---- the tree -------------------------------------------------------------------------
 */

static struct value
variable_value(const struct vars *vars, const struct expr_token *token)
{
	const struct var *var =
	    vars == NULL ? NULL : vars_find(vars, token->text, token->len);

	if (var == NULL)
		return (struct value){ .kind = VALUE_NULL };
	return value_text(var->value, strlen(var->value));
}

/* Inputs are few: they are searched, not looked up. */
static struct value
input_value(const struct node *inputs, const struct expr_token *token)
{
	if (inputs == NULL || inputs->kind != NODE_MAP)
		return (struct value){ .kind = VALUE_NULL };
	for (size_t i = 0; i < inputs->count; i++) {
		const struct node *value = inputs->pairs[i].value;

		if (!vars_name_is(inputs->pairs[i].key, token->text, token->len))
			continue;
		if (node_is_null(value) || !node_is_scalar(value))
			break;
		if (value->kind == NODE_BOOL)
			return value_bool(value->boolean);
		return value_text(value->text, strlen(value->text));
	}
	return (struct value){ .kind = VALUE_NULL };
}

static struct value
operand_value(const struct eval *e, const struct expr_token *token)
{
	switch (token->kind) {
	case EXPR_TRUE:
	case EXPR_FALSE:
		return value_bool(token->kind == EXPR_TRUE);
	case EXPR_STRING:
		return value_text(token->text, token->len);
	case EXPR_PATTERN:
		return (struct value){ .kind = VALUE_PATTERN,
			.text = token->text,
			.len = token->len,
			.flags = token->flags };
	case EXPR_VARIABLE:
		return variable_value(e->env->vars, token);
	case EXPR_INPUT:
		return input_value(e->env->inputs, token);
	case EXPR_NULL:
	case EXPR_NOT:
	case EXPR_EQUAL:
	case EXPR_NOT_EQUAL:
	case EXPR_MATCH:
	case EXPR_NOT_MATCH:
	case EXPR_AND:
	case EXPR_OR:
	case EXPR_OPEN:
	case EXPR_CLOSE:
	case EXPR_END:
		break;
	}
	return (struct value){ .kind = VALUE_NULL };
}

/* As deep as the tree, which has EXPR_MAX_TOKENS nodes at most. */
static struct value
evaluate(struct eval *e, uint8_t at)
{
	const struct expr_node *n = &e->tree->nodes[at];
	enum expr_kind kind = n->token.kind;
	struct value left, right;

	if (kind < EXPR_NOT)
		return operand_value(e, &n->token);
	left = evaluate(e, n->left);
	if (kind == EXPR_NOT)
		return value_bool(!is_true(left));
	if ((kind == EXPR_AND && !is_given(left)) || (kind == EXPR_OR && is_given(left)))
		return left;
	right = evaluate(e, n->right);
	if (kind == EXPR_AND || kind == EXPR_OR)
		return right;
	if (kind == EXPR_EQUAL || kind == EXPR_NOT_EQUAL)
		return value_bool(are_equal(left, right) == (kind == EXPR_EQUAL));
	return value_bool(matches(e, left, right) == (kind == EXPR_MATCH));
}

/* ---- what others call
 * ------------------------------------------------------------------- */

int
expr_check_cached(const char *text, struct regex_cache *regexes, struct error *err)
{
	struct expr_tree tree;

	return expr_parse(text, regexes, &tree, err);
}

int
expr_check(const char *text, struct error *err)
{
	return expr_check_cached(text, NULL, err);
}

int
expr_eval_in(const char *text, const struct expr_env *env, bool *out, struct error *err)
{
	struct expr_tree tree;
	struct eval e = { .tree = &tree, .env = env };
	bool truth;

	if (expr_parse(text, env->regexes, &tree, err) < 0)
		return ERR_INVALID;
	truth = is_true(evaluate(&e, tree.root));
	*out = truth && !e.failed;
	return 0;
}

int
expr_eval(const char *text, const struct vars *vars, bool *out, struct error *err)
{
	struct expr_env env = { .vars = vars };

	return expr_eval_in(text, &env, out, err);
}

static bool
is_listed(const char *const *names, size_t count, const struct expr_token *token)
{
	for (size_t i = 0; i < count; i++)
		if (vars_name_is(names[i], token->text, token->len))
			return true;
	return false;
}

size_t
expr_names(const char *text, struct arena *a, const char *const **names)
{
	const char **list = arena_calloc(a, EXPR_MAX_TOKENS, sizeof(*list));
	struct expr_token token = { .start = text };
	size_t count = 0;

	for (size_t i = 0; i < EXPR_MAX_TOKENS; i++) {
		if (expr_scan(text, token.start + token.length, &token, NULL) < 0 ||
		    token.kind == EXPR_END)
			break;
		if (token.kind == EXPR_VARIABLE && !is_listed(list, count, &token))
			list[count++] = arena_strndup(a, token.text, token.len);
	}
	*names = list;
	return count;
}
