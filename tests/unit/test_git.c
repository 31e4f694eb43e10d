/*
 * Reading repositories of every make. What libgit2 can open and what only the program
 * can must give the same answers: the rows of `makes` run through the same claims.
 */
#include <check.h>
#include <stdio.h>
#include <unistd.h>

#include "base/git.h"
#include "base/path.h"
#include "tests/unit/fixture.h"

static const struct {
	const char *name;
	const char *init; /* makes the repository ./r */
} makes[] = {
	{ "plain", "git init -q -b main r" },
	{ "sha256", "git init -q -b main --object-format=sha256 r" },
	{ "worktreeConfig",
	    "git init -q -b main r && cd r && "
	    "git config core.repositoryformatversion 1 && "
	    "git config extensions.worktreeConfig true" },
	{ "gitfile", "git init -q -b main --separate-git-dir=elsewhere.git r" },
};

/* Two commits, a branch, two tags on HEAD and one before it. */
static const char content[] =
    "cd r && mkdir -p src/deep && echo one >src/a.c && echo '*.o' >.gitignore && "
    "git add . && git commit -qm first && git tag old && git branch side && "
    "echo two >src/deep/b.c && git rm -q --cached .gitignore && git add . && "
    "git commit -qm 'second: ünï\n\nbody' && git tag light && "
    "git tag -a -m annotated heavy && "
    "git remote add origin https://example.org/g/p.git && git config user.name Bob && "
    "git config user.email bob@example.org";

static char *
make_repo(const char *root, int i)
{
	fixture_sh(root, "%s", makes[i].init);
	fixture_sh(root, "%s", content);
	return path_join(root, "r");
}

static struct git_repo *
open_repo(const char *dir)
{
	struct git_repo *repo = NULL;
	struct error err = ERROR_INIT;

	if (git_repo_open(dir, &repo, &err) < 0)
		ck_abort_msg("%s", err.msg);
	return repo;
}

static void
read_facts(const char *dir, const char *memo, struct git_facts *facts)
{
	cleanup_git_repo struct git_repo *repo = open_repo(dir);
	struct error err = ERROR_INIT;

	if (git_repo_facts(repo, memo, facts, &err) < 0)
		ck_abort_msg("%s", err.msg);
}

START_TEST(facts_are_those_git_tells)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *dir = make_repo(root, _i);
	cleanup_free char *sha = fixture_ask(dir, "git rev-parse HEAD");
	cleanup_free char *parent = fixture_ask(dir, "git rev-parse HEAD~1");
	cleanup_git_facts struct git_facts f = GIT_FACTS_INIT;
	cleanup_free char *date = NULL, *author = NULL;

	read_facts(dir, NULL, &f);
	date = git_person_iso8601(&f.committer);
	author = git_person_text(&f.author);
	ck_assert_str_eq(f.sha, sha);
	ck_assert_str_eq(f.parent, parent);
	ck_assert_str_eq(f.branch, "main");
	ck_assert_str_eq(f.default_branch, "main");
	ck_assert_str_eq(f.message, "second: ünï\n\nbody\n");
	ck_assert_str_eq(author, "Ann <ann@example.org>");
	ck_assert_str_eq(date, "2024-01-01T00:00:00+00:00");
	ck_assert_uint_eq(f.tags.count, 2);
	ck_assert_str_eq(f.tags.items[0], "heavy");
	ck_assert_str_eq(f.tags.items[1], "light");
	ck_assert_str_eq(f.remote_url, "https://example.org/g/p.git");
	ck_assert_str_eq(f.user_name, "Bob");
	ck_assert_str_eq(f.user_email, "bob@example.org");
	ck_assert(!f.shallow);
}
END_TEST

START_TEST(detached_head_has_no_branch)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *dir = make_repo(root, _i);
	cleanup_git_facts struct git_facts f = GIT_FACTS_INIT;

	fixture_sh(dir, "git checkout -q old");
	read_facts(dir, NULL, &f);
	ck_assert_ptr_null(f.branch);
	ck_assert_str_eq(f.default_branch, "main");
	ck_assert_str_eq(f.parent, "");
	ck_assert_str_eq(f.tags.items[0], "old");
}
END_TEST

START_TEST(origin_head_is_the_default_branch)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *dir = make_repo(root, _i);
	cleanup_git_facts struct git_facts f = GIT_FACTS_INIT;

	fixture_sh(dir,
	    "git update-ref refs/remotes/origin/develop HEAD && "
	    "git symbolic-ref refs/remotes/origin/HEAD "
	    "refs/remotes/origin/develop");
	read_facts(dir, NULL, &f);
	ck_assert_str_eq(f.default_branch, "develop");
}
END_TEST

