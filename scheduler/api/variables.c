/*
 * Variables of projects and of the instance: GitLab's "Project-level CI/CD variables" and
 * "Instance-level CI/CD variables". Values lie sealed in the store; they are opened for
 * whoever may read them, on a worker.
 */
#include <ctype.h>

#include "base/str.h"
#include "scheduler/api/listing.h"
#include "scheduler/service_internal.h"

#define MAX_KEY 255
#define MAX_SCOPE 255
#define MAX_VALUE ((size_t)128 * 1024 - 1) /* what one variable of a process may have */
#define MIN_MASKED 8

struct fields {
	const char *key, *value, *type, *scope, *description;
	const char *filter_scope;
	bool is_protected, masked, hidden, raw;
};

static const struct json_field filter_fields[] = {
	{ JSON_FIELD("environment_scope", STRING, struct fields, filter_scope) },
	{ NULL },
};
static const struct json_shape filter_shape = { filter_fields, sizeof(struct fields) };
static const struct json_field fields[] = {
	{ JSON_FIELD("key", STRING, struct fields, key) },
	{ JSON_FIELD("value", STRING, struct fields, value) },
	{ JSON_FIELD("variable_type", STRING, struct fields, type) },
	{ JSON_FIELD("environment_scope", STRING, struct fields, scope) },
	{ JSON_FIELD("description", STRING, struct fields, description) },
	{ JSON_FIELD("protected", BOOL, struct fields, is_protected) },
	{ JSON_FIELD("masked", BOOL, struct fields, masked) },
	{ JSON_FIELD("masked_and_hidden", BOOL, struct fields, hidden) },
	{ JSON_FIELD("raw", BOOL, struct fields, raw) },
	{ .key = "filter", .kind = JSON_KIND_OBJECT, .shape = &filter_shape },
	{ NULL },
};
static const struct json_shape shape = { fields, sizeof(struct fields) };

/* One variable and what is to become of it. In the call's arena. */
struct wanted {
	struct call *call;
	enum store_owner owner;
	int64_t owner_id;
	struct fields q;
	const char *key; /* of the path; NULL: a new one */
	size_t found;    /* how many fit key and filter */
	struct store_variable row;
	const char *value; /* of row, in the clear */
	const char *old_scope;
	bool removes, is_taken;
	struct error error; /* of the seal */
	void (*then)(struct wanted *w);
};

/* ---- showing -------------------------------------------------------------------- */

static void
put_variable(struct json_writer *w, const struct store_variable *row, const char *value)
{
	json_begin_object(w);
	json_put_string(w, "variable_type", row->is_file ? "file" : "env_var");
	json_put_string(w, "key", row->key);
	json_put_string(w, "value", row->hidden ? NULL : value);
	if (row->owner != STORE_INSTANCE)
		json_put_bool(w, "hidden", row->hidden);
	json_put_bool(w, "protected", row->is_protected);
	json_put_bool(w, "masked", row->masked);
	json_put_bool(w, "raw", row->raw);
	if (row->owner != STORE_INSTANCE)
		json_put_string(w, "environment_scope", row->scope);
	json_put_string(w, "description", row->description);
	json_end_object(w);
}

static int
open_value(const struct call *c, const struct store_variable *row, struct buf *value,
    struct error *err)
{
	cleanup_free char *place =
	    service_variable_place(row->owner, row->owner_id, row->key, row->scope);

	return seal_open_value(
	    c->service->o.seal, place, row->value, row->value_len, value, err);
}

struct listing {
	struct reading *r;
	struct error *err;
	bool failed;
};

static bool
add_row(const struct store_variable *row, void *data)
{
	struct listing *l = data;
	struct buf value = BUF_INIT;

	if (!reading_takes(l->r))
		return true;
	l->failed = open_value(l->r->call, row, &value, l->err) < 0;
	if (!l->failed)
		put_variable(&l->r->writer, row, buf_str(&value));
	seal_wipe(&value);
	return !l->failed;
}

static int
read_list(struct store_view *v, struct reading *r, struct error *err)
{
	const struct wanted *w = r->data;
	struct listing l = { r, err, false };

	json_begin_array(&r->writer);
	if (store_list_variables(v, w->owner, w->owner_id, add_row, &l, err) < 0 ||
	    l.failed)
		return err->code;
	json_end_array(&r->writer);
	return 0;
}

