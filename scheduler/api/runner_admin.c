/* Runners as people see and make them: GitLab's "Runners" and "Users" (create a runner).
 */
#include <stdio.h>

#include "base/log.h"
#include "base/str.h"
#include "scheduler/api/api.h"
#include "scheduler/api/listing.h"
#include "scheduler/service_internal.h"

#define MAX_TIMEOUT_S (365 * 86400)
#define MAX_LIMIT 1000000

struct runner_fields {
	const char *runner_type, *description, *access_level;
	const char **tags;
	size_t tag_count;
	bool run_untagged, paused, locked;
	int64_t maximum_timeout, limit, project_id;
};

static const struct json_field fields[] = {
	{ JSON_FIELD("runner_type", STRING, struct runner_fields, runner_type) },
	{ JSON_FIELD("description", STRING, struct runner_fields, description) },
	{ JSON_FIELD("access_level", STRING, struct runner_fields, access_level) },
	{ JSON_COUNTED("tag_list", COMMAS, struct runner_fields, tags, tag_count) },
	{ JSON_FIELD("run_untagged", BOOL, struct runner_fields, run_untagged) },
	{ JSON_FIELD("paused", BOOL, struct runner_fields, paused) },
	{ JSON_FIELD("locked", BOOL, struct runner_fields, locked) },
	{ JSON_FIELD("maximum_timeout", INT, struct runner_fields, maximum_timeout) },
	{ JSON_FIELD("limit", INT, struct runner_fields, limit) }, /* pawl's own */
	{ JSON_FIELD("project_id", INT, struct runner_fields, project_id) },
	{ NULL },
};
static const struct json_shape shape = { fields, sizeof(struct runner_fields) };

struct made {
	struct registered_runner *runner;
	char token[SECRET_MAX];
};

static void
on_made(void *data, const struct error *err)
{
	struct call *c = data;
	struct made *m = c->data;
	cleanup_buf struct buf json = BUF_INIT;
	struct json_writer w = JSON_WRITER_INIT(&json);

	if (err->code != 0) {
		api_fail(c, err);
	} else {
		json_begin_object(&w);
		json_put_int(&w, "id", m->runner->row.id);
		json_put_string(&w, "token", m->token);
		json_put_string(&w, "token_expires_at", NULL);
		json_end_object(&w);
		api_json(c, 201, &json);
	}
	api_let_go(c);
}

/* NULL: none are said. */
static const char *
tags_of(struct call *c, const struct runner_fields *q)
{
	const struct strs tags = { q->tags, q->tag_count };

	return registry_tags_json(c->arena, &tags);
}

/* false after a 400 */
static bool
are_limits_right(struct call *c, const struct runner_fields *q)
{
	if (q->maximum_timeout < 0 || q->maximum_timeout > MAX_TIMEOUT_S) {
		api_refuse(c, "maximum_timeout has to be 0 to %d seconds", MAX_TIMEOUT_S);
		return false;
	}
	if (q->limit < 0 || q->limit > MAX_LIMIT) {
		api_refuse(c, "limit has to be 0 to %d jobs", MAX_LIMIT);
		return false;
	}
	return true;
}

