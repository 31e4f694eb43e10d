/* Variables and inputs from the command line. */
#include "cli/assign.h"

#include "cli/report.h"
#include "pipelines/document.h"

int
assign_variables(const struct args *args, struct vars *vars)
{
	const char *kv;

	for (size_t pos = 0; (kv = args_next(args, "variable", &pos)) != NULL;) {
		const char *eq = strchr(kv, '=');
		cleanup_free char *name = NULL;

		if (eq == NULL || !vars_is_name(kv, (size_t)(eq - kv)))
			return command_usage_error(args, "-v %s: wanted NAME=VALUE", kv);
		name = xstrndup(kv, (size_t)(eq - kv));
		vars_set_str(vars, VAR_PIPELINE, name, eq + 1);
	}
	return EXIT_OK;
}

int
assign_inputs(const struct args *args, struct arena *arena, const struct node **out)
{
	const struct mark mark = { .file = "-i" };
	struct node *map = NULL;
	const char *kv;

	for (size_t pos = 0; (kv = args_next(args, "input", &pos)) != NULL;) {
		const char *eq = strchr(kv, '=');
		struct node **documents = NULL, *value;
		struct diags diags;
		size_t count = 0;

		if (eq == NULL || eq == kv)
			return command_usage_error(args, "-i %s: wanted NAME=VALUE", kv);
		diags_init(&diags, arena);
		if (yaml_parse(eq + 1, strlen(eq + 1), "-i", arena, &diags, &documents,
			&count) < 0)
			return report_diags(&diags);
		value = count > 0 ? documents[0] : node_new_string(arena, "", mark);
		if (map == NULL)
			map = node_new(arena, NODE_MAP, mark);
		node_set(
		    arena, map, arena_strndup(arena, kv, (size_t)(eq - kv)), mark, value);
	}
	*out = map;
	return EXIT_OK;
}
