/* Which rule decides: rules, only and except, for events of all kinds. */
#include <check.h>

#include "pipelines/rules.h"
#include "tests/unit/plan_text.h"

/* A job with these keywords, beside one that is always there and so keeps the pipeline.
 */
static char *
decide(const char *keywords, const struct plan_event_text *event)
{
	cleanup_free char *yaml = xasprintf("keep: {script: x, rules: [when: always]}\n"
					    "job:\n  script: x\n%s\n",
	    keywords);
	struct plan *plan = plan_make_valid(yaml, event);
	char *text = plan_text(plan);
	char *job = xstrdup(strchr(text, ';') + 2);

	free(text);
	plan_free(plan);
	return job;
}

struct decision {
	const char *keywords;
	struct plan_event_text event;
	const char *want;
};

static void
check(const struct decision *d)
{
	cleanup_free char *got = decide(d->keywords, &d->event);

	ck_assert_msg(
	    strcmp(got, d->want) == 0, "%s\ngot  %s\nwant %s", d->keywords, got, d->want);
}

static const struct decision rules[] = {
	/* the first that matches decides */
	{ "  rules: [if: $A, if: $B]", { .vars = "A=1" }, "job on_success" },
	{ "  rules: [if: $A, if: $B]", { .vars = "B=1" }, "job on_success" },
	{ "  rules: [if: $A, if: $B]", { 0 }, "-job no_rule_matched" },
	{ "  rules: [{if: $A, when: never}, when: always]", { .vars = "A=1" },
	    "-job rule_never" },
	{ "  rules: [{if: $A, when: never}, when: always]", { 0 }, "job always" },
	{ "  rules: []", { 0 }, "-job no_rule_matched" },
	{ "  rules: [[if: $A], [[when: manual]]]", { 0 }, "job manual" },
	/* all clauses of a rule have to hold */
	{ "  rules: [{if: $A, exists: [x]}]", { .vars = "A=1", .files = "x" },
	    "job on_success" },
	{ "  rules: [{if: $A, exists: [x]}]", { .files = "x" }, "-job no_rule_matched" },
	{ "  rules: [{if: $A, exists: [x]}]", { .vars = "A=1" }, "-job no_rule_matched" },
	{ "  rules: [{changes: [x], exists: [y]}]", { .changed = "x", .files = "y" },
	    "job on_success" },
	{ "  rules: [{changes: [x], exists: [y]}]", { .changed = "z", .files = "y" },
	    "-job no_rule_matched" },
	/* what a rule says replaces what the job says */
	{ "  when: manual\n  rules: [if: $A]", { .vars = "A=1" }, "job manual allow" },
	{ "  rules: [{if: $A, when: manual}]", { .vars = "A=1" }, "job manual" },
	{ "  rules: [{if: $A, when: manual, allow_failure: true}]", { .vars = "A=1" },
	    "job manual allow" },
	{ "  when: manual\n  rules: [{if: $A, allow_failure: false}]", { .vars = "A=1" },
	    "job manual" },
	{ "  allow_failure: {exit_codes: [3, 4]}\n  rules: [if: $A]", { .vars = "A=1" },
	    "job on_success allow(3 4)" },
	{ "  allow_failure: {exit_codes: [3, 4]}\n  rules: [{if: $A, allow_failure: false}]",
	    { .vars = "A=1" }, "job on_success" },
	{ "  rules: [{if: $A, when: delayed, start_in: 30 minutes}]", { .vars = "A=1" },
	    "job delayed in 1800" },
	{ "  rules: [{if: $A, needs: [keep]}]", { .vars = "A=1" },
	    "job on_success needs(keep)" },
	{ "  needs: [keep]\n  rules: [{if: $A, needs: []}]", { .vars = "A=1" },
	    "job on_success needs()" },
	{ "  rules: [{if: $A, needs: []}]", { .vars = "A=1" }, "job on_success" },
	/* which variables `if` sees */
	{ "  variables: {A: x}\n  rules: [if: $A == \"x\"]", { 0 }, "job on_success" },
	{ "  variables: {A: x}\n  rules: [if: $A == \"y\"]", { .vars = "A=y" },
	    "job on_success" },
	{ "  rules: [if: $CI_JOB_NAME == \"job\" && $CI_JOB_STAGE == \"test\"]", { 0 },
	    "job on_success" },
	{ "  variables: {A: $B, B: x}\n  rules: [if: $A == \"x\"]", { 0 },
	    "-job no_rule_matched" }, /* values are taken raw */
	{ "  variables: {A: 1}\n  rules: [{if: '$A == \"1\"', variables: {A: 2}}]", { 0 },
	    "job on_success" },
	{ "  environment: prod\n  rules: [if: $CI_ENVIRONMENT_NAME == \"prod\"]", { 0 },
	    "job on_success" },
};

