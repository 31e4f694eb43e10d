/* Words to the engine about networks. */
#include "executors/docker/network.h"

#include <fcntl.h>
#include <jansson.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/json_writer.h"
#include "base/path.h"

#define LOCK_NAME "network"
#define USERS_NAME "network-users"
#define REMOVE_TRIES 100
#define REMOVE_PAUSE_NS (100L * 1000 * 1000)

static void
write_network(const struct docker_orders *o, const struct docker_room *room,
    const char *name, struct buf *out)
{
	struct json_writer w = JSON_WRITER_INIT(out);

	json_begin_object(&w);
	json_put_string(&w, "Name", name);
	json_put_bool(&w, "CheckDuplicate", true);
	json_put_string(&w, "Driver", "bridge");
	json_put_bool(&w, "Internal", o->offline != 0);
	docker_labels_write(&w, o, room);
	json_end_object(&w);
}

/* One after the other: engines have been seen to make two of the same name. */
static int
make(struct engine *e, const struct docker_orders *o, const struct docker_room *room,
    const char *name, struct error *err)
{
	cleanup_free char *file = path_join(room->root, LOCK_NAME);
	cleanup_close int lock = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	cleanup_buf struct buf body = BUF_INIT;
	cleanup_free char *path = xasprintf("/networks/%s", name);
	const struct engine_call look = { .method = "GET", .path = path };
	struct engine_call call = { .method = "POST", .path = "/networks/create" };
	int status;

	if (lock < 0 || flock(lock, LOCK_EX) < 0)
		return error_errno(err, "cannot lock %s", file);
	status = engine_do(e, &look, 404, NULL, err);
	if (status == 404) {
		write_network(o, room, name, &body);
		call.body = buf_str(&body);
		status = engine_do(e, &call, 0, NULL, err);
	}
	if (status < 0)
		return error_wrap(err, "cannot make the network of the job's services");
	return 0;
}

/* Held as long as this process is a reason to keep the network. */
static int
use(const struct docker_room *room, int *fd, struct error *err)
{
	cleanup_free char *file = path_join(room->root, USERS_NAME);

	*fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (*fd < 0 || flock(*fd, LOCK_SH) < 0)
		return error_errno(err, "cannot lock %s", file);
	return 0;
}

/* "": it has none, or does not run any more. */
static char *
address_of(struct engine *e, const char *container, const char *network)
{
	cleanup_free char *path = xasprintf("/containers/%s/json", container);
	const struct engine_call call = { .method = "GET", .path = path };
	cleanup_buf struct buf body = BUF_INIT;
	struct error ignored = ERROR_INIT;
	const json_t *in;
	const char *address;
	json_t *root;
	char *copy;

	if (engine_do(e, &call, 404, &body, &ignored) < 0)
		return xstrdup("");
	root = json_loadb(buf_str(&body), body.len, 0, NULL);
	in = json_object_get(json_object_get(root, "NetworkSettings"), "Networks");
	address =
	    json_string_value(json_object_get(json_object_get(in, network), "IPAddress"));
	copy = xstrdup(address != NULL ? address : "");
	json_decref(root);
	return copy;
}

/* The services come slot by slot, each with one or more names. */
static void
list_hosts(struct engine *e, const struct docker_orders *o,
    const struct docker_room *room, struct docker_network *network)
{
	cleanup_free char *address = xstrdup("");
	int64_t of = 0;

	for (size_t i = 0; i < o->services.count; i++) {
		const char *item = o->services.items[i];
		const char *name = item + strcspn(item, " ");
		cleanup_free char *digits = xstrndup(item, (size_t)(name - item));
		int64_t slot;

		if (*name == '\0' || !str_to_int64(digits, &slot))
			continue;
		name++;
		if (slot != of) {
			cleanup_free char *service = docker_container_name(room, slot);

			free(address);
			address = address_of(e, service, network->name);
			of = slot;
		}
		/* a colon would end the name */
		if (*address != '\0' && strchr(name, ':') == NULL)
			strlist_add_take(
			    &network->hosts, xasprintf("%s:%s", name, address));
	}
}

int
docker_network_open(struct engine *e, const struct docker_orders *orders,
    const struct docker_room *room, struct docker_network *out, struct error *err)
{
	if (orders->has_services == 0)
		return 0;
	out->name = docker_container_name(room, 0);
	if (use(room, &out->users, err) < 0 || make(e, orders, room, out->name, err) < 0)
		return err->code;
	list_hosts(e, orders, room, out);
	return 0;
}

static int
remove_one(struct engine *e, const char *name, struct error *err)
{
	cleanup_free char *path = xasprintf("/networks/%s", name);
	const struct engine_call call = { .method = "DELETE", .path = path };

	return engine_do(e, &call, 404, NULL, err) < 0 ? err->code : 0;
}

/* The engine may still be busy with the containers of others that have ended. */
void
docker_network_remove(struct engine *e, const struct docker_network *network)
{
	const struct timespec pause = { .tv_nsec = REMOVE_PAUSE_NS };
	struct error in_use = ERROR_INIT;

	if (network->name == NULL || flock(network->users, LOCK_EX | LOCK_NB) < 0)
		return; /* somebody is left, and will come here */
	for (int i = 0; i < REMOVE_TRIES; i++) {
		if (remove_one(e, network->name, &in_use) == 0)
			return;
		nanosleep(&pause, NULL);
	}
}

void
docker_network_clear(struct docker_network *network)
{
	free(take(network->name));
	strlist_clear(&network->hosts);
	cleanup_close_fd(&network->users);
}

int
docker_network_sweep(struct engine *e, struct error *err)
{
	return docker_labels_sweep(e, "/networks?filters=", "Id", remove_one, err);
}
