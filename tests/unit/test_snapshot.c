/*
 * Snapshots of work trees: what is in them, what is copied again, that git works there,
 * and that the developer's own files and repository stay as they are.
 */
#include <check.h>
#include <stdio.h>
#include <unistd.h>

#include "base/path.h"
#include "runner/snapshot.h"
#include "tests/unit/fixture.h"

/* A repository and what is needed to take snapshots of it. */
struct bench {
	char *root, *dir, *scratch;
	struct git_repo *repo;
	struct snapshot *snapshot;
};

static const char content[] =
    "git init -q -b main r && cd r && mkdir -p src/deep && echo one >src/a.c && "
    "echo two >src/deep/b.c && echo '*.o' >.gitignore && ln -s a.c src/link && "
    "printf '#!/bin/sh' >run && chmod 755 run && git add . && git commit -qm first && "
    "git tag v1 && echo more >>src/a.c && git commit -qam second";

static void
open_bench(struct bench *b)
{
	struct error err = ERROR_INIT;

	*b = (struct bench){ .root = fixture_open() };
	b->dir = path_join(b->root, "r");
	b->scratch = path_join(b->root, "scratch");
	fixture_sh(b->root, "%s", content);
	if (git_repo_open(b->dir, &b->repo, &err) < 0)
		ck_abort_msg("%s", err.msg);
}

static void
close_bench(struct bench *b)
{
	snapshot_release(b->snapshot);
	git_repo_close(b->repo);
	free(b->dir);
	free(b->scratch);
	fixture_close(b->root);
}
#define cleanup_bench __attribute__((cleanup(close_bench)))

static int
try_take(struct bench *b, struct snapshot **out, struct error *err)
{
	cleanup_git_facts struct git_facts facts = GIT_FACTS_INIT;

	if (git_repo_facts(b->repo, NULL, &facts, err) < 0)
		return err->code;
	return snapshot_take(b->repo, &facts, b->scratch, out, err);
}

/* The bench's snapshot, taken (again); its folder. */
static const char *
take_snapshot(struct bench *b)
{
	struct error err = ERROR_INIT;

	snapshot_release(take(b->snapshot));
	if (try_take(b, &b->snapshot, &err) < 0)
		ck_abort_msg("%s", err.msg);
	return snapshot_layers(b->snapshot)->items[0];
}

/* The snapshot is what git says the state is: same files, same content, same modes. */
static void
check_same(struct bench *b)
{
	fixture_sh(b->dir,
	    "list() { for f in $(git -C %s ls-files -co --exclude-standard | sort -u); do "
	    "if test -e \"$f\" || test -h \"$f\"; then stat -c '%%n %%a %%F' $f; "
	    "test -h $f && readlink $f || cksum <$f; fi; done; }; "
	    "list >%s/want; cd %s && list >%s/got && cmp %s/want %s/got && "
	    "test \"$(find . -name .git -prune -o ! -type d -print | wc -l)\" = "
	    "\"$(grep -c ' [0-7]* [rs][ey]' %s/want)\"",
	    b->dir, b->root, snapshot_layers(b->snapshot)->items[0], b->root, b->root,
	    b->root, b->root);
}

START_TEST(first_snapshot_has_the_files)
{
	cleanup_bench struct bench b;

	open_bench(&b);
	take_snapshot(&b);
	check_same(&b);
}
END_TEST

static const char *const changes[] = {
	"echo new >src/new.c",
	"echo more >>src/a.c",
	"rm src/a.c",
	"git rm -q --cached src/a.c && rm src/a.c",
	"touch build.o",
	"rm src/a.c && mkdir src/a.c && echo x >src/a.c/x",
	"rm -r src && echo file >src",
	"rm src/link && ln -s deep src/link",
	"rm src/link && echo file >src/link",
	"chmod 700 run",
	"git mv src/deep moved",
	"rm -r src",
	"git checkout -q v1",
	"mkdir -p x/y/z && echo 1 >x/y/z/1",
	"touch run",
	": >src/a.c",
};

START_TEST(next_snapshot_follows_the_change)
{
	cleanup_bench struct bench b;

	open_bench(&b);
	take_snapshot(&b);
	fixture_sh(b.dir, "%s", changes[_i]);
	take_snapshot(&b);
	check_same(&b);
}
END_TEST

START_TEST(change_of_equal_size_and_time_is_seen)
{
	cleanup_bench struct bench b;

	open_bench(&b);
	fixture_sh(b.dir, "touch -d 2001-01-01 src/a.c");
	take_snapshot(&b);
	fixture_sh(b.dir,
	    "tr e f <src/a.c >x && cat x >src/a.c && rm x && "
	    "touch -d 2001-01-01 src/a.c");
	take_snapshot(&b);
	check_same(&b);
}
END_TEST

