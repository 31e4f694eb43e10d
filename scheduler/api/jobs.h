/* What calls about one job share. */
#ifndef SCHEDULER_API_JOBS_H
#define SCHEDULER_API_JOBS_H

#include "scheduler/api/api.h"

/* The job "/projects/:id/jobs/:job" names, in the call's arena. */
struct wanted {
	struct call *call;
	struct project *project;
	int64_t id;
	struct store_job job;
	void (*then)(struct wanted *w);
	enum core_event_type action;
	const struct var *vars; /* of the one that plays it */
	size_t var_count;
};

/* then() is called with the row, and lets the call go. NULL after a 404. */
struct wanted *want_job(struct call *c, void (*then)(struct wanted *w));

/* The job as it is on disk. */
void send_job(struct call *c, struct project *p, int64_t id, int status);

/* One file of an archive, so that a browser may show it: it can do no harm there. */
void send_artifact_file(struct call *c, const char *path, const struct buf *text);

#endif
