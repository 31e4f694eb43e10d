/*
 * Parameters become the JSON that would have said the same, typed as the shape asks: so
 * what is wrong is told in the same words, and there is one reader.
 */
#include "protocol/json_params.h"

#include <jansson.h>
#include <math.h>
#include <strings.h>

#include "base/str.h"
#include "protocol/json_shape_internal.h"

struct json_params {
	const struct json_shape *shape;
	json_t *root;
};

/* One parameter on its way into the tree. */
struct param {
	const char *name, *value;
	struct error *err;
};

static int add_member(json_t *object, const struct json_shape *shape, const char *key,
    size_t len, const char *rest, const struct param *p);

struct json_params *
json_params_new(const struct json_shape *shape)
{
	struct json_params *p = xcalloc(1, sizeof(*p));

	p->shape = shape;
	p->root = json_object();
	return p;
}

void
json_params_free(struct json_params *p)
{
	if (p == NULL)
		return;
	json_decref(p->root);
	free(p);
}

static int
wrong(const struct param *p, const char *what)
{
	return error_set(p->err, ERR_INVALID, "%s %s", p->name, what);
}

/* What is no truth stays text, which the reader then names. */
static json_t *
truth(const char *value)
{
	static const char *const yes[] = { "true", "1", "t", "y", "yes", "on" };
	static const char *const no[] = { "false", "0", "f", "n", "no", "off" };

	for (size_t i = 0; i < ARRAY_LEN(yes); i++)
		if (strcasecmp(value, yes[i]) == 0)
			return json_true();
		else if (strcasecmp(value, no[i]) == 0)
			return json_false();
	return *value == '\0' ? json_null() : json_string(value);
}

static json_t *
whole_number(const char *value)
{
	int64_t n;

	if (str_to_int64(value, &n))
		return json_integer(n);
	return *value == '\0' ? json_null() : json_string(value);
}

static json_t *
number(const char *value)
{
	char *end;
	double n = strtod(value, &end);

	if (end != value && *end == '\0' && isfinite(n))
		return json_real(n);
	return *value == '\0' ? json_null() : json_string(value);
}

static json_t *
scalar(enum json_kind kind, const char *value)
{
	if (kind == JSON_KIND_BOOL)
		return truth(value);
	if (kind == JSON_KIND_INT)
		return whole_number(value);
	if (kind == JSON_KIND_REAL)
		return number(value);
	return json_string(value);
}

/* "[key]…": its length, 0 for "[]"; the rest behind it. false: it is no such name. */
static bool
next_key(const char *text, const char **key, size_t *len, const char **rest)
{
	size_t n;

	if (*text != '[')
		return false;
	n = strcspn(text + 1, "]");
	if (text[1 + n] != ']')
		return false;
	*key = text + 1;
	*len = n;
	*rest = text + n + 2;
	return true;
}

static bool
is_index(const char *key, size_t len)
{
	return strspn(key, "0123456789") >= len;
}

/* The list under that key, made if need be; NULL: something else is there. */
static json_t *
list_of(json_t *object, const char *key)
{
	json_t *list = json_object_get(object, key);

	if (list == NULL) {
		list = json_array();
		json_object_set_new(object, key, list);
	}
	return json_is_array(list) ? list : NULL;
}

static int
add_word(
    json_t *object, const struct json_field *f, const char *rest, const struct param *p)
{
	const char *key;
	size_t len;
	json_t *list;

	if (*rest == '\0' && f->kind == JSON_KIND_COMMAS) {
		json_object_set_new(object, f->key, json_string(p->value));
		return 0;
	}
	if (*rest != '\0' &&
	    (!next_key(rest, &key, &len, &rest) || !is_index(key, len) || *rest != '\0'))
		return wrong(p, "has to be a list");
	list = list_of(object, f->key);
	if (list == NULL)
		return wrong(p, "is given in two ways");
	json_array_append_new(list, json_string(p->value));
	return 0;
}

/* Does the object have what a name "[key]…" would set anew? */
static bool
has_key(const json_t *object, const char *key, size_t len)
{
	cleanup_free char *name = xstrndup(key, len);

	return json_object_get(object, name) != NULL;
}

static int
add_element(
    json_t *object, const struct json_field *f, const char *rest, const struct param *p)
{
	const char *key, *member;
	size_t len, member_len;
	json_t *list, *last;

	if (!next_key(rest, &key, &len, &rest) || !is_index(key, len) ||
	    !next_key(rest, &member, &member_len, &rest))
		return wrong(p, "has to be a list of objects");
	list = list_of(object, f->key);
	if (list == NULL)
		return wrong(p, "is given in two ways");
	last = json_array_get(list, json_array_size(list) - 1);
	if (last == NULL || has_key(last, member, member_len)) {
		last = json_object();
		json_array_append_new(list, last);
	}
	return add_member(last, f->shape, member, member_len, rest, p);
}

static int
add_to_object(
    json_t *object, const struct json_field *f, const char *rest, const struct param *p)
{
	json_t *inner = json_object_get(object, f->key);
	const char *key;
	size_t len;

	if (!next_key(rest, &key, &len, &rest) || len == 0)
		return wrong(p, "has to be an object");
	if (inner == NULL) {
		inner = json_object();
		json_object_set_new(object, f->key, inner);
	}
	return add_member(inner, f->shape, key, len, rest, p);
}

static const struct json_field *
find_field(const struct json_shape *shape, const char *key, size_t len)
{
	for (const struct json_field *f = shape->fields; f->key != NULL; f++)
		if (strlen(f->key) == len && strncmp(f->key, key, len) == 0)
			return f;
	return NULL;
}

static int
add_member(json_t *object, const struct json_shape *shape, const char *key, size_t len,
    const char *rest, const struct param *p)
{
	const struct json_field *f = find_field(shape, key, len);

	if (f == NULL)
		return 0;
	switch (f->kind) {
	case JSON_KIND_STRING:
	case JSON_KIND_WORD:
	case JSON_KIND_INT:
	case JSON_KIND_REAL:
	case JSON_KIND_BOOL:
		if (*rest != '\0')
			return wrong(p, "has to be one value");
		json_object_set_new(object, f->key, scalar(f->kind, p->value));
		return 0;
	case JSON_KIND_STRINGS:
	case JSON_KIND_COMMAS:
		return add_word(object, f, rest, p);
	case JSON_KIND_OBJECT:
		return add_to_object(object, f, rest, p);
	case JSON_KIND_OBJECTS:
		return add_element(object, f, rest, p);
	case JSON_KIND_MAP:
		return wrong(p, "can be given in a body of JSON alone");
	case JSON_KIND_BITS:
	case JSON_KIND_FILLED:
		break;
	}
	return 0;
}

int
json_params_add(
    struct json_params *p, const char *name, const char *value, struct error *err)
{
	struct param param = { name, value, err };
	size_t len = strcspn(name, "["), size = strlen(value);

	if (str_utf8_valid(name, strlen(name)) < strlen(name))
		return error_set(
		    err, ERR_INVALID, "a parameter's name is no valid UTF-8");
	if (str_utf8_valid(value, size) < size)
		return wrong(&param, "is no valid UTF-8");
	return add_member(p->root, p->shape, name, len, name + len, &param);
}

int
json_params_read(struct json_params *p, struct arena *arena, void *out, struct error *err)
{
	return json_shape_read_tree(p->shape, p->root, arena, out, err);
}
