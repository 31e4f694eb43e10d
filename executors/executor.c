/* The table of executors, and which of them a job gets. */
#include "executors/executor.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "executors/container/container.h"
#include "executors/container/image_store.h"
#include "executors/container/runtime_copy.h"
#include "executors/custom/custom.h"
#include "executors/docker/docker.h"
#include "executors/sandbox.h"
#include "executors/shell.h"
#include "executors/volume.h"

#define AUTO "auto"

struct executors {
	struct executor_machine machine;
	const struct executor *chosen; /* NULL: by what suits the job */
	const struct executor *plain;  /* auto: for a job without an image */
	char *notice;
	/* auto, for a job with an image; looked for when the first one comes, since an
	 * engine has to be asked. By the machine's lock. */
	bool has_looked;
	const struct executor *container; /* NULL: there is none */
	char *no_container;               /* why; NULL: there is */
};

const struct executor *const *
executor_all(void)
{
	static const struct executor *const all[] = { &executor_container,
		&executor_custom, &executor_docker, &executor_sandbox, &executor_shell,
		NULL };

	return all;
}

static const struct executor *
find(const char *name)
{
	for (const struct executor *const *e = executor_all(); *e != NULL; e++)
		if (str_eq((*e)->name, name))
			return *e;
	return NULL;
}

static int
unknown(const char *name, struct error *err)
{
	cleanup_buf struct buf names = BUF_INIT;

	for (const struct executor *const *e = executor_all(); *e != NULL; e++)
		buf_printf(&names, ", %s", (*e)->name);
	return error_set(err, ERR_INVALID,
	    "%s: there is no such executor; there is " AUTO "%s", name, buf_str(&names));
}

/* Once, not for each job: whether a sandbox can be had does not change. */
static int
choose_plain(struct executors *e, struct error *err)
{
	struct error why = ERROR_INIT;

	e->plain = &executor_sandbox;
	if (executor_sandbox.probe(e->machine.settings, &why) == 0)
		return 0;
	e->notice = xasprintf("jobs run without a sandbox: %s", why.msg);
	e->plain = &executor_shell;
	return executor_shell.probe(e->machine.settings, err);
}

static const struct executor *
find_container(struct executors *e)
{
	const struct executor_settings *settings = e->machine.settings;
	struct error no_runtime = ERROR_INIT, no_engine = ERROR_INIT;

	pthread_mutex_lock(&e->machine.lock);
	if (e->has_looked)
		;
	else if (executor_container.probe(settings, &no_runtime) == 0)
		e->container = &executor_container;
	else if (executor_docker.probe(settings, &no_engine) == 0)
		e->container = &executor_docker;
	else
		e->no_container = xasprintf("%s; %s", no_runtime.msg, no_engine.msg);
	e->has_looked = true;
	pthread_mutex_unlock(&e->machine.lock);
	return e->container;
}

static int
check_volumes(const struct executor_settings *settings, struct error *err)
{
	struct arena *arena = arena_new();
	struct volume ignored;
	int rc = 0;

	if (settings->volume_count > VOLUMES_MAX)
		rc = error_set(err, ERR_INVALID, "there are %zu volumes; %d are the most",
		    settings->volume_count, VOLUMES_MAX);
	for (size_t i = 0; rc == 0 && i < settings->volume_count; i++)
		rc = volume_parse(settings->volumes[i], arena, &ignored, err);
	arena_free(arena);
	return rc;
}

int
executors_new(const struct executor_settings *settings, const char *name,
    struct executors **out, struct error *err)
{
	struct executors *e = xcalloc(1, sizeof(*e));
	int rc;

	e->machine.settings = settings;
	pthread_mutex_init(&e->machine.lock, NULL);
	if (name == NULL)
		name = getenv("PAWL_EXECUTOR");
	if (check_volumes(settings, err) < 0) {
		rc = err->code;
	} else if (name == NULL || *name == '\0' || str_eq(name, AUTO)) {
		rc = choose_plain(e, err);
	} else {
		e->chosen = find(name);
		rc = e->chosen == NULL ? unknown(name, err)
				       : e->chosen->probe(settings, err);
	}
	if (rc < 0) {
		executors_free(e);
		return rc;
	}
	*out = e;
	return 0;
}

void
executors_free(struct executors *e)
{
	if (e == NULL)
		return;
	image_store_close(e->machine.images);
	runtime_copy_free(e->machine.runtime);
	strlist_clear(&e->machine.private_files);
	pthread_mutex_destroy(&e->machine.lock);
	free(e->notice);
	free(e->no_container);
	free(e);
}

char *
executor_folder(const struct executor_job *job, const char *dir, const char *name,
    mode_t mode, struct error *err)
{
	char *path = arena_printf(job->arena, "%s/%s", dir, name);

	if ((mkdir(path, mode) < 0 && errno != EEXIST) || chmod(path, mode) < 0) {
		(void)error_errno(err, "cannot create %s", path);
		return NULL;
	}
	return path;
}

void
executor_set_paths(const struct executor_job *job, struct cage *out)
{
	out->project_dir = job->project_dir != NULL
	    ? job->project_dir
	    : arena_printf(job->arena, EXECUTOR_BUILDS "/%s", job->project_name);
	out->files_dir = arena_printf(job->arena, "%s.tmp", out->project_dir);
}

static bool
wants_container(const struct job_payload *job)
{
	return job->image.name != NULL && *job->image.name != '\0';
}

static const struct executor *
choose(struct executors *e, const struct job_payload *job)
{
	const struct executor *container;

	if (e->chosen != NULL)
		return e->chosen;
	container = wants_container(job) ? find_container(e) : NULL;
	return container != NULL ? container : e->plain;
}

int
executors_pick(struct executors *e, const struct job_payload *job,
    const struct executor **out, struct error *err)
{
	*out = choose(e, job);
	if ((*out)->accepts(job, e->chosen != NULL, err) < 0 && e->no_container != NULL) {
		struct error refused = *err;

		return error_set(err, refused.code,
		    "%s. There can be no container here: %s", refused.msg,
		    e->no_container);
	}
	return err->code;
}

int
executors_prepare(struct executors *e, const struct executor *by,
    struct executor_job *job, struct cage *out, struct error *err)
{
	return by->prepare(&e->machine, job, out, err);
}

bool
executors_is_slow(const struct executor *by, const struct job_payload *job)
{
	return by->is_slow || (by->has_services && job->service_count > 0);
}

const char *
executors_name(const struct executors *e)
{
	return e->chosen != NULL ? e->chosen->name : AUTO;
}

const char *
executors_notice(const struct executors *e)
{
	return e->notice;
}
