/* What registries say of images. */
#include <check.h>

#include "base/buf.h"
#include "base/str.h"
#include "executors/container/image_manifest.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"
#define D(n) "sha256:" HEX #n
#define BLOB(type, n)                                                                    \
	"{\"mediaType\": \"" type "\", \"digest\": \"" D(n) "\", \"size\": 1" #n "}"
#define OCI "application/vnd.oci.image."
#define DOCKER "application/vnd.docker."
#define ON(os, arch, variant, n)                                                         \
	"{\"digest\": \"" D(n) "\", \"platform\": {\"os\": \"" os                        \
			       "\", \"architecture\": \"" arch                           \
			       "\", \"variant\": \"" variant "\"}}"

static const char list[] = "{\"manifests\": [" ON("unknown", "unknown", "", 0) "," ON(
    "linux", "arm", "v5", 1) "," ON("linux", "arm", "v6", 2) "," ON("linux", "amd64", "",
    3) "," ON("linux", "arm64", "v8", 4) "," ON("windows", "amd64", "", 5) "]}";

static const struct {
	const char *platform, *instance;
} choices[] = {
	{ "linux/amd64", D(3) },
	{ "x86_64", D(3) },
	{ "linux/arm64", D(4) },
	{ "linux/aarch64", D(4) },
	{ "linux/arm64/v8", D(4) },
	{ "linux/arm/v6", D(2) },
	{ "linux/arm/v7", D(2) },
	{ "armhf", D(2) },
	{ "linux/arm/v5", D(1) },
	{ "linux/arm/v4", NULL },
	{ "windows/amd64", D(5) },
	{ "linux/s390x", NULL },
};

START_TEST(platform_chooses)
{
	cleanup_arena struct arena *arena = arena_new();
	struct image_manifest m;
	struct image_platform p;
	struct error err = ERROR_INIT;
	int rc;

	ck_assert_int_eq(image_platform_parse(choices[_i].platform, &p, &err), 0);
	rc = image_manifest_parse(list, sizeof(list) - 1, &p, arena, &m, &err);
	if (choices[_i].instance != NULL) {
		ck_assert_msg(rc == 0, "%s", err.msg);
		ck_assert_str_eq(m.instance, choices[_i].instance);
		return;
	}
	ck_assert_int_eq(rc, ERR_MISSING);
	ck_assert_msg(strstr(err.msg,
			  "but for linux/arm/v5, linux/arm/v6, linux/amd64, "
			  "linux/arm64/v8, windows/amd64") != NULL,
	    "%s", err.msg);
}
END_TEST

START_TEST(no_platform_is_this_machine)
{
	struct image_platform p, same;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(image_platform_parse(NULL, &p, &err), 0);
	ck_assert_int_eq(image_platform_parse("", &same, &err), 0);
	ck_assert_str_eq(p.os, "linux");
	ck_assert_str_ne(p.architecture, "");
	ck_assert_str_ne(p.architecture, "x86_64");
	ck_assert_str_eq(p.architecture, same.architecture);
}
END_TEST

