/* Requests and replies, as the bytes on the wire. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "base/str.h"
#include "tests/unit/served.h"

#define HOST "Host: h\r\n"
#define LAST HOST "Connection: close\r\n"

static struct served served;

/* ---- the handler: a path is a behaviour ------------------------------------- */

static void
reply_text(struct http_request *r, int status, const char *text)
{
	http_reply(r, status, "text/plain", text, strlen(text));
}

static void
on_echo(struct http_request *r, const char *body, size_t len, void *data)
{
	ck_assert_ptr_eq(data, &served);
	http_reply(r, 200, "text/plain", body, len);
}

static void
add_param(const char *name, const char *value, void *data)
{
	buf_printf(data, "%s=%s;", name, value);
}

static void
reply_facts(struct http_request *r)
{
	cleanup_buf struct buf b = BUF_INIT;
	const char *value = http_query(r, "q");

	buf_printf(&b, "%s|%s|%s|%s|%s|%" PRId64 "|", http_method(r), http_target(r),
	    http_path(r), value == NULL ? "none" : value, http_peer(r),
	    http_content_length(r));
	http_each_query(r, add_param, &b);
	reply_text(r, 200, buf_str(&b));
}

static void
handle(struct http_request *r, void *data)
{
	const char *path = http_path(r);

	ck_assert_ptr_eq(data, &served);
	if (str_eq(path, "/hello"))
		reply_text(r, 200, "hello");
	else if (str_eq(path, "/empty"))
		http_reply(r, 204, NULL, NULL, 0);
	else if (str_starts(path, "/facts"))
		reply_facts(r);
	else if (str_eq(path, "/header")) {
		http_reply_header(r, "X-Given", http_header(r, "x-given"));
		reply_text(r, 201, "");
	} else if (str_eq(path, "/echo"))
		http_read_body(r, 10000, on_echo, data);
	else
		reply_text(r, 404, "no such thing");
}

static void
setup(void)
{
	struct http_server_options options = { .on_request = handle, .data = &served };

	served_start(&served, &options);
}

static void
teardown(void)
{
	served_stop(&served);
}

/* ---- whole exchanges -------------------------------------------------------- */

static const struct {
	const char *request;
	const char *status; /* how the answer begins; "": hung up without one */
	const char *body;   /* how it ends */
} exchanges[] = {
	{ "GET /hello HTTP/1.1\r\n" LAST "\r\n", "HTTP/1.1 200 OK\r\n", "\r\n\r\nhello" },
	{ "HEAD /hello HTTP/1.1\r\n" LAST "\r\n", "HTTP/1.1 200 OK\r\n", "\r\n\r\n" },
	{ "GET /empty HTTP/1.1\r\n" LAST "\r\n", "HTTP/1.1 204 No Content\r\n",
	    "\r\n\r\n" },
	{ "GET /no HTTP/1.1\r\n" LAST "\r\n", "HTTP/1.1 404 Not Found\r\n", "thing" },
	{ "GET /hello HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n", "hello" },
	{ "POST /echo HTTP/1.1\r\n" LAST "Content-Length: 5\r\n\r\nabcde",
	    "HTTP/1.1 200 OK\r\n", "\r\n\r\nabcde" },
	{ "PATCH /echo HTTP/1.1\r\n" LAST
	  "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
	    "HTTP/1.1 200 OK\r\n", "\r\n\r\nabcde" },
	{ "PUT /echo HTTP/1.1\r\n" LAST "Content-Length: 0\r\n\r\n",
	    "HTTP/1.1 200 OK\r\n", "\r\n\r\n" },
	{ "POST /hello HTTP/1.1\r\n" LAST "Content-Length: 5\r\n\r\nabcde",
	    "HTTP/1.1 200 OK\r\n", "\r\n\r\nhello" },
	{ "POST /echo HTTP/1.1\r\n" LAST "Content-Length: 1000001\r\n\r\n",
	    "HTTP/1.1 413 ", "The body is too large.\n" },
	{ "DELETE /facts/a%2Fb?q=%41+b&x&y=&q=2&&=z&%zz=%00 HTTP/1.1\r\n" LAST "\r\n",
	    "HTTP/1.1 200 OK\r\n",
	    "\r\n\r\nDELETE|/facts/a%2Fb?q=%41+b&x&y=&q=2&&=z&%zz=%00|/facts/a%2Fb|A b|"
	    "127.0.0.1|0|q=A b;x=;y=;q=2;=z;%zz=%00;" },
	{ "GET http://other/facts?a=b HTTP/1.1\r\n" LAST "\r\n", "HTTP/1.1 200 OK\r\n",
	    "GET|/facts?a=b|/facts|none|127.0.0.1|0|a=b;" },
	{ "GET /header HTTP/1.1\r\n" LAST "X-GIVEN: one\r\n\r\n",
	    "HTTP/1.1 201 Created\r\n", "\r\n\r\n" },
};

START_TEST(request_is_answered)
{
	cleanup_free char *answer = served_ask(&served, exchanges[_i].request);

	if (!str_starts(answer, exchanges[_i].status) ||
	    !str_ends(answer, exchanges[_i].body))
		ck_abort_msg("%s\ngot: %s", exchanges[_i].request, answer);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("http_server");
	Suite *suite = suite_create("http_server");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, request_is_answered, 0, (int)ARRAY_LEN(exchanges));
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
