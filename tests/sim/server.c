/*
 * The simulated server: what scheduler/service is to be, without sockets and SQL. Each
 * event's changes go to the store in one commit, commits are grouped, and nothing is told
 * to anyone before the commit it rests on is on disk. A crash takes all but the store.
 */
#include <stdio.h>

#include "tests/sim/world.h"

#define POLL_HELD (50 * SECOND)

static void submit(struct world *w, struct commit *c);

static int64_t
token_of(const struct world *w, int64_t job)
{
	return (int64_t)(intptr_t)idmap_get(&w->server.tokens, job);
}

static void
set_token(struct world *w, int64_t job, int64_t token)
{
	if (token == 0)
		idmap_remove(&w->server.tokens, job);
	else
		idmap_set(&w->server.tokens, job, (void *)(intptr_t)token);
}

/* ---- effects become a commit ----------------------------------------------------------
 */

static void
save_job(struct world *w, struct commit *c, int64_t id)
{
	const struct core_job *row = core_job(w->server.core, id);

	if (row == NULL)
		return;
	if (row->status == STATUS_PENDING && row->runner == 0)
		set_token(w, id, 0);
	world_log(w, "job %" PRId64 " (%s of %" PRId64 "): %s, %s, runner %" PRId64, id,
	    row->plan->name, row->pipeline, status_name(row->status),
	    reason_name(row->reason), row->runner);
	GROW(c->jobs, c->job_count, c->job_cap);
	c->jobs[c->job_count++] = (struct stored_job){ *row, token_of(w, id) };
}

static void forget(struct world *w, const struct message *m);

static void
save_pipeline(
    struct world *w, struct commit *c, int64_t id, const struct core_origin *origin)
{
	const struct core_pipeline *row = core_pipeline(w->server.core, id);
	struct stored_pipeline *p;

	if (row == NULL)
		return;
	world_log(w, "pipeline %" PRId64 ": %s", id, status_name(row->status));
	GROW(c->pipelines, c->pipeline_count, c->pipeline_cap);
	p = &c->pipelines[c->pipeline_count++];
	*p = (struct stored_pipeline){ .row = *row, .plan = row->plan };
	if (origin != NULL)
		p->origin = *origin;
	if (status_is_completed(row->status))
		agenda_add(w, chance_between(w, 0, MINUTE), forget,
		    (struct message){ .job = id, .incarnation = w->server.incarnation });
}

static void
add_reply(struct commit *c, struct message m)
{
	m.kind = MSG_REPLY;
	GROW(c->replies, c->reply_count, c->reply_cap);
	c->replies[c->reply_count++] = m;
}

static bool
take_poll(struct world *w, int runner, int64_t conn, struct poll *out)
{
	struct server *s = &w->server;

	for (size_t i = 0; i < s->poll_count; i++) {
		if (s->polls[i].runner != runner ||
		    (conn != 0 && s->polls[i].conn != conn))
			continue;
		*out = s->polls[i];
		s->polls[i] = s->polls[--s->poll_count];
		return true;
	}
	return false;
}

static void
give(struct world *w, struct commit *c, const struct core_effect *e)
{
	const struct core_job *job = core_job(w->server.core, e->job);
	struct poll poll = { 0, 0 };

	if (!take_poll(w, (int)e->runner - 1, 0, &poll))
		check_failed(
		    w, "job %" PRId64 " went to a runner that did not ask", e->job);
	set_token(w, e->job, ++w->tokens);
	save_job(w, c, e->job);
	add_reply(c,
	    (struct message){ .runner = poll.runner,
		.conn = poll.conn,
		.code = 201,
		.job = e->job,
		.token = w->tokens,
		.end = job->plan->config->timeout_s > 0
		    ? job->plan->config->timeout_s * SECOND
		    : w->limits.timeout_us });
}

static void on_timer(struct world *w, const struct message *m);

static int64_t
server_clock(const struct world *w)
{
	return w->now_us + w->server.clock_offset_us;
}

static void
set_timer(struct world *w, int64_t at_us)
{
	struct message m = { .incarnation = w->server.incarnation,
		.conn = ++w->server.timer };

	if (at_us != INT64_MAX)
		agenda_add(w, at_us - server_clock(w), on_timer, m);
}

