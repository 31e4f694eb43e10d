/* include: which files, in which order, under which rules; and files that are not there.
 */
#include <check.h>
#include <stdio.h>

#include "tests/unit/loaded.h"
#include "tests/unit/node_text.h"

/* ---- what is merged
 * ------------------------------------------------------------------*/

static const struct {
	const char *bundle, *want;
} merges[] = {
	/* forms of the value */
	{ "include: a.yml\nb: 2\n=== a.yml\na: 1\n", "{a: 1, b: 2}" },
	{ "include: /a.yml\n=== a.yml\na: 1\n", "{a: 1}" },
	{ "include: ./x/../a.yaml\n=== a.yaml\na: 1\n", "{a: 1}" },
	{ "include: {local: a.yml}\n=== a.yml\na: 1\n", "{a: 1}" },
	{ "include: [a.yml, {local: b.yml}]\n=== a.yml\na: 1\n=== b.yml\nb: 1\n",
	    "{a: 1, b: 1}" },
	{ "include: []\na: 1\n", "{a: 1}" },
	{ "include:\na: 1\n", "{a: 1}" },
	{ "include: [null]\na: 1\n", "{a: 1}" },
	/* later overrides earlier, the including file all */
	{ "include: [a.yml, b.yml]\nz: 0\n=== a.yml\nx: 1\ny: 1\nz: 1\n=== b.yml\ny: 2\nz: 2\n",
	    "{x: 1, y: 2, z: 0}" },
	{ "x: 0\ninclude: a.yml\n=== a.yml\nx: 1\n", "{x: 0}" },
	/* deep */
	{ "include: a.yml\nj: {script: [b], v: {B: 2}}\n=== a.yml\n"
	  "j: {script: [a], v: {A: 1, B: 1}, t: 1}\n",
	    "{j: {script: [\"b\"], v: {A: 1, B: 2}, t: 1}}" },
	{ "include: a.yml\nj: {v: [x]}\n=== a.yml\nj: {v: {A: 1}}\n",
	    "{j: {v: [\"x\"]}}" },
	{ "include: a.yml\nj: {v: null}\n=== a.yml\nj: {v: {A: 1}}\n", "{j: {v: null}}" },
	/* nested: each file's own includes first */
	{ "include: a.yml\nx: 0\n=== a.yml\ninclude: b.yml\nx: 1\ny: 1\n=== b.yml\nx: 2\ny: 2\n"
	  "z: 2\n",
	    "{x: 0, y: 1, z: 2}" },
	{ "include: d/a.yml\n=== d/a.yml\ninclude: b.yml\n=== b.yml\nx: root\n",
	    "{x: \"root\"}" },
	/* twice */
	{ "include: [a.yml, b.yml, a.yml]\n=== a.yml\nx: 1\n=== b.yml\nx: 2\n",
	    "{x: 1}" },
	/* globs */
	{ "include: c/*.yml\n=== c/a.yml\na: 1\n=== c/b.yml\nb: 1\n=== c/d/e.yml\ne: 1\n"
	  "=== c/x.yaml\nx: 1\n",
	    "{a: 1, b: 1}" },
	{ "include: /c/**.yml\n=== c/a.yml\na: 1\n=== c/d/e.yml\ne: 1\n",
	    "{a: 1, e: 1}" },
	{ "include: c/**/*.yml\n=== c/a.yml\na: 1\n=== c/d/e.yml\ne: 1\n", "{e: 1}" },
	/* other projects; local files in them are theirs */
	{ "include: {project: g/p, file: a.yml}\n=== g/p:a.yml\ninclude: b.yml\na: 1\n"
	  "=== g/p:b.yml\nb: theirs\n=== b.yml\nb: ours\n",
	    "{b: \"theirs\", a: 1}" },
	{ "include: {project: g/p, ref: v1, file: [/a.yml, b.yml]}\n=== g/p@v1:a.yml\na: 1\n"
	  "=== g/p@v1:b.yml\ninclude: c/*.yml\n=== g/p@v1:c/d.yml\nd: 1\n=== g/p:a.yml\na: 2\n",
	    "{a: 1, d: 1}" },
	/* inputs */
	{ "include: {local: a.yml, inputs: {n: x}}\n=== a.yml\nspec: {inputs: {n: }}\n---\n"
	  "job-$[[ inputs.n ]]: 1\n",
	    "{job-x: 1}" },
	{ "include:\n- {local: a.yml, inputs: {n: x}}\n- {local: a.yml, inputs: {n: y}}\n"
	  "=== a.yml\nspec: {inputs: {n: }}\n---\nj-$[[ inputs.n ]]: 1\n",
	    "{j-x: 1, j-y: 1}" },
	{ "include: {local: a.yml, inputs: {n: x}}\n=== a.yml\nspec: {inputs: {n: }}\n---\n"
	  "include: {local: b.yml, inputs: {m: '$[[ inputs.n ]]y'}}\n=== b.yml\n"
	  "spec: {inputs: {m: }}\n---\nj-$[[ inputs.m ]]: 1\n",
	    "{j-xy: 1}" },
	/* a file that includes itself with other inputs ends */
	{ "include: {local: a.yml, inputs: {n: 3}}\n=== a.yml\n"
	  "spec: {inputs: {n: {type: number}}}\n---\nj$[[ inputs.n ]]: 1\ninclude:\n"
	  "- {local: a.yml, inputs: {n: 2}, rules: [{if: '\"$[[ inputs.n ]]\" == \"3\"'}]}\n",
	    "{j2: 1, j3: 1}" },
	/* headers share inputs */
	{ "spec: {include: [{local: i.yml}], inputs: {b: {default: 2, type: number}}}\n---\n"
	  "k: [$[[ inputs.a ]], $[[ inputs.b ]]]\n=== i.yml\ninputs: {a: {default: x}}\n",
	    "{k: [\"x\", 2]}" },
	/* variables */
	{ "include: $DIR/a.yml\n=== ci/a.yml\na: 1\n", "{a: 1}" },
	{ "include: ${DIR}/$NONE*.yml\n=== ci/a.yml\na: 1\n", "{a: 1}" },
	{ "include: {project: $PROJECT, file: a.yml}\n=== g/p:a.yml\na: 1\n", "{a: 1}" },
};

