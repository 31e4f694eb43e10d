/* Recipes as JSON, by a table of their fields. */
#include "scheduler/recipe.h"

#include "base/str.h"
#include "pipelines/document.h"
#include "protocol/json_shape.h"

#define RECIPE_MAX_BYTES ((size_t)64 << 20)
#define EVENT(name, type, field) JSON_FIELD(name, type, struct recipe, event.field)
#define VAR(name, type, field) JSON_FIELD(name, type, struct var, field)

static const struct json_field var_fields[] = {
	{ VAR("key", STRING, name) },
	{ VAR("value", STRING, value) },
	{ VAR("raw", BOOL, raw), .when = JSON_OMIT },
	{ VAR("file", BOOL, file), .when = JSON_OMIT },
	{ VAR("masked", BOOL, masked), .when = JSON_OMIT },
	{ NULL },
};
static const struct json_shape var_shape = { var_fields, sizeof(struct var) };

#define HELD(name, type, field) JSON_FIELD(name, type, struct recipe_held, field)
static const struct json_field held_fields[] = {
	{ HELD("level", STRING, level) },
	{ HELD("key", STRING, var.name) },
	{ HELD("value", STRING, var.value) },
	{ HELD("scope", STRING, var.environment_scope), .when = JSON_OMIT },
	{ HELD("raw", BOOL, var.raw), .when = JSON_OMIT },
	{ HELD("file", BOOL, var.file), .when = JSON_OMIT },
	{ HELD("masked", BOOL, var.masked), .when = JSON_OMIT },
	{ NULL },
};
static const struct json_shape held_shape = { held_fields, sizeof(struct recipe_held) };

static const struct json_field pin_fields[] = {
	{ JSON_FIELD("project", STRING, struct recipe_pin, project) },
	{ JSON_FIELD("ref", STRING, struct recipe_pin, ref), .when = JSON_OMIT },
	{ JSON_FIELD("sha", STRING, struct recipe_pin, sha) },
	{ NULL },
};
static const struct json_shape pin_shape = { pin_fields, sizeof(struct recipe_pin) };

static const struct json_field file_fields[] = {
	{ JSON_FIELD("path", STRING, struct recipe_file, path) },
	{ JSON_FIELD("text", STRING, struct recipe_file, text) },
	{ NULL },
};
static const struct json_shape file_shape = { file_fields, sizeof(struct recipe_file) };

static const struct json_field recipe_fields[] = {
	{ JSON_FIELD("v", INT, struct recipe, version) },
	{ JSON_FIELD("config", STRING, struct recipe, config_path), .when = JSON_OMIT },
	{ EVENT("sha", STRING, sha) },
	{ EVENT("before_sha", STRING, before_sha), .when = JSON_OMIT },
	{ EVENT("ref", STRING, ref) },
	{ EVENT("is_tag", BOOL, is_tag), .when = JSON_OMIT },
	{ EVENT("protected", BOOL, ref_is_protected), .when = JSON_OMIT },
	{ EVENT("default_branch", STRING, default_branch), .when = JSON_OMIT },
	{ EVENT("message", STRING, message), .when = JSON_OMIT },
	{ EVENT("author", STRING, author), .when = JSON_OMIT },
	{ EVENT("timestamp", STRING, timestamp), .when = JSON_OMIT },
	{ EVENT("tag_message", STRING, tag_message), .when = JSON_OMIT },
	{ EVENT("source", STRING, source) },
	{ EVENT("pipeline_id", INT, pipeline_id) },
	{ EVENT("pipeline_iid", INT, pipeline_iid) },
	{ EVENT("created_at", STRING, created_at), .when = JSON_OMIT },
	{ EVENT("project_id", INT, project_id) },
	{ EVENT("project_path", STRING, project_path) },
	{ EVENT("project_title", STRING, project_title), .when = JSON_OMIT },
	{ EVENT("project_description", STRING, project_description), .when = JSON_OMIT },
	{ EVENT("project_visibility", STRING, project_visibility), .when = JSON_OMIT },
	{ EVENT("repo_url", STRING, repo_url), .when = JSON_OMIT },
	{ EVENT("server_url", STRING, server_url), .when = JSON_OMIT },
	{ EVENT("user_id", INT, user_id), .when = JSON_OMIT },
	{ EVENT("user_login", STRING, user_login), .when = JSON_OMIT },
	{ EVENT("user_name", STRING, user_name), .when = JSON_OMIT },
	{ EVENT("user_email", STRING, user_email), .when = JSON_OMIT },
	{ JSON_COUNTED("variables", OBJECTS, struct recipe, vars, var_count),
	    .shape = &var_shape },
	{ JSON_FIELD("has_held", BOOL, struct recipe, has_held), .when = JSON_OMIT },
	{ JSON_COUNTED("held", OBJECTS, struct recipe, held, held_count),
	    .shape = &held_shape, .when = JSON_OMIT },
	{ JSON_FIELD("inputs", STRING, struct recipe, inputs), .when = JSON_OMIT },
	{ JSON_FIELD("inputs_as_typed", BOOL, struct recipe, inputs_as_typed),
	    .when = JSON_OMIT },
	{ JSON_COUNTED("pins", OBJECTS, struct recipe, pins, pin_count),
	    .shape = &pin_shape },
	{ JSON_COUNTED("files", OBJECTS, struct recipe, files, file_count),
	    .shape = &file_shape },
	{ JSON_FIELD("nesting", INT, struct recipe, nesting), .when = JSON_OMIT },
	{ JSON_COUNTED("ancestors", STRINGS, struct recipe, ancestors, ancestor_count),
	    .when = JSON_OMIT },
	{ NULL },
};
static const struct json_shape recipe_shape = { recipe_fields, sizeof(struct recipe) };

