/* Workspaces: the recipe for each kind, and what a job finds where it is followed. */
#include <check.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/overlay.h"
#include "base/path.h"
#include "runner/workspace.h"
#include "tests/unit/fixture.h"
#include "tests/unit/workspace_bench.h"

/* One job with a workspace of some kind. */
struct job {
	struct jobdir dir;
	struct arena *arena;
	struct spec spec;
};

static struct workspaces *
open_workspaces(struct workspace_bench *b, enum workspace_mode mode)
{
	cleanup_free char *scratch = path_join(b->root, "scratch");
	struct workspaces_options o = { .scratch_dir = scratch,
		.snapshot = mode == WORKSPACE_IN_PLACE ? NULL : b->snapshot,
		.root = b->repo_dir,
		.project_name = "the project",
		.mode = mode };
	struct workspaces *w = NULL;
	struct error err = ERROR_INIT;

	if (workspaces_new(&o, &w, &err) < 0)
		ck_abort_msg("%s", err.msg);
	return w;
}

static void
prepare(struct workspaces *w, const char *name, enum workspace_mode wanted, struct job *j)
{
	struct error err = ERROR_INIT;

	*j = (struct job){ .dir = JOBDIR_INIT, .arena = arena_new(), .spec = SPEC_INIT };
	if (jobdir_create(workspaces_jobs_dir(w), name, &j->dir, &err) < 0 ||
	    workspace_prepare(w, &j->dir, wanted, NULL, j->arena, &j->spec, &err) < 0)
		ck_abort_msg("%s", err.msg);
}

static void
job_clear(struct job *j)
{
	spec_clear(&j->spec);
	arena_free(j->arena);
	jobdir_clear(&j->dir);
}

static int
mount_it(const struct spec *spec, struct error *err)
{
	struct overlay overlay = { .lowers = &spec->lowers,
		.upper = spec->upper,
		.work = spec->work,
		.userns = spec->userns };

	if (spec->mode == SPEC_PLAIN)
		return 0;
	if (overlay_unshare(spec->userns, err) < 0)
		return err->code;
	if (spec->mode == SPEC_BIND)
		return overlay_bind(spec->source, spec->project_dir, err);
	return overlay_mount(&overlay, spec->project_dir, err);
}

/* The script's exit code, or -1 when this machine allows no such mount. */
static int
run_in(const struct job *j, const char *script)
{
	int status = 0;
	pid_t pid;

	ck_assert_ptr_nonnull(j->spec.project_dir);
	pid = fork();
	if (pid == 0) {
		struct error err = ERROR_INIT;

		if (mount_it(&j->spec, &err) < 0 || chdir(j->spec.project_dir) < 0)
			_exit(99);
		execl("/bin/sh", "sh", "-ec", script, (char *)NULL);
		_exit(98);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	if (WEXITSTATUS(status) != 99)
		return WEXITSTATUS(status);
	printf("skipped: mounts are not permitted here\n");
	return -1;
}

static const enum workspace_mode private_modes[] = { WORKSPACE_OVERLAY, WORKSPACE_COPY };

/* A job sees the files and git, writes as it likes, and the snapshot stays as it is. */
START_TEST(job_has_files_and_git_of_its_own)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct workspaces *w;
	struct job j;
	int rc;

	workspace_bench_open(&b);
	w = open_workspaces(&b, private_modes[_i]);
	prepare(w, "1", WORKSPACE_AUTO, &j);
	rc = run_in(&j,
	    "test -z \"$(git status --short)\" && test \"$(cat src/a.c)\" = a && "
	    "echo changed >src/a.c && rm README && mkdir new && touch new/x && "
	    "git add -A && git commit -qm job && git log --oneline | grep -q job");
	ck_assert_int_le(rc, 0);
	fixture_sh(snapshot_layers(b.snapshot)->items[0],
	    "test -z \"$(git status --short)\" && test -e README && ! test -e new");
	fixture_sh(b.repo_dir,
	    "test -z \"$(git status --short)\" && git log --oneline | "
	    "grep -c . | grep -qx 1");
	job_clear(&j);
	workspaces_free(w);
}
END_TEST

START_TEST(every_job_is_at_the_same_path)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct workspaces *w;
	struct job one, two;

	workspace_bench_open(&b);
	w = open_workspaces(&b, private_modes[_i]);
	prepare(w, "1", WORKSPACE_AUTO, &one);
	prepare(w, "2", WORKSPACE_AUTO, &two);
	if (one.spec.mode == SPEC_PLAIN)
		printf("skipped: mounts are not permitted here\n");
	else
		ck_assert_str_eq(one.spec.project_dir, two.spec.project_dir);
	ck_assert_str_ne(one.dir.path, two.dir.path);
	job_clear(&one);
	job_clear(&two);
	workspaces_free(w);
}
END_TEST

