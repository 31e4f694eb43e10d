/*
 * Step 9: do the jobs fit together? Stages, names, dependencies, environments. What
 * needs say is checked in config_graph.c. All findings here are DIAG_LOGIC.
 */
#include "base/str.h"
#include "pipelines/config_build.h"
#include "pipelines/config_read.h"

#define STAGES_SHOWN 12

/* "the stages are .pre, build, .post" */
static const char *
list_stages(struct config_builder *b)
{
	const struct strs *stages = &b->config->stages;
	cleanup_buf struct buf text = BUF_INIT;

	buf_add_str(&text, "the stages are ");
	for (size_t i = 0; i < stages->count && i < STAGES_SHOWN; i++)
		buf_printf(&text, "%s%s", i > 0 ? ", " : "", stages->items[i]);
	if (stages->count > STAGES_SHOWN)
		buf_printf(&text, " and %zu more", stages->count - STAGES_SHOWN);
	return arena_strdup(b->arena, buf_str(&text));
}

static struct mark
mark_of(const struct job_config *job, const char *key)
{
	const struct node *n = node_get(job->node, key);

	return n != NULL ? n->mark : job->at;
}

static const char *
near_stage(struct config_builder *b, const char *name)
{
	const struct strs *stages = &b->config->stages;
	const char **words = arena_calloc(b->arena, stages->count + 1, sizeof(*words));

	memcpy(words, stages->items, stages->count * sizeof(*words));
	return value_did_you_mean_name(&b->reader, name, words);
}

static void
check_stage(struct config_builder *b, struct job_config *job)
{
	uintptr_t index = (uintptr_t)map_get(&b->stages, job->stage);
	bool written = node_get(job->node, "stage") != NULL;

	job->stage_index = index - 1; /* CONFIG_NO_STAGE when there is none */
	if (index > 0)
		return;
	if (written)
		config_logic_error(b, mark_of(job, "stage"),
		    "stage \"%s\" does not exist%s; %s", job->stage,
		    near_stage(b, job->stage), list_stages(b));
	else
		config_logic_error(b, job->at,
		    "has no `stage`, and the usual one, \"test\", is not in `stages`; "
		    "%s",
		    list_stages(b));
}

