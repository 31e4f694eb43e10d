/* A plan as JSON: what `list --json` prints, and the hash that names the plan. */
#include <check.h>

#include "pipelines/plan_json.h"
#include "tests/unit/plan_text.h"

/* ---- list ------------------------------------------------------------------------- */

#define WHY_ALWAYS                                                                       \
	"\"why\":{\"code\":\"no_rules\",\"text\":\"no rules: it is in every branch and " \
	"tag pipeline\",\"at\":\"ci.yml:1\",\"rule\":null,\"values\":{}}"

static const struct {
	const char *yaml, *vars;
	bool all;
	const char *want;
} lists[] = {
	{ "a: {script: x}", "", false,
	    "[\n{\"name\":\"a\",\"stage\":\"test\",\"when\":\"on_success\","
	    "\"allow_failure\":false,\"needs\":null,\"created\":true," WHY_ALWAYS
	    ",\"tags\":[],\"image\":null,\"environment\":null}\n]\n" },
	{ "a: {script: x, tags: [t, $T], image: i, environment: e, needs: [],"
	  " allow_failure: {exit_codes: [1, 2]}}",
	    "T=u", false,
	    "[\n{\"name\":\"a\",\"stage\":\"test\",\"when\":\"on_success\","
	    "\"allow_failure\":{\"exit_codes\":[1,2]},\"needs\":[],\"created\":true," WHY_ALWAYS
	    ",\"tags\":[\"t\",\"u\"],\"image\":\"i\",\"environment\":\"e\"}\n]\n" },
	{ "a: {script: x, rules: [if: $X == \"1\"]}", "", true,
	    "[\n{\"name\":\"a\",\"stage\":\"test\",\"when\":\"never\",\"allow_failure\":false,"
	    "\"needs\":null,\"created\":false,\"why\":{\"code\":\"no_rule_matched\","
	    "\"text\":\"its only rule did not match\",\"at\":\"ci.yml:1\",\"rule\":null,"
	    "\"values\":{\"X\":null}},\"tags\":[],\"image\":null,\"environment\":null}\n]\n" },
	{ "a: {script: x, rules: [if: $X]}", "", false, "[\n]\n" },
	{ "a: {script: x, rules: [{if: $X, allow_failure: true}]}", "X=\"1\"", false,
	    "[\n{\"name\":\"a\",\"stage\":\"test\",\"when\":\"on_success\",\"allow_failure\":true,"
	    "\"needs\":null,\"created\":true,\"why\":{\"code\":\"rule_matched\","
	    "\"text\":\"rule 1 of 1 matched: $X\",\"at\":\"ci.yml:1\",\"rule\":0,"
	    "\"values\":{\"X\":\"\\\"1\\\"\"}},\"tags\":[],\"image\":null,\"environment\":null}\n]\n" },
};

START_TEST(list_is_printed)
{
	struct plan_event_text event = { .vars = lists[_i].vars };
	struct plan *plan = plan_make_valid(lists[_i].yaml, &event);
	cleanup_buf struct buf got = BUF_INIT;

	plan_list_json(plan, lists[_i].all, &got);
	ck_assert_str_eq(buf_str(&got), lists[_i].want);
	plan_free(plan);
}
END_TEST

/* Needs are told as written, also the optional one that is missing. */
START_TEST(needs_are_told)
{
	struct plan *plan = plan_make_valid(
	    "a: {script: x, parallel: 2}\nb: {script: x, rules: [if: $X]}\n"
	    "c:\n  script: x\n  needs:\n    - {job: a, artifacts: false}\n"
	    "    - {job: b, optional: true}\n    - {pipeline: $UP, job: d}\n",
	    NULL);
	cleanup_buf struct buf got = BUF_INIT;

	plan_list_json(plan, false, &got);
	ck_assert_msg(
	    strstr(buf_str(&got),
		"\"needs\":[{\"job\":\"a\",\"artifacts\":false,\"optional\":false},"
		"{\"job\":\"b\",\"artifacts\":true,\"optional\":true},"
		"{\"job\":\"d\",\"artifacts\":true,\"optional\":false,"
		"\"pipeline\":\"$UP\"}]") != NULL,
	    "%s", buf_str(&got));
	plan_free(plan);
}
END_TEST

/* ---- hash ------------------------------------------------------------------------- */

#define FILE_A                                                                           \
	"variables: {V: 1}\n"                                                            \
	"a: {script: x, rules: [{if: $X, when: manual}, when: on_success]}\n"            \
	"b: {script: y, needs: [a], tags: [$V]}\n"

static void
hash_of(const char *yaml, const struct plan_event_text *event, char out[PLAN_HASH_SIZE])
{
	struct plan *plan = plan_make_valid(yaml, event);

	plan_hash(plan, out);
	plan_free(plan);
}

