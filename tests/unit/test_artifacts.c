/* Artifacts and reports from one job to the next. */
#include <check.h>
#include <stdio.h>
#include <unistd.h>

#include "base/path.h"
#include "runner/artifacts.h"
#include "tests/unit/fixture.h"
#include "tests/unit/workspace_bench.h"

static const char *out_paths[] = { "out/" };

static struct job_payload
make_job(struct job_artifact *artifact, struct job_dependency *dependency)
{
	return (struct job_payload){ .id = 7,
		.artifacts = artifact,
		.artifact_count = artifact != NULL,
		.dependencies = dependency,
		.dependency_count = dependency != NULL };
}

static int
try_collect(struct workspace_bench *b, struct job_artifact *a, bool success,
    struct artifacts_result *result, struct error *err)
{
	struct job_payload job = make_job(a, NULL);

	const struct artifacts_store store = { b->store, NULL };

	return artifacts_collect(
	    &job, success, &b->view, &store, NULL, result, &b->log, err);
}

static struct artifacts_result
collect(struct workspace_bench *b, struct job_artifact *a)
{
	struct artifacts_result result = ARTIFACTS_RESULT_INIT;
	struct error err = ERROR_INIT;

	if (try_collect(b, a, true, &result, &err) < 0)
		ck_abort_msg("%s", err.msg);
	return result;
}

static int
try_restore(struct workspace_bench *b, struct error *err)
{
	struct job_dependency d = {
		.id = 7, .name = "build", .filename = "artifacts.zip"
	};
	struct job_payload job = make_job(NULL, &d);

	const struct artifacts_store store = { b->store, NULL };

	return artifacts_restore(&job, &b->view, &store, NULL, NULL, &b->log, err);
}

static void
restore(struct workspace_bench *b)
{
	struct error err = ERROR_INIT;

	if (try_restore(b, &err) < 0)
		ck_abort_msg("%s", err.msg);
}

START_TEST(next_job_finds_the_files)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct job_artifact a = { .paths = out_paths, .path_count = 1 };
	struct artifacts_result result;

	workspace_bench_open(&b);
	fixture_sh(b.dir, "mkdir -p out/empty && echo built >out/x && chmod 700 out/x");
	result = collect(&b, &a);
	artifacts_result_clear(&result);
	workspace_bench_renew(&b);
	restore(&b);
	fixture_sh(b.dir, "grep -q built out/x && test -x out/x && test -d out/empty");
}
END_TEST

START_TEST(result_counts_and_names_the_archive)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct job_artifact a = { .paths = out_paths, .path_count = 1 };
	struct artifacts_result result;
	cleanup_free char *want = NULL;

	workspace_bench_open(&b);
	fixture_sh(b.dir, "mkdir out && echo 1 >out/a && echo 22 >out/b");
	result = collect(&b, &a);
	want = path_join(b.store, "7/artifacts.tar.zst");
	ck_assert_str_eq(result.path, want);
	ck_assert_uint_eq(result.files, 2);
	ck_assert_int_eq(result.bytes, 5);
	artifacts_result_clear(&result);
}
END_TEST

START_TEST(nothing_that_matches_is_a_warning)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct job_artifact a = { .paths = out_paths, .path_count = 1 };
	struct artifacts_result result;

	workspace_bench_open(&b);
	result = collect(&b, &a);
	ck_assert_ptr_null(result.path);
	artifacts_result_clear(&result);
	ck_assert_msg(strstr(buf_str(&b.log), "WARNING: out/: no matching files") != NULL,
	    "%s", buf_str(&b.log));
}
END_TEST

START_TEST(when_decides)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct job_artifact a = {
		.paths = out_paths, .path_count = 1, .when = "on_failure"
	};
	struct artifacts_result good = ARTIFACTS_RESULT_INIT, bad = ARTIFACTS_RESULT_INIT;
	struct error err = ERROR_INIT;

	workspace_bench_open(&b);
	fixture_sh(b.dir, "mkdir out && echo 1 >out/a");
	ck_assert_int_eq(try_collect(&b, &a, true, &good, &err), 0);
	ck_assert_ptr_null(good.path);
	ck_assert_str_eq(buf_str(&b.log), "");
	ck_assert_int_eq(try_collect(&b, &a, false, &bad, &err), 0);
	ck_assert_ptr_nonnull(bad.path);
	artifacts_result_clear(&good);
	artifacts_result_clear(&bad);
}
END_TEST

