/*
 * Artifacts as layers: what a job leaves, the next one has mounted, with the same files
 * as if it had unpacked the archive.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "runner/artifacts.h"
#include "tests/unit/fixture.h"
#include "tests/unit/mounted.h"

static const char *out_paths[] = { "out/", "*.txt" };

static struct job_payload
maker(int64_t id, struct job_artifact *a)
{
	*a = (struct job_artifact){
		.paths = out_paths, .path_count = 2, .when = "always"
	};
	return (struct job_payload){ .id = id, .artifacts = a, .artifact_count = 1 };
}

/* Keep what job `id` has made in this round; the archive is made of the layer. */
static void
keep(struct mounted *m, int64_t id, bool success)
{
	struct job_artifact a;
	const struct job_payload job = maker(id, &a);
	const struct artifacts_store store = mounted_store(m);
	struct artifacts_result r = ARTIFACTS_RESULT_INIT;
	struct error err = ERROR_INIT;

	if (artifacts_collect(&job, success, &m->view, &store, NULL, &r, &m->log, &err) <
	    0)
		ck_abort_msg("%s", err.msg);
	if (m->view.upper != NULL) {
		ck_assert_ptr_nonnull(r.layer.tree);
		if (artifacts_archive(&r, &err) < 0)
			ck_abort_msg("%s", err.msg);
	}
	ck_assert_int_eq(access(r.path, F_OK), 0);
	artifacts_result_clear(&r);
}

/* A job that gets what some have left. */
static struct job_payload
getter(struct job_dependency *d, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		d[i].name = "maker";
		d[i].filename = ARTIFACTS_FILE_NAME;
	}
	return (struct job_payload){ .dependencies = d, .dependency_count = count };
}

static void
make_files(struct mounted *m, int64_t id, const char *script)
{
	const struct job_payload nothing = { .id = id };

	mounted_begin(m, &nothing);
	fixture_sh(m->target, "%s", script);
	keep(m, id, true);
}

static const char look[] =
    "find . -path ./.git -prune -o -printf '%p %y %m %l\\n' | sort; "
    "find . -path ./.git -prune -o -type f -print0 | sort -z | xargs -0r cksum";

/* The workspace of a job that gets them, with and without layers. */
static void
check_both_ways(struct mounted *m, struct job_payload *job)
{
	const struct artifacts_store archives = { m->bench.store, NULL };
	cleanup_free char *mounted = NULL, *unpacked = NULL;
	struct error err = ERROR_INIT;

	mounted_begin(m, job);
	ck_assert_uint_eq(m->artifacts.done, job->dependency_count);
	mounted = fixture_ask(m->target, "%s", look);
	workspace_bench_renew(&m->bench);
	if (artifacts_restore(job, &m->bench.view, &archives, NULL, NULL, &m->log, &err) <
	    0)
		ck_abort_msg("%s", err.msg);
	unpacked = fixture_ask(m->bench.dir, "%s", look);
	ck_assert_str_eq(mounted, unpacked);
}

static const char many_files[] =
    "mkdir -p out/d0/x out/d1/x out/d2/x && "
    "seq 2100 | while read n; do echo $n >out/d$((n % 3))/x/$n; done && "
    "chmod 4755 out/d1/x/1 && chmod 700 out/d2 && ln out/d0/x/3 out/d2/x/hard";

static const char *const scripts[] = {
	"mkdir -p out/a/b && echo 1 >out/a/b/c && echo 2 >out/d && ln -s d out/link",
	"mkdir -p out/a && echo 2 >out/d && chmod 755 out/d && chmod 700 out/a && echo >t.txt",
	"mkdir -p out/empty && echo 1 >out/f && ln out/f out/hard",
	"mkdir out && cp -a src/a.c out/ && echo new >README.txt",
	"mkdir out && echo 1 >out/f && chmod 6755 out/f && echo 1 >out/g && chmod 2644 out/g",
	"mkdir out && mkfifo out/pipe && echo 1 >out/f",
	"mkdir out && echo 1 >out/f && ln -s /etc out/etc && ln -s nowhere dangling.txt",
	many_files,
};

