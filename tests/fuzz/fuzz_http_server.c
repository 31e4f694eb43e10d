/*
 * Bytes of a stranger, sent to a server: whatever they are, the answer is HTTP or none,
 * and the connection is over soon after the stranger has gone.
 */
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "base/buf.h"
#include "base/http_server.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct {
	uv_loop_t loop;
	struct http_server *server;
	struct sockaddr_un addr;
	size_t open; /* requests */
	size_t chars;
} fuzz;

static void
on_end(struct http_request *r, void *data)
{
	(void)data;
	fuzz.chars += strlen(http_path(r));
	fuzz.open--;
}

static void
on_param(const char *name, const char *value, void *data)
{
	(void)data;
	fuzz.chars += strlen(name) + strlen(value);
}

static void
on_body(struct http_request *r, const char *body, size_t len, void *data)
{
	(void)data;
	http_reply(r, 200, NULL, body, len);
}

static void
on_chunk(struct http_request *r, const char *bytes, size_t len, void *data)
{
	(void)data;
	if (len == 0) {
		http_end(r);
		return;
	}
	http_write(r, bytes, len);
	http_pause(r);
	http_resume(r);
}

/* Each use is tried; which one it is comes with the request. */
static void
handle(struct http_request *r, void *data)
{
	(void)data;
	fuzz.open++;
	http_on_end(r, on_end, NULL);
	http_each_query(r, on_param, NULL);
	fuzz.chars +=
	    strlen(http_method(r)) + strlen(http_target(r)) + strlen(http_peer(r));
	switch (strlen(http_target(r)) % 5) {
	case 0:
		http_reply(r, 200, "text/plain", "hello", 5);
		return;
	case 1:
		http_read_body(r, 100, on_body, NULL);
		return;
	case 2:
		http_begin(r, 200, NULL, -1);
		http_stream_body(r, on_chunk, NULL);
		return;
	case 3:
		http_pause(r);
		http_stream_body(r, on_chunk, NULL);
		http_reply(r, 403, NULL, "", 0);
		return;
	default:
		return; /* waits until the peer has gone */
	}
}

static void
remove_socket(void)
{
	(void)unlink(fuzz.addr.sun_path);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct http_server_options options = { .on_request = handle };
	cleanup_free char *address =
	    xasprintf("unix:/tmp/pawl-fuzz-http-%d", (int)getpid());
	struct error err = ERROR_INIT;
	int fd = -1;

	(void)argc;
	(void)argv;
	fuzz.addr.sun_family = AF_UNIX;
	memcpy(fuzz.addr.sun_path, address + 5, strlen(address) - 4);
	if (uv_loop_init(&fuzz.loop) != 0 ||
	    http_server_new(&fuzz.loop, &options, &fuzz.server, &err) < 0 ||
	    http_listen_socket(address, &fd, &err) < 0 ||
	    http_server_listen(fuzz.server, fd, &err) < 0 || atexit(remove_socket) != 0)
		abort();
	return 0;
}

static void
turn_until_gone(void)
{
	for (int i = 0; i < 5000; i++) {
		(void)uv_run(&fuzz.loop, UV_RUN_NOWAIT);
		if (http_server_connections(fuzz.server) == 0)
			return;
	}
	abort(); /* wedged */
}

static void
exchange(const uint8_t *data, size_t size)
{
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char answer[64] = "";
	size_t half = size / 2;

	if (connect(fd, (struct sockaddr *)&fuzz.addr, sizeof(fuzz.addr)) < 0)
		abort();
	(void)!send(fd, data, half, MSG_DONTWAIT | MSG_NOSIGNAL);
	for (int i = 0; i < 3; i++)
		(void)uv_run(&fuzz.loop, UV_RUN_NOWAIT);
	(void)!send(fd, data + half, size - half, MSG_DONTWAIT | MSG_NOSIGNAL);
	for (int i = 0; i < 5; i++)
		(void)uv_run(&fuzz.loop, UV_RUN_NOWAIT);
	if (recv(fd, answer, sizeof(answer) - 1, MSG_DONTWAIT) >= 9 &&
	    !str_starts(answer, "HTTP/1.1 "))
		abort();
}

static void
check_decoding(const char *text, size_t len)
{
	cleanup_free char *once = http_decode(text, len);
	cleanup_free char *twice = NULL;
	cleanup_buf struct buf b = BUF_INIT;

	if (once == NULL)
		return;
	for (const char *c = once; *c != '\0'; c++)
		buf_printf(&b, "%%%02X", (unsigned char)*c);
	twice = http_decode(buf_str(&b), b.len);
	if (twice == NULL || !str_eq(once, twice))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_decoding((const char *)data, size);
	exchange(data, size);
	turn_until_gone();
	if (fuzz.open != 0)
		abort();
	return 0;
}
