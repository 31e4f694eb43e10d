/* `spec:include`: files that hold nothing but `inputs`, for headers to share. */
#include "base/path.h"
#include "base/str.h"
#include "pipelines/include_entry.h"
#include "pipelines/loader.h"

struct gathering {
	struct loader *l;
	const struct source *from;
	struct node *inputs;
};

static void
add_inputs(struct gathering *g, const struct node *inputs)
{
	for (size_t i = 0; i < inputs->count; i++) {
		const struct node_pair *pair = &inputs->pairs[i];
		const struct node_pair *old = node_get_pair(g->inputs, pair->key);

		if (old != NULL)
			diag_error(g->l->diags, DIAG_LOGIC, pair->key_mark, NULL,
			    "input `%s` is defined twice, also in %s:%" PRIu32, pair->key,
			    old->key_mark.file, old->key_mark.line);
		node_set(g->l->arena, g->inputs, pair->key, pair->key_mark, pair->value);
	}
}

static void
add_file(struct gathering *g, const struct source *s)
{
	struct loader *l = g->l;
	struct node **documents;
	size_t len, count;
	const char *text = source_read(l, s, &len);
	const struct node *inputs;

	if (text == NULL ||
	    yaml_parse(
		text, len, source_name(l, s), l->arena, l->diags, &documents, &count) < 0)
		return;
	if (count == 0 || !node_is(documents[0], NODE_MAP)) {
		loader_missing(l, s->at, "header include file `%s` should hold `inputs:`",
		    source_name(l, s));
		return;
	}
	for (size_t i = 0; i < documents[0]->count; i++)
		if (!str_eq(documents[0]->pairs[i].key, "inputs"))
			diag_error(l->diags, DIAG_SHAPE, documents[0]->pairs[i].key_mark,
			    NULL, "header include file `%s` contains unknown keys: %s",
			    source_name(l, s), documents[0]->pairs[i].key);
	inputs = node_get(documents[0], "inputs");
	if (node_is(inputs, NODE_MAP))
		add_inputs(g, inputs);
}

static void
add_path(struct gathering *g, const struct include_entry *entry, const char *project,
    const char *ref, const char *path)
{
	cleanup_free char *clean = NULL;

	while (*path == '/')
		path++;
	clean = path_clean(path);
	if (clean == NULL)
		loader_missing(g->l, entry->at, "`%s` leads out of the repository", path);
	else
		add_file(g,
		    &(struct source){ .project = project,
			.ref = ref,
			.path = arena_strdup(g->l->arena, clean),
			.parent = g->from,
			.at = entry->at });
}

static void
add_entry(struct gathering *g, const struct node *n)
{
	struct include_entry entry;

	if (!include_entry_read(n, true, g->l->vars, g->l->diags, &entry))
		return;
	if (entry.kind == INCLUDE_LOCAL)
		add_path(g, &entry, g->from->project, g->from->ref, entry.location);
	else if (entry.kind == INCLUDE_PROJECT)
		for (size_t i = 0; i < entry.file_count; i++)
			add_path(g, &entry, entry.project, entry.ref, entry.files[i]);
	else
		loader_missing(g->l, entry.at,
		    "remote file `%s` cannot be had: nothing is fetched from the network; save "
		    "it in the repository and include it with `local`",
		    entry.location);
}

struct node *
include_load_inputs(struct loader *l, const struct source *from, const struct node *spec)
{
	const struct node *include = node_get(spec, "include");
	const struct node *inputs = node_get(spec, "inputs");
	struct mark at = node_is_null(inputs) ? from->at : inputs->mark;
	struct gathering g = {
		.l = l, .from = from, .inputs = node_new(l->arena, NODE_MAP, at)
	};

	if (node_is(include, NODE_LIST))
		for (size_t i = 0; i < include->count; i++)
			add_entry(&g, include->items[i]);
	else if (!node_is_null(include))
		add_entry(&g, include);
	if (node_is(inputs, NODE_MAP))
		add_inputs(&g, inputs);
	return g.inputs;
}
