/* The file behind `--variables`: from YAML to project variables. */
#include "scheduler/variables_file.h"

#include <assert.h>

#include "base/str.h"
#include "pipelines/document.h"

struct reader {
	struct arena *arena;
	struct diags *diags;
	struct var *items;
	size_t count, cap;
};

/* What a map under a name may say, and where it goes. */
static const struct {
	const char *key;
	size_t offset; /* of a bool in struct var */
	bool inverted;
} switches[] = {
	{ "masked", offsetof(struct var, masked), false },
	{ "file", offsetof(struct var, file), false },
	{ "protected", offsetof(struct var, is_protected), false },
	{ "expand", offsetof(struct var, raw), true },
};

static const char *const keys[] = { "value", "masked", "file", "protected", "expand",
	"environment_scope", NULL };

/* Length of the longest line without the blanks around it: what a mask can hide. */
static size_t
longest_line(const char *value)
{
	size_t longest = 0;

	while (*value != '\0') {
		size_t len = strcspn(value, "\n"), first = strspn(value, " \t\r");
		size_t end = len;

		while (end > first && strchr(" \t\r", value[end - 1]) != NULL)
			end--;
		if (end > first && end - first > longest)
			longest = end - first;
		value += len + (value[len] == '\n');
	}
	return longest;
}

static void
add(struct reader *r, const struct var *var, struct mark at)
{
	size_t longest = longest_line(var->value);

	if (var->masked && longest < VARIABLES_FILE_MIN_MASKED) {
		diag_error(r->diags, DIAG_SHAPE, at, NULL,
		    "variable \"%s\": a masked value needs at least %d characters on a line, "
		    "this one has %zu; make it longer, or leave out `masked`",
		    var->name, VARIABLES_FILE_MIN_MASKED, longest);
		return;
	}
	ARENA_GROW(r->arena, r->items, r->count, r->cap);
	r->items[r->count++] = *var;
}

static void
read_switch(struct reader *r, const struct node_pair *pair, struct var *var, size_t i)
{
	bool *field = (bool *)(void *)((char *)var + switches[i].offset);

	if (!node_is(pair->value, NODE_BOOL))
		diag_error(r->diags, DIAG_SHAPE, pair->value->mark, NULL,
		    "variable \"%s\": %s should be true or false", var->name, pair->key);
	else
		*field = pair->value->boolean != switches[i].inverted;
}

static void
refuse_key(struct reader *r, const struct node_pair *pair, const char *name)
{
	const char *near = str_nearest(pair->key, keys);

	diag_error(r->diags, DIAG_SHAPE, pair->key_mark, NULL,
	    "variable \"%s\": unknown key \"%s\"%s%s%s", name, pair->key,
	    near == NULL ? "" : "; did you mean \"", near == NULL ? "" : near,
	    near == NULL ? "" : "\"?");
}

static void
read_key(struct reader *r, const struct node_pair *pair, struct var *var)
{
	bool is_value = str_eq(pair->key, "value");

	assert(pair->value != NULL); /* YAML without a value has the null node */
	for (size_t i = 0; i < ARRAY_LEN(switches); i++)
		if (str_eq(pair->key, switches[i].key)) {
			read_switch(r, pair, var, i);
			return;
		}
	if (!is_value && !str_eq(pair->key, "environment_scope"))
		refuse_key(r, pair, var->name);
	else if (!node_is_scalar(pair->value))
		diag_error(r->diags, DIAG_SHAPE, pair->value->mark, NULL,
		    "variable \"%s\": %s should be a text, not %s", var->name, pair->key,
		    node_kind_name(pair->value->kind));
	else if (is_value)
		var->value = pair->value->text;
	else if (!node_is_null(pair->value) && !str_eq(pair->value->text, "*"))
		var->environment_scope = pair->value->text;
}

static void
read_map(struct reader *r, const char *name, const struct node *map)
{
	struct var var = { .name = name, .level = VAR_PROJECT };
	size_t errors = r->diags->errors;

	for (size_t i = 0; i < map->count; i++)
		read_key(r, &map->pairs[i], &var);
	if (r->diags->errors > errors)
		return;
	if (var.value == NULL)
		diag_error(r->diags, DIAG_SHAPE, map->mark, NULL,
		    "variable \"%s\": `value` is missing", name);
	else
		add(r, &var, map->mark);
}

static void
read_variable(struct reader *r, const char *name, const struct node *value)
{
	struct var var = { .name = name, .level = VAR_PROJECT };

	if (node_is(value, NODE_MAP)) {
		read_map(r, name, value);
	} else if (node_is_scalar(value)) {
		var.value = value->text;
		add(r, &var, value->mark);
	} else {
		diag_error(r->diags, DIAG_SHAPE, value->mark, NULL,
		    "variable \"%s\" should be a text, a map with `value`, or a list of such "
		    "maps, not %s",
		    name, node_kind_name(value->kind));
	}
}

static void
read_pair(struct reader *r, const struct node_pair *pair)
{
	if (!vars_is_name(pair->key, strlen(pair->key))) {
		diag_error(r->diags, DIAG_SHAPE, pair->key_mark, NULL,
		    "\"%s\" is no name for a variable; use letters, digits and `_`, a digit "
		    "not first",
		    pair->key);
		return;
	}
	if (!node_is(pair->value, NODE_LIST)) {
		read_variable(r, pair->key, pair->value);
		return;
	}
	for (size_t i = 0; i < pair->value->count; i++)
		read_variable(r, pair->key, pair->value->items[i]);
}

int
variables_file_parse(const char *text, size_t len, const char *file, struct arena *arena,
    struct var **out, size_t *count, struct diags *diags)
{
	struct reader r = { .arena = arena, .diags = diags };
	size_t errors = diags->errors;
	struct node **documents = NULL;
	size_t n = 0;

	if (yaml_parse(text, len, file, arena, diags, &documents, &n) < 0)
		return ERR_INVALID;
	if (n == 1 && node_is(documents[0], NODE_MAP))
		for (size_t i = 0; i < documents[0]->count; i++)
			read_pair(&r, &documents[0]->pairs[i]);
	else if (n > 1 || (n == 1 && !node_is_null(documents[0])))
		diag_error(diags, DIAG_SHAPE, documents[n - 1]->mark, NULL,
		    "a file of variables is one map: NAME: value");
	if (diags->errors > errors)
		return ERR_INVALID;
	*out = r.items;
	*count = r.count;
	return 0;
}

int
variables_file_load(const char *path, struct arena *arena, struct var **out,
    size_t *count, struct diags *diags)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;
	const char *file = arena_strdup(arena, path);

	if (buf_read_file(&text, path, VARIABLES_FILE_MAX_BYTES, &err) < 0) {
		diag_error(diags, DIAG_INCLUDE, (struct mark){ .file = file }, NULL,
		    "the variables cannot be read: %s", err.msg);
		return ERR_INVALID;
	}
	return variables_file_parse(
	    buf_str(&text), text.len, file, arena, out, count, diags);
}
