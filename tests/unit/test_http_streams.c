/* Requests that take their time: long polls, uploads, streams, files; and their ends. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/path.h"
#include "base/str.h"
#include "tests/unit/served.h"

#define HOST "Host: h\r\n"
#define MIB ((size_t)1024 * 1024)
#define POLLS 500

static struct served served;

/* What the handler has seen and holds. */
static struct {
	struct http_request *waiting[POLLS + 1];
	size_t count;
	size_t gone, ended, drained;
	size_t to_write; /* by on_drain */
	size_t most_queued;
} seen;

/* ---- the handler: a path is a behaviour ------------------------------------- */

static void
reply_text(struct http_request *r, int status, const char *text)
{
	http_reply(r, status, "text/plain", text, strlen(text));
}

static void
on_gone(struct http_request *r, void *data)
{
	ck_assert_ptr_eq(data, &seen);
	ck_assert_ptr_nonnull(http_path(r));
	seen.gone++;
}

static void
on_end(struct http_request *r, void *data)
{
	ck_assert_ptr_eq(data, &seen);
	for (size_t i = 0; i < seen.count; i++)
		if (seen.waiting[i] == r)
			seen.waiting[i] = NULL;
	seen.ended++;
}

static void
on_chunk(struct http_request *r, const char *bytes, size_t len, void *data)
{
	(void)bytes;
	ck_assert_ptr_eq(data, &seen);
	if (len > 0)
		http_pause(r);
}

static void
write_more(struct http_request *r, void *data)
{
	static char block[10000];

	ck_assert_ptr_eq(data, &seen);
	seen.drained++;
	while (seen.to_write > 0 && http_queued(r) < 100000) {
		size_t n = seen.to_write < sizeof(block) ? seen.to_write : sizeof(block);

		memset(block, 'x', n);
		http_write(r, block, n);
		seen.to_write -= n;
	}
	if (http_queued(r) > seen.most_queued)
		seen.most_queued = http_queued(r);
	if (seen.to_write == 0)
		http_end(r);
}

static void
begin_stream(struct http_request *r, int64_t size)
{
	http_begin(r, 200, "text/event-stream", size);
	http_on_drain(r, write_more, &seen);
}

static void
reply_file(struct http_request *r)
{
	const char *offset = http_query(r, "offset"), *size = http_query(r, "size");
	int64_t from = 0, len = 0;

	ck_assert(str_to_int64(offset, &from) && str_to_int64(size, &len));
	http_reply_file(r, 206, "application/octet-stream",
	    open("big-file", O_RDONLY | O_CLOEXEC), from, len);
}

static void
handle(struct http_request *r, void *data)
{
	const char *path = http_path(r);

	(void)data;
	http_on_gone(r, on_gone, &seen);
	http_on_end(r, on_end, &seen);
	if (str_eq(path, "/hello")) {
		reply_text(r, 200, "hello");
		return;
	}
	if (str_eq(path, "/file")) {
		reply_file(r);
		return;
	}
	ck_assert_uint_lt(seen.count, ARRAY_LEN(seen.waiting));
	seen.waiting[seen.count++] = r;
	if (str_eq(path, "/held")) {
		http_pause(r);
		http_stream_body(r, on_chunk, &seen);
	} else if (str_eq(path, "/upload"))
		http_stream_body(r, on_chunk, &seen);
	else if (str_eq(path, "/stream"))
		begin_stream(r, -1);
	else if (str_eq(path, "/sized"))
		begin_stream(r, (int64_t)seen.to_write);
	else if (str_eq(path, "/drain")) {
		begin_stream(r, -1);
		write_more(r, &seen);
	}
}

static void
allow_files(void)
{
	struct rlimit files;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
	files.rlim_cur = files.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
	ck_assert_uint_ge(files.rlim_cur, 2 * POLLS + 600);
}

static void
start(int idle_timeout_s, size_t max_connections)
{
	struct http_server_options options = { .on_request = handle,
		.idle_timeout_s = idle_timeout_s,
		.max_connections = max_connections };

	allow_files();
	memset(&seen, 0, sizeof(seen));
	served_start(&served, &options);
}

