/* Plans: whether there is a pipeline, its jobs in order, how they hang together. */
#include <check.h>

#include "pipelines/plan.h"
#include "tests/unit/plan_text.h"

struct plan_case {
	const char *yaml;
	struct plan_event_text event;
	const char *want;
};

static void
check(const struct plan_case *c)
{
	struct plan *plan = plan_make_valid(c->yaml, &c->event);
	cleanup_free char *got = plan_text(plan);

	ck_assert_msg(
	    strcmp(got, c->want) == 0, "%s\ngot  %s\nwant %s", c->yaml, got, c->want);
	plan_free(plan);
}

/* ---- workflow --------------------------------------------------------------------- */

#define WORKFLOW "workflow: {rules: [{if: $NO, when: never}, if: $YES]}\n"

static const struct plan_case workflows[] = {
	{ WORKFLOW "a: {script: x}", { .vars = "YES=1" }, "a on_success" },
	{ WORKFLOW "a: {script: x}", { 0 }, "-a workflow_refused" },
	{ WORKFLOW "a: {script: x}", { .vars = "YES=1; NO=1" }, "-a workflow_refused" },
	/* with workflow:rules a silent job is in merge request pipelines too */
	{ WORKFLOW "a: {script: x}", { .vars = "YES=1", .source = "merge_request_event" },
	    "a on_success" },
	{ WORKFLOW "a: {script: x, except: [main]}",
	    { .vars = "YES=1", .source = "merge_request_event" }, "a on_success" },
	/* its variables reach the jobs' rules, and lose to a job's own */
	{ "workflow: {rules: [{if: $X == null, variables: {V: wf}}]}\nvariables: {V: top}\n"
	  "a: {script: x, rules: [if: '$V == \"wf\"']}\n"
	  "b: {script: x, variables: {V: job}, rules: [if: '$V == \"job\"']}",
	    { 0 }, "a on_success; b on_success" },
	/* a rule of the workflow sees top-level variables */
	{ "workflow: {rules: [if: '$V == \"1\"']}\nvariables: {V: 1}\na: {script: x}",
	    { 0 }, "a on_success" },
	{ "workflow: {rules: [changes: [a]]}\na: {script: x}", { .changed = "b" },
	    "-a workflow_refused" },
	/* only .pre and .post: nothing */
	{ "a: {script: x, stage: .pre}\nb: {script: x, stage: .post}", { 0 },
	    "-a only_edge_stages; -b only_edge_stages" },
	{ "a: {script: x, stage: .pre}\nb: {script: x, rules: [if: $X]}", { 0 },
	    "-a only_edge_stages; -b no_rule_matched" },
	{ "a: {script: x, stage: .pre}\nb: {script: x}", { 0 },
	    "a on_success; b on_success" },
	/* the commit says so, but only a push listens */
	{ "a: {script: x}", { .vars = "predefined:CI_COMMIT_MESSAGE=fix [ci skip]" },
	    "-a commit_skips" },
	{ "a: {script: x}", { .vars = "predefined:CI_COMMIT_MESSAGE=[Skip CI]\nx" },
	    "-a commit_skips" },
	{ "a: {script: x}", { .vars = "predefined:CI_COMMIT_MESSAGE=[skip-ci]" },
	    "-a commit_skips" },
	{ "a: {script: x}",
	    { .vars = "predefined:CI_COMMIT_MESSAGE=[ci skip]", .source = "web" },
	    "a on_success" },
	{ "a: {script: x}", { .vars = "predefined:CI_COMMIT_MESSAGE=ci skip" },
	    "a on_success" },
};

START_TEST(workflow_decides)
{
	check(&workflows[_i]);
}
END_TEST

static const struct {
	const char *yaml, *vars, *text;
	enum why_code code;
	int rule;
} reasons[] = {
	{ "a: {script: x}", "", "there are no workflow:rules", WHY_NO_RULES, -1 },
	{ WORKFLOW "a: {script: x}", "YES=1", "workflow:rules: rule 2 of 2 matched: $YES",
	    WHY_RULE_MATCHED, 1 },
	{ WORKFLOW "a: {script: x}", "NO=1",
	    "workflow:rules: rule 1 of 2 matched and says never: $NO",
	    WHY_WORKFLOW_REFUSED, 0 },
	{ WORKFLOW "a: {script: x}", "", "workflow:rules: none of its 2 rules matched",
	    WHY_WORKFLOW_REFUSED, -1 },
	{ "a: {script: x, rules: [if: $X]}", "",
	    "rules, only and except leave no job for this event", WHY_NO_JOBS, -1 },
};

