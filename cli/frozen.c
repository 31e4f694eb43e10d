/* One JSON file per job, named by its id. */
#include "cli/frozen.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/path.h"
#include "base/str.h"
#include "protocol/json_shape.h"
#include "runner/supervisor.h"
#include "runner/supervisor/kept_wire.h"

#define MAX_FILE ((size_t)1 << 20)
#define SUFFIX ".json"

static const struct json_field frozen_fields[] = {
	{ JSON_FIELD("job", STRING, struct frozen, job) },
	{ JSON_FIELD("id", INT, struct frozen, id) },
	{ JSON_FIELD("dir", STRING, struct frozen, dir) },
	{ JSON_FIELD("why", STRING, struct frozen, why) },
	{ JSON_FIELD("command", STRING, struct frozen, command) },
	{ JSON_FIELD("log", STRING, struct frozen, log) },
	{ JSON_FIELD("since", INT, struct frozen, since) },
	{ NULL },
};
static const struct json_shape frozen_shape = { frozen_fields, sizeof(struct frozen) };

static char *
kept_dir(const char *state_dir)
{
	return path_join(state_dir, "kept");
}

int
frozen_add(const char *state_dir, const struct frozen *frozen, struct error *err)
{
	cleanup_free char *dir = kept_dir(state_dir);
	cleanup_free char *path = xasprintf("%s/%" PRId64 SUFFIX, dir, frozen->id);
	cleanup_buf struct buf text = BUF_INIT;

	json_shape_write(&frozen_shape, frozen, &text);
	buf_add_char(&text, '\n');
	if (path_mkdirs(dir, 0755, err) < 0)
		return err->code;
	return path_write_file(path, buf_str(&text), text.len, 0600, err);
}

int
frozen_knock(const struct frozen *frozen, struct error *err)
{
	return supervisor_knock(frozen->dir, err);
}

/* False: it is no such file, or of something that is gone; then it is removed. */
static bool
read_one(const char *dir, const char *name, struct arena *arena, struct frozen *out)
{
	cleanup_free char *path = path_join(dir, name);
	cleanup_buf struct buf text = BUF_INIT;
	struct error why = ERROR_INIT;
	cleanup_close int fd = -1;

	*out = (struct frozen){ NULL };
	if (buf_read_file(&text, path, MAX_FILE, &why) < 0)
		return false;
	if (json_shape_read(&frozen_shape, buf_str(&text), text.len, MAX_FILE, arena, out,
		&why) == 0 &&
	    out->job != NULL && out->dir != NULL && out->id > 0)
		fd = frozen_knock(out, &why);
	if (fd >= 0)
		return true;
	unlink(path);
	return false;
}

static int
newer_first(const void *a, const void *b)
{
	int64_t x = ((const struct frozen *)a)->id, y = ((const struct frozen *)b)->id;

	return (x < y) - (x > y);
}

int
frozen_list(const char *state_dir, struct arena *arena, struct frozen **out,
    size_t *count, struct error *err)
{
	cleanup_free char *path = kept_dir(state_dir);
	cleanup_closedir DIR *dir = opendir(path);
	size_t cap = 0;

	*out = NULL;
	*count = 0;
	if (dir == NULL)
		return errno == ENOENT ? 0 : error_errno(err, "cannot read %s", path);
	for (struct dirent *e; (e = readdir(dir)) != NULL;) {
		struct frozen one;

		if (!str_ends(e->d_name, SUFFIX) ||
		    !read_one(path, e->d_name, arena, &one))
			continue;
		ARENA_GROW(arena, *out, *count, cap);
		(*out)[(*count)++] = one;
	}
	if (*count > 1)
		qsort(*out, *count, sizeof(**out), newer_first);
	return 0;
}

void
frozen_end(const struct frozen *frozen, bool unless_used)
{
	const struct kept_message m = {
		.version = KEPT_VERSION, .type = KEPT_END, .value = unless_used
	};
	struct error gone = ERROR_INIT;
	cleanup_close int fd = frozen_knock(frozen, &gone);

	if (fd >= 0)
		(void)send(fd, &m, offsetof(struct kept_message, text), MSG_NOSIGNAL);
}

void
frozen_replace(const char *state_dir, const char *job)
{
	cleanup_arena struct arena *arena = arena_new();
	struct error ignored = ERROR_INIT;
	struct frozen *all;
	size_t count;

	if (frozen_list(state_dir, arena, &all, &count, &ignored) < 0)
		return;
	for (size_t i = 0; i < count; i++)
		if (str_eq(all[i].job, job))
			frozen_end(&all[i], true);
}
