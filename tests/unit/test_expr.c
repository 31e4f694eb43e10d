/*
 * Expressions: our own tables, then every row of conformance/expressions.tsv.
 */
#include <check.h>
#include <jansson.h>

#include "base/buf.h"
#include "base/str.h"
#include "pipelines/expr.h"

static struct arena *arena;
static struct vars vars;

static void
setup(void)
{
	arena = arena_new();
	vars_init(&vars, arena, NULL);
	vars_set_str(&vars, VAR_JOB, "BRANCH", "main");
	vars_set_str(&vars, VAR_JOB, "EMPTY", "");
	vars_set_str(&vars, VAR_JOB, "BLANK", " \t ");
	vars_set_str(&vars, VAR_JOB, "NESTED", "$BRANCH");
	vars_set_str(&vars, VAR_JOB, "RE", "/^MA/i");
	vars_set_str(&vars, VAR_JOB, "BAD_RE", "/(/");
	vars_set_str(&vars, VAR_JOB, "SLOW_RE", "/^(a+)+$/");
	vars_set_str(
	    &vars, VAR_JOB, "AS", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab");
	vars_set_str(&vars, VAR_JOB, "1ST", "x");
}

static void
teardown(void)
{
	arena_free(arena);
}

static const struct {
	const char *expr;
	bool want;
} truths[] = {
	{ "$BRANCH", true },
	{ "$TAG", false }, /* unset is false, not an error */
	{ "$TAG == null", true },
	{ "$BRANCH && $TAG == null", true },
	{ "$BLANK", false },
	{ "$NESTED == \"$BRANCH\"", true }, /* raw on both sides */
	{ "$1ST == \"x\"", true },
	{ "$BRANCH =~ /^rel/", false },
	{ "$BRANCH =~ $RE", true },
	{ "$BRANCH !~ $RE", false },
	{ "$TAG =~ \"main\"", true }, /* nothing is part of any text */
	{ "\"ai\" =~ $BRANCH", true },
	{ "$BRANCH =~ true", false },
	{ "\"ru\" =~ true", true },
	{ "$BRANCH =~ false", false },
	{ "$BRANCH !~ false", true },
	{ "/main/", true },
	{ "/main/ == \"main\"", false },
	{ "$BRANCH =~ (null || /main/)", true },
	{ "!!$BRANCH", true },
	{ "!$TAG && !$EMPTY", true },
	{ "\"it's\" == \"it's\"", true },
	{ "'a\"b' != \"\"", true },
	{ "\n\t $BRANCH\r\n", true },
	{ "$BRANCH=~/MAIN/i&&!$TAG", true },
	{ "$BRANCH =~ /a\\/b/ || $BRANCH =~ /ai/", true },
	{ "($BRANCH == \"x\") == false", true },
	{ "true", true },
	{ "false", false },
};

START_TEST(evaluates)
{
	struct error err = ERROR_INIT;
	bool got = !truths[_i].want;

	if (expr_eval(truths[_i].expr, &vars, &got, &err) < 0)
		ck_abort_msg("%s: %s", truths[_i].expr, err.msg);
	ck_assert_msg(got == truths[_i].want, "%s", truths[_i].expr);
}
END_TEST

static const struct {
	const char *expr, *want;
} errors[] = {
	{ "", "invalid expression syntax: it is empty" },
	{ "  \n", "it is empty" },
	{ "${VAR} == \"x\"",
	    "unexpected \"$\" at character 1; a variable is written $NAME" },
	{ "$A and $B", "unexpected \"and\" at character 4; write && for it" },
	{ "android", "unexpected \"android\" at character 1; a text needs quotes" },
	{ "$A = \"x\"", "unexpected \"=\" at character 4; write ==" },
	{ "$A == x", "unexpected \"x\" at character 7; a text needs quotes" },
	{ "$A == \"x", "at character 7; the closing quote is missing" },
	{ "$A == \"x\ny\"", "the closing quote is missing" },
	{ "$A =~ /a/", "a pattern has at least two characters" },
	{ "$A =~ /ab/x", "unexpected \"x\"" },
	{ "$A =~ /ab\\/", "a pattern has" },
	{ "$A =~ /(?=a)b/", "look-ahead at offset 0" },
	{ "$A =~ /(ab/", "missing closing parenthesis" },
	{ "$A $B", "an operator is missing before \"$B\" at character 4" },
	{ "$A ==", "a value is missing at the end" },
	{ "== $A", "a value is missing before \"==\" at character 1" },
	{ "()", "a value is missing before \")\"" },
	{ "(($A)", "a closing parenthesis is missing at the end" },
	{ "$A)", "an operator is missing before \")\"" },
	{ "!", "a value is missing at the end" },
	{ "$A & $B", "write && for \"and\"" },
	{ "$A == NULL", "it is null, in small letters" },
	{ "$", "unexpected \"$\"" },
	{ "$[[ inputs. ]]", "unexpected \"$\"" },
	{ "$[[ other.x ]]", "unexpected \"$\"" },
	{ "$A == \xc3\xa4", "unexpected \"\xc3\xa4\" at" },
};

START_TEST(refuses)
{
	struct error err = ERROR_INIT;

	ck_assert_int_eq(expr_check(errors[_i].expr, &err), ERR_INVALID);
	ck_assert_msg(
	    strstr(err.msg, errors[_i].want) != NULL, "%s: %s", errors[_i].expr, err.msg);
	ck_assert_msg(str_starts(err.msg, "invalid expression syntax"), "%s", err.msg);
}
END_TEST

START_TEST(refused_leaves_the_result)
{
	struct error err = ERROR_INIT;
	bool got = true;

	ck_assert_int_eq(expr_eval("$A ==", &vars, &got, &err), ERR_INVALID);
	ck_assert(got);
}
END_TEST

START_TEST(too_many_parts_are_refused)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;

	for (int i = 0; i < EXPR_MAX_TOKENS - 1; i++)
		buf_add_char(&text, '!');
	buf_add_str(&text, "$A");
	ck_assert_int_eq(expr_check(buf_str(&text), &err), 0);
	buf_add_str(&text, "&& $A");
	ck_assert_int_eq(expr_check(buf_str(&text), &err), ERR_INVALID);
	ck_assert_ptr_nonnull(strstr(err.msg, "more than 100 parts"));
}
END_TEST