/* Files of the snapshot that were written again. */
static char *
rewritten(struct bench *b)
{
	cleanup_free char *before = xstrdup(take_snapshot(b));

	usleep(50000);
	take_snapshot(b); /* what was young then is copied once more */
	fixture_sh(
	    b->root, "sleep 0.05; touch stamp; sleep 0.05; echo 1 >>r/src/deep/b.c");
	take_snapshot(b);
	return fixture_ask(before,
	    "find . -name .git -prune -o -type f -cnewer %s/stamp -print", b->root);
}

START_TEST(only_what_changed_is_copied_again)
{
	cleanup_bench struct bench b;
	cleanup_free char *files = NULL;

	open_bench(&b);
	files = rewritten(&b);
	ck_assert_str_eq(files, "./src/deep/b.c");
}
END_TEST

START_TEST(snapshot_shares_no_inode)
{
	cleanup_bench struct bench b;
	cleanup_free char *links = NULL;

	open_bench(&b);
	links = fixture_ask(take_snapshot(&b), "find . -type f -links +1");
	ck_assert_str_eq(links, "");
}
END_TEST

START_TEST(modification_times_come_along)
{
	cleanup_bench struct bench b;
	cleanup_free char *got = NULL;

	open_bench(&b);
	fixture_sh(b.dir,
	    "find . -exec touch -hd @1000000000 {} + && "
	    "touch -d @1000000500 run && touch -d @999999000 src/a.c");
	got =
	    fixture_ask(take_snapshot(&b), "stat -c %%Y run src/a.c .gitignore | xargs");
	ck_assert_str_eq(got, "1000000500 999999000 1000000000");
	ck_assert_int_eq(snapshot_oldest_ns(b.snapshot), 999999000 * INT64_C(1000000000));
	ck_assert_int_eq(
	    snapshot_newest_ns(b.snapshot), 1000000500 * INT64_C(1000000000));
}
END_TEST

/* Commands that must print the same in the work tree and in its snapshot. */
static const char *const questions[] = {
	"git status --short --branch --untracked-files=all | sed 1d",
	"git log --format='%H %s'",
	"git describe --tags --dirty",
	"git diff-index --name-only HEAD",
	"git diff-files --name-only",
	"git diff --cached --name-only",
	"git for-each-ref",
	"git rev-parse HEAD v1 main",
	"git show HEAD:src/a.c",
	"git fsck 2>&1",
	"git ls-files -s",
	"git remote -v",
	"git stash list",
	"git blame HEAD src/a.c",
	"git rev-parse --is-shallow-repository --show-object-format",
};

/* Repositories and states in which the questions are asked. */
static const char *const states[] = {
	":",
	"echo dirty >>src/a.c && echo new >new && rm run",
	"echo staged >>src/a.c && git add . && echo more >>src/a.c",
	"git pack-refs --all && git gc -q",
	"git checkout -q --detach v1",
	"git update-index --split-index",
	"echo secret >mine && echo mine >.git/info/exclude",
	"git remote add origin https://example.org/g/p.git",
	"cd .. && mv r q && git clone -q --shared q o && git clone -q --shared o r",
	"cd .. && git clone -q --depth 1 file://$PWD/r s && rm -rf r && mv s r && cd r && "
	"git tag v1",
	"cd .. && mv r q && git -C q checkout -q v1 && git -C q worktree add -q ../r main",
	"git config core.repositoryformatversion 1 && "
	"git config extensions.worktreeConfig true && git sparse-checkout set --cone "
	"--sparse-index src",
	"rm -rf .git && git init -q -b main --object-format=sha256 && git add . && "
	"git commit -qm x && git tag v1",
	"git config user.name 'Bob \"the\\tool\"' && git config filter.x.clean cat",
};

static void
ask_everything(struct bench *b, const char *dir, const char *out)
{
	for (size_t i = 0; i < ARRAY_LEN(questions); i++)
		fixture_sh(dir, "{ echo '--- %zu'; %s; echo; } >>%s/%s 2>&1 || :", i,
		    questions[i], b->root, out);
}

