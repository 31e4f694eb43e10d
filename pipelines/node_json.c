/* The values of YAML as those of JSON. */
#include "pipelines/node_json.h"

void
node_json(struct json_writer *w, const struct node *n)
{
	if (n->kind == NODE_MAP) {
		json_begin_object(w);
		for (size_t i = 0; i < n->count; i++) {
			json_key(w, n->pairs[i].key);
			node_json(w, n->pairs[i].value);
		}
		json_end_object(w);
	} else if (n->kind == NODE_LIST || n->kind == NODE_REFERENCE) {
		json_begin_array(w);
		for (size_t i = 0; i < n->count; i++)
			node_json(w, n->items[i]);
		json_end_array(w);
	} else if (n->kind == NODE_STRING) {
		json_add_string(w, n->text);
	} else if (n->kind == NODE_INT) {
		json_add_int(w, n->integer);
	} else if (n->kind == NODE_FLOAT) {
		json_add_real(w, n->real);
	} else if (n->kind == NODE_BOOL) {
		json_add_bool(w, n->boolean);
	} else {
		json_add_null(w);
	}
}
