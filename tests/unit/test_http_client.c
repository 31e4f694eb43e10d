/* The HTTP client against a server on the same loop. */
#include <check.h>
#include <uv.h>

#include "base/http_client.h"
#include "base/str.h"
#include "tests/unit/fake_server.h"
#include "tests/unit/fixture.h"

/* One client, one server, and what came of the last call. */
struct scene {
	uv_loop_t loop;
	struct http_client *client;
	struct fake_server *server, *other;
	char *url;
	struct strlist seen; /* "METHOD PATH BODY" */
	struct buf heads;
	int ended, status;
	char *body, *problem, *header;
	struct buf sunk;
	bool full;
	const char *source;
	int drops;
	bool frees_client;
};

static enum fake_deed
handle(const struct fake_request *r, struct buf *reply, void *data)
{
	struct scene *s = data;

	strlist_add_take(&s->seen, xasprintf("%s %s %s", r->method, r->path, r->body));
	buf_add_str(&s->heads, r->head);
	if (str_eq(r->path, "/hold"))
		return FAKE_HOLD;
	if (str_eq(r->path, "/drop") || s->drops-- > 0)
		return FAKE_DROP;
	if (str_starts(r->path, "/to/"))
		fake_reply(reply, 307, "Location: /done\r\n", "moved");
	else if (str_starts(r->path, "/away/")) {
		cleanup_free char *to = xasprintf(
		    "Location: http://127.0.0.1:%d/x\r\n", fake_server_port(s->other));

		fake_reply(reply, 302, to, "");
	} else if (str_eq(r->path, "/again"))
		fake_reply(reply, 302, "Location: /again\r\n", "");
	else if (str_eq(r->path, "/404"))
		fake_reply(reply, 404, "", "not here");
	else if (str_eq(r->path, "/continue")) {
		buf_add_str(reply, "HTTP/1.1 100 Continue\r\nX-A: 0\r\n\r\n");
		fake_reply(reply, 200, "X-B: 1\r\n", "ok");
	} else
		fake_reply(reply, 200, "X-A: 1\r\nx-a:  2\r\n", "hello");
	return FAKE_ANSWER;
}

static void
on_done(struct http_call *call, const struct http_reply *reply, void *data)
{
	struct scene *s = data;
	const char *header = http_reply_get(call, "X-A");

	s->ended++;
	s->status = reply->status;
	free(s->body);
	free(s->problem);
	free(s->header);
	s->body = xstrdup(reply->body);
	s->problem = xstrdup(reply->error->msg);
	s->header = header == NULL ? NULL : xstrdup(header);
	if (s->frees_client)
		http_client_free(take(s->client));
}

static void
open_scene(struct scene *s, const char *unix_path)
{
	struct http_client_options o = { .unix_socket = unix_path,
		.user_agent = "pawl-test" };
	struct error err = ERROR_INIT;

	*s = (struct scene){ .status = -1 };
	uv_loop_init(&s->loop);
	s->server = fake_server_open(&s->loop, unix_path, 0, handle, s);
	s->other = fake_server_open(&s->loop, NULL, 0, handle, s);
	s->url = unix_path != NULL
	    ? xstrdup("http://pawl")
	    : xasprintf("http://127.0.0.1:%d", fake_server_port(s->server));
	if (http_client_new(&s->loop, &o, &s->client, &err) < 0)
		ck_abort_msg("%s", err.msg);
}

static void
close_scene(struct scene *s)
{
	http_client_free(s->client);
	if (s->server != NULL)
		fake_server_close(s->server);
	fake_server_close(s->other);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	ck_assert_int_eq(uv_loop_close(&s->loop), 0);
	strlist_clear(&s->seen);
	buf_clear(&s->heads);
	buf_clear(&s->sunk);
	free(s->url);
	free(s->body);
	free(s->problem);
	free(s->header);
}

