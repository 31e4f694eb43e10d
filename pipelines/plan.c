/*
 * From a config and an event to a plan: scopes of variables, workflow:rules, the jobs in
 * their order. What one job comes to is plan_job.c, what joins them plan_needs.c.
 */
#include "pipelines/plan.h"

#include "pipelines/expand.h"
#include "pipelines/plan_internal.h"

/* ---- scopes ----------------------------------------------------------------------- */

/* Every definition, outermost scope first, so that the copy answers like the original. */
static void
copy_scope(struct vars *to, const struct vars *from)
{
	const struct vars *done = NULL;

	while (done != from) {
		const struct vars *scope = from;

		while (scope->parent != done)
			scope = scope->parent;
		for (size_t i = 0; i < scope->count; i++)
			vars_set(to, &scope->items[i]);
		done = scope;
	}
}

void
compile_check_circle(
    struct compile *c, const struct vars *scope, struct mark at, const char *job)
{
	const char *circle = expand_find_circle(scope, c->arena);

	if (circle != NULL)
		diag_error(c->diags, DIAG_LOGIC, at, job,
		    "circular variable reference detected: [%s]; give one of them a value without the others",
		    circle);
}

static void
set_scopes(struct compile *c)
{
	struct plan *plan = c->plan;
	const struct config_vars *yaml = &c->config->variables;
	struct mark nowhere = { .file = NULL };

	vars_init(&plan->event_vars, c->arena, NULL);
	vars_init(&plan->workflow_vars, c->arena, &plan->event_vars);
	vars_init(&plan->vars, c->arena, &plan->workflow_vars);
	copy_scope(&plan->event_vars, c->options->vars);
	vars_add_config(&plan->vars, VAR_YAML, yaml);
	compile_check_circle(c, &plan->event_vars, nowhere, NULL);
	compile_check_circle(
	    c, &plan->vars, yaml->count > 0 ? yaml->items[0].at : nowhere, NULL);
}

/* ---- the pipeline ----------------------------------------------------------------- */

/* The markers of GitLab, in any case, where a commit made the pipeline. */
static bool
commit_skips(const struct compile *c)
{
	static const char *const markers[] = { "[ci skip]", "[ci-skip]", "[ci_skip]",
		"[skip ci]", "[skip-ci]", "[skip_ci]" };
	const char *message = vars_value(&c->plan->event_vars, "CI_COMMIT_MESSAGE");
	const char *source = c->options->event.source;

	if (message == NULL ||
	    (strcmp(source, "push") != 0 && strcmp(source, "merge_request_event") != 0))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(markers); i++)
		if (strcasestr(message, markers[i]) != NULL)
			return true;
	return false;
}

static void
refuse(struct compile *c, enum why_code code, const char *text)
{
	c->plan->created = false;
	c->plan->why.code = code;
	c->plan->why.text = text;
}

static void
use_workflow_rule(struct compile *c, const struct rule *rule)
{
	struct plan *plan = c->plan;

	vars_add_config(&plan->workflow_vars, VAR_WORKFLOW, &rule->variables);
	compile_check_circle(c, &plan->workflow_vars, rule->at, NULL);
	if (rule->auto_cancel.on_new_commit != NULL)
		plan->auto_cancel.on_new_commit = rule->auto_cancel.on_new_commit;
	if (rule->auto_cancel.on_job_failure != NULL)
		plan->auto_cancel.on_job_failure = rule->auto_cancel.on_job_failure;
}

static void
decide_workflow(struct compile *c)
{
	const struct rules *rules = &c->config->workflow_rules;
	struct why *why = &c->plan->why;
	const struct rule *rule = NULL;
	struct error err = ERROR_INIT;

	if (!rules->present) {
		*why = (struct why){ .code = WHY_NO_RULES, .rule = -1 };
		why->text = "there are no workflow:rules";
		return;
	}
	if (rules_first_match(&c->rules, rules, &c->plan->vars, &rule, why, &err) < 0) {
		diag_error(c->diags, DIAG_LOGIC, why->at, NULL, "workflow: %s", err.msg);
		return;
	}
	why->text = arena_printf(c->arena, "workflow:rules: %s", why->text);
	if (why->code == WHY_RULE_MATCHED)
		use_workflow_rule(c, rule);
	else
		refuse(c, WHY_WORKFLOW_REFUSED, why->text);
}

static void
set_name(struct compile *c)
{
	const char *name = c->config->workflow_name;
	size_t start, len;

	if (name == NULL)
		return;
	name = expand_deep(&c->plan->vars, c->arena, name, EXPAND_DROP);
	start = strspn(name, " \t\r\n");
	len = strlen(name + start);
	while (len > 0 && strchr(" \t\r\n", name[start + len - 1]) != NULL)
		len--;
	if (len == 0)
		return;
	c->plan->name = arena_strndup(c->arena, name + start, len);
	vars_set_str(
	    &c->plan->workflow_vars, VAR_PREDEFINED, "CI_PIPELINE_NAME", c->plan->name);
}

/* ---- its jobs --------------------------------------------------------------------- */

