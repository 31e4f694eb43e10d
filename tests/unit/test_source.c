/* Source trees of commits: what a job finds, and that git is told no secret aloud. */
#include <check.h>
#include <sys/stat.h>

#include "base/path.h"
#include "base/str.h"
#include "runner/layers.h"
#include "runner/source.h"
#include "runner/source_url.h"
#include "tests/unit/fixture.h"

/* ---- addresses ---- */

static const struct {
	const char *url, *clean, *credentials;
} urls[] = {
	{ "http://host/a.git", "http://host/a.git", NULL },
	{ "http://u:p@host/a.git", "http://host/a.git", "u:p" },
	{ "https://u:p%40x@host:8/a.git", "https://host:8/a.git", "u:p@x" },
	{ "https://u@host/a@b.git", "https://host/a@b.git", "u" },
	{ "http://host/a@b", "http://host/a@b", NULL },
	{ "git@host:a.git", "git@host:a.git", NULL },
	{ "ssh://git@host/a.git", "ssh://git@host/a.git", NULL },
	{ "/srv/a.git", "/srv/a.git", NULL },
	{ "http://u:%zz%4@h/", "http://h/", "u:%zz%4" },
};

START_TEST(url_is_shown_without_credentials)
{
	cleanup_free char *credentials = NULL;
	cleanup_free char *clean = source_clean_url(urls[_i].url, &credentials);

	ck_assert_str_eq(clean, urls[_i].clean);
	ck_assert_pstr_eq(credentials, urls[_i].credentials);
}
END_TEST

/* ---- trees ---- */

struct scene {
	char *root, *sha, *state;
	struct source_options options;
	struct job_payload job;
	const char *refspecs[2];
	struct source source;
	struct buf log;
};

/* root/work has two commits and a tag, root/repos/g/p.git is its bare clone. */
static void
open_scene(struct scene *s)
{
	*s = (struct scene){ .root = fixture_open() };
	fixture_sh(s->root,
	    "git init -q -b main work && cd work && mkdir -p d && echo 1 >f && echo 2 >d/g "
	    "&& ln -s f link && git add . && git commit -qm one && git tag -a v1 -m v1 && "
	    "echo 2 >f && git commit -qam two && git branch other HEAD~1 && cd .. && "
	    "git clone -q --mirror work repos/g/p.git && "
	    "git -C repos/g/p.git config uploadpack.allowAnySHA1InWant true");
	s->sha = fixture_ask(s->root, "git -C work rev-parse HEAD");
	s->state = path_join(s->root, "state");
	s->options.state_dir = s->state;
	s->refspecs[0] = "+refs/heads/main:refs/remotes/origin/main";
	s->job.project_full_path = "g/p";
	s->job.git = (struct job_git){
		.ref = "main", .sha = s->sha, .refspecs = s->refspecs, .refspec_count = 1
	};
}

static void
use_repos(struct scene *s)
{
	s->options.repos_dir = path_join(s->root, "repos");
}

static void
use_url(struct scene *s, int64_t depth)
{
	s->job.git.repo_url = xasprintf("file://%s/repos/g/p.git", s->root);
	s->job.git.depth = depth;
}

static void
get(struct scene *s)
{
	struct error err = ERROR_INIT;

	if (source_get(&s->options, &s->job, &s->source, &s->log, &err) < 0)
		ck_abort_msg("%s", err.msg);
}

/* What `git` says in a copy of the tree, with the job's refs. */
static char *
ask_git(struct scene *s, const char *words)
{
	cleanup_free char *job = path_join(s->root, "job");
	struct error err = ERROR_INIT;

	fixture_sh(s->root, "rm -rf job && mkdir job");
	if (layers_copy_plain(snapshot_layers(s->source.snapshot), job, NULL, &err) < 0 ||
	    source_write_refs(&s->source, job, &err) < 0)
		ck_abort_msg("%s", err.msg);
	return fixture_ask(job, "%s", words);
}

static void
close_scene(struct scene *s)
{
	source_clear(&s->source);
	buf_clear(&s->log);
	free((char *)(uintptr_t)s->options.repos_dir);
	free((char *)(uintptr_t)s->job.git.repo_url);
	free(s->sha);
	free(s->state);
	fixture_close(s->root);
}

static const struct {
	const char *words, *want;
} questions[] = {
	{ "cat f d/g; readlink link", "2\n2\nf" },
	{ "git status --porcelain", "" },
	{ "git log --format=%s", "two\none" },
	{ "git describe", "v1-1-g" },
	{ "git rev-parse --abbrev-ref HEAD", "HEAD" },
	{ "git rev-parse --abbrev-ref origin/main", "origin/main" },
	{ "git for-each-ref --format='%(refname)'",
	    "refs/remotes/origin/main\nrefs/tags/v1" },
	{ "git diff --shortstat v1 HEAD",
	    " 1 file changed, 1 insertion(+), 1 deletion(-)" },
};

