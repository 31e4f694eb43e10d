/*
 * Calls of a command to a server, one after the other: each blocks until it is answered.
 * What goes wrong is said to the person here, in one place. Owned by the command.
 */
#ifndef CLI_SERVER_LINK_H
#define CLI_SERVER_LINK_H

#include <uv.h>

#include "base/buf.h"
#include "cli/remote.h"
#include "protocol/json_shape.h"

#define SERVER_ALL_PAGES ((size_t)200)

struct http_client;
struct http_call;

struct server_link {
	uv_loop_t loop;
	struct http_client *client; /* NULL: not open */
	struct arena *arena;        /* as long as the link */
	struct remote remote;       /* remote.token: whichever is used */
	const char *project;        /* as a part of a path: "group%2Fname" */
	const char *token_from;     /* "the token of `pawl login`"; of the caller */
	bool is_patient; /* what gets lost is asked again, as server_link_wait() has it */
	bool was_reached;
	int64_t lost_ms; /* uv_hrtime() in ms of the first failure in a row; 0: none */
};

#define SERVER_LINK_INIT                                                                 \
	{                                                                                \
		.client = NULL                                                           \
	}

/* EXIT_OK, or what to end with, after saying why. The remote is copied. */
int server_link_open(struct server_link *l, const struct remote *remote);
void server_link_close(struct server_link *l);
#define cleanup_server_link __attribute__((cleanup(server_link_close)))

struct server_call {
	const char *method; /* NULL: GET */
	const char *path;   /* "/api/v4/version" */
	const char *json;   /* the body; NULL: none */
	int64_t from;       /* of the answer's bytes; 0: all */
	/* Takes the body of a 2xx as it comes; false gives up. skip: bytes of it that lie
	 * before `from`, where the server does not know of ranges. */
	bool (*write)(const char *bytes, size_t len, void *data);
	void *data;
	bool endless; /* it may take hours */
};

struct server_reply {
	int status; /* 0: none came, err says why */
	struct buf body;
	int64_t next_page; /* of a list; 0: this is the last one */
	struct error err;
};

#define SERVER_REPLY_INIT                                                                \
	{                                                                                \
		.status = 0                                                              \
	}

void server_reply_clear(struct server_reply *r);
#define cleanup_server_reply __attribute__((cleanup(server_reply_clear)))

void server_call(
    struct server_link *l, const struct server_call *call, struct server_reply *out);
bool server_reply_is_ok(const struct server_reply *r); /* 2xx */
/* No answer, or one that says to come again. */
bool server_reply_is_lost(const struct server_reply *r);

/*
 * Says what went wrong and returns the exit code: EXIT_UNREACHABLE; EXIT_INVALID for what
 * is unknown or not allowed; EXIT_FAULT for a server's own trouble; EXIT_FAILED for what
 * it refuses to do. what: "cannot retry job x", or NULL.
 */
int server_link_fail(
    const struct server_link *l, const struct server_reply *r, const char *what);

/*
 * After a reply that is lost: pauses and returns true, so that the call can be made
 * again; false when the server was never there, or has been away for a minute.
 */
bool server_link_wait(struct server_link *l, const struct server_reply *r);
void server_link_pause(struct server_link *l, int64_t ms);

/*
 * These ask with patience, if the link has it.
 *
 * A call, and the object of its answer into out, with strings in the arena. NULL for
 * shape where it does not matter. EXIT_OK, or what to end with, after saying why.
 */
int server_link_object(struct server_link *l, const struct server_call *call,
    const struct json_shape *shape, struct arena *arena, void *out, const char *what);

/* The object in a body. */
int server_link_read(const struct server_link *l, const char *path,
    const struct buf *body, const struct json_shape *shape, struct arena *arena,
    void *out);

/* A list of objects of that shape, at most so many pages of it; path has a "?" in it. */
int server_link_list(struct server_link *l, const char *path, size_t max_pages,
    const struct json_shape *shape, struct arena *arena, void **items, size_t *count);
/* The list in a body. */
int server_link_read_list(const struct server_link *l, const char *path,
    const struct buf *body, const struct json_shape *shape, struct arena *arena,
    void **items, size_t *count);

/* Text of a server for a person's eyes, on standard error, each line with indent. */
void server_print_words(const char *text, const char *indent);

#endif