START_TEST(pipeline_has_a_reason)
{
	struct plan_event_text event = { .vars = reasons[_i].vars };
	struct plan *plan = plan_make_valid(reasons[_i].yaml, &event);
	bool created =
	    reasons[_i].code == WHY_NO_RULES || reasons[_i].code == WHY_RULE_MATCHED;

	ck_assert_str_eq(plan->why.text, reasons[_i].text);
	ck_assert_int_eq(plan->why.code, reasons[_i].code);
	ck_assert_int_eq(plan->why.rule, reasons[_i].rule);
	ck_assert_int_eq(plan->created, created);
	plan_free(plan);
}
END_TEST

static const struct {
	const char *workflow, *vars, *want; /* NULL: no name */
} names[] = {
	{ "{name: Build}", "", "Build" },
	{ "{name: 'Build of $A'}", "A=$B; B=it", "Build of it" },
	{ "{name: ' $EMPTY '}", "EMPTY=", NULL },
	{ "{name: '$NONE'}", "", NULL },
	{ "{name: '$V', rules: [{variables: {V: by rule}}]}", "", "by rule" },
};

START_TEST(pipeline_has_a_name)
{
	cleanup_free char *yaml =
	    xasprintf("workflow: %s\na: {script: x}", names[_i].workflow);
	struct plan_event_text event = { .vars = names[_i].vars };
	struct plan *plan = plan_make_valid(yaml, &event);

	ck_assert_pstr_eq(plan->name, names[_i].want);
	ck_assert_pstr_eq(
	    vars_value(&plan->jobs[0].vars, "CI_PIPELINE_NAME"), names[_i].want);
	plan_free(plan);
}
END_TEST

START_TEST(workflow_rule_changes_auto_cancel)
{
	struct plan *plan =
	    plan_make_valid("workflow:\n"
			    "  auto_cancel: {on_new_commit: none, on_job_failure: all}\n"
			    "  rules: [{auto_cancel: {on_new_commit: interruptible}}]\n"
			    "a: {script: x}",
		NULL);

	ck_assert_str_eq(plan->auto_cancel.on_new_commit, "interruptible");
	ck_assert_str_eq(plan->auto_cancel.on_job_failure, "all");
	plan_free(plan);
}
END_TEST

/* ---- jobs ------------------------------------------------------------------------- */

static const struct plan_case jobs[] = {
	/* order of stages, then of the file */
	{ "stages: [one, two]\nb: {stage: two, script: x}\na: {stage: one, script: x}\n"
	  "z: {stage: .post, script: x}\nc: {stage: two, script: x}\ny: {stage: .pre, script: x}",
	    { 0 },
	    "y on_success; a on_success; b on_success; c on_success; z on_success" },
	/* when and allow_failure without rules */
	{ "a: {script: x, when: manual}", { 0 }, "a manual allow" },
	{ "a: {script: x, when: manual, allow_failure: false}", { 0 }, "a manual" },
	{ "a: {script: x, when: delayed, start_in: 90 seconds}", { 0 },
	    "a delayed in 90" },
	{ "a: {script: x, when: on_failure, allow_failure: true}", { 0 },
	    "a on_failure allow" },
	{ "a: {script: x, allow_failure: {exit_codes: 137}}", { 0 },
	    "a on_success allow(137)" },
	/* parallel */
	{ "a: {script: x, parallel: 2}\nb: {script: x, needs: [a]}", { 0 },
	    "a 1/2 on_success; a 2/2 on_success; b on_success needs(a 1/2 a 2/2)" },
	{ "a: {script: x, parallel: {matrix: [{K: [p, q]}]}, rules: [if: '$K == \"q\"']}",
	    { 0 }, "-a: [p] no_rule_matched; a: [q] on_success" },
	/* a matrix value beats the job's variable, a rule's beats both */
	{ "a:\n  script: x\n  variables: {K: job}\n  parallel: {matrix: [{K: [p]}]}\n"
	  "  rules: [if: '$K == \"p\"']",
	    { 0 }, "a: [p] on_success" },
};

