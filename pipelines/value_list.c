/* Lists, flattened where the language nests them, and durations. */
#include <ctype.h>

#include "base/str.h"
#include "pipelines/duration.h"
#include "pipelines/value.h"

void
value_strs_add(struct arena *a, struct strs_builder *b, const char *s)
{
	struct strs *l = b->strs;

	ARENA_GROW(a, l->items, l->count, b->cap);
	l->items[l->count++] = s;
}

bool
value_is_empty_entry(struct reader *r, const struct node *entry)
{
	if (entry->kind != NODE_NULL)
		return false;
	value_report(r, DIAG_WARNING, DIAG_SHAPE, entry->mark, "%s has an empty entry",
	    value_path(r));
	return true;
}

static bool
walk_list(
    struct reader *r, const struct node *list, int depth, value_entry_fn fn, void *into)
{
	bool ok = true;

	if (depth > VALUE_MAX_NESTING) {
		value_error(r, list->mark, "has lists nested more than %d levels deep",
		    VALUE_MAX_NESTING);
		return false;
	}
	for (size_t i = 0; i < list->count; i++) {
		const struct node *entry = list->items[i];

		if (entry->kind == NODE_LIST)
			ok = walk_list(r, entry, depth + 1, fn, into) && ok;
		else if (entry->kind != NODE_REFERENCE)
			fn(r, entry, into);
	}
	return ok;
}

bool
value_each_entry(struct reader *r, const struct node *list, value_entry_fn fn, void *into)
{
	return walk_list(r, list, 1, fn, into);
}

static void
check_limits(struct reader *r, const struct node *n, const struct value_limits *limits,
    size_t count)
{
	if (limits == NULL)
		return;
	if (count < limits->min)
		value_error(r, n->mark, "must not be empty");
	if (limits->max > 0 && count > limits->max)
		value_error(r, n->mark, "has %zu entries, at most %zu are allowed", count,
		    limits->max);
}

/* false after a finding */
static bool
add_item(struct reader *r, const struct node *item, struct strs_builder *b)
{
	if (item->kind == NODE_STRING) {
		value_strs_add(r->arena, b, item->text);
		return true;
	}
	if (item->kind == NODE_REFERENCE)
		return true;
	if (item->kind == NODE_NULL)
		value_error(r, item->mark, "has an empty entry; remove it");
	else if (item->kind == NODE_LIST)
		value_error(r, item->mark,
		    "must be a list of strings, but an entry is a list; lists in lists "
		    "are not allowed here");
	else
		value_error(r, item->mark,
		    "must be a list of strings, but an entry is %s%s",
		    node_kind_name(item->kind),
		    item->kind == NODE_MAP ? "" : "; put it in quotes");
	return false;
}

void
value_strings(struct reader *r, const struct node *n, const void *arg, void *out)
{
	struct strs list = { 0 };
	struct strs_builder b = { .strs = &list };
	bool ok = true;

	if (n->kind != NODE_LIST) {
		value_expected(r, n, "a list of strings");
		return;
	}
	for (size_t i = 0; i < n->count; i++)
		ok = add_item(r, n->items[i], &b) && ok;
	check_limits(r, n, arg, n->count);
	if (ok)
		*(struct strs *)out = list;
}

void
value_one_or_strings(struct reader *r, const struct node *n, const void *arg, void *out)
{
	struct strs list = { 0 };
	struct strs_builder b = { .strs = &list };

	if (n->kind == NODE_LIST) {
		value_strings(r, n, arg, out);
		return;
	}
	if (n->kind != NODE_STRING) {
		value_expected(r, n, "a string or a list of strings");
		return;
	}
	value_strs_add(r->arena, &b, n->text);
	*(struct strs *)out = list;
}

/* Strings out of lists in lists, as long as nothing else is among them. */
struct nested_strings {
	struct strs_builder b;
	bool ok;
};

static void
add_nested(struct reader *r, const struct node *entry, void *into)
{
	struct nested_strings *l = into;

	l->ok = add_item(r, entry, &l->b) && l->ok;
}

