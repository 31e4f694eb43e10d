/* Limits as text, where control groups can be, what is written there, and samples. */
#include <check.h>
#include <stdio.h>
#include <unistd.h>

#include "base/path.h"
#include "runner/cgroups.h"
#include "runner/supervisor/recorder.h"
#include "tests/unit/fixture.h"

#define MARKER "0123456789abcdef"

static const struct {
	const char *text;
	int64_t want; /* 0: refused */
} sizes[] = {
	{ "512m", INT64_C(512) << 20 },
	{ "2g", INT64_C(2) << 30 },
	{ "1.5GiB", INT64_C(3) << 29 },
	{ "500Mi", INT64_C(500) << 20 },
	{ "2G", INT64_C(2) << 30 },
	{ "8388608", INT64_C(8) << 20 },
	{ "8388608b", INT64_C(8) << 20 },
	{ "1k", 0 }, /* nothing runs in so little */
	{ "-2g", 0 },
	{ "2gg", 0 },
	{ "g", 0 },
	{ "", 0 },
	{ "1e9g", 0 },
	{ "99999999t", 0 },
};

START_TEST(reads_sizes)
{
	int64_t got = 0;

	ck_assert_msg(limits_parse_bytes(sizes[_i].text, &got) == (sizes[_i].want != 0),
	    "%s", sizes[_i].text);
	ck_assert_int_eq(got, sizes[_i].want);
}
END_TEST

START_TEST(reads_processors_and_processes)
{
	int64_t got;

	ck_assert(limits_parse_cpus("1.5", &got) && got == 1500);
	ck_assert(limits_parse_cpus("250m", &got) && got == 250);
	ck_assert(!limits_parse_cpus("0", &got));
	ck_assert(!limits_parse_cpus("2 cpus", &got));
	ck_assert(limits_parse_pids("4096", &got) && got == 4096);
	ck_assert(!limits_parse_pids("3", &got));
}
END_TEST

/* ---- where they can be ----------------------------------------------------- */

static const char *const none = "";

static const char *
place(const struct cgroup_places *p, enum cgroup_kind kind, const char *root)
{
	const char *at = p->of[kind];

	return at == NULL ? none : at + strlen(root);
}

START_TEST(version_two_is_used_beside_the_own_group)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *on = NULL, *group = NULL;
	struct cgroup_places p;

	fixture_sh(root,
	    "mkdir -p a.slice/own.service && "
	    "touch cgroup.controllers a.slice/cgroup.subtree_control");
	cgroup_places_read(root, "0::/a.slice/own.service\n", &p);
	ck_assert_str_eq(place(&p, CGROUP_UNIFIED, root), "/a.slice");
	ck_assert_ptr_null(p.of[CGROUP_MEMORY]);
	group = cgroup_places_group(&p, "m");
	ck_assert_str_eq(group, "/a.slice/pawl-job-m");
	on = fixture_ask(root, "cat a.slice/cgroup.subtree_control");
	ck_assert_int_eq(strncmp(on, "+io", 3), 0); /* the last one given on */
	cgroup_places_clear(&p);
}
END_TEST

START_TEST(version_one_is_used_below_the_own_group)
{
	cleanup_fixture char *root = fixture_open();
	struct limits l = { .memory = { 1, "" } };
	cleanup_strlist struct strlist picked = STRLIST_INIT;
	struct cgroup_places p;

	fixture_sh(root,
	    "mkdir -p memory/own cpu pids/own unified && "
	    "touch unified/cgroup.controllers");
	cgroup_places_read(
	    root, "5:pids:/own\n4:memory:/own\n2:cpu,cpuacct:/not/here\n0::/\n", &p);
	ck_assert_str_eq(place(&p, CGROUP_MEMORY, root), "/memory/own");
	ck_assert_str_eq(place(&p, CGROUP_PIDS, root), "/pids/own");
	ck_assert_str_eq(place(&p, CGROUP_CPU, root), "/cpu");
	ck_assert_str_eq(place(&p, CGROUP_UNIFIED, root), "/unified");
	ck_assert_ptr_null(cgroup_places_group(&p, "m")); /* the runtime is right then */
	cgroup_places_pick(&p, &l, &picked);
	ck_assert_uint_eq(picked.count, 2); /* no limit of processes or processors */
	cgroup_places_clear(&p);
}
END_TEST