static void
list(struct wanted *w)
{
	struct reading *r = reading_new(w->call, true);

	r->data = w;
	reading_start(r, read_list);
}

/* ---- finding the one that is meant --------------------------------------------------
 */

static bool
keep_row(const struct store_variable *row, void *data)
{
	struct wanted *w = data;
	struct arena *a = w->call->arena;
	struct buf value = BUF_INIT;

	if (!str_eq(row->key, w->key) ||
	    (w->q.filter_scope != NULL && !str_eq(row->scope, w->q.filter_scope)))
		return true;
	if (w->found++ > 0)
		return true;
	w->row = *row;
	w->row.key = arena_strdup(a, row->key);
	w->row.scope = arena_strdup(a, row->scope);
	w->row.description = arena_strdup(a, row->description);
	if (open_value(w->call, row, &value, &w->error) == 0)
		w->value = arena_strdup(a, buf_str(&value));
	seal_wipe(&value);
	return true;
}

static int
find(struct store_view *v, void *data, struct error *err)
{
	struct wanted *w = data;

	if (store_list_variables(v, w->owner, w->owner_id, keep_row, w, err) < 0)
		return err->code;
	if (w->error.code != 0)
		*err = w->error;
	return err->code;
}

static void
on_found(void *data, const struct error *err)
{
	struct wanted *w = data;
	struct call *c = w->call;

	if (err->code != 0)
		api_fail(c, err);
	else if (w->found == 0)
		api_error(c, 404, "404 Variable Not Found");
	else if (w->found > 1)
		api_error(c, 409,
		    "There are multiple variables with provided parameters. Please use "
		    "'filter[environment_scope]'");
	else
		w->then(w);
	api_let_go(c);
}

static void
find_then(struct wanted *w, void (*then)(struct wanted *w))
{
	w->then = then;
	api_hold(w->call);
	store_read(service_store(w->call->service), find, on_found, w);
}

static void
send_variable(struct wanted *w, int status)
{
	cleanup_buf struct buf json = BUF_INIT;
	struct json_writer writer = JSON_WRITER_INIT(&json);

	put_variable(&writer, &w->row, w->value);
	api_json(w->call, status, &json);
}

static void
show(struct wanted *w)
{
	send_variable(w, 200);
}

/* ---- what GitLab allows --------------------------------------------------------------
 */

static bool
consists_of(const char *text, const char *others)
{
	for (; *text != '\0'; text++)
		if (!isalnum((unsigned char)*text) && strchr(others, *text) == NULL)
			return false;
	return true;
}

/* One line, no blanks; what is expanded may hold nothing that looks like a variable. */
static bool
can_be_masked(const char *value, bool raw)
{
	if (strlen(value) < MIN_MASKED)
		return false;
	return raw ? value[strcspn(value, " \t\r\n\v\f")] == '\0'
		   : consists_of(value, "_+=/@:.~-");
}

/* false after a 400 */
static bool
key_is_right(struct call *c, const char *key)
{
	if (*key == '\0')
		api_refuse_member(c, "key", "can't be blank");
	else if (strlen(key) > MAX_KEY)
		api_refuse_member(
		    c, "key", "is too long (maximum is %d characters)", MAX_KEY);
	else if (!consists_of(key, "_"))
		api_refuse_member(c, "key", "can contain only letters, digits and '_'.");
	else
		return true;
	return false;
}

static bool
scope_is_right(struct call *c, const char *scope)
{
	if (*scope == '\0')
		api_refuse_member(c, "environment_scope", "can't be blank");
	else if (strlen(scope) > MAX_SCOPE)
		api_refuse_member(c, "environment_scope",
		    "is too long (maximum is %d characters)", MAX_SCOPE);
	else if (!consists_of(scope, "-_/${}. *"))
		api_refuse_member(c, "environment_scope",
		    "can contain only letters, digits, '-', '_', '/', '$', '{', '}', "
		    "'.', '*' and spaces");
	else
		return true;
	return false;
}

static bool
is_right(struct wanted *w)
{
	struct call *c = w->call;
	const struct store_variable *row = &w->row;

	if (!key_is_right(c, row->key) || !scope_is_right(c, row->scope))
		return false;
	if (strlen(w->value) > MAX_VALUE) {
		api_refuse_member(
		    c, "value", "is too long (maximum is %zu characters)", MAX_VALUE);
		return false;
	}
	if (row->masked && !can_be_masked(w->value, row->raw)) {
		api_refuse_member(c, "value",
		    "is invalid: to be masked it needs at least %d characters, in one "
		    "line, %s",
		    MIN_MASKED,
		    row->raw ? "without blanks"
			     : "of letters, digits and _ + = / @ : . ~ -, unless raw is "
			       "true");
		return false;
	}
	return true;
}

