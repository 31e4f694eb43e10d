/* spec:inputs: which values are right, and where blocks are replaced by them. */
#include <check.h>
#include <time.h>

#include "tests/unit/loaded.h"
#include "tests/unit/node_text.h"

/* ---- values
 * --------------------------------------------------------------------------*/

static const struct {
	const char *spec;   /* what stands under spec:inputs:x, in flow style */
	const char *inputs; /* given, NULL: nothing */
	const char *want;   /* what `v: $[[ inputs.x ]]` becomes, or the finding */
} values[] = {
	{ "", "{x: a}", "\"a\"" },
	{ "{default: d}", NULL, "\"d\"" },
	{ "{default: d}", "{x: a}", "\"a\"" },
	{ "{default: d}", "{x: null}", "\"d\"" },
	{ "{default: ''}", NULL, "\"\"" },
	{ "{type: number}", "{x: 5}", "5" },
	{ "{type: number}", "{x: 1.5}", "1.5" },
	{ "{type: boolean, default: false}", NULL, "false" },
	{ "{type: array}", "{x: [a, {b: c}]}", "[\"a\", {b: \"c\"}]" },
	{ "{options: [a, b]}", "{x: b}", "\"b\"" },
	{ "{type: number, options: [1, 2]}", "{x: 2.0}", "2.0" },
	{ "{regex: ^v\\d+}", "{x: v12}", "\"v12\"" },
	{ "{regex: '^$'}", "{x: ''}", "\"\"" },
	{ "{rules: [{if: '$[[ inputs.kind ]] == \"b\"', options: [p], default: p}, {default: q}]}",
	    "{kind: b}", "\"p\"" },
	{ "{rules: [{if: '$[[ inputs.kind ]] == \"b\"', options: [p], default: p}, {default: q}]}",
	    NULL, "\"q\"" },
	{ "{rules: [{if: '$[[ inputs.kind ]] == \"a\"', default: null}, {default: q}]}",
	    "{x: typed}", "\"typed\"" },
	/* not allowed */
	{ "", NULL, "`x` input: required value has not been provided" },
	{ "", "{x: 1}", "`x` input: provided value is not a string, it is an integer" },
	{ "{type: number}", "{x: '1'}",
	    "`x` input: provided value is not a number, it is a string" },
	{ "{type: boolean}", "{x: 'true'}",
	    "`x` input: provided value is not a boolean, it is a string" },
	{ "{type: array}", "{x: a}",
	    "`x` input: provided value is not an array, it is a string" },
	{ "{type: array}", "{x: [!reference [a, b]]}",
	    "`x` input: provided value cannot hold !reference" },
	{ "{options: [a, b]}", "{x: c}",
	    "`x` input: `c` cannot be used because it is not in the list of allowed options: "
	    "`a`, `b`" },
	{ "{regex: ^v}", "{x: w}",
	    "`x` input: provided value does not match required RegEx pattern ^v" },
	{ "{regex: ^v, default: w}", NULL,
	    "`x` input: default value does not match required RegEx pattern ^v" },
	{ "{default: a, regex: '('}", NULL,
	    "`x` input: invalid regular expression: missing closing parenthesis in the regular expression" },
	{ "{default: a}", "{z: 1}", "unknown input arguments: z" },
	{ "{default: a}", "{kind2: b}",
	    "unknown input arguments: kind2; did you mean \"kind\"?" },
	{ "{rules: [{if: '$[[ inputs.kind ]] == \"a\"', default: null}, {default: q}]}",
	    NULL, "`x` input: required value has not been provided" },
	{ "{rules: [{options: [p], default: p}]}", "{x: q}",
	    "`x` input: `q` cannot be used because it is not in the list of allowed options: "
	    "`p`" },
	{ "{rules: [{if: '==', default: p}]}", "{x: q}", "`x` input: rules:if invalid" },
};

