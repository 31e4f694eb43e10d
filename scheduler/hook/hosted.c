/* The hook of the server's own repositories: a request through its socket. */
#include "scheduler/hook/hosted.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/path.h"
#include "scheduler/hook/pushed.h"

static int
give_up(const char *what)
{
	printf("pawl: %s; the pipeline starts when the server is back\n", what);
	return 0;
}

/* A socket's path may be longer than an address holds: from its folder it is short. */
static int
connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	cleanup_free char *dir = xstrdup(path);
	char *slash = strrchr(dir, '/');
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (slash != NULL && slash != dir) {
		*slash = '\0';
		if (chdir(dir) < 0)
			return -1;
		path = slash + 1;
	}
	if (strlen(path) >= sizeof(address.sun_path))
		return -1;
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -1;
	return take_fd(&fd);
}

/* "project 1", "user 2", "push 3", "option ci.skip", "ref refs/heads/main": a line each.
 */
static void
add_line(struct buf *body, const char *word, const char *text)
{
	if (text != NULL && strchr(text, '\n') == NULL)
		buf_printf(body, "%s %s\n", word, text);
}

static int
send_request(int fd, const struct buf *body)
{
	cleanup_buf struct buf request = BUF_INIT;

	/* 1.0: the answer ends where the connection does */
	buf_printf(&request,
	    "POST /api/pawl/v1/hook HTTP/1.0\r\nContent-Type: text/plain\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    body->len);
	buf_add(&request, body->data, body->len);
	return path_write_fd(fd, request.data, request.len);
}

/* The body is for the pusher; what comes before it is not. */
static int
show_answer(int fd)
{
	cleanup_buf struct buf head = BUF_INIT;
	char block[4096];
	bool in_body = false;
	ssize_t n;

	while ((n = read(fd, block, sizeof(block))) != 0) {
		char *end;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		if (in_body) {
			if (path_write_fd(STDOUT_FILENO, block, (size_t)n) < 0)
				return 0; /* the pusher left */
			continue;
		}
		buf_add(&head, block, (size_t)n);
		end = memmem(head.data, head.len, "\r\n\r\n", 4);
		if (end == NULL)
			continue;
		in_body = true;
		end += 4;
		if (path_write_fd(
			STDOUT_FILENO, end, head.len - (size_t)(end - head.data)) < 0)
			return 0;
	}
	return in_body ? 0 : give_up("the server did not answer");
}

int
hosted_tell(void)
{
	cleanup_pushed struct pushed pushed = PUSHED_INIT;
	cleanup_buf struct buf body = BUF_INIT;
	const char *path = getenv("PAWL_SOCKET");
	cleanup_close int fd = -1;

	pushed_read(&pushed);
	add_line(&body, "project", getenv("PAWL_PROJECT"));
	add_line(&body, "user", getenv("PAWL_USER"));
	add_line(&body, "push", getenv("PAWL_PUSH"));
	for (size_t i = 0; i < pushed.options.count; i++)
		add_line(&body, "option", pushed.options.items[i]);
	for (size_t i = 0; i < pushed.refs.count; i++)
		add_line(&body, "ref", pushed.refs.items[i]);
	if (path == NULL)
		return give_up("PAWL_SOCKET is not set");
	fd = connect_to(path);
	if (fd < 0 || send_request(fd, &body) < 0)
		return give_up("the server cannot be reached");
	return show_answer(fd);
}