static void
gather(struct world *w, struct commit *c, const struct core_origin *origin)
{
	struct core_effects *effects = &w->server.effects;

	for (size_t i = 0; i < effects->count; i++) {
		const struct core_effect *e = &effects->items[i];

		switch (e->type) {
		case CORE_PIPELINE_CREATED:
			save_pipeline(w, c, e->pipeline, origin);
			break;
		case CORE_PIPELINE_CHANGED:
			save_pipeline(w, c, e->pipeline, NULL);
			break;
		case CORE_JOB_CREATED:
		case CORE_JOB_CHANGED:
			save_job(w, c, e->job);
			break;
		case CORE_ASSIGN:
			give(w, c, e);
			break;
		case CORE_START_DOWNSTREAM:
			GROW(c->downstream, c->downstream_count, c->downstream_cap);
			c->downstream[c->downstream_count++] = e->job;
			break;
		case CORE_TIMER:
			set_timer(w, e->time_us);
			break;
		case CORE_CANCEL: /* the runner hears it with its next answer */
			break;
		}
	}
	effects->count = 0;
}

static bool
handle(struct world *w, struct core_event event, struct commit *c)
{
	struct error err = ERROR_INIT;
	int rc;

	event.time_us = server_clock(w);
	world_log(w, "event %d: pipeline %" PRId64 ", job %" PRId64 ", runner %" PRId64,
	    (int)event.type, event.pipeline, event.job, event.runner);
	rc = core_handle(w->server.core, &event, &w->server.effects, &err);
	gather(w, c, event.origin);
	if (rc < 0)
		world_log(w, "refused: %s", err.msg);
	check_core(w);
	return rc == 0;
}

static void
on_timer(struct world *w, const struct message *m)
{
	struct server *s = &w->server;
	struct commit c = { .jobs = NULL };

	if (!s->up || m->incarnation != s->incarnation || m->conn != s->timer)
		return;
	if (s->stalled) {
		agenda_add(w, SECOND, on_timer, *m);
		return;
	}
	(void)handle(w, (struct core_event){ .type = CORE_TICK }, &c);
	submit(w, &c);
}

/* ---- the disk -------------------------------------------------------------------------
 */

static void make_downstream(struct world *w, const struct message *m);

static void
release(struct world *w, const struct commit *c)
{
	for (size_t i = 0; i < c->reply_count; i++)
		network_send(w, &c->replies[i]);
	for (size_t i = 0; i < c->downstream_count; i++)
		agenda_add(w, chance_between(w, 0, SECOND), make_downstream,
		    (struct message){
			.job = c->downstream[i], .incarnation = w->server.incarnation });
	check_told(w, c);
}

static void flushed(struct world *w, const struct message *m);

static void
start_flush(struct world *w)
{
	struct message m = { .incarnation = w->server.incarnation };

	w->server.in_flight = w->server.queued;
	agenda_add(w, chance_between(w, 100, 20 * MS), flushed, m);
}

static void
flushed(struct world *w, const struct message *m)
{
	struct server *s = &w->server;
	size_t count = s->in_flight;

	if (!s->up || m->incarnation != s->incarnation)
		return;
	for (size_t i = 0; i < count; i++)
		store_apply(&w->store, &s->queue[i]);
	for (size_t i = 0; i < count; i++) {
		release(w, &s->queue[i]);
		commit_clear(&s->queue[i]);
	}
	s->queued -= count;
	memmove(s->queue, s->queue + count, s->queued * sizeof(*s->queue));
	s->in_flight = 0;
	if (s->queued > 0)
		start_flush(w);
}

static void
submit(struct world *w, struct commit *c)
{
	struct server *s = &w->server;

	GROW(s->queue, s->queued, s->queue_cap);
	s->queue[s->queued++] = *c;
	if (s->in_flight == 0)
		start_flush(w);
}

/* ---- loading and forgetting -----------------------------------------------------------
 */