START_TEST(value_is_taken_or_refused)
{
	struct loaded_event event = { .inputs = values[_i].inputs };
	cleanup_buf struct buf text = BUF_INIT;
	struct loaded l;
	char *got;

	buf_printf(&text,
	    "spec:\n  inputs:\n    kind: {default: a}\n    x: %s\n---\nv: $[[ inputs.x ]]\n",
	    values[_i].spec);
	l = loaded_from(buf_str(&text), &event);
	got = l.rc == 0 ? node_text(node_get(l.document.root, "v"))
			: xstrdup(l.diags.count > 0 ? l.diags.items[0].msg : "");
	ck_assert_msg(
	    l.rc == 0 ? str_eq(got, values[_i].want) : str_starts(got, values[_i].want),
	    "%s %s\ngot  %s\nwant %s", values[_i].spec, values[_i].inputs, got,
	    values[_i].want);
	free(got);
	loaded_clear(&l);
}
END_TEST

/* ---- blocks
 * --------------------------------------------------------------------------*/

#define SPEC                                                                             \
	"spec:\n"                                                                        \
	"  inputs:\n"                                                                    \
	"    s: {default: str}\n"                                                        \
	"    n: {type: number, default: 8}\n"                                            \
	"    b: {type: boolean, default: true}\n"                                        \
	"    a: {type: array, default: [p, 1, [q]]}\n"                                   \
	"    v: {default: $WHO and $NONE}\n"                                             \
	"    e: {default: a b;c'd}\n"                                                    \
	"    u: {default: éàü}\n"                                                     \
	"    m: {default: $SECRET}\n"                                                    \
	"---\n"

static const struct {
	const char *body, *want;
} blocks[] = {
	/* a whole text keeps the type */
	{ "k: $[[ inputs.n ]]", "{k: 8}" },
	{ "k: '$[[ inputs.n ]]'", "{k: 8}" },
	{ "k: $[[inputs.b]]", "{k: true}" },
	{ "k: $[[ inputs.a ]]", "{k: [\"p\", 1, [\"q\"]]}" },
	/* within a text all is text */
	{ "k: x-$[[ inputs.n ]]", "{k: \"x-8\"}" },
	{ "k: $[[ inputs.s ]]$[[ inputs.b ]]", "{k: \"strtrue\"}" },
	{ "k: x $[[ inputs.a ]]", "{k: \"x [\"p\",1,[\"q\"]]\"}" },
	{ "k: ' $[[ inputs.n ]]'", "{k: \" 8\"}" },
	{ "k: |\n  a $[[ inputs.s ]]\n  b\n", "{k: \"a str\nb\n\"}" },
	/* keys, lists, flow style, references */
	{ "j-$[[ inputs.s ]]: {$[[ inputs.s ]]: 1}", "{j-str: {str: 1}}" },
	{ "$[[ inputs.s ]]: 1", "{str: 1}" },
	{ "k: [$[[ inputs.s ]], x]", "{k: [\"str\", \"x\"]}" },
	{ "k: {a: $[[ inputs.s | truncate(0,2) ]], b: c}", "{k: {a: \"st\", b: \"c\"}}" },
	{ ".str: {s: [x]}\nk: !reference [.$[[ inputs.s ]], s]",
	    "{.str: {s: [\"x\"]}, k: [\"x\"]}" },
	{ "k: &x [$[[ inputs.s ]]]\nl: *x", "{k: [\"str\"], l: [\"str\"]}" },
	/* functions */
	{ "k: $[[ inputs.s | truncate(1,1) ]]", "{k: \"t\"}" },
	{ "k: $[[ inputs.s | truncate( 1 , 99 ) ]]", "{k: \"tr\"}" },
	{ "k: $[[ inputs.s | truncate(9,1) ]]", "{k: \"\"}" },
	{ "k: $[[ inputs.u | truncate(1,2) ]]", "{k: \"àü\"}" },
	{ "k: $[[ inputs.v | expand_vars ]]", "{k: \"me and $NONE\"}" },
	{ "k: $[[ inputs.v ]]", "{k: \"$WHO and $NONE\"}" },
	{ "k: $[[ inputs.e | posix_escape ]]", "{k: \"a\\ b\\;c\\'d\"}" },
	{ "k: $[[ inputs.v | expand_vars | truncate(0,2) | posix_escape ]]",
	    "{k: \"me\"}" },
	/* not for us, or no blocks */
	{ "k: $[[ matrix.X ]]", "{k: \"$[[ matrix.X ]]\"}" },
	{ "k: $[[ matrix.X ]]-$[[ inputs.n ]]", "{k: \"$[[ matrix.X ]]-8\"}" },
	{ "k: $[[ ]]", "{k: \"$[[ ]]\"}" },
	{ "k: '$[[ inputs.s'", "{k: \"$[[ inputs.s\"}" },
	{ "k: |\n  $[[ inputs.s\n  ]]\n", "{k: \"$[[ inputs.s\n]]\n\"}" },
};

