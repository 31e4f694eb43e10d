/* The predefined variables, for events of several kinds. */
#include <check.h>

#include "scheduler/predefined.h"

static struct arena *arena;
static struct vars vars;
static struct event event;

static void
setup(void)
{
	arena = arena_new();
	vars_init(&vars, arena, NULL);
	event = (struct event){
		.sha = "0123456789abcdef0123456789abcdef01234567",
		.ref = "feature/A",
		.default_branch = "main",
		.message = "Title costs $5\n\nText\nof it\n",
		.author = "Ann <ann@example.org>",
		.timestamp = "2024-01-01T00:00:00+00:00",
		.source = "push",
		.pipeline_id = 7,
		.pipeline_iid = 3,
		.created_at = "2024-01-02T00:00:00Z",
		.project_id = 11,
		.project_path = "group/sub/my.name",
		.project_visibility = "private",
		.repo_url = "/srv/repo",
		.server_url = "https://ci.example.org:8443",
		.user_id = 5,
		.user_login = "ann",
		.user_name = "Ann",
		.user_email = "ann@example.org",
	};
}

static void
teardown(void)
{
	vars_clear(&vars);
	arena_free(arena);
}

static void
expect(const char *name, const char *want)
{
	const char *got = vars_value(&vars, name);

	if (want == NULL)
		ck_assert_msg(got == NULL, "%s is \"%s\", should not be set", name, got);
	else
		ck_assert_msg(got != NULL && strcmp(got, want) == 0,
		    "%s is \"%s\", not \"%s\"", name, got == NULL ? "(not set)" : got,
		    want);
}

static const struct {
	const char *name, *want;
} pushed[] = {
	{ "CI", "true" },
	{ "GITLAB_CI", "true" },
	{ "CI_COMMIT_SHA", "0123456789abcdef0123456789abcdef01234567" },
	{ "CI_COMMIT_SHORT_SHA", "01234567" },
	{ "CI_COMMIT_BEFORE_SHA", "0000000000000000000000000000000000000000" },
	{ "CI_COMMIT_REF_NAME", "feature/A" },
	{ "CI_COMMIT_REF_SLUG", "feature-a" },
	{ "CI_COMMIT_BRANCH", "feature/A" },
	{ "CI_COMMIT_TAG", NULL },
	{ "CI_COMMIT_TAG_MESSAGE", NULL },
	{ "CI_COMMIT_REF_PROTECTED", "false" },
	{ "CI_COMMIT_MESSAGE", "Title costs $5\n\nText\nof it\n" },
	{ "CI_COMMIT_TITLE", "Title costs $5" },
	{ "CI_COMMIT_DESCRIPTION", "Text\nof it" },
	{ "CI_COMMIT_AUTHOR", "Ann <ann@example.org>" },
	{ "CI_COMMIT_TIMESTAMP", "2024-01-01T00:00:00+00:00" },
	{ "CI_DEFAULT_BRANCH", "main" },
	{ "CI_CONFIG_PATH", ".gitlab-ci.yml" },
	{ "CI_PIPELINE_SOURCE", "push" },
	{ "CI_PIPELINE_IID", "3" },
	{ "CI_PIPELINE_CREATED_AT", "2024-01-02T00:00:00Z" },
	{ "CI_PIPELINE_TRIGGERED", NULL },
	{ "CI_PROJECT_ID", "11" },
	{ "CI_PROJECT_PATH", "group/sub/my.name" },
	{ "CI_PROJECT_PATH_SLUG", "group-sub-my-name" },
	{ "CI_PROJECT_NAME", "my.name" },
	{ "CI_PROJECT_TITLE", "my.name" },
	{ "CI_PROJECT_NAMESPACE", "group/sub" },
	{ "CI_PROJECT_ROOT_NAMESPACE", "group" },
	{ "CI_PROJECT_URL", "https://ci.example.org:8443/group/sub/my.name" },
	{ "CI_PROJECT_VISIBILITY", "private" },
	{ "CI_SERVER_URL", "https://ci.example.org:8443" },
	{ "CI_SERVER_PROTOCOL", "https" },
	{ "CI_SERVER_HOST", "ci.example.org" },
	{ "CI_SERVER_PORT", "8443" },
	{ "CI_SERVER_FQDN", "ci.example.org:8443" },
	{ "CI_SERVER_NAME", "pawl" },
	{ "CI_API_V4_URL", "https://ci.example.org:8443/api/v4" },
	{ "GITLAB_USER_ID", "5" },
	{ "GITLAB_USER_LOGIN", "ann" },
	{ "GITLAB_USER_NAME", "Ann" },
	{ "GITLAB_USER_EMAIL", "ann@example.org" },
	/* of jobs, so never of rules */
	{ "CI_PIPELINE_ID", NULL },
	{ "CI_PIPELINE_URL", NULL },
	{ "CI_JOB_ID", NULL },
	{ "CI_SERVER", NULL },
};

START_TEST(push_to_a_branch)
{
	predefined_set(&vars, &event);
	expect(pushed[_i].name, pushed[_i].want);
}
END_TEST