START_TEST(job_is_planned)
{
	check(&jobs[_i]);
}
END_TEST

/* ---- needs ------------------------------------------------------------------------ */

static const struct plan_case needs[] = {
	{ "a: {script: x}\nb: {script: x, needs: [a]}", { 0 },
	    "a on_success; b on_success needs(a)" },
	{ "a: {script: x}\nb: {script: x, needs: []}", { 0 },
	    "a on_success; b on_success needs()" },
	{ "a: {script: x, rules: [if: $X]}\nb: {script: x, needs: [{job: a, optional: true}]}",
	    { 0 }, "-a no_rule_matched; b on_success needs()" },
	{ "a: {script: x, rules: [if: $X]}\nb: {script: x, needs: [{job: a, optional: true}]}",
	    { .vars = "X=1" }, "a on_success; b on_success needs(a)" },
	/* a job that is left out needs nothing */
	{ "a: {script: x, rules: [if: $X]}\nb: {script: x, needs: [a], rules: [if: $X]}\n"
	  "c: {script: x}",
	    { 0 }, "-a no_rule_matched; -b no_rule_matched; c on_success" },
	/* needs of a rule */
	{ "a: {stage: build, script: x, parallel: 2}\n"
	  "b: {script: x, rules: [{if: $Y == null, needs: [a]}]}",
	    { 0 },
	    "a 1/2 on_success; a 2/2 on_success; b on_success needs(a 1/2 a 2/2)" },
	{ "a: {script: x}\nb: {script: x}\n"
	  "c: {script: x, needs: [a], rules: [{if: $X, needs: [b]}, when: on_success]}",
	    { .vars = "X=1" }, "a on_success; b on_success; c on_success needs(b)" },
};

START_TEST(needs_are_resolved)
{
	check(&needs[_i]);
}
END_TEST

static const struct {
	const char *yaml, *finding;
} failures[] = {
	{ "a: {script: x, rules: [if: $X]}\nb: {script: x, needs: [a]}",
	    "error: job \"b\": 'b' job needs 'a' job, but 'a' does not exist in the pipeline: "
	    "its only rule did not match; give both jobs the same rules, or say "
	    "`optional: true` in the need" },
	{ "a: {script: x, needs: [b]}\n"
	  "b: {script: x, rules: [{if: $X == null, needs: [c]}]}\n"
	  "c: {script: x, rules: [{if: $X == null, needs: [a]}]}",
	    "jobs need each other in a circle: 'a' needs 'b' needs 'c' needs 'a'" },
	{ "a: {script: x, rules: [{if: $X == null, needs: [a]}]}", "'a' needs 'a'" },
	{ "variables: {A: $B, B: $A}\na: {script: x}",
	    "circular variable reference detected: [A, B]" },
	{ "variables: {A: $B}\na: {script: x, variables: {B: $C, C: 1$A}}",
	    "job \"a\": circular variable reference detected: [" },
};

START_TEST(plan_is_refused)
{
	cleanup_plan_made struct plan_made made = plan_make(failures[_i].yaml, NULL);

	ck_assert_ptr_null(made.plan);
	ck_assert_msg(strstr(made.findings, failures[_i].finding) != NULL,
	    "%s\ngot  %s\nwant %s", failures[_i].yaml, made.findings,
	    failures[_i].finding);
}
END_TEST

/* A variable that names itself means the one it overrides; raw ones hold no references.
 */
START_TEST(no_circle_is_seen_where_none_is)
{
	struct plan *plan = plan_make_valid(
	    "variables: {PATH: '$PATH:/x', A: {value: $B, expand: false}, B: $A}\n"
	    "a: {script: x, variables: {PATH: '$PATH:/y'}}",
	    NULL);

	ck_assert(plan->created);
	plan_free(plan);
}
END_TEST

/* ---- artifacts -------------------------------------------------------------------- */

#define SUPPLIERS                                                                        \
	"stages: [one, two, three]\n"                                                    \
	"a: {stage: one, script: x, artifacts: {paths: [a]}}\n"                          \
	"b: {stage: one, script: x}\n"                                                   \
	"c: {stage: two, script: x, artifacts: {paths: [c]}}\n"                          \
	"d: {stage: two, script: x, parallel: 2, artifacts: {reports: {dotenv: d}}}\n"   \
	"left: {stage: one, script: x, artifacts: {paths: [x]}, rules: [if: $X]}\n"

