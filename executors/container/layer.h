/*
 * A layer of an image, unpacked as a layer of an overlay. What an image says with names,
 * an overlay says otherwise: `.wh.NAME` becomes a device 0:0, `.wh..wh..opq` an extended
 * attribute (github.com/opencontainers/image-spec, layer.md; Linux, overlayfs.rst).
 * Blocks; any thread. Memory does not grow with the layer's files, only with the names of
 * its folders, up to a limit.
 *
 * Who made a layer may wish harm. Nothing is written outside the folder: each name is
 * looked up by the kernel with the folder as the root (openat2), so links lead nowhere
 * else. What cannot be right is refused with the whole layer; the caller throws away what
 * is there by then.
 *
 * Root keeps ids, devices and capabilities. For others everything is their own, which is
 * how a user namespace with one id sees it as root's: then what was another's loses its
 * setuid bit. Devices come as root's files would: mount with nodev.
 */
#ifndef EXECUTORS_CONTAINER_LAYER_H
#define EXECUTORS_CONTAINER_LAYER_H

#include <stdatomic.h>

#include "base/error.h"

struct layer_bounds {     /* 0: the default */
	uint64_t entries; /* 4 million */
	uint64_t bytes;   /* of the layer, decompressed, and of any file: 64 GiB */
	size_t path;      /* bytes of one name: 4000 */
};

struct layer_unpack {
	int dir_fd;              /* an empty folder */
	const char *blob_digest; /* "sha256:…" of the file; NULL: not looked at */
	const char *diff_id;     /* the same of what is compressed in it */
	struct layer_bounds limits;
	const atomic_bool *cancel; /* may be NULL; set by another thread: ERR_CANCELED */
};

struct layer_info {
	uint64_t entries, bytes; /* bytes: on the disk, about */
	bool hides_all;          /* nothing of the layers below it is seen */
	/* What could not be kept, entries each: */
	uint64_t owners; /* belong to others than root in the image, here to one */
	uint64_t devices, capabilities;
};

/*
 * blob_fd is a tar as it is, or compressed by gzip or zstd; read from where it stands.
 * ERR_INVALID: damaged, hostile, or not what the digests say. ERR_LIMIT. ERR_ENVIRONMENT:
 * the disk is full, or the file system cannot hold such layers.
 */
MUST_CHECK int layer_unpack(
    const struct layer_unpack *u, int blob_fd, struct layer_info *out, struct error *err);

#endif
