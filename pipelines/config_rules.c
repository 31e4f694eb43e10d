/* rules of jobs and of workflow: conditions, paths, and what a match sets. */
#include "base/str.h"
#include "pipelines/config_read.h"
#include "pipelines/expr.h"

static const char *const job_whens[] = { "on_success", "on_failure", "always", "manual",
	"delayed", "never", NULL };
static const char *const workflow_whens[] = { "always", "never", NULL };

static const char *const on_new_commit[] = { "conservative", "interruptible", "none",
	NULL };
static const char *const on_job_failure[] = { "none", "all", NULL };

static const struct value_duration start_in_rule = {
	.positive = true,
	.max_s = INT64_C(7) * 24 * 3600,
	.max_text = "1 week",
};

static const struct value_field auto_cancel_fields[] = {
	{ "on_new_commit", value_choice, offsetof(struct auto_cancel, on_new_commit),
	    on_new_commit, 0 },
	{ "on_job_failure", value_choice, offsetof(struct auto_cancel, on_job_failure),
	    on_job_failure, 0 },
};
static const struct value_shape auto_cancel_shape = VALUE_SHAPE(auto_cancel_fields);

void
config_read_auto_cancel(
    struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	value_map(r, n, &auto_cancel_shape, out);
}

/* Readers that set more than one member get the whole rule: their offset is 0. */

static void
read_if(struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	struct rule *rule = out;
	struct error err = ERROR_INIT;

	if (n->kind != NODE_STRING) {
		value_error(r, n->mark, "must be one expression as a string, not %s",
		    node_kind_name(n->kind));
		return;
	}
	rule->cond = n->text;
	rule->cond_at = n->mark;
	if (expr_check(n->text, &err) < 0)
		value_error(r, n->mark, "has %s", err.msg);
}

static void
read_when(struct reader *r, const struct node *n, const void *arg, void *out)
{
	struct rule *rule = out;
	const char *word = NULL;

	value_choice(r, n, arg, &word);
	rule->has_when = word != NULL && job_when_parse(word, &rule->when);
}

static void
read_allow_failure(struct reader *r, const struct node *n, const void *arg, void *out)
{
	struct rule *rule = out;

	rule->has_allow_failure = true;
	value_bool(r, n, arg, &rule->allow_failure.allowed);
}

static void
read_interruptible(struct reader *r, const struct node *n, const void *arg, void *out)
{
	struct rule *rule = out;

	rule->has_interruptible = true;
	value_bool(r, n, arg, &rule->interruptible);
}

static void
read_start_in(struct reader *r, const struct node *n, const void *arg, void *out)
{
	struct rule *rule = out;

	rule->has_start_in = true;
	value_duration(r, n, arg, &rule->start_in_s);
}

static const struct value_limits paths_limits = { .max = 50 };

/* The newest GitLab has it; what it means exactly is not documented well enough. */
static void
read_regexp(struct reader *r, const struct node *n, const void *arg, void *out)
{
	value_string(r, n, arg, out);
	value_report(r, DIAG_ERROR, DIAG_LOGIC, n->mark,
	    "%s is not supported; name the files with globs under `paths`",
	    value_path(r));
}

static const struct value_field changes_fields[] = {
	{ "paths", value_strings, offsetof(struct rule_paths, paths), &paths_limits, 0 },
	{ "regexp", read_regexp, VALUE_NOWHERE, NULL, 0 },
	{ "compare_to", value_string, offsetof(struct rule_paths, compare_to), NULL, 0 },
};
static const struct value_shape changes_shape = VALUE_SHAPE(changes_fields);

static const struct value_field exists_fields[] = {
	{ "paths", value_strings, offsetof(struct rule_paths, paths), &paths_limits, 0 },
	{ "regexp", read_regexp, VALUE_NOWHERE, NULL, 0 },
	{ "project", value_string, offsetof(struct rule_paths, project), NULL, 0 },
	{ "ref", value_string, offsetof(struct rule_paths, ref), NULL, 0 },
};
static const struct value_shape exists_shape = VALUE_SHAPE(exists_fields);

static void
read_paths(struct reader *r, const struct node *n, const void *arg, void *out)
{
	struct rule_paths *paths = out;

	paths->present = true;
	if (n->kind == NODE_MAP) {
		value_map(r, n, arg, paths);
		if (node_is_null(node_get(n, "paths")) &&
		    node_is_null(node_get(n, "regexp")))
			value_error(r, n->mark, "lacks `paths`, a list of globs");
	} else {
		value_strings(r, n, &paths_limits, &paths->paths);
	}
}