static const struct {
	const char *job, *want;
} sources[] = {
	{ "{stage: one, script: x}", "" },
	{ "{stage: two, script: x}", "a" },
	{ "{stage: three, script: x}", "a c d 1/2 d 2/2" },
	{ "{stage: three, script: x, dependencies: []}", "" },
	{ "{stage: three, script: x, dependencies: [d, a]}", "a d 1/2 d 2/2" },
	{ "{stage: three, script: x, dependencies: [b, left]}", "" },
	{ "{stage: three, script: x, needs: []}", "" },
	{ "{stage: three, script: x, needs: [c, b, a]}", "a c" },
	{ "{stage: three, script: x, needs: [{job: c, artifacts: false}, a]}", "a" },
	{ "{stage: three, script: x, needs: [d 2/2]}", "d 2/2" },
	{ "{stage: three, script: x, needs: [a, c], dependencies: [c]}", "c" },
	{ "{stage: two, script: x, needs: [c]}", "c" },
	{ "{stage: two, script: x, dependencies: [c, a]}", "a" },
};

START_TEST(artifacts_come_from)
{
	cleanup_free char *yaml = xasprintf(SUPPLIERS "job: %s", sources[_i].job);
	struct plan *plan = plan_make_valid(yaml, NULL);
	const struct plan_job *job = plan_find(plan, "job");
	cleanup_buf struct buf got = BUF_INIT;

	for (size_t i = 0; i < job->artifact_source_count; i++)
		buf_printf(&got, "%s%s", i == 0 ? "" : " ",
		    plan->jobs[job->artifact_sources[i]].name);
	ck_assert_msg(strcmp(buf_str(&got), sources[_i].want) == 0,
	    "%s\ngot  %s\nwant %s", sources[_i].job, buf_str(&got), sources[_i].want);
	plan_free(plan);
}
END_TEST

/* ---- variables -------------------------------------------------------------------- */

static const struct {
	const char *yaml, *vars, *name, *want;
} values[] = {
	/* precedence */
	{ "variables: {V: top}\na: {script: x}", "", "V", "top" },
	{ "variables: {V: top}\na: {script: x, variables: {V: job}}", "", "V", "job" },
	{ "a: {script: x, variables: {V: job}, rules: [{variables: {V: rule}}]}", "", "V",
	    "rule" },
	{ "a: {script: x, variables: {V: job}}", "project:V=project", "V", "project" },
	{ "a: {script: x}", "project:V=project; V=pipeline", "V", "pipeline" },
	{ "a: {script: x, variables: {CI_COMMIT_BRANCH: mine}}", "", "CI_COMMIT_BRANCH",
	    "mine" },
	/* inherit */
	{ "variables: {V: top}\na: {script: x, inherit: {variables: false}}", "", "V",
	    NULL },
	{ "variables: {V: top, W: w}\na: {script: x, inherit: {variables: [W]}}", "", "V",
	    NULL },
	{ "variables: {V: top, W: w}\na: {script: x, inherit: {variables: [W]}}", "", "W",
	    "w" },
	{ "workflow: {rules: [{variables: {V: wf}}]}\nvariables: {V: top}\n"
	  "a: {script: x, inherit: {variables: false}}",
	    "", "V", "wf" },
	{ "variables: {V: top}\na: {script: x, inherit: {variables: false}}",
	    "project:V=p", "V", "p" },
	/* predefined ones of the job */
	{ "a: {script: x}", "", "CI_JOB_NAME", "a" },
	{ "A b/c: {script: x}", "", "CI_JOB_NAME_SLUG", "a-b-c" },
	{ "a: {script: x}", "", "CI_JOB_STAGE", "test" },
	{ "a: {script: x, parallel: 3}", "", "CI_JOB_GROUP_NAME", "a" },
	{ "a: {script: x, image: busybox}", "", "CI_JOB_IMAGE", "busybox" },
	{ "a: {script: x}", "", "CI_NODE_TOTAL", "1" },
	{ "a: {script: x}", "", "CI_NODE_INDEX", NULL },
	{ "a: {script: x, parallel: 3}", "", "CI_NODE_TOTAL", "3" },
	{ "a: {script: x, parallel: 3}", "", "CI_NODE_INDEX", "1" },
	/* environments */
	{ "a: {script: x, environment: {name: Prod $V, url: 'https://$V'}}", "V=1",
	    "CI_ENVIRONMENT_NAME", "Prod 1" },
	{ "a: {script: x, environment: {name: production, url: 'https://$V'}}", "V=1",
	    "CI_ENVIRONMENT_URL", "https://1" },
	{ "a: {script: x, environment: production}", "", "CI_ENVIRONMENT_SLUG",
	    "production" },
	{ "a: {script: x, environment: production}", "", "CI_ENVIRONMENT_ACTION",
	    "start" },
	{ "a: {script: x, environment: {name: p, action: verify}}", "",
	    "CI_ENVIRONMENT_ACTION", "verify" },
	{ "a: {script: x, environment: review/x}", "", "CI_ENVIRONMENT_TIER",
	    "development" },
	{ "a: {script: x, environment: Live}", "", "CI_ENVIRONMENT_TIER", "production" },
	{ "a: {script: x, environment: earth}", "", "CI_ENVIRONMENT_TIER", "other" },
	{ "a: {script: x, environment: {name: p, deployment_tier: staging}}", "",
	    "CI_ENVIRONMENT_TIER", "staging" },
	{ "a: {script: x}", "", "CI_ENVIRONMENT_NAME", NULL },
	{ "a: {script: x, environment: $V, rules: [{variables: {V: by-rule}}]}", "",
	    "CI_ENVIRONMENT_NAME", "by-rule" },
};

