/* Where a job runs: overlays, bind mounts, file variables, and the runner's way in. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/supervised.h"

static void
assert_file(const char *path, const char *want)
{
	cleanup_buf struct buf got = BUF_INIT;
	struct error err = ERROR_INIT;

	if (buf_read_file(&got, path, 4096, &err) < 0)
		ck_abort_msg("%s", err.msg);
	ck_assert_str_eq(buf_str(&got), want);
}

static const char *const on_layers[] = { "cat both top bottom", "echo new >both",
	"rm bottom", "echo made >made", "mkdir deep", "ls", NULL };

START_TEST(job_sees_layers_merged_and_changes_none)
{
	cleanup_free char *both = NULL, *top = NULL, *hidden = NULL, *bottom = NULL;
	struct supervised t;

	if (!supervised_can_mount())
		return;
	supervised_init(&t);
	both = supervised_put_file(&t, "layer1", "both", "upper one\n");
	top = supervised_put_file(&t, "layer1", "top", "top\n");
	hidden = supervised_put_file(&t, "layer2", "both", "lower one\n");
	bottom = supervised_put_file(&t, "layer2", "bottom", "bottom\n");
	supervised_add_lower(&t, "layer1");
	supervised_add_lower(&t, "layer2");
	supervised_use_overlay(&t);
	supervised_add_step(&t, "script", on_layers);
	supervised_run(&t);
	ck_assert_str_eq(t.result.message, "");
	ck_assert_ptr_nonnull(strstr(buf_str(&t.trace), "upper one\ntop\nbottom\n"));
	ck_assert_ptr_nonnull(strstr(buf_str(&t.trace), "both\ndeep\nmade\ntop\n"));
	assert_file(both, "upper one\n");
	assert_file(hidden, "lower one\n");
	assert_file(bottom, "bottom\n");
	ck_assert_int_ne(access(t.upper, F_OK), 0);
	ck_assert_int_ne(access(t.work, F_OK), 0);
	ck_assert_int_ne(access(t.dir.path, F_OK), 0);
	supervised_clear(&t);
}
END_TEST

static const struct {
	unsigned count;
	const char *name; /* of each, before its number */
} stacks[] = {
	{ 1, "plain" },
	{ 3, "with,comma:colon\\backslash and space=" },
	{ 60,
	    "a-name-that-is-long-enough-to-make-sixty-of-them-longer-than-one-page-of-"
	    "mount-options" },
};

START_TEST(any_number_and_name_of_layers_is_mounted)
{
	struct supervised t;

	if (!supervised_can_mount())
		return;
	supervised_init(&t);
	for (unsigned i = 0; i < stacks[_i].count; i++) {
		cleanup_free char *name = xasprintf("%s%u", stacks[_i].name, i);
		cleanup_free char *file = xasprintf("f%u", i);

		free(supervised_put_file(&t, name, file, "x"));
		supervised_add_lower(&t, name);
	}
	supervised_use_overlay(&t);
	supervised_add_script(&t, "ls | wc -l");
	supervised_run(&t);
	ck_assert_str_eq(t.result.message, "");
	{
		cleanup_free char *want = xasprintf("\n%u\n", stacks[_i].count);

		ck_assert_msg(
		    strstr(buf_str(&t.trace), want) != NULL, "%s", buf_str(&t.trace));
	}
	supervised_clear(&t);
}
END_TEST

static void
refuse_collecting(
    struct supervisor *s, int fd, const struct supervisor_result *so_far, void *data)
{
	(void)s;
	(void)fd;
	(void)data;
	ck_abort_msg("asked to collect: %s", so_far->message);
}

