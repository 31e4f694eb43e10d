/*
 * A server and its clients in one thread and one loop: a client's call turns the loop
 * until it has what it waits for, ten seconds at most.
 */
#ifndef TESTS_UNIT_SERVED_H
#define TESTS_UNIT_SERVED_H

#include <uv.h>

#include "base/buf.h"
#include "base/http_server.h"

struct served {
	uv_loop_t loop;
	struct http_server *server;
	char *name; /* what the clients connect to */
};

/* On a free TCP port of 127.0.0.1. */
void served_start(struct served *s, const struct http_server_options *options);
/* address as for http_listen_socket(); clients connect to the last one. */
void served_listen(struct served *s, const char *address);
void served_stop(struct served *s);

/* A blocking wait of so many ms, in which the loop runs. */
void served_wait(struct served *s, int ms);
/* Turns the loop until fn says yes. */
void served_until(struct served *s, bool (*fn)(void *data), void *data);
void served_until_connections(struct served *s, size_t count);

int served_connect(struct served *s);
bool served_refuses(struct served *s); /* connections; TCP only */
/* On a new connection; headers end with CR LF, or are "". */
int served_open(
    struct served *s, const char *method, const char *path, const char *headers);
/* All of it, or as much as the peer takes before it hangs up. */
void served_send(struct served *s, int fd, const void *data, size_t len);
void served_send_text(struct served *s, int fd, const char *text);
/* Appends to b until it holds text; fails the test when the peer hangs up before. */
void served_read(struct served *s, int fd, struct buf *b, const char *text);
/* Appends to b until it is so long. */
void served_read_bytes(struct served *s, int fd, struct buf *b, size_t len);
/* Appends to b until the peer hangs up. */
void served_read_end(struct served *s, int fd, struct buf *b);
/* One whole exchange on a connection of its own; the answer, malloced. The request must
 * say Connection: close, or be refused. */
char *served_ask(struct served *s, const char *request);

int served_open_files(void); /* of this process */

#endif
