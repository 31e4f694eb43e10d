/* Stores for tests. */
#include "tests/unit/stored.h"

#include <check.h>

#include "tests/unit/fixture.h"

static int
write_owners(struct store_txn *t, void *data UNUSED, struct error *err)
{
	const struct store_namespace team = { .id = 1, .path = "team", .created_us = 1 };
	const struct store_user root = { .id = 1, .login = "root", .name = "Root" };
	struct store_project project = { .id = 1,
		.namespace = 1,
		.path = "team/one",
		.name = "One",
		.visibility = "private" };

	if (store_put_namespace(t, &team, err) < 0 || store_put_user(t, &root, err) < 0 ||
	    store_put_project(t, &project, err) < 0)
		return err->code;
	project.id = 2;
	project.path = "team/two";
	return store_put_project(t, &project, err);
}

static void
open_store(struct stored *st)
{
	struct error err = ERROR_INIT;

	if (store_open(&st->loop, st->root, &st->store, &err) < 0)
		ck_abort_msg("%s", err.msg);
}

static void
close_store(struct stored *st)
{
	store_close(st->store);
	uv_run(&st->loop, UV_RUN_DEFAULT);
}

void
stored_open(struct stored *st)
{
	*st = (struct stored){ .root = fixture_open(), .arena = arena_new() };
	ck_assert_int_eq(uv_loop_init(&st->loop), 0);
	open_store(st);
	stored_write(st, write_owners, NULL);
}

void
stored_close(struct stored *st)
{
	close_store(st);
	ck_assert_int_eq(uv_loop_close(&st->loop), 0);
	arena_free(st->arena);
	fixture_close(st->root);
}

void
stored_reopen(struct stored *st)
{
	close_store(st);
	open_store(st);
}

void
stored_write(struct stored *st, store_write_fn fn, void *data)
{
	struct error err = ERROR_INIT;

	if (store_write_now(st->store, fn, data, &err) < 0)
		ck_abort_msg("%s", err.msg);
}

void
stored_read(struct stored *st, store_read_fn fn, void *data)
{
	struct error err = ERROR_INIT;

	if (store_read_now(st->store, fn, data, &err) < 0)
		ck_abort_msg("%s", err.msg);
}
