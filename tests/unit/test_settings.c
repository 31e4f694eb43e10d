/* The runner's settings, who it says it is, and what it keeps of a job. */
#include <check.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "base/str.h"
#include "executors/container/image_store.h"
#include "executors/custom/custom.h"
#include "protocol/json.h"
#include "runner/build.h"
#include "runner/identity.h"
#include "runner/job_file.h"
#include "runner/settings.h"
#include "runner/settings_cache.h"
#include "tests/unit/fixture.h"

/* ---- settings ---- */

static void
read_text(const char *text, struct runner_settings *s, struct diags *diags)
{
	*s = (struct runner_settings){ .arena = arena_new() };
	diags_init(diags, s->arena);
	settings_read(text, strlen(text), "r.yml", s, diags);
}

START_TEST(all_settings_are_read)
{
	struct runner_settings s;
	struct diags diags;

	read_text("concurrent: 3\nname: n\nstate: /s\nexecutor: shell\n"
		  "log_format: json\nlayers: {high_gb: 9, low_gb: 5, days: 2}\n"
		  "limits: {memory: 2g, cpus: 1.5, pids: 4096}\nservers:\n"
		  "  - url: https://h/\n    token: glrt-x\n    unix_socket: /u\n"
		  "    repos: /r\n    ca_file: /a\n    cert_file: /c\n    key_file: /k\n"
		  "  - {url: http://i, token_file: /t}\n",
	    &s, &diags);
	ck_assert_uint_eq(diags.count, 0);
	ck_assert_int_eq(s.concurrent, 3);
	ck_assert_str_eq(s.name, "n");
	ck_assert_str_eq(s.state_dir, "/s");
	ck_assert_str_eq(s.executor, "shell");
	ck_assert_str_eq(s.log_format, "json");
	ck_assert_int_eq(s.layers.high_bytes, 9 * LAYER_GB);
	ck_assert_int_eq(s.layers.low_bytes, 5 * LAYER_GB);
	ck_assert_int_eq(s.layers.max_age_s, 2 * 24 * 3600);
	ck_assert_int_eq(s.limits.memory.value, INT64_C(2) << 30);
	ck_assert_int_eq(s.limits.cpus.value, 1500);
	ck_assert_int_eq(s.limits.pids.value, 4096);
	ck_assert_uint_eq(s.server_count, 2);
	ck_assert_str_eq(s.servers[0].url, "https://h/");
	ck_assert_str_eq(s.servers[0].token, "glrt-x");
	ck_assert_str_eq(s.servers[0].unix_socket, "/u");
	ck_assert_str_eq(s.servers[0].repos_dir, "/r");
	ck_assert_str_eq(s.servers[0].ca_file, "/a");
	ck_assert_str_eq(s.servers[0].cert_file, "/c");
	ck_assert_str_eq(s.servers[0].key_file, "/k");
	ck_assert_str_eq(s.servers[1].token_file, "/t");
	arena_free(s.arena);
}
END_TEST

/* What is said of a store, and what is taken for it. */
static const struct {
	const char *text, *host, *region, *prefix;
	bool insecure, path_style;
} caches[] = {
	{ "{bucket_name: b}", "s3.amazonaws.com", "us-east-1", "", false, false },
	{ "{bucket_name: b, bucket_location: eu-1}", "s3.eu-1.amazonaws.com", "eu-1", "",
	    false, false },
	{ "{bucket_name: b, server_address: 'h:443'}, path: /a//b/", "h", "us-east-1",
	    "a/b/", false, true },
	{ "{bucket_name: b, server_address: 'h:443', insecure: true}, path: ''", "h:443",
	    "us-east-1", "", true, true },
	{ "{bucket_name: b, server_address: h, path_style: false}, path: a", "h",
	    "us-east-1", "a/", false, false },
};