/* ---- writing -------------------------------------------------------------------------
 */

/* That there is none of that key and scope yet, or is not any more. */
static int
make_room(struct store_txn *t, struct wanted *w, struct error *err)
{
	const struct store_variable *row = &w->row;
	struct error none = ERROR_INIT;

	if (w->old_scope != NULL &&
	    store_delete_variable(t, w->owner, w->owner_id, row->key, w->old_scope, err) <
		0)
		return err->code;
	if (w->removes)
		return 0;
	w->is_taken = store_delete_variable(
			  t, w->owner, w->owner_id, row->key, row->scope, &none) == 0;
	if (w->is_taken)
		return error_set(err, ERR_INVALID, "taken"); /* undoes the deletion */
	if (none.code != ERR_MISSING)
		*err = none;
	return err->code;
}

static int
write_row(struct store_txn *t, void *data, struct error *err)
{
	struct wanted *w = data;

	if (make_room(t, w, err) < 0 || w->removes)
		return err->code;
	return store_put_variable(t, &w->row, err);
}

static void
answer(struct wanted *w)
{
	if (w->removes)
		api_empty(w->call, 204);
	else
		send_variable(w, w->old_scope == NULL ? 201 : 200);
	api_let_go(w->call);
}

static void
on_in_force(void *data, const struct error *err UNUSED)
{
	answer(data);
}

static void
on_written(void *data, const struct error *err)
{
	struct wanted *w = data;
	struct call *c = w->call;

	if (err->code == 0) {
		service_variable_changed(
		    c->service, w->owner, w->owner_id, on_in_force, w);
		return;
	}
	if (w->is_taken)
		api_refuse_member(c, "key", "(%s) has already been taken", w->row.key);
	else if (err->code == ERR_MISSING) /* somebody else was faster */
		api_error(c, 404, "404 Variable Not Found");
	else
		api_fail(c, err);
	api_let_go(c);
}

static void
submit(struct wanted *w)
{
	api_hold(w->call);
	store_write(service_store(w->call->service), write_row, on_written, w);
}

static void
seal_and_submit(struct wanted *w)
{
	struct store_variable *row = &w->row;
	cleanup_buf struct buf sealed = BUF_INIT;
	cleanup_free char *place =
	    service_variable_place(row->owner, row->owner_id, row->key, row->scope);

	seal_value(w->call->service->o.seal, place, w->value, strlen(w->value), &sealed);
	row->value = arena_memdup(w->call->arena, sealed.data, sealed.len);
	row->value_len = sealed.len;
	submit(w);
}

/* false after a 400 */
static bool
take_type(struct wanted *w)
{
	const char *type = w->q.type;

	if (type != NULL && !str_eq(type, "env_var") && !str_eq(type, "file")) {
		api_refuse(w->call, "variable_type does not have a valid value");
		return false;
	}
	if (type != NULL)
		w->row.is_file = str_eq(type, "file");
	return true;
}

static void
create(struct wanted *w)
{
	const struct fields *q = &w->q;

	if (q->key == NULL || q->value == NULL) {
		api_refuse(w->call, "%s",
		    q->key != NULL         ? "value is missing"
			: q->value != NULL ? "key is missing"
					   : "key is missing, value is missing");
		return;
	}
	w->row = (struct store_variable){ .owner = w->owner,
		.owner_id = w->owner_id,
		.key = q->key,
		.scope = w->owner == STORE_INSTANCE || q->scope == NULL ? "*" : q->scope,
		.description = q->description,
		.masked = q->masked || q->hidden,
		.hidden = q->hidden,
		.is_protected = q->is_protected,
		.raw = q->raw };
	w->value = q->value;
	if (take_type(w) && is_right(w))
		seal_and_submit(w);
}

