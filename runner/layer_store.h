/*
 * Layers kept between jobs, in a folder of their own below a store's: .layers/ID/tree,
 * which never changes once a set names it. A set is a file in some other folder of the
 * store that says which layers make up what was kept; it is replaced whole, so whoever
 * reads it has one state or another. Sets may share layers.
 *
 * What a set names stays; what none names (any more) goes with the next sweep, unless a
 * lease names it: a file that a job holds locked for as long as it uses layers. Blocks;
 * any thread.
 */
#ifndef RUNNER_LAYER_STORE_H
#define RUNNER_LAYER_STORE_H

#include "base/error.h"
#include "base/hash.h"
#include "base/str.h"

#define LAYER_STORE_FOLDER ".layers"
#define LAYER_SET_NAME "layers.set"

struct layer_set {
	struct strlist ids;           /* the top one first; at least one */
	int64_t oldest_ns, newest_ns; /* no file's modification time is outside */
	uint64_t files;               /* of a set of one layer */
	int64_t archive_bytes; /* of the archive of the same files; 0: there is none */
	bool has_whiteouts;
	char paths[HASH_SHA256_HEX]; /* of what it was asked to hold */
	char state[HASH_SHA256_HEX]; /* of what it shows; "-": unknown */
};

#define LAYER_SET_INIT                                                                   \
	{                                                                                \
		.oldest_ns = 0                                                           \
	}

/* ERR_MISSING: there is none. ERR_INVALID: damaged. */
MUST_CHECK int layer_set_read(const char *file, struct layer_set *out, struct error *err);
MUST_CHECK int layer_set_write(
    const char *file, const struct layer_set *set, struct error *err);
void layer_set_clear(struct layer_set *set);
#define cleanup_layer_set __attribute__((cleanup(layer_set_clear)))

/* The folder of a layer's files, malloced. */
char *layer_store_tree(const char *store_dir, const char *id);

/*
 * While the descriptor is open nothing in the store is swept: from reading a set until a
 * lease has its layers, from making a layer until a set names it.
 */
MUST_CHECK int layer_store_hold(const char *store_dir, struct error *err);

/* A new layer: its id, malloced; its tree is an empty folder. Its size is noted later. */
MUST_CHECK int layer_store_new(const char *store_dir, char **id, struct error *err);
MUST_CHECK int layer_store_set_size(
    const char *store_dir, const char *id, uint64_t bytes, struct error *err);
void layer_store_drop(const char *store_dir, const char *id); /* one no set names */

struct layer_lease {
	char *file; /* NULL: none */
	int lock_fd;
};

#define LAYER_LEASE_INIT                                                                 \
	{                                                                                \
		.lock_fd = -1                                                            \
	}

/* Name layers as in use. */
MUST_CHECK int layer_lease_take(const char *store_dir, const struct strlist *ids,
    struct layer_lease *out, struct error *err);
/* The one of a job that another runner has begun. */
MUST_CHECK int layer_lease_take_over(
    const char *file, struct layer_lease *out, struct error *err);
void layer_lease_clear(struct layer_lease *lease);  /* they are used no more */
void layer_lease_forget(struct layer_lease *lease); /* frees; another takes it over */

/* Remove the layers that no set and no lease names. */
void layer_store_sweep(const char *store_dir);

/* What one layer, or all of a store's, take on the disk, about. */
uint64_t layer_store_size_of(const char *store_dir, const char *id);
uint64_t layer_store_size(const char *store_dir);

#endif