START_TEST(a_store_of_caches_is_read)
{
	cleanup_free char *text = xasprintf("cache: {s3: %s}\n", caches[_i].text);
	struct runner_settings s;
	struct diags diags;

	read_text(text, &s, &diags);
	ck_assert_uint_eq(diags.count, 0);
	ck_assert_str_eq(s.cache->bucket.host, caches[_i].host);
	ck_assert_str_eq(s.cache->bucket.name, "b");
	ck_assert_str_eq(s.cache->bucket.region, caches[_i].region);
	ck_assert_str_eq(s.cache->prefix, caches[_i].prefix);
	ck_assert_int_eq(s.cache->bucket.insecure, caches[_i].insecure);
	ck_assert_int_eq(s.cache->bucket.path_style, caches[_i].path_style);
	arena_free(s.arena);
}
END_TEST

START_TEST(a_store_may_be_for_reading_alone)
{
	struct runner_settings s;
	struct diags diags;

	read_text("cache: {policy: pull, s3: {bucket_name: b}}\n", &s, &diags);
	ck_assert_uint_eq(diags.count, 0);
	ck_assert_int_eq(s.cache->policy, CACHE_REMOTE_PULL);
	arena_free(s.arena);
	read_text("cache: {s3: {bucket_name: b}}\n", &s, &diags);
	ck_assert_int_eq(s.cache->policy, CACHE_REMOTE_UNSAID);
	arena_free(s.arena);
}
END_TEST

START_TEST(keys_of_a_store_come_from_the_environment)
{
	struct runner_settings s;
	struct diags diags;
	struct error err = ERROR_INIT;

	read_text("cache: {s3: {bucket_name: b}}\n", &s, &diags);
	setenv("AWS_ACCESS_KEY_ID", "a", 1);
	ck_assert_int_eq(settings_complete_cache(s.cache, s.arena, &err), ERR_INVALID);
	setenv("AWS_ACCESS_KEY_ID", "a", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "s", 1);
	ck_assert_int_eq(settings_complete_cache(s.cache, s.arena, &err), 0);
	ck_assert_str_eq(s.cache->keys.secret_key, "s");
	ck_assert_ptr_null(getenv("AWS_SECRET_ACCESS_KEY")); /* no job's */
	arena_free(s.arena);
}
END_TEST

START_TEST(a_driver_and_an_engine_are_read)
{
	struct runner_settings s;
	struct diags diags;

	read_text(
	    "custom:\n  run_exec: /d/run\n  run_args: [a, b c]\n  prepare_exec: /d/p\n"
	    "  prepare_exec_timeout: 7\n  force_kill_timeout: 3\n  builds_dir: /b\n"
	    "docker: {host: tcp://h:1, tls_cert_path: /c, network_mode: n}\n",
	    &s, &diags);
	ck_assert_uint_eq(diags.count, 0);
	ck_assert_str_eq(s.custom->run.exec, "/d/run");
	ck_assert_uint_eq(s.custom->run.arg_count, 2);
	ck_assert_str_eq(s.custom->run.args[1], "b c");
	ck_assert_int_eq(s.custom->prepare.timeout_ms, 7000);
	ck_assert_int_eq(s.custom->cleanup.timeout_ms, 3600 * 1000);
	ck_assert_int_eq(s.custom->graceful_ms, 600 * 1000);
	ck_assert_int_eq(s.custom->force_ms, 3000);
	ck_assert_ptr_null(s.custom->config.exec);
	ck_assert_str_eq(s.custom->builds_dir, "/b");
	ck_assert_str_eq(s.docker_host, "tcp://h:1");
	ck_assert_str_eq(s.docker_cert_dir, "/c");
	ck_assert_str_eq(s.docker_network, "n");
	arena_free(s.arena);
}
END_TEST

/* What is said and what it becomes, in GB; 0: not said, or refused. */
static const struct {
	int64_t high, low, want_high, want_low;
} marks[] = { { 0, 0, 50, 40 }, { 10, 0, 10, 8 }, { 0, 100, 125, 100 }, { 0, 30, 50, 30 },
	{ 5, 5, 5, 5 }, { 5, 6, 0, 0 } };

