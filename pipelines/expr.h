/*
 * The expressions of `rules:if`, `workflow:rules:if`, `include:rules:if` and
 * `only:variables`: is it true, for these variables? Pure text in, truth out.
 * Source: gitlab-ci-language.md section 7, "Expression grammar".
 */
#ifndef PIPELINES_EXPR_H
#define PIPELINES_EXPR_H

#include "base/regex.h"
#include "pipelines/node.h"
#include "pipelines/vars.h"

#define EXPR_MAX_TOKENS 100 /* GitLab's limit */

/*
 * What an expression is evaluated in; every pointer may be NULL. Values of variables are
 * taken raw: a `$X` in a value is just text. `$[[ inputs.x ]]` is looked up in inputs, a
 * map of scalars.
 */
struct expr_env {
	const struct vars *vars;
	const struct node *inputs;
	struct regex_cache *regexes; /* patterns are compiled once, not each time */
	/*
	 * Filled when a pattern that came from a variable is wrong or takes too long. The
	 * result is then false, as it is on GitLab.
	 */
	struct error *problem;
};

/* ERR_INVALID: "invalid expression syntax: " and what is wrong where. */
MUST_CHECK int expr_check(const char *text, struct error *err);
MUST_CHECK int expr_check_cached(
    const char *text, struct regex_cache *regexes, struct error *err);

/* Fails as expr_check() does, and only then. */
MUST_CHECK int expr_eval(
    const char *text, const struct vars *vars, bool *out, struct error *err);
MUST_CHECK int expr_eval_in(
    const char *text, const struct expr_env *env, bool *out, struct error *err);

/*
 * The names of the variables in it, each once, in order of appearance; text that is no
 * expression has those before its mistake. The list and the names lie in the arena.
 */
size_t expr_names(const char *text, struct arena *a, const char *const **names);

#endif
