/*
 * Resource groups and their process modes: GitLab's "Resource groups" API. A group is
 * there from the first job on that names it. Its jobs are in jobs.c.
 */
#include "base/str.h"
#include "scheduler/api/listing.h"
#include "scheduler/service_internal.h"

static void
put_group(struct json_writer *w, const struct store_resource_group *g)
{
	json_begin_object(w);
	json_put_int(w, "id", g->id);
	json_put_string(w, "key", g->name);
	json_put_string(w, "process_mode", g->mode);
	entity_put_time(w, "created_at", g->created_us);
	entity_put_time(w, "updated_at", g->updated_us);
	json_end_object(w);
}

static bool
add_group(const struct store_resource_group *row, void *data)
{
	struct reading *r = data;

	put_group(&r->writer, row);
	return true;
}

static int
read_groups(struct store_view *v, struct reading *r, struct error *err)
{
	json_begin_array(&r->writer);
	if (store_list_resource_groups(v, r->id, &r->page, add_group, r, err) < 0)
		return err->code;
	json_end_array(&r->writer);
	return 0;
}

static int
read_group(struct store_view *v, struct reading *r, struct error *err)
{
	struct store_resource_group row;

	if (store_get_resource_group(v, r->id, r->text, r->arena, &row, err) < 0)
		return err->code;
	put_group(&r->writer, &row);
	return 0;
}

static void
list_groups(struct call *c)
{
	struct project *p = api_project(c, 0);
	struct reading *r;

	if (p == NULL)
		return;
	r = reading_new(c, true);
	r->id = p->row.id;
	r->page.ascending = true;
	reading_start(r, read_groups);
}

static void
send_group(struct call *c, const struct project *p, const char *name)
{
	struct reading *r = reading_new(c, false);

	r->id = p->row.id;
	r->text = arena_strdup(r->arena, name);
	reading_start(r, read_group);
}

static void
get_group(struct call *c)
{
	struct project *p = api_project(c, 0);

	if (p != NULL)
		send_group(c, p, c->params[1]);
}

/* ---- changing one ------------------------------------------------------------------ */

struct change {
	struct call *call;
	struct project *project;
	const char *name;
	enum core_process_mode mode;
};

static int
write_mode(struct store_txn *t, void *data, struct error *err)
{
	const struct change *ch = data;
	const struct store_resource_group row = { .project = ch->project->row.id,
		.name = ch->name,
		.mode = core_process_mode_name(ch->mode),
		.updated_us = service_now_us() };

	return store_set_resource_group(t, &row, err);
}

static void
on_in_force(void *data, const struct error *err UNUSED)
{
	struct change *ch = data;

	send_group(ch->call, ch->project, ch->name);
	api_let_go(ch->call);
}

static void
on_written(void *data, const struct error *err)
{
	struct change *ch = data;
	struct call *c = ch->call;
	const struct core_resource_group group = {
		.project = ch->project->row.id, .name = ch->name, .mode = ch->mode
	};

	if (err->code == 0) {
		service_set_resource_group(c->service, &group, on_in_force, ch);
		return;
	}
	if (err->code == ERR_MISSING)
		api_error(c, 404, "404 Not Found");
	else
		api_fail(c, err);
	api_let_go(c);
}

struct fields {
	const char *process_mode;
};

static const struct json_field fields[] = {
	{ JSON_FIELD("process_mode", STRING, struct fields, process_mode) },
	{ NULL },
};
static const struct json_shape shape = { fields, sizeof(struct fields) };

static void
change_group(struct call *c)
{
	struct project *p = api_project(c, 0);
	struct change *ch = arena_alloc(c->arena, sizeof(*ch));
	struct fields q = { .process_mode = NULL };

	if (p == NULL || !api_read(c, &shape, &q))
		return;
	if (q.process_mode == NULL) {
		send_group(c, p, c->params[1]);
		return;
	}
	if (!core_process_mode_parse(q.process_mode, &ch->mode)) {
		api_refuse(c, "process_mode does not have a valid value");
		return;
	}
	ch->call = c;
	ch->project = p;
	ch->name = c->params[1];
	api_hold(c);
	store_write(service_store(c->service), write_mode, on_written, ch);
}

#define GROUPS "/api/v4/projects/:id/resource_groups"

const struct api_route api_resource_group_routes[] = {
	{ "GET", GROUPS, API_READ, list_groups },
	{ "GET", GROUPS "/:group", API_READ, get_group },
	{ "PUT", GROUPS "/:group", API_WRITE, change_group },
	{ NULL },
};
