/* Bodies that are streamed: whole, paused, held back, refused, and never ending. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"
#include "tests/unit/served.h"

#define HOST "Host: h\r\n"
#define MIB ((size_t)1024 * 1024)

static struct served served;

/* What the handler has seen and holds. */
static struct {
	struct http_request *first;
	size_t got_bytes, got_chunks;
	bool got_end;
	size_t gone, ended;
	unsigned int sum;
} seen;

static void
reply_text(struct http_request *r, int status, const char *text)
{
	http_reply(r, status, "text/plain", text, strlen(text));
}

static void
on_gone(struct http_request *r, void *data)
{
	ck_assert_ptr_nonnull(r);
	ck_assert_ptr_eq(data, &seen);
	seen.gone++;
}

static void
on_end(struct http_request *r, void *data)
{
	ck_assert_ptr_eq(data, &seen);
	if (seen.first == r)
		seen.first = NULL;
	seen.ended++;
}

/* The path says when it is answered. */
static void
on_chunk(struct http_request *r, const char *bytes, size_t len, void *data)
{
	const char *path = http_path(r);

	ck_assert_ptr_eq(data, &seen);
	ck_assert(!seen.got_end);
	seen.got_bytes += len;
	seen.got_chunks++;
	for (size_t i = 0; i < len; i++)
		seen.sum = seen.sum * 31 + (unsigned char)bytes[i];
	seen.got_end = len == 0;
	if (len == 0 && !str_eq(path, "/held-reply"))
		reply_text(r, 200, "got it");
	if (str_eq(path, "/slow-upload") && seen.got_chunks == 1)
		http_pause(r);
	if (str_eq(path, "/refuse-later") && seen.got_chunks == 1)
		reply_text(r, 403, "enough");
}

static void
handle(struct http_request *r, void *data)
{
	(void)data;
	http_on_gone(r, on_gone, &seen);
	http_on_end(r, on_end, &seen);
	if (str_eq(http_path(r), "/hello")) {
		reply_text(r, 200, "hello");
		return;
	}
	if (seen.first == NULL)
		seen.first = r;
	if (str_eq(http_path(r), "/held"))
		http_pause(r);
	http_stream_body(r, on_chunk, &seen);
}

static void
start(int idle_timeout_s)
{
	struct http_server_options options = { .on_request = handle,
		.idle_timeout_s = idle_timeout_s };

	memset(&seen, 0, sizeof(seen));
	served_start(&served, &options);
}

static void
setup(void)
{
	start(0);
}

static void
setup_patient(void)
{
	start(3);
}

static void
setup_impatient(void)
{
	start(1);
}

static void
teardown(void)
{
	served_stop(&served);
}

static bool
has_first(void *data)
{
	(void)data;
	return seen.first != NULL;
}

