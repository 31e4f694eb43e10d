/*
 * One job of a plan: its variables, what rules or only and except say, and the keywords
 * that follow from both.
 */
#include "base/str.h"
#include "pipelines/expand.h"
#include "pipelines/plan_internal.h"

/* ---- variables -------------------------------------------------------------------- */

static bool
inherits(const struct job_config *config, const char *name)
{
	for (size_t i = 0; i < config->inherit_variables.count; i++)
		if (strcmp(config->inherit_variables.items[i], name) == 0)
			return true;
	return false;
}

static void
add_inherited(
    struct vars *vars, const struct job_config *config, const struct config_vars *yaml)
{
	for (size_t i = 0; i < yaml->count; i++) {
		struct config_vars one = { &yaml->items[i], 1 };

		if (inherits(config, yaml->items[i].name))
			vars_add_config(vars, VAR_YAML, &one);
	}
}

/* Where the job is deployed; variables scoped to that place come with it. */
static void
set_environment(struct compile *c, struct plan_job *job)
{
	const struct environment *environment = &job->config->environment;

	if (environment->name == NULL)
		return;
	job->environment =
	    expand_deep(&job->vars, c->arena, environment->name, EXPAND_DROP);
	plan_set_scoped(
	    &job->vars, c->options->scoped, c->options->scoped_count, job->environment);
	job->environment_action =
	    environment->action == NULL ? "start" : environment->action;
	job->environment_url =
	    expand_deep(&job->vars, c->arena, environment->url, EXPAND_KEEP);
	vars_set_environment(&job->vars, job);
}

void
compile_job_vars(struct compile *c, struct plan_job *job, const struct rule *rule)
{
	const struct job_config *config = job->config;
	bool all = !config->inherit_no_variables && !config->inherit_some_variables;

	vars_init(&job->vars, c->arena, all ? &c->plan->vars : &c->plan->workflow_vars);
	if (config->inherit_some_variables)
		add_inherited(&job->vars, config, &c->config->variables);
	vars_set_job(&job->vars, config);
	vars_add_config(&job->vars, VAR_JOB, &config->variables);
	vars_add_config(&job->vars, VAR_MATRIX, &config->matrix);
	if (rule != NULL)
		vars_add_config(&job->vars, VAR_RULE, &rule->variables);
	set_environment(c, job);
}

/* ---- the decision ----------------------------------------------------------------- */

void
compile_refused_job(struct compile *c, struct plan_job *job)
{
	const struct why *why = &c->plan->why;

	job->created = false;
	job->when = WHEN_NEVER;
	job->needs_written = job->config->needs;
	job->has_needs = job->needs_written.present;
	job->needs = NULL;
	job->need_count = 0;
	job->why = (struct why){ .code = why->code, .rule = -1, .at = why->at };
	job->why.text = arena_printf(c->arena, "there is no pipeline: %s", why->text);
	job->why.values = why->values;
	job->why.value_count = why->value_count;
}

/* Whether the job is in, by rules or by only and except; *rule is NULL for the latter. */
static int
decide(struct compile *c, struct plan_job *job, const struct rule **rule, bool *in,
    struct error *err)
{
	const struct job_config *config = job->config;

	if (!config->rules.present)
		return ref_policy_allows(
		    &c->rules, config, &job->vars, in, &job->why, err);
	if (rules_first_match(
		&c->rules, &config->rules, &job->vars, rule, &job->why, err) < 0)
		return err->code;
	*in = job->why.code == WHY_RULE_MATCHED;
	return 0;
}

/* A job-level `when: manual` is optional unless said otherwise; a rule's is not. */
static struct allow_failure
decide_allow_failure(const struct job_config *config, const struct rule *rule)
{
	struct allow_failure by_default = { .allowed = false };

	if (rule != NULL && rule->has_allow_failure)
		return rule->allow_failure;
	if (config->has_allow_failure)
		return config->allow_failure;
	by_default.allowed = config->has_when && config->when == WHEN_MANUAL;
	return by_default;
}

static void
decide_when(struct plan_job *job, const struct rule *rule)
{
	const struct job_config *config = job->config;

	job->when = config->has_when ? config->when : WHEN_ON_SUCCESS;
	job->start_in_s = config->start_in_s;
	if (rule != NULL && rule->has_when)
		job->when = rule->when;
	if (rule != NULL && rule->has_start_in)
		job->start_in_s = rule->start_in_s;
	if (job->when != WHEN_DELAYED)
		job->start_in_s = 0;
	job->interruptible = rule != NULL && rule->has_interruptible
	    ? rule->interruptible
	    : config->interruptible;
	job->allow_failure = decide_allow_failure(config, rule);
}

/* A rule's needs replace the job's; an empty list there does not leave the stages. */
static void
decide_needs(struct plan_job *job, const struct rule *rule)
{
	job->needs_written = job->config->needs;
	job->has_needs = job->config->needs.present;
	if (rule == NULL || !rule->needs.present)
		return;
	job->needs_written = rule->needs;
	job->has_needs |= rule->needs.count > 0;
}

/* ---- expanded keywords ------------------------------------------------------------ */

/* Values put into a tag are not expanded themselves; that is GitLab's way. */
static void
expand_keywords(struct compile *c, struct plan_job *job)
{
	const struct job_config *config = job->config;

	job->tags.items =
	    arena_calloc(c->arena, config->tags.count, sizeof(*job->tags.items));
	for (size_t i = 0; i < config->tags.count; i++)
		job->tags.items[job->tags.count++] =
		    vars_expand(&job->vars, c->arena, config->tags.items[i]);
	job->image = expand_deep(&job->vars, c->arena, config->image.name, EXPAND_KEEP);
	job->resource_group =
	    expand_deep(&job->vars, c->arena, config->resource_group, EXPAND_DROP);
}

void
compile_job(struct compile *c, struct plan_job *job)
{
	const struct rule *rule = NULL;
	struct error err = ERROR_INIT;

	compile_job_vars(c, job, NULL);
	if (decide(c, job, &rule, &job->created, &err) < 0) {
		diag_error(c->diags, DIAG_LOGIC,
		    job->why.at.line > 0 ? job->why.at : job->config->at, job->name, "%s",
		    err.msg);
		return;
	}
	if (job->why.at.line == 0)
		job->why.at = job->config->at;
	if (rule != NULL && rule->variables.count > 0)
		compile_job_vars(c, job, rule);
	decide_when(job, rule);
	decide_needs(job, rule);
	expand_keywords(c, job);
	if (!job->created)
		job->when = WHEN_NEVER;
	else
		compile_check_circle(c, &job->vars, job->config->at, job->name);
}
