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

/* ---- heads that are refused -------------------------------------------------- */

static const struct {
	const char *head;
	const char *status; /* "": hung up without an answer */
} refused[] = {
	{ "hello\r\n\r\n", "" },
	{ "\x16\x03\x01\x02\x01\xff\xff\r\n\r\n", "" }, /* TLS */
	{ "GET / HTTP/2.0\r\n" HOST "\r\n", "HTTP/1.1 505 " },
	{ "GET / FTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 400 " },
	{ "GET /hello HTTP/1.1\r\n\r\n", "HTTP/1.1 400 " },
	{ "GET /hello HTTP/1.1\r\n" HOST HOST "\r\n", "HTTP/1.1 400 " },
	{ "GET /he llo HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 400 " },
	{ "GET hello HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 400 " },
	{ "GET http://h HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 400 " },
	{ "GET /\x01 HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 400 " },
	{ "G(T /hello HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 400 " },
	{ " /hello HTTP/1.1\r\n" HOST "\r\n", "" },
	{ "GET\r\n\r\n", "" },
	{ "GET /hello HTTP/1.1\r\n" HOST "no colon\r\n\r\n", "HTTP/1.1 400 " },
	{ "GET /hello HTTP/1.1\r\n" HOST "X y: z\r\n\r\n", "HTTP/1.1 400 " },
	{ "GET /hello HTTP/1.1\r\n" HOST "X: a\rb\r\n\r\n", "HTTP/1.1 400 " },
	{ "POST /echo HTTP/1.1\r\n" HOST "Content-Length : 1\r\n\r\na", "HTTP/1.1 400 " },
	{ "POST /echo HTTP/1.1\r\n" HOST
	  "Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
	    "HTTP/1.1 400 " },
	{ "POST /echo HTTP/1.1\r\n" HOST
	  "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	    "HTTP/1.1 400 " },
	{ "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n",
	    "HTTP/1.1 501 " },
	{ "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	    "HTTP/1.1 501 " },
	{ "POST /echo HTTP/1.1\r\n" HOST "Content-Length: abc\r\n\r\n", "HTTP/1.1 400 " },
	{ "POST /echo HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n", "HTTP/1.1 400 " },
	{ "POST /echo HTTP/1.1\r\n" HOST "Content-Length: +1\r\n\r\n", "HTTP/1.1 400 " },
	{ "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1, 1\r\n\r\n",
	    "HTTP/1.1 400 " },
	{ "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551615\r\n\r\n",
	    "HTTP/1.1 413 " },
	{ "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\n",
	    "HTTP/1.1 413 " },
	{ "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
	    "HTTP/1.1 400 " },
	{ "POST /echo HTTP/1.1\r\n" HOST
	  "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n",
	    "HTTP/1.1 400 " },
	{ "POST /echo HTTP/1.1\r\n" HOST
	  "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
	    "HTTP/1.1 413 " },
};

START_TEST(hostile_head_is_refused)
{
	cleanup_free char *answer = served_ask(&served, refused[_i].head);

	if (refused[_i].status[0] == '\0' ? *answer != '\0'
					  : !str_starts(answer, refused[_i].status))
		ck_abort_msg("%s\ngot: %s", refused[_i].head, answer);
}
END_TEST

static const struct {
	size_t target, header, headers;
	const char *status;
} sizes[] = {
	{ 7000, 0, 0, "HTTP/1.1 404 " },
	{ 0, 7000, 1, "HTTP/1.1 404 " },
	{ 0, 20, 60, "HTTP/1.1 404 " },
	{ 8200, 0, 0, "HTTP/1.1 431 " },
	{ 0, 8200, 1, "HTTP/1.1 431 " },
	{ 0, 20, 300, "HTTP/1.1 431 " },
	{ 12500, 0, 0, "HTTP/1.1 414 " },
	{ 0, 12500, 1, "HTTP/1.1 431 " },
};

START_TEST(size_of_the_head_is_limited)
{
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_free char *answer = NULL;

	buf_add_str(&b, "GET /");
	for (size_t i = 0; i < sizes[_i].target; i++)
		buf_add_char(&b, 'a');
	buf_add_str(&b, " HTTP/1.1\r\n" LAST);
	for (size_t i = 0; i < sizes[_i].headers; i++) {
		buf_printf(&b, "X-%zu: ", i);
		for (size_t k = 0; k < sizes[_i].header; k++)
			buf_add_char(&b, 'a');
		buf_add_str(&b, "\r\n");
	}
	buf_add_str(&b, "\r\n");
	answer = served_ask(&served, buf_str(&b));
	ck_assert_msg(str_starts(answer, sizes[_i].status), "%d: %s", _i, answer);
}
END_TEST

/* ---- one connection, several requests ----------------------------------------- */

/* libmicrohttpd takes them apart before anybody is asked, in memory that is not for so
 * many, and says nothing of the end. That nothing remains LeakSanitizer says. */
START_TEST(request_of_many_parameters_is_forgotten)
{
	int fd = served_connect(&served);
	cleanup_buf struct buf b = BUF_INIT;

	buf_add_str(&b, "GET /?");
	for (int i = 0; i < 200; i++)
		buf_add_char(&b, '&');
	buf_add_str(&b, " HTTP/1.1\r\n" LAST "X-Long: ");
	for (int i = 0; i < 1000; i++)
		buf_add_char(&b, 'a');
	buf_add_str(&b, "\r\n\r\n");
	served_send(&served, fd, b.data, b.len);
	served_wait(&served, 50);
	close(fd);
	served_until_connections(&served, 0);
}
END_TEST

START_TEST(pipelined_requests_are_answered_in_order)
{
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_close int fd = served_connect(&served);

	served_send_text(&served, fd,
	    "GET /facts?1 HTTP/1.1\r\n" HOST "\r\n"
	    "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n-two-"
	    "HEAD /hello HTTP/1.1\r\n" HOST "\r\n"
	    "POST /hello HTTP/1.1\r\n" HOST
	    "Transfer-Encoding: chunked\r\n\r\n5\r\naaaaa\r\n0\r\nX: trailer\r\n\r\n"
	    "GET /facts?5 HTTP/1.1\r\n" LAST "\r\n");
	served_read_end(&served, fd, &b);
	const char *order[] = { "|/facts?1|", "-two-",
		"Content-Length: 5\r\n\r\nHTTP/1.1", "\r\n\r\nhello", "|/facts?5|" };
	const char *at = buf_str(&b);
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		at = strstr(at, order[i]);
		ck_assert_msg(at != NULL, "%s is missing: %s", order[i], buf_str(&b));
	}
	ck_assert_uint_eq(http_server_connections(served.server), 0);
}
END_TEST

START_TEST(unread_body_leaves_the_connection_usable)
{
	cleanup_buf struct buf b = BUF_INIT, body = BUF_INIT;
	cleanup_close int fd = served_connect(&served);

	buf_printf(&body,
	    "POST /hello HTTP/1.1\r\n" HOST "Content-Length: 100000\r\n\r\n%0100000d", 0);
	for (int i = 0; i < 3; i++) {
		buf_reset(&b);
		served_send(&served, fd, body.data, body.len);
		served_read(&served, fd, &b, "\r\n\r\nhello");
	}
	served_send_text(&served, fd, "GET /facts HTTP/1.1\r\n" LAST "\r\n");
	served_read_end(&served, fd, &b);
	ck_assert_ptr_nonnull(strstr(buf_str(&b), "|/facts|"));
}
END_TEST

static const char *const endless[] = { "/hello", "/no", "/echo" };

/* Its answer comes although the peer never stops. */
START_TEST(endless_body_is_cut_off)
{
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_close int fd = served_connect(&served);
	cleanup_free char *head =
	    xasprintf("POST %s HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n",
		endless[_i]);
	cleanup_free char *chunk = xasprintf("4000\r\n%016384d\r\n", 0);
	char peeked;

	served_send_text(&served, fd, head);
	for (int i = 0; i < 1000; i++) {
		served_send_text(&served, fd, chunk);
		if (recv(fd, &peeked, 1, MSG_PEEK | MSG_DONTWAIT) == 1)
			break;
	}
	served_read_end(&served, fd, &b);
	ck_assert_msg(str_starts(buf_str(&b),
			  _i == 0       ? "HTTP/1.1 200 OK"
			      : _i == 1 ? "HTTP/1.1 404 "
					: "HTTP/1.1 413 "),
	    "%s", buf_str(&b));
	ck_assert_ptr_nonnull(strstr(buf_str(&b), "Connection: close\r\n"));
}
END_TEST

START_TEST(body_is_asked_for)
{
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_close int fd = served_connect(&served);

	served_send_text(&served, fd,
	    "PUT /echo HTTP/1.1\r\n" HOST
	    "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
	served_read(&served, fd, &b, "\r\n\r\n");
	ck_assert_str_eq(buf_str(&b), "HTTP/1.1 100 Continue\r\n\r\n");
	served_send_text(&served, fd, "abcde");
	served_read(&served, fd, &b, "\r\n\r\nabcde");
	ck_assert_ptr_nonnull(strstr(buf_str(&b), "HTTP/1.1 200 OK"));
}
END_TEST

START_TEST(refused_body_is_not_asked_for)
{
	cleanup_free char *answer = served_ask(&served,
	    "PUT /no HTTP/1.1\r\n" HOST
	    "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");

	ck_assert_msg(str_starts(answer, "HTTP/1.1 404 "), "%s", answer);
	ck_assert_ptr_nonnull(strstr(answer, "Connection: close"));
}
END_TEST

static const struct {
	size_t len;
	const char *status;
} limits[] = { { 10000, "HTTP/1.1 200 " }, { 10001, "HTTP/1.1 413 " } };

START_TEST(body_in_memory_is_limited)
{
	cleanup_free char *plain =
	    xasprintf("POST /echo HTTP/1.1\r\n" LAST "Content-Length: %zu\r\n\r\n%0*d",
		limits[_i].len, (int)limits[_i].len, 0);
	cleanup_free char *chunked =
	    xasprintf("POST /echo HTTP/1.1\r\n" LAST
		      "Transfer-Encoding: chunked\r\n\r\n%zx\r\n%0*d\r\n0\r\n\r\n",
		limits[_i].len, (int)limits[_i].len, 0);
	cleanup_free char *a = served_ask(&served, plain);
	cleanup_free char *b = served_ask(&served, chunked);

	ck_assert_msg(str_starts(a, limits[_i].status), "%.200s", a);
	ck_assert_msg(str_starts(b, limits[_i].status), "%.200s", b);
}
END_TEST

/* ---- listening ----------------------------------------------------------------- */

START_TEST(unix_socket_is_private_and_names_its_peer)
{
	cleanup_free char *name = NULL, *answer = NULL;
	struct stat st;

	served_listen(&served, "unix:here.sock");
	ck_assert_str_eq(served.name, "unix:here.sock");
	ck_assert_int_eq(stat("here.sock", &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	answer = served_ask(&served, "GET /facts HTTP/1.1\r\n" LAST "\r\n");
	name = xasprintf("|unix:%u|", (unsigned int)getuid());
	ck_assert_msg(strstr(answer, name) != NULL, "%s", answer);
	ck_assert_int_eq(unlink("here.sock"), 0);
}
END_TEST

START_TEST(socket_of_a_dead_server_is_replaced)
{
	struct error err = ERROR_INIT;
	int fd = -1;

	ck_assert_msg(
	    http_listen_socket("unix:dead.sock", &fd, &err) == 0, "%s", err.msg);
	close(fd);
	ck_assert_msg(
	    http_listen_socket("unix:dead.sock", &fd, &err) == 0, "%s", err.msg);
	close(fd);
	ck_assert_int_eq(unlink("dead.sock"), 0);
}
END_TEST

START_TEST(long_path_of_a_socket_is_fine)
{
	cleanup_free char *folder = xasprintf("%0100d", 0);
	cleanup_free char *path = xasprintf("%s/%s/s.sock", folder, folder);
	cleanup_free char *address = xasprintf("unix:%s", path);
	struct error err = ERROR_INIT;
	struct stat st;
	int fd = -1;

	ck_assert_int_eq(path_mkdirs_at(AT_FDCWD, path, 0700, &err), 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_msg(http_listen_socket(address, &fd, &err) == 0, "%s", err.msg);
		ck_assert_int_eq(stat(path, &st), 0);
		ck_assert(S_ISSOCK(st.st_mode));
		close(fd);
	}
	ck_assert_int_eq(path_remove_tree(AT_FDCWD, folder, &err), 0);
}
END_TEST

static const struct {
	const char *address, *message;
} addresses[] = {
	{ "unix:live.sock",
	    "cannot listen on a Unix socket: another server listens on live.sock" },
	{ "unix:file",
	    "cannot listen on a Unix socket: file is there and is not a socket" },
	{ "unix:no/such.sock",
	    "cannot listen on a Unix socket: no/such.sock: No such file or directory" },
	{ "8080",
	    "cannot listen on \"8080\": an address is HOST:PORT, such as 127.0.0.1:8080, [::1]:8080 or 0.0.0.0:8080, or unix:PATH" },
	{ ":8080",
	    "cannot listen on \":8080\": an address is HOST:PORT, such as 127.0.0.1:8080, [::1]:8080 or 0.0.0.0:8080, or unix:PATH" },
	{ "::1:8080",
	    "cannot listen on \"::1:8080\": an address is HOST:PORT, such as 127.0.0.1:8080, [::1]:8080 or 0.0.0.0:8080, or unix:PATH" },
	{ "127.0.0.1:65536",
	    "cannot listen on \"127.0.0.1:65536\": an address is HOST:PORT, such as 127.0.0.1:8080, [::1]:8080 or 0.0.0.0:8080, or unix:PATH" },
	{ "192.0.2.1:80",
	    "cannot listen on 192.0.2.1:80: Cannot assign requested address" },
};

START_TEST(bad_address_is_told)
{
	struct error err = ERROR_INIT;
	int fd = -1, live = -1;

	ck_assert_int_eq(http_listen_socket("unix:live.sock", &live, &err), 0);
	ck_assert_int_eq(path_write_file("file", "", 0, 0600, &err), 0);
	ck_assert_int_lt(http_listen_socket(addresses[_i].address, &fd, &err), 0);
	ck_assert_str_eq(err.msg, addresses[_i].message);
	ck_assert_int_eq(fd, -1);
	close(live);
	ck_assert_int_eq(unlink("live.sock") + unlink("file"), 0);
}
END_TEST

START_TEST(other_files_are_no_listeners)
{
	struct error err = ERROR_INIT;
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_lt(http_server_listen(served.server, pair[0], &err), 0);
	ck_assert_ptr_nonnull(strstr(err.msg, "is not a listening one"));
	close(pair[1]);
	ck_assert_int_lt(http_server_listen(served.server,
			     open("/dev/null", O_RDONLY | O_CLOEXEC), &err),
	    0);
	ck_assert_ptr_nonnull(strstr(err.msg, "is no listening socket"));
}
END_TEST

START_TEST(several_sockets_are_served)
{
	cleanup_free char *a = served_ask(&served, exchanges[0].request), *b = NULL;
	char *first = xstrdup(served.name);

	served_listen(&served, "127.0.0.1:0");
	ck_assert_str_ne(served.name, first);
	b = served_ask(&served, exchanges[0].request);
	ck_assert(str_ends(a, "hello") && str_ends(b, "hello"));
	free(served.name);
	served.name = first;
	free(b);
	b = served_ask(&served, exchanges[0].request);
	ck_assert(str_ends(b, "hello"));
}
END_TEST

/* ---- decoding -------------------------------------------------------------------- */

static const struct {
	const char *text, *want; /* NULL: malformed */
} encoded[] = {
	{ "", "" },
	{ "a%2Fb%2fc+d", "a/b/c+d" },
	{ "%c3%A4", "\xc3\xa4" },
	{ "%", NULL },
	{ "a%4", NULL },
	{ "%g0", NULL },
	{ "%0g", NULL },
	{ "a%00b", NULL },
};

START_TEST(segment_is_decoded)
{
	cleanup_free char *got = http_decode(encoded[_i].text, strlen(encoded[_i].text));

	if (encoded[_i].want == NULL)
		ck_assert_ptr_null(got);
	else
		ck_assert_str_eq(got, encoded[_i].want);
}
END_TEST

START_TEST(decoding_ends_at_the_length)
{
	ck_assert_ptr_null(http_decode("%41", 2));
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
	tcase_add_loop_test(tc, hostile_head_is_refused, 0, (int)ARRAY_LEN(refused));
	tcase_add_loop_test(tc, size_of_the_head_is_limited, 0, (int)ARRAY_LEN(sizes));
	tcase_add_test(tc, request_of_many_parameters_is_forgotten);
	tcase_add_test(tc, pipelined_requests_are_answered_in_order);
	tcase_add_test(tc, unread_body_leaves_the_connection_usable);
	tcase_add_loop_test(tc, endless_body_is_cut_off, 0, (int)ARRAY_LEN(endless));
	tcase_add_test(tc, body_is_asked_for);
	tcase_add_test(tc, refused_body_is_not_asked_for);
	tcase_add_loop_test(tc, body_in_memory_is_limited, 0, (int)ARRAY_LEN(limits));
	tcase_add_test(tc, unix_socket_is_private_and_names_its_peer);
	tcase_add_test(tc, socket_of_a_dead_server_is_replaced);
	tcase_add_test(tc, long_path_of_a_socket_is_fine);
	tcase_add_loop_test(tc, bad_address_is_told, 0, (int)ARRAY_LEN(addresses));
	tcase_add_test(tc, other_files_are_no_listeners);
	tcase_add_test(tc, several_sockets_are_served);
	tcase_add_loop_test(tc, segment_is_decoded, 0, (int)ARRAY_LEN(encoded));
	tcase_add_test(tc, decoding_ends_at_the_length);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