/* Sends, and waits for the end unless it is 0 of options. */
static struct http_call *
send_to(struct scene *s, const char *path, struct http_call_options o)
{
	cleanup_free char *url = xasprintf("%s%s", s->url, path);
	struct http_call *call;

	o.url = url;
	if (o.method == NULL)
		o.method = "GET";
	o.on_done = on_done;
	o.data = s;
	call = http_send(s->client, &o);
	ck_assert_int_eq(s->ended, 0);
	return call;
}

static void
ask(struct scene *s, const char *path, struct http_call_options o)
{
	s->ended = 0;
	(void)send_to(s, path, o);
	while (s->ended == 0)
		uv_run(&s->loop, UV_RUN_ONCE);
}

START_TEST(get_is_answered)
{
	struct scene s;

	open_scene(&s, NULL);
	ask(&s, "/a?b=c", (struct http_call_options){ .method = "GET" });
	ck_assert_int_eq(s.status, 200);
	ck_assert_str_eq(s.body, "hello");
	ck_assert_str_eq(s.header, "2");
	ck_assert_str_eq(s.seen.items[0], "GET /a?b=c ");
	ck_assert(strstr(buf_str(&s.heads), "User-Agent: pawl-test\r\n") != NULL);
	close_scene(&s);
}
END_TEST

static const char *const methods[] = { "POST", "PUT", "PATCH" };

START_TEST(body_is_sent_with_its_method)
{
	static const char *const headers[] = { "Content-Type: application/json",
		"JOB-TOKEN: t", NULL };
	cleanup_free char *want = xasprintf("%s /x {\"a\":1}", methods[_i]);
	struct scene s;

	open_scene(&s, NULL);
	ask(&s, "/x",
	    (struct http_call_options){ .method = methods[_i],
		.headers = headers,
		.body = "{\"a\":1}",
		.body_len = 7 });
	ck_assert_int_eq(s.status, 200);
	ck_assert_str_eq(s.seen.items[0], want);
	ck_assert(
	    strstr(buf_str(&s.heads), "Content-Type: application/json\r\n") != NULL);
	ck_assert(strstr(buf_str(&s.heads), "JOB-TOKEN: t\r\n") != NULL);
	ck_assert(strstr(buf_str(&s.heads), "Expect") == NULL);
	close_scene(&s);
}
END_TEST

START_TEST(unix_socket_is_used)
{
	cleanup_fixture char *root = fixture_open();
	cleanup_free char *path = xasprintf("%s/sock", root);
	struct scene s;

	open_scene(&s, path);
	ask(&s, "/a", (struct http_call_options){ .method = "GET" });
	ck_assert_int_eq(s.status, 200);
	close_scene(&s);
}
END_TEST

START_TEST(connection_is_used_again)
{
	struct scene s;

	open_scene(&s, NULL);
	for (int i = 0; i < 3; i++)
		ask(&s, "/a", (struct http_call_options){ .method = "GET" });
	ck_assert_uint_eq(fake_server_connections(s.server), 1);
	close_scene(&s);
}
END_TEST

START_TEST(many_at_once)
{
	struct scene s;

	open_scene(&s, NULL);
	for (int i = 0; i < 50; i++)
		(void)send_to(&s, "/a", (struct http_call_options){ .method = "GET" });
	while (s.ended < 50)
		uv_run(&s.loop, UV_RUN_ONCE);
	ck_assert_uint_eq(s.seen.count, 50);
	close_scene(&s);
}
END_TEST

START_TEST(refused_connection_says_where)
{
	struct scene s;

	open_scene(&s, NULL);
	fake_server_close(take(s.server));
	uv_run(&s.loop, UV_RUN_NOWAIT);
	ask(&s, "/a", (struct http_call_options){ .method = "GET" });
	ck_assert_int_eq(s.status, 0);
	ck_assert_msg(str_starts(s.problem, s.url), "%s", s.problem);
	ck_assert_msg(strstr(s.problem, "connect") != NULL, "%s", s.problem);
	close_scene(&s);
}
END_TEST