static const struct {
	const char *expr, *want;
} problems[] = {
	{ "$BRANCH =~ $BAD_RE", "missing closing parenthesis" },
	{ "$BRANCH !~ $BAD_RE",
	    "missing closing parenthesis" }, /* false, though negated */
	{ "$AS =~ $SLOW_RE || true", "takes too long" },
};

START_TEST(failing_pattern_is_false_and_told)
{
	struct regex_cache regexes = REGEX_CACHE_INIT;
	struct error problem = ERROR_INIT, err = ERROR_INIT;
	struct expr_env env = { .vars = &vars, .regexes = &regexes, .problem = &problem };
	bool got = true;

	ck_assert_int_eq(expr_eval_in(problems[_i].expr, &env, &got, &err), 0);
	ck_assert(!got);
	ck_assert_msg(strstr(problem.msg, problems[_i].want) != NULL, "%s", problem.msg);
	regex_cache_clear(&regexes);
}
END_TEST

START_TEST(nothing_is_defined_without_variables)
{
	struct error err = ERROR_INIT;
	bool got = false;

	ck_assert_int_eq(
	    expr_eval("$A == null && $[[ inputs.x ]] == null", NULL, &got, &err), 0);
	ck_assert(got);
}
END_TEST

static const struct {
	const char *expr, *want;
} named[] = {
	{ "$B == \"$X\" && $A =~ /$Y/ || $B || $C2", "B A C2" },
	{ "\"a\"", "" },
	{ "$A ==", "A" },
	{ "$A oops $B", "A" },
	{ "$[[ inputs.x ]] || $A", "A" },
};

START_TEST(names_in_order_of_appearance)
{
	const char *const *names = NULL;
	size_t count = expr_names(named[_i].expr, arena, &names);
	cleanup_buf struct buf got = BUF_INIT;

	for (size_t i = 0; i < count; i++)
		buf_printf(&got, "%s%s", i > 0 ? " " : "", names[i]);
	ck_assert_str_eq(buf_str(&got), named[_i].want);
}
END_TEST

/* ---- inputs -------------------------------------------------------------------------
 */

static struct node_pair input_pairs[] = {
	{ .key = "env" },
	{ .key = "fast" },
	{ .key = "count" },
	{ .key = "none" },
	{ .key = "list" },
};
static struct node input_values[] = {
	{ .kind = NODE_STRING, .text = "prod" },
	{ .kind = NODE_BOOL, .boolean = false, .text = "false" },
	{ .kind = NODE_INT, .integer = 3, .text = "3" },
	{ .kind = NODE_NULL, .text = "" },
	{ .kind = NODE_LIST },
};

static const struct {
	const char *expr;
	bool want;
} with_inputs[] = {
	{ "$[[ inputs.env ]] == \"prod\"", true },
	{ "$[[inputs.env]] =~ /^pr/", true },
	{ "$[[ inputs.fast ]]", false }, /* a boolean, not the text "false" */
	{ "$[[ inputs.fast ]] == false", true },
	{ "$[[ inputs.fast ]] == \"false\"", true },
	{ "$[[ inputs.count ]] == \"3\"", true },
	{ "$[[ inputs.none ]] == null", true },
	{ "$[[ inputs.list ]] == null", true },
	{ "$[[ inputs.en ]] == null", true },
	{ "$[[ inputs.env-x ]] == null", true },
};