static void
setup(void)
{
	start(0, 0);
}

static void
teardown(void)
{
	served_stop(&served);
}

/* ---- waiting for things -------------------------------------------------------- */

static bool
is_waiting(void *data)
{
	return seen.count >= *(size_t *)data;
}

static void
until_waiting(size_t n)
{
	served_until(&served, is_waiting, &n);
}

static bool
has_ended(void *data)
{
	return seen.ended >= *(size_t *)data;
}

static void
until_ended(size_t n)
{
	served_until(&served, has_ended, &n);
}

static size_t
count_text(const char *text, const char *part)
{
	size_t n = 0;

	for (; (text = strstr(text, part)) != NULL; text += strlen(part))
		n++;
	return n;
}

/* ---- long polls ------------------------------------------------------------------ */

START_TEST(long_poll_is_answered_later)
{
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_close int fd = served_open(&served, "GET", "/wait", "");

	until_waiting(1);
	served_wait(&served, 50);
	reply_text(seen.waiting[0], 200, "at last");
	served_read(&served, fd, &b, "at last");
	until_ended(1);
	ck_assert_uint_eq(seen.gone, 0);
}
END_TEST

/* With bodies, as runners have them, and on the same connection again and again. */
START_TEST(polls_follow_each_other_on_a_connection)
{
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_close int fd = served_connect(&served);

	for (size_t i = 0; i < 5; i++) {
		served_send_text(&served, fd,
		    "POST /wait HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc");
		until_waiting(i + 1);
		buf_reset(&b);
		reply_text(seen.waiting[i], 200, "at last");
		served_read(&served, fd, &b, "at last");
	}
	ck_assert_uint_eq(http_server_connections(served.server), 1);
}
END_TEST

static const char *const ways[] = { "/wait", "/stream", "/upload", "/held" };

START_TEST(vanished_peer_is_noticed)
{
	int files = served_open_files();
	int fd = served_open(&served, "POST", ways[_i], "Content-Length: 5\r\n");

	if (_i != 3)
		served_send_text(&served, fd, _i == 2 ? "ab" : "abcde");
	until_waiting(1);
	served_wait(&served, 20);
	close(fd);
	until_ended(1);
	ck_assert_uint_eq(seen.gone, 1);
	served_until_connections(&served, 0);
	ck_assert_int_eq(served_open_files(), files);
}
END_TEST

START_TEST(many_polls_are_answered_at_once)
{
	int fds[POLLS];

	for (size_t i = 0; i < POLLS; i++)
		fds[i] = served_open(&served, "GET", "/wait", "");
	until_waiting(POLLS);
	for (size_t i = 0; i < POLLS; i++)
		reply_text(seen.waiting[i], 200, "at last");
	for (size_t i = 0; i < POLLS; i++) {
		cleanup_buf struct buf b = BUF_INIT;

		served_read(&served, fds[i], &b, "at last");
		close(fds[i]);
	}
	ck_assert_uint_eq(seen.gone, 0);
	ck_assert_uint_eq(seen.ended, POLLS);
	served_until_connections(&served, 0);
}
END_TEST

START_TEST(many_vanished_peers_are_noticed)
{
	int files = served_open_files();
	int fds[POLLS];

	for (size_t i = 0; i < POLLS; i++)
		fds[i] =
		    served_open(&served, "GET", i % 2 == 0 ? "/wait" : "/stream", "");
	until_waiting(POLLS);
	for (size_t i = 0; i < POLLS; i++)
		close(fds[i]);
	served_until_connections(&served, 0);
	ck_assert_uint_eq(seen.gone, POLLS);
	ck_assert_uint_eq(seen.ended, POLLS);
	ck_assert_int_eq(served_open_files(), files);
}
END_TEST