static void
load(struct world *w, struct commit *c, struct stored_pipeline *p)
{
	struct core_job *jobs;
	struct core_saved saved;
	const struct stored_job *parent = idmap_get(&w->store.jobs, p->row.parent_job);

	if (core_pipeline(w->server.core, p->row.id) != NULL)
		return;
	if (parent != NULL)
		load(w, c, idmap_get(&w->store.pipelines, parent->row.pipeline));
	jobs = xcalloc(p->job_count, sizeof(*jobs));
	for (size_t i = 0; i < p->job_count; i++) {
		const struct stored_job *job = idmap_get(&w->store.jobs, p->jobs[i]);

		jobs[i] = job->row;
		set_token(w, job->row.id, job->token);
	}
	saved = (struct core_saved){ &p->row, jobs, p->job_count, p->origin };
	if (!handle(w,
		(struct core_event){
		    .type = CORE_LOAD_PIPELINE, .plan = p->plan, .saved = &saved },
		c))
		check_failed(w, "pipeline %" PRId64 " cannot be loaded", p->row.id);
	free(jobs);
}

static bool
mirrors(const struct world *w, const struct core_pipeline *p)
{
	for (size_t i = 0; i < p->job_count; i++) {
		const struct core_job *job = core_job(w->server.core, p->jobs[i]);

		if (job->downstream != 0 && !status_is_completed(job->status))
			return true;
	}
	return false;
}

/* Only what is on disk as it is in memory may go. */
static void
forget(struct world *w, const struct message *m)
{
	struct server *s = &w->server;
	const struct core_pipeline *p;
	struct commit c = { .jobs = NULL };

	if (!s->up || m->incarnation != s->incarnation)
		return;
	p = core_pipeline(s->core, m->job);
	if (p == NULL || !status_is_completed(p->status) || mirrors(w, p))
		return;
	if (s->queued > 0 || s->loading) {
		agenda_add(w, SECOND, forget, *m);
		return;
	}
	if (!handle(w,
		(struct core_event){ .type = CORE_FORGET_PIPELINE, .pipeline = m->job },
		&c))
		check_failed(w, "pipeline %" PRId64 " cannot be forgotten", m->job);
	submit(w, &c);
}

void
server_describe_limits(struct world *w)
{
	struct commit c = { .jobs = NULL };

	if (!w->server.up)
		return;
	(void)handle(
	    w, (struct core_event){ .type = CORE_LIMITS, .limits = &w->limits }, &c);
	for (int i = 1; i <= w->project_count; i++) {
		const int64_t group = 100 + i % 2;
		const struct core_project project = { i, &group, 1, w->project_limit };

		(void)handle(w,
		    (struct core_event){ .type = CORE_PROJECT, .project = &project }, &c);
	}
	submit(w, &c);
}

void
server_describe_modes(struct world *w)
{
	struct commit c = { .jobs = NULL };

	if (!w->server.up)
		return;
	for (int i = 1; i <= w->project_count; i++) {
		const struct core_resource_group group = { i, "staging", w->mode };

		(void)handle(w,
		    (struct core_event){
			.type = CORE_RESOURCE_GROUP, .resource_group = &group },
		    &c);
	}
	submit(w, &c);
}

void
server_describe_runner(struct world *w, int runner)
{
	struct commit c = { .jobs = NULL };

	if (!w->server.up)
		return;
	(void)handle(w,
	    (struct core_event){
		.type = CORE_RUNNER, .describes = &w->runners[runner].describes },
	    &c);
	submit(w, &c);
}

/* One pipeline after the other, and time goes by meanwhile. */
static void
load_next(struct world *w, const struct message *m)
{
	struct server *s = &w->server;
	struct commit c = { .jobs = NULL };
	struct stored_pipeline *p = NULL;

	if (!s->up || m->incarnation != s->incarnation)
		return;
	while (s->loaded < w->store.last_pipeline && p == NULL) {
		p = idmap_get(&w->store.pipelines, ++s->loaded);
		if (p != NULL && status_is_completed(p->row.status))
			p = NULL;
	}
	if (p != NULL) {
		load(w, &c, p);
		agenda_add(w, chance_between(w, 0, 100 * MS), load_next, *m);
	} else {
		(void)handle(w, (struct core_event){ .type = CORE_LOADING }, &c);
		s->loading = false;
		s->well_since_us = w->now_us;
		check_core(w);
	}
	submit(w, &c);
}