START_TEST(block_is_replaced)
{
	const struct loaded_event event = { .vars = "WHO=me *SECRET=xyz" };
	cleanup_buf struct buf text = BUF_INIT;

	buf_printf(&text, SPEC "%s", blocks[_i].body);
	loaded_expect(buf_str(&text), &event, blocks[_i].want);
}
END_TEST

static const struct {
	const char *body, *want;
} bad_blocks[] = {
	{ "k: $[[ inputs.x ]]", "13:4: error: unknown interpolation key: `x`" },
	{ "k: $[[ input.s ]]",
	    "13:4: error: unknown interpolation key: `input`; did you mean \"inputs\"?" },
	{ "k: $[[ component.name ]]",
	    "13:4: error: unknown interpolation key: `component`" },
	{ "k: $[[ inputs ]]",
	    "13:4: error: invalid interpolation access pattern `inputs`; write inputs.NAME" },
	{ "a:\n  $[[ inputs.x ]]: 1", "14:3: error: unknown interpolation key: `x`" },
	{ "k: $[[ inputs.s | upcase ]]",
	    "13:4: error: no function matching `upcase`: there are expand_vars, "
	    "truncate(OFFSET,LENGTH) and posix_escape" },
	{ "k: $[[ inputs.s | truncate ]]",
	    "13:4: error: no function matching `truncate`: there are expand_vars, "
	    "truncate(OFFSET,LENGTH) and posix_escape" },
	{ "k: $[[ inputs.s | truncate(a) ]]",
	    "13:4: error: no function matching `truncate(a)`: write truncate(OFFSET,LENGTH)" },
	{ "k: $[[ inputs.n | truncate(0,1) ]]",
	    "13:4: error: invalid input type: truncate can only be used with string inputs" },
	{ "k: $[[ inputs.s | posix_escape | posix_escape | posix_escape | posix_escape ]]",
	    "13:4: error: too many functions in interpolation block: at most 3" },
	{ "k: $[[ inputs.m | expand_vars ]]",
	    "13:4: error: variable expansion error: masked variables cannot be expanded "
	    "(SECRET)" },
	{ "k: $[[ inputs.x ]]\nl: $[[ inputs.y ]]",
	    "13:4: error: unknown interpolation key: `x`\n"
	    ".gitlab-ci.yml:14:4: error: unknown interpolation key: `y`" },
};

START_TEST(wrong_block_is_named)
{
	const struct loaded_event event = { .vars = "WHO=me *SECRET=xyz" };
	cleanup_buf struct buf text = BUF_INIT, want = BUF_INIT;

	buf_printf(&text, SPEC "\n%s", bad_blocks[_i].body);
	buf_printf(&want, ".gitlab-ci.yml:%s", bad_blocks[_i].want);
	loaded_expect_findings(buf_str(&text), &event, buf_str(&want));
}
END_TEST

/* ---- files with and without header
 * ---------------------------------------------------*/

static const struct {
	const char *bundle, *inputs, *want;
} findings[] = {
	{ "a: 1\n", "{x: 1}",
	    "given:1:1: error: given inputs not defined in the `spec` section of "
	    "`.gitlab-ci.yml`: it has no `spec:inputs` header" },
	{ "a: 1\nb: $[[ inputs.x ]]\n", NULL,
	    ".gitlab-ci.yml:2:4: warning: `$[[ inputs… ]]` stays as it is: this file has no "
	    "`spec:inputs` header" },
	{ "spec: {}\nstages: [a]\n---\na: 1\n", NULL,
	    ".gitlab-ci.yml:2:1: error: the header, above `---`, holds only `spec`; \"stages\" "
	    "belongs below" },
	{ "a: 1\n---\nb: 2\n", NULL,
	    ".gitlab-ci.yml:3:1: warning: this second document is ignored: the first is no "
	    "header, it has no `spec`" },
	{ "spec: {}\n---\na: 1\n---\nb: 1\n", NULL,
	    ".gitlab-ci.yml:5:1: error: too many documents: a file is a header, `---` and a "
	    "body at most" },
	{ "spec:\n  inputs:\n    x: {type: strin, default: a}\n---\na: 1\n", NULL,
	    ".gitlab-ci.yml:3:15: error: spec:inputs:x:type has the unknown value \"strin\"; did "
	    "you mean `string`?" },
};

