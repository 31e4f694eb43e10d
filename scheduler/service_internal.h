/* What the service's files share; nobody else includes this. */
#ifndef SCHEDULER_SERVICE_INTERNAL_H
#define SCHEDULER_SERVICE_INTERNAL_H

#include <uv.h>

#include "base/idmap.h"
#include "base/map.h"
#include "scheduler/compile.h"
#include "scheduler/runner_facts.h"
#include "scheduler/service.h"

/* A pipeline the core knows. */
struct live_pipeline {
	struct service *service;
	int64_t id, iid;
	int64_t project;
	struct recipe *recipe;
	struct plan *plan; /* NULL: it never compiled */
	char hash[PLAN_HASH_SIZE];
	struct live_job **jobs; /* every try */
	size_t job_count, job_cap;
	int64_t
	    held_version; /* of the variables in the plan; 0: those were others once */
	size_t busy; /* writes and work in progress that point here: not to be freed */
	bool is_stored, is_dirty;
	enum status logged; /* what the log says of it */
};

/* What the events in hand changed, on its way to the disk. */
struct flush {
	struct service *service;
	struct arena *arena;
	struct flush *next; /* in the list of those that failed */
	struct flush_pipeline {
		struct store_pipeline row;
		struct live_pipeline *live;
		bool is_new;
	} * pipelines;
	size_t pipeline_count;
	struct flush_job {
		struct store_job row;
		struct live_job *live;
		bool is_new;
	} * jobs;
	size_t job_count;
	struct flush_after {
		store_done_fn fn;
		void *data;
	} * afters;
	size_t after_count, after_cap;
	struct flush_extra {
		store_write_fn fn;
		store_done_fn done;
		void *data;
	} * extras;
	size_t extra_count, extra_cap;
	struct flush_handout {
		struct service_poll *poll;
		struct buf json;
	} * handouts;
	size_t handout_count, handout_cap;
};

/* Variables of the instance and a project, in the clear. */
struct held_variables {
	struct service *service;
	int64_t version; /* service->variables_version when the reading began */
	struct arena *arena;
	enum var_level level;
	struct var *vars;
	size_t count, cap;
	struct error error;
};

struct polls { /* of one runner, oldest first */
	struct service_poll **items;
	size_t count, cap;
};

struct service_poll {
	struct service *service;
	int64_t runner, job; /* job: once assigned */
	service_given_fn given;
	void *data;
	bool accepts;     /* its runner will say that it takes the job */
	bool is_assigned; /* the core has answered it */
	bool is_gone;     /* taken back after that */
};

struct service_watch {
	struct service *service;
	service_watch_fn fn;
	void *data;
	struct service_watch *next;
	bool is_gone;
};

/* A push whose pipeline is being made, or was made while somebody compared refs. */
struct push_mark {
	uint64_t made_at; /* the last look that had begun by then; 0: it is in hand */
};

struct service {
	struct service_options o;
	char *repos_dir, *artifacts_dir;
	struct core *core;
	struct core_effects effects;
	bool is_draining, is_handling, is_loading, is_closing;
	size_t afterworks;              /* on workers now */
	struct live_pipeline *creating; /* while the core makes it */
	struct idmap pipelines, jobs;   /* by id */
	struct map tokens;              /* of jobs, by hash in hex */
	struct map pushes;              /* "project ref sha" -> struct push_mark */
	uint64_t last_look;             /* number of the last look at refs that began */
	size_t looks;                   /* that have not compared yet */
	struct idmap held;              /* project -> the newest struct held_variables */
	int64_t variables_version;      /* changes with any variable the server holds */
	struct idmap polls;             /* runner's id -> struct polls */
	struct live_job **dirty_jobs;
	size_t dirty_job_count, dirty_job_cap;
	struct live_pipeline **dirty_pipelines;
	size_t dirty_pipeline_count, dirty_pipeline_cap;
	struct service_figures figures;
	struct waits {
		size_t counts[CORE_WAIT_COUNT];
		uint64_t counted_ns, took_ns; /* uv_hrtime(); 0: not yet */
	} waits;
	struct flush *flush; /* what is to be written with the events in hand */
	size_t flush_depth;
	struct service_watch *watches;
	size_t watch_depth;
	int64_t queue_version; /* changes whenever a runner may find more than before */
	uv_timer_t *timer, *retry;
	struct disk_watch *disk;
	struct flush *failed;        /* writes the disk had no room for */
	struct test_report *reports; /* that are being read */
	struct load *loads;          /* pipelines on their way back */
	struct idmap going;          /* those being deleted, by id */
};

/* Where a sealed value lies, for seal_value(). malloced. */
char *service_variable_place(
    enum store_owner owner, int64_t owner_id, const char *key, const char *scope);

/* service_jobs.c: at the log's end, as an error. */
void service_append_last_line(struct service *s, struct live_job *job, const char *words);
/* service_after.c: an end that no runner has told is told in the job's log. */
void service_close_log(struct service *s, struct live_job *job);

