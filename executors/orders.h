/*
 * What a program that stands between a job's supervisor and somebody outside is told at
 * its start: a struct, described by a table, as a row of "KEY\0VALUE\0".
 */
#ifndef EXECUTORS_ORDERS_H
#define EXECUTORS_ORDERS_H

#include "base/buf.h"
#include "base/str.h"

#define ORDERS_MAX ((size_t)256 << 20)

enum order_kind {
	ORDER_LIST,   /* struct strlist */
	ORDER_TEXT,   /* char *, malloced; NULL: not there */
	ORDER_NUMBER, /* int64_t */
};

struct order {
	const char *key;
	enum order_kind kind;
	size_t offset; /* in the struct */
};

void orders_write(
    const struct order *table, size_t count, const void *orders, struct buf *out);

/* orders is zeroed before; orders_clear() is due also after a failure. */
MUST_CHECK int orders_read(const struct order *table, size_t count, const char *text,
    size_t len, void *orders, struct error *err);
void orders_clear(const struct order *table, size_t count, void *orders);

#endif