START_TEST(freed_server_ends_open_requests)
{
	int fds[5];

	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = served_open(&served, "POST", i == 4 ? "/upload" : ways[i],
		    "Content-Length: 5\r\n");
		served_send_text(&served, fds[i], i < 2 ? "abcde" : "ab");
	}
	until_waiting(ARRAY_LEN(fds));
	served_wait(&served, 20);
	http_server_free(take(served.server));
	ck_assert_uint_eq(seen.gone, ARRAY_LEN(fds));
	ck_assert_uint_eq(seen.ended, ARRAY_LEN(fds));
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
}
END_TEST

/* ---- streams ------------------------------------------------------------------------
 */

START_TEST(events_arrive_as_they_are_written)
{
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_close int fd = served_open(&served, "GET", "/stream", "");

	until_waiting(1);
	served_read(&served, fd, &b, "Transfer-Encoding: chunked\r\n");
	for (int i = 0; i < 3; i++) {
		cleanup_free char *event = xasprintf("data: %d\n\n", i);

		http_write(seen.waiting[0], event, strlen(event));
		served_read(&served, fd, &b, event);
	}
	http_end(seen.waiting[0]);
	served_read(&served, fd, &b, "0\r\n\r\n");
	until_ended(1);
	ck_assert_uint_eq(seen.gone, 0);
	served_send_text(&served, fd, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
	served_read(&served, fd, &b, "hello");
}
END_TEST

START_TEST(all_streams_get_an_event)
{
	int fds[POLLS];

	for (size_t i = 0; i < POLLS; i++)
		fds[i] = served_open(&served, "GET", "/stream", "");
	until_waiting(POLLS);
	served_wait(&served, 10);
	for (int round = 0; round < 20; round++)
		for (size_t i = 0; i < POLLS; i++)
			http_write(seen.waiting[i], "data: tick\n\n", 12);
	for (size_t i = 0; i < POLLS; i++)
		http_end(seen.waiting[i]);
	for (size_t i = 0; i < POLLS; i++) {
		cleanup_buf struct buf b = BUF_INIT;

		served_read(&served, fds[i], &b, "\r\n0\r\n\r\n");
		ck_assert_uint_eq(count_text(buf_str(&b), "data: tick\n\n"), 20);
		close(fds[i]);
	}
	ck_assert_uint_eq(seen.gone, 0);
}
END_TEST

START_TEST(queue_is_bounded_by_on_drain)
{
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_close int fd = -1;

	seen.to_write = 20 * MIB;
	fd = served_open(&served, "GET", "/drain", "Connection: close\r\n");
	until_waiting(1);
	served_wait(&served, 50);
	ck_assert_uint_gt(seen.to_write, 0);
	served_read_end(&served, fd, &b);
	ck_assert_uint_eq(seen.to_write, 0);
	ck_assert_uint_gt(b.len, 20 * MIB);
	ck_assert_uint_lt(b.len, 20 * MIB + MIB / 4);
	ck_assert(str_ends(b.data + b.len - 5, "0\r\n\r\n"));
	ck_assert_uint_lt(seen.most_queued, 120000);
	ck_assert_uint_gt(seen.drained, 100);
}
END_TEST

static const struct {
	const char *method, *version;
} sized[] = { { "GET", "1.1" }, { "GET", "1.0" }, { "HEAD", "1.1" } };

START_TEST(stream_of_known_size_ends_with_http_end)
{
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_close int fd = served_connect(&served);
	cleanup_free char *head = xasprintf(
	    "%s /sized HTTP/%s\r\n" HOST "\r\n", sized[_i].method, sized[_i].version);

	seen.to_write = 5;
	served_send_text(&served, fd, head);
	until_waiting(1);
	http_write(seen.waiting[0], "abcde", 5);
	served_wait(&served, 20);
	ck_assert_uint_eq(seen.ended, 0);
	http_end(seen.waiting[0]);
	served_read(&served, fd, &b, _i == 2 ? "\r\n\r\n" : "abcde");
	ck_assert_ptr_nonnull(strstr(buf_str(&b), "Content-Length: 5\r\n"));
	until_ended(1);
	ck_assert_uint_eq(seen.gone, 0);
	served_wait(&served, 20);
	ck_assert(_i < 2 || str_ends(buf_str(&b), "\r\n\r\n"));
}
END_TEST

static const int64_t bodiless[] = { -1, 0, 5 };

START_TEST(stream_of_nothing_lives_until_http_end)
{
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_close int fd =
	    served_open(&served, bodiless[_i] == 0 ? "GET" : "HEAD", "/wait", "");

	until_waiting(1);
	http_begin(seen.waiting[0], 200, NULL, bodiless[_i]);
	served_wait(&served, 20);
	if (bodiless[_i] != 0)
		http_write(seen.waiting[0], "abcde", 5);
	ck_assert_uint_eq(http_queued(seen.waiting[0]), 0);
	ck_assert_uint_eq(seen.ended, 0);
	http_end(seen.waiting[0]);
	served_read(&served, fd, &b, "\r\n\r\n");
	until_ended(1);
	ck_assert_uint_eq(seen.gone, 0);
}
END_TEST

START_TEST(stream_to_http_1_0_ends_with_the_connection)
{
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_close int fd = served_connect(&served);

	served_send_text(&served, fd, "GET /stream HTTP/1.0\r\n\r\n");
	until_waiting(1);
	http_write(seen.waiting[0], "abcde", 5);
	http_end(seen.waiting[0]);
	served_read_end(&served, fd, &b);
	ck_assert(str_ends(buf_str(&b), "\r\n\r\nabcde"));
	until_ended(1);
	ck_assert_uint_eq(seen.gone, 0);
}
END_TEST

static const char *const broken_off[] = { "/stream", "/sized", "/wait" };

START_TEST(abort_shows_as_a_broken_connection)
{
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_close int fd = -1;

	seen.to_write = 100;
	fd = served_open(&served, "GET", broken_off[_i], "");
	until_waiting(1);
	if (_i < 2) {
		http_write(seen.waiting[0], "abcde", 5);
		served_read(&served, fd, &b, "abcde");
	}
	http_abort(seen.waiting[0]);
	served_read_end(&served, fd, &b);
	ck_assert_ptr_null(strstr(buf_str(&b), "\r\n0\r\n\r\n"));
	until_ended(1);
	ck_assert_uint_eq(seen.gone, 0);
}
END_TEST

/* ---- files ----------------------------------------------------------------------------
 */

static const struct {
	size_t offset, size;
} ranges[] = { { 0, 5 * MIB }, { 1, 100 }, { 3 * MIB + 7, 2 * MIB - 7 }, { 5 * MIB, 0 },
	{ 12, 0 } };

static unsigned char
file_byte(size_t i)
{
	return (unsigned char)(i * 7 + i / 251);
}

static void
make_file(size_t size)
{
	cleanup_free char *bytes = xmalloc(size);
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)file_byte(i);
	ck_assert_msg(
	    path_write_file("big-file", bytes, size, 0600, &err) == 0, "%s", err.msg);
}

