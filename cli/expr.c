/* pawl expr: what an expression of rules:if is, for given variables. */
#include "pipelines/expr.h"

#include <stdio.h>

#include "cli/assign.h"
#include "cli/commands.h"

static const struct option_row own_options[] = {
	{ 'v', "variable", "K=V", "a variable; may be repeated" },
	{ 'i', "input", "K=V", "a value for $[[ inputs.K ]]; may be repeated" },
	{ 0 },
};

static const struct option_row *const options[] = { own_options, NULL };

static int
evaluate(const struct args *args, struct arena *arena)
{
	struct error err = ERROR_INIT, problem = ERROR_INIT;
	struct expr_env env = { .problem = &problem };
	struct vars vars;
	bool truth = false;
	int rc;

	vars_init(&vars, arena, NULL);
	env.vars = &vars;
	rc = assign_variables(args, &vars);
	if (rc == EXIT_OK)
		rc = assign_inputs(args, arena, &env.inputs);
	if (rc != EXIT_OK)
		return rc;
	if (expr_eval_in(args_word(args, 0), &env, &truth, &err) < 0) {
		(void)fprintf(stderr, "pawl: %s\n", err.msg);
		return EXIT_INVALID;
	}
	if (problem.code != 0)
		(void)fprintf(stderr, "pawl: warning: false, because %s\n", problem.msg);
	(void)puts(truth ? "true" : "false");
	return EXIT_OK;
}

static int
run(const struct args *args)
{
	cleanup_arena struct arena *arena = arena_new();

	if (args_count(args) != 1)
		return command_usage_error(args,
		    "wanted one expression; put it into single quotes, since the shell knows $ too");
	return evaluate(args, arena);
}

const struct command command_expr = {
	.name = "expr",
	.usage = "EXPRESSION",
	.summary = "say whether an expression of `rules:if` is true",
	.description =
	    "Prints `true` or `false` for the variables given with -v; others are "
	    "not defined. An expression that is wrong ends with exit code 2 and "
	    "says where.\n\n"
	    "Example: pawl expr '$CI_COMMIT_BRANCH =~ /^release/' -v "
	    "CI_COMMIT_BRANCH=release-1",
	.options = options,
	.run = run,
};
