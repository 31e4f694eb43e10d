/* The job's own container. */
#include "executors/container/container.h"

#include <unistd.h>

#include "executors/container/bundle.h"
#include "executors/container/image_entrypoint.h"
#include "executors/container/services.h"
#include "executors/init/init.h"
#include "executors/init/program.h"

static int
probe(const struct executor_settings *settings, struct error *err)
{
	cleanup_free char *init = NULL;
	struct runtime runtime;

	if (runtime_find(settings->runtime, settings->privileged, &runtime, err) < 0)
		return err->code;
	return init_program_path(&init, err);
}

/* Before pawl-init, and with the job's environment. */
static void
fill_args(struct bundle *b)
{
	cleanup_strlist struct strlist words = STRLIST_INIT;

	image_entrypoint(b->wanted, &b->image->config, &words);
	if (words.count == 0)
		return;
	b->cage->wants_hello = true;
	strlist_add(&b->args, BUNDLE_INIT);
	strlist_add(&b->args, INIT_ENTERS);
	strlist_add_take(&b->args, xasprintf("%d", INIT_SOCKET_FD));
	for (size_t i = 0; i < words.count; i++)
		strlist_add(&b->args, words.items[i]);
}

static int
fill_cage(struct bundle *b, struct error *err)
{
	struct cage *cage = b->cage;
	const char *files =
	    executor_folder(b->job, b->job->job_dir, CAGE_FILES_NAME, 0700, err);

	if (files == NULL)
		return err->code;
	cage->gives = b->user.uid != 0 || b->user.gid != 0;
	cage->uid = b->user.uid;
	cage->gid = b->user.gid;
	bundle_bind(b, b->job->work_dir, cage->project_dir, false, false);
	bundle_bind(b, files, cage->files_dir, false, true);
	for (size_t i = 0; i < b->job->shown->count; i++)
		bundle_bind(
		    b, b->job->shown->items[i], b->job->shown->items[i], true, true);
	bundle_fill_env(b);
	strlist_add(&b->env, "HOSTNAME=job");
	for (size_t i = 0; i < b->env.count; i++)
		strlist_add(&cage->env, b->env.items[i]);
	fill_args(b);
	return bundle_write(b, &cage->argv, err);
}

static int
prepare(struct executor_machine *machine, struct executor_job *job, struct cage *out,
    struct error *err)
{
	struct bundle b = { .machine = machine,
		.job = job,
		.wanted = &job->payload->image,
		.name = job->image,
		.dir = job->job_dir,
		.cage = out };
	int rc;

	if (*job->image == '\0')
		return error_set(err, ERR_ENVIRONMENT,
		    "this job has no image; give it one (`image:`), or run it by another "
		    "executor");
	executor_set_paths(job, out);
	if (services_prepare(machine, job, out, err) < 0)
		return err->code;
	rc = bundle_open(&b, err);
	if (rc == 0)
		rc = fill_cage(&b, err);
	bundle_clear(&b);
	return rc;
}

static int
accepts(const struct job_payload *job, bool chosen_by_user, struct error *err)
{
	(void)job;
	(void)chosen_by_user;
	(void)err;
	return 0;
}

const struct executor executor_container = {
	.name = "container",
	.summary = "scripts run in a container of the job's image, without a daemon",
	.probe = probe,
	.accepts = accepts,
	.prepare = prepare,
	.is_slow = true,
	.has_services = true,
	.env = EXECUTOR_ENV_OWN,
	.is_shared = false,
};