START_TEST(git_answers_as_in_the_work_tree)
{
	cleanup_bench struct bench b;
	cleanup_free char *diff = NULL;
	const char *dir;

	open_bench(&b);
	/* old files: git believes their times and does not look into them */
	fixture_sh(b.dir,
	    "find * -exec touch -hd @1600000000 {} + && "
	    "git update-index -q --refresh && %s",
	    states[_i]);
	git_repo_close(take(b.repo));
	ck_assert_int_eq(git_repo_open(b.dir, &b.repo, &(struct error)ERROR_INIT), 0);
	dir = take_snapshot(&b);
	ask_everything(&b, b.dir, "want");
	ask_everything(&b, dir, "got");
	diff = fixture_ask(b.root, "diff want got || :");
	ck_assert_msg(*diff == '\0', "after %s:\n%s", states[_i], diff);
}
END_TEST

START_TEST(git_follows_a_commit)
{
	cleanup_bench struct bench b;
	cleanup_free char *want = NULL, *got = NULL;

	open_bench(&b);
	take_snapshot(&b);
	fixture_sh(b.dir, "echo x >n && git add n && git commit -qm third && git tag v2");
	got = fixture_ask(take_snapshot(&b),
	    "git describe --tags && git status --short && "
	    "git log --oneline");
	want = fixture_ask(b.dir, "git describe --tags && git log --oneline");
	ck_assert_str_eq(got, want);
}
END_TEST

START_TEST(head_of_a_snapshot_is_detached)
{
	cleanup_bench struct bench b;
	cleanup_free char *got = NULL;

	open_bench(&b);
	got = fixture_ask(take_snapshot(&b), "git branch --show-current");
	ck_assert_str_eq(got, "");
}
END_TEST

START_TEST(job_cannot_change_the_repository)
{
	cleanup_bench struct bench b;

	open_bench(&b);
	take_snapshot(&b);
	fixture_sh(b.dir,
	    "find . ! -path ./.git/objects/\\* -printf '%%p %%s %%T@ %%i\\n' "
	    ">../before && git for-each-ref >>../before");
	fixture_sh(snapshot_layers(b.snapshot)->items[0],
	    "echo x >job && git add . && git commit -qm job && git tag -f v1 && "
	    "git branch -f main && git gc -q --prune=now && git config user.name Mallory");
	fixture_sh(b.dir,
	    "find . ! -path ./.git/objects/\\* -printf '%%p %%s %%T@ %%i\\n' "
	    ">../after && git for-each-ref >>../after && "
	    "cmp ../before ../after && git fsck --strict");
}
END_TEST

START_TEST(taking_leaves_no_trace_in_the_work_tree)
{
	cleanup_bench struct bench b;
	static const char *const look =
	    "find . -printf '%%p %%s %%m %%T@ %%C@ %%i %%n\\n' | sort >../%s && "
	    "find . -type f -exec cksum {} + | sort >>../%s";

	open_bench(&b);
	fixture_sh(b.dir, "echo dirty >>src/a.c && echo new >new && touch src/deep/b.c");
	fixture_sh(b.dir, look, "before", "before");
	take_snapshot(&b);
	take_snapshot(&b);
	fixture_sh(b.dir, look, "after", "after");
	fixture_sh(b.root, "diff before after >&2");
}
END_TEST

START_TEST(password_in_a_remote_url_stays_behind)
{
	cleanup_bench struct bench b;
	cleanup_free char *url = NULL;

	open_bench(&b);
	fixture_sh(b.dir, "git remote add origin https://me:secret@example.org/x@y");
	url = fixture_ask(take_snapshot(&b), "git remote get-url origin");
	ck_assert_str_eq(url, "https://example.org/x@y");
}
END_TEST

START_TEST(hooks_and_monitors_stay_behind)
{
	cleanup_bench struct bench b;
	cleanup_free char *got = NULL;

	open_bench(&b);
	fixture_sh(b.dir, "git config core.hooksPath /h && git config core.fsmonitor /m");
	got = fixture_ask(take_snapshot(&b),
	    "git config --local --get-regexp "
	    "'hookspath|fsmonitor' || :");
	ck_assert_str_eq(got, "");
}
END_TEST

static void
add_submodule(struct bench *b)
{
	fixture_sh(b->root,
	    "git init -q -b main m && cd m && echo sub >s && git add . && "
	    "git commit -qm sub && cd ../r && "
	    "git -c protocol.file.allow=always submodule --quiet add ../m "
	    "lib/m && git commit -qm 'with a submodule'");
}

START_TEST(submodule_comes_with_files_and_git)
{
	cleanup_bench struct bench b;
	cleanup_free char *got = NULL;

	open_bench(&b);
	add_submodule(&b);
	fixture_sh(b.dir, "echo new >lib/m/new");
	got = fixture_ask(take_snapshot(&b),
	    "cat lib/m/s lib/m/new && git -C lib/m log --format=%%s && "
	    "git status --short && git submodule status | cut -c 1,43-");
	ck_assert_str_eq(got, "sub\nnew\nsub\n ? lib/m\n lib/m (heads/main)");
}
END_TEST

