/*
 * Unpacking what strangers packed. Every name is walked from the target folder down with
 * O_NOFOLLOW, so that no link, old or just unpacked, leads anywhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/archive.h"
#include "base/archive_lib.h"
#include "base/copy.h"
#include "base/path.h"

#define NS INT64_C(1000000000)
#define MAX_WARNINGS 20

/* A folder's mode and time are set when nothing more is put into it. */
struct folder {
	char *path;
	mode_t mode;
	struct timespec mtime;
};

struct unpacking {
	const struct archive_unpack *u;
	struct archive_lib lib;
	struct archive *a;
	struct archive_entry *entry;
	struct archive_totals totals;
	struct folder *folders;
	size_t folder_count, folder_cap;
	char *parent; /* the folder parent_fd is, relative; "" is the target itself */
	int parent_fd;
	unsigned warnings;
};

static void
warn(struct unpacking *k, const char *path, const char *why)
{
	if (k->u->log == NULL || k->warnings > MAX_WARNINGS)
		return;
	if (k->warnings++ == MAX_WARNINGS)
		buf_add_str(k->u->log, "WARNING: more entries are left out\n");
	else
		buf_printf(k->u->log, "WARNING: %s is left out: %s\n", path, why);
}

static bool
is_canceled(const struct unpacking *k)
{
	return k->u->cancel != NULL && atomic_load(k->u->cancel);
}

/* The name of an entry, tidied up; NULL when it is absolute or goes up anywhere. */
static char *
entry_path(const char *raw)
{
	for (const char *p = raw; p != NULL; p = strstr(p + 1, "..")) {
		bool starts = p == raw || p[-1] == '/';

		if (starts && str_starts(p, "..") && (p[2] == '/' || p[2] == '\0'))
			return NULL;
	}
	return raw == NULL ? NULL : path_clean(raw);
}

int64_t
archive_room(int dir_fd)
{
	struct statvfs v;

	if (fstatvfs(dir_fd, &v) < 0)
		return INT64_MAX;
	return (int64_t)v.f_bavail * (int64_t)v.f_frsize / 10 * 9;
}

static void
forget_parent(struct unpacking *k)
{
	if (k->parent_fd >= 0)
		close(k->parent_fd);
	free(k->parent);
	k->parent = NULL;
	k->parent_fd = -1;
}

/* name below fd as a folder: what is there, unless it is something else, or a new one. */
static int
enter(int fd, const char *name)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int next = openat(fd, name, flags);

	if (next >= 0)
		return next;
	if ((errno == ENOTDIR || errno == ELOOP) && unlinkat(fd, name, 0) < 0)
		return -1;
	if (mkdirat(fd, name, 0755) < 0 && errno != EEXIST)
		return -1;
	return openat(fd, name, flags);
}

/* Make parent_fd the folder that the first len bytes of path name; 0, or -1 with errno.
 */
