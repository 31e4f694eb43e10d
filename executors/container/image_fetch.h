/*
 * Asking registries, by skopeo (github.com/containers/skopeo), which knows their kinds of
 * login, proxies, certificates and the machine's own registries.conf. Blocks.
 */
#ifndef EXECUTORS_CONTAINER_IMAGE_FETCH_H
#define EXECUTORS_CONTAINER_IMAGE_FETCH_H

#include "base/buf.h"

struct image_platform; /* executors/container/image_manifest.h */

struct image_fetch {
	const char *skopeo;           /* the program */
	const char *source;           /* as skopeo takes it: "docker://HOST/PATH:TAG" */
	const char *image, *registry; /* for messages; registry NULL: it is a file */
	const struct image_platform *platform;
	const char *auth; /* docker's config.json, secret; "": go without */
	bool is_insecure; /* HTTP, or a certificate that nobody vouches for, will do */

	/* While it goes on, about four times a second; false: cancel. */
	bool (*on_tick)(void *data);
	/* The registry is asked too often, by us or others, and wants this much time. */
	void (*on_busy)(double seconds, void *data);
	void *data;
};

/*
 * What the source has as its manifest, as it is. Failures are for people and say what to
 * do: ERR_MISSING: no such image. -EACCES: credentials are missing or wrong, or it is no
 * such image. -EHOSTUNREACH: nobody answers, or nobody that can be trusted. -EBUSY: the
 * registry still is asked too often. ERR_ENVIRONMENT: this machine lacks something.
 */
MUST_CHECK int image_fetch_manifest(
    const struct image_fetch *f, struct buf *out, struct error *err);

/* The whole image into a new folder in OCI's layout, its blobs below blob_dir, where
 * those are left as they are that are there. */
MUST_CHECK int image_fetch_copy(const struct image_fetch *f, const char *layout,
    const char *blob_dir, struct error *err);

#endif
