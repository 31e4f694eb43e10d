/*
 * only and except: refs, variables, changes, kubernetes. Also what holds for a job that
 * says nothing: branches and tags, unless workflow:rules decide.
 */
#include "base/regex.h"
#include "base/str.h"
#include "pipelines/expr.h"
#include "pipelines/rules.h"

static const char *const default_refs[] = { "branches", "tags" };

static bool
is_merge_request(const struct rules_context *ctx)
{
	return strcmp(ctx->source, "merge_request_event") == 0;
}

/* `push` is named pushes, `merge_request_event` merge_requests, or without the s. */
static bool
names_source(const char *pattern, const char *source)
{
	const char *event = strstr(source, "_event");
	size_t len = event == NULL ? strlen(source) : (size_t)(event - source);

	if (strncmp(pattern, source, len) != 0)
		return false;
	pattern += len;
	return *pattern == '\0' || strcmp(pattern, "s") == 0 ||
	    (strcmp(pattern, "es") == 0 && strcmp(source, "push") == 0);
}

/* `/regex/flags` against the ref's name. One that does not compile fits nothing. */
static bool
regex_fits(const char *pattern, const char *ref)
{
	const char *last = strrchr(pattern, '/');
	cleanup_regex struct regex *re = NULL;
	unsigned flags = 0;

	if (last == pattern || !regex_parse_flags(last + 1, strlen(last + 1), &flags) ||
	    regex_compile(pattern + 1, (size_t)(last - pattern) - 1, flags, &re, NULL) <
		0)
		return false;
	return regex_match(re, ref, strlen(ref), 0, NULL, 0, NULL) > 0;
}

/* One item of a refs list, without its `@group/project`. */
static bool
ref_fits(const struct rules_context *ctx, const char *pattern)
{
	bool is_mr = is_merge_request(ctx);

	if (strcmp(pattern, "tags") == 0 && ctx->is_tag)
		return true;
	if (strcmp(pattern, "branches") == 0 && !ctx->is_tag && !is_mr)
		return true;
	if (names_source(pattern, ctx->source))
		return true;
	if (is_mr) /* names and patterns are of branches and tags */
		return false;
	if (pattern[0] == '/')
		return regex_fits(pattern, ctx->ref);
	return strcmp(pattern, ctx->ref) == 0;
}

static bool
item_fits(const struct rules_context *ctx, const struct vars *vars, const char *item)
{
	const char *at = strchr(item, '@'); /* the first, also in a regex: GitLab's way */
	const char *project = vars_value(vars, "CI_PROJECT_PATH");

	if (at == NULL)
		return ref_fits(ctx, item);
	if (project == NULL || strcmp(at + 1, project) != 0)
		return false;
	return ref_fits(ctx, arena_strndup(ctx->arena, item, (size_t)(at - item)));
}

static bool
any_ref_fits(
    const struct rules_context *ctx, const struct vars *vars, const struct strs *refs)
{
	for (size_t i = 0; i < refs->count; i++)
		if (item_fits(ctx, vars, refs->items[i]))
			return true;
	return false;
}

static bool
any_variable_holds(
    struct rules_context *ctx, const struct vars *vars, const struct strs *exprs)
{
	const struct expr_env env = { .vars = vars, .regexes = &ctx->regexes };

	for (size_t i = 0; i < exprs->count; i++) {
		bool holds = false;

		if (expr_eval_in(exprs->items[i], &env, &holds, NULL) == 0 && holds)
			return true;
	}
	return false;
}

static int
any_change_fits(struct rules_context *ctx, const struct vars *vars,
    const struct strs *globs, bool *out, struct error *err)
{
	struct rule_paths changes = { .present = true, .paths = *globs };

	return rules_changes_hold(ctx, &changes, vars, out, err);
}

/* ---- keys of a policy ------------------------------------------------------------- */

/* What each key of only or except came to; -1: the policy has no such key. */
struct verdict {
	int refs, variables, changes, kubernetes;
};

static int
judge(struct rules_context *ctx, const struct ref_policy *policy, const struct vars *vars,
    struct verdict *v, struct error *err)
{
	bool holds = false;

