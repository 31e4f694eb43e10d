/*
 * Caches as layers: each round mounts what the round before has left, changes it as a job
 * would, and saves it. The test lives in a mount namespace of its own.
 */
#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "runner/cache.h"
#include "runner/layers.h"
#include "tests/unit/fixture.h"
#include "tests/unit/mounted.h"

static const char *deps[] = { "deps/" };

static struct job_cache
make_cache(const char *key)
{
	return (struct job_cache){ .key = key, .paths = deps, .path_count = 1 };
}

static struct job_payload
job_of(struct job_cache *c)
{
	return (struct job_payload){ .caches = c, .cache_count = 1 };
}

static void
begin_round(struct mounted *m, struct job_cache *c)
{
	const struct job_payload job = job_of(c);

	mounted_begin(m, &job);
}

static void
save(struct mounted *m, struct job_cache *c)
{
	const struct job_payload job = job_of(c);

	cache_save(&job, true, &m->view, m->bench.store, &m->caches, NULL, NULL, &m->log);
}

static void
check_log(const struct mounted *m, const char *text)
{
	ck_assert_msg(strstr(buf_str(&m->log), text) != NULL, "%s", buf_str(&m->log));
}

/* ---- what one round leaves, the next one finds ---- */

static unsigned
roll(unsigned *seed, unsigned sides)
{
	*seed = *seed * 1103515245 + 12345;
	return (*seed >> 16) % sides;
}

/* What jobs do with the files of a cache; $p and $q are paths in it. */
static const char *const deeds[] = {
	"mkdir -p $(dirname $p) && echo new >$p",
	"mkdir -p $(dirname $p) && echo new >$p",
	"echo more >>$p",
	"rm -rf $p",
	"rm -rf $p",
	"rm -rf $p && mkdir -p $p && echo in >$p/inner",
	"mkdir -p $(dirname $p) && rm -rf $p && ln -s ../x $p",
	"rm -f $q.hard && ln $p $q.hard",
	"cp -a $p $q.copy",
	"mv $p $q.moved",
	"touch -d '2 days ago' $p",
	"chmod 750 $p",
	"touch deps/t && rm deps/t",
};

static const char *const places[] = { "deps/a", "deps/b", "deps/d/a", "deps/d/e/a",
	"deps/d/e", "deps/f/g/h", "deps/f/g", "deps/f" };

static const char look[] = "(cd %s && find deps -printf '%%p %%y %%m %%l\\n' | sort && "
			   "find deps -type f -print0 | sort -z | xargs -0r cksum)";

/* As it was saved, and older than any source. */
static void
check_shown(struct mounted *m, const char *dir, const char *want)
{
	cleanup_free char *how = xasprintf(look, dir);
	cleanup_free char *got = fixture_ask(m->bench.root, "%s", how);
	const struct timespec oldest =
	    layers_timespec(snapshot_oldest_ns(m->bench.snapshot));
	cleanup_free char *late = fixture_ask(m->bench.root,
	    "touch -d @%jd.%09ld oldest && find %s/deps -newer oldest | head -3",
	    (intmax_t)oldest.tv_sec, oldest.tv_nsec, dir);

	ck_assert_msg(str_eq(got, want), "%s: got\n%s\nwant\n%s\n%s", dir, got, want,
	    buf_str(&m->log));
	ck_assert_str_eq(late, "");
}

/* The same by copying. */
static void
check_copied(struct mounted *m, struct job_cache *c, const char *want)
{
	const struct job_payload job = job_of(c);
	cleanup_free char *dir = path_join(m->bench.root, "copied");
	cleanup_buf struct buf log = BUF_INIT;
	struct workspace_view view = m->bench.view;

	fixture_sh(m->bench.root, "rm -rf copied && mkdir copied");
	view.fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	view.project_dir = dir;
	cache_restore(&job, &view, m->bench.store, NULL, NULL, &log);
	close(view.fd);
	check_shown(m, "copied", want);
}

