/*
 * How many jobs wait, by why. Jobs of a lane wait for the same; so do lanes with the same
 * tags and protection whose projects have the same runners; and runners with the same
 * tags differ for them in nothing but how near they are to taking one. So what is
 * compared is not jobs with runners, but kinds of the one with kinds of the other, each
 * pair once.
 */
#include "base/arena.h"
#include "scheduler/core_internal.h"

/* Runners of one scope that no lane can tell apart. */
struct kind {
	const struct runner *like;
	enum core_wait_code reach; /* of the nearest */
	struct kind *next;
};

/* Those a scope has. */
struct kinds {
	struct kind *first;
	int64_t number; /* it goes by in keys */
};

struct answer {
	enum core_wait_code code;
};

struct count {
	const struct core *core;
	struct arena *arena;
	struct map kinds, scopes, answers; /* of struct kind, kinds, answer */
	bool any;                          /* there is a runner at all */
	bool any_takes;                    /* one that nobody described */
};

static const char *
scope_key(struct count *c, const struct core_scope *scope)
{
	return arena_printf(c->arena, "%d %" PRId64, (int)scope->kind,
	    scope->kind == CORE_SCOPE_ALL ? 0 : scope->id);
}

static struct kinds *
kinds_of(struct count *c, const char *scope)
{
	struct kinds *all = map_get(&c->scopes, scope);

	if (all != NULL)
		return all;
	all = arena_alloc(c->arena, sizeof(*all));
	all->number = (int64_t)c->scopes.count;
	map_set(&c->scopes, scope, all);
	return all;
}

static void
add_kind(struct count *c, const struct runner *r, const struct core_scope *scope)
{
	cleanup_buf struct buf key = BUF_INIT;
	const char *where = scope_key(c, scope);
	enum core_wait_code reach = core_runner_reach(c->core, r);
	struct kinds *all;
	struct kind *kind;

	buf_printf(&key, "%s %d %d ", where, r->pub.run_untagged, r->pub.only_protected);
	for (size_t i = 0; i < r->tags.count; i++)
		buf_printf(&key, "%zu:%s", strlen(r->tags.items[i]->name),
		    r->tags.items[i]->name);
	kind = map_get(&c->kinds, buf_str(&key));
	if (kind == NULL) {
		all = kinds_of(c, where);
		kind = arena_alloc(c->arena, sizeof(*kind));
		*kind = (struct kind){ r, reach, all->first };
		all->first = kind;
		map_set(&c->kinds, buf_str(&key), kind);
	}
	if (reach > kind->reach)
		kind->reach = reach;
}

static void
add_runners(struct count *c)
{
	idmap_for_each(e, &c->core->runners) {
		const struct runner *r = e->value;

		if (r->gone)
			continue;
		c->any = true;
		if (!r->described)
			c->any_takes = true;
		for (size_t i = 0; r->described && i < r->pub.scope_count; i++)
			add_kind(c, r, &r->pub.scopes[i]);
	}
}

/* The scopes of a project that have runners. */
struct reachable {
	struct kinds **scopes;
	size_t count;
	char *key;
};

static void
add_scope(struct count *c, struct reachable *to, struct core_scope scope)
{
	struct kinds *all = map_get(&c->scopes, scope_key(c, &scope));

	if (all == NULL)
		return;
	to->scopes[to->count++] = all;
	to->key = arena_printf(c->arena, "%s%" PRId64 ",", to->key, all->number);
}

static void
reachable_of(struct count *c, const struct core_project *project, struct reachable *out)
{
	*out = (struct reachable){ .key = arena_strdup(c->arena, "") };
	out->scopes =
	    arena_calloc(c->arena, project->group_count + 2, sizeof(struct kinds *));
	add_scope(c, out, (struct core_scope){ CORE_SCOPE_ALL, 0 });
	for (size_t i = 0; i < project->group_count; i++)
		add_scope(
		    c, out, (struct core_scope){ CORE_SCOPE_GROUP, project->groups[i] });
	add_scope(c, out, (struct core_scope){ CORE_SCOPE_PROJECT, project->id });
}

static enum core_wait_code
nearest(struct count *c, const struct lane *lane, const struct reachable *reachable)
{
	enum core_wait_code best = c->any ? CORE_WAIT_SCOPE : CORE_WAIT_NO_RUNNER;

	for (size_t i = 0; i < reachable->count; i++)
		for (const struct kind *k = reachable->scopes[i]->first; k != NULL;
		     k = k->next) {
			enum core_wait_code at = core_runner_refusal(k->like, lane);

			if (at == CORE_WAIT_NONE)
				at = k->reach;
			best = at > best ? at : best;
		}
	return best;
}

/* Parked: a tag nobody has needs no search. */
static enum core_wait_code
lane_code(struct count *c, const struct lane *lane, const struct reachable *reachable)
{
	const char *rest = strchr(lane->key, ' '); /* protection and tags */
	const char *key;
	struct answer *known;

	if (c->any_takes)
		return CORE_WAIT_QUEUE;
	if (lane->parked_for != NULL && reachable->count > 0)
		return CORE_WAIT_TAG;
	key = arena_printf(c->arena, "%s%s", reachable->key, rest);
	known = map_get(&c->answers, key);
	if (known == NULL) {
		known = arena_alloc(c->arena, sizeof(*known));
		known->code = nearest(c, lane, reachable);
		map_set(&c->answers, key, known);
	}
	return known->code;
}

void
core_count_waits(const struct core *core, size_t counts[CORE_WAIT_COUNT])
{
	cleanup_arena struct arena *arena = arena_new();
	struct count c = { .core = core, .arena = arena };
	struct reachable reachable;

	memset(counts, 0, CORE_WAIT_COUNT * sizeof(counts[0]));
	counts[CORE_WAIT_RESOURCE] = core->counts.waiting_for_resource;
	counts[CORE_WAIT_TIME] = core->counts.scheduled;
	counts[CORE_WAIT_ACCEPTANCE] = core->counts.unaccepted;
	add_runners(&c);
	idmap_for_each(e, &core->projects) {
		const struct project *project = e->value;

		if (project->lanes == NULL)
			continue;
		reachable_of(&c, &project->pub, &reachable);
		for (const struct lane *lane = project->lanes; lane != NULL;
		     lane = lane->next)
			counts[core_limited(
			    core, project, lane_code(&c, lane, &reachable))] +=
			    ranked_count(&lane->jobs);
	}
	map_clear(&c.kinds);
	map_clear(&c.scopes);
	map_clear(&c.answers);
}
