/*
 * A small HTTP/1.1 server on the test's own loop: every request is handed to the test,
 * which says what goes back. Connections are kept unless the test closes them.
 */
#ifndef TESTS_FAKE_SERVER_H
#define TESTS_FAKE_SERVER_H

#include "base/buf.h"

struct fake_server;
struct fake_connection;
struct uv_loop_s;

struct fake_request {
	const char *method, *path; /* with its query */
	const char *head;          /* all header lines, each ending with \r\n */
	const char *body;          /* chunks joined */
	size_t len;
	struct fake_connection *from; /* for fake_answer() later */
};

enum fake_deed {
	FAKE_ANSWER, /* with what is in reply */
	FAKE_HOLD,   /* nothing yet: fake_answer() comes, or never */
	FAKE_DROP,   /* the connection ends without a word */
};

/* reply is a whole response; fake_reply() makes one. */
typedef enum fake_deed (*fake_handler)(
    const struct fake_request *request, struct buf *reply, void *data);

/* unix_path: listen there; else port of 127.0.0.1, 0 for any. */
struct fake_server *fake_server_open(struct uv_loop_s *loop, const char *unix_path,
    int port, fake_handler handler, void *data);
void fake_server_close(struct fake_server *server); /* all connections end */
int fake_server_port(const struct fake_server *server);
size_t fake_server_connections(const struct fake_server *server); /* ever accepted */

/* The value of a header, malloced; NULL: none. */
char *fake_header(const struct fake_request *request, const char *name);

/* "HTTP/1.1 STATUS x", the header lines (each ending with \r\n; may be ""), the body. */
void fake_reply(struct buf *reply, int status, const char *headers, const char *body);

/* What was held. */
void fake_answer(struct fake_connection *to, const struct buf *reply);

#endif
