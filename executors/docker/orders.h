/* What pawl-docker is told (executors/orders.h). */
#ifndef EXECUTORS_DOCKER_ORDERS_H
#define EXECUTORS_DOCKER_ORDERS_H

#include "executors/orders.h"

struct docker_orders {
	char *host, *cert_dir;     /* as of engine_open() */
	char *image;               /* its id */
	char *platform, *user;     /* NULL: as the image has it */
	char *network;             /* the engine's word; NULL: its usual one */
	int64_t has_services;      /* it is in a network of its own with them instead */
	int64_t offline;           /* which leads nowhere else */
	int64_t slot;              /* 0: the job; 1, 2, …: its services */
	struct strlist names;      /* by which the others in that network know it */
	struct strlist services;   /* of the job, "SLOT NAME" */
	char *job;                 /* its number, for people */
	char *init;                /* pawl-init */
	char *pid_namespace;       /* of this machine */
	char *work_dir;            /* the workspace; NULL: it has none */
	char *project_dir;         /* where the job sees it */
	struct strlist entrypoint; /* before pawl-init; it wants INIT_HELLO */
	struct strlist shown;      /* folders the workspace refers to */
	/* see volume.h: where the job's own are, and FROM, TO, FROM, TO… of others */
	struct strlist own_volumes, binds, read_only_binds;
	int64_t privileged;
	int64_t memory_limit, cpu_limit, pids_limit; /* as of struct limits; 0: none */
};

#define DOCKER_ORDERS_INIT                                                               \
	{                                                                                \
		.host = NULL                                                             \
	}

void docker_orders_clear(struct docker_orders *orders);
void docker_orders_write(const struct docker_orders *orders, struct buf *out);
MUST_CHECK int docker_orders_read(
    const char *text, size_t len, struct docker_orders *out, struct error *err);

#endif
