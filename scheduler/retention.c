/*
 * One round: a worker lists what is over and removes its files, then the rows go. A crash
 * in between leaves rows without files, which the next round takes.
 */
#include "scheduler/retention.h"

#include <uv.h>

#include "base/log.h"
#include "scheduler/artifact_store.h"
#include "scheduler/registry.h"

#define FIRST_MS (60 * 1000)
#define EVERY_MS (10 * 60 * 1000)
#define AT_ONCE 200 /* artifacts, and pipelines, of one round; then another at once */

struct retention {
	struct service *service;
	uv_timer_t *timer;
	bool is_busy, is_stopping;
};

/* Pipelines that go. */
struct old {
	int64_t project; /* 0: of all */
	int64_t from_us, before_us;
};

struct round {
	struct retention *retention;
	struct arena *arena;
	const char *artifacts_dir;
	int64_t now_us;
	struct old *old; /* of which no two have a pipeline in common */
	size_t old_count, old_cap;
	struct store_artifact *artifacts;
	size_t artifact_count, artifact_cap;
	int64_t *pipelines;
	size_t pipeline_count, pipeline_cap;
};

/* ---- on a worker
 * ------------------------------------------------------------------------ */

static bool
add_artifact(const struct store_artifact *row, void *data)
{
	struct round *r = data;

	ARENA_GROW(r->arena, r->artifacts, r->artifact_count, r->artifact_cap);
	r->artifacts[r->artifact_count++] = (struct store_artifact){ .job = row->job,
		.type = arena_strdup(r->arena, row->type) };
	return true;
}

static bool
add_pipeline(const struct store_pipeline *row, void *data)
{
	struct round *r = data;

	ARENA_GROW(r->arena, r->pipelines, r->pipeline_count, r->pipeline_cap);
	r->pipelines[r->pipeline_count++] = row->id;
	return true;
}

static int
list(struct round *r, struct store_view *v, struct error *err)
{
	if (store_list_expired(v, r->now_us, AT_ONCE, add_artifact, r, err) < 0)
		return err->code;
	for (size_t i = 0; i < r->old_count; i++) {
		const struct store_pipeline_filter f = { .project = r->old[i].project,
			.scope = "finished",
			.updated_after_us = r->old[i].from_us,
			.updated_before_us = r->old[i].before_us };
		struct store_page page = { .limit = AT_ONCE - (int64_t)r->pipeline_count,
			.ascending = true };

		if (page.limit > 0 &&
		    store_list_pipelines(v, &f, &page, add_pipeline, r, err) < 0)
			return err->code;
	}
	return 0;
}

static int
remove_files(struct store_view *v, void *data, struct error *err)
{
	struct round *r = data;

	if (list(r, v, err) < 0)
		return err->code;
	for (size_t i = 0; i < r->artifact_count; i++)
		artifact_store_remove(
		    r->artifacts_dir, r->artifacts[i].job, r->artifacts[i].type);
	for (size_t i = 0; i < r->pipeline_count; i++)
		if (service_remove_files(r->retention->service, v, r->pipelines[i], err) <
		    0)
			return err->code;
	return 0;
}

/* ---- the rows
 * ----------------------------------------------------------------------------- */

static int
remove_rows(struct store_txn *t, void *data, struct error *err)
{
	const struct round *r = data;

	for (size_t i = 0; i < r->artifact_count; i++)
		if (store_delete_artifacts(
			t, r->artifacts[i].job, r->artifacts[i].type, err) < 0)
			return err->code;
	for (size_t i = 0; i < r->pipeline_count; i++)
		if (store_delete_pipeline(t, r->pipelines[i], err) < 0)
			return err->code;
	return 0;
}

static void on_timer(uv_timer_t *timer);

static void
finish(struct round *round, const struct error *err)
{
	struct retention *r = round->retention;
	bool more = round->artifact_count == AT_ONCE || round->pipeline_count == AT_ONCE;

	if (err->code != 0 && err->code != ERR_CANCELED)
		log_warn("what is over could not be removed: %s", err->msg);
	else if (round->artifact_count + round->pipeline_count > 0)
		log_info("removed %zu artifacts and %zu pipelines whose time is over",
		    round->artifact_count, round->pipeline_count);
	arena_free(round->arena);
	r->is_busy = false;
	if (!r->is_stopping)
		uv_timer_start(
		    r->timer, on_timer, more && err->code == 0 ? 0 : EVERY_MS, 0);
}

static void
on_rows_removed(void *data, const struct error *err)
{
	finish(data, err);
}

static void
on_files_removed(void *data, const struct error *err)
{
	struct round *round = data;
	struct retention *r = round->retention;

	if (err->code != 0 || round->artifact_count + round->pipeline_count == 0)
		finish(round, err);
	else
		store_write(
		    service_store(r->service), remove_rows, on_rows_removed, round);
}

static void
add_old(struct round *r, int64_t project, int64_t from_us, int64_t keep_s)
{
	ARENA_GROW(r->arena, r->old, r->old_count, r->old_cap);
	r->old[r->old_count++] = (struct old){ .project = project,
		.from_us = from_us,
		.before_us = r->now_us - keep_s * 1000000 };
}

/* One that keeps its pipelines shorter than the server: from where the server's end. */
static bool
add_project(struct project *p, void *data)
{
	struct round *r = data;
	int64_t all_s = service_settings(r->retention->service)->keep.pipelines_s;
	int64_t keep_s = p->row.keep_pipelines_s;

	if (keep_s > 0 && (all_s == 0 || keep_s < all_s))
		add_old(r, p->row.id, all_s == 0 ? 0 : r->now_us - all_s * 1000000 - 1,
		    keep_s);
	return true;
}

static void
on_timer(uv_timer_t *timer)
{
	struct retention *r = timer->data;
	int64_t keep_s = service_settings(r->service)->keep.pipelines_s;
	struct arena *arena = arena_new();
	struct round *round = arena_alloc(arena, sizeof(*round));

	round->retention = r;
	round->arena = arena;
	round->artifacts_dir = service_artifacts_dir(r->service);
	round->now_us = service_now_us();
	if (keep_s > 0)
		add_old(round, 0, 0, keep_s);
	registry_each_project(service_registry(r->service), add_project, round);
	r->is_busy = true;
	store_read(service_store(r->service), remove_files, on_files_removed, round);
}

struct retention *
retention_start(struct service *s, struct uv_loop_s *loop)
{
	struct retention *r = xcalloc(1, sizeof(*r));
	const char *first =
	    getenv("PAWL_RETENTION_MS"); /* for tests: do not wait so long */

	r->service = s;
	r->timer = xcalloc(1, sizeof(*r->timer));
	uv_timer_init(loop, r->timer);
	r->timer->data = r;
	uv_timer_start(r->timer, on_timer,
	    first != NULL ? (uint64_t)strtoull(first, NULL, 10) : FIRST_MS, 0);
	return r;
}

bool
retention_stop(struct retention *r)
{
	r->is_stopping = true;
	uv_timer_stop(r->timer);
	return !r->is_busy;
}

static void
on_closed(uv_handle_t *handle)
{
	free(handle);
}

void
retention_free(struct retention *r)
{
	if (r == NULL)
		return;
	uv_close((uv_handle_t *)r->timer, on_closed);
	free(r);
}
