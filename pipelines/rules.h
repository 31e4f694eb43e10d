/*
 * Which rule decides about a job or a pipeline: rules, only and except, and why.
 * Source: gitlab-ci-language.md section 7. One context serves one compilation, on one
 * thread; it remembers what it asked the provider.
 */
#ifndef PIPELINES_RULES_H
#define PIPELINES_RULES_H

#include "base/map.h"
#include "base/regex.h"
#include "pipelines/config.h"
#include "pipelines/provider.h"
#include "pipelines/vars.h"
#include "pipelines/why.h"

/* Comparisons of a path with a glob before a clause counts as true. */
#define RULES_MAX_COMPARISONS 50000

/* Rules looked at for one plan; real ones stay far below. */
#define RULES_MAX_ASKED 1000000

/* Answers of expressions that are kept, and the size of what they depend on. */
#define RULES_MAX_KEPT 10000
#define RULES_MAX_KEY 1024

/* Values a reason lists. */
#define RULES_MAX_VALUES 50

struct rules_context {
	struct arena *arena; /* owns what a why points at */
	const struct provider *provider;
	const char *ref; /* branch or tag name */
	bool is_tag;
	const char *source;      /* CI_PIPELINE_SOURCE */
	bool workflow_has_rules; /* then jobs have no implicit `only` */
	/* What was found out, for the next job that asks the same: */
	struct map clauses; /* answers of changes and exists, by expanded text */
	struct map names;   /* variables in an expression, by its text */
	struct map answers; /* of expressions, by text and values */
	struct regex_cache regexes;
	size_t asked; /* rules looked at so far */
	/* Room for the decision being made. */
	struct why_step *steps;
	size_t step_cap;
	struct buf key;
};

void rules_context_clear(struct rules_context *ctx);

/*
 * The first rule that matches; NULL in *matched when none does. Fills all of why, the
 * mark only when one matched. Fails when the provider does, or when compare_to is no ref;
 * the mark is then that of the rule.
 */
MUST_CHECK int rules_first_match(struct rules_context *ctx, const struct rules *rules,
    const struct vars *vars, const struct rule **matched, struct why *why,
    struct error *err);

/*
 * rules:changes and rules:exists of one rule, also used by only:changes. Paths may hold
 * variables.
 */
MUST_CHECK int rules_changes_hold(struct rules_context *ctx,
    const struct rule_paths *changes, const struct vars *vars, bool *out,
    struct error *err);
MUST_CHECK int rules_exists_hold(struct rules_context *ctx,
    const struct rule_paths *exists, const struct vars *vars, bool *out,
    struct error *err);

/* Whether only and except (or the default of only) let the job in. Fills all of why. */
MUST_CHECK int ref_policy_allows(struct rules_context *ctx, const struct job_config *job,
    const struct vars *vars, bool *out, struct why *why, struct error *err);

#endif
