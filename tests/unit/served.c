/* A server and its clients in one thread. */
#include "tests/unit/served.h"

#include <arpa/inet.h>
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"

#define LIMIT_MS 10000

void
served_listen(struct served *s, const char *address)
{
	struct error err = ERROR_INIT;
	int fd = -1;

	ck_assert_msg(http_listen_socket(address, &fd, &err) == 0, "%s", err.msg);
	free(s->name);
	s->name = http_socket_name(fd);
	ck_assert_msg(http_server_listen(s->server, fd, &err) == 0, "%s", err.msg);
}

void
served_start(struct served *s, const struct http_server_options *options)
{
	struct error err = ERROR_INIT;

	*s = (struct served){ .name = NULL };
	ck_assert_int_eq(uv_loop_init(&s->loop), 0);
	ck_assert_msg(
	    http_server_new(&s->loop, options, &s->server, &err) == 0, "%s", err.msg);
	served_listen(s, "127.0.0.1:0");
}

void
served_stop(struct served *s)
{
	http_server_free(s->server);
	(void)uv_run(&s->loop, UV_RUN_DEFAULT);
	ck_assert_int_eq(uv_loop_close(&s->loop), 0);
	free(s->name);
}

static int64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* One turn of the loop; naps when there was nothing to do. */
static void
turn(struct served *s, bool nap)
{
	struct timespec t = { .tv_nsec = 200 * 1000 };

	(void)uv_run(&s->loop, UV_RUN_NOWAIT);
	if (nap)
		(void)nanosleep(&t, NULL);
}

void
served_wait(struct served *s, int ms)
{
	int64_t end = now_ms() + ms;

	while (now_ms() < end)
		turn(s, true);
}

void
served_until(struct served *s, bool (*fn)(void *data), void *data)
{
	int64_t end = now_ms() + LIMIT_MS;

	while (!fn(data)) {
		ck_assert_msg(now_ms() < end, "waited in vain");
		turn(s, true);
	}
}

struct wanted {
	const struct http_server *server;
	size_t connections;
};

static bool
has_connections(void *data)
{
	const struct wanted *w = data;

	return http_server_connections(w->server) == w->connections;
}

void
served_until_connections(struct served *s, size_t count)
{
	struct wanted w = { s->server, count };

	served_until(s, has_connections, &w);
}

static int
connect_unix(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_uint_lt(strlen(path), sizeof(addr.sun_path));
	memcpy(addr.sun_path, path, strlen(path) + 1);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

/* -1 with errno when nobody listens. */
static int
connect_tcp(const char *name)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int64_t port = 0;
	cleanup_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert(str_to_int64(strrchr(name, ':') + 1, &port));
	addr.sin_port = htons((uint16_t)port);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -1;
	return take_fd(&fd);
}

int
served_connect(struct served *s)
{
	int fd = str_starts(s->name, "unix:") ? connect_unix(s->name + 5)
					      : connect_tcp(s->name);

	ck_assert_int_ge(fd, 0);
	return fd;
}

bool
served_refuses(struct served *s)
{
	cleanup_close int fd = connect_tcp(s->name);

	return fd < 0 && errno == ECONNREFUSED;
}

void
served_send(struct served *s, int fd, const void *data, size_t len)
{
	const char *at = data;
	int64_t end = now_ms() + LIMIT_MS;

	while (len > 0) {
		ssize_t n = send(fd, at, len, MSG_DONTWAIT | MSG_NOSIGNAL);

		ck_assert_msg(now_ms() < end, "the server does not read");
		if (n < 0 && errno != EAGAIN)
			return;
		if (n > 0) {
			at += n;
			len -= (size_t)n;
		}
		turn(s, n < 0);
	}
}

void
served_send_text(struct served *s, int fd, const char *text)
{
	served_send(s, fd, text, strlen(text));
}

int
served_open(struct served *s, const char *method, const char *path, const char *headers)
{
	cleanup_free char *head =
	    xasprintf("%s %s HTTP/1.1\r\nHost: h\r\n%s\r\n", method, path, headers);
	int fd = served_connect(s);

	served_send_text(s, fd, head);
	return fd;
}

/* False: the peer has hung up. */
static bool
read_some(struct served *s, int fd, struct buf *b, int64_t end)
{
	char bytes[65536];
	ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	ck_assert_msg(now_ms() < end, "no answer; so far there is \"%s\"", buf_str(b));
	if (n == 0 || (n < 0 && errno != EAGAIN))
		return false;
	if (n > 0)
		buf_add(b, bytes, (size_t)n);
	turn(s, n < 0);
	return true;
}

void
served_read(struct served *s, int fd, struct buf *b, const char *text)
{
	int64_t end = now_ms() + LIMIT_MS;

	while (strstr(buf_str(b), text) == NULL)
		ck_assert_msg(read_some(s, fd, b, end),
		    "hung up after \"%s\", not \"%s\"", buf_str(b), text);
}

void
served_read_bytes(struct served *s, int fd, struct buf *b, size_t len)
{
	int64_t end = now_ms() + LIMIT_MS;

	while (b->len < len)
		ck_assert_msg(
		    read_some(s, fd, b, end), "hung up after %zu bytes", b->len);
}

void
served_read_end(struct served *s, int fd, struct buf *b)
{
	int64_t end = now_ms() + LIMIT_MS;

	while (read_some(s, fd, b, end))
		;
}

char *
served_ask(struct served *s, const char *request)
{
	cleanup_buf struct buf answer = BUF_INIT;
	cleanup_close int fd = served_connect(s);

	served_send_text(s, fd, request);
	served_read_end(s, fd, &answer);
	return buf_take(&answer);
}

int
served_open_files(void)
{
	cleanup_closedir DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir) != NULL)
		n++;
	return n;
}
