/* What a job's variables say about its sources. */
#include <check.h>

#include "base/buf.h"
#include "base/git.h"
#include "runner/clone_path.h"
#include "runner/git_env.h"
#include "runner/source_settings.h"
#include "runner/source_url.h"

static const struct {
	struct job_variable vars[3];
	const char *want; /* or, with a '!' before it, the error */
} jobs[] = {
	{ { { .key = NULL } }, "no 20 1" },
	{ { { .key = "GIT_SUBMODULE_STRATEGY", .value = "normal" } }, "normal 20 1" },
	{ { { .key = "GIT_SUBMODULE_STRATEGY", .value = "recursive" },
	      { .key = "GIT_SUBMODULE_DEPTH", .value = "3" } },
	    "recursive 3 1" },
	{ { { .key = "GIT_SUBMODULE_DEPTH", .value = "0" } }, "no 0 1" },
	{ { { .key = "GIT_SUBMODULE_DEPTH", .value = "-3" } }, "no 20 1" },
	{ { { .key = "GIT_SUBMODULE_PATHS", .value = " a  :(exclude)b/c" } },
	    "no 20 1 path=a path=:(exclude)b/c" },
	{ { { .key = "GIT_SUBMODULE_PATHS", .value = "$DIR/x" },
	      { .key = "DIR", .value = "lib" } },
	    "no 20 1 path=lib/x" },
	{ { { .key = "GIT_SUBMODULE_UPDATE_FLAGS",
	      .value = "--remote --jobs 4 -j 2 --depth=7" } },
	    "no 20 1 newest flag=--remote flag=--jobs=4 flag=--jobs=2 flag=--depth=7" },
	{ { { .key = "GIT_SUBMODULE_UPDATE_FLAGS",
	      .value = "--reference /x --upload-pack=y -j;z --filter=$(id)" } },
	    "no 20 1 left out: --reference=/x --upload-pack=y -j;z --filter=$(id)" },
	{ { { .key = "GIT_FETCH_EXTRA_FLAGS", .value = "--prune --tags" } },
	    "no 20 1 tags" },
	{ { { .key = "GIT_LFS_SKIP_SMUDGE", .value = "1" } }, "no 20 1 skip" },
	{ { { .key = "GIT_LFS_SKIP_SMUDGE", .value = "TRUE" } }, "no 20 1 skip" },
	{ { { .key = "GIT_LFS_SKIP_SMUDGE", .value = "0" } }, "no 20 1" },
	{ { { .key = "GIT_SUBMODULE_FORCE_HTTPS", .value = "true" } }, "no 20 1 https" },
	{ { { .key = "GET_SOURCES_ATTEMPTS", .value = "3" } }, "no 20 3" },
	{ { { .key = "GET_SOURCES_ATTEMPTS", .value = "99" } }, "no 20 10" },
	{ { { .key = "GET_SOURCES_ATTEMPTS", .value = "x" } }, "no 20 1" },
	{ { { .key = "GIT_STRATEGY", .value = "clone" } }, "no 20 1" },
	{ { { .key = "GIT_STRATEGY", .value = "pull" } },
	    "!GIT_STRATEGY is \"pull\"; it may be one of fetch, clone, none, empty" },
	{ { { .key = "GIT_SUBMODULE_STRATEGY", .value = "deep" } },
	    "!GIT_SUBMODULE_STRATEGY is \"deep\"; it may be one of none, normal, "
	    "recursive" },
};

static void
add_list(struct buf *b, const char *what, const struct strlist *list)
{
	for (size_t i = 0; i < list->count; i++)
		buf_printf(b, " %s=%s", what, list->items[i]);
}

/* The flags of the warnings, each on a line. */
static void
add_left_out(struct buf *b, const char *words)
{
	static const char before[] = "_FLAGS: ", after[] = " is left out";

	if (*words != '\0')
		buf_add_str(b, " left out:");
	for (const char *p = words; (p = strstr(p, before)) != NULL;) {
		const char *end = strstr(p, after);

		p += sizeof(before) - 1;
		ck_assert_ptr_nonnull(end);
		buf_printf(b, " %.*s", (int)(end - p), p);
	}
}

START_TEST(variables_say_what_is_wanted)
{
	struct job_payload job = { .git = { .depth = 20 },
		.variables = (struct job_variable *)(uintptr_t)jobs[_i].vars };
	cleanup_source_settings struct source_settings s = { .attempts = 1 };
	cleanup_buf struct buf got = BUF_INIT, words = BUF_INIT;
	struct error err = ERROR_INIT;

	while (job.variable_count < 3 && job.variables[job.variable_count].key != NULL)
		job.variable_count++;
	if (source_settings_read(&job, &s, &words, &err) < 0) {
		buf_printf(&got, "!%s", err.msg);
		ck_assert_int_eq(err.code, ERR_INVALID);
		ck_assert_str_eq(buf_str(&got), jobs[_i].want);
		return;
	}
	buf_printf(&got, "%s %d %u",
	    s.recursive        ? "recursive"
		: s.submodules ? "normal"
			       : "no",
	    (int)s.submodule_depth, s.attempts);
	buf_add_str(&got, s.submodule_newest ? " newest" : "");
	buf_add_str(&got, s.force_https ? " https" : "");
	buf_add_str(&got, s.skip_lfs ? " skip" : "");
	buf_add_str(&got, s.all_tags ? " tags" : "");
	add_list(&got, "path", &s.submodule_paths);
	add_list(&got, "flag", &s.submodule_flags);
	add_left_out(&got, buf_str(&words));
	ck_assert_str_eq(buf_str(&got), jobs[_i].want);
}
END_TEST

