/* The keys are tables; what a person mistyped is named, with a guess at what was meant.
 */
#include "runner/settings.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/path.h"
#include "base/str.h"
#include "executors/volume.h"
#include "pipelines/document.h"
#include "runner/settings_cache.h"
#include "runner/settings_custom.h"
#include "runner/settings_images.h"
#include "runner/settings_limits.h"
#include "runner/settings_value.h"

#define MAX_TOKEN 1024

struct key {
	const char *name;
	size_t offset; /* of a const char * */
	bool is_path;  /* relative ones would depend on where the runner was started */
};

static const struct key server_keys[] = {
	{ "url", offsetof(struct runner_server, url), false },
	{ "token", offsetof(struct runner_server, token), false },
	{ "token_file", offsetof(struct runner_server, token_file), true },
	{ "unix_socket", offsetof(struct runner_server, unix_socket), true },
	{ "repos", offsetof(struct runner_server, repos_dir), true },
	{ "ca_file", offsetof(struct runner_server, ca_file), true },
	{ "cert_file", offsetof(struct runner_server, cert_file), true },
	{ "key_file", offsetof(struct runner_server, key_file), true },
};

static const struct key top_keys[] = {
	{ "name", offsetof(struct runner_settings, name), false },
	{ "state", offsetof(struct runner_settings, state_dir), true },
	{ "executor", offsetof(struct runner_settings, executor), false },
	{ "runtime", offsetof(struct runner_settings, runtime), false },
};

static const struct key docker_keys[] = {
	{ "host", offsetof(struct runner_settings, docker_host), false },
	{ "tls_cert_path", offsetof(struct runner_settings, docker_cert_dir), true },
	{ "network_mode", offsetof(struct runner_settings, docker_network), false },
};

static const char *const docker_names[] = { "host", "tls_cert_path", "network_mode",
	NULL };
static const char *const server_names[] = { "url", "token", "token_file", "unix_socket",
	"repos", "ca_file", "cert_file", "key_file", NULL };
static const char *const top_names[] = { "concurrent", "name", "state", "executor",
	"cache", "custom", "docker", "images", "network", "runtime", "pull_policy",
	"limits", "privileged", "volumes", "log_format", "layers", "servers", NULL };

struct runner_server *
settings_add_server(struct runner_settings *s)
{
	ARENA_GROW(s->arena, s->servers, s->server_count, s->server_cap);
	return &s->servers[s->server_count++];
}

const char *
settings_log_format(const char *word)
{
	for (size_t i = 0; log_formats[i] != NULL; i++)
		if (str_eq(word, log_formats[i]))
			return log_formats[i];
	return NULL;
}

static bool
read_known(const struct key *keys, size_t count, const struct node_pair *pair, void *out,
    struct arena *arena, struct diags *diags)
{
	const char **field;

	for (size_t i = 0; i < count; i++) {
		if (!str_eq(pair->key, keys[i].name))
			continue;
		field = (const char **)(void *)((char *)out + keys[i].offset);
		if (keys[i].is_path)
			settings_read_path(pair, arena, field, diags);
		else
			settings_read_text(pair, arena, field, diags);
		return true;
	}
	return false;
}

static void
read_server(const struct node *map, struct runner_settings *s, struct diags *diags)
{
	struct runner_server *server;

	if (!node_is(map, NODE_MAP)) {
		diag_error(diags, DIAG_SHAPE, map->mark, NULL,
		    "a server should be a map with url and token, not %s",
		    node_kind_name(map->kind));
		return;
	}
	server = settings_add_server(s);
	server->at = map->mark;
	for (size_t i = 0; i < map->count; i++)
		if (!read_known(server_keys, ARRAY_LEN(server_keys), &map->pairs[i],
			server, s->arena, diags))
			settings_refuse_key(&map->pairs[i], server_names, NULL, diags);
	if (server->url == NULL)
		diag_error(
		    diags, DIAG_SHAPE, map->mark, NULL, "the server's url is missing");
	if (server->token != NULL && server->token_file != NULL)
		diag_error(diags, DIAG_SHAPE, map->mark, NULL,
		    "the server has both token and token_file; leave one out");
}

