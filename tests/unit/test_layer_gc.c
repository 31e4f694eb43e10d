/* What is kept for later jobs, held to a size and an age. */
#include <check.h>
#include <stdio.h>
#include <unistd.h>

#include "base/path.h"
#include "runner/layer_gc.h"
#include "runner/layer_store.h"
#include "runner/snapshot.h"
#include "tests/unit/fixture.h"

#define MB (INT64_C(1) << 20)
#define DAY (24 * 3600)

struct scene {
	char *root, *sources, *caches, *artifacts, *stamp;
	struct layer_places places;
	struct layer_limits limits;
};

static void
open_scene(struct scene *s)
{
	*s = (struct scene){ .root = fixture_open() };
	s->sources = path_join(s->root, "sources");
	s->caches = path_join(s->root, "cache");
	s->artifacts = path_join(s->root, "artifacts");
	s->stamp = path_join(s->root, "stamp");
	s->places =
	    (struct layer_places){ s->sources, s->caches, s->artifacts, s->stamp };
	s->limits = (struct layer_limits){ 100 * MB, 50 * MB, 30 * DAY };
}

static void
close_scene(struct scene *s)
{
	free(s->sources);
	free(s->caches);
	free(s->artifacts);
	free(s->stamp);
	fixture_close(s->root);
}
#define cleanup_scene __attribute__((cleanup(close_scene)))

/* A cache of one layer, of this size as far as anybody knows, last used so long ago. */
static char *
add_cache(struct scene *s, const char *project, const char *key, int mb, int minutes_ago)
{
	cleanup_free char *store = path_join(s->caches, project);
	cleanup_free char *dir = path_join(store, key);
	cleanup_free char *file = path_join(dir, LAYER_SET_NAME);
	struct layer_set set = LAYER_SET_INIT;
	struct error err = ERROR_INIT;
	char *id = NULL;
	int hold = layer_store_hold(store, &err);

	if (hold < 0 || layer_store_new(store, &id, &err) < 0 ||
	    layer_store_set_size(store, id, (uint64_t)(mb * MB), &err) < 0 ||
	    path_mkdirs(dir, 0755, &err) < 0)
		ck_abort_msg("%s", err.msg);
	strlist_add(&set.ids, id);
	if (layer_set_write(file, &set, &err) < 0)
		ck_abort_msg("%s", err.msg);
	close(hold);
	layer_set_clear(&set);
	fixture_sh(dir, "touch -d '%d minutes ago' " LAYER_SET_NAME, minutes_ago);
	return id;
}

/* Which keys of all projects are left, in order. */
static char *
left(struct scene *s)
{
	return fixture_ask(s->caches,
	    "find . -name " LAYER_SET_NAME
	    " -printf '%%h\\n' | sed 's,.*/,,' | sort | xargs");
}

static size_t
layers_left(struct scene *s)
{
	cleanup_free char *count =
	    fixture_ask(s->caches, "find . -path '*/.layers/*/tree' | wc -l");

	return (size_t)strtoul(count, NULL, 10);
}

START_TEST(below_the_mark_all_stays)
{
	cleanup_scene struct scene s;
	cleanup_free char *names = NULL;

	open_scene(&s);
	free(add_cache(&s, "g/p", "a", 50, 100));
	free(add_cache(&s, "g/p", "b", 49, 5));
	layer_gc(&s.places, &s.limits);
	names = left(&s);
	ck_assert_str_eq(names, "a b");
}
END_TEST

START_TEST(above_it_the_longest_unused_goes_until_the_lower_mark)
{
	cleanup_scene struct scene s;
	cleanup_free char *names = NULL;

	open_scene(&s);
	free(add_cache(&s, "g/p", "a", 30, 40));
	free(add_cache(&s, "h/q", "b", 30, 30));
	free(add_cache(&s, "g/p", "c/deep", 25, 50));
	free(add_cache(&s, "h/q", "d", 20, 10));
	layer_gc(&s.places, &s.limits);
	names = left(&s);
	ck_assert_str_eq(names, "b d");
	ck_assert_uint_eq(layers_left(&s), 2);
}
END_TEST

START_TEST(what_is_too_old_goes)
{
	cleanup_scene struct scene s;
	cleanup_free char *names = NULL;

	open_scene(&s);
	free(add_cache(&s, "g/p", "a", 1, 31 * 24 * 60));
	free(add_cache(&s, "g/p", "b", 1, 29 * 24 * 60));
	fixture_sh(s.caches, "mkdir g/p/c && touch -d '40 days ago' g/p/c/cache.tar.zst");
	layer_gc(&s.places, &s.limits);
	names = left(&s);
	ck_assert_str_eq(names, "b");
	fixture_sh(s.caches, "! test -e g/p/c/cache.tar.zst");
}
END_TEST

