/*
 * What a worker says while it is at it, passed on to the loop several times a second: a
 * job's end may take minutes where files are sent, and its log should tell.
 */
#ifndef RUNNER_BUILD_LIVE_H
#define RUNNER_BUILD_LIVE_H

#include <uv.h>

#include "base/buf.h"

/* Caller's storage, zeroed; stays until stopped() came. */
struct build_live {
	uv_timer_t timer;
	uv_mutex_t lock;
	struct buf words;
	bool runs;
	void (*pass)(const char *text, size_t len, void *data);
	void (*stopped)(void *data);
	void *data;
};

/* pass: on the loop thread. */
void build_live_start(struct build_live *live, uv_loop_t *loop,
    void (*pass)(const char *text, size_t len, void *data), void *data);

/* A line, without its end; any thread. live: a struct build_live. */
void build_live_say(const char *line, void *live);

/* The rest is passed on, and stopped(data) comes from the loop. */
void build_live_stop(struct build_live *live, void (*stopped)(void *data));

#endif
