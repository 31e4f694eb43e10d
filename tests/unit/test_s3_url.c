/* Signed addresses, against the example of their specification. */
#include <check.h>

#include "runner/s3_url.h"

/* 2013-05-24T00:00:00Z, the time of the example */
#define THEN 1369353600

static const struct s3_keys keys = { .access_key = "AKIAIOSFODNN7EXAMPLE",
	.secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" };

static const struct s3_bucket aws = {
	.host = "s3.amazonaws.com", .name = "examplebucket", .region = "us-east-1"
};

static const struct s3_bucket lan = { .host = "minio.lan:9000",
	.name = "ci",
	.region = "us-east-1",
	.insecure = true,
	.path_style = true };

START_TEST(signs_as_specified)
{
	cleanup_free char *url = s3_url_sign(&aws, &keys, "GET", "test.txt", THEN, 86400);

	ck_assert_str_eq(url,
	    "https://examplebucket.s3.amazonaws.com/test.txt"
	    "?X-Amz-Algorithm=AWS4-HMAC-SHA256"
	    "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2F"
	    "aws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400"
	    "&X-Amz-SignedHeaders=host&X-Amz-Signature="
	    "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}
END_TEST

START_TEST(bucket_may_be_part_of_the_path)
{
	cleanup_free char *url =
	    s3_url_sign(&lan, &keys, "PUT", "runner/a b/ä+=", THEN, 60);

	ck_assert_msg(
	    strncmp(url, "http://minio.lan:9000/ci/runner/a%20b/%C3%A4%2B%3D?",
		strlen("http://minio.lan:9000/ci/runner/a%20b/%C3%A4%2B%3D?")) == 0,
	    "%s", url);
}
END_TEST

START_TEST(token_of_a_session_is_signed)
{
	struct s3_keys with = keys;
	cleanup_free char *url = NULL, *without = NULL;

	with.session_token = "tok/en";
	url = s3_url_sign(&lan, &with, "GET", "x", THEN, 60);
	without = s3_url_sign(&lan, &keys, "GET", "x", THEN, 60);
	ck_assert_ptr_nonnull(strstr(url, "&X-Amz-Security-Token=tok%2Fen&"));
	ck_assert_str_ne(strstr(url, "Signature="), strstr(without, "Signature="));
}
END_TEST

START_TEST(no_longer_than_a_store_takes)
{
	cleanup_free char *url =
	    s3_url_sign(&lan, &keys, "GET", "x", THEN, INT64_C(1) << 40);

	ck_assert_ptr_nonnull(strstr(url, "&X-Amz-Expires=604800&"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("s3_url");
	TCase *tc = tcase_create("s3_url");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tc, signs_as_specified);
	tcase_add_test(tc, bucket_may_be_part_of_the_path);
	tcase_add_test(tc, token_of_a_session_is_signed);
	tcase_add_test(tc, no_longer_than_a_store_takes);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
