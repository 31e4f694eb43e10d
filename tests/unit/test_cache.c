/* Caches from one run to the next. */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/cache.h"
#include "tests/unit/fixture.h"
#include "tests/unit/workspace_bench.h"

static const char *deps[] = { "deps/" };

static struct job_cache
make_cache(const char *key)
{
	return (struct job_cache){ .key = key, .paths = deps, .path_count = 1 };
}

static void
save(struct workspace_bench *b, struct job_cache *c, bool success)
{
	struct job_payload job = { .caches = c, .cache_count = 1 };

	cache_save(&job, success, &b->view, b->store, NULL, NULL, NULL, &b->log);
}

static void
restore(struct workspace_bench *b, struct job_cache *c)
{
	struct job_payload job = { .caches = c, .cache_count = 1 };

	cache_restore(&job, &b->view, b->store, NULL, NULL, &b->log);
}

/* A workspace with deps/x, saved, and a fresh one after it. */
static void
save_and_renew(struct workspace_bench *b, struct job_cache *c)
{
	workspace_bench_open(b);
	fixture_sh(b->dir, "mkdir deps && echo cached >deps/x");
	save(b, c, true);
	workspace_bench_renew(b);
}

static void
check_log(struct workspace_bench *b, const char *text)
{
	ck_assert_msg(strstr(buf_str(&b->log), text) != NULL, "%s", buf_str(&b->log));
}

START_TEST(next_run_finds_the_files)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct job_cache c = make_cache("k");

	save_and_renew(&b, &c);
	restore(&b, &c);
	fixture_sh(b.dir, "grep -q cached deps/x");
	check_log(&b, "Checking cache for k...\nSuccessfully extracted cache\n");
}
END_TEST

START_TEST(missing_cache_is_said)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct job_cache c = make_cache("k");

	workspace_bench_open(&b);
	restore(&b, &c);
	check_log(&b, "No cache for k\n");
}
END_TEST

/* What a key written in a file becomes as a folder of the store; NULL: none. */
static const struct {
	const char *key, *dir;
} keys[] = {
	{ "plain", "plain" },
	{ "with blanks  ", "with blanks" },
	{ "$NAME-x", "name-x" },
	{ "a/b", "a/b" },
	{ "a%2fb%2E", "a/b." },
	{ "../../up", "up" },
	{ "/abs/./x//y/..", "abs/x" },
	{ "a\\b", "a/b" },
	{ "a..b", "a..b" },
	{ "..", NULL },
	{ "%2e%2e", NULL },
	{ "", NULL },
	{ " ", NULL },
};

START_TEST(key_becomes_a_folder_in_the_store)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct job_cache c = make_cache(keys[_i].key);

	save_and_renew(&b, &c);
	if (keys[_i].dir != NULL)
		fixture_sh(b.root, "test -s 'store/%s/cache.tar.zst'", keys[_i].dir);
	else
		fixture_sh(b.root, "! test -e store");
}
END_TEST

START_TEST(long_key_is_hashed)
{
	cleanup_workspace_bench struct workspace_bench b;
	char key[2000];
	struct job_cache c = make_cache(key);

	memset(key, 'k', sizeof(key));
	key[sizeof(key) - 1] = '\0';
	save_and_renew(&b, &c);
	restore(&b, &c);
	fixture_sh(b.dir, "grep -q cached deps/x");
}
END_TEST

START_TEST(fallback_keys_are_tried_in_order)
{
	cleanup_workspace_bench struct workspace_bench b;
	static const char *fallback[] = { "none", "old", "older" };
	struct job_cache old = make_cache("old"), older = make_cache("older"),
			 c = make_cache("new");

	save_and_renew(&b, &old);
	fixture_sh(b.dir, "mkdir deps && echo older >deps/x");
	save(&b, &older, true);
	workspace_bench_renew(&b);
	c.fallback_keys = fallback;
	c.fallback_key_count = 3;
	restore(&b, &c);
	fixture_sh(b.dir, "grep -q cached deps/x");
}
END_TEST

