/*
 * Expressions: the first line is one, each further line NAME=VALUE. Checking and
 * evaluating have to agree, and a failed pattern has to be false.
 */
#include "base/buf.h"
#include "pipelines/expr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
define(struct vars *vars, char *line)
{
	char *equals = strchr(line, '=');

	if (equals == NULL || equals == line)
		return;
	*equals = '\0';
	vars_set_str(vars, VAR_JOB, line, equals + 1);
}

static void
check(const char *expr, const struct vars *vars, struct arena *arena)
{
	struct regex_cache cache = REGEX_CACHE_INIT;
	struct error err = ERROR_INIT, problem = ERROR_INIT;
	struct expr_env env = { .vars = vars, .regexes = &cache, .problem = &problem };
	const char *const *names = NULL;
	bool truth = false;
	int checked = expr_check(expr, &err);
	int rc = expr_eval_in(expr, &env, &truth, &err);

	if (checked != rc ||
	    (rc < 0 && strncmp(err.msg, "invalid expression syntax", 25) != 0))
		abort();
	if (problem.code != 0 && truth)
		abort();
	if (expr_names(expr, arena, &names) > EXPR_MAX_TOKENS)
		abort();
	regex_cache_clear(&cache);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = xstrndup((const char *)data, size);
	struct arena *arena = arena_new();
	struct vars vars;
	char *rest = text, *expr = strsep(&rest, "\n"), *line;

	vars_init(&vars, arena, NULL);
	while ((line = strsep(&rest, "\n")) != NULL)
		define(&vars, line);
	check(expr, &vars, arena);
	vars_clear(&vars);
	arena_free(arena);
	return 0;
}
