/*
 * Pipelines that are deleted. One that is not at rest stays. It leaves the memory first,
 * and whoever is on the way to load it again finds it gone; then its files go, then its
 * rows. A crash in between leaves rows without files: deleting again does the rest.
 */
#include "base/log.h"
#include "scheduler/artifact_store.h"
#include "scheduler/service_internal.h"

struct deletion {
	struct service *service;
	int64_t id;
	store_done_fn done;
	void *data;
};

/* ---- on a worker --------------------------------------------------------------------
 */

struct jobs {
	struct arena *arena;
	int64_t *ids;
	size_t count, cap;
};

static bool
add_job(const struct store_job *row, void *data)
{
	struct jobs *jobs = data;

	ARENA_GROW(jobs->arena, jobs->ids, jobs->count, jobs->cap);
	jobs->ids[jobs->count++] = row->id;
	return true;
}

static bool
remove_artifact(const struct store_artifact *row, void *data)
{
	const struct service *s = data;

	artifact_store_remove(s->artifacts_dir, row->job, row->type);
	return true;
}

int
service_remove_files(
    struct service *s, struct store_view *v, int64_t pipeline, struct error *err)
{
	cleanup_arena struct arena *arena = arena_new();
	const struct store_job_filter all = { .pipeline = pipeline,
		.with_retried = true };
	struct jobs jobs = { .arena = arena };
	struct error ignored = ERROR_INIT;

	if (store_list_jobs(v, &all, NULL, add_job, &jobs, err) < 0)
		return err->code;
	for (size_t i = 0; i < jobs.count; i++) {
		if (log_store_erase(s->o.logs, jobs.ids[i], &ignored) < 0 &&
		    ignored.code != ERR_MISSING)
			log_event(LOG_WARN, LOG_JOB(jobs.ids[i]), "%s", ignored.msg);
		if (store_list_artifacts(v, jobs.ids[i], remove_artifact, s, err) < 0)
			return err->code;
	}
	return 0;
}

static int
remove_files(struct store_view *v, void *data, struct error *err)
{
	const struct deletion *d = data;

	return service_remove_files(d->service, v, d->id, err);
}

static int
write_gone(struct store_txn *t, void *data, struct error *err)
{
	const struct deletion *d = data;

	return store_delete_pipeline(t, d->id, err);
}

/* ---- on the loop --------------------------------------------------------------------
 */

static void
finish(void *data, const struct error *err)
{
	struct deletion *d = data;

	service_end_going(d->service, d->id);
	if (err->code == 0)
		log_event(LOG_INFO, &(struct log_about){ .pipeline = d->id },
		    "pipeline deleted");
	d->done(d->data, err);
	free(d);
}

static void
on_files_removed(void *data, const struct error *err)
{
	struct deletion *d = data;

	if (err->code != 0)
		finish(d, err);
	else
		store_write(d->service->o.store, write_gone, finish, d);
}

void
service_delete_pipeline(struct service *s, int64_t id, store_done_fn done, void *data)
{
	struct deletion *d = xcalloc(1, sizeof(*d));
	struct error err = ERROR_INIT;

	*d = (struct deletion){ s, id, done, data };
	service_try_to_forget(s, id);
	if (service_find_pipeline(s, id) != NULL || service_is_going(s, id)) {
		error_set(&err, ERR_ENVIRONMENT,
		    "something is being done with pipeline %" PRId64 "; try again", id);
		done(data, &err);
		free(d);
		return;
	}
	service_begin_going(s, id);
	store_read(s->o.store, remove_files, on_files_removed, d);
}
