/* Words to the engine about containers. */
#include "executors/docker/container.h"

#include <jansson.h>
#include <time.h>
#include <unistd.h>

#include "base/json_writer.h"
#include "base/path.h"
#include "executors/docker/shared.h"
#include "executors/init/init.h"

#define CREATE_MS 120000
#define LABEL_JOB "pawl.job"
#define LABEL_MARKER "pawl.marker"
#define LABEL_PLACE "pawl.place"
#define LABEL_MACHINE "pawl.machine"

/* Folders of others say nothing of what is on this machine. */
static char *
machine_id(void)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct error ignored = ERROR_INIT;

	if (buf_read_file(&text, "/etc/machine-id", 256, &ignored) == 0 && text.len > 1) {
		text.data[strcspn(text.data, "\r\n")] = '\0';
		return xstrdup(text.data);
	}
	buf_reset(&text);
	buf_reserve(&text, 256);
	if (gethostname(text.data, 255) < 0)
		return xstrdup("unknown");
	return xstrdup(text.data);
}

static const char *
marker_of(const struct docker_room *room)
{
	const char *slash = strrchr(room->root, '/');

	return slash != NULL ? slash + 1 : room->root;
}

char *
docker_container_name(const struct docker_room *room, int64_t slot)
{
	return slot == 0 ? xstrdup(marker_of(room))
			 : xasprintf("%s-%" PRId64, marker_of(room), slot);
}

void
docker_labels_write(
    struct json_writer *w, const struct docker_orders *o, const struct docker_room *room)
{
	cleanup_free char *machine = machine_id();

	json_key(w, "Labels");
	json_begin_object(w);
	json_put_string(w, LABEL_JOB, o->job);
	json_put_string(w, LABEL_MARKER, marker_of(room));
	json_put_string(w, LABEL_PLACE, room->root);
	json_put_string(w, LABEL_MACHINE, machine);
	json_end_object(w);
}

/* ---- creating -------------------------------------------------------------- */

static void
add_mount(struct json_writer *w, const char *type, const char *source, const char *target,
    bool read_only)
{
	json_begin_object(w);
	json_put_string(w, "Type", type);
	json_put_string(w, "Source", source);
	json_put_string(w, "Target", target);
	json_put_bool(w, "ReadOnly", read_only);
	json_end_object(w);
}

/* Of the runner's settings. */
static void
add_volumes(struct json_writer *w, const struct docker_orders *o,
    const struct docker_shared *shared)
{
	for (size_t i = 0; i < o->own_volumes.count; i++)
		add_mount(w, "volume", shared->volumes.items[i], o->own_volumes.items[i],
		    false);
	for (size_t i = 0; i + 1 < o->binds.count; i += 2)
		add_mount(w, "bind", o->binds.items[i], o->binds.items[i + 1], false);
	for (size_t i = 0; i + 1 < o->read_only_binds.count; i += 2)
		add_mount(w, "bind", o->read_only_binds.items[i],
		    o->read_only_binds.items[i + 1], true);
}

static void
add_mounts(struct json_writer *w, const struct docker_orders *o,
    const struct docker_room *room, const struct docker_shared *shared)
{
	json_key(w, "Mounts");
	json_begin_array(w);
	if (o->work_dir != NULL) {
		cleanup_free char *files = xasprintf("%s.tmp", o->project_dir);

		add_mount(w, "bind", o->work_dir, o->project_dir, false);
		add_mount(w, "bind", room->files, files, false);
	}
	add_mount(w, "bind", room->room, DOCKER_ROOM_INSIDE, true);
	add_mount(w, "bind", o->init, DOCKER_INIT_INSIDE, true);
	for (size_t i = 0; i < o->shown.count; i++)
		add_mount(w, "bind", o->shown.items[i], o->shown.items[i], true);
	add_volumes(w, o, shared);
	json_end_array(w);
}

/* Source: Engine API, ContainerCreate, HostConfig. As much with swap as without: none. */
static void
add_limits(struct json_writer *w, const struct docker_orders *o)
{
	if (o->memory_limit > 0) {
		json_put_int(w, "Memory", o->memory_limit);
		json_put_int(w, "MemorySwap", o->memory_limit);
	}
	if (o->cpu_limit > 0)
		json_put_int(w, "NanoCpus", o->cpu_limit * 1000000);
	if (o->pids_limit > 0)
		json_put_int(w, "PidsLimit", o->pids_limit);
}