START_TEST(part_of_a_file_is_sent)
{
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_free char *path =
	    xasprintf("/file?offset=%zu&size=%zu", ranges[_i].offset, ranges[_i].size);
	int files = served_open_files();
	const char *body;
	int fd;

	make_file(5 * MIB);
	fd = served_open(&served, "GET", path, "Connection: close\r\n");
	served_read_end(&served, fd, &b);
	close(fd);
	ck_assert(str_starts(b.data, "HTTP/1.1 206 "));
	body = strstr(b.data, "\r\n\r\n") + 4;
	ck_assert_uint_eq((size_t)(b.data + b.len - body), ranges[_i].size);
	for (size_t i = 0; i < ranges[_i].size; i++)
		if ((unsigned char)body[i] != file_byte(ranges[_i].offset + i))
			ck_abort_msg("byte %zu differs", i);
	served_until_connections(&served, 0);
	ck_assert_int_eq(served_open_files(), files);
	ck_assert_int_eq(unlink("big-file"), 0);
}
END_TEST

START_TEST(short_file_is_an_error)
{
	cleanup_buf struct buf b = BUF_INIT;
	int files = served_open_files(), fd;

	make_file(100);
	fd = served_open(
	    &served, "GET", "/file?offset=50&size=51", "Connection: close\r\n");
	served_read_end(&served, fd, &b);
	close(fd);
	ck_assert_msg(str_starts(b.data, "HTTP/1.1 500 "), "%s", b.data);
	served_until_connections(&served, 0);
	ck_assert_int_eq(served_open_files(), files);
	ck_assert_int_eq(unlink("big-file"), 0);
}
END_TEST

