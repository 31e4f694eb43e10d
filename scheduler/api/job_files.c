/*
 * What jobs left, beyond one's own archive: found by ref and name of the job, kept from
 * expiring, erased. Files go first and rows after them: a crash in between leaves rows
 * whose files are not found, and erasing again does the rest.
 */
#include <stdio.h>

#include "base/log.h"
#include "base/str.h"
#include "scheduler/api/jobs.h"
#include "scheduler/api/listing.h"
#include "scheduler/artifact_store.h"
#include "scheduler/service_internal.h"

#define MAX_SINGLE ((size_t)256 << 20)

/* ---- erased, kept -------------------------------------------------------------------
 */

struct change {
	struct wanted *wanted;
	int (*write)(struct store_txn *t, void *data, struct error *err);
	int status; /* of the answer; 204: without the job */
	bool log_too;
	int64_t now_us;
};

static bool
remove_file(const struct store_artifact *row, void *data)
{
	artifact_store_remove(data, row->job, row->type);
	return true;
}

static int
remove_files(struct store_view *v, void *data, struct error *err)
{
	const struct change *ch = data;
	struct service *s = ch->wanted->call->service;
	struct error none = ERROR_INIT;
	void *dir = (void *)(uintptr_t)service_artifacts_dir(s);

	if (store_list_artifacts(v, ch->wanted->id, remove_file, dir, err) < 0)
		return err->code;
	if (ch->log_too && log_store_erase(service_logs(s), ch->wanted->id, &none) < 0 &&
	    none.code != ERR_MISSING)
		return error_set(err, none.code, "%s", none.msg);
	return 0;
}

static int
write_erased(struct store_txn *t, void *data, struct error *err)
{
	const struct change *ch = data;

	return store_erase_job(t, ch->wanted->id, ch->now_us, err);
}

static int
write_without_artifacts(struct store_txn *t, void *data, struct error *err)
{
	const struct change *ch = data;

	return store_delete_artifacts(t, ch->wanted->id, NULL, err);
}

static int
write_kept(struct store_txn *t, void *data, struct error *err)
{
	const struct change *ch = data;

	return store_keep_artifacts(t, ch->wanted->id, err);
}

static void
on_written(void *data, const struct error *err)
{
	const struct change *ch = data;
	struct wanted *w = ch->wanted;
	struct call *c = w->call;

	if (err->code == ERR_MISSING)
		api_error(c, 404, "404 Not Found");
	else if (err->code != 0)
		api_fail(c, err);
	else if (ch->status == 204)
		api_empty(c, 204);
	else
		send_job(c, w->project, w->id, ch->status);
	api_let_go(c);
}

static void
on_removed(void *data, const struct error *err)
{
	struct change *ch = data;
	struct service *s = ch->wanted->call->service;
	struct live_job *job = service_find_job(s, ch->wanted->id);

	if (err->code != 0) {
		api_fail(ch->wanted->call, err);
		api_let_go(ch->wanted->call);
		return;
	}
	if (job != NULL)
		service_set_archive(job, NULL, 0);
	store_write(service_store(s), ch->write, on_written, ch);
}

static struct change *
change_of(struct wanted *w)
{
	struct change *ch = arena_alloc(w->call->arena, sizeof(*ch));

	ch->wanted = w;
	ch->now_us = service_now_us();
	return ch;
}

static void
erase(struct wanted *w)
{
	struct change *ch = change_of(w);

	if (!status_is_completed(w->job.status) || w->job.erased_us != 0) {
		api_error(w->call, 403, "403 Forbidden - Job is not erasable!");
		api_let_go(w->call);
		return;
	}
	ch->write = write_erased;
	ch->status = 201;
	ch->log_too = true;
	log_store_forget(service_logs(w->call->service), w->id);
	store_read(service_store(w->call->service), remove_files, on_removed, ch);
}

static void
erase_job(struct call *c)
{
	(void)want_job(c, erase);
}

static void
drop_artifacts(struct wanted *w)
{
	struct change *ch = change_of(w);

	ch->write = write_without_artifacts;
	ch->status = 204;
	store_read(service_store(w->call->service), remove_files, on_removed, ch);
}