START_TEST(remote_url_has_its_shorthand_replaced)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *dir = make_repo(root, _i);
	cleanup_git_facts struct git_facts f = GIT_FACTS_INIT;

	fixture_sh(dir,
	    "git remote set-url origin ex:g/p && "
	    "git config url.https://Example.org/.insteadOf ex: && "
	    "git config url.https://wrong.org/.insteadOf e");
	read_facts(dir, NULL, &f);
	ck_assert_str_eq(f.remote_url, "https://Example.org/g/p");
}
END_TEST

START_TEST(files_of_a_commit)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *dir = make_repo(root, _i);
	cleanup_git_repo struct git_repo *repo = open_repo(dir);
	cleanup_strlist struct strlist files = STRLIST_INIT;
	struct error err = ERROR_INIT;

	ck_assert_msg(git_repo_files_at(repo, "old", &files, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(files.count, 2);
	ck_assert_str_eq(files.items[0], ".gitignore");
	ck_assert_str_eq(files.items[1], "src/a.c");
}
END_TEST

START_TEST(blob_of_a_commit)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *dir = make_repo(root, _i);
	cleanup_git_repo struct git_repo *repo = open_repo(dir);
	cleanup_buf struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;
	int rc = git_repo_blob(repo, "HEAD", "src/deep/b.c", 100, &text, &err);

	ck_assert_msg(rc == 0, "%s", err.msg);
	ck_assert_str_eq(buf_str(&text), "two\n");
	ck_assert_int_eq(
	    git_repo_blob(repo, "HEAD", "src/c.c", 100, &text, &err), ERR_MISSING);
	ck_assert_int_eq(
	    git_repo_blob(repo, "HEAD", "src/a.c", 2, &text, &err), ERR_LIMIT);
}
END_TEST

START_TEST(changed_paths_between_commits)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *dir = make_repo(root, _i);
	cleanup_git_repo struct git_repo *repo = open_repo(dir);
	cleanup_strlist struct strlist paths = STRLIST_INIT, all = STRLIST_INIT;
	struct error err = ERROR_INIT;
	int rc = git_repo_changed(repo, "old", "HEAD", false, &paths, &err);

	ck_assert_msg(rc == 0, "%s", err.msg);
	ck_assert_uint_eq(paths.count, 1);
	ck_assert_str_eq(paths.items[0], "src/deep/b.c");
	rc = git_repo_changed(repo, "", "old", false, &all, &err);
	ck_assert_msg(rc == 0, "%s", err.msg);
	ck_assert_uint_eq(all.count, 2);
}
END_TEST

START_TEST(changed_since_the_merge_base)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *dir = make_repo(root, _i);
	cleanup_git_repo struct git_repo *repo = open_repo(dir);
	cleanup_strlist struct strlist paths = STRLIST_INIT;
	struct error err = ERROR_INIT;
	int rc;

	fixture_sh(dir,
	    "git checkout -q side && echo 3 >c && git add c && "
	    "git commit -qm third");
	rc = git_repo_changed(repo, "main", "side", true, &paths, &err);
	ck_assert_msg(rc == 0, "%s", err.msg);
	ck_assert_uint_eq(paths.count, 1);
	ck_assert_str_eq(paths.items[0], "c");
}
END_TEST

START_TEST(merge_base_is_where_two_parted)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *dir = make_repo(root, _i);
	cleanup_free char *old = fixture_ask(dir, "git rev-parse old^{commit}");
	cleanup_git_repo struct git_repo *repo = open_repo(dir);
	struct error err = ERROR_INIT;
	char sha[GIT_SHA_MAX];

	fixture_sh(dir,
	    "git checkout -q side && git commit -q --allow-empty -m third && "
	    "git checkout -q --orphan alone && git commit -qm alone");
	ck_assert_int_eq(git_repo_merge_base(repo, "main", "side", sha, &err), 0);
	ck_assert_str_eq(sha, old);
	ck_assert_int_eq(
	    git_repo_merge_base(repo, "main", "alone", sha, &err), ERR_MISSING);
}
END_TEST