static void
read_servers(const struct node *list, struct runner_settings *s, struct diags *diags)
{
	if (!node_is(list, NODE_LIST)) {
		diag_error(diags, DIAG_SHAPE, list->mark, NULL,
		    "servers should be a list, not %s", node_kind_name(list->kind));
		return;
	}
	for (size_t i = 0; i < list->count; i++)
		read_server(list->items[i], s, diags);
}

static void
read_concurrent(const struct node *n, struct runner_settings *s, struct diags *diags)
{
	if (!node_is(n, NODE_INT) || n->integer < 1 ||
	    n->integer > SETTINGS_MAX_CONCURRENT)
		diag_error(diags, DIAG_SHAPE, n->mark, NULL,
		    "concurrent should be a number from 1 to %d",
		    SETTINGS_MAX_CONCURRENT);
	else
		s->concurrent = n->integer;
}

static void
read_log_format(const struct node *n, struct runner_settings *s, struct diags *diags)
{
	const char *word = node_is_scalar(n) ? settings_log_format(n->text) : NULL;

	if (word == NULL)
		diag_error(diags, DIAG_SHAPE, n->mark, NULL,
		    "log_format should be text or json");
	else
		s->log_format = word;
}

static const struct {
	const char *name;
	size_t offset; /* of an int64_t in struct layer_limits */
	int64_t unit, max;
} layer_keys[] = {
	{ "high_gb", offsetof(struct layer_limits, high_bytes), LAYER_GB, 1000000 },
	{ "low_gb", offsetof(struct layer_limits, low_bytes), LAYER_GB, 1000000 },
	{ "days", offsetof(struct layer_limits, max_age_s), 24 * 3600, 36500 },
};

static void
read_layers(const struct node *map, struct runner_settings *s, struct diags *diags)
{
	static const char *const names[] = { "high_gb", "low_gb", "days", NULL };

	if (!node_is(map, NODE_MAP)) {
		diag_error(diags, DIAG_SHAPE, map->mark, NULL,
		    "layers should be a map with high_gb, low_gb and days, not %s",
		    node_kind_name(map->kind));
		return;
	}
	for (size_t i = 0; i < map->count; i++) {
		const struct node *value = map->pairs[i].value;
		size_t k = 0;

		while (k < ARRAY_LEN(layer_keys) &&
		    !str_eq(map->pairs[i].key, layer_keys[k].name))
			k++;
		if (k == ARRAY_LEN(layer_keys))
			settings_refuse_key(&map->pairs[i], names, NULL, diags);
		else if (!node_is(value, NODE_INT) || value->integer < 1 ||
		    value->integer > layer_keys[k].max)
			diag_error(diags, DIAG_SHAPE, value->mark, NULL,
			    "%s should be a number from 1 to %" PRId64,
			    layer_keys[k].name, layer_keys[k].max);
		else
			*(int64_t *)(void *)((char *)&s->layers + layer_keys[k].offset) =
			    value->integer * layer_keys[k].unit;
	}
}

