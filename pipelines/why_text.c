/* Reasons in words. */
#include "pipelines/why_text.h"

#include "base/visible.h"
#include "pipelines/duration.h"

#define NAMES_MAX 8 /* of a list; then "and N others" */

/* ---- rules ------------------------------------------------------------------------ */

static void
add_mark(struct buf *out, const struct mark *at)
{
	if (at->file == NULL)
		return;
	visible_add(out, at->file);
	if (at->line > 0)
		buf_printf(out, ":%" PRIu32, at->line);
	buf_add_str(out, ": ");
}

static const char *
clause_answer(enum why_clause clause)
{
	switch (clause) {
	case CLAUSE_TRUE:
		return "true";
	case CLAUSE_FALSE:
		return "false";
	case CLAUSE_NOT_ASKED:
		return "not looked at, since the rule could not match any more";
	case CLAUSE_ABSENT:
		break;
	}
	return "";
}

static void
add_paths(struct buf *out, const char *keyword, const struct rule_paths *paths,
    enum why_clause clause)
{
	size_t count = paths->paths.count;

	if (clause == CLAUSE_ABSENT)
		return;
	buf_printf(out, "    %s: ", keyword);
	for (size_t i = 0; i < count && i < NAMES_MAX; i++) {
		buf_add_str(out, i > 0 ? ", " : "");
		visible_add(out, paths->paths.items[i]);
	}
	if (count > NAMES_MAX)
		buf_printf(out, " and %zu others", count - NAMES_MAX);
	if (paths->compare_to != NULL) {
		buf_add_str(out, " (compared to ");
		visible_add(out, paths->compare_to);
		buf_add_char(out, ')');
	}
	buf_printf(out, "  -> %s\n", clause_answer(clause));
}

static void
add_values(struct buf *out, const struct why_value *values, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		buf_add_str(out, "      ");
		visible_add(out, values[i].name);
		if (values[i].value == NULL) {
			buf_add_str(out, " is not set\n");
			continue;
		}
		buf_add_str(out, " = \"");
		visible_add(out, values[i].value);
		buf_add_str(out, "\"\n");
	}
}

static const char *
step_result(const struct why_step *step)
{
	if (!why_step_matched(step))
		return "does not match";
	if (step->rule->has_when && step->rule->when == WHEN_NEVER)
		return "matches and says never";
	return "matches";
}

static void
add_step(struct buf *out, const struct why_step *step, size_t number)
{
	const struct rule *rule = step->rule;

	buf_add_str(out, "  ");
	add_mark(out, &rule->at);
	buf_printf(out, "rule %zu %s", number, step_result(step));
	if (why_step_matched(step) && rule->has_when && rule->when != WHEN_NEVER)
		buf_printf(out, ", when: %s", job_when_name(rule->when));
	buf_add_char(out, '\n');
	if (rule->cond != NULL) {
		buf_add_str(out, "    if: ");
		visible_add(out, rule->cond);
		buf_printf(out, "  -> %s\n", clause_answer(step->cond));
		add_values(out, step->values, step->value_count);
	}
	add_paths(out, "changes", &rule->changes, step->changes);
	add_paths(out, "exists", &rule->exists, step->exists);
	if (rule->cond == NULL && step->changes == CLAUSE_ABSENT &&
	    step->exists == CLAUSE_ABSENT)
		buf_add_str(out, "    it has no condition\n");
}

static void
add_steps(struct buf *out, const char *title, const struct why *why, size_t rule_count)
{
	if (rule_count == 0)
		return;
	buf_printf(out, "\n%s:\n", title);
	for (size_t i = 0; i < why->step_count; i++)
		add_step(out, &why->steps[i], i + 1);
	if (why->step_count < rule_count)
		buf_printf(out, "  the first match decides; %zu more not looked at\n",
		    rule_count - why->step_count);
}

/* ---- when it runs ----------------------------------------------------------------- */

/* "a, b and c" */
static void
add_job_names(struct buf *out, const struct plan *plan, const size_t *jobs, size_t count)
{
	for (size_t i = 0; i < count && i < NAMES_MAX; i++) {
		if (i > 0)
			buf_add_str(out, i + 1 == count ? " and " : ", ");
		visible_add(out, plan->jobs[jobs[i]].name);
	}
	if (count > NAMES_MAX)
		buf_printf(out, " and %zu others", count - NAMES_MAX);
}

/* Stages before the job's with something in them; "the stages build and test". */
static size_t
add_stage_names(struct buf *out, const struct plan *plan, const struct plan_job *job)
{
	cleanup_free size_t *firsts = xcalloc(plan->stages.count, sizeof(*firsts));
	size_t count = 0;

	for (const struct plan_job *j = plan->jobs; j < job; j++) {
		if (!j->created || j->stage_index >= job->stage_index ||
		    (count > 0 &&
			plan->jobs[firsts[count - 1]].stage_index == j->stage_index))
			continue;
		firsts[count++] = (size_t)(j - plan->jobs);
	}
	if (count == 0)
		return 0;
	buf_add_str(out, count == 1 ? "the stage " : "the stages ");
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_add_str(out, i + 1 == count ? " and " : ", ");
		visible_add(out, plan->jobs[firsts[i]].stage);
	}
	return count;
}

/* What it waits for, and how many that are; 0: nothing. */
static size_t
add_prior(struct buf *out, const struct plan *plan, const struct plan_job *job)
{
	cleanup_free size_t *needs = NULL;

	if (!job->has_needs)
		return add_stage_names(out, plan, job);
	needs = xcalloc(job->need_count + 1, sizeof(*needs));
	for (size_t i = 0; i < job->need_count; i++)
		needs[i] = job->needs[i].job;
	add_job_names(out, plan, needs, job->need_count);
	return job->need_count;
}

