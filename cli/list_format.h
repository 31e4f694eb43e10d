/* The jobs of a plan as a table for people: what `pawl list` prints. */
#ifndef CLI_LIST_FORMAT_H
#define CLI_LIST_FORMAT_H

#include "pipelines/plan.h"

/* all: also the jobs this event leaves out, each with its reason. */
void list_format(const struct plan *plan, bool all, bool color, struct buf *out);

#endif
