/*
 * What pawl-custom is told at its start, beside the job's environment: which programs the
 * driver has and what they shall hear (executors/orders.h).
 */
#ifndef EXECUTORS_CUSTOM_ORDERS_H
#define EXECUTORS_CUSTOM_ORDERS_H

#include "base/buf.h"
#include "base/str.h"

/* Where the job's folder is for as long as config has not said where builds lie. */
#define CUSTOM_NOWHERE "/.pawl-builds"

struct custom_orders {
	struct strlist config, prepare, run, cleanup; /* argv; empty: there is none */
	int64_t config_ms, prepare_ms, cleanup_ms, graceful_ms, force_ms;
	int64_t slot; /* no other job's at the same time, whatever variables say */
	char *builds_dir, *cache_dir; /* NULL: not said */
	char *services;               /* JSON */
	char *response;               /* the job as its server sent it, JSON */
	char *temp_dir;               /* a folder for the driver; is made */
	struct strlist env;           /* of the driver's programs, beside the job's */
	struct strlist files;         /* "NAME=CONTENT": file variables */
};

#define CUSTOM_ORDERS_INIT                                                               \
	{                                                                                \
		.config_ms = 0                                                           \
	}

void custom_orders_clear(struct custom_orders *orders);
void custom_orders_write(const struct custom_orders *orders, struct buf *out);
MUST_CHECK int custom_orders_read(
    const char *text, size_t len, struct custom_orders *out, struct error *err);

#endif
