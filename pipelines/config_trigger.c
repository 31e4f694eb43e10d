/* trigger: a child pipeline from files, or a pipeline of another project. */
#include "base/str.h"
#include "pipelines/config_read.h"

#define INCLUDES_MAX 3

static const char *const strategies[] = { "depend", "mirror", NULL };

static void
read_project(struct reader *r, const struct node *n, const void *arg, void *out)
{
	value_string(r, n, arg, out);
	if (n->kind == NODE_STRING && !value_is_project_path(n->text))
		value_error(r, n->mark,
		    "must be a project such as group/project or a variable, not \"%s\"",
		    n->text);
}

#define INCLUDE(field) offsetof(struct trigger_include, field)

static const struct value_field include_fields[] = {
	{ "local", value_word, INCLUDE(local), NULL, 0 },
	{ "artifact", value_word, INCLUDE(artifact), NULL, 0 },
	{ "job", value_word, INCLUDE(job), NULL, 0 },
	{ "project", read_project, INCLUDE(project), NULL, 0 },
	{ "file", value_one_or_strings, VALUE_NOWHERE, NULL, 0 },
	{ "ref", value_word, INCLUDE(ref), NULL, 0 },
	{ "component", value_word, INCLUDE(component), NULL, 0 },
	{ "remote", value_word, INCLUDE(remote), NULL, 0 },
	{ "integrity", value_word, VALUE_NOWHERE, NULL, 0 },
	{ "template", value_word, INCLUDE(template), NULL, 0 },
	{ "inputs", value_any_map, INCLUDE(inputs), NULL, 0 },
};
static const struct value_shape include_shape = VALUE_SHAPE(include_fields);

struct include_list {
	struct trigger *trigger;
	size_t cap;
};

static void
add_include(
    struct reader *r, struct include_list *l, const struct trigger_include *include)
{
	struct trigger *t = l->trigger;

	ARENA_GROW(r->arena, t->includes, t->include_count, l->cap);
	t->includes[t->include_count++] = *include;
}

static bool
given(const struct node *n, const char *key)
{
	return !node_is_null(node_get(n, key));
}

static void
check_kind(struct reader *r, const struct node *n)
{
	static const char *const kinds[] = { "local", "artifact", "project", "component",
		"remote", "template", NULL };
	size_t count = 0;

	for (size_t i = 0; kinds[i] != NULL; i++)
		count += given(n, kinds[i]);
	if (count != 1)
		value_error(r, n->mark, "must have exactly one of %s",
		    value_alternatives(r, kinds));
	if (given(n, "artifact") && !given(n, "job"))
		value_error(r, n->mark,
		    "has `artifact` but no `job`; name the job that makes the file");
	if (given(n, "project") && !given(n, "file"))
		value_error(r, n->mark, "has `project` but no `file`");
	if (given(n, "file") && !given(n, "project"))
		value_error(r, n->mark,
		    "has `file` but no `project`; for a file of this project write "
		    "`local`");
}

/* One entry per file of a project, so that each is one file. */
static void
add_project_files(struct reader *r, const struct node *files, struct include_list *l,
    struct trigger_include *include)
{
	struct strs names = { 0 };

	if (files->kind == NODE_STRING) {
		include->file = files->text;
		add_include(r, l, include);
		return;
	}
	value_strings(r, files, NULL, &names);
	for (size_t i = 0; i < names.count; i++) {
		include->file = names.items[i];
		add_include(r, l, include);
	}
}

static void
read_include(struct reader *r, const struct node *n, struct include_list *l)
{
	struct trigger_include include = { .at = n->mark };
	const struct node *files = node_get(n, "file");

	if (n->kind == NODE_STRING) {
		if (str_starts(n->text, "http://") || str_starts(n->text, "https://"))
			include.remote = n->text;
		else
			value_word(r, n, NULL, &include.local);
		add_include(r, l, &include);
	} else if (n->kind == NODE_MAP) {
		value_map(r, n, &include_shape, &include);
		check_kind(r, n);
		if (include.project != NULL && !node_is_null(files))
			add_project_files(r, files, l, &include);
		else
			add_include(r, l, &include);
	} else if (n->kind != NODE_REFERENCE) {
		value_expected(r, n, "a path or a map");
	}
}

static void
read_includes(struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	struct trigger *trigger = out;
	struct include_list list = { .trigger = trigger };

	if (n->kind != NODE_LIST)
		read_include(r, n, &list);
	else
		for (size_t i = 0; i < n->count; i++)
			read_include(r, n->items[i], &list);
	if (n->kind == NODE_LIST && n->count == 0)
		value_error(r, n->mark, "must not be empty");
	if (trigger->include_count > INCLUDES_MAX)
		value_error(r, n->mark, "has %zu files, at most %d are allowed",
		    trigger->include_count, INCLUDES_MAX);
}

#define TRIGGER(field) offsetof(struct trigger, field)

static const struct value_field forward_fields[] = {
	{ "yaml_variables", value_bool, TRIGGER(forward_yaml_variables), NULL, 0 },
	{ "pipeline_variables", value_bool, TRIGGER(forward_pipeline_variables), NULL,
	    0 },
};
static const struct value_shape forward_shape = VALUE_SHAPE(forward_fields);

static const struct value_field trigger_fields[] = {
	{ "project", read_project, TRIGGER(project), NULL, 0 },
	{ "branch", value_word, TRIGGER(branch), NULL, 0 },
	{ "include", read_includes, 0, NULL, 0 },
	{ "strategy", value_choice, TRIGGER(strategy), strategies, 0 },
	{ "forward", value_map, 0, &forward_shape, 0 },
	{ "inputs", value_any_map, TRIGGER(inputs), NULL, 0 },
};
static const struct value_shape trigger_shape = VALUE_SHAPE(trigger_fields);

static void
check_trigger(struct reader *r, const struct node *n)
{
	bool project = given(n, "project"), include = given(n, "include");

	if (project == include)
		value_error(r, n->mark, "must have one of `project` or `include`%s",
		    project ? ", not both" : "");
	else if (include && given(n, "branch"))
		value_error(r, n->mark,
		    "has `branch`, which is for `project` only; a child pipeline runs on "
		    "this commit");
	else if (include && given(n, "inputs"))
		value_report(r, DIAG_WARNING, DIAG_SHAPE, n->mark,
		    "%s:inputs is for `project`; put it beside the file in `include`",
		    value_path(r));
}

void
config_read_trigger(
    struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	struct trigger trigger = { .present = true, .forward_yaml_variables = true };

	if (n->kind == NODE_STRING) {
		read_project(r, n, NULL, &trigger.project);
	} else if (n->kind == NODE_MAP) {
		value_map(r, n, &trigger_shape, &trigger);
		check_trigger(r, n);
	} else {
		value_expected(r, n, "a project as a string, or a map");
	}
	*(struct trigger *)out = trigger;
}
