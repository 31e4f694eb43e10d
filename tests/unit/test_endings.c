/* However a job ends, it ends in time and nothing of it is left. */
#include <check.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/supervisor/procs.h"
#include "runner/sweep.h"
#include "tests/unit/supervised.h"

/*
 * A daemon by the book, and deaf: a session of its own, forked twice, parents gone,
 * SIGTERM ignored. "up" is printed once it stands.
 */
#define DAEMON                                                                           \
	"(setsid bash -c '(trap \"\" TERM HUP; touch daemon-up; while :; do sleep 0.1; " \
	"done) </dev/null >/dev/null 2>&1 &' &)\n"                                       \
	"until [ -e daemon-up ]; do sleep 0.01; done; echo daemon is up\n"

static const char *const tell_status[] = { "echo after: $CI_JOB_STATUS", NULL };

static void
add_after_script(struct supervised *t, const char *const *items)
{
	struct spec_step *step = supervised_add_step(t, "after_script", items);

	step->always = step->on_cancel = step->own_clock = step->ignore_failure = true;
	step->timeout_ms = 60000;
}

static bool
log_has(const struct supervised *t, const char *text)
{
	return strstr(buf_str(&t->trace), text) != NULL;
}

static void
assert_ended(struct supervised *t, enum reason reason, const char *message)
{
	ck_assert_msg(t->result.reason == reason, "%s: %s", reason_name(t->result.reason),
	    t->result.message);
	ck_assert_str_eq(t->result.message, message);
	ck_assert(supervised_left_nothing(t));
}

/* ---- by itself ------------------------------------------------------------- */

START_TEST(daemon_does_not_outlive_its_job)
{
	struct supervised t;

	supervised_init(&t);
	supervised_add_script(&t, DAEMON);
	supervised_run(&t);
	ck_assert(log_has(&t, "daemon is up"));
	assert_ended(&t, REASON_NONE, "");
	supervised_clear(&t);
}
END_TEST

START_TEST(daemon_lives_until_after_script_is_over)
{
	static const char *const items[] = { "kill -0 $(cat pid) && echo still there",
		NULL };
	struct supervised t;

	supervised_init(&t);
	supervised_add_script(&t, "sleep 1000 & echo $! >pid");
	add_after_script(&t, items);
	supervised_run(&t);
	ck_assert_msg(log_has(&t, "\nstill there"), "%s", buf_str(&t.trace));
	assert_ended(&t, REASON_NONE, "");
	supervised_clear(&t);
}
END_TEST

START_TEST(process_that_holds_the_log_is_not_waited_for)
{
	struct supervised t;
	int64_t begin;

	supervised_init(&t);
	supervised_add_script(&t, "sleep 1000 & echo done");
	begin = (int64_t)uv_hrtime();
	supervised_run(&t);
	ck_assert_int_lt((int64_t)uv_hrtime() - begin, 20000000000);
	ck_assert(log_has(&t, "done\n"));
	assert_ended(&t, REASON_NONE, "");
	supervised_clear(&t);
}
END_TEST

/* Each process ends at once, having started the next: gone before it can be killed. */
START_TEST(chain_of_processes_is_caught)
{
	static const char script[] = "cat >chain <<'EOF'\n"
				     "#!/bin/sh\n"
				     "trap '' TERM\n"
				     "setsid ./chain &\n"
				     "EOF\n"
				     "chmod +x chain; ./chain; sleep 0.05";
	struct supervised t;

	supervised_init(&t);
	supervised_add_script(&t, script);
	supervised_run(&t);
	assert_ended(&t, REASON_NONE, "");
	supervised_clear(&t);
}
END_TEST

/* ---- timeouts -------------------------------------------------------------- */

START_TEST(job_timeout_ends_all_without_after_script)
{
	struct supervised t;

	supervised_init(&t);
	supervised_add_script(&t, DAEMON "sleep 1000");
	add_after_script(&t, tell_status);
	t.spec.timeout_ms = 1000;
	t.spec.grace_ms = 100;
	supervised_run(&t);
	ck_assert(log_has(&t, "daemon is up"));
	ck_assert(!log_has(&t, "after: "));
	ck_assert(log_has(
	    &t, "ERROR: Job failed: execution took longer than 1s seconds\033[0;m\n"));
	assert_ended(&t, REASON_JOB_EXECUTION_TIMEOUT, "the job took longer than 1 s");
	supervised_clear(&t);
}
END_TEST

