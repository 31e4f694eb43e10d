/* Pipelines compiled from commits of bare repositories. */
#include <check.h>

#include "base/path.h"
#include "scheduler/compile.h"
#include "tests/unit/fixture.h"

/* repos/g/p.git with one commit that has this pipeline file, and repos/g/shared.git. */
static char *
make_repos(const char *yml)
{
	char *root = fixture_open();

	fixture_sh(root,
	    "mkdir -p repos/g && git init -q -b main p && cd p && "
	    "cat >.gitlab-ci.yml <<'EOF'\n%s\nEOF\n"
	    "git add . && git commit -qm 'a message' && "
	    "git clone -q --bare . ../repos/g/p.git",
	    yml);
	fixture_sh(root,
	    "git init -q -b main s && cd s && "
	    "echo 'shared: {script: [one]}' >common.yml && git add . && "
	    "git commit -qm shared && git clone -q --bare . ../repos/g/shared.git");
	return root;
}

static struct recipe *
make_recipe(const char *root)
{
	cleanup_free char *sha = fixture_ask(root, "git -C p rev-parse HEAD");
	struct recipe *r = recipe_new();
	struct event e = { .sha = sha,
		.ref = "main",
		.default_branch = "main",
		.source = "push",
		.project_path = "g/p",
		.project_id = 7 };

	recipe_set_event(r, &e);
	return r;
}

static void
compile_in(const char *root, struct compilation *c)
{
	cleanup_free char *repos = path_join(root, "repos");
	struct error err = ERROR_INIT;

	c->repos_dir = repos;
	if (compile_recipe(c, &err) < 0)
		ck_abort_msg("%s", err.msg);
	c->repos_dir = NULL;
}

START_TEST(commit_gives_a_plan)
{
	cleanup_fixture char *root =
	    make_repos("build: {script: [make]}\n"
		       "test: {script: [x], rules: [{if: '$CI_COMMIT_TITLE == \"a "
		       "message\"'}]}");
	struct compilation c = { .recipe = make_recipe(root) };

	compile_in(root, &c);
	ck_assert_ptr_nonnull(c.plan);
	ck_assert_uint_eq(c.error_count, 0);
	ck_assert(plan_find(c.plan, "test")->created);
	ck_assert_uint_eq(strlen(c.hash), PLAN_HASH_SIZE - 1);
	compilation_clear(&c);
	recipe_free(c.recipe);
}
END_TEST

START_TEST(mistakes_are_told_with_their_place)
{
	cleanup_fixture char *root = make_repos("build: {scirpt: [make]}");
	struct compilation c = { .recipe = make_recipe(root) };

	compile_in(root, &c);
	ck_assert_ptr_null(c.plan);
	ck_assert_uint_ge(c.error_count, 1);
	ck_assert_msg(strstr(buf_str(&c.findings), ".gitlab-ci.yml:1:9: error: ") ==
		c.findings.data,
	    "%s", buf_str(&c.findings));
	compilation_clear(&c);
	recipe_free(c.recipe);
}
END_TEST

/* What is compiled again after a restart must be what was compiled first. */
START_TEST(included_projects_are_pinned)
{
	cleanup_fixture char *root =
	    make_repos("include: [{project: g/shared, file: common.yml}]");
	struct compilation first = { .recipe = make_recipe(root) };
	struct compilation again = COMPILATION_INIT;
	cleanup_buf struct buf json = BUF_INIT;
	struct error err = ERROR_INIT;

	compile_in(root, &first);
	ck_assert_ptr_nonnull(first.plan);
	recipe_write(first.recipe, &json);
	fixture_sh(root,
	    "cd s && echo 'shared: {script: [two]}' >common.yml && "
	    "git commit -qam changed && git push -q ../repos/g/shared.git main");
	if (recipe_read(buf_str(&json), json.len, &again.recipe, &err) < 0)
		ck_abort_msg("%s", err.msg);
	compile_in(root, &again);
	ck_assert_str_eq(first.hash, again.hash);
	compilation_clear(&first);
	compilation_clear(&again);
	recipe_free(first.recipe);
	recipe_free(again.recipe);
}
END_TEST

