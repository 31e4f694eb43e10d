/* The wire's JSON: what is written is read as the same, what is wrong is named. */
#include <check.h>

#include "base/str.h"
#include "protocol/json.h"

/* ---- jobs ---- */

/* The smallest body that a stock runner executes (runner-protocol.md section 13.1). */
#define SMALLEST                                                                         \
	"\"id\":1,\"token\":\"jt\",\"allow_git_fetch\":true,"                            \
	"\"git_info\":{\"repo_url\":\"http://host/g/p.git\",\"ref\":\"main\","           \
	"\"sha\":\"0123456789abcdef0123456789abcdef01234567\"}"

static struct job_payload *
read_job(const char *text)
{
	struct job_payload *job = NULL;
	struct error err = ERROR_INIT;

	if (job_payload_read(text, strlen(text), &job, &err) < 0)
		ck_abort_msg("%s", err.msg);
	return job;
}

static char *
written(const struct job_payload *job)
{
	struct buf out = BUF_INIT;

	job_payload_write(job, &out);
	return buf_take(&out);
}

/* What a server sends, member by member as the writer orders them. */
static const char *const whole =
    "{\"id\":7,\"token\":\"jt\",\"allow_git_fetch\":true,"
    "\"job_info\":{\"name\":\"build\",\"stage\":\"test\",\"pipeline_id\":3,"
    "\"project_id\":4,\"project_name\":\"p\",\"project_full_path\":\"g/p\","
    "\"namespace_id\":5,\"root_namespace_id\":6,\"organization_id\":1,"
    "\"instance_id\":\"i\",\"instance_uuid\":\"u\",\"user_id\":8,"
    "\"time_in_queue_seconds\":0.5,\"queue_size\":2,\"queue_depth\":1,"
    "\"project_jobs_running_on_instance_runners_count\":\"0\"},"
    "\"git_info\":{\"repo_url\":\"http://gitlab-ci-token:jt@host/g/p.git\","
    "\"repo_object_format\":\"sha1\",\"ref\":\"main\","
    "\"sha\":\"0123456789abcdef0123456789abcdef01234567\",\"before_sha\":\"0000000000\","
    "\"ref_type\":\"branch\",\"refspecs\":[\"+refs/heads/main:refs/remotes/origin/"
    "main\"],"
    "\"depth\":20,\"protected\":true},"
    "\"runner_info\":{\"timeout\":3600,\"uuid\":\"ru\"},"
    "\"variables\":[{\"key\":\"K\",\"value\":\"\",\"public\":true,\"file\":true,"
    "\"masked\":true,\"raw\":true},"
    "{\"key\":\"L\",\"value\":\"v\\n\\\"\",\"public\":false,"
    "\"masked\":false}],"
    "\"steps\":[{\"name\":\"script\",\"script\":[\"a\",\"b\"],\"timeout\":3600,"
    "\"when\":\"on_success\",\"allow_failure\":true}],"
    "\"run\":\"[{}]\","
    "\"hooks\":[{\"name\":\"pre_get_sources_script\",\"script\":[\"h\"]}],"
    "\"image\":{\"name\":\"debian\",\"alias\":\"d\",\"entrypoint\":[\"\"],"
    "\"command\":[\"c\"],\"pull_policy\":[\"always\"],"
    "\"variables\":[{\"key\":\"I\",\"value\":\"1\",\"public\":false,"
    "\"masked\":false}],"
    "\"executor_opts\":{\"docker\":{\"platform\":\"linux/arm64\",\"user\":\"1000\"}}},"
    "\"services\":[{\"name\":\"db\",\"alias\":null,\"entrypoint\":null,"
    "\"command\":null}],"
    "\"artifacts\":[{\"name\":\"n\",\"untracked\":true,\"paths\":[\"out\"],"
    "\"exclude\":[\"out/x\"],\"when\":\"always\",\"artifact_type\":\"archive\","
    "\"artifact_format\":\"zip\",\"expire_in\":\"1 day\"}],"
    "\"cache\":[{\"key\":\"k\",\"untracked\":true,\"policy\":\"pull\","
    "\"paths\":[\"c\"],\"when\":\"always\",\"fallback_keys\":[\"f\"]}],"
    "\"credentials\":[{\"type\":\"registry\",\"url\":\"h:5000\",\"username\":\"u\","
    "\"password\":\"p\"}],"
    "\"dependencies\":[{\"id\":6,\"token\":\"jt\",\"name\":\"b\","
    "\"artifacts_file\":{\"filename\":\"artifacts.zip\",\"size\":12}},"
    "{\"id\":5,\"token\":\"jt\",\"name\":\"a\"}],"
    "\"features\":{\"trace_sections\":true,\"token_mask_prefixes\":[\"glpat-\"],"
    "\"failure_reasons\":[\"unknown_failure\"]}}";