START_TEST(script_timeout_lets_after_script_know)
{
	struct supervised t;

	supervised_init(&t);
	supervised_add_script(&t, "sleep 1000")->timeout_ms = 1000;
	add_after_script(&t, tell_status);
	supervised_run(&t);
	ck_assert_msg(log_has(&t, "\nafter: timedout\n"), "%s", buf_str(&t.trace));
	assert_ended(&t, REASON_JOB_EXECUTION_TIMEOUT, "script took longer than 1 s");
	supervised_clear(&t);
}
END_TEST

START_TEST(after_script_has_a_limit_of_its_own)
{
	static const char *const items[] = { "sleep 1000", NULL };
	struct supervised t;

	supervised_init(&t);
	supervised_add_script(&t, "exit 3");
	add_after_script(&t, items);
	t.spec.steps[1].timeout_ms = 1000;
	t.spec.timeout_ms = 500; /* of the job: does not count any more */
	supervised_run(&t);
	ck_assert_int_eq(t.result.exit_code, 3);
	ck_assert_msg(log_has(&t, "WARNING: after_script took longer than 1 s"), "%s",
	    buf_str(&t.trace));
	assert_ended(&t, REASON_SCRIPT_FAILURE, "exit code 3");
	supervised_clear(&t);
}
END_TEST

START_TEST(failed_after_script_is_a_warning)
{
	static const char *const items[] = { "exit 5", NULL };
	struct supervised t;

	supervised_init(&t);
	supervised_add_script(&t, "true");
	add_after_script(&t, items);
	supervised_run(&t);
	ck_assert(log_has(&t, "WARNING: after_script failed: exit code 5, ignored"));
	assert_ended(&t, REASON_NONE, "");
	supervised_clear(&t);
}
END_TEST

START_TEST(failed_hook_lets_nothing_follow)
{
	static const char *const items[] = { "exit 4", NULL };
	struct supervised t;

	supervised_init(&t);
	supervised_add_step(&t, "pre_get_sources_script", items);
	supervised_add_script(&t, "echo must not run");
	add_after_script(&t, tell_status);
	supervised_run(&t);
	ck_assert_str_eq(buf_str(&t.trace), "\033[32;1m$ exit 4\033[0;m\n");
	ck_assert_int_eq(t.result.step, 0);
	assert_ended(&t, REASON_SCRIPT_FAILURE, "exit code 4");
	supervised_clear(&t);
}
END_TEST

/* ---- cancel ---------------------------------------------------------------- */

START_TEST(graceful_cancel_runs_after_script)
{
	struct supervised t;

	supervised_init(&t);
	supervised_add_script(&t, DAEMON "sleep 1000");
	add_after_script(&t, tell_status);
	t.spec.grace_ms = 100;
	supervised_start(&t);
	supervised_await_log(&t, "daemon is up");
	supervisor_cancel(t.supervisor, false);
	supervised_wait(&t);
	ck_assert_msg(log_has(&t, "\nafter: canceled\n"), "%s", buf_str(&t.trace));
	assert_ended(&t, REASON_JOB_CANCELED, "canceled");
	supervised_clear(&t);
}
END_TEST

START_TEST(script_hears_of_a_graceful_cancel)
{
	struct supervised t;

	supervised_init(&t);
	supervised_add_script(&t,
	    "trap 'echo tidied up; exit' TERM; echo ready; while :; do sleep 0.05; done");
	t.spec.grace_ms = 60000;
	supervised_start(&t);
	supervised_await_log(&t, "\nready");
	supervisor_cancel(t.supervisor, false);
	supervised_wait(&t);
	ck_assert(log_has(&t, "tidied up\n"));
	assert_ended(&t, REASON_JOB_CANCELED, "canceled");
	supervised_clear(&t);
}
END_TEST

