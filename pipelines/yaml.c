/*
 * From libyaml's events to nodes, in one pass and without recursion: a stack of open
 * lists and maps. Aliases share the node of their anchor; what they would cost written
 * out is in each node's weight, so a billion laughs is refused while it is read.
 */
#include <yaml.h>

#include "base/map.h"
#include "base/str.h"
#include "pipelines/document.h"
#include "pipelines/yaml_blocks.h"
#include "pipelines/yaml_problem.h"
#include "pipelines/yaml_scalar.h"

#define CORE_TAG "tag:yaml.org,2002:"

struct frame {
	struct node *node;
	const char *anchor; /* to be defined when the node is complete; NULL: none */
	/* NODE_MAP: the key whose value comes next */
	bool has_key, merges;
	const char *key;
	struct mark key_mark;
};

struct reader {
	yaml_parser_t parser;
	const char *text;
	size_t len;
	const char *file;
	struct arena *arena;
	struct diags *diags;
	struct frame frames[DOCUMENT_MAX_DEPTH];
	size_t depth;
	struct map anchors; /* of this document: name -> node; the reader itself while the
			       node is not complete */
	bool hides_blocks;  /* the parser reads a text with hidden blocks */
	size_t merged;      /* keys that `<<` has copied */
	struct node **documents;
	size_t count, cap;
};

/* Report, and give up reading this text. */
static int PRINTF(3, 4) fail(struct reader *r, struct mark at, const char *fmt, ...)
{
	cleanup_free char *msg = NULL;
	va_list ap;

	va_start(ap, fmt);
	msg = xvasprintf(fmt, ap);
	va_end(ap);
	diag_error(r->diags, DIAG_SYNTAX, at, NULL, "%s", msg);
	return ERR_INVALID;
}

static struct mark
mark_at(const struct reader *r, const yaml_mark_t *m)
{
	return (struct mark){ r->file, (uint32_t)m->line + 1, (uint32_t)m->column + 1 };
}

/* ---- maps
 * ----------------------------------------------------------------------------*/

/* Written in this map itself, not merged: the anchors it may merge stand before it. */
static bool
is_own(const struct node *map, const struct node_pair *pair)
{
	return pair->key_mark.line > map->mark.line ||
	    (pair->key_mark.line == map->mark.line &&
		pair->key_mark.col >= map->mark.col);
}

static void
set_pair(struct reader *r, struct node *map, const struct frame *f, struct node *value)
{
	const struct node_pair *old = node_get_pair(map, f->key);

	if (old != NULL && is_own(map, old))
		diag_warning(r->diags, DIAG_SHAPE, f->key_mark, NULL,
		    "key \"%s\" is given twice; the value of line %" PRIu32 " is dropped",
		    f->key, old->key_mark.line);
	node_set(r->arena, map, f->key, f->key_mark, value);
}

static bool
same_scalar(const struct node *a, const struct node *b)
{
	return a == b ||
	    (node_is_scalar(a) && a->kind == b->kind && str_eq(a->text, b->text));
}

/* A merged key replaces one written before the `<<`; most people mean the opposite. */
static void
merge_pair(struct reader *r, struct node *map, const struct frame *f,
    const struct node_pair *pair)
{
	const struct node_pair *old = node_get_pair(map, pair->key);

	if (old != NULL && is_own(map, old) && !same_scalar(old->value, pair->value))
		diag_warning(r->diags, DIAG_SHAPE, f->key_mark, NULL,
		    "this `<<` replaces the value of \"%s\" in line %" PRIu32
		    "; keys that should win are written after `<<`",
		    pair->key, old->key_mark.line);
	node_set(r->arena, map, pair->key, pair->key_mark, pair->value);
}

static int
merge_map(
    struct reader *r, struct node *into, const struct frame *f, const struct node *from)
{
	if (from->kind != NODE_MAP)
		return fail(r, f->key_mark,
		    "`<<` merges a map or a list of maps, but this is %s",
		    node_kind_name(from->kind));
	r->merged += from->count;
	if (r->merged > DOCUMENT_MAX_NODES)
		return fail(
		    r, f->key_mark, "`<<` copies more than %zu keys", DOCUMENT_MAX_NODES);
	for (size_t i = 0; i < from->count; i++)
		merge_pair(r, into, f, &from->pairs[i]);
	return 0;
}

/*
 * `<<` as GitLab's loader has it and GitLab's manual documents it ("the latest included
 * key wins"): merged keys replace those before it; in a list an earlier map wins.
 */
