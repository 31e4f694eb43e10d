/*
 * The name of an image as `image:` has it. Read as Docker reads it (the grammar of
 * github.com/distribution/reference): "ruby:2.7" is docker.io/library/ruby:2.7. Where the
 * caller allows it, also one that lies on this machine: `oci:PATH[:TAG]` for a folder in
 * OCI's layout, `oci-archive:PATH[:TAG]` and `docker-archive:PATH[:NAME:TAG]` for files,
 * PATH starting with "/", "./" or "../".
 */
#ifndef EXECUTORS_CONTAINER_IMAGE_NAME_H
#define EXECUTORS_CONTAINER_IMAGE_NAME_H

#include "base/error.h"

enum image_kind {
	IMAGE_REGISTRY,
	IMAGE_OCI_FOLDER,
	IMAGE_OCI_ARCHIVE,
	IMAGE_DOCKER_ARCHIVE,
};

/* Malloced strings; NULL: has none. */
struct image_name {
	enum image_kind kind;
	char *registry; /* host[:port]; "docker.io" for Docker's own */
	char *path;   /* in the registry; of a local one the absolute path of the file */
	char *tag;    /* "latest" when neither tag nor digest is given */
	char *digest; /* "sha256:" and 64 digits */
};

/*
 * local_dir: what relative paths of local names start from; NULL: there are no local
 * names, because who wrote the text must not name files of this machine. ERR_INVALID.
 */
MUST_CHECK int image_name_parse(
    const char *text, const char *local_dir, struct image_name *out, struct error *err);
void image_name_clear(struct image_name *n); /* a zeroed one is fine */

/* The one way to write it in full, malloced: all texts for an image give the same. */
char *image_name_text(const struct image_name *n);

/* "registry/path", malloced; of a local one NULL. */
char *image_name_repository(const struct image_name *n);

/* The name as skopeo takes it, malloced. repository, if not NULL, stands for its own;
 * digest, if not NULL, for tag and digest. */
char *image_name_source(
    const struct image_name *n, const char *repository, const char *digest);

/* "sha256:" and 64 digits in lower case? */
bool image_digest_is_valid(const char *digest);

#define cleanup_image_name __attribute__((cleanup(image_name_clear)))

#endif