START_TEST(platform_that_is_none)
{
	static const char *const texts[] = { "linux/", "/", "/amd64", "linux/a b",
		"linux/amd64/", "linux/amd64/v8/x", "linux/$(id)",
		"linux/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "\n" };
	struct image_platform p;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(image_platform_parse(texts[_i], &p, &err), ERR_INVALID);
	ck_assert_ptr_nonnull(strstr(err.msg, "is not of the form"));
}
END_TEST

static const char *const layer_kinds[] = {
	OCI "layer.v1.tar",
	OCI "layer.v1.tar+gzip",
	OCI "layer.v1.tar+zstd",
	OCI "layer.nondistributable.v1.tar+gzip",
	DOCKER "image.rootfs.diff.tar.gzip",
	DOCKER "image.rootfs.foreign.diff.tar.gzip",
};

START_TEST(manifest_is_read)
{
	cleanup_arena struct arena *arena = arena_new();
	cleanup_free char *text =
	    xasprintf("{\"schemaVersion\": 2, \"config\": " BLOB(OCI "config.v1+json",
			  1) ", "
			     "\"layers\": [{\"mediaType\": \"%s\", \"digest\": \"" D(
				 2) "\", \"size\": 7}, " BLOB(OCI "layer.v1.tar", 3) "]}",
		layer_kinds[_i]);
	struct image_platform p = { .os = "linux" };
	struct image_manifest m;
	struct error err = ERROR_INIT;

	if (image_manifest_parse(text, strlen(text), &p, arena, &m, &err) < 0)
		ck_abort_msg("%s", err.msg);
	ck_assert_ptr_null(m.instance);
	ck_assert_str_eq(m.config.digest, D(1));
	ck_assert_uint_eq(m.layer_count, 2);
	ck_assert_str_eq(m.layers[0].digest, D(2));
	ck_assert_int_eq(m.layers[0].size, 7);
	ck_assert_str_eq(m.layers[1].digest, D(3));
}
END_TEST

static const struct {
	const char *text, *words;
} bad[] = {
	{ "", "is no JSON" },
	{ "[]", "no JSON object" },
	{ "{\"a\":\"\\u0000\"}", "is no JSON" },
	{ "{}", "no image of a container" },
	{ "{\"config\": " BLOB("application/vnd.cncf.helm.config.v1+json", 1) "}",
	    "it holds \"application/vnd.cncf.helm" },
	{ "{\"config\": {\"mediaType\": \"" OCI "config.v1+json\", \"digest\": "
	  "\"sha256:../../etc/passwd\", \"size\": 1}}",
	    "a digest or a size is not valid" },
	{ "{\"config\": " BLOB(OCI "config.v1+json", 1) ", \"layers\": [" BLOB(
	      OCI "layer.v1.tar+encrypted", 1) "]}",
	    "it holds \"" OCI "layer.v1.tar+encrypted\"" },
	{ "{\"config\": " BLOB(OCI "config.v1+json", 1) ", \"layers\": [1]}",
	    "it holds \"\"" },
	{ "{\"config\": " BLOB(OCI "config.v1+json",
	      1) ", \"layers\": [{\"mediaType\": "
		 "\"" OCI "layer.v1.tar\", \"digest\": \"" D(1) "\", \"size\": -1}]}",
	    "a digest or a size is not valid" },
	{ "{\"manifests\": []}", "not made for linux/amd64, but for nothing" },
	{ "{\"manifests\": [{\"platform\": {\"os\": \"linux\", \"architecture\": "
	  "\"amd64\"}, \"digest\": \"x\"}]}",
	    "no valid digests" },
};

START_TEST(bad_manifest_is_refused)
{
	cleanup_arena struct arena *arena = arena_new();
	struct image_platform p = { .os = "linux", .architecture = "amd64" };
	struct image_manifest m;
	struct error err = ERROR_INIT;

	ck_assert_int_lt(
	    image_manifest_parse(bad[_i].text, strlen(bad[_i].text), &p, arena, &m, &err),
	    0);
	ck_assert_msg(strstr(err.msg, bad[_i].words) != NULL, "%s", err.msg);
}
END_TEST

START_TEST(too_many_layers_are_refused)
{
	cleanup_arena struct arena *arena = arena_new();
	cleanup_buf struct buf text = BUF_INIT;
	struct image_platform p = { .os = "linux" };
	struct image_manifest m;
	struct error err = ERROR_INIT;

	buf_add_str(
	    &text, "{\"config\": " BLOB(OCI "config.v1+json", 1) ", \"layers\": [");
	for (int i = 0; i <= IMAGE_LAYERS_MAX; i++)
		buf_printf(&text, "%s" BLOB(OCI "layer.v1.tar", 2), i > 0 ? "," : "");
	buf_add_str(&text, "]}");
	ck_assert_int_eq(
	    image_manifest_parse(text.data, text.len, &p, arena, &m, &err), ERR_LIMIT);
}
END_TEST

static const char config[] =
    "{\"os\": \"linux\", \"architecture\": \"arm64\", \"variant\": \"v8\", "
    "\"history\": [{\"created_by\": \"long\"}], \"config\": {"
    "\"Env\": [\"A=1\", \"B=\", \"nonsense\", \"=x\", 5, \"C=a=b\"], "
    "\"Entrypoint\": [\"/e\", \"x y\"], \"Cmd\": [\"c\"], \"WorkingDir\": \"/w\", "
    "\"User\": \"1000:100\", \"StopSignal\": \"SIGINT\", \"Labels\": {\"a\": \"b\"}, "
    "\"ExposedPorts\": {\"80/tcp\": {}, \"53/udp\": {}, \"1000-1010\": {}, \"x\": {}, "
    "\"80/tcp;id\": {}}, \"Volumes\": {\"/data\": {}, \"relative\": {}}, "
    "\"Healthcheck\": {\"Test\": [\"CMD-SHELL\", \"true\"], \"Interval\": 5000000000, "
    "\"Timeout\": 1, \"StartPeriod\": 2, \"Retries\": 3}}, "
    "\"rootfs\": {\"type\": \"layers\", \"diff_ids\": [\"" D(1) "\", \"" D(2) "\"]}}";

static void
check_list(const struct image_strings *l, const char *joined)
{
	cleanup_buf struct buf b = BUF_INIT;

	for (size_t i = 0; i < l->count; i++)
		buf_printf(&b, "%s%s", i > 0 ? "|" : "", l->items[i]);
	ck_assert_str_eq(buf_str(&b), joined);
}

/* As it came, and as the store keeps it. */
START_TEST(configuration_is_read)
{
	cleanup_arena struct arena *arena = arena_new();
	cleanup_buf struct buf text = BUF_INIT;
	struct image_config c;
	struct error err = ERROR_INIT;

	if (_i == 0)
		buf_add_str(&text, config);
	else
		ck_assert_int_eq(
		    image_config_shorten(config, sizeof(config) - 1, &text, &err), 0);
	ck_assert((strstr(text.data, "created_by") == NULL) == (_i == 1));
	if (image_config_parse(text.data, text.len, arena, &c, &err) < 0)
		ck_abort_msg("%s", err.msg);
	check_list(&c.env, "A=1|B=|C=a=b");
	check_list(&c.entrypoint, "/e|x y");
	check_list(&c.cmd, "c");
	check_list(&c.ports, "80/tcp|53/udp|1000-1010");
	check_list(&c.volumes, "/data");
	check_list(&c.health.test, "CMD-SHELL|true");
	check_list(&c.diff_ids, D(1) "|" D(2));
	ck_assert_int_eq(c.health.interval_ns, INT64_C(5000000000));
	ck_assert_int_eq(c.health.retries, 3);
	ck_assert_str_eq(c.workdir, "/w");
	ck_assert_str_eq(c.user, "1000:100");
	ck_assert_str_eq(c.stop_signal, "SIGINT");
	ck_assert_str_eq(c.architecture, "arm64");
	ck_assert_str_eq(c.variant, "v8");
}
END_TEST

/* Some of Docker's programs wrote "Config". */
START_TEST(another_spelling_is_kept)
{
	static const char other[] = "{\"Config\": {\"Env\": [\"A=1\"]}}";
	cleanup_arena struct arena *arena = arena_new();
	cleanup_buf struct buf text = BUF_INIT;
	struct image_config c;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(image_config_shorten(other, sizeof(other) - 1, &text, &err), 0);
	ck_assert_int_eq(image_config_parse(text.data, text.len, arena, &c, &err), 0);
	check_list(&c.env, "A=1");
}
END_TEST

START_TEST(what_is_not_said_is_empty)
{
	static const char *const texts[] = {
		"{}", "{\"config\": null}",
		"{\"config\": {\"Env\": null, \"Cmd\": {}, \"User\": 5, \"Volumes\": []}}"
	};
	cleanup_arena struct arena *arena = arena_new();
	struct image_config c;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(
	    image_config_parse(texts[_i], strlen(texts[_i]), arena, &c, &err), 0);
	ck_assert_str_eq(c.user, "");
	ck_assert_uint_eq(c.env.count + c.cmd.count + c.volumes.count + c.ports.count +
		c.health.test.count + c.diff_ids.count,
	    0);
}
END_TEST

START_TEST(digests_that_are_paths_are_refused)
{
	static const char text[] = "{\"rootfs\": {\"diff_ids\": [\"sha256:../../etc\"]}}";
	cleanup_arena struct arena *arena = arena_new();
	struct image_config c;
	struct error err = ERROR_INIT;
	const char *digest = NULL;

	ck_assert_int_eq(
	    image_config_parse(text, sizeof(text) - 1, arena, &c, &err), ERR_INVALID);
	ck_assert_int_eq(
	    image_index_parse("{\"manifests\": [{\"digest\": \"sha256:../x\"}]}", 44,
		arena, &digest, &err),
	    ERR_INVALID);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("image_manifest");
	TCase *tc = tcase_create("image_manifest");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tc, platform_chooses, 0, (int)ARRAY_LEN(choices));
	tcase_add_test(tc, no_platform_is_this_machine);
	tcase_add_loop_test(tc, platform_that_is_none, 0, 9);
	tcase_add_loop_test(tc, manifest_is_read, 0, (int)ARRAY_LEN(layer_kinds));
	tcase_add_loop_test(tc, bad_manifest_is_refused, 0, (int)ARRAY_LEN(bad));
	tcase_add_test(tc, too_many_layers_are_refused);
	tcase_add_loop_test(tc, configuration_is_read, 0, 2);
	tcase_add_test(tc, another_spelling_is_kept);
	tcase_add_loop_test(tc, what_is_not_said_is_empty, 0, 3);
	tcase_add_test(tc, digests_that_are_paths_are_refused);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