/* The same for what the server held, whatever it holds by then. */
START_TEST(variables_of_the_server_are_kept)
{
	cleanup_fixture char *root =
	    make_repos("a: {script: [x], rules: [{if: '$GATE == \"on\"'}]}\n"
		       "b: {script: [x], environment: production, "
		       "variables: {WHERE: $PLACE}}");
	const struct var vars[] = {
		{ .name = "GATE", .value = "on", .level = VAR_INSTANCE, .raw = true },
		{ .name = "PLACE",
		    .value = "there",
		    .level = VAR_PROJECT,
		    .environment_scope = "prod*" },
	};
	const struct var gone = { .name = "GATE", .value = "off", .level = VAR_PROJECT };
	struct compilation first = {
		.recipe = make_recipe(root), .vars = vars, .var_count = 2
	};
	struct compilation again = { .vars = &gone, .var_count = 1 };
	cleanup_buf struct buf json = BUF_INIT;
	struct error err = ERROR_INIT;

	compile_in(root, &first);
	ck_assert(plan_find(first.plan, "a")->created);
	recipe_write(first.recipe, &json);
	if (recipe_read(buf_str(&json), json.len, &again.recipe, &err) < 0)
		ck_abort_msg("%s", err.msg);
	compile_in(root, &again);
	ck_assert_str_eq(first.hash, again.hash);
	ck_assert_str_eq(vars_value(&plan_find(again.plan, "b")->vars, "PLACE"), "there");
	compilation_clear(&first);
	compilation_clear(&again);
	recipe_free(first.recipe);
	recipe_free(again.recipe);
}
END_TEST

START_TEST(commit_without_a_file_says_so)
{
	cleanup_fixture char *root = make_repos("x: {script: [y]}");
	struct compilation c = { .recipe = make_recipe(root) };

	c.recipe->config_path = "elsewhere.yml";
	compile_in(root, &c);
	ck_assert(c.no_file);
	ck_assert_ptr_null(c.plan);
	compilation_clear(&c);
	recipe_free(c.recipe);
}
END_TEST

START_TEST(protected_variables_reach_protected_refs_only)
{
	cleanup_fixture char *root =
	    make_repos("a: {script: [x], rules: [{if: $SECRET}]}\n"
		       "b: {script: [x]}");
	struct var var = {
		.name = "SECRET", .value = "v", .level = VAR_PROJECT, .is_protected = true
	};
	struct compilation c = {
		.recipe = make_recipe(root), .vars = &var, .var_count = 1
	};

	c.recipe->event.ref_is_protected = _i == 1;
	compile_in(root, &c);
	ck_assert_int_eq(plan_find(c.plan, "a")->created, _i == 1);
	compilation_clear(&c);
	recipe_free(c.recipe);
}
END_TEST

static const struct {
	const char *message;
	bool skips;
} messages[] = {
	{ "fix [ci skip]", true },
	{ "[skip ci] fix", true },
	{ "fix\n\n[CI SKIP]", true },
	{ "ci skip", false },
	{ "[ci] skip", false },
	{ "", false },
};

START_TEST(message_may_skip)
{
	ck_assert_int_eq(compile_message_skips(messages[_i].message), messages[_i].skips);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("compile");
	TCase *t = tcase_create("all");
	SRunner *runner = srunner_create(s);
	int failed;

	tcase_add_test(t, commit_gives_a_plan);
	tcase_add_test(t, mistakes_are_told_with_their_place);
	tcase_add_test(t, included_projects_are_pinned);
	tcase_add_test(t, variables_of_the_server_are_kept);
	tcase_add_test(t, commit_without_a_file_says_so);
	tcase_add_loop_test(t, protected_variables_reach_protected_refs_only, 0, 2);
	tcase_add_loop_test(t, message_may_skip, 0, ARRAY_LEN(messages));
	suite_add_tcase(s, t);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
