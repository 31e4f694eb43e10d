/*
 * Commits as layers over each other: what they show is what git writes when it writes all
 * of a commit, byte for byte, and git finds nothing changed in it.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/git.h"
#include "base/path.h"
#include "runner/layers.h"
#include "runner/snapshot.h"
#include "tests/unit/fixture.h"

#define COMMITS 12
#define CHANGES 6
#define MAX_LAYERS (LAYERS_MAX_DELTAS + 1)

struct scene {
	char *root, *repo, *sets, *home;
	struct strlist commits;
	size_t stacked, deepest; /* snapshots of several layers; the most layers */
};

/* A history that anybody can have again: the same seed, the same commits. */
static unsigned
roll(unsigned *seed, unsigned sides)
{
	*seed = *seed * 1103515245 + 12345;
	return (*seed >> 16) % sides;
}

/* ---- a repository ---- */

/* Names that take each other's places, as files and as folders. */
static const char *const paths[] = { "a", "a/b", "a/b/c", "a/b/d", "a/e", "b", "b/x/y/z",
	"b/x/y", "b/x/w", "top.txt", "b/deep.txt", "a/b/up.up", "x.up", "\"new\\nline\"",
	"\"b/\\377byte\"", "\"b/quo\\\"te\"", "b/ blank ", "-dash", "b/.hidden", "a-b",
	"a.c", "a0", "z" };

static const char *const attributes[] = { "*.txt text eol=crlf\n",
	"*.txt text eol=crlf\n*.up filter=up\n", "*.txt -text\n*.up filter=up\n",
	"*.txt ident\n*.up filter=up\n" };

static void
add_inline(struct buf *b, const char *mode, const char *path, const char *text)
{
	buf_printf(b, "M %s inline %s\ndata %zu\n%s\n", mode, path, strlen(text), text);
}

static void
add_change(struct buf *b, unsigned *seed, unsigned n, int name_len)
{
	const char *path = paths[roll(seed, ARRAY_LEN(paths))];
	cleanup_free char *text =
	    xasprintf("line $Id$ %u xyz\nmore of %u\n", n, roll(seed, 9));

	switch (roll(seed, 12)) {
	case 0:
	case 1:
	case 2:
		buf_printf(b, "D %s\n", path);
		break;
	case 3:
		add_inline(b, "120000", path, "b/x");
		break;
	case 4:
		add_inline(b, "100755", path, text);
		break;
	case 5:
		buf_printf(b, "M 160000 %0*u %s\n", name_len, n + 1, path);
		break;
	default:
		add_inline(b, "100644", path, text);
	}
}

static void
begin_commit(struct buf *b, unsigned n)
{
	buf_printf(b, "commit refs/heads/main\ncommitter A <a@b> %u +0000\ndata 1\n%c\n",
	    1700000000 + n, 'c');
}

static void
import(struct scene *s, const char *options, const struct buf *stream)
{
	cleanup_free char *file = path_join(s->root, "stream");
	cleanup_free char *shas = NULL;
	struct error err = ERROR_INIT;
	char *rest, *line;

	if (path_write_file(file, stream->data, stream->len, 0600, &err) < 0)
		ck_abort_msg("%s", err.msg);
	fixture_sh(s->root,
	    "git init -q --bare %s repo && git -C repo fast-import --quiet <stream",
	    options);
	shas = fixture_ask(s->repo, "git rev-list --reverse main");
	for (rest = shas; (line = strsep(&rest, "\n")) != NULL;)
		strlist_add(&s->commits, line);
}

static void
open_scene(struct scene *s)
{
	*s = (struct scene){ .root = fixture_open() };
	s->repo = path_join(s->root, "repo");
	s->sets = path_join(s->root, "sets");
	s->home = xstrdup(getenv("HOME"));
	fixture_sh(s->root,
	    "mkdir home && printf '[filter \"up\"]\\n smudge = tr xyz XYZ\\n clean = tr XYZ xyz\\n"
	    "[index]\\n version = 4\\n[core]\\n untrackedCache = true\\n' >home/.gitconfig");
	{
		cleanup_free char *home = path_join(s->root, "home");

		setenv("HOME", home, 1);
	}
}

static void
close_scene(struct scene *s)
{
	setenv("HOME", s->home, 1);
	strlist_clear(&s->commits);
	free(s->home);
	free(s->repo);
	free(s->sets);
	fixture_close(s->root);
}

/* ---- looking at it ---- */

static struct snapshot *
take_commit(struct scene *s, const char *sets, const char *sha)
{
	struct snapshot *out = NULL;
	struct error err = ERROR_INIT;

	if (snapshot_of_commit(s->repo, sha, NULL, NULL, sets, &out, &err) < 0)
		ck_abort_msg("%s", err.msg);
	return out;
}