START_TEST(lost_answer_is_no_answer)
{
	struct scene s;

	open_scene(&s, NULL);
	ask(&s, "/drop",
	    (struct http_call_options){ .method = "POST", .body = "x", .body_len = 1 });
	ck_assert_int_eq(s.status, 0);
	ck_assert_str_ne(s.problem, "");
	close_scene(&s);
}
END_TEST

START_TEST(only_the_last_head_counts)
{
	struct scene s;

	open_scene(&s, NULL);
	ask(&s, "/continue", (struct http_call_options){ .method = "GET" });
	ck_assert_int_eq(s.status, 200);
	ck_assert_ptr_null(s.header);
	close_scene(&s);
}
END_TEST

/* ---- bodies that stream ---- */

static ssize_t
read_source(char *out, size_t size, int64_t offset, void *data)
{
	struct scene *s = data;
	size_t len = strlen(s->source), at = (size_t)offset;
	size_t n = len - at < size ? len - at : size;

	n = n > 3 ? 3 : n; /* in small pieces */
	memcpy(out, s->source + at, n);
	return (ssize_t)n;
}

static ssize_t
read_fails(char *out UNUSED, size_t size UNUSED, int64_t offset UNUSED, void *data UNUSED)
{
	return -1;
}

static const struct {
	int64_t size;
	const char *head;
} sizes[] = {
	{ 10, "Content-Length: 10\r\n" },
	{ -1, "Transfer-Encoding: chunked\r\n" },
};

START_TEST(body_is_read_as_it_is_sent)
{
	struct scene s;

	open_scene(&s, NULL);
	s.source = "0123456789";
	ask(&s, "/x",
	    (struct http_call_options){
		.method = "POST", .read = read_source, .read_size = sizes[_i].size });
	ck_assert_int_eq(s.status, 200);
	ck_assert_str_eq(s.seen.items[0], "POST /x 0123456789");
	ck_assert(strstr(buf_str(&s.heads), sizes[_i].head) != NULL);
	close_scene(&s);
}
END_TEST

/* Of a body that is sent as others are, and of one that is read while it is sent. */
static const int64_t lengths[] = { 10, 20000 };

static char *
text_of(int64_t len)
{
	char *text = xmalloc((size_t)len + 1);

	for (int64_t i = 0; i < len; i++)
		text[i] = (char)('a' + i % 23);
	text[len] = '\0';
	return text;
}

START_TEST(read_body_is_sent_again_after_a_redirect)
{
	cleanup_free char *text = text_of(lengths[_i]);
	cleanup_free char *want = xasprintf("PUT /done %s", text);
	struct scene s;

	open_scene(&s, NULL);
	s.source = text;
	ask(&s, "/to/x",
	    (struct http_call_options){ .method = "PUT",
		.read = read_source,
		.read_size = lengths[_i],
		.follow = true });
	ck_assert_int_eq(s.status, 200);
	ck_assert_str_eq(s.seen.items[1], want);
	close_scene(&s);
}
END_TEST

/* The server closed a kept connection just as the next request went out. */
START_TEST(read_body_survives_a_dead_connection)
{
	cleanup_free char *text = text_of(lengths[_i]);
	cleanup_free char *want = xasprintf("PUT /x %s", text);
	struct scene s;

	open_scene(&s, NULL);
	ask(&s, "/a", (struct http_call_options){ .method = "GET" });
	s.source = text;
	s.drops = 1;
	ask(&s, "/x",
	    (struct http_call_options){
		.method = "PUT", .read = read_source, .read_size = lengths[_i] });
	ck_assert_int_eq(s.status, 200);
	ck_assert_str_eq(s.seen.items[2], want);
	close_scene(&s);
}
END_TEST

START_TEST(unreadable_body_ends_the_call)
{
	struct scene s;

	open_scene(&s, NULL);
	ask(&s, "/x",
	    (struct http_call_options){
		.method = "PUT", .read = read_fails, .read_size = lengths[_i] });
	ck_assert_int_eq(s.status, 0);
	ck_assert_msg(strstr(s.problem, "could not be read") != NULL, "%s", s.problem);
	close_scene(&s);
}
END_TEST

