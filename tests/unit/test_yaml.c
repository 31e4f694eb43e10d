/*
 * YAML as GitLab's loader reads it: what each text becomes, where it stands, and what is
 * said about texts that are no YAML or cost too much.
 */
#include <check.h>
#include <stdio.h>

#include "base/str.h"
#include "pipelines/document.h"
#include "tests/unit/node_text.h"

struct parsed {
	struct arena *arena;
	struct diags diags;
	struct node **documents;
	size_t count;
	int rc;
};

static struct parsed
parse_bytes(const char *text, size_t len)
{
	struct parsed p = { .arena = arena_new() };

	diags_init(&p.diags, p.arena);
	p.rc = yaml_parse(text, len, "ci.yml", p.arena, &p.diags, &p.documents, &p.count);
	return p;
}

static struct parsed
parse(const char *text)
{
	return parse_bytes(text, strlen(text));
}

static void
expect_text(char *got, const char *want, const char *input)
{
	ck_assert_msg(str_eq(got, want), "%s\ngot  %s\nwant %s", input, got, want);
	free(got);
}

/* ---- values
 * --------------------------------------------------------------------------*/

static const struct {
	const char *yaml, *want;
} values[] = {
	/* nothing and truth */
	{ "", "null" },
	{ "~", "null" },
	{ "Null", "null" },
	{ "yes", "true" },
	{ "On", "true" },
	{ "TRUE", "true" },
	{ "no", "false" },
	{ "oFf", "false" },
	{ "y", "\"y\"" },
	{ "nullx", "\"nullx\"" },
	{ "\"yes\"", "\"yes\"" },
	{ "'~'", "\"~\"" },
	/* integers */
	{ "12", "12" },
	{ "+5", "5" },
	{ "-0", "0" },
	{ "010", "8" },
	{ "-010", "-8" },
	{ "08", "\"08\"" },
	{ "0o10", "\"0o10\"" },
	{ "0x1F", "31" },
	{ "-0x1f", "-31" },
	{ "0b101", "5" },
	{ "1_000", "1000" },
	{ "1,000", "1000" },
	{ "1,", "\"1,\"" },
	{ "0x_", "\"0x_\"" },
	{ "12345678901234567890123", "12345678901234567890123" },
	{ "0xffffffffffffffffffff", "1208925819614629174706175" },
	{ "0755", "493" },
	/* base 60 counts hours first */
	{ "1:30", "5400" },
	{ "-1:30", "-1800" },
	{ "1:30:15", "5415" },
	{ "22:22", "80520" },
	{ "80:80", "\"80:80\"" },
	{ "1:30.5", "5430.0" },
	{ "1:2:3:4", "\"1:2:3:4\"" },
	/* floats */
	{ "3.10", "3.1" },
	{ ".5", "0.5" },
	{ "5.", "5.0" },
	{ "-.5", "-0.5" },
	{ "1_0.5", "10.5" },
	{ "1e3", "\"1e3\"" },
	{ "1.5e3", "\"1.5e3\"" },
	{ "1.5e+3", "1500.0" },
	{ "1.2.3", "\"1.2.3\"" },
	{ ".", "\".\"" },
	{ "+.", "\"+.\"" },
	{ "0.0001", "0.0001" },
	{ "0.00001", "1.0e-05" },
	{ "0.000012", "1.2e-05" },
	{ "123456789012345.0", "123456789012345.0" },
	{ "1234567890123456.0", "1234567890123456.0" },
	{ "12345678901234567.0", "1.2345678901234568e+16" },
	{ "100000000000000000.0", "1.0e+17" },
	{ "0.1", "0.1" },
	{ "+.inf", "Infinity" },
	{ "-.INF", "-Infinity" },
	{ ".NaN", "NaN" },
	/* strings */
	{ "plain text", "\"plain text\"" },
	{ "+x", "\"+x\"" },
	{ ":sym", "\":sym\"" },
	{ "\"a\\nb\\u00e9\"", "\"a\nb\u00e9\"" },
	{ "|\n  a\n  b\n", "\"a\nb\n\"" },
	{ ">-\n  a\n  b\n", "\"a b\"" },
	/* tags */
	{ "!!str 5", "\"5\"" },
	{ "!!int \"5\"", "5" },
	{ "!!float 5", "5.0" },
	{ "!!bool yes", "true" },
	{ "!reference [a, b]", "![\"a\", \"b\"]" },
	{ "!!map {a: 1}", "{a: 1}" },
	/* collections, aliases, merging */
	{ "[a, [1], {b: c}]", "[\"a\", [1], {b: \"c\"}]" },
	{ "{yes: 1, 010: 2, ~: 3, 1.50: 4}", "{true: 1, 8: 2, : 3, 1.5: 4}" },
	{ "[&x a, *x, &x b, *x]", "[\"a\", \"a\", \"b\", \"b\"]" },
	{ "{&k a: 1, b: *k}", "{a: 1, b: \"a\"}" },
	{ "[&x {a: 1, b: 2}, {<<: *x, b: 3}]", "[{a: 1, b: 2}, {a: 1, b: 3}]" },
	{ "[&x {a: 1, b: 2}, {b: 3, <<: *x}]", "[{a: 1, b: 2}, {b: 2, a: 1}]" },
	{ "[&x {a: 1}, &y {a: 2, b: 2}, {<<: [*x, *y]}]",
	    "[{a: 1}, {a: 2, b: 2}, {a: 1, b: 2}]" },
	{ "[&x {a: 1}, &y {a: 2}, {<<: *x, <<: *y}]", "[{a: 1}, {a: 2}, {a: 2}]" },
	{ "{a: 1, b: 2, a: 3}", "{a: 3, b: 2}" },
	{ "{<<: {a: 1}, b: 2}", "{a: 1, b: 2}" },
};