START_TEST(mounted_as_unpacked)
{
	cleanup_mounted struct mounted m;
	struct job_dependency d[] = { { .id = 1 } };
	struct job_payload job = getter(d, 1);

	mounted_open(&m);
	make_files(&m, 1, scripts[_i]);
	check_both_ways(&m, &job);
}
END_TEST

START_TEST(later_ones_come_over_earlier_ones)
{
	cleanup_mounted struct mounted m;
	struct job_dependency d[] = { { .id = 1 }, { .id = 3 }, { .id = 2 } };
	struct job_payload job = getter(d, 3);

	mounted_open(&m);
	make_files(&m, 1, "mkdir out && echo 1 | tee out/all >out/1");
	make_files(&m, 2, "mkdir out && echo 2 | tee out/all >out/2");
	make_files(&m, 3, "mkdir out && echo 3 | tee out/all >out/3");
	check_both_ways(&m, &job);
	fixture_sh(m.target, "test $(cat out/all) = 2 && cat out/1 out/2 out/3");
}
END_TEST

/* What comes after one that has only an archive is not laid below it. */
START_TEST(order_holds_for_both_together)
{
	cleanup_mounted struct mounted m;
	struct job_dependency d[] = { { .id = 1 }, { .id = 2 } };
	struct job_payload job = getter(d, 2);

	mounted_open(&m);
	make_files(&m, 1, "mkdir out && echo 1 >out/all");
	make_files(&m, 2, "mkdir out && echo 2 >out/all");
	artifact_layers_forget(m.layers_dir, 1 + _i);
	mounted_begin(&m, &job);
	ck_assert_uint_eq(m.artifacts.done, (size_t)_i);
	fixture_sh(m.target, "test $(cat out/all) = 2");
}
END_TEST

/* Handed on from job to job, with what came from the one before. */
START_TEST(files_of_lower_layers_are_handed_on)
{
	cleanup_mounted struct mounted m;
	struct job_dependency d[] = { { .id = 1 } };
	struct job_payload job = getter(d, 1);

	mounted_open(&m);
	make_files(
	    &m, 1, "mkdir out && echo 1 >out/one && echo 1 >out/gone && cp -a src out/");
	mounted_begin(&m, &job);
	fixture_sh(m.target, "echo 2 >out/two && rm out/gone && mv out/src out/moved");
	keep(&m, 2, true);
	d[0].id = 2;
	check_both_ways(&m, &job);
	fixture_sh(m.target, "cat out/one out/two out/moved/a.c && ! test -e out/gone");
}
END_TEST

/* By more than one thread, where there are processors. */
START_TEST(many_files_keep_their_times)
{
	static const char times[] = "find out -printf '%p %T@\\n' | sort";
	cleanup_free char *before = NULL, *after = NULL;
	cleanup_mounted struct mounted m;
	const struct job_payload nothing = { .id = 1 };
	struct job_dependency d[] = { { .id = 1 } };
	struct job_payload job = getter(d, 1);

	mounted_open(&m);
	mounted_begin(&m, &nothing);
	fixture_sh(m.target,
	    "mkdir -p out/a/b out/c && seq 2100 | while read n; do "
	    "if [ $n -lt 900 ]; then echo >out/$n; "
	    "elif [ $n -lt 1600 ]; then echo >out/a/b/$n; else echo >out/c/$n; fi; done && "
	    "find out -type d -exec touch -d '1 hour' {} +");
	before = fixture_ask(m.target, "%s", times);
	keep(&m, 1, true);
	mounted_begin(&m, &job);
	ck_assert_uint_eq(m.artifacts.done, 1);
	after = fixture_ask(m.target, "%s", times);
	ck_assert_str_eq(after, before);
}
END_TEST