/* Here there are no such layers, or nothing can be mounted: another kind may do. */
START_TEST(nothing_is_collected_without_a_workspace)
{
	struct supervised t;

	supervised_init(&t);
	strlist_add(&t.spec.lowers, "/nowhere");
	supervised_use_overlay(&t);
	supervised_add_script(&t, "echo must not run");
	t.spec.collect = true;
	t.events.on_collect = refuse_collecting;
	supervised_run(&t);
	ck_assert(t.result.workspace_failed);
	supervised_clear(&t);
}
END_TEST

START_TEST(runner_is_not_asked_when_all_went_well_and_the_last_line_is_known)
{
	struct supervised t;

	supervised_init(&t);
	supervised_add_script(&t, "true");
	t.spec.collect = true;
	t.spec.last_line = "all is well\n";
	t.events.on_collect = refuse_collecting;
	supervised_run(&t);
	ck_assert_str_eq(buf_str(&t.trace), "\033[32;1m$ true\033[0;m\nall is well\n");
	ck_assert_int_eq(t.result.reason, REASON_NONE);
	supervised_clear(&t);
}
END_TEST

static void
say_asked(
    struct supervisor *s, int fd, const struct supervisor_result *so_far, void *data)
{
	(void)so_far;
	(void)data;
	close(fd);
	supervisor_log(s, "asked\n", 6);
	supervisor_finish(s);
}

START_TEST(runner_is_asked_for_the_last_line_of_a_failure)
{
	struct supervised t;

	supervised_init(&t);
	supervised_add_script(&t, "exit 3");
	t.spec.collect = true;
	t.spec.last_line = "all is well\n";
	t.events.on_collect = say_asked;
	supervised_run(&t);
	ck_assert_str_eq(buf_str(&t.trace), "\033[32;1m$ exit 3\033[0;m\nasked\n");
	ck_assert_int_eq(t.result.exit_code, 3);
	supervised_clear(&t);
}
END_TEST

START_TEST(missing_layer_is_told_and_starts_nothing)
{
	cleanup_free char *want = NULL;
	struct supervised t;

	if (!supervised_can_mount())
		return;
	supervised_init(&t);
	strlist_add(&t.spec.lowers, "/nowhere");
	supervised_use_overlay(&t);
	supervised_add_script(&t, "echo must not run");
	supervised_run(&t);
	want = xasprintf(
	    "cannot mount an overlay on %s: No such file or directory", t.project_dir);
	ck_assert_str_eq(t.result.message, want);
	ck_assert(t.result.workspace_failed);
	ck_assert_int_eq(t.result.reason, REASON_RUNNER_SYSTEM_FAILURE);
	ck_assert_uint_eq(t.trace.len, 0);
	supervised_clear(&t);
}
END_TEST

START_TEST(bound_folder_stands_at_the_project_path)
{
	cleanup_free char *source = NULL, *file = NULL, *made = NULL, *want = NULL;
	struct supervised t;

	if (!supervised_can_mount())
		return;
	supervised_init(&t);
	file = supervised_put_file(&t, "copy", "file", "bound\n");
	source = path_join(t.root, "copy");
	made = path_join(source, "made");
	t.spec.mode = SPEC_BIND;
	t.spec.userns = geteuid() != 0;
	t.spec.source = source;
	supervised_add_script(&t, "pwd; cat file; echo yes >made");
	supervised_run(&t);
	want = xasprintf("%s\nbound\n", t.project_dir);
	ck_assert_msg(strstr(buf_str(&t.trace), want) != NULL, "%s", buf_str(&t.trace));
	assert_file(made, "yes\n");
	supervised_clear(&t);
}
END_TEST

/* ---- file variables -------------------------------------------------------- */

static const struct {
	bool mounted;
} places[] = { { false }, { true } };

