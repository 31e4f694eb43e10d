/* Jobs from start to result: what runs, what is seen, what is said at the end. */
#include <check.h>
#include <stdio.h>
#include <unistd.h>

#include "base/crc32.h"
#include "base/path.h"
#include "tests/unit/fixture.h"
#include "tests/unit/supervised.h"

static const struct {
	const char *script;
	int exit_code;
	enum reason reason;
} codes[] = {
	{ "true", 0, REASON_NONE },
	{ "exit 0", 0, REASON_NONE },
	{ "false", 1, REASON_SCRIPT_FAILURE },
	{ "exit 42", 42, REASON_SCRIPT_FAILURE },
	{ "false\ntrue", 1, REASON_SCRIPT_FAILURE },  /* errexit */
	{ "false | true", 1, REASON_SCRIPT_FAILURE }, /* pipefail */
	{ "false || true", 0, REASON_NONE },
	{ "if false; then true; fi", 0, REASON_NONE },
	{ "cd /nowhere", 1, REASON_SCRIPT_FAILURE },
	{ "no-such-command", 127, REASON_SCRIPT_FAILURE },
	{ "kill -9 $$", 137, REASON_SCRIPT_FAILURE },
	{ "if [", 2, REASON_SCRIPT_FAILURE },
	{ "read line", 1, REASON_SCRIPT_FAILURE }, /* stdin is empty */
	{ "trap 'exit 3' EXIT; false", 3, REASON_SCRIPT_FAILURE },
};

START_TEST(exit_code_is_the_scripts)
{
	struct supervised t;

	supervised_init(&t);
	supervised_add_script(&t, codes[_i].script);
	supervised_run(&t);
	ck_assert_msg(t.result.exit_code == codes[_i].exit_code &&
		t.result.reason == codes[_i].reason,
	    "%s: %d (%s)", codes[_i].script, t.result.exit_code, t.result.message);
	supervised_clear(&t);
}
END_TEST

START_TEST(log_shows_each_item_before_its_output)
{
	static const char *const items[] = { "echo one", "cd /", "echo two\npwd", NULL };
	struct supervised t;

	supervised_init(&t);
	supervised_add_step(&t, "script", items);
	supervised_run(&t);
	ck_assert_str_eq(buf_str(&t.trace),
	    "\033[32;1m$ echo one\033[0;m\none\n"
	    "\033[32;1m$ cd /\033[0;m\n"
	    "\033[32;1m$ echo two # collapsed multi-line command\033[0;m\ntwo\n/\n");
	ck_assert_uint_eq(t.result.trace_bytes, t.trace.len);
	supervised_clear(&t);
}
END_TEST

START_TEST(folder_of_a_tied_job_goes_with_it)
{
	struct supervised t;

	supervised_init(&t);
	supervised_add_script(&t, "true");
	supervised_run(&t);
	ck_assert(t.result.tidies_up);
	ck_assert_int_ne(access(t.dir.path, F_OK), 0);
	supervised_clear(&t);
}
END_TEST

START_TEST(folder_of_an_untied_job_stays_with_the_result)
{
	cleanup_free char *file = NULL;
	struct supervised t;

	supervised_init(&t);
	t.spec.tied = false;
	file = path_join(t.dir.path, "result.json");
	supervised_add_script(&t, "true");
	supervised_run(&t);
	ck_assert(!t.result.tidies_up);
	ck_assert_int_eq(access(file, F_OK), 0);
	supervised_clear(&t);
}
END_TEST

static const struct {
	const char *script;
	const char *status;
} statuses[] = {
	{ "true", "success" },
	{ "false", "failed" },
};

START_TEST(after_script_learns_the_status)
{
	static const char *const items[] = { "echo status=$CI_JOB_STATUS", NULL };
	cleanup_free char *want = xasprintf("status=%s\n", statuses[_i].status);
	struct supervised t;

	supervised_init(&t);
	supervised_add_script(&t, statuses[_i].script);
	supervised_add_step(&t, "after_script", items)->always = true;
	supervised_run(&t);
	ck_assert_msg(strstr(buf_str(&t.trace), want) != NULL, "%s", buf_str(&t.trace));
	supervised_clear(&t);
}
END_TEST

static const struct {
	const char *items[4];
	int item;
} failing[] = {
	{ { "false" }, 0 },
	{ { "true", "false", "true" }, 1 },
	{ { "true", "true\nfalse", "true" }, 1 },
	{ { "true", "echo; printf 'no newline'", "exit 2" }, 2 },
	{ { "for i in 1 2; do", "[ $i = 1 ]", "done" }, 1 },
	{ { "printf '\\033[32;1m$ something else\\033[0;m\\n'", "false" }, 1 },
};