static void
delete_artifacts(struct call *c)
{
	(void)want_job(c, drop_artifacts);
}

static void
keep(struct wanted *w)
{
	struct change *ch = change_of(w);

	ch->status = 200;
	store_write(service_store(w->call->service), write_kept, on_written, ch);
}

static void
keep_artifacts(struct call *c)
{
	(void)want_job(c, keep);
}

/* ---- by ref and name ----------------------------------------------------------------
 */

struct latest {
	struct call *call;
	int64_t project, pipeline, job;
	const char *ref, *name;
	const char *path; /* NULL: the archive */
	struct buf text;  /* the file at path */
};

static bool
note_pipeline(const struct store_pipeline *row, void *data)
{
	((struct latest *)data)->pipeline = row->id;
	return false;
}

static bool
note_job(const struct store_job *row, void *data)
{
	struct latest *l = data;

	if (!str_eq(row->name, l->name))
		return true;
	l->job = row->id;
	return false;
}

/* Of the latest pipeline of the ref that succeeded, as GitLab has it. */
static int
find_latest(struct store_view *v, struct latest *l, struct error *err)
{
	static const char *const success[] = { "success", NULL };
	const struct store_pipeline_filter pipelines = { .project = l->project,
		.ref = l->ref,
		.statuses = success,
		.without_children = true };
	struct store_page first = { .limit = 1 };
	struct store_job_filter jobs = { .project = l->project };

	if (store_list_pipelines(v, &pipelines, &first, note_pipeline, l, err) < 0)
		return err->code;
	jobs.pipeline = l->pipeline;
	if (l->pipeline == 0)
		return error_set(err, ERR_MISSING, "no pipeline");
	if (store_list_jobs(v, &jobs, NULL, note_job, l, err) < 0)
		return err->code;
	return l->job != 0 ? 0 : error_set(err, ERR_MISSING, "no such job");
}

static int
read_latest(struct store_view *v, void *data, struct error *err)
{
	struct latest *l = data;

	if (find_latest(v, l, err) < 0 || l->path == NULL)
		return err->code;
	return artifact_store_read(service_artifacts_dir(l->call->service), l->job,
	    l->path, MAX_SINGLE, &l->text, err);
}

static void
on_latest(void *data, const struct error *err)
{
	struct latest *l = data;
	struct call *c = l->call;

	if (err->code == ERR_MISSING)
		api_error(c, 404, "404 Not Found");
	else if (err->code != 0)
		api_fail(c, err);
	else if (l->path == NULL)
		api_send_artifact(c, l->job, "archive", NULL);
	else
		send_artifact_file(c, l->path, &l->text);
	buf_clear(&l->text);
	api_let_go(c);
}

static void
send_latest(struct call *c, const char *path)
{
	struct project *p = api_project(c, 0);
	struct latest *l = arena_alloc(c->arena, sizeof(*l));

	if (p == NULL)
		return;
	l->call = c;
	l->project = p->row.id;
	l->ref = c->params[1];
	l->name = query_text(c, "job");
	l->path = path;
	if (l->name == NULL) {
		api_refuse(c, "job is missing");
		return;
	}
	api_hold(c);
	store_read(service_store(c->service), read_latest, on_latest, l);
}

static void
download_latest(struct call *c)
{
	send_latest(c, NULL);
}

static void
get_latest_file(struct call *c)
{
	send_latest(c, c->params[2]);
}

const struct api_route api_job_file_routes[] = {
	{ "POST", "/api/v4/projects/:id/jobs/:job/erase", API_WRITE, erase_job },
	{ "DELETE", "/api/v4/projects/:id/jobs/:job/artifacts", API_WRITE,
	    delete_artifacts },
	{ "POST", "/api/v4/projects/:id/jobs/:job/artifacts/keep", API_WRITE,
	    keep_artifacts },
	{ "GET", "/api/v4/projects/:id/jobs/artifacts/:ref/download", API_READ,
	    download_latest },
	{ "GET", "/api/v4/projects/:id/jobs/artifacts/:ref/raw/*path", API_READ,
	    get_latest_file },
	{ NULL },
};