START_TEST(tag_is_no_branch)
{
	event.is_tag = true;
	event.ref = "v1.0";
	event.ref_is_protected = true;
	predefined_set(&vars, &event);
	expect("CI_COMMIT_TAG", "v1.0");
	expect("CI_COMMIT_TAG_MESSAGE", "");
	expect("CI_COMMIT_BRANCH", NULL);
	expect("CI_COMMIT_REF_NAME", "v1.0");
	expect("CI_COMMIT_REF_PROTECTED", "true");
}
END_TEST

START_TEST(merge_request_has_no_branch)
{
	event.source = "merge_request_event";
	predefined_set(&vars, &event);
	expect("CI_COMMIT_BRANCH", NULL);
	expect("CI_COMMIT_REF_NAME", "feature/A");
}
END_TEST

START_TEST(trigger_says_so)
{
	event.source = "trigger";
	predefined_set(&vars, &event);
	expect("CI_PIPELINE_TRIGGERED", "true");
}
END_TEST

START_TEST(previous_tip_is_told)
{
	event.before_sha = "fedc";
	predefined_set(&vars, &event);
	expect("CI_COMMIT_BEFORE_SHA", "fedc");
}
END_TEST

START_TEST(long_title_leaves_the_message_whole)
{
	event.message =
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\nb";
	predefined_set(&vars, &event);
	expect("CI_COMMIT_DESCRIPTION", event.message);
}
END_TEST

START_TEST(texts_of_people_are_not_expanded)
{
	predefined_set(&vars, &event);
	ck_assert(vars_get(&vars, "CI_COMMIT_MESSAGE")->raw);
}
END_TEST

START_TEST(nothing_known_is_nothing_set)
{
	struct event empty = { .sha = NULL };

	predefined_set(&vars, &empty);
	expect("CI", "true");
	expect("CI_COMMIT_SHA", NULL);
	expect("CI_PROJECT_PATH", NULL);
	expect("CI_PROJECT_TITLE", NULL);
	expect("CI_SERVER_URL", NULL);
	expect("GITLAB_USER_ID", NULL);
}
END_TEST

static const struct {
	const char *url, *protocol, *host, *port;
} urls[] = {
	{ "http://localhost", "http", "localhost", "80" },
	{ "https://a.b/gitlab", "https", "a.b", "443" },
	{ "http://[::1]:9", "http", "[::1]", "9" },
	{ "http://[::1]", "http", "[::1]", "80" },
};

START_TEST(server_url_is_taken_apart)
{
	event.server_url = urls[_i].url;
	predefined_set(&vars, &event);
	expect("CI_SERVER_PROTOCOL", urls[_i].protocol);
	expect("CI_SERVER_HOST", urls[_i].host);
	expect("CI_SERVER_PORT", urls[_i].port);
}
END_TEST

START_TEST(project_without_a_group)
{
	event.project_path = "alone";
	predefined_set(&vars, &event);
	expect("CI_PROJECT_NAME", "alone");
	expect("CI_PROJECT_NAMESPACE", "");
	expect("CI_PROJECT_ROOT_NAMESPACE", "");
}
END_TEST

START_TEST(job_has_its_own)
{
	struct plan_job job = { .when = WHEN_ON_SUCCESS };

	predefined_set_job(&vars, &event, &job, 42, "secret-token", false);
	expect("CI_JOB_ID", "42");
	expect("CI_JOB_URL", "https://ci.example.org:8443/group/sub/my.name/-/jobs/42");
	expect("CI_PIPELINE_ID", "7");
	expect("CI_PIPELINE_URL",
	    "https://ci.example.org:8443/group/sub/my.name/-/pipelines/7");
	expect("CI_SERVER", "yes");
	expect("CI_REPOSITORY_URL", "/srv/repo");
	expect("CI_JOB_MANUAL", NULL);
	ck_assert(vars_get(&vars, "CI_JOB_TOKEN")->masked);
}
END_TEST

START_TEST(job_without_a_token_has_none)
{
	struct plan_job job = { .when = WHEN_MANUAL };

	predefined_set_job(&vars, &event, &job, 42, NULL, false);
	expect("CI_JOB_TOKEN", NULL);
	expect("CI_JOB_MANUAL", "true");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("predefined");
	TCase *tc = tcase_create("predefined");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, push_to_a_branch, 0, ARRAY_LEN(pushed));
	tcase_add_test(tc, tag_is_no_branch);
	tcase_add_test(tc, merge_request_has_no_branch);
	tcase_add_test(tc, trigger_says_so);
	tcase_add_test(tc, previous_tip_is_told);
	tcase_add_test(tc, long_title_leaves_the_message_whole);
	tcase_add_test(tc, texts_of_people_are_not_expanded);
	tcase_add_test(tc, nothing_known_is_nothing_set);
	tcase_add_loop_test(tc, server_url_is_taken_apart, 0, ARRAY_LEN(urls));
	tcase_add_test(tc, project_without_a_group);
	tcase_add_test(tc, job_has_its_own);
	tcase_add_test(tc, job_without_a_token_has_none);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
