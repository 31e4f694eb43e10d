/*
 * Tells a server of one job: its log as it grows, that it is alive, and how it ended; and
 * hears from it that the job is canceled. The log is the spool on disk, of which only
 * final bytes are read; nothing of it is kept in memory. Loop thread.
 * Source: runner-protocol.md sections 3.2, 4 and 5.
 */
#ifndef RUNNER_SENDER_H
#define RUNNER_SENDER_H

#include "base/error.h"
#include "protocol/usage.h"

struct http_client;
struct sender;
struct uv_loop_s;

/* Strings are the caller's and outlive the sender. */
struct sender_target {
	struct uv_loop_s *loop;
	struct http_client *client;
	const char *api; /* "https://host/api/v4" */
	int64_t job;
	const char *token;
	const char *spool; /* NULL: there will never be one */
	bool is_resumed; /* an earlier runner sent some of it: the server says how much */
	int64_t heartbeat_ms; /* 0: 1 s at first, then up to 5 s; tests want less */
	int64_t retry_ms;     /* 0: 1 s; the first wait after a failure */
};

/* How it ended for the server. */
enum sender_outcome {
	SENDER_TOLD,    /* it has everything */
	SENDER_REFUSED, /* it does not want to hear of this job (any more) */
	SENDER_LOST,    /* it could not be reached, in spite of all tries */
};

struct sender_events {
	/* sender_accept()'s answer; false: the job is not ours, and is dropped silently
	 */
	void (*on_accepted)(bool accepted, void *data);
	/* At most once each. force: everything ends now. */
	void (*on_cancel)(bool force, void *data);
	/* After sender_finish(); the sender may be freed in it. */
	void (*on_done)(enum sender_outcome outcome, void *data);
	void *data;
};

struct sender_end {
	bool success;
	const char *failure_reason; /* NULL on success */
	int exit_code;
	struct job_usage usage;
	const char *usage_samples; /* a text; NULL: none */
	const char *image_digest;  /* NULL: none */
};

struct sender *sender_new(
    const struct sender_target *target, const struct sender_events *events);
void sender_free(struct sender *s); /* what is on its way is forgotten; NULL is fine */

/* Say that the job is about to run. */
void sender_accept(struct sender *s);
/* The heartbeat begins, and the log is sent. */
void sender_start(struct sender *s);
/* So many bytes of the spool are final. */
void sender_grow(struct sender *s, uint64_t bytes);
/* The spool is complete, with what sender_grow() said last. */
void sender_finish(struct sender *s, const struct sender_end *end);

#endif
