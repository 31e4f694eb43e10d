/*
 * `parallel`: which jobs it makes, and what needs and dependencies on them become. Each
 * row is a text and all its jobs with what they need.
 */
#include <check.h>

#include "base/str.h"
#include "tests/unit/built.h"

static void
show_jobs(const struct config *config, struct buf *out)
{
	for (size_t i = 0; i < config->job_count; i++) {
		const struct job_config *job = &config->jobs[i];

		buf_printf(out, "%s", job->name);
		for (size_t k = 0; k < job->matrix.count; k++)
			buf_printf(out, " %s=%s", job->matrix.items[k].name,
			    job->matrix.items[k].value);
		if (job->node_total > 0)
			buf_printf(out, " %d/%d", job->node_index, job->node_total);
		for (size_t k = 0; k < job->needs.count; k++)
			buf_printf(out, "%s%s%s", k == 0 ? " <- " : " & ",
			    job->needs.items[k].job,
			    job->needs.items[k].artifacts ? "" : " (no artifacts)");
		for (size_t k = 0; k < job->rules.count; k++)
			for (size_t n = 0; n < job->rules.items[k].needs.count; n++)
				buf_printf(
				    out, " ? %s", job->rules.items[k].needs.items[n].job);
		for (size_t k = 0; k < job->dependencies.count; k++)
			buf_printf(out, "%s%s", k == 0 ? " : " : " & ",
			    job->dependencies.items[k]);
		buf_add_char(out, '\n');
	}
}

static const struct {
	const char *yaml, *want;
} rows[] = {
	{ "a: {script: x, parallel: 1}", "a 1/1 1/1\n" },
	{ "a: {script: x, parallel: 2}\nb: {script: x}", "a 1/2 1/2\na 2/2 2/2\nb\n" },
	/* the last key varies fastest; maps follow each other */
	{ "a: {script: x, parallel: {matrix: [{A: [1, 2], B: [u, v]}, {C: w}]}}",
	    "a: [1, u] A=1 B=u 1/5\na: [1, v] A=1 B=v 2/5\na: [2, u] A=2 B=u 3/5\n"
	    "a: [2, v] A=2 B=v 4/5\na: [w] C=w 5/5\n" },
	/* the same values under other keys: the later replaces */
	{ "a: {script: x, parallel: {matrix: [{A: 1}, {B: 1}, {A: 2}]}}",
	    "a: [1] B=1 2/3\na: [2] A=2 3/3\n" },
	{ "a: {script: x, parallel: {matrix: [[{A: 1}], {A: yes}]}}",
	    "a: [1] A=1 1/2\na: [true] A=true 2/2\n" },
	/* a job written with an instance's name stands in its place, before or after */
	{ "a: {script: x, parallel: {matrix: [{A: [1, 2]}]}}\n\"a: [1]\": {script: y}",
	    "a: [2] A=2 2/2\na: [1]\n" },
	{ "\"a 2/2\": {script: y}\na: {script: x, parallel: 2}", "a 2/2\na 1/2 1/2\n" },
	/* a need on a parallel job is one on every instance, or on one by its name */
	{ "a: {script: x, parallel: 2}\nb: {script: x, needs: [{job: a, artifacts: false}]}",
	    "a 1/2 1/2\na 2/2 2/2\nb <- a 1/2 (no artifacts) & a 2/2 (no artifacts)\n" },
	{ "a: {script: x, parallel: 2}\nb: {script: x, needs: [\"a 2/2\"]}",
	    "a 1/2 1/2\na 2/2 2/2\nb <- a 2/2\n" },
	{ "a: {script: x, parallel: {matrix: [{A: [1, 2]}]}}\nb: {script: x, needs: [\"a: [2]\"]}",
	    "a: [1] A=1 1/2\na: [2] A=2 2/2\nb <- a: [2]\n" },
	/* selected by needs:parallel:matrix */
	{ "a: {script: x, parallel: {matrix: [{A: [1, 2], B: [3]}]}}\n"
	  "b: {script: x, needs: [{job: a, parallel: {matrix: [{A: 2, B: 3}]}}]}",
	    "a: [1, 3] A=1 B=3 1/2\na: [2, 3] A=2 B=3 2/2\nb <- a: [2, 3]\n" },
	/* one to one, by this job's own values */
	{ "a: {script: x, parallel: {matrix: [{A: [1, 2]}]}}\n"
	  "b: {script: x, parallel: {matrix: [{A: [1, 2]}]}, needs: [{job: a, parallel: {matrix: "
	  "[{A: '$[[ matrix.A ]]'}]}}]}",
	    "a: [1] A=1 1/2\na: [2] A=2 2/2\nb: [1] A=1 1/2 <- a: [1]\nb: [2] A=2 2/2 <- a: "
	    "[2]\n" },
	{ "a: {script: x, parallel: {matrix: [{A: [x1y, x2y]}]}}\n"
	  "b: {script: x, parallel: {matrix: [{B: [1, 2]}]}, needs: [{job: a, parallel: {matrix: "
	  "[{A: 'x$[[matrix.B]]y'}]}}]}",
	    "a: [x1y] A=x1y 1/2\na: [x2y] A=x2y 2/2\nb: [1] B=1 1/2 <- a: [x1y]\nb: [2] B=2 2/2 "
	    "<- a: [x2y]\n" },
	/* rules and dependencies, too */
	{ "a: {script: x, parallel: 2}\nb: {script: x, rules: [{if: $A, needs: [a]}]}",
	    "a 1/2 1/2\na 2/2 2/2\nb ? a 1/2 ? a 2/2\n" },
	{ "a: {script: x, parallel: 2}\nc: {script: x}\nb: {script: x, dependencies: [c, a]}",
	    "a 1/2 1/2\na 2/2 2/2\nc\nb : c & a 1/2 & a 2/2\n" },
	{ "a: {script: x, parallel: 2}\nb: {script: x, needs: [a], dependencies: [a]}",
	    "a 1/2 1/2\na 2/2 2/2\nb <- a 1/2 & a 2/2 : a 1/2 & a 2/2\n" },
	/* a need elsewhere that bears the name is none on this job */
	{ "a: {script: x, parallel: 2}\nb: {script: x, needs: [{project: p/q, job: a, ref: r}]}",
	    "a 1/2 1/2\na 2/2 2/2\nb <- a\n" },
	{ "a: {trigger: p/q, parallel: {matrix: [{A: [1, 2]}]}}",
	    "a: [1] A=1 1/2\na: [2] A=2 2/2\n" },
};

