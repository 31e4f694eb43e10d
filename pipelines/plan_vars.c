/*
 * Variables that come with a job: what the files say, and the predefined ones known when
 * the pipeline is created (phase P of gitlab-ci-language.md section 9).
 */
#include <stdio.h>

#include "base/str.h"
#include "pipelines/plan_internal.h"
#include "pipelines/slug.h"

void
vars_add_config(struct vars *vars, enum var_level level, const struct config_vars *add)
{
	for (size_t i = 0; i < add->count; i++) {
		struct var var = {
			.name = add->items[i].name,
			.value = add->items[i].value == NULL ? "" : add->items[i].value,
			.level = level,
			.raw = add->items[i].raw,
		};

		vars_set(vars, &var);
	}
}

static void
set_number(struct vars *vars, const char *name, int n)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%d", n);
	vars_set_str(vars, VAR_PREDEFINED, name, text);
}

void
vars_set_job(struct vars *vars, const struct job_config *config)
{
	char slug[SLUG_MAX];

	vars_set_str(vars, VAR_PREDEFINED, "CI_JOB_NAME", config->name);
	vars_set_str(
	    vars, VAR_PREDEFINED, "CI_JOB_NAME_SLUG", slug_make(config->name, slug));
	vars_set_str(vars, VAR_PREDEFINED, "CI_JOB_GROUP_NAME", config->base_name);
	vars_set_str(vars, VAR_PREDEFINED, "CI_JOB_STAGE", config->stage);
	if (config->image.name != NULL)
		vars_set_str(vars, VAR_PREDEFINED, "CI_JOB_IMAGE", config->image.name);
	if (config->node_total > 0)
		set_number(vars, "CI_NODE_INDEX", config->node_index);
	set_number(
	    vars, "CI_NODE_TOTAL", config->node_total > 0 ? config->node_total : 1);
}

/* GitLab's guess, in its order: the first line with a word the name holds. */
static const char *
guess_tier(const char *name)
{
	static const struct {
		const char *word, *tier;
	} guesses[] = {
		{ "dev", "development" },
		{ "review", "development" },
		{ "trunk", "development" },
		{ "test", "testing" },
		{ "tst", "testing" },
		{ "int", "testing" },
		{ "acpt", "testing" },
		{ "accept", "testing" },
		{ "qa", "testing" },
		{ "qc", "testing" },
		{ "control", "testing" },
		{ "quality", "testing" },
		{ "stag", "staging" },
		{ "stg", "staging" },
		{ "model", "staging" },
		{ "modl", "staging" },
		{ "pre", "staging" },
		{ "demo", "staging" },
		{ "non", "staging" },
		{ "prod", "production" },
		{ "prd", "production" },
		{ "live", "production" },
	};

	for (size_t i = 0; i < ARRAY_LEN(guesses); i++)
		if (strcasestr(name, guesses[i].word) != NULL)
			return guesses[i].tier;
	return "other";
}

void
vars_set_environment(struct vars *vars, const struct plan_job *job)
{
	const char *tier = job->config->environment.deployment_tier;
	char slug[SLUG_ENVIRONMENT_MAX];

	vars_set_str(vars, VAR_PREDEFINED, "CI_ENVIRONMENT_NAME", job->environment);
	vars_set_str(vars, VAR_PREDEFINED, "CI_ENVIRONMENT_SLUG",
	    slug_make_environment(job->environment, slug));
	vars_set_str(
	    vars, VAR_PREDEFINED, "CI_ENVIRONMENT_ACTION", job->environment_action);
	vars_set_str(vars, VAR_PREDEFINED, "CI_ENVIRONMENT_TIER",
	    tier != NULL ? tier : guess_tier(job->environment));
	if (job->environment_url != NULL)
		vars_set_str(
		    vars, VAR_PREDEFINED, "CI_ENVIRONMENT_URL", job->environment_url);
}

/* The scope without a star counts most, then the longer one; so they are set last. */
static size_t
scope_weight(const char *scope)
{
	return strchr(scope, '*') == NULL ? SIZE_MAX : strlen(scope);
}

void
plan_set_scoped(
    struct vars *vars, const struct var *scoped, size_t count, const char *environment)
{
	for (size_t i = 0; i < count; i++) {
		const struct var *var = &scoped[i];
		const struct var *have = vars_get(vars, var->name);

		if (!str_fits_stars(environment, var->environment_scope))
			continue;
		if (have != NULL && have->level == var->level &&
		    have->environment_scope != NULL &&
		    scope_weight(have->environment_scope) >
			scope_weight(var->environment_scope))
			continue;
		vars_set(vars, var);
	}
}
