/*
 * Nodes as YAML: block style, plain texts where reading them again gives the same text,
 * quotes elsewhere, literal blocks for several lines. What the parser made is written
 * so that the parser makes it again.
 */
#include <ctype.h>

#include "base/str.h"
#include "pipelines/document.h"
#include "pipelines/yaml_blocks.h"
#include "pipelines/yaml_scalar.h"

#define STEP 2
#define SIMPLE_KEY_MAX ((size_t)256) /* libyaml takes no longer ones before a colon */

struct emitter {
	struct buf *out;
	struct arena *scratch;
};

/* started: the first line's indentation is there already, and a dash. */
static void emit_block(
    struct emitter *e, const struct node *n, size_t indent, bool started);

static void
add_indent(struct buf *out, size_t indent)
{
	for (size_t i = 0; i < indent; i++)
		buf_add_char(out, ' ');
}

/* ---- texts
 * ---------------------------------------------------------------------------*/

/* Characters YAML would break a line at or refuse: to be escaped in double quotes. */
static bool
needs_escape(const unsigned char *p)
{
	if (*p < 0x20)
		return *p != '\n' && *p != '\t';
	if (*p == 0x7f)
		return true;
	if (*p == 0xc2)
		return p[1] < 0xa0; /* C1 controls, next line */
	if (*p == 0xe2)
		return p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9);
	if (*p == 0xef)
		return (p[1] == 0xbb && p[2] == 0xbf) || (p[1] == 0xbf && p[2] >= 0xbe);
	return false;
}

static bool
any_needs_escape(const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++)
		if (needs_escape(p))
			return true;
	return false;
}

/* A number as a key is its text, so it needs no quotes. */
static bool
resolves_to_itself(struct emitter *e, const char *text, bool key)
{
	struct node n = { .kind = NODE_NULL };

	yaml_scalar_resolve(e->scratch, &n, text, strlen(text));
	return (n.kind == NODE_STRING || (key && str_eq(n.text, text))) &&
	    !yaml_scalar_is_date(text);
}

/* Neither an indicator nor the start of one. */
static bool
starts_plain(const char *text)
{
	if (*text == '-' || *text == '?' || *text == ':')
		return text[1] != '\0' && !isspace((unsigned char)text[1]) &&
		    !str_starts(text, "---");
	return *text != '\0' && strchr(",[]{}#&*!|>'\"%@`", *text) == NULL &&
	    !str_starts(text, "...") && !str_eq(text, "<<");
}

/* A block that begins here and does not end: with a "]]" further on in the line the
 * parser would take all up to there for one. */
static bool
has_open_block(const char *text)
{
	const char *end = text + strlen(text), *last = NULL;

	for (const char *p = text; (p = yaml_blocks_open(p, end)) != NULL; p++)
		last = p;
	return last != NULL && yaml_blocks_close(last, end) == NULL;
}

/* Single quotes would not keep it. */
static bool
needs_double_quotes(const char *text, bool key)
{
	return strpbrk(text, "\n\t") != NULL || any_needs_escape(text) ||
	    (key && has_open_block(text));
}

/* May stand without quotes, in a block or as a key. */
static bool
is_plain(struct emitter *e, const char *text, bool key)
{
	size_t len = strlen(text);

	if (!starts_plain(text) || isspace((unsigned char)*text) ||
	    isspace((unsigned char)text[len - 1]) || text[len - 1] == ':')
		return false;
	return !needs_double_quotes(text, key) && strstr(text, ": ") == NULL &&
	    strstr(text, " #") == NULL && resolves_to_itself(e, text, key);
}

static void
add_single_quoted(struct buf *out, const char *text)
{
	buf_add_char(out, '\'');
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			buf_add_char(out, '\'');
		buf_add_char(out, *text);
	}
	buf_add_char(out, '\'');
}

/* One character as an escape; returns its bytes. */
static size_t
add_escape(struct buf *out, const unsigned char *p)
{
	if (*p < 0x80) {
		buf_printf(out, "\\x%02x", *p);
		return 1;
	}
	if (*p == 0xc2) {
		buf_printf(out, "\\x%02x", p[1]);
		return 2;
	}
	buf_printf(out, "\\u%04x",
	    ((unsigned)(*p & 0x0f) << 12) | ((unsigned)(p[1] & 0x3f) << 6) |
		(unsigned)(p[2] & 0x3f));
	return 3;
}

static void
add_double_quoted(struct buf *out, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	bool opens = has_open_block(text);

	buf_add_char(out, '"');
	while (*p != '\0') {
		if (needs_escape(p) || (opens && *p == '$')) {
			p += add_escape(out, p);
			continue;
		}
		if (*p == '\n')
			buf_add_str(out, "\\n");
		else if (*p == '\t')
			buf_add_str(out, "\\t");
		else if (*p == '"' || *p == '\\')
			buf_printf(out, "\\%c", *p);
		else
			buf_add_char(out, (char)*p);
		p++;
	}
	buf_add_char(out, '"');
}

/* On one line. */
static void
add_text(struct emitter *e, const char *text, bool key)
{
	if (is_plain(e, text, key))
		buf_add_str(e->out, text);
	else if (needs_double_quotes(text, key))
		add_double_quoted(e->out, text);
	else
		add_single_quoted(e->out, text);
}

/* Several lines that a literal block can hold. */
static bool
is_literal(const char *text)
{
	return strchr(text, '\n') != NULL && !str_is_blank(text) &&
	    !any_needs_escape(text);
}

