/*
 * Each job is resolved once, its parents first, so that thousands of jobs that extend
 * one template cost one merge each. The search for parents never goes deeper than they
 * may be nested, so neither cycles nor long chains cost stack.
 */
#include "pipelines/extends.h"

#include "base/str.h"
#include "pipelines/document.h"
#include "pipelines/merge.h"
#include "pipelines/suggest.h"

enum state { UNSEEN, OPEN, DONE, FAILED };

struct entry {
	enum state state;
	unsigned depth; /* levels of parents above it */
};

struct extender {
	struct node *root;
	struct arena *arena;
	struct diags *diags;
	struct merge merge;
	bool incomplete;
	struct entry *entries; /* one per pair of the root */
	size_t path[EXTENDS_MAX_DEPTH + 2];
	size_t level; /* entries in path */
};

static const char *
path_text(const struct extender *e, size_t from, size_t last)
{
	cleanup_buf struct buf text = BUF_INIT;

	for (size_t i = from; i < e->level; i++)
		buf_printf(&text, "%s -> ", e->root->pairs[e->path[i]].key);
	buf_add_str(&text, e->root->pairs[last].key);
	return arena_strdup(e->arena, buf_str(&text));
}

static int
fail_cycle(struct extender *e, size_t again, struct mark at)
{
	size_t from = 0;

	while (e->path[from] != again)
		from++;
	diag_error(e->diags, DIAG_LOGIC, at, e->root->pairs[again].key,
	    "circular dependency detected in `extends`: %s", path_text(e, from, again));
	return ERR_INVALID;
}

static int
fail_depth(struct extender *e, const char *job, struct mark at)
{
	diag_error(e->diags, DIAG_LOGIC, at, job,
	    "nesting too deep in `extends`: at most %d levels of parents",
	    EXTENDS_MAX_DEPTH);
	return ERR_INVALID;
}

static int
fail_unknown(struct extender *e, const char *job, const struct node *name)
{
	if (!e->incomplete)
		diag_error(e->diags, DIAG_LOGIC, name->mark, job,
		    "unknown keys in `extends` (%s): no job has that name%s", name->text,
		    suggest_key(e->diags, e->root, name->text));
	return ERR_INVALID;
}

static int resolve_entry(struct extender *e, size_t i, struct mark at);

/* Merge what one name in `extends` stands for over base. */
static int
add_parent(struct extender *e, size_t child, const struct node *name, struct node **base)
{
	const char *job = e->root->pairs[child].key;
	const struct node_pair *parent;
	size_t i;

	if (!node_is(name, NODE_STRING)) {
		diag_error(e->diags, DIAG_SHAPE, name->mark, job,
		    "`extends` should be a string or a list of strings, but has %s",
		    node_kind_name(name->kind));
		return ERR_INVALID;
	}
	parent = node_get_pair(e->root, name->text);
	if (parent == NULL)
		return fail_unknown(e, job, name);
	i = (size_t)(parent - e->root->pairs);
	if (resolve_entry(e, i, name->mark) < 0)
		return ERR_INVALID;
	if (!node_is(parent->value, NODE_MAP)) {
		diag_error(e->diags, DIAG_LOGIC, name->mark, job,
		    "invalid base hashes in `extends` (%s): it is %s, not a job",
		    name->text, node_kind_name(parent->value->kind));
		return ERR_INVALID;
	}
	if (e->entries[i].depth + 1 > e->entries[child].depth)
		e->entries[child].depth = e->entries[i].depth + 1;
	*base =
	    *base == NULL ? parent->value : merge_nodes(&e->merge, *base, parent->value);
	return 0;
}

/* All parents, merged in order; every wrong one gets its finding. */
static int
merge_parents(struct extender *e, size_t i, const struct node *names, struct node **base)
{
	int rc = 0;

	if (node_is_null(names))
		return 0;
	if (names->kind != NODE_LIST)
		return add_parent(e, i, names, base);
	for (size_t k = 0; k < names->count && e->merge.work <= MERGE_MAX_WORK; k++)
		if (add_parent(e, i, names->items[k], base) < 0)
			rc = ERR_INVALID;
	return rc;
}

/* The job's own keys over its parents', without `extends`. */
static struct node *
merge_own(struct extender *e, const struct node *own, const struct node *base)
{
	struct node *sum = base == NULL ? node_new(e->arena, NODE_MAP, own->mark)
					: node_copy(e->arena, base);

	sum->mark = own->mark;
	e->merge.work += sum->count + own->count;
	for (size_t i = 0; i < own->count; i++) {
		const struct node_pair *pair = &own->pairs[i];

		if (!str_eq(pair->key, "extends"))
			node_set(e->arena, sum, pair->key, pair->key_mark,
			    merge_nodes(
				&e->merge, node_get(sum, pair->key), pair->value));
	}
	return sum;
}

static int
check_size(struct extender *e, const char *job, struct mark at)
{
	if (e->root->weight > DOCUMENT_MAX_NODES)
		diag_error(e->diags, DIAG_LOGIC, at, job,
		    "`extends` makes the pipeline grow to more than %zu values",
		    DOCUMENT_MAX_NODES);
	else if (e->merge.work > MERGE_MAX_WORK)
		diag_error(e->diags, DIAG_LOGIC, at, job,
		    "`extends` merges more than %zu keys", MERGE_MAX_WORK);
	else
		return 0;
	return ERR_LIMIT;
}

static int
extend(struct extender *e, size_t i, const struct node_pair *extends)
{
	struct node_pair *pair = &e->root->pairs[i];
	struct node *base = NULL;

	if (merge_parents(e, i, extends->value, &base) < 0)
		return ERR_INVALID;
	if (e->entries[i].depth > EXTENDS_MAX_DEPTH)
		return fail_depth(e, pair->key, extends->key_mark);
	node_replace_pair(e->root, i, merge_own(e, pair->value, base));
	return check_size(e, pair->key, extends->key_mark);
}

/* at: where it is named, for findings. */
static int
resolve_entry(struct extender *e, size_t i, struct mark at)
{
	const struct node_pair *extends =
	    node_get_pair(e->root->pairs[i].value, "extends");
	struct entry *entry = &e->entries[i];
	int rc;

	if (entry->state == OPEN)
		return fail_cycle(e, i, at);
	if (entry->state == FAILED)
		return ERR_INVALID;
	if (entry->state == DONE || extends == NULL ||
	    document_is_keyword(e->root->pairs[i].key)) {
		entry->state = DONE;
		return 0;
	}
	if (e->level > EXTENDS_MAX_DEPTH)
		return fail_depth(e, e->root->pairs[e->path[0]].key, at);
	e->path[e->level++] = i;
	entry->state = OPEN;
	rc = extend(e, i, extends);
	entry->state = rc < 0 ? FAILED : DONE;
	e->level--;
	return rc;
}

int
extends_resolve(
    struct node *root, bool incomplete, struct arena *arena, struct diags *diags)
{
	struct extender e = { .root = root,
		.arena = arena,
		.diags = diags,
		.merge = { .arena = arena },
		.incomplete = incomplete,
		.entries = arena_calloc(arena, root->count, sizeof(struct entry)) };

	for (size_t i = 0; i < root->count; i++)
		if (resolve_entry(&e, i, root->pairs[i].key_mark) == ERR_LIMIT)
			return ERR_LIMIT;
	return 0;
}
