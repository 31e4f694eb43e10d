/* Listening sockets by their address, and the address of a socket as text. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/http_server.h"
#include "base/str.h"

#define BACKLOG 4096 /* the system's own limit is lower, mostly */

/* ---- TCP ------------------------------------------------------------------- */

/* "127.0.0.1:80" and "[::1]:80" in two; false on anything else. */
static bool
split_address(const char *address, char **host, const char **port)
{
	const char *colon = strrchr(address, ':');
	const char *end = colon;
	int64_t number = -1;

	if (colon == NULL || !str_to_int64(colon + 1, &number) || number < 0 ||
	    number > 65535)
		return false;
	if (*address == '[') {
		address++;
		end--;
		if (end < address || *end != ']')
			return false;
	} else if (memchr(address, ':', (size_t)(end - address)) != NULL)
		return false;
	if (end == address)
		return false;
	*host = xstrndup(address, (size_t)(end - address));
	*port = colon + 1;
	return true;
}

static int
bind_tcp(const struct addrinfo *ai, int *out)
{
	cleanup_close int fd =
	    socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0)
		return -1;
	*out = take_fd(&fd);
	return 0;
}

static int
listen_tcp(const char *address, int *out, struct error *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *list = NULL;
	cleanup_free char *host = NULL;
	const char *port = NULL;
	int rc;

	if (!split_address(address, &host, &port))
		return error_set(err, ERR_INVALID,
		    "cannot listen on \"%s\": an address is HOST:PORT, such as 127.0.0.1:8080, [::1]:8080 or 0.0.0.0:8080, or unix:PATH",
		    address);
	rc = getaddrinfo(host, port, &hints, &list);
	if (rc != 0)
		return error_set(err, ERR_INVALID, "cannot listen on %s: %s", address,
		    gai_strerror(rc));
	rc = bind_tcp(list, out);
	if (rc < 0)
		rc = error_errno(err, "cannot listen on %s", address);
	freeaddrinfo(list);
	return rc;
}

/* ---- Unix ------------------------------------------------------------------ */

/* A path longer than a socket's name may be goes by way of its folder's descriptor. */
static int
unix_address(
    const char *path, struct sockaddr_un *addr, int *folder_fd, struct error *err)
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *folder = NULL;
	int n;

	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) < sizeof(addr->sun_path)) {
		memcpy(addr->sun_path, path, strlen(path) + 1);
		return 0;
	}
	folder = slash == NULL ? xstrdup(".") : xstrndup(path, (size_t)(slash - path));
	*folder_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*folder_fd < 0)
		return error_errno(err, "%s", folder);
	n = snprintf(addr->sun_path, sizeof(addr->sun_path), "/proc/self/fd/%d/%s",
	    *folder_fd, slash == NULL ? path : slash + 1);
	if (n < 0 || (size_t)n >= sizeof(addr->sun_path))
		return error_set(err, ERR_LIMIT, "the name of the socket is too long");
	return 0;
}

/* Remove what a dead server left; a live one, or no socket at all, is an error. */
static int
remove_dead(const char *path, const struct sockaddr_un *addr, struct error *err)
{
	cleanup_close int fd = -1;
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : error_errno(err, "%s", path);
	if (!S_ISSOCK(st.st_mode))
		return error_set(
		    err, ERR_INVALID, "%s is there and is not a socket", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_errno(err, "socket");
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0 ||
	    errno != ECONNREFUSED)
		return error_set(err, ERR_INVALID, "another server listens on %s", path);
	if (unlink(path) < 0)
		return error_errno(err, "cannot remove %s", path);
	return 0;
}

static int
bind_unix(const char *path, int *out, struct error *err)
{
	struct sockaddr_un addr;
	cleanup_close int folder_fd = -1;
	cleanup_close int fd = -1;

	if (unix_address(path, &addr, &folder_fd, err) < 0 ||
	    remove_dead(path, &addr, err) < 0)
		return err->code;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* the file takes its mode from the socket: it is never open to others */
	if (fd < 0 || fchmod(fd, 0600) < 0 ||
	    bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(fd, BACKLOG) < 0)
		return error_errno(err, "%s", path);
	*out = take_fd(&fd);
	return 0;
}

int
http_listen_socket(const char *address, int *fd, struct error *err)
{
	if (!str_starts(address, "unix:"))
		return listen_tcp(address, fd, err);
	if (bind_unix(address + strlen("unix:"), fd, err) < 0)
		return error_wrap(err, "cannot listen on a Unix socket");
	return 0;
}

char *
http_socket_name(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	} addr = { .any.sa_family = AF_UNSPEC };
	socklen_t len = sizeof(addr);
	char host[INET6_ADDRSTRLEN] = "";

	if (getsockname(fd, &addr.any, &len) < 0)
		return xstrdup("");
	switch (addr.any.sa_family) {
	case AF_INET:
		(void)inet_ntop(AF_INET, &addr.in.sin_addr, host, sizeof(host));
		return xasprintf("%s:%d", host, ntohs(addr.in.sin_port));
	case AF_INET6:
		(void)inet_ntop(AF_INET6, &addr.in6.sin6_addr, host, sizeof(host));
		return xasprintf("[%s]:%d", host, ntohs(addr.in6.sin6_port));
	case AF_UNIX:
		return xasprintf("unix:%.*s", (int)sizeof(addr.un.sun_path),
		    len > offsetof(struct sockaddr_un, sun_path) ? addr.un.sun_path : "");
	default:
		return xstrdup("");
	}
}