START_TEST(files_are_merged)
{
	const struct loaded_event event = { .vars = "DIR=ci PROJECT=g/p" };

	loaded_expect(merges[_i].bundle, &event, merges[_i].want);
}
END_TEST

/* ---- rules
 * ---------------------------------------------------------------------------*/

static const struct {
	const char *rules;
	bool want;
} rules[] = {
	{ "[{if: '$A == \"1\"'}]", true },
	{ "[{if: '$A == \"2\"'}]", false },
	{ "[{if: $NONE}]", false },
	{ "[{when: never}]", false },
	{ "[{when: always}]", true },
	{ "[{if: $A, when: never}, {when: always}]", false },
	{ "[{if: $NONE, when: never}, {when: always}]", true },
	{ "[]", false },
	{ "null", true },
	{ "[{exists: [Dockerfile]}]", true },
	{ "[{exists: ['*/x.c']}]", true },
	{ "[{exists: [nothing]}]", false },
	{ "[{exists: {paths: [lib.c], project: g/p}}]", true },
	{ "[{exists: {paths: [Dockerfile], project: g/p}}]", false },
	{ "[{changes: [src/*]}]", true },
	{ "[{changes: {paths: [docs/*]}}]", false },
	{ "[{changes: {paths: [src/*], compare_to: main}}]", true },
	{ "[{if: $A, exists: [nothing]}]", false },
	{ "[{if: $A, exists: [Dockerfile], changes: [src/x.c]}]", true },
};

START_TEST(rules_decide)
{
	static const char *const changes[] = { "src/x.c", NULL };
	const struct loaded_event event = {
		.vars = "A=1", .changes = changes, .compare_ref = "main"
	};
	cleanup_buf struct buf text = BUF_INIT;

	buf_printf(&text,
	    "include: {local: a.yml, rules: %s}\nz: 0\n=== a.yml\na: 1\n"
	    "=== Dockerfile\n\n=== src/x.c\n\n=== g/p:lib.c\n\n",
	    rules[_i].rules);
	loaded_expect(buf_str(&text), &event, rules[_i].want ? "{a: 1, z: 0}" : "{z: 0}");
}
END_TEST

