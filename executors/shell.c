/* bash where there is one, else sh; never as a login shell, which costs up to 140 ms. */
#include "executors/shell.h"

#include <unistd.h>

/* GitLab's search order. Source: runner-protocol.md section 8.2. */
#define CHOOSING "(`-x shell`, or `executor: shell` in a runner's settings)"

static const char *const shells[] = { "/usr/local/bin/bash", "/usr/bin/bash", "/bin/bash",
	"/usr/local/bin/sh", "/usr/bin/sh", "/bin/sh", "/busybox/sh" };

const char *
shell_find(void)
{
	for (size_t i = 0; i < ARRAY_LEN(shells); i++)
		if (access(shells[i], X_OK) == 0)
			return shells[i];
	return NULL;
}

static int
probe(const struct executor_settings *settings, struct error *err)
{
	(void)settings;
	if (shell_find() != NULL)
		return 0;
	return error_set(err, ERR_ENVIRONMENT,
	    "no shell found: neither bash nor sh in /usr/local/bin, /usr/bin and /bin");
}

static int
accepts(const struct job_payload *job, bool chosen_by_user, struct error *err)
{
	const char *image = job->image.name;

	if (chosen_by_user)
		return 0;
	if (image != NULL && *image != '\0')
		return error_set(err, ERR_ENVIRONMENT,
		    "needs a container of the image %s; the executor shell runs it without, "
		    "with the programs that are installed here, when it is chosen " CHOOSING,
		    image);
	if (job->service_count > 0)
		return error_set(err, ERR_ENVIRONMENT,
		    "needs a container for the service %s; the executor shell runs the job "
		    "without it, when it is chosen " CHOOSING,
		    job->services[0].name);
	return 0;
}

static int
prepare(struct executor_machine *machine, struct executor_job *job, struct cage *out,
    struct error *err)
{
	(void)job;
	if (probe(machine->settings, err) < 0)
		return ERR_ENVIRONMENT;
	strlist_add(&out->shell, shell_find());
	return 0;
}

const struct executor executor_shell = {
	.name = "shell",
	.summary = "scripts run on this machine, as this user",
	.probe = probe,
	.accepts = accepts,
	.prepare = prepare,
	.env = EXECUTOR_ENV_MACHINE,
	.is_shared = true,
};
