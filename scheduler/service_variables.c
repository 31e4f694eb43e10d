/*
 * Variables that the server holds, opened for a compilation, and as they are by now for
 * jobs whose plan was made before.
 */
#include "base/log.h"
#include "scheduler/service_internal.h"

char *
service_variable_place(
    enum store_owner owner, int64_t owner_id, const char *key, const char *scope)
{
	return xasprintf(
	    "variable %d/%" PRId64 " %s %s", (int)owner, owner_id, key, scope);
}

/* A variable unsealed; worker thread. */
static bool
on_variable(const struct store_variable *row, void *data)
{
	struct held_variables *h = data;
	cleanup_buf struct buf value = BUF_INIT;

	cleanup_free char *place =
	    service_variable_place(row->owner, row->owner_id, row->key, row->scope);

	if (seal_open_value(h->service->o.seal, place, row->value, row->value_len, &value,
		&h->error) < 0)
		return false;
	ARENA_GROW(h->arena, h->vars, h->count, h->cap);
	h->vars[h->count++] = (struct var){
		.name = arena_strdup(h->arena, row->key),
		.value = arena_strdup(h->arena, buf_str(&value)),
		.level = h->level,
		.raw = row->raw,
		.file = row->is_file,
		.masked = row->masked,
		.is_protected = row->is_protected,
		.environment_scope = arena_strdup(h->arena, row->scope),
	};
	return true;
}

void
service_begin_variables(struct service *s, struct held_variables *h)
{
	*h = (struct held_variables){ .service = s, .version = s->variables_version };
}

int
service_read_variables(struct service *s, struct store_view *v, int64_t project,
    struct held_variables *h, struct error *err)
{
	int rc;

	h->service = s;
	h->arena = arena_new();
	h->level = VAR_INSTANCE;
	rc = store_list_variables(v, STORE_INSTANCE, 0, on_variable, h, err);
	h->level = VAR_PROJECT;
	if (rc == 0 && h->error.code == 0)
		rc = store_list_variables(v, STORE_PROJECT, project, on_variable, h, err);
	if (rc == 0 && h->error.code != 0) {
		*err = h->error;
		rc = err->code;
	}
	return rc;
}

static void
free_held(struct held_variables *h)
{
	if (h == NULL)
		return;
	arena_free(h->arena);
	free(h);
}

void
service_free_variables(struct service *s)
{
	idmap_for_each(e, &s->held) {
		free_held(e->value);
	}
	idmap_clear(&s->held);
}

const struct held_variables *
service_newer_variables(const struct service *s, const struct live_pipeline *p)
{
	const struct held_variables *h = idmap_get(&s->held, p->project);

	return h != NULL && h->version > p->held_version ? h : NULL;
}

/* ---- what has changed is read again ---------------------------------------------------
 */

struct refresh {
	struct service *service;
	struct arena *arena;
	int64_t *projects;
	struct held_variables *held; /* of each */
	size_t count, cap;
	store_done_fn done;
	void *data;
};

static struct refresh *
new_refresh(struct service *s, store_done_fn done, void *data)
{
	struct arena *arena = arena_new();
	struct refresh *r = arena_alloc(arena, sizeof(*r));

	*r = (struct refresh){ .service = s, .arena = arena, .done = done, .data = data };
	return r;
}

static int
read_again(struct store_view *v, void *data, struct error *err)
{
	struct refresh *r = data;

	for (size_t i = 0; i < r->count; i++)
		if (service_read_variables(
			r->service, v, r->projects[i], &r->held[i], err) < 0)
			return err->code;
	return 0;
}

static void
on_read_again(void *data, const struct error *err)
{
	struct refresh *r = data;

	if (err->code != 0 && err->code != ERR_CANCELED)
		log_warn("jobs get variables as they were: %s", err->msg);
	for (size_t i = 0; i < r->count; i++)
		if (err->code == 0)
			service_keep_variables(r->service, r->projects[i], &r->held[i]);
		else
			arena_free(r->held[i].arena);
	if (r->done != NULL)
		r->done(r->data, err);
	arena_free(r->arena);
}

static void
add_project(struct refresh *r, int64_t project)
{
	ARENA_GROW(r->arena, r->projects, r->count, r->cap);
	r->projects[r->count++] = project;
}

static void
start_refresh(struct refresh *r)
{
	r->held = arena_calloc(r->arena, r->count, sizeof(*r->held));
	for (size_t i = 0; i < r->count; i++)
		service_begin_variables(r->service, &r->held[i]);
	store_read(r->service->o.store, read_again, on_read_again, r);
}

void
service_keep_variables(struct service *s, int64_t project, struct held_variables *h)
{
	struct held_variables *old = idmap_get(&s->held, project), *kept;
	struct refresh *r;

	if (h->arena == NULL || (old != NULL && old->version > h->version)) {
		arena_free(take(h->arena));
		return;
	}
	kept = xmalloc(sizeof(*kept));
	*kept = *h;
	h->arena = NULL;
	idmap_set(&s->held, project, kept);
	free_held(old);
	if (kept->version == s->variables_version)
		return;
	/* something changed while it was read */
	r = new_refresh(s, NULL, NULL);
	add_project(r, project);
	start_refresh(r);
}

void
service_variable_changed(struct service *s, enum store_owner owner, int64_t owner_id,
    store_done_fn done, void *data)
{
	struct refresh *r = new_refresh(s, done, data);

	s->variables_version++;
	idmap_for_each(e, &s->held) {
		if (owner != STORE_PROJECT || e->id == owner_id)
			add_project(r, e->id);
	}
	start_refresh(r);
}