static bool
sink(const char *bytes, size_t len, void *data)
{
	struct scene *s = data;

	buf_add(&s->sunk, bytes, len);
	return !s->full;
}

START_TEST(reply_goes_to_the_sink)
{
	struct scene s;

	open_scene(&s, NULL);
	ask(&s, "/a", (struct http_call_options){ .method = "GET", .write = sink });
	ck_assert_int_eq(s.status, 200);
	ck_assert_str_eq(s.body, "");
	ck_assert_str_eq(buf_str(&s.sunk), "hello");
	close_scene(&s);
}
END_TEST

START_TEST(an_error_does_not_go_to_the_sink)
{
	struct scene s;

	open_scene(&s, NULL);
	ask(&s, "/404", (struct http_call_options){ .method = "GET", .write = sink });
	ck_assert_int_eq(s.status, 404);
	ck_assert_str_eq(s.body, "not here");
	ck_assert_uint_eq(s.sunk.len, 0);
	close_scene(&s);
}
END_TEST

START_TEST(full_sink_ends_the_call)
{
	struct scene s;

	open_scene(&s, NULL);
	s.full = true;
	ask(&s, "/a", (struct http_call_options){ .method = "GET", .write = sink });
	ck_assert_int_eq(s.status, 0);
	ck_assert_msg(strstr(s.problem, "could not be stored") != NULL, "%s", s.problem);
	close_scene(&s);
}
END_TEST

START_TEST(long_reply_is_refused)
{
	struct scene s;

	open_scene(&s, NULL);
	ask(&s, "/a", (struct http_call_options){ .method = "GET", .max_reply = 4 });
	ck_assert_int_eq(s.status, 0);
	ck_assert_msg(strstr(s.problem, "longer than allowed") != NULL, "%s", s.problem);
	close_scene(&s);
}
END_TEST

/* ---- redirects ---- */

START_TEST(redirect_is_followed_only_if_asked)
{
	struct scene s;

	open_scene(&s, NULL);
	ask(&s, "/to/x", (struct http_call_options){ .method = "GET" });
	ck_assert_int_eq(s.status, 307);
	ask(&s, "/to/x", (struct http_call_options){ .method = "GET", .follow = true });
	ck_assert_int_eq(s.status, 200);
	ck_assert_str_eq(s.body, "hello");
	close_scene(&s);
}
END_TEST

START_TEST(circle_of_redirects_ends)
{
	struct scene s;

	open_scene(&s, NULL);
	ask(&s, "/again", (struct http_call_options){ .method = "GET", .follow = true });
	ck_assert_int_eq(s.status, 302);
	ck_assert_uint_eq(s.seen.count, 11);
	close_scene(&s);
}
END_TEST

static const char *const secrets[] = { "JOB-TOKEN: secret", "Private-Token: secret",
	"Authorization: secret", "Cookie: secret" };

START_TEST(secret_stays_with_its_host)
{
	const char *headers[] = { secrets[_i], "X-Other: kept", NULL };
	struct scene s;

	open_scene(&s, NULL);
	ask(&s, "/away/x",
	    (struct http_call_options){
		.method = "GET", .headers = headers, .follow = true });
	ck_assert_int_eq(s.status, 200);
	ck_assert_uint_eq(s.seen.count, 2);
	ck_assert_ptr_null(strstr(strstr(buf_str(&s.heads), "secret") + 1, "secret"));
	ck_assert_ptr_nonnull(strstr(strstr(buf_str(&s.heads), "kept") + 1, "kept"));
	close_scene(&s);
}
END_TEST

START_TEST(secret_goes_on_to_the_same_host)
{
	const char *headers[] = { secrets[_i], NULL };
	struct scene s;

	open_scene(&s, NULL);
	ask(&s, "/to/x",
	    (struct http_call_options){
		.method = "GET", .headers = headers, .follow = true });
	ck_assert_ptr_nonnull(strstr(strstr(buf_str(&s.heads), "secret") + 1, "secret"));
	close_scene(&s);
}
END_TEST