static const struct decision changes[] = {
	{ "  rules: [changes: [src/*.c]]", { .changed = "src/a.c" }, "job on_success" },
	{ "  rules: [changes: [src/*.c]]", { .changed = "src/b/a.c" },
	    "-job no_rule_matched" },
	{ "  rules: [changes: [src/**/*.c]]", { .changed = "z.c src/b/a.c" },
	    "job on_success" },
	{ "  rules: [changes: ['*.{c,h}']]", { .changed = ".x.h" }, "job on_success" },
	{ "  rules: [changes: [src]]", { .changed = "src/a.c" }, "-job no_rule_matched" },
	{ "  rules: [changes: [a, b]]", { .changed = "b" }, "job on_success" },
	{ "  rules: [changes: [a]]", { .changed = "" }, "-job no_rule_matched" },
	{ "  rules: [changes: [a]]", { .changed = NULL }, "job on_success" },
	{ "  rules: [changes: [$DIR/*]]", { .vars = "DIR=lib", .changed = "lib/x" },
	    "job on_success" },
	{ "  rules: [changes: [$DIR/*]]", { .changed = "lib/x" },
	    "-job no_rule_matched" },
	{ "  rules: [changes: {paths: [a], compare_to: main}]", { .changed = "a" },
	    "job on_success" },
	{ "  rules: [changes: {paths: [a], compare_to: $BASE}]",
	    { .vars = "BASE=$UP; UP=main", .changed = "a" }, "job on_success" },
	{ "  rules: [changes: {paths: [a], compare_to: main}]", { .changed = NULL },
	    "-job no_rule_matched" }, /* a diff is known then, and empty */
};

static const struct decision exists[] = {
	{ "  rules: [exists: [Dockerfile]]", { .files = "A Dockerfile z" },
	    "job on_success" },
	{ "  rules: [exists: [Dockerfile]]", { .files = "a/Dockerfile" },
	    "-job no_rule_matched" },
	{ "  rules: [exists: ['**/Dockerfile']]", { .files = "a/b/Dockerfile" },
	    "job on_success" },
	{ "  rules: [exists: ['src/**/*.py']]", { .files = "docs/x.py src/x.py" },
	    "job on_success" },
	{ "  rules: [exists: [docs/]]", { .files = "a docs/x z" }, "job on_success" },
	{ "  rules: [exists: [docs/]]", { .files = "docs.x docs-2/y" },
	    "-job no_rule_matched" },
	{ "  rules: [exists: ['*/api/']]", { .files = "docs/api/x" }, "job on_success" },
	{ "  rules: [exists: ['*/api/']]", { .files = "docs/api" },
	    "-job no_rule_matched" },
	{ "  rules: [exists: [a*, none]]", { .files = "b c" }, "-job no_rule_matched" },
	{ "  rules: [exists: [$F]]", { .vars = "F=x.$E; E=toml", .files = "x.toml" },
	    "job on_success" },
	{ "  rules: [exists: [a, ab]]", { .files = "aa ab abc" }, "job on_success" },
};

