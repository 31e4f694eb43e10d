/* Runners that come later take over what supervisors keep going. */
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/supervised.h"

#define UP "touch up; "

static void
take_over(struct supervised *t)
{
	struct error err = ERROR_INIT;

	t->supervisor = supervisor_new(&t->loop, t->launcher, &t->events);
	for (int i = 0; i < 400; i++) {
		if (supervisor_adopt(t->supervisor, t->dir.path, t->dir.marker,
			t->trace_path, &err) == 0)
			return;
		usleep(5000);
	}
	ck_abort_msg("%s", err.msg);
}

static void
answer_collect(struct supervisor *s, int workspace_fd,
    const struct supervisor_result *so_far, void *data UNUSED)
{
	close(workspace_fd);
	ck_assert_int_eq(so_far->exit_code, 9);
	supervisor_log(s, "collected\n", 10);
	supervisor_finish(s);
}

static void
answer_ready(struct supervisor *s, int workspace_fd, void *data UNUSED)
{
	close(workspace_fd);
	supervisor_log(s, "restored\n", 9);
	supervisor_begin(s);
}

START_TEST(later_runner_takes_a_running_job_over)
{
	cleanup_free char *up = NULL, *go = NULL;
	struct error err = ERROR_INIT;
	struct supervised t;

	supervised_init(&t);
	go = path_join(t.project_dir, "go");
	up = path_join(t.project_dir, "up");
	supervised_add_script(
	    &t, UP "until [ -e go ]; do sleep 0.02; done; echo went on; exit 9");
	t.spec.tied = false;
	t.spec.collect = true;
	t.events.on_collect = answer_collect;
	{
		pid_t runner = supervised_run_elsewhere(&t);

		supervised_await_file(up, true);
		supervised_kill_and_reap(runner);
	}
	take_over(&t);
	ck_assert_int_eq(path_write_file(go, "", 0, 0644, &err), 0);
	supervised_wait(&t);
	ck_assert_int_eq(t.result.exit_code, 9);
	ck_assert_ptr_nonnull(strstr(buf_str(&t.trace), "went on\ncollected\n"));
	ck_assert_uint_eq(t.result.trace_bytes, t.trace.len);
	supervised_await_end(&t);
	supervised_clear(&t);
}
END_TEST

/* The runner died before it answered: the next one hears the question again. */
static void
ask_again(bool before)
{
	cleanup_free char *ran = NULL;
	struct supervised t;
	pid_t runner;

	supervised_init(&t);
	ran = path_join(t.project_dir, "ran");
	supervised_add_script(&t, "touch ran; exit 9");
	t.spec.tied = false;
	t.spec.hold = before;
	t.spec.collect = true;
	runner = supervised_run_elsewhere(&t); /* it answers nothing */
	if (before)
		supervised_await_file(t.trace_path, true);
	else
		supervised_await_file(ran, true);
	usleep(20000);
	supervised_kill_and_reap(runner);
	t.events.on_ready = answer_ready;
	t.events.on_collect = answer_collect;
	take_over(&t);
	supervised_wait(&t);
	ck_assert_int_eq(t.result.exit_code, 9);
	ck_assert_ptr_nonnull(strstr(buf_str(&t.trace), "collected\n"));
	ck_assert((strstr(buf_str(&t.trace), "restored\n") != NULL) == before);
	supervised_await_end(&t);
	supervised_clear(&t);
}

START_TEST(open_question_is_asked_again)
{
	ask_again(_i == 0);
}
END_TEST

/* A supervisor in its last breath: somebody knocks, and it is gone before it looks. */
static void
end_unheard(const char *job_dir)
{
	static const char result[] = "{\"v\":1,\"reason\":\"script_failure\","
				     "\"exit_code\":7,\"peak_rss_bytes\":4096}\n";
	cleanup_free char *file = path_join(job_dir, "result.json");
	struct pollfd knock = { .events = POLLIN };
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct error err = ERROR_INIT;

	if (chdir(job_dir) < 0)
		_exit(1);
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", SPEC_SOCKET_NAME);
	knock.fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	if (bind(knock.fd, (const struct sockaddr *)&at, sizeof(at)) < 0 ||
	    listen(knock.fd, 1) < 0 || poll(&knock, 1, 10000) != 1 ||
	    path_write_file(file, result, sizeof(result) - 1, 0600, &err) < 0)
		_exit(1);
	_exit(0);
}

START_TEST(one_that_ends_unheard_left_its_result)
{
	struct error err = ERROR_INIT;
	struct supervised t;
	pid_t pid;

	supervised_init(&t);
	ck_assert_int_eq(path_write_file(t.trace_path, "said\n", 5, 0600, &err), 0);
	pid = fork();
	if (pid == 0)
		end_unheard(t.dir.path);
	take_over(&t);
	supervised_wait(&t);
	ck_assert_int_eq(t.result.reason, REASON_SCRIPT_FAILURE);
	ck_assert_int_eq(t.result.exit_code, 7);
	ck_assert_int_eq(t.result.peak_rss_bytes, 4096);
	ck_assert_uint_eq(t.result.trace_bytes, 5);
	waitpid(pid, NULL, 0);
	supervised_clear(&t);
}
END_TEST

START_TEST(nobody_to_take_over_is_missing)
{
	struct error err = ERROR_INIT;
	struct supervised t;

	supervised_init(&t);
	t.supervisor = supervisor_new(&t.loop, t.launcher, &t.events);
	ck_assert_int_eq(
	    supervisor_adopt(t.supervisor, t.dir.path, t.dir.marker, t.trace_path, &err),
	    ERR_MISSING);
	supervisor_free(t.supervisor);
	supervised_clear(&t);
}
END_TEST

static void
add_tests(TCase *tc)
{
	tcase_add_test(tc, later_runner_takes_a_running_job_over);
	tcase_add_loop_test(tc, open_question_is_asked_again, 0, 2);
	tcase_add_test(tc, one_that_ends_unheard_left_its_result);
	tcase_add_test(tc, nobody_to_take_over_is_missing);
}

int
main(void)
{
	return supervised_main("takeover", 60, add_tests);
}
