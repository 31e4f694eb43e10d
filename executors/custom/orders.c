/* Which key goes where. */
#include "executors/custom/orders.h"

#include "executors/orders.h"

#define IN(member) offsetof(struct custom_orders, member)

static const struct order table[] = {
	{ "config", ORDER_LIST, IN(config) },
	{ "prepare", ORDER_LIST, IN(prepare) },
	{ "run", ORDER_LIST, IN(run) },
	{ "cleanup", ORDER_LIST, IN(cleanup) },
	{ "config_ms", ORDER_NUMBER, IN(config_ms) },
	{ "prepare_ms", ORDER_NUMBER, IN(prepare_ms) },
	{ "cleanup_ms", ORDER_NUMBER, IN(cleanup_ms) },
	{ "graceful_ms", ORDER_NUMBER, IN(graceful_ms) },
	{ "force_ms", ORDER_NUMBER, IN(force_ms) },
	{ "slot", ORDER_NUMBER, IN(slot) },
	{ "builds_dir", ORDER_TEXT, IN(builds_dir) },
	{ "cache_dir", ORDER_TEXT, IN(cache_dir) },
	{ "services", ORDER_TEXT, IN(services) },
	{ "response", ORDER_TEXT, IN(response) },
	{ "temp_dir", ORDER_TEXT, IN(temp_dir) },
	{ "env", ORDER_LIST, IN(env) },
	{ "file", ORDER_LIST, IN(files) },
};

void
custom_orders_clear(struct custom_orders *orders)
{
	orders_clear(table, ARRAY_LEN(table), orders);
}

void
custom_orders_write(const struct custom_orders *orders, struct buf *out)
{
	orders_write(table, ARRAY_LEN(table), orders, out);
}

int
custom_orders_read(
    const char *text, size_t len, struct custom_orders *out, struct error *err)
{
	return orders_read(table, ARRAY_LEN(table), text, len, out, err);
}