START_TEST(variable_has_its_value)
{
	struct plan_event_text event = { .vars = values[_i].vars };
	struct plan *plan = plan_make_valid(values[_i].yaml, &event);

	ck_assert_pstr_eq(
	    vars_value(&plan->jobs[0].vars, values[_i].name), values[_i].want);
	plan_free(plan);
}
END_TEST

static const struct {
	const char *environment, *scoped, *want;
} scopes[] = {
	{ "prod", "prod:V=1", "1" },
	{ "prod", "production:V=1", NULL },
	{ "production", "prod:V=1", NULL },
	{ "prod", "p*:V=1", "1" },
	{ "review/a/b", "review/*:V=1", "1" },
	{ "review", "review/*:V=1", NULL },
	{ "a-x-b", "a*b:V=1", "1" },
	{ "a-x-c", "a*b:V=1", NULL },
	{ "aab", "*ab:V=1", "1" },
	/* the closer one counts, wherever it stands */
	{ "prod", "prod:V=exact; p*:V=star", "exact" },
	{ "prod", "p*:V=star; prod:V=exact", "exact" },
	{ "prod", "p*:V=short; pro*:V=long", "long" },
	{ "prod", "pro*:V=long; p*:V=short", "long" },
	/* above the files, as every project variable */
	{ "prod, variables: {V: x}", "prod:V=1", "1" },
	{ "$E, rules: [{variables: {E: prod}}]", "prod:V=1", "1" },
};

START_TEST(scoped_variable_needs_its_environment)
{
	cleanup_free char *yaml = xasprintf(
	    "a: {script: x, environment: %s}\nb: {script: x}", scopes[_i].environment);
	struct plan_event_text event = { .scoped = scopes[_i].scoped };
	struct plan *plan = plan_make_valid(yaml, &event);

	ck_assert_pstr_eq(vars_value(&plan->jobs[0].vars, "V"), scopes[_i].want);
	ck_assert_ptr_null(vars_value(&plan->jobs[1].vars, "V"));
	plan_free(plan);
}
END_TEST

static const struct {
	const char *keyword, *vars, *want;
} expansions[] = {
	{ "tags: [linux, $T]", "T=big", "tags linux big" },
	{ "tags: [$T]", "T=big-$N; N=2", "tags big-$N" },
	{ "tags: ['${T}x', '%T%', $NONE]", "T=a", "tags ax a $NONE" },
	{ "tags: ['$$T']", "T=a", "tags $T" },
	{ "tags: [$T]", "T=$T", "tags $T" },
	{ "image: '$I:$V'", "I=gcc; V=$W; W=12", "image gcc:12" },
	{ "resource_group: 'to-$R'", "R=$S; S=prod", "resource_group to-prod" },
	{ "resource_group: 'to-$NONE'", "", "resource_group to-" },
	{ "environment: {name: 'r/$B', url: 'http://$B.x', action: stop}", "B=b",
	    "environment r/b http://b.x stop" },
};