START_TEST(bare_repository_is_read_by_commit)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *dir = make_repo(root, _i), *bare = path_join(root, "b.git");
	cleanup_free char *old = fixture_ask(dir, "git rev-parse old^{commit}");
	cleanup_git_repo struct git_repo *repo = NULL;
	cleanup_git_facts struct git_facts f = GIT_FACTS_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;

	fixture_sh(root, "git clone -q --bare r b.git");
	if (git_repo_open_bare(bare, &repo, &err) < 0 ||
	    git_repo_commit(repo, old, &f, &err) < 0 ||
	    git_repo_blob(repo, old, "src/a.c", 100, &text, &err) < 0)
		ck_abort_msg("%s", err.msg);
	ck_assert_str_eq(f.sha, old);
	ck_assert_str_eq(f.parent, "");
	ck_assert_str_eq(f.message, "first\n");
	ck_assert_str_eq(f.author.name, "Ann");
	ck_assert_str_eq(buf_str(&text), "one\n");
	ck_assert_int_eq(git_repo_commit(repo, "none", &f, &err), ERR_MISSING);
}
END_TEST

START_TEST(refs_below_a_prefix)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *dir = make_repo(root, _i);
	cleanup_git_repo struct git_repo *repo = open_repo(dir);
	cleanup_strlist struct strlist refs = STRLIST_INIT;
	struct error err = ERROR_INIT;
	int rc = git_repo_refs(repo, "refs/heads/", &refs, &err);

	ck_assert_msg(rc == 0, "%s", err.msg);
	ck_assert_uint_eq(refs.count, 2);
	ck_assert_str_eq(refs.items[0], "refs/heads/main");
	ck_assert_str_eq(refs.items[1], "refs/heads/side");
}
END_TEST

START_TEST(files_of_the_work_tree)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *dir = make_repo(root, _i);
	cleanup_git_repo struct git_repo *repo = open_repo(dir);
	cleanup_strlist struct strlist files = STRLIST_INIT;
	struct error err = ERROR_INIT;
	static const char *const want[] = { ".gitignore", "new file", "src/a.c",
		"src/deep/b.c" };

	fixture_sh(dir, "touch x.o 'new file'; rm -f src/a.c");
	ck_assert_msg(git_repo_files(repo, &files, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(files.count, ARRAY_LEN(want));
	for (size_t i = 0; i < files.count; i++)
		ck_assert_str_eq(files.items[i], want[i]);
}
END_TEST

START_TEST(names_to_commits)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *dir = make_repo(root, _i);
	cleanup_free char *sha = fixture_ask(dir, "git rev-parse HEAD");
	cleanup_git_repo struct git_repo *repo = open_repo(dir);
	struct error err = ERROR_INIT;
	char got[GIT_SHA_MAX];

	ck_assert_msg(git_repo_resolve(repo, "heavy", got, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(got, sha);
	ck_assert_int_eq(git_repo_resolve(repo, "nothing", got, &err), ERR_MISSING);
	ck_assert_int_eq(git_repo_resolve(repo, "--all", got, &err), ERR_MISSING);
}
END_TEST

START_TEST(no_commit_yet_is_said)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_git_repo struct git_repo *repo = NULL;
	cleanup_git_facts struct git_facts f = GIT_FACTS_INIT;
	struct error err = ERROR_INIT;
	cleanup_free char *dir = path_join(root, "r");

	fixture_sh(root, "%s", makes[_i].init);
	repo = open_repo(dir);
	ck_assert_int_eq(git_repo_facts(repo, NULL, &f, &err), ERR_MISSING);
	ck_assert_msg(strstr(err.msg, "has no commit yet") != NULL, "%s", err.msg);
}
END_TEST

START_TEST(memo_gives_the_same_facts)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *dir = make_repo(root, 0), *memo = path_join(root, "memo");
	cleanup_git_facts struct git_facts f = GIT_FACTS_INIT, g = GIT_FACTS_INIT;

	usleep(50000); /* younger files are not trusted */
	read_facts(dir, memo, &f);
	/* the memo answers, not the repository: its objects are out of sight */
	fixture_sh(root, "test -s memo && mv r/.git/objects o && mkdir r/.git/objects");
	read_facts(dir, memo, &g);
	ck_assert_str_eq(f.sha, g.sha);
	ck_assert_str_eq(f.message, g.message);
	ck_assert_str_eq(f.author.name, g.author.name);
	ck_assert_str_eq(f.remote_url, g.remote_url);
	ck_assert_int_eq(f.committer.time, g.committer.time);
	ck_assert_uint_eq(g.tags.count, 2);
}
END_TEST

static const struct {
	const char *change, *claim;
} outdates[] = {
	{ "echo x >n && git add n && git commit -qm n", "a commit" },
	{ "git tag another", "a tag" },
	{ "mkdir -p .git/refs/tags/deep && git tag deep/er", "a tag in a folder" },
	{ "git pack-refs --all && git tag -d light", "packed refs" },
	{ "git checkout -q --detach", "a detached HEAD" },
	{ "git config user.name Cleo", "the configuration" },
	{ "git config --global user.name Cleo && git config --unset user.name",
	    "the user's configuration" },
	{ "git remote set-url origin https://example.org/other", "another remote" },
};