START_TEST(failing_item_is_named)
{
	struct supervised t;

	supervised_init(&t);
	supervised_add_step(&t, "script", failing[_i].items);
	supervised_run(&t);
	ck_assert_int_eq(t.result.step, 0);
	ck_assert_int_eq(t.result.item, failing[_i].item);
	supervised_clear(&t);
}
END_TEST

/* ---- large and strange ----------------------------------------------------- */

static const struct {
	const char *script;
	size_t bytes;
} large[] = {
	{ "head -c 100000000 < <(yes 'a line of a long log, neither short nor long')",
	    100000000 },
	{ "head -c 20000000 /dev/zero | tr '\\0' x", 20000000 }, /* one line */
	{ "head -c 3000000 /dev/urandom", 3000000 },
	{ "for i in {1..3000}; do echo $i; done", 13893 },
};

START_TEST(log_is_whole_whatever_is_in_it)
{
	struct supervised t;
	struct crc32 crc;

	supervised_init(&t);
	supervised_add_script(&t, large[_i].script);
	supervised_run(&t);
	ck_assert_str_eq(t.result.message, "");
	/* the echo of the item, and an end of line */
	ck_assert_uint_eq(t.trace.len, large[_i].bytes + strlen(large[_i].script) + 15);
	ck_assert_uint_eq(t.result.trace_bytes, t.trace.len);
	ck_assert_uint_eq(t.told_bytes, t.trace.len);
	crc32_init(&crc);
	crc32_add(&crc, t.trace.data, t.trace.len);
	ck_assert_uint_eq(t.result.trace_crc32, crc32_value(&crc));
	supervised_clear(&t);
}
END_TEST

/* Around what one argument may hold, and far above it. */
static const size_t script_sizes[] = { 99000, 103000, 131072, 140000, 3000000 };

START_TEST(script_of_any_size_runs)
{
	cleanup_buf struct buf script = BUF_INIT;
	struct supervised t;

	buf_add_str(&script, "text='");
	while (script.len < script_sizes[_i])
		buf_add_str(&script, "0123456789abcdef");
	buf_add_str(
	    &script, "'\necho length ${#text}; ls /proc/self/fd | tr '\\n' ' '; exit 3");
	supervised_init(&t);
	supervised_add_script(&t, buf_str(&script));
	supervised_run(&t);
	ck_assert_msg(t.result.exit_code == 3, "%zu %s: %s", t.trace.len,
	    t.result.message, t.trace.len < 200 ? "" : t.trace.data + t.trace.len - 200);
	ck_assert_ptr_nonnull(strstr(buf_str(&t.trace), "length "));
	/* ls has its own folder open; nothing came in besides 0, 1 and 2 */
	ck_assert_ptr_nonnull(strstr(buf_str(&t.trace), "\n0 1 2 3 "));
	ck_assert_ptr_null(strstr(buf_str(&t.trace), "\n0 1 2 3 4"));
	supervised_clear(&t);
}
END_TEST

static char *
big_variable(const char *name, size_t size)
{
	cleanup_free char *value = xmalloc(size + 1);

	memset(value, 'v', size);
	value[size] = '\0';
	return xasprintf("%s=%s", name, value);
}

START_TEST(large_variables_reach_the_script)
{
	struct supervised t;

	supervised_init(&t);
	strlist_add_take(&t.spec.env, big_variable("ONE", 100000));
	strlist_add_take(&t.spec.env, big_variable("TWO", 130000));
	supervised_add_script(&t, "echo ${#ONE} ${#TWO}");
	supervised_run(&t);
	ck_assert_ptr_nonnull(strstr(buf_str(&t.trace), "\n100000 130000\n"));
	supervised_clear(&t);
}
END_TEST

START_TEST(too_large_a_variable_is_named)
{
	struct supervised t;

	supervised_init(&t);
	strlist_add_take(&t.spec.env, big_variable("GIANT", 200000));
	supervised_add_script(&t, "true");
	supervised_run(&t);
	ck_assert_int_eq(t.result.reason, REASON_RUNNER_SYSTEM_FAILURE);
	ck_assert_msg(strstr(t.result.message,
			  "cannot start /bin/bash: the variables are too "
			  "large") != NULL &&
		strstr(t.result.message, "200007 of them in GIANT") != NULL,
	    "%s", t.result.message);
	supervised_clear(&t);
}
END_TEST