/* sendfile() to a socket whose peer is gone raises SIGPIPE. */
START_TEST(peer_leaves_in_the_middle_of_a_file)
{
	cleanup_buf struct buf b = BUF_INIT;
	int fd;

	make_file(5 * MIB);
	fd = served_open(&served, "GET", "/file?offset=0&size=5242880", "");
	served_read_bytes(&served, fd, &b, 100000);
	close(fd);
	until_ended(1);
	ck_assert_uint_eq(seen.gone, 1);
	ck_assert_int_eq(unlink("big-file"), 0);
}
END_TEST

/* ---- time, number, the end
 * --------------------------------------------------------------- */

static void
setup_impatient(void)
{
	start(1, 2);
}

START_TEST(silent_connection_is_ended)
{
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_close int fd = served_connect(&served);

	served_send_text(&served, fd, _i == 0 ? "" : "GET /hello HT");
	served_read_end(&served, fd, &b);
	ck_assert_str_eq(buf_str(&b), "");
	ck_assert_uint_eq(http_server_connections(served.server), 0);
}
END_TEST

/* Never silent for the second that is allowed. */
START_TEST(head_in_drops_is_ended)
{
	cleanup_close int fd = served_connect(&served);
	int drops = 0;

	served_send_text(&served, fd, "GET /hello HTTP/1.1\r\nX: ");
	served_until_connections(&served, 1);
	for (; drops < 100 && http_server_connections(served.server) > 0; drops++) {
		served_send_text(&served, fd, "x");
		served_wait(&served, 100);
	}
	ck_assert_int_ge(drops, 15);
	ck_assert_int_lt(drops, 40);
}
END_TEST

START_TEST(reader_that_stalls_is_ended)
{
	cleanup_close int fd = -1;

	seen.to_write = 20 * MIB;
	fd = served_open(&served, "GET", "/drain", "");
	until_ended(1);
	ck_assert_uint_eq(seen.gone, 1);
}
END_TEST

START_TEST(waiting_has_no_limit)
{
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_close int poll = served_open(&served, "GET", "/wait", ""),
			  stream = served_open(&served, "GET", "/stream", "");

	until_waiting(2);
	served_wait(&served, 2500);
	ck_assert_uint_eq(seen.ended, 0);
	reply_text(seen.waiting[0], 200, "at last");
	http_write(seen.waiting[1], "at last", 7);
	served_read(&served, poll, &b, "at last");
	buf_reset(&b);
	served_read(&served, stream, &b, "at last");
}
END_TEST

START_TEST(idling_server_sleeps)
{
	int poll = served_open(&served, "GET", "/wait", "");
	int stream = served_open(&served, "GET", "/stream", "");
	int turns = 0;

	until_waiting(2);
	served_wait(&served, 20);
	for (int i = 0; i < 20; i++) {
		ck_assert_int_ne(uv_backend_timeout(&served.loop), 0);
		turns += uv_run(&served.loop, UV_RUN_NOWAIT) != 0;
	}
	ck_assert_int_eq(turns, 20);
	close(poll);
	close(stream);
}
END_TEST

