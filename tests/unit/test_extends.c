/* extends: what a job takes over from its parents, and what is said when it cannot. */
#include <check.h>
#include <time.h>

#include "tests/unit/loaded.h"
#include "tests/unit/node_text.h"

static const struct {
	const char *yaml, *want;
} rows[] = {
	/* maps merge; lists, scalars and null replace */
	{ ".t: {script: [a], variables: {A: 1, B: 2}, tags: [x]}\n"
	  "j: {extends: .t, variables: {B: 3}, tags: [y]}\n",
	    "{.t: {script: [\"a\"], variables: {A: 1, B: 2}, tags: [\"x\"]}, "
	    "j: {script: [\"a\"], variables: {A: 1, B: 3}, tags: [\"y\"]}}" },
	{ ".t: {variables: {A: 1}, script: a}\nj: {extends: .t, variables: null}\n",
	    "{.t: {variables: {A: 1}, script: \"a\"}, j: {variables: null, script: \"a\"}}" },
	{ ".t: {variables: {A: 1}}\nj: {extends: .t, variables: {}}\n",
	    "{.t: {variables: {A: 1}}, j: {variables: {A: 1}}}" },
	{ ".t: {variables: null}\nj: {extends: .t, variables: {A: 1}}\n",
	    "{.t: {variables: null}, j: {variables: {A: 1}}}" },
	{ ".t: {a: {b: {c: 1, d: 2}}}\nj: {extends: .t, a: {b: {d: 3}}}\n",
	    "{.t: {a: {b: {c: 1, d: 2}}}, j: {a: {b: {c: 1, d: 3}}}}" },
	{ ".t: {a: {b: 1}}\nj: {extends: .t, a: [x]}\n",
	    "{.t: {a: {b: 1}}, j: {a: [\"x\"]}}" },
	/* several parents: the later wins */
	{ ".a: {x: 1, y: 1}\n.b: {y: 2}\nj: {extends: [.a, .b], z: 3}\n",
	    "{.a: {x: 1, y: 1}, .b: {y: 2}, j: {x: 1, y: 2, z: 3}}" },
	{ ".a: {v: {A: 1}}\n.b: {v: {B: 2}}\nj: {extends: [.a, .b]}\n",
	    "{.a: {v: {A: 1}}, .b: {v: {B: 2}}, j: {v: {A: 1, B: 2}}}" },
	/* parents of parents, in any order of the file, jobs too */
	{ "j: {extends: .b, z: 3}\n.b: {extends: .a, y: 2}\n.a: {x: 1}\n",
	    "{j: {x: 1, y: 2, z: 3}, .b: {x: 1, y: 2}, .a: {x: 1}}" },
	{ "a: {script: x}\nb: {extends: a}\n",
	    "{a: {script: \"x\"}, b: {script: \"x\"}}" },
	/* nothing to take over */
	{ "j: {extends: [], a: 1}\n", "{j: {a: 1}}" },
	{ "j: {extends: null, a: 1}\n", "{j: {a: 1}}" },
	/* in keywords it is a key like any other */
	{ "variables: {extends: x}\n.t: {}\n", "{variables: {extends: \"x\"}, .t: {}}" },
	{ "default: {extends: .t}\n.t: {}\n", "{default: {extends: \".t\"}, .t: {}}" },
	/* a reference is taken over before it is resolved, so it replaces */
	{ ".r: {A: 1}\n.t: {variables: !reference [.r]}\n"
	  "j: {extends: .t, variables: {B: 2}}\n",
	    "{.r: {A: 1}, .t: {variables: {A: 1}}, j: {variables: {B: 2}}}" },
	/* ten levels of parents */
	{ "a: {extends: b}\nb: {extends: c}\nc: {extends: d}\nd: {extends: e}\n"
	  "e: {extends: f}\nf: {extends: g}\ng: {extends: h}\nh: {extends: i}\n"
	  "i: {extends: j}\nj: {extends: k}\nk: {x: 1}\n",
	    "{a: {x: 1}, b: {x: 1}, c: {x: 1}, d: {x: 1}, e: {x: 1}, f: {x: 1}, g: {x: 1}, "
	    "h: {x: 1}, i: {x: 1}, j: {x: 1}, k: {x: 1}}" },
};

