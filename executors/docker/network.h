/*
 * The network of a job with services, as the engine is told of it: the first of the job's
 * programs to come makes it, the last to go removes it.
 */
#ifndef EXECUTORS_DOCKER_NETWORK_H
#define EXECUTORS_DOCKER_NETWORK_H

#include "executors/docker/container.h"

struct docker_network {
	char *name;           /* NULL: the job has none of its own */
	struct strlist hosts; /* "NAME:ADDRESS" of what is in there already */
	int users;            /* a lock; -1: none */
};

#define DOCKER_NETWORK_INIT                                                              \
	{                                                                                \
		.users = -1                                                              \
	}

/* Nothing happens when the orders speak of no services. */
MUST_CHECK int docker_network_open(struct engine *e, const struct docker_orders *orders,
    const struct docker_room *room, struct docker_network *out, struct error *err);

/* Unless others are still in it. */
void docker_network_remove(struct engine *e, const struct docker_network *network);
void docker_network_clear(struct docker_network *network);

/* As docker_container_sweep(). */
MUST_CHECK int docker_network_sweep(struct engine *e, struct error *err);

#endif