START_TEST(job_is_written_as_it_was_read)
{
	struct job_payload *job = read_job(whole);
	cleanup_free char *text = written(job);

	ck_assert_str_eq(text, whole);
	job_payload_free(job);
}
END_TEST

START_TEST(smallest_job_has_its_fields)
{
	struct job_payload *job = read_job("{" SMALLEST "}");

	ck_assert_int_eq(job->id, 1);
	ck_assert_str_eq(job->token, "jt");
	ck_assert_str_eq(job->git.ref, "main");
	ck_assert(job->allow_git_fetch);
	job_payload_free(job);
}
END_TEST

START_TEST(null_is_the_same_as_missing)
{
	struct job_payload *job = read_job("{" SMALLEST ",\"image\":null,\"steps\":null,"
					   "\"job_info\":null,\"cache\":null}");
	cleanup_free char *got = written(job);
	struct job_payload *plain = read_job("{" SMALLEST "}");
	cleanup_free char *want = written(plain);

	ck_assert_str_eq(got, want);
	job_payload_free(job);
	job_payload_free(plain);
}
END_TEST

START_TEST(user_of_an_image_may_be_a_number)
{
	struct job_payload *job =
	    read_job("{" SMALLEST ",\"image\":{\"name\":\"a\","
		     "\"executor_opts\":{\"docker\":{\"user\":7}}}}");

	ck_assert_str_eq(job->image.docker_user, "7");
	job_payload_free(job);
}
END_TEST

START_TEST(secrets_are_noticed)
{
	struct job_payload *job = read_job("{" SMALLEST ",\"secrets\":{\"A\":{}}}");
	struct job_payload *none = read_job("{" SMALLEST ",\"secrets\":{}}");

	ck_assert(job->has_secrets);
	ck_assert(!none->has_secrets);
	job_payload_free(job);
	job_payload_free(none);
}
END_TEST

static const struct {
	const char *text, *want;
} bad_jobs[] = {
	{ "", "this is not JSON" },
	{ "[]", "the body has to be an object, not a list" },
	{ "{}", "id has to be a number above 0" },
	{ "{\"id\":-1}", "id has to be a number above 0" },
	{ "{\"id\":1}", "token is missing" },
	{ "{\"id\":1,\"token\":\"\"}", "token is missing" },
	{ "{\"id\":1,\"token\":\"t\"}", "git_info.sha has to be a commit's name" },
	{ "{\"id\":\"1\"}", "id has to be a whole number, not a string" },
	{ "{\"id\":1.5}", "id has to be a whole number, not a number" },
	{ "{\"git_info\":{\"depth\":\"20\"}}",
	    "git_info.depth has to be a whole number, not a string" },
	{ "{\"git_info\":{\"refspecs\":\"x\"}}",
	    "git_info.refspecs has to be a list, not a string" },
	{ "{\"variables\":[{},{\"value\":1}]}",
	    "variables[1].value has to be a string, not a number" },
	{ "{\"variables\":[{\"masked\":\"no\"}]}",
	    "variables[0].masked has to be true or false, not a string" },
	{ "{" SMALLEST ",\"variables\":[{\"key\":\"A\"}]}",
	    "variables[0] has to have a key and a value" },
	{ "{\"variables\":{}}", "variables has to be a list, not an object" },
	{ "{\"steps\":[{\"script\":[\"a\",null]}]}",
	    "steps[0].script[1] has to be a string, not null" },
	{ "{\"steps\":[null]}", "steps[0] has to be an object, not null" },
	{ "{\"image\":\"debian\"}", "image has to be an object, not a string" },
	{ "{\"image\":{\"executor_opts\":{\"docker\":{\"user\":true}}}}",
	    "image.executor_opts.docker.user has to be a string, not true or false" },
	{ "{\"job_info\":{\"time_in_queue_seconds\":\"1\"}}",
	    "job_info.time_in_queue_seconds has to be a number, not a string" },
	{ "{\"token\":\"a\\u0000b\"}", "this is not JSON" },
	{ "{\"token\":\"\xff\"}", "this is not JSON" },
	{ "{\"id\":99999999999999999999}", "this is not JSON" },
	{ "{\"id\":1} x", "this is not JSON" },
};

