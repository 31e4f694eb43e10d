/*
 * A walk over the parts of the document that hold references. What was resolved is
 * remembered by node, so shared parts and chains of references cost once.
 */
#include "pipelines/reference.h"

#include <assert.h>

#include "pipelines/document.h"
#include "pipelines/memo.h"
#include "pipelines/suggest.h"

#define MAX_LEVELS 1000 /* of lists, maps and references in each other */

struct resolver {
	struct node *root;
	struct arena *arena;
	struct diags *diags;
	bool incomplete;
	struct memo memo;           /* node -> what became of it, or &open */
	struct node open;           /* stands for: being resolved right now */
	const struct node *current; /* the innermost reference being followed */
	unsigned level;
	const char *job; /* for findings */
};

static struct node *resolve(struct resolver *r, struct node *n);

static const char *
show(const struct resolver *r, const struct node *ref)
{
	cleanup_buf struct buf text = BUF_INIT;

	assert(ref != NULL);
	buf_add_str(&text, "!reference [");
	for (size_t i = 0; i < ref->count; i++) {
		buf_add_str(&text, i > 0 ? ", " : "");
		buf_printf(&text, "\"%s\"", ref->items[i]->text);
	}
	buf_add_char(&text, ']');
	return arena_strdup(r->arena, buf_str(&text));
}

static bool
is_valid(const struct node *ref)
{
	for (size_t i = 0; i < ref->count; i++)
		if (!node_is(ref->items[i], NODE_STRING) || *ref->items[i]->text == '\0')
			return false;
	return ref->count > 0;
}

static void
not_found(
    struct resolver *r, const struct node *ref, const struct node *where, size_t part)
{
	const char *name = ref->items[part]->text;

	if (r->incomplete)
		return;
	if (node_is(where, NODE_MAP) && node_get_pair(where, name) == NULL)
		diag_error(r->diags, DIAG_LOGIC, ref->mark, r->job,
		    "%s could not be found: there is no \"%s\"%s%s%s", show(r, ref), name,
		    part > 0 ? " in " : "", part > 0 ? ref->items[part - 1]->text : "",
		    suggest_key(r->diags, where, name));
	else if (node_is(where, NODE_MAP))
		diag_error(r->diags, DIAG_LOGIC, ref->mark, r->job,
		    "%s could not be found: the value is null or false", show(r, ref));
	else
		diag_error(r->diags, DIAG_LOGIC, ref->mark, r->job,
		    "%s could not be found: \"%s\" is %s, not a map", show(r, ref),
		    ref->items[part - 1]->text, node_kind_name(where->kind));
}

/* The value at the reference's path, as it stands in the document; NULL after a finding.
 */
static struct node *
look_up(struct resolver *r, const struct node *ref)
{
	struct node *at = r->root;

	for (size_t i = 0; i < ref->count; i++) {
		struct node *next = node_get(at, ref->items[i]->text);

		if (node_is_null(next) || (next->kind == NODE_BOOL && !next->boolean)) {
			not_found(r, ref, at, i);
			return NULL;
		}
		at = next;
	}
	return at;
}

static struct node *
resolve_reference(struct resolver *r, struct node *ref)
{
	const struct node *outer = r->current;
	struct node *target;

	if (!is_valid(ref)) {
		diag_error(r->diags, DIAG_SHAPE, ref->mark, r->job,
		    "%s is not valid: it takes names, as in !reference [job, script]",
		    show(r, ref));
		return ref;
	}
	target = look_up(r, ref);
	if (target == NULL)
		return ref;
	r->current = ref;
	target = resolve(r, target);
	r->current = outer;
	return target;
}

static struct node *
resolve_list(struct resolver *r, const struct node *list)
{
	struct node *copy = node_new(r->arena, NODE_LIST, list->mark);

	for (size_t i = 0; i < list->count; i++)
		node_append(r->arena, copy, resolve(r, list->items[i]));
	return copy;
}

static struct node *
resolve_map(struct resolver *r, const struct node *map)
{
	struct node *copy = node_new(r->arena, NODE_MAP, map->mark);

	for (size_t i = 0; i < map->count; i++) {
		const struct node_pair *pair = &map->pairs[i];

		if (map == r->root)
			r->job = document_is_keyword(pair->key) ? NULL : pair->key;
		node_set(
		    r->arena, copy, pair->key, pair->key_mark, resolve(r, pair->value));
	}
	return copy;
}

static struct node *
resolve_open(struct resolver *r, struct node *n)
{
	if (++r->level > MAX_LEVELS) {
		diag_error(r->diags, DIAG_LOGIC, n->mark, r->job,
		    "!reference leads more than %d levels deep", MAX_LEVELS);
		return n;
	}
	switch (n->kind) {
	case NODE_REFERENCE:
		return resolve_reference(r, n);
	case NODE_LIST:
		return resolve_list(r, n);
	case NODE_MAP:
		return resolve_map(r, n);
	case NODE_NULL:
	case NODE_BOOL:
	case NODE_INT:
	case NODE_FLOAT:
	case NODE_STRING:
		break;
	}
	return n;
}

/* What n becomes: after a finding, itself. */
static struct node *
resolve(struct resolver *r, struct node *n)
{
	struct node *done;

	if (!n->has_reference)
		return n;
	done = memo_get(&r->memo, n, 0);
	if (done != NULL) {
		if (done != &r->open)
			return done;
		assert(r->current != NULL); /* what is open was opened by a reference */
		diag_error(r->diags, DIAG_LOGIC, r->current->mark, r->job,
		    "%s is part of a circular chain", show(r, r->current));
		return n;
	}
	memo_set(&r->memo, n, 0, &r->open);
	done = resolve_open(r, n);
	r->level--;
	memo_set(&r->memo, n, 0, done);
	return done;
}

struct node *
reference_resolve(
    struct node *root, bool incomplete, struct arena *arena, struct diags *diags)
{
	struct resolver r = { .root = root,
		.arena = arena,
		.diags = diags,
		.incomplete = incomplete,
		.memo = MEMO_INIT };
	struct node *done = resolve(&r, root);

	memo_clear(&r.memo);
	if (done->weight <= DOCUMENT_MAX_NODES && done->depth <= DOCUMENT_MAX_DEPTH)
		return done;
	diag_error(diags, DIAG_LOGIC, root->mark, NULL,
	    "!reference makes the pipeline grow to more than %zu values or %d levels",
	    DOCUMENT_MAX_NODES, DOCUMENT_MAX_DEPTH);
	return NULL;
}
