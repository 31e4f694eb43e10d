/* What the formats of a graph share. */
#ifndef PIPELINES_GRAPH_INTERNAL_H
#define PIPELINES_GRAPH_INTERNAL_H

#include "pipelines/graph.h"

/* A run of jobs of one stage in plan.jobs, with at least one created job in it. */
struct graph_stage {
	size_t first, end;
	/* Whether one of its jobs waits for earlier stages, and there is one. */
	bool waits;
};

/* The stages in order; an arena array. */
size_t graph_stages(const struct plan *plan, struct arena *a, struct graph_stage **out);

/* "manual, blocks", "may fail" …; "" when there is nothing to say. An arena string. */
const char *graph_note(const struct plan_job *job, struct arena *a);

void graph_write_svg(const struct plan *plan, struct buf *out);

#endif