START_TEST(wrong_job_is_named)
{
	struct job_payload *job = NULL;
	struct error err = ERROR_INIT;
	int rc =
	    job_payload_read(bad_jobs[_i].text, strlen(bad_jobs[_i].text), &job, &err);

	ck_assert_int_eq(rc, ERR_INVALID);
	ck_assert_msg(
	    str_starts(err.msg, bad_jobs[_i].want), "%s: %s", bad_jobs[_i].text, err.msg);
}
END_TEST

static struct buf
nested(size_t levels)
{
	struct buf b = BUF_INIT;

	buf_add_str(&b, "{\"x\":");
	for (size_t i = 0; i < levels; i++)
		buf_add_char(&b, '[');
	for (size_t i = 0; i < levels; i++)
		buf_add_char(&b, ']');
	buf_add_str(&b, "," SMALLEST "}");
	return b;
}

START_TEST(depth_is_bounded)
{
	cleanup_buf struct buf deep = nested(100000), fits = nested(60);
	struct job_payload *job = NULL;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(job_payload_read(deep.data, deep.len, &job, &err), ERR_LIMIT);
	ck_assert_int_eq(job_payload_read(fits.data, fits.len, &job, &err), 0);
	job_payload_free(job);
}
END_TEST

START_TEST(brackets_in_strings_are_no_depth)
{
	cleanup_buf struct buf b = BUF_INIT;
	struct job_payload *job = NULL;
	struct error err = ERROR_INIT;

	buf_add_str(&b, "{" SMALLEST ",\"x\":\"\\\"");
	for (int i = 0; i < 1000; i++)
		buf_add_char(&b, '[');
	buf_add_str(&b, "\"}");
	ck_assert_msg(job_payload_read(b.data, b.len, &job, &err) == 0, "%s", err.msg);
	job_payload_free(job);
}
END_TEST

START_TEST(size_is_bounded)
{
	char c = '{';
	struct job_payload *job = NULL;
	struct error err = ERROR_INIT;

	/* refused by its length alone: no byte is looked at */
	ck_assert_int_eq(
	    job_payload_read(&c, JSON_MAX_PAYLOAD + 1, &job, &err), ERR_LIMIT);
}
END_TEST

/* ---- requests ---- */

static const char *const requests[] = {
	/* jobs/request, verify */
	"\"token\":\"t\",\"system_id\":\"s_0123456789ab\",\"last_update\":\"x\"}",
	/* the acceptance */
	"\"token\":\"t\",\"state\":\"running\",\"output\":{}}",
	/* the end */
	"\"token\":\"t\",\"state\":\"failed\",\"failure_reason\":\"script_failure\","
	"\"checksum\":\"crc32:0000000d\",\"output\":{\"checksum\":\"crc32:0000000d\","
	"\"bytesize\":12},\"usage_samples\":\"pawl-usage 1\\n\","
	"\"image_digest\":\"sha256:1\","
	"\"usage\":{\"peak_bytes\":1,\"cpu_us\":2,\"read_bytes\":3,\"written_bytes\":4},"
	"\"exit_code\":2}",
};

static const char info[] =
    "{\"info\":{\"name\":\"r\",\"version\":\"1\",\"platform\":\"linux\","
    "\"features\":{\"variables\":true,\"image\":false,\"services\":false,"
    "\"artifacts\":false,\"cache\":false,\"fallback_cache_keys\":false,"
    "\"shared\":false,\"upload_multiple_artifacts\":false,"
    "\"upload_raw_artifacts\":false,\"session\":false,\"terminal\":false,"
    "\"refspecs\":true,\"masking\":false,\"proxy\":false,\"raw_variables\":false,"
    "\"artifacts_exclude\":false,\"multi_build_steps\":false,\"trace_reset\":false,"
    "\"trace_checksum\":false,\"trace_size\":false,\"vault_secrets\":false,"
    "\"cancelable\":false,\"return_exit_code\":false,\"service_variables\":false,"
    "\"service_multiple_aliases\":false,\"image_executor_opts\":false,"
    "\"service_executor_opts\":false,\"cancel_gracefully\":false,"
    "\"native_steps_integration\":false,\"two_phase_job_commit\":true,"
    "\"job_inputs\":false},\"config\":{\"gpus\":\"\"}},";

static struct runner_request
read_request(const char *text)
{
	struct runner_request r = { .arena = NULL };
	struct error err = ERROR_INIT;

	if (runner_request_read(text, strlen(text), &r, &err) < 0)
		ck_abort_msg("%s: %s", text, err.msg);
	return r;
}