START_TEST(rounds_follow_each_other)
{
	cleanup_mounted struct mounted m;
	struct job_cache c = make_cache("k");
	cleanup_free char *want = NULL, *how = xasprintf(look, "target");
	unsigned seed = 77u + (unsigned)_i, deltas = 0;

	mounted_open(&m);
	for (unsigned round = 0; round < 14; round++) {
		begin_round(&m, &c);
		if (want != NULL) {
			ck_assert(m.caches.is_complete);
			deltas += m.caches.layers.count > 1;
			check_shown(&m, "target", want);
			check_copied(&m, &c, want);
		}
		fixture_sh(m.target, "mkdir -p deps/keep && echo %u >deps/keep/%u", round,
		    round);
		for (unsigned i = roll(&seed, 4); i > 0; i--)
			fixture_sh(m.target, "p=%s q=%s; { %s; } 2>/dev/null || true",
			    places[roll(&seed, ARRAY_LEN(places))],
			    places[roll(&seed, ARRAY_LEN(places))],
			    deeds[roll(&seed, ARRAY_LEN(deeds))]);
		free(want);
		want = fixture_ask(m.bench.root, "%s", how);
		save(&m, &c);
	}
	ck_assert_uint_ge(deltas, 3); /* it is what has changed that is saved */
}
END_TEST

START_TEST(deltas_are_limited)
{
	cleanup_mounted struct mounted m;
	struct job_cache c = make_cache("k");
	size_t most = 0;

	mounted_open(&m);
	for (unsigned round = 0; round < 2 * LAYERS_MAX_DELTAS + 3; round++) {
		begin_round(&m, &c);
		most = m.caches.layers.count > most ? m.caches.layers.count : most;
		fixture_sh(m.target, "mkdir -p deps && echo %u >deps/%u", round, round);
		save(&m, &c);
	}
	ck_assert_uint_eq(most, LAYERS_MAX_DELTAS + 1);
	mounted_end(&m); /* what is left are the layers of the last set */
	layer_store_sweep(m.bench.store);
	fixture_sh(m.bench.store,
	    "test $(find .layers -name tree | wc -l) = $(($(wc -l <k/layers.set) - 1))");
	fixture_sh(m.bench.store, "test -z \"$(ls .layers/leases)\"");
}
END_TEST

START_TEST(nothing_changed_writes_nothing)
{
	cleanup_mounted struct mounted m;
	struct job_cache c = make_cache("k");

	mounted_open(&m);
	begin_round(&m, &c);
	fixture_sh(m.target, "mkdir deps && echo 1 >deps/x");
	save(&m, &c);
	begin_round(&m, &c);
	fixture_sh(m.target, "cat deps/x; touch deps/t && rm deps/t && echo >other");
	fixture_sh(m.bench.store, "touch ../stamp");
	save(&m, &c);
	check_log(&m, "Archive is up to date!");
	fixture_sh(m.bench.store,
	    "test -z \"$(find . -type f -newer ../stamp ! -path '*/leases/*')\"");
}
END_TEST

/* What can be anywhere is looked at through the mount. */
START_TEST(patterns_and_untracked_files_are_saved_whole)
{
	cleanup_mounted struct mounted m;
	static const char *globs[] = { "**/deps/*" };
	struct job_cache c = make_cache("k");

	mounted_open(&m);
	if (_i == 0)
		c.paths = globs;
	else
		c.untracked = true;
	begin_round(&m, &c);
	fixture_sh(
	    m.target, "mkdir -p deps src/deps && echo 1 >deps/x && echo 1 >src/deps/y");
	save(&m, &c);
	begin_round(&m, &c);
	fixture_sh(m.target,
	    "grep -q 1 deps/x && grep -q 1 src/deps/y && rm deps/x && echo 2 >deps/z");
	save(&m, &c);
	begin_round(&m, &c);
	fixture_sh(
	    m.target, "! test -e deps/x && grep -q 2 deps/z && grep -q 1 src/deps/y");
	buf_reset(&m.log);
	save(&m, &c);
	check_log(&m, "Archive is up to date!");
}
END_TEST

START_TEST(tracked_files_in_a_cache_are_saved_too)
{
	cleanup_mounted struct mounted m;
	struct job_cache c = make_cache("k");

	mounted_open(&m);
	fixture_sh(m.bench.repo_dir,
	    "mkdir deps && echo tracked >deps/t && git add . && git commit -qm deps");
	workspace_bench_renew(&m.bench);
	for (int i = 0; i < 3; i++) {
		begin_round(&m, &c);
		fixture_sh(m.target, "grep -q tracked deps/t && echo %d >deps/%d", i, i);
		save(&m, &c);
	}
	begin_round(&m, &c);
	fixture_sh(m.target, "grep -q tracked deps/t && cat deps/0 deps/1 deps/2");
}
END_TEST

