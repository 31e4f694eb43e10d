/* One text out of a gzip file: reports come that way. */
#include <sys/stat.h>

#include "base/archive.h"
#include "base/archive_lib.h"

struct archive_gunzip {
	struct archive_lib lib;
	struct archive *archive; /* NULL: the file is empty */
};

enum { BLOCK = 64 * 1024 }; /* of a file, at once */

/* From memory, or, where in is NULL, from fd. */
static int
open_raw(struct archive_lib *l, const struct buf *in, int fd, struct archive **out,
    struct error *err)
{
	struct archive_entry *entry;

	if (archive_lib_open(l, err) < 0)
		return err->code;
	*out = l->archive_read_new();
	if (l->archive_read_support_filter_gzip(*out) < ARCHIVE_WARN ||
	    l->archive_read_support_format_raw(*out) < ARCHIVE_WARN ||
	    (in != NULL ? l->archive_read_open_memory(*out, in->data, in->len)
			: l->archive_read_open_fd(*out, fd, BLOCK)) < ARCHIVE_WARN ||
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
	rc = open_raw(&lib, in, -1, &a, err);
	if (rc == 0)
		rc = read_all(&lib, a, max, out, err);
	if (a != NULL)
		(void)lib.archive_read_free(a);
	archive_lib_close(&lib);
	return rc;
}

int
archive_gunzip_open(int fd, struct archive_gunzip **out, struct error *err)
{
	struct archive_gunzip *g;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_errno(err, "cannot look at it");
	g = xcalloc(1, sizeof(*g));
	if (st.st_size > 0 && open_raw(&g->lib, NULL, fd, &g->archive, err) < 0) {
		archive_gunzip_close(g);
		return err->code;
	}
	*out = g;
	return 0;
}

int
archive_gunzip_read(
    struct archive_gunzip *g, void *data, size_t max, size_t *len, struct error *err)
{
	la_ssize_t n =
	    g->archive == NULL ? 0 : g->lib.archive_read_data(g->archive, data, max);

	if (n < 0)
		return archive_lib_error(&g->lib, g->archive, "cannot be unpacked", err);
	*len = (size_t)n;
	return 0;
}

void
archive_gunzip_close(struct archive_gunzip *g)
{
	if (g == NULL)
		return;
	if (g->archive != NULL)
		(void)g->lib.archive_read_free(g->archive);
	archive_lib_close(&g->lib);
	free(g);
}
