/*
 * Looking into an archive without unpacking it. A zip file is read from its directory at
 * the end: what is in it is found without reading it.
 */
#include <sys/stat.h>

#include "base/archive.h"
#include "base/archive_lib.h"
#include "base/path.h"

static int
read_entry(struct archive_lib *l, struct archive *a, const char *path, size_t max,
    struct buf *out, struct error *err)
{
	const void *data;
	la_int64_t offset;
	size_t len;
	int rc;

	while ((rc = l->archive_read_data_block(a, &data, &len, &offset)) == ARCHIVE_OK) {
		if (out->len + len > max)
			return error_set(
			    err, ERR_LIMIT, "%s: larger than %zu bytes", path, max);
		buf_add(out, data, len);
	}
	return rc == ARCHIVE_EOF ? 0 : archive_lib_error(l, a, "damaged archive", err);
}

/* 1: enough was seen. */
typedef int (*entry_fn)(struct archive_lib *l, struct archive *a,
    struct archive_entry *entry, const char *path, void *data, struct error *err);

/* Each entry whose path stays within; as fn gives it, 0 at the end. */
static int
each_entry(
    struct archive_lib *l, struct archive *a, entry_fn fn, void *data, struct error *err)
{
	struct archive_entry *entry;
	int rc;

	while ((rc = l->archive_read_next_header(a, &entry)) >= ARCHIVE_WARN &&
	    rc != ARCHIVE_EOF) {
		const char *raw = l->archive_entry_pathname(entry);
		cleanup_free char *path = raw == NULL ? NULL : path_clean(raw);
		int told = path == NULL ? 0 : fn(l, a, entry, path, data, err);

		if (told != 0)
			return told;
	}
	return rc == ARCHIVE_EOF ? 0 : archive_lib_error(l, a, "damaged archive", err);
}

static int
look(int in_fd, entry_fn fn, void *data, struct error *err)
{
	struct archive_lib lib = { .handle = NULL };
	struct archive *a = NULL;
	int rc = archive_lib_read(&lib, in_fd, &a, err);

	if (rc == 0)
		rc = each_entry(&lib, a, fn, data, err);
	if (a != NULL)
		(void)lib.archive_read_free(a);
	archive_lib_close(&lib);
	return rc;
}

/* ---- one file --------------------------------------------------------------- */

struct wanted_file {
	const char *path;
	size_t max;
	struct buf *out;
};

static int
take_file(struct archive_lib *l, struct archive *a, struct archive_entry *entry,
    const char *path, void *data, struct error *err)
{
	const struct wanted_file *f = data;
	int rc;

	if (!str_eq(path, f->path) || l->archive_entry_filetype(entry) != AE_IFREG)
		return 0;
	rc = read_entry(l, a, f->path, f->max, f->out, err);
	return rc < 0 ? rc : 1;
}

int
archive_read_file(
    int in_fd, const char *path, size_t max, struct buf *out, struct error *err)
{
	struct wanted_file f = { path, max, out };
	int rc = look(in_fd, take_file, &f, err);

	if (rc == 0)
		return error_set(err, ERR_MISSING, "%s is not in the archive", path);
	return rc < 0 ? rc : 0;
}

/* ---- what is in it ---------------------------------------------------------- */

struct listing {
	archive_list_fn fn;
	void *data;
};

/* What is no file, folder or link is nobody's to see; nor is what points outside. */
static bool
describe(const struct archive_lib *l, struct archive_entry *entry, const char *path,
    struct archive_listed *out)
{
	const mode_t type = l->archive_entry_filetype(entry);

	if (str_eq(path, "."))
		return false;
	if (type != AE_IFREG && type != AE_IFDIR && type != AE_IFLNK)
		return false;
	out->path = path;
	out->is_folder = type == AE_IFDIR;
	out->is_link = type == AE_IFLNK;
	out->mode = l->archive_entry_perm(entry) & 0777;
	out->size = type == AE_IFREG ? l->archive_entry_size(entry) : 0;
	return true;
}

static int
list_entry(struct archive_lib *l, struct archive *a UNUSED, struct archive_entry *entry,
    const char *path, void *data, struct error *err UNUSED)
{
	const struct listing *list = data;
	struct archive_listed listed;

	return describe(l, entry, path, &listed) && !list->fn(&listed, list->data);
}

int
archive_list(int in_fd, archive_list_fn fn, void *data, struct error *err)
{
	struct listing list = { fn, data };
	int rc = look(in_fd, list_entry, &list, err);

	return rc < 0 ? rc : 0;
}