/* exists looks where the including file is. */
START_TEST(rules_look_in_the_project_of_the_file)
{
	loaded_expect(
	    "include: {project: g/p, file: a.yml}\n"
	    "=== g/p:a.yml\ninclude: {local: b.yml, rules: [{exists: [here]}]}\n"
	    "=== g/p:b.yml\nb: 1\n=== g/p:here\n\n",
	    NULL, "{b: 1}");
}
END_TEST

/* ---- findings
 * ------------------------------------------------------------------------*/

static const struct {
	const char *bundle, *want;
} findings[] = {
	{ "include: ci/buidl.yml\n=== ci/build.yml\na: 1\n",
	    "1:10: error: local file `ci/buidl.yml` does not exist!; did you mean "
	    "\"ci/build.yml\"?" },
	{ "include: [a.yml, b.yml]\n",
	    "1:11: error: local file `a.yml` does not exist!\n"
	    ".gitlab-ci.yml:1:18: error: local file `b.yml` does not exist!" },
	{ "include: {project: g/p, file: x.yml}\n=== g/p:a.yml\na: 1\n",
	    "1:10: error: project `g/p` file `x.yml` does not exist!" },
	{ "include: {project: g/q, file: x.yml}\n",
	    "1:10: error: project g/q is not known here; pass --project g/q=PATH" },
	{ "include: ../x.yml\n", "1:10: error: `../x.yml` leads out of the repository" },
	{ "include: a.yml\n=== a.yml\n# nothing\n",
	    "1:10: error: included file `a.yml` is empty" },
	{ "include: a.txt\n",
	    "1:10: error: included file `a.txt` does not have YAML extension; its name must end "
	    "in .yml or .yaml" },
	{ "include: ci/*.yml\na: 1\n", "1:10: warning: no tracked file fits `ci/*.yml`" },
	/* kinds that need a network */
	{ "include: https://example.com/a.yml\n",
	    "1:10: error: remote file `https://example.com/a.yml` cannot be had: nothing is "
	    "fetched from the network; save it in the repository and include it with `local`" },
	{ "include: {template: Auto-DevOps.gitlab-ci.yml}\n",
	    "1:10: error: template `Auto-DevOps.gitlab-ci.yml` cannot be had: it belongs to "
	    "GitLab; save a copy in the repository and include it with `local`" },
	{ "include: {component: gitlab.com/g/p/lint@1.0}\n",
	    "1:10: error: component `gitlab.com/g/p/lint@1.0` cannot be had: nothing is fetched "
	    "from the network; clone its project, include `project: g/p` with `file: "
	    "templates/lint.yml` instead and pass --project g/p=PATH" },
	{ "include: {component: lint}\n",
	    "1:10: error: component `lint` cannot be had; its form is "
	    "HOST/GROUP/PROJECT/NAME@VERSION" },
	/* shape */
	{ "include: 5\n",
	    "1:10: error: `include` should be a string, a map or a list of those, not an "
	    "integer" },
	{ "include: [[a.yml]]\n",
	    "1:11: error: `include` should be a string, a map or a list of those, not a list" },
	{ "include: {}\n",
	    "1:10: error: `include` must specify exactly one of local, project, remote, template "
	    "or component" },
	{ "include: {local: a.yml, remote: b}\n",
	    "1:10: error: `include` must specify exactly one of local, project, remote, template "
	    "or component" },
	{ "include: {artifact: a.yml, job: b}\n",
	    "1:10: error: `include` must specify exactly one of local, project, remote, template "
	    "or component; `artifact` is for trigger:include" },
	{ "include: {local: a.yml, rule: []}\n=== a.yml\na: 1\n",
	    "1:25: error: unknown key \"rule\" in `include`; did you mean \"rules\"?" },
	{ "include: {local: a.yml, ref: b}\n=== a.yml\na: 1\n",
	    "1:25: error: `include:ref` does not belong to `local`" },
	{ "include: {local: [a.yml]}\n",
	    "1:18: error: `include:local` should be a string, not a list" },
	{ "include: {local: ''}\n",
	    "1:18: error: `include:local` can't be blank\n"
	    ".gitlab-ci.yml:1:10: error: included file `` does not have YAML extension; its name "
	    "must end in .yml or .yaml" },
	{ "include: {project: g/p}\n",
	    "1:10: error: `include:project` needs `file`: which file of it?" },
	{ "include: {project: /g, file: a.yml}\n",
	    "1:20: error: `include:project` should be a path like group/project, not \"/g\"" },
	{ "include: {project: g/p, file: [a.yml, 1]}\n=== g/p:a.yml\na: 1\n",
	    "1:39: error: `include:file` should be a string or a list of strings, but has an "
	    "integer" },
	{ "include: {local: a.yml, inputs: [x]}\n",
	    "1:33: error: `include:inputs` should be a map, not a list" },
	{ "include: {local: a.yml, rules: [{if: $A, whne: never}]}\n",
	    "1:42: error: include:rules: unknown keys: whne; did you mean \"when\"?" },
	{ "include: {local: a.yml, rules: [{if: '$A =='}]}\n",
	    "1:38: error: include:rules: if invalid expression syntax: " },
	{ "include: {local: a.yml, rules: [{when: manual}]}\n",
	    "1:40: error: include:rules: when unknown value: manual; it is always or never" },
	{ "include: {local: a.yml, rules: [{exists: x}]}\n",
	    "1:42: error: include:rules: exists should be an array of strings" },
	{ "include: {local: a.yml, rules: [{changes: {paths: [x], compare_to: nope}}]}\n",
	    "1:43: error: include:rules: changes: rules:changes:compare_to is not a valid ref" },
	/* findings in an included file are its own */
	{ "include: a.yml\n=== a.yml\na: [\n",
	    "?a.yml:2:1: error: did not find expected node content" },
	{ "include: {project: g/p, ref: v1, file: a.yml}\n=== g/p@v1:a.yml\n- a\n",
	    "?g/p@v1:a.yml:1:1: error: a pipeline file should be a map of keywords and jobs, not "
	    "a list" },
	{ "include: {local: a.yml, inputs: {x: 1}}\n=== a.yml\na: 1\n",
	    "1:33: error: given inputs not defined in the `spec` section of `a.yml`: it has no "
	    "`spec:inputs` header" },
	{ "include: {local: a.yml}\n=== a.yml\nspec: {inputs: {x: }}\n---\na: 1\n",
	    "1:10: error: `x` input: required value has not been provided" },
	/* loops name the way */
	{ "include: a.yml\n=== a.yml\ninclude: b.yml\n=== b.yml\ninclude: a.yml\n",
	    "?b.yml:1:10: error: include loop: a.yml -> b.yml -> a.yml" },
	{ "include: .gitlab-ci.yml\n",
	    "1:10: error: include loop: .gitlab-ci.yml -> .gitlab-ci.yml" },
	/* spec:include */
	{ "spec: {include: [{local: i.yml}], inputs: {a: }}\n---\nk: 1\n=== i.yml\n"
	  "inputs: {a: {default: x}}\n",
	    "1:44: error: input `a` is defined twice, also in i.yml:1\n" },
	{ "spec: {include: [{local: i.yml}]}\n---\nk: 1\n=== i.yml\njob: {}\n",
	    "?i.yml:1:1: error: header include file `i.yml` contains unknown keys: job" },
};

