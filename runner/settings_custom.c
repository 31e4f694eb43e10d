/* The keys are those of GitLab's runner, so that what was written for it can be copied.
 */
#include "runner/settings_custom.h"

#include "base/str.h"
#include "pipelines/document.h"
#include "runner/settings_value.h"

#define MAX_SECONDS (7 * 24 * 3600)

enum custom_kind { CUSTOM_PATH, CUSTOM_ARGS, CUSTOM_SECONDS };

#define IN(member) offsetof(struct custom_settings, member)

static const struct custom_key {
	const char *name;
	enum custom_kind kind;
	size_t offset;
} keys[] = {
	{ "config_exec", CUSTOM_PATH, IN(config.exec) },
	{ "config_args", CUSTOM_ARGS, IN(config) },
	{ "config_exec_timeout", CUSTOM_SECONDS, IN(config.timeout_ms) },
	{ "prepare_exec", CUSTOM_PATH, IN(prepare.exec) },
	{ "prepare_args", CUSTOM_ARGS, IN(prepare) },
	{ "prepare_exec_timeout", CUSTOM_SECONDS, IN(prepare.timeout_ms) },
	{ "run_exec", CUSTOM_PATH, IN(run.exec) },
	{ "run_args", CUSTOM_ARGS, IN(run) },
	{ "cleanup_exec", CUSTOM_PATH, IN(cleanup.exec) },
	{ "cleanup_args", CUSTOM_ARGS, IN(cleanup) },
	{ "cleanup_exec_timeout", CUSTOM_SECONDS, IN(cleanup.timeout_ms) },
	{ "graceful_kill_timeout", CUSTOM_SECONDS, IN(graceful_ms) },
	{ "force_kill_timeout", CUSTOM_SECONDS, IN(force_ms) },
	{ "builds_dir", CUSTOM_PATH, IN(builds_dir) },
	{ "cache_dir", CUSTOM_PATH, IN(cache_dir) },
};

static void
read_args(const struct node_pair *pair, struct arena *arena, struct custom_command *out,
    struct diags *diags)
{
	const struct node *list = pair->value;

	if (list == NULL)
		return;
	if (!node_is(list, NODE_LIST)) {
		diag_error(diags, DIAG_SHAPE, list->mark, NULL, "%s should be a list",
		    pair->key);
		return;
	}
	out->args = arena_calloc(arena, list->count + 1, sizeof(*out->args));
	for (size_t i = 0; i < list->count; i++) {
		if (!node_is_scalar(list->items[i])) {
			diag_error(diags, DIAG_SHAPE, list->mark, NULL,
			    "%s should be a list of texts", pair->key);
			return;
		}
		out->args[out->arg_count++] = arena_strdup(arena, list->items[i]->text);
	}
}

static void
read_seconds(const struct node_pair *pair, int64_t *out, struct diags *diags)
{
	const struct node *n = pair->value;

	if (!node_is(n, NODE_INT) || n->integer < 1 || n->integer > MAX_SECONDS)
		diag_error(diags, DIAG_SHAPE, n->mark, NULL,
		    "%s should be a number of seconds from 1 to %d", pair->key,
		    MAX_SECONDS);
	else
		*out = n->integer * 1000;
}

static void
read_key(const struct custom_key *key, const struct node_pair *pair, struct arena *arena,
    struct custom_settings *out, struct diags *diags)
{
	void *field = (char *)out + key->offset;

	switch (key->kind) {
	case CUSTOM_PATH:
		settings_read_path(pair, arena, field, diags);
		break;
	case CUSTOM_ARGS:
		read_args(pair, arena, field, diags);
		break;
	case CUSTOM_SECONDS:
		read_seconds(pair, field, diags);
		break;
	}
}

static void
read_pair(const struct node_pair *pair, struct arena *arena, struct custom_settings *out,
    struct diags *diags)
{
	const char *names[ARRAY_LEN(keys) + 1] = { NULL };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		names[i] = keys[i].name;
		if (str_eq(pair->key, keys[i].name)) {
			read_key(&keys[i], pair, arena, out, diags);
			return;
		}
	}
	settings_refuse_key(pair, names, "custom", diags);
}

const struct custom_settings *
settings_read_custom(const struct node *map, struct arena *arena, struct diags *diags)
{
	struct custom_settings *out = arena_calloc(arena, 1, sizeof(*out));

	out->config.timeout_ms = out->prepare.timeout_ms = out->cleanup.timeout_ms =
	    (int64_t)CUSTOM_TIMEOUT_S * 1000;
	out->graceful_ms = (int64_t)CUSTOM_GRACEFUL_S * 1000;
	out->force_ms = (int64_t)CUSTOM_FORCE_S * 1000;
	if (!node_is(map, NODE_MAP)) {
		diag_error(diags, DIAG_SHAPE, map->mark, NULL,
		    "custom should be a map with run_exec and others, not %s",
		    node_kind_name(map->kind));
		return NULL;
	}
	for (size_t i = 0; i < map->count; i++)
		read_pair(&map->pairs[i], arena, out, diags);
	if (out->run.exec == NULL)
		diag_error(diags, DIAG_SHAPE, map->mark, NULL,
		    "custom has no run_exec, the program that runs scripts");
	return out;
}