void
server_start(struct world *w)
{
	struct server *s = &w->server;
	struct commit c = { .jobs = NULL };

	if (s->up)
		return;
	world_log(w, "server starts");
	s->up = s->loading = true;
	s->stalled = false;
	s->loaded = 0;
	s->incarnation++;
	s->core = core_new(w->store.last_pipeline + 1, w->store.last_job + 1);
	server_describe_limits(w);
	server_describe_modes(w);
	for (int i = 0; i < w->runner_count; i++)
		server_describe_runner(w, i);
	(void)handle(w, (struct core_event){ .type = CORE_LOADING, .loading = true }, &c);
	submit(w, &c);
	load_next(w, &(struct message){ .incarnation = s->incarnation });
}

/* The transaction that is being written may be on disk or not; what waits is lost. */
void
server_crash(struct world *w)
{
	struct server *s = &w->server;
	bool written = chance_of(w, 50);

	if (!s->up)
		return;
	world_log(w, "server crashes");
	for (size_t i = 0; i < s->queued; i++) {
		if (written && i < s->in_flight)
			store_apply(&w->store, &s->queue[i]);
		commit_clear(&s->queue[i]);
	}
	s->up = false;
	s->queued = s->in_flight = s->poll_count = 0;
	core_free(s->core);
	s->core = NULL;
	idmap_clear(&s->tokens);
}

static void
go_on(struct world *w, const struct message *m)
{
	if (m->incarnation != w->server.incarnation)
		return;
	w->server.stalled = false;
	w->server.well_since_us = w->now_us;
}

void
server_stall(struct world *w, int64_t for_us)
{
	w->server.stalled = true;
	agenda_add(
	    w, for_us, go_on, (struct message){ .incarnation = w->server.incarnation });
}

/* ---- what runners ask -----------------------------------------------------------------
 */

static void
poll_is_over(struct world *w, const struct message *m)
{
	struct commit c = { .jobs = NULL };
	struct poll poll;

	if (!w->server.up || m->incarnation != w->server.incarnation ||
	    !take_poll(w, m->runner, m->conn, &poll))
		return;
	(void)handle(
	    w, (struct core_event){ .type = CORE_WITHDRAW, .runner = m->runner + 1 }, &c);
	add_reply(
	    &c, (struct message){ .runner = m->runner, .conn = m->conn, .code = 204 });
	submit(w, &c);
}

static void
on_poll(struct world *w, const struct message *m, struct commit *c)
{
	struct server *s = &w->server;
	struct message over = *m;

	over.incarnation = s->incarnation;
	GROW(s->polls, s->poll_count, s->poll_cap);
	s->polls[s->poll_count++] = (struct poll){ m->runner, m->conn };
	if (!handle(w,
		(struct core_event){ .type = CORE_REQUEST, .runner = m->runner + 1 }, c))
		check_failed(w, "runner %d may not ask", m->runner + 1);
	agenda_add(w, POLL_HELD, poll_is_over, over);
}

static void
reply(
    struct world *w, const struct message *m, struct commit *c, int code, int64_t offset)
{
	const struct core_job *job = core_job(w->server.core, m->job);

	add_reply(c,
	    (struct message){ .runner = m->runner,
		.conn = m->conn,
		.code = code,
		.offset = offset,
		.end = m->kind == MSG_FINAL,
		.status = job == NULL ? STATUS_FAILED : job->status });
}

static void
on_patch(struct world *w, const struct message *m, struct commit *c)
{
	int64_t *length = &truth_of(w, m->job)->log_on_server;

	if (m->offset > *length) {
		reply(w, m, c, 416, *length);
		return;
	}
	if (m->end > *length)
		*length = m->end;
	if (handle(w,
		(struct core_event){
		    .type = CORE_HEARTBEAT, .job = m->job, .runner = m->runner + 1 },
		c))
		reply(w, m, c, 202, *length);
	else
		reply(w, m, c, 403, 0);
}

static void
on_final(struct world *w, const struct message *m, struct commit *c)
{
	const struct truth *truth = truth_of(w, m->job);

	if (truth->log_on_server < m->end) {
		reply(w, m, c, 416, truth->log_on_server);
		return;
	}
	if (!handle(w,
		(struct core_event){ .type = CORE_FINISHED,
		    .job = m->job,
		    .runner = m->runner + 1,
		    .success = m->success,
		    .reason = m->reason,
		    .exit_code = m->reason == REASON_SCRIPT_FAILURE },
		c)) {
		reply(w, m, c, 403, 0);
		return;
	}
	if (truth->log_on_server != truth->log_bytes)
		check_failed(w,
		    "job %" PRId64 " ended with a log of %" PRId64 " bytes, not %" PRId64,
		    m->job, truth->log_on_server, truth->log_bytes);
	c->told_job = m->job;
	c->told_status = core_job(w->server.core, m->job)->status;
	reply(w, m, c, 200, 0);
}

