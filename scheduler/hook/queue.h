/*
 * Pushes with options that have not arrived at the server: DIR/queue/NAME, a line
 * "option TEXT" per option and "ref SHA NAME" per ref. What was pushed without options
 * needs no note: that it is missing shows.
 */
#ifndef SCHEDULER_HOOK_QUEUE_H
#define SCHEDULER_HOOK_QUEUE_H

#include "scheduler/hook/place.h"

/* Notes the push; its name, malloced. NULL: it could not be, and err says why. */
char *queue_add(const struct place *p, const struct pushed *pushed, struct error *err);
void queue_drop(const struct place *p, const char *name);

/* Names, the oldest first. */
void queue_list(const struct place *p, struct strlist *out);
MUST_CHECK int queue_read(
    const struct place *p, const char *name, struct pushed *out, struct error *err);

#endif
