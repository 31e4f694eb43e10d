/* Which key goes where. */
#include "executors/docker/orders.h"

#define IN(member) offsetof(struct docker_orders, member)

static const struct order table[] = {
	{ "host", ORDER_TEXT, IN(host) },
	{ "cert_dir", ORDER_TEXT, IN(cert_dir) },
	{ "image", ORDER_TEXT, IN(image) },
	{ "platform", ORDER_TEXT, IN(platform) },
	{ "user", ORDER_TEXT, IN(user) },
	{ "network", ORDER_TEXT, IN(network) },
	{ "has_services", ORDER_NUMBER, IN(has_services) },
	{ "offline", ORDER_NUMBER, IN(offline) },
	{ "slot", ORDER_NUMBER, IN(slot) },
	{ "name", ORDER_LIST, IN(names) },
	{ "service", ORDER_LIST, IN(services) },
	{ "job", ORDER_TEXT, IN(job) },
	{ "init", ORDER_TEXT, IN(init) },
	{ "pid_namespace", ORDER_TEXT, IN(pid_namespace) },
	{ "work_dir", ORDER_TEXT, IN(work_dir) },
	{ "project_dir", ORDER_TEXT, IN(project_dir) },
	{ "entrypoint", ORDER_LIST, IN(entrypoint) },
	{ "shown", ORDER_LIST, IN(shown) },
	{ "own_volume", ORDER_LIST, IN(own_volumes) },
	{ "bind", ORDER_LIST, IN(binds) },
	{ "read_only_bind", ORDER_LIST, IN(read_only_binds) },
	{ "privileged", ORDER_NUMBER, IN(privileged) },
	{ "memory_limit", ORDER_NUMBER, IN(memory_limit) },
	{ "cpu_limit", ORDER_NUMBER, IN(cpu_limit) },
	{ "pids_limit", ORDER_NUMBER, IN(pids_limit) },
};

void
docker_orders_clear(struct docker_orders *orders)
{
	orders_clear(table, ARRAY_LEN(table), orders);
}

void
docker_orders_write(const struct docker_orders *orders, struct buf *out)
{
	orders_write(table, ARRAY_LEN(table), orders, out);
}

int
docker_orders_read(
    const char *text, size_t len, struct docker_orders *out, struct error *err)
{
	return orders_read(table, ARRAY_LEN(table), text, len, out, err);
}
