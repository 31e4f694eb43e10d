/* needs of jobs, and of rules. */
#include "base/str.h"
#include "pipelines/config_read.h"

#define NEED(field) offsetof(struct need, field)

/* needs:parallel:matrix names instances; other forms of parallel make no sense there. */
static void
read_matrix(struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	struct parallel rows = { 0 };

	config_read_matrix(r, n, "check", &rows);
	*(const struct node **)out = n;
}

static const struct value_field parallel_fields[] = {
	{ "matrix", read_matrix, NEED(matrix), NULL, VALUE_REQUIRED },
};
static const struct value_shape parallel_shape = VALUE_SHAPE(parallel_fields);

static const struct value_field job_fields[] = {
	{ "job", value_word, NEED(job), NULL, VALUE_REQUIRED },
	{ "artifacts", value_bool, NEED(artifacts), NULL, 0 },
	{ "optional", value_bool, NEED(optional), NULL, 0 },
	{ "parallel", value_map, 0, &parallel_shape, 0 },
};
static const struct value_shape job_shape = VALUE_SHAPE(job_fields);

static const struct value_field pipeline_fields[] = {
	{ "pipeline", value_word, NEED(pipeline), NULL, VALUE_REQUIRED },
	{ "job", value_word, NEED(job), NULL, 0 },
	{ "artifacts", value_bool, NEED(artifacts), NULL, 0 },
	{ "optional", value_bool, NEED(optional), NULL, 0 },
};
static const struct value_shape pipeline_shape = VALUE_SHAPE(pipeline_fields);

static const struct value_field project_fields[] = {
	{ "project", value_word, NEED(project), NULL, VALUE_REQUIRED },
	{ "job", value_word, NEED(job), NULL, VALUE_REQUIRED },
	{ "ref", value_word, NEED(ref), NULL, VALUE_REQUIRED },
	{ "artifacts", value_bool, NEED(artifacts), NULL, 0 },
	{ "optional", value_bool, NEED(optional), NULL, 0 },
};
static const struct value_shape project_shape = VALUE_SHAPE(project_fields);

static void
read_map(struct reader *r, const struct node *n, bool in_rule, struct need *need)
{
	const struct value_shape *shape = &job_shape;

	if (!in_rule && !node_is_null(node_get(n, "project")))
		shape = &project_shape;
	else if (!in_rule && !node_is_null(node_get(n, "pipeline")))
		shape = &pipeline_shape;
	value_map(r, n, shape, need);
}

static void
read_need(struct reader *r, const struct node *n, bool in_rule, struct need *need)
{
	*need = (struct need){ .artifacts = true, .at = n->mark };
	if (n->kind == NODE_STRING)
		value_word(r, n, NULL, &need->job);
	else if (n->kind == NODE_MAP)
		read_map(r, n, in_rule, need);
	else
		value_error(r, n->mark,
		    "must be names of jobs or maps with `job`, not %s%s",
		    node_kind_name(n->kind),
		    node_is_scalar(n) && n->kind != NODE_NULL ? "; put it in quotes"
							      : "");
}

struct need_list {
	struct needs *needs;
	size_t cap;
	bool in_rule;
};

static void
add_need(struct reader *r, const struct node *entry, void *into)
{
	struct need_list *l = into;

	if (value_is_empty_entry(r, entry))
		return;
	ARENA_GROW(r->arena, l->needs->items, l->needs->count, l->cap);
	read_need(r, entry, l->in_rule, &l->needs->items[l->needs->count++]);
}

static void
read_needs(struct reader *r, const struct node *n, bool in_rule, struct needs *out)
{
	struct needs needs = { .present = true };
	struct need_list list = { .needs = &needs, .in_rule = in_rule };

	if (n->kind == NODE_MAP) {
		needs.items = arena_calloc(r->arena, 1, sizeof(*needs.items));
		needs.count = 1;
		read_need(r, n, in_rule, &needs.items[0]);
	} else if (n->kind == NODE_LIST) {
		value_each_entry(r, n, add_need, &list);
	} else {
		value_expected(r, n, "a list of jobs");
		return;
	}
	*out = needs;
}

void
config_read_needs(
    struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	read_needs(r, n, false, out);
}

void
config_read_rule_needs(
    struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	read_needs(r, n, true, out);
}
