/* Which server and project a clone means, and the tokens that are kept. */
#include <check.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/path.h"
#include "cli/remote.h"

static const struct {
	const char *url, *server, *project, *token; /* server NULL: not understood */
} urls[] = {
	{ "http://host/a/b.git", "http://host", "a/b", NULL },
	{ "https://host:8443/a/b/c.git/", "https://host:8443", "a/b/c", NULL },
	{ "http://root:glpat-1@host/a/b", "http://host", "a/b", "glpat-1" },
	{ "http://root@host/a/b.git", "http://host", "a/b", NULL },
	{ "http://root:@host/a/b.git", "http://host", "a/b", NULL },
	{ "http://u:p%40q@host/a/b.git", "http://host", "a/b", "p@q" },
	{ "http://u:p@q@host/a/b.git", "http://host", "a/b", "p@q" },
	{ "HTTP://host/a/b.git", "HTTP://host", "a/b", NULL },
	{ "http://host/a%2Eb/c.git", "http://host", "a.b/c", NULL },
	{ "https://known/ci/a/b.git", "https://known/ci", "a/b", NULL },
	{ "https://u:t@known/ci/a/b.git", "https://known/ci", "a/b", "t" },
	{ "https://known/cia/b.git", "https://known", "cia/b", NULL },
	/* a line break in it would make a header of its own */
	{ "http://u:t%0d%0aX-Evil:1@host/a/b.git", "http://host", "a/b", NULL },
	{ "http://host/a/b%0ac.git", NULL, NULL, NULL },
	{ "http://host/only.git", NULL, NULL, NULL },
	{ "http://host/", NULL, NULL, NULL },
	{ "http://host", NULL, NULL, NULL },
	{ "http:///a/b.git", NULL, NULL, NULL },
	{ "http://u:t@/a/b.git", NULL, NULL, NULL },
	{ "git@host:a/b.git", NULL, NULL, NULL },
	{ "ssh://git@host/a/b.git", NULL, NULL, NULL },
	{ "file:///srv/a/b.git", NULL, NULL, NULL },
	{ "", NULL, NULL, NULL },
};

static struct login known[] = { { "https://known/ci", "kept" }, { "http://other", "o" } };

START_TEST(a_remote_is_a_server_and_a_project)
{
	cleanup_arena struct arena *arena = arena_new();
	const struct logins logins = { known, ARRAY_LEN(known) };
	struct remote r = { NULL };
	bool got = remote_read_url(urls[_i].url, &logins, NULL, arena, &r);

	ck_assert_msg(got == (urls[_i].server != NULL), "%s", urls[_i].url);
	if (!got)
		return;
	ck_assert_str_eq(r.server, urls[_i].server);
	ck_assert_str_eq(r.project, urls[_i].project);
	ck_assert_pstr_eq(r.token, urls[_i].token);
}
END_TEST

static const struct {
	const char *text, *want; /* NULL: refused */
} servers[] = {
	{ "http://host:8080", "http://host:8080" },
	{ "https://host/ci//", "https://host/ci" },
	{ "host:8080", NULL },
	{ "http://", NULL },
	{ "http:///", NULL },
	{ "http://root:token@host", NULL },
	{ "http://host/?x", NULL },
	{ "http://ho st", NULL },
	{ "http://host\r\nX: 1", NULL },
};

START_TEST(a_server_is_named_by_its_url)
{
	cleanup_arena struct arena *arena = arena_new();
	struct error err = ERROR_INIT;
	const char *got = NULL;
	int rc = remote_read_server(servers[_i].text, arena, &got, &err);

	ck_assert_msg((rc == 0) == (servers[_i].want != NULL), "%s", servers[_i].text);
	ck_assert_pstr_eq(got, servers[_i].want);
}
END_TEST

