/*
 * Variable expansion: lines NAME=VALUE, a leading digit is the level; the last line is a
 * text. What has no reference must come out as it went in.
 */
#include "base/buf.h"
#include "pipelines/vars.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
define(struct vars *vars, char *line)
{
	struct var var = { .name = line, .level = VAR_JOB };
	char *equals = strchr(line, '=');

	if (equals == NULL || equals == line)
		return;
	*equals = '\0';
	var.value = equals + 1;
	if (*line >= '0' && *line <= '9') {
		var.level = (enum var_level)(*line - '0');
		var.raw = *line == '3';
		var.file = *line == '4';
		var.name++;
	}
	vars_set(vars, &var);
}

static void
check(const struct vars *vars, struct arena *arena, const char *text)
{
	struct error err = ERROR_INIT;
	struct var *list = NULL;
	size_t count = 0;
	const char *server = vars_expand(vars, arena, text);
	const char *runner = vars_expand_runner(vars, arena, text);

	if (strchr(text, '$') == NULL && strcmp(runner, text) != 0)
		abort();
	if (strpbrk(text, "$%") == NULL && strcmp(server, text) != 0)
		abort();
	if (vars_resolve(vars, arena, &list, &count, &err) < 0) {
		if (err.code != ERR_INVALID && err.code != ERR_LIMIT)
			abort();
		return;
	}
	for (size_t i = 0; i < count; i++) {
		const struct var *raw = vars_get(vars, list[i].name);

		if (raw == NULL || strlen(list[i].value) > VARS_MAX_VALUE)
			abort();
		if ((raw->raw || strpbrk(raw->value, "$%") == NULL) &&
		    strcmp(raw->value, list[i].value) != 0)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = xstrndup((const char *)data, size);
	struct arena *arena = arena_new();
	struct vars outer, inner;
	char *rest = text, *line;
	size_t n = 0;

	vars_init(&outer, arena, NULL);
	vars_init(&inner, arena, &outer);
	while ((line = strsep(&rest, "\n")) != NULL && rest != NULL)
		define(n++ % 2 == 0 ? &outer : &inner, line);
	check(&inner, arena, line == NULL ? "" : line);
	vars_clear(&inner);
	vars_clear(&outer);
	arena_free(arena);
	return 0;
}