static const struct {
	const char *what, *yaml;
	struct plan_event_text event;
	bool same;
} hashes[] = {
	{ "the same again", FILE_A, { .vars = "A=1; B=2" }, true },
	{ "variables in another order", FILE_A, { .vars = "B=2; A=1" }, true },
	{ "a predefined variable of the machine", FILE_A,
	    { .vars = "predefined:CI_PIPELINE_ID=17; A=1; B=2" }, true },
	{ "comments and layout", "# hello\n" FILE_A "\n\n", { .vars = "A=1; B=2" },
	    true },
	{ "another value", FILE_A, { .vars = "A=1; B=3" }, false },
	{ "another level", FILE_A, { .vars = "A=1; project:B=2" }, false },
	{ "one variable more", FILE_A, { .vars = "A=1; B=2; C=" }, false },
	{ "another commit", FILE_A, { .vars = "A=1; B=2; predefined:CI_COMMIT_SHA=abc" },
	    false },
	{ "another decision", FILE_A, { .vars = "A=1; B=2; X=1" }, false },
	{ "another ref", FILE_A, { .vars = "A=1; B=2", .ref = "dev" }, false },
	{ "another source", FILE_A, { .vars = "A=1; B=2", .source = "web" }, false },
	{ "another keyword", FILE_A "c: {script: z}\n", { .vars = "A=1; B=2" }, false },
	{ "another script",
	    "variables: {V: 1}\n"
	    "a: {script: X, rules: [{if: $X, when: manual}, when: on_success]}\n"
	    "b: {script: y, needs: [a], tags: [$V]}\n",
	    { .vars = "A=1; B=2" }, false },
};

START_TEST(hash_names_the_plan)
{
	struct plan_event_text event = { .vars = "A=1; B=2" };
	char base[PLAN_HASH_SIZE], other[PLAN_HASH_SIZE];

	hash_of(FILE_A, &event, base);
	hash_of(hashes[_i].yaml, &hashes[_i].event, other);
	ck_assert_msg((strcmp(base, other) == 0) == hashes[_i].same, "%s: %s %s",
	    hashes[_i].what, base, other);
}
END_TEST

/* The value of a masked variable is in nothing that is stored or shown. */
START_TEST(secret_is_not_in_it)
{
	struct plan_event_text event = { .vars = "masked:TOKEN=s3cret" };
	struct plan *plan = plan_make_valid(
	    "a: {script: x, rules: [if: '$TOKEN == \"x\"', when: on_success]}", &event);
	cleanup_buf struct buf got = BUF_INIT;

	plan_canonical_json(plan, &got);
	plan_list_json(plan, true, &got);
	ck_assert_ptr_null(strstr(buf_str(&got), "s3cret"));
	ck_assert_ptr_nonnull(strstr(buf_str(&got), "TOKEN"));
	plan_free(plan);
}
END_TEST

/*
 * The format is a promise: a change of it has to change PLAN_VERSION, too. The document's
 * hash is that of
 * m2:k1:am2:k6:scripts1:xk4:whens6:manualk1:bm3:k6:scripts1:xk5:needsl1:s1:a…
 */
START_TEST(canonical_json_is_this)
{
	struct plan_event_text event = { .vars = "A=1" };
	struct plan *plan = plan_make_valid(
	    "a: {script: x, when: manual}\nb: {script: x, needs: [a], variables: {W: 2}}",
	    &event);
	cleanup_buf struct buf got = BUF_INIT;

	plan_canonical_json(plan, &got);
	ck_assert_str_eq(buf_str(&got),
	    "{\"auto_cancel\":{\"on_job_failure\":null,\"on_new_commit\":null},\"c"
	    "ommit\":null,\"created\":true,\"document\":\"2ee0142d930f8b1f31d7547"
	    "011c4c0656a9e86dfec54d44cb749fb855278e237\",\"event\":{\"is_tag\":f"
	    "alse,\"ref\":\"main\",\"source\":\"push\"},\"files\":[],\"jobs\":[{\"allow_"
	    "failure\":{\"allowed\":true,\"exit_codes\":[]},\"created\":true,\"inte"
	    "rruptible\":false,\"name\":\"a\",\"needs\":null,\"stage\":\"test\",\"start"
	    "_in\":0,\"variables\":{},\"when\":\"manual\",\"why\":{\"code\":\"no_rules\""
	    ",\"rule\":-1}},{\"allow_failure\":{\"allowed\":false,\"exit_codes\":[]"
	    "},\"created\":true,\"interruptible\":false,\"name\":\"b\",\"needs\":[{\"a"
	    "rtifacts\":true,\"job\":\"a\",\"optional\":false}],\"stage\":\"test\",\"st"
	    "art_in\":0,\"variables\":{\"W\":{\"file\":false,\"level\":\"job\",\"raw\":f"
	    "alse,\"value\":\"2\"}},\"when\":\"on_success\",\"why\":{\"code\":\"no_rules"
	    "\",\"rule\":-1}}],\"stages\":[\".pre\",\"build\",\"test\",\"deploy\",\".post"
	    "\"],\"v\":1,\"variables\":{\"A\":{\"file\":false,\"level\":\"pipeline\",\"ra"
	    "w\":false,\"value\":\"1\"}},\"why\":{\"code\":\"no_rules\",\"rule\":-1}}");
	plan_free(plan);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("plan_json");
	TCase *tc = tcase_create("plan_json");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tc, list_is_printed, 0, ARRAY_LEN(lists));
	tcase_add_test(tc, needs_are_told);
	tcase_add_loop_test(tc, hash_names_the_plan, 0, ARRAY_LEN(hashes));
	tcase_add_test(tc, secret_is_not_in_it);
	tcase_add_test(tc, canonical_json_is_this);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
