/* Pictures of a plan: text, Graphviz, Mermaid, SVG. */
#include <check.h>

#include "pipelines/graph.h"
#include "tests/unit/plan_text.h"

#define SMALL                                                                            \
	"compile: {stage: build, script: x}\n"                                           \
	"lint: {stage: build, script: x, when: manual}\n"                                \
	"unit: {stage: test, script: x, needs: [compile]}\n"                             \
	"report: {stage: test, script: x, needs: [unit, lint], allow_failure: true}\n"   \
	"quick: {stage: test, script: x, needs: []}\n"                                   \
	"gone: {stage: test, script: x, rules: [if: $X]}\n"                              \
	"deploy \"now\": {stage: deploy, script: x, when: manual, allow_failure: false}\n"

static char *
draw(const char *yaml, enum graph_format format)
{
	struct plan *plan = plan_make_valid(yaml, NULL);
	struct buf out = BUF_INIT;

	graph_write(plan, format, &out);
	plan_free(plan);
	return buf_take(&out);
}

static const struct {
	enum graph_format format;
	const char *yaml, *want;
} whole[] = {
	{ GRAPH_TEXT, SMALL,
	    "build\n"
	    "├─ compile\n"
	    "└─ lint  (manual)\n"
	    "test\n"
	    "├─ unit    ← compile\n"
	    "├─ report  ← unit, lint  (may fail)\n"
	    "└─ quick   ← nothing\n"
	    "deploy\n"
	    "└─ deploy \"now\"  (manual, blocks)\n"
	    "\n"
	    "A job without an arrow waits for all stages above it.\n" },
	{ GRAPH_TEXT, "a: {script: x}\nb: {script: x}", "test\n├─ a\n└─ b\n" },
	{ GRAPH_TEXT, "a: {script: x, rules: [if: $X]}", "" },
	{ GRAPH_DOT, SMALL,
	    "digraph pipeline {\n"
	    "  rankdir=LR;\n"
	    "  compound=true;\n"
	    "  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n"
	    "  graph [fontname=\"sans-serif\"];\n"
	    "  subgraph cluster_0 {\n"
	    "    label=\"build\";\n"
	    "    j0 [label=\"compile\"];\n"
	    "    j1 [label=\"lint\\n(manual)\", style=\"rounded,dashed\"];\n"
	    "  }\n"
	    "  subgraph cluster_1 {\n"
	    "    label=\"test\";\n"
	    "    j2 [label=\"unit\"];\n"
	    "    j3 [label=\"report\\n(may fail)\"];\n"
	    "    j4 [label=\"quick\"];\n"
	    "  }\n"
	    "  subgraph cluster_2 {\n"
	    "    label=\"deploy\";\n"
	    "    j6 [label=\"deploy \\\"now\\\"\\n(manual, blocks)\", style=\"rounded,dashed\"];\n"
	    "  }\n"
	    "  j2 -> j6 [style=dotted, ltail=cluster_1, lhead=cluster_2];\n"
	    "  j0 -> j2;\n"
	    "  j2 -> j3;\n"
	    "  j1 -> j3;\n"
	    "}\n" },
	{ GRAPH_MERMAID, SMALL,
	    "flowchart LR\n"
	    "  subgraph s0 [\"build\"]\n"
	    "    j0[\"compile\"]\n"
	    "    j1[\"lint #40;manual#41;\"]\n"
	    "  end\n"
	    "  subgraph s1 [\"test\"]\n"
	    "    j2[\"unit\"]\n"
	    "    j3[\"report #40;may fail#41;\"]\n"
	    "    j4[\"quick\"]\n"
	    "  end\n"
	    "  subgraph s2 [\"deploy\"]\n"
	    "    j6[\"deploy #34;now#34; #40;manual, blocks#41;\"]\n"
	    "  end\n"
	    "  s1 -.-> s2\n"
	    "  j0 --> j2\n"
	    "  j2 --> j3\n"
	    "  j1 --> j3\n" },
};

START_TEST(graph_is_written)
{
	cleanup_free char *got = draw(whole[_i].yaml, whole[_i].format);

	ck_assert_msg(
	    strcmp(got, whole[_i].want) == 0, "got:\n%s\nwant:\n%s", got, whole[_i].want);
}
END_TEST

static size_t
count(const char *text, const char *part)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, part)) != NULL; p++)
		n++;
	return n;
}

