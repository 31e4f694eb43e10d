/* Tokens of servers, in a file of JSON. */
#include "cli/logins.h"

#include <unistd.h>

#include "base/path.h"
#include "base/str.h"
#include "protocol/json_shape.h"

#define MAX_FILE ((size_t)1 << 20)
#define VERSION 1

struct kept_logins { /* as they lie in the file */
	int64_t v;
	struct login *servers;
	size_t server_count;
};

static const struct json_field login_fields[] = {
	{ JSON_FIELD("url", STRING, struct login, url) },
	{ JSON_FIELD("token", STRING, struct login, token) },
	{ NULL },
};
static const struct json_shape login_shape = { login_fields, sizeof(struct login) };
static const struct json_field file_fields[] = {
	{ JSON_FIELD("v", INT, struct kept_logins, v) },
	{ JSON_COUNTED("servers", OBJECTS, struct kept_logins, servers, server_count),
	    .shape = &login_shape },
	{ NULL },
};
static const struct json_shape file_shape = { file_fields, sizeof(struct kept_logins) };

const char *
logins_token(const struct logins *l, const char *url)
{
	for (size_t i = 0; i < l->count; i++)
		if (str_eq(l->items[i].url, url))
			return l->items[i].token;
	return NULL;
}

char *
logins_path(void)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (config != NULL && *config == '/')
		return xasprintf("%s/pawl/servers.json", config);
	return home != NULL ? xasprintf("%s/.config/pawl/servers.json", home) : NULL;
}

int
logins_load(const char *path, struct arena *arena, struct logins *out, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct kept_logins file = { .v = VERSION };

	*out = (struct logins){ NULL };
	if (path == NULL || access(path, F_OK) < 0)
		return 0;
	if (buf_read_file(&text, path, MAX_FILE, err) < 0)
		return err->code;
	if (json_shape_read(
		&file_shape, buf_str(&text), text.len, MAX_FILE, arena, &file, err) < 0)
		return error_wrap(err, "%s", path);
	if (file.v != VERSION)
		return error_set(err, ERR_INVALID,
		    "%s was written by another release of pawl (version %" PRId64 ")",
		    path, file.v);
	for (size_t i = 0; i < file.server_count; i++)
		if (file.servers[i].url == NULL || file.servers[i].token == NULL)
			return error_set(err, ERR_INVALID,
			    "%s: server %zu has no url or no token", path, i + 1);
	*out = (struct logins){ file.servers, file.server_count };
	return 0;
}

int
logins_keep(const char *path, const char *url, const char *token, struct error *err)
{
	cleanup_arena struct arena *arena = arena_new();
	cleanup_buf struct buf text = BUF_INIT;
	cleanup_free char *dir = xstrndup(path, (size_t)(strrchr(path, '/') - path));
	struct kept_logins file = { .v = VERSION };
	struct logins old;
	size_t n = 0;

	if (logins_load(path, arena, &old, err) < 0 || path_mkdirs(dir, 0700, err) < 0)
		return err->code;
	file.servers = arena_calloc(arena, old.count + 1, sizeof(*file.servers));
	for (size_t i = 0; i < old.count; i++)
		if (!str_eq(old.items[i].url, url))
			file.servers[n++] = old.items[i];
	file.servers[n++] = (struct login){ url, token };
	file.server_count = n;
	json_shape_write(&file_shape, &file, &text);
	buf_add_char(&text, '\n');
	return path_write_file(path, buf_str(&text), text.len, 0600, err);
}