static void
add_host(struct json_writer *w, const struct docker_orders *o,
    const struct docker_room *room, const struct docker_shared *shared)
{
	const char *mode = shared->network != NULL ? shared->network : o->network;

	json_key(w, "HostConfig");
	json_begin_object(w);
	json_put_bool(w, "AutoRemove", true);
	json_put_bool(w, "Privileged", o->privileged != 0);
	add_limits(w, o);
	if (mode != NULL)
		json_put_string(w, "NetworkMode", mode);
	json_key(w, "ExtraHosts");
	json_begin_array(w);
	for (size_t i = 0; i < shared->hosts.count; i++)
		json_add_string(w, shared->hosts.items[i]);
	json_end_array(w);
	json_key(w, "LogConfig"); /* the job's log has it */
	json_begin_object(w);
	json_put_string(w, "Type", "none");
	json_end_object(w);
	add_mounts(w, o, room, shared);
	json_end_object(w);
}

/* Of the job's own network; whoever has no name server there finds services by hosts. */
static void
add_network(struct json_writer *w, const struct docker_orders *o, const char *network)
{
	json_key(w, "NetworkingConfig");
	json_begin_object(w);
	json_key(w, "EndpointsConfig");
	json_begin_object(w);
	json_key(w, network);
	json_begin_object(w);
	json_key(w, "Aliases");
	json_begin_array(w);
	for (size_t i = 0; i < o->names.count; i++)
		json_add_string(w, o->names.items[i]);
	json_end_array(w);
	json_end_object(w);
	json_end_object(w);
	json_end_object(w);
}

static void
add_command(struct json_writer *w, const struct docker_orders *o)
{
	json_key(w, "Entrypoint");
	json_begin_array(w);
	json_add_string(w, DOCKER_INIT_INSIDE);
	json_end_array(w);
	json_key(w, "Cmd");
	json_begin_array(w);
	if (o->entrypoint.count > 0) {
		json_add_string(w, INIT_ENTERS);
		json_add_string(w, DOCKER_SOCKET_INSIDE);
		for (size_t i = 0; i < o->entrypoint.count; i++)
			json_add_string(w, o->entrypoint.items[i]);
		json_add_string(w, DOCKER_INIT_INSIDE);
	}
	json_add_string(w, DOCKER_SOCKET_INSIDE);
	json_add_string(w, o->pid_namespace);
	json_end_array(w);
}

static void
write_container(const struct docker_orders *o, const struct docker_room *room,
    const struct docker_shared *shared, struct buf *out)
{
	struct json_writer w = JSON_WRITER_INIT(out);

	json_begin_object(&w);
	json_put_string(&w, "Image", o->image);
	if (o->user != NULL)
		json_put_string(&w, "User", o->user);
	add_command(&w, o);
	docker_labels_write(&w, o, room);
	add_host(&w, o, room, shared);
	if (shared->network != NULL)
		add_network(&w, o, shared->network);
	json_end_object(&w);
}

/* {"Id":…,"Warnings":[…]} */
static void
read_created(const struct buf *answer, struct docker_created *out)
{
	json_t *root = json_loadb(answer->data, answer->len, 0, NULL);
	const json_t *list = json_object_get(root, "Warnings");
	const char *id = json_string_value(json_object_get(root, "Id"));

	out->id = xstrdup(id != NULL ? id : "");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (text != NULL)
			strlist_add(&out->warnings, text);
	}
	json_decref(root);
}

int
docker_container_create(struct engine *e, const struct docker_orders *orders,
    const struct docker_room *room, const struct docker_shared *shared,
    struct docker_created *out, struct error *err)
{
	cleanup_free char *name = docker_container_name(room, orders->slot);
	cleanup_buf struct buf path = BUF_INIT, body = BUF_INIT, answer = BUF_INIT;
	struct engine_call call = {
		.method = "POST", .timeout_ms = CREATE_MS, .finishes = true
	};