START_TEST(no_artifact_is_older_than_the_source)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct job_artifact a = { .paths = out_paths, .path_count = 1 };
	struct artifacts_result result;

	workspace_bench_open(&b);
	fixture_sh(b.dir,
	    "mkdir out && touch -d 2001-01-01 out/old && "
	    "touch -d 2040-01-01 out/new");
	result = collect(&b, &a);
	artifacts_result_clear(&result);
	workspace_bench_renew(&b);
	restore(&b);
	fixture_sh(b.dir,
	    "! find out -type f ! -newer README | grep -v old && "
	    "for f in README src/a.c src/b.c; do test ! out/old -ot $f; done && "
	    "test $(date -u -r out/new +%%Y) = 2040");
}
END_TEST

/* What tools say of a tree whose result came as an artifact or from a cache. */
static const struct {
	const char *name, *rules, *run;
} tools[] = {
	{ "make", "printf 'out/x: src/a.c\\n\\tcp src/a.c out/x\\n' >Makefile",
	    "make -s" },
	{ "ninja",
	    "printf 'rule cp\\n command = cp $in $out\\nbuild out/x: cp src/a.c\\n' "
	    ">build.ninja",
	    "ninja --quiet" },
};

START_TEST(tool_takes_the_artifact_for_up_to_date)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct job_artifact a = {
		.paths = out_paths, .path_count = 1, .untracked = true
	};
	struct artifacts_result result;

	if (_i == 1 && access("/usr/bin/ninja", X_OK) < 0) {
		printf("skipped: there is no ninja\n");
		return;
	}
	workspace_bench_open(&b);
	fixture_sh(b.repo_dir, "%s", tools[_i].rules);
	workspace_bench_renew(&b);
	fixture_sh(b.dir, "mkdir out && %s && touch -d 2001-01-01 out/x", tools[_i].run);
	if (_i == 1)
		fixture_sh(b.dir, "%s", tools[_i].run);
	result = collect(&b, &a);
	artifacts_result_clear(&result);
	workspace_bench_renew(&b);
	restore(&b);
	fixture_sh(b.dir, "cp out/x was && %s && ! test out/x -nt was", tools[_i].run);
}
END_TEST

START_TEST(later_dependency_wins)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct job_artifact a = { .paths = out_paths, .path_count = 1 };
	struct job_dependency d[] = {
		{ .id = 1, .name = "one", .filename = "a" },
		{ .id = 2, .name = "none", .filename = NULL },
		{ .id = 3, .name = "three", .filename = "a" },
	};
	struct job_payload job = { .dependencies = d, .dependency_count = 3 };
	struct artifacts_store store = { NULL, NULL };
	struct error err = ERROR_INIT;

	workspace_bench_open(&b);
	store.dir = b.store;
	for (int i = 1; i <= 3; i += 2) {
		struct job_payload maker = make_job(&a, NULL);
		struct artifacts_result result = ARTIFACTS_RESULT_INIT;

		maker.id = i;
		fixture_sh(
		    b.dir, "mkdir -p out && echo %d >out/x && echo %d >out/%d", i, i, i);
		ck_assert_int_eq(artifacts_collect(&maker, true, &b.view, &store, NULL,
				     &result, &b.log, &err),
		    0);
		artifacts_result_clear(&result);
		fixture_sh(b.dir, "rm -r out");
	}
	ck_assert_int_eq(
	    artifacts_restore(&job, &b.view, &store, NULL, NULL, &b.log, &err), 0);
	fixture_sh(b.dir, "test $(cat out/x out/1 out/3 | tr -d '\\n') = 313");
}
END_TEST

START_TEST(archive_that_is_gone_fails_the_job)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct error err = ERROR_INIT;

	workspace_bench_open(&b);
	ck_assert_int_eq(try_restore(&b, &err), ERR_MISSING);
	ck_assert_msg(strstr(err.msg, "artifacts of job \"build\": ") == err.msg &&
		strstr(err.msg, "is gone; run the job again") != NULL,
	    "%s", err.msg);
}
END_TEST

START_TEST(archive_that_is_damaged_fails_the_job)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct error err = ERROR_INIT;

	workspace_bench_open(&b);
	fixture_sh(b.root, "mkdir -p store/7 && echo x >store/7/artifacts.tar.zst");
	ck_assert_int_eq(try_restore(&b, &err), ERR_INVALID);
}
END_TEST