/* What is said of a job says nothing of its runner. */
START_TEST(request_is_written_as_it_was_read)
{
	bool is_update = strstr(requests[_i], "\"state\"") != NULL;
	cleanup_free char *text = xasprintf("%s%s", is_update ? "{" : info, requests[_i]);
	cleanup_runner_request struct runner_request r = read_request(text);
	cleanup_buf struct buf out = BUF_INIT;

	runner_request_write(&r, &out);
	ck_assert_str_eq(buf_str(&out), text);
}
END_TEST

START_TEST(registration_is_written_as_it_was_read)
{
	cleanup_free char *text = xasprintf("%s%s", info,
	    "\"token\":\"t\",\"description\":\"d\",\"maintenance_note\":\"m\","
	    "\"access_level\":\"ref_protected\",\"tag_list\":\"a,b\","
	    "\"run_untagged\":false,\"locked\":true,\"paused\":false,"
	    "\"maximum_timeout\":60}");
	cleanup_runner_request struct runner_request r = read_request(text);
	cleanup_buf struct buf out = BUF_INIT;

	r.registers = true;
	runner_request_write(&r, &out);
	ck_assert_str_eq(buf_str(&out), text);
}
END_TEST

START_TEST(tags_may_be_a_list)
{
	cleanup_runner_request struct runner_request r =
	    read_request("{\"tag_list\":[\"a\",\"b c\"]}");

	ck_assert_uint_eq(r.tag_count, 2);
	ck_assert_str_eq(r.tags[1], "b c");
}
END_TEST

START_TEST(blanks_around_tags_are_no_part)
{
	cleanup_runner_request struct runner_request r =
	    read_request("{\"tag_list\":\" a ,, b\"}");

	ck_assert_uint_eq(r.tag_count, 2);
	ck_assert_str_eq(r.tags[0], "a");
	ck_assert_str_eq(r.tags[1], "b");
}
END_TEST

START_TEST(untagged_jobs_are_taken_unless_refused)
{
	cleanup_runner_request struct runner_request r = read_request("{}");
	cleanup_runner_request struct runner_request no =
	    read_request("{\"run_untagged\":false}");

	ck_assert(r.run_untagged);
	ck_assert(!no.run_untagged);
}
END_TEST

static const struct {
	const char *text;
	enum reason want;
} reasons[] = {
	{ "{}", REASON_NONE },
	{ "{\"failure_reason\":\"script_failure\"}", REASON_SCRIPT_FAILURE },
	{ "{\"failure_reason\":\"something_new\"}", REASON_UNKNOWN_FAILURE },
	{ "{\"failure_reason\":\"waits_for_job\"}", REASON_UNKNOWN_FAILURE },
};

START_TEST(reason_is_known_or_unknown)
{
	cleanup_runner_request struct runner_request r = read_request(reasons[_i].text);

	ck_assert_int_eq(r.failure_reason, reasons[_i].want);
}
END_TEST

static const struct {
	const char *text, *want;
} bad_requests[] = {
	{ "{\"info\":{\"features\":{\"image\":1}}}",
	    "info.features.image has to be true or false, not a number" },
	{ "{\"info\":{\"features\":[]}}",
	    "info.features has to be an object, not a list" },
	{ "{\"output\":{\"checksum\":\"crc32:\"}}", "output.checksum has to be" },
	{ "{\"output\":{\"checksum\":\"crc32:-1\"}}", "output.checksum has to be" },
	{ "{\"output\":{\"checksum\":\"crc32:100000000\"}}",
	    "output.checksum has to be" },
	{ "{\"checksum\":\"crc32:x\"}", "output.checksum has to be" },
	{ "{\"exit_code\":\"1\"}", "exit_code has to be a whole number, not a string" },
	{ "{\"tag_list\":5}", "tag_list has to be a list, not a number" },
};

START_TEST(wrong_request_is_named)
{
	struct runner_request r;
	struct error err = ERROR_INIT;
	const char *text = bad_requests[_i].text;

	ck_assert_int_eq(runner_request_read(text, strlen(text), &r, &err), ERR_INVALID);
	ck_assert_msg(
	    str_starts(err.msg, bad_requests[_i].want), "%s: %s", text, err.msg);
}
END_TEST

/* ---- answers ---- */

