/* What a run shows, as a whole: in a pipe, as JSON, and on a terminal at the end. */
#include <check.h>
#include <signal.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/screen.h"

static struct screen_job
job(int64_t id, const char *name, enum status status)
{
	struct screen_job j = {
		.id = id, .name = name, .stage = "test", .attempt = 1, .status = status
	};

	if (status != STATUS_PENDING && status != STATUS_SKIPPED &&
	    status != STATUS_MANUAL)
		j.started_us = 1000000;
	if (status == STATUS_SUCCESS || status == STATUS_FAILED)
		j.finished_us = 2500000;
	return j;
}

static void
change(struct screen *s, const struct screen_job *j)
{
	screen_job_changed(s, j, 1000000);
}

/* A short story: one job passes, one fails, one is skipped. */
static void
play(struct screen *s)
{
	struct screen_job a = job(1, "compile", STATUS_RUNNING),
			  b = job(2, "unit", STATUS_RUNNING);
	struct screen_job rows[3];

	screen_pipeline_started(s, 7, NULL, "main", "0123456789abcdef", "h", 3, 1000000);
	change(s, &a);
	screen_log(s, 1, "one\ntw", 6, 1000000);
	change(s, &b);
	screen_log(s, 2, "oops\n", 5, 1000000);
	screen_log(s, 1, "o", 1, 1000000);
	rows[0] = job(1, "compile", STATUS_SUCCESS);
	rows[1] = job(2, "unit", STATUS_FAILED);
	rows[1].reason = REASON_SCRIPT_FAILURE;
	rows[1].detail = "exit code 3";
	rows[1].command = "make check";
	rows[1].again = "unit";
	rows[1].log_path = ".pawl/logs/2.log";
	rows[2] = job(3, "deploy", STATUS_SKIPPED);
	rows[2].detail = "unit failed";
	for (int i = 0; i < 3; i++)
		change(s, &rows[i]);
	screen_artifacts(s, "compile", ".pawl/artifacts/1", 2, 2048);
	screen_pipeline_finished(s, 7, STATUS_FAILED, false, rows, 3, 1000000, 4000000);
}

static char *
show(bool json, bool color)
{
	struct screen_options options = { .json = json, .color = color };
	struct buf out = BUF_INIT;
	struct screen *s;
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	options.fd = fds[1];
	s = screen_new(&options, 7);
	play(s);
	screen_free(s);
	close(fds[1]);
	ck_assert_int_eq(buf_read_fd(&out, fds[0], 1 << 20, NULL), 0);
	close(fds[0]);
	return buf_take(&out);
}

START_TEST(pipe_gets_plain_prefixed_lines)
{
	cleanup_free char *got = show(false, false);

	ck_assert_str_eq(got,
	    "pipeline 7 of main at 01234567, 3 jobs\n"
	    "compile | * running\n"
	    "compile | one\n"
	    "unit    | * running\n"
	    "unit    | oops\n"
	    "compile | two\n"
	    "compile | * passed in 1.50 s\n"
	    "unit    | * failed in 1.50 s: exit code 3\n"
	    "deploy  | * skipped: unit failed\n"
	    "\n"
	    "  job      stage  status        time  why\n"
	    "  compile  test   passed      1.50 s\n"
	    "  unit     test   failed      1.50 s  exit code 3\n"
	    "  deploy   test   skipped             unit failed\n"
	    "\n"
	    "Artifacts:\n"
	    "  compile  .pawl/artifacts/1  2 files, 2.0 KB\n"
	    "\n"
	    "unit failed: exit code 3\n"
	    "  command    make check\n"
	    "  last lines\n"
	    "    oops\n"
	    "  whole log  .pawl/logs/2.log\n"
	    "  try again  pawl run --needs unit\n"
	    "\n"
	    "Pipeline failed in 3.00 s: 1 passed, 1 failed, 1 skipped\n");
}
END_TEST