static int
merge(struct reader *r, struct node *map, const struct frame *f, const struct node *value)
{
	struct node *sum;

	if (value->kind != NODE_LIST)
		return merge_map(r, map, f, value);
	sum = node_new(r->arena, NODE_MAP, f->key_mark);
	for (size_t i = value->count; i-- > 0;)
		if (merge_map(r, sum, f, value->items[i]) < 0)
			return ERR_INVALID;
	return merge_map(r, map, f, sum);
}

static int
take_key(struct reader *r, struct frame *f, const struct node *key)
{
	if (!node_is_scalar(key))
		return fail(
		    r, key->mark, "a key is a text, not %s", node_kind_name(key->kind));
	f->has_key = true;
	f->key = key->text;
	f->key_mark = key->mark;
	f->merges = str_eq(key->text, "<<");
	return 0;
}

/* A complete node goes where it belongs: into the innermost open one. at: the alias, or
 * the node itself. */
static int
place(struct reader *r, struct node *node, struct mark at)
{
	struct frame *f;
	int rc = 0;

	if (r->depth == 0) {
		ARENA_GROW(r->arena, r->documents, r->count, r->cap);
		r->documents[r->count++] = node;
		return 0;
	}
	f = &r->frames[r->depth - 1];
	if (f->node->kind != NODE_MAP) {
		node_append(r->arena, f->node, node);
	} else if (!f->has_key) {
		return take_key(r, f, node);
	} else {
		f->has_key = false;
		if (f->merges)
			rc = merge(r, f->node, f, node);
		else
			set_pair(r, f->node, f, node);
	}
	if (rc == 0 && f->node->weight > DOCUMENT_MAX_NODES)
		return fail(r, at, "aliases make this file grow to more than %zu values",
		    DOCUMENT_MAX_NODES);
	return rc;
}

/* ---- events
 * --------------------------------------------------------------------------*/

static int
bad_tag(struct reader *r, struct mark at, const char *tag)
{
	bool core = str_starts(tag, CORE_TAG);

	return fail(r, at,
	    "tag `%s%s` is not known; only `!reference [job, key]` may be used",
	    core ? "!!" : "", core ? tag + strlen(CORE_TAG) : tag);
}

/* `!!int` and its like ask for a kind; the text has to be one. */
static int
check_tagged_kind(struct reader *r, struct node *n, const char *tag, const char *text)
{
	static const struct {
		const char *name;
		enum node_kind kind;
	} tags[] = {
		{ "null", NODE_NULL },
		{ "bool", NODE_BOOL },
		{ "int", NODE_INT },
		{ "float", NODE_FLOAT },
	};

	for (size_t i = 0; str_starts(tag, CORE_TAG) && i < ARRAY_LEN(tags); i++) {
		if (!str_eq(tag + strlen(CORE_TAG), tags[i].name))
			continue;
		if (n->kind == NODE_INT && tags[i].kind == NODE_FLOAT) {
			n->kind = NODE_FLOAT;
			n->real = (double)n->integer;
			n->text = yaml_scalar_print_float(r->arena, n->real);
		}
		if (n->kind != tags[i].kind)
			return fail(
			    r, n->mark, "`!!%s` does not fit \"%s\"", tags[i].name, text);
		return 0;
	}
	return bad_tag(r, n->mark, tag);
}

static int
fill_scalar(struct reader *r, struct node *n, const yaml_event_t *event)
{
	char *text = (char *)event->data.scalar.value;
	const char *tag = (const char *)event->data.scalar.tag;
	size_t len = event->data.scalar.length;

	if (r->hides_blocks)
		len = yaml_blocks_show(text, len);
	if (memchr(text, '\0', len) != NULL)
		return fail(r, n->mark, "a text cannot hold a NUL character");
	if (tag == NULL ? !event->data.scalar.plain_implicit
			: str_eq(tag, CORE_TAG "str")) {
		n->kind = NODE_STRING;
		node_set_text(r->arena, n, text, len);
		return 0;
	}
	if (tag != NULL && str_eq(tag, "!reference"))
		return fail(
		    r, n->mark, "`!reference` takes a list: !reference [job, key]");
	yaml_scalar_resolve(r->arena, n, text, len);
	if (tag != NULL)
		return check_tagged_kind(r, n, tag, text);
	if (n->kind == NODE_STRING && yaml_scalar_is_date(text))
		diag_warning(r->diags, DIAG_SHAPE, n->mark, NULL,
		    "GitLab refuses the unquoted date %s; put quotes around it", text);
	return 0;
}

static void
define_anchor(struct reader *r, const char *name, struct node *node)
{
	if (name != NULL)
		map_set(&r->anchors, name, node);
}

