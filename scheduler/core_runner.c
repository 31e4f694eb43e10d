/* Runners: what each may take, and whether it waits for a job. */
#include "scheduler/core_internal.h"

/* It has been offered all there is; only what changes from here on is news. */
void
core_runner_seen(struct core *core, struct runner *r)
{
	if (!r->fresh)
		return;
	if (r->next_fresh != NULL)
		r->next_fresh->prev_fresh = r->prev_fresh;
	else
		core->last_fresh = r->prev_fresh;
	if (r->prev_fresh != NULL)
		r->prev_fresh->next_fresh = r->next_fresh;
	else
		core->first_fresh = r->next_fresh;
	r->next_fresh = r->prev_fresh = NULL;
	r->fresh = false;
}

static void
make_fresh(struct core *core, struct runner *r)
{
	if (r->fresh)
		return;
	r->fresh = true;
	r->prev_fresh = core->last_fresh;
	if (r->prev_fresh != NULL)
		r->prev_fresh->next_fresh = r;
	else
		core->first_fresh = r;
	core->last_fresh = r;
}

static void
rise(struct core *core, struct runner *r)
{
	if (!r->ready)
		return;
	for (size_t i = 0; i < r->seat_count; i++)
		core_rise(&r->seats[i], r->pub.only_protected);
	r->ready = false;
	core_runner_seen(core, r);
}

static void
sit(struct core *core, struct runner *r)
{
	r->arrival = ++core->arrivals;
	for (size_t i = 0; i < r->seat_count; i++)
		core_sit(&r->seats[i], r->pub.only_protected);
	r->ready = true;
	make_fresh(core, r);
}

/* Its requests or jobs have changed: it waits, at the end of the line, or it does not. */
void
core_update_runner(struct core *core, struct runner *r)
{
	bool ready = r->requests > 0 && !r->gone && !r->pub.paused &&
	    (r->pub.limit == 0 || r->running < r->pub.limit);

	if (ready == r->ready)
		return;
	rise(core, r);
	if (ready)
		sit(core, r);
}

/* After each job it goes to the end of the line, so that all get their share. */
void
core_runner_served(struct core *core, struct runner *r)
{
	rise(core, r);
	core_update_runner(core, r);
}

static void
add_seat(struct runner *r, struct post *post)
{
	r->seats = xreallocarray(r->seats, r->seat_count + 1, sizeof(*r->seats));
	r->seats[r->seat_count++] = (struct seat){ .runner = r, .post = post };
}

static void
add_seats(struct core *core, struct runner *r)
{
	if (!r->described) {
		add_seat(r, core_post_of_all(core));
		return;
	}
	for (size_t i = 0; i < r->pub.scope_count; i++) {
		const struct core_scope *scope = &r->pub.scopes[i];

		for (size_t k = 0; k < r->tags.count; k++)
			add_seat(r, core_post(core, scope, r->tags.items[k]));
		if (r->pub.run_untagged)
			add_seat(r, core_post(core, scope, NULL));
	}
}

/* It must not be ready. */
static void
drop_seats(struct core *core, struct runner *r)
{
	for (size_t i = 0; i < r->seat_count; i++)
		core_release_post(core, r->seats[i].post);
	free(r->seats);
	r->seats = NULL;
	r->seat_count = 0;
}

static void
forget_description(struct core *core, struct runner *r)
{
	drop_seats(core, r);
	for (size_t i = 0; i < r->tags.count; i++)
		r->tags.items[i]->runners--;
	core_release_tags(core, &r->tags);
	free((void *)(uintptr_t)r->pub.name);
	free((void *)(uintptr_t)r->pub.scopes);
	r->pub.name = NULL;
	r->pub.scopes = NULL;
}

struct runner *
core_get_runner(struct core *core, int64_t id)
{
	struct runner *r = idmap_get(&core->runners, id);

	if (r != NULL)
		return r;
	r = xcalloc(1, sizeof(*r));
	r->pub.id = id;
	idmap_set(&core->runners, id, r);
	return r;
}

void
core_runner_free(struct core *core, struct runner *r)
{
	core->counts.requests -= r->requests;
	rise(core, r);
	forget_description(core, r);
	free(r);
}

void
core_drop_runner(struct core *core, struct runner *r)
{
	if (r->running > 0 || r->requests > 0 || (r->described && !r->gone))
		return;
	idmap_remove(&core->runners, r->pub.id);
	core_runner_free(core, r);
}

static void
describe(struct core *core, struct runner *r, const struct core_runner *says)
{
	static const struct core_scope everywhere = { CORE_SCOPE_ALL, 0 };
	const struct core_scope *scopes =
	    says->scope_count == 0 ? &everywhere : says->scopes;
	size_t count = says->scope_count == 0 ? 1 : says->scope_count;

	r->pub = *says;
	r->pub.tags = (struct strs){ NULL, 0 }; /* see r->tags */
	r->pub.name = xstrdup(says->name == NULL ? "" : says->name);
	r->pub.scopes = xmemdup(scopes, count * sizeof(*scopes));
	r->pub.scope_count = count;
	r->tags = core_tags(core, &says->tags);
	r->described = true;
	r->gone = false;
	add_seats(core, r);
	for (size_t i = 0; i < r->tags.count; i++)
		if (r->tags.items[i]->runners++ == 0)
			core_unpark(core, r->tags.items[i]);
}

void
core_describe_runner(struct core *core, const struct core_runner *says)
{
	struct runner *r = core_get_runner(core, says->id);

	core->any_described = true;
	rise(core, r);
	forget_description(core, r);
	describe(core, r, says);
	core_update_runner(core, r);
}

int
core_runner_gone(struct core *core, int64_t id, struct error *err)
{
	struct runner *r = idmap_get(&core->runners, id);

	if (r == NULL || r->gone)
		return error_set(err, ERR_INVALID, "there is no runner %" PRId64, id);
	r->gone = true;
	core->counts.requests -= r->requests;
	r->requests = 0;
	core_update_runner(core, r);
	core_drop_runner(core, r);
	return 0;
}

void
core_heard_of(struct core *core, int64_t id)
{
	struct runner *r = idmap_get(&core->runners, id);

	if (r != NULL && core->now_us + core->limits.online_us > r->pub.online_until_us)
		r->pub.online_until_us = core->now_us + core->limits.online_us;
}

int
core_request(struct core *core, int64_t id, struct error *err)
{
	struct runner *r = idmap_get(&core->runners, id);

	if (core->any_described && (r == NULL || r->gone || !r->described))
		return error_set(err, ERR_INVALID, "there is no runner %" PRId64, id);
	r = core_get_runner(core, id);
	if (!r->described && r->seats == NULL) {
		add_seats(core, r);
		core->takes_all = true;
		core_unpark_all(core);
	}
	r->requests++;
	core->counts.requests++;
	core_heard_of(core, id);
	core_update_runner(core, r);
	return 0;
}

void
core_withdraw(struct core *core, int64_t id)
{
	struct runner *r = idmap_get(&core->runners, id);

	if (r == NULL || r->requests == 0)
		return;
	r->requests--;
	core->counts.requests--;
	core_update_runner(core, r);
}