START_TEST(makes)
{
	struct built b = build_text(rows[_i].yaml, false);
	cleanup_free char *findings = built_findings(&b);
	cleanup_buf struct buf got = BUF_INIT;

	ck_assert_msg(b.config != NULL, "%s\n%s", rows[_i].yaml, findings);
	show_jobs(b.config, &got);
	ck_assert_msg(str_eq(buf_str(&got), rows[_i].want), "%s\ngot:\n%swant:\n%s",
	    rows[_i].yaml, buf_str(&got), rows[_i].want);
	built_free(&b);
}
END_TEST

/* Rules that several jobs share must not become those of one of them. */
START_TEST(shared_rules_stay_as_written)
{
	struct built b = build_text(
	    "a: {script: x, parallel: {matrix: [{A: [1, 2]}]}}\n"
	    ".r: &r [{if: $X, needs: [{job: a, parallel: {matrix: [{A: '$[[ matrix.A ]]'}]}}]}]\n"
	    "b: {script: x, rules: *r, parallel: {matrix: [{A: [1, 2]}]}}",
	    false);
	const struct job_config *one = built_job(&b, "b: [1]");
	const struct job_config *two = built_job(&b, "b: [2]");

	ck_assert_str_eq(one->rules.items[0].needs.items[0].job, "a: [1]");
	ck_assert_str_eq(two->rules.items[0].needs.items[0].job, "a: [2]");
	built_free(&b);
}
END_TEST

START_TEST(instances_share_what_they_have_in_common)
{
	struct built b = build_text("a: {script: [x, y], parallel: 200}", false);

	ck_assert_uint_eq(b.config->job_count, 200);
	ck_assert_ptr_eq(
	    b.config->jobs[0].script.items, b.config->jobs[199].script.items);
	ck_assert_str_eq(b.config->jobs[199].base_name, "a");
	built_free(&b);
}
END_TEST

/* What costs 2,000 times 20,000 names when each job has its own, and is a small file. */
START_TEST(shared_lists_are_expanded_once)
{
	struct buf text = BUF_INIT;
	struct built b;

	for (int i = 0; i < 100; i++)
		buf_printf(&text, "p%d: {script: x, parallel: 200}\n", i);
	buf_add_str(&text, ".n: &n [");
	for (int i = 0; i < 100; i++)
		buf_printf(&text, "%sp%d", i > 0 ? ", " : "", i);
	buf_add_str(&text, "]\n");
	for (int i = 0; i < 2000; i++)
		buf_printf(&text, "q%d: {script: x, dependencies: *n}\n", i);
	b = build_text(buf_str(&text), false);
	ck_assert_uint_eq(built_job(&b, "q0")->dependencies.count, 20000);
	ck_assert_ptr_eq(built_job(&b, "q0")->dependencies.items,
	    built_job(&b, "q1999")->dependencies.items);
	ck_assert_uint_lt(arena_used(b.arena), (size_t)100 << 20);
	built_free(&b);
	buf_clear(&text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("config parallel");
	TCase *tc = tcase_create("parallel");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tc, makes, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, shared_rules_stay_as_written);
	tcase_add_test(tc, shared_lists_are_expanded_once);
	tcase_add_test(tc, instances_share_what_they_have_in_common);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