static void
ask_all(struct scene *s)
{
	cleanup_free char *got = ask_git(s, questions[0].words);

	ck_assert_str_eq(got, questions[0].want);
	for (size_t i = 1; i < ARRAY_LEN(questions); i++) {
		cleanup_free char *answer = ask_git(s, questions[i].words);

		ck_assert_msg(str_starts(answer, questions[i].want), "%s: %s",
		    questions[i].words, answer);
	}
}

START_TEST(git_works_in_a_tree_of_the_servers_repository)
{
	struct scene s;

	open_scene(&s);
	use_repos(&s);
	get(&s);
	ask_all(&s);
	close_scene(&s);
}
END_TEST

START_TEST(git_works_in_a_tree_that_was_fetched)
{
	struct scene s;

	open_scene(&s);
	use_url(&s, 0);
	get(&s);
	ask_all(&s);
	close_scene(&s);
}
END_TEST

START_TEST(depth_is_what_was_asked_for)
{
	cleanup_free char *log = NULL;
	struct scene s;

	open_scene(&s);
	use_url(&s, 1);
	get(&s);
	log = ask_git(&s, "git log --format=%s");
	ck_assert_str_eq(log, "two");
	ck_assert_ptr_nonnull(strstr(buf_str(&s.log), "git depth set to 1"));
	close_scene(&s);
}
END_TEST

START_TEST(whole_history_is_had_after_a_short_one)
{
	cleanup_free char *log = NULL, *sha = NULL;
	struct scene s;

	open_scene(&s);
	use_url(&s, 1);
	get(&s);
	source_clear(&s.source);
	fixture_sh(s.root,
	    "cd work && echo 3 >f && git commit -qam three && git push -q ../repos/g/p.git main");
	sha = fixture_ask(s.root, "git -C work rev-parse HEAD");
	s.job.git.sha = sha;
	s.job.git.depth = 0;
	get(&s);
	log = ask_git(&s, "git log --format=%s");
	ck_assert_str_eq(log, "three\ntwo\none");
	close_scene(&s);
}
END_TEST

START_TEST(whole_history_of_the_same_commit_is_had_too)
{
	cleanup_free char *log = NULL, *again = NULL, *state = NULL;
	struct scene s;

	open_scene(&s);
	use_url(&s, 1);
	get(&s);
	source_clear(&s.source);
	s.job.git.depth = 0;
	get(&s);
	log = ask_git(&s, "git log --format=%s");
	ck_assert_str_eq(log, "two\none");
	state =
	    ask_git(&s, "git status --porcelain; git rev-parse --is-shallow-repository");
	ck_assert_str_eq(state, "false");
	/* what is there need not be fetched for one that wants less */
	source_clear(&s.source);
	fixture_sh(s.root, "mv repos gone");
	s.job.git.depth = 1;
	get(&s);
	again = ask_git(&s, "git log --format=%s");
	ck_assert_str_eq(again, "two\none");
	close_scene(&s);
}
END_TEST

START_TEST(second_job_of_a_commit_needs_no_repository)
{
	struct scene s;

	open_scene(&s);
	use_url(&s, 0);
	get(&s);
	source_clear(&s.source);
	fixture_sh(s.root, "mv repos gone");
	get(&s);
	ck_assert_uint_eq(snapshot_files(s.source.snapshot)->count, 3);
	close_scene(&s);
}
END_TEST

START_TEST(branch_that_moved_does_not_move_the_job)
{
	cleanup_free char *head = NULL;
	struct scene s;

	open_scene(&s);
	use_repos(&s);
	fixture_sh(s.root,
	    "cd work && echo 3 >f && git commit -qam three && git push -q ../repos/g/p.git main");
	get(&s);
	head = ask_git(&s, "git rev-parse HEAD origin/main | uniq");
	ck_assert_str_eq(head, s.sha);
	close_scene(&s);
}
END_TEST

START_TEST(stars_in_refspecs_bring_all_branches)
{
	cleanup_free char *refs = NULL;
	struct scene s;

	open_scene(&s);
	if (_i == 0)
		use_repos(&s);
	else
		use_url(&s, 0);
	s.refspecs[0] = "+refs/heads/*:refs/remotes/origin/*";
	s.refspecs[1] = "+refs/tags/*:refs/tags/*";
	s.job.git.refspec_count = 2;
	get(&s);
	refs = ask_git(&s, "git for-each-ref --format='%(refname)'");
	ck_assert_str_eq(
	    refs, "refs/remotes/origin/main\nrefs/remotes/origin/other\nrefs/tags/v1");
	close_scene(&s);
}
END_TEST