/* want is the beginning; it starts with the file's name after a "?". */
START_TEST(finding_says_what_and_where)
{
	const char *want = findings[_i].want;
	cleanup_buf struct buf full = BUF_INIT;
	struct loaded l = loaded_from(findings[_i].bundle, NULL);
	char *got = diags_text(&l.diags);

	buf_printf(
	    &full, "%s%s", *want == '?' ? "" : ".gitlab-ci.yml:", want + (*want == '?'));
	ck_assert_msg(str_starts(got, buf_str(&full)), "%s\ngot  %s\nwant %s",
	    findings[_i].bundle, got, buf_str(&full));
	free(got);
	loaded_clear(&l);
}
END_TEST

START_TEST(missing_file_makes_the_document_incomplete)
{
	struct loaded l = loaded_from("include: gone.yml\na: 1\n", NULL);

	ck_assert_int_eq(l.rc, 0);
	ck_assert(l.document.incomplete);
	ck_assert_ptr_nonnull(node_get(l.document.root, "a"));
	loaded_clear(&l);
}
END_TEST

START_TEST(shape_is_checked_without_fetching)
{
	const struct loaded_event event = { .shape_only = true };

	loaded_expect("include: [gone.yml, {remote: 'https://x/y.yml'}, $DIR/x]\na: 1\n",
	    &event, "{a: 1}");
	loaded_expect_findings("include: {locl: a.yml}\na: 1\n", &event,
	    ".gitlab-ci.yml:1:10: error: `include` must specify exactly one of local, project, "
	    "remote, template or component");
}
END_TEST