START_TEST(environment_is_the_specs_alone)
{
	struct supervised t;

	supervised_init(&t);
	strlist_add(&t.spec.env, "TWICE=first");
	strlist_add(&t.spec.env, "TWICE=last");
	ck_assert_int_eq(setenv("PAWL_TEST_STRANGER", "1", 1), 0);
	supervised_add_script(&t, "env | sort");
	supervised_run(&t);
	ck_assert_int_eq(unsetenv("PAWL_TEST_STRANGER"), 0);
	ck_assert_ptr_nonnull(strstr(buf_str(&t.trace), "\nTWICE=last\n"));
	ck_assert_ptr_null(strstr(buf_str(&t.trace), "TWICE=first"));
	ck_assert_ptr_null(strstr(buf_str(&t.trace), "STRANGER"));
	supervised_clear(&t);
}
END_TEST

static const struct {
	const char *script; /* of the first step */
	const char *want;   /* what the second shows of A */
} handed_on[] = {
	{ "echo A=from first >>$GITLAB_ENV", "A is from first\n" },
	{ "printf 'A=1\\nA=two=2' >>$GITLAB_ENV", "A is two=2\n" },
	{ "true", "A is\n" },
	{ "echo '1A=x' >$GITLAB_ENV; echo 'A B' >>$GITLAB_ENV", "A is\n" },
	{ "mkfifo $GITLAB_ENV", "A is\n" },                   /* not waited for */
	{ "ln -s /proc/self/environ $GITLAB_ENV", "A is\n" }, /* not followed */
	{ "mkdir $GITLAB_ENV", "A is\n" },
	{ "(echo A=big; head -c 3000000 /dev/zero) >$GITLAB_ENV", "A is\n" },
	{ "echo CI_JOB_STATUS=lie >$GITLAB_ENV", "status success\n" },
};

START_TEST(variables_are_handed_on_to_later_steps)
{
	static const char *const items[] = { "echo A is $A", "echo status $CI_JOB_STATUS",
		NULL };
	struct supervised t;

	supervised_init(&t);
	supervised_add_script(&t, handed_on[_i].script);
	supervised_add_step(&t, "after_script", items)->always = true;
	supervised_run(&t);
	ck_assert_str_eq(t.result.message, "");
	ck_assert_msg(strstr(buf_str(&t.trace), handed_on[_i].want) != NULL, "%s: %s",
	    handed_on[_i].script, buf_str(&t.trace));
	supervised_clear(&t);
}
END_TEST

START_TEST(full_disk_ends_the_job_with_its_reason)
{
	struct supervised t;

	supervised_init(&t);
	t.spec.trace = "/dev/full";
	supervised_add_script(&t, "sleep 1000");
	supervised_run(&t);
	ck_assert_int_eq(t.result.reason, REASON_RUNNER_SYSTEM_FAILURE);
	ck_assert_str_eq(
	    t.result.message, "cannot write the log: No space left on device");
	supervised_clear(&t);
}
END_TEST

/* ---- secrets --------------------------------------------------------------- */

#define SECRET "s3cr3t/with \"marks\""

/* What grep finds of the secret in any file below the test's folder. */
static size_t
count_on_disk(const struct supervised *t)
{
	cleanup_free char *command = xasprintf(
	    "grep -rlF -e 's3cr3t' -e 's3cr3t%%2Fwith' -e 'czNjcjN0L3dpdG' %s", t->root);
	cleanup_buf struct buf found = BUF_INIT;
	FILE *f = popen(command, "r");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(buf_read_fd(&found, fileno(f), 65536, NULL), 0);
	pclose(f);
	if (found.len > 0)
		printf("%s", buf_str(&found));
	return found.len;
}

START_TEST(secret_never_reaches_a_disk)
{
	struct supervised t;

	supervised_init(&t);
	strlist_add(&t.spec.env, "PASSWORD=" SECRET);
	spec_add_mask(&t.spec, SECRET, strlen(SECRET));
	spec_add_file(&t.spec, "PASSWORD_FILE", SECRET, strlen(SECRET));
	supervised_add_script(&t,
	    "echo \"$PASSWORD\"; cat $PASSWORD_FILE; base64 <<<$PASSWORD; set -x; : \"$PASSWORD\"\n"
	    "for ((i = 0; i < ${#PASSWORD}; i++)); do printf %s \"${PASSWORD:i:1}\"; sleep "
	    "0.005; done 2>&1 | cat; echo half: s3cr3; echo; echo ready; sleep 1000");
	supervised_start(&t);
	supervised_await_log(&t, "\nready");
	ck_assert_uint_eq(count_on_disk(&t), 0);
	supervisor_log(t.supervisor, "from the runner: " SECRET "\n",
	    strlen("from the runner: " SECRET "\n"));
	supervised_await_log(&t, "from the runner: [MASKED]\n");
	supervisor_cancel(t.supervisor, true);
	supervised_wait(&t);
	ck_assert_uint_eq(count_on_disk(&t), 0);
	ck_assert_ptr_nonnull(strstr(buf_str(&t.trace), "half: s3cr3\n"));
	supervised_clear(&t);
}
END_TEST