static void
create_runner(struct call *c)
{
	struct runner_fields q = { .run_untagged = true };
	struct store_runner row = { .created_us = service_now_us() };
	struct made *m;

	if (!api_read(c, &shape, &q) || !are_limits_right(c, &q))
		return;
	if (q.runner_type != NULL && str_eq(q.runner_type, "project_type")) {
		if (api_is_bound(c) && c->token->row.project != q.project_id) {
			api_error(c, 404, "404 Project Not Found");
			return;
		}
		row.owner = STORE_PROJECT;
		row.owner_id = q.project_id;
		if (registry_project(service_registry(c->service), q.project_id) ==
		    NULL) {
			api_error(c, 400, "project_id: there is no such project");
			return;
		}
	} else if (!c->user->row.is_admin || api_is_bound(c)) {
		api_error(c, 403, "403 Forbidden");
		return;
	}
	if (!q.run_untagged && q.tag_count == 0) {
		api_error(c, 400,
		    "tag_list: a runner without tags must take jobs without tags");
		return;
	}
	row.description = q.description;
	row.tags = tags_of(c, &q);
	row.run_untagged = q.run_untagged;
	row.paused = q.paused;
	row.locked = q.locked;
	row.only_protected =
	    q.access_level != NULL && str_eq(q.access_level, "ref_protected");
	row.maximum_timeout_s = q.maximum_timeout;
	row.limit = q.limit;
	m = arena_alloc(c->arena, sizeof(*m));
	c->data = m;
	api_hold(c);
	m->runner =
	    registry_add_runner(service_registry(c->service), &row, m->token, on_made, c);
	service_describe_runner(c->service, m->runner);
	log_event(LOG_INFO,
	    &(struct log_about){ .runner = m->runner->row.id, .user = c->user->row.id },
	    "runner made");
}

/* ---- looking
 * --------------------------------------------------------------------------- */

struct runner_filter {
	struct reading *r;
	int64_t now_us;
	const struct project *project; /* that may use it; NULL: any */
	size_t owner, status; /* of enum store_owner, runner_status; the count: any */
	bool paused, not_paused;
	const char *tags; /* all of these, between commas; NULL: any */
};

static bool
serves(const struct store_runner *row, const struct project *p)
{
	return p == NULL || row->owner == STORE_INSTANCE ||
	    (row->owner == STORE_PROJECT && row->owner_id == p->row.id) ||
	    (row->owner == STORE_GROUP && row->owner_id == p->row.namespace);
}

static bool
has_tag(const struct registered_runner *n, const char *tag, size_t len)
{
	for (size_t i = 0; i < n->tags.count; i++)
		if (strlen(n->tags.items[i]) == len &&
		    strncmp(n->tags.items[i], tag, len) == 0)
			return true;
	return len == 0;
}

static bool
has_tags(const struct registered_runner *n, const char *tags)
{
	while (tags != NULL && *tags != '\0') {
		size_t len = strcspn(tags, ",");

		if (!has_tag(n, tags, len))
			return false;
		tags += len + (tags[len] == ',');
	}
	return true;
}

static bool
add_runner(struct registered_runner *n, void *data)
{
	struct runner_filter *f = data;
	const struct store_runner *row = &n->row;

	if (serves(row, f->project) &&
	    (f->owner == STORE_OWNER_COUNT || row->owner == (enum store_owner)f->owner) &&
	    (f->status == RUNNER_STATUS_COUNT ||
		entity_runner_status(row, f->now_us) == (enum runner_status)f->status) &&
	    !(f->paused && !row->paused) && !(f->not_paused && row->paused) &&
	    has_tags(n, f->tags) && reading_takes(f->r))
		entity_add_runner(&f->r->writer, row, &n->tags,
		    core_runner_jobs(service_core(f->r->call->service), row->id),
		    f->now_us);
	return true;
}

static void
list_for(struct call *c, const struct project *p)
{
	struct runner_filter f = { .now_us = service_now_us(),
		.project = p,
		.owner = STORE_OWNER_COUNT,
		.status = RUNNER_STATUS_COUNT,
		.tags = query_text(c, "tag_list") };
	const char *types[STORE_OWNER_COUNT], *statuses[RUNNER_STATUS_COUNT];

	for (int i = 0; i < STORE_OWNER_COUNT; i++)
		types[i] = entity_runner_type((enum store_owner)i);
	for (int i = 0; i < RUNNER_STATUS_COUNT; i++)
		statuses[i] = entity_runner_status_name((enum runner_status)i);
	if (!query_word(c, "type", types, ARRAY_LEN(types), &f.owner) ||
	    !query_word(c, "status", statuses, ARRAY_LEN(statuses), &f.status) ||
	    !query_bool(c, "paused", &f.paused, &f.not_paused))
		return;
	f.r = reading_new(c, true);
	json_begin_array(&f.r->writer);
	registry_each_runner(service_registry(c->service), add_runner, &f);
	json_end_array(&f.r->writer);
	reading_answer(f.r);
}

