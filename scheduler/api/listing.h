/*
 * Answers that come out of the store: a function reads on a worker and writes the body,
 * and the call is answered on the loop. With GitLab's pagination headers where it is a
 * list.
 */
#ifndef SCHEDULER_API_LISTING_H
#define SCHEDULER_API_LISTING_H

#include "base/json_writer.h"
#include "scheduler/api/api.h"
#include "scheduler/api/entities.h"

struct reading {
	struct call *call;
	struct arena *arena; /* the worker's own, until the answer is sent */
	struct buf body;
	struct json_writer writer; /* into body */
	struct store_page page;    /* of a list */
	int status;                /* 200 unless the function says otherwise */
	int64_t page_number, per_page;
	const char *invalid; /* the parameter that is no number; NULL */
	bool is_list;
	bool is_keyset;  /* pages go on behind an id, and nothing is counted */
	int64_t last_id; /* of a keyset's list: the last row's, set by the function */
	/* what the loop hands over */
	struct store_project project;
	int64_t id;
	const char *text; /* the server's URL */
	const struct store_pipeline_filter *pipelines;
	const struct store_job_filter *jobs;
	const struct entity_wait *waits; /* of jobs that wait, as the core has it */
	size_t wait_count;
	const void *data;
	void *own; /* what the function found, for finish */
	/* On the loop when it has read: writes what only the loop knows. NULL: nothing.
	 */
	void (*finish)(struct reading *r);
};

/* The call is held until the answer. List: page and per_page are read from the query; one
 * that is no number makes the answer a 400. */
struct reading *reading_new(struct call *c, bool is_list);
/* A list in the order of ids, which may be asked for by keyset; ascending or not is said
 * in r->page by then. */
void reading_by_keyset(struct reading *r);
/* The same about one project: with a copy of its row, and the server's URL as text. */
struct reading *reading_of_project(struct call *c, const struct project *p, bool is_list);
/* Of one thing in a project, for a route "/projects/:id/…/:number", whose number becomes
 * the id. NULL after an answer, when the project or the number is none. */
struct reading *reading_of_member(struct call *c);
/* A row more of a list that is walked as a whole: is it on the page? */
bool reading_takes(struct reading *r);
/* What the body has by now is the answer; nothing is read. */
void reading_answer(struct reading *r);
void reading_start(struct reading *r,
    int (*fn)(struct store_view *v, struct reading *r, struct error *err));

/* ---- what a list is asked for -------------------------------------------------
 * Each is false after a 400 in GitLab's words. Left out or empty is no mistake, and
 * leaves *out as it is. What they give lives as long as the call.
 */

/* One of these words; *out is its place among them. */
bool query_word(struct call *c, const char *name, const char *const *words, size_t count,
    size_t *out);
/* "order_by", one of these words, and "sort", asc or desc. By other than the first a
 * keyset is refused. */
bool query_order(
    struct call *c, const char *const *words, size_t count, size_t *out, bool *ascending);
bool query_time(struct call *c, const char *name, int64_t *us);
bool query_bool(struct call *c, const char *name, bool *is_true, bool *is_false);
bool query_id(struct call *c, const char *name, int64_t *out);
/* NULL when it is left out or empty. */
const char *query_text(struct call *c, const char *name);

#endif
