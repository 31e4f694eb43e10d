/* Rules of includes: fewer keys than those of jobs, and variables known so early. */
#include "pipelines/include_rules.h"

#include "base/str.h"
#include "pipelines/expr.h"
#include "pipelines/rules.h"
#include "pipelines/suggest.h"

#define MAX_ENTRIES 50

struct asker {
	struct loader *l;
	const struct source *from;
	const struct node *rule;
	struct rules_context ctx;
	bool ok; /* no finding so far */
};

static const char *const rule_keys[] = { "if", "exists", "changes", "when", NULL };

static void PRINTF(3, 4) complain(struct asker *a, struct mark at, const char *fmt, ...)
{
	cleanup_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	a->ok = false;
	diag_error(a->l->diags, DIAG_SHAPE, at, NULL, "include:rules: %s", text);
}

/* ---- shape
 * ---------------------------------------------------------------------------*/

/* Texts of a list into an array; lists in it are flattened one level. */
static void
read_paths(struct asker *a, const char *key, const struct node *n, struct strs *out)
{
	if (!node_is(n, NODE_LIST)) {
		complain(a, n->mark, "%s should be an array of strings", key);
		return;
	}
	if (n->count > MAX_ENTRIES)
		complain(
		    a, n->mark, "%s has too many entries (maximum %d)", key, MAX_ENTRIES);
	out->items = arena_calloc(a->l->arena, n->count, sizeof(char *));
	for (size_t i = 0; i < n->count; i++) {
		if (node_is(n->items[i], NODE_STRING))
			out->items[out->count++] = n->items[i]->text;
		else
			complain(a, n->items[i]->mark,
			    "%s should be an array of strings, but has %s", key,
			    node_kind_name(n->items[i]->kind));
	}
}

static const char *
read_word(struct asker *a, const struct node *map, const char *key)
{
	const struct node *n = node_get(map, key);

	if (node_is_null(n))
		return NULL;
	if (n->kind != NODE_STRING)
		complain(a, n->mark, "%s should be a string", key);
	return n->text;
}

/* exists or changes: a list, or a map with `paths` and what it is about */
static void
read_clause(struct asker *a, const char *key, struct rule_paths *out)
{
	const struct node *n = node_get(a->rule, key);

	if (node_is_null(n))
		return;
	out->present = true;
	if (n->kind != NODE_MAP) {
		read_paths(a, key, n, &out->paths);
		return;
	}
	if (node_is_null(node_get(n, "paths")))
		complain(a, n->mark, "%s needs `paths`", key);
	else
		read_paths(a, key, node_get(n, "paths"), &out->paths);
	out->compare_to = read_word(a, n, "compare_to");
	out->project = read_word(a, n, "project");
	out->ref = read_word(a, n, "ref");
}

/* Its `when` says never. */
static bool
is_never(struct asker *a)
{
	const struct node *when = node_get(a->rule, "when");

	if (node_is_null(when))
		return false;
	if (when->kind == NODE_STRING && str_eq(when->text, "never"))
		return true;
	if (when->kind != NODE_STRING || !str_eq(when->text, "always"))
		complain(a, when->mark, "when unknown value: %s; it is always or never",
		    node_is_scalar(when) ? when->text : node_kind_name(when->kind));
	return false;
}

static void
check_keys(struct asker *a)
{
	for (size_t i = 0; i < a->rule->count; i++) {
		const struct node_pair *pair = &a->rule->pairs[i];
		bool known = false;

		for (const char *const *key = rule_keys; *key != NULL; key++)
			known = known || str_eq(*key, pair->key);
		if (!known)
			complain(a, pair->key_mark, "unknown keys: %s%s", pair->key,
			    suggest_name(a->l->diags, rule_keys, pair->key));
	}
}

/* ---- truth
 * ---------------------------------------------------------------------------*/

static bool
condition_holds(struct asker *a)
{
	const struct node *cond = node_get(a->rule, "if");
	struct error err = ERROR_INIT;
	bool holds = false;
	int rc;

	if (node_is_null(cond))
		return true;
	if (cond->kind != NODE_STRING) {
		complain(a, cond->mark, "if should be a string");
		return false;
	}
	rc = a->l->options->shape_only ? expr_check(cond->text, &err)
				       : expr_eval(cond->text, a->l->vars, &holds, &err);
	if (rc < 0)
		complain(a, cond->mark, "if %s", err.msg);
	return holds;
}

/* asked: rules_changes_hold or rules_exists_hold */
static bool
clause_holds(struct asker *a, const char *key,
    int (*asked)(struct rules_context *ctx, const struct rule_paths *paths,
	const struct vars *vars, bool *out, struct error *err))
{
	struct rule_paths paths = { .present = false };
	struct error err = ERROR_INIT;
	bool holds = false;

	read_clause(a, key, &paths);
	if (!paths.present || !a->ok || a->l->options->shape_only)
		return !paths.present;
	if (paths.project == NULL) {
		paths.project = a->from->project;
		paths.ref = a->from->ref;
	}
	if (asked(&a->ctx, &paths, a->l->vars, &holds, &err) < 0)
		complain(a, node_get(a->rule, key)->mark, "%s: %s", key, err.msg);
	return holds;
}

/* All of a rule's clauses hold. Each is looked at, so that each is checked. */
static bool
rule_matches(struct asker *a)
{
	bool cond, exists, changes;

	if (a->rule->kind != NODE_MAP || a->rule->count == 0) {
		complain(
		    a, a->rule->mark, "a rule is a map with if, exists, changes or when");
		return false;
	}
	check_keys(a);
	cond = condition_holds(a);
	exists = clause_holds(a, "exists", rules_exists_hold);
	changes = clause_holds(a, "changes", rules_changes_hold);
	return cond && exists && changes;
}

bool
include_rules_hold(struct loader *l, const struct source *from, const struct node *rules)
{
	struct asker a = { .l = l,
		.from = from,
		.ctx = { .arena = l->arena, .provider = l->options->provider },
		.ok = true };
	bool decided = false, included = false;

	if (rules == NULL)
		return true;
	for (size_t i = 0; i < rules->count; i++) {
		bool matches, never;

		a.rule = rules->items[i];
		matches = rule_matches(&a);
		never = is_never(&a);
		if (decided || !matches)
			continue;
		decided = true;
		included = !never;
	}
	rules_context_clear(&a.ctx);
	if (!a.ok)
		l->incomplete = true;
	return included && a.ok;
}
