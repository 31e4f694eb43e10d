/*
 * What the containers of a job share, as the engine is told of it: the network of a job
 * with services, and volumes. The first of the job's programs to come makes them, the
 * last to go removes them.
 */
#ifndef EXECUTORS_DOCKER_SHARED_H
#define EXECUTORS_DOCKER_SHARED_H

#include "executors/docker/container.h"

struct docker_shared {
	char *network;          /* NULL: the job has none of its own */
	struct strlist hosts;   /* "NAME:ADDRESS" of what is in there already */
	struct strlist volumes; /* their names, in the order of the orders' own */
	int users;              /* a lock; -1: nothing is shared */
};

#define DOCKER_SHARED_INIT                                                               \
	{                                                                                \
		.users = -1                                                              \
	}

MUST_CHECK int docker_shared_open(struct engine *e, const struct docker_orders *orders,
    const struct docker_room *room, struct docker_shared *out, struct error *err);

/* Unless others still use it. */
void docker_shared_remove(struct engine *e, const struct docker_shared *shared);
void docker_shared_clear(struct docker_shared *shared);

/* As docker_container_sweep(). */
MUST_CHECK int docker_shared_sweep(struct engine *e, struct error *err);

#endif