START_TEST(where_there_are_none_a_limit_does_not_hold)
{
	cleanup_fixture char *root = fixture_open();
	struct limits l = { .memory = { 1, "" }, .pids = { 1, "" } };
	cleanup_free char *lacking = NULL;
	struct cgroup_places p;

	cgroup_places_read(root, "0::/\n", &p);
	lacking = cgroup_places_lacking(&p, &l);
	ck_assert_ptr_nonnull(lacking);
	ck_assert_ptr_nonnull(strstr(lacking, "limits of memory, pids do not hold"));
	cgroup_places_clear(&p);
}
END_TEST

/* ---- what is written ------------------------------------------------------- */

START_TEST(version_two_gets_its_limits)
{
	cleanup_fixture char *root = fixture_open();
	const struct limits l = { { 1000, "a" }, { 1500, "b" }, { 77, "c" } };
	cleanup_strlist struct strlist parents = STRLIST_INIT;
	cleanup_buf struct buf warnings = BUF_INIT;
	cleanup_free char *got = NULL;
	struct cgroup g;

	fixture_sh(root,
	    "mkdir pawl-job-" MARKER " && cd pawl-job-" MARKER
	    " && touch cgroup.procs memory.max memory.swap.max cpu.max pids.max");
	strlist_add_take(&parents, xasprintf("unified=%s", root));
	cgroup_open(&g, &parents, MARKER, &l, &warnings);
	ck_assert(g.exists);
	ck_assert_str_eq(buf_str(&warnings), "");
	got = fixture_ask(root,
	    "cd pawl-job-" MARKER " && for f in memory.max "
	    "memory.swap.max cpu.max pids.max; do cat $f; echo; done | "
	    "tr '\\n' ,");
	ck_assert_str_eq(got, "1000,0,150000 100000,77,");
	fixture_sh(root,
	    "cd pawl-job-" MARKER " && echo 'oom 3\noom_kill 2' >memory.events "
	    "&& echo 'max 4' >pids.events");
	cgroup_look(&g);
	ck_assert_int_eq(g.oom_kills, 2);
	ck_assert_int_eq(g.pids_refused, 4);
	fixture_sh(root, "rm pawl-job-" MARKER "/*");
	cgroup_close(&g);
	free(got);
	got = fixture_ask(root, "ls");
	ck_assert_str_eq(got, "");
}
END_TEST

/* A runtime's group stands beside the one processes are in, and the same limits hold. */
START_TEST(version_two_lets_a_runtime_make_a_group)
{
	cleanup_fixture char *root = fixture_open();
	const struct limits l = { .pids = { 77, "c" } };
	cleanup_strlist struct strlist parents = STRLIST_INIT;
	cleanup_buf struct buf warnings = BUF_INIT;
	cleanup_free char *joined = NULL, *left = NULL;
	struct cgroup g;

	fixture_sh(root,
	    "mkdir -p pawl-job-" MARKER "/own && cd pawl-job-" MARKER
	    " && touch cgroup.procs pids.max own/cgroup.procs");
	strlist_add_take(&parents, xasprintf("unified=%s", root));
	cgroup_open(&g, &parents, MARKER, &l, &warnings);
	cgroup_use_leaf(&g);
	ck_assert(cgroup_join(&g, true));
	joined = fixture_ask(root,
	    "cd pawl-job-" MARKER
	    " && cat pids.max && cat own/cgroup.procs cgroup.procs");
	ck_assert_str_eq(joined, "770");
	fixture_sh(root,
	    "cd pawl-job-" MARKER " && mkdir of-runtime && echo 'max 2' "
	    ">of-runtime/pids.events && echo 'max 1' >pids.events");
	cgroup_look(&g);
	ck_assert_int_eq(g.pids_refused, 3);
	fixture_sh(root, "cd pawl-job-" MARKER " && rm -f * own/* of-runtime/* || :");
	cgroup_close(&g);
	left = fixture_ask(root, "ls");
	ck_assert_str_eq(left, "");
}
END_TEST

