/* From a job to pawl-docker's orders; its image is fetched here, where it can be told. */
#include "executors/docker/docker.h"

#include <unistd.h>

#include "base/program.h"
#include "executors/container/image_auth.h"
#include "executors/docker/engine.h"
#include "executors/docker/orders.h"
#include "executors/docker/pull.h"
#include "executors/init/program.h"

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
accepts(const struct job_payload *job, bool chosen_by_user UNUSED, struct error *err)
{
	if (job->service_count > 0)
		return error_set(err, ERR_ENVIRONMENT,
		    "needs the service %s; the executor docker runs jobs without services",
		    job->services[0].name);
	return 0;
}

/* ---- the image ------------------------------------------------------------- */

static int
get_image(const struct executor_settings *settings, const struct executor_job *job,
    char **id, struct error *err)
{
	const struct engine_address address = address_of(settings);
	const struct job_payload *payload = job->payload;
	const char *given = job_payload_variable(payload, "DOCKER_AUTH_CONFIG");
	const char *policy =
	    settings->pull_policy != NULL ? settings->pull_policy : "if-not-present";
	cleanup_buf struct buf own = BUF_INIT;
	struct image_auth_source sources[2];
	struct image_auth auth = { .sources = sources,
		.credentials = payload->credentials,
		.credential_count = payload->credential_count };
	struct docker_image_request request = { .name = job->image,
		.platform = payload->image.docker_platform,
		.policies = payload->image.pull_policy,
		.policy_count = payload->image.pull_policy_count,
		.auth = &auth,
		.say = job->say,
		.data = job->data };
	struct engine *engine;
	int rc;

	if (request.policy_count == 0) {
		request.policies = &policy;
		request.policy_count = 1;
	}
	image_auth_read_own(&own);
	if (given != NULL)
		sources[auth.source_count++] =
		    (struct image_auth_source){ "DOCKER_AUTH_CONFIG", given, false };
	if (own.len > 0)
		sources[auth.source_count++] =
		    (struct image_auth_source){ "~/.docker/config.json", buf_str(&own),
			    true };
	if (engine_open(&address, job->cancel, &engine, err) < 0)
		return err->code;
	rc = docker_get_image(engine, &request, id, err);
	engine_close(engine);
	return rc;
}

/* ---- orders ---------------------------------------------------------------- */

static char *
copy(const char *text)
{
	return text == NULL || *text == '\0' ? NULL : xstrdup(text);
}

static int
fill_orders(const struct executor_settings *settings, const struct executor_job *job,
    const struct cage *cage, struct docker_orders *o, struct error *err)
{
	const struct job_image *image = &job->payload->image;
	char name[64];
	ssize_t n = readlink("/proc/self/ns/pid", name, sizeof(name) - 1);

	if (init_program_path(&o->init, err) < 0)
		return err->code;
	name[n < 0 ? 0 : n] = '\0';
	o->pid_namespace = xstrdup(name);
	o->host = engine_find(settings->docker_host);
	o->cert_dir = copy(settings->docker_cert_dir);
	o->platform = copy(image->docker_platform);
	o->user = copy(image->docker_user);
	o->network = settings->offline ? xstrdup("none") : copy(settings->docker_network);
	o->job = xasprintf("%" PRId64, job->payload->id);
	o->work_dir = xstrdup(job->work_dir);
	o->project_dir = xstrdup(cage->project_dir);
	o->privileged = settings->privileged;
	o->has_entrypoint = image->entrypoint_count > 0;
	for (size_t i = 0; i < image->entrypoint_count; i++)
		if (image->entrypoint[i][0] != '\0' || image->entrypoint_count > 1)
			strlist_add(&o->entrypoint, image->entrypoint[i]);
	for (size_t i = 0; i < job->shown->count; i++)
		strlist_add(&o->shown, job->shown->items[i]);
	return 0;
}

static void
fill_cage(
    const struct executor_job *job, const struct docker_orders *orders, struct cage *out)
{
	struct buf text = BUF_INIT;

	docker_orders_write(orders, &text);
	out->input.len = text.len;
	out->input.data = arena_strndup(job->arena, text.data, text.len);
	buf_clear(&text);
	out->on_host = true;
	out->start_ms = START_MS;
	out->end_ms = END_MS;
	strlist_add_take(&out->argv, program_path("pawl-docker"));
}

static int
prepare(struct executor_machine *machine, struct executor_job *job, struct cage *out,
    struct error *err)
{
	struct docker_orders orders = DOCKER_ORDERS_INIT;
	int rc;

	if (*job->image == '\0')
		return error_set(err, ERR_ENVIRONMENT,
		    "this job has no image; give it one (`image:`), or run it by another "
		    "executor");
	executor_set_paths(job, out);
	if (get_image(machine->settings, job, &orders.image, err) < 0) {
		job->reason = REASON_IMAGE_PULL_FAILURE;
		return err->code;
	}
	rc = fill_orders(machine->settings, job, out, &orders, err);
	if (rc == 0)
		fill_cage(job, &orders, out);
	docker_orders_clear(&orders);
	return rc;
}

const struct executor executor_docker = {
	.name = "docker",
	.summary = "scripts run in a container of the job's image, by Docker or Podman",
	.probe = probe,
	.accepts = accepts,
	.prepare = prepare,
	.is_slow = true,
	.env = EXECUTOR_ENV_OWN,
	.place = EXECUTOR_PLACE_COPY,
	.is_shared = false,
};
