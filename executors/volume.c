/* Reading "/FROM:/TO:ro". */
#include "executors/volume.h"

#include "base/str.h"

/* From the root, and nothing in it that leads back. */
static bool
is_plain_path(const char *path)
{
	if (*path != '/' || path[1] == '\0')
		return false;
	for (const char *at = path; *at != '\0';) {
		size_t n;

		at += strspn(at, "/");
		n = strcspn(at, "/");
		if ((n == 1 && at[0] == '.') || (n == 2 && at[0] == '.' && at[1] == '.'))
			return false;
		for (size_t i = 0; i < n; i++)
			if ((unsigned char)at[i] < ' ')
				return false;
		at += n;
	}
	return true;
}

int
volume_parse(const char *text, struct arena *arena, struct volume *out, struct error *err)
{
	struct volume v = { .source = NULL };
	size_t first = strcspn(text, ":");

	if (text[first] == '\0') {
		v.target = arena_strdup(arena, text);
	} else {
		const char *rest = text + first + 1;
		size_t second = strcspn(rest, ":");
		const char *mode = rest[second] == '\0' ? "rw" : rest + second + 1;

		v.source = arena_strndup(arena, text, first);
		v.target = arena_strndup(arena, rest, second);
		v.read_only = str_eq(mode, "ro");
		if (!v.read_only && !str_eq(mode, "rw"))
			return error_set(err, ERR_INVALID,
			    "the volume %s should end with :ro or :rw, or neither", text);
	}
	if (!is_plain_path(v.target) || (v.source != NULL && !is_plain_path(v.source)))
		return error_set(err, ERR_INVALID,
		    "the volume \"%s\" should be /FOLDER, or /ON/THIS/MACHINE:/INSIDE, paths "
		    "from the root without . and ..",
		    text);
	*out = v;
	return 0;
}