START_TEST(marks_fit_each_other)
{
	struct runner_settings s = { .arena = arena_new(), .state_dir = "/s" };
	struct error err = ERROR_INIT;
	int rc;

	s.layers.high_bytes = marks[_i].high * LAYER_GB;
	s.layers.low_bytes = marks[_i].low * LAYER_GB;
	rc = settings_complete(&s, &err);
	ck_assert_int_eq(rc, marks[_i].want_high == 0 ? ERR_INVALID : 0);
	if (rc == 0) {
		ck_assert_int_eq(s.layers.high_bytes, marks[_i].want_high * LAYER_GB);
		ck_assert_int_eq(s.layers.low_bytes, marks[_i].want_low * LAYER_GB);
		ck_assert_int_eq(s.layers.max_age_s, 30 * 24 * 3600);
	}
	arena_free(s.arena);
}
END_TEST

START_TEST(registries_are_read)
{
	struct runner_settings s;
	struct diags diags;

	read_text("images:\n  high_gb: 5\n  insecure: [r.lan:5000, s.lan]\n"
		  "  mirrors: {docker.io: r.lan/hub, ghcr.io/a: s.lan}\n"
		  "servers: [{url: http://i, token_file: /t}]\n",
	    &s, &diags);
	ck_assert_uint_eq(diags.count, 0);
	ck_assert_uint_eq(s.images->high_bytes, UINT64_C(5) << 30);
	ck_assert_uint_eq(s.images->insecure_count, 2);
	ck_assert_str_eq(s.images->insecure[1], "s.lan");
	ck_assert_uint_eq(s.images->mirror_count, 2);
	ck_assert_str_eq(s.images->mirrors[0].prefix, "docker.io");
	ck_assert_str_eq(s.images->mirrors[0].location, "r.lan/hub");
	arena_free(s.arena);
}
END_TEST

