/*
 * The reader, its findings, maps by table, and scalars. Lists are in value_list.c.
 */
#include "pipelines/value.h"

#include <assert.h>
#include <ctype.h>

#include "base/str.h"

void
value_reader_init(
    struct reader *r, struct arena *arena, struct diags *diags, bool shape_only)
{
	*r = (struct reader){
		.arena = arena, .diags = diags, .shape_only = shape_only, .said = MAP_INIT
	};
}

void
value_reader_clear(struct reader *r)
{
	map_clear(&r->said);
}

void
value_enter(struct reader *r, const char *key)
{
	assert(r->depth < VALUE_MAX_PATH);
	r->path[r->depth++] = key;
}

void
value_leave(struct reader *r)
{
	assert(r->depth > 0);
	r->depth--;
}

const char *
value_path(struct reader *r)
{
	cleanup_buf struct buf b = BUF_INIT;

	for (size_t i = 0; i < r->depth; i++) {
		if (i > 0)
			buf_add_char(&b, ':');
		buf_add_str(&b, r->path[i]);
	}
	return arena_strdup(r->arena, buf_str(&b));
}

/* Jobs share what they extend: the same words about the same place are said once. */
static bool
is_news(struct reader *r, struct mark at, const char *msg)
{
	cleanup_free char *key = xasprintf("%s:%" PRIu32 ":%" PRIu32 ":%s",
	    at.file != NULL ? at.file : "", at.line, at.col, msg);

	if (map_has(&r->said, key))
		return false;
	map_set(&r->said, key, r);
	return true;
}

static void
report(struct reader *r, enum diag_severity severity, enum diag_kind kind, struct mark at,
    const char *msg)
{
	if (r->shape_only && kind == DIAG_LOGIC)
		return;
	if (!is_news(r, at, msg))
		return;
	if (severity == DIAG_ERROR)
		diag_error(r->diags, kind, at, r->job, "%s", msg);
	else
		diag_warning(r->diags, kind, at, r->job, "%s", msg);
}

void
value_report(struct reader *r, enum diag_severity severity, enum diag_kind kind,
    struct mark at, const char *fmt, ...)
{
	cleanup_free char *msg = NULL;
	va_list ap;

	va_start(ap, fmt);
	msg = xvasprintf(fmt, ap);
	va_end(ap);
	report(r, severity, kind, at, msg);
}

void
value_error(struct reader *r, struct mark at, const char *fmt, ...)
{
	cleanup_free char *what = NULL;
	cleanup_free char *msg = NULL;
	va_list ap;

	va_start(ap, fmt);
	what = xvasprintf(fmt, ap);
	va_end(ap);
	msg = xasprintf("%s %s", value_path(r), what);
	report(r, DIAG_ERROR, DIAG_SHAPE, at, msg);
}

static bool
is_truth_word(const char *s)
{
	static const char *const words[] = { "true", "false", "yes", "no", "on", "off" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_eq(words[i], s))
			return true;
	return false;
}

/* What to do about a value of another kind, where one answer is likely. */
static const char *
remedy(struct reader *r, const struct node *n, const char *what)
{
	bool want_list = strstr(what, "list") != NULL && strstr(what, "number") == NULL;
	bool want_string = !want_list && strstr(what, "string") != NULL;

	if (want_list && node_is_scalar(n) && n->kind != NODE_NULL &&
	    strlen(n->text) <= 40 && strpbrk(n->text, "\"\\\n\t") == NULL)
		return arena_printf(r->arena, "; write it as a list: [\"%s\"]", n->text);
	if (want_string && node_is_scalar(n) && n->kind != NODE_NULL)
		return "; put it in quotes";
	if (str_starts(what, "true or false") && node_is(n, NODE_STRING) &&
	    is_truth_word(n->text))
		return "; leave out the quotes";
	if (str_starts(what, "a whole number") && node_is(n, NODE_STRING) &&
	    *n->text != '\0' && strspn(n->text, "0123456789") == strlen(n->text))
		return "; leave out the quotes";
	return "";
}

void
value_expected(struct reader *r, const struct node *n, const char *what)
{
	value_error(r, n->mark, "must be %s, not %s%s", what, node_kind_name(n->kind),
	    remedy(r, n, what));
}

const char *
value_nearest(const char *word, const char *const *candidates)
{
	cleanup_free char *lower = xstrdup(word);
	const char *near;

	if (strlen(word) < 3)
		return NULL; /* everything is near to so little */
	for (char *p = lower; *p != '\0'; p++)
		*p = *p == '-' ? '_' : (char)tolower((unsigned char)*p);
	near = str_nearest(lower, candidates);
	return near != NULL ? near : str_nearest(word, candidates);
}

const char *
value_did_you_mean(struct reader *r, const char *word, const char *const *candidates)
{
	const char *near = NULL;

	if (r->diags->errors < DIAGS_MAX) /* nobody reads more; searching costs time */
		near = value_nearest(word, candidates);
	return near == NULL ? "" : arena_printf(r->arena, "; did you mean `%s`?", near);
}

const char *
value_did_you_mean_name(struct reader *r, const char *word, const char *const *candidates)
{
	const char *near = NULL;

	if (r->diags->errors < DIAGS_MAX)
		near = value_nearest(word, candidates);
	return near == NULL ? "" : arena_printf(r->arena, "; did you mean \"%s\"?", near);
}

const char *
value_alternatives(struct reader *r, const char *const *words)
{
	cleanup_buf struct buf b = BUF_INIT;

	for (size_t i = 0; words[i] != NULL; i++) {
		if (i > 0)
			buf_add_str(&b, words[i + 1] == NULL ? " or " : ", ");
		buf_add_str(&b, words[i]);
	}
	return arena_strdup(r->arena, buf_str(&b));
}

