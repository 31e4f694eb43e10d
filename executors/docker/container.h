/* The container of a job, or of a service of it, as the engine is told of it. */
#ifndef EXECUTORS_DOCKER_CONTAINER_H
#define EXECUTORS_DOCKER_CONTAINER_H

#include "base/buf.h"
#include "executors/docker/engine.h"
#include "executors/docker/orders.h"

#define DOCKER_INIT_INSIDE "/run/pawl-init"
#define DOCKER_ROOM_INSIDE "/run/pawl"
#define DOCKER_SOCKET_NAME "socket"
#define DOCKER_SOCKET_INSIDE DOCKER_ROOM_INSIDE "/" DOCKER_SOCKET_NAME

/* What lies on this machine for it. */
struct docker_room {
	const char *files; /* of the job's variables, seen beside the workspace */
	const char *root;  /* around that; stays for as long as the job lives */
	const char *room;  /* the folder with the socket */
};

struct docker_shared; /* executors/docker/shared.h */
struct json_writer;

/* "pawl-MARKER", of a service "pawl-MARKER-SLOT"; malloced. */
char *docker_container_name(const struct docker_room *room, int64_t slot);

struct docker_created {
	char *id;                /* the engine's; "": it did not say */
	struct strlist warnings; /* what it will not do, and goes on without */
};

/* out is zeroed; its parts are the caller's to free. */
MUST_CHECK int docker_container_create(struct engine *e,
    const struct docker_orders *orders, const struct docker_room *room,
    const struct docker_shared *shared, struct docker_created *out, struct error *err);
MUST_CHECK int docker_container_start(
    struct engine *e, const char *name, struct error *err);

/* It is gone afterwards, whatever it was doing; fine when there is none. */
MUST_CHECK int docker_container_remove(
    struct engine *e, const char *name, struct error *err);

/* {"pawl.job": …}, by which a sweep finds what belongs to a job. */
void docker_labels_write(struct json_writer *w, const struct docker_orders *orders,
    const struct docker_room *room);

/* How a kind of things is asked for, and removed. */
struct docker_sweep {
	const char *path; /* GET path, to which a filter is added, */
	const char *list; /* gives a list below this key; NULL: a list, */
	const char *key;  /* of things that are called by this */
	int (*remove)(struct engine *e, const char *id, struct error *err);
};

/* Remove what bears the labels of jobs of this machine whose folders are gone. */
MUST_CHECK int docker_labels_sweep(
    struct engine *e, const struct docker_sweep *what, struct error *err);

/*
 * Remove what is left of jobs of this machine whose folders are gone: of a pawl-docker
 * that was killed between two words to the engine.
 */
MUST_CHECK int docker_container_sweep(struct engine *e, struct error *err);

#endif