START_TEST(submodule_that_is_not_checked_out_is_an_empty_folder)
{
	cleanup_bench struct bench b;
	cleanup_free char *got = NULL;

	open_bench(&b);
	add_submodule(&b);
	fixture_sh(b.dir, "git submodule --quiet deinit --force lib/m");
	got = fixture_ask(take_snapshot(&b), "ls -A lib/m && git status --short");
	ck_assert_str_eq(got, "");
}
END_TEST

START_TEST(submodule_that_goes_leaves_nothing)
{
	cleanup_bench struct bench b;
	cleanup_free char *got = NULL;

	open_bench(&b);
	add_submodule(&b);
	take_snapshot(&b);
	fixture_sh(b.dir, "git rm -qf lib/m");
	got = fixture_ask(take_snapshot(&b), "test -e lib || echo gone");
	ck_assert_str_eq(got, "gone");
}
END_TEST

START_TEST(clone_inside_is_part_of_the_state)
{
	cleanup_bench struct bench b;
	cleanup_free char *got = NULL;

	open_bench(&b);
	fixture_sh(b.dir, "git clone -q . inner && echo 1 >inner/x.o && echo 2 >inner/y");
	got = fixture_ask(take_snapshot(&b), "ls inner && git -C inner status --short");
	ck_assert_str_eq(got, "run\nsrc\ny\n?? y");
}
END_TEST

START_TEST(refs_of_another_store_are_listed)
{
	cleanup_bench struct bench b;
	cleanup_free char *got = NULL, *want = NULL;

	open_bench(&b);
	fixture_sh(b.dir, "mkdir .git/reftable");
	want = fixture_ask(b.dir, "git for-each-ref");
	got = fixture_ask(take_snapshot(&b), "ls .git/refs; git for-each-ref");
	ck_assert_str_eq(got, want);
}
END_TEST

START_TEST(second_run_takes_another_slot)
{
	cleanup_bench struct bench b;
	struct snapshot *other = NULL;
	struct error err = ERROR_INIT;

	open_bench(&b);
	take_snapshot(&b);
	ck_assert_msg(try_take(&b, &other, &err) == 0, "%s", err.msg);
	ck_assert_str_ne(
	    snapshot_layers(b.snapshot)->items[0], snapshot_layers(other)->items[0]);
	snapshot_release(other);
}
END_TEST

START_TEST(next_run_takes_the_same_slot)
{
	cleanup_bench struct bench b;
	cleanup_free char *first = NULL;

	open_bench(&b);
	first = xstrdup(take_snapshot(&b));
	ck_assert_str_eq(take_snapshot(&b), first);
}
END_TEST

START_TEST(slot_unused_for_long_is_emptied)
{
	cleanup_bench struct bench b;
	struct snapshot *other = NULL;
	cleanup_free char *dir = NULL;

	open_bench(&b);
	take_snapshot(&b);
	ck_assert_int_eq(try_take(&b, &other, &(struct error)ERROR_INIT), 0);
	dir = xstrdup(snapshot_layers(other)->items[0]);
	snapshot_release(other);
	fixture_sh(b.scratch, "touch -d '8 days ago' snapshots/1/lock");
	take_snapshot(&b);
	ck_assert_int_eq(access(dir, F_OK), -1);
}
END_TEST

/* What may have happened to a slot between two runs. */
static const char *const damages[] = {
	"rm manifest",
	": >manifest",
	"truncate -s 100 manifest",
	"printf 'pawl manifest 1\\n%0100d' 0 >manifest",
	"rm -r tree",
	"rm -r tree/src && echo x >tree/src",
	"rm git members",
	"rm -r tree/.git git",
};

START_TEST(damaged_slot_is_mended)
{
	cleanup_bench struct bench b;
	cleanup_free char *status = NULL;

	open_bench(&b);
	take_snapshot(&b);
	fixture_sh(b.scratch, "cd snapshots/0 && %s", damages[_i]);
	fixture_sh(b.dir, "echo more >>src/deep/b.c && git commit -qam third");
	status = fixture_ask(take_snapshot(&b), "git status --short");
	check_same(&b);
	ck_assert_str_eq(status, "");
}
END_TEST

START_TEST(listed_files_are_sorted_and_without_git)
{
	cleanup_bench struct bench b;
	const struct strlist *files;

	open_bench(&b);
	take_snapshot(&b);
	files = snapshot_files(b.snapshot);
	ck_assert_uint_eq(files->count, 5);
	ck_assert_str_eq(files->items[0], ".gitignore");
	ck_assert_str_eq(files->items[4], "src/link");
}
END_TEST

