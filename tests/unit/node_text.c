/* Nodes and findings as text. */
#include "tests/unit/node_text.h"

static void
add_node(struct buf *out, const struct node *n)
{
	const char *comma = "";

	if (n == NULL) {
		buf_add_str(out, "(none)");
	} else if (n->kind == NODE_MAP) {
		buf_add_char(out, '{');
		for (size_t i = 0; i < n->count; i++, comma = ", ") {
			buf_printf(out, "%s%s: ", comma, n->pairs[i].key);
			add_node(out, n->pairs[i].value);
		}
		buf_add_char(out, '}');
	} else if (n->kind == NODE_LIST || n->kind == NODE_REFERENCE) {
		buf_add_str(out, n->kind == NODE_LIST ? "[" : "![");
		for (size_t i = 0; i < n->count; i++, comma = ", ") {
			buf_add_str(out, comma);
			add_node(out, n->items[i]);
		}
		buf_add_char(out, ']');
	} else if (n->kind == NODE_STRING) {
		buf_printf(out, "\"%s\"", n->text);
	} else {
		buf_add_str(out, n->kind == NODE_NULL ? "null" : n->text);
	}
}

char *
node_text(const struct node *n)
{
	struct buf out = BUF_INIT;

	add_node(&out, n);
	return buf_take(&out);
}

char *
diags_text(const struct diags *d)
{
	struct buf out = BUF_INIT;

	for (size_t i = 0; i < d->count; i++) {
		if (i > 0)
			buf_add_char(&out, '\n');
		diag_format(&d->items[i], &out);
	}
	return buf_take(&out);
}
