/* Expansion in depth, its bounds, and the search for circles. */
#include <check.h>

#include "pipelines/expand.h"

/* Values with the level of a job's own; RAW is raw. */
static void
fill(struct vars *vars, const char *const (*pairs)[2])
{
	for (size_t i = 0; pairs[i][0] != NULL; i++) {
		struct var var = { .name = pairs[i][0],
			.value = pairs[i][1],
			.level = VAR_JOB,
			.raw = strncmp(pairs[i][0], "RAW", 3) == 0 };

		vars_set(vars, &var);
	}
}

static const char *const values[][2] = {
	{ "A", "a" },
	{ "B", "<$A>" },
	{ "C", "${B}%A%" },
	{ "EMPTY", "" },
	{ "RAW", "$A" },
	{ "SELF", "$SELF:x" },
	{ "P", "$Q" },
	{ "Q", "$P" },
	{ "DOLLAR", "$$A" },
	{ NULL, NULL },
};

static const struct {
	const char *text, *want;
} texts[] = {
	{ "plain", "plain" },
	{ "", "" },
	{ "$A-${A}-%A%", "a-a-a" },
	{ "$B $C", "<a> <a>a" },
	{ "x${EMPTY}y", "xy" },
	{ "$NONE ${NONE} %NONE%", "$NONE ${NONE} %NONE%" },
	{ "$RAW", "$A" },
	{ "$SELF", "$SELF:x" },
	{ "$P", "$P" },
	{ "$$A", "$A" },
	{ "$DOLLAR", "$A" },
	{ "100% of $A", "100% of a" },
	{ "$ $1 ${", "$ $1 ${" },
};

START_TEST(text_is_expanded)
{
	struct arena *a = arena_new();
	struct vars vars;

	vars_init(&vars, a, NULL);
	fill(&vars, values);
	ck_assert_str_eq(
	    expand_deep(&vars, a, texts[_i].text, EXPAND_KEEP), texts[_i].want);
	vars_clear(&vars);
	arena_free(a);
}
END_TEST

START_TEST(unknown_may_be_dropped)
{
	struct arena *a = arena_new();
	struct vars vars;

	vars_init(&vars, a, NULL);
	vars_set_str(&vars, VAR_JOB, "A", "a$NONE");
	ck_assert_str_eq(
	    expand_deep(&vars, a, "<$A/${NONE}/$$X>", EXPAND_DROP), "<a//$X>");
	arena_free(a);
}
END_TEST

START_TEST(null_stays_null)
{
	struct vars vars = { .parent = NULL };

	ck_assert_ptr_null(expand_deep(&vars, NULL, NULL, EXPAND_KEEP));
}
END_TEST

/* Each variable doubles the one before: what would be 2^40 bytes ends early. */
START_TEST(doubling_ends)
{
	struct arena *a = arena_new();
	struct vars vars;
	const char *got;

	vars_init(&vars, a, NULL);
	vars_set_str(&vars, VAR_JOB, "V0", "some text");
	for (int i = 1; i < 40; i++)
		vars_set_str(&vars, VAR_JOB, arena_printf(a, "V%d", i),
		    arena_printf(a, "$V%d$V%d", i - 1, i - 1));
	got = expand_deep(&vars, a, "$V39", EXPAND_KEEP);
	ck_assert_uint_le(strlen(got), EXPAND_MAX_BYTES + 1024);
	vars_clear(&vars);
	arena_free(a);
}
END_TEST

/* The same with nothing at the end: no bytes, but as many steps. */
START_TEST(doubling_of_nothing_ends)
{
	struct arena *a = arena_new();
	struct vars vars;

	vars_init(&vars, a, NULL);
	vars_set_str(&vars, VAR_JOB, "V0", "");
	for (int i = 1; i < 40; i++)
		vars_set_str(&vars, VAR_JOB, arena_printf(a, "V%d", i),
		    arena_printf(a, "$V%d$V%d", i - 1, i - 1));
	ck_assert_uint_lt(strlen(expand_deep(&vars, a, "$V39", EXPAND_KEEP)), 1024);
	ck_assert_ptr_null(expand_find_circle(&vars, a));
	vars_clear(&vars);
	arena_free(a);
}
END_TEST

START_TEST(long_chain_ends)
{
	struct arena *a = arena_new();
	struct vars vars;

	vars_init(&vars, a, NULL);
	for (int i = 0; i < 5000; i++)
		vars_set_str(&vars, VAR_JOB, arena_printf(a, "V%d", i),
		    arena_printf(a, "$V%d", i + 1));
	ck_assert_str_eq(expand_deep(&vars, a, "$V4900", EXPAND_KEEP), "$V5000");
	ck_assert_ptr_nonnull(strchr(expand_deep(&vars, a, "$V0", EXPAND_KEEP), '$'));
	ck_assert_ptr_null(expand_find_circle(&vars, a));
	vars_clear(&vars);
	arena_free(a);
}
END_TEST

static const struct {
	const char *const pairs[5][2];
	const char *want; /* NULL: no circle */
} circles[] = {
	{ { { "A", "$B" }, { "B", "$A" } }, "A, B" },
	{ { { "A", "$B" }, { "B", "x${C}" }, { "C", "%A%" } }, "A, B, C" },
	{ { { "X", "$A" }, { "A", "$B" }, { "B", "$A" } }, "A, B" },
	{ { { "A", "$A" } }, NULL },
	{ { { "A", "$B" }, { "B", "$C$C" }, { "C", "c" } }, NULL },
	{ { { "A", "$RAW" }, { "RAW", "$A" } }, NULL },
	{ { { "A", "$$B" }, { "B", "$A" } }, NULL },
};

START_TEST(circle_is_found)
{
	struct arena *a = arena_new();
	struct vars vars;

	vars_init(&vars, a, NULL);
	fill(&vars, circles[_i].pairs);
	ck_assert_pstr_eq(expand_find_circle(&vars, a), circles[_i].want);
	vars_clear(&vars);
	arena_free(a);
}
END_TEST

/* One variable is the parent's, the other closes the circle. */
START_TEST(circle_over_scopes_is_found)
{
	struct arena *a = arena_new();
	struct vars outer, inner;

	vars_init(&outer, a, NULL);
	vars_init(&inner, a, &outer);
	vars_set_str(&outer, VAR_YAML, "A", "$B");
	ck_assert_ptr_null(expand_find_circle(&outer, a));
	vars_set_str(&inner, VAR_JOB, "B", "$A");
	ck_assert_str_eq(expand_find_circle(&inner, a), "B, A");
	vars_clear(&inner);
	vars_clear(&outer);
	arena_free(a);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("expand");
	TCase *tc = tcase_create("expand");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tc, text_is_expanded, 0, ARRAY_LEN(texts));
	tcase_add_test(tc, unknown_may_be_dropped);
	tcase_add_test(tc, null_stays_null);
	tcase_add_test(tc, doubling_ends);
	tcase_add_test(tc, doubling_of_nothing_ends);
	tcase_add_test(tc, long_chain_ends);
	tcase_add_loop_test(tc, circle_is_found, 0, ARRAY_LEN(circles));
	tcase_add_test(tc, circle_over_scopes_is_found);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
