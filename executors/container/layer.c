/* Entry by entry from a tar into a folder. */
#include "executors/container/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/archive_lib.h"
#include "base/copy.h"
#include "base/path.h"
#include "base/str.h"
#include "executors/container/layer_place.h"
#include "executors/container/layer_stream.h"

#define MAX_FOLDER_NAMES ((size_t)256 << 20) /* bytes of all their paths */
#define XATTR_CAPABILITY "security.capability"

/* A folder's mode and time are set when nothing more is put into it. */
struct folder {
	char *path;
	size_t index;
	ino_t ino; /* another is in its place by then: leave that alone */
	mode_t mode;
	struct timespec mtime;
};

struct unpacking {
	const struct layer_unpack *u;
	struct layer_bounds limits;
	struct archive_lib lib;
	struct layer_stream *stream;
	struct archive *a;
	struct archive_entry *entry;
	struct layer_place place;
	struct layer_info info;
	struct folder *folders;
	size_t folder_count, folder_cap, folder_bytes;
	bool keeps_ids;  /* root; else all is the caller's */
	bool lost_owner; /* the entry in hand belongs to another than it should */
};

static bool
is_canceled(const struct unpacking *k)
{
	return k->u->cancel != NULL && atomic_load(k->u->cancel);
}

static struct timespec
entry_time(const struct unpacking *k)
{
	struct timespec t = { .tv_sec = 0 };

	if (!k->lib.archive_entry_mtime_is_set(k->entry))
		return t;
	t.tv_sec = k->lib.archive_entry_mtime(k->entry);
	t.tv_nsec = k->lib.archive_entry_mtime_nsec(k->entry);
	/* what file systems can hold, and programs bear */
	if (t.tv_sec < 0 || t.tv_sec > INT32_MAX * INT64_C(2))
		t = (struct timespec){ .tv_sec = 0 };
	if (t.tv_nsec < 0 || t.tv_nsec > 999999999)
		t.tv_nsec = 0;
	return t;
}

static bool
is_foreign_id(int64_t id)
{
	return id < 0 || id >= UINT32_MAX;
}