/* A cache that once had a file says that it is gone; the source may have it by now. */
START_TEST(what_a_cache_has_lost_the_source_keeps)
{
	cleanup_mounted struct mounted m;
	struct job_cache c = make_cache("k");

	mounted_open(&m);
	begin_round(&m, &c);
	fixture_sh(m.target, "mkdir deps && echo 1 >deps/x && echo 1 >deps/y");
	save(&m, &c);
	begin_round(&m, &c);
	fixture_sh(m.target, "rm deps/x");
	save(&m, &c);
	fixture_sh(m.bench.repo_dir,
	    "mkdir deps && echo tracked >deps/x && git add . && git commit -qm deps");
	workspace_bench_renew(&m.bench);
	begin_round(&m, &c);
	fixture_sh(m.target, "grep -q tracked deps/x && grep -q 1 deps/y");
}
END_TEST

START_TEST(fallback_key_gives_its_layers_on)
{
	cleanup_mounted struct mounted m;
	static const char *fallback[] = { "old" };
	struct job_cache old = make_cache("old"), c = make_cache("new");

	mounted_open(&m);
	begin_round(&m, &old);
	fixture_sh(m.target, "mkdir deps && head -c 100000 /dev/zero >deps/large");
	save(&m, &old);
	c.fallback_keys = fallback;
	c.fallback_key_count = 1;
	begin_round(&m, &c);
	check_log(&m,
	    "No cache for new\nChecking cache for old...\nSuccessfully extracted cache\n");
	fixture_sh(m.target, "echo 1 >deps/x");
	save(&m, &c);
	begin_round(&m, &c);
	fixture_sh(m.target, "test -s deps/large && grep -q 1 deps/x");
	fixture_sh(m.bench.store, "test $(find . -name large | wc -l) = 1");
	mounted_end(&m);
	fixture_sh(m.bench.store, "rm -r old");
	layer_store_sweep(m.bench.store);
	begin_round(&m, &c);
	fixture_sh(m.target, "test -s deps/large && grep -q 1 deps/x");
}
END_TEST

/* A key cannot name what belongs to others. */
START_TEST(key_does_not_reach_into_the_layers)
{
	cleanup_mounted struct mounted m;
	struct job_cache c = make_cache(".layers/leases");

	mounted_open(&m);
	begin_round(&m, &c);
	fixture_sh(m.target, "mkdir deps && echo 1 >deps/x");
	save(&m, &c);
	fixture_sh(
	    m.bench.store, "! test -e .layers/leases/layers.set && test -e */layers.set");
}
END_TEST

/* A workspace that is a copy leaves an archive; one of layers after it a set, and so on.
 */
START_TEST(both_ways_take_turns)
{
	cleanup_mounted struct mounted m;
	struct job_cache c = make_cache("k");
	struct job_payload job = job_of(&c);

	mounted_open(&m);
	for (int i = 0; i < 3; i++) {
		begin_round(&m, &c);
		fixture_sh(m.target, "mkdir -p deps && echo m%d >>deps/x", i);
		save(&m, &c);
		fixture_sh(
		    m.bench.store, "test -e k/layers.set && ! test -e k/cache.tar.zst");
		workspace_bench_renew(&m.bench);
		cache_restore(&job, &m.bench.view, m.bench.store, NULL, NULL, &m.log);
		fixture_sh(m.bench.dir, "echo c%d >>deps/x", i);
		usleep(20000); /* file times advance by ticks */
		cache_save(
		    &job, true, &m.bench.view, m.bench.store, NULL, NULL, NULL, &m.log);
		fixture_sh(
		    m.bench.store, "test -e k/cache.tar.zst && ! test -e k/layers.set");
		usleep(20000);
	}
	begin_round(&m, &c);
	{
		cleanup_free char *got = fixture_ask(m.target, "xargs <deps/x");

		ck_assert_str_eq(got, "m0 c0 m1 c1 m2 c2");
	}
}
END_TEST

/* ---- times ---- */

static const struct {
	const char *rules, *run, *program;
} tools[] = {
	{ "printf 'deps/x: src/a.c\\n\\tcp src/a.c deps/x\\n' >Makefile", "make -s",
	    "/usr/bin/make" },
	{ "printf 'rule cp\\n command = cp $in $out\\nbuild deps/x: cp src/a.c\\n' "
	  ">build.ninja",
	    "ninja --quiet", "/usr/bin/ninja" },
};