START_TEST(path_needs_no_quoting)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct workspaces *w;
	struct job j;

	workspace_bench_open(&b);
	w = open_workspaces(&b, WORKSPACE_OVERLAY);
	prepare(w, "1", WORKSPACE_AUTO, &j);
	ck_assert_msg(str_ends(j.spec.project_dir, "/builds/the-project"), "%s",
	    j.spec.project_dir);
	job_clear(&j);
	workspaces_free(w);
}
END_TEST

START_TEST(job_may_ask_for_another_kind)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct workspaces *w;
	struct job j;

	workspace_bench_open(&b);
	w = open_workspaces(&b, WORKSPACE_OVERLAY);
	ck_assert(workspace_copies(w, WORKSPACE_COPY));
	ck_assert(!workspace_copies(w, WORKSPACE_AUTO));
	prepare(w, "1", WORKSPACE_COPY, &j);
	ck_assert_int_ne(j.spec.mode, SPEC_OVERLAY);
	job_clear(&j);
	workspaces_free(w);
}
END_TEST

START_TEST(copy_follows_a_failed_overlay)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct workspaces *w;
	struct error err = ERROR_INIT;
	struct job j;

	workspace_bench_open(&b);
	w = open_workspaces(&b, WORKSPACE_OVERLAY);
	prepare(w, "1", WORKSPACE_AUTO, &j);
	spec_clear(&j.spec);
	j.spec = (struct spec)SPEC_INIT;
	ck_assert_msg(workspace_prepare(
			  w, &j.dir, WORKSPACE_COPY, NULL, j.arena, &j.spec, &err) == 0,
	    "%s", err.msg);
	ck_assert_int_le(run_in(&j, "test -e README && git status >/dev/null"), 0);
	job_clear(&j);
	workspaces_free(w);
}
END_TEST

START_TEST(in_place_is_the_work_tree)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct workspaces *w;
	struct job j;

	workspace_bench_open(&b);
	w = open_workspaces(&b, WORKSPACE_IN_PLACE);
	prepare(w, "1", WORKSPACE_COPY, &j);
	ck_assert_str_eq(j.spec.project_dir, b.repo_dir);
	ck_assert_int_eq(j.spec.mode, SPEC_PLAIN);
	ck_assert_str_eq(workspaces_explain(w), "jobs work in the work tree itself");
	job_clear(&j);
	workspaces_free(w);
}
END_TEST

START_TEST(environment_chooses)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct workspaces *w;

	workspace_bench_open(&b);
	setenv("PAWL_WORKSPACE", "copy", 1);
	w = open_workspaces(&b, WORKSPACE_AUTO);
	unsetenv("PAWL_WORKSPACE");
	ck_assert(workspace_copies(w, WORKSPACE_AUTO));
	ck_assert_msg(strstr(workspaces_explain(w), "works on a copy") != NULL, "%s",
	    workspaces_explain(w));
	workspaces_free(w);
}
END_TEST

START_TEST(wrong_environment_is_said)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct workspaces_options o = { .project_name = "p", .mode = WORKSPACE_AUTO };
	struct workspaces *w = NULL;
	struct error err = ERROR_INIT;

	workspace_bench_open(&b);
	o.scratch_dir = o.root = b.root;
	setenv("PAWL_WORKSPACE", "magic", 1);
	ck_assert_int_eq(workspaces_new(&o, &w, &err), ERR_INVALID);
	unsetenv("PAWL_WORKSPACE");
	ck_assert_str_eq(err.msg, "PAWL_WORKSPACE=magic: wanted auto, overlay or copy");
}
END_TEST

START_TEST(copy_can_be_canceled)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct workspaces *w;
	atomic_bool cancel = true;
	struct error err = ERROR_INIT;
	struct job j;

	workspace_bench_open(&b);
	w = open_workspaces(&b, WORKSPACE_OVERLAY);
	prepare(w, "1", WORKSPACE_AUTO, &j);
	ck_assert_int_eq(
	    workspace_prepare(w, &j.dir, WORKSPACE_COPY, &cancel, j.arena, &j.spec, &err),
	    ERR_CANCELED);
	job_clear(&j);
	workspaces_free(w);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("workspace");
	TCase *tc = tcase_create("workspace");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, job_has_files_and_git_of_its_own, 0, 2);
	tcase_add_loop_test(tc, every_job_is_at_the_same_path, 0, 2);
	tcase_add_test(tc, path_needs_no_quoting);
	tcase_add_test(tc, job_may_ask_for_another_kind);
	tcase_add_test(tc, copy_follows_a_failed_overlay);
	tcase_add_test(tc, in_place_is_the_work_tree);
	tcase_add_test(tc, environment_chooses);
	tcase_add_test(tc, wrong_environment_is_said);
	tcase_add_test(tc, copy_can_be_canceled);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
