/* !reference: what it stands for, chains of them, and those that lead nowhere. */
#include <check.h>

#include "tests/unit/loaded.h"
#include "tests/unit/node_text.h"

static const struct {
	const char *yaml, *want;
} rows[] = {
	{ ".s: {script: [a, b]}\nj: {script: [!reference [.s, script], c]}\n",
	    "{.s: {script: [\"a\", \"b\"]}, j: {script: [[\"a\", \"b\"], \"c\"]}}" },
	{ ".s: {script: [a]}\nj: {script: !reference [.s, script]}\n",
	    "{.s: {script: [\"a\"]}, j: {script: [\"a\"]}}" },
	{ ".v: {variables: {URL: x}}\nj: {variables: {A: !reference [.v, variables, URL]}}\n",
	    "{.v: {variables: {URL: \"x\"}}, j: {variables: {A: \"x\"}}}" },
	{ ".i: img\nj: {image: {name: !reference [.i]}}\n",
	    "{.i: \"img\", j: {image: {name: \"img\"}}}" },
	/* chains, in either order */
	{ ".a: {s: [x]}\n.b: {s: [!reference [.a, s], y]}\nj: {s: [!reference [.b, s], z]}\n",
	    "{.a: {s: [\"x\"]}, .b: {s: [[\"x\"], \"y\"]}, j: {s: [[[\"x\"], \"y\"], \"z\"]}}" },
	{ "j: {s: !reference [.b, s]}\n.b: {s: !reference [.a, s]}\n.a: {s: [x]}\n",
	    "{j: {s: [\"x\"]}, .b: {s: [\"x\"]}, .a: {s: [\"x\"]}}" },
	/* a reference to a job that extends sees what was taken over */
	{ ".a: {s: [x]}\n.b: {extends: .a}\nj: {s: !reference [.b, s]}\n",
	    "{.a: {s: [\"x\"]}, .b: {s: [\"x\"]}, j: {s: [\"x\"]}}" },
	/* within a job, next to what is referred to */
	{ "j: {a: 1, b: !reference [j, a]}\n", "{j: {a: 1, b: 1}}" },
	{ "a: {x: !reference [b, y]}\nb: {y: 1, z: !reference [a, x]}\n",
	    "{a: {x: 1}, b: {y: 1, z: 1}}" },
	/* an alias of a reference */
	{ ".s: {s: [x]}\na: {s: &r !reference [.s, s]}\nb: {s: *r}\n",
	    "{.s: {s: [\"x\"]}, a: {s: [\"x\"]}, b: {s: [\"x\"]}}" },
	/* across files */
	{ "include: a.yml\nj: {s: !reference [.a, s]}\n=== a.yml\n.a: {s: [x]}\n",
	    "{.a: {s: [\"x\"]}, j: {s: [\"x\"]}}" },
	/* values that are empty but there */
	{ ".a: {s: [], t: '', u: {}, v: 0}\nj: {s: !reference [.a, s], t: !reference [.a, t], "
	  "u: !reference [.a, u], v: !reference [.a, v]}\n",
	    "{.a: {s: [], t: \"\", u: {}, v: 0}, j: {s: [], t: \"\", u: {}, v: 0}}" },
};

START_TEST(reference_stands_for_its_value)
{
	loaded_expect(rows[_i].yaml, NULL, rows[_i].want);
}
END_TEST