static const struct {
	const char *text, *want;
} wrong[] = {
	{ "images: []\n",
	    "r.yml:1:9: error: images should be a map with high_gb, insecure or mirrors, not "
	    "a list" },
	{ "images: {high_g: 1}\n",
	    "r.yml:1:10: error: unknown setting \"high_g\" of images; did you mean "
	    "\"high_gb\"?" },
	{ "images: {high_gb: 0}\n",
	    "r.yml:1:19: error: high_gb should be a number from 1 to 1000000" },
	{ "images: {insecure: a}\n",
	    "r.yml:1:20: error: insecure should be a list of registries, host or "
	    "host:port" },
	{ "images: {insecure: [\"http://a\"]}\n",
	    "r.yml:1:21: error: a registry should be its host or host:port alone" },
	{ "images: {mirrors: [a]}\n",
	    "r.yml:1:19: error: mirrors should be a map, as in docker.io: "
	    "mirror.example.org/hub" },
	{ "images: {mirrors: {docker.io: \"https://a\"}}\n",
	    "r.yml:1:20: error: a mirror should be host[:port][/path] on both sides, "
	    "without http" },
	{ "- a\n", "r.yml:1:1: error: the settings should be a map, not a list" },
	{ "concurent: 1\n",
	    "r.yml:1:1: error: unknown setting \"concurent\"; did you mean "
	    "\"concurrent\"?" },
	{ "concurrent: many\n",
	    "r.yml:1:13: error: concurrent should be a number from 1 to 1000" },
	{ "concurrent: 0\n",
	    "r.yml:1:13: error: concurrent should be a number from 1 to 1000" },
	{ "network: bridge\n", "r.yml:1:10: error: network should be host or none" },
	{ "layers: 5\n",
	    "r.yml:1:9: error: layers should be a map with high_gb, low_gb and days, not "
	    "an integer" },
	{ "cache: {s3: {server_address: h}}\n",
	    "r.yml:1:13: error: s3 lacks its bucket_name" },
	{ "limits: {memory: lots}\n",
	    "r.yml:1:18: error: memory should be a size such as 512m or 2g, 6m at least" },
	{ "limits: {cpu: 1}\n",
	    "r.yml:1:10: error: unknown setting \"cpu\"; there is memory, cpus and pids; "
	    "did you mean \"cpus\"?" },
	{ "cache: {type: s3}\n", "r.yml:1:8: error: cache lacks its s3 settings" },
	{ "cache: {policy: push, s3: {bucket_name: b}}\n",
	    "r.yml:1:17: error: the policy of cache should be pull or pull-push" },
	{ "cache: {type: gcs}\n", "r.yml:1:15: error: the type of cache should be s3" },
	{ "cache: {s3: {bucket_nam: b}}\n",
	    "r.yml:1:14: error: unknown setting \"bucket_nam\" of s3; did you mean "
	    "\"bucket_name\"?" },
	{ "cache: {path: ../x, s3: {bucket_name: b}}\n",
	    "r.yml:1:15: error: path should be a prefix of objects' names, without .." },
	{ "cache: {s3: {bucket_name: b, server_address: 'http://h'}}\n",
	    "r.yml:1:13: error: server_address should be a host or host:port alone, not "
	    "http://h; insecure: true stands for http" },
	{ "cache: {s3: {bucket_name: b, access_key: a}}\n",
	    "r.yml:1:13: error: s3 should have both access_key and secret_key, or neither" },
	{ "cache: {s3: {bucket_name: b, insecure: 1}}\n",
	    "r.yml:1:40: error: insecure should be true or false" },
	{ "layers: {high: 5}\n", "r.yml:1:10: error: unknown setting \"high\"" },
	{ "layers: {days: 0}\n",
	    "r.yml:1:16: error: days should be a number from 1 to 36500" },
	{ "custom: 5\n",
	    "r.yml:1:9: error: custom should be a map with run_exec and others, not an "
	    "integer" },
	{ "custom: {run_exec: run}\n",
	    "r.yml:1:20: error: run_exec should be an absolute path, not \"run\"" },
	{ "custom: {run_exec: /r, run_args: x}\n",
	    "r.yml:1:34: error: run_args should be a list" },
	{ "custom: {run_exec: /r, force_kill_timeout: 0}\n",
	    "r.yml:1:44: error: force_kill_timeout should be a number of seconds from 1 "
	    "to 604800" },
	{ "docker: x\n",
	    "r.yml:1:9: error: docker should be a map with host, not a string" },
	{ "docker: {hots: x}\n",
	    "r.yml:1:10: error: unknown setting \"hots\"; did you mean \"host\"?" },
	{ "log_format: xml\n", "r.yml:1:13: error: log_format should be text or json" },
	{ "name: [a]\n", "r.yml:1:7: error: name should be a text" },
	{ "state: here\n",
	    "r.yml:1:8: error: state should be an absolute path, not \"here\"" },
	{ "servers: x\n", "r.yml:1:10: error: servers should be a list, not a string" },
	{ "servers: [x]\n",
	    "r.yml:1:11: error: a server should be a map with url and token, not a "
	    "string" },
	{ "servers:\n  - token: x\n", "r.yml:2:5: error: the server's url is missing" },
	{ "servers:\n  - url: http://h\n    tokn: x\n",
	    "r.yml:3:5: error: unknown setting \"tokn\"; did you mean \"token\"?" },
	{ "servers:\n  - {url: http://h, token: x, token_file: /x}\n",
	    "r.yml:2:5: error: the server has both token and token_file; leave one out" },
	{ "a: 1\n---\nb: 1\n", "r.yml:3:1: error: the settings should be one document" },
};

START_TEST(wrong_setting_is_named)
{
	struct runner_settings s;
	struct diags diags;
	cleanup_buf struct buf line = BUF_INIT;

	read_text(wrong[_i].text, &s, &diags);
	ck_assert_uint_ge(diags.count, 1);
	diag_format(&diags.items[0], &line);
	ck_assert_str_eq(buf_str(&line), wrong[_i].want);
	arena_free(s.arena);
}
END_TEST