/* ---- the runner ------------------------------------------------------------ */

START_TEST(runner_that_does_not_listen_holds_nothing_up)
{
	cleanup_free char *done = NULL;
	struct supervised t;

	supervised_init(&t);
	done = path_join(t.project_dir, "done");
	supervised_add_script(
	    &t, "for i in {1..400}; do echo $i; sleep 0.004; done; touch done");
	supervised_start(&t);
	for (int i = 0; i < 2000 && access(done, F_OK) != 0; i++)
		usleep(10000); /* the loop does not run meanwhile */
	ck_assert_int_eq(access(done, F_OK), 0);
	supervised_wait(&t);
	ck_assert_str_eq(t.result.message, "");
	ck_assert_ptr_nonnull(strstr(buf_str(&t.trace), "\n400\n"));
	supervised_clear(&t);
}
END_TEST

static void
write_much(struct buf *text)
{
	for (int i = 0; i < 100000; i++)
		buf_printf(text, "line %d of the runner\n", i);
}

static void
say_much(struct supervisor *s, int fd, const struct supervisor_result *so_far, void *data)
{
	cleanup_buf struct buf text = BUF_INIT;

	(void)so_far;
	(void)data;
	close(fd);
	write_much(&text);
	supervisor_log(s, text.data, text.len);
	supervisor_finish(s);
}

START_TEST(words_of_the_runner_come_whole_and_in_order)
{
	cleanup_buf struct buf want = BUF_INIT;
	struct supervised t;

	supervised_init(&t);
	t.spec.collect = true;
	t.events.on_collect = say_much;
	supervised_add_script(&t, "true");
	supervised_run(&t);
	buf_add_str(&want, "\033[32;1m$ true\033[0;m\n");
	write_much(&want);
	ck_assert(str_eq(buf_str(&t.trace), buf_str(&want)));
	supervised_clear(&t);
}
END_TEST

START_TEST(supervisor_that_cannot_start_is_a_system_failure)
{
	cleanup_free char *usual = xstrdup(getenv("PAWL_LIBEXEC"));
	struct supervised t;

	supervised_init(&t);
	ck_assert_int_eq(setenv("PAWL_LIBEXEC", "/nowhere", 1), 0);
	supervised_run(&t);
	ck_assert_int_eq(setenv("PAWL_LIBEXEC", usual, 1), 0);
	ck_assert_int_eq(t.result.reason, REASON_RUNNER_SYSTEM_FAILURE);
	ck_assert_str_eq(t.result.message,
	    "cannot start /nowhere/pawl-supervise: No such file or directory");
	supervised_clear(&t);
}
END_TEST

static void
add_tests(TCase *tc)
{
	tcase_add_loop_test(tc, exit_code_is_the_scripts, 0, ARRAY_LEN(codes));
	tcase_add_test(tc, log_shows_each_item_before_its_output);
	tcase_add_test(tc, folder_of_a_tied_job_goes_with_it);
	tcase_add_test(tc, folder_of_an_untied_job_stays_with_the_result);
	tcase_add_loop_test(tc, after_script_learns_the_status, 0, ARRAY_LEN(statuses));
	tcase_add_loop_test(tc, failing_item_is_named, 0, ARRAY_LEN(failing));
	tcase_add_loop_test(tc, log_is_whole_whatever_is_in_it, 0, ARRAY_LEN(large));
	tcase_add_loop_test(tc, script_of_any_size_runs, 0, ARRAY_LEN(script_sizes));
	tcase_add_test(tc, large_variables_reach_the_script);
	if (!FIXTURE_TSAN)
		tcase_add_test(tc, too_large_a_variable_is_named);
	tcase_add_test(tc, environment_is_the_specs_alone);
	tcase_add_loop_test(
	    tc, variables_are_handed_on_to_later_steps, 0, ARRAY_LEN(handed_on));
	tcase_add_test(tc, full_disk_ends_the_job_with_its_reason);
	tcase_add_test(tc, secret_never_reaches_a_disk);
	tcase_add_test(tc, runner_that_does_not_listen_holds_nothing_up);
	tcase_add_test(tc, words_of_the_runner_come_whole_and_in_order);
	tcase_add_test(tc, supervisor_that_cannot_start_is_a_system_failure);
}

int
main(void)
{
	return supervised_main("supervisor", 120, add_tests);
}
