/* A store in a folder of its own, with a group, a user and two projects in it. */
#ifndef TESTS_UNIT_STORED_H
#define TESTS_UNIT_STORED_H

#include <uv.h>

#include "scheduler/store.h"

struct stored {
	uv_loop_t loop;
	char *root; /* made by fixture_open() */
	struct store *store;
	struct arena *arena;
};

/* "team" (1); user "root" (1); projects "team/one" (1) and "team/two" (2). */
void stored_open(struct stored *st);
void stored_close(struct stored *st);

/* Closes the store and opens it again. */
void stored_reopen(struct stored *st);

/* Blocking; a failure ends the test. */
void stored_write(struct stored *st, store_write_fn fn, void *data);
void stored_read(struct stored *st, store_read_fn fn, void *data);

#endif