START_TEST(full_store_leaves_no_half_archive)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct job_artifact a = { .paths = out_paths, .path_count = 1 };
	struct artifacts_result result = ARTIFACTS_RESULT_INIT;
	struct error err = ERROR_INIT;

	workspace_bench_open(&b);
	fixture_sh(b.dir, "mkdir out && echo 1 >out/a");
	fixture_sh(
	    b.root, "mkdir -p store/7 && ln -s /dev/full store/7/artifacts.tar.zst.part");
	ck_assert_int_eq(try_collect(&b, &a, true, &result, &err), ERR_ENVIRONMENT);
	ck_assert_msg(
	    strstr(err.msg, "cannot save the artifacts: ") == err.msg, "%s", err.msg);
	fixture_sh(b.root, "test -z \"$(ls store/7)\"");
	artifacts_result_clear(&result);
}
END_TEST

START_TEST(reports_are_kept_and_joined)
{
	cleanup_workspace_bench struct workspace_bench b;
	static const char *paths[] = { "*.env", "deep/" };
	struct job_artifact a = { .paths = paths,
		.path_count = 2,
		.type = "dotenv",
		.format = "gzip",
		.when = "always" };
	cleanup_buf struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;

	workspace_bench_open(&b);
	fixture_sh(b.dir,
	    "printf A=1 >a.env && echo B=2 >b.env && mkdir deep && "
	    "echo C=3 >deep/c.env");
	collect(&b, &a);
	collect(&b, &a); /* a second time replaces them */
	ck_assert_int_eq(artifacts_read_report(b.store, 7, "dotenv", &text, &err), 0);
	ck_assert_str_eq(buf_str(&text), "A=1\nB=2\nC=3\n");
}
END_TEST

START_TEST(report_that_is_a_link_is_not_read)
{
	cleanup_workspace_bench struct workspace_bench b;
	static const char *paths[] = { "a.env" };
	struct job_artifact a = { .paths = paths, .path_count = 1, .type = "dotenv" };
	cleanup_buf struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;

	workspace_bench_open(&b);
	fixture_sh(b.dir, "ln -s /etc/passwd a.env");
	collect(&b, &a);
	ck_assert_int_eq(artifacts_read_report(b.store, 7, "dotenv", &text, &err), 0);
	ck_assert_str_eq(buf_str(&text), "");
}
END_TEST

START_TEST(missing_report_is_said)
{
	cleanup_workspace_bench struct workspace_bench b;
	cleanup_buf struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;

	workspace_bench_open(&b);
	ck_assert_int_eq(
	    artifacts_read_report(b.store, 7, "dotenv", &text, &err), ERR_MISSING);
}
END_TEST

/* ---- for a server ---- */

static struct artifacts_packed_list
pack(struct workspace_bench *b, struct job_artifact *a, struct error *err)
{
	struct job_payload job = make_job(a, NULL);
	struct artifacts_packed_list list = { NULL, 0, 0 };
	cleanup_free char *dir = path_join(b->store, "upload");

	if (artifacts_pack(&job, true, &b->view, dir, NULL, NULL, &list, &b->log, err) ==
	    0)
		err->code = 0;
	return list;
}

START_TEST(server_gets_a_zip_that_comes_back)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct job_artifact a = {
		.paths = out_paths, .path_count = 1, .format = "zip", .name = "x/n\"m"
	};
	struct artifacts_packed_list list;
	struct error err = ERROR_INIT;

	workspace_bench_open(&b);
	fixture_sh(b.dir,
	    "mkdir -p out/empty && echo built >out/x && chmod 700 out/x && ln -s x out/l && "
	    "ln out/x out/hard && head -c 300000 /dev/urandom >out/large && cp out/large keep");
	list = pack(&b, &a, &err);
	ck_assert_msg(list.count == 1, "%s", err.msg);
	ck_assert_str_eq(list.items[0].filename, "n_m.zip");
	fixture_sh(b.store, "python3 -m zipfile -t '%s'", list.items[0].path);
	fixture_sh(b.store, "mkdir 7 && cp '%s' 7/artifacts.zip", list.items[0].path);
	fixture_sh(b.dir, "cp keep '%s'/keep", b.store);
	artifacts_packed_clear(&list);
	workspace_bench_renew(&b);
	restore(&b);
	fixture_sh(b.dir,
	    "grep -q built out/x && test -x out/x && test -d out/empty && "
	    "test \"$(readlink out/l)\" = x && grep -q built out/hard && "
	    "cmp out/large '%s'/keep",
	    b.store);
}
END_TEST