START_TEST(force_does_not_wait_for_grace_nor_after_script)
{
	struct supervised t;
	int64_t begin;

	supervised_init(&t);
	supervised_add_script(&t, "trap '' TERM; " DAEMON "sleep 1000");
	add_after_script(&t, tell_status);
	t.spec.grace_ms = 60000;
	supervised_start(&t);
	supervised_await_log(&t, "daemon is up");
	begin = (int64_t)uv_hrtime();
	supervisor_cancel(t.supervisor, false); /* Ctrl-C, and again */
	supervisor_cancel(t.supervisor, true);
	supervised_wait(&t);
	ck_assert_int_lt((int64_t)uv_hrtime() - begin, 20000000000);
	ck_assert(!log_has(&t, "after: "));
	assert_ended(&t, REASON_JOB_CANCELED, "canceled");
	supervised_clear(&t);
}
END_TEST

START_TEST(stopped_script_can_be_canceled)
{
	struct supervised t;

	supervised_init(&t);
	supervised_add_script(&t, "echo ready; kill -STOP $$");
	t.spec.grace_ms = 60000;
	supervised_start(&t);
	supervised_await_log(&t, "\nready");
	supervisor_cancel(t.supervisor, false);
	supervised_wait(&t);
	assert_ended(&t, REASON_JOB_CANCELED, "canceled");
	supervised_clear(&t);
}
END_TEST

static void
cancel_at_once(struct supervisor *s, int fd, void *data)
{
	(void)data;
	close(fd);
	supervisor_cancel(s, false);
	supervisor_begin(s);
}

START_TEST(canceled_before_the_first_step_runs_none)
{
	struct supervised t;

	supervised_init(&t);
	supervised_add_script(&t, "echo must not run");
	add_after_script(&t, tell_status);
	t.spec.hold = true;
	t.events.on_ready = cancel_at_once;
	supervised_run(&t);
	ck_assert_str_eq(buf_str(&t.trace), "");
	assert_ended(&t, REASON_JOB_CANCELED, "canceled");
	supervised_clear(&t);
}
END_TEST

/* ---- the death of the runner ----------------------------------------------- */

/* Another's child: who knows when it is reaped; dead is enough. */
static void
kill_and_await(pid_t pid)
{
	struct pollfd fd = { .fd = (int)syscall(SYS_pidfd_open, pid, 0),
		.events = POLLIN };

	ck_assert_int_ge(fd.fd, 0);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(poll(&fd, 1, 10000), 1);
	close(fd.fd);
}

START_TEST(tied_job_ends_with_its_runner_not_by_its_grace)
{
	cleanup_free char *up = NULL;
	struct supervised t;
	pid_t pid;
	int64_t begin;

	supervised_init(&t);
	up = path_join(t.project_dir, "daemon-up");
	supervised_add_script(&t, "trap '' TERM; " DAEMON "while :; do sleep 0.1; done");
	add_after_script(&t, tell_status);
	t.spec.grace_ms = 60000;
	pid = supervised_run_elsewhere(&t);
	supervised_await_file(up, true);
	begin = (int64_t)uv_hrtime();
	supervised_kill_and_reap(pid);
	while (!supervised_left_nothing(&t) && (int64_t)uv_hrtime() - begin < 20000000000)
		usleep(20000);
	ck_assert_int_lt((int64_t)uv_hrtime() - begin, 20000000000);
	supervised_await_file(t.dir.path, false);
	supervised_clear(&t);
}
END_TEST

START_TEST(untied_job_goes_on_and_leaves_its_result)
{
	cleanup_free char *result = NULL, *go = NULL, *up = NULL;
	cleanup_buf struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;
	struct supervised t;
	pid_t runner;

	supervised_init(&t);
	result = path_join(t.dir.path, "result.json");
	go = path_join(t.project_dir, "go");
	up = path_join(t.project_dir, "daemon-up");
	supervised_add_script(
	    &t, DAEMON "until [ -e go ]; do sleep 0.02; done; echo went on; exit 9");
	t.spec.tied = false;
	runner = supervised_run_elsewhere(&t);
	supervised_await_file(up, true);
	supervised_kill_and_reap(runner);
	ck_assert_int_eq(path_write_file(go, "", 0, 0644, &err), 0);
	supervised_await_file(result, true);
	ck_assert_int_eq(buf_read_file(&text, result, 4096, &err), 0);
	ck_assert_msg(strstr(text.data,
			  "\"reason\":\"script_failure\",\"message\":\"exit "
			  "code 9\",\"exit_code\":9,\"signal\":0,") != NULL,
	    "%s", text.data);
	supervised_await_end(&t);
	ck_assert(supervised_left_nothing(&t));
	supervised_clear(&t);
}
END_TEST

