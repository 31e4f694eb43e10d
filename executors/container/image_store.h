/*
 * Images on this machine: fetched once, each layer unpacked once, shared by all jobs and
 * all processes of one user. Below one folder:
 *
 *     blobs/sha256/HEX    manifests, configurations, packed layers, as registries have
 * them layers/HEX/fs       a layer unpacked, by the digest of its content (DiffID)
 *     images/HEX/         one image by the digest of its manifest: what it consists of
 *     names/HEX           what a name stood for when its registry was last asked
 *     pulls/ tmp/ trash/  locks, what is being made, what is being removed
 *
 * A folder in layers/ or images/ is complete: it was made in tmp/ and renamed. Who uses
 * an image holds a lock on it (flock), which ends with the process that has it, so
 * nothing that is in use is ever removed.
 *
 * image_store_get() blocks, for minutes if need be: call it on a worker thread. All calls
 * may be made by any number of threads at a time.
 */
#ifndef EXECUTORS_CONTAINER_IMAGE_STORE_H
#define EXECUTORS_CONTAINER_IMAGE_STORE_H

#include <stdatomic.h>

#include "base/str.h"
#include "executors/container/image_auth.h"
#include "executors/container/image_manifest.h"
#include "executors/container/layer.h"

struct image_store;

/* Names that begin with prefix ("docker.io/library") are asked for at location first,
 * "host[:port][/path]", with the rest of the name. */
struct image_mirror {
	const char *prefix, *location;
};

/* What the owner of the machine says of registries. */
struct image_registries {
	/* "host[:port]" of those that may speak HTTP or have any certificate. This
	 * machine itself (localhost, 127.…, [::1]) always may, as with Docker. */
	const char *const *insecure;
	size_t insecure_count;
	const struct image_mirror *mirrors; /* tried in this order */
	size_t mirror_count;
	/* When a pull has brought the store above that, it is swept down to four fifths
	 * of it, in the background; 0: never. */
	uint64_t high_bytes;
};

/* Everything in it must outlive the store. */
struct image_store_settings {
	const char *dir;    /* made when missing; an absolute path without colons */
	const char *skopeo; /* NULL: "skopeo" */
	struct image_registries registries;
	struct layer_bounds limits;
	int busy_wait_s;  /* how long to bear with a registry that is busy; 0: 600 */
	int stall_wait_s; /* how long one may send nothing; 0: 120 */
};

/* Also puts in order what a crash or a power cut has left. */
MUST_CHECK int image_store_open(
    const struct image_store_settings *s, struct image_store **out, struct error *err);
/* Images stay valid. Waits for what goes on in the background. NULL is fine. */
void image_store_close(struct image_store *s);

enum image_policy {
	IMAGE_ALWAYS, /* the registry is asked what the name stands for now */
	IMAGE_IF_NOT_PRESENT,
	IMAGE_NEVER,
};

/* "always", "if-not-present", "never"; false: none of them. */
bool image_policy_parse(const char *text, enum image_policy *out);

struct image_request {
	const char *name;
	const enum image_policy *policies; /* one after the other until one succeeds */
	size_t policy_count;               /* 0: always */
	const char *platform;              /* NULL, "": this machine's */
	const struct image_auth *auth;     /* may be NULL */
	const char
	    *local_dir; /* as for image_name_parse(): NULL for what strangers write */
};

/* An image that is held. */
struct image_hold;
void image_hold_close(struct image_hold *h); /* NULL is fine */
/* Its lock's descriptor, still the hold's: a process that inherits it holds the image,
 * too, until it has ended. */
int image_hold_fd(const struct image_hold *h);

struct image {
	struct arena *arena; /* owns the strings */
	const char *name;    /* in full: "docker.io/library/ruby:2.7" */
	const char *digest;  /* what its registry calls it, for NAME@digest */
	const char *manifest_digest, *config_digest;
	struct strlist layers; /* folders, the top one first, as an overlay's lowers */
	struct image_config config;
	/* Entries that are not as they should be (layer.h). With owners a program that
	 * becomes another user will not find its files its own. */
	uint64_t owners, devices, capabilities;
	struct image_hold *hold;
};

void image_free(struct image *i); /* closes the hold unless it was taken; NULL is fine */

/* A line for the job's log, without its end; on the thread of image_store_get(). */
typedef void (*image_progress_cb)(const char *line, void *data);

/*
 * The image, ready to be mounted: with mounts in mind, with nodev. cancel may be NULL.
 * The codes are those of image_fetch_manifest(), of layer_unpack(), and ERR_CANCELED.
 */
MUST_CHECK int image_store_get(struct image_store *s, const struct image_request *r,
    image_progress_cb on_progress, void *data, const atomic_bool *cancel,
    struct image **out, struct error *err);

/*
 * When the store takes more than high bytes, remove images, those that were asked for
 * longest ago first, until it takes low or less. Nothing that is held is removed, nor
 * what is_in_use (may be NULL) claims, nor anything while a pull goes on. removed, if
 * not NULL, gets the number of images.
 */
typedef bool (*image_in_use_cb)(const char *manifest_digest, void *data);
MUST_CHECK int image_store_sweep(struct image_store *s, uint64_t high, uint64_t low,
    image_in_use_cb is_in_use, void *data, size_t *removed, struct error *err);

static inline void
image_cleanup(struct image **i)
{
	image_free(*i);
}
#define cleanup_image __attribute__((cleanup(image_cleanup)))

#endif