/* Also when it alone is too much. */
START_TEST(layers_of_a_running_job_stay)
{
	cleanup_scene struct scene s;
	cleanup_free char *id = NULL, *store = NULL;
	struct layer_lease lease = LAYER_LEASE_INIT;
	struct strlist ids = STRLIST_INIT;
	struct error err = ERROR_INIT;

	open_scene(&s);
	id = add_cache(&s, "g/p", "a", 200, 100);
	free(add_cache(&s, "g/p", "b", 1, 5));
	store = path_join(s.caches, "g/p");
	strlist_add(&ids, id);
	ck_assert_int_eq(layer_lease_take(store, &ids, &lease, &err), 0);
	layer_gc(&s.places, &s.limits);
	fixture_sh(store, "test -d .layers/%s/tree", id);
	layer_lease_clear(&lease);
	layer_gc(&s.places, &s.limits);
	fixture_sh(store, "! test -e .layers/%s", id);
	strlist_clear(&ids);
}
END_TEST

START_TEST(trees_of_commits_count_and_go)
{
	cleanup_scene struct scene s;
	cleanup_free char *repo = NULL, *sets = NULL, *names = NULL;
	cleanup_free char *one = NULL, *two = NULL;
	struct snapshot *first = NULL, *second = NULL;
	struct error err = ERROR_INIT;

	open_scene(&s);
	fixture_sh(s.root,
	    "git init -q -b main repo && cd repo && head -c 3000000 /dev/urandom >large && "
	    "git add . && git commit -qm one && git checkout -q --orphan other && "
	    "head -c 3000000 /dev/urandom >large && git add . && git commit -qm two");
	repo = path_join(s.root, "repo/.git");
	sets = path_join(s.sources, "p/layers");
	one = fixture_ask(s.root, "git -C repo rev-parse main");
	two = fixture_ask(s.root, "git -C repo rev-parse other");
	if (snapshot_of_commit(repo, one, NULL, NULL, sets, &first, &err) < 0 ||
	    snapshot_of_commit(repo, two, NULL, NULL, sets, &second, &err) < 0)
		ck_abort_msg("%s", err.msg);
	fixture_sh(sets,
	    "touch -d '2 hours ago' %s/lock && touch -d '1 hour ago' %s/lock", one, two);
	free(add_cache(&s, "g/p", "a", 1, 5));
	s.limits.high_bytes = 5 * MB;
	s.limits.low_bytes = 4 * MB;
	snapshot_release(second);
	layer_gc(&s.places, &s.limits); /* the first is older, but somebody holds it */
	fixture_sh(sets, "test -e %s/tree/large && ! test -e %s/tree", one, two);
	names = left(&s);
	ck_assert_str_eq(names, "a");
	snapshot_release(first);
}
END_TEST

START_TEST(it_is_done_now_and_then)
{
	cleanup_scene struct scene s;
	cleanup_free char *names = NULL, *none = NULL;

	open_scene(&s);
	free(add_cache(&s, "g/p", "a", 200, 100));
	layer_gc_now_and_then(&s.places, &s.limits);
	names = left(&s);
	ck_assert_str_eq(names, "a");
	fixture_sh(s.root, "touch -d '11 minutes ago' stamp");
	layer_gc_now_and_then(&s.places, &s.limits);
	none = left(&s);
	ck_assert_str_eq(none, "");
}
END_TEST

START_TEST(nothing_there_is_no_error)
{
	const struct layer_places places = { "/nowhere/a", "/nowhere/b", NULL,
		"/nowhere/c" };
	const struct layer_limits limits = LAYER_LIMITS_DEFAULT;

	layer_gc(&places, &limits);
	layer_gc_now_and_then(&places, &limits);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("layer_gc");
	TCase *tc = tcase_create("layer_gc");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, below_the_mark_all_stays);
	tcase_add_test(tc, above_it_the_longest_unused_goes_until_the_lower_mark);
	tcase_add_test(tc, what_is_too_old_goes);
	tcase_add_test(tc, layers_of_a_running_job_stay);
	tcase_add_test(tc, trees_of_commits_count_and_go);
	tcase_add_test(tc, it_is_done_now_and_then);
	tcase_add_test(tc, nothing_there_is_no_error);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