START_TEST(header_is_checked)
{
	const struct loaded_event event = { .inputs = findings[_i].inputs };

	loaded_expect_findings(findings[_i].bundle, &event, findings[_i].want);
}
END_TEST

static const struct {
	const char *bundle, *want;
} bodies[] = {
	{ "---\na: 1\n", "{a: 1}" },
	{ "a: 1\n---\n", "{a: 1}" },
	{ "spec:\n---\na: 1\n", "{a: 1}" },
	{ "spec: {inputs: {}}\n---\na: 1\n", "{a: 1}" },
	{ "spec: {inputs: null, description: text}\n---\na: 1\n", "{a: 1}" },
	{ "spec: {inputs: {x: {default: 1.0, type: number}}}\n---\n", "{}" },
};

START_TEST(body_is_found)
{
	loaded_expect(bodies[_i].bundle, NULL, bodies[_i].want);
}
END_TEST

/* Texts of a command line are read as the input asks for. */
START_TEST(text_without_file_is_read_by_type)
{
	static const struct memory_file files[] = {
		{ .path = ".gitlab-ci.yml",
		    .text =
			"spec:\n  inputs:\n    n: {type: number}\n    a: {type: array}\n"
			"    b: {type: boolean}\n    s:\n---\n"
			"n: $[[ inputs.n ]]\na: $[[ inputs.a ]]\nb: $[[ inputs.b ]]\n"
			"s: $[[ inputs.s ]]\n" },
		{ .path = NULL },
	};
	static const char *const given[][2] = { { "n", "5" }, { "a", "[x, 1]" },
		{ "b", "true" }, { "s", "10" } };
	struct arena *a = arena_new();
	struct memory_provider provider;
	struct node *inputs = node_new(a, NODE_MAP, (struct mark){ NULL, 0, 0 });
	struct document_options options = { .path = ".gitlab-ci.yml", .inputs = inputs };
	struct document document;
	struct diags diags;
	char *got;

	for (size_t i = 0; i < ARRAY_LEN(given); i++)
		node_set(a, inputs, given[i][0], inputs->mark,
		    node_new_string(a, given[i][1], inputs->mark));
	diags_init(&diags, a);
	memory_provider_init(&provider, files);
	options.provider = &provider.provider;
	ck_assert_int_eq(document_load(&options, a, &diags, &document), 0);
	got = node_text(document.root);
	ck_assert_str_eq(got, "{n: 5, a: [\"x\", 1], b: true, s: \"10\"}");
	free(got);
	memory_provider_clear(&provider);
	arena_free(a);
}
END_TEST

/* What a run form does before anybody has answered it. */
START_TEST(required_ones_may_be_asked_for_later)
{
	static const struct memory_file files[] = {
		{ ".gitlab-ci.yml",
		    "spec:\n  inputs:\n    n: {type: number}\n    a: {type: array}\n"
		    "    b: {type: boolean}\n    s: {regex: ^x}\n    d: {default: e}\n---\n"
		    "n: $[[ inputs.n ]]\na: $[[ inputs.a ]]\nb: $[[ inputs.b ]]\n"
		    "s: $[[ inputs.s ]]\nd: $[[ inputs.d ]]\n" },
		{ .path = NULL },
	};
	struct arena *a = arena_new();
	struct memory_provider provider;
	struct document_options options = { .path = ".gitlab-ci.yml",
		.is_unasked = true };
	struct document document;
	struct diags diags;
	char *got;

	diags_init(&diags, a);
	memory_provider_init(&provider, files);
	options.provider = &provider.provider;
	ck_assert_int_eq(document_load(&options, a, &diags, &document), 0);
	ck_assert_uint_eq(diags.count, 0);
	ck_assert_uint_eq(document.inputs->count, 5);
	got = node_text(document.root);
	ck_assert_str_eq(got, "{n: 0, a: [], b: false, s: \"\", d: \"e\"}");
	free(got);
	options.is_unasked = false;
	ck_assert_int_lt(document_load(&options, a, &diags, &document), 0);
	ck_assert_uint_eq(document.inputs->count, 5);
	memory_provider_clear(&provider);
	arena_free(a);
}
END_TEST

