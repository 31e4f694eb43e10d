/* Settings of a server: what they set, and what is said of those that are wrong. */
#include <check.h>

#include "base/buf.h"
#include "executors/executor.h"
#include "scheduler/settings.h"

static struct arena *arena;
static struct server_settings settings;
static struct diags diags;

static void
setup(void)
{
	arena = arena_new();
	diags_init(&diags, arena);
	server_settings_init(&settings);
}

static void
teardown(void)
{
	arena_free(arena);
}

static void
read_text(const char *text)
{
	server_settings_read(&settings, text, strlen(text), "pawl.yml", &diags);
}

START_TEST(every_key_is_read)
{
	read_text("listen: 0.0.0.0:80\nurl: https://ci.example.org\n"
		  "create_on_push: false\nlog_format: json\n"
		  "limits: {jobs: 7, project_jobs: 3, artifact_size: 2 GiB, "
		  "log_size: 10 MiB, timeout: 2h}\n"
		  "keep: {artifacts: never, pipelines: 90 days}\n"
		  "runner: {enabled: false, jobs: 4, executor: shell, config: r.yml}\n");
	ck_assert_uint_eq(diags.count, 0);
	ck_assert_str_eq(settings.listen, "0.0.0.0:80");
	ck_assert_str_eq(settings.url, "https://ci.example.org");
	ck_assert(!settings.create_on_push);
	ck_assert_int_eq(settings.log_format, LOG_FORMAT_JSON);
	ck_assert_int_eq(settings.limits.jobs, 7);
	ck_assert_int_eq(settings.limits.project_jobs, 3);
	ck_assert_int_eq(settings.limits.artifact_bytes, INT64_C(2) << 30);
	ck_assert_int_eq(settings.limits.log_bytes, INT64_C(10) << 20);
	ck_assert_int_eq(settings.limits.timeout_s, 7200);
	ck_assert_int_eq(settings.keep.artifacts_s, 0);
	ck_assert_int_eq(settings.keep.pipelines_s, INT64_C(90) * 86400);
	ck_assert(!settings.runner.enabled);
	ck_assert_int_eq(settings.runner.jobs, 4);
	ck_assert_str_eq(settings.runner.executor, "shell");
	ck_assert_str_eq(settings.runner.config, "r.yml");
}
END_TEST

START_TEST(what_is_not_said_stays)
{
	read_text("limits: {jobs: 7}\n");
	ck_assert_str_eq(settings.listen, "127.0.0.1:8080");
	ck_assert_int_eq(settings.keep.artifacts_s, INT64_C(30) * 86400);
	ck_assert(settings.runner.enabled);
	ck_assert_int_eq(settings.log_format, LOG_FORMAT_TEXT);
}
END_TEST

static const struct {
	const char *text, *want;
} wrong[] = {
	{ "lisen: x:1\n",
	    "pawl.yml:1:1: error: settings has the unknown key `lisen`; did you mean `listen`?" },
	{ "runner: {executor: dockr}\n",
	    "pawl.yml:1:20: error: settings:runner:executor must be an executor: auto, " },
	{ "limits: {jobs: -1}\n",
	    "pawl.yml:1:16: error: settings:limits:jobs must be from 0 to 1000000, not -1" },
	{ "limits: {jobs: 1000001}\n", "must be from 0 to 1000000, not 1000001" },
	{ "runner: {jobs: many}\n",
	    "settings:runner:jobs must be a whole number, not a string" },
	{ "limits: {artifact_size: big}\n",
	    "limits:artifact_size must be a size such as \"500 MiB\" or \"5 GiB\", not \"big\"" },
	{ "limits: {artifact_size: -1 MiB}\n", "must be a size such as" },
	{ "limits: {artifact_size: [1 MiB]}\n", "must be a size such as" },
	{ "limits: {artifact_size: 5}\n",
	    "artifact_size must be a size such as \"500 MiB\" or \"5 GiB\"; \"5\" has no "
	    "unit, which are KiB, MiB, GiB and TiB" },
	{ "limits: {artifact_size: 0 KiB}\n",
	    "must be more than nothing, not \"0 KiB\"" },
	{ "limits: {artifact_size: 8388608 TiB}\n",
	    "must be less than 8388608 TiB, not \"8388608 TiB\"" },
	{ "limits: {artifact_size: 99999999999999999999 KiB}\n",
	    "must be less than 8388608 TiB, not \"99999999999999999999 KiB\"" },
	{ "limits:\n  log_size: 5 GB\n",
	    "pawl.yml:2:13: error: settings:limits:log_size has the unknown unit \"GB\"; "
	    "there are KiB, MiB, GiB and TiB" },
	{ "keep: {pipelines: soon}\n", "keep:pipelines must be a duration" },
	{ "listen: 0.0.0.0:80\nurl: ci.example.org\n",
	    "pawl.yml:2:6: error: settings:url must begin with http:// or https://, not be "
	    "\"ci.example.org\"" },
	{ "url: http://\n", "settings:url must begin with http:// or https://" },
	{ "url: [http://h]\n", "settings:url must be an address such as" },
	{ "create_on_push: maybe\n", "create_on_push" },
	{ "log_format: xml\n", "log_format" },
	{ "- listen\n", "the settings should be a map" },
	{ "listen: [a\n", "pawl.yml:" },
};

START_TEST(mistakes_are_named)
{
	cleanup_buf struct buf out = BUF_INIT;

	read_text(wrong[_i].text);
	ck_assert_uint_ge(diags.count, 1);
	diag_format(&diags.items[0], &out);
	ck_assert_msg(strstr(buf_str(&out), wrong[_i].want) != NULL, "%s", buf_str(&out));
}
END_TEST

/* The server has their names only: its runner has the executors. */
START_TEST(every_executor_can_be_chosen)
{
	for (const struct executor *const *e = executor_all(); *e != NULL; e++) {
		cleanup_free char *text =
		    xasprintf("runner: {executor: %s}\n", (*e)->name);

		read_text(text);
		ck_assert_msg(diags.count == 0, "%s", (*e)->name);
		ck_assert_str_eq(settings.runner.executor, (*e)->name);
	}
	read_text("runner: {executor: auto}\n");
	ck_assert_str_eq(settings.runner.executor, "auto");
}
END_TEST

START_TEST(sizes_are_said_as_they_are_written)
{
	char out[SETTINGS_SIZE_WORDS];

	ck_assert_str_eq(settings_size(0, out), "0 bytes");
	ck_assert_str_eq(settings_size(1000, out), "1000 bytes");
	ck_assert_str_eq(settings_size(64 * 1024, out), "64 KiB");
	ck_assert_str_eq(settings_size(1536 * 1024, out), "1536 KiB");
	ck_assert_str_eq(settings_size(INT64_C(5) << 30, out), "5 GiB");
	ck_assert_str_eq(settings_size(INT64_C(2048) << 40, out), "2048 TiB");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("settings");
	TCase *t = tcase_create("all");
	SRunner *runner = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, every_key_is_read);
	tcase_add_test(t, what_is_not_said_stays);
	tcase_add_loop_test(t, mistakes_are_named, 0, ARRAY_LEN(wrong));
	tcase_add_test(t, every_executor_can_be_chosen);
	tcase_add_test(t, sizes_are_said_as_they_are_written);
	suite_add_tcase(s, t);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
