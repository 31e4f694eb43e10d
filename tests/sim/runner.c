/*
 * A simulated runner: asks, accepts before it starts, sends the log by offset, says how
 * it ended, and repeats each call until it has an answer. Its builds lie on its disk and
 * run by themselves, as under a supervisor: a runner that restarts takes them up again.
 */
#include <string.h>

#include "tests/sim/world.h"

#define POLL_TIMEOUT (60 * SECOND)
#define CALL_TIMEOUT (10 * SECOND)
#define PATCH_EVERY (3 * SECOND)

static void poll_for_job(struct world *w, int runner);
static void work(struct world *w, const struct message *m);

static struct build *
find_build(struct sim_runner *r, int64_t job, int64_t token)
{
	for (size_t i = 0; i < r->build_count; i++)
		if (r->builds[i].job == job && r->builds[i].token == token)
			return &r->builds[i];
	return NULL;
}

static void
drop_build(struct world *w, int runner, struct build *b)
{
	struct sim_runner *r = &w->runners[runner];

	*b = r->builds[--r->build_count];
	poll_for_job(w, runner);
}

/* The build's next step comes after so long; one that was planned before is void. */
static void
wake(struct world *w, int runner, struct build *b, int64_t after_us)
{
	struct message m = { .runner = runner,
		.job = b->job,
		.token = b->token,
		.conn = ++b->wake,
		.incarnation = w->runners[runner].incarnation };

	agenda_add(w, after_us, work, m);
}

static void
call(struct world *w, int runner, struct build *b, struct message m)
{
	m.runner = runner;
	m.job = b->job;
	m.token = b->token;
	m.conn = b->conn = ++w->conns;
	network_send(w, &m);
	wake(w, runner, b, CALL_TIMEOUT);
}

static int64_t
written(const struct world *w, const struct build *b)
{
	int64_t ran = w->now_us - b->started_us, whole = b->ends_us - b->started_us;

	if (w->now_us >= b->ends_us || whole <= 0)
		return b->log_bytes;
	return b->log_bytes * (ran / MS) / (whole / MS + 1);
}

/* The script is over: how, is on disk. */
static void
note_end(struct world *w, struct build *b)
{
	struct truth *truth = truth_of(w, b->job);

	b->phase = BUILD_ENDED;
	truth->ran_to_end = true;
	truth->success = b->success;
	truth->log_bytes = b->log_bytes;
}

static void
work(struct world *w, const struct message *m)
{
	struct sim_runner *r = &w->runners[m->runner];
	struct build *b = find_build(r, m->job, m->token);
	int64_t end;

	if (b == NULL || !r->up || m->incarnation != r->incarnation || m->conn != b->wake)
		return;
	if (b->phase == BUILD_ACCEPTING) {
		call(w, m->runner, b, (struct message){ .kind = MSG_ACCEPT });
		return;
	}
	if (b->phase == BUILD_RUNNING && w->now_us >= b->ends_us)
		note_end(w, b);
	end = written(w, b);
	if (b->phase == BUILD_RUNNING || b->acked < end)
		call(w, m->runner, b,
		    (struct message){
			.kind = MSG_PATCH, .offset = b->acked, .end = end });
	else
		call(w, m->runner, b,
		    (struct message){ .kind = MSG_FINAL,
			.end = b->log_bytes,
			.success = b->success,
			.reason = b->reason });
}

/* Only now the script runs: the server has on disk that it is ours. */
static void
begin(struct world *w, struct build *b)
{
	int64_t lasts = chance_between(w, 0, 99) < 90
	    ? chance_between(w, 100 * MS, 30 * SECOND)
	    : chance_between(w, 30 * SECOND, 3 * MINUTE);

	b->phase = BUILD_RUNNING;
	b->started_us = w->now_us;
	b->log_bytes = chance_between(w, 0, 100000);
	b->success = chance_of(w, 75);
	b->reason = b->success ? REASON_NONE
	    : chance_of(w, 20) ? REASON_RUNNER_SYSTEM_FAILURE
			       : REASON_SCRIPT_FAILURE;
	if (lasts > b->timeout_us) {
		lasts = b->timeout_us;
		b->success = false;
		b->reason = REASON_JOB_EXECUTION_TIMEOUT;
	}
	b->ends_us = w->now_us + lasts;
	if (++truth_of(w, b->job)->starts > 1)
		check_failed(w, "job %" PRId64 " was started twice", b->job);
}