struct recipe *
recipe_new(void)
{
	struct arena *arena = arena_new();
	struct recipe *r = arena_alloc(arena, sizeof(*r));

	r->arena = arena;
	r->version = RECIPE_VERSION;
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
	const char **strings[] = { &r->event.sha, &r->event.before_sha, &r->event.ref,
		&r->event.default_branch, &r->event.message, &r->event.author,
		&r->event.timestamp, &r->event.tag_message, &r->event.source,
		&r->event.config_path, &r->event.created_at, &r->event.project_path,
		&r->event.project_title, &r->event.project_description,
		&r->event.project_visibility, &r->event.repo_url, &r->event.server_url,
		&r->event.user_login, &r->event.user_name, &r->event.user_email };

	r->event = *event;
	for (size_t i = 0; i < ARRAY_LEN(strings); i++)
		*strings[i] = arena_strdup(r->arena, *strings[i]);
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

static const struct {
	const char *name;
	enum var_level level;
} held_levels[] = { { "instance", VAR_INSTANCE }, { "group", VAR_GROUP },
	{ "project", VAR_PROJECT } };

void
recipe_hold_var(struct recipe *r, const struct var *var)
{
	struct recipe_held *held;

	ARENA_GROW(r->arena, r->held, r->held_count, r->held_cap);
	held = &r->held[r->held_count++];
	*held = (struct recipe_held){ .var = *var };
	held->var.name = arena_strdup(r->arena, var->name);
	held->var.value = arena_strdup(r->arena, var->value);
	held->var.environment_scope = arena_strdup(r->arena, var->environment_scope);
	for (size_t i = 0; i < ARRAY_LEN(held_levels); i++)
		if (held_levels[i].level == var->level)
			held->level = held_levels[i].name;
}

static bool
find_level(struct recipe_held *held)
{
	for (size_t i = 0; held->level != NULL && i < ARRAY_LEN(held_levels); i++)
		if (str_eq(held_levels[i].name, held->level)) {
			held->var.level = held_levels[i].level;
			return true;
		}
	return false;
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

void
recipe_add_ancestor(struct recipe *r, const char *key)
{
	ARENA_GROW(r->arena, r->ancestors, r->ancestor_count, r->ancestor_cap);
	r->ancestors[r->ancestor_count++] = arena_strdup(r->arena, key);
}

void
recipe_write(const struct recipe *r, struct buf *out)
{
	json_shape_write(&recipe_shape, r, out);
}

static int
check(struct recipe *r, struct error *err)
{
	const struct event *e = &r->event;

	if (r->version != RECIPE_VERSION)
		return error_set(err, ERR_INVALID, "written by another version of pawl");
	if (e->sha == NULL || e->ref == NULL || e->source == NULL ||
	    e->project_path == NULL)
		return error_set(err, ERR_INVALID, "it names no commit");
	for (size_t i = 0; i < r->var_count; i++)
		if (r->vars[i].name == NULL || r->vars[i].value == NULL)
			return error_set(err, ERR_INVALID, "a variable has no value");
	for (size_t i = 0; i < r->held_count; i++)
		if (r->held[i].var.name == NULL || r->held[i].var.value == NULL ||
		    !find_level(&r->held[i]))
			return error_set(
			    err, ERR_INVALID, "a held variable has no value");
	for (size_t i = 0; i < r->pin_count; i++)
		if (r->pins[i].project == NULL || r->pins[i].sha == NULL)
			return error_set(err, ERR_INVALID, "a pin has no commit");
	for (size_t i = 0; i < r->file_count; i++)
		if (r->files[i].path == NULL || r->files[i].text == NULL)
			return error_set(err, ERR_INVALID, "a file has no text");
	return 0;
}

int
recipe_read(const char *text, size_t len, struct recipe **out, struct error *err)
{
	struct recipe *r = recipe_new();

	r->version = 0;
	if (json_shape_read(
		&recipe_shape, text, len, RECIPE_MAX_BYTES, r->arena, r, err) < 0 ||
	    check(r, err) < 0) {
		recipe_free(r);
		return error_wrap(err, "the recipe of a pipeline");
	}
	/* arrays that were read have no room to grow */
	r->var_cap = r->var_count;
	r->held_cap = r->held_count;
	r->pin_cap = r->pin_count;
	r->file_cap = r->file_count;
	r->ancestor_cap = r->ancestor_count;
	for (size_t i = 0; i < r->var_count; i++)
		r->vars[i].level = VAR_PIPELINE;
	*out = r;
	return 0;
}

const struct node *
recipe_inputs(const struct recipe *r, struct arena *arena, struct diags *diags)
{
	struct node **documents = NULL;
	size_t count = 0;

	if (r->inputs == NULL ||
	    yaml_parse(r->inputs, strlen(r->inputs), r->inputs_as_typed ? NULL : "inputs",
		arena, diags, &documents, &count) < 0 ||
	    count == 0)
		return NULL;
	return documents[0];
}