static void
until_waiting(void)
{
	served_until(&served, has_first, NULL);
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

/* ---- the tests --------------------------------------------------------------------- */

static long
resident_kib(void)
{
	long pages = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%ld %ld", &pages, &resident), 2);
	(void)fclose(f);
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

START_TEST(large_chunked_upload_takes_no_memory)
{
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_free char *block = xmalloc(64 * 1024);
	cleanup_close int fd =
	    served_open(&served, "PUT", "/upload", "Transfer-Encoding: chunked\r\n");
	unsigned int sum = 0;
	long before;

	for (size_t i = 0; i < 64 * 1024; i++)
		block[i] = (char)(i * i >> 3);
	before = resident_kib();
	for (int i = 0; i < 1024; i++) {
		served_send_text(&served, fd, "10000\r\n");
		served_send(&served, fd, block, 64 * 1024);
		served_send_text(&served, fd, "\r\n");
		for (size_t k = 0; k < 64 * 1024; k++)
			sum = sum * 31 + (unsigned char)block[k];
	}
	served_send_text(&served, fd, "0\r\n\r\n");
	served_read(&served, fd, &b, "got it");
	ck_assert_uint_eq(seen.got_bytes, 64 * MIB);
	ck_assert_uint_eq(seen.sum, sum);
	ck_assert_int_lt(resident_kib() - before, 24 * 1024);
}
END_TEST

/* As much as the sockets hold, and not more; the rest comes after http_resume(). */
START_TEST(paused_upload_stops_the_peer)
{
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_free char *block = xcalloc(1, 16 * MIB);
	cleanup_close int fd =
	    served_open(&served, "PUT", "/slow-upload", "Content-Length: 16777216\r\n");
	size_t sent = 0, before;

	for (int quiet = 0; quiet < 100;) {
		ssize_t n = send(fd, block + sent, 16 * MIB - sent, MSG_DONTWAIT);

		ck_assert(n > 0 || errno == EAGAIN);
		quiet = n > 0 ? 0 : quiet + 1;
		sent += n > 0 ? (size_t)n : 0;
		served_wait(&served, 1);
	}
	ck_assert_uint_lt(sent, 16 * MIB);
	ck_assert_uint_eq(seen.got_chunks, 1);
	before = seen.got_bytes;
	ck_assert_uint_le(before, 16 * 1024);
	http_resume(seen.first);
	served_send(&served, fd, block + sent, 16 * MIB - sent);
	served_read(&served, fd, &b, "got it");
	ck_assert_uint_eq(seen.got_bytes, 16 * MIB);
}
END_TEST

/* Paused from outside of its own calls, with chunks smaller than what is read at once. */
START_TEST(upload_is_paused_at_any_time)
{
	cleanup_buf struct buf b = BUF_INIT, chunks = BUF_INIT;
	cleanup_close int fd =
	    served_open(&served, "PUT", "/upload", "Transfer-Encoding: chunked\r\n");
	size_t got;

	for (int i = 0; i < 100; i++)
		buf_add_str(&chunks, "1\r\na\r\n");
	until_waiting();
	for (int round = 0; round < 3; round++) {
		http_pause(seen.first);
		got = seen.got_bytes;
		served_send_text(&served, fd, buf_str(&chunks));
		served_wait(&served, 20);
		ck_assert_uint_eq(seen.got_bytes, got);
		http_resume(seen.first);
		served_wait(&served, 20);
		ck_assert_uint_eq(seen.got_bytes, got + 100);
	}
	http_pause(seen.first);
	served_send_text(&served, fd, "0\r\n\r\n");
	served_wait(&served, 20);
	ck_assert(!seen.got_end);
	http_resume(seen.first);
	served_read(&served, fd, &b, "got it");
}
END_TEST

START_TEST(pause_holds_back_100_continue)
{
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_close int fd = served_open(
	    &served, "PUT", "/held", "Expect: 100-continue\r\nContent-Length: 3\r\n");
	char byte;

	until_waiting();
	served_wait(&served, 30);
	ck_assert_int_eq(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
	http_resume(seen.first);
	served_read(&served, fd, &b, "HTTP/1.1 100 Continue\r\n\r\n");
	served_send_text(&served, fd, "abc");
	served_read(&served, fd, &b, "got it");
}
END_TEST

START_TEST(held_upload_can_be_refused)
{
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_close int fd = served_open(
	    &served, "PUT", "/held", "Expect: 100-continue\r\nContent-Length: 3\r\n");

	until_waiting();
	reply_text(seen.first, 403, "no");
	served_read_end(&served, fd, &b);
	ck_assert_msg(str_starts(buf_str(&b), "HTTP/1.1 403 "), "%s", buf_str(&b));
	ck_assert_uint_eq(seen.got_chunks, 0);
	until_ended(1);
	ck_assert_uint_eq(seen.gone, 0);
}
END_TEST

START_TEST(upload_is_refused_in_its_middle)
{
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_free char *block = xcalloc(1, 100000);
	cleanup_close int fd =
	    served_open(&served, "PUT", "/refuse-later", "Content-Length: 100000\r\n");

	served_send(&served, fd, block, 100000);
	served_read(&served, fd, &b, "enough");
	ck_assert_msg(str_starts(buf_str(&b), "HTTP/1.1 403 "), "%s", buf_str(&b));
	ck_assert_uint_eq(seen.got_chunks, 1);
	served_send_text(&served, fd, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
	served_read(&served, fd, &b, "hello");
}
END_TEST

/* Begun before the upload is over, sent after it. */
START_TEST(stream_waits_for_the_body)
{
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_close int fd =
	    served_open(&served, "POST", "/held-reply", "Content-Length: 6\r\n");

	until_waiting();
	http_begin(seen.first, 200, NULL, -1);
	http_write(seen.first, "early", 5);
	served_send_text(&served, fd, "abc");
	served_wait(&served, 20);
	ck_assert_uint_eq(seen.got_bytes, 3);
	served_send_text(&served, fd, "def");
	served_read(&served, fd, &b, "early");
	ck_assert(seen.got_end);
	http_end(seen.first);
	served_read(&served, fd, &b, "0\r\n\r\n");
}
END_TEST

START_TEST(upload_that_stalls_is_ended)
{
	cleanup_close int fd =
	    served_open(&served, "PUT", "/upload", "Content-Length: 10\r\n");

	served_send_text(&served, fd, "abc");
	until_ended(1);
	ck_assert_uint_eq(seen.gone, 1);
}
END_TEST

/* libmicrohttpd spins on a line of a chunked body that does not fit its buffer. */
START_TEST(endless_line_in_a_body_is_ended)
{
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_free char *line = xasprintf("5;%020000d", 0);
	cleanup_close int fd =
	    served_open(&served, "PUT", "/upload", "Transfer-Encoding: chunked\r\n");

	served_send_text(&served, fd, line);
	served_read_end(&served, fd, &b);
	until_ended(1);
	ck_assert_uint_eq(seen.gone, 1);
}
END_TEST

static bool
is_at_rest(void *data)
{
	(void)data;
	for (int i = 0; i < 20; i++) {
		(void)uv_run(&served.loop, UV_RUN_NOWAIT);
		if (uv_backend_timeout(&served.loop) == 0)
			return false;
	}
	return true;
}

/* The line is as long as the buffer, and nothing follows: it looks like a slow peer. */
START_TEST(full_buffer_is_no_work)
{
	cleanup_close int fd =
	    served_open(&served, "PUT", "/upload", "Transfer-Encoding: chunked\r\n");
	cleanup_close int slow =
	    served_open(&served, "PUT", "/upload", "Transfer-Encoding: chunked\r\n");
	cleanup_buf struct buf b = BUF_INIT;
	int sent = 0;

	served_send_text(&served, fd, "5;");
	while (is_at_rest(NULL) && sent++ < 200)
		served_send_text(&served, fd,
		    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	ck_assert_int_lt(sent, 200); /* else there is nothing to test */
	served_send_text(&served, slow, "1\r\na\r\n");
	served_until(&served, is_at_rest, NULL);
	served_send_text(&served, slow, "1\r\nb\r\n0\r\n\r\n");
	served_read(&served, slow, &b, "got it");
	until_ended(2);
	ck_assert_uint_eq(seen.gone, 1);
}
END_TEST

static void
add_usual_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, large_chunked_upload_takes_no_memory);
	tcase_add_test(tc, paused_upload_stops_the_peer);
	tcase_add_test(tc, upload_is_paused_at_any_time);
	tcase_add_test(tc, pause_holds_back_100_continue);
	tcase_add_test(tc, held_upload_can_be_refused);
	tcase_add_test(tc, upload_is_refused_in_its_middle);
	tcase_add_test(tc, stream_waits_for_the_body);
}

int
main(void)
{
	TCase *usual = tcase_create("usual"), *patient = tcase_create("patient");
	TCase *impatient = tcase_create("impatient");
	Suite *suite = suite_create("http_uploads");
	SRunner *runner = srunner_create(suite);
	int failed;

	add_usual_tests(usual);
	tcase_add_checked_fixture(patient, setup_patient, teardown);
	tcase_add_test(patient, full_buffer_is_no_work);
	tcase_add_checked_fixture(impatient, setup_impatient, teardown);
	tcase_add_test(impatient, upload_that_stalls_is_ended);
	tcase_add_test(impatient, endless_line_in_a_body_is_ended);
	tcase_set_timeout(usual, 60);
	tcase_set_timeout(patient, 60);
	tcase_set_timeout(impatient, 60);
	suite_add_tcase(suite, usual);
	suite_add_tcase(suite, patient);
	suite_add_tcase(suite, impatient);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
