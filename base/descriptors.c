/* Files in packets. */
#include "base/descriptors.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	struct cmsghdr head;
	char space[CMSG_SPACE(sizeof(int[DESCRIPTORS_MAX]))];
};

ssize_t
descriptors_send(int socket, const struct iovec *parts, size_t part_count,
    const int *files, size_t file_count, int flags)
{
	union control control = { .space = { 0 } };
	struct msghdr msg = { .msg_iov = (struct iovec *)(uintptr_t)parts,
		.msg_iovlen = part_count };

	if (file_count > DESCRIPTORS_MAX)
		abort();
	if (file_count > 0) {
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(file_count * sizeof(int));
		memcpy(CMSG_DATA(&control.head), files, file_count * sizeof(int));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(file_count * sizeof(int));
	}
	return sendmsg(socket, &msg, flags | MSG_NOSIGNAL);
}

static void
take(const struct cmsghdr *c, int *files, size_t want)
{
	const size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	for (size_t i = 0; i < count; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
		if (i < want)
			files[i] = fd;
		else
			close(fd);
	}
}

/*
 * Who ends with something unread resets the connection, and of packets the kernel tells
 * that before it gives what was sent till then. It tells it once.
 */
static ssize_t
receive(int socket, struct msghdr *msg, int flags)
{
	const struct msghdr whole = *msg;
	ssize_t n = recvmsg(socket, msg, flags | MSG_CMSG_CLOEXEC);

	if (n >= 0 || errno != ECONNRESET)
		return n;
	*msg = whole;
	return recvmsg(socket, msg, flags | MSG_CMSG_CLOEXEC);
}

ssize_t
descriptors_receive(
    int socket, void *data, size_t size, int *files, size_t want, int flags)
{
	union control control;
	struct iovec part = { data, size };
	struct msghdr msg = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	const ssize_t n = receive(socket, &msg, flags);
	const struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;

	for (size_t i = 0; i < want; i++)
		files[i] = -1;
	if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		take(c, files, want);
	return n;
}

ssize_t
descriptors_receive_text(int socket, void *data, size_t size, int flags)
{
	return descriptors_receive(socket, data, size, NULL, 0, flags);
}
