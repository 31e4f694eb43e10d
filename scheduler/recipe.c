/* Recipes as JSON. */
#include "scheduler/recipe.h"

#include <jansson.h>

#include "base/json_writer.h"

/* The event's texts and numbers, by the names they are stored under. */
static const struct {
	const char *key;
	size_t offset;
} texts[] = {
	{ "sha", offsetof(struct event, sha) },
	{ "before_sha", offsetof(struct event, before_sha) },
	{ "ref", offsetof(struct event, ref) },
	{ "default_branch", offsetof(struct event, default_branch) },
	{ "message", offsetof(struct event, message) },
	{ "author", offsetof(struct event, author) },
	{ "timestamp", offsetof(struct event, timestamp) },
	{ "tag_message", offsetof(struct event, tag_message) },
	{ "source", offsetof(struct event, source) },
	{ "config_path", offsetof(struct event, config_path) },
	{ "created_at", offsetof(struct event, created_at) },
	{ "project_path", offsetof(struct event, project_path) },
	{ "project_title", offsetof(struct event, project_title) },
	{ "project_description", offsetof(struct event, project_description) },
	{ "project_visibility", offsetof(struct event, project_visibility) },
	{ "repo_url", offsetof(struct event, repo_url) },
	{ "server_url", offsetof(struct event, server_url) },
	{ "user_login", offsetof(struct event, user_login) },
	{ "user_name", offsetof(struct event, user_name) },
	{ "user_email", offsetof(struct event, user_email) },
};

static const struct {
	const char *key;
	size_t offset;
} numbers[] = {
	{ "pipeline_id", offsetof(struct event, pipeline_id) },
	{ "pipeline_iid", offsetof(struct event, pipeline_iid) },
	{ "project_id", offsetof(struct event, project_id) },
	{ "user_id", offsetof(struct event, user_id) },
};

static const char **
text_at(struct event *e, size_t i)
{
	return (const char **)(void *)((char *)e + texts[i].offset);
}

static int64_t *
number_at(struct event *e, size_t i)
{
	return (int64_t *)(void *)((char *)e + numbers[i].offset);
}

struct recipe *
recipe_new(void)
{
	struct arena *arena = arena_new();
	struct recipe *r = arena_alloc(arena, sizeof(*r));

	r->arena = arena;
	return r;
}

void
recipe_free(struct recipe *r)
{
	if (r != NULL)
		arena_free(r->arena);
}

void
recipe_set_event(struct recipe *r, const struct event *event)
{
	struct event e = *event;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		*text_at(&e, i) = arena_strdup(r->arena, *text_at(&e, i));
	r->event = e;
}

void
recipe_add_var(struct recipe *r, const struct var *var)
{
	ARENA_GROW(r->arena, r->vars, r->var_count, r->var_cap);
	r->vars[r->var_count++] = (struct var){
		.name = arena_strdup(r->arena, var->name),
		.value = arena_strdup(r->arena, var->value),
		.level = VAR_PIPELINE,
		.raw = var->raw,
		.file = var->file,
		.masked = var->masked,
	};
}

void
recipe_add_pin(struct recipe *r, const char *project, const char *ref, const char *sha)
{
	ARENA_GROW(r->arena, r->pins, r->pin_count, r->pin_cap);
	r->pins[r->pin_count++] = (struct recipe_pin){ arena_strdup(r->arena, project),
		arena_strdup(r->arena, ref), arena_strdup(r->arena, sha) };
}

void
recipe_add_file(struct recipe *r, const char *path, const char *text, size_t len)
{
	ARENA_GROW(r->arena, r->files, r->file_count, r->file_cap);
	r->files[r->file_count++] = (struct recipe_file){ arena_strdup(r->arena, path),
		arena_strndup(r->arena, text, len) };
}

/* ---- writing --------------------------------------------------------------- */

static void
put_string(struct json_writer *w, const char *key, const char *value)
{
	if (value != NULL)
		json_put_string(w, key, value);
}

static void
write_event(const struct recipe *r, struct json_writer *w)
{
	struct event e = r->event;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		put_string(w, texts[i].key, *text_at(&e, i));
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		json_put_int(w, numbers[i].key, *number_at(&e, i));
	json_put_bool(w, "is_tag", e.is_tag);
	json_put_bool(w, "protected", e.ref_is_protected);
}

