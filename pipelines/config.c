/*
 * From the merged document to the config: the top level. Jobs may stand before what
 * they depend on (default, stages), so the keywords of the top level are read first.
 */
#include "pipelines/config.h"

#include "base/str.h"
#include "pipelines/config_build.h"
#include "pipelines/config_read.h"

static const char *const when_names[] = {
	[WHEN_ON_SUCCESS] = "on_success",
	[WHEN_ON_FAILURE] = "on_failure",
	[WHEN_ALWAYS] = "always",
	[WHEN_MANUAL] = "manual",
	[WHEN_DELAYED] = "delayed",
	[WHEN_NEVER] = "never",
};

const char *
job_when_name(enum job_when when)
{
	return when_names[when];
}

bool
job_when_parse(const char *name, enum job_when *out)
{
	for (size_t i = 0; i < ARRAY_LEN(when_names); i++)
		if (str_eq(when_names[i], name)) {
			*out = (enum job_when)i;
			return true;
		}
	return false;
}

static void
read_defaults(struct config_builder *b, const struct node *n)
{
	if (n->kind != NODE_MAP) {
		value_expected(&b->reader, n, "a map of keywords");
		return;
	}
	for (size_t i = 0; i < n->count; i++)
		config_read_default(b, &n->pairs[i]);
}

/* `.pre`, the stages without repetition, `.post`. */
static void
set_stages(struct config_builder *b, const struct strs *written)
{
	static const char *const usual[] = { "build", "test", "deploy" };
	size_t count = written->count > 0 ? written->count : ARRAY_LEN(usual);
	struct strs *stages = &b->config->stages;

	stages->items = arena_calloc(b->arena, count + 2, sizeof(*stages->items));
	map_set(&b->stages, ".post", stages); /* a place for the time being */
	for (size_t i = 0; i <= count; i++) {
		const char *name = i == 0 ? ".pre"
		    : written->count > 0  ? written->items[i - 1]
					  : usual[i - 1];

		if (map_has(&b->stages, name))
			continue;
		stages->items[stages->count++] = name;
		map_set(&b->stages, name, (void *)(uintptr_t)stages->count);
	}
	stages->items[stages->count++] = ".post";
	map_set(&b->stages, ".post", (void *)(uintptr_t)stages->count);
}

static void
read_stages(struct config_builder *b, const struct node *n)
{
	static const struct value_limits some = { .min = 1 };
	struct strs stages = { 0 };

	if (!node_is_null(n)) {
		value_enter(&b->reader, "stages");
		value_nested_strings(&b->reader, n, &some, &stages);
		value_leave(&b->reader);
	}
	set_stages(b, &stages);
}

#define CONFIG(field) offsetof(struct config, field)

static const struct value_field workflow_fields[] = {
	{ "name", value_string, CONFIG(workflow_name), NULL, 0 },
	{ "rules", config_read_workflow_rules, CONFIG(workflow_rules), NULL, 0 },
	{ "auto_cancel", config_read_auto_cancel, CONFIG(auto_cancel), NULL, 0 },
};
static const struct value_shape workflow_shape = VALUE_SHAPE(workflow_fields);

static void
read_spec(struct config_builder *b, const struct node_pair *pair)
{
	config_logic_error(b, pair->key_mark,
	    "`spec` must stand in a header of its own: put a line `---` between it and the "
	    "rest of the file");
	config_check_spec(&b->reader, pair->value, NULL, NULL);
}

static void
read_top_keyword(struct config_builder *b, enum keyword k, const struct node_pair *pair)
{
	struct reader *r = &b->reader;
	const struct node *n = pair->value;

	if (keywords[k].where & IN_DEFAULT) {
		config_read_default(b, pair);
		return;
	}
	if (node_is_null(n) || n->kind == NODE_REFERENCE)
		return;
	value_enter(r, pair->key);
	if (k == KW_DEFAULT)
		read_defaults(b, n);
	else if (k == KW_VARIABLES)
		config_read_variables(r, n, &variables_top, &b->config->variables);
	else if (k == KW_WORKFLOW)
		value_map(r, n, &workflow_shape, b->config);
	else if (k == KW_SPEC)
		read_spec(b, pair);
	value_leave(r); /* stages are read already; include is the document's */
}

static bool
is_top_keyword(const char *key, enum keyword *out)
{
	*out = keyword_find(key);
	return *out != KW_NONE && (keywords[*out].where & IN_TOP) != 0;
}

static void
read_jobs(struct config_builder *b, const struct node *root)
{
	enum keyword k;

	for (size_t i = 0; i < root->count; i++) {
		const struct node_pair *pair = &root->pairs[i];

		if (*pair->key == '.' || is_top_keyword(pair->key, &k))
			continue;
		config_read_job(b, pair);
	}
	for (size_t i = 0; i < b->draft_count; i++)
		config_finish_job(b, b->drafts[i]);
}

static void
build(struct config_builder *b, const struct node *root)
{
	enum keyword k;

	read_stages(b, node_get(root, "stages"));
	for (size_t i = 0; i < root->count; i++)
		if (is_top_keyword(root->pairs[i].key, &k))
			read_top_keyword(b, k, &root->pairs[i]);
	b->has_workflow_rules = b->config->workflow_rules.present;
	read_jobs(b, root);
	if (b->draft_count == 0 && b->reader.diags->errors == 0)
		config_logic_error(b, root->mark,
		    "there is no job; add one, such as `build:` with a `script:`");
	if (config_expand_jobs(b) && !b->reader.shape_only)
		config_check_jobs(b);
}

static bool
stands_before(const struct diag *a, const struct diag *b)
{
	int files = strcmp(
	    a->at.file != NULL ? a->at.file : "", b->at.file != NULL ? b->at.file : "");

	if (files != 0)
		return files < 0;
	return a->at.line != b->at.line ? a->at.line < b->at.line : a->at.col < b->at.col;
}

/* In the order of the files, as one reads them; a stable sort of at most DIAGS_MAX. */
static void
sort_findings(struct diags *d, size_t from)
{
	for (size_t i = from + 1; i < d->count; i++) {
		struct diag diag = d->items[i];
		size_t k = i;

		for (; k > from && stands_before(&diag, &d->items[k - 1]); k--)
			d->items[k] = d->items[k - 1];
		d->items[k] = diag;
	}
}

int
config_build(const struct node *root, struct arena *arena, bool shape_only,
    struct diags *diags, struct config **out)
{
	size_t errors_before = diags->errors, first = diags->count;
	struct config_builder b = { .arena = arena,
		.config = arena_alloc(arena, sizeof(*b.config)),
		.written = MAP_INIT,
		.stages = MAP_INIT,
		.instances = MAP_INIT,
		.jobs = MAP_INIT,
		.memo = MEMO_INIT,
		.checked = MEMO_INIT };

	value_reader_init(&b.reader, arena, diags, shape_only);
	b.config->arena = arena;
	b.config->root = root;
	if (node_is(root, NODE_MAP))
		build(&b, root);
	else
		diag_error(diags, DIAG_SHAPE, root->mark, NULL,
		    "a pipeline must be a map of jobs and keywords, not %s",
		    node_kind_name(root->kind));
	sort_findings(diags, first);
	map_clear(&b.jobs);
	map_clear(&b.instances);
	map_clear(&b.stages);
	map_clear(&b.written);
	memo_clear(&b.memo);
	memo_clear(&b.checked);
	value_reader_clear(&b.reader);
	if (diags->errors > errors_before)
		return ERR_INVALID;
	*out = b.config;
	return 0;
}