static const struct {
	const char *yaml, *want;
} findings[] = {
	{ ".setup: {}\nj:\n  s: !reference [.setpu, s]\n",
	    ".gitlab-ci.yml:3:6: error: job \"j\": !reference [\".setpu\", \"s\"] could not be "
	    "found: there is no \".setpu\"; did you mean \".setup\"?" },
	{ ".a: {script: x}\nj:\n  s: !reference [.a, skript]\n",
	    ".gitlab-ci.yml:3:6: error: job \"j\": !reference [\".a\", \"skript\"] could not be "
	    "found: there is no \"skript\" in .a; did you mean \"script\"?" },
	{ ".a: {s: null}\nj:\n  s: !reference [.a, s]\n",
	    ".gitlab-ci.yml:3:6: error: job \"j\": !reference [\".a\", \"s\"] could not be found: "
	    "the value is null or false" },
	{ ".a: {s: false}\nj:\n  s: !reference [.a, s]\n",
	    ".gitlab-ci.yml:3:6: error: job \"j\": !reference [\".a\", \"s\"] could not be found: "
	    "the value is null or false" },
	{ ".a: {s: [x]}\nj:\n  s: !reference [.a, s, b]\n",
	    ".gitlab-ci.yml:3:6: error: job \"j\": !reference [\".a\", \"s\", \"b\"] could not be "
	    "found: \"s\" is a list, not a map" },
	{ ".a: {s: {t: 1}}\n.b: {s: !reference [.a, s]}\nj:\n  s: !reference [.b, s, t]\n",
	    ".gitlab-ci.yml:4:6: error: job \"j\": !reference [\".b\", \"s\", \"t\"] could not be "
	    "found: \"s\" is a !reference, not a map" },
	{ "j:\n  s: !reference []\n",
	    ".gitlab-ci.yml:2:6: error: job \"j\": !reference [] is not valid: it takes names, "
	    "as in !reference [job, script]" },
	{ "j:\n  s: !reference [a, 1]\n",
	    ".gitlab-ci.yml:2:6: error: job \"j\": !reference [\"a\", \"1\"] is not valid: it "
	    "takes names, as in !reference [job, script]" },
	{ "a:\n  s: !reference [b, s]\nb:\n  s: !reference [a, s]\n",
	    ".gitlab-ci.yml:4:6: error: job \"a\": !reference [\"a\", \"s\"] is part of a circular "
	    "chain" },
	{ "a:\n  s: [!reference [a, s]]\n",
	    ".gitlab-ci.yml:2:7: error: job \"a\": !reference [\"a\", \"s\"] is part of a circular "
	    "chain" },
	{ "a:\n  s: !reference [a]\n",
	    ".gitlab-ci.yml:2:6: error: job \"a\": !reference [\"a\"] is part of a circular chain" },
	{ "stages: !reference [.x]\n",
	    ".gitlab-ci.yml:1:9: error: !reference [\".x\"] could not be found: there is no "
	    "\".x\"" },
	/* what may be in the missing file is no finding */
	{ "include: gone.yml\nj: {s: !reference [.x, s]}\n",
	    ".gitlab-ci.yml:1:10: error: local file `gone.yml` does not exist!" },
};

START_TEST(finding_says_what_is_missing)
{
	loaded_expect_findings(findings[_i].yaml, NULL, findings[_i].want);
}
END_TEST

START_TEST(what_is_not_resolved_stays)
{
	struct loaded l = loaded_from("j: {s: !reference [.x], t: 1}\n", NULL);
	char *got = node_text(l.document.root);

	ck_assert_str_eq(got, "{j: {s: ![\".x\"], t: 1}}");
	free(got);
	loaded_clear(&l);
}
END_TEST

/* Each level doubles the one below. */
START_TEST(doubling_is_refused)
{
	struct buf text = BUF_INIT;
	struct loaded l;
	char *got;

	buf_add_str(&text, "a0: [x, x]\n");
	for (int i = 1; i < 60; i++)
		buf_printf(&text, "a%d: [!reference [a%d], !reference [a%d]]\n", i, i - 1,
		    i - 1);
	l = loaded_from(buf_str(&text), NULL);
	got = diags_text(&l.diags);
	ck_assert_int_lt(l.rc, 0);
	ck_assert_str_eq(got,
	    ".gitlab-ci.yml:1:1: error: !reference makes the pipeline grow to more than 2000000 "
	    "values or 100 levels");
	free(got);
	buf_clear(&text);
	loaded_clear(&l);
}
END_TEST

START_TEST(endless_chain_is_refused)
{
	struct buf text = BUF_INIT;
	struct loaded l;
	char *got;

	for (int i = 0; i < 900; i++)
		buf_printf(&text, "a%d: [!reference [a%d]]\n", i, i + 1);
	buf_add_str(&text, "a900: [x]\n");
	l = loaded_from(buf_str(&text), NULL);
	got = diags_text(&l.diags);
	ck_assert_ptr_nonnull(
	    strstr(got, "job \"a0\": !reference leads more than 1000 levels deep"));
	free(got);
	buf_clear(&text);
	loaded_clear(&l);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("reference");
	TCase *tc = tcase_create("reference");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tc, reference_stands_for_its_value, 0, ARRAY_LEN(rows));
	tcase_add_loop_test(tc, finding_says_what_is_missing, 0, ARRAY_LEN(findings));
	tcase_add_test(tc, what_is_not_resolved_stays);
	tcase_add_test(tc, doubling_is_refused);
	tcase_add_test(tc, endless_chain_is_refused);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