static const struct value_field *
find_field(const struct value_shape *shape, const char *name)
{
	for (size_t i = 0; i < shape->count; i++)
		if (str_eq(shape->fields[i].name, name))
			return &shape->fields[i];
	return NULL;
}

/* Returns the field that may have been meant, or NULL. */
static const struct value_field *
unknown_key(
    struct reader *r, const struct node_pair *pair, const struct value_shape *shape)
{
	const char **names = arena_calloc(r->arena, shape->count + 1, sizeof(*names));
	const char *near;

	for (size_t i = 0; i < shape->count; i++)
		names[i] = shape->fields[i].name;
	near = r->diags->errors < DIAGS_MAX ? value_nearest(pair->key, names) : NULL;
	if (near != NULL)
		value_error(r, pair->key_mark,
		    "has the unknown key `%s`; did you mean `%s`?", pair->key, near);
	else
		value_error(r, pair->key_mark, "has the unknown key `%s`; it may have %s",
		    pair->key, value_alternatives(r, names));
	return near != NULL ? find_field(shape, near) : NULL;
}

static void
read_field(struct reader *r, const struct value_field *f, const struct node *n, void *out)
{
	_Alignas(max_align_t) unsigned char unkept[64] = { 0 };
	void *target =
	    f->offset == VALUE_NOWHERE ? (void *)unkept : (char *)out + f->offset;

	value_enter(r, f->name);
	if (!node_is_null(n))
		f->read(r, n, f->arg, target);
	else if (f->flags & VALUE_NOT_NULL)
		value_error(r, n->mark, "must not be empty");
	value_leave(r);
}

static void
check_required(struct reader *r, const struct node *n, const struct value_shape *shape,
    const struct value_field *meant)
{
	for (size_t i = 0; i < shape->count; i++) {
		const struct value_field *f = &shape->fields[i];

		if ((f->flags & VALUE_REQUIRED) && f != meant &&
		    node_is_null(node_get(n, f->name)))
			value_error(r, n->mark, "lacks `%s`, which is required", f->name);
	}
}

void
value_map(struct reader *r, const struct node *n, const void *arg, void *out)
{
	const struct value_shape *shape = arg;
	const struct value_field *meant = NULL;

	if (node_is(n, NODE_REFERENCE))
		return;
	if (n->kind != NODE_MAP) {
		value_expected(r, n, "a map");
		return;
	}
	for (size_t i = 0; i < n->count; i++) {
		const struct node_pair *pair = &n->pairs[i];
		const struct value_field *f = find_field(shape, pair->key);

		if (f == NULL)
			meant = unknown_key(r, pair, shape);
		else if (!node_is(pair->value, NODE_REFERENCE))
			read_field(r, f, pair->value, out);
	}
	check_required(r, n, shape, meant);
}

void
value_string(struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	if (n->kind != NODE_STRING)
		value_expected(r, n, "a string");
	else
		*(const char **)out = n->text;
}

void
value_word(struct reader *r, const struct node *n, const void *arg, void *out)
{
	if (n->kind == NODE_STRING && str_is_blank(n->text))
		value_error(r, n->mark, "must not be empty");
	else
		value_string(r, n, arg, out);
}

void
value_scalar(struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	if (!node_is_scalar(n))
		value_expected(r, n, "a string or number");
	else
		*(const char **)out = n->text;
}

/* The index in words; -1 after a finding. */
static int
find_choice(struct reader *r, const struct node *n, const char *const *words)
{
	const char *hint;

	if (n->kind != NODE_STRING) {
		value_error(r, n->mark, "must be %s, not %s",
		    value_alternatives(r, words), node_kind_name(n->kind));
		return -1;
	}
	for (int i = 0; words[i] != NULL; i++)
		if (str_eq(words[i], n->text))
			return i;
	hint = value_did_you_mean(r, n->text, words);
	if (*hint == '\0')
		hint = arena_printf(
		    r->arena, "; it may be %s", value_alternatives(r, words));
	value_error(r, n->mark, "has the unknown value \"%s\"%s", n->text, hint);
	return -1;
}

void
value_choice(struct reader *r, const struct node *n, const void *arg, void *out)
{
	const char *const *words = arg;
	int i = find_choice(r, n, words);

	if (i >= 0)
		*(const char **)out = words[i];
}

void
value_enum(struct reader *r, const struct node *n, const void *arg, void *out)
{
	int i = find_choice(r, n, arg);
	unsigned value = (unsigned)i;

	if (i >= 0)
		memcpy(out, &value, sizeof(value)); /* an enum is as large as an int */
}

void
value_bool(struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	if (n->kind != NODE_BOOL)
		value_expected(r, n, "true or false");
	else
		*(bool *)out = n->boolean;
}

void
value_node(
    struct reader *r UNUSED, const struct node *n, const void *arg UNUSED, void *out)
{
	*(const struct node **)out = n;
}

void
value_any_map(struct reader *r, const struct node *n, const void *arg UNUSED, void *out)
{
	if (n->kind != NODE_MAP)
		value_expected(r, n, "a map");
	else
		*(const struct node **)out = n;
}

void
value_scalar_map(
    struct reader *r, const struct node *n, const void *arg UNUSED, void *out UNUSED)
{
	if (n->kind != NODE_MAP) {
		value_expected(r, n, "a map of names and strings");
		return;
	}
	for (size_t i = 0; i < n->count; i++)
		if (!node_is_scalar(n->pairs[i].value)) {
			value_enter(r, n->pairs[i].key);
			value_expected(r, n->pairs[i].value, "a string");
			value_leave(r);
		}
}