	*v = (struct verdict){ -1, -1, -1, -1 };
	if (policy->has_refs)
		v->refs = any_ref_fits(ctx, vars, &policy->refs);
	if (policy->variables.count > 0)
		v->variables = any_variable_holds(ctx, vars, &policy->variables);
	if (policy->kubernetes)
		v->kubernetes = vars_value(vars, "CI_KUBERNETES_ACTIVE") != NULL;
	if (policy->changes.count > 0) {
		if (any_change_fits(ctx, vars, &policy->changes, &holds, err) < 0)
			return err->code;
		v->changes = holds;
	}
	return 0;
}

/* The first key that came to the wanted answer; NULL: none. */
static const char *
find_key(const struct verdict *v, int wanted)
{
	if (v->refs == wanted)
		return "refs";
	if (v->variables == wanted)
		return "variables";
	if (v->changes == wanted)
		return "changes";
	return v->kubernetes == wanted ? "kubernetes" : NULL;
}

static const char *
describe_ref(const struct rules_context *ctx)
{
	const char *kind = is_merge_request(ctx) ? "merge request from"
	    : ctx->is_tag                        ? "tag"
						 : "branch";

	return arena_printf(ctx->arena, "%s %s, source %s", kind, ctx->ref, ctx->source);
}

static bool
decide(struct why *why, enum why_code code, struct mark at, const char *text)
{
	*why = (struct why){ .code = code, .at = at, .text = text, .rule = -1 };
	return code == WHY_NO_RULES || code == WHY_ONLY_MATCHED;
}

/* No rules, no only, no except. */
static bool
decide_silent(
    const struct rules_context *ctx, const struct job_config *job, struct why *why)
{
	if (ctx->workflow_has_rules)
		return decide(why, WHY_NO_RULES, job->at,
		    "no rules: it is in every pipeline that workflow:rules allow");
	if (!is_merge_request(ctx))
		return decide(why, WHY_NO_RULES, job->at,
		    "no rules: it is in every branch and tag pipeline");
	return decide(why, WHY_IMPLICIT_REFUSED, job->at,
	    "no rules: it is in branch and tag pipelines, but not for merge requests");
}

/* Refs of `only` default to branches and tags, also beside its other keys. */
static struct ref_policy
complete_only(const struct rules_context *ctx, const struct job_config *job)
{
	struct ref_policy only = job->only;

	if (only.has_refs || (!only.present && ctx->workflow_has_rules))
		return only;
	only.has_refs = true;
	only.refs.count = ARRAY_LEN(default_refs);
	only.refs.items = arena_memdup(ctx->arena, default_refs, sizeof(default_refs));
	return only;
}

int
ref_policy_allows(struct rules_context *ctx, const struct job_config *job,
    const struct vars *vars, bool *out, struct why *why, struct error *err)
{
	struct ref_policy only = complete_only(ctx, job);
	struct mark at = only.present ? only.at : job->at;
	struct error failure = ERROR_INIT;
	struct verdict lets, bars;
	const char *key;

	if (!job->only.present && !job->except.present) {
		*out = decide_silent(ctx, job, why);
		return 0;
	}
	if (judge(ctx, &only, vars, &lets, &failure) < 0 ||
	    judge(ctx, &job->except, vars, &bars, &failure) < 0)
		return error_set(err, failure.code, "%s", failure.msg);
	if ((key = find_key(&lets, false)) != NULL)
		*out = decide(why, only.present ? WHY_ONLY_REFUSED : WHY_IMPLICIT_REFUSED,
		    at,
		    arena_printf(
			ctx->arena, "only:%s does not fit (%s)", key, describe_ref(ctx)));
	else if ((key = find_key(&bars, true)) != NULL)
		*out = decide(why, WHY_EXCEPT_REFUSED, job->except.at,
		    arena_printf(
			ctx->arena, "except:%s fits (%s)", key, describe_ref(ctx)));
	else
		*out = decide(why, WHY_ONLY_MATCHED, at,
		    arena_printf(
			ctx->arena, "only and except let it in (%s)", describe_ref(ctx)));
	return 0;
}