/* What a failed job has left may still be looked at and changed. */
START_TEST(files_of_a_failed_job_are_copied)
{
	cleanup_mounted struct mounted m;
	const struct job_payload nothing = { .id = 1 };
	struct job_dependency d[] = { { .id = 1 } };
	struct job_payload job = getter(d, 1);

	mounted_open(&m);
	mounted_begin(&m, &nothing);
	fixture_sh(m.target, "mkdir out && echo 1 >out/f");
	keep(&m, 1, _i == 1);
	fixture_sh(m.upper, "test $(stat -c %%h out/f) = %d", _i == 1 ? 2 : 1);
	mounted_begin(&m, &job);
	fixture_sh(m.target, "test $(cat out/f) = 1");
}
END_TEST

/* ---- times ---- */

START_TEST(no_file_is_older_than_the_source)
{
	cleanup_mounted struct mounted m;
	struct job_dependency d[] = { { .id = 1 } };
	struct job_payload job = getter(d, 1);

	mounted_open(&m);
	make_files(&m, 1,
	    "mkdir out && touch -d 2001-01-01 out/old && touch -d '2 days' out/new");
	mounted_begin(&m, &job);
	ck_assert_uint_eq(m.artifacts.done, 1);
	fixture_sh(m.target,
	    "! test out/old -ot src/a.c && ! test out/old -ot README && "
	    "test out/old -ot out/new");
}
END_TEST

/* The source of the job that gets them may be newer than that of the one before. */
START_TEST(newer_source_has_them_copied)
{
	cleanup_mounted struct mounted m;
	struct job_dependency d[] = { { .id = 1 } };
	struct job_payload job = getter(d, 1);

	mounted_open(&m);
	make_files(&m, 1, "mkdir out && echo 1 >out/f");
	fixture_sh(m.bench.repo_dir, "touch -d '1 hour' src/a.c");
	workspace_bench_renew(&m.bench);
	mounted_begin(&m, &job);
	ck_assert_uint_eq(m.artifacts.done, 0);
	fixture_sh(m.target, "test $(cat out/f) = 1 && ! test out/f -ot src/a.c");
}
END_TEST

static const struct {
	const char *rules, *run, *program;
} tools[] = {
	{ "printf 'out/x: src/a.c\\n\\tcp src/a.c out/x\\n' >Makefile", "make",
	    "/usr/bin/make" },
	{ "printf 'rule cp\\n command = cp $in $out\\nbuild out/x: cp src/a.c\\n' "
	  ">build.ninja",
	    "ninja", "/usr/bin/ninja" },
};

/* What was built from this very source is not built again. */
START_TEST(tool_takes_an_artifact_for_fresh)
{
	cleanup_mounted struct mounted m;
	struct job_dependency d[] = { { .id = 1 } };
	struct job_payload job = getter(d, 1);
	cleanup_free char *script = NULL, *said = NULL;

	if (access(tools[_i].program, X_OK) < 0) {
		printf("skipped: there is no %s\n", tools[_i].program);
		return;
	}
	mounted_open(&m);
	fixture_sh(m.bench.repo_dir, "%s", tools[_i].rules);
	workspace_bench_renew(&m.bench);
	/* as a tool that keeps the times of what it copies would leave it */
	script = xasprintf("mkdir out && %s && { cp .ninja_log n.txt || true; } 2>&1 && "
			   "touch -d 2000-01-01 out/x",
	    tools[_i].run);
	make_files(&m, 1, script);
	mounted_begin(&m, &job);
	said = fixture_ask(
	    m.target, "cp n.txt .ninja_log 2>/dev/null || true; %s", tools[_i].run);
	ck_assert_msg(
	    strstr(said, "up to date") != NULL || strstr(said, "no work to do") != NULL,
	    "%s", said);
}
END_TEST

/* ---- what else is asked of them ---- */

