/* What image_*.c share: places in the store, its locks, its small files. */
#ifndef EXECUTORS_CONTAINER_IMAGE_STORE_INTERNAL_H
#define EXECUTORS_CONTAINER_IMAGE_STORE_INTERNAL_H

#include <pthread.h>

#include "base/map.h"
#include "executors/container/image_fetch.h"
#include "executors/container/image_name.h"
#include "executors/container/image_store.h"

#define IMAGE_HEX 64 /* digits of a digest without "sha256:" */
#define IMAGE_FILE_MAX ((size_t)1 << 20)

struct image_store {
	struct image_store_settings settings;
	char *dir;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct map asking; /* struct asking (image_get.c): names being asked for */
	pthread_t tidier;  /* image_tidy.c */
	bool has_tidier, is_tidying, must_tidy_again;
};

/* DIR/formatted, malloced. */
char *image_store_path(const struct image_store *s, const char *fmt, ...) PRINTF(2, 3);

/* ---- locks (image_lock.c) */

/* For moments only: while it is held no image comes or goes. Closing the descriptor gives
 * it back; -1 with err. */
int image_store_lock(const struct image_store *s, struct error *err);

/* One thing at a time of those that have that name, over all processes: waits. The file
 * is removed with image_lock_end(). */
struct image_lock {
	char *path;
	int fd;
};
MUST_CHECK int image_lock_begin(const struct image_store *s, const char *name,
    const atomic_bool *cancel, struct image_lock *out, struct error *err);
void image_lock_end(struct image_lock *l);

/* ---- small files (image_record.c) */

/* What a name stood for. */
struct image_record {
	const char *digest, *image; /* of the registry; the folder in images/ */
	const char *stamp;          /* of a local file: how it looked; else "" */
};

/* False: there is none, or it cannot be read, which is as good. */
bool image_record_read(const struct image_store *s, const char *name,
    const struct image_platform *platform, struct arena *arena, struct image_record *out);
/* The same by the file, "names/…". */
bool image_record_read_file(const struct image_store *s, const char *file,
    struct arena *arena, struct image_record *out);
MUST_CHECK int image_record_write(const struct image_store *s, const char *name,
    const struct image_platform *platform, const struct image_record *r,
    struct error *err);

/* images/HEX/image.json; digests without "sha256:". */
struct image_parts {
	const char *manifest, *config;
	struct image_strings layers; /* the top one first */
	struct image_strings blobs;  /* all: manifest, configuration, packed layers */
	uint64_t owners, devices, capabilities;
};

MUST_CHECK int image_parts_read(
    const char *folder, struct arena *arena, struct image_parts *out, struct error *err);
MUST_CHECK int image_parts_write(
    const char *folder, const struct image_parts *p, struct error *err);

/* layers/HEX/layer.json */
MUST_CHECK int image_layer_read(
    const char *folder, struct layer_info *out, struct error *err);
MUST_CHECK int image_layer_write(
    const char *folder, const struct layer_info *info, struct error *err);

/* ---- images (image_store.c) */

/* The image of that folder, held; NULL: it is not there as a whole. */
struct image *image_store_load(struct image_store *s, const char *hex);

/* A file or folder of the store ("layers/HEX") into trash/, from where it is removed. */
MUST_CHECK int image_store_discard(
    const struct image_store *s, const char *name, struct error *err);
MUST_CHECK int image_store_empty_trash(const struct image_store *s, struct error *err);

/* For each name in one of the store's folders; the name is "folder/name". */
typedef int (*image_name_cb)(
    const struct image_store *s, const char *name, void *data, struct error *err);
MUST_CHECK int image_store_each(const struct image_store *s, const char *folder,
    image_name_cb on_name, void *data, struct error *err);

/* For names in pulls/: a lock whose holder was killed goes. */
MUST_CHECK int image_lock_forget(
    const struct image_store *s, const char *name, void *data, struct error *err);

/* For names in tmp/: data, if not NULL, a size_t that counts the pulls that live. */
MUST_CHECK int image_store_discard_dead(
    const struct image_store *s, const char *name, void *data, struct error *err);

/* ---- after a pull (image_tidy.c) */

/* What was unpacked before now survives a power cut from now on. */
MUST_CHECK int image_sync_layers(const struct image_store *s, struct error *err);

/* That, and a sweep down to what the settings keep, on a thread of the store. */
void image_tidy_start(struct image_store *s);
void image_tidy_end(struct image_store *s); /* waits for it */

/* ---- pulling (image_pull.c) */

struct image_pull {
	struct image_store *store;
	const struct image_request *request;
	const struct image_name *name;
	const char *text;     /* the name in full */
	const char *platform; /* as it is shown */
	struct image_platform want;
	const atomic_bool *cancel;
	image_progress_cb on_progress;
	void *data;
};

void image_say(const struct image_pull *p, const char *fmt, ...) PRINTF(2, 3);
bool image_is_canceled(const struct image_pull *p);

/* Ask the registry, and fetch what is not there. */
MUST_CHECK int image_pull(
    const struct image_pull *p, struct image **out, struct error *err);

/* Whether "host[:port]/path" begins with all the parts of prefix; the rest, or NULL. */
const char *image_after_prefix(const char *repository, const char *prefix);

/* How a local image looks now, malloced; NULL: it is none, or is not there. */
char *image_pull_stamp(const struct image_name *n);

/* ---- asking (image_ask.c) */

/* Where an image may come from: its own registry, a mirror, a file. Caller's storage. */
struct image_place {
	char *repository, *registry; /* "host[:port]/path", "host[:port]"; NULL: a file */
	struct buf auth;
	bool is_insecure;
};

void image_place_clear(struct image_place *at);
#define cleanup_image_place __attribute__((cleanup(image_place_clear)))

/* What is being fetched, to tell how far it is. */
struct image_transfer {
	const char *layout;             /* the folder it goes to */
	const struct image_blob *blobs; /* NULL: not known */
	size_t blob_count;
};

/* A busy registry is waited for. digest: instead of the name's tag. */
MUST_CHECK int image_ask_manifest(const struct image_pull *p,
    const struct image_place *at, const char *digest, struct buf *out, struct error *err);
MUST_CHECK int image_ask_copy(const struct image_pull *p, const struct image_place *at,
    const char *digest, const struct image_transfer *t, struct error *err);

/* ---- unpacking (image_layers.c) */

/*
 * The layers of diff_ids, packed in blobs (the same number), to layers/: those that are
 * not there yet, several at a time, by way of the folder tmp. -ESTALE: a blob is not what
 * its digest says, and is removed: fetch it again.
 */
MUST_CHECK int image_unpack_layers(const struct image_pull *p, const char *tmp,
    const struct image_strings *diff_ids, const struct image_blob *blobs,
    struct error *err);

/* When the file of a blob is not what its digest says: remove it, and -ESTALE. */
MUST_CHECK int image_blob_check(
    const struct image_store *s, const char *digest, struct error *err);

#endif
