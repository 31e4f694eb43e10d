/* One text out of a gzip file: reports come that way. */
#include "base/archive.h"
#include "base/archive_lib.h"

static int
open_raw(
    struct archive_lib *l, const struct buf *in, struct archive **out, struct error *err)
{
	struct archive_entry *entry;

	if (archive_lib_open(l, err) < 0)
		return err->code;
	*out = l->archive_read_new();
	if (l->archive_read_support_filter_gzip(*out) < ARCHIVE_WARN ||
	    l->archive_read_support_format_raw(*out) < ARCHIVE_WARN ||
	    l->archive_read_open_memory(*out, in->data, in->len) < ARCHIVE_WARN ||
	    l->archive_read_next_header(*out, &entry) < ARCHIVE_WARN)
		return archive_lib_error(l, *out, "cannot be unpacked", err);
	return 0;
}

static int
read_all(struct archive_lib *l, struct archive *a, size_t max, struct buf *out,
    struct error *err)
{
	char block[8192];
	la_ssize_t n;

	while ((n = l->archive_read_data(a, block, sizeof(block))) > 0) {
		if (out->len + (size_t)n > max)
			return error_set(err, ERR_LIMIT, "is larger than %zu bytes", max);
		buf_add(out, block, (size_t)n);
	}
	return n < 0 ? archive_lib_error(l, a, "cannot be unpacked", err) : 0;
}

int
archive_gunzip(const struct buf *in, size_t max, struct buf *out, struct error *err)
{
	struct archive_lib lib = { .handle = NULL };
	struct archive *a = NULL;
	int rc;

	if (in->len == 0)
		return 0; /* nothing at all is no archive to libarchive */
	rc = open_raw(&lib, in, &a, err);
	if (rc == 0)
		rc = read_all(&lib, a, max, out, err);
	if (a != NULL)
		(void)lib.archive_read_free(a);
	archive_lib_close(&lib);
	return rc;
}
