/*
 * rules: the first whose clauses all hold decides. What each rule came to is kept, so
 * that `pawl why` can tell it step by step.
 */
#include "pipelines/rules.h"

#include "pipelines/expr.h"

/* A condition's answer for given values. */
struct answer {
	bool holds;
	struct why_value *values; /* of the variables in it */
	size_t value_count;
};

struct names {
	const char *const *items;
	size_t count;
};

/* The variables in an expression. */
static const struct names *
names_in(struct rules_context *ctx, const char *cond)
{
	struct names *names = map_get(&ctx->names, cond);

	if (names == NULL) {
		names = arena_alloc(ctx->arena, sizeof(*names));
		names->count = expr_names(cond, ctx->arena, &names->items);
		map_set(&ctx->names, cond, names);
	}
	return names;
}

/* A text with its length before it, in bytes that are not 0. */
static void
add_key(struct buf *key, const char *text)
{
	size_t len = strlen(text);

	for (size_t n = len; n > 0; n >>= 7)
		buf_add_char(key, (char)(0x80 | (n & 0x7f)));
	buf_add(key, text, len);
}

/* What the answer depends on: the expression and the values it asks for. */
static void
condition_key(
    struct buf *key, const char *cond, const struct names *names, const struct vars *vars)
{
	add_key(key, cond);
	for (size_t i = 0; i < names->count; i++) {
		const struct var *var = vars_get(vars, names->items[i]);

		buf_add_str(key, var == NULL ? "-" : var->masked ? "*" : "=");
		if (var != NULL)
			add_key(key, var->value);
	}
}

static struct answer *
find_answer(struct rules_context *ctx, const char *cond, const struct names *names,
    const struct vars *vars)
{
	const struct expr_env env = { .vars = vars, .regexes = &ctx->regexes };
	struct answer *answer = arena_alloc(ctx->arena, sizeof(*answer));

	/* one that cannot be evaluated counts as false; lint has told of it before */
	if (expr_eval_in(cond, &env, &answer->holds, NULL) < 0)
		answer->holds = false;
	answer->values = arena_calloc(ctx->arena, names->count, sizeof(*answer->values));
	for (size_t i = 0; i < names->count; i++) {
		const struct var *var = vars_get(vars, names->items[i]);
		struct why_value *value = &answer->values[answer->value_count++];

		value->name = names->items[i];
		if (var != NULL) /* a secret that decided is named, not shown */
			value->value = var->masked ? "[MASKED]" : var->value;
	}
	return answer;
}

/* `if` of one rule. Jobs that extend one template mostly share the answer. */
static void
ask_condition(struct rules_context *ctx, const struct rule *rule, const struct vars *vars,
    struct why_step *step)
{
	const struct names *names = names_in(ctx, rule->cond);
	struct answer *answer;

	buf_reset(&ctx->key);
	condition_key(&ctx->key, rule->cond, names, vars);
	answer = map_get(&ctx->answers, buf_str(&ctx->key));
	if (answer == NULL) {
		answer = find_answer(ctx, rule->cond, names, vars);
		if (ctx->key.len <= RULES_MAX_KEY && ctx->answers.live < RULES_MAX_KEPT)
			map_set(&ctx->answers, buf_str(&ctx->key), answer);
	}
	step->cond = answer->holds ? CLAUSE_TRUE : CLAUSE_FALSE;
	step->values = answer->values;
	step->value_count = answer->value_count;
}

static int
ask_rule(struct rules_context *ctx, const struct rule *rule, const struct vars *vars,
    struct why_step *step, struct error *err)
{
	bool holds = true;

	step->rule = rule;
	step->changes = rule->changes.present ? CLAUSE_NOT_ASKED : CLAUSE_ABSENT;
	step->exists = rule->exists.present ? CLAUSE_NOT_ASKED : CLAUSE_ABSENT;
	if (rule->cond != NULL)
		ask_condition(ctx, rule, vars, step);
	if (step->cond == CLAUSE_FALSE)
		return 0;
	if (rule->changes.present) {
		if (rules_changes_hold(ctx, &rule->changes, vars, &holds, err) < 0)
			return err->code;
		step->changes = holds ? CLAUSE_TRUE : CLAUSE_FALSE;
	}
	if (!holds || !rule->exists.present)
		return 0;
	if (rules_exists_hold(ctx, &rule->exists, vars, &holds, err) < 0)
		return err->code;
	step->exists = holds ? CLAUSE_TRUE : CLAUSE_FALSE;
	return 0;
}

static bool
has_value(const struct why_value *values, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(values[i].name, name) == 0)
			return true;
	return false;
}