static const char *const bad_paths[] = { "../p", "/g/p", "g/../../p", "g//p", "", "." };

START_TEST(project_path_does_not_lead_out)
{
	struct error err = ERROR_INIT;
	struct scene s;

	open_scene(&s);
	use_repos(&s);
	s.job.project_full_path = bad_paths[_i];
	ck_assert_int_eq(
	    source_get(&s.options, &s.job, &s.source, &s.log, &err), ERR_INVALID);
	close_scene(&s);
}
END_TEST

static const struct {
	const char *sha, *want;
} bad_commits[] = {
	{ "0123456789012345678901234567890123456789", "cannot check out 012345678901" },
	{ "--upload-pack=touch", "\"--upload-pack=touch\" is no commit" },
	{ "main", "\"main\" is no commit" },
};

START_TEST(commit_that_is_not_there_is_said)
{
	struct error err = ERROR_INIT;
	struct scene s;

	open_scene(&s);
	use_repos(&s);
	s.job.git.sha = bad_commits[_i].sha;
	ck_assert_int_lt(source_get(&s.options, &s.job, &s.source, &s.log, &err), 0);
	ck_assert_msg(strstr(err.msg, bad_commits[_i].want) != NULL, "%s", err.msg);
	close_scene(&s);
}
END_TEST

START_TEST(fetch_that_fails_names_the_address)
{
	struct error err = ERROR_INIT;
	struct scene s;

	open_scene(&s);
	s.job.git.repo_url = xasprintf("file://%s/nowhere.git", s.root);
	ck_assert_int_lt(source_get(&s.options, &s.job, &s.source, &s.log, &err), 0);
	ck_assert_msg(str_starts(err.msg, "cannot fetch from file://"), "%s", err.msg);
	close_scene(&s);
}
END_TEST

/* A git of our own writes down how it was called. */
START_TEST(credentials_are_in_no_argument)
{
	cleanup_free char *args = NULL, *env = NULL, *path = NULL;
	struct error err = ERROR_INIT;
	struct scene s;

	open_scene(&s);
	fixture_sh(s.root,
	    "mkdir bin && printf '#!/bin/sh\\necho \"$@\" >%s/args; env >%s/env; exit 1\\n' >"
	    "bin/git && chmod +x bin/git",
	    s.root, s.root);
	path = xasprintf("%s/bin:%s", s.root, getenv("PATH"));
	setenv("PATH", path, 1);
	s.job.git.repo_url = xstrdup("http://gitlab-ci-token:sesame@h.example/g/p.git");
	ck_assert_int_lt(source_get(&s.options, &s.job, &s.source, &s.log, &err), 0);
	setenv("PATH", path + strlen(s.root) + strlen("/bin:"), 1);
	args = fixture_ask(s.root, "cat args");
	env = fixture_ask(s.root, "grep -c 'Basic Z2l0bGFiLWNpLXRva2VuOnNlc2FtZQ==' env");
	ck_assert_ptr_nonnull(strstr(args, "http://h.example/g/p.git"));
	ck_assert_ptr_null(strstr(args, "sesame"));
	ck_assert_str_eq(env, "1");
	ck_assert_ptr_null(strstr(err.msg, "sesame"));
	fixture_sh(s.root, "! grep -r sesame state");
	close_scene(&s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("source");
	TCase *tc = tcase_create("source");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, url_is_shown_without_credentials, 0, ARRAY_LEN(urls));
	tcase_add_test(tc, git_works_in_a_tree_of_the_servers_repository);
	tcase_add_test(tc, git_works_in_a_tree_that_was_fetched);
	tcase_add_test(tc, depth_is_what_was_asked_for);
	tcase_add_test(tc, whole_history_is_had_after_a_short_one);
	tcase_add_test(tc, whole_history_of_the_same_commit_is_had_too);
	tcase_add_test(tc, second_job_of_a_commit_needs_no_repository);
	tcase_add_test(tc, branch_that_moved_does_not_move_the_job);
	tcase_add_loop_test(tc, stars_in_refspecs_bring_all_branches, 0, 2);
	tcase_add_loop_test(tc, project_path_does_not_lead_out, 0, ARRAY_LEN(bad_paths));
	tcase_add_loop_test(
	    tc, commit_that_is_not_there_is_said, 0, ARRAY_LEN(bad_commits));
	tcase_add_test(tc, fetch_that_fails_names_the_address);
	tcase_add_test(tc, credentials_are_in_no_argument);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
