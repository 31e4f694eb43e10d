/* What comes beside a commit's own files: large files of git-lfs, submodules. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/path.h"
#include "runner/layer_gc.h"
#include "runner/layers.h"
#include "runner/source.h"
#include "runner/source_lfs.h"
#include "tests/unit/fixture.h"

struct scene {
	char *root, *sha, *state, *url;
	struct source_options options;
	struct job_variable variables[4];
	struct job_payload job;
	struct source source;
	struct buf log;
};

/* root/work is pushed to root/repo.git; what prepare does in work is committed. */
static void
open_scene(struct scene *s, const char *prepare)
{
	static const char *refspecs[] = { "+refs/heads/main:refs/remotes/origin/main" };

	*s = (struct scene){ .root = fixture_open() };
	fixture_sh(s->root,
	    "git config --global protocol.file.allow always && git init -q --bare repo.git "
	    "&& git -C repo.git config uploadpack.allowAnySHA1InWant true && "
	    "git init -q -b main work && cd work && "
	    "git remote add origin file://%s/repo.git",
	    s->root);
	fixture_sh(s->root, "cd work && %s", prepare);
	fixture_sh(s->root,
	    "cd work && echo 1 >f && git add . && git commit -qm one && git push -q origin main");
	s->sha = fixture_ask(s->root, "git -C work rev-parse HEAD");
	s->state = path_join(s->root, "state");
	s->url = xasprintf("file://%s/repo.git", s->root);
	s->options.state_dir = s->state;
	s->job = (struct job_payload){ .project_full_path = "g/p",
		.variables = s->variables,
		.git = { .ref = "main",
		    .repo_url = s->url,
		    .refspecs = refspecs,
		    .refspec_count = 1 } };
}

static void
close_scene(struct scene *s)
{
	source_clear(&s->source);
	buf_clear(&s->log);
	free(s->sha);
	free(s->state);
	free(s->url);
	fixture_close(s->root);
}

static void
set(struct scene *s, const char *key, const char *value)
{
	s->variables[s->job.variable_count++] =
	    (struct job_variable){ .key = key, .value = value };
}

static int
try(struct scene *s, struct error *err)
{
	source_clear(&s->source);
	buf_reset(&s->log);
	s->job.git.sha = s->sha;
	return source_get(&s->options, &s->job, &s->source, &s->log, err);
}

/* What a command says in a job of the commit. */
static char *
ask(struct scene *s, const char *words)
{
	cleanup_free char *job = path_join(s->root, "job");
	struct error err = ERROR_INIT;

	if (try(s, &err) < 0)
		ck_abort_msg("%s", err.msg);
	fixture_sh(s->root, "rm -rf job && mkdir job");
	if (layers_copy_plain(snapshot_layers(s->source.snapshot), job, NULL, &err) < 0 ||
	    source_write_refs(&s->source, job, &err) < 0)
		ck_abort_msg("%s", err.msg);
	return fixture_ask(job, "%s", words);
}

static void
says(struct scene *s, const char *words, const char *want)
{
	cleanup_free char *got = ask(s, words);

	ck_assert_str_eq(got, want);
}

static void
commit(struct scene *s, const char *words)
{
	fixture_sh(s->root,
	    "cd work && %s && git add . && git commit -qm more && git push -q origin main",
	    words);
	free(s->sha);
	s->sha = fixture_ask(s->root, "git -C work rev-parse HEAD");
}

/* ---- large files ----------------------------------------------------------- */

#define LFS                                                                              \
	"git lfs install --local >../out && git lfs track '*.big' >../out && "           \
	"echo large >a.big"
#define SHOW "cat a.big; git status --porcelain"

static bool
has_lfs(void)
{
	if (source_lfs_is_there())
		return true;
	printf("skipped: there is no git-lfs\n");
	return false;
}