START_TEST(memo_is_outdated_by)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *dir = make_repo(root, 0), *memo = path_join(root, "memo");
	cleanup_git_facts struct git_facts old = GIT_FACTS_INIT, now = GIT_FACTS_INIT,
					   got = GIT_FACTS_INIT;
	cleanup_free char *home = xstrdup(getenv("HOME"));

	setenv("HOME", root, 1);
	usleep(50000);
	read_facts(dir, memo, &old);
	fixture_sh(dir, "test -s ../memo && %s", outdates[_i].change);
	read_facts(dir, NULL, &now);
	read_facts(dir, memo, &got);
	setenv("HOME", home, 1);
	ck_assert_msg(str_eq(now.sha, got.sha) && now.tags.count == got.tags.count &&
		(now.branch == NULL) == (got.branch == NULL) &&
		str_eq(now.user_name, got.user_name) &&
		str_eq(now.remote_url, got.remote_url),
	    "%s went unnoticed", outdates[_i].claim);
}
END_TEST

START_TEST(memo_that_is_damaged_does_no_harm)
{
	static const char *const damages[] = { "printf x >memo", ": >memo",
		"truncate -s 300 memo", "rm memo; mkdir memo" };
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *dir = make_repo(root, 0), *memo = path_join(root, "memo");
	cleanup_git_facts struct git_facts f = GIT_FACTS_INIT, g = GIT_FACTS_INIT;

	usleep(50000);
	read_facts(dir, memo, &f);
	fixture_sh(root, "%s", damages[_i]);
	read_facts(dir, memo, &g);
	ck_assert_str_eq(g.branch, "main");
}
END_TEST

START_TEST(linked_worktree)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *dir = make_repo(root, 0), *other = path_join(root, "w/src");
	cleanup_free char *top = path_join(root, "w"), *common = path_join(dir, ".git");
	cleanup_git_repo struct git_repo *repo = NULL;
	cleanup_git_facts struct git_facts f = GIT_FACTS_INIT;
	struct error err = ERROR_INIT;

	fixture_sh(dir, "git worktree add -q ../w side");
	repo = open_repo(other);
	ck_assert_str_eq(git_repo_work_tree(repo), top);
	ck_assert_str_eq(git_repo_common_dir(repo), common);
	ck_assert_msg(git_repo_facts(repo, NULL, &f, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(f.branch, "side");
}
END_TEST

START_TEST(shallow_clone)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *dir = make_repo(root, 0), *clone = path_join(root, "c");
	cleanup_git_facts struct git_facts f = GIT_FACTS_INIT;

	fixture_sh(root, "git clone -q --depth 1 file://%s c", dir);
	read_facts(clone, NULL, &f);
	ck_assert(f.shallow);
	ck_assert_str_eq(f.default_branch, "main");
}
END_TEST

START_TEST(clone_with_alternates)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *dir = make_repo(root, 0), *clone = path_join(root, "c");
	cleanup_git_facts struct git_facts f = GIT_FACTS_INIT;

	fixture_sh(root, "git clone -q --shared %s c", dir);
	read_facts(clone, NULL, &f);
	ck_assert_str_eq(f.message, "second: ünï\n\nbody\n");
}
END_TEST

START_TEST(object_a_partial_clone_lacks_is_fetched)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *dir = make_repo(root, 0), *clone = path_join(root, "c");
	cleanup_git_repo struct git_repo *repo = NULL;
	cleanup_buf struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;

	fixture_sh(root,
	    "git -C r config uploadpack.allowFilter true && "
	    "git clone -q --no-checkout --filter=blob:none file://%s c",
	    dir);
	repo = open_repo(clone);
	ck_assert_msg(
	    git_repo_blob(repo, "HEAD", "src/a.c", 100, &text, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(buf_str(&text), "one\n");
}
END_TEST

START_TEST(latin1_message_becomes_utf8)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *dir = make_repo(root, 0);
	cleanup_git_facts struct git_facts f = GIT_FACTS_INIT;

	fixture_sh(dir,
	    "git config i18n.commitEncoding ISO-8859-1 && "
	    "printf 'gr\\374n\\n' | git commit -q --allow-empty -F -");
	read_facts(dir, NULL, &f);
	ck_assert_str_eq(f.message, "grün\n");
}
END_TEST