START_TEST(value_is_what_gitlab_reads)
{
	struct parsed p = parse(values[_i].yaml);

	ck_assert_int_eq(p.rc, 0);
	expect_text(node_text(p.count == 0 ? NULL : p.documents[0]),
	    *values[_i].yaml == '\0' ? "(none)" : values[_i].want, values[_i].yaml);
	arena_free(p.arena);
}
END_TEST

START_TEST(integer_beyond_64_bits_is_the_nearest)
{
	struct parsed p = parse("[99999999999999999999, -99999999999999999999]");

	ck_assert_int_eq(p.documents[0]->items[0]->integer, INT64_MAX);
	ck_assert_int_eq(p.documents[0]->items[1]->integer, INT64_MIN);
	arena_free(p.arena);
}
END_TEST

START_TEST(alias_shares_the_node)
{
	struct parsed p = parse("[&x [a, b], *x]");

	ck_assert_ptr_eq(p.documents[0]->items[0], p.documents[0]->items[1]);
	ck_assert_uint_eq(p.documents[0]->weight, 7);
	arena_free(p.arena);
}
END_TEST

START_TEST(documents_are_separate)
{
	struct parsed p = parse("spec: {}\n---\na: 1\n");

	ck_assert_uint_eq(p.count, 2);
	expect_text(node_text(p.documents[1]), "{a: 1}", "second document");
	arena_free(p.arena);
}
END_TEST

START_TEST(byte_order_mark_is_skipped)
{
	struct parsed p = parse("\xef\xbb\xbf"
				"a: 1");

	expect_text(node_text(p.documents[0]), "{a: 1}", "BOM");
	arena_free(p.arena);
}
END_TEST

