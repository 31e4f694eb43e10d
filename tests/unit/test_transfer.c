/* Artifacts sent and fetched: the form, the query, and what is tried again. */
#include <check.h>
#include <uv.h>

#include "base/http_client.h"
#include "base/path.h"
#include "base/str.h"
#include "runner/transfer.h"
#include "tests/unit/fake_server.h"
#include "tests/unit/fixture.h"

struct scene {
	char *root, *api, *path;
	uv_loop_t loop;
	struct http_client *client;
	struct fake_server *server;
	struct transfer_target target;
	const int *statuses; /* of the answers, in turn; the last one stays */
	size_t status_count, answered;
	struct strlist paths;
	struct buf body, head;
	bool done;
	struct error err;
};

static enum fake_deed
handle(const struct fake_request *r, struct buf *reply, void *data)
{
	struct scene *s = data;
	size_t i = s->answered < s->status_count ? s->answered : s->status_count - 1;

	s->answered++;
	strlist_add(&s->paths, r->path);
	buf_reset(&s->body);
	buf_add(&s->body, r->body, r->len);
	buf_reset(&s->head);
	buf_add_str(&s->head, r->head);
	if (s->statuses[i] == 0)
		return FAKE_DROP;
	fake_reply(reply, s->statuses[i],
	    s->statuses[i] == 307 || s->statuses[i] == 302 ? "Location: /elsewhere\r\n"
							   : "",
	    s->statuses[i] == 200 ? "content" : "{\"message\":\"because\"}");
	return FAKE_ANSWER;
}

static void
on_done(const struct error *err, void *data)
{
	struct scene *s = data;

	s->done = true;
	s->err = *err;
}

static void
open_scene(struct scene *s, const int *statuses, size_t count)
{
	struct http_client_options o = { .user_agent = "test" };
	struct error err = ERROR_INIT;

	*s = (struct scene){ .statuses = statuses, .status_count = count };
	s->root = fixture_open();
	s->path = path_join(s->root, "file");
	uv_loop_init(&s->loop);
	s->server = fake_server_open(&s->loop, NULL, 0, handle, s);
	s->api = xasprintf("http://127.0.0.1:%d/api/v4", fake_server_port(s->server));
	if (http_client_new(&s->loop, &o, &s->client, &err) < 0)
		ck_abort_msg("%s", err.msg);
	s->target = (struct transfer_target){ .loop = &s->loop,
		.client = s->client,
		.api = s->api,
		.job = 7,
		.token = "jt",
		.retry_ms = 1 };
}

static void
close_scene(struct scene *s)
{
	http_client_free(s->client);
	fake_server_close(s->server);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	ck_assert_int_eq(uv_loop_close(&s->loop), 0);
	strlist_clear(&s->paths);
	buf_clear(&s->body);
	buf_clear(&s->head);
	free(s->path);
	free(s->api);
	fixture_close(s->root);
}

static void
upload(struct scene *s, const char *content)
{
	struct job_artifact of = {
		.type = "archive", .format = "zip", .expire_in = "1 day & more"
	};
	struct artifacts_packed file = { &of, s->path, (char *)(uintptr_t) "a.zip" };
	struct error err = ERROR_INIT;

	ck_assert_int_eq(
	    path_write_file(s->path, content, strlen(content), 0600, &err), 0);
	(void)transfer_upload(&s->target, &file, on_done, s);
	while (!s->done)
		uv_run(&s->loop, UV_RUN_ONCE);
}

static void
download(struct scene *s)
{
	(void)transfer_download(&s->target, s->path, on_done, s);
	while (!s->done)
		uv_run(&s->loop, UV_RUN_ONCE);
}

START_TEST(upload_is_a_form_with_one_file)
{
	static const int statuses[] = { 201 };
	struct scene s;
	const char *boundary;
	cleanup_free char *want = NULL;

	open_scene(&s, statuses, 1);
	upload(&s, "content");
	ck_assert_msg(s.err.code == 0, "%s", s.err.msg);
	ck_assert_str_eq(s.paths.items[0],
	    "/api/v4/jobs/7/artifacts?expire_in=1%20day%20%26%20more&artifact_format=zip"
	    "&artifact_type=archive");
	ck_assert_ptr_nonnull(strstr(buf_str(&s.head), "JOB-TOKEN: jt\r\n"));
	boundary = strstr(buf_str(&s.head), "boundary=");
	ck_assert_ptr_nonnull(boundary);
	boundary += strlen("boundary=");
	want = xasprintf(
	    "--%.*s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.zip\""
	    "\r\nContent-Type: application/octet-stream\r\n\r\ncontent\r\n--%.*s--\r\n",
	    (int)strcspn(boundary, "\r"), boundary, (int)strcspn(boundary, "\r"),
	    boundary);
	ck_assert_str_eq(buf_str(&s.body), want);
	close_scene(&s);
}
END_TEST

