/* Variables that the server holds, opened for a compilation. */
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

int
service_read_variables(struct service *s, struct store_view *v, int64_t project,
    struct held_variables *h, struct error *err)
{
	int rc;

	*h = (struct held_variables){ .service = s, .arena = arena_new() };
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