static void
copy_to(struct scene *s, const struct snapshot *snapshot, const char *name)
{
	cleanup_free char *to = path_join(s->root, name);
	struct error err = ERROR_INIT;

	fixture_sh(s->root, "rm -rf %s && mkdir %s", name, name);
	if (layers_copy_plain(snapshot_layers(snapshot), to, NULL, &err) < 0)
		ck_abort_msg("%s", err.msg);
}

static const char look[] =
    "find . -path ./.git -prune -o -printf '%P %y %m %l\\n' | sort; "
    "find . -path ./.git -prune -o -type f -print0 | sort -z | xargs -0r sha1sum; "
    "git ls-files -sz | tr '\\0' '\\n'; git rev-parse HEAD; git status --porcelain; ls .git";

static void
compare(struct scene *s, const char *sha, const char *one, const char *other)
{
	cleanup_free char *difference = fixture_ask(s->root,
	    "for d in %s %s; do (cd $d && { %s; }) >looks.$d; done; "
	    "diff looks.%s looks.%s | head -c 3000; grep -a '^ M ' looks.%s || true",
	    one, other, look, one, other, one);

	ck_assert_msg(*difference == '\0', "commit %s, %s and %s:\n%s", sha, one, other,
	    difference);
}

/* libgit2 checks the sum at the index's end, which git does not. */
static void
check_index(struct scene *s, const struct snapshot *snapshot)
{
	cleanup_free char *dir = path_join(s->root, "layered");
	cleanup_git_repo struct git_repo *repo = NULL;
	cleanup_strlist struct strlist tracked = STRLIST_INIT;
	const struct strlist *files = snapshot_files(snapshot);
	struct error err = ERROR_INIT;
	size_t found = 0;

	if (git_repo_open(dir, &repo, &err) < 0 ||
	    git_repo_tracked(repo, &tracked, &err) < 0)
		ck_abort_msg("%s", err.msg);
	for (size_t i = 0; i < tracked.count; i++)
		if (found < files->count && str_eq(files->items[found], tracked.items[i]))
			found++;
	ck_assert_uint_eq(found, files->count);
}

/* The overlay the kernel makes of the layers, where one may be mounted. */
static void
compare_mounted(struct scene *s, const struct snapshot *snapshot, const char *sha)
{
	cleanup_buf struct buf lowers = BUF_INIT;

	if (!fixture_can_mount())
		return;
	for (size_t i = 0; i < snapshot_layers(snapshot)->count; i++)
		buf_printf(&lowers, "%s%s", i > 0 ? ":" : "",
		    snapshot_layers(snapshot)->items[i]);
	fixture_sh(s->root,
	    "rm -rf u w m mounted && mkdir u w m && unshare -m sh -ec '"
	    "mount -t overlay -o upperdir=u,workdir=w,lowerdir=%s none m && "
	    "cp -a m mounted'",
	    buf_str(&lowers));
	compare(s, sha, "mounted", "full");
}

static void
check_commit(struct scene *s, const char *sha)
{
	cleanup_free char *alone = path_join(s->root, "alone");
	struct snapshot *layered = take_commit(s, s->sets, sha), *full;
	size_t layers = snapshot_layers(layered)->count;

	fixture_sh(s->root, "rm -rf alone");
	full = take_commit(s, alone, sha);
	ck_assert_uint_eq(snapshot_layers(full)->count, 1);
	copy_to(s, layered, "layered");
	copy_to(s, full, "full");
	compare(s, sha, "layered", "full");
	compare_mounted(s, layered, sha);
	check_index(s, layered);
	s->stacked += layers > 1;
	s->deepest = layers > s->deepest ? layers : s->deepest;
	snapshot_release(layered);
	snapshot_release(full);
}

/* ---- tests ---- */

/* Commits in any order, each over whichever came before it. */
START_TEST(random_commits_are_as_in_full)
{
	unsigned seed = 1000u + (unsigned)_i;
	cleanup_buf struct buf stream = BUF_INIT;
	struct scene s;

	open_scene(&s);
	for (unsigned n = 0; n < COMMITS; n++) {
		begin_commit(&stream, n);
		if (n == 0)
			for (size_t i = 0; i < 60; i++) {
				cleanup_free char *path = xasprintf("many/%zu", i);

				add_inline(&stream, "100644", path, path);
			}
		if (n % 9 == 0)
			add_inline(&stream, "100644",
			    n % 2 == 0 ? ".gitattributes" : "b/.gitattributes",
			    attributes[roll(&seed, ARRAY_LEN(attributes))]);
		for (unsigned i = 0; i < CHANGES; i++)
			add_change(&stream, &seed, n, _i == 1 ? 64 : 40);
	}
	import(&s, _i == 1 ? "--object-format=sha256" : "", &stream);
	ck_assert_uint_eq(s.commits.count, COMMITS);
	for (size_t left = s.commits.count; left > 0; left--) {
		size_t i = roll(&seed, (unsigned)left);

		check_commit(&s, s.commits.items[i]);
		free(s.commits.items[i]);
		s.commits.items[i] = s.commits.items[left - 1];
		s.commits.count--;
	}
	ck_assert_uint_ge(s.stacked, COMMITS / 3);
	close_scene(&s);
}
END_TEST