static void
list_runners(struct call *c)
{
	list_for(c, NULL);
}

/* Those that may take its jobs. */
static void
list_project_runners(struct call *c)
{
	const struct project *p = api_project(c, 0);

	if (p != NULL)
		list_for(c, p);
}

static struct registered_runner *
runner_of(struct call *c)
{
	struct registered_runner *n = NULL;
	int64_t id;

	if (!api_id(c, 0, &id))
		return NULL;
	n = registry_runner(service_registry(c->service), id);
	if (n == NULL)
		api_error(c, 404, "404 Runner Not Found");
	return n;
}

static void
send_runner(struct call *c, const struct registered_runner *n)
{
	cleanup_buf struct buf json = BUF_INIT;
	struct json_writer w = JSON_WRITER_INIT(&json);

	entity_add_runner(&w, &n->row, &n->tags,
	    core_runner_jobs(service_core(c->service), n->row.id), service_now_us());
	api_json(c, 200, &json);
}

static void
get_runner(struct call *c)
{
	struct registered_runner *n = runner_of(c);

	if (n != NULL)
		send_runner(c, n);
}

static void
on_changed(void *data, const struct error *err)
{
	struct call *c = data;
	struct registered_runner *n = c->data;

	if (err->code != 0)
		api_fail(c, err);
	else
		send_runner(c, n);
	api_let_go(c);
}

/* What is not given stays as it is. */
static void
change_runner(struct call *c)
{
	struct registered_runner *n = runner_of(c);
	struct runner_fields q;
	struct store_runner row;

	if (n == NULL)
		return;
	row = n->row;
	q = (struct runner_fields){ .description = row.description,
		.run_untagged = row.run_untagged,
		.paused = row.paused,
		.locked = row.locked,
		.maximum_timeout = row.maximum_timeout_s,
		.limit = row.limit };
	if (!api_read(c, &shape, &q) || !are_limits_right(c, &q))
		return;
	row.description = q.description;
	row.run_untagged = q.run_untagged;
	row.paused = q.paused;
	row.locked = q.locked;
	row.maximum_timeout_s = q.maximum_timeout;
	row.limit = q.limit;
	if (q.tag_count > 0)
		row.tags = tags_of(c, &q);
	if (q.access_level != NULL)
		row.only_protected = str_eq(q.access_level, "ref_protected");
	c->data = n;
	api_hold(c);
	registry_set_runner(service_registry(c->service), &row, on_changed, c);
	service_describe_runner(c->service, n);
}

static void
remove_runner(struct call *c)
{
	struct registered_runner *n = runner_of(c);
	int64_t id;

	if (n == NULL)
		return;
	id = n->row.id;
	api_hold(c);
	registry_remove_runner(service_registry(c->service), id, api_done, c);
	service_forget_runner(c->service, id);
	log_event(LOG_INFO, &(struct log_about){ .runner = id, .user = c->user->row.id },
	    "runner removed");
}

const struct api_route api_runner_admin_routes[] = {
	{ "POST", "/api/v4/user/runners", API_WRITE, create_runner },
	{ "GET", "/api/v4/runners", API_ADMIN, list_runners },
	{ "GET", "/api/v4/runners/all", API_ADMIN, list_runners },
	{ "GET", "/api/v4/projects/:id/runners", API_READ, list_project_runners },
	{ "GET", "/api/v4/runners/:id", API_ADMIN, get_runner },
	{ "PUT", "/api/v4/runners/:id", API_ADMIN, change_runner },
	{ "DELETE", "/api/v4/runners/:id", API_ADMIN, remove_runner },
	{ NULL },
};