/* ---- limits
 * --------------------------------------------------------------------------*/

static void
add_files(struct buf *text, int count)
{
	buf_add_str(text, "include: f0.yml\n");
	for (int i = 0; i < count; i++)
		buf_printf(text, "=== f%d.yml\ninclude: f%d.yml\n", i, i + 1);
	buf_printf(text, "=== f%d.yml\nx: 1\n", count);
}

START_TEST(as_many_files_as_allowed)
{
	cleanup_buf struct buf text = BUF_INIT;

	add_files(&text, 149);
	loaded_expect(buf_str(&text), NULL, "{x: 1}");
}
END_TEST

START_TEST(too_many_files_are_refused)
{
	cleanup_buf struct buf text = BUF_INIT;

	add_files(&text, 150);
	loaded_expect_findings(buf_str(&text), NULL,
	    "f149.yml:1:10: error: maximum of 150 nested includes are allowed!");
}
END_TEST

/* Without a limit this would be two to the power of 75 files. */
START_TEST(doubling_includes_end)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct loaded l;

	buf_add_str(&text, "include: f0.yml\n");
	for (int i = 0; i < 75; i++)
		buf_printf(
		    &text, "=== f%d.yml\ninclude: [f%d.yml, f%d.yml]\n", i, i + 1, i + 1);
	buf_add_str(&text, "=== f75.yml\nx: 1\n");
	l = loaded_from(buf_str(&text), NULL);
	ck_assert_uint_eq(l.diags.errors, 1);
	loaded_clear(&l);
}
END_TEST

START_TEST(files_together_are_bounded)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct loaded l;

	buf_add_str(&text, "include: [");
	for (int i = 0; i < 149; i++)
		buf_add_str(&text, "a.yml,");
	buf_add_str(&text, "a.yml]\n=== a.yml\na: &a [");
	for (int i = 0; i < 1000; i++)
		buf_add_str(&text, "x,");
	buf_add_str(
	    &text, "]\nb: [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n");
	l = loaded_from(buf_str(&text), NULL);
	ck_assert_uint_eq(l.diags.errors, 1);
	ck_assert_str_eq(l.diags.items[0].msg,
	    "the pipeline's files together have more than 2000000 values");
	loaded_clear(&l);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("include");
	TCase *tc = tcase_create("include");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tc, files_are_merged, 0, ARRAY_LEN(merges));
	tcase_add_loop_test(tc, rules_decide, 0, ARRAY_LEN(rules));
	tcase_add_test(tc, rules_look_in_the_project_of_the_file);
	tcase_add_loop_test(tc, finding_says_what_and_where, 0, ARRAY_LEN(findings));
	tcase_add_test(tc, missing_file_makes_the_document_incomplete);
	tcase_add_test(tc, shape_is_checked_without_fetching);
	tcase_add_test(tc, as_many_files_as_allowed);
	tcase_add_test(tc, too_many_files_are_refused);
	tcase_add_test(tc, doubling_includes_end);
	tcase_add_test(tc, files_together_are_bounded);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