START_TEST(connections_above_the_limit_wait)
{
	cleanup_buf struct buf b = BUF_INIT;
	int first = served_open(&served, "GET", "/wait", "");
	int second = served_open(&served, "GET", "/wait", "");
	cleanup_close int third = served_open(&served, "GET", "/hello", "");

	until_waiting(2);
	served_wait(&served, 50);
	ck_assert_uint_eq(http_server_connections(served.server), 2);
	close(first);
	served_read(&served, third, &b, "hello");
	close(second);
}
END_TEST

START_TEST(draining_server_finishes_what_runs)
{
	cleanup_buf struct buf b = BUF_INIT, idle_answer = BUF_INIT;
	cleanup_close int running = served_open(&served, "GET", "/wait", "");
	cleanup_close int idle = served_open(&served, "GET", "/hello", "");
	int files;

	until_waiting(1);
	served_read(&served, idle, &idle_answer, "hello");
	files = served_open_files();
	http_server_drain(served.server);
	http_server_drain(served.server);
	served_read_end(&served, idle, &idle_answer);
	served_until_connections(&served, 1);
	ck_assert_int_eq(served_open_files(), files - 2);
	ck_assert(served_refuses(&served));
	reply_text(seen.waiting[0], 200, "at last");
	served_read_end(&served, running, &b);
	ck_assert_ptr_nonnull(strstr(buf_str(&b), "at last"));
	ck_assert_ptr_nonnull(strstr(buf_str(&b), "Connection: close\r\n"));
	served_until_connections(&served, 0);
}
END_TEST

static void
add_waiting_tests(TCase *tc)
{
	tcase_add_test(tc, long_poll_is_answered_later);
	tcase_add_test(tc, polls_follow_each_other_on_a_connection);
	tcase_add_loop_test(tc, vanished_peer_is_noticed, 0, (int)ARRAY_LEN(ways));
	tcase_add_test(tc, many_polls_are_answered_at_once);
	tcase_add_test(tc, many_vanished_peers_are_noticed);
	tcase_add_test(tc, freed_server_ends_open_requests);
}

static void
add_stream_tests(TCase *tc)
{
	tcase_add_test(tc, events_arrive_as_they_are_written);
	tcase_add_test(tc, all_streams_get_an_event);
	tcase_add_test(tc, queue_is_bounded_by_on_drain);
	tcase_add_loop_test(
	    tc, stream_of_known_size_ends_with_http_end, 0, (int)ARRAY_LEN(sized));
	tcase_add_loop_test(
	    tc, stream_of_nothing_lives_until_http_end, 0, (int)ARRAY_LEN(bodiless));
	tcase_add_test(tc, stream_to_http_1_0_ends_with_the_connection);
	tcase_add_loop_test(
	    tc, abort_shows_as_a_broken_connection, 0, (int)ARRAY_LEN(broken_off));
	tcase_add_loop_test(tc, part_of_a_file_is_sent, 0, (int)ARRAY_LEN(ranges));
	tcase_add_test(tc, short_file_is_an_error);
	tcase_add_test(tc, peer_leaves_in_the_middle_of_a_file);
	tcase_add_test(tc, draining_server_finishes_what_runs);
	tcase_add_test(tc, idling_server_sleeps);
}

static void
add_limit_tests(TCase *tc)
{
	tcase_add_loop_test(tc, silent_connection_is_ended, 0, 2);
	tcase_add_test(tc, head_in_drops_is_ended);
	tcase_add_test(tc, reader_that_stalls_is_ended);
	tcase_add_test(tc, waiting_has_no_limit);
	tcase_add_test(tc, connections_above_the_limit_wait);
}

int
main(void)
{
	TCase *usual = tcase_create("usual"), *limits = tcase_create("limits");
	Suite *suite = suite_create("http_streams");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(usual, setup, teardown);
	tcase_set_timeout(usual, 60);
	add_waiting_tests(usual);
	add_stream_tests(usual);
	suite_add_tcase(suite, usual);
	tcase_add_checked_fixture(limits, setup_impatient, teardown);
	tcase_set_timeout(limits, 60);
	add_limit_tests(limits);
	suite_add_tcase(suite, limits);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