/* ---- hostile
 * -------------------------------------------------------------------------*/

START_TEST(growing_text_is_refused)
{
	cleanup_buf struct buf text = BUF_INIT;

	buf_add_str(&text, "spec:\n  inputs:\n    x: {default: '");
	for (int i = 0; i < 1000; i++)
		buf_add_str(&text, "0123456789");
	buf_add_str(&text, "'}\n---\nk: '");
	for (int i = 0; i < 200; i++)
		buf_add_str(&text, "$[[ inputs.x ]]");
	buf_add_str(&text, "'\n");
	loaded_expect_findings(buf_str(&text), NULL,
	    ".gitlab-ci.yml:5:4: error: a text is larger than 1 MB after interpolation");
}
END_TEST

START_TEST(many_grown_texts_are_refused)
{
	cleanup_buf struct buf text = BUF_INIT;

	buf_add_str(&text, "spec:\n  inputs:\n    x: {default: '");
	for (int i = 0; i < 10000; i++)
		buf_add_str(&text, "0123456789");
	buf_add_str(&text, "'}\n---\n");
	for (int i = 0; i < 400; i++)
		buf_printf(&text, "k%d: x$[[ inputs.x ]]\n", i);
	loaded_expect_findings(buf_str(&text), NULL,
	    ".gitlab-ci.yml:340:7: error: the file is too large after interpolation");
}
END_TEST

START_TEST(too_many_inputs_are_refused)
{
	cleanup_buf struct buf text = BUF_INIT;

	buf_add_str(&text, "spec:\n  inputs:\n");
	for (int i = 0; i < 1001; i++)
		buf_printf(&text, "    x%d: {default: a}\n", i);
	buf_add_str(&text, "---\na: 1\n");
	loaded_expect_findings(buf_str(&text), NULL,
	    ".gitlab-ci.yml:3:5: error: spec:inputs has 1001 inputs, at most 1000 are allowed");
}
END_TEST

/* Each was once the square of its length. */
static const char *const repeated[][2] = {
	{ "$[[", "" },
	{ "$[[ inputs.", "" },
	{ "$[[ inputs.", "]]" },
	{ "$[[ inputs.\n ", "]]" },
	{ "$[[ ]]", "" },
	{ "$[[ matrix.x ]]", "" },
};

START_TEST(blocks_take_linear_time)
{
	cleanup_buf struct buf text = BUF_INIT;
	clock_t start = clock();
	struct loaded l;

	buf_add_str(&text, "spec:\n---\na: |\n ");
	while (text.len < 1900000)
		buf_add_str(&text, repeated[_i][0]);
	buf_add_str(&text, repeated[_i][1]);
	l = loaded_from(buf_str(&text), NULL);
	ck_assert_msg(clock() - start < 5 * CLOCKS_PER_SEC, "takes too long");
	loaded_clear(&l);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("inputs");
	TCase *tc = tcase_create("inputs");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tc, value_is_taken_or_refused, 0, ARRAY_LEN(values));
	tcase_add_loop_test(tc, block_is_replaced, 0, ARRAY_LEN(blocks));
	tcase_add_loop_test(tc, wrong_block_is_named, 0, ARRAY_LEN(bad_blocks));
	tcase_add_loop_test(tc, header_is_checked, 0, ARRAY_LEN(findings));
	tcase_add_loop_test(tc, body_is_found, 0, ARRAY_LEN(bodies));
	tcase_add_test(tc, text_without_file_is_read_by_type);
	tcase_add_test(tc, required_ones_may_be_asked_for_later);
	tcase_add_test(tc, growing_text_is_refused);
	tcase_add_test(tc, many_grown_texts_are_refused);
	tcase_add_test(tc, too_many_inputs_are_refused);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, blocks_take_linear_time, 0, ARRAY_LEN(repeated));
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
