/* libarchive twice: once to decompress here, once to read the tar in layer.c; between the
 * two the bytes are hashed. */
#include "executors/container/layer_stream.h"

#include <errno.h>
#include <unistd.h>

#include "base/str.h"

static bool
is_canceled(struct layer_stream *s)
{
	if (s->cancel == NULL || !atomic_load(s->cancel))
		return false;
	(void)error_set(&s->error, ERR_CANCELED, "canceled");
	return true;
}

static ssize_t
read_blob(struct layer_stream *s)
{
	ssize_t n;

	do
		n = read(s->fd, s->block, sizeof(s->block));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		(void)error_errno(&s->error, "cannot read the layer's file");
	else
		hash_add(&s->blob, s->block, (size_t)n);
	return n;
}

static la_ssize_t
on_read_blob(struct archive *a, void *data, const void **out)
{
	struct layer_stream *s = data;

	(void)a;
	*out = s->block;
	return is_canceled(s) ? -1 : read_blob(s);
}

static int
fail(struct layer_stream *s, struct error *err)
{
	if (s->error.code != 0) {
		*err = s->error;
		return err->code;
	}
	return archive_lib_error(
	    s->lib, s->archive, "the layer cannot be decompressed", err);
}

int
layer_stream_open(struct layer_stream *s, struct error *err)
{
	const struct archive_lib *l = s->lib;
	struct archive_entry *entry;
	int rc;

	hash_init(&s->blob);
	hash_init(&s->diff);
	s->archive = l->archive_read_new();
	if (l->archive_read_support_filter_gzip(s->archive) < ARCHIVE_WARN ||
	    l->archive_read_support_filter_zstd(s->archive) < ARCHIVE_WARN ||
	    l->archive_read_support_format_raw(s->archive) < ARCHIVE_WARN ||
	    l->archive_read_support_format_empty(s->archive) < ARCHIVE_WARN ||
	    l->archive_read_open(s->archive, s, NULL, on_read_blob, NULL) < ARCHIVE_WARN)
		return fail(s, err);
	rc = l->archive_read_next_header(s->archive, &entry);
	if (rc == ARCHIVE_EOF) { /* an empty file, or nothing compressed */
		(void)l->archive_read_free(s->archive);
		s->archive = NULL;
		return 0;
	}
	return rc < ARCHIVE_WARN ? fail(s, err) : 0;
}

la_ssize_t
layer_stream_read(struct archive *a, void *data, const void **out)
{
	struct layer_stream *s = data;
	la_int64_t offset;
	size_t len = 0;
	int rc = ARCHIVE_EOF;

	(void)a;
	if (is_canceled(s))
		return -1;
	while (s->archive != NULL &&
	    (rc = s->lib->archive_read_data_block(s->archive, out, &len, &offset)) >=
		ARCHIVE_WARN &&
	    rc != ARCHIVE_EOF && len == 0)
		;
	if (rc == ARCHIVE_EOF)
		return 0;
	if (rc < ARCHIVE_WARN) {
		if (s->error.code == 0)
			(void)archive_lib_error(s->lib, s->archive,
			    "the layer cannot be decompressed", &s->error);
		return -1;
	}
	hash_add(&s->diff, *out, len);
	s->bytes += len;
	if (s->bytes > s->max_bytes) {
		(void)error_set(&s->error, ERR_LIMIT,
		    "the layer is larger than %" PRIu64 " MiB", s->max_bytes >> 20);
		return -1;
	}
	return (la_ssize_t)len;
}

static int
compare(struct hash *h, const char *expected, const char *what, struct error *err)
{
	char hex[HASH_SHA256_HEX];

	hash_end_hex(h, hex);
	if (expected == NULL ||
	    (str_starts(expected, "sha256:") && str_eq(expected + 7, hex)))
		return 0;
	return error_set(err, ERR_INVALID,
	    "%s is not what the image says: its digest should be %s and is sha256:%s",
	    what, expected, hex);
}

int
layer_stream_end(struct layer_stream *s, const char *blob_digest, const char *diff_id,
    struct error *err)
{
	const void *rest;
	la_ssize_t n;

	while ((n = layer_stream_read(NULL, s, &rest)) > 0)
		;
	/* what a decompressor leaves behind the end of its data belongs to the file */
	while (n == 0 && !is_canceled(s) && (n = read_blob(s)) > 0)
		n = 0;
	if (s->error.code != 0) {
		*err = s->error;
		return err->code;
	}
	if (compare(&s->blob, blob_digest, "the layer's file", err) < 0)
		return err->code;
	return compare(&s->diff, diff_id, "the layer's content", err);
}

void
layer_stream_close(struct layer_stream *s)
{
	if (s->archive != NULL)
		(void)s->lib->archive_read_free(s->archive);
	s->archive = NULL;
}