START_TEST(large_files_are_there)
{
	struct scene s;

	if (!has_lfs())
		return;
	open_scene(&s, LFS);
	says(&s, SHOW, "large");
	/* fetched once: the same content in another commit needs no server */
	fixture_sh(s.root, "mv repo.git/lfs gone");
	commit(&s, "git config lfs.allowincompletepush true && cp a.big b.big");
	says(&s, "cat b.big; git status --porcelain", "large");
	ck_assert_ptr_null(strstr(buf_str(&s.log), "WARNING"));
	close_scene(&s);
}
END_TEST

START_TEST(what_stands_for_large_files_can_be_had)
{
	cleanup_free char *got = NULL;
	struct scene s;

	if (!has_lfs())
		return;
	open_scene(&s, LFS);
	says(&s, SHOW, "large");
	set(&s, "GIT_LFS_SKIP_SMUDGE", "1");
	got = ask(&s, SHOW);
	ck_assert_msg(
	    str_starts(got, "version https://git-lfs.github.com/spec/v1\n"), "%s", got);
	ck_assert_ptr_null(strstr(got, "\n M"));
	close_scene(&s);
}
END_TEST

START_TEST(a_large_file_nobody_has_is_named)
{
	struct error err = ERROR_INIT;
	struct scene s;

	if (!has_lfs())
		return;
	open_scene(&s, LFS);
	fixture_sh(s.root, "rm -rf repo.git/lfs");
	ck_assert_int_lt(try(&s, &err), 0);
	ck_assert_msg(strstr(err.msg, "GIT_LFS_SKIP_SMUDGE") != NULL, "%s", err.msg);
	ck_assert_msg(strstr(err.msg, "a.big") != NULL, "%s", err.msg);
	close_scene(&s);
}
END_TEST

/* Where PATH has git, and no git-lfs; installed later, it counts for the same commit. */
START_TEST(without_git_lfs_there_is_a_warning)
{
	cleanup_free char *path = xstrdup(getenv("PATH")), *bare = NULL;
	struct scene s;

	if (!has_lfs())
		return;
	open_scene(&s, LFS);
	fixture_sh(s.root, "mkdir bin && ln -s $(command -v git) bin/git");
	bare = path_join(s.root, "bin");
	setenv("PATH", bare, 1);
	for (int i = 0; i < 2; i++) {
		struct error err = ERROR_INIT;

		if (try(&s, &err) < 0)
			ck_abort_msg("%s", err.msg);
		ck_assert_ptr_nonnull(strstr(buf_str(&s.log), "git-lfs, which is not"));
	}
	setenv("PATH", path, 1);
	says(&s, SHOW, "large");
	ck_assert_ptr_null(strstr(buf_str(&s.log), "WARNING"));
	close_scene(&s);
}
END_TEST

START_TEST(others_need_no_warning)
{
	cleanup_free char *path = xstrdup(getenv("PATH")), *bare = NULL;
	struct error err = ERROR_INIT;
	struct scene s;

	open_scene(&s, "echo '*.png -text' >.gitattributes");
	fixture_sh(s.root, "mkdir bin && ln -s $(command -v git) bin/git");
	bare = path_join(s.root, "bin");
	setenv("PATH", bare, 1);
	if (try(&s, &err) < 0)
		ck_abort_msg("%s", err.msg);
	setenv("PATH", path, 1);
	ck_assert_ptr_null(strstr(buf_str(&s.log), "WARNING"));
	close_scene(&s);
}
END_TEST

/* ---- submodules ------------------------------------------------------------ */

#define SUBMODULE_OF(what)                                                               \
	"git init -q -b main ../lib && (cd ../lib && " what                              \
	" && git add . && git commit -qm lib && git tag -am v1 v1 && "                   \
	"git clone -q --bare . ../lib.git && git remote add origin file://$PWD/../lib.git"
#define ADD_SUBMODULE ") && git submodule --quiet add ../lib.git sub/lib"
#define PLAIN SUBMODULE_OF("echo large >a.big") ADD_SUBMODULE