static const struct {
	const char *key;
	bool found;
} lasts[] = { { "main", true }, { "main-protected", false }, { "", false } };

START_TEST(fallback_variable_comes_last)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct job_cache saved = make_cache(*lasts[_i].key == '\0' ? "x" : lasts[_i].key),
			 c = make_cache("new");
	struct job_variable v = { .key = "CACHE_FALLBACK_KEY", .value = lasts[_i].key };
	struct job_payload job = {
		.caches = &c, .cache_count = 1, .variables = &v, .variable_count = 1
	};

	save_and_renew(&b, &saved);
	cache_restore(&job, &b.view, b.store, NULL, NULL, &b.log);
	fixture_sh(b.dir, lasts[_i].found ? "test -e deps/x" : "! test -e deps");
}
END_TEST

static const struct {
	const char *policy;
	bool pulls, pushes;
} policies[] = { { NULL, true, true }, { "pull-push", true, true },
	{ "pull", true, false }, { "push", false, true }, { "$POLICY", true, false } };

START_TEST(policy_decides)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct job_cache saved = make_cache("k"), c = make_cache("k"),
			 d = make_cache("d");

	save_and_renew(&b, &saved);
	strlist_add(&b.env, "POLICY=pull");
	c.policy = d.policy = policies[_i].policy;
	restore(&b, &c);
	fixture_sh(b.dir, policies[_i].pulls ? "test -e deps/x" : "! test -e deps");
	fixture_sh(b.dir, "mkdir -p deps && touch deps/y");
	save(&b, &d, true);
	fixture_sh(b.root, policies[_i].pushes ? "test -e store/d" : "! test -e store/d");
}
END_TEST

START_TEST(when_decides)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct job_cache c = make_cache("k");

	workspace_bench_open(&b);
	fixture_sh(b.dir, "mkdir deps && touch deps/x");
	save(&b, &c, false);
	fixture_sh(b.root, "! test -e store");
	c.when = "always";
	save(&b, &c, false);
	fixture_sh(b.root, "test -e store/k/cache.tar.zst");
}
END_TEST

START_TEST(nothing_to_save_is_a_warning)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct job_cache c = make_cache("k");

	workspace_bench_open(&b);
	save(&b, &c, true);
	check_log(&b, "WARNING: deps/: no matching files");
	fixture_sh(b.root, "! test -e store/k");
}
END_TEST

START_TEST(unchanged_cache_is_not_packed_again)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct job_cache c = make_cache("k");

	save_and_renew(&b, &c);
	fixture_sh(b.root, "ln store/k/cache.tar.zst first");
	restore(&b, &c);
	save(&b, &c, true);
	check_log(&b, "Archive is up to date!\n");
	fixture_sh(b.root, "test first -ef store/k/cache.tar.zst");
}
END_TEST

static const char *const changes[] = { "echo more >>deps/x", "touch deps/x", "rm deps/x",
	"echo new >deps/y", "chmod 600 deps/x", "mkdir deps/d", "ln -sf y deps/x" };

START_TEST(changed_cache_is_packed_again)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct job_cache c = make_cache("k");

	workspace_bench_open(&b);
	fixture_sh(b.dir, "mkdir deps && echo 1 >deps/x && echo 1 >deps/z");
	save(&b, &c, true);
	workspace_bench_renew(&b);
	restore(&b, &c);
	fixture_sh(b.dir, "%s", changes[_i]);
	save(&b, &c, true);
	check_log(&b, "Created cache");
}
END_TEST

START_TEST(only_file_rewritten_is_a_change)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct job_cache c = make_cache("k");

	save_and_renew(&b, &c);
	restore(&b, &c);
	fixture_sh(b.dir, "echo CACHED >deps/x"); /* of the same size */
	save(&b, &c, true);
	check_log(&b, "Created cache");
}
END_TEST