/* Asked to cancel: it ends soon, unless it has ended. */
static void
hurry(struct world *w, struct build *b)
{
	int64_t soon = w->now_us + chance_between(w, 10 * MS, 5 * SECOND);

	if (b->phase != BUILD_RUNNING || b->ends_us <= soon ||
	    b->reason == REASON_JOB_CANCELED)
		return;
	b->ends_us = soon;
	b->success = false;
	b->reason = REASON_JOB_CANCELED;
}

static void
on_answer(struct world *w, int runner, struct build *b, const struct message *m)
{
	b->conn = 0;
	if (m->code == 403) {
		drop_build(w, runner, b);
		return;
	}
	if (m->status == STATUS_CANCELING)
		hurry(w, b);
	if (b->phase == BUILD_ACCEPTING && m->code == 200)
		begin(w, b);
	if (m->code == 202 || m->code == 416)
		b->acked = m->offset;
	if (b->phase == BUILD_ENDED && m->code == 200 && m->end == 1) {
		drop_build(w, runner, b); /* the final word was taken */
		return;
	}
	wake(w, runner, b,
	    b->phase == BUILD_ENDED || b->ends_us - w->now_us < PATCH_EVERY
		? b->ends_us - w->now_us
		: PATCH_EVERY);
}

static void
take_job(struct world *w, int runner, const struct message *m)
{
	struct sim_runner *r = &w->runners[runner];

	GROW(r->builds, r->build_count, r->build_cap);
	r->builds[r->build_count++] =
	    (struct build){ .job = m->job, .token = m->token, .timeout_us = m->end };
	wake(w, runner, &r->builds[r->build_count - 1], chance_between(w, 0, 50 * MS));
}

void
runner_receive(struct world *w, const struct message *m)
{
	struct sim_runner *r = &w->runners[m->runner];

	if (!r->up)
		return;
	if (m->conn == r->poll_conn && m->conn != 0) {
		r->poll_conn = 0;
		if (m->code == 201)
			take_job(w, m->runner, m);
		poll_for_job(w, m->runner);
		return;
	}
	for (size_t i = 0; i < r->build_count; i++) {
		if (r->builds[i].conn != m->conn)
			continue;
		on_answer(w, m->runner, &r->builds[i], m);
		return;
	}
}

static void
poll_timed_out(struct world *w, const struct message *m)
{
	struct sim_runner *r = &w->runners[m->runner];

	if (!r->up || m->incarnation != r->incarnation || m->conn != r->poll_conn)
		return;
	r->poll_conn = 0;
	poll_for_job(w, m->runner);
}

static void
poll_for_job(struct world *w, int runner)
{
	struct sim_runner *r = &w->runners[runner];
	struct message m = {
		.kind = MSG_POLL, .runner = runner, .incarnation = r->incarnation
	};

	if (!r->up || r->poll_conn != 0 || r->build_count >= (size_t)r->slots)
		return;
	m.conn = r->poll_conn = ++w->conns;
	network_send(w, &m);
	agenda_add(w, POLL_TIMEOUT, poll_timed_out, m);
}

void
runner_start(struct world *w, int runner)
{
	struct sim_runner *r = &w->runners[runner];

	if (r->up)
		return;
	r->up = true;
	r->incarnation++;
	r->poll_conn = 0;
	for (size_t i = 0; i < r->build_count; i++) {
		r->builds[i].conn = 0;
		wake(w, runner, &r->builds[i], chance_between(w, 0, SECOND));
	}
	poll_for_job(w, runner);
}

void
runner_stop(struct world *w, int runner)
{
	w->runners[runner].up = false;
}

void
runner_burn(struct world *w, int runner)
{
	struct sim_runner *r = &w->runners[runner];

	for (size_t i = 0; i < r->build_count; i++)
		if (r->builds[i].phase != BUILD_ACCEPTING)
			truth_of(w, r->builds[i].job)->burnt_us = w->now_us;
	r->up = false;
	r->build_count = 0;
}
