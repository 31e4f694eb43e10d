/* From a job to pawl-docker's orders; its image is fetched here, where it can be told. */
#include "executors/docker/docker.h"

#include <unistd.h>

#include "base/program.h"
#include "executors/container/image_entrypoint.h"
#include "executors/container/image_terms.h"
#include "executors/container/services.h"
#include "executors/docker/container.h"
#include "executors/docker/orders.h"
#include "executors/docker/pull.h"
#include "executors/init/init.h"
#include "executors/init/program.h"
#include "executors/volume.h"

#define PROBE_MS 10000
#define START_MS 180000
#define END_MS 60000

static struct engine_address
address_of(const struct executor_settings *settings)
{
	return (struct engine_address){ .host = settings->docker_host,
		.cert_dir = settings->docker_cert_dir };
}

static int
probe(const struct executor_settings *settings, struct error *err)
{
	const struct engine_address address = address_of(settings);
	const struct engine_call ping = {
		.method = "GET", .path = "/_ping", .timeout_ms = PROBE_MS
	};
	cleanup_free char *init = NULL;
	struct engine *engine;
	int rc;

	if (init_program_path(&init, err) < 0 ||
	    engine_open(&address, NULL, &engine, err) < 0)
		return err->code;
	rc = engine_do(engine, &ping, 0, NULL, err);
	engine_close(engine);
	return rc < 0 ? rc : 0;
}

static int
accepts(const struct job_payload *job UNUSED, bool chosen_by_user UNUSED,
    struct error *err UNUSED)
{
	return 0;
}

/* ---- images ---------------------------------------------------------------- */

/* A job on its way to becoming orders. */
struct making {
	const struct executor_settings *settings;
	struct executor_job *job;
	struct engine *engine;
};

static int
get_image(const struct making *m, const struct job_image *image, const char *name,
    struct docker_image *out, struct error *err)
{
	struct executor_job *job = m->job;
	struct image_terms terms;
	struct docker_image_request request = { .name = name,
		.platform = image->docker_platform,
		.policies = terms.policies,
		.auth = &terms.auth,
		.say = job->say,
		.data = job->data };
	int rc;

	image_terms_init(&terms, job->payload, image, m->settings->pull_policy);
	request.policy_count = terms.policy_count;
	rc = docker_get_image(m->engine, &request, job->arena, out, err);
	image_terms_clear(&terms);
	if (rc < 0)
		job->reason = REASON_IMAGE_PULL_FAILURE;
	else if (job->say != NULL)
		job->say(arena_printf(job->arena, "Using image %s with digest %s", name,
			     out->digest),
		    job->data);
	return rc;
}

/* ---- orders ---------------------------------------------------------------- */

static char *
copy(const char *text)
{
	return text == NULL || *text == '\0' ? NULL : xstrdup(text);
}

static int
fill_volumes(const struct making *m, struct docker_orders *o, struct error *err)
{
	for (size_t i = 0; i < m->settings->volume_count; i++) {
		struct strlist *binds;
		struct volume v;

		if (volume_parse(m->settings->volumes[i], m->job->arena, &v, err) < 0)
			return err->code;
		if (v.source == NULL) {
			strlist_add(&o->own_volumes, v.target);
			continue;
		}
		binds = v.read_only ? &o->read_only_binds : &o->binds;
		strlist_add(binds, v.source);
		strlist_add(binds, v.target);
	}
	return 0;
}

/* What is the same for the job's container and those of its services. */
static int
fill_common(const struct making *m, const struct job_image *image,
    struct docker_orders *o, struct error *err)
{
	const struct executor_settings *settings = m->settings;
	char name[64];
	ssize_t n = readlink("/proc/self/ns/pid", name, sizeof(name) - 1);

	if (init_program_path(&o->init, err) < 0)
		return err->code;
	name[n < 0 ? 0 : n] = '\0';
	o->pid_namespace = xstrdup(name);
	o->host = engine_find(settings->docker_host);
	o->cert_dir = engine_find_certs(settings->docker_cert_dir);
	o->platform = copy(image->docker_platform);
	o->user = copy(image->docker_user);
	o->job = xasprintf("%" PRId64, m->job->payload->id);
	o->privileged = settings->privileged;
	o->memory_limit = m->job->limits.memory.value;
	o->cpu_limit = m->job->limits.cpus.value;
	o->pids_limit = m->job->limits.pids.value;
	o->has_services = m->job->payload->service_count > 0;
	o->offline = settings->offline;
	return fill_volumes(m, o, err);
}

static void
fill_own(const struct making *m, const struct cage *cage, struct docker_orders *o)
{
	const struct executor_settings *settings = m->settings;
	const struct executor_job *job = m->job;

	o->network = settings->offline ? xstrdup("none") : copy(settings->docker_network);
	o->work_dir = xstrdup(job->work_dir);
	o->project_dir = xstrdup(cage->project_dir);
	for (size_t i = 0; i < job->shown->count; i++)
		strlist_add(&o->shown, job->shown->items[i]);
	strlist_add(&o->names, "build"); /* as GitLab's network has it */
}

