/*
 * Structs from and to JSON by a table. jansson parses; a first pass over the text bounds
 * how deep it may nest, since jansson descends by recursion.
 */
#include "protocol/json_shape.h"

#include <jansson.h>

#include "base/json_writer.h"
#include "base/str.h"
#include "protocol/json_shape_internal.h"

struct place { /* where in the text, for messages */
	const struct place *up;
	const char *key; /* NULL: an element */
	size_t index;
};

static int read_object(const struct json_shape *shape, json_t *from, struct arena *arena,
    char *out, const struct place *at, struct error *err);
static void write_object(
    struct json_writer *w, const struct json_shape *shape, const char *in);

/* ---- reading ---- */

static void
add_place(struct buf *b, const struct place *at)
{
	if (at == NULL)
		return;
	add_place(b, at->up);
	if (at->key == NULL)
		buf_printf(b, "[%zu]", at->index);
	else
		buf_printf(b, "%s%s", b->len > 0 ? "." : "", at->key);
}

static const char *
kind_of(const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "a list";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
	case JSON_REAL:
		return "a number";
	case JSON_TRUE:
	case JSON_FALSE:
		return "true or false";
	case JSON_NULL:
		break;
	}
	return "null";
}

static int
wrong(const struct place *at, const char *want, const json_t *got, struct error *err)
{
	cleanup_buf struct buf where = BUF_INIT;

	add_place(&where, at);
	return error_set(err, ERR_INVALID, "%s has to be %s, not %s",
	    where.len > 0 ? buf_str(&where) : "the body", want, kind_of(got));
}

static int
read_string(json_t *v, struct arena *arena, const char **out, const struct place *at,
    struct error *err)
{
	if (!json_is_string(v))
		return wrong(at, "a string", v, err);
	*out = arena_strndup(arena, json_string_value(v), json_string_length(v));
	return 0;
}

static int
read_word(json_t *v, struct arena *arena, const char **out, const struct place *at,
    struct error *err)
{
	if (!json_is_integer(v))
		return read_string(v, arena, out, at, err);
	*out = arena_printf(arena, "%" PRId64, (int64_t)json_integer_value(v));
	return 0;
}

static int
read_bits(const struct json_field *f, json_t *v, uint64_t *out, const struct place *at,
    struct error *err)
{
	uint64_t bits = 0;

	if (!json_is_object(v))
		return wrong(at, "an object", v, err);
	for (size_t i = 0; f->names[i] != NULL; i++) {
		json_t *bit = json_object_get(v, f->names[i]);
		struct place here = { .up = at, .key = f->names[i] };

		if (bit == NULL || json_is_null(bit))
			continue;
		if (!json_is_boolean(bit))
			return wrong(&here, "true or false", bit, err);
		if (json_is_true(bit))
			bits |= UINT64_C(1) << i;
	}
	*out = bits;
	return 0;
}

static int
read_strings(json_t *v, struct arena *arena, const char ***out, size_t *count,
    const struct place *at, struct error *err)
{
	size_t n = json_array_size(v);
	const char **items;

	if (!json_is_array(v))
		return wrong(at, "a list", v, err);
	items = arena_calloc(arena, n + 1, sizeof(*items));
	for (size_t i = 0; i < n; i++) {
		struct place here = { .up = at, .index = i };

		if (read_string(json_array_get(v, i), arena, &items[i], &here, err) < 0)
			return err->code;
	}
	*out = items;
	*count = n;
	return 0;
}

static int
read_commas(json_t *v, struct arena *arena, const char ***out, size_t *count,
    const struct place *at, struct error *err)
{
	char *rest, *word;
	size_t n = 1;

	if (!json_is_string(v))
		return read_strings(v, arena, out, count, at, err);
	rest = arena_strdup(arena, json_string_value(v));
	for (const char *p = rest; *p != '\0'; p++)
		n += *p == ',';
	*out = arena_calloc(arena, n, sizeof(**out));
	*count = 0;
	while ((word = strsep(&rest, ",")) != NULL) {
		word += strspn(word, " ");
		word[strcspn(word, " ")] = '\0'; /* a tag has no blanks in it */
		if (*word != '\0')
			(*out)[(*count)++] = word;
	}
	return 0;
}

static int
read_objects(const struct json_field *f, json_t *v, struct arena *arena, char *out,
    const struct place *at, struct error *err)
{
	size_t n = json_array_size(v), size = f->shape->size;
	char *items;

	if (!json_is_array(v))
		return wrong(at, "a list", v, err);
	items = arena_calloc(arena, n + 1, size);
	for (size_t i = 0; i < n; i++) {
		struct place here = { .up = at, .index = i };

		if (read_object(f->shape, json_array_get(v, i), arena, items + i * size,
			&here, err) < 0)
			return err->code;
	}
	memcpy(out + f->offset, &items, sizeof(items));
	memcpy(out + f->count, &n, sizeof(n));
	return 0;
}

