/*
 * Finding the place of an entry below a layer's folder, whatever its name. For layer.c.
 */
#ifndef EXECUTORS_CONTAINER_LAYER_PLACE_H
#define EXECUTORS_CONTAINER_LAYER_PLACE_H

#include "base/error.h"

#define LAYER_WHITEOUT ".wh."
#define LAYER_OPAQUE ".wh..wh..opq"
#define LAYER_AUFS ".wh..wh." /* and others that only aufs reads */

/* Caller's storage: { .root = the layer's folder, .parent_fd = -1 }. */
struct layer_place {
	int root;
	char *parent; /* the folder parent_fd is, as a clean path; "" is root */
	int parent_fd;
	bool is_root; /* this user may set trusted attributes */
};

/* The parts of raw joined by single slashes, malloced: "" for the root itself; NULL when
 * one of them is "..". */
char *layer_place_clean(const char *raw);

/*
 * Makes parent_fd the folder in which the last part of a clean path stands, and gives
 * that part. Folders that are missing are made. Links on the way lead where they would
 * lead a process whose root the layer is. NULL with err: something else is in the way.
 */
const char *layer_place_enter(struct layer_place *p, const char *path, struct error *err);

/* A folder by its clean path, if it is there, as an O_PATH descriptor, the caller's; -1.
 */
int layer_place_look(const struct layer_place *p, const char *path);

/* Whether name in parent_fd is a mark that hides what layers below have. */
bool layer_place_is_whiteout(const struct layer_place *p, const char *name);

/* Nothing of layers below is seen in this folder, an open one. */
MUST_CHECK int layer_place_set_opaque(
    const struct layer_place *p, int fd, const char *path, struct error *err);

/* A new folder where nothing is; opaque: as above. */
MUST_CHECK int layer_place_make_folder(const struct layer_place *p, int fd,
    const char *name, bool opaque, struct error *err);

/* "entry NAME: …" as ERR_INVALID, its name made safe to show. */
int layer_place_refuse(struct error *err, const char *path, const char *why);
/* The same from errno, as ERR_ENVIRONMENT when the disk is full or read-only. */
int layer_place_errno(struct error *err, const char *path);

void layer_place_clear(struct layer_place *p);

#endif
