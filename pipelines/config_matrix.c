/* parallel: a number, or the product of a matrix. */
#include "pipelines/config_read.h"
#include "pipelines/vars.h"

struct matrix {
	struct parallel *out;
	size_t cap;
	bool check_only;
	bool over; /* too many; said once */
};

static size_t
values_of(const struct node *n)
{
	return n->kind == NODE_LIST ? n->count : 1;
}

/* The number of values of one key; 0 after a finding. */
static size_t
check_values(struct reader *r, const struct node *n)
{
	bool ok = true;

	if (n->kind == NODE_REFERENCE)
		return 0;
	if (node_is_null(n) || (n->kind == NODE_LIST && n->count == 0)) {
		value_error(r, n->mark, "must not be empty");
		return 0;
	}
	if (n->kind != NODE_LIST) {
		if (!node_is_scalar(n))
			value_expected(r, n, "a string or a list of strings");
		return node_is_scalar(n);
	}
	for (size_t i = 0; i < n->count; i++)
		if (!node_is_scalar(n->items[i]) || node_is_null(n->items[i])) {
			value_error(r, n->items[i]->mark,
			    "must be strings or numbers, but an entry is %s",
			    node_kind_name(n->items[i]->kind));
			ok = false;
		}
	return ok ? n->count : 0;
}

/* The number of rows of one map, or some number above the limit; 0 after a finding. */
static size_t
count_rows(struct reader *r, const struct node *map)
{
	size_t product = 1;

	for (size_t i = 0; i < map->count; i++) {
		size_t values;

		value_enter(r, map->pairs[i].key);
		values = check_values(r, map->pairs[i].value);
		value_leave(r);
		if (values > CONFIG_MAX_PARALLEL)
			values = CONFIG_MAX_PARALLEL + 1;
		if (product <= CONFIG_MAX_PARALLEL || values == 0)
			product *= values;
	}
	return product;
}

/* Row number `row` of a map's product; the last key varies fastest. */
static struct config_vars
make_row(struct arena *a, const struct node *map, size_t row)
{
	struct config_vars vars = { .items =
					arena_calloc(a, map->count, sizeof(*vars.items)),
		.count = map->count };

	for (size_t i = map->count; i-- > 0;) {
		const struct node_pair *pair = &map->pairs[i];
		size_t values = values_of(pair->value);
		const struct node *n = pair->value->kind == NODE_LIST
		    ? pair->value->items[row % values]
		    : pair->value;

		vars.items[i] = (struct config_var){
			.name = pair->key, .value = n->text, .at = pair->key_mark
		};
		row /= values;
	}
	return vars;
}

static void
check_names(struct reader *r, const struct node *map)
{
	for (size_t i = 0; i < map->count; i++)
		if (!vars_is_name(map->pairs[i].key, strlen(map->pairs[i].key)))
			value_error(r, map->pairs[i].key_mark,
			    "has the key `%s`; a variable's name has letters, digits and "
			    "_ only",
			    map->pairs[i].key);
}

static void
add_rows(struct reader *r, const struct node *map, void *into)
{
	struct matrix *m = into;
	struct parallel *out = m->out;
	size_t rows;

	if (map->kind != NODE_MAP || map->count == 0) {
		value_error(r, map->mark,
		    "must be a list of maps of names and values, but an entry is %s",
		    map->kind == NODE_MAP ? "an empty map" : node_kind_name(map->kind));
		return;
	}
	check_names(r, map);
	rows = count_rows(r, map);
	m->over = m->over || out->row_count + rows > CONFIG_MAX_PARALLEL;
	if (m->check_only) {
		out->row_count += m->over ? 0 : rows;
		return;
	}
	for (size_t i = 0; i < rows && !m->over; i++) {
		ARENA_GROW(r->arena, out->rows, out->row_count, m->cap);
		out->rows[out->row_count++] = make_row(r->arena, map, i);
	}
}

void
config_read_matrix(struct reader *r, const struct node *n, const void *arg, void *out)
{
	struct parallel parallel = { 0 };
	struct matrix m = { .out = &parallel, .check_only = arg != NULL };

	if (n->kind != NODE_LIST) {
		value_error(r, n->mark,
		    "must be a list of maps of names and values, not %s%s",
		    node_kind_name(n->kind),
		    n->kind == NODE_MAP ? "; start it with `- `" : "");
		return;
	}
	if (n->count == 0)
		value_error(r, n->mark, "must not be empty");
	value_each_entry(r, n, add_rows, &m);
	if (m.over)
		value_error(r, n->mark, "makes more than %d jobs, which is the limit",
		    CONFIG_MAX_PARALLEL);
	*(struct parallel *)out = parallel;
}

static const struct value_field parallel_fields[] = {
	{ "matrix", config_read_matrix, 0, NULL, VALUE_REQUIRED },
};
static const struct value_shape parallel_shape = VALUE_SHAPE(parallel_fields);

void
config_read_parallel(
    struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	struct parallel *parallel = out;

	if (n->kind == NODE_MAP)
		value_map(r, n, &parallel_shape, out);
	else if (n->kind != NODE_INT)
		value_expected(r, n, "a whole number or a map with `matrix`");
	else if (n->integer < 1 || n->integer > CONFIG_MAX_PARALLEL)
		value_error(r, n->mark, "is %s, it must be 1 to %d", n->text,
		    CONFIG_MAX_PARALLEL);
	else
		parallel->total = (int)n->integer;
}
