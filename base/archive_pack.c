/*
 * Packing: tar in the pax format, which alone keeps times to the nanosecond, in zstd; or
 * zip, which everybody can open.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/archive.h"
#include "base/archive_lib.h"
#include "base/copy.h"
#include "base/map.h"

#define BLOCK (128 * 1024)
#define NS INT64_C(1000000000)

struct packing {
	const struct archive_pack *p;
	struct archive_lib lib;
	struct archive *a;
	struct archive_entry *entry;
	struct map
	    linked; /* "dev:ino" of a file with several names → path of the first */
	struct archive_totals totals;
	char *block;
	int out_fd;
};

static bool
is_canceled(const struct packing *k)
{
	return k->p->cancel != NULL && atomic_load(k->p->cancel);
}

static int
set_format(struct packing *k)
{
	const struct archive_lib *l = &k->lib;
	char level[16];

	(void)snprintf(level, sizeof(level), "%d", k->p->level);
	if (k->p->format == ARCHIVE_ZIP)
		return l->archive_write_set_format_zip(k->a) < ARCHIVE_WARN ||
			l->archive_write_set_format_option(
			    k->a, "zip", "compression-level", level) < ARCHIVE_WARN
		    ? -1
		    : 0;
	return l->archive_write_set_format_pax(k->a) < ARCHIVE_WARN ||
		l->archive_write_add_filter_zstd(k->a) < ARCHIVE_WARN ||
		l->archive_write_set_filter_option(
		    k->a, "zstd", "compression-level", level) < ARCHIVE_WARN
	    ? -1
	    : 0;
}

static int
open_archive(struct packing *k, int out_fd, struct error *err)
{
	const struct archive_lib *l = &k->lib;

	if (archive_lib_open(&k->lib, err) < 0)
		return err->code;
	k->a = l->archive_write_new();
	k->entry = l->archive_entry_new();
	if (set_format(k) < 0 ||
	    l->archive_write_set_bytes_per_block(k->a, BLOCK) < ARCHIVE_WARN ||
	    l->archive_write_set_bytes_in_last_block(k->a, 1) < ARCHIVE_WARN ||
	    l->archive_write_open_fd(k->a, out_fd) < ARCHIVE_WARN)
		return archive_lib_error(l, k->a, "cannot create an archive", err);
	return 0;
}

static void
set_time(struct packing *k, const struct stat *st)
{
	int64_t t = (int64_t)st->st_mtim.tv_sec * NS + st->st_mtim.tv_nsec;

	t += k->p->shift_ns;
	if (t < 0)
		t = 0;
	k->lib.archive_entry_set_mtime(k->entry, (time_t)(t / NS), (long)(t % NS));
}

/* The first name of a file seen before under another one; NULL: it is new. */
static const char *
first_name(struct packing *k, const char *path, const struct stat *st)
{
	char id[64];
	const char *first;

	if (st->st_nlink < 2 || k->p->format == ARCHIVE_ZIP)
		return NULL;
	(void)snprintf(
	    id, sizeof(id), "%ju:%ju", (uintmax_t)st->st_dev, (uintmax_t)st->st_ino);
	first = map_get(&k->linked, id);
	if (first == NULL)
		map_set(&k->linked, id, (void *)(uintptr_t)path);
	return first;
}

static int
write_header(struct packing *k, const char *path, const struct stat *st, mode_t type,
    struct error *err)
{
	const struct archive_lib *l = &k->lib;

	l->archive_entry_copy_pathname(k->entry, path);
	l->archive_entry_set_filetype(k->entry, type);
	l->archive_entry_set_perm(k->entry, st->st_mode & 0777);
	set_time(k, st);
	/* WARN is about names that are not ASCII; without a locale it keeps the bytes */
	if (l->archive_write_header(k->a, k->entry) < ARCHIVE_WARN)
		return archive_lib_error(l, k->a, path, err);
	return 0;
}