#define ORIGIN "remote.origin.url\nhttps://forge/a/b.git"
#define PAWL "remote.pawl.url\nhttp://pawl/c/d.git"
#define KNOWN "remote.x.y.url\nhttps://known/ci/e/f.git"
#define SECRET "remote.s.url\nhttp://root:t@secret/g/h.git"
#define SSH "remote.ssh.url\ngit@host:a/b.git"
#define PLAIN "remote.first.url\nhttp://first/i/j.git"
#define PUSH "remote.origin.pushurl\nhttp://push/k/l.git"

static const struct {
	const char *lines[5];
	const char *server, *project, *branch; /* said */
	const char *want; /* "server project token"; NULL: none is found */
} choices[] = {
	{ { ORIGIN }, NULL, NULL, NULL, "https://forge a/b -" },
	{ { ORIGIN, PAWL }, NULL, NULL, NULL, "http://pawl c/d -" },
	{ { ORIGIN, PAWL, SECRET, KNOWN }, NULL, NULL, NULL, "https://known/ci e/f -" },
	{ { ORIGIN, SECRET }, NULL, NULL, NULL, "http://secret g/h t" },
	{ { PLAIN, ORIGIN }, NULL, NULL, NULL, "https://forge a/b -" },
	{ { ORIGIN, PLAIN, "branch.main.remote\nfirst" }, NULL, NULL, "main",
	    "http://first i/j -" },
	{ { ORIGIN, PLAIN, "branch.other.remote\nfirst" }, NULL, NULL, "main",
	    "https://forge a/b -" },
	{ { SSH, PLAIN }, NULL, NULL, NULL, "http://first i/j -" },
	{ { "remote.origin.url\ngit@host:a/b.git", PUSH }, NULL, NULL, NULL,
	    "http://push k/l -" },
	{ { "core.bare\nfalse", "remote.url\nhttp://host/a/b", "novalue" }, NULL, NULL,
	    NULL, NULL },
	{ { SSH }, NULL, NULL, NULL, NULL },
	{ { NULL }, NULL, NULL, NULL, NULL },
	/* what is said comes first, and its remote's path and token with it */
	{ { KNOWN, SECRET }, "http://secret", NULL, NULL, "http://secret g/h t" },
	{ { KNOWN, SECRET }, "http://secret", "m/n", NULL, "http://secret m/n t" },
	{ { KNOWN, SECRET }, "http://new", "m/n", NULL, "http://new m/n -" },
	{ { KNOWN, SECRET }, "http://new", NULL, NULL, "http://new - -" },
	{ { KNOWN, PAWL }, NULL, "m/n", NULL, "https://known/ci m/n -" },
	{ { NULL }, "http://new", "m/n", NULL, "http://new m/n -" },
	{ { "remote.o.url\nhttp://below/path/a/b.git" }, "http://below/path", NULL, NULL,
	    "http://below/path a/b -" },
};

START_TEST(one_remote_is_chosen)
{
	cleanup_arena struct arena *arena = arena_new();
	const struct logins logins = { known, ARRAY_LEN(known) };
	cleanup_strlist struct strlist config = STRLIST_INIT;
	const struct remote_wanted wanted = { .server = choices[_i].server,
		.project = choices[_i].project,
		.config = &config,
		.branch = choices[_i].branch,
		.logins = &logins };
	struct error err = ERROR_INIT;
	struct remote r = { NULL };
	int rc;

	for (size_t i = 0; choices[_i].lines[i] != NULL; i++)
		strlist_add(&config, choices[_i].lines[i]);
	rc = remote_choose(&wanted, arena, &r, &err);
	if (choices[_i].want == NULL) {
		ck_assert_int_eq(rc, ERR_MISSING);
		ck_assert_msg(strstr(err.msg, "--server URL") != NULL, "%s", err.msg);
		return;
	}
	ck_assert_int_eq(rc, 0);
	ck_assert_str_eq(
	    arena_printf(arena, "%s %s %s", r.server, r.project != NULL ? r.project : "-",
		r.token != NULL ? r.token : "-"),
	    choices[_i].want);
}
END_TEST