/*
 * A cache made from one state of the source, an older file of another state: what was
 * built then must not pass for what would be built now.
 */
START_TEST(tool_does_not_believe_a_stale_cache)
{
	cleanup_mounted struct mounted m;
	static const char *paths[] = { "deps/", ".ninja_log", ".ninja_deps" };
	struct job_cache c = { .key = "k", .paths = paths, .path_count = 3 };
	cleanup_free char *got = NULL;

	if (access(tools[_i].program, X_OK) < 0) {
		printf("skipped: there is no %s\n", tools[_i].program);
		return;
	}
	mounted_open(&m);
	fixture_sh(m.bench.repo_dir, "%s", tools[_i].rules);
	workspace_bench_renew(&m.bench);
	for (int round = 0; round < 2; round++) { /* the second one adds a delta */
		begin_round(&m, &c);
		fixture_sh(m.target, "mkdir -p deps && %s && date >deps/%d",
		    tools[_i].run, round);
		save(&m, &c);
		fixture_sh(m.bench.repo_dir, "echo round %d >src/a.c", round);
		workspace_bench_renew(&m.bench);
	}
	/* another branch, whose file happens to be older than what was built */
	fixture_sh(
	    m.bench.repo_dir, "echo other >src/a.c && touch -d '1 hour ago' src/a.c");
	workspace_bench_renew(&m.bench);
	begin_round(&m, &c);
	ck_assert_uint_ge(m.caches.layers.count, 2);
	got = fixture_ask(m.target, "test -e deps/x && %s && cat deps/x", tools[_i].run);
	ck_assert_str_eq(got, "other");
}
END_TEST

START_TEST(order_of_times_is_kept)
{
	cleanup_mounted struct mounted m;
	struct job_cache c = make_cache("k");

	mounted_open(&m);
	begin_round(&m, &c);
	fixture_sh(
	    m.target, "mkdir deps && touch -d '1 hour ago' deps/one && touch deps/two");
	save(&m, &c);
	begin_round(&m, &c);
	fixture_sh(m.target,
	    "touch -d '1 minute ago' deps/three && touch deps/four && touch -d @5 deps/zero");
	save(&m, &c);
	begin_round(&m, &c);
	ck_assert_uint_eq(m.caches.layers.count, 2);
	fixture_sh(m.target,
	    "cd deps && test zero -ot one && test one -ot two && test two -ot three && "
	    "test three -ot four && test four -ot ../README");
}
END_TEST

/* A source older than any cache is made: then times are moved while it is copied. */
START_TEST(source_of_another_century)
{
	cleanup_mounted struct mounted m;
	struct job_cache c = make_cache("k");

	mounted_open(&m);
	begin_round(&m, &c);
	fixture_sh(m.target, "mkdir deps && echo 1 >deps/x");
	save(&m, &c);
	fixture_sh(m.bench.repo_dir, "touch -d 1990-01-01 README");
	workspace_bench_renew(&m.bench);
	begin_round(&m, &c);
	ck_assert(!m.caches.is_complete);
	fixture_sh(m.target, "test deps/x -ot README && grep -q 1 deps/x");
}
END_TEST

/* ---- several jobs ---- */

struct saver {
	pthread_t thread;
	const struct mounted *m;
	unsigned number;
};