static const struct decision policies[] = {
	/* nothing said: branches and tags */
	{ "", { 0 }, "job on_success" },
	{ "", { .ref = "v1", .is_tag = true }, "job on_success" },
	{ "", { .source = "merge_request_event" }, "-job implicit_refused" },
	{ "", { .source = "schedule" }, "job on_success" },
	/* refs */
	{ "  only: [main]", { 0 }, "job on_success" },
	{ "  only: [main]", { .ref = "dev" }, "-job only_refused" },
	{ "  only: [tags]", { 0 }, "-job only_refused" },
	{ "  only: [tags]", { .ref = "v1", .is_tag = true }, "job on_success" },
	{ "  only: [branches]", { .ref = "v1", .is_tag = true }, "-job only_refused" },
	{ "  only: [v1]", { .ref = "v1", .is_tag = true }, "job on_success" },
	{ "  only: [/^rel-.*$/]", { .ref = "rel-1" }, "job on_success" },
	{ "  only: [/^rel-.*$/]", { .ref = "a-rel-1" }, "-job only_refused" },
	{ "  only: [/^REL/i]", { .ref = "rel-1" }, "job on_success" },
	{ "  only: [/^feature/.*$/]", { .ref = "feature/x" }, "job on_success" },
	{ "  only: [main@group/project]", { 0 }, "job on_success" },
	{ "  only: [main@other/project]", { 0 }, "-job only_refused" },
	{ "  only: [branches@group/project]", { 0 }, "job on_success" },
	{ "  except: [main]", { 0 }, "-job except_refused" },
	{ "  except: [main]", { .ref = "dev" }, "job on_success" },
	{ "  except: [main]", { .source = "merge_request_event" },
	    "-job implicit_refused" },
	{ "  only: [branches]\n  except: [dev]", { .ref = "dev" },
	    "-job except_refused" },
	/* sources */
	{ "  only: [schedules]", { .source = "schedule" }, "job on_success" },
	{ "  only: [schedules]", { 0 }, "-job only_refused" },
	{ "  only: [pushes]", { 0 }, "job on_success" },
	{ "  only: [merge_requests]", { .source = "merge_request_event" },
	    "job on_success" },
	{ "  only: [main]", { .source = "merge_request_event" }, "-job only_refused" },
	{ "  only: [web, api, triggers]", { .source = "trigger" }, "job on_success" },
	{ "  except: [schedules]", { .source = "schedule" }, "-job except_refused" },
	/* the other keys, beside the refs that hold by default */
	{ "  only: {variables: [$A]}", { .vars = "A=1" }, "job on_success" },
	{ "  only: {variables: [$A, $B]}", { .vars = "B=1" }, "job on_success" },
	{ "  only: {variables: [$A]}", { 0 }, "-job only_refused" },
	{ "  only: {variables: [$A]}", { .vars = "A=1", .source = "merge_request_event" },
	    "-job only_refused" },
	{ "  only: {refs: [main], variables: [$A]}", { .vars = "A=1", .ref = "x" },
	    "-job only_refused" },
	{ "  only: {changes: [a]}", { .changed = "b" }, "-job only_refused" },
	{ "  only: {changes: [a]}", { .changed = "a" }, "job on_success" },
	{ "  only: {changes: [a]}", { 0 }, "job on_success" },
	{ "  except: {variables: [$A]}", { .vars = "A=1" }, "-job except_refused" },
	{ "  except: {changes: ['*.md']}", { .changed = "x.md" }, "-job except_refused" },
	{ "  only: {kubernetes: active}", { 0 }, "-job only_refused" },
	{ "  only: {kubernetes: active}", { .vars = "CI_KUBERNETES_ACTIVE=true" },
	    "job on_success" },
};

START_TEST(rule_decides)
{
	check(&rules[_i]);
}
END_TEST

START_TEST(changes_decide)
{
	check(&changes[_i]);
}
END_TEST

START_TEST(exists_decides)
{
	check(&exists[_i]);
}
END_TEST

START_TEST(only_and_except_decide)
{
	check(&policies[_i]);
}
END_TEST

/* ---- reasons ---------------------------------------------------------------------- */

static const struct {
	const char *rules, *vars, *text;
	int rule;
	unsigned line;
	const char *values; /* "NAME=VALUE", "NAME?" where it is not set */
} reasons[] = {
	{ "[if: $A]", "A=1", "rule 1 of 1 matched: $A", 0, 4, "A=1" },
	{ "[if: $A == $B, when: manual]", "A=1",
	    "rule 2 of 2 matched: it has no condition", 1, 4, "" },
	{ "[if: $A, if: $B && $C]", "B=2", "none of its 2 rules matched", -1, 2,
	    "A? B=2 C?" },
	{ "[if: $A]", "", "its only rule did not match", -1, 2, "A?" },
	{ "[if: $A == $A]", "masked:A=secret", "rule 1 of 1 matched: $A == $A", 0, 4,
	    "A=[MASKED]" },
	{ "[{if: $A, when: never}]", "A=1", "rule 1 of 1 matched and says never: $A", 0,
	    4, "A=1" },
	{ "[{if: $A, changes: [x]}]", "A=1",
	    "rule 1 of 1 matched: $A, and a changed path fits", 0, 4, "A=1" },
	{ "[changes: [x]]", "", "rule 1 of 1 matched: a changed path fits", 0, 4, "" },
	{ "[exists: [f]]", "", "rule 1 of 1 matched: a file exists", 0, 4, "" },
	{ "[]", "", "`rules` is empty, so that none can match", -1, 2, "" },
};

static char *
values_text(const struct why *why)
{
	struct buf out = BUF_INIT;

	buf_add_str(&out, "");
	for (size_t i = 0; i < why->value_count; i++) {
		buf_printf(&out, "%s%s", i == 0 ? "" : " ", why->values[i].name);
		if (why->values[i].value == NULL)
			buf_add_char(&out, '?');
		else
			buf_printf(&out, "=%s", why->values[i].value);
	}
	return buf_take(&out);
}