static bool
is_filled(const json_t *v)
{
	return json_object_size(v) > 0 || json_array_size(v) > 0;
}

static int
read_number(json_t *v, double *out, const struct place *at, struct error *err)
{
	if (!json_is_number(v))
		return wrong(at, "a number", v, err);
	*out = json_number_value(v);
	return 0;
}

static int
read_int(json_t *v, int64_t *out, const struct place *at, struct error *err)
{
	if (!json_is_integer(v))
		return wrong(at, "a whole number", v, err);
	*out = json_integer_value(v);
	return 0;
}

static int
read_bool(json_t *v, bool *out, const struct place *at, struct error *err)
{
	if (!json_is_boolean(v))
		return wrong(at, "true or false", v, err);
	*out = json_is_true(v);
	return 0;
}

static int
read_map(json_t *v, struct arena *arena, const char **out, const struct place *at,
    struct error *err)
{
	char *text;

	if (!json_is_object(v))
		return wrong(at, "an object", v, err);
	text = json_dumps(v, JSON_COMPACT);
	*out = arena_strdup(arena, text);
	free(text);
	return 0;
}

static int
read_field(const struct json_field *f, json_t *v, struct arena *arena, char *out,
    const struct place *at, struct error *err)
{
	void *field = out + f->offset, *count = out + f->count;

	switch (f->kind) {
	case JSON_KIND_STRING:
		return read_string(v, arena, field, at, err);
	case JSON_KIND_WORD:
		return read_word(v, arena, field, at, err);
	case JSON_KIND_INT:
		return read_int(v, field, at, err);
	case JSON_KIND_REAL:
		return read_number(v, field, at, err);
	case JSON_KIND_BOOL:
		return read_bool(v, field, at, err);
	case JSON_KIND_BITS:
		return read_bits(f, v, field, at, err);
	case JSON_KIND_STRINGS:
		return read_strings(v, arena, field, count, at, err);
	case JSON_KIND_COMMAS:
		return read_commas(v, arena, field, count, at, err);
	case JSON_KIND_OBJECT:
		return read_object(f->shape, v, arena, field, at, err);
	case JSON_KIND_OBJECTS:
		return read_objects(f, v, arena, out, at, err);
	case JSON_KIND_MAP:
		return read_map(v, arena, field, at, err);
	case JSON_KIND_FILLED:
		*(bool *)field = is_filled(v);
		break;
	}
	return 0;
}

static int
read_object(const struct json_shape *shape, json_t *from, struct arena *arena, char *out,
    const struct place *at, struct error *err)
{
	if (!json_is_object(from))
		return wrong(at, "an object", from, err);
	for (const struct json_field *f = shape->fields; f->key != NULL; f++) {
		struct place here = { .up = at, .key = f->key };
		json_t *v = json_object_get(from, f->key);

		if (v == NULL || json_is_null(v))
			continue;
		if (read_field(f, v, arena, out, &here, err) < 0)
			return err->code;
	}
	return 0;
}

