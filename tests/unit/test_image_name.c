/* Names of images, as Docker reads them. */
#include <check.h>

#include "base/str.h"
#include "executors/container/image_name.h"

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define A50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* text, how it is written in full, what skopeo is given */
static const struct {
	const char *text, *full, *source;
} names[] = {
	{ "ruby", "docker.io/library/ruby:latest",
	    "docker://docker.io/library/ruby:latest" },
	{ "ruby:2.7", "docker.io/library/ruby:2.7",
	    "docker://docker.io/library/ruby:2.7" },
	{ "team/app", "docker.io/team/app:latest", "docker://docker.io/team/app:latest" },
	{ "docker.io/ruby", "docker.io/library/ruby:latest",
	    "docker://docker.io/library/ruby:latest" },
	{ "index.docker.io/team/app:1", "docker.io/team/app:1",
	    "docker://docker.io/team/app:1" },
	{ "docker://ruby:1", "docker.io/library/ruby:1",
	    "docker://docker.io/library/ruby:1" },
	{ "localhost/app", "localhost/app:latest", "docker://localhost/app:latest" },
	{ "localhost:5000/app:x", "localhost:5000/app:x",
	    "docker://localhost:5000/app:x" },
	{ "host/app", "docker.io/host/app:latest", "docker://docker.io/host/app:latest" },
	{ "HOST/app", "HOST/app:latest", "docker://HOST/app:latest" },
	{ "host:1/app", "host:1/app:latest", "docker://host:1/app:latest" },
	{ "[::1]:5000/app", "[::1]:5000/app:latest", "docker://[::1]:5000/app:latest" },
	{ "registry.example.org/a/b/c-d__e.f:V1.0-rc_2",
	    "registry.example.org/a/b/c-d__e.f:V1.0-rc_2",
	    "docker://registry.example.org/a/b/c-d__e.f:V1.0-rc_2" },
	{ "ruby@" DIGEST, "docker.io/library/ruby@" DIGEST,
	    "docker://docker.io/library/ruby@" DIGEST },
	{ "ruby:2.7@" DIGEST, "docker.io/library/ruby:2.7@" DIGEST,
	    "docker://docker.io/library/ruby@" DIGEST },
	{ "oci:latest", "docker.io/library/oci:latest",
	    "docker://docker.io/library/oci:latest" },
	{ "oci:5000/app", "oci:5000/app:latest", "docker://oci:5000/app:latest" },
	{ "oci:./img", "oci:/here/./img", "oci:/here/./img" },
	{ "oci:/a/b:tag", "oci:/a/b:tag", "oci:/a/b:tag" },
	{ "oci-archive:../x.tar", "oci-archive:/here/../x.tar",
	    "oci-archive:/here/../x.tar" },
	{ "docker-archive:/x.tar:team/app:1", "docker-archive:/x.tar:team/app:1",
	    "docker-archive:/x.tar:team/app:1" },
};

START_TEST(name_is_read)
{
	cleanup_image_name struct image_name n = { .kind = IMAGE_REGISTRY };
	cleanup_free char *full = NULL, *source = NULL;
	struct error err = ERROR_INIT;

	if (image_name_parse(names[_i].text, "/here", &n, &err) < 0)
		ck_abort_msg("%s", err.msg);
	full = image_name_text(&n);
	source = image_name_source(&n, NULL, NULL);
	ck_assert_str_eq(full, names[_i].full);
	ck_assert_str_eq(source, names[_i].source);
}
END_TEST

static const struct {
	const char *text, *words;
} mistakes[] = {
	{ "", "the name is empty" },
	{ " ", "the name is empty" },
	{ "Ruby", "lower case" },
	{ "team/Ruby:1", "lower case" },
	{ "ruby:", "a tag has" },
	{ "ruby:-1", "a tag has" },
	{ "ruby:" A50 A50 A50, "a tag has" },
	{ "ruby@sha256:12", "after @ comes a digest" },
	{ "ruby@sha512:12", "after @ comes a digest" },
	{ "ruby@" DIGEST "0", "after @ comes a digest" },
	{ "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	    "are an id" },
	{ "a..b", "lower-case letters" },
	{ "a___b", "lower-case letters" },
	{ "-a", "lower-case letters" },
	{ "a/", "lower-case letters" },
	{ "a//b", "lower-case letters" },
	{ "/a", "lower-case letters" },
	{ "a b", "lower-case letters" },
	{ "a\n", "lower-case letters" },
	{ "host.org/", "it has no name" },
	{ "ho$t.org/a", "no valid host" },
	{ "-h.org/a", "no valid host" },
	{ "h-.org/a", "no valid host" },
	{ "h..org/a", "no valid host" },
	{ ".org/a", "no valid host" },
	{ "h.org:/a", "no valid host" },
	{ "h.org:12a/a", "no valid host" },
	{ "h.org:123456/a", "no valid host" },
	{ "[::1/a", "no valid host" },
	{ "h.org/" A50 A50 A50 A50 A50, "longer than 255" },
	{ "oci:/a:b c", "tag is not valid" },
	{ "oci:/a:", "tag is empty" },
	{ "--help", "lower-case letters" },
};

START_TEST(mistake_is_named)
{
	struct image_name n = { .kind = IMAGE_REGISTRY };
	struct error err = ERROR_INIT;

	ck_assert_int_eq(
	    image_name_parse(mistakes[_i].text, "/here", &n, &err), ERR_INVALID);
	ck_assert_msg(strstr(err.msg, mistakes[_i].words) != NULL, "%s", err.msg);
	ck_assert_ptr_null(strchr(err.msg, '\n'));
	ck_assert_ptr_null(n.path);
}
END_TEST

START_TEST(strangers_name_no_files)
{
	static const char *const texts[] = { "oci:/a", "oci:./a", "oci:../a",
		"oci-archive:/a", "docker-archive:/a:b" };
	struct image_name n = { .kind = IMAGE_REGISTRY };
	struct error err = ERROR_INIT;

	ck_assert_int_eq(image_name_parse(texts[_i], NULL, &n, &err), ERR_INVALID);
	ck_assert_msg(strstr(err.msg, "cannot be named here") != NULL, "%s", err.msg);
}
END_TEST

START_TEST(another_place_can_stand_for_its_own)
{
	cleanup_image_name struct image_name n = { .kind = IMAGE_REGISTRY };
	cleanup_free char *by_tag = NULL, *by_digest = NULL;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(image_name_parse("ruby:2.7", NULL, &n, &err), 0);
	by_tag = image_name_source(&n, "mirror:5000/hub/library/ruby", NULL);
	by_digest = image_name_source(&n, "mirror:5000/hub/library/ruby", DIGEST);
	ck_assert_str_eq(by_tag, "docker://mirror:5000/hub/library/ruby:2.7");
	ck_assert_str_eq(by_digest, "docker://mirror:5000/hub/library/ruby@" DIGEST);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("image_name");
	TCase *tc = tcase_create("image_name");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tc, name_is_read, 0, (int)ARRAY_LEN(names));
	tcase_add_loop_test(tc, mistake_is_named, 0, (int)ARRAY_LEN(mistakes));
	tcase_add_loop_test(tc, strangers_name_no_files, 0, 5);
	tcase_add_test(tc, another_place_can_stand_for_its_own);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
