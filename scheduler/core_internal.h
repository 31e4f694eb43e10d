/*
 * What the core's files share; nobody else includes this.
 *
 * How a job finds a runner: a queued job stands in the `lane` of its project, tags and
 * protection. A lane that may be served stands in one `bucket` per scope a runner can
 * have (everywhere, each group, the project), together with the lanes of other projects
 * that want the same tags there; fairest first. Buckets lie at a `post`, one per scope
 * and tag, and there runners wait too, at the posts of all their tags. So a runner looks
 * at the heads of the buckets at its posts, and a job at the runners of its rarest tag.
 */
#ifndef SCHEDULER_CORE_INTERNAL_H
#define SCHEDULER_CORE_INTERNAL_H

#include "base/buf.h"
#include "base/idmap.h"
#include "base/map.h"
#include "base/ranked.h"
#include "scheduler/composite.h"
#include "scheduler/core.h"

#define NEVER INT64_MAX

struct bucket;
struct lane;
struct pipeline;
struct resource;
struct runner;

/* A tag some lane or runner has; one struct per text, so that they compare by address. */
struct tag {
	char *name;
	size_t refs;
	size_t runners;      /* described ones that have it */
	struct lane *parked; /* lanes that no runner could serve for want of this tag */
};

struct tags {
	struct tag **items; /* ascending by name, none twice */
	size_t count;
};

struct project {
	struct core_project pub;
	bool described;
	size_t pipelines; /* in the core */
	int running;      /* jobs that runners have */
	struct lane *lanes;
};

struct job {
	struct core_job pub;
	struct pipeline *pipeline;
	bool assigned;            /* a runner has it */
	int system_tries;         /* tries up to this one that the instance's rule made */
	struct lane *lane;        /* it is queued in; NULL */
	struct ranked_node queue; /* in lane */
	struct ranked_node timer; /* in core->delays or core->leases */
	bool delayed;             /* in core->delays */
	int64_t timer_us;         /* its place there; for a lease maybe before due_us */
	int64_t due_us;           /* of the lease clock */
	int64_t timeout_us;       /* of the lease clock; NEVER: not watched */
	struct resource *resource;   /* NULL: needs none */
	struct ranked_node upcoming; /* in resource */
	uint64_t arrival;            /* when it got ready for resource; 0: not ready */
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
	struct project *project;
	bool ref_is_protected;
	char *ref, *sha; /* ref NULL: neither supersedes nor is superseded */
	struct pipeline *older, *newer; /* living ones of project and ref */
	bool in_line;                   /* it is one of those */
	int depth;                      /* 0: not downstream of another */
	struct slot *slots;             /* one per job of the plan */
	size_t *dependents_store;
	struct composite *stages; /* latest tries only */
	uint32_t *undecided; /* per stage: created jobs that wait for earlier stages */
	size_t stage_count;
	size_t *stage_first; /* slots of stage s: [stage_first[s], stage_first[s + 1]) */
	int64_t *jobs;
	size_t jobs_cap;
	size_t *work; /* needs-scheduled slots to look at again */
	size_t work_count, work_cap;
	bool stages_dirty;
	int64_t first_failed;
	bool canceling;
	bool committed; /* a job that is not interruptible has started */
	bool dirty;     /* in core's list of pipelines to look at */
	struct pipeline *next_dirty;
};

struct resource {
	char *key;
	enum core_process_mode mode;
	bool configured; /* has a mode of its own: kept also when nobody wants it */
	size_t users;    /* jobs in the core that name it */
	int64_t holder;
	struct ranked upcoming; /* jobs that are, or will be, ready for it */
	bool dirty;
	struct resource *next_dirty;
};

/* A lane's places in one scope: among the other lanes, and where runners for it wait. */
struct berth {
	struct lane *lane;
	struct bucket *bucket;
	struct ranked_node node;
	struct post **posts; /* one per tag; a single one for a lane without tags */
	size_t post_count;
};

struct lane {
	char *key;
	struct project *project;
	bool is_protected;
	struct tags tags;
	struct ranked jobs;
	struct berth *berths; /* everywhere, groups, project, and for those who take all;
				 NULL until it was open once */
	size_t berth_count;
	bool open;  /* stands in its buckets, and in core->fresh_lanes if fresh */
	bool fresh; /* a runner that waits may be able to serve it */
	struct ranked_node fresh_node;
	struct tag *parked_for; /* not open for want of this tag */
	struct lane *next_parked, *prev_parked;
	struct lane *next, *prev; /* of the project */
};

/* Lanes with the same tags and protection, at the post of their first tag while there
 * are any; it is kept as long as a lane may come back to it. */
struct bucket {
	char *key;
	size_t refs;
	struct post *post;
	bool is_protected;
	struct ranked lanes; /* of struct berth */
	struct bucket *next, *prev;
};