START_TEST(the_only_login_is_the_server)
{
	cleanup_arena struct arena *arena = arena_new();
	const struct logins logins = { known, 1 };
	const struct remote_wanted wanted = { .project = "m/n", .logins = &logins };
	struct error err = ERROR_INIT;
	struct remote r = { NULL };

	ck_assert_int_eq(remote_choose(&wanted, arena, &r, &err), 0);
	ck_assert_str_eq(r.server, "https://known/ci");
	ck_assert_str_eq(r.project, "m/n");
}
END_TEST

/* ---- logins ------------------------------------------------------------------ */

static char dir[] = "/tmp/pawl-logins-XXXXXX";
static char *path;

static void
make_dir(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	path = xasprintf("%s/made/here/servers.json", dir);
}

static void
remove_dir(void)
{
	ck_assert_int_eq(path_remove_tree(-100, dir, NULL), 0);
	memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
	free(path);
}

static void
keep(const char *url, const char *token)
{
	struct error err = ERROR_INIT;

	if (logins_keep(path, url, token, &err) < 0)
		ck_abort_msg("%s", err.msg);
}

START_TEST(a_login_replaces_that_of_its_server_only)
{
	cleanup_arena struct arena *arena = arena_new();
	struct error err = ERROR_INIT;
	struct logins l;

	keep("http://a", "one");
	keep("http://b", "two");
	keep("http://a", "three \"quoted\"");
	ck_assert_int_eq(logins_load(path, arena, &l, &err), 0);
	ck_assert_uint_eq(l.count, 2);
	ck_assert_str_eq(logins_token(&l, "http://a"), "three \"quoted\"");
	ck_assert_str_eq(logins_token(&l, "http://b"), "two");
	ck_assert_ptr_null(logins_token(&l, "http://a/"));
}
END_TEST

START_TEST(only_the_owner_reads_tokens)
{
	struct stat st;

	keep("http://a", "one");
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
}
END_TEST

static const struct {
	const char *text, *message;
} damaged[] = {
	{ "{", "servers.json" },
	{ "{\"v\":2,\"servers\":[]}", "another release" },
	{ "{\"v\":1,\"servers\":[{\"url\":\"http://a\"}]}", "no token" },
	{ "{\"v\":1,\"servers\":{}}", "servers" },
};

START_TEST(a_damaged_file_is_named_and_kept)
{
	cleanup_arena struct arena *arena = arena_new();
	cleanup_buf struct buf after = BUF_INIT;
	struct error err = ERROR_INIT;
	struct logins l;

	keep("http://a", "one");
	ck_assert_int_eq(
	    path_write_file(path, damaged[_i].text, strlen(damaged[_i].text), 0600, &err),
	    0);
	ck_assert_int_lt(logins_load(path, arena, &l, &err), 0);
	ck_assert_msg(strstr(err.msg, damaged[_i].message) != NULL, "%s", err.msg);
	ck_assert_int_lt(logins_keep(path, "http://b", "two", &err), 0);
	ck_assert_int_eq(buf_read_file(&after, path, 4096, &err), 0);
	ck_assert_str_eq(buf_str(&after), damaged[_i].text);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("remote");
	TCase *choice = tcase_create("choice"), *kept = tcase_create("logins");
	SRunner *runner = srunner_create(s);
	int failed;

	tcase_add_loop_test(
	    choice, a_remote_is_a_server_and_a_project, 0, ARRAY_LEN(urls));
	tcase_add_loop_test(choice, a_server_is_named_by_its_url, 0, ARRAY_LEN(servers));
	tcase_add_loop_test(choice, one_remote_is_chosen, 0, ARRAY_LEN(choices));
	tcase_add_test(choice, the_only_login_is_the_server);
	tcase_add_checked_fixture(kept, make_dir, remove_dir);
	tcase_add_test(kept, a_login_replaces_that_of_its_server_only);
	tcase_add_test(kept, only_the_owner_reads_tokens);
	tcase_add_loop_test(
	    kept, a_damaged_file_is_named_and_kept, 0, ARRAY_LEN(damaged));
	suite_add_tcase(s, choice);
	suite_add_tcase(s, kept);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