static void *
save_over_and_over(void *data)
{
	struct saver *s = data;
	struct job_cache c = make_cache("k");
	struct job_payload job = job_of(&c);
	struct workspace_view view = s->m->bench.view;
	cleanup_free char *upper = xasprintf("%s/w%u", s->m->bench.root, s->number);
	cleanup_free char *dir = path_join(upper, "deps");
	struct strlist none = STRLIST_INIT;
	struct error err = ERROR_INIT;

	if (path_mkdirs(dir, 0755, &err) < 0)
		return NULL;
	for (int i = 0; i < 20; i++) {
		cleanup_free char *name = xasprintf("%s/%d", dir, i);
		cleanup_free char *text = xasprintf("of %u\n", s->number);

		if (path_write_file(name, text, strlen(text), 0644, &err) < 0)
			return NULL;
	}
	view.fd = open(upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	view.upper = upper;
	view.lowers = &none;
	for (int i = 0; i < 20; i++) {
		cleanup_buf struct buf log = BUF_INIT;

		cache_save(&job, true, &view, s->m->bench.store, NULL, NULL, NULL, &log);
	}
	close(view.fd);
	return s;
}

/* One of them wins, with all it has. */
START_TEST(jobs_that_save_at_once_leave_one_whole)
{
	cleanup_mounted struct mounted m;
	struct job_cache c = make_cache("k");
	struct saver savers[4];

	mounted_open(&m);
	for (unsigned i = 0; i < ARRAY_LEN(savers); i++) {
		savers[i] = (struct saver){ .m = &m, .number = i };
		ck_assert_int_eq(pthread_create(&savers[i].thread, NULL,
				     save_over_and_over, &savers[i]),
		    0);
	}
	for (unsigned i = 0; i < ARRAY_LEN(savers); i++) {
		void *result = NULL;

		pthread_join(savers[i].thread, &result);
		ck_assert_ptr_nonnull(result);
	}
	begin_round(&m, &c);
	fixture_sh(m.target,
	    "test $(ls deps | wc -l) = 20 && test $(cat deps/* | sort -u | wc -l) = 1");
}
END_TEST

/* What a job has mounted stays, whatever the others save. */
START_TEST(layers_in_use_are_not_swept)
{
	cleanup_mounted struct mounted m;
	struct job_cache c = make_cache("k");

	mounted_open(&m);
	begin_round(&m, &c);
	fixture_sh(m.target, "mkdir deps && echo 1 >deps/x");
	save(&m, &c);
	begin_round(&m, &c);
	fixture_sh(m.bench.store, "rm k/layers.set");
	layer_store_sweep(m.bench.store);
	fixture_sh(m.bench.store, "test $(find .layers -name x | wc -l) = 1");
	fixture_sh(m.target, "grep -q 1 deps/x");
	mounted_end(&m);
	layer_store_sweep(m.bench.store);
	fixture_sh(m.bench.store, "test -z \"$(find .layers -name x)\"");
}
END_TEST

static const char *const damages[] = { "echo garbage >k/layers.set", ": >k/layers.set",
	"rm -r .layers/[0-9a-f]*",
	"printf '1 0 0 0 0 0 a b\\n../../x\\n' >k/layers.set" };

START_TEST(damaged_set_counts_as_missing)
{
	cleanup_mounted struct mounted m;
	struct job_cache c = make_cache("k");

	mounted_open(&m);
	begin_round(&m, &c);
	fixture_sh(m.target, "mkdir deps && echo 1 >deps/x");
	save(&m, &c);
	mounted_end(&m);
	fixture_sh(m.bench.store, "%s", damages[_i]);
	begin_round(&m, &c);
	fixture_sh(m.target, "! test -e deps && mkdir deps && echo 2 >deps/y");
	save(&m, &c);
	begin_round(&m, &c);
	fixture_sh(m.target, "! test -e deps/x && grep -q 2 deps/y");
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
	tcase_add_loop_test(tc, rounds_follow_each_other, 0, 6);
	tcase_add_test(tc, deltas_are_limited);
	tcase_add_test(tc, nothing_changed_writes_nothing);
	tcase_add_loop_test(tc, patterns_and_untracked_files_are_saved_whole, 0, 2);
	tcase_add_test(tc, tracked_files_in_a_cache_are_saved_too);
	tcase_add_test(tc, what_a_cache_has_lost_the_source_keeps);
	tcase_add_test(tc, fallback_key_gives_its_layers_on);
	tcase_add_test(tc, key_does_not_reach_into_the_layers);
	tcase_add_test(tc, both_ways_take_turns);
	tcase_add_loop_test(tc, tool_does_not_believe_a_stale_cache, 0, ARRAY_LEN(tools));
	tcase_add_test(tc, order_of_times_is_kept);
	tcase_add_test(tc, source_of_another_century);
	tcase_add_test(tc, jobs_that_save_at_once_leave_one_whole);
	tcase_add_test(tc, layers_in_use_are_not_swept);
	tcase_add_loop_test(tc, damaged_set_counts_as_missing, 0, ARRAY_LEN(damages));
}

int
main(void)
{
	Suite *suite = suite_create("cache_layers");
	TCase *tc = tcase_create("cache_layers");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 120);
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
