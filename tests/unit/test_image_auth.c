/* Which registry is shown which credentials. */
#include <check.h>

#include "executors/container/image_auth.h"
#include "protocol/job.h"

#define FIRST "Zmlyc3Q6Zmlyc3Q="

/* Two texts, the second one of this machine's owner; the repository; what is shown. */
static const struct {
	const char *first, *second, *repository, *shown;
} finds[] = {
	{ "{\"auths\": {\"r.org\": {\"auth\": \"one\"}}}", NULL, "r.org/a/b",
	    "{\"auths\":{\"r.org\":{\"auth\":\"one\"}}}" },
	{ "{\"auths\": {\"https://r.org/v1/\": {\"auth\": \"one\"}}}", NULL, "r.org/a",
	    "{\"auths\":{\"r.org\":{\"auth\":\"one\"}}}" },
	{ "{\"auths\": {\"r.org:5000\": {\"auth\": \"one\"}}}", NULL, "r.org/a", "" },
	{ "{\"auths\": {\"r.or\": {\"auth\": \"one\"}}}", NULL, "r.org/a", "" },
	{ "{\"auths\": {\"r.org/a\": {\"auth\": \"one\"}}}", NULL, "r.org/ab", "" },
	{ "{\"auths\": {\"\": {\"auth\": \"one\"}}}", NULL, "r.org/ab", "" },
	{ "{\"auths\": {\"r.org\": {\"auth\": \"one\"}, \"r.org/a\": {\"auth\": "
	  "\"two\"}}}",
	    NULL, "r.org/a/b", "{\"auths\":{\"r.org\":{\"auth\":\"two\"}}}" },
	/* the first place that has any */
	{ "{\"auths\": {\"r.org\": {\"auth\": \"one\"}}}",
	    "{\"auths\": {\"r.org/a\": {\"auth\": \"two\"}}}", "r.org/a",
	    "{\"auths\":{\"r.org\":{\"auth\":\"one\"}}}" },
	{ "{\"auths\": {\"s.org\": {\"auth\": \"one\"}}}",
	    "{\"auths\": {\"r.org\": {\"auth\": \"two\"}}}", "r.org/a",
	    "{\"auths\":{\"r.org\":{\"auth\":\"two\"}}}" },
	/* what docker leaves for its helpers is none */
	{ "{\"auths\": {\"r.org\": {}}}", "{\"auths\": {\"r.org\": {\"auth\": \"two\"}}}",
	    "r.org/a", "{\"auths\":{\"r.org\":{\"auth\":\"two\"}}}" },
	{ "{\"auths\": {\"r.org\": {\"username\": \"first\", \"password\": \"first\"}}}",
	    NULL, "r.org/a", "{\"auths\":{\"r.org\":{\"auth\":\"" FIRST "\"}}}" },
	/* Docker's own registry has many names */
	{ "{\"auths\": {\"https://index.docker.io/v1/\": {\"auth\": \"one\"}}}", NULL,
	    "docker.io/library/a", "{\"auths\":{\"docker.io\":{\"auth\":\"one\"}}}" },
	/* helpers are programs: only the owner of the machine may name them */
	{ "{\"credHelpers\": {\"r.org\": \"ecr\"}, \"credsStore\": \"pass\"}", NULL,
	    "r.org/a", "" },
	{ NULL, "{\"credHelpers\": {\"r.org\": \"ecr-login\"}}", "r.org/a",
	    "{\"credHelpers\":{\"r.org\":\"ecr-login\"}}" },
	{ NULL, "{\"credHelpers\": {\"r.org\": \"../../evil\"}}", "r.org/a", "" },
	{ NULL, "{\"auths\": {\"r.org\": {}}, \"credsStore\": \"pass\"}", "r.org/a",
	    "{\"credHelpers\":{\"r.org\":\"pass\"}}" },
	{ "", "  ", "r.org/a", "" },
	{ "{\"auths\": 1}", "{\"auths\": {\"r.org\": 1}}", "r.org/a", "" },
};

START_TEST(shown_is_what_fits)
{
	struct image_auth_source sources[] = { { "first", finds[_i].first, false },
		{ "second", finds[_i].second, true } };
	struct image_auth auth = { .sources = sources, .source_count = 2 };
	cleanup_strlist struct strlist warnings = STRLIST_INIT;
	cleanup_buf struct buf out = BUF_INIT;

	image_auth_find(&auth, finds[_i].repository, &out, &warnings);
	ck_assert_str_eq(buf_str(&out), finds[_i].shown);
	ck_assert_uint_eq(warnings.count, 0);
}
END_TEST

START_TEST(credentials_of_the_job_come_last)
{
	struct job_credential credentials[] = {
		{ "other", "r.org", "x", "x" },
		{ "registry", "s.org", "x", "x" },
		{ "registry", "r.org", "first", "first" },
	};
	struct image_auth_source source = { "a", NULL, false };
	struct image_auth auth = { &source, 1, credentials, ARRAY_LEN(credentials) };
	cleanup_strlist struct strlist warnings = STRLIST_INIT;
	cleanup_buf struct buf out = BUF_INIT, other = BUF_INIT;

	image_auth_find(&auth, "r.org/a", &out, &warnings);
	ck_assert_str_eq(
	    buf_str(&out), "{\"auths\":{\"r.org\":{\"auth\":\"" FIRST "\"}}}");
	source.json = "{\"auths\": {\"r.org\": {\"auth\": \"one\"}}}";
	image_auth_find(&auth, "r.org/a", &other, &warnings);
	ck_assert_str_eq(buf_str(&other), "{\"auths\":{\"r.org\":{\"auth\":\"one\"}}}");
}
END_TEST

START_TEST(what_cannot_be_read_is_said)
{
	static const char *const texts[] = { "nonsense", "[]", "{\"auths\"" };
	struct image_auth_source source = { "DOCKER_AUTH_CONFIG", texts[_i], false };
	struct image_auth auth = { .sources = &source, .source_count = 1 };
	cleanup_strlist struct strlist warnings = STRLIST_INIT;
	cleanup_buf struct buf out = BUF_INIT;

	image_auth_find(&auth, "r.org/a", &out, &warnings);
	ck_assert_uint_eq(warnings.count, 1);
	ck_assert_ptr_nonnull(strstr(
	    warnings.items[0], "DOCKER_AUTH_CONFIG is not used: it is no JSON object"));
	ck_assert_ptr_null(strstr(warnings.items[0], "nonsense")); /* it may be secret */
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("image_auth");
	TCase *tc = tcase_create("image_auth");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tc, shown_is_what_fits, 0, (int)ARRAY_LEN(finds));
	tcase_add_test(tc, credentials_of_the_job_come_last);
	tcase_add_loop_test(tc, what_cannot_be_read_is_said, 0, 3);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