START_TEST(file_variable_is_a_path_while_the_job_runs)
{
	static const char content[] = "line one\nline two, no newline";
	cleanup_free char *path = NULL;
	struct supervised t;
	const char *at;

	if (places[_i].mounted && !supervised_can_mount())
		return;
	supervised_init(&t);
	if (places[_i].mounted) {
		t.spec.mode = SPEC_BIND;
		t.spec.userns = geteuid() != 0;
		t.spec.source = t.root;
	}
	strlist_add(&t.spec.env, "KEY=overridden by the file");
	spec_add_file(&t.spec, "KEY", content, strlen(content));
	supervised_add_script(
	    &t, "stat -c '%a' $KEY; echo; cat $KEY; echo; echo at=$KEY");
	supervised_run(&t);
	ck_assert_msg(strstr(buf_str(&t.trace),
			  "600\n\nline one\nline two, no newline\nat=") != NULL,
	    "%s %s", t.result.message, buf_str(&t.trace));
	at = strstr(buf_str(&t.trace), "\nat=") + strlen("\nat=");
	path = xstrndup(at, strcspn(at, "\n"));
	ck_assert_msg(access(path, F_OK) != 0, "%s is still there", path);
	*strrchr(path, '/') = '\0';
	ck_assert_msg(access(path, F_OK) != 0, "%s is still there", path);
	supervised_clear(&t);
}
END_TEST

/* ---- the runner's way in --------------------------------------------------- */

static void
put_in(struct supervisor *s, int fd, void *data)
{
	int file = openat(fd, "from-runner", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	(void)data;
	ck_assert_int_ge(file, 0);
	ck_assert_int_eq(write(file, "hello\n", 6), 6);
	close(file);
	close(fd);
	supervisor_log(s, "restored\n", 9);
	supervisor_begin(s);
}

static void
take_out(struct supervisor *s, int fd, const struct supervisor_result *so_far, void *data)
{
	struct supervised *t = data;
	char text[16] = "";
	int file = openat(fd, "product", O_RDONLY | O_CLOEXEC);

	ck_assert_int_eq(so_far->exit_code, 5);
	ck_assert_int_ge(file, 0);
	ck_assert_int_eq(read(file, text, sizeof(text) - 1), 7);
	ck_assert_str_eq(text, "HELLO\n\n");
	close(file);
	close(fd);
	t->told_bytes = 0;
	supervisor_log(s, "saved\n", 6);
	supervisor_finish(s);
}

START_TEST(runner_works_in_the_workspace_before_and_after)
{
	struct supervised t;

	if (!supervised_can_mount())
		return;
	supervised_init(&t);
	free(supervised_put_file(&t, "layer", "file", "x"));
	supervised_add_lower(&t, "layer");
	supervised_use_overlay(&t);
	t.spec.hold = t.spec.collect = true;
	t.events.on_ready = put_in;
	t.events.on_collect = take_out;
	supervised_add_script(
	    &t, "tr a-z A-Z <from-runner >product; echo >>product; exit 5");
	supervised_run(&t);
	ck_assert_int_eq(t.result.exit_code, 5);
	ck_assert_str_eq(buf_str(&t.trace),
	    "restored\n\033[32;1m$ tr a-z A-Z <from-runner >product; echo >>product; exit "
	    "5\033[0;m\nsaved\n");
	supervised_clear(&t);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("place");
	TCase *tc = tcase_create("mounts");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, job_sees_layers_merged_and_changes_none);
	tcase_add_loop_test(
	    tc, any_number_and_name_of_layers_is_mounted, 0, ARRAY_LEN(stacks));
	tcase_add_test(tc, missing_layer_is_told_and_starts_nothing);
	tcase_add_test(tc, nothing_is_collected_without_a_workspace);
	tcase_add_test(
	    tc, runner_is_not_asked_when_all_went_well_and_the_last_line_is_known);
	tcase_add_test(tc, runner_is_asked_for_the_last_line_of_a_failure);
	tcase_add_test(tc, bound_folder_stands_at_the_project_path);
	tcase_add_loop_test(
	    tc, file_variable_is_a_path_while_the_job_runs, 0, ARRAY_LEN(places));
	tcase_add_test(tc, runner_works_in_the_workspace_before_and_after);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