/* The body is read again over what the variable is: what it does not say stays. */
static void
change(struct wanted *w)
{
	struct store_variable *row = &w->row;
	struct fields q = { .value = w->value,
		.scope = row->scope,
		.description = row->description,
		.is_protected = row->is_protected,
		.masked = row->masked,
		.raw = row->raw };

	if (w->call->is_gone || !api_read(w->call, &shape, &q))
		return;
	if (row->hidden && !q.masked) {
		api_refuse_member(w->call, "base",
		    "The visibility setting cannot be changed for masked and hidden "
		    "variables.");
		return;
	}
	w->old_scope = row->scope;
	w->value = q.value;
	if (w->owner != STORE_INSTANCE)
		row->scope = q.scope;
	row->description = q.description;
	row->is_protected = q.is_protected;
	row->masked = q.masked;
	row->raw = q.raw;
	if (take_type(w) && is_right(w))
		seal_and_submit(w);
}

static void
drop(struct wanted *w)
{
	w->old_scope = w->row.scope;
	w->removes = true;
	submit(w);
}

/* ---- the routes ----------------------------------------------------------------------
 */

/* NULL after the answer. The variable's key is the parameter of that number, if any. */
static struct wanted *
want(struct call *c, enum store_owner owner, size_t key)
{
	struct wanted *w = arena_alloc(c->arena, sizeof(*w));
	const struct project *p = NULL;

	w->call = c;
	w->owner = owner;
	if (owner == STORE_PROJECT) {
		p = api_project(c, 0);
		if (p == NULL)
			return NULL;
		w->owner_id = p->row.id;
	}
	w->key = key < c->param_count ? c->params[key] : NULL;
	return api_read(c, &shape, &w->q) ? w : NULL;
}

/* The body is needed again when the variable is known, and lasts no longer than this. */
static void
start_change(struct wanted *w)
{
	struct call *c = w->call;

	c->body = arena_memdup(c->arena, c->body, c->body_len);
	find_then(w, change);
}

static void
list_of_project(struct call *c)
{
	struct wanted *w = want(c, STORE_PROJECT, 1);

	if (w != NULL)
		list(w);
}

static void
create_in_project(struct call *c)
{
	struct wanted *w = want(c, STORE_PROJECT, 1);

	if (w != NULL)
		create(w);
}

static void
get_of_project(struct call *c)
{
	struct wanted *w = want(c, STORE_PROJECT, 1);

	if (w != NULL)
		find_then(w, show);
}

static void
change_in_project(struct call *c)
{
	struct wanted *w = want(c, STORE_PROJECT, 1);

	if (w != NULL)
		start_change(w);
}

static void
drop_from_project(struct call *c)
{
	struct wanted *w = want(c, STORE_PROJECT, 1);

	if (w != NULL)
		find_then(w, drop);
}

static void
list_of_instance(struct call *c)
{
	struct wanted *w = want(c, STORE_INSTANCE, 0);

	if (w != NULL)
		list(w);
}

static void
create_in_instance(struct call *c)
{
	struct wanted *w = want(c, STORE_INSTANCE, 0);

	if (w != NULL)
		create(w);
}

static void
get_of_instance(struct call *c)
{
	struct wanted *w = want(c, STORE_INSTANCE, 0);

	if (w != NULL)
		find_then(w, show);
}

static void
change_in_instance(struct call *c)
{
	struct wanted *w = want(c, STORE_INSTANCE, 0);

	if (w != NULL)
		start_change(w);
}

static void
drop_from_instance(struct call *c)
{
	struct wanted *w = want(c, STORE_INSTANCE, 0);

	if (w != NULL)
		find_then(w, drop);
}

#define OF_PROJECT "/api/v4/projects/:id/variables"
#define OF_INSTANCE "/api/v4/admin/ci/variables"

const struct api_route api_variable_routes[] = {
	{ "GET", OF_PROJECT, API_READ, list_of_project },
	{ "POST", OF_PROJECT, API_WRITE, create_in_project },
	{ "GET", OF_PROJECT "/:key", API_READ, get_of_project },
	{ "PUT", OF_PROJECT "/:key", API_WRITE, change_in_project },
	{ "DELETE", OF_PROJECT "/:key", API_WRITE, drop_from_project },
	{ "GET", OF_INSTANCE, API_ADMIN, list_of_instance },
	{ "POST", OF_INSTANCE, API_ADMIN, create_in_instance },
	{ "GET", OF_INSTANCE "/:key", API_ADMIN, get_of_instance },
	{ "PUT", OF_INSTANCE "/:key", API_ADMIN, change_in_instance },
	{ "DELETE", OF_INSTANCE "/:key", API_ADMIN, drop_from_instance },
	{ NULL },
};
