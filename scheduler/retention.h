/*
 * What is kept no longer: artifacts whose time is over, and pipelines, with their jobs
 * and logs, older than the settings or their project keep them. Looked for now and then,
 * a few at a time. Loop thread; files are removed on a worker.
 */
#ifndef SCHEDULER_RETENTION_H
#define SCHEDULER_RETENTION_H

#include "scheduler/service.h"

struct retention;

struct retention *retention_start(struct service *s, struct uv_loop_s *loop);
/* false: work is in hand; the loop has to go on before it may be freed. */
bool retention_stop(struct retention *r);
void retention_free(struct retention *r); /* NULL is fine */

#endif
