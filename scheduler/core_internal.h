/* What the core's files share; nobody else includes this. */
#ifndef SCHEDULER_CORE_INTERNAL_H
#define SCHEDULER_CORE_INTERNAL_H

#include "base/map.h"
#include "scheduler/composite.h"
#include "scheduler/core.h"

struct pipeline;

struct job {
	struct core_job pub;
	struct pipeline *pipeline;
	bool assigned; /* pending, but a runner has it */
};

/* One job of the plan that takes part, whatever the number of its tries. */
struct slot {
	struct job *latest; /* NULL: takes no part */
	size_t *dependents; /* plan indexes of jobs that need it */
	size_t dependent_count;
	bool dirty; /* in the pipeline's work list */
};

struct pipeline {
	struct core_pipeline pub;
	struct slot *slots; /* one per job of the plan */
	size_t *dependents_store;
	struct composite *stages; /* latest tries only */
	size_t stage_count;
	size_t *stage_first; /* slots of stage s: [stage_first[s], stage_first[s + 1]) */
	int64_t *jobs;
	size_t jobs_cap;
	size_t *work; /* needs-scheduled slots to look at again */
	size_t work_count, work_cap;
	bool stages_dirty;
	int64_t first_failed;
	bool canceling;
};

struct resource {
	int64_t holder;
	int64_t *waiting; /* FIFO of job ids */
	size_t count, cap;
};

struct core {
	struct job **jobs; /* by id - first_job */
	size_t job_count, job_cap;
	struct pipeline **pipelines;
	size_t pipeline_count, pipeline_cap;
	int64_t first_job, first_pipeline;
	int64_t now_us;
	int64_t *queue; /* pending jobs, oldest first; those no longer pending are passed
			   over */
	size_t queue_head, queue_count, queue_cap;
	int64_t *requests; /* runners that wait for a job, oldest first */
	size_t request_count, request_cap;
	int64_t *scheduled;
	size_t scheduled_count, scheduled_cap;
	struct map resources;         /* resource_group -> struct resource */
	struct core_effects *effects; /* of the event in hand */
};

/* core.c */
struct job *core_find_job(const struct core *core, int64_t id);
struct pipeline *core_find_pipeline(const struct core *core, int64_t id);
void core_emit(
    struct core *core, enum core_effect_type type, int64_t pipeline, int64_t job);
struct job *core_add_job(struct core *core, struct pipeline *p, size_t index,
    enum status status, enum reason reason);

/* core_process.c: every status goes through core_set_status; core_process follows
 * changes. */
void core_set_status(struct core *core, struct job *job, enum status status,
    enum reason reason, int64_t because);
void core_count(struct pipeline *p, const struct job *job, int by);
void core_touch(struct pipeline *p, size_t index);
void core_enqueue(struct core *core, struct job *job);
void core_assign(struct core *core);
void core_process(struct core *core, struct pipeline *p);

/* core_actions.c */
int core_play(struct core *core, struct job *job, struct error *err);
int core_retry(struct core *core, struct job *job, struct error *err);
int core_cancel_job(struct core *core, struct job *job, struct error *err);
void core_cancel_pipeline(struct core *core, struct pipeline *p);
int core_finish(struct core *core, struct job *job, const struct core_event *event,
    struct error *err);
void core_downstream_changed(struct core *core, struct pipeline *child);

#endif
