/* The steps of a job, one shell each, and the end of all its processes. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runner/supervisor/procs.h"
#include "runner/supervisor/usage.h"

/* For a tied job whose runner is gone: it has a second in all. */
#define ORPHAN_GRACE_MS 300
#define KILL_LIMIT_MS 10000 /* what SIGKILL does not end by then never ends */
#define KILL_PAUSE_MS 1

/* Opening a file in /proc costs a tenth of a short job; long ones use up memory. */
#define OOM_AFTER_MS 50
#define OOM_SCORE "500"

enum step_end { STEP_EXITED, STEP_TIMED_OUT, STEP_JOB_TIMED_OUT, STEP_CANCELED };

static int64_t
min_ms(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* ---- the end of all processes ---------------------------------------------- */

static void
signal_all(struct supervision *s, int signal)
{
	cleanup_pids struct pids pids = PIDS_INIT;

	if (s->cage.pid != 0) {
		cage_process_signal(&s->cage, signal);
		return;
	}
	procs_descendants(getpid(), &pids);
	for (size_t i = 0; i < pids.count; i++)
		kill(pids.items[i], signal);
}

/*
 * As little as can be between finding one and killing it: a process that forks and exits,
 * over and over, has to be met before it does.
 */
static void
kill_children(struct supervision *s)
{
	cleanup_pids struct pids pids = PIDS_INIT;

	if (s->cage.pid != 0) {
		cage_process_signal(&s->cage, SIGKILL);
		return;
	}
	procs_children(getpid(), &pids);
	for (size_t i = 0; i < pids.count; i++)
		kill(pids.items[i], SIGKILL);
}

/* Wait until nothing is left below us; true when so. */
static bool
wait_childless(struct supervision *s, int64_t until_ms, bool until_killed)
{
	while (!s->childless && supervision_now_ms() < until_ms) {
		if (until_killed && s->killed)
			break;
		supervision_pump(s, until_ms);
	}
	return s->childless;
}

void
supervision_kill_all(struct supervision *s, int64_t grace_ms)
{
	int64_t limit_ms = supervision_now_ms() + grace_ms + KILL_LIMIT_MS;

	if (s->childless)
		return;
	if (s->orphaned && s->spec.tied)
		grace_ms = min_ms(grace_ms, ORPHAN_GRACE_MS);
	if (!s->killed || s->orphaned) {
		signal_all(s, SIGTERM);
		signal_all(s, SIGCONT); /* what is stopped would never see it */
		if (wait_childless(s, supervision_now_ms() + grace_ms, !s->orphaned))
			return;
	}
	/* whatever loses its parent becomes our child and falls in the next round */
	while (!s->childless && supervision_now_ms() < limit_ms) {
		kill_children(s);
		supervision_pump(s, supervision_now_ms() + KILL_PAUSE_MS);
	}
	if (!s->childless)
		supervision_fail(s, WIRE_SYSTEM_FAILURE,
		    "processes of the job cannot be ended: they belong to another user or "
		    "hang in the kernel");
}

/* ---- one step -------------------------------------------------------------- */

static int64_t
step_deadline(const struct supervision *s, const struct spec_step *step)
{
	int64_t until_ms = step->own_clock ? INT64_MAX : s->deadline_ms;

	if (step->timeout_ms > 0)
		until_ms = min_ms(until_ms, supervision_now_ms() + step->timeout_ms);
	return until_ms;
}

static bool
is_canceled(const struct supervision *s, const struct spec_step *step)
{
	return s->killed || (s->canceled && !step->on_cancel) ||
	    s->trace.write_errno != 0;
}

/*
 * A machine short of memory shall end jobs, not their supervisors. What the processes of
 * a job start later inherits it; twice, for what was born meanwhile.
 */
static void
offer_to_oom_killer(void)
{
	for (int round = 0; round < 2; round++) {
		cleanup_pids struct pids pids = PIDS_INIT;

		procs_descendants(getpid(), &pids);
		for (size_t i = 0; i < pids.count; i++)
			procs_set_oom_score(pids.items[i], OOM_SCORE);
	}
}

static enum step_end
wait_step(struct supervision *s, const struct spec_step *step)
{
	int64_t until_ms = step_deadline(s, step);
	int64_t offer_ms = supervision_now_ms() + OOM_AFTER_MS;

	while (s->step_runs) {
		if (is_canceled(s, step))
			return STEP_CANCELED;
		if (supervision_now_ms() >= until_ms)
			return !step->own_clock && until_ms == s->deadline_ms
			    ? STEP_JOB_TIMED_OUT
			    : STEP_TIMED_OUT;
		if (supervision_now_ms() >= offer_ms) {
			offer_to_oom_killer();
			offer_ms = INT64_MAX;
		}
		supervision_pump(s, min_ms(until_ms, offer_ms));
	}
	return STEP_EXITED;
}

static void
note_exit(struct supervision *s, const struct spec_step *step, int status)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);

	if (code == 0)
		return;
	if (step->ignore_failure) {
		trace_printf(&s->trace,
		    "\033[0;33mWARNING: %s failed: exit code %d, ignored\033[0;m\n",
		    step->name, code);
		return;
	}
	if (s->result.verdict != WIRE_SUCCESS)
		return; /* the first failure is the job's */
	s->result.exit_code = code;
	s->result.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	if (s->short_of[0] != '\0')
		supervision_fail(s, WIRE_SCRIPT_FAILURE, "%s", s->short_of);
	else if (s->result.signal != 0)
		supervision_fail(s, WIRE_SCRIPT_FAILURE, "%s was ended by signal %d (%s)",
		    step->name, s->result.signal, strsignal(s->result.signal));
	else
		supervision_fail(s, WIRE_SCRIPT_FAILURE, "exit code %d", code);
}