/* Nothing is before it: neither a needed job nor an earlier stage. */
static void
add_start_of_first(struct buf *out, const struct plan_job *job)
{
	char delay[DURATION_TEXT_MAX];

	switch (job->when) {
	case WHEN_ON_FAILURE:
		buf_add_str(out,
		    "It is skipped: it runs after a failure, and nothing is before it.\n");
		return;
	case WHEN_MANUAL:
		buf_add_str(
		    out, "It waits for a person to start it; nothing is before it.\n");
		return;
	case WHEN_DELAYED:
		buf_printf(out,
		    "It starts %s after the pipeline; nothing is before it.\n",
		    duration_format(job->start_in_s, delay));
		return;
	case WHEN_ON_SUCCESS:
	case WHEN_ALWAYS:
	case WHEN_NEVER:
		buf_add_str(out, "It starts at once: nothing is before it.\n");
		return;
	}
}

static void
add_start(struct buf *out, const struct plan *plan, const struct plan_job *job)
{
	cleanup_buf struct buf prior = BUF_INIT;
	size_t count = add_prior(&prior, plan, job);
	const char *has = count == 1 ? "has" : "have", *names = buf_str(&prior);
	char delay[DURATION_TEXT_MAX];

	if (count == 0) {
		add_start_of_first(out, job);
		return;
	}
	switch (job->when) {
	case WHEN_ON_FAILURE:
		buf_printf(out, "It runs after %s, if something failed there.\n", names);
		return;
	case WHEN_ALWAYS:
		buf_printf(out, "It runs after %s, whatever came of it.\n", names);
		return;
	case WHEN_MANUAL:
		buf_printf(out,
		    "It waits for a person to start it, once %s %s succeeded.\n", names,
		    has);
		return;
	case WHEN_DELAYED:
		buf_printf(out, "It starts %s after %s %s succeeded.\n",
		    duration_format(job->start_in_s, delay), names, has);
		return;
	case WHEN_ON_SUCCESS:
	case WHEN_NEVER:
		buf_printf(out, "It runs after %s %s succeeded.\n", names, has);
		return;
	}
}

static void
add_failure(struct buf *out, const struct plan_job *job)
{
	const struct allow_failure *allow = &job->allow_failure;
	bool manual = job->when == WHEN_MANUAL;

	if (allow->exit_codes.count > 0) {
		buf_add_str(out, "The pipeline goes on if it fails with exit code");
		for (size_t i = 0; i < allow->exit_codes.count && i < NAMES_MAX; i++)
			buf_printf(
			    out, "%s %d", i > 0 ? "," : "", allow->exit_codes.items[i]);
		buf_add_str(out, allow->exit_codes.count > NAMES_MAX ? " …\n" : ".\n");
	} else if (allow->allowed) {
		buf_add_str(out,
		    manual ? "The pipeline goes on without it.\n"
			   : "The pipeline goes on if it fails.\n");
	} else if (manual) {
		buf_add_str(out, "The pipeline waits for it (allow_failure is false).\n");
	}
}

static bool
is_left_out(const struct plan *plan, const struct need *need)
{
	const struct plan_job *job;

	if (!need->optional || need->job == NULL)
		return false;
	job = plan_find(plan, need->job);
	return job != NULL && !job->created;
}

/* Optional needs this event leaves out, and whose artifacts come in. */
static void
add_others(struct buf *out, const struct plan *plan, const struct plan_job *job)
{
	for (size_t i = 0; i < job->needs_written.count; i++) {
		const struct need *need = &job->needs_written.items[i];

		if (!is_left_out(plan, need))
			continue;
		buf_add_str(out, "It would also wait for ");
		visible_add(out, need->job);
		buf_add_str(
		    out, ", which this event leaves out (the need is optional).\n");
	}
	if (job->artifact_source_count == 0)
		return;
	buf_add_str(out, "It gets the artifacts of ");
	add_job_names(out, plan, job->artifact_sources, job->artifact_source_count);
	buf_add_str(out, ".\n");
}

/* ---- all of it -------------------------------------------------------------------- */

void
why_explain(const struct plan *plan, const struct plan_job *job, struct buf *out)
{
	visible_add(out, job->name);
	buf_add_str(
	    out, job->created ? " is in the pipeline: " : " is not in the pipeline: ");
	visible_add(out, job->why.text);
	buf_add_char(out, '\n');
	if (job->why.at.file != NULL) {
		buf_add_str(out, "  decided at ");
		visible_add(out, job->why.at.file);
		buf_printf(out, ":%" PRIu32 "\n", job->why.at.line);
	}
	if (!plan->created)
		add_steps(out, "workflow:rules", &plan->why,
		    plan->config->workflow_rules.count);
	add_steps(out, "rules", &job->why, job->config->rules.count);
	if (!job->created)
		return;
	buf_add_char(out, '\n');
	add_start(out, plan, job);
	add_failure(out, job);
	add_others(out, plan, job);
}

void
why_explain_pipeline(const struct plan *plan, struct buf *out)
{
	buf_add_str(
	    out, plan->created ? "There is a pipeline: " : "There is no pipeline: ");
	visible_add(out, plan->why.text);
	buf_add_char(out, '\n');
	add_steps(out, "workflow:rules", &plan->why, plan->config->workflow_rules.count);
}