/* All of a cache is older than all sources, and in its own order. */
START_TEST(cache_is_older_than_any_source)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct job_cache c = make_cache("k");

	workspace_bench_open(&b);
	fixture_sh(b.repo_dir, "touch -d 1990-01-01 README");
	fixture_sh(b.dir,
	    "mkdir deps && touch -d '2 days' deps/new && touch deps/old && "
	    "touch -d @1.5 deps/oldest");
	save(&b, &c, true);
	workspace_bench_renew(&b);
	restore(&b, &c);
	fixture_sh(b.dir,
	    "test deps/new -ot README && test deps/old -ot deps/new && "
	    "test deps/oldest -ot deps/old && test deps -ot README");
}
END_TEST

START_TEST(cache_in_place_is_old_too)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct job_cache c = make_cache("k");

	save_and_renew(&b, &c);
	b.view.snapshot = NULL;
	restore(&b, &c);
	fixture_sh(b.dir, "test $(date -u -r deps/x +%%Y) = 2001");
}
END_TEST

static const struct {
	const char *rules, *run;
} tools[] = {
	{ "printf 'deps/x: src/a.c\\n\\tcp src/a.c deps/x\\n' >Makefile", "make -s" },
	{ "printf 'rule cp\\n command = cp $in $out\\nbuild deps/x: cp src/a.c\\n' "
	  ">build.ninja",
	    "ninja --quiet" },
};

/*
 * A cache made from one state of the source, an older file of another state: what was
 * built then must not pass for what would be built now.
 */
START_TEST(tool_does_not_believe_a_stale_cache)
{
	cleanup_workspace_bench struct workspace_bench b;
	static const char *paths[] = { "deps/", ".ninja_*" };
	struct job_cache c = { .key = "k", .paths = paths, .path_count = 2 };
	cleanup_free char *got = NULL;

	if (_i == 1 && access("/usr/bin/ninja", X_OK) < 0) {
		printf("skipped: there is no ninja\n");
		return;
	}
	workspace_bench_open(&b);
	fixture_sh(b.repo_dir, "%s", tools[_i].rules);
	workspace_bench_renew(&b);
	fixture_sh(b.dir, "mkdir -p deps && %s", tools[_i].run);
	save(&b, &c, true);
	/* another branch, whose file happens to be older than what was built */
	fixture_sh(b.repo_dir, "echo other >src/a.c && touch -d '1 hour ago' src/a.c");
	workspace_bench_renew(&b);
	restore(&b, &c);
	got = fixture_ask(b.dir, "test -e deps/x && %s && cat deps/x", tools[_i].run);
	ck_assert_str_eq(got, "other");
}
END_TEST

static const char *const damages[] = { "truncate -s 20 cache.tar.zst",
	"echo garbage >cache.tar.zst", ": >cache.tar.zst" };

START_TEST(damaged_cache_counts_as_missing)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct job_cache c = make_cache("k");

	workspace_bench_open(&b);
	fixture_sh(b.dir, "mkdir deps && head -c 3000000 /dev/urandom >deps/x");
	save(&b, &c, true);
	workspace_bench_renew(&b);
	if (_i == 0)
		fixture_sh(b.root, "truncate -s 2000000 store/k/cache.tar.zst");
	else
		fixture_sh(b.root, "cd store/k && %s", damages[_i]);
	restore(&b, &c);
	check_log(&b, "WARNING: Failed to extract cache: ");
	fixture_sh(b.dir, "! test -e deps/x");
	fixture_sh(b.root, "! test -e store/k/cache.tar.zst"); /* never again */
}
END_TEST

START_TEST(hostile_cache_stays_inside)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct job_cache c = make_cache("k");

	workspace_bench_open(&b);
	fixture_sh(b.root,
	    "mkdir -p store/k && echo evil >evil && "
	    "tar -cPf store/k/cache.tar.zst ../${PWD##*/}/evil --transform "
	    "'s,.*,../evil2,' && rm evil");
	restore(&b, &c);
	check_log(&b, "it points outside the project folder");
	fixture_sh(b.root, "! test -e evil2");
}
END_TEST