/*
 * Nothing is asked of the runner after this, so the log's last line is written here, in
 * the words of GitLab's runner, with Go's spelling of the time: "1h0m0s", "5m0s", "1s".
 */
void
supervision_log_timeout(struct supervision *s)
{
	int64_t t = s->spec.timeout_ms / 1000;
	char took[64];
	size_t n = 0;

	if (!s->ran_out)
		return;
	if (t >= 3600)
		n += (size_t)snprintf(took, sizeof(took), "%" PRId64 "h", t / 3600);
	if (t >= 60)
		n += (size_t)snprintf(
		    took + n, sizeof(took) - n, "%" PRId64 "m", t / 60 % 60);
	(void)snprintf(took + n, sizeof(took) - n, "%" PRId64 "s", t % 60);
	trace_printf(&s->trace,
	    "\033[31;1mERROR: Job failed: execution took longer than %s seconds"
	    "\033[0;m\n",
	    took);
}

static void
note_end(struct supervision *s, const struct spec_step *step, enum step_end end)
{
	switch (end) {
	case STEP_EXITED:
		note_exit(s, step, s->shell_status);
		break;
	case STEP_TIMED_OUT:
		if (step->ignore_failure || s->result.verdict != WIRE_SUCCESS)
			trace_printf(&s->trace,
			    "\033[0;33mWARNING: %s took longer than %" PRId64
			    " s and was ended\033[0;m\n",
			    step->name, step->timeout_ms / 1000);
		else
			supervision_fail(s, WIRE_TIMEOUT,
			    "%s took longer than %" PRId64 " s", step->name,
			    step->timeout_ms / 1000);
		break;
	case STEP_JOB_TIMED_OUT:
		s->killed = true; /* nothing may follow */
		supervision_fail(s, WIRE_TIMEOUT,
		    "the job took longer than %" PRId64 " s", s->spec.timeout_ms / 1000);
		s->ran_out = true;
		break;
	case STEP_CANCELED:
		break; /* found by the caller, also between steps */
	}
}

static void
run_step(struct supervision *s, const struct spec_step *step)
{
	struct error err = ERROR_INIT;
	enum step_end end;

	trace_add(&s->trace, step->headline.data, step->headline.len);
	usage_begin(s);
	echo_watch_begin(&s->watch, &step->items);
	supervision_tell(s, WIRE_STEP);
	if (supervision_spawn(s, step, &err) < 0) {
		supervision_fail(s, WIRE_SYSTEM_FAILURE, "%s", err.msg);
		return;
	}
	end = wait_step(s, step);
	if (end != STEP_EXITED)
		supervision_kill_all(s, s->spec.grace_ms);
	supervision_drain(s);
	(void)usage_look(s);
	note_end(s, step, end);
}

/* ---- all of them ----------------------------------------------------------- */

static void
note_interruption(struct supervision *s)
{
	if (s->trace.write_errno != 0)
		supervision_fail(s, WIRE_SYSTEM_FAILURE, "cannot write the log: %s",
		    strerror(s->trace.write_errno));
	else if (s->orphaned && s->spec.tied)
		supervision_fail(s, WIRE_CANCELED, "the runner is gone");
	else if (s->canceled)
		supervision_fail(s, WIRE_CANCELED, "canceled");
}

/* previous_ran: a step that tidies up has nothing to do when what it follows never began.
 */
static bool
is_wanted(const struct supervision *s, const struct spec_step *step, bool previous_ran)
{
	if (s->killed || s->result.verdict >= WIRE_SYSTEM_FAILURE)
		return false;
	if (s->canceled)
		return step->on_cancel && previous_ran;
	return s->result.verdict == WIRE_SUCCESS || (step->always && previous_ran);
}

static int64_t
unix_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t
monotonic_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void
supervision_run_steps(struct supervision *s)
{
	int64_t begin_us = monotonic_us();
	struct error err = ERROR_INIT;
	bool previous_ran = false;

	s->result.started_us = unix_us();
	if (services_start(s, &err) < 0 ||
	    (s->spec.cage.argv.count > 0 && cage_start(s, &err) < 0))
		supervision_fail(s, WIRE_SYSTEM_FAILURE, "%s", err.msg);
	if (s->spec.timeout_ms > 0)
		s->deadline_ms = supervision_now_ms() + s->spec.timeout_ms;
	for (size_t i = 0; i < s->spec.step_count; i++) {
		bool wanted = is_wanted(s, &s->spec.steps[i], previous_ran);

		if (wanted) {
			s->step = (uint32_t)i;
			run_step(s, &s->spec.steps[i]);
			note_interruption(s);
		}
		previous_ran = wanted;
	}
	note_interruption(s);
	s->result.finished_us = unix_us();
	s->result.duration_us = monotonic_us() - begin_us;
}