START_TEST(what_cannot_be_set_is_said)
{
	const struct limits l = { .memory = { 1000, "limits.memory of the test" } };
	const struct strlist nowhere = STRLIST_INIT;
	cleanup_buf struct buf warnings = BUF_INIT;
	struct cgroup g;

	cgroup_open(&g, &nowhere, MARKER, &l, &warnings);
	ck_assert(!g.exists);
	ck_assert_ptr_nonnull(strstr(buf_str(&warnings),
	    "limit of memory (limits.memory of the test) does not hold"));
	cgroup_close(&g);
}
END_TEST

/* A lock held by an open folder, as a living supervisor has it. */
START_TEST(groups_without_a_supervisor_are_removed)
{
	cleanup_fixture char *root = fixture_open();
	const struct limits none_set = { .memory = { 0, NULL } };
	cleanup_strlist struct strlist parents = STRLIST_INIT;
	cleanup_buf struct buf warnings = BUF_INIT;
	cleanup_free char *left = NULL;
	struct cgroup living;

	fixture_sh(root,
	    "mkdir other pawl-job-new pawl-job-dead pawl-job-dead/below && "
	    "chmod 1755 pawl-job-dead other");
	strlist_add_take(&parents, xasprintf("unified=%s", root));
	cgroup_open(&living, &parents, MARKER, &none_set, &warnings);
	cgroup_tidy(parents.items[0]);
	left = fixture_ask(root, "echo *");
	ck_assert_str_eq(left, "other pawl-job-" MARKER " pawl-job-new");
	cgroup_close(&living);
}
END_TEST

/* ---- samples --------------------------------------------------------------- */

START_TEST(a_long_job_keeps_few_samples_and_its_peak)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *file = path_join(root, "usage");
	cleanup_free char *lines = NULL, *peak = NULL, *last = NULL;
	struct recorder r = RECORDER_INIT;
	int64_t now_ms = 5000;

	recorder_start(&r, file, now_ms);
	for (int i = 1; i <= 5000; i++) {
		struct sample s = { .memory_bytes = i == 1234 ? 999 : i % 100,
			.cpu_us = i };

		now_ms = r.next_ms;
		recorder_add(&r, &s, now_ms);
	}
	ck_assert_int_eq(r.peak_bytes, 999);
	recorder_close(&r);
	lines = fixture_ask(root, "grep -c '^[0-9]' usage");
	ck_assert_int_lt(strtol(lines, NULL, 10), RECORDER_ROWS);
	ck_assert_int_ge(strtol(lines, NULL, 10), RECORDER_ROWS / 2);
	peak = fixture_ask(root, "grep -c '^[0-9]* 999 ' usage");
	ck_assert_str_eq(peak, "1");
	last = fixture_ask(root, "tail -n 1 usage | cut -d' ' -f3");
	ck_assert_str_eq(last, "5000");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("limits");
	TCase *tc = tcase_create("limits");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tc, reads_sizes, 0, ARRAY_LEN(sizes));
	tcase_add_test(tc, reads_processors_and_processes);
	tcase_add_test(tc, version_two_is_used_beside_the_own_group);
	tcase_add_test(tc, version_one_is_used_below_the_own_group);
	tcase_add_test(tc, where_there_are_none_a_limit_does_not_hold);
	tcase_add_test(tc, version_two_gets_its_limits);
	tcase_add_test(tc, version_two_lets_a_runtime_make_a_group);
	tcase_add_test(tc, what_cannot_be_set_is_said);
	tcase_add_test(tc, groups_without_a_supervisor_are_removed);
	tcase_add_test(tc, a_long_job_keeps_few_samples_and_its_peak);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
