/*
 * Variables a person gives a manual job with the word to start. They are stored sealed,
 * one by one, and count for the job and for every later try of it.
 */
#include "base/str.h"
#include "scheduler/service_internal.h"

struct given_write {
	struct arena *arena;
	struct store_given *rows;
	size_t count;
};

static char *
place_of(int64_t job, const char *key)
{
	return xasprintf("variable %s given to job %" PRId64, key, job);
}

void
service_add_given(struct live_job *job, const char *key, const char *value)
{
	struct arena *a = service_arena_of(job);

	ARENA_GROW(a, job->given, job->given_count, job->given_cap);
	job->given[job->given_count++] = (struct var){ .name = arena_strdup(a, key),
		.value = arena_strdup(a, value),
		.level = VAR_PIPELINE };
}

void
service_drop_given(struct live_job *job, size_t count)
{
	job->given_count -= count;
}

const struct live_job *
service_given_to(
    const struct service *s, const struct live_pipeline *p, size_t plan_index)
{
	const struct live_job *newest = NULL;

	for (size_t i = 0; i < p->job_count; i++) {
		const struct live_job *job = p->jobs[i];

		if (job->given_count > 0 &&
		    core_job(s->core, job->id)->index == plan_index)
			newest = job;
	}
	return newest;
}

/* ---- on disk ------------------------------------------------------------------------
 */

static int
write_given(struct store_txn *t, void *data, struct error *err)
{
	const struct given_write *w = data;

	for (size_t i = 0; i < w->count; i++)
		if (store_put_given(t, &w->rows[i], err) < 0)
			return err->code;
	return 0;
}

static void
on_written(void *data, const struct error *err UNUSED)
{
	arena_free(((struct given_write *)data)->arena);
}

void
service_write_given(struct service *s, const struct live_job *job)
{
	struct arena *a = arena_new();
	struct given_write *w = arena_alloc(a, sizeof(*w));

	w->arena = a;
	w->rows = arena_calloc(a, job->given_count, sizeof(*w->rows));
	for (size_t i = 0; i < job->given_count; i++) {
		const struct var *var = &job->given[i];
		cleanup_free char *place = place_of(job->id, var->name);
		cleanup_buf struct buf sealed = BUF_INIT;

		seal_value(s->o.seal, place, var->value, strlen(var->value), &sealed);
		w->rows[w->count++] =
		    (struct store_given){ job->id, arena_strdup(a, var->name),
			    arena_memdup(a, sealed.data, sealed.len), sealed.len };
	}
	service_write_too(s, write_given, on_written, w);
}

struct reading {
	struct service *service;
	void (*fn)(int64_t job, const char *key, const char *value, void *data);
	void *data;
	struct error *err;
	bool failed;
};

static bool
open_row(const struct store_given *row, void *data)
{
	struct reading *r = data;
	cleanup_free char *place = place_of(row->job, row->key);
	struct buf value = BUF_INIT;

	r->failed = seal_open_value(r->service->o.seal, place, row->value, row->value_len,
			&value, r->err) < 0;
	if (!r->failed)
		r->fn(row->job, row->key, buf_str(&value), r->data);
	seal_wipe(&value);
	return !r->failed;
}

int
service_read_given(struct service *s, struct store_view *v, int64_t job,
    void (*fn)(int64_t job, const char *key, const char *value, void *data), void *data,
    struct error *err)
{
	struct reading r = { s, fn, data, err, false };

	if (store_list_given(v, job, open_row, &r, err) < 0 || r.failed)
		return err->code;
	return 0;
}