START_TEST(unwritable_store_is_a_warning)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct job_cache c = make_cache("k");

	workspace_bench_open(&b);
	fixture_sh(b.root, "touch store");
	fixture_sh(b.dir, "mkdir deps && touch deps/x");
	save(&b, &c, true);
	check_log(&b, "WARNING: Failed to create cache: ");
}
END_TEST

#define SAVERS 4

static void *
save_again_and_again(void *data)
{
	struct workspace_bench *b = data;
	struct job_cache c = make_cache("k");
	struct job_payload job = { .caches = &c, .cache_count = 1 };

	for (int i = 0; i < 10; i++) {
		cleanup_buf struct buf log = BUF_INIT;

		(void)utimensat(b->view.fd, "deps/x", NULL, 0); /* so that it is packed */
		cache_save(&job, true, &b->view, b->store, NULL, NULL, NULL, &log);
	}
	return NULL;
}

START_TEST(jobs_that_save_at_once_leave_a_whole_archive)
{
	cleanup_workspace_bench struct workspace_bench b;
	struct job_cache c = make_cache("k");
	pthread_t threads[SAVERS];

	workspace_bench_open(&b);
	fixture_sh(b.dir, "mkdir deps && head -c 1000000 /dev/urandom >deps/x");
	for (int i = 0; i < SAVERS; i++)
		ck_assert_int_eq(
		    pthread_create(&threads[i], NULL, save_again_and_again, &b), 0);
	for (int i = 0; i < SAVERS; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	fixture_sh(b.root,
	    "test \"$(ls store/k | xargs)\" = 'cache.tar.zst seal' && "
	    "cp w/deps/x want");
	workspace_bench_renew(&b);
	restore(&b, &c);
	fixture_sh(b.root, "cmp want w/deps/x");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("cache");
	TCase *keep = tcase_create("keep"), *times = tcase_create("times"),
	      *bad = tcase_create("bad");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(keep, 60);
	tcase_add_test(keep, next_run_finds_the_files);
	tcase_add_test(keep, missing_cache_is_said);
	tcase_add_loop_test(
	    keep, key_becomes_a_folder_in_the_store, 0, (int)ARRAY_LEN(keys));
	tcase_add_test(keep, long_key_is_hashed);
	tcase_add_test(keep, fallback_keys_are_tried_in_order);
	tcase_add_loop_test(keep, fallback_variable_comes_last, 0, (int)ARRAY_LEN(lasts));
	tcase_add_loop_test(keep, policy_decides, 0, (int)ARRAY_LEN(policies));
	tcase_add_test(keep, when_decides);
	tcase_add_test(keep, nothing_to_save_is_a_warning);
	tcase_add_test(keep, unchanged_cache_is_not_packed_again);
	tcase_add_loop_test(
	    keep, changed_cache_is_packed_again, 0, (int)ARRAY_LEN(changes));
	tcase_add_test(keep, only_file_rewritten_is_a_change);
	tcase_set_timeout(times, 60);
	tcase_add_test(times, cache_is_older_than_any_source);
	tcase_add_test(times, cache_in_place_is_old_too);
	tcase_add_loop_test(times, tool_does_not_believe_a_stale_cache, 0, 2);
	tcase_set_timeout(bad, 60);
	tcase_add_loop_test(
	    bad, damaged_cache_counts_as_missing, 0, (int)ARRAY_LEN(damages));
	tcase_add_test(bad, hostile_cache_stays_inside);
	tcase_add_test(bad, unwritable_store_is_a_warning);
	tcase_add_test(bad, jobs_that_save_at_once_leave_a_whole_archive);
	suite_add_tcase(suite, keep);
	suite_add_tcase(suite, times);
	suite_add_tcase(suite, bad);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