/* ---- ends ---- */

START_TEST(silence_ends_the_call)
{
	struct scene s;

	open_scene(&s, NULL);
	ask(&s, "/hold", (struct http_call_options){ .method = "GET", .timeout_ms = 50 });
	ck_assert_int_eq(s.status, 0);
	ck_assert_str_ne(s.problem, "");
	close_scene(&s);
}
END_TEST

START_TEST(canceled_call_says_nothing)
{
	struct scene s;
	struct http_call *call;

	open_scene(&s, NULL);
	call = send_to(&s, "/hold", (struct http_call_options){ .method = "GET" });
	while (s.seen.count == 0)
		uv_run(&s.loop, UV_RUN_ONCE);
	http_cancel(call);
	close_scene(&s);
	ck_assert_int_eq(s.ended, 0);
}
END_TEST

START_TEST(freed_client_ends_its_calls_silently)
{
	struct scene s;

	open_scene(&s, NULL);
	(void)send_to(&s, "/hold", (struct http_call_options){ .method = "GET" });
	(void)send_to(&s, "/a", (struct http_call_options){ .method = "GET" });
	while (s.seen.count == 0)
		uv_run(&s.loop, UV_RUN_ONCE);
	http_client_free(take(s.client));
	close_scene(&s);
	ck_assert_int_eq(s.ended, 0);
}
END_TEST

START_TEST(client_may_be_freed_from_on_done)
{
	struct scene s;

	open_scene(&s, NULL);
	s.frees_client = true;
	(void)send_to(&s, "/hold", (struct http_call_options){ .method = "GET" });
	ask(&s, "/a", (struct http_call_options){ .method = "GET" });
	close_scene(&s);
	ck_assert_int_eq(s.ended, 1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("http_client");
	TCase *tc = tcase_create("http_client");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tc, get_is_answered);
	tcase_add_loop_test(tc, body_is_sent_with_its_method, 0, ARRAY_LEN(methods));
	tcase_add_test(tc, unix_socket_is_used);
	tcase_add_test(tc, connection_is_used_again);
	tcase_add_test(tc, many_at_once);
	tcase_add_test(tc, refused_connection_says_where);
	tcase_add_test(tc, lost_answer_is_no_answer);
	tcase_add_test(tc, only_the_last_head_counts);
	tcase_add_loop_test(tc, body_is_read_as_it_is_sent, 0, ARRAY_LEN(sizes));
	tcase_add_loop_test(
	    tc, read_body_is_sent_again_after_a_redirect, 0, (int)ARRAY_LEN(lengths));
	tcase_add_loop_test(
	    tc, read_body_survives_a_dead_connection, 0, (int)ARRAY_LEN(lengths));
	tcase_add_loop_test(
	    tc, unreadable_body_ends_the_call, 0, (int)ARRAY_LEN(lengths));
	tcase_add_test(tc, reply_goes_to_the_sink);
	tcase_add_test(tc, an_error_does_not_go_to_the_sink);
	tcase_add_test(tc, full_sink_ends_the_call);
	tcase_add_test(tc, long_reply_is_refused);
	tcase_add_test(tc, redirect_is_followed_only_if_asked);
	tcase_add_test(tc, circle_of_redirects_ends);
	tcase_add_loop_test(tc, secret_stays_with_its_host, 0, ARRAY_LEN(secrets));
	tcase_add_loop_test(tc, secret_goes_on_to_the_same_host, 0, ARRAY_LEN(secrets));
	tcase_add_test(tc, silence_ends_the_call);
	tcase_add_test(tc, canceled_call_says_nothing);
	tcase_add_test(tc, freed_client_ends_its_calls_silently);
	tcase_add_test(tc, client_may_be_freed_from_on_done);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