void
server_receive(struct world *w, const struct message *m)
{
	struct commit c = { .jobs = NULL };

	if (!w->server.up)
		return;
	if (w->server.stalled || w->server.loading) {
		agenda_add(w, SECOND, server_receive, *m);
		return;
	}
	if (m->kind == MSG_POLL) {
		on_poll(w, m, &c);
	} else if (token_of(w, m->job) != m->token) {
		reply(w, m, &c, 403, 0);
	} else if (m->kind == MSG_PATCH) {
		on_patch(w, m, &c);
	} else if (m->kind == MSG_FINAL) {
		on_final(w, m, &c);
	} else {
		bool taken = handle(w,
		    (struct core_event){
			.type = CORE_STARTED, .job = m->job, .runner = m->runner + 1 },
		    &c);

		reply(w, m, &c, taken ? 200 : 403, 0);
	}
	submit(w, &c);
}

/* ---- what people and triggers ask -----------------------------------------------------
 */

static void
make_downstream(struct world *w, const struct message *m)
{
	const struct core_job *job;
	const struct stored_job *stored = idmap_get(&w->store.jobs, m->job);
	const struct stored_pipeline *p;
	struct core_event event = { .type = CORE_DOWNSTREAM, .job = m->job };
	struct commit c = { .jobs = NULL };

	if (!w->server.up || m->incarnation != w->server.incarnation || stored == NULL)
		return;
	job = core_job(w->server.core, m->job);
	if (job == NULL || job->downstream != 0 || status_is_completed(job->status))
		return;
	p = idmap_get(&w->store.pipelines, stored->row.pipeline);
	if (chance_of(w, 80))
		event = (struct core_event){ .type = CORE_CREATE_PIPELINE,
			.plan = plan_invent(w, p->row.parent_job == 0 ? 1 : 2),
			.parent_job = m->job,
			.origin = &p->origin };
	(void)handle(w, event, &c);
	submit(w, &c);
}

bool
server_push(struct world *w)
{
	static const char *const refs[] = { "refs/heads/main", "refs/heads/topic" };
	static const char *const shas[] = { "a", "b", "c", "d" };
	int ref = (int)chance_between(w, 0, 1);
	struct core_origin origin = { .project = chance_between(w, 1, w->project_count),
		.ref = refs[ref],
		.sha = shas[chance_between(w, 0, 3)],
		.ref_is_protected = ref == 0,
		.priority = (int)chance_between(w, -1, 1),
		.supersedes = w->meddled };
	struct commit c = { .jobs = NULL };

	if (!w->server.up || w->server.stalled || w->server.loading)
		return false;
	if (!handle(w,
		(struct core_event){ .type = CORE_CREATE_PIPELINE,
		    .plan = plan_invent(w, 0),
		    .origin = &origin },
		&c))
		check_failed(w, "a push was refused");
	c.told_pipeline = c.pipeline_count > 0 ? c.pipelines[0].row.id : 0;
	submit(w, &c);
	return true;
}

bool
server_act(struct world *w, enum core_event_type type, int64_t job)
{
	struct server *s = &w->server;
	const struct stored_job *stored = idmap_get(&w->store.jobs, job);
	struct commit c = { .jobs = NULL };
	bool taken;

	if (!s->up || s->stalled || s->loading || stored == NULL)
		return false;
	if (core_pipeline(s->core, stored->row.pipeline) == NULL) {
		if (s->queued > 0)
			return false; /* the store does not know the latest yet */
		load(w, &c, idmap_get(&w->store.pipelines, stored->row.pipeline));
	}
	taken = handle(w,
	    (struct core_event){ .type = type,
		.job = job,
		.pipeline = stored->row.pipeline,
		.force = chance_of(w, 20),
		.priority = (int)chance_between(w, -2, 2) },
	    &c);
	submit(w, &c);
	return taken;
}
