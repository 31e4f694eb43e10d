/* A queue of archives to be made. */
#include "runner/artifacts_export.h"

#include <uv.h>

#include "base/log.h"

struct artifacts_exports {
	uv_loop_t *loop;
	uv_work_t work;
	struct artifacts_result **items; /* from `next` on they are to be made */
	size_t count, cap, next;
	struct artifacts_result *current; /* the worker's; NULL: there is none */
	struct error error;
};

struct artifacts_exports *
artifacts_exports_new(struct uv_loop_s *loop)
{
	struct artifacts_exports *e = xcalloc(1, sizeof(*e));

	e->loop = loop;
	return e;
}

static void
on_work(uv_work_t *work)
{
	struct artifacts_exports *e = work->data;

	e->error = (struct error)ERROR_INIT;
	if (artifacts_archive(e->current, &e->error) < 0)
		log_warn("%s", e->error.msg);
}

static void start_next(struct artifacts_exports *e);

static void
free_result(struct artifacts_result *r)
{
	artifacts_result_clear(r);
	free(r);
}

static void
on_worked(uv_work_t *work, int status UNUSED)
{
	struct artifacts_exports *e = work->data;

	free_result(take(e->current));
	start_next(e);
}

static void
start_next(struct artifacts_exports *e)
{
	if (e->current != NULL || e->next == e->count)
		return;
	e->current = e->items[e->next++];
	e->work.data = e;
	uv_queue_work(e->loop, &e->work, on_work, on_worked);
}

void
artifacts_exports_add(struct artifacts_exports *e, struct artifacts_result *result)
{
	char *path = xstrdup(result->path);

	GROW(e->items, e->count, e->cap);
	e->items[e->count++] = xmemdup(result, sizeof(*result));
	result->layer = (struct artifact_layer)ARTIFACT_LAYER_INIT;
	result->paths = (struct strlist)STRLIST_INIT;
	result->path = path;
	start_next(e);
}

void
artifacts_exports_free(struct artifacts_exports *e)
{
	if (e == NULL)
		return;
	for (; e->next < e->count; e->next++)
		free_result(e->items[e->next]);
	free(e->items);
	free(e);
}
