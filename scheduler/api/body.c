/* What a request says, whichever way its client writes it. */
#include <strings.h>

#include "base/json_writer.h"
#include "base/str.h"
#include "protocol/json_params.h"
#include "scheduler/api/api.h"
#include "scheduler/form.h"

/* Into the form's parser at a time: what it has not used yet is moved for each part. */
#define FORM_CHUNK ((size_t)4096)

struct gathered {
	struct json_params *params;
	struct error *err;
	int rc;
};

static void
add_query(const char *name, const char *value, void *data)
{
	struct gathered *g = data;

	if (g->rc == 0)
		g->rc = json_params_add(g->params, name, value, g->err);
}

static int
read_query(struct call *c, const struct json_shape *shape, void *out, struct error *err)
{
	cleanup_json_params struct json_params *params = json_params_new(shape);
	struct gathered g = { params, err, 0 };

	http_each_query(c->request, add_query, &g);
	return g.rc < 0 ? g.rc : json_params_read(params, c->arena, out, err);
}

static int
read_urlencoded(
    struct call *c, const struct json_shape *shape, void *out, struct error *err)
{
	cleanup_json_params struct json_params *params = json_params_new(shape);
	cleanup_http_params struct http_params form = { .count = 0 };
	cleanup_free char *text = NULL;

	if (memchr(c->body, '\0', c->body_len) != NULL)
		return error_set(err, ERR_INVALID, "the body has a byte of zero");
	text = xstrndup(c->body, c->body_len);
	http_params_parse(&form, text);
	for (size_t i = 0; i < form.count; i++)
		if (json_params_add(
			params, form.items[i].name, form.items[i].value, err) < 0)
			return err->code;
	return json_params_read(params, c->arena, out, err);
}

static int
add_field(const char *name, const char *value, size_t len, void *data, struct error *err)
{
	if (strlen(value) != len)
		return error_set(err, ERR_INVALID, "%s has a byte of zero", name);
	return json_params_add(data, name, value, err);
}

static int
read_multipart(struct call *c, const char *type, const struct json_shape *shape,
    void *out, struct error *err)
{
	cleanup_json_params struct json_params *params = json_params_new(shape);
	const struct form_events events = { .on_field = add_field, .data = params };
	struct form *form;
	int rc = form_new(type, &events, &form, err);

	if (rc < 0)
		return rc;
	for (size_t at = 0, n; rc == 0 && at < c->body_len; at += n) {
		n = c->body_len - at < FORM_CHUNK ? c->body_len - at : FORM_CHUNK;
		rc = form_add(form, c->body + at, n, err);
	}
	if (rc == 0)
		rc = form_end(form, err);
	form_free(form);
	return rc < 0 ? rc : json_params_read(params, c->arena, out, err);
}

static bool
is_type(const char *type, const char *wanted)
{
	return type != NULL && strncasecmp(type, wanted, strlen(wanted)) == 0;
}

/* curl -d calls everything a form, and no form begins with a brace. */
static int
read_body(struct call *c, const struct json_shape *shape, void *out, struct error *err)
{
	const char *type = http_header(c->request, "Content-Type");

	if (c->body_len == 0)
		return 0;
	if (is_type(type, "multipart/form-data"))
		return read_multipart(c, type, shape, out, err);
	if (is_type(type, "application/x-www-form-urlencoded") && c->body[0] != '{')
		return read_urlencoded(c, shape, out, err);
	return json_shape_read(
	    shape, c->body, c->body_len, API_MAX_BODY, c->arena, out, err);
}

bool
api_read(struct call *c, const struct json_shape *shape, void *out)
{
	struct error err = ERROR_INIT;

	if (read_query(c, shape, out, &err) == 0 && read_body(c, shape, out, &err) == 0)
		return true;
	api_refuse(c, "%s", err.msg);
	return false;
}

static const struct json_field variable_fields[] = {
	{ JSON_FIELD("key", STRING, struct api_variable, key) },
	{ JSON_FIELD("value", STRING, struct api_variable, value) },
	{ JSON_FIELD("variable_type", STRING, struct api_variable, type) },
	{ NULL },
};
const struct json_shape api_variable_shape = { variable_fields,
	sizeof(struct api_variable) };

bool
api_variables(struct call *c, const char *member, const struct api_variable *given,
    size_t count, const struct var **out)
{
	struct var *vars = arena_calloc(c->arena, count, sizeof(*vars));

	for (size_t i = 0; i < count; i++) {
		const struct api_variable *v = &given[i];

		if (v->key == NULL || !vars_is_name(v->key, strlen(v->key))) {
			api_refuse(c, "%s[%zu][key] is missing or no name", member, i);
			return false;
		}
		vars[i] = (struct var){ .name = v->key,
			.value = v->value != NULL ? v->value : "",
			.level = VAR_PIPELINE,
			.file = v->type != NULL && str_eq(v->type, "file") };
	}
	*out = vars;
	return true;
}

void
api_refuse(struct call *c, const char *fmt, ...)
{
	cleanup_buf struct buf json = BUF_INIT;
	cleanup_free char *text = NULL;
	struct json_writer w = JSON_WRITER_INIT(&json);
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	json_begin_object(&w);
	json_put_string(&w, "error", text);
	json_end_object(&w);
	api_json(c, 400, &json);
}

void
api_refuse_member(struct call *c, const char *member, const char *fmt, ...)
{
	cleanup_buf struct buf json = BUF_INIT;
	cleanup_free char *text = NULL;
	struct json_writer w = JSON_WRITER_INIT(&json);
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	json_begin_object(&w);
	json_key(&w, "message");
	json_begin_object(&w);
	json_key(&w, member);
	json_begin_array(&w);
	json_add_string(&w, text);
	json_end_array(&w);
	json_end_object(&w);
	json_end_object(&w);
	api_json(c, 400, &json);
}