static void
add_keywords(struct buf *out, const struct plan_job *job)
{
	for (size_t i = 0; i < job->tags.count; i++)
		buf_printf(out, "%s %s", i == 0 ? "tags" : "", job->tags.items[i]);
	if (job->image != NULL)
		buf_printf(out, "image %s", job->image);
	if (job->resource_group != NULL)
		buf_printf(out, "resource_group %s", job->resource_group);
	if (job->environment != NULL)
		buf_printf(out, "environment %s %s %s", job->environment,
		    job->environment_url, job->environment_action);
}

START_TEST(keyword_is_expanded)
{
	cleanup_free char *yaml = xasprintf("a: {script: x, %s}", expansions[_i].keyword);
	struct plan_event_text event = { .vars = expansions[_i].vars };
	struct plan *plan = plan_make_valid(yaml, &event);
	cleanup_buf struct buf got = BUF_INIT;

	add_keywords(&got, &plan->jobs[0]);
	ck_assert_str_eq(buf_str(&got), expansions[_i].want);
	plan_free(plan);
}
END_TEST

/* ---- size ------------------------------------------------------------------------- */

/* By stage order half of the jobs supply the other half; the lists must not multiply. */
START_TEST(stage_order_stays_linear)
{
	cleanup_buf struct buf yaml = BUF_INIT;
	struct plan *plan;

	buf_add_str(&yaml, "stages: [one, two]\n");
	for (int i = 0; i < 3000; i++)
		buf_printf(&yaml,
		    "a%d: {stage: one, script: x, artifacts: {paths: [a]}}\n"
		    "b%d: {stage: two, script: x}\n",
		    i, i);
	plan = plan_make_valid(buf_str(&yaml), NULL);
	ck_assert_uint_eq(plan->jobs[5999].artifact_source_count, 3000);
	ck_assert_ptr_eq(
	    plan->jobs[5998].artifact_sources, plan->jobs[5999].artifact_sources);
	ck_assert_uint_lt(arena_used(plan->arena), (size_t)60 * 1024 * 1024);
	plan_free(plan);
}
END_TEST

/* A chain of needs as long as a file allows does not fill the stack. */
START_TEST(long_chain_of_needs_is_planned)
{
	cleanup_buf struct buf yaml = BUF_INIT;
	struct plan *plan;

	buf_add_str(&yaml, "j0: {script: x}\n");
	for (int i = 1; i < 5000; i++)
		buf_printf(&yaml, "j%d: {script: x, needs: [j%d]}\n", i, i - 1);
	plan = plan_make_valid(buf_str(&yaml), NULL);
	ck_assert_uint_eq(plan->jobs[4999].needs[0].job, 4998);
	plan_free(plan);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("plan");
	TCase *tc = tcase_create("plan");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, workflow_decides, 0, ARRAY_LEN(workflows));
	tcase_add_loop_test(tc, pipeline_has_a_reason, 0, ARRAY_LEN(reasons));
	tcase_add_loop_test(tc, pipeline_has_a_name, 0, ARRAY_LEN(names));
	tcase_add_test(tc, workflow_rule_changes_auto_cancel);
	tcase_add_loop_test(tc, job_is_planned, 0, ARRAY_LEN(jobs));
	tcase_add_loop_test(tc, needs_are_resolved, 0, ARRAY_LEN(needs));
	tcase_add_loop_test(tc, plan_is_refused, 0, ARRAY_LEN(failures));
	tcase_add_test(tc, no_circle_is_seen_where_none_is);
	tcase_add_loop_test(tc, artifacts_come_from, 0, ARRAY_LEN(sources));
	tcase_add_loop_test(tc, variable_has_its_value, 0, ARRAY_LEN(values));
	tcase_add_loop_test(
	    tc, scoped_variable_needs_its_environment, 0, ARRAY_LEN(scopes));
	tcase_add_loop_test(tc, keyword_is_expanded, 0, ARRAY_LEN(expansions));
	tcase_add_test(tc, stage_order_stays_linear);
	tcase_add_test(tc, long_chain_of_needs_is_planned);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