static int
write_block(
    struct packing *k, const char *path, const char *data, size_t len, struct error *err)
{
	while (len > 0) {
		la_ssize_t n = k->lib.archive_write_data(k->a, data, len);

		if (n <= 0)
			return archive_lib_error(&k->lib, k->a, path, err);
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* By what has come out of the compression so far. */
static bool
is_too_large(const struct packing *k, struct error *err)
{
	off_t size = k->p->max_bytes > 0 ? lseek(k->out_fd, 0, SEEK_CUR) : 0;

	if (size <= k->p->max_bytes)
		return false;
	error_set(err, ERR_LIMIT, "it is larger than the %" PRId64 " MB allowed",
	    k->p->max_bytes / 1000000);
	return true;
}

/* As many bytes as the header says, whatever the file does meanwhile. */
static int
write_content(
    struct packing *k, int fd, const char *path, int64_t size, struct error *err)
{
	while (size > 0) {
		size_t want = size < BLOCK ? (size_t)size : BLOCK;
		ssize_t n = read(fd, k->block, want);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, "cannot read %s", path);
		if (n == 0) { /* it shrank: zeros stand for what is gone */
			memset(k->block, 0, want);
			n = (ssize_t)want;
		}
		if (is_canceled(k))
			return error_set(err, ERR_CANCELED, "canceled");
		if (is_too_large(k, err))
			return err->code;
		if (write_block(k, path, k->block, (size_t)n, err) < 0)
			return err->code;
		size -= n;
	}
	return 0;
}

static int
pack_regular(struct packing *k, const char *path, struct error *err)
{
	cleanup_close int fd =
	    openat(k->p->dir_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	const char *first;
	struct stat st;

	if (fd < 0 && (errno == ENOENT || errno == ELOOP || errno == ENXIO))
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, "cannot read %s", path);
	if (!S_ISREG(st.st_mode))
		return 0;
	k->totals.files++;
	first = first_name(k, path, &st);
	if (first != NULL) {
		k->lib.archive_entry_copy_hardlink(k->entry, first);
		return write_header(k, path, &st, AE_IFREG, err);
	}
	k->totals.bytes += st.st_size;
	k->lib.archive_entry_set_size(k->entry, st.st_size);
	if (write_header(k, path, &st, AE_IFREG, err) < 0)
		return err->code;
	return write_content(k, fd, path, st.st_size, err);
}

static int
pack_link(struct packing *k, const char *path, const struct stat *st, struct error *err)
{
	ssize_t n = readlinkat(k->p->dir_fd, path, k->block, BLOCK - 1);

	if (n < 0)
		return 0; /* gone */
	k->block[n] = '\0';
	k->totals.files++;
	k->lib.archive_entry_copy_symlink(k->entry, k->block);
	return write_header(k, path, st, AE_IFLNK, err);
}

static int
pack_one(struct packing *k, const char *path, struct error *err)
{
	struct stat st;

	k->lib.archive_entry_clear(k->entry);
	if (fstatat(k->p->dir_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return 0;
		return error_errno(err, "cannot read %s", path);
	}
	if (S_ISREG(st.st_mode))
		return pack_regular(k, path, err);
	if (S_ISLNK(st.st_mode))
		return pack_link(k, path, &st, err);
	if (S_ISDIR(st.st_mode))
		return write_header(k, path, &st, AE_IFDIR, err);
	return 0;
}

static int
pack_all(struct packing *k, struct error *err)
{
	for (size_t i = 0; i < k->p->paths->count; i++) {
		if (is_canceled(k))
			return error_set(err, ERR_CANCELED, "canceled");
		if (pack_one(k, k->p->paths->items[i], err) < 0)
			return err->code;
	}
	if (k->lib.archive_write_close(k->a) < ARCHIVE_WARN)
		return archive_lib_error(&k->lib, k->a, "cannot end the archive", err);
	return is_too_large(k, err) ? err->code : 0;
}

int
archive_pack(const struct archive_pack *p, int out_fd, struct archive_totals *out,
    struct error *err)
{
	struct packing k = { .p = p, .linked = MAP_INIT, .out_fd = out_fd };
	int rc = open_archive(&k, out_fd, err);

	k.block = xmalloc(BLOCK);
	if (rc == 0)
		rc = pack_all(&k, err);
	if (k.a != NULL) {
		k.lib.archive_entry_free(k.entry);
		(void)k.lib.archive_write_free(k.a);
	}
	archive_lib_close(&k.lib);
	map_clear(&k.linked);
	free(k.block);
	if (rc == 0 && out != NULL)
		*out = k.totals;
	return rc;
}

/* ---- one file in gzip ------------------------------------------------------ */

static int
gzip_file(struct packing *k, const char *path, int out_fd, struct error *err)
{
	const struct archive_lib *l = &k->lib;

	if (archive_lib_open(&k->lib, err) < 0)
		return err->code;
	k->a = l->archive_write_new();
	k->entry = l->archive_entry_new();
	if (l->archive_write_set_format_raw(k->a) < ARCHIVE_WARN ||
	    l->archive_write_add_filter_gzip(k->a) < ARCHIVE_WARN ||
	    l->archive_write_set_bytes_in_last_block(k->a, 1) < ARCHIVE_WARN ||
	    l->archive_write_open_fd(k->a, out_fd) < ARCHIVE_WARN)
		return archive_lib_error(l, k->a, "cannot create a gzip file", err);
	if (pack_regular(k, path, err) < 0)
		return err->code;
	if (l->archive_write_close(k->a) < ARCHIVE_WARN)
		return archive_lib_error(l, k->a, path, err);
	return 0;
}

int
archive_gzip(int dir_fd, const char *path, const atomic_bool *cancel, int out_fd,
    struct error *err)
{
	const struct archive_pack p = {
		.format = ARCHIVE_ZIP, .dir_fd = dir_fd, .cancel = cancel
	};
	struct packing k = { .p = &p, .linked = MAP_INIT };
	int rc;

	k.block = xmalloc(BLOCK);
	rc = gzip_file(&k, path, out_fd, err);
	if (k.a != NULL) {
		k.lib.archive_entry_free(k.entry);
		(void)k.lib.archive_write_free(k.a);
	}
	archive_lib_close(&k.lib);
	free(k.block);
	return rc;
}
