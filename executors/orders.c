/* Writing and reading orders; one table says where each key goes. */
#include "executors/orders.h"

#include <stdio.h>

static void *
field(const void *orders, const struct order *order)
{
	return (char *)(uintptr_t)orders + order->offset;
}

void
orders_clear(const struct order *table, size_t count, void *orders)
{
	for (size_t i = 0; i < count; i++) {
		void *value = field(orders, &table[i]);

		if (table[i].kind == ORDER_LIST) {
			strlist_clear(value);
		} else if (table[i].kind == ORDER_TEXT) {
			free(*(char **)value);
			*(char **)value = NULL;
		}
	}
}

static void
put(struct buf *out, const char *key, const char *value)
{
	buf_add(out, key, strlen(key) + 1);
	buf_add(out, value, strlen(value) + 1);
}

static void
write_one(const struct order *order, const void *value, struct buf *out)
{
	const struct strlist *list = value;
	char number[24];

	switch (order->kind) {
	case ORDER_LIST:
		for (size_t i = 0; i < list->count; i++)
			put(out, order->key, list->items[i]);
		break;
	case ORDER_TEXT:
		if (*(char *const *)value != NULL)
			put(out, order->key, *(char *const *)value);
		break;
	case ORDER_NUMBER:
		(void)snprintf(
		    number, sizeof(number), "%" PRId64, *(const int64_t *)value);
		put(out, order->key, number);
		break;
	}
}

void
orders_write(const struct order *table, size_t count, const void *orders, struct buf *out)
{
	for (size_t i = 0; i < count; i++)
		write_one(&table[i], field(orders, &table[i]), out);
}

static const struct order *
find(const struct order *table, size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(table[i].key, key))
			return &table[i];
	return NULL;
}

static int
read_one(const struct order *order, const char *value, void *out)
{
	switch (order->kind) {
	case ORDER_LIST:
		strlist_add(out, value);
		return 0;
	case ORDER_TEXT:
		free(*(char **)out);
		*(char **)out = xstrdup(value);
		return 0;
	case ORDER_NUMBER:
		return str_to_int64(value, out) ? 0 : -1;
	}
	return -1;
}

int
orders_read(const struct order *table, size_t count, const char *text, size_t len,
    void *orders, struct error *err)
{
	const char *end = text + len;

	while (text < end) {
		const char *key = text, *value;
		const struct order *order = NULL;

		text = memchr(text, '\0', (size_t)(end - text));
		value = text == NULL ? NULL : text + 1;
		text = value == NULL ? NULL : memchr(value, '\0', (size_t)(end - value));
		if (text != NULL)
			order = find(table, count, key);
		if (order == NULL || read_one(order, value, field(orders, order)) < 0)
			return error_set(err, ERR_INVALID, "cannot read the orders");
		text++;
	}
	return 0;
}