START_TEST(svg_has_every_job_and_need)
{
	cleanup_free char *got = draw(SMALL, GRAPH_SVG);

	ck_assert_uint_eq(count(got, "<rect class=\"lane\""), 3);
	ck_assert_uint_eq(count(got, "<rect class=\"box "), 6);
	ck_assert_uint_eq(count(got, "<path class=\"need\""), 3);
	ck_assert_uint_eq(count(got, "<path class=\"order\""), 1);
	ck_assert_uint_eq(count(got, "class=\"box manual\""), 2);
}
END_TEST

/* A job right of the one of its own stage that it needs. */
START_TEST(svg_orders_jobs_inside_a_stage)
{
	cleanup_free char *got =
	    draw("c: {script: x, needs: [b]}\nb: {script: x, needs: [a]}\n"
		 "a: {script: x}\n",
		GRAPH_SVG);
	const char *c = strstr(got, "<title>c:"), *b = strstr(got, "<title>b:");
	const char *a = strstr(got, "<title>a:");
	int x[3];

	ck_assert(a != NULL && b != NULL && c != NULL);
	ck_assert_int_eq(sscanf(strstr(a, " x=\"") + 4, "%d", &x[0]), 1);
	ck_assert_int_eq(sscanf(strstr(b, " x=\"") + 4, "%d", &x[1]), 1);
	ck_assert_int_eq(sscanf(strstr(c, " x=\"") + 4, "%d", &x[2]), 1);
	ck_assert_int_lt(x[0], x[1]);
	ck_assert_int_lt(x[1], x[2]);
}
END_TEST

#define HOSTILE "\"<b>&\\\"'\\n]];\\e\": {script: x}\n"

static const struct {
	enum graph_format format;
	const char *never; /* characters that steer a terminal or end a label */
} hostile[] = {
	{ GRAPH_TEXT, "\x1b" },
	{ GRAPH_DOT, "\x1b" },
	{ GRAPH_MERMAID, "<&\x1b" },
	{ GRAPH_SVG, "'\x1b" },
};

START_TEST(names_are_escaped)
{
	cleanup_free char *got = draw(HOSTILE, hostile[_i].format);

	for (const char *p = hostile[_i].never; *p != '\0'; p++)
		ck_assert_msg(strchr(got, *p) == NULL, "%c in\n%s", *p, got);
}
END_TEST

START_TEST(svg_is_well_formed)
{
	cleanup_free char *got = draw(HOSTILE SMALL, GRAPH_SVG);

	ck_assert_uint_eq(count(got, "<"), count(got, ">"));
	ck_assert_uint_eq(count(got, "<text"), count(got, "</text>"));
	ck_assert_uint_eq(count(got, "<g>"), count(got, "</g>"));
	ck_assert_ptr_nonnull(strstr(got, "&#60;b&#62;&#38;&#34;&#39;\\n]];"));
}
END_TEST

START_TEST(long_name_is_cut_in_svg)
{
	cleanup_free char *got = draw(
	    "this is a name of a job that is much longer than any box could be: {script: x}",
	    GRAPH_SVG);

	ck_assert_ptr_nonnull(strstr(got, ">this is a name of a job that is muc…<"));
	ck_assert_ptr_nonnull(strstr(got, "than any box could be:"));
}
END_TEST

static const struct {
	const char *name;
	bool known;
	enum graph_format format;
} formats[] = {
	{ "text", true, GRAPH_TEXT },
	{ "dot", true, GRAPH_DOT },
	{ "mermaid", true, GRAPH_MERMAID },
	{ "svg", true, GRAPH_SVG },
	{ "png", false, GRAPH_TEXT },
	{ "", false, GRAPH_TEXT },
};

START_TEST(format_is_known)
{
	enum graph_format format = GRAPH_TEXT;

	ck_assert_int_eq(
	    graph_format_parse(formats[_i].name, &format), formats[_i].known);
	ck_assert_int_eq(format, formats[_i].format);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("graph");
	TCase *tc = tcase_create("graph");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tc, graph_is_written, 0, ARRAY_LEN(whole));
	tcase_add_test(tc, svg_has_every_job_and_need);
	tcase_add_test(tc, svg_orders_jobs_inside_a_stage);
	tcase_add_loop_test(tc, names_are_escaped, 0, ARRAY_LEN(hostile));
	tcase_add_test(tc, svg_is_well_formed);
	tcase_add_test(tc, long_name_is_cut_in_svg);
	tcase_add_loop_test(tc, format_is_known, 0, ARRAY_LEN(formats));
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
