/*
 * The walk over a body. Shared nodes are visited once and stay shared; texts without a
 * block, which are most, are not touched.
 */
#include "pipelines/interpolate.h"

#include "base/str.h"
#include "pipelines/document.h"
#include "pipelines/interpolate_block.h"
#include "pipelines/memo.h"
#include "pipelines/node_json.h"

/* Of a list or map written into a text, which holds no more than a megabyte. */
#define MAX_TEXT_WEIGHT 65536
#define MAX_TEXT_DEPTH (JSON_WRITER_DEPTH - 1)

struct walk {
	const struct interpolation *in;
	struct memo memo;
	size_t bytes; /* of texts made so far */
	bool full;    /* more than allowed: nothing more is replaced */
	size_t errors;
};

static struct node *walk_node(struct walk *w, struct node *n);

static void
complain(struct walk *w, struct mark at, const char *msg)
{
	w->errors++;
	diag_error(w->in->diags, DIAG_LOGIC, at, NULL, "%s", msg);
}

/* ---- texts
 * ---------------------------------------------------------------------------*/

static void
add_value(struct buf *out, const struct node *value)
{
	struct json_writer json = JSON_WRITER_INIT(out);

	if (node_is_scalar(value) && value->kind != NODE_NULL)
		buf_add_str(out, value->text);
	else
		node_json(&json, value);
}

/* One block's value added to out; false after a finding. */
static bool
add_block(struct walk *w, const struct block *b, struct mark at, struct buf *out)
{
	struct error err = ERROR_INIT;
	const struct node *value;

	if (block_is_matrix(b)) {
		buf_add(out, b->start, b->len);
		return true;
	}
	value = block_evaluate(w->in, b, &err);
	if (value == NULL) {
		complain(w, at, err.msg);
		return false;
	}
	if (value->weight > MAX_TEXT_WEIGHT || value->depth > MAX_TEXT_DEPTH) {
		complain(w, at, "the value is too large to be written into a text");
		return false;
	}
	add_value(out, value);
	return true;
}

/* The text with all its blocks replaced, in the arena; itself when there are none. */
static const char *
replace_blocks(struct walk *w, const char *text, struct mark at)
{
	cleanup_buf struct buf out = BUF_INIT;
	const char *p = text, *limit = text + strlen(text);
	struct block b;

	while (!w->full && block_find(p, limit, &b)) {
		buf_add(&out, p, (size_t)(b.start - p));
		if (!add_block(w, &b, at, &out))
			return text;
		if (out.len > INTERPOLATE_MAX_TEXT) {
			complain(w, at, "a text is larger than 1 MB after interpolation");
			return text;
		}
		p = b.start + b.len;
	}
	if (p == text)
		return text;
	buf_add_str(&out, p);
	w->bytes += out.len;
	if (w->bytes > INTERPOLATE_MAX_TOTAL) {
		w->full = true;
		complain(w, at, "the file is too large after interpolation");
	}
	return arena_strdup(w->in->arena, buf_str(&out));
}

static struct node *
walk_text(struct walk *w, struct node *n)
{
	struct error err = ERROR_INIT;
	struct node *value;
	const char *text;
	struct block b;

	if (!block_find(n->text, n->text + strlen(n->text), &b))
		return n;
	if (b.start != n->text || b.start[b.len] != '\0' || block_is_matrix(&b)) {
		text = replace_blocks(w, n->text, n->mark);
		return text == n->text ? n : node_new_string(w->in->arena, text, n->mark);
	}
	value = block_evaluate(w->in, &b, &err);
	if (value == NULL) {
		complain(w, n->mark, err.msg);
		return n;
	}
	if (node_is_scalar(
		value)) { /* findings are to point here, not where it was given */
		value = node_copy(w->in->arena, value);
		value->mark = n->mark;
	}
	return value;
}

/* ---- lists and maps
 * ------------------------------------------------------------------*/

static struct node *
walk_list(struct walk *w, struct node *list)
{
	struct node *copy = NULL;

	for (size_t i = 0; i < list->count; i++) {
		struct node *item = walk_node(w, list->items[i]);

		if (item == list->items[i])
			continue;
		if (copy == NULL)
			copy = node_copy(w->in->arena, list);
		node_replace_item(copy, i, item);
	}
	return copy == NULL ? list : copy;
}

/* Keys may change, and become equal. */
static struct node *
walk_map(struct walk *w, struct node *map)
{
	struct node *copy = node_new(w->in->arena, NODE_MAP, map->mark);
	bool changed = false;

	for (size_t i = 0; i < map->count; i++) {
		const struct node_pair *pair = &map->pairs[i];
		const char *key = replace_blocks(w, pair->key, pair->key_mark);
		struct node *value = walk_node(w, pair->value);

		changed = changed || key != pair->key || value != pair->value;
		node_set(w->in->arena, copy, key, pair->key_mark, value);
	}
	return changed ? copy : map;
}

static struct node *
walk_node(struct walk *w, struct node *n)
{
	struct node *done;

	if (n->kind == NODE_STRING)
		return walk_text(w, n);
	if (node_is_scalar(n) || n->count == 0)
		return n;
	done = memo_get(&w->memo, n, 0);
	if (done != NULL)
		return done;
	done = n->kind == NODE_MAP ? walk_map(w, n) : walk_list(w, n);
	memo_set(&w->memo, n, 0, done);
	return done;
}

struct node *
interpolate_node(const struct interpolation *in, struct node *body)
{
	struct walk w = { .in = in, .memo = MEMO_INIT };
	struct node *done = walk_node(&w, body);

	memo_clear(&w.memo);
	if (w.errors > 0)
		return NULL;
	if (done->weight > DOCUMENT_MAX_NODES || done->depth > DOCUMENT_MAX_DEPTH) {
		complain(&w, body->mark, "the file is too large after interpolation");
		return NULL;
	}
	return done;
}