START_TEST(json_is_one_event_per_line)
{
	cleanup_free char *got = show(true, false);

	ck_assert_str_eq(got,
	    "{\"v\":1,\"event\":\"pipeline\",\"time_us\":1000000,\"id\":7,\"status\":\"running\","
	    "\"name\":null,\"ref\":\"main\",\"sha\":\"0123456789abcdef\",\"plan\":\"h\",\"jobs\":3}\n"
	    "{\"v\":1,\"event\":\"job\",\"time_us\":1000000,\"id\":1,\"job\":\"compile\",\"stage\":"
	    "\"test\",\"attempt\":1,\"status\":\"running\",\"reason\":\"none\",\"allowed_to_fail\":false}\n"
	    "{\"v\":1,\"event\":\"log\",\"time_us\":1000000,\"id\":1,\"job\":\"compile\",\"line\":\"one\"}\n"
	    "{\"v\":1,\"event\":\"job\",\"time_us\":1000000,\"id\":2,\"job\":\"unit\",\"stage\":\"test\","
	    "\"attempt\":1,\"status\":\"running\",\"reason\":\"none\",\"allowed_to_fail\":false}\n"
	    "{\"v\":1,\"event\":\"log\",\"time_us\":1000000,\"id\":2,\"job\":\"unit\",\"line\":\"oops\"}\n"
	    "{\"v\":1,\"event\":\"log\",\"time_us\":1000000,\"id\":1,\"job\":\"compile\",\"line\":\"two\"}\n"
	    "{\"v\":1,\"event\":\"job\",\"time_us\":1000000,\"id\":1,\"job\":\"compile\",\"stage\":\"test\","
	    "\"attempt\":1,\"status\":\"success\",\"reason\":\"none\",\"allowed_to_fail\":false,"
	    "\"duration_us\":1500000}\n"
	    "{\"v\":1,\"event\":\"job\",\"time_us\":1000000,\"id\":2,\"job\":\"unit\",\"stage\":\"test\","
	    "\"attempt\":1,\"status\":\"failed\",\"reason\":\"script_failure\",\"allowed_to_fail\":false,"
	    "\"detail\":\"exit code 3\",\"command\":\"make check\",\"log\":\".pawl/logs/2.log\","
	    "\"duration_us\":1500000}\n"
	    "{\"v\":1,\"event\":\"job\",\"time_us\":1000000,\"id\":3,\"job\":\"deploy\",\"stage\":\"test\","
	    "\"attempt\":1,\"status\":\"skipped\",\"reason\":\"none\",\"allowed_to_fail\":false,"
	    "\"detail\":\"unit failed\"}\n"
	    "{\"v\":1,\"event\":\"artifacts\",\"time_us\":1000000,\"job\":\"compile\",\"path\":"
	    "\".pawl/artifacts/1\",\"files\":2,\"bytes\":2048}\n"
	    "{\"v\":1,\"event\":\"pipeline\",\"time_us\":4000000,\"id\":7,\"status\":\"failed\","
	    "\"warnings\":false,\"duration_us\":3000000}\n");
}
END_TEST

START_TEST(terminal_gets_colours_for_states)
{
	cleanup_free char *got = show(false, true);

	ck_assert_ptr_nonnull(strstr(got, "\033[32mpassed"));
	ck_assert_ptr_nonnull(strstr(got, "\033[31mfailed"));
}
END_TEST

START_TEST(reader_that_went_away_is_noticed)
{
	struct screen_options options = { .json = false };
	struct screen *s;
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	close(fds[0]);
	(void)signal(SIGPIPE, SIG_IGN);
	options.fd = fds[1];
	s = screen_new(&options, 7);
	play(s);
	ck_assert(screen_is_broken(s));
	screen_free(s);
	close(fds[1]);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("screen");
	TCase *tc = tcase_create("screen");
	SRunner *runner = srunner_create(suite);
	int failed;

	(void)setenv("LC_ALL", "C", 1);
	tcase_add_test(tc, pipe_gets_plain_prefixed_lines);
	tcase_add_test(tc, json_is_one_event_per_line);
	tcase_add_test(tc, terminal_gets_colours_for_states);
	tcase_add_test(tc, reader_that_went_away_is_noticed);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