START_TEST(submodules_have_large_files_too)
{
	struct scene s;

	if (!has_lfs())
		return;
	open_scene(&s, SUBMODULE_OF(LFS) " && git lfs push --all origin" ADD_SUBMODULE);
	says(&s, "ls -A sub/lib", "");
	set(&s, "GIT_SUBMODULE_STRATEGY", "normal");
	says(&s,
	    "cat sub/lib/a.big; git status --porcelain; git -C sub/lib status --porcelain; "
	    "git -C sub/lib describe; git submodule status | cut -c 1",
	    "large\nv1\n ");
	set(&s, "GIT_LFS_SKIP_SMUDGE", "1");
	says(&s, "head -c 7 sub/lib/a.big; git status --porcelain", "version");
	close_scene(&s);
}
END_TEST

START_TEST(a_layer_of_submodules_serves_many_commits)
{
	cleanup_free char *sets = NULL;
	struct scene s;

	open_scene(&s, PLAIN);
	set(&s, "GIT_SUBMODULE_STRATEGY", "normal");
	says(&s, "cat sub/lib/a.big", "large");
	fixture_sh(s.root, "mv lib.git gone.git");
	commit(&s, "echo 2 >f");
	says(&s, "cat f sub/lib/a.big; git status --porcelain", "2\nlarge");
	sets = fixture_ask(s.root, "ls -d state/sources/*/modules/*/tree | wc -l");
	ck_assert_str_eq(sets, "1");
	/* all files are the source's, none is new */
	ck_assert_uint_eq(snapshot_files(s.source.snapshot)->count, 3);
	close_scene(&s);
}
END_TEST

/* Held while a job has it; gone, it is made anew of what was fetched before. */
START_TEST(a_layer_of_submodules_can_go)
{
	cleanup_strlist struct strlist names = STRLIST_INIT;
	cleanup_free char *sets = NULL, *name = NULL;
	struct scene s;

	open_scene(&s, PLAIN);
	set(&s, "GIT_SUBMODULE_STRATEGY", "normal");
	says(&s, "cat sub/lib/a.big", "large");
	sets = fixture_ask(s.root, "echo $PWD/state/sources/*/modules");
	name = fixture_ask(sets, "basename $(dirname */tree)");
	strlist_add(&names, name);
	snapshot_remove_commits(sets, &names);
	fixture_sh(sets, "test -e %s/tree/sub/lib/a.big", name);
	source_clear(&s.source);
	snapshot_remove_commits(sets, &names);
	fixture_sh(sets, "! test -e %s/tree", name);
	fixture_sh(s.root, "mv lib.git gone.git");
	says(&s, "cat sub/lib/a.big; git status --porcelain", "large");
	close_scene(&s);
}
END_TEST

/* Their repositories stay for as long as there is a layer that has objects of theirs. */
START_TEST(repositories_of_submodules_go_with_their_last_layer)
{
	cleanup_free char *sources = NULL;
	struct layer_limits limits = LAYER_LIMITS_DEFAULT;
	struct layer_places places = { .sources = NULL };
	struct scene s;

	open_scene(&s, PLAIN);
	set(&s, "GIT_SUBMODULE_STRATEGY", "normal");
	says(&s, "cat sub/lib/a.big", "large");
	commit(&s, "git config -f .gitmodules submodule.sub/lib.shallow false");
	says(&s, "cat sub/lib/a.big", "large");
	places.sources = sources = path_join(s.state, "sources");
	fixture_sh(sources, "test $(ls -d */modules-git/*/tree | wc -l) = 2");
	/* the newer one is in use, however old */
	fixture_sh(sources, "touch -d '40 days ago' */modules/*/lock */modules/lock");
	layer_gc(&places, &limits);
	fixture_sh(sources, "test $(ls -d */modules-git/*/tree | wc -l) = 1");
	says(&s, "git -C sub/lib log --oneline | wc -l", "1");
	source_clear(&s.source);
	fixture_sh(sources, "touch -d '40 days ago' */modules/*/lock");
	layer_gc(&places, &limits);
	fixture_sh(sources, "test -z \"$(ls -A */modules-git)\"");
	says(&s, "cat sub/lib/a.big; git status --porcelain", "large");
	close_scene(&s);
}
END_TEST