/* In characters, not bytes. */
static size_t
utf8_length(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static void
check_names(struct config_builder *b, const struct job_config *job)
{
	if (utf8_length(job->name) > CONFIG_MAX_NAME)
		config_logic_error(b, job->at,
		    "the job's name has more than %d characters, which is the limit",
		    CONFIG_MAX_NAME);
	if (utf8_length(job->stage) > CONFIG_MAX_NAME)
		config_logic_error(b, mark_of(job, "stage"),
		    "the stage's name has more than %d characters, which is the limit",
		    CONFIG_MAX_NAME);
	if (str_eq(job->name, "pages:deploy") && str_eq(job->stage, "deploy"))
		config_logic_error(b, job->at,
		    "this name is taken in stage \"deploy\" by the deployment of Pages; "
		    "choose another");
}

#define MANY_JOBS 1000
#define FEW_ERRORS 20

const char *
config_near_job(struct config_builder *b, const char *name)
{
	size_t count = b->draft_count + b->config->job_count, n = 0;
	const char **words;

	if (count > MANY_JOBS && b->reader.diags->errors > FEW_ERRORS)
		return ""; /* comparing takes a while, and nobody reads so many */
	words = arena_calloc(b->arena, count + 1, sizeof(*words));
	for (size_t i = 0; i < b->draft_count; i++)
		words[n++] = b->drafts[i]->job.name;
	for (size_t i = 0; i < b->config->job_count; i++)
		words[n++] = b->config->jobs[i].name;
	return value_did_you_mean_name(&b->reader, name, words);
}

bool
config_is_later(const struct job_config *a, const struct job_config *b)
{
	return a->stage_index != CONFIG_NO_STAGE && b->stage_index != CONFIG_NO_STAGE &&
	    a->stage_index > b->stage_index;
}

static void
check_dependencies(struct config_builder *b, const struct job_config *job)
{
	struct mark at = mark_of(job, "dependencies");
	unsigned stage = (unsigned)job->stage_index;

	if (memo_get(&b->checked, job->dependencies.items, stage) != NULL)
		return; /* the same list, asked from the same stage */
	if (job->dependencies.count > 0)
		memo_set(&b->checked, job->dependencies.items, stage, b);
	for (size_t i = 0; i < job->dependencies.count; i++) {
		const char *name = job->dependencies.items[i];
		const struct job_config *other = map_get(&b->jobs, name);

		if (other == NULL)
			config_logic_error(b, at,
			    "`dependencies` has \"%s\", which is no job%s", name,
			    config_near_job(b, name));
		else if (config_is_later(other, job))
			config_logic_error(b, at,
			    "`dependencies` has \"%s\", which is in the later stage "
			    "\"%s\"; only jobs of this or earlier stages have artifacts "
			    "by then",
			    name, other->stage);
	}
}

static void
check_on_stop(struct config_builder *b, const struct job_config *job)
{
	const char *name = job->environment.on_stop;
	const struct job_draft *draft;
	const struct job_config *stop = name == NULL ? NULL : map_get(&b->jobs, name);
	struct mark at = mark_of(job, "environment");

	if (name == NULL)
		return;
	if (stop == NULL && (draft = map_get(&b->written, name)) != NULL)
		stop = &draft->job; /* a parallel job, by the name of all its instances */
	if (stop == NULL)
		config_logic_error(b, at,
		    "environment:on_stop names \"%s\", which is no job%s", name,
		    config_near_job(b, name));
	else if (stop->environment.name == NULL)
		config_logic_error(b, at,
		    "environment:on_stop names \"%s\", which has no `environment`; give it "
		    "the same name and `action: stop`",
		    name);
	else if (job->environment.name != NULL &&
	    !str_eq(stop->environment.name, job->environment.name))
		config_logic_error(b, at,
		    "environment:on_stop names \"%s\", whose environment is \"%s\", not "
		    "\"%s\"; they must be the same",
		    name, stop->environment.name, job->environment.name);
	else if (stop->environment.action == NULL ||
	    !str_eq(stop->environment.action, "stop"))
		config_logic_error(b, at,
		    "environment:on_stop names \"%s\", whose environment lacks "
		    "`action: stop`",
		    name);
}

/* A push to a branch with a merge request would make two pipelines with this job. */
static void
warn_of_duplicates(struct config_builder *b, const struct job_config *job)
{
	const struct rule *last;

	if (b->has_workflow_rules || job->rules.count == 0)
		return;
	last = &job->rules.items[job->rules.count - 1];
	if (config_rule_is_bare_when(last))
		value_report(&b->reader, DIAG_WARNING, DIAG_LOGIC, last->at,
		    "the last rule is `when` alone and there are no workflow:rules, so one "
		    "push may start two pipelines; add workflow:rules or a condition");
}

static void
warn_of_refusal(struct config_builder *b, const struct job_config *job)
{
	const struct config_refusal *refusal = config_refused(job);

	if (refusal != NULL)
		value_report(&b->reader, DIAG_WARNING, DIAG_LOGIC,
		    mark_of(job, refusal->keyword), "%s", refusal->why);
}

void
config_check_jobs(struct config_builder *b)
{
	for (size_t i = 0; i < b->config->job_count; i++) {
		b->reader.job = b->config->jobs[i].base_name;
		check_stage(b, &b->config->jobs[i]);
	}
	for (size_t i = 0; i < b->config->job_count; i++) {
		const struct job_config *job = &b->config->jobs[i];

		b->reader.job = job->base_name;
		check_names(b, job);
		check_dependencies(b, job);
		check_on_stop(b, job);
		warn_of_duplicates(b, job);
		warn_of_refusal(b, job);
	}
	b->reader.job = NULL;
	config_check_needs(b);
}