START_TEST(reason_is_told)
{
	cleanup_free char *yaml = xasprintf("keep: {script: x, rules: [when: always]}\n"
					    "job:\n  script: x\n  rules: %s\n",
	    reasons[_i].rules);
	struct plan_event_text event = { .vars = reasons[_i].vars, .files = "f" };
	struct plan *plan = plan_make_valid(yaml, &event);
	const struct why *why = &plan_find(plan, "job")->why;
	cleanup_free char *values = values_text(why);

	ck_assert_str_eq(why->text, reasons[_i].text);
	ck_assert_int_eq(why->rule, reasons[_i].rule);
	ck_assert_str_eq(values, reasons[_i].values);
	ck_assert_str_eq(why->at.file, "ci.yml");
	ck_assert_uint_eq(why->at.line, reasons[_i].line);
	plan_free(plan);
}
END_TEST

START_TEST(rules_behind_the_match_are_not_asked)
{
	struct plan *plan = plan_make_valid(
	    "job: {script: x, rules: [if: $A, if: $B == null, if: $C]}", NULL);
	const struct why *why = &plan->jobs[0].why;

	ck_assert_uint_eq(why->step_count, 2);
	ck_assert_int_eq(why->steps[0].cond, CLAUSE_FALSE);
	ck_assert_int_eq(why->steps[1].cond, CLAUSE_TRUE);
	plan_free(plan);
}
END_TEST

/* ---- failures --------------------------------------------------------------------- */

static const struct {
	const char *rules, *message;
} failures[] = {
	{ "[changes: {paths: [a], compare_to: nowhere}]",
	    "ci.yml:3:11: error: job \"job\": rules:changes:compare_to is not a valid ref: there is no branch, tag or commit \"nowhere\"" },
	{ "[exists: {paths: [a], project: other/one}]",
	    "rules:exists: project other/one is not here" },
};

START_TEST(failure_is_told)
{
	cleanup_free char *yaml =
	    xasprintf("job:\n  script: x\n  rules: %s\n", failures[_i].rules);
	cleanup_plan_made struct plan_made made = plan_make(yaml, NULL);

	ck_assert_ptr_null(made.plan);
	ck_assert_msg(strstr(made.findings, failures[_i].message) != NULL, "%s\n%s",
	    made.findings, failures[_i].message);
}
END_TEST

/* Beyond 50,000 comparisons a clause is true, whatever the files. */
START_TEST(too_many_comparisons_are_true)
{
	cleanup_buf struct buf files = BUF_INIT;
	struct plan_event_text event = { 0 };
	struct plan *plan;

	for (int i = 0; i < 30000; i++)
		buf_printf(&files, "f%d ", i);
	buf_add_str(&files, "z");
	event.files = buf_str(&files);
	plan = plan_make_valid("one: {script: x, rules: [exists: ['*.c']]}\n"
			       "two: {script: x, rules: [exists: ['*.c', '*.d']]}\n",
	    &event);
	ck_assert(!plan->jobs[0].created);
	ck_assert(plan->jobs[1].created);
	plan_free(plan);
}
END_TEST

/* 30 parallel jobs of 200 instances with 200 rules each: what few lines can ask for. */
START_TEST(too_many_rules_are_refused)
{
	cleanup_buf struct buf yaml = BUF_INIT;
	struct plan_made made;

	buf_add_str(&yaml, ".t:\n  - &rules\n");
	for (int i = 0; i < 200; i++)
		buf_printf(&yaml, "    - if: $A%d\n", i);
	for (int i = 0; i < 30; i++)
		buf_printf(&yaml, "j%d: {script: x, parallel: 200, rules: *rules}\n", i);
	made = plan_make(buf_str(&yaml), NULL);
	ck_assert_ptr_null(made.plan);
	ck_assert_ptr_nonnull(strstr(made.findings,
	    "more than 1000000 rules had to be looked at for this pipeline"));
	plan_made_clear(&made);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("rules");
	TCase *tc = tcase_create("rules");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tc, rule_decides, 0, ARRAY_LEN(rules));
	tcase_add_loop_test(tc, changes_decide, 0, ARRAY_LEN(changes));
	tcase_add_loop_test(tc, exists_decides, 0, ARRAY_LEN(exists));
	tcase_add_loop_test(tc, only_and_except_decide, 0, ARRAY_LEN(policies));
	tcase_add_loop_test(tc, reason_is_told, 0, ARRAY_LEN(reasons));
	tcase_add_test(tc, rules_behind_the_match_are_not_asked);
	tcase_add_loop_test(tc, failure_is_told, 0, ARRAY_LEN(failures));
	tcase_add_test(tc, too_many_comparisons_are_true);
	tcase_add_test(tc, too_many_rules_are_refused);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