/* Each commit differs from the one before in as many files as make a layer of its own. */
START_TEST(large_changes_are_stacked_up_to_a_limit)
{
	cleanup_buf struct buf stream = BUF_INIT;
	struct scene s;

	open_scene(&s);
	for (unsigned n = 0; n < 11; n++) {
		begin_commit(&stream, n);
		for (unsigned i = 0; i < (n == 0 ? 600 : 120); i++) {
			cleanup_free char *path =
			    xasprintf("d%u/f%u", (n * 120 + i) % 7, (n * 120 + i) % 600);
			cleanup_free char *text = xasprintf("%u %u\n", n, i);

			add_inline(&stream, "100644", path, text);
		}
	}
	import(&s, "", &stream);
	for (size_t i = 0; i < s.commits.count; i++)
		check_commit(&s, s.commits.items[i]);
	ck_assert_uint_ge(s.stacked, 8);
	ck_assert_uint_ge(s.deepest, 4);
	ck_assert_uint_le(s.deepest, MAX_LAYERS);
	close_scene(&s);
}
END_TEST

static void
import_three(struct scene *s)
{
	cleanup_buf struct buf stream = BUF_INIT;

	open_scene(s);
	for (unsigned n = 0; n < 3; n++) {
		cleanup_free char *text = xasprintf("%u\n", n);

		begin_commit(&stream, n);
		for (unsigned i = 0; i < 20; i++) {
			cleanup_free char *path = xasprintf("f%u", i);

			if (n == 0 || i == n)
				add_inline(&stream, "100644", path, text);
		}
	}
	import(s, "", &stream);
}

/* What has been said since about how git writes files holds for all of them. */
START_TEST(other_settings_of_git_begin_anew)
{
	struct scene s;
	struct snapshot *before, *after;

	import_three(&s);
	before = take_commit(&s, s.sets, s.commits.items[0]);
	fixture_sh(s.root, "git config --global core.autocrlf true");
	after = take_commit(&s, s.sets, s.commits.items[1]);
	ck_assert_uint_eq(snapshot_layers(after)->count, 1);
	fixture_sh(snapshot_layers(after)->items[0], "grep -q \"$(printf '\\r')\" f7");
	snapshot_release(before);
	snapshot_release(after);
	close_scene(&s);
}
END_TEST

START_TEST(layers_of_others_stay_as_long_as_they_are_needed)
{
	struct scene s;
	struct snapshot *first, *second, *third;
	struct error err = ERROR_INIT;
	cleanup_free char *dir = NULL;

	import_three(&s);
	first = take_commit(&s, s.sets, s.commits.items[0]);
	second = take_commit(&s, s.sets, s.commits.items[1]);
	third = take_commit(&s, s.sets, s.commits.items[2]);
	ck_assert_uint_eq(snapshot_layers(second)->count, 2);
	snapshot_release(first);
	snapshot_release(third);
	snapshot_remove_commits(s.sets, &s.commits);
	copy_to(&s, second, "layered");
	fixture_sh(s.root, "grep -qx 1 layered/f1 && grep -qx 0 layered/f2");
	dir = path_join(s.sets, s.commits.items[2]);
	ck_assert_int_eq(snapshot_reuse(dir, &third, &err), ERR_MISSING);
	snapshot_release(second);
	snapshot_remove_commits(s.sets, &s.commits);
	fixture_sh(s.sets, "test -z \"$(find . -name tree)\"");
	close_scene(&s);
}
END_TEST

START_TEST(others_are_kept)
{
	struct scene s;
	struct snapshot *last = NULL;
	struct error err = ERROR_INIT;
	cleanup_free char *dir = NULL;

	import_three(&s);
	for (size_t i = 0; i < 3; i++)
		snapshot_release(take_commit(&s, s.sets, s.commits.items[i]));
	dir = path_join(s.sets, s.commits.items[2]);
	free(s.commits.items[2]);
	s.commits.count = 2; /* the first is what the third is made of */
	snapshot_remove_commits(s.sets, &s.commits);
	ck_assert_int_eq(snapshot_reuse(dir, &last, &err), 0);
	snapshot_release(last);
	fixture_sh(s.sets, "test $(find . -name tree | wc -l) = 2");
	close_scene(&s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("commit_layers");
	TCase *tc = tcase_create("commit_layers");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 300);
	tcase_add_loop_test(tc, random_commits_are_as_in_full, 0, 2);
	tcase_add_test(tc, large_changes_are_stacked_up_to_a_limit);
	tcase_add_test(tc, other_settings_of_git_begin_anew);
	tcase_add_test(tc, layers_of_others_stay_as_long_as_they_are_needed);
	tcase_add_test(tc, others_are_kept);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