static const struct {
	struct runner_server server;
	const char *url, *want; /* url of the result, or the message */
} servers[] = {
	{ { .url = "https://h///", .token = "t" }, "https://h", NULL },
	{ { .url = "https://h/ci/", .token = "t" }, "https://h", NULL },
	{ { .url = "https://h/sub", .token = "t" }, "https://h/sub", NULL },
	{ { .url = "ftp://h", .token = "t" }, NULL,
	    "the server's address should begin with http:// or https://, not be ftp://h" },
	{ { .url = "http://", .token = "t" }, NULL, "the server's address should" },
	{ { .url = "http://h" }, NULL, "the token for http://h is missing" },
	{ { .url = "http://h", .token = "glpat-x" }, NULL,
	    "the token for http://h is a person's (glpat-…); a runner's begins with glrt-" },
	{ { .url = "http://h", .token = "a b" }, NULL,
	    "the token for http://h has blanks in it" },
	{ { .url = "http://h", .token_file = "/nowhere/t" }, NULL,
	    "the token of http://h: " },
};

START_TEST(server_is_completed_or_named)
{
	struct runner_settings s = { .arena = arena_new(), .state_dir = "/s" };
	struct error err = ERROR_INIT;
	int rc;

	unsetenv("PAWL_RUNNER_TOKEN");
	*settings_add_server(&s) = servers[_i].server;
	rc = settings_complete(&s, &err);
	if (servers[_i].want == NULL) {
		ck_assert_msg(rc == 0, "%s", err.msg);
		ck_assert_str_eq(s.servers[0].url, servers[_i].url);
	} else {
		ck_assert_msg(str_starts(err.msg, servers[_i].want), "%s", err.msg);
	}
	arena_free(s.arena);
}
END_TEST

START_TEST(token_comes_from_the_environment_or_a_file)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *file = path_join(root, "token");
	struct runner_settings s = { .arena = arena_new(), .state_dir = "/s" };
	struct error err = ERROR_INIT;

	ck_assert_int_eq(path_write_file(file, "from-file\n", 10, 0600, &err), 0);
	setenv("PAWL_RUNNER_TOKEN", "from-env", 1);
	*settings_add_server(&s) = (struct runner_server){ .url = "http://a" };
	*settings_add_server(&s) =
	    (struct runner_server){ .url = "http://b", .token_file = file };
	ck_assert_int_eq(settings_complete(&s, &err), 0);
	unsetenv("PAWL_RUNNER_TOKEN");
	ck_assert_str_eq(s.servers[0].token, "from-env");
	ck_assert_str_eq(s.servers[1].token, "from-file");
	ck_assert_int_ge(s.concurrent, 1);
	ck_assert_str_ne(s.name, "");
	arena_free(s.arena);
}
END_TEST

START_TEST(server_is_read_as_it_was_written)
{
	struct runner_server server = { .url = "https://h", .token = "a\"b\\c" };
	cleanup_buf struct buf text = BUF_INIT;
	struct runner_settings s;
	struct diags diags;

	buf_add_str(&text, "servers:\n");
	settings_write_server(&server, &text);
	read_text(buf_str(&text), &s, &diags);
	ck_assert_uint_eq(diags.count, 0);
	ck_assert_str_eq(s.servers[0].url, "https://h");
	ck_assert_str_eq(s.servers[0].token, "a\"b\\c");
	arena_free(s.arena);
}
END_TEST

/* ---- identity ---- */

START_TEST(system_id_stays)
{
	cleanup_fixture char *root = fixture_open();
	char first[IDENTITY_SYSTEM_ID], second[IDENTITY_SYSTEM_ID];
	struct error err = ERROR_INIT;

	ck_assert_int_eq(identity_system_id(root, first, &err), 0);
	ck_assert_int_eq(identity_system_id(root, second, &err), 0);
	ck_assert_str_eq(first, second);
	ck_assert(str_starts(first, "r_"));
	ck_assert_uint_eq(strlen(first), 14);
}
END_TEST