/* ---- the death of the supervisor ------------------------------------------- */

/* Of a runner with one job; what forked the supervisor off is older. */
static pid_t
supervisor_of(pid_t runner)
{
	cleanup_pids struct pids pids = PIDS_INIT;

	procs_children(runner, &pids);
	ck_assert_uint_ge(pids.count, 1);
	return pids.items[pids.count - 1];
}

START_TEST(death_of_the_supervisor_is_a_system_failure)
{
	struct supervised t;

	supervised_init(&t);
	supervised_add_script(&t, DAEMON "sleep 1000");
	supervised_start(&t);
	supervised_await_log(&t, "daemon is up");
	ck_assert_int_eq(kill(supervisor_of(getpid()), SIGKILL), 0);
	supervised_wait(&t);
	ck_assert_uint_eq(t.result.trace_bytes, t.trace.len);
	assert_ended(&t, REASON_RUNNER_SYSTEM_FAILURE,
	    "the supervisor of the job was ended by signal 9");
	supervised_clear(&t);
}
END_TEST

static int
sweep(const struct supervised *t)
{
	cleanup_free char *jobs = path_join(t->root, "jobs");
	struct error err = ERROR_INIT;
	int n = sweep_jobs(jobs, &err);

	ck_assert_msg(n >= 0, "%s", err.msg);
	return n;
}

START_TEST(sweep_removes_what_two_deaths_left)
{
	cleanup_free char *up = NULL;
	struct supervised t;
	pid_t runner, supervisor;

	supervised_init(&t);
	up = path_join(t.project_dir, "daemon-up");
	supervised_add_script(&t, DAEMON "sleep 1000");
	spec_add_file(&t.spec, "KEY", "secret", 6);
	runner = supervised_run_elsewhere(&t);
	supervised_await_file(up, true);
	ck_assert_int_eq(sweep(&t), 0); /* alive: not touched */
	supervisor = supervisor_of(runner);
	ck_assert_int_eq(kill(runner, SIGSTOP), 0); /* or it would tidy up itself */
	kill_and_await(supervisor);
	supervised_kill_and_reap(runner);
	ck_assert(!supervised_left_nothing(&t));
	ck_assert_int_eq(sweep(&t), 1);
	ck_assert(supervised_left_nothing(&t));
	ck_assert_int_ne(access(t.dir.path, F_OK), 0);
	{
		cleanup_free char *files = xasprintf("/dev/shm/pawl-%s", t.dir.marker);

		ck_assert_int_ne(access(files, F_OK), 0);
	}
	supervised_clear(&t);
}
END_TEST

/* ---- at any moment --------------------------------------------------------- */

enum victim { KILL_RUNNER, KILL_SUPERVISOR, CANCEL, FORCE, VICTIMS };

/* SOAK: the full count; any other by PAWL_TEST_KILLS. */
static unsigned
kills(void)
{
	const char *count = getenv("PAWL_TEST_KILLS"), *soak = getenv("SOAK");

	if (count != NULL)
		return (unsigned)strtoul(count, NULL, 10);
	return soak != NULL && *soak != '\0' ? 500 : 24;
}

static void
act(struct supervised *t, enum victim victim, unsigned delay_us)
{
	pid_t pid = victim == KILL_RUNNER ? supervised_run_elsewhere(t) : 0;

	if (pid == 0)
		supervised_start(t);
	usleep(delay_us);
	switch (victim) {
	case KILL_RUNNER:
		supervised_kill_and_reap(pid);
		supervised_await_end(t);
		return;
	case KILL_SUPERVISOR:
		kill(supervisor_of(getpid()), SIGKILL);
		break;
	case CANCEL:
	case FORCE:
	case VICTIMS:
		supervisor_cancel(t->supervisor, victim == FORCE);
		break;
	}
	supervised_wait(t);
}