/* service.c */
MUST_CHECK int service_send(
    struct service *s, struct core_event event, struct error *err);
/* One that cannot be refused. */
void service_tell(struct service *s, struct core_event event);
/* A begin and an end around several service_send() make one write of them. */
void service_begin(struct service *s);
void service_end(struct service *s);
struct live_pipeline *service_find_pipeline(struct service *s, int64_t id);
struct live_job *service_find_job(struct service *s, int64_t id);
void service_touch_job(struct service *s, struct live_job *job);
void service_touch_pipeline(struct service *s, struct live_pipeline *p);
void service_notify(struct service *s, const struct service_change *change);

/* service_rows.c: what is written, and told after it. All but the first two belong
 * between a begin and an end. */
void service_fill_flush(struct service *s, struct flush *f);
void service_submit(struct service *s, struct flush *f);
/* Call fn when what the events in hand changed is on disk. */
void service_after(struct service *s, store_done_fn fn, void *data);
/* Write more in the same transaction; fn may be called again after a failure. */
void service_write_too(
    struct service *s, store_write_fn fn, store_done_fn done, void *data);
/* Takes json's content. */
void service_add_handout(struct service *s, struct service_poll *poll, struct buf *json);

/* service_pipelines.c */
/* "refs/heads/main"; malloced. */
char *service_whole_ref(const struct event *e);
/* What is known of the event before the commit is read; the caller's. */
struct recipe *service_make_recipe(
    struct service *s, const struct pipeline_request *q, int64_t iid);
struct live_job *service_new_job(struct live_pipeline *p, int64_t id);
void service_free_pipeline(struct live_pipeline *p);
/* Out of the tables, and freed; the core does not know it any more. */
void service_drop_pipeline(struct service *s, struct live_pipeline *p);
/* A pipeline in which nothing happens by itself leaves the memory. */
void service_try_to_forget(struct service *s, int64_t pipeline);
/* The recipe as it is stored. */
void service_seal_recipe(struct service *s, const struct recipe *recipe, struct arena *a,
    const void **sealed, size_t *len);

/*
 * service_variables.c. Plans are made of the variables there were; a job gets those there
 * are. begin on the loop, read on a worker, and on the loop again the caller frees
 * h->arena, or keep takes it, so that jobs of older plans get what is in it.
 */
void service_begin_variables(struct service *s, struct held_variables *h);
MUST_CHECK int service_read_variables(struct service *s, struct store_view *v,
    int64_t project, struct held_variables *h, struct error *err);
void service_keep_variables(struct service *s, int64_t project, struct held_variables *h);
/* NULL: none newer than the plan's. */
const struct held_variables *service_newer_variables(
    const struct service *s, const struct live_pipeline *p);
void service_free_variables(struct service *s);

/* Where a value of a job's dotenv report lies, for seal_value(). malloced. */
char *service_dotenv_place(int64_t job, const char *key);

/* service_jobs.c: an assigned job becomes a payload */
void service_set_token(
    struct service *s, struct live_job *job, const unsigned char hash[32]);
void service_set_archive(struct live_job *job, const char *filename, int64_t bytes);
void service_add_dotenv(struct live_job *job, const char *key, const char *value);
void service_hand_out(struct service *s, int64_t job, int64_t runner);
void service_give(struct flush_handout *handout);
void service_end_token(struct service *s, struct live_job *job);

/* service_given.c: what a person gave a job; it counts from then on. */
void service_add_given(struct live_job *job, const char *key, const char *value);
/* The last ones: it was not played after all. */
void service_drop_given(struct live_job *job, size_t count);
/* Between a begin and an end. */
void service_write_given(struct service *s, const struct live_job *job);
/* Worker thread; calls fn for each. */
MUST_CHECK int service_read_given(struct service *s, struct store_view *v, int64_t job,
    void (*fn)(int64_t job, const char *key, const char *value, void *data), void *data,
    struct error *err);
/* Of the newest try that was given any. */
const struct live_job *service_given_to(
    const struct service *s, const struct live_pipeline *p, size_t plan_index);

/* service_jobs.c, too: of the job's strings */
struct arena *service_arena_of(struct live_job *job);

/* service_load.c: whoever loads this pipeline finds it gone, until the end and later. */
void service_begin_going(struct service *s, int64_t pipeline);
void service_end_going(struct service *s, int64_t pipeline);
bool service_is_going(const struct service *s, int64_t pipeline);

/* service_after.c: once a job has ended */
void service_follow_up(struct service *s, struct live_job *job);

/* service_reports.c: the uploaded test report of a job, whose row is stored as unread.
 * done (or NULL) when it has been read, whatever was in it, or the service closes. */
void service_read_report(struct service *s, const struct store_test_suite *suite,
    store_done_fn done, void *data);
/* Those that were not when the server last stopped. */
void service_read_unread_reports(struct service *s);

/* service_downstream.c */
void service_start_downstream(struct service *s, int64_t job);

#endif