START_TEST(inputs_keep_their_type)
{
	struct node inputs = {
		.kind = NODE_MAP, .pairs = input_pairs, .count = ARRAY_LEN(input_pairs)
	};
	struct expr_env env = { .inputs = &inputs };
	struct error err = ERROR_INIT;
	bool got = !with_inputs[_i].want;

	for (size_t i = 0; i < ARRAY_LEN(input_pairs); i++)
		input_pairs[i].value = &input_values[i];
	ck_assert_int_eq(expr_eval_in(with_inputs[_i].expr, &env, &got, &err), 0);
	ck_assert_msg(got == with_inputs[_i].want, "%s", with_inputs[_i].expr);
}
END_TEST

/* ---- the conformance table ------------------------------------------------------------
 */

/* `\t` and `\n` stand for a tab and a newline. */
static char *
unescape(const char *s, size_t len)
{
	cleanup_buf struct buf out = BUF_INIT;

	for (size_t i = 0; i < len; i++) {
		bool escape =
		    s[i] == '\\' && i + 1 < len && (s[i + 1] == 't' || s[i + 1] == 'n');

		if (escape)
			i++;
		buf_add_char(&out, !escape ? s[i] : s[i] == 't' ? '\t' : '\n');
	}
	buf_add_str(&out, "");
	return buf_take(&out);
}

static struct node *
input_node(struct arena *a, json_t *inputs)
{
	struct node *map = arena_alloc(a, sizeof(*map));
	const char *key;
	json_t *value;

	map->kind = NODE_MAP;
	map->pairs = arena_calloc(a, json_object_size(inputs) + 1, sizeof(*map->pairs));
	json_object_foreach(inputs, key, value)
	{
		struct node *text = arena_alloc(a, sizeof(*text));

		text->kind = NODE_STRING;
		text->text = arena_strdup(a, json_string_value(value));
		map->pairs[map->count++] =
		    (struct node_pair){ .key = arena_strdup(a, key), .value = text };
	}
	return map;
}

/* Fills v; gives the inputs, NULL when there are none. */
static struct node *
read_variables(const char *json, struct arena *a, struct vars *v)
{
	json_t *root = json_loads(json, 0, NULL);
	struct node *inputs = NULL;
	const char *key;
	json_t *value;

	ck_assert_msg(json_is_object(root), "not an object: %s", json);
	json_object_foreach(root, key, value)
	{
		if (json_is_object(value))
			inputs = input_node(a, value);
		else
			vars_set_str(v, VAR_JOB, key, json_string_value(value));
	}
	json_decref(root);
	return inputs;
}

static void
check_row(const char *expr, const char *json, const char *want, unsigned line)
{
	struct arena *a = arena_new();
	struct vars v;
	struct expr_env env = { .vars = &v };
	struct error err = ERROR_INIT;
	bool truth = false;
	const char *got = "error";

	vars_init(&v, a, NULL);
	env.inputs = read_variables(json, a, &v);
	if (expr_eval_in(expr, &env, &truth, &err) == 0)
		got = truth ? "true" : "false";
	ck_assert_msg(strcmp(got, want) == 0, "line %u: %s with %s: got %s, want %s (%s)",
	    line, expr, json, got, want, err.msg);
	arena_free(a);
}

static FILE *
open_table(void)
{
	const char *shared = getenv("PAWL_SHARED");
	cleanup_free char *path = NULL;

	path = xasprintf(
	    "%s/conformance/expressions.tsv", shared == NULL ? "../shared" : shared);
	return fopen(path, "re");
}

START_TEST(conformance_table)
{
	cleanup_fclose FILE *table = open_table();
	cleanup_free char *line = NULL;
	size_t size = 0;
	unsigned number = 0;

	if (table == NULL) {
		printf(
		    "skipped: no ../shared/conformance/expressions.tsv (PAWL_SHARED)\n");
		return;
	}
	while (getline(&line, &size, table) > 0) {
		char *json = strchr(line, '\t');
		char *want = json == NULL ? NULL : strchr(json + 1, '\t');
		cleanup_free char *expr = NULL;

		if (++number == 1)
			continue;
		ck_assert_msg(want != NULL, "line %u has not three columns", number);
		*want++ = '\0';
		want[strcspn(want, "\n")] = '\0';
		expr = unescape(line, (size_t)(json - line));
		check_row(expr, json + 1, want, number);
	}
	ck_assert_uint_gt(number, 300);
}
END_TEST

static TCase *
case_own(void)
{
	TCase *tc = tcase_create("own");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, evaluates, 0, ARRAY_LEN(truths));
	tcase_add_loop_test(tc, refuses, 0, ARRAY_LEN(errors));
	tcase_add_test(tc, refused_leaves_the_result);
	tcase_add_test(tc, too_many_parts_are_refused);
	tcase_add_loop_test(
	    tc, failing_pattern_is_false_and_told, 0, ARRAY_LEN(problems));
	tcase_add_test(tc, nothing_is_defined_without_variables);
	tcase_add_loop_test(tc, names_in_order_of_appearance, 0, ARRAY_LEN(named));
	tcase_add_loop_test(tc, inputs_keep_their_type, 0, ARRAY_LEN(with_inputs));
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("expr");
	TCase *tc = tcase_create("conformance");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tc, conformance_table);
	suite_add_tcase(suite, case_own());
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