/* The same daemon without a variable to know it by; its mounts betray it. */
#define NAMELESS                                                                         \
	"(env -i setsid bash -c '(trap \"\" TERM HUP; touch nameless-up; while :; do "   \
	"/bin/sleep 0.1; done) </dev/null >/dev/null 2>&1 &' &)\n"

static void
kill_at_any_moment(bool in_overlay)
{
	uint64_t random = 88172645463325252u;

	for (unsigned i = 0; i < kills(); i++) {
		struct supervised t;

		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		supervised_init(&t);
		if (in_overlay) {
			free(supervised_put_file(&t, "lower", "file", "x"));
			supervised_add_lower(&t, "lower");
			supervised_use_overlay(&t);
			spec_add_file(&t.spec, "KEY", "content", 7);
		}
		supervised_add_script(
		    &t, in_overlay ? NAMELESS DAEMON "sleep 1000" : DAEMON "sleep 1000");
		t.spec.grace_ms = 20;
		act(&t, (enum victim)(i % VICTIMS), (unsigned)(random % 30000));
		if (!supervised_left_nothing(&t)) {
			supervised_print_left(&t);
			ck_abort_msg("round %u left something", i);
		}
		supervised_clear(&t);
	}
}

START_TEST(killed_at_any_moment_leaves_nothing)
{
	kill_at_any_moment(false);
}
END_TEST

START_TEST(killed_at_any_moment_in_an_overlay_leaves_nothing)
{
	if (supervised_can_mount())
		kill_at_any_moment(true);
}
END_TEST

START_TEST(nameless_daemon_is_found_by_its_mounts)
{
	struct supervised t;

	if (!supervised_can_mount())
		return;
	supervised_init(&t);
	free(supervised_put_file(&t, "lower", "file", "x"));
	supervised_add_lower(&t, "lower");
	supervised_use_overlay(&t);
	supervised_add_script(&t,
	    NAMELESS "until [ -e nameless-up ]; do sleep 0.01; done; "
		     "echo all up; sleep 1000");
	supervised_start(&t);
	supervised_await_log(&t, "\nall up");
	ck_assert_int_eq(kill(supervisor_of(getpid()), SIGKILL), 0);
	supervised_wait(&t);
	ck_assert(supervised_left_nothing(&t));
	supervised_clear(&t);
}
END_TEST

static void
add_tests(TCase *tc)
{
	tcase_add_test(tc, daemon_does_not_outlive_its_job);
	tcase_add_test(tc, daemon_lives_until_after_script_is_over);
	tcase_add_test(tc, process_that_holds_the_log_is_not_waited_for);
	tcase_add_test(tc, chain_of_processes_is_caught);
	tcase_add_test(tc, job_timeout_ends_all_without_after_script);
	tcase_add_test(tc, script_timeout_lets_after_script_know);
	tcase_add_test(tc, after_script_has_a_limit_of_its_own);
	tcase_add_test(tc, failed_after_script_is_a_warning);
	tcase_add_test(tc, failed_hook_lets_nothing_follow);
	tcase_add_test(tc, graceful_cancel_runs_after_script);
	tcase_add_test(tc, script_hears_of_a_graceful_cancel);
	tcase_add_test(tc, force_does_not_wait_for_grace_nor_after_script);
	tcase_add_test(tc, stopped_script_can_be_canceled);
	tcase_add_test(tc, canceled_before_the_first_step_runs_none);
	tcase_add_test(tc, tied_job_ends_with_its_runner_not_by_its_grace);
	tcase_add_test(tc, untied_job_goes_on_and_leaves_its_result);
	tcase_add_test(tc, death_of_the_supervisor_is_a_system_failure);
	tcase_add_test(tc, sweep_removes_what_two_deaths_left);
	tcase_add_test(tc, nameless_daemon_is_found_by_its_mounts);
	tcase_add_test(tc, killed_at_any_moment_leaves_nothing);
	tcase_add_test(tc, killed_at_any_moment_in_an_overlay_leaves_nothing);
}

int
main(void)
{
	return supervised_main("endings", 600, add_tests);
}