static int
on_scalar(struct reader *r, const yaml_event_t *event)
{
	struct frame *f = r->depth > 0 ? &r->frames[r->depth - 1] : NULL;
	const char *anchor = (const char *)event->data.scalar.anchor;
	struct mark mark = mark_at(r, &event->start_mark);
	struct node *node;

	if (f != NULL && f->node->kind == NODE_MAP && !f->has_key && anchor == NULL) {
		/* most keys need no node of their own */
		struct node key = { .mark = mark, .text = "" };

		if (fill_scalar(r, &key, event) < 0)
			return ERR_INVALID;
		return take_key(r, f, &key);
	}
	node = node_new(r->arena, NODE_NULL, mark);
	if (fill_scalar(r, node, event) < 0)
		return ERR_INVALID;
	define_anchor(r, anchor, node);
	return place(r, node, mark);
}

static int
on_alias(struct reader *r, const yaml_event_t *event)
{
	const char *name = (const char *)event->data.alias.anchor;
	struct mark mark = mark_at(r, &event->start_mark);
	void *node = map_get(&r->anchors, name);

	if (node == NULL)
		return fail(r, mark,
		    "alias *%s has no anchor &%s before it in this file; across files use !reference or extends",
		    name, name);
	if (node == r)
		return fail(
		    r, mark, "alias *%s stands inside its own anchor &%s", name, name);
	return place(r, node, mark);
}

static int
open_node(struct reader *r, enum node_kind kind, const yaml_char_t *anchor,
    const yaml_event_t *event)
{
	struct mark mark = mark_at(r, &event->start_mark);

	if (r->depth == DOCUMENT_MAX_DEPTH)
		return fail(
		    r, mark, "nested more than %d levels deep", DOCUMENT_MAX_DEPTH);
	if (anchor != NULL)
		map_set(&r->anchors, (const char *)anchor, r);
	r->frames[r->depth++] = (struct frame){
		.node = node_new(r->arena, kind, mark),
		.anchor = arena_strdup(r->arena, (const char *)anchor),
	};
	return 0;
}

static int
on_collection(struct reader *r, const yaml_event_t *event)
{
	bool map = event->type == YAML_MAPPING_START_EVENT;
	const yaml_char_t *anchor =
	    map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
	const char *tag = (const char *)(map ? event->data.mapping_start.tag
					     : event->data.sequence_start.tag);

	if (tag == NULL || str_eq(tag, map ? CORE_TAG "map" : CORE_TAG "seq"))
		return open_node(r, map ? NODE_MAP : NODE_LIST, anchor, event);
	if (!str_eq(tag, "!reference"))
		return bad_tag(r, mark_at(r, &event->start_mark), tag);
	if (map)
		return fail(r, mark_at(r, &event->start_mark),
		    "`!reference` takes a list: !reference [job, key]");
	return open_node(r, NODE_REFERENCE, anchor, event);
}

static int
close_node(struct reader *r)
{
	struct frame *f = &r->frames[--r->depth];

	define_anchor(r, f->anchor, f->node);
	return place(r, f->node, f->node->mark);
}

static int
on_event(struct reader *r, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return on_scalar(r, event);
	case YAML_ALIAS_EVENT:
		return on_alias(r, event);
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		return on_collection(r, event);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return close_node(r);
	case YAML_DOCUMENT_END_EVENT:
		map_clear(&r->anchors);
		return 0;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_START_EVENT:
		return 0;
	}
	return 0;
}

static int
read_events(struct reader *r)
{
	for (;;) {
		yaml_event_t event;
		bool end;
		int rc;

		if (!yaml_parser_parse(&r->parser, &event)) {
			yaml_problem_report(
			    &r->parser, r->text, r->len, r->file, r->diags);
			return ERR_INVALID;
		}
		end = event.type == YAML_STREAM_END_EVENT;
		rc = on_event(r, &event);
		yaml_event_delete(&event);
		if (rc < 0 || end)
			return rc;
	}
}

int
yaml_parse(const char *text, size_t len, const char *file, struct arena *arena,
    struct diags *diags, struct node ***documents, size_t *count)
{
	struct reader r = { .file = arena_strdup(arena, file),
		.arena = arena,
		.diags = diags,
		.anchors = MAP_INIT };
	cleanup_buf struct buf hidden = BUF_INIT;
	int rc;

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark */
		text += 3;
		len -= 3;
	}
	if (!yaml_problem_check_text(text, len, r.file, diags))
		return ERR_INVALID;
	if (yaml_blocks_hide(text, len, &hidden)) {
		r.hides_blocks = true;
		text = hidden.data;
		len = hidden.len;
	}
	r.text = text;
	r.len = len;
	if (!yaml_parser_initialize(&r.parser))
		abort(); /* out of memory, as xmalloc */
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
	rc = read_events(&r);
	yaml_parser_delete(&r.parser);
	map_clear(&r.anchors);
	if (rc < 0)
		return rc;
	*documents = r.documents;
	*count = r.count;
	return 0;
}