START_TEST(job_takes_over)
{
	loaded_expect(rows[_i].yaml, NULL, rows[_i].want);
}
END_TEST

static const struct {
	const char *yaml, *want;
} findings[] = {
	{ ".build: {}\nj:\n  extends: .biuld\n",
	    ".gitlab-ci.yml:3:12: error: job \"j\": unknown keys in `extends` (.biuld): no job "
	    "has that name; did you mean \".build\"?" },
	{ "j:\n  extends: [.a, .b]\n",
	    ".gitlab-ci.yml:2:13: error: job \"j\": unknown keys in `extends` (.a): no job has "
	    "that name\n"
	    ".gitlab-ci.yml:2:17: error: job \"j\": unknown keys in `extends` (.b): no job has "
	    "that name" },
	{ "j:\n  extends: {a: b}\n",
	    ".gitlab-ci.yml:2:12: error: job \"j\": `extends` should be a string or a list of "
	    "strings, but has a map" },
	{ "j:\n  extends: [1]\n",
	    ".gitlab-ci.yml:2:13: error: job \"j\": `extends` should be a string or a list of "
	    "strings, but has an integer" },
	{ ".t: text\nj:\n  extends: .t\n",
	    ".gitlab-ci.yml:3:12: error: job \"j\": invalid base hashes in `extends` (.t): it is "
	    "a string, not a job" },
	{ "a: {extends: b}\nb: {extends: c}\nc: {extends: a}\n",
	    ".gitlab-ci.yml:3:14: error: job \"a\": circular dependency detected in `extends`: "
	    "a -> b -> c -> a" },
	{ "a: {extends: a}\n",
	    ".gitlab-ci.yml:1:14: error: job \"a\": circular dependency detected in `extends`: "
	    "a -> a" },
	{ "0: {extends: a}\na: {extends: b}\nb: {extends: c}\nc: {extends: d}\n"
	  "d: {extends: e}\ne: {extends: f}\nf: {extends: g}\ng: {extends: h}\n"
	  "h: {extends: i}\ni: {extends: j}\nj: {extends: k}\nk: {x: 1}\n",
	    ".gitlab-ci.yml:1:5: error: job \"0\": nesting too deep in `extends`: at most 10 "
	    "levels of parents" },
	{ "k: {x: 1}\nj: {extends: k}\ni: {extends: j}\nh: {extends: i}\ng: {extends: h}\n"
	  "f: {extends: g}\ne: {extends: f}\nd: {extends: e}\nc: {extends: d}\n"
	  "b: {extends: c}\na: {extends: b}\n0: {extends: a}\n",
	    ".gitlab-ci.yml:12:5: error: job \"0\": nesting too deep in `extends`: at most 10 "
	    "levels of parents" },
	/* what follows from another mistake is not told again */
	{ "a: {extends: .x}\nb: {extends: a}\n",
	    ".gitlab-ci.yml:1:14: error: job \"a\": unknown keys in `extends` (.x): no job has "
	    "that name" },
	{ "include: gone.yml\na: {extends: .x}\n",
	    ".gitlab-ci.yml:1:10: error: local file `gone.yml` does not exist!" },
};

START_TEST(finding_names_job_and_parent)
{
	loaded_expect_findings(findings[_i].yaml, NULL, findings[_i].want);
}
END_TEST

START_TEST(what_is_not_resolved_stays)
{
	struct loaded l = loaded_from("a: {extends: .x, script: y}\n", NULL);
	char *got = node_text(l.document.root);

	ck_assert_str_eq(got, "{a: {extends: \".x\", script: \"y\"}}");
	free(got);
	loaded_clear(&l);
}
END_TEST

