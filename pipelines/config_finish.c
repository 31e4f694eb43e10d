/*
 * What can be said about a job only when all its keywords are known: combinations that
 * exclude each other, values that follow from others, and the defaults it lacks.
 */
#include "base/str.h"
#include "pipelines/config_build.h"

static struct mark
mark_of(const struct job_draft *draft, enum keyword k)
{
	const struct node_pair *pair = node_get_pair(draft->job.node, keywords[k].name);

	return pair != NULL ? pair->key_mark : draft->job.at;
}

static void
shape_error(struct config_builder *b, const struct job_draft *draft, enum keyword k,
    const char *msg)
{
	value_report(&b->reader, DIAG_ERROR, DIAG_SHAPE, mark_of(draft, k), "%s", msg);
}

/* `needs: {pipeline: group/project}` without a job: it shows that pipeline's status. */
static bool
mirrors_pipeline(const struct job_draft *draft)
{
	const struct needs *needs = &draft->job.needs;

	for (size_t i = 0; i < needs->count; i++)
		if (needs->items[i].pipeline != NULL && needs->items[i].job == NULL)
			return true;
	return false;
}

static void
check_trigger_keywords(struct config_builder *b, const struct job_draft *draft)
{
	for (size_t k = 0; k < KW_COUNT; k++)
		if (keyword_is_set(draft, (enum keyword)k) &&
		    !(keywords[k].where & IN_TRIGGER))
			config_logic_error(b, mark_of(draft, (enum keyword)k),
			    "`%s` and `trigger` exclude each other: a trigger job starts a "
			    "pipeline and runs nothing itself; remove one",
			    keywords[k].name);
	if (keyword_is_set(draft, KW_WHEN) && draft->job.when == WHEN_DELAYED)
		shape_error(b, draft, KW_WHEN, "a trigger job must not be delayed");
}

static void
nothing_to_run(struct config_builder *b, const struct job_draft *draft)
{
	const char *hint = value_did_you_mean(
	    &b->reader, draft->job.name, keyword_names(b->arena, IN_TOP));

	if (keyword_is_set(draft, KW_EXTENDS))
		return; /* what it extends could not be had, which was said already */
	if (keyword_is_set(draft, KW_BEFORE_SCRIPT))
		hint = " (`before_script` alone does not make a job)";
	config_logic_error(b, draft->job.at,
	    "there is nothing to run; add `script`, `run` or `trigger`%s", hint);
}

static void
check_what_runs(struct config_builder *b, const struct job_draft *draft)
{
	bool run = keyword_is_set(draft, KW_RUN);
	bool script = keyword_is_set(draft, KW_SCRIPT);

	if (keyword_is_set(draft, KW_TRIGGER)) {
		check_trigger_keywords(b, draft);
		return;
	}
	if (run &&
	    (script || keyword_is_set(draft, KW_BEFORE_SCRIPT) ||
		keyword_is_set(draft, KW_AFTER_SCRIPT)))
		shape_error(b, draft, KW_RUN,
		    "`run` cannot be used together with `script`, `before_script` or "
		    "`after_script`; keep one of them");
	if (!run && !script && !mirrors_pipeline(draft))
		nothing_to_run(b, draft);
}

static void
check_when(struct config_builder *b, const struct job_draft *draft)
{
	bool rules = keyword_is_set(draft, KW_RULES);
	bool start_in = keyword_is_set(draft, KW_START_IN);
	bool delayed = keyword_is_set(draft, KW_WHEN) && draft->job.when == WHEN_DELAYED;

	if (rules && keyword_is_set(draft, KW_ONLY))
		shape_error(b, draft, KW_ONLY,
		    "`only` cannot be used together with `rules`; say it as a rule");
	if (rules && keyword_is_set(draft, KW_EXCEPT))
		shape_error(b, draft, KW_EXCEPT,
		    "`except` cannot be used together with `rules`; say it as a rule with "
		    "`when: never`");
	if (rules && start_in)
		shape_error(b, draft, KW_START_IN,
		    "`start_in` cannot be used together with `rules`; put it into the rule "
		    "with `when: delayed`");
	else if (start_in && !delayed)
		shape_error(b, draft, KW_START_IN,
		    "`start_in` needs `when: delayed`; add it, or remove `start_in`");
	else if (delayed && !start_in && !rules)
		shape_error(b, draft, KW_WHEN,
		    "`when: delayed` needs `start_in`; say how long to wait, such as "
		    "start_in: \"30 minutes\"");
}

