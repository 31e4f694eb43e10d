/*
 * A container engine by its HTTP API, Docker's or Podman's: one question after the other,
 * on an event loop of its own, which whoever waits for something else may use, too. One
 * thread.
 */
#ifndef EXECUTORS_DOCKER_ENGINE_H
#define EXECUTORS_DOCKER_ENGINE_H

#include <stdatomic.h>

#include "base/buf.h"

struct engine;
struct uv_loop_s;

/* Where one listens. */
struct engine_address {
	const char *host; /* unix:///PATH, tcp://HOST:PORT; NULL: the usual one */
	/* tcp: ca.pem of TLS, and cert.pem and key.pem where a client has to show them;
	 * NULL: as of engine_find_certs() */
	const char *cert_dir;
};

/* host, else $DOCKER_HOST, else Docker's or Podman's socket, malloced; NULL: there is
 * none. */
char *engine_find(const char *host);

/* cert_dir, else with $DOCKER_TLS_VERIFY that of $DOCKER_CERT_PATH or ~/.docker, as
 * Docker's own programs have it; malloced. NULL: none. */
char *engine_find_certs(const char *cert_dir);

/* ERR_ENVIRONMENT, ERR_INVALID. stop, which may be NULL, ends what is waited for. */
MUST_CHECK int engine_open(const struct engine_address *address, const atomic_bool *stop,
    struct engine **out, struct error *err);
void engine_close(struct engine *e); /* NULL is fine */
struct uv_loop_s *engine_loop(const struct engine *e);

struct engine_call {
	const char *method, *path; /* "/containers/json" */
	const char *body;          /* JSON; NULL: none */
	const char *header;        /* one more; NULL: none */
	int64_t timeout_ms;        /* 0: none */
	/* Not given up when asked to stop: the engine would go on making what nobody
	 * waits for, and who removes it would come too early. */
	bool finishes;
	/* Instead of memory: bytes of the answer as they come; false gives up. */
	bool (*write)(const char *bytes, size_t len, void *data);
	/* For engine_begin(): the answer has begun, if not its end. */
	void (*heard)(void *data);
	void *data;
};

/*
 * The status, and the answer's body in out (NULL: it does not matter), which the caller
 * clears. <0: no answer: ERR_ENVIRONMENT, ERR_CANCELED.
 */
MUST_CHECK int engine_ask(
    struct engine *e, const struct engine_call *call, struct buf *out, struct error *err);

/* The same, where all but 2xx and one status more is a failure with the engine's words.
 */
MUST_CHECK int engine_do(struct engine *e, const struct engine_call *call, int also,
    struct buf *out, struct error *err);

/* Begin one whose end comes later, told to ended (may be NULL), from the loop. */
void engine_begin(struct engine *e, const struct engine_call *call,
    void (*ended)(int status, const char *body, void *data));

#endif
