/* Reasons in words: what `pawl why` tells a person. */
#include <check.h>

#include "pipelines/why_text.h"
#include "tests/unit/plan_text.h"

static char *
explain(const char *yaml, const char *vars, const char *job)
{
	struct plan_event_text event = {
		.vars = vars, .files = "f", .changed = "src/a.c"
	};
	struct plan *plan = plan_make_valid(yaml, &event);
	struct buf out = BUF_INIT;

	if (job == NULL)
		why_explain_pipeline(plan, &out);
	else
		why_explain(plan, plan_find(plan, job), &out);
	plan_free(plan);
	return buf_take(&out);
}

static const struct {
	const char *yaml, *vars, *job, *want;
} whole[] = {
	{ "build: {stage: build, script: x}\n"
	  "deploy:\n"
	  "  stage: deploy\n"
	  "  script: x\n"
	  "  rules:\n"
	  "    - if: $CI_COMMIT_TAG\n"
	  "      when: never\n"
	  "    - if: $CI_COMMIT_BRANCH == \"main\" && $A\n"
	  "      changes: [src/*]\n"
	  "      when: manual\n"
	  "    - when: always\n",
	    "A=1", "deploy",
	    "deploy is in the pipeline: rule 2 of 3 matched: $CI_COMMIT_BRANCH == \"main\" && "
	    "$A, and a changed path fits\n"
	    "  decided at ci.yml:8\n"
	    "\n"
	    "rules:\n"
	    "  ci.yml:6: rule 1 does not match\n"
	    "    if: $CI_COMMIT_TAG  -> false\n"
	    "      CI_COMMIT_TAG is not set\n"
	    "  ci.yml:8: rule 2 matches, when: manual\n"
	    "    if: $CI_COMMIT_BRANCH == \"main\" && $A  -> true\n"
	    "      CI_COMMIT_BRANCH = \"main\"\n"
	    "      A = \"1\"\n"
	    "    changes: src/*  -> true\n"
	    "  the first match decides; 1 more not looked at\n"
	    "\n"
	    "It waits for a person to start it, once the stage build has succeeded.\n"
	    "The pipeline waits for it (allow_failure is false).\n" },
	{ "a: {script: x}\nb:\n  script: x\n  rules:\n    - {if: $X, exists: [f]}\n", "",
	    "b",
	    "b is not in the pipeline: its only rule did not match\n"
	    "  decided at ci.yml:2\n"
	    "\n"
	    "rules:\n"
	    "  ci.yml:5: rule 1 does not match\n"
	    "    if: $X  -> false\n"
	    "      X is not set\n"
	    "    exists: f  -> not looked at, since the rule could not match any more\n" },
	{ "workflow:\n  rules:\n    - if: $X\na: {script: x}\n", "", "a",
	    "a is not in the pipeline: there is no pipeline: workflow:rules: its only rule did "
	    "not match\n"
	    "\n"
	    "workflow:rules:\n"
	    "  ci.yml:3: rule 1 does not match\n"
	    "    if: $X  -> false\n"
	    "      X is not set\n" },
	{ "workflow:\n  rules:\n    - if: $X\n      when: never\n    - when: always\n"
	  "a: {script: x}\n",
	    "", NULL,
	    "There is a pipeline: workflow:rules: rule 2 of 2 matched: it has no condition\n"
	    "\n"
	    "workflow:rules:\n"
	    "  ci.yml:3: rule 1 does not match\n"
	    "    if: $X  -> false\n"
	    "      X is not set\n"
	    "  ci.yml:5: rule 2 matches, when: always\n"
	    "    it has no condition\n" },
};

START_TEST(everything_is_told)
{
	cleanup_free char *got = explain(whole[_i].yaml, whole[_i].vars, whole[_i].job);

	ck_assert_msg(
	    strcmp(got, whole[_i].want) == 0, "got:\n%s\nwant:\n%s", got, whole[_i].want);
}
END_TEST