static const char *report_paths[] = { "r/*" };

START_TEST(server_gets_reports_as_gzip_members)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct job_artifact a = { .paths = report_paths,
		.path_count = 1,
		.type = "junit",
		.format = "gzip",
		.name = "junit.xml" };
	cleanup_free char *got = NULL;
	struct artifacts_packed_list list;
	struct error err = ERROR_INIT;

	workspace_bench_open(&b);
	fixture_sh(b.dir, "mkdir -p r/d && echo one >r/1 && echo two >r/2 && : >r/3");
	list = pack(&b, &a, &err);
	ck_assert_msg(list.count == 1, "%s", err.msg);
	ck_assert_str_eq(list.items[0].filename, "junit.xml.gz");
	got = fixture_ask(b.dir, "gzip -dc <'%s'", list.items[0].path);
	ck_assert_str_eq(got, "one\ntwo");
	artifacts_packed_clear(&list);
}
END_TEST

START_TEST(server_gets_one_raw_file)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct job_artifact a = {
		.paths = report_paths, .path_count = 1, .type = "sast", .format = "raw"
	};
	cleanup_free char *got = NULL;
	struct artifacts_packed_list list;
	struct error err = ERROR_INIT;

	workspace_bench_open(&b);
	fixture_sh(b.dir, "mkdir r && echo one >r/1");
	list = pack(&b, &a, &err);
	ck_assert_msg(list.count == 1, "%s", err.msg);
	ck_assert_str_eq(list.items[0].filename, "artifacts");
	got = fixture_ask(b.dir, "cat '%s'", list.items[0].path);
	ck_assert_str_eq(got, "one");
	artifacts_packed_clear(&list);
	fixture_sh(b.dir, "echo two >r/2");
	list = pack(&b, &a, &err);
	ck_assert_uint_eq(list.count, 0);
	ck_assert_str_eq(err.msg,
	    "artifacts \"sast\": only one file can be sent as it is, and r/1 and r/2 were "
	    "found");
	artifacts_packed_clear(&list);
}
END_TEST

START_TEST(one_file_can_be_read)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct job_artifact a = { .paths = out_paths, .path_count = 1 };
	cleanup_buf struct buf text = BUF_INIT;
	struct artifacts_result result;
	struct error err = ERROR_INIT;
	struct artifacts_store store = { NULL, NULL };
	int rc;

	workspace_bench_open(&b);
	fixture_sh(b.dir, "mkdir out && echo generated >out/child.yml");
	result = collect(&b, &a);
	artifacts_result_clear(&result);
	store.dir = b.store;
	rc = artifacts_read_file(&store, 7, "./out/child.yml", 100, &text, &err);
	ck_assert_msg(rc == 0, "%s", err.msg);
	ck_assert_str_eq(buf_str(&text), "generated\n");
	ck_assert_int_eq(
	    artifacts_read_file(&store, 7, "../x", 100, &text, &err), ERR_MISSING);
	ck_assert_int_eq(
	    artifacts_read_file(&store, 8, "out/child.yml", 100, &text, &err),
	    ERR_MISSING);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("artifacts");
	TCase *tc = tcase_create("artifacts");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, next_job_finds_the_files);
	tcase_add_test(tc, result_counts_and_names_the_archive);
	tcase_add_test(tc, nothing_that_matches_is_a_warning);
	tcase_add_test(tc, when_decides);
	tcase_add_test(tc, no_artifact_is_older_than_the_source);
	tcase_add_loop_test(tc, tool_takes_the_artifact_for_up_to_date, 0, 2);
	tcase_add_test(tc, later_dependency_wins);
	tcase_add_test(tc, archive_that_is_gone_fails_the_job);
	tcase_add_test(tc, archive_that_is_damaged_fails_the_job);
	tcase_add_test(tc, full_store_leaves_no_half_archive);
	tcase_add_test(tc, reports_are_kept_and_joined);
	tcase_add_test(tc, report_that_is_a_link_is_not_read);
	tcase_add_test(tc, missing_report_is_said);
	tcase_add_test(tc, one_file_can_be_read);
	tcase_add_test(tc, server_gets_a_zip_that_comes_back);
	tcase_add_test(tc, server_gets_reports_as_gzip_members);
	tcase_add_test(tc, server_gets_one_raw_file);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