/* Root of a user namespace may not have all ids. */
static int
set_owner(struct unpacking *k, const char *path, const char *name, struct error *err)
{
	int64_t uid = k->lib.archive_entry_uid(k->entry);
	int64_t gid = k->lib.archive_entry_gid(k->entry);

	k->lost_owner = false;
	if (is_foreign_id(uid) || is_foreign_id(gid))
		return layer_place_refuse(err, path, "its owner's number is none");
	if (k->keeps_ids &&
	    fchownat(k->place.parent_fd, name, (uid_t)uid, (gid_t)gid,
		AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if (k->keeps_ids && errno != EPERM && errno != EINVAL)
		return layer_place_errno(err, path);
	k->lost_owner = uid != 0 || gid != 0;
	k->info.owners += k->lost_owner;
	return 0;
}

/* Once its owner is set. A file that came to belong to another must not turn who runs it
 * into that one. */
static mode_t
entry_mode(const struct unpacking *k)
{
	mode_t mode = k->lib.archive_entry_perm(k->entry) & 07777;

	return k->lost_owner ? mode & (mode_t) ~(S_ISUID | S_ISGID) : mode;
}

/* Attributes that are the overlay's own would let a layer speak to the kernel. */
static bool
is_wanted_xattr(const char *name)
{
	return str_eq(name, XATTR_CAPABILITY) ||
	    (str_starts(name, "user.") && !str_starts(name, "user.overlay."));
}

static int
set_xattrs(struct unpacking *k, int fd, const char *path, struct error *err)
{
	const char *name;
	const void *value;
	size_t len;

	k->lib.archive_entry_xattr_reset(k->entry);
	while (k->lib.archive_entry_xattr_next(k->entry, &name, &value, &len) ==
	    ARCHIVE_OK) {
		if (name == NULL || !is_wanted_xattr(name))
			continue;
		if (fsetxattr(fd, name, value, len, 0) == 0)
			continue;
		if (errno == ENOSPC || errno == EDQUOT || errno == EIO)
			return layer_place_errno(err, path);
		if (str_eq(name, XATTR_CAPABILITY))
			k->info.capabilities++;
	}
	return 0;
}

/* Why libarchive stopped. */
static int
damaged(struct unpacking *k, struct error *err)
{
	if (k->stream->error.code == 0)
		return archive_lib_error(&k->lib, k->a, "the layer is damaged", err);
	*err = k->stream->error;
	return err->code;
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
		if (offset < 0 || path_write_fd_at(fd, data, len, offset) < 0)
			return layer_place_errno(err, path);
		k->info.bytes += len;
	}
	return rc == ARCHIVE_EOF ? 0 : damaged(k, err);
}

static int
unpack_file(struct unpacking *k, const char *path, const char *name, struct error *err)
{
	int64_t size = k->lib.archive_entry_size(k->entry);
	struct timespec times[2] = { entry_time(k), entry_time(k) };
	cleanup_close int fd = -1;

	if (size < 0 || (uint64_t)size > k->limits.bytes)
		return layer_place_refuse(err, path, "the file is too large");
	fd = openat(k->place.parent_fd, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return layer_place_errno(err, path);
	if (copy_content(k, fd, path, err) < 0 || set_owner(k, path, name, err) < 0)
		return err->code;
	/* in this order: a change of owner takes setuid and capabilities away */
	if (ftruncate(fd, size) < 0 || fchmod(fd, entry_mode(k)) < 0)
		return layer_place_errno(err, path);
	if (set_xattrs(k, fd, path, err) < 0)
		return err->code;
	return futimens(fd, times) < 0 ? layer_place_errno(err, path) : 0;
}

static int
unpack_symlink(struct unpacking *k, const char *path, const char *name, struct error *err)
{
	const char *target = k->lib.archive_entry_symlink(k->entry);
	struct timespec times[2] = { entry_time(k), entry_time(k) };

	if (target == NULL || *target == '\0')
		return layer_place_refuse(err, path, "it is a link to nothing");
	if (symlinkat(target, k->place.parent_fd, name) < 0)
		return errno == ENAMETOOLONG
		    ? layer_place_refuse(err, path, "it is a link to a name too long")
		    : layer_place_errno(err, path);
	if (set_owner(k, path, name, err) < 0)
		return err->code;
	if (utimensat(k->place.parent_fd, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return layer_place_errno(err, path);
	return 0;
}

/* A pipe or a device. A container gets its own /dev: not to have one is no harm. */
static int
unpack_node(struct unpacking *k, const char *path, const char *name, mode_t type,
    struct error *err)
{
	struct timespec times[2] = { entry_time(k), entry_time(k) };
	dev_t dev = type == S_IFIFO
	    ? 0
	    : makedev((unsigned)k->lib.archive_entry_rdevmajor(k->entry),
		  (unsigned)k->lib.archive_entry_rdevminor(k->entry));

	if (type != S_IFIFO && !k->keeps_ids) {
		k->info.devices++;
		return 0;
	}
	if (mknodat(k->place.parent_fd, name, type | 0600, dev) < 0) {
		if (type == S_IFIFO || errno != EPERM)
			return layer_place_errno(err, path);
		k->info.devices++;
		return 0;
	}
	if (set_owner(k, path, name, err) < 0)
		return err->code;
	/* fchmodat() follows links, and this is none */
	if (fchmodat(k->place.parent_fd, name, entry_mode(k), 0) < 0 ||
	    utimensat(k->place.parent_fd, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return layer_place_errno(err, path);
	return 0;
}

/* Another name of what this layer has already. */
static int
unpack_hardlink(struct unpacking *k, const char *path, struct error *err)
{
	const char *raw = k->lib.archive_entry_hardlink(k->entry), *first, *name;
	cleanup_free char *target = layer_place_clean(raw);
	cleanup_close int from = -1;
	struct stat st;

	if (target == NULL || *target == '\0' || strlen(target) > k->limits.path)
		return layer_place_refuse(err, path, "it is a link to outside the layer");
	if (str_eq(target, path))
		return 0;
	first = layer_place_enter(&k->place, target, err);
	if (first == NULL)
		return err->code;
	if (fstatat(k->place.parent_fd, first, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    S_ISDIR(st.st_mode))
		return layer_place_refuse(
		    err, path, "it is a hard link to what is no file of the layer");
	from = openat(k->place.parent_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	name = layer_place_enter(&k->place, path, err);
	if (name == NULL)
		return err->code;
	if (from < 0 || path_remove_tree(k->place.parent_fd, name, err) < 0)
		return from < 0 ? layer_place_errno(err, path) : err->code;
	if (linkat(from, first, k->place.parent_fd, name, 0) < 0)
		return layer_place_errno(err, path);
	return 0;
}

static int
note_folder(
    struct unpacking *k, const char *path, const struct stat *st, struct error *err)
{
	struct folder *f;

	k->folder_bytes += strlen(path) + 1;
	if (k->folder_bytes > MAX_FOLDER_NAMES)
		return error_set(err, ERR_LIMIT, "the layer has too many folders");
	GROW(k->folders, k->folder_count, k->folder_cap);
	f = &k->folders[k->folder_count++];
	f->path = xstrdup(path);
	f->index = k->folder_count;
	f->ino = st->st_ino;
	f->mode = entry_mode(k);
	f->mtime = entry_time(k);
	return 0;
}

static int
unpack_folder(struct unpacking *k, const char *path, const char *name, struct error *err)
{
	bool hidden = layer_place_is_whiteout(&k->place, name);
	int parent = k->place.parent_fd;
	cleanup_close int fd = -1;
	struct stat st;

	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode)) {
		if (unlinkat(parent, name, 0) < 0 && errno != ENOENT)
			return layer_place_errno(err, path);
		if (layer_place_make_folder(&k->place, parent, name, hidden, err) < 0)
			return err->code;
	}
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return layer_place_errno(err, path);
	if (set_owner(k, path, name, err) < 0 || set_xattrs(k, fd, path, err) < 0)
		return err->code;
	return note_folder(k, path, &st, err);
}

/* The layer's own folder: what the container's / looks like. */
static int
unpack_root(struct unpacking *k, struct error *err)
{
	struct stat st;

	if (k->lib.archive_entry_filetype(k->entry) != AE_IFDIR)
		return layer_place_refuse(err, "/", "it is no folder");
	if (layer_place_enter(&k->place, "x", err) == NULL)
		return err->code;
	if (fstatat(k->place.parent_fd, ".", &st, 0) < 0)
		return layer_place_errno(err, "/");
	if (set_owner(k, "/", ".", err) < 0)
		return err->code;
	return note_folder(k, "", &st, err);
}

static int
set_opaque(struct unpacking *k, const char *path, struct error *err)
{
	if (strchr(path, '/') == NULL) {
		k->info.hides_all = true;
		return 0;
	}
	return layer_place_set_opaque(&k->place, k->place.parent_fd, path, err);
}

/* What layers below have as hidden is not seen. It says nothing of this layer's own, so
 * where that is a folder, it is one that begins anew. */
static int
unpack_whiteout(
    struct unpacking *k, const char *path, const char *hidden, struct error *err)
{
	cleanup_close int fd = -1;
	int parent = k->place.parent_fd;

	if (*hidden == '\0' || str_eq(hidden, ".") || str_eq(hidden, ".."))
		return layer_place_refuse(err, path, "it hides no valid name");
	if (mknodat(parent, hidden, S_IFCHR, makedev(0, 0)) == 0)
		return 0;
	if (errno == EPERM)
		return error_set(err, ERR_ENVIRONMENT,
		    "cannot unpack images here: making the overlay's marks (mknod of a "
		    "device 0:0) is not allowed (Linux 5.8)");
	if (errno != EEXIST)
		return layer_place_errno(err, path);
	fd = openat(parent, hidden, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? 0 : layer_place_set_opaque(&k->place, fd, path, err);
}

static int
unpack_at(struct unpacking *k, const char *path, const char *name, struct error *err)
{
	mode_t type = k->lib.archive_entry_filetype(k->entry);

	if (str_eq(name, LAYER_OPAQUE))
		return set_opaque(k, path, err);
	if (str_starts(name, LAYER_WHITEOUT))
		return unpack_whiteout(k, path, name + strlen(LAYER_WHITEOUT), err);
	if (k->lib.archive_entry_hardlink(k->entry) != NULL)
		return unpack_hardlink(k, path, err);
	if (type == AE_IFDIR)
		return unpack_folder(k, path, name, err);
	if (path_remove_tree(k->place.parent_fd, name, err) < 0)
		return err->code;
	switch (type) {
	case AE_IFREG:
		return unpack_file(k, path, name, err);
	case AE_IFLNK:
		return unpack_symlink(k, path, name, err);
	case AE_IFIFO:
		return unpack_node(k, path, name, S_IFIFO, err);
	case AE_IFCHR:
		return unpack_node(k, path, name, S_IFCHR, err);
	case AE_IFBLK:
		return unpack_node(k, path, name, S_IFBLK, err);
	default:
		return layer_place_refuse(err, path, "it is of no known kind");
	}
}

/* Notes that aufs, a file system, kept for itself. */
static bool
is_aufs(const char *path)
{
	const char *p = path;

	while (p != NULL) {
		if (str_starts(p, LAYER_AUFS) && !str_eq(p, LAYER_OPAQUE))
			return true;
		p = strchr(p, '/');
		if (p != NULL)
			p++;
	}
	return false;
}

static int
unpack_entry(struct unpacking *k, struct error *err)
{
	const char *raw = k->lib.archive_entry_pathname(k->entry), *name;
	cleanup_free char *path = raw == NULL ? NULL : layer_place_clean(raw);

	if (++k->info.entries > k->limits.entries)
		return error_set(err, ERR_LIMIT,
		    "the layer has more than %" PRIu64 " entries", k->limits.entries);
	k->info.bytes += 4096; /* what a name, and a file's last block, take about */
	if (raw == NULL)
		return error_set(err, ERR_INVALID, "an entry without a name is refused");
	if (path == NULL)
		return layer_place_refuse(err, raw, "it leads out of the layer");
	if (strlen(path) > k->limits.path)
		return layer_place_refuse(err, path, "its name is too long");
	if (*path == '\0')
		return unpack_root(k, err);
	if (is_aufs(path))
		return 0;
	name = layer_place_enter(&k->place, path, err);
	return name == NULL ? err->code : unpack_at(k, path, name, err);
}

/* Innermost first: a folder may close itself for those who come later. What was said of
 * one last comes last. */
static int
compare_folders(const void *x, const void *y)
{
	const struct folder *a = x, *b = y;
	size_t m = strlen(a->path), n = strlen(b->path);

	if (m != n)
		return m > n ? -1 : 1;
	return a->index < b->index ? -1 : 1;
}

static int
finish_folder(struct unpacking *k, const struct folder *f, struct error *err)
{
	struct timespec times[2] = { f->mtime, f->mtime };
	cleanup_close int fd = layer_place_look(&k->place, f->path);
	cleanup_free char *link = xasprintf("/proc/self/fd/%d", fd);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_ino != f->ino)
		return 0;
	if (chmod(link, f->mode) < 0 || utimensat(AT_FDCWD, link, times, 0) < 0)
		return layer_place_errno(err, f->path);
	return 0;
}

static int
finish_folders(struct unpacking *k, struct error *err)
{
	if (k->folder_count > 0)
		qsort(k->folders, k->folder_count, sizeof(*k->folders), compare_folders);
	for (size_t i = 0; i < k->folder_count; i++)
		if (finish_folder(k, &k->folders[i], err) < 0)
			return err->code;
	return 0;
}

static int
unpack_entries(struct unpacking *k, struct error *err)
{
	int rc;

	/* ARCHIVE_RETRY would be: after some damage */
	while ((rc = k->lib.archive_read_next_header(k->a, &k->entry)) == ARCHIVE_OK ||
	    rc == ARCHIVE_WARN) {
		if (is_canceled(k))
			return error_set(err, ERR_CANCELED, "canceled");
		if (unpack_entry(k, err) < 0)
			return err->code;
	}
	return rc == ARCHIVE_EOF ? finish_folders(k, err) : damaged(k, err);
}

static int
unpack_stream(struct unpacking *k, struct error *err)
{
	if (layer_stream_open(k->stream, err) < 0)
		return err->code;
	if (k->stream->archive != NULL) { /* else there is nothing in it */
		k->a = k->lib.archive_read_new();
		if (k->lib.archive_read_support_format_tar(k->a) < ARCHIVE_WARN ||
		    k->lib.archive_read_open(
			k->a, k->stream, NULL, layer_stream_read, NULL) < ARCHIVE_WARN)
			return damaged(k, err);
		if (unpack_entries(k, err) < 0)
			return err->code;
	}
	return layer_stream_end(k->stream, k->u->blob_digest, k->u->diff_id, err);
}

static struct layer_bounds
limits_of(const struct layer_unpack *u)
{
	struct layer_bounds l = u->limits;

	if (l.entries == 0)
		l.entries = UINT64_C(4) << 20;
	if (l.bytes == 0)
		l.bytes = UINT64_C(64) << 30;
	if (l.path == 0 || l.path > 4000)
		l.path = 4000;
	return l;
}

static void
clear(struct unpacking *k)
{
	if (k->a != NULL)
		(void)k->lib.archive_read_free(k->a);
	layer_stream_close(k->stream);
	free(k->stream);
	archive_lib_close(&k->lib);
	layer_place_clear(&k->place);
	for (size_t i = 0; i < k->folder_count; i++)
		free(k->folders[i].path);
	free(k->folders);
}

int
layer_unpack(
    const struct layer_unpack *u, int blob_fd, struct layer_info *out, struct error *err)
{
	bool is_root = geteuid() == 0;
	struct unpacking k = { .u = u,
		.limits = limits_of(u),
		.place = { .root = u->dir_fd, .parent_fd = -1, .is_root = is_root },
		.keeps_ids = is_root };
	int rc = archive_lib_open(&k.lib, err);

	if (rc < 0) {
		archive_lib_close(&k.lib);
		return rc;
	}
	k.stream = xcalloc(1, sizeof(*k.stream));
	k.stream->lib = &k.lib;
	k.stream->fd = blob_fd;
	k.stream->max_bytes = k.limits.bytes;
	k.stream->cancel = u->cancel;
	rc = unpack_stream(&k, err);
	if (rc == 0 && out != NULL)
		*out = k.info;
	clear(&k);
	return rc;
}