#define BEFORE                                                                           \
	"stages: [one, two, three]\n"                                                    \
	"a: {stage: one, script: x, artifacts: {paths: [a]}}\n"                          \
	"b: {stage: two, script: x}\n"                                                   \
	"gone: {stage: two, script: x, rules: [if: $X]}\n"

static const struct {
	const char *job, *sentence;
} sentences[] = {
	{ "{stage: one, script: x}", "It starts at once: nothing is before it.\n" },
	{ "{stage: one, script: x, when: always}",
	    "It starts at once: nothing is before it.\n" },
	{ "{stage: one, script: x, when: manual}",
	    "It waits for a person to start it; nothing is before it.\n" },
	{ "{stage: one, script: x, when: delayed, start_in: 1h 30m}",
	    "It starts 1h 30m after the pipeline; nothing is before it.\n" },
	{ "{stage: one, script: x, when: on_failure}",
	    "It is skipped: it runs after a failure, and nothing is before it.\n" },
	{ "{stage: two, script: x}", "It runs after the stage one has succeeded.\n" },
	{ "{stage: three, script: x}",
	    "It runs after the stages one and two have succeeded.\n" },
	{ "{stage: three, script: x, needs: []}",
	    "It starts at once: nothing is before it.\n" },
	{ "{stage: three, script: x, needs: [b]}", "It runs after b has succeeded.\n" },
	{ "{stage: three, script: x, needs: [b, a]}",
	    "It runs after b and a have succeeded.\n" },
	{ "{stage: three, script: x, when: on_failure}",
	    "It runs after the stages one and two, if something failed there.\n" },
	{ "{stage: three, script: x, needs: [a], when: always}",
	    "It runs after a, whatever came of it.\n" },
	{ "{stage: three, script: x, when: delayed, start_in: 45 seconds}",
	    "It starts 45s after the stages one and two have succeeded.\n" },
	{ "{stage: three, script: x, when: manual}",
	    "The pipeline goes on without it.\n" },
	{ "{stage: three, script: x, when: manual, allow_failure: false}",
	    "The pipeline waits for it (allow_failure is false).\n" },
	{ "{stage: three, script: x, allow_failure: true}",
	    "The pipeline goes on if it fails.\n" },
	{ "{stage: three, script: x, allow_failure: {exit_codes: [1, 42]}}",
	    "The pipeline goes on if it fails with exit code 1, 42.\n" },
	{ "{stage: three, script: x, needs: [b, {job: gone, optional: true}]}",
	    "It would also wait for gone, which this event leaves out (the need is "
	    "optional).\n" },
	{ "{stage: three, script: x}", "It gets the artifacts of a.\n" },
};

START_TEST(start_is_told)
{
	cleanup_free char *yaml = xasprintf(BEFORE "job: %s", sentences[_i].job);
	cleanup_free char *got = explain(yaml, "", "job");

	ck_assert_msg(strstr(got, sentences[_i].sentence) != NULL,
	    "%s\ngot:\n%s\nwant: %s", sentences[_i].job, got, sentences[_i].sentence);
}
END_TEST

/* A name may try to steer the terminal. */
START_TEST(names_are_made_visible)
{
	cleanup_free char *got =
	    explain("\"a\\e[2J\": {script: x, rules: [if: '$V == \"x\"', when: always]}",
		"V=\x1b[1m", "a\x1b[2J");

	ck_assert_ptr_null(strchr(got, '\x1b'));
	ck_assert_ptr_nonnull(strstr(got, "a\\x1b[2J is in the pipeline"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("why_text");
	TCase *tc = tcase_create("why_text");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tc, everything_is_told, 0, ARRAY_LEN(whole));
	tcase_add_loop_test(tc, start_is_told, 0, ARRAY_LEN(sentences));
	tcase_add_test(tc, names_are_made_visible);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
