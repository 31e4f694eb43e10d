/*
 * Whether the disk of the data folder takes writes. It is looked at now and then, because
 * who waits for room (a job's supervisor) may be silent; and whoever could not write says
 * so. The log has one line when writes begin to fail and one when they work again. Loop
 * thread.
 */
#ifndef SCHEDULER_DISK_WATCH_H
#define SCHEDULER_DISK_WATCH_H

#include "base/base.h"

struct disk_watch;
struct error;
struct uv_loop_s;

/* dir stays the caller's. The watch keeps no loop alive. */
struct disk_watch *disk_watch_start(struct uv_loop_s *loop, const char *dir);
void disk_watch_stop(struct disk_watch *w); /* NULL is fine */

/* A write has failed, as err says. */
void disk_watch_failed(struct disk_watch *w, const struct error *err);

/* Looks; NULL: all is well. Else a sentence, until the next call. */
const char *disk_watch_problem(struct disk_watch *w);

#endif