/* By stage, in a stage as in the files: a counting sort. */
static void
place_jobs(struct compile *c)
{
	const struct config *config = c->config;
	struct plan *plan = c->plan;
	size_t *next = arena_calloc(c->arena, config->stages.count + 1, sizeof(*next));

	plan->job_count = config->job_count;
	plan->jobs = arena_calloc(c->arena, plan->job_count, sizeof(*plan->jobs));
	for (size_t i = 0; i < config->job_count; i++)
		next[config->jobs[i].stage_index + 1]++;
	for (size_t s = 1; s < config->stages.count; s++)
		next[s] += next[s - 1];
	for (size_t i = 0; i < config->job_count; i++) {
		const struct job_config *from = &config->jobs[i];
		size_t at = next[from->stage_index]++;

		plan->jobs[at].config = from;
		plan->jobs[at].name = from->name;
		plan->jobs[at].stage = from->stage;
		plan->jobs[at].stage_index = from->stage_index;
		map_set(&plan->by_name, from->name, (void *)(uintptr_t)(at + 1));
	}
}

static bool
is_edge_stage(const char *stage)
{
	return strcmp(stage, ".pre") == 0 || strcmp(stage, ".post") == 0;
}

/* No pipeline for nothing, nor for .pre and .post alone. */
static void
check_something_to_run(struct compile *c)
{
	struct plan *plan = c->plan;
	bool any = false, inner = false;

	for (size_t i = 0; i < plan->job_count; i++) {
		any |= plan->jobs[i].created;
		inner |= plan->jobs[i].created && !is_edge_stage(plan->jobs[i].stage);
	}
	if (!any)
		refuse(
		    c, WHY_NO_JOBS, "rules, only and except leave no job for this event");
	else if (!inner)
		refuse(c, WHY_ONLY_EDGE_STAGES,
		    "all that is left for this event are jobs in .pre and .post");
	if (inner)
		return;
	for (size_t i = 0; i < plan->job_count; i++)
		if (plan->jobs[i].created)
			compile_refused_job(c, &plan->jobs[i]);
}

static void
decide_jobs(struct compile *c)
{
	struct plan *plan = c->plan;

	for (size_t i = 0; i < plan->job_count; i++) {
		struct plan_job *job = &plan->jobs[i];

		if (plan->created) {
			compile_job(c, job);
		} else {
			compile_job_vars(c, job, NULL);
			compile_refused_job(c, job);
		}
	}
	if (!plan->created)
		return;
	compile_needs(c);
	check_something_to_run(c);
	compile_artifact_sources(c);
}

static struct plan *
new_plan(const struct config *config, const struct plan_options *options, struct arena *a)
{
	struct plan *plan = arena_alloc(a, sizeof(*plan));

	plan->arena = a;
	plan->config = config;
	plan->created = true;
	plan->stages = config->stages;
	plan->auto_cancel = config->auto_cancel;
	plan->event.ref = arena_strdup(a, options->event.ref);
	plan->event.is_tag = options->event.is_tag;
	plan->event.source = arena_strdup(a, options->event.source);
	plan->files = options->files;
	plan->file_count = options->file_count;
	return plan;
}

int
plan_compile(const struct config *config, const struct plan_options *options,
    struct arena *arena, struct diags *diags, struct plan **out)
{
	struct plan *plan = new_plan(config, options, arena);
	struct compile c = {
		.config = config,
		.options = options,
		.arena = arena,
		.diags = diags,
		.plan = plan,
		.rules = { .arena = arena, .provider = options->provider },
	};
	size_t errors_before = diags->errors;

	c.rules.ref = plan->event.ref;
	c.rules.is_tag = plan->event.is_tag;
	c.rules.source = plan->event.source;
	c.rules.workflow_has_rules = config->workflow_rules.present;
	set_scopes(&c);
	decide_workflow(&c);
	if (commit_skips(&c))
		refuse(&c, WHY_COMMIT_SKIPS, "the commit message says [ci skip]");
	set_name(&c);
	place_jobs(&c);
	decide_jobs(&c);
	rules_context_clear(&c.rules);
	if (diags->errors > errors_before) {
		map_clear(&plan->by_name);
		return ERR_INVALID;
	}
	*out = plan;
	return 0;
}

void
plan_free(struct plan *plan)
{
	if (plan == NULL)
		return;
	map_clear(&plan->by_name);
	arena_free(plan->arena); /* the plan lies in it */
}

const struct plan_job *
plan_find(const struct plan *plan, const char *name)
{
	uintptr_t at = (uintptr_t)map_get(&plan->by_name, name);

	return at == 0 ? NULL : &plan->jobs[at - 1];
}

static bool
is_instance(const struct plan *plan, const struct need *need, const struct need *first,
    const char *base, int index)
{
	const struct plan_job *job =
	    need->job == NULL ? NULL : plan_find(plan, need->job);

	return job != NULL && need->artifacts == first->artifacts &&
	    need->optional == first->optional && need->pipeline == NULL &&
	    need->project == NULL && job->config->node_index == index &&
	    strcmp(job->config->base_name, base) == 0;
}

size_t
plan_needs_run(const struct plan *plan, const struct plan_job *job, size_t first)
{
	const struct needs *needs = &job->needs_written;
	const struct need *need = &needs->items[first];
	const struct plan_job *target =
	    need->job == NULL ? NULL : plan_find(plan, need->job);
	size_t total = target == NULL ? 0 : (size_t)target->config->node_total;

	if (total == 0 || total > needs->count - first)
		return 1;
	for (size_t i = 0; i < total; i++)
		if (!is_instance(plan, &needs->items[first + i], need,
			target->config->base_name, (int)i + 1))
			return 1;
	return total;
}