static void
read_pull_policy(const struct node *n, struct runner_settings *s, struct diags *diags)
{
	static const char *const words[] = { "always", "if-not-present", "never" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (node_is_scalar(n) && str_eq(n->text, words[i]))
			s->pull_policy = words[i];
	if (s->pull_policy == NULL)
		diag_error(diags, DIAG_SHAPE, n->mark, NULL,
		    "pull_policy should be always, if-not-present or never");
}

static void
read_volumes(const struct node *list, struct runner_settings *s, struct diags *diags)
{
	if (!node_is(list, NODE_LIST)) {
		diag_error(diags, DIAG_SHAPE, list->mark, NULL,
		    "volumes should be a list, as in [/certs/client, "
		    "/on/this/machine:/inside:ro]");
		return;
	}
	s->volumes = arena_calloc(s->arena, list->count + 1, sizeof(*s->volumes));
	for (size_t i = 0; i < list->count; i++) {
		const struct node *item = list->items[i];
		struct error err = ERROR_INIT;
		struct volume ignored;

		if (!node_is_scalar(item))
			diag_error(diags, DIAG_SHAPE, item->mark, NULL,
			    "a volume should be a text");
		else if (volume_parse(item->text, s->arena, &ignored, &err) < 0)
			diag_error(diags, DIAG_SHAPE, item->mark, NULL, "%s", err.msg);
		else
			s->volumes[s->volume_count++] =
			    arena_strdup(s->arena, item->text);
	}
	if (s->volume_count > VOLUMES_MAX)
		diag_error(diags, DIAG_SHAPE, list->mark, NULL,
		    "there can be %d volumes at most", VOLUMES_MAX);
}

static void
read_network(const struct node *n, struct runner_settings *s, struct diags *diags)
{
	const char *word = node_is_scalar(n) ? n->text : "";

	s->offline = str_eq(word, "none");
	if (!s->offline && !str_eq(word, "host"))
		diag_error(
		    diags, DIAG_SHAPE, n->mark, NULL, "network should be host or none");
}

static void
read_docker(const struct node *map, struct runner_settings *s, struct diags *diags)
{
	if (!node_is(map, NODE_MAP)) {
		diag_error(diags, DIAG_SHAPE, map->mark, NULL,
		    "docker should be a map with host, not %s",
		    node_kind_name(map->kind));
		return;
	}
	for (size_t i = 0; i < map->count; i++)
		if (!read_known(docker_keys, ARRAY_LEN(docker_keys), &map->pairs[i], s,
			s->arena, diags))
			settings_refuse_key(&map->pairs[i], docker_names, NULL, diags);
}

static void
read_top(const struct node *root, struct runner_settings *s, struct diags *diags)
{
	if (!node_is(root, NODE_MAP)) {
		diag_error(diags, DIAG_SHAPE, root->mark, NULL,
		    "the settings should be a map, not %s", node_kind_name(root->kind));
		return;
	}
	for (size_t i = 0; i < root->count; i++) {
		const struct node_pair *pair = &root->pairs[i];

		if (str_eq(pair->key, "concurrent"))
			read_concurrent(pair->value, s, diags);
		else if (str_eq(pair->key, "log_format"))
			read_log_format(pair->value, s, diags);
		else if (str_eq(pair->key, "pull_policy"))
			read_pull_policy(pair->value, s, diags);
		else if (str_eq(pair->key, "privileged"))
			settings_read_flag(pair, &s->privileged, diags);
		else if (str_eq(pair->key, "volumes"))
			read_volumes(pair->value, s, diags);
		else if (str_eq(pair->key, "network"))
			read_network(pair->value, s, diags);
		else if (str_eq(pair->key, "cache"))
			s->cache = settings_read_cache(pair->value, s->arena, diags);
		else if (str_eq(pair->key, "custom"))
			s->custom = settings_read_custom(pair->value, s->arena, diags);
		else if (str_eq(pair->key, "limits"))
			settings_read_limits(pair->value, &s->limits, diags);
		else if (str_eq(pair->key, "layers"))
			read_layers(pair->value, s, diags);
		else if (str_eq(pair->key, "docker"))
			read_docker(pair->value, s, diags);
		else if (str_eq(pair->key, "images"))
			s->images = settings_read_images(pair->value, s->arena, diags);
		else if (str_eq(pair->key, "servers"))
			read_servers(pair->value, s, diags);
		else if (!read_known(
			     top_keys, ARRAY_LEN(top_keys), pair, s, s->arena, diags))
			settings_refuse_key(pair, top_names, NULL, diags);
	}
}

void
settings_read(const char *text, size_t len, const char *file, struct runner_settings *out,
    struct diags *diags)
{
	struct node **documents = NULL;
	size_t count = 0;

	if (yaml_parse(text, len, file, out->arena, diags, &documents, &count) < 0)
		return;
	if (count > 1)
		diag_error(diags, DIAG_SHAPE, documents[1]->mark, NULL,
		    "the settings should be one document");
	else if (count == 1 && !node_is_null(documents[0]))
		read_top(documents[0], out, diags);
}

/* ---- what was not said ----------------------------------------------------- */

static const char *
default_state_dir(struct arena *arena)
{
	const char *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (xdg != NULL && *xdg == '/')
		return arena_printf(arena, "%s/pawl-runner", xdg);
	if (geteuid() == 0)
		return "/var/lib/pawl-runner";
	if (home != NULL && *home == '/')
		return arena_printf(arena, "%s/.local/state/pawl-runner", home);
	return NULL;
}

static const char *
host_name(struct arena *arena)
{
	char name[256] = "";

	if (gethostname(name, sizeof(name) - 1) < 0 || *name == '\0')
		return "pawl-runner";
	return arena_strdup(arena, name);
}

static int
read_token_file(
    struct runner_settings *s, struct runner_server *server, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	size_t len;

	if (buf_read_file(&text, server->token_file, MAX_TOKEN, err) < 0)
		return error_wrap(err, "the token of %s", server->url);
	len = strcspn(buf_str(&text), " \t\r\n");
	server->token = arena_strndup(s->arena, buf_str(&text), len);
	explicit_bzero(text.data, text.len);
	return 0;
}

/* As GitLab's runner has it: "https://host/ci/" is "https://host". */
static const char *
tidy_url(struct arena *arena, const char *url)
{
	char *tidy = arena_strdup(arena, url);
	size_t len = strlen(tidy);

	while (len > 0 && tidy[len - 1] == '/')
		tidy[--len] = '\0';
	if (str_ends(tidy, "/ci"))
		tidy[len - 3] = '\0';
	return tidy;
}

static int
complete_server(
    struct runner_settings *s, struct runner_server *server, struct error *err)
{
	const char *token = getenv("PAWL_RUNNER_TOKEN");

	if (server->url == NULL || !str_is_http_url(server->url))
		return error_set(err, ERR_INVALID,
		    "the server's address should begin with http:// or https://%s%s",
		    server->url != NULL ? ", not be " : "",
		    server->url != NULL ? server->url : "");
	server->url = tidy_url(s->arena, server->url);
	if (server->token == NULL && server->token_file != NULL &&
	    read_token_file(s, server, err) < 0)
		return err->code;
	if (server->token == NULL && token != NULL)
		server->token = arena_strdup(s->arena, token);
	if (server->token == NULL || *server->token == '\0')
		return error_set(err, ERR_INVALID,
		    "the token for %s is missing: give token_file in the settings, "
		    "--token-file FILE or PAWL_RUNNER_TOKEN",
		    server->url);
	if (str_starts(server->token, "glpat-"))
		return error_set(err, ERR_INVALID,
		    "the token for %s is a person's (glpat-…); a runner's begins with "
		    "glrt- and comes of making the runner at the server",
		    server->url);
	if (strpbrk(server->token, " \t\r\n") != NULL)
		return error_set(
		    err, ERR_INVALID, "the token for %s has blanks in it", server->url);
	return 0;
}

/* What is not said of the marks fits what is. */
static int
complete_layers(struct layer_limits *l, struct error *err)
{
	const struct layer_limits usual = LAYER_LIMITS_DEFAULT;

	if (l->high_bytes == 0)
		l->high_bytes = l->low_bytes > usual.low_bytes ? l->low_bytes / 4 * 5
							       : usual.high_bytes;
	if (l->low_bytes == 0)
		l->low_bytes = l->high_bytes / 5 * 4;
	if (l->max_age_s == 0)
		l->max_age_s = usual.max_age_s;
	if (l->low_bytes > l->high_bytes)
		return error_set(
		    err, ERR_INVALID, "layers: low_gb should not be more than high_gb");
	return 0;
}

int
settings_complete(struct runner_settings *s, struct error *err)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	if (s->concurrent == 0)
		s->concurrent = processors > 0 ? processors : 1;
	if (s->name == NULL)
		s->name = host_name(s->arena);
	if (s->state_dir == NULL)
		s->state_dir = default_state_dir(s->arena);
	if (s->state_dir == NULL)
		return error_set(err, ERR_INVALID,
		    "HOME is not set: say with --state DIR where the runner keeps its jobs");
	if (complete_layers(&s->layers, err) < 0)
		return err->code;
	for (size_t i = 0; i < s->server_count; i++)
		if (complete_server(s, &s->servers[i], err) < 0)
			return err->code;
	return 0;
}

static void
put(struct buf *out, const char *before, const char *key, const char *value)
{
	if (value == NULL)
		return;
	buf_printf(out, "%s%s: \"", before, key);
	for (; *value != '\0'; value++) {
		if (*value == '"' || *value == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, *value);
	}
	buf_add_str(out, "\"\n");
}

void
settings_write_server(const struct runner_server *server, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(server_keys); i++) {
		const char *value =
		    *(const char *const *)(const void *)((const char *)server +
			server_keys[i].offset);

		put(out, i == 0 ? "  - " : "    ", server_keys[i].name, value);
	}
}