static bool
needs_name(const struct needs *needs, const char *name)
{
	for (size_t i = 0; i < needs->count; i++)
		if (needs->items[i].job != NULL && needs->items[i].pipeline == NULL &&
		    needs->items[i].project == NULL && str_eq(needs->items[i].job, name))
			return true;
	return false;
}

static void
check_dependencies(struct config_builder *b, const struct job_draft *draft)
{
	const struct strs *names = &draft->job.dependencies;

	if (draft->job.needs.count == 0 || draft->job.needs.count > CONFIG_MAX_NEEDS)
		return;
	for (size_t i = 0; i < names->count; i++)
		if (!needs_name(&draft->job.needs, names->items[i]))
			config_logic_error(b, mark_of(draft, KW_DEPENDENCIES),
			    "`dependencies` has \"%s\", which is not in `needs`; add it "
			    "there, too",
			    names->items[i]);
}

/* The folder of a Pages job is among its artifacts, written or not. */
static void
add_pages_artifact(struct config_builder *b, struct job_draft *draft)
{
	struct artifacts *artifacts = &draft->job.artifacts;
	const char *publish =
	    draft->pages.publish != NULL ? draft->pages.publish : "public";
	size_t len = strlen(publish), count = artifacts->paths.count;
	const char **items;

	if (draft->pages.off || (!draft->pages.on && !str_eq(draft->job.name, "pages")))
		return;
	for (size_t i = 0; i < count; i++)
		if (strncmp(artifacts->paths.items[i], publish, len) == 0 &&
		    (artifacts->paths.items[i][len] == '\0' ||
			artifacts->paths.items[i][len] == '/'))
			return;
	items = arena_calloc(b->arena, count + 1, sizeof(*items));
	if (count > 0)
		memcpy(items, artifacts->paths.items, count * sizeof(*items));
	items[count] = publish;
	if (!artifacts->present)
		*artifacts = (struct artifacts){ .present = true, .is_public = true };
	artifacts->paths = (struct strs){ .items = items, .count = count + 1 };
}

static bool
inherits(const struct inherit_choice *choice, const char *name)
{
	if (choice->none)
		return false;
	if (!choice->some)
		return true;
	for (size_t i = 0; i < choice->names.count; i++)
		if (str_eq(choice->names.items[i], name))
			return true;
	return false;
}

/* Shallow: the job points at what the default points at. */
static void
take_defaults(const struct job_draft *defaults, struct job_draft *draft)
{
	unsigned place = keyword_is_set(draft, KW_TRIGGER) ? IN_TRIGGER : IN_JOB;

	for (size_t k = 0; k < KW_COUNT; k++) {
		const struct keyword_row *row = &keywords[k];

		if (!keyword_is_set(defaults, (enum keyword)k) ||
		    keyword_is_set(draft, (enum keyword)k) || !(row->where & place) ||
		    !inherits(&draft->inherit.defaults, row->name))
			continue;
		if (k == KW_TIMEOUT) /* documented: a default timeout has no effect */
			continue;
		memcpy((char *)draft + row->offset, (const char *)defaults + row->offset,
		    row->size);
	}
}

void
config_finish_job(struct config_builder *b, struct job_draft *draft)
{
	struct job_config *job = &draft->job;

	b->reader.job = job->name;
	check_what_runs(b, draft);
	check_when(b, draft);
	check_dependencies(b, draft);
	take_defaults(&b->defaults, draft);
	if (!keyword_is_set(draft, KW_TRIGGER))
		add_pages_artifact(b, draft);
	if (job->stage == NULL)
		job->stage = "test";
	job->has_when = keyword_is_set(draft, KW_WHEN);
	job->has_allow_failure = keyword_is_set(draft, KW_ALLOW_FAILURE);
	job->has_dependencies = keyword_is_set(draft, KW_DEPENDENCIES);
	if (!job->has_allow_failure && job->has_when && job->when == WHEN_MANUAL)
		job->allow_failure.allowed = true;
	job->inherit_no_variables = draft->inherit.variables.none;
	job->inherit_some_variables = draft->inherit.variables.some;
	job->inherit_variables = draft->inherit.variables.names;
	b->reader.job = NULL;
}