/* The merged jobs share what the template holds. */
START_TEST(unchanged_values_are_shared)
{
	struct loaded l = loaded_from(".t: {script: [a]}\nj: {extends: .t}\n", NULL);
	const struct node *root = l.document.root;

	ck_assert_ptr_eq(node_get(node_get(root, "j"), "script"),
	    node_get(node_get(root, ".t"), "script"));
	loaded_clear(&l);
}
END_TEST

START_TEST(template_of_many_jobs_is_cheap)
{
	struct buf text = BUF_INIT;
	struct loaded l;
	clock_t start;

	buf_add_str(&text, ".t: {script: [a], variables: {A: 1}, rules: [{if: $X}]}\n");
	for (int i = 0; i < 5000; i++)
		buf_printf(&text, "job%d: {extends: .t, variables: {B: %d}}\n", i, i);
	start = clock();
	l = loaded_from(buf_str(&text), NULL);
	ck_assert_int_eq(l.rc, 0);
	ck_assert_uint_eq(l.document.root->count, 5001);
	ck_assert_msg(clock() - start < 2 * CLOCKS_PER_SEC, "takes too long");
	buf_clear(&text);
	loaded_clear(&l);
}
END_TEST

START_TEST(chain_of_many_is_refused)
{
	struct buf text = BUF_INIT;
	struct loaded l;

	for (int i = 0; i < 20000; i++)
		buf_printf(&text, "job%d: {extends: job%d}\n", i, i + 1);
	l = loaded_from(buf_str(&text), NULL);
	ck_assert_uint_gt(l.diags.errors, 0);
	buf_clear(&text);
	loaded_clear(&l);
}
END_TEST

START_TEST(product_of_jobs_and_keys_is_refused)
{
	struct buf text = BUF_INIT;
	struct loaded l;
	char *got;

	buf_add_str(&text, ".t:\n");
	for (int i = 0; i < 10000; i++)
		buf_printf(&text, "  k%d: 1\n", i);
	for (int i = 0; i < 10000; i++)
		buf_printf(&text, "j%d: {extends: .t}\n", i);
	l = loaded_from(buf_str(&text), NULL);
	got = diags_text(&l.diags);
	ck_assert_str_eq(got,
	    ".gitlab-ci.yml:10199:8: error: job \"j197\": `extends` makes the pipeline grow to "
	    "more than 2000000 values");
	free(got);
	buf_clear(&text);
	loaded_clear(&l);
}
END_TEST

START_TEST(parents_times_keys_is_refused)
{
	struct buf text = BUF_INIT;

	buf_add_str(&text, ".t: {");
	for (int i = 0; i < 1000; i++)
		buf_printf(&text, "k%d: 1,", i);
	buf_add_str(&text, "}\nj:\n  extends: [");
	for (int i = 0; i < 20000; i++)
		buf_add_str(&text, ".t,");
	buf_add_str(&text, "]\n");
	loaded_expect_findings(buf_str(&text), NULL,
	    ".gitlab-ci.yml:3:3: error: job \"j\": `extends` merges more than 10000000 keys");
	buf_clear(&text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("extends");
	TCase *tc = tcase_create("extends");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tc, job_takes_over, 0, ARRAY_LEN(rows));
	tcase_add_loop_test(tc, finding_names_job_and_parent, 0, ARRAY_LEN(findings));
	tcase_add_test(tc, what_is_not_resolved_stays);
	tcase_add_test(tc, unchanged_values_are_shared);
	tcase_add_test(tc, template_of_many_jobs_is_cheap);
	tcase_add_test(tc, chain_of_many_is_refused);
	tcase_add_test(tc, product_of_jobs_and_keys_is_refused);
	tcase_add_test(tc, parents_times_keys_is_refused);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