/* Accepted in workflow:rules, where it does nothing. */
static void
read_ignored(
    struct reader *r, const struct node *n, const void *arg UNUSED, void *out UNUSED)
{
	value_report(r, DIAG_WARNING, DIAG_SHAPE, n->mark, "%s has no effect there",
	    value_path(r));
}

#define RULE(field) offsetof(struct rule, field)

#define COMMON_FIELDS                                                                    \
	{ "if", read_if, 0, NULL, 0 },                                                   \
	    { "changes", read_paths, RULE(changes), &changes_shape, 0 },                 \
	    { "exists", read_paths, RULE(exists), &exists_shape, 0 },                    \
	{                                                                                \
		"variables", config_read_variables, RULE(variables), &variables_plain, 0 \
	}

static const struct value_field job_fields[] = {
	COMMON_FIELDS,
	{ "when", read_when, 0, job_whens, 0 },
	{ "allow_failure", read_allow_failure, 0, NULL, 0 },
	{ "interruptible", read_interruptible, 0, NULL, 0 },
	{ "start_in", read_start_in, 0, &start_in_rule, 0 },
	{ "needs", config_read_rule_needs, RULE(needs), NULL, 0 },
};
static const struct value_shape job_shape = VALUE_SHAPE(job_fields);

static const struct value_field workflow_fields[] = {
	COMMON_FIELDS,
	{ "when", read_when, 0, workflow_whens, 0 },
	{ "auto_cancel", config_read_auto_cancel, RULE(auto_cancel), NULL, 0 },
	{ "allow_failure", read_ignored, VALUE_NOWHERE, NULL, 0 },
	{ "interruptible", read_ignored, VALUE_NOWHERE, NULL, 0 },
	{ "start_in", read_ignored, VALUE_NOWHERE, NULL, 0 },
	{ "needs", read_ignored, VALUE_NOWHERE, NULL, 0 },
};
static const struct value_shape workflow_shape = VALUE_SHAPE(workflow_fields);

static void
check_rule(struct reader *r, const struct node *n, const struct rule *rule)
{
	bool delayed = rule->has_when && rule->when == WHEN_DELAYED;
	const struct node *cond = node_get(n, "if");

	if (delayed && !rule->has_start_in)
		value_error(r, n->mark,
		    "has `when: delayed` without `start_in`; say how long to wait, such "
		    "as start_in: \"30 minutes\"");
	if (!delayed && rule->has_start_in)
		value_error(r, n->mark,
		    "has `start_in` without `when: delayed`; add it, or remove start_in");
	if (cond != NULL && cond->kind == NODE_NULL)
		value_report(r, DIAG_WARNING, DIAG_SHAPE, cond->mark,
		    "%s:if is empty, so it holds always", value_path(r));
}

static void
read_rule(struct reader *r, const struct node *n, const struct value_shape *shape,
    struct rule *rule)
{
	rule->at = n->mark;
	if (n->kind != NODE_MAP) {
		value_error(r, n->mark,
		    "must be a list of maps such as `- if: ...`, but an entry is %s",
		    node_kind_name(n->kind));
		return;
	}
	if (n->count == 0) {
		value_error(r, n->mark, "has an empty rule; remove it");
		return;
	}
	value_map(r, n, shape, rule);
	check_rule(r, n, rule);
}

struct rule_list {
	struct rules *rules;
	size_t cap;
	const struct value_shape *shape;
};

static void
add_rule(struct reader *r, const struct node *entry, void *into)
{
	struct rule_list *l = into;

	if (value_is_empty_entry(r, entry))
		return;
	ARENA_GROW(r->arena, l->rules->items, l->rules->count, l->cap);
	read_rule(r, entry, l->shape, &l->rules->items[l->rules->count++]);
}

static void
read_rules(struct reader *r, const struct node *n, const struct value_shape *shape,
    struct rules *out)
{
	struct rules rules = { .present = true };
	struct rule_list list = { .rules = &rules, .shape = shape };

	if (n->kind != NODE_LIST) {
		value_error(r, n->mark, "must be a list of rules, not %s%s",
		    node_kind_name(n->kind),
		    n->kind == NODE_MAP ? "; start each rule with `- `" : "");
		return;
	}
	value_each_entry(r, n, add_rule, &list);
	*out = rules;
}

void
config_read_rules(
    struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	read_rules(r, n, &job_shape, out);
}

void
config_read_workflow_rules(
    struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	read_rules(r, n, &workflow_shape, out);
}

bool
config_rule_is_bare_when(const struct rule *rule)
{
	return rule->has_when && rule->when != WHEN_NEVER && rule->cond == NULL &&
	    !rule->changes.present && !rule->exists.present && !rule->has_allow_failure &&
	    !rule->has_interruptible && !rule->has_start_in &&
	    rule->variables.count == 0 && !rule->needs.present;
}