void
value_nested_strings(struct reader *r, const struct node *n, const void *arg, void *out)
{
	struct strs list = { 0 };
	struct nested_strings into = { .b = { .strs = &list }, .ok = true };

	if (n->kind != NODE_LIST) {
		value_expected(r, n, "a list of strings");
		return;
	}
	if (!value_each_entry(r, n, add_nested, &into) || !into.ok)
		return;
	check_limits(r, n, arg, list.count);
	*(struct strs *)out = list;
}

void
value_choices(struct reader *r, const struct node *n, const void *arg, void *out)
{
	struct strs list = { 0 };
	struct strs_builder b = { .strs = &list };
	struct node *const *items = n->items;
	size_t count = n->count;

	if (n->kind != NODE_LIST) {
		count = 1;
		items = NULL;
	}
	for (size_t i = 0; i < count; i++) {
		const char *word = NULL;

		value_choice(r, items != NULL ? items[i] : n, arg, &word);
		if (word != NULL)
			value_strs_add(r->arena, &b, word);
	}
	*(struct strs *)out = list;
}

static bool
read_int(struct reader *r, const struct node *n, int *out)
{
	if (n->kind != NODE_INT || n->integer < INT32_MIN || n->integer > INT32_MAX) {
		value_expected(r, n, "a whole number or a list of them");
		return false;
	}
	*out = (int)n->integer;
	return true;
}

void
value_one_or_ints(
    struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	bool is_list = n->kind == NODE_LIST, ok = true;
	size_t count = is_list ? n->count : 1;
	struct ints list = { .items = arena_calloc(r->arena, count, sizeof(int)),
		.count = count };

	for (size_t i = 0; i < count; i++)
		ok = read_int(r, is_list ? n->items[i] : n, &list.items[i]) && ok;
	if (ok)
		*(struct ints *)out = list;
}

static bool
check_duration(struct reader *r, const struct node *n, const struct value_duration *rule,
    int64_t *seconds)
{
	struct error err = ERROR_INIT;

	if (n->kind != NODE_STRING) {
		value_error(r, n->mark,
		    "must be a duration such as \"90 minutes\", not %s%s",
		    node_kind_name(n->kind),
		    n->kind == NODE_INT ? "; write the number with its unit" : "");
		return false;
	}
	if (rule != NULL &&
	    ((rule->never && str_eq(n->text, "never")) ||
		(rule->variable && strchr(n->text, '$') != NULL)))
		return true;
	if (duration_parse(n->text, seconds, &err) < 0) {
		value_error(r, n->mark,
		    "must be a duration such as \"1h 30m\" or \"2 days\", not \"%s\"",
		    n->text);
		return false;
	}
	if (rule != NULL && rule->positive && *seconds <= 0)
		value_error(r, n->mark, "must be more than 0 seconds");
	if (rule != NULL && rule->max_s > 0 && *seconds > rule->max_s)
		value_error(r, n->mark, "is \"%s\", at most %s is allowed", n->text,
		    rule->max_text);
	return true;
}

void
value_duration(struct reader *r, const struct node *n, const void *arg, void *out)
{
	int64_t seconds = 0;

	if (check_duration(r, n, arg, &seconds))
		*(int64_t *)out = seconds;
}

void
value_duration_text(struct reader *r, const struct node *n, const void *arg, void *out)
{
	int64_t seconds = 0;

	if (check_duration(r, n, arg, &seconds))
		*(const char **)out = n->text;
}

bool
value_is_project_path(const char *s)
{
	size_t len = strlen(s);
	bool joined = false;

	if (len == 0 || s[0] == '/' || s[len - 1] == '/')
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c == '/' && s[i + 1] == '/')
			return false;
		if (c == '/' || c == '$')
			joined = true;
		if (!isalnum(c) && strchr("_-./${}+", c) == NULL && c < 0x80)
			return false;
	}
	return joined;
}