/* How the job finds them where the network has no name server. */
static void
list_services(const struct making *m, struct strlist *out)
{
	for (size_t i = 0; i < m->job->payload->service_count; i++) {
		cleanup_strlist struct strlist names = STRLIST_INIT;

		services_add_names(m->job->service_images[i],
		    m->job->payload->services[i].alias, &names);
		for (size_t k = 0; k < names.count; k++)
			strlist_add_take(out, xasprintf("%zu %s", i + 1, names.items[k]));
	}
}

static struct bytes
written(const struct making *m, const struct docker_orders *orders)
{
	struct buf text = BUF_INIT;
	struct bytes out;

	docker_orders_write(orders, &text);
	out.len = text.len;
	out.data = arena_strndup(m->job->arena, text.data, text.len);
	buf_clear(&text);
	return out;
}

static int
add_job(const struct making *m, struct cage *out, struct error *err)
{
	const struct job_image *wanted = &m->job->payload->image;
	struct docker_orders orders = DOCKER_ORDERS_INIT;
	struct docker_image image = { .id = NULL };
	int rc = get_image(m, wanted, m->job->image, &image, err);

	if (rc == 0)
		rc = fill_common(m, wanted, &orders, err);
	if (rc == 0) {
		m->job->image_digest = image.digest;
		orders.image = take(image.id);
		fill_own(m, out, &orders);
		image_entrypoint(wanted, &image.config, &orders.entrypoint);
		list_services(m, &orders.services);
		out->input = written(m, &orders);
		strlist_add_take(&out->argv, program_path("pawl-docker"));
	}
	docker_image_clear(&image);
	docker_orders_clear(&orders);
	return rc;
}

/*
 * Its pawl-init is the entrypoint, and runs what the image or the job wants. It sees the
 * workspace, as with GitLab's runner.
 */
static void
fill_service(
    const struct making *m, const struct cage *cage, size_t i, struct docker_orders *o)
{
	strlist_add(&o->binds, m->job->work_dir);
	strlist_add(&o->binds, cage->project_dir);
	o->slot = (int64_t)i + 1;
	services_add_names(
	    m->job->service_images[i], m->job->payload->services[i].alias, &o->names);
}

/* Its ports are looked at from inside: the engine's networks need not lead here. */
static void
watch_ports(struct cage_service *service)
{
	if (service->ports.count == 0)
		return;
	strlist_add(&service->health, DOCKER_INIT_INSIDE);
	strlist_add(&service->health, INIT_LISTENS);
	for (size_t i = 0; i < service->ports.count; i++)
		strlist_add(&service->health, service->ports.items[i]);
}

static int
add_service(const struct making *m, size_t i, struct cage *out, struct error *err)
{
	const struct job_image *wanted = &m->job->payload->services[i];
	const char *name = m->job->service_images[i];
	struct docker_orders orders = DOCKER_ORDERS_INIT;
	struct docker_image image = { .id = NULL };
	struct cage_service *service;
	int rc = get_image(m, wanted, name, &image, err);

	if (rc == 0)
		rc = fill_common(m, wanted, &orders, err);
	if (rc == 0) {
		service = cage_add_service(out, arena_strdup(m->job->arena, name));
		rc = services_fill(&image.config, wanted, m->job->arena, service, err);
		watch_ports(service);
		orders.image = take(image.id);
		fill_service(m, out, i, &orders);
		service->input = written(m, &orders);
		strlist_add_take(&service->argv, program_path("pawl-docker"));
	}
	docker_image_clear(&image);
	docker_orders_clear(&orders);
	return rc < 0 ? error_wrap(err, "service %s", name) : 0;
}

static int
add_all(const struct making *m, struct cage *out, struct error *err)
{
	if (services_begin(m->job, out, err) < 0)
		return err->code;
	for (size_t i = 0; i < m->job->payload->service_count; i++)
		if (add_service(m, i, out, err) < 0)
			return err->code;
	return add_job(m, out, err);
}

static int
prepare(struct executor_machine *machine, struct executor_job *job, struct cage *out,
    struct error *err)
{
	const struct engine_address address = address_of(machine->settings);
	struct making m = { .settings = machine->settings, .job = job };
	int rc;

	if (*job->image == '\0')
		return error_set(err, ERR_ENVIRONMENT,
		    "this job has no image; give it one (`image:`), or run it by another "
		    "executor");
	executor_set_paths(job, out);
	out->on_host = out->wants_hello = true;
	out->start_ms = START_MS;
	out->end_ms = END_MS;
	if (engine_open(&address, job->cancel, &m.engine, err) < 0)
		return err->code;
	rc = add_all(&m, out, err);
	engine_close(m.engine);
	return rc;
}

const struct executor executor_docker = {
	.name = "docker",
	.summary = "scripts run in a container of the job's image, by Docker or Podman",
	.probe = probe,
	.accepts = accepts,
	.prepare = prepare,
	.is_slow = true,
	.has_services = true,
	.env = EXECUTOR_ENV_OWN,
	.place = EXECUTOR_PLACE_COPY,
	.is_shared = false,
};