/* The text has no NUL behind it, and ends within a block or right behind one. */
START_TEST(block_cut_by_the_end_is_text)
{
	static const struct {
		const char *text;
		bool valid;
	} cases[] = {
		{ "a: '$[[ inputs.x ]", false },
		{ "a: $[[ inp]]", true },
		{ "a: $[[]]", true },
		{ "a: $[[ matrix.]]", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t len = strlen(cases[i].text);
		cleanup_free char *bytes = xmemdup(cases[i].text, len);
		struct parsed p = parse_bytes(bytes, len);

		ck_assert_msg((p.rc == 0) == cases[i].valid, "%s", cases[i].text);
		arena_free(p.arena);
	}
}
END_TEST

START_TEST(marks_count_from_one)
{
	struct parsed p = parse("é: x\njob:\n  script:\n    - a\n");
	const struct node_pair *pair =
	    node_get_pair(node_get(p.documents[0], "job"), "script");

	ck_assert_uint_eq(pair->key_mark.line, 3);
	ck_assert_uint_eq(pair->key_mark.col, 3);
	ck_assert_uint_eq(pair->value->items[0]->mark.line, 4);
	ck_assert_uint_eq(pair->value->items[0]->mark.col, 7);
	ck_assert_str_eq(pair->value->mark.file, "ci.yml");
	ck_assert_uint_eq(p.documents[0]->pairs[0].value->mark.col, 4);
	arena_free(p.arena);
}
END_TEST

START_TEST(large_map_finds_every_key)
{
	struct buf text = BUF_INIT;
	struct parsed p;

	for (int i = 0; i < 1000; i++)
		buf_printf(&text, "job%d: %d\n", i, i);
	p = parse(buf_str(&text));
	ck_assert_uint_eq(p.documents[0]->count, 1000);
	for (int i = 0; i < 1000; i++) {
		char key[16];

		(void)snprintf(key, sizeof(key), "job%d", i);
		ck_assert_int_eq(node_get(p.documents[0], key)->integer, i);
	}
	ck_assert_ptr_null(node_get(p.documents[0], "job1000"));
	buf_clear(&text);
	arena_free(p.arena);
}
END_TEST

/* ---- findings
 * ------------------------------------------------------------------------*/

static const struct {
	const char *yaml, *want;
} findings[] = {
	{ "a: 1\nb: 2\na: 3\n",
	    "ci.yml:3:1: warning: key \"a\" is given twice; the value of line 1 is dropped" },
	{ "x: &x {a: 1}\nj:\n  a: 2\n  <<: *x\n",
	    "ci.yml:4:3: warning: this `<<` replaces the value of \"a\" in line 3; keys that should win are written after `<<`" },
	{ "a: 2024-01-31",
	    "ci.yml:1:4: warning: GitLab refuses the unquoted date 2024-01-31; put quotes around it" },
	{ "a: 2024-01-31 10:00:00 +1",
	    "ci.yml:1:4: warning: GitLab refuses the unquoted date 2024-01-31 10:00:00 +1; put quotes around it" },
	{ "a: !foo 1",
	    "ci.yml:1:4: error: tag `!foo` is not known; only `!reference [job, key]` may be used" },
	{ "a: !!binary aGk=",
	    "ci.yml:1:4: error: tag `!!binary` is not known; only `!reference [job, key]` may be used" },
	{ "a: !!set {b}",
	    "ci.yml:1:4: error: tag `!!set` is not known; only `!reference [job, key]` may be used" },
	{ "a: !!int x", "ci.yml:1:4: error: `!!int` does not fit \"x\"" },
	{ "a: !reference job",
	    "ci.yml:1:4: error: `!reference` takes a list: !reference [job, key]" },
	{ "a: !reference {b: c}",
	    "ci.yml:1:4: error: `!reference` takes a list: !reference [job, key]" },
	{ "a: *b",
	    "ci.yml:1:4: error: alias *b has no anchor &b before it in this file; across files use !reference or extends" },
	{ "a: &x [b, *x]",
	    "ci.yml:1:11: error: alias *x stands inside its own anchor &x" },
	{ "a: &x\n  <<: *x",
	    "ci.yml:2:7: error: alias *x stands inside its own anchor &x" },
	{ "a: &x [b]\nc: {<<: *x}",
	    "ci.yml:2:5: error: `<<` merges a map or a list of maps, but this is a string" },
	{ "a: {<<: }",
	    "ci.yml:1:5: error: `<<` merges a map or a list of maps, but this is nothing (null)" },
	{ "? [a]\n: b", "ci.yml:1:3: error: a key is a text, not a list" },
	{ "a: \"x\\0y\"", "ci.yml:1:4: error: a text cannot hold a NUL character" },
	{ "a: b: c",
	    "ci.yml:1:5: error: mapping values are not allowed in this context; a text that contains \": \" needs quotes around it, or the line is indented wrongly" },
	{ "a:\n\tb: c",
	    "ci.yml:2:1: error: found character that cannot start any token; YAML is indented with spaces, not with tabs" },
	{ "a: @b",
	    "ci.yml:1:4: error: found character that cannot start any token; put quotes around a text that starts with it" },
	{ "a: [b",
	    "ci.yml:2:1: error: did not find expected ',' or ']' while parsing a flow sequence that starts in line 1" },
	{ "a: \"b\n",
	    "ci.yml:2:1: error: found unexpected end of stream while scanning a quoted scalar that starts in line 1" },
	{ "job:\n  a: 1\n c: 2\n",
	    "ci.yml:3:2: error: did not find expected key while parsing a block mapping that starts in line 1; the indentation of this line does not fit the lines above" },
	{ "a: 1\n\xff",
	    "ci.yml:2:1: error: byte 0xff is not valid UTF-8; save the file as UTF-8" },
	{ "\xff\xfe"
	  "a",
	    "ci.yml:1:1: error: this is UTF-16; save the file as UTF-8" },
	{ "a: 1\nb: \x01",
	    "ci.yml:2:4: error: control characters are not allowed (0x01)" },
};

START_TEST(finding_says_where_and_what_to_do)
{
	struct parsed p = parse(findings[_i].yaml);

	expect_text(diags_text(&p.diags), findings[_i].want, findings[_i].yaml);
	ck_assert_int_eq(p.rc<0, p.diags.errors> 0);
	arena_free(p.arena);
}
END_TEST

/* ---- hostile texts
 * -------------------------------------------------------------------*/

/* prefix, then unit as often as said, then suffix */
static const struct {
	const char *prefix, *unit;
	size_t times;
	const char *suffix, *want;
} hostile[] = {
	{ "", "[", 10000, "", "ci.yml:1:101: error: nested more than 100 levels deep" },
	{ "", "- ", 10000, "x", "ci.yml:1:201: error: nested more than 100 levels deep" },
	{ "a: ", "{a: ", 10000, "",
	    "ci.yml:1:400: error: nested more than 100 levels deep" },
	{ "", "# 4567890123456\n", 200000, "",
	    "ci.yml: error: larger than 2 MB, the most a pipeline file may have" },
};

START_TEST(hostile_text_is_refused)
{
	struct buf text = BUF_INIT;
	struct parsed p;

	buf_add_str(&text, hostile[_i].prefix);
	for (size_t i = 0; i < hostile[_i].times; i++)
		buf_add_str(&text, hostile[_i].unit);
	buf_add_str(&text, hostile[_i].suffix);
	p = parse_bytes(text.data, text.len);
	expect_text(diags_text(&p.diags), hostile[_i].want, hostile[_i].unit);
	buf_clear(&text);
	arena_free(p.arena);
}
END_TEST

START_TEST(billion_laughs_are_refused)
{
	struct buf text = BUF_INIT;
	struct parsed p;

	buf_add_str(&text, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
	for (int i = 1; i < 60; i++) {
		buf_printf(&text, "a%d: &a%d [", i, i);
		for (int k = 0; k < 10; k++)
			buf_printf(&text, "%s*a%d", k > 0 ? "," : "", i - 1);
		buf_add_str(&text, "]\n");
	}
	p = parse(buf_str(&text));
	expect_text(diags_text(&p.diags),
	    "ci.yml:7:14: error: aliases make this file grow to more than 2000000 values",
	    "billion laughs");
	ck_assert_uint_lt(arena_used(p.arena), 1000000);
	buf_clear(&text);
	arena_free(p.arena);
}
END_TEST

START_TEST(endless_merging_is_refused)
{
	struct buf text = BUF_INIT;
	struct parsed p;

	buf_add_str(&text, "a: &a {");
	for (int i = 0; i < 10000; i++)
		buf_printf(&text, "k%d: ,", i);
	buf_add_str(&text, "}\nb: {");
	for (int i = 0; i < 1000; i++)
		buf_add_str(&text, "<<: *a,");
	buf_add_str(&text, "}\n");
	p = parse(buf_str(&text));
	expect_text(diags_text(&p.diags),
	    "ci.yml:2:1405: error: `<<` copies more than 2000000 keys", "merging");
	buf_clear(&text);
	arena_free(p.arena);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("yaml");
	TCase *tc = tcase_create("yaml");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tc, value_is_what_gitlab_reads, 0, ARRAY_LEN(values));
	tcase_add_test(tc, integer_beyond_64_bits_is_the_nearest);
	tcase_add_test(tc, alias_shares_the_node);
	tcase_add_test(tc, documents_are_separate);
	tcase_add_test(tc, byte_order_mark_is_skipped);
	tcase_add_test(tc, block_cut_by_the_end_is_text);
	tcase_add_test(tc, marks_count_from_one);
	tcase_add_test(tc, large_map_finds_every_key);
	tcase_add_loop_test(
	    tc, finding_says_where_and_what_to_do, 0, ARRAY_LEN(findings));
	tcase_add_loop_test(tc, hostile_text_is_refused, 0, ARRAY_LEN(hostile));
	tcase_add_test(tc, billion_laughs_are_refused);
	tcase_add_test(tc, endless_merging_is_refused);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