START_TEST(a_later_process_holds_what_is_noted)
{
	cleanup_free char *note = NULL;
	struct snapshot *held = NULL;
	struct error err = ERROR_INIT;
	struct scene s;

	open_scene(&s, PLAIN);
	set(&s, "GIT_SUBMODULE_STRATEGY", "normal");
	says(&s, "cat sub/lib/a.big", "large");
	note = xstrdup(s.source.note);
	source_clear(&s.source);
	ck_assert_int_eq(source_hold(note, &held, &err), 0);
	ck_assert_uint_eq(snapshot_layers(held)->count, 2);
	snapshot_release(held);
	held = NULL;
	fixture_sh(s.root, "rm -rf state/sources/*/modules");
	ck_assert_int_eq(source_hold(note, &held, &err), ERR_MISSING);
	ck_assert_ptr_null(held);
	close_scene(&s);
}
END_TEST

/*
 * What others wrote in .gitmodules must not have the runner read this machine's files,
 * run programs or write elsewhere. The project's own address is not one of this machine.
 */
static const struct {
	const char *url, *name, *path;
} hostile[] = {
	{ "file://%s/secret.git", "x", "x" },
	{ "%s/secret.git", "x", "x" },
	{ "ext::sh -c touch%%20%s/was-here", "x", "x" },
	{ "--upload-pack=touch %s/was-here", "x", "x" },
	{ "file://%s/secret.git", "../../../../x", "x" },
	{ "file://%s/secret.git", "x", "../x" },
};

START_TEST(hostile_submodules_are_refused)
{
	cleanup_free char *url = NULL, *text = NULL, *file = NULL;
	struct error err = ERROR_INIT;
	struct scene s;

	open_scene(&s, "true");
	fixture_sh(s.root,
	    "git init -q -b main secret && cd secret && echo s >s && git add . && "
	    "git commit -qm s && git clone -q --bare . ../secret.git");
	url = strstr(hostile[_i].url, "%s") == NULL
	    ? xstrdup(hostile[_i].url)
	    : xasprintf("%.*s%s%s",
		  (int)(strstr(hostile[_i].url, "%s") - hostile[_i].url), hostile[_i].url,
		  s.root, strstr(hostile[_i].url, "%s") + 2);
	text = xasprintf("[submodule \"%s\"]\n\tpath = %s\n\turl = \"%s\"\n",
	    hostile[_i].name, hostile[_i].path, url);
	file = path_join(s.root, "work/.gitmodules");
	if (path_write_file(file, text, strlen(text), 0644, &err) < 0)
		ck_abort_msg("%s", err.msg);
	commit(&s,
	    "mkdir x && git update-index --add --cacheinfo 160000,$(git -C ../secret rev-parse HEAD),x");
	set(&s, "GIT_SUBMODULE_STRATEGY", "recursive");
	s.options.repos_dir = s.root; /* as a server's own */
	s.job.project_full_path = "repo";
	s.job.git.repo_url = "http://127.0.0.1:9/repo.git";
	ck_assert_int_lt(try(&s, &err), 0);
	ck_assert_msg(strstr(err.msg, "submodule") != NULL, "%s", err.msg);
	fixture_sh(s.root, "! test -e was-here && ! find state -name s | grep .");
	close_scene(&s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("source_parts");
	TCase *tc = tcase_create("source_parts");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, large_files_are_there);
	tcase_add_test(tc, what_stands_for_large_files_can_be_had);
	tcase_add_test(tc, a_large_file_nobody_has_is_named);
	tcase_add_test(tc, without_git_lfs_there_is_a_warning);
	tcase_add_test(tc, others_need_no_warning);
	tcase_add_test(tc, submodules_have_large_files_too);
	tcase_add_test(tc, a_layer_of_submodules_serves_many_commits);
	tcase_add_test(tc, a_layer_of_submodules_can_go);
	tcase_add_test(tc, repositories_of_submodules_go_with_their_last_layer);
	tcase_add_test(tc, a_later_process_holds_what_is_noted);
	tcase_add_loop_test(tc, hostile_submodules_are_refused, 0, ARRAY_LEN(hostile));
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
