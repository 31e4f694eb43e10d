/* From a runner's settings and a job to pawl-custom's orders. */
#include "executors/custom/custom.h"

#include <unistd.h>

#include "base/json_writer.h"
#include "base/program.h"
#include "executors/custom/orders.h"
#include "protocol/json.h"

extern char **environ;

#define TRIES 3 /* of prepare */
#define SLACK_MS 10000

static int
probe(const struct executor_settings *settings, struct error *err)
{
	cleanup_free char *program = program_path("pawl-custom");

	if (settings->custom == NULL || settings->custom->run.exec == NULL)
		return error_set(err, ERR_ENVIRONMENT,
		    "the driver is not named: a runner's settings say it with "
		    "custom: {run_exec: …} (docs/executors.md)");
	if (access(program, X_OK) < 0) {
		(void)error_errno(err, "pawl-custom is not installed: %s", program);
		return err->code = ERR_ENVIRONMENT;
	}
	return 0;
}

/* What would be lost without a word is refused. */
static int
accepts(const struct job_payload *job, bool chosen_by_user UNUSED, struct error *err)
{
	if (job->artifact_count > 0)
		return error_set(err, ERR_ENVIRONMENT,
		    "the job has artifacts, which the executor custom cannot fetch from "
		    "where its driver runs scripts; upload them in the script, to the "
		    "package registry or a store of your own");
	for (size_t i = 0; i < job->dependency_count; i++)
		if (job->dependencies[i].filename != NULL)
			return error_set(err, ERR_ENVIRONMENT,
			    "the job gets artifacts of %s, which the executor custom "
			    "cannot bring to where its driver runs scripts; with "
			    "`dependencies: []` it gets none",
			    job->dependencies[i].name);
	return 0;
}

static void
add_command(const struct custom_command *command, struct strlist *argv)
{
	if (command->exec == NULL)
		return;
	strlist_add(argv, command->exec);
	for (size_t i = 0; i < command->arg_count; i++)
		strlist_add(argv, command->args[i]);
}

static void
add_strings(struct json_writer *w, const char *key, const char *const *list, size_t count)
{
	json_key(w, key);
	json_begin_array(w);
	for (size_t i = 0; i < count; i++)
		json_add_string(w, list[i]);
	json_end_array(w);
}

static char *
services_json(const struct job_payload *job)
{
	struct buf out = BUF_INIT;
	struct json_writer w = JSON_WRITER_INIT(&out);

	if (job->service_count == 0)
		return xstrdup("");
	json_begin_array(&w);
	for (size_t i = 0; i < job->service_count; i++) {
		const struct job_image *s = &job->services[i];

		json_begin_object(&w);
		json_put_string(&w, "name", s->name != NULL ? s->name : "");
		json_put_string(&w, "alias", s->alias != NULL ? s->alias : "");
		add_strings(&w, "entrypoint", s->entrypoint, s->entrypoint_count);
		add_strings(&w, "command", s->command, s->command_count);
		json_end_object(&w);
	}
	json_end_array(&w);
	return buf_take(&out);
}

static void
fill_orders(const struct custom_settings *settings, const struct executor_job *job,
    struct custom_orders *orders)
{
	struct buf response = BUF_INIT;

	add_command(&settings->config, &orders->config);
	add_command(&settings->prepare, &orders->prepare);
	add_command(&settings->run, &orders->run);
	add_command(&settings->cleanup, &orders->cleanup);
	orders->config_ms = settings->config.timeout_ms;
	orders->prepare_ms = settings->prepare.timeout_ms;
	orders->cleanup_ms = settings->cleanup.timeout_ms;
	orders->slot = job->slot;
	orders->graceful_ms = settings->graceful_ms;
	orders->force_ms = settings->force_ms;
	if (settings->builds_dir != NULL)
		orders->builds_dir = xstrdup(settings->builds_dir);
	if (settings->cache_dir != NULL)
		orders->cache_dir = xstrdup(settings->cache_dir);
	orders->services = services_json(job->payload);
	orders->temp_dir = xasprintf("%s/driver", job->job_dir);
	job_payload_write(job->payload, &response);
	orders->response = buf_take(&response);
	for (char **entry = environ; *entry != NULL; entry++)
		if (strncmp(*entry, "PAWL_", 5) != 0)
			strlist_add(&orders->env, *entry);
	for (size_t i = 0; i < job->payload->variable_count; i++) {
		const struct job_variable *v = &job->payload->variables[i];

		if (v->file)
			strlist_add_take(
			    &orders->files, xasprintf("%s=%s", v->key, v->value));
	}
}

static int
prepare(struct executor_machine *machine, struct executor_job *job, struct cage *out,
    struct error *err)
{
	struct custom_orders orders = CUSTOM_ORDERS_INIT;
	const struct custom_settings *custom = machine->settings->custom;
	struct buf text = BUF_INIT;

	if (probe(machine->settings, err) < 0)
		return err->code;
	if (job->say != NULL) /* the log begins before the driver does */
		job->say("Preparing the \"custom\" executor", job->data);
	fill_orders(custom, job, &orders);
	custom_orders_write(&orders, &text);
	custom_orders_clear(&orders);
	out->input.len = text.len;
	out->input.data = arena_strndup(job->arena, text.data, text.len);
	buf_clear(&text);
	out->on_host = out->wants_hello = true;
	out->start_ms = custom->config.timeout_ms + TRIES * custom->prepare.timeout_ms +
	    custom->graceful_ms + custom->force_ms + SLACK_MS;
	out->end_ms = custom->cleanup.timeout_ms +
	    2 * (custom->graceful_ms + custom->force_ms) + SLACK_MS;
	out->grace_ms = custom->graceful_ms;
	strlist_add_take(&out->argv, program_path("pawl-custom"));
	strlist_add(&out->shell, "bash"); /* its script is all that counts */
	out->project_dir =
	    arena_printf(job->arena, CUSTOM_NOWHERE "/%s", job->project_name);
	out->files_dir = arena_printf(job->arena, "%s.tmp", out->project_dir);
	return 0;
}

const struct executor executor_custom = {
	.name = "custom",
	.summary = "a driver of yours makes the place and runs scripts there",
	.probe = probe,
	.accepts = accepts,
	.prepare = prepare,
	.is_slow = true, /* it has something to say */
	.env = EXECUTOR_ENV_OWN,
	.place = EXECUTOR_PLACE_ELSEWHERE,
	.is_shared = false,
};
