/* Reading passwd(5) and group(5) of an image. */
#include "executors/container/image_user.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"

#define FILE_MAX ((size_t)4 << 20)
#define ID_MAX 4294967294

/* ---- the image's files ----------------------------------------------------- */

/*
 * From the top layer that has it; a link leads nowhere but to files of that layer.
 * False: the image has none.
 */
static bool
read_file(const struct strlist *layers, const char *name, struct buf *out)
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };

	for (size_t i = 0; i < layers->count; i++) {
		cleanup_close int dir =
		    open(layers->items[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		cleanup_close int fd = -1;
		struct stat st;

		if (dir < 0)
			continue;
		fd = (int)syscall(SYS_openat2, dir, name, &how, sizeof(how));
		if (fd < 0 && errno != ENOENT && errno != ENOTDIR)
			return false; /* a whiteout, or what nobody may read */
		if (fd < 0)
			continue;
		return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
		    buf_read_fd(out, fd, FILE_MAX, NULL) == 0;
	}
	return false;
}

#define FIELDS 7

/* Cuts line at its colons; how many fields there are. */
static size_t
split(char *line, char *fields[FIELDS])
{
	size_t n = 0;

	while (n < FIELDS && line != NULL) {
		fields[n++] = line;
		line = strchr(line, ':');
		if (line != NULL)
			*line++ = '\0';
	}
	return n;
}

static bool
parse_id(const char *text, int64_t *out)
{
	return str_to_int64(text, out) && *out >= 0 && *out <= ID_MAX;
}

static bool
names(const char *const *fields, const char *wanted)
{
	int64_t wanted_id, id;

	if (str_eq(fields[0], wanted))
		return true;
	return parse_id(wanted, &wanted_id) && parse_id(fields[2], &id) &&
	    id == wanted_id;
}

/* ---- who ------------------------------------------------------------------- */

static bool
find_passwd(struct buf *passwd, const char *user, struct image_user *out, char **name)
{
	char *save = NULL, *line;

	if (passwd->len == 0)
		return false;
	for (line = strtok_r(passwd->data, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		char *fields[FIELDS] = { NULL };
		int64_t uid, gid;

		if (split(line, fields) < 6 || !parse_id(fields[2], &uid) ||
		    !parse_id(fields[3], &gid) ||
		    !names((const char *const *)fields, user))
			continue;
		out->uid = (uid_t)uid;
		out->gid = (gid_t)gid;
		out->home = xstrdup(fields[5][0] == '/' ? fields[5] : "/");
		*name = xstrdup(fields[0]);
		return true;
	}
	return false;
}

static bool
is_member(const char *members, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = members; *at != '\0'; at += strspn(at, ",")) {
		size_t n = strcspn(at, ",");

		if (n == len && strncmp(at, name, n) == 0)
			return true;
		at += n;
	}
	return false;
}

/* group NULL: only what the user belongs to. False: there is no such group. */
static bool
find_groups(struct buf *text, const char *group, const char *name, struct image_user *out)
{
	char *save = NULL, *line;
	bool found = group == NULL;

	for (line = text->len == 0 ? NULL : strtok_r(text->data, "\n", &save);
	     line != NULL; line = strtok_r(NULL, "\n", &save)) {
		char *fields[FIELDS] = { NULL };
		int64_t gid;

		if (split(line, fields) < 3 || !parse_id(fields[2], &gid))
			continue;
		if (group != NULL && !found &&
		    names((const char *const *)fields, group)) {
			out->gid = (gid_t)gid;
			found = true;
		}
		if (group == NULL && name != NULL && fields[3] != NULL &&
		    is_member(fields[3], name) && out->group_count < IMAGE_USER_GROUPS)
			out->groups[out->group_count++] = (gid_t)gid;
	}
	return found;
}

static int
find_group(const char *group, const char *name, const struct strlist *layers,
    struct image_user *out, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	int64_t gid;

	(void)read_file(layers, "etc/group", &text);
	if (find_groups(&text, group, name, out))
		return 0;
	if (!parse_id(group, &gid))
		return error_set(
		    err, ERR_INVALID, "the image has no group \"%s\"", group);
	out->gid = (gid_t)gid;
	return 0;
}

int
image_user_find(const char *text, const struct strlist *layers, struct image_user *out,
    struct error *err)
{
	const char *colon = strchr(text, ':');
	size_t len = colon == NULL ? strlen(text) : (size_t)(colon - text);
	cleanup_free char *user = len == 0 ? xstrdup("0") : xstrndup(text, len);
	cleanup_free char *name = NULL;
	cleanup_buf struct buf passwd = BUF_INIT;
	int64_t uid;

	*out = (struct image_user){ .home = NULL };
	(void)read_file(layers, "etc/passwd", &passwd);
	if (!find_passwd(&passwd, user, out, &name)) {
		if (!parse_id(user, &uid))
			return error_set(
			    err, ERR_INVALID, "the image has no user \"%s\"", user);
		out->uid = (uid_t)uid;
		out->home = xstrdup("/");
	}
	if (colon != NULL && colon[1] != '\0')
		return find_group(colon + 1, NULL, layers, out, err);
	return find_group(NULL, name, layers, out, err);
}

void
image_user_clear(struct image_user *u)
{
	free(u->home);
	*u = (struct image_user){ .home = NULL };
}