static bool
is_too_deep(const char *text, size_t len)
{
	bool in_string = false;
	size_t depth = 0;

	for (size_t i = 0; i < len; i++) {
		if (in_string && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			in_string = !in_string;
		else if (!in_string && (text[i] == '[' || text[i] == '{') &&
		    ++depth > JSON_SHAPE_MAX_DEPTH)
			return true;
		else if (!in_string && depth > 0 && (text[i] == ']' || text[i] == '}'))
			depth--;
	}
	return false;
}

int
json_shape_read_tree(const struct json_shape *shape, json_t *root, struct arena *arena,
    void *out, struct error *err)
{
	struct error problem = ERROR_INIT; /* callees read its code; err may be NULL */

	if (read_object(shape, root, arena, out, NULL, &problem) < 0)
		return error_set(err, problem.code, "%s", problem.msg);
	return 0;
}

int
json_shape_read(const struct json_shape *shape, const char *text, size_t len, size_t max,
    struct arena *arena, void *out, struct error *err)
{
	json_error_t at;
	json_t *root;
	int rc;

	if (len > max)
		return error_set(
		    err, ERR_LIMIT, "the JSON is longer than %zu bytes", max);
	if (is_too_deep(text, len))
		return error_set(err, ERR_LIMIT, "the JSON nests deeper than %d levels",
		    JSON_SHAPE_MAX_DEPTH);
	root = json_loadb(text, len, 0, &at);
	if (root == NULL)
		return error_set(
		    err, ERR_INVALID, "this is not JSON: line %d: %s", at.line, at.text);
	rc = json_shape_read_tree(shape, root, arena, out, err);
	json_decref(root);
	return rc;
}

/* ---- writing ---- */

#define FIELD(type, in, at) (*(type const *)(const void *)((in) + (at)))

static bool object_is_empty(const struct json_shape *shape, const char *in);

static bool
is_empty(const struct json_field *f, const char *in)
{
	switch (f->kind) {
	case JSON_KIND_STRING:
	case JSON_KIND_WORD:
	case JSON_KIND_MAP:
		return FIELD(char *, in, f->offset) == NULL;
	case JSON_KIND_INT:
		return FIELD(int64_t, in, f->offset) == 0;
	case JSON_KIND_REAL:
		return !(FIELD(double, in, f->offset) > 0);
	case JSON_KIND_BOOL:
		return !FIELD(bool, in, f->offset);
	case JSON_KIND_BITS:
		return FIELD(uint64_t, in, f->offset) == 0;
	case JSON_KIND_STRINGS:
	case JSON_KIND_COMMAS:
	case JSON_KIND_OBJECTS:
		return FIELD(size_t, in, f->count) == 0;
	case JSON_KIND_OBJECT:
		return object_is_empty(f->shape, in + f->offset);
	case JSON_KIND_FILLED:
		break;
	}
	return true;
}

static bool
object_is_empty(const struct json_shape *shape, const char *in)
{
	for (const struct json_field *f = shape->fields; f->key != NULL; f++)
		if (!is_empty(f, in))
			return false;
	return true;
}

static void
write_bits(struct json_writer *w, const struct json_field *f, uint64_t bits)
{
	json_begin_object(w);
	for (size_t i = 0; f->names[i] != NULL; i++)
		json_put_bool(w, f->names[i], (bits >> i & 1) != 0);
	json_end_object(w);
}

static void
write_strings(struct json_writer *w, const char *const *items, size_t count)
{
	json_begin_array(w);
	for (size_t i = 0; i < count; i++)
		json_add_string(w, items[i]);
	json_end_array(w);
}

static void
write_commas(struct json_writer *w, const char *const *items, size_t count)
{
	cleanup_buf struct buf all = BUF_INIT;

	for (size_t i = 0; i < count; i++)
		buf_printf(&all, "%s%s", i > 0 ? "," : "", items[i]);
	json_add_string(w, buf_str(&all));
}

static void
write_objects(struct json_writer *w, const struct json_field *f, const char *in)
{
	const char *items = FIELD(char *, in, f->offset);
	size_t count = FIELD(size_t, in, f->count);

	json_begin_array(w);
	for (size_t i = 0; i < count; i++)
		write_object(w, f->shape, items + i * f->shape->size);
	json_end_array(w);
}

static void
write_field(struct json_writer *w, const struct json_field *f, const char *in)
{
	switch (f->kind) {
	case JSON_KIND_STRING:
	case JSON_KIND_WORD:
		json_add_string(w, FIELD(char *, in, f->offset));
		break;
	case JSON_KIND_INT:
		json_add_int(w, FIELD(int64_t, in, f->offset));
		break;
	case JSON_KIND_REAL:
		json_add_real(w, FIELD(double, in, f->offset));
		break;
	case JSON_KIND_BOOL:
		json_add_bool(w, FIELD(bool, in, f->offset));
		break;
	case JSON_KIND_BITS:
		write_bits(w, f, FIELD(uint64_t, in, f->offset));
		break;
	case JSON_KIND_STRINGS:
		write_strings(w, FIELD(const char *const *, in, f->offset),
		    FIELD(size_t, in, f->count));
		break;
	case JSON_KIND_COMMAS:
		write_commas(w, FIELD(const char *const *, in, f->offset),
		    FIELD(size_t, in, f->count));
		break;
	case JSON_KIND_OBJECT:
		write_object(w, f->shape, in + f->offset);
		break;
	case JSON_KIND_OBJECTS:
		write_objects(w, f, in);
		break;
	case JSON_KIND_MAP:
		json_add_raw(w, FIELD(char *, in, f->offset));
		break;
	case JSON_KIND_FILLED:
		break;
	}
}

static void
write_object(struct json_writer *w, const struct json_shape *shape, const char *in)
{
	json_begin_object(w);
	for (const struct json_field *f = shape->fields; f->key != NULL; f++) {
		bool empty = f->when != JSON_PLAIN && is_empty(f, in);

		if (f->kind == JSON_KIND_FILLED || (empty && f->when == JSON_OMIT))
			continue;
		json_key(w, f->key);
		if (empty)
			json_add_null(w);
		else
			write_field(w, f, in);
	}
	json_end_object(w);
}

void
json_shape_write(const struct json_shape *shape, const void *in, struct buf *out)
{
	struct json_writer w = JSON_WRITER_INIT(out);

	write_object(&w, shape, in);
}