static const char *const bad_ids[] = { "", "x_123456789012", "r_12345678901",
	"r_1234567890123", "r_12345678901/" };

START_TEST(damaged_system_id_is_made_anew)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *file = path_join(root, "system_id");
	char id[IDENTITY_SYSTEM_ID];
	struct error err = ERROR_INIT;

	ck_assert_int_eq(
	    path_write_file(file, bad_ids[_i], strlen(bad_ids[_i]), 0600, &err), 0);
	ck_assert_int_eq(identity_system_id(root, id, &err), 0);
	ck_assert_str_ne(id, bad_ids[_i]);
}
END_TEST

static const struct {
	const char *token, *want;
} tokens[] = {
	{ "glrt-abcdefghijkl", "abcdefghi" },
	{ "abcdefghijkl", "abcdefghi" },
	{ "abc", "abc" },
};

START_TEST(short_token_names_the_runner)
{
	char out[10];

	identity_short_token(tokens[_i].token, out);
	ck_assert_str_eq(out, tokens[_i].want);
}
END_TEST

/* ---- what is kept of a job ---- */

#define JOB                                                                              \
	"{\"id\":5,\"token\":\"job-token\",\"git_info\":{\"sha\":\"0123456789\"},"       \
	"\"variables\":[{\"key\":\"A\",\"value\":\"plain\"},"                            \
	"{\"key\":\"S\",\"value\":\"sesame\",\"masked\":true},"                          \
	"{\"key\":\"F\",\"value\":\"open\",\"file\":true}],"                             \
	"\"credentials\":[{\"type\":\"registry\",\"password\":\"pw\"}]}"

START_TEST(job_is_kept_without_its_secrets)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *text = NULL, *mode = NULL, *url = NULL;
	struct job_payload *job = NULL, *kept = NULL;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(job_payload_read(JOB, strlen(JOB), &job, &err), 0);
	ck_assert_int_eq(job_file_write(root, "https://h", job, &err), 0);
	ck_assert_uint_eq(job->variable_count, 3);
	text = fixture_ask(root, "cat " JOB_FILE_NAME);
	mode = fixture_ask(root, "stat -c %%a " JOB_FILE_NAME);
	ck_assert_ptr_null(strstr(text, "sesame"));
	ck_assert_ptr_null(strstr(text, "open"));
	ck_assert_ptr_null(strstr(text, "\"pw\""));
	ck_assert_str_eq(mode, "600");
	ck_assert_int_eq(job_file_read(root, &url, &kept, &err), 0);
	ck_assert_str_eq(url, "https://h");
	ck_assert_int_eq(kept->id, 5);
	ck_assert_str_eq(kept->token, "job-token");
	ck_assert_str_eq(kept->variables[0].value, "plain");
	job_payload_free(job);
	job_payload_free(kept);
}
END_TEST

static const struct {
	const char *text;
	int want;
} files[] = {
	{ NULL, ERR_MISSING },
	{ "", ERR_INVALID },
	{ "pawl-job 2 https://h\n{}", ERR_INVALID },
	{ "pawl-job 1 https://h", ERR_INVALID },
	{ "pawl-job 1 https://h\n{}", ERR_INVALID },
};

START_TEST(damaged_job_is_refused)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *file = path_join(root, JOB_FILE_NAME), *url = NULL;
	struct job_payload *job = NULL;
	struct error err = ERROR_INIT;

	if (files[_i].text != NULL)
		ck_assert_int_eq(path_write_file(file, files[_i].text,
				     strlen(files[_i].text), 0600, &err),
		    0);
	ck_assert_int_eq(job_file_read(root, &url, &job, &err), files[_i].want);
}
END_TEST

