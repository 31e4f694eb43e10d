/* Words to the engine about networks and volumes. */
#include "executors/docker/shared.h"

#include <fcntl.h>
#include <jansson.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/json_writer.h"
#include "base/path.h"

#define LOCK_NAME "making"
#define USERS_NAME "users"
#define CREATE_MS 60000
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

static void
write_volume(const struct docker_orders *o, const struct docker_room *room,
    const char *name, struct buf *out)
{
	struct json_writer w = JSON_WRITER_INIT(out);

	json_begin_object(&w);
	json_put_string(&w, "Name", name);
	docker_labels_write(&w, o, room);
	json_end_object(&w);
}

/* kind: "networks", "volumes". Fine when it is there. */
static int
make(struct engine *e, const char *kind, const char *name, const struct buf *body,
    struct error *err)
{
	cleanup_free char *path = xasprintf("/%s/%s", kind, name);
	cleanup_free char *create = xasprintf("/%s/create", kind);
	const struct engine_call look = { .method = "GET", .path = path };
	const struct engine_call call = { .method = "POST",
		.path = create,
		.body = buf_str(body),
		.timeout_ms = CREATE_MS,
		.finishes = true };
	int status = engine_do(e, &look, 404, NULL, err);

	if (status == 404)
		status = engine_do(e, &call, 0, NULL, err);
	return status < 0 ? status : 0;
}

static int
make_network(struct engine *e, const struct docker_orders *o,
    const struct docker_room *room, struct docker_shared *out, struct error *err)
{
	cleanup_buf struct buf body = BUF_INIT;

	out->network = docker_container_name(room, 0);
	write_network(o, room, out->network, &body);
	if (make(e, "networks", out->network, &body, err) < 0)
		return error_wrap(err, "cannot make the network of the job's services");
	return 0;
}

static int
make_volumes(struct engine *e, const struct docker_orders *o,
    const struct docker_room *room, struct docker_shared *out, struct error *err)
{
	cleanup_free char *job = docker_container_name(room, 0);

	for (size_t i = 0; i < o->own_volumes.count; i++) {
		cleanup_buf struct buf body = BUF_INIT;
		char *name = xasprintf("%s-volume-%zu", job, i);

		strlist_add_take(&out->volumes, name);
		write_volume(o, room, name, &body);
		if (make(e, "volumes", name, &body, err) < 0)
			return error_wrap(err, "cannot make the volume for %s",
			    o->own_volumes.items[i]);
	}
	return 0;
}

/* One after the other: engines have been seen to make two networks of one name. */
static int
make_all(struct engine *e, const struct docker_orders *o, const struct docker_room *room,
    struct docker_shared *out, struct error *err)
{
	cleanup_free char *file = path_join(room->root, LOCK_NAME);
	cleanup_close int lock = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (lock < 0 || flock(lock, LOCK_EX) < 0)
		return error_errno(err, "cannot lock %s", file);
	if (o->has_services != 0 && make_network(e, o, room, out, err) < 0)
		return err->code;
	return make_volumes(e, o, room, out, err);
}

/* Held as long as this process is a reason to keep it all. */
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
    const struct docker_room *room, struct docker_shared *shared)
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
			address = address_of(e, service, shared->network);
			of = slot;
		}
		/* a colon would end the name */
		if (*address != '\0' && strchr(name, ':') == NULL)
			strlist_add_take(
			    &shared->hosts, xasprintf("%s:%s", name, address));
	}
}

int
docker_shared_open(struct engine *e, const struct docker_orders *orders,
    const struct docker_room *room, struct docker_shared *out, struct error *err)
{
	if (orders->has_services == 0 && orders->own_volumes.count == 0)
		return 0;
	if (use(room, &out->users, err) < 0 || make_all(e, orders, room, out, err) < 0)
		return err->code;
	if (out->network != NULL)
		list_hosts(e, orders, room, out);
	return 0;
}

static int
remove_thing(struct engine *e, const char *kind, const char *name, struct error *err)
{
	cleanup_free char *path = xasprintf("/%s/%s", kind, name);
	const struct engine_call call = { .method = "DELETE", .path = path };

	return engine_do(e, &call, 404, NULL, err) < 0 ? err->code : 0;
}

static int
remove_network(struct engine *e, const char *name, struct error *err)
{
	return remove_thing(e, "networks", name, err);
}

static int
remove_volume(struct engine *e, const char *name, struct error *err)
{
	return remove_thing(e, "volumes", name, err);
}

static bool
remove_all(struct engine *e, const struct docker_shared *shared)
{
	struct error in_use = ERROR_INIT;
	bool done =
	    shared->network == NULL || remove_network(e, shared->network, &in_use) == 0;

	for (size_t i = 0; i < shared->volumes.count; i++)
		done &= remove_volume(e, shared->volumes.items[i], &in_use) == 0;
	return done;
}

/* The engine may still be busy with the containers of others that have ended. */
void
docker_shared_remove(struct engine *e, const struct docker_shared *shared)
{
	const struct timespec pause = { .tv_nsec = REMOVE_PAUSE_NS };

	if (shared->users < 0 || flock(shared->users, LOCK_EX | LOCK_NB) < 0)
		return; /* somebody is left, and will come here */
	for (int i = 0; i < REMOVE_TRIES && !remove_all(e, shared); i++)
		nanosleep(&pause, NULL);
}

void
docker_shared_clear(struct docker_shared *shared)
{
	free(take(shared->network));
	strlist_clear(&shared->hosts);
	strlist_clear(&shared->volumes);
	cleanup_close_fd(&shared->users);
}

int
docker_shared_sweep(struct engine *e, struct error *err)
{
	static const struct docker_sweep networks = { "/networks?filters=", NULL, "Id",
		remove_network };
	static const struct docker_sweep volumes = { "/volumes?filters=", "Volumes",
		"Name", remove_volume };

	return docker_labels_sweep(e, &networks, err) < 0
	    ? err->code
	    : docker_labels_sweep(e, &volumes, err);
}