static void
write_vars(const struct recipe *r, struct json_writer *w)
{
	json_key(w, "variables");
	json_begin_array(w);
	for (size_t i = 0; i < r->var_count; i++) {
		json_begin_object(w);
		json_put_string(w, "key", r->vars[i].name);
		json_put_string(w, "value", r->vars[i].value);
		json_put_bool(w, "raw", r->vars[i].raw);
		json_put_bool(w, "file", r->vars[i].file);
		json_put_bool(w, "masked", r->vars[i].masked);
		json_end_object(w);
	}
	json_end_array(w);
}

static void
write_files(const struct recipe *r, struct json_writer *w)
{
	json_key(w, "pins");
	json_begin_array(w);
	for (size_t i = 0; i < r->pin_count; i++) {
		json_begin_object(w);
		json_put_string(w, "project", r->pins[i].project);
		put_string(w, "ref", r->pins[i].ref);
		json_put_string(w, "sha", r->pins[i].sha);
		json_end_object(w);
	}
	json_end_array(w);
	json_key(w, "files");
	json_begin_array(w);
	for (size_t i = 0; i < r->file_count; i++) {
		json_begin_object(w);
		json_put_string(w, "path", r->files[i].path);
		json_put_string(w, "text", r->files[i].text);
		json_end_object(w);
	}
	json_end_array(w);
}

void
recipe_write(const struct recipe *r, struct buf *out)
{
	struct json_writer w = JSON_WRITER_INIT(out);

	json_begin_object(&w);
	json_put_int(&w, "v", 1);
	put_string(&w, "config", r->config_path);
	write_event(r, &w);
	write_vars(r, &w);
	put_string(&w, "inputs", r->inputs);
	json_put_bool(&w, "inputs_as_typed", r->inputs_as_typed);
	write_files(r, &w);
	json_end_object(&w);
}

/* ---- reading --------------------------------------------------------------- */

static const char *
get_string(struct recipe *r, const json_t *object, const char *key)
{
	return arena_strdup(r->arena, json_string_value(json_object_get(object, key)));
}

static bool
get_bool(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static void
read_event(struct recipe *r, const json_t *root)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		*text_at(&r->event, i) = get_string(r, root, texts[i].key);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		*number_at(&r->event, i) =
		    json_integer_value(json_object_get(root, numbers[i].key));
	r->event.is_tag = get_bool(root, "is_tag");
	r->event.ref_is_protected = get_bool(root, "protected");
}

static void
read_lists(struct recipe *r, const json_t *root)
{
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(root, "variables"), i, item)
	{
		struct var var = { .name = get_string(r, item, "key"),
			.value = get_string(r, item, "value"),
			.raw = get_bool(item, "raw"),
			.file = get_bool(item, "file"),
			.masked = get_bool(item, "masked") };

		if (var.name != NULL && var.value != NULL)
			recipe_add_var(r, &var);
	}
	json_array_foreach(json_object_get(root, "pins"), i, item)
	{
		recipe_add_pin(r, get_string(r, item, "project"),
		    get_string(r, item, "ref"), get_string(r, item, "sha"));
	}
	json_array_foreach(json_object_get(root, "files"), i, item)
	{
		const char *path = get_string(r, item, "path");
		const char *text = get_string(r, item, "text");

		if (path != NULL && text != NULL)
			recipe_add_file(r, path, text, strlen(text));
	}
}

int
recipe_read(const char *text, size_t len, struct recipe **out, struct error *err)
{
	json_error_t why;
	json_t *root = json_loadb(text, len, JSON_ALLOW_NUL, &why);
	struct recipe *r;

	if (root == NULL)
		return error_set(err, ERR_INVALID, "not JSON: %s", why.text);
	if (json_integer_value(json_object_get(root, "v")) != 1) {
		json_decref(root);
		return error_set(err, ERR_INVALID, "written by another version of pawl");
	}
	r = recipe_new();
	r->config_path = get_string(r, root, "config");
	r->inputs = get_string(r, root, "inputs");
	r->inputs_as_typed = get_bool(root, "inputs_as_typed");
	read_event(r, root);
	read_lists(r, root);
	json_decref(root);
	if (r->event.sha == NULL || r->event.ref == NULL ||
	    r->event.project_path == NULL) {
		recipe_free(r);
		return error_set(err, ERR_INVALID, "it names no commit");
	}
	*out = r;
	return 0;
}