START_TEST(one_file_is_read_before_there_is_an_archive)
{
	cleanup_mounted struct mounted m;
	struct artifacts_store store;
	cleanup_buf struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;

	mounted_open(&m);
	make_files(
	    &m, 1, "mkdir out && echo 1 >out/f && ln -s f out/link && ln -s / out/root");
	fixture_sh(m.bench.store, "rm 1/artifacts.tar.zst");
	store = mounted_store(&m);
	ck_assert_int_eq(artifacts_read_file(&store, 1, "out/f", 100, &text, &err), 0);
	ck_assert_str_eq(buf_str(&text), "1\n");
	ck_assert_int_eq(
	    artifacts_read_file(&store, 1, "out/link", 100, &text, &err), ERR_MISSING);
	ck_assert_int_eq(
	    artifacts_read_file(&store, 1, "out/root/etc/passwd", 9999, &text, &err),
	    ERR_MISSING);
	ck_assert_int_eq(
	    artifacts_read_file(&store, 1, "out/f", 1, &text, &err), ERR_LIMIT);
}
END_TEST

/* Numbers begin anew when people throw away what was kept. */
START_TEST(layer_of_another_job_of_that_number_is_forgotten)
{
	cleanup_mounted struct mounted m;
	struct job_dependency d[] = { { .id = 1 } };
	struct job_payload job = getter(d, 1);

	mounted_open(&m);
	make_files(&m, 1, "mkdir out && echo old >out/f");
	mounted_end(&m);
	fixture_sh(m.bench.store, "rm -r 1");
	fixture_sh(m.bench.dir, "mkdir out && echo new >out/f");
	m.view = m.bench.view; /* a workspace without layers */
	keep(&m, 1, true);
	m.view.fd = -1;
	mounted_begin(&m, &job);
	fixture_sh(m.target, "test $(cat out/f) = new");
}
END_TEST

START_TEST(archive_of_another_size_is_another_one)
{
	cleanup_mounted struct mounted m;
	cleanup_strlist struct strlist paths = STRLIST_INIT;
	struct artifact_layer layer = ARTIFACT_LAYER_INIT;
	struct job_dependency d = { .id = 5, .filename = "a.zip", .size_bytes = 1000 };
	const struct job_payload nothing = { .id = 5 };
	struct error err = ERROR_INIT;

	mounted_open(&m);
	mounted_begin(&m, &nothing);
	fixture_sh(m.target, "echo 1 >x");
	strlist_add(&paths, "x");
	ck_assert_int_eq(artifact_layers_save(m.layers_dir, 5, &m.view, &paths, true,
			     1000, NULL, &layer, &err),
	    0);
	artifact_layer_clear(&layer);
	ck_assert(artifact_layers_have(m.layers_dir, &d));
	d.size_bytes = 1001;
	ck_assert(!artifact_layers_have(m.layers_dir, &d));
}
END_TEST

START_TEST(here_nothing_can_be_mounted)
{
	printf("skipped: there is no mount namespace to be had\n");
}
END_TEST

static void
add_tests(TCase *tc)
{
	tcase_add_loop_test(tc, mounted_as_unpacked, 0, ARRAY_LEN(scripts));
	tcase_add_test(tc, later_ones_come_over_earlier_ones);
	tcase_add_loop_test(tc, order_holds_for_both_together, 0, 2);
	tcase_add_test(tc, files_of_lower_layers_are_handed_on);
	tcase_add_test(tc, many_files_keep_their_times);
	tcase_add_loop_test(tc, files_of_a_failed_job_are_copied, 0, 2);
	tcase_add_test(tc, no_file_is_older_than_the_source);
	tcase_add_test(tc, newer_source_has_them_copied);
	tcase_add_loop_test(tc, tool_takes_an_artifact_for_fresh, 0, ARRAY_LEN(tools));
	tcase_add_test(tc, one_file_is_read_before_there_is_an_archive);
	tcase_add_test(tc, layer_of_another_job_of_that_number_is_forgotten);
	tcase_add_test(tc, archive_of_another_size_is_another_one);
}

int
main(void)
{
	Suite *suite = suite_create("artifact_layers");
	TCase *tc = tcase_create("artifact_layers");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	if (mounted_can_be_had())
		add_tests(tc);
	else
		tcase_add_test(tc, here_nothing_can_be_mounted);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