static int
enter_parent(struct unpacking *k, const char *path, size_t len)
{
	cleanup_free char *dir = xstrndup(path, len);
	int fd;

	if (k->parent != NULL && str_eq(k->parent, dir))
		return 0;
	forget_parent(k);
	fd = openat(k->u->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (char *p = dir; fd >= 0 && *p != '\0';) {
		size_t n = strcspn(p, "/");
		char end = p[n];
		int next;

		p[n] = '\0';
		next = enter(fd, p);
		close(fd);
		fd = next;
		p[n] = end;
		p += n + (end == '/');
	}
	if (fd < 0)
		return -1;
	k->parent = take(dir);
	k->parent_fd = fd;
	return 0;
}

/* parent_fd and the last part of a clean path. */
static const char *
open_parent(struct unpacking *k, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash == NULL ? 0 : (size_t)(slash - path);

	if (enter_parent(k, path, len) < 0)
		return NULL;
	return slash == NULL ? path : slash + 1;
}

/* Make way for a new file: 0, or -1 with errno. */
static int
clear_name(struct unpacking *k, const char *name)
{
	if (unlinkat(k->parent_fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if ((errno != EISDIR && errno != EPERM) ||
	    unlinkat(k->parent_fd, name, AT_REMOVEDIR) < 0)
		return -1;
	return 0;
}

static struct timespec
entry_time(const struct unpacking *k)
{
	int64_t t = 0;

	if (k->lib.archive_entry_mtime_is_set(k->entry)) {
		time_t s = k->lib.archive_entry_mtime(k->entry);

		/* a hostile time must not overflow the sum */
		if (s > INT32_MAX * INT64_C(2))
			s = INT32_MAX * INT64_C(2);
		t = s < 0 ? 0
			  : (int64_t)s * NS + k->lib.archive_entry_mtime_nsec(k->entry);
	}
	t += k->u->shift_ns;
	if (t < 0)
		t = 0;
	if (t < k->u->not_before_ns)
		t = k->u->not_before_ns;
	return (struct timespec){ .tv_sec = (time_t)(t / NS), .tv_nsec = (long)(t % NS) };
}

static int
copy_content(struct unpacking *k, int fd, const char *path, struct error *err)
{
	const void *data;
	la_int64_t offset;
	size_t len;
	int rc;

	while ((rc = k->lib.archive_read_data_block(k->a, &data, &len, &offset)) ==
	    ARCHIVE_OK) {
		if (is_canceled(k))
			return error_set(err, ERR_CANCELED, "canceled");
		if (k->u->max_bytes > 0 &&
		    k->totals.bytes + (int64_t)len > k->u->max_bytes)
			return error_set(err, ERR_LIMIT,
			    "the archive holds more than the %" PRId64
			    " MB there is room for",
			    k->u->max_bytes / 1000000);
		if (offset < 0 || path_write_fd_at(fd, data, len, offset) < 0)
			return copy_errno(err, "cannot write", path);
		k->totals.bytes += (int64_t)len;
	}
	if (rc != ARCHIVE_EOF)
		return archive_lib_error(&k->lib, k->a, "damaged archive", err);
	return 0;
}

static void
note_made(struct unpacking *k, const char *path)
{
	k->totals.files++;
	if (k->u->made != NULL)
		strlist_add(k->u->made, path);
}

static int
unpack_regular(struct unpacking *k, const char *path, const char *name, struct error *err)
{
	struct timespec times[2];
	cleanup_close int fd = openat(k->parent_fd, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return copy_errno(err, "cannot create", path);
	note_made(k, path);
	if (copy_content(k, fd, path, err) < 0)
		return err->code;
	times[0] = entry_time(k);
	times[1] = times[0];
	if (ftruncate(fd, k->lib.archive_entry_size(k->entry)) < 0 ||
	    fchmod(fd, k->lib.archive_entry_perm(k->entry) & 0777) < 0 ||
	    futimens(fd, times) < 0)
		return copy_errno(err, "cannot write", path);
	return 0;
}

static int
unpack_symlink(struct unpacking *k, const char *path, const char *name, struct error *err)
{
	const char *target = k->lib.archive_entry_symlink(k->entry);
	struct timespec times[2];

	if (target == NULL || symlinkat(target, k->parent_fd, name) < 0) {
		warn(k, path, "its target is no path");
		return 0;
	}
	note_made(k, path);
	times[0] = entry_time(k);
	times[1] = times[0];
	if (utimensat(k->parent_fd, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return copy_errno(err, "cannot write", path);
	return 0;
}

/* Another name of a file of this archive, which was unpacked before it. */
static int
unpack_hardlink(struct unpacking *k, const char *path, const char *target)
{
	cleanup_free char *clean = entry_path(target);
	cleanup_close int from = -1;
	const char *first, *name;
	struct stat st;

	first = clean == NULL ? NULL : open_parent(k, clean);
	if (first == NULL || fstatat(k->parent_fd, first, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(st.st_mode)) {
		warn(k, path, "there is no file it could be a link to");
		return 0;
	}
	from = dup(k->parent_fd);
	name = open_parent(k, path);
	if (name == NULL || clear_name(k, name) < 0 ||
	    linkat(from, first, k->parent_fd, name, 0) < 0) {
		warn(k, path, strerror(errno));
		return 0;
	}
	note_made(k, path);
	return 0;
}

static int
unpack_folder(struct unpacking *k, const char *path, struct error *err)
{
	struct folder *f;

	if (enter_parent(k, path, strlen(path)) < 0) {
		if (errno == ENOSPC || errno == EDQUOT)
			return copy_errno(err, "cannot create folder", path);
		warn(k, path, strerror(errno));
		return 0;
	}
	GROW(k->folders, k->folder_count, k->folder_cap);
	f = &k->folders[k->folder_count++];
	f->path = xstrdup(path);
	f->mode = (k->lib.archive_entry_perm(k->entry) & 0777) | 0700;
	f->mtime = entry_time(k);
	return 0;
}

static int
unpack_into(struct unpacking *k, const char *path, struct error *err)
{
	mode_t type = k->lib.archive_entry_filetype(k->entry);
	const char *hard = k->lib.archive_entry_hardlink(k->entry), *name;

	if (type == AE_IFDIR && hard == NULL)
		return unpack_folder(k, path, err);
	if (hard == NULL && type != AE_IFREG && type != AE_IFLNK) {
		warn(k, path, "it is no file, link or folder");
		return 0;
	}
	if (hard != NULL)
		return unpack_hardlink(k, path, hard);
	name = open_parent(k, path);
	if (name == NULL || clear_name(k, name) < 0) {
		if (errno == ENOSPC || errno == EDQUOT)
			return copy_errno(err, "cannot create", path);
		warn(k, path,
		    errno == ENOTEMPTY || errno == EEXIST
			? "a folder with files is in its place"
			: strerror(errno));
		return 0;
	}
	return type == AE_IFREG ? unpack_regular(k, path, name, err)
				: unpack_symlink(k, path, name, err);
}

static int
unpack_entry(struct unpacking *k, struct error *err)
{
	const char *raw = k->lib.archive_entry_pathname(k->entry);
	cleanup_free char *path = entry_path(raw);

	if (path == NULL) {
		warn(k, raw == NULL ? "a nameless entry" : raw,
		    "it points outside the project folder");
		return 0;
	}
	return str_eq(path, ".") ? 0 : unpack_into(k, path, err);
}

/* Innermost first: setting one's time must not be undone by setting another's mode. */
static void
finish_folders(struct unpacking *k)
{
	for (size_t i = k->folder_count; i-- > 0;) {
		struct folder *f = &k->folders[i];
		struct timespec times[2] = { f->mtime, f->mtime };

		if (enter_parent(k, f->path, strlen(f->path)) == 0 &&
		    (fchmod(k->parent_fd, f->mode) < 0 ||
			futimens(k->parent_fd, times) < 0))
			warn(k, f->path, strerror(errno));
	}
}

static int
unpack_all(struct unpacking *k, struct error *err)
{
	int rc;

	while ((rc = k->lib.archive_read_next_header(k->a, &k->entry)) >= ARCHIVE_WARN &&
	    rc != ARCHIVE_EOF) {
		if (is_canceled(k))
			return error_set(err, ERR_CANCELED, "canceled");
		if (unpack_entry(k, err) < 0)
			return err->code;
	}
	if (rc != ARCHIVE_EOF)
		return archive_lib_error(&k->lib, k->a, "damaged archive", err);
	finish_folders(k);
	return 0;
}

int
archive_unpack(const struct archive_unpack *u, int in_fd, struct archive_totals *out,
    struct error *err)
{
	struct unpacking k = { .u = u, .parent_fd = -1 };
	int rc = archive_lib_read(&k.lib, in_fd, &k.a, err);

	if (rc == 0)
		rc = unpack_all(&k, err);
	if (k.a != NULL)
		(void)k.lib.archive_read_free(k.a);
	archive_lib_close(&k.lib);
	forget_parent(&k);
	for (size_t i = 0; i < k.folder_count; i++)
		free(k.folders[i].path);
	free(k.folders);
	if (rc == 0 && out != NULL)
		*out = k.totals;
	return rc;
}