static const struct {
	int statuses[8];
	size_t count, tries;
	const char *want; /* of the message; NULL: done */
} uploads[] = {
	{ { 500, 201 }, 2, 2, NULL },
	{ { 0, 201 }, 2, 2, NULL },
	{ { 500 }, 1, 3, "the server answered 500: because" },
	{ { 0 }, 1, 3, "http://" },
	{ { 503, 503, 503, 503, 503, 201 }, 6, 6, NULL },
	{ { 503 }, 1, 6, "the server answered 503: because" },
	{ { 403 }, 1, 1, "the server refuses (403: because)" },
	{ { 413 }, 1, 1, "the server does not take that much: 7 bytes (413: because)" },
	{ { 400 }, 1, 1, "the server does not take it (400: because)" },
	{ { 307, 201 }, 2, 2, NULL },
};

START_TEST(upload_is_tried_again_where_it_may_help)
{
	struct scene s;

	open_scene(&s, uploads[_i].statuses, uploads[_i].count);
	upload(&s, "content");
	ck_assert_uint_eq(s.answered, uploads[_i].tries);
	if (uploads[_i].want == NULL)
		ck_assert_msg(s.err.code == 0, "%s", s.err.msg);
	else
		ck_assert_msg(str_starts(s.err.msg, uploads[_i].want), "%s", s.err.msg);
	ck_assert_ptr_nonnull(strstr(buf_str(&s.body), "\r\n\r\ncontent\r\n--"));
	close_scene(&s);
}
END_TEST

START_TEST(file_that_is_gone_is_said)
{
	static const int statuses[] = { 201 };
	struct job_artifact of = { .type = "archive" };
	struct artifacts_packed file = { &of, NULL, (char *)(uintptr_t) "a.zip" };
	struct scene s;

	open_scene(&s, statuses, 1);
	file.path = s.path;
	(void)transfer_upload(&s.target, &file, on_done, &s);
	ck_assert(!s.done);
	while (!s.done)
		uv_run(&s.loop, UV_RUN_ONCE);
	ck_assert_msg(str_starts(s.err.msg, "cannot open"), "%s", s.err.msg);
	close_scene(&s);
}
END_TEST

static const struct {
	int statuses[4];
	size_t count, tries;
	const char *want;
} downloads[] = {
	{ { 200 }, 1, 1, NULL },
	{ { 302, 200 }, 2, 2, NULL },
	{ { 500, 200 }, 2, 2, NULL },
	{ { 500 }, 1, 3, "the server answered 500: because" },
	{ { 0, 200 }, 2, 2, NULL },
	{ { 404 }, 1, 1, "the server does not have it (any more)" },
	{ { 401 }, 1, 1, "the server refuses (401: because)" },
};

START_TEST(download_is_tried_again_where_it_may_help)
{
	cleanup_buf struct buf got = BUF_INIT;
	struct error err = ERROR_INIT;
	struct scene s;

	open_scene(&s, downloads[_i].statuses, downloads[_i].count);
	download(&s);
	ck_assert_uint_eq(s.answered, downloads[_i].tries);
	ck_assert_str_eq(
	    s.paths.items[0], "/api/v4/jobs/7/artifacts?direct_download=true");
	if (downloads[_i].want != NULL) {
		ck_assert_msg(str_starts(s.err.msg, downloads[_i].want), "%s", s.err.msg);
	} else {
		ck_assert_msg(s.err.code == 0, "%s", s.err.msg);
		ck_assert_int_eq(buf_read_file(&got, s.path, 100, &err), 0);
		ck_assert_str_eq(buf_str(&got), "content");
	}
	close_scene(&s);
}
END_TEST

START_TEST(canceled_transfer_says_nothing)
{
	static const int statuses[] = { 500 };
	struct transfer *t;
	struct scene s;

	open_scene(&s, statuses, 1);
	t = transfer_download(&s.target, s.path, on_done, &s);
	while (s.answered == 0)
		uv_run(&s.loop, UV_RUN_ONCE);
	transfer_cancel(t);
	close_scene(&s);
	ck_assert(!s.done);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("transfer");
	TCase *tc = tcase_create("transfer");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tc, upload_is_a_form_with_one_file);
	tcase_add_loop_test(
	    tc, upload_is_tried_again_where_it_may_help, 0, ARRAY_LEN(uploads));
	tcase_add_test(tc, file_that_is_gone_is_said);
	tcase_add_loop_test(
	    tc, download_is_tried_again_where_it_may_help, 0, ARRAY_LEN(downloads));
	tcase_add_test(tc, canceled_transfer_says_nothing);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