/* Without a match every value looked at decided; with one, those of its rule. */
static void
collect_values(struct arena *arena, struct why *why)
{
	size_t total = 0;

	for (size_t i = 0; i < why->step_count; i++)
		total += why->steps[i].value_count;
	if (total > RULES_MAX_VALUES)
		total = RULES_MAX_VALUES;
	why->values = arena_calloc(arena, total, sizeof(*why->values));
	for (size_t i = 0; i < why->step_count; i++) {
		const struct why_step *step = &why->steps[i];

		for (size_t k = 0; k < step->value_count; k++)
			if (why->value_count < total &&
			    !has_value(
				why->values, why->value_count, step->values[k].name))
				why->values[why->value_count++] = step->values[k];
	}
}

/* The clauses that held, as a phrase. */
static const char *
describe(struct arena *arena, const struct why_step *step)
{
	const char *text = step->rule->cond;

	if (step->changes == CLAUSE_TRUE)
		text = arena_printf(arena, "%s%s", text == NULL ? "" : text,
		    text == NULL ? "a changed path fits" : ", and a changed path fits");
	if (step->exists == CLAUSE_TRUE)
		text = arena_printf(arena, "%s%s", text == NULL ? "" : text,
		    text == NULL ? "a file exists" : ", and a file exists");
	return text == NULL ? "it has no condition" : text;
}

static void
set_match(struct arena *arena, struct why *why, const struct rule *rule, size_t count)
{
	const struct why_step *step = &why->steps[why->step_count - 1];
	bool never = rule->has_when && rule->when == WHEN_NEVER;

	why->code = never ? WHY_RULE_NEVER : WHY_RULE_MATCHED;
	why->at = rule->at;
	why->rule = (int)why->step_count - 1;
	why->values = step->values;
	why->value_count = step->value_count;
	why->text = arena_printf(arena, "rule %zu of %zu matched%s: %s", why->step_count,
	    count, never ? " and says never" : "", describe(arena, step));
}

static void
set_no_match(struct arena *arena, struct why *why, size_t count)
{
	collect_values(arena, why);
	if (count == 0)
		why->text = "`rules` is empty, so that none can match";
	else if (count == 1)
		why->text = "its only rule did not match";
	else
		why->text = arena_printf(arena, "none of its %zu rules matched", count);
}

/* Asks one rule after the other, into ctx->steps; returns the index of the first that
 * matches, or their count. */
static int
ask_rules(struct rules_context *ctx, const struct rules *rules, const struct vars *vars,
    size_t *first, struct error *err)
{
	size_t i;

	for (i = 0; i < rules->count; i++) {
		int rc;

		*first = i;
		if (++ctx->asked > RULES_MAX_ASKED)
			return error_set(err, ERR_LIMIT,
			    "more than %d rules had to be looked at for this pipeline",
			    RULES_MAX_ASKED);
		GROW(ctx->steps, i, ctx->step_cap);
		ctx->steps[i] = (struct why_step){ .rule = NULL };
		rc = ask_rule(ctx, &rules->items[i], vars, &ctx->steps[i], err);
		if (rc < 0)
			return rc;
		if (why_step_matched(&ctx->steps[i]))
			break;
	}
	*first = i;
	return 0;
}

int
rules_first_match(struct rules_context *ctx, const struct rules *rules,
    const struct vars *vars, const struct rule **matched, struct why *why,
    struct error *err)
{
	struct error failure = ERROR_INIT;
	size_t first = 0;

	if (ask_rules(ctx, rules, vars, &first, &failure) < 0) {
		why->at = rules->items[first].at;
		return error_set(err, failure.code, "%s", failure.msg);
	}
	*why = (struct why){ .code = WHY_NO_RULE_MATCHED, .rule = -1 };
	why->step_count = first < rules->count ? first + 1 : rules->count;
	why->steps =
	    arena_memdup(ctx->arena, ctx->steps, why->step_count * sizeof(*why->steps));
	if (first < rules->count)
		set_match(ctx->arena, why, &rules->items[first], rules->count);
	else
		set_no_match(ctx->arena, why, rules->count);
	*matched = first < rules->count ? &rules->items[first] : NULL;
	return 0;
}

void
rules_context_clear(struct rules_context *ctx)
{
	map_clear(&ctx->clauses);
	map_clear(&ctx->names);
	map_clear(&ctx->answers);
	buf_clear(&ctx->key);
	regex_cache_clear(&ctx->regexes);
	free(ctx->steps);
	ctx->steps = NULL;
}
