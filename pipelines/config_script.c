/* script, before_script, after_script and hooks: lines for a shell, lists flattened. */
#include "base/str.h"
#include "pipelines/config_read.h"

static void
bad_line(struct reader *r, const struct node *n)
{
	switch (n->kind) {
	case NODE_MAP:
		value_error(r, n->mark,
		    "has a line that YAML reads as a map, because of the `: ` in it; put "
		    "the line in quotes");
		break;
	case NODE_NULL:
		value_error(r, n->mark, "has an empty line; remove it or write \"\"");
		break;
	case NODE_BOOL:
	case NODE_INT:
	case NODE_FLOAT:
		value_error(r, n->mark,
		    "has a line that YAML reads as %s; put it in quotes",
		    node_kind_name(n->kind));
		break;
	case NODE_STRING:
	case NODE_LIST:
	case NODE_REFERENCE:
		break;
	}
}

struct script {
	struct strs_builder lines;
	bool ok;
};

static void
add_line(struct reader *r, const struct node *entry, void *into)
{
	struct script *s = into;

	if (entry->kind == NODE_STRING) {
		value_strs_add(r->arena, &s->lines, entry->text);
	} else {
		bad_line(r, entry);
		s->ok = false;
	}
}

/* Whether a reference that could not be resolved here may bring the lines. */
static bool
has_reference(const struct node *n)
{
	if (n->kind == NODE_LIST)
		for (size_t i = 0; i < n->count; i++)
			if (has_reference(n->items[i]))
				return true;
	return n->kind == NODE_REFERENCE;
}

void
config_read_script(struct reader *r, const struct node *n, const void *arg, void *out)
{
	struct strs lines = { 0 };
	struct script script = { .lines = { .strs = &lines }, .ok = true };

	if (n->kind == NODE_STRING) {
		value_strs_add(r->arena, &script.lines, n->text);
	} else if (n->kind != NODE_LIST) {
		value_error(r, n->mark, "must be a string or a list of strings, not %s%s",
		    node_kind_name(n->kind),
		    node_is_scalar(n) ? "; put it in quotes" : "");
		return;
	} else if (!value_each_entry(r, n, add_line, &script) || !script.ok) {
		return;
	}
	/* a list with an empty line in it is a script to GitLab */
	if (arg != NULL && !has_reference(n) &&
	    (lines.count == 0 || (n->kind == NODE_STRING && *n->text == '\0'))) {
		value_error(
		    r, n->mark, "must not be empty; a job needs a command to run");
		return;
	}
	*(struct strs *)out = lines;
}

static const struct value_field hook_fields[] = {
	{ "pre_get_sources_script", config_read_script, 0, NULL, 0 },
};
static const struct value_shape hooks_shape = VALUE_SHAPE(hook_fields);

void
config_read_hooks(
    struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	value_map(r, n, &hooks_shape, out);
}