	write_container(orders, room, shared, &body);
	buf_printf(&path, "/containers/create?name=%s", name);
	if (orders->platform != NULL) {
		buf_add_str(&path, "&platform=");
		buf_add_url_encoded(&path, orders->platform);
	}
	call.path = buf_str(&path);
	call.body = buf_str(&body);
	if (engine_do(e, &call, 0, &answer, err) < 0)
		return error_wrap(err, "cannot create the container");
	read_created(&answer, out);
	return 0;
}

int
docker_container_start(struct engine *e, const char *name, struct error *err)
{
	cleanup_free char *path = xasprintf("/containers/%s/start", name);
	const struct engine_call call = { .method = "POST", .path = path };

	if (engine_do(e, &call, 304, NULL, err) >= 0)
		return 0;
	if (strstr(err->msg, "bind source path does not exist") != NULL ||
	    strstr(err->msg, "no such file or directory") != NULL)
		return error_wrap(err,
		    "cannot start the container (the engine has to be on this machine "
		    "and see its folders)");
	return error_wrap(err, "cannot start the container");
}

#define REMOVE_TRIES 40
#define REMOVE_PAUSE_NS (50L * 1000 * 1000)

/* ---- removing -------------------------------------------------------------- */

int
docker_container_remove(struct engine *e, const char *name, struct error *err)
{
	cleanup_free char *path = xasprintf("/containers/%s?force=true&v=true", name);
	cleanup_free char *wait =
	    xasprintf("/containers/%s/wait?condition=removed", name);
	const struct engine_call call = { .method = "DELETE", .path = path };
	const struct engine_call until = {
		.method = "POST", .path = wait, .timeout_ms = 20000
	};
	const struct timespec pause = { .tv_nsec = REMOVE_PAUSE_NS };
	cleanup_buf struct buf ignored = BUF_INIT;
	struct error why = ERROR_INIT;

	/* Podman minds one that ends by itself just now */
	for (int i = 0; i < REMOVE_TRIES; i++) {
		if (engine_do(e, &call, 404, NULL, &why) >= 0)
			return 0;
		if (strstr(why.msg, "state improper") == NULL)
			break;
		nanosleep(&pause, NULL);
	}
	/* it goes by itself already: until it has gone */
	if (strstr(why.msg, "already in progress") != NULL &&
	    engine_ask(e, &until, &ignored, &why) >= 0)
		return 0;
	*err = why;
	return error_wrap(err, "cannot remove the container %s", name);
}

/* ---- what is left of others ------------------------------------------------ */

static bool
is_left(const json_t *thing)
{
	const json_t *labels = json_object_get(thing, "Labels");
	const char *place = json_string_value(json_object_get(labels, LABEL_PLACE));

	return place != NULL && *place == '/' && access(place, F_OK) < 0;
}

int
docker_labels_sweep(struct engine *e, const struct docker_sweep *what, struct error *err)
{
	cleanup_free char *machine = machine_id();
	cleanup_free char *filters = xasprintf(
	    "{\"label\":[\"" LABEL_MARKER "\",\"" LABEL_MACHINE "=%s\"]}", machine);
	cleanup_buf struct buf all = BUF_INIT, body = BUF_INIT;
	struct engine_call call = { .method = "GET" };
	const json_t *list;
	json_t *root;
	int rc = 0;

	buf_add_str(&all, what->path);
	buf_add_url_encoded(&all, filters);
	call.path = buf_str(&all);
	if (engine_do(e, &call, 0, &body, err) < 0)
		return err->code;
	root = json_loadb(buf_str(&body), body.len, 0, NULL);
	list = what->list != NULL ? json_object_get(root, what->list) : root;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *thing = json_array_get(list, i);
		const char *id = json_string_value(json_object_get(thing, what->key));

		if (id != NULL && is_left(thing) && what->remove(e, id, err) < 0)
			rc = err->code; /* the others go all the same */
	}
	json_decref(root);
	return rc;
}

int
docker_container_sweep(struct engine *e, struct error *err)
{
	static const struct docker_sweep containers = {
		"/containers/json?all=true&filters=", NULL, "Id", docker_container_remove
	};

	return docker_labels_sweep(e, &containers, err);
}