START_TEST(identity_is_read_as_it_was_written)
{
	struct runner_identity id = { .id = 5, .token = "glrt-x" }, got = { .id = 0 };
	cleanup_buf struct buf out = BUF_INIT;
	struct error err = ERROR_INIT;

	runner_identity_write(&id, &out);
	ck_assert_str_eq(
	    buf_str(&out), "{\"id\":5,\"token\":\"glrt-x\",\"token_expires_at\":null}");
	ck_assert_int_eq(runner_identity_read(out.data, out.len, &got, &err), 0);
	ck_assert_int_eq(got.id, 5);
	ck_assert_str_eq(got.token, "glrt-x");
}
END_TEST

static const char *const bad_identities[] = { "{}", "{\"id\":0,\"token\":\"t\"}",
	"{\"id\":1}", "{\"id\":1,\"token\":\"\"}", "{\"id\":1,\"token\":7}" };

START_TEST(identity_has_id_and_token)
{
	struct runner_identity got;
	struct error err = ERROR_INIT;
	const char *text = bad_identities[_i];

	ck_assert_int_eq(
	    runner_identity_read(text, strlen(text), &got, &err), ERR_INVALID);
}
END_TEST

static const struct {
	const char *text, *want;
} bodies[] = {
	{ "{\"message\":\"403 Forbidden\"}", "403 Forbidden" },
	{ "{\"error\":\"gone\"}", "gone" },
	{ "{\"message\":{\"base\":[\"is closed\",\"is old\"]}}",
	    "base is closed, is old" },
	{ "{\"message\":{\"a\":[\"x\"],\"b\":\"y\"}}", "a x; b y" },
	{ "{\"message\":5}", "" },
	{ "<html>", "" },
	{ "", "" },
	{ "{\"message\":\"0123456789012345678901234567890123456789\"}",
	    "0123456789012345678901234567890" },
};

START_TEST(words_of_an_error_are_found)
{
	char out[32];

	error_body_read(bodies[_i].text, strlen(bodies[_i].text), out, sizeof(out));
	ck_assert_str_eq(out, bodies[_i].want);
}
END_TEST

static const struct {
	const char *text, *want;
} answers[] = {
	{ "{\"message\":\"403 Forbidden\"}", "403 Forbidden" },
	{ "{\"message\":\"4030 of them\"}", "403: 4030 of them" },
	{ "{\"message\":\"gone\"}", "403: gone" },
	{ "<html>", "403" },
};

START_TEST(status_of_an_answer_is_said_once)
{
	char out[32];

	error_answer_read(
	    403, answers[_i].text, strlen(answers[_i].text), out, sizeof(out));
	ck_assert_str_eq(out, answers[_i].want);
}
END_TEST

START_TEST(error_is_read_as_it_was_written)
{
	cleanup_buf struct buf out = BUF_INIT;
	char words[32];

	error_body_write("say \"no\"", &out);
	error_body_read(out.data, out.len, words, sizeof(words));
	ck_assert_str_eq(words, "say \"no\"");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("protocol_json");
	TCase *tc = tcase_create("protocol_json");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tc, job_is_written_as_it_was_read);
	tcase_add_test(tc, smallest_job_has_its_fields);
	tcase_add_test(tc, null_is_the_same_as_missing);
	tcase_add_test(tc, user_of_an_image_may_be_a_number);
	tcase_add_test(tc, secrets_are_noticed);
	tcase_add_loop_test(tc, wrong_job_is_named, 0, ARRAY_LEN(bad_jobs));
	tcase_add_test(tc, depth_is_bounded);
	tcase_add_test(tc, brackets_in_strings_are_no_depth);
	tcase_add_test(tc, size_is_bounded);
	tcase_add_loop_test(
	    tc, request_is_written_as_it_was_read, 0, ARRAY_LEN(requests));
	tcase_add_test(tc, registration_is_written_as_it_was_read);
	tcase_add_test(tc, tags_may_be_a_list);
	tcase_add_test(tc, blanks_around_tags_are_no_part);
	tcase_add_test(tc, untagged_jobs_are_taken_unless_refused);
	tcase_add_loop_test(tc, reason_is_known_or_unknown, 0, ARRAY_LEN(reasons));
	tcase_add_loop_test(tc, wrong_request_is_named, 0, ARRAY_LEN(bad_requests));
	tcase_add_test(tc, identity_is_read_as_it_was_written);
	tcase_add_loop_test(tc, identity_has_id_and_token, 0, ARRAY_LEN(bad_identities));
	tcase_add_loop_test(tc, words_of_an_error_are_found, 0, ARRAY_LEN(bodies));
	tcase_add_loop_test(tc, status_of_an_answer_is_said_once, 0, ARRAY_LEN(answers));
	tcase_add_test(tc, error_is_read_as_it_was_written);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
