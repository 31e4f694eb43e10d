/*
 * The bytes of a layer's tar out of a compressed file, both hashed as they pass and
 * counted against a limit. For layer.c.
 */
#ifndef EXECUTORS_CONTAINER_LAYER_STREAM_H
#define EXECUTORS_CONTAINER_LAYER_STREAM_H

#include <stdatomic.h>

#include "base/archive_lib.h"
#include "base/hash.h"

#define LAYER_STREAM_BLOCK (256 * 1024)

/* Caller's storage; the lib, the file and the flag are the caller's and outlive it. */
struct layer_stream {
	const struct archive_lib *lib;
	struct archive *archive; /* only its decompression is used; NULL: nothing in it */
	int fd;
	uint64_t bytes, max_bytes; /* of what came out */
	const atomic_bool *cancel;
	struct hash blob, diff;
	struct error error; /* why a read failed: libarchive passes only that it did */
	char block[LAYER_STREAM_BLOCK];
};

/* lib, fd, max_bytes and cancel are set, the rest is zero. */
MUST_CHECK int layer_stream_open(struct layer_stream *s, struct error *err);

/* archive_read_callback; data is the stream. */
la_ssize_t layer_stream_read(struct archive *a, void *data, const void **out);

/* Read what is left of both, and hold the digests against those expected (NULL: any). */
MUST_CHECK int layer_stream_end(struct layer_stream *s, const char *blob_digest,
    const char *diff_id, struct error *err);

void layer_stream_close(struct layer_stream *s);

#endif
