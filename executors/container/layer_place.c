/* Names of strangers below a folder: openat2 keeps them there. */
#include "executors/container/layer_place.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/copy.h"
#include "base/str.h"
#include "base/visible.h"

int
layer_place_refuse(struct error *err, const char *path, const char *why)
{
	cleanup_buf struct buf shown = BUF_INIT;

	visible_add(&shown, path);
	return error_set(
	    err, ERR_INVALID, "entry \"%.300s\" is refused: %s", buf_str(&shown), why);
}

int
layer_place_errno(struct error *err, const char *path)
{
	cleanup_buf struct buf shown = BUF_INIT;

	visible_add(&shown, path);
	if (shown.len > 300)
		shown.data[300] = '\0';
	return copy_errno(err, "cannot unpack", buf_str(&shown));
}

char *
layer_place_clean(const char *raw)
{
	char *out = xmalloc(strlen(raw) + 1), *to = out;

	while (*raw != '\0') {
		size_t n = strcspn(raw, "/");

		if (n == 2 && raw[0] == '.' && raw[1] == '.') {
			free(out);
			return NULL;
		}
		if (n > 0 && !(n == 1 && *raw == '.')) {
			if (to != out)
				*to++ = '/';
			memcpy(to, raw, n);
			to += n;
		}
		raw += n + (raw[n] == '/');
	}
	*to = '\0';
	return out;
}

/* With errno. */
int
layer_place_look(const struct layer_place *p, const char *path)
{
	struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };

	return (int)syscall(
	    SYS_openat2, p->root, *path == '\0' ? "." : path, &how, sizeof(how));
}

static bool
is_whiteout(int fd, const char *name)
{
	struct stat st;

	return fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISCHR(st.st_mode) &&
	    st.st_rdev == makedev(0, 0);
}

bool
layer_place_is_whiteout(const struct layer_place *p, const char *name)
{
	return is_whiteout(p->parent_fd, name);
}

/* Root's overlay reads one of the two, one in a user namespace the other; a layer root
 * has unpacked may come to serve in both. */
int
layer_place_set_opaque(
    const struct layer_place *p, int fd, const char *path, struct error *err)
{
	cleanup_free char *link = xasprintf("/proc/self/fd/%d", fd);
	int as_user = setxattr(link, "user.overlay.opaque", "y", 1, 0);

	if (p->is_root ? setxattr(link, "trusted.overlay.opaque", "y", 1, 0) == 0
		       : as_user == 0)
		return 0;
	if (p->is_root && errno == EPERM && as_user == 0)
		return 0; /* root of a user namespace: its overlays are those of users */
	if (errno == ENOTSUP)
		return error_set(err, ERR_ENVIRONMENT,
		    "the file system the images are kept on has no extended attributes, "
		    "which this image needs: choose another folder for them");
	return layer_place_errno(err, path);
}

int
layer_place_make_folder(
    const struct layer_place *p, int fd, const char *name, bool opaque, struct error *err)
{
	cleanup_close int made = -1;

	/* once more by chmod: the umask must not count */
	if (mkdirat(fd, name, 0755) < 0 || fchmodat(fd, name, 0755, 0) < 0)
		return layer_place_errno(err, name);
	if (!opaque)
		return 0;
	made = openat(fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (made < 0)
		return layer_place_errno(err, name);
	return layer_place_set_opaque(p, made, name, err);
}

/* name is not there as a folder, errno says why: make it. */
static int
make_part(const struct layer_place *p, int fd, const char *name, const char *path,
    struct error *err)
{
	bool hidden = errno == ENOTDIR && is_whiteout(fd, name);

	if (errno != ENOENT && !hidden)
		return errno == ENOTDIR || errno == ELOOP
		    ? layer_place_refuse(
			  err, path, "a folder on its way is something else")
		    : layer_place_errno(err, path);
	if (hidden && unlinkat(fd, name, 0) < 0)
		return layer_place_errno(err, path);
	if (faccessat(fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return layer_place_refuse(
		    err, path, "a link on its way leads to nothing in the layer");
	return layer_place_make_folder(p, fd, name, hidden, err);
}

/* Part by part, making what is missing, for the entry whole; the folder's descriptor, or
 * err's code, which is negative as well. */
static int
make_way(
    const struct layer_place *p, const char *dir, const char *whole, struct error *err)
{
	cleanup_free char *path = xstrdup(dir);
	cleanup_close int at = layer_place_look(p, "");
	size_t start = 0, end;

	if (at < 0 && (errno == ENOSYS || errno == EPERM))
		return error_set(err, ERR_ENVIRONMENT,
		    "images cannot be unpacked: the system call openat2 is not allowed here "
		    "(Linux 5.6; a container around this needs a newer seccomp profile)");
	if (at < 0)
		return layer_place_errno(err, whole);
	for (; path[start] != '\0'; start = end + (dir[end] == '/')) {
		int next;

		end = start + strcspn(path + start, "/");
		path[end] = '\0';
		next = layer_place_look(p, path);
		if (next < 0) {
			if (make_part(p, at, path + start, whole, err) < 0)
				return -1;
			next = layer_place_look(p, path);
		}
		if (next < 0) {
			(void)layer_place_errno(err, whole);
			return -1;
		}
		close(at);
		at = next;
		path[end] = dir[end];
	}
	return take_fd(&at);
}

const char *
layer_place_enter(struct layer_place *p, const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *dir =
	    xstrndup(path, slash == NULL ? 0 : (size_t)(slash - path));
	int fd;

	if (p->parent != NULL && str_eq(p->parent, dir))
		return slash == NULL ? path : slash + 1;
	fd = layer_place_look(p, dir);
	if (fd < 0)
		fd = make_way(p, dir, path, err);
	if (fd < 0)
		return NULL;
	layer_place_clear(p);
	p->parent = take(dir);
	p->parent_fd = fd;
	return slash == NULL ? path : slash + 1;
}

void
layer_place_clear(struct layer_place *p)
{
	if (p->parent_fd >= 0)
		close(p->parent_fd);
	free(p->parent);
	p->parent = NULL;
	p->parent_fd = -1;
}
