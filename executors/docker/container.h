/* The container of one job, as the engine is told of it. */
#ifndef EXECUTORS_DOCKER_CONTAINER_H
#define EXECUTORS_DOCKER_CONTAINER_H

#include "base/buf.h"
#include "executors/docker/engine.h"
#include "executors/docker/orders.h"

#define DOCKER_INIT_INSIDE "/run/pawl-init"
#define DOCKER_ROOM_INSIDE "/run/pawl"
#define DOCKER_SOCKET_NAME "socket"

/* What lies on this machine for it. */
struct docker_room {
	const char *files; /* of the job's variables, seen beside the workspace */
	const char *root;  /* around that; stays for as long as the job lives */
	const char *room;  /* the folder with the socket */
};

/* "pawl-MARKER", malloced. */
char *docker_container_name(const struct docker_room *room);

MUST_CHECK int docker_container_create(struct engine *e,
    const struct docker_orders *orders, const struct docker_room *room,
    struct error *err);
MUST_CHECK int docker_container_start(
    struct engine *e, const char *name, struct error *err);

/* It is gone afterwards, whatever it was doing; fine when there is none. */
MUST_CHECK int docker_container_remove(
    struct engine *e, const char *name, struct error *err);

/*
 * Remove what is left of jobs of this machine whose folders are gone: of a pawl-docker
 * that was killed between two words to the engine.
 */
MUST_CHECK int docker_container_sweep(struct engine *e, struct error *err);

#endif