/* Where runners and buckets of one scope and tag meet. */
struct post {
	char *key;
	size_t refs;
	struct seat *first[2], *last[2]; /* runners that wait: any ref, protected only */
	size_t waiting[2];
	struct bucket *buckets[2]; /* unprotected, protected */
};

/* A waiting runner's place at one of its posts. */
struct seat {
	struct runner *runner;
	struct post *post;
	struct seat *next, *prev;
};

struct runner {
	struct core_runner pub; /* name and scopes are owned */
	bool described, gone;
	struct tags tags;
	struct seat *seats;
	size_t seat_count;
	int running;
	size_t requests;
	bool ready;       /* has its seats */
	uint64_t arrival; /* when it sat down: who waits longest is served first */
	bool fresh;       /* a queued job may be for it; in core->fresh_runners */
	struct runner *next_fresh, *prev_fresh;
};

struct core {
	struct idmap jobs, pipelines, projects, runners;
	int64_t next_job, next_pipeline;
	int64_t now_us, told_us; /* told: when CORE_TICK is due; NEVER: not asked for */
	int64_t stood_us;        /* how long the lease clock has stood still so far */
	struct core_limits limits;
	struct core_counts counts;
	uint64_t arrivals;
	struct ranked delays; /* scheduled jobs, by wall clock */
	struct ranked leases; /* deadlines that stand still with us, by lease clock */
	struct map lines;     /* "project ref" -> its newest living pipeline */
	struct map resources; /* "project/group" */
	struct map tags, lanes, posts, buckets;
	struct ranked fresh_lanes;
	struct runner *first_fresh, *last_fresh;
	bool any_described; /* since the first CORE_RUNNER an unknown runner gets nothing
			     */
	bool takes_all;     /* there are runners nobody described */
	bool loading;       /* nothing is given: who holds it may be yet to come */
	struct pipeline *first_dirty, *last_dirty;
	struct resource *dirty_resources;
	struct core_effects *effects; /* of the event in hand */
};

/* core.c */
struct job *core_find_job(const struct core *core, int64_t id);
struct pipeline *core_find_pipeline(const struct core *core, int64_t id);
void core_emit(
    struct core *core, enum core_effect_type type, int64_t pipeline, int64_t job);

/* core_pipeline.c: pipelines come and go */
int core_create_pipeline(
    struct core *core, const struct core_event *event, struct error *err);
int core_load_pipeline(
    struct core *core, const struct core_event *event, struct error *err);
int core_forget_pipeline(struct core *core, struct pipeline *p, struct error *err);
void core_free_pipeline(struct core *core, struct pipeline *p);
struct job *core_add_job(/* id 0: a new one */
    struct core *core, struct pipeline *p, size_t index, int64_t id);
struct job *core_new_try(
    struct core *core, struct pipeline *p, size_t index, enum reason reason);
struct project *core_get_project(struct core *core, int64_t id);
void core_project_free(struct project *project);
void core_drop_project(struct core *core, struct project *project); /* if unused */
void core_describe_project(struct core *core, const struct core_project *says);

/* core_process.c: every status goes through core_set_status; core_settle follows what
 * has changed until nothing moves any more. */
void core_set_status(struct core *core, struct job *job, enum status status,
    enum reason reason, int64_t because);
void core_count(struct pipeline *p, const struct job *job, int by);
void core_touch(struct core *core, struct pipeline *p, size_t index);
void core_touch_pipeline(struct core *core, struct pipeline *p);
void core_touch_all(struct core *core, struct pipeline *p);
void core_enqueue(struct core *core, struct job *job);
void core_settle(struct core *core);

/* core_actions.c */
int core_play(struct core *core, struct job *job, struct error *err);
int core_retry(struct core *core, struct job *job, struct error *err);
int core_retry_pipeline(struct core *core, struct pipeline *p, struct error *err);
int core_finish(struct core *core, struct job *job, const struct core_event *event,
    struct error *err);
void core_end_lost(struct core *core, struct job *job, enum reason reason);
void core_refuse(struct core *core, struct job *job); /* config_refused() */
enum core_cause core_retry_cause(
    const struct core *core, const struct job *job, enum reason reason, int exit_code);
void core_reset_skipped(struct core *core, struct pipeline *p, size_t index);

/* core_cancel.c */
struct cancel {
	enum reason reason;
	int64_t because;
	bool cascade; /* downstream pipelines too */
	bool force;
};
void core_cancel_one(struct core *core, struct job *job, const struct cancel *how);
int core_cancel_job(struct core *core, struct job *job, bool force, struct error *err);
void core_cancel_pipeline(struct core *core, struct pipeline *p);
void core_join_line(struct core *core, struct pipeline *p);
void core_leave_line(struct core *core, struct pipeline *p);
void core_supersede(struct core *core, struct pipeline *newer);

/* core_downstream.c */
int core_downstream_failed(struct core *core, struct job *job,
    const struct core_event *event, struct error *err);