static void
add_literal(struct buf *out, const char *text, size_t indent)
{
	size_t len = strlen(text), end = len;

	while (text[end - 1] == '\n')
		end--;
	buf_add_char(out, '|');
	if (isspace((unsigned char)*text)) /* the parser could not tell the indentation */
		buf_printf(out, "%d", STEP);
	if (len - end != 1)
		buf_add_char(out, len == end ? '-' : '+');
	for (const char *line = text; line < text + end;) {
		size_t n = strcspn(line, "\n");

		buf_add_char(out, '\n');
		if (n > 0)
			add_indent(out, indent);
		buf_add(out, line, n);
		line += n + 1;
	}
	for (size_t i = end + 1; i < len; i++)
		buf_add_char(out, '\n');
}

/* ---- nodes
 * ---------------------------------------------------------------------------*/

static void
emit_float(struct buf *out, const char *text)
{
	if (str_eq(text, "Infinity"))
		text = ".inf";
	else if (str_eq(text, "-Infinity"))
		text = "-.inf";
	else if (str_eq(text, "NaN"))
		text = ".nan";
	buf_add_str(out, text);
}

/* indent: of the lines of a literal block */
static void
emit_scalar(struct emitter *e, const struct node *n, size_t indent)
{
	if (n->kind == NODE_NULL)
		buf_add_str(e->out, "null");
	else if (n->kind == NODE_FLOAT)
		emit_float(e->out, n->text);
	else if (n->kind != NODE_STRING)
		buf_add_str(e->out, n->text);
	else if (is_literal(n->text))
		add_literal(e->out, n->text, indent);
	else
		add_text(e, n->text, false);
}

static bool
all_scalars(const struct node *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (!node_is_scalar(list->items[i]) || strchr(list->items[i]->text, '\n'))
			return false;
	return true;
}

/* The names of `!reference [job, key]`, in one line. */
static void
emit_names(struct emitter *e, const struct node *ref)
{
	buf_add_str(e->out, " [");
	for (size_t i = 0; i < ref->count; i++) {
		const struct node *name = ref->items[i];

		buf_add_str(e->out, i > 0 ? ", " : "");
		if (name->kind == NODE_STRING && strpbrk(name->text, ",[]{}:?") != NULL)
			add_double_quoted(e->out, name->text);
		else
			emit_scalar(e, name, 0);
	}
	buf_add_str(e->out, "]\n");
}

/* After "key:" or "-": on the same line what fits there, else a block below. */
static void
emit_value(struct emitter *e, const struct node *n, size_t indent)
{
	if (n->kind == NODE_REFERENCE)
		buf_add_str(e->out, " !reference");
	if (node_is_scalar(n)) {
		buf_add_char(e->out, ' ');
		emit_scalar(e, n, indent);
		buf_add_char(e->out, '\n');
	} else if (n->count == 0) {
		buf_add_str(e->out, n->kind == NODE_MAP ? " {}\n" : " []\n");
	} else if (n->kind == NODE_REFERENCE && all_scalars(n)) {
		emit_names(e, n);
	} else {
		buf_add_char(e->out, '\n');
		emit_block(e, n, indent, false);
	}
}

static void
emit_list(struct emitter *e, const struct node *list, size_t indent, bool started)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct node *item = list->items[i];

		if (i > 0 || !started)
			add_indent(e->out, indent);
		buf_add_char(e->out, '-');
		if ((item->kind == NODE_MAP || item->kind == NODE_LIST) &&
		    item->count > 0) {
			add_indent(e->out, STEP - 1);
			emit_block(e, item, indent + STEP, true);
		} else {
			emit_value(e, item, indent + STEP);
		}
	}
}

static void
emit_key(struct emitter *e, const char *key, size_t indent)
{
	if (strlen(key) <= SIMPLE_KEY_MAX) {
		add_text(e, key, true);
	} else {
		buf_add_str(e->out, "? ");
		add_double_quoted(e->out, key);
		buf_add_char(e->out, '\n');
		add_indent(e->out, indent);
	}
	buf_add_char(e->out, ':');
}

static void
emit_map(struct emitter *e, const struct node *map, size_t indent, bool started)
{
	for (size_t i = 0; i < map->count; i++) {
		const struct node_pair *pair = &map->pairs[i];

		/* jobs stand apart, but for a text that keeps its last empty lines */
		if (indent == 0 && i > 0 && pair->value->kind == NODE_MAP &&
		    memcmp(e->out->data + e->out->len - 2, "\n\n", 2) != 0)
			buf_add_char(e->out, '\n');
		if (i > 0 || !started)
			add_indent(e->out, indent);
		emit_key(e, pair->key, indent);
		emit_value(e, pair->value, indent + STEP);
	}
}

static void
emit_block(struct emitter *e, const struct node *n, size_t indent, bool started)
{
	if (n->kind == NODE_MAP)
		emit_map(e, n, indent, started);
	else
		emit_list(e, n, indent, started);
}

void
yaml_emit(const struct node *node, struct buf *out)
{
	cleanup_arena struct arena *scratch = arena_new();
	struct emitter e = { .out = out, .scratch = scratch };

	if ((node->kind == NODE_MAP || node->kind == NODE_LIST) && node->count > 0) {
		emit_block(&e, node, 0, false);
		return;
	}
	buf_add_str(out, "---");
	emit_value(&e, node, STEP);
}