START_TEST(a_server_is_known_by_ssh_too)
{
	struct job_variable vars[] = { { .key = "CI_SERVER_SHELL_SSH_HOST",
					   .value = "ssh.example.org" },
		{ .key = "CI_SERVER_SHELL_SSH_PORT", .value = "2222" } };
	const struct job_payload job = { .variables = vars, .variable_count = 2 };
	cleanup_free char *server = source_server_of("https://ci.example.org:8443/a/b");
	cleanup_strlist struct strlist forms = STRLIST_INIT;
	static const char *const want[] = { "git@ci.example.org:",
		"ssh://git@ci.example.org/", "ssh://git@ci.example.org:2222/",
		"git@ssh.example.org:", "ssh://git@ssh.example.org/",
		"ssh://git@ssh.example.org:2222/" };

	ck_assert_str_eq(server, "https://ci.example.org:8443");
	ck_assert_str_eq(source_server_path(&job, server), "");
	vars[0].key = "CI_SERVER_URL";
	vars[0].value = "https://ci.example.org:8443/gitlab";
	ck_assert_str_eq(source_server_path(&job, server), "/gitlab");
	vars[0].value = "https://ci.example.org:8443";
	ck_assert_str_eq(source_server_path(&job, server), "");
	vars[0] = (struct job_variable){ .key = "CI_SERVER_SHELL_SSH_HOST",
		.value = "ssh.example.org" };
	source_ssh_forms(&job, server, &forms);
	ck_assert_uint_eq(forms.count, ARRAY_LEN(want));
	for (size_t i = 0; i < forms.count; i++)
		ck_assert_str_eq(forms.items[i], want[i]);
	ck_assert_ptr_null(source_server_of("git@ci.example.org:a/b"));
	ck_assert_ptr_null(source_server_of("/srv/a.git"));
}
END_TEST

static const struct {
	const char *key, *value, *want;
} lines[] = {
	{ "gc.auto", "0", "[gc]\n\tauto = \"0\"\n" },
	{ "url.http://a.b/.insteadOf",
	    "git@a.b:", "[url \"http://a.b/\"]\n\tinsteadOf = \"git@a.b:\"\n" },
	{ "url.h\"\\.insteadOf", "x\"\\",
	    "[url \"h\\\"\\\\\"]\n\tinsteadOf = \"x\\\"\\\\\"\n" },
	{ "gc.auto", "0\n[core]\nfsmonitor = touch",
	    "[gc]\n\tauto = \"0\\n[core]\\nfsmonitor = touch\"\n" },
	{ "url.a\"]\n[core.fsmonitor", "touch", "" },
	{ "no", "x", "" },
};

START_TEST(a_setting_is_one_setting)
{
	cleanup_buf struct buf text = BUF_INIT;

	git_env_add_line(&text, lines[_i].key, lines[_i].value);
	ck_assert_str_eq(buf_str(&text), lines[_i].want);
}
END_TEST

static const struct {
	const char *text, *want; /* or what the error says */
} clone_paths[] = {
	{ "$CI_BUILDS_DIR/go/src/x", "/builds/go/src/x" },
	{ "/builds/$CI_CONCURRENT_ID/$NAME", "/builds/3/app" },
	{ "${CI_BUILDS_DIR}//a/./b/../c", "/builds/a/c" },
	{ "", NULL },
	{ "/builds", "\"/builds\", which is not below CI_BUILDS_DIR (/builds)" },
	{ "/builds/", "not below" },
	{ "/builds/..", "not below" },
	{ "$CI_BUILDS_DIR/../etc", "not below" },
	{ "/builds2/x", "not below" },
	{ "/etc", "not below" },
	{ "go/src", "not below" },
};

START_TEST(a_clone_path_lies_below_all_builds)
{
	struct job_variable vars[] = { { .key = "GIT_CLONE_PATH",
					   .value = clone_paths[_i].text },
		{ .key = "NAME", .value = "app" } };
	const struct job_payload job = { .variables = vars, .variable_count = 2 };
	struct arena *arena = arena_new();
	const char *path = NULL;
	struct error err = ERROR_INIT;

	if (clone_path_find(&job, "/builds", 3, arena, &path, &err) == 0)
		ck_assert_pstr_eq(path, clone_paths[_i].want);
	else
		ck_assert_ptr_nonnull(strstr(err.msg, clone_paths[_i].want));
	ck_assert(err.code == 0 || path == NULL);
	arena_free(arena);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("source_settings");
	TCase *tc = tcase_create("source_settings");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tc, variables_say_what_is_wanted, 0, ARRAY_LEN(jobs));
	tcase_add_test(tc, a_server_is_known_by_ssh_too);
	tcase_add_loop_test(tc, a_setting_is_one_setting, 0, ARRAY_LEN(lines));
	tcase_add_loop_test(
	    tc, a_clone_path_lies_below_all_builds, 0, ARRAY_LEN(clone_paths));
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