void core_downstream_changed(struct core *core, struct pipeline *child);

/* core_resource.c */
void core_attach_resource(struct core *core, struct job *job);
void core_detach_resource(struct core *core, struct job *job);
bool core_take_resource(struct core *core, struct job *job);   /* false: it has to wait */
void core_follow_resource(struct core *core, struct job *job); /* its status changed */
void core_hold_resource(struct job *job);                      /* as it was stored */
void core_grant_resources(struct core *core);
void core_set_mode(struct core *core, const struct core_resource_group *says);
void core_free_resources(struct core *core);
/* The job that keeps it waiting; 0: none. */
int64_t core_resource_blocker(const struct job *job);

/* core_tags.c */
struct tags core_tags(struct core *core, const struct strs *names);
/* The same only to look at: items and unknown, which holds those nobody else has, are the
 * caller's to free. */
struct tags core_find_tags(
    const struct core *core, const struct strs *names, struct tag **unknown);
void core_release_tags(struct core *core, struct tags *tags);
bool core_has_tags(const struct tags *all, const struct tags *some);
/* The first of some that all has not; NULL: it has all of them. */
const struct tag *core_missing_tag(const struct tags *all, const struct tags *some);
/* Unmistakable: "5:linux3:gpu". */
void core_tags_key(const struct strs *names, struct buf *out);

/* core_post.c. What is asked for is made at need; release gives it back. */
struct post *core_post(/* tag NULL: of jobs without tags */
    struct core *core, const struct core_scope *scope, const struct tag *tag);
struct post *core_post_of_all(struct core *core); /* of runners that take everything */
void core_release_post(struct core *core, struct post *post);
struct bucket *core_bucket(struct core *core, struct post *post, const struct lane *lane);
void core_release_bucket(struct core *core, struct bucket *bucket);
int core_compare_lanes(const struct lane *a, const struct lane *b); /* fairest first */
void core_berth_enter(struct berth *berth);
void core_berth_leave(struct berth *berth);
void core_sit(struct seat *seat, bool only_protected);
void core_rise(struct seat *seat, bool only_protected);

/* core_lane.c: the queue */
int core_compare_fresh(const struct ranked_node *a, const struct ranked_node *b);
void core_queue_add(struct core *core, struct job *job);
void core_queue_remove(struct core *core, struct job *job);
void core_lane_open(struct core *core, struct lane *lane, bool fresh);
void core_lane_close(struct core *core, struct lane *lane);
void core_unpark(struct core *core, struct tag *tag);
void core_unpark_all(struct core *core);
/* One more or less of its jobs runs: the place of all its lanes changes. */
void core_count_running(struct core *core, struct project *project, int by);
void core_close_lanes(struct core *core, struct project *project);
void core_open_lanes(struct core *core, struct project *project);
void core_moor_lanes(struct core *core, struct project *project); /* closed ones */
void core_lane_seen(struct core *core, struct lane *lane);

/* core_runner.c */
int core_request(struct core *core, int64_t id, struct error *err);
void core_withdraw(struct core *core, int64_t id);
void core_describe_runner(struct core *core, const struct core_runner *says);
int core_runner_gone(struct core *core, int64_t id, struct error *err);
struct runner *core_get_runner(struct core *core, int64_t id);
void core_heard_of(struct core *core, int64_t runner);
void core_update_runner(struct core *core, struct runner *r);
void core_runner_served(struct core *core, struct runner *r);
void core_runner_seen(struct core *core, struct runner *r);
/* Forgets one that is gone, or was never described, when it has nothing left. */
void core_drop_runner(struct core *core, struct runner *r);
void core_runner_free(struct core *core, struct runner *r);

/* core_assign.c */
void core_assign(struct core *core);
void core_occupy(struct core *core, struct job *job, int64_t runner);
void core_vacate(struct core *core, struct job *job);
void core_give_back(struct core *core, struct job *job);
struct runner *core_waiting_runner(const struct lane *lane);

/* core_explain.c: what keeps a runner that serves its project from a lane, and, when
 * nothing does (CORE_WAIT_NONE), how near it is to taking a job. */
enum core_wait_code core_runner_refusal(const struct runner *r, const struct lane *lane);
enum core_wait_code core_runner_reach(const struct core *core, const struct runner *r);
/* code, or the limit that comes before a runner's being free. */
enum core_wait_code core_limited(
    const struct core *core, const struct project *project, enum core_wait_code code);

/* core_time.c */
int core_compare_timers(const struct ranked_node *a, const struct ranked_node *b);
void core_advance(struct core *core, int64_t time_us);
void core_watch(struct core *core, struct job *job); /* after its state changed */
void core_unwatch(struct core *core, struct job *job);
void core_lease(struct core *core, struct job *job); /* a word of its runner came */
void core_tick(struct core *core);
void core_tell_timer(struct core *core, bool ticked);

#endif