START_TEST(long_message_is_cut_at_a_character)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *dir = make_repo(root, 0);
	cleanup_git_facts struct git_facts f = GIT_FACTS_INIT;

	fixture_sh(dir,
	    "(printf x; yes ü | head -c 200000 | tr -d '\\n') >../m && "
	    "git commit -q --allow-empty -F ../m");
	read_facts(dir, NULL, &f);
	ck_assert_uint_le(strlen(f.message), GIT_MESSAGE_MAX);
	ck_assert_uint_gt(strlen(f.message), GIT_MESSAGE_MAX - 4);
	ck_assert_uint_eq(
	    str_utf8_valid(f.message, strlen(f.message)), strlen(f.message));
}
END_TEST

START_TEST(hook_variables_lead_nobody_astray)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *dir = make_repo(root, 1);
	cleanup_git_facts struct git_facts f = GIT_FACTS_INIT;

	setenv("GIT_DIR", "/nonexistent", 1);
	setenv("GIT_INDEX_FILE", "/nonexistent", 1);
	read_facts(dir, NULL, &f);
	unsetenv("GIT_DIR");
	unsetenv("GIT_INDEX_FILE");
	ck_assert_str_eq(f.branch, "main");
}
END_TEST

START_TEST(offsets_in_dates)
{
	struct git_person p = { .time = 1706719675, .offset_min = 90 };
	struct git_person q = { .time = -1, .offset_min = -570 };
	cleanup_free char *east = git_person_iso8601(&p), *west = git_person_iso8601(&q);

	ck_assert_str_eq(east, "2024-01-31T18:17:55+01:30");
	ck_assert_str_eq(west, "1969-12-31T14:29:59-09:30");
}
END_TEST

START_TEST(no_repository_is_said)
{
	cleanup_fixture char *root = fixture_open();
	struct git_repo *repo = NULL;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(git_repo_open(root, &repo, &err), ERR_MISSING);
	ck_assert_msg(strstr(err.msg, "not in a git repository") != NULL, "%s", err.msg);
}
END_TEST

START_TEST(bare_repository_is_refused)
{
	cleanup_fixture char *root = fixture_open();
	struct git_repo *repo = NULL;
	struct error err = ERROR_INIT;

	fixture_sh(root, "git init -q --bare .");
	ck_assert_int_eq(git_repo_open(root, &repo, &err), ERR_INVALID);
	ck_assert_msg(strstr(err.msg, "bare repository") != NULL, "%s", err.msg);
}
END_TEST

static Suite *
make_suite(void)
{
	Suite *suite = suite_create("git");
	TCase *every = tcase_create("every make"), *one = tcase_create("one");
	int n = (int)ARRAY_LEN(makes);

	tcase_set_timeout(every, 60);
	tcase_add_loop_test(every, facts_are_those_git_tells, 0, n);
	tcase_add_loop_test(every, detached_head_has_no_branch, 0, n);
	tcase_add_loop_test(every, origin_head_is_the_default_branch, 0, n);
	tcase_add_loop_test(every, remote_url_has_its_shorthand_replaced, 0, n);
	tcase_add_loop_test(every, files_of_a_commit, 0, n);
	tcase_add_loop_test(every, blob_of_a_commit, 0, n);
	tcase_add_loop_test(every, changed_paths_between_commits, 0, n);
	tcase_add_loop_test(every, changed_since_the_merge_base, 0, n);
	tcase_add_loop_test(every, merge_base_is_where_two_parted, 0, n);
	tcase_add_loop_test(every, bare_repository_is_read_by_commit, 0, n);
	tcase_add_loop_test(every, refs_below_a_prefix, 0, n);
	tcase_add_loop_test(every, files_of_the_work_tree, 0, n);
	tcase_add_loop_test(every, names_to_commits, 0, n);
	tcase_add_loop_test(every, no_commit_yet_is_said, 0, n);
	tcase_set_timeout(one, 60);
	tcase_add_test(one, memo_gives_the_same_facts);
	tcase_add_loop_test(one, memo_is_outdated_by, 0, (int)ARRAY_LEN(outdates));
	tcase_add_loop_test(one, memo_that_is_damaged_does_no_harm, 0, 4);
	tcase_add_test(one, linked_worktree);
	tcase_add_test(one, shallow_clone);
	tcase_add_test(one, clone_with_alternates);
	tcase_add_test(one, object_a_partial_clone_lacks_is_fetched);
	tcase_add_test(one, latin1_message_becomes_utf8);
	tcase_add_test(one, long_message_is_cut_at_a_character);
	tcase_add_test(one, hook_variables_lead_nobody_astray);
	tcase_add_test(one, offsets_in_dates);
	tcase_add_test(one, no_repository_is_said);
	tcase_add_test(one, bare_repository_is_refused);
	suite_add_tcase(suite, every);
	suite_add_tcase(suite, one);
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