static const struct {
	const char *result, *failure;
	int rc;
	enum reason reason;
	int exit_code;
} outcomes[] = {
	{ NULL, NULL, ERR_MISSING, REASON_NONE, 0 },
	{ "{\"v\":1,\"reason\":\"\",\"exit_code\":0}", NULL, 0, REASON_NONE, 0 },
	{ "{\"v\":1,\"reason\":\"script_failure\",\"exit_code\":3}", NULL, 0,
	    REASON_SCRIPT_FAILURE, 3 },
	{ "{\"v\":1,\"reason\":\"newer\",\"exit_code\":0}", NULL, 0,
	    REASON_UNKNOWN_FAILURE, 0 },
	{ "{\"v\":1,\"reason\":\"\"}", "runner_system_failure\ndisk full", 0,
	    REASON_RUNNER_SYSTEM_FAILURE, 0 },
	{ "{\"v\":1,\"reason\":\"script_failure\",\"exit_code\":3}",
	    "runner_system_failure\ndisk full", 0, REASON_SCRIPT_FAILURE, 3 },
	{ "{\"v\":2,\"reason\":\"\"}", NULL, ERR_INVALID, REASON_NONE, 0 },
	{ "{\"v\":1}", NULL, ERR_INVALID, REASON_NONE, 0 },
	{ "x", NULL, ERR_INVALID, REASON_NONE, 0 },
};

START_TEST(outcome_is_the_supervisors_and_the_runners)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *result = path_join(root, JOB_RESULT_NAME);
	cleanup_free char *failure = path_join(root, BUILD_FAILURE_NAME);
	struct job_outcome outcome = { .exit_code = 0 };
	struct error err = ERROR_INIT;

	if (outcomes[_i].result != NULL)
		ck_assert_int_eq(path_write_file(result, outcomes[_i].result,
				     strlen(outcomes[_i].result), 0600, &err),
		    0);
	if (outcomes[_i].failure != NULL)
		ck_assert_int_eq(path_write_file(failure, outcomes[_i].failure,
				     strlen(outcomes[_i].failure), 0600, &err),
		    0);
	ck_assert_int_eq(job_outcome_read(root, &outcome, &err), outcomes[_i].rc);
	ck_assert_int_eq(outcome.reason, outcomes[_i].reason);
	ck_assert_int_eq(outcome.exit_code, outcomes[_i].exit_code);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("settings");
	TCase *tc = tcase_create("settings");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tc, all_settings_are_read);
	tcase_add_test(tc, a_store_may_be_for_reading_alone);
	tcase_add_loop_test(tc, a_store_of_caches_is_read, 0, ARRAY_LEN(caches));
	tcase_add_test(tc, keys_of_a_store_come_from_the_environment);
	tcase_add_test(tc, a_driver_and_an_engine_are_read);
	tcase_add_loop_test(tc, marks_fit_each_other, 0, ARRAY_LEN(marks));
	tcase_add_test(tc, registries_are_read);
	tcase_add_loop_test(tc, wrong_setting_is_named, 0, ARRAY_LEN(wrong));
	tcase_add_loop_test(tc, server_is_completed_or_named, 0, ARRAY_LEN(servers));
	tcase_add_test(tc, token_comes_from_the_environment_or_a_file);
	tcase_add_test(tc, server_is_read_as_it_was_written);
	tcase_add_test(tc, system_id_stays);
	tcase_add_loop_test(tc, damaged_system_id_is_made_anew, 0, ARRAY_LEN(bad_ids));
	tcase_add_loop_test(tc, short_token_names_the_runner, 0, ARRAY_LEN(tokens));
	tcase_add_test(tc, job_is_kept_without_its_secrets);
	tcase_add_loop_test(tc, damaged_job_is_refused, 0, ARRAY_LEN(files));
	tcase_add_loop_test(
	    tc, outcome_is_the_supervisors_and_the_runners, 0, ARRAY_LEN(outcomes));
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
