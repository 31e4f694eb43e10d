/* Variables and inputs from the command line. */
#include "cli/assign.h"

#include "base/json_writer.h"
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
	const struct mark mark = { .file = "-i" }, none = { .file = NULL };
	struct node *map = NULL;
	const char *kv;

	for (size_t pos = 0; (kv = args_next(args, "input", &pos)) != NULL;) {
		const char *eq = strchr(kv, '=');

		if (eq == NULL || eq == kv)
			return command_usage_error(args, "-i %s: wanted NAME=VALUE", kv);
		if (map == NULL)
			map = node_new(arena, NODE_MAP, mark);
		/* without a file: read as the input's type asks */
		node_set(arena, map, arena_strndup(arena, kv, (size_t)(eq - kv)), mark,
		    node_new_string(arena, eq + 1, none));
	}
	*out = map;
	return EXIT_OK;
}

void
assign_put_variables(struct json_writer *w, const char *key, const struct vars *vars)
{
	json_key(w, key);
	json_begin_array(w);
	for (size_t i = 0; i < vars->count; i++) {
		json_begin_object(w);
		json_put_string(w, "key", vars->items[i].name);
		json_put_string(w, "value", vars->items[i].value);
		json_end_object(w);
	}
	json_end_array(w);
}