START_TEST(unwritable_scratch_is_said)
{
	cleanup_bench struct bench b;
	struct snapshot *s = NULL;
	struct error err = ERROR_INIT;

	open_bench(&b);
	fixture_sh(b.root, "touch scratch");
	ck_assert_int_eq(try_take(&b, &s, &err), ERR_ENVIRONMENT);
	ck_assert_msg(
	    strstr(err.msg, "cannot take a snapshot of") == err.msg, "%s", err.msg);
}
END_TEST

START_TEST(scratch_is_outside_and_remembers_its_repository)
{
	cleanup_bench struct bench b;
	cleanup_free char *scratch = NULL, *want = NULL, *xdg = NULL;
	struct error err = ERROR_INIT;

	open_bench(&b);
	xdg = path_join(b.root, "xdg");
	setenv("XDG_CACHE_HOME", xdg, 1);
	ck_assert_msg(snapshot_scratch_dir(b.dir, &scratch, &err) == 0, "%s", err.msg);
	want = xasprintf("%s/pawl/r-", xdg);
	ck_assert_msg(str_starts(scratch, want), "%s", scratch);
	fixture_sh(scratch, "test \"$(cat origin)\" = %s", b.dir);
	unsetenv("XDG_CACHE_HOME");
}
END_TEST

START_TEST(scratch_of_a_gone_repository_is_removed)
{
	cleanup_bench struct bench b;
	cleanup_free char *old = NULL, *new = NULL, *xdg = NULL, *other = NULL;
	struct error err = ERROR_INIT;

	open_bench(&b);
	xdg = path_join(b.root, "xdg");
	other = path_join(b.root, "gone");
	setenv("XDG_CACHE_HOME", xdg, 1);
	ck_assert_msg(snapshot_scratch_dir(other, &old, &err) == 0, "%s", err.msg);
	ck_assert_msg(snapshot_scratch_dir(b.dir, &new, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(access(old, F_OK), -1);
	unsetenv("XDG_CACHE_HOME");
}
END_TEST

static Suite *
make_suite(void)
{
	Suite *suite = suite_create("snapshot");
	TCase *files = tcase_create("files"), *git = tcase_create("git"),
	      *slots = tcase_create("slots");

	tcase_set_timeout(files, 60);
	tcase_add_test(files, first_snapshot_has_the_files);
	tcase_add_loop_test(
	    files, next_snapshot_follows_the_change, 0, (int)ARRAY_LEN(changes));
	tcase_add_test(files, change_of_equal_size_and_time_is_seen);
	tcase_add_test(files, only_what_changed_is_copied_again);
	tcase_add_test(files, snapshot_shares_no_inode);
	tcase_add_test(files, modification_times_come_along);
	tcase_add_test(files, taking_leaves_no_trace_in_the_work_tree);
	tcase_add_test(files, listed_files_are_sorted_and_without_git);
	tcase_set_timeout(git, 60);
	tcase_add_loop_test(
	    git, git_answers_as_in_the_work_tree, 0, (int)ARRAY_LEN(states));
	tcase_add_test(git, git_follows_a_commit);
	tcase_add_test(git, head_of_a_snapshot_is_detached);
	tcase_add_test(git, job_cannot_change_the_repository);
	tcase_add_test(git, password_in_a_remote_url_stays_behind);
	tcase_add_test(git, hooks_and_monitors_stay_behind);
	tcase_add_test(git, submodule_comes_with_files_and_git);
	tcase_add_test(git, submodule_that_is_not_checked_out_is_an_empty_folder);
	tcase_add_test(git, submodule_that_goes_leaves_nothing);
	tcase_add_test(git, clone_inside_is_part_of_the_state);
	tcase_add_test(git, refs_of_another_store_are_listed);
	tcase_set_timeout(slots, 60);
	tcase_add_test(slots, second_run_takes_another_slot);
	tcase_add_test(slots, next_run_takes_the_same_slot);
	tcase_add_test(slots, slot_unused_for_long_is_emptied);
	tcase_add_loop_test(slots, damaged_slot_is_mended, 0, (int)ARRAY_LEN(damages));
	tcase_add_test(slots, unwritable_scratch_is_said);
	tcase_add_test(slots, scratch_is_outside_and_remembers_its_repository);
	tcase_add_test(slots, scratch_of_a_gone_repository_is_removed);
	suite_add_tcase(suite, files);
	suite_add_tcase(suite, git);
	suite_add_tcase(suite, slots);
	return suite;
}

int
main(void)
{
	SRunner *runner = srunner_create(make_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
