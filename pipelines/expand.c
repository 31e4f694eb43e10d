/* Expansion in depth, and the search for circles: both follow references. */
#include "pipelines/expand.h"

#include <assert.h>

#include "base/buf.h"
#include "base/map.h"
#include "pipelines/vars_ref.h"

/* The variables being expanded, innermost first. */
struct chain {
	const struct chain *outer;
	const struct var *var;
};

static bool
is_open(const struct chain *chain, const struct var *var)
{
	for (; chain != NULL; chain = chain->outer)
		if (chain->var == var)
			return true;
	return false;
}

struct expansion {
	const struct vars *vars;
	enum expand_unknown unknown;
	struct buf out;
	size_t references, depth;
};

/* Whether one more value may go in. */
static bool
has_room(struct expansion *e, const struct var *var)
{
	return e->references < EXPAND_MAX_REFERENCES && e->depth < EXPAND_MAX_DEPTH &&
	    e->out.len < EXPAND_MAX_BYTES &&
	    strlen(var->value) <= EXPAND_MAX_BYTES - e->out.len;
}

static void expand_into(struct expansion *e, const char *text, const struct chain *chain);

static void
put_reference(struct expansion *e, const struct var_ref *ref, const struct chain *chain)
{
	const struct var *var = NULL;

	if (ref->kind == VAR_REF_ESCAPE) {
		buf_add(&e->out, ref->start, ref->start[0] == '$' ? 1 : ref->len);
		return;
	}
	var = vars_find(e->vars, ref->name, ref->name_len);
	if (var == NULL && e->unknown == EXPAND_DROP)
		return;
	if (var == NULL || is_open(chain, var) || !has_room(e, var)) {
		buf_add(&e->out, ref->start, ref->len);
		return;
	}
	e->references++;
	if (var->raw)
		buf_add_str(&e->out, var->value);
	else
		expand_into(e, var->value, &(struct chain){ chain, var });
}

static void
expand_into(struct expansion *e, const char *text, const struct chain *chain)
{
	struct var_ref ref;

	e->depth++;
	while ((ref = var_ref_next(text)).kind != VAR_REF_NONE) {
		buf_add(&e->out, text, (size_t)(ref.start - text));
		put_reference(e, &ref, chain);
		text = ref.start + ref.len;
	}
	buf_add_str(&e->out, text);
	e->depth--;
}

const char *
expand_deep(
    const struct vars *v, struct arena *a, const char *text, enum expand_unknown unknown)
{
	struct expansion e = { .vars = v, .unknown = unknown, .out = BUF_INIT };
	const char *result;

	if (text == NULL || strpbrk(text, "$%") == NULL)
		return text;
	expand_into(&e, text, NULL);
	result = arena_strndup(a, buf_str(&e.out), e.out.len);
	buf_clear(&e.out);
	return result;
}

/* The search for circles: depth first, each variable entered once. */
struct search {
	const struct vars *vars;
	struct arena *arena;
	struct map seen; /* names whose references have been followed */
	const char *circle;
};

/* "A, B" from the chain that closed at var. */
static const char *
name_circle(struct arena *a, const struct chain *chain, const struct var *var)
{
	const char *text = chain->var->name;

	while (chain->var != var) {
		chain = chain->outer;
		assert(chain != NULL); /* the circle is closed by var */
		text = arena_printf(a, "%s, %s", chain->var->name, text);
	}
	return text;
}

static void
follow(struct search *s, const struct var *var, const struct chain *outer, unsigned depth)
{
	struct chain chain = { outer, var };
	const char *rest = var->value;
	struct var_ref ref;

	if (var->raw || map_has(&s->seen, var->name) || depth > EXPAND_MAX_DEPTH)
		return;
	while (s->circle == NULL && (ref = var_ref_next(rest)).kind != VAR_REF_NONE) {
		const struct var *next = NULL;

		rest = ref.start + ref.len;
		if (ref.kind == VAR_REF_NAME)
			next = vars_find(s->vars, ref.name, ref.name_len);
		if (next == NULL || next == var)
			continue;
		if (is_open(outer, next))
			s->circle = name_circle(s->arena, &chain, next);
		else
			follow(s, next, &chain, depth + 1);
	}
	map_set(&s->seen, var->name, s);
}

const char *
expand_find_circle(const struct vars *v, struct arena *a)
{
	struct search s = { .vars = v, .arena = a, .seen = MAP_INIT };

	for (size_t i = 0; i < v->count && s.circle == NULL; i++) {
		const struct var *item = &v->items[i];

		if (!item->raw && strpbrk(item->value, "$%") != NULL &&
		    vars_get(v, item->name) == item)
			follow(&s, item, NULL, 0);
	}
	map_clear(&s.seen);
	return s.circle;
}
