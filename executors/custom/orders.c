/* Writing and reading orders; one table says where each key goes. */
#include "executors/custom/orders.h"

#include <stdio.h>

enum order_kind { ORDER_LIST, ORDER_TEXT, ORDER_NUMBER };

#define IN(member) offsetof(struct custom_orders, member)

static const struct order {
	const char *key;
	enum order_kind kind;
	size_t offset;
} table[] = {
	{ "config", ORDER_LIST, IN(config) },
	{ "prepare", ORDER_LIST, IN(prepare) },
	{ "run", ORDER_LIST, IN(run) },
	{ "cleanup", ORDER_LIST, IN(cleanup) },
	{ "config_ms", ORDER_NUMBER, IN(config_ms) },
	{ "prepare_ms", ORDER_NUMBER, IN(prepare_ms) },
	{ "cleanup_ms", ORDER_NUMBER, IN(cleanup_ms) },
	{ "graceful_ms", ORDER_NUMBER, IN(graceful_ms) },
	{ "force_ms", ORDER_NUMBER, IN(force_ms) },
	{ "builds_dir", ORDER_TEXT, IN(builds_dir) },
	{ "cache_dir", ORDER_TEXT, IN(cache_dir) },
	{ "services", ORDER_TEXT, IN(services) },
	{ "response", ORDER_TEXT, IN(response) },
	{ "temp_dir", ORDER_TEXT, IN(temp_dir) },
	{ "env", ORDER_LIST, IN(env) },
	{ "file", ORDER_LIST, IN(files) },
};

static void *
field(const struct custom_orders *orders, const struct order *order)
{
	return (char *)(uintptr_t)orders + order->offset;
}

void
custom_orders_clear(struct custom_orders *orders)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (table[i].kind == ORDER_LIST)
			strlist_clear(field(orders, &table[i]));
		else if (table[i].kind == ORDER_TEXT)
			free(*(char **)field(orders, &table[i]));
	}
	*orders = (struct custom_orders)CUSTOM_ORDERS_INIT;
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
custom_orders_write(const struct custom_orders *orders, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		write_one(&table[i], field(orders, &table[i]), out);
}

static const struct order *
find(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
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
custom_orders_read(
    const char *text, size_t len, struct custom_orders *out, struct error *err)
{
	const char *end = text + len;

	while (text < end) {
		const char *key = text, *value;
		const struct order *order = NULL;

		text = memchr(text, '\0', (size_t)(end - text));
		value = text == NULL ? NULL : text + 1;
		text = value == NULL ? NULL : memchr(value, '\0', (size_t)(end - value));
		if (text != NULL)
			order = find(key);
		if (order == NULL || read_one(order, value, field(out, order)) < 0)
			return error_set(err, ERR_INVALID, "cannot read the orders");
		text++;
	}
	return 0;
}
