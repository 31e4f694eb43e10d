/*
 * Strangers' files as nodes. Lines "%%" part the bytes into .gitlab-ci.yml, a.yml and
 * b.yml, which may include each other; b.yml is also what other projects hold. What is
 * YAML has to be the same after being written and read again, and what is loaded has to
 * keep its bounds.
 */
#include "base/str.h"
#include "pipelines/document.h"

#define MAX_WRITTEN 100000 /* values; more take too long to write */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = { ".gitlab-ci.yml", "a.yml", "b.yml" };

struct input {
	const char *texts[ARRAY_LEN(names)];
	size_t lens[ARRAY_LEN(names)];
	struct strlist files;
};

static int
read_file(void *data, const char *project, const char *ref UNUSED, const char *path,
    size_t max, struct buf *out, struct error *err)
{
	const struct input *in = data;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!str_eq(path, names[i]) || (project != NULL && i < 2))
			continue;
		if (in->lens[i] > max)
			return error_set(err, ERR_LIMIT, "too large");
		buf_add(out, in->texts[i], in->lens[i]);
		return 0;
	}
	return error_set(err, ERR_MISSING, "%s does not exist", path);
}

static int
list_files(void *data, const char *project UNUSED, const char *ref UNUSED,
    const struct strlist **out, struct error *err UNUSED)
{
	struct input *in = data;

	*out = &in->files;
	return 0;
}

static int
list_changed(void *data, const char *compare_to UNUSED, bool *known,
    const struct strlist **out, struct error *err UNUSED)
{
	struct input *in = data;

	*known = in->files.count % 2 == 1;
	*out = &in->files;
	return 0;
}

static void
check_written(struct arena *arena, const struct node *n)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct node **again;
	struct diags diags;
	size_t count = 0;

	yaml_emit(n, &text);
	if (text.len > DOCUMENT_MAX_BYTES)
		return;
	diags_init(&diags, arena);
	if (yaml_parse(text.data, text.len, "again", arena, &diags, &again, &count) < 0 ||
	    count != 1 || !node_equal(n, again[0]))
		abort();
}

static void
try_parse(const char *text, size_t len)
{
	cleanup_arena struct arena *arena = arena_new();
	struct node **documents;
	struct diags diags;
	size_t count;

	diags_init(&diags, arena);
	if (yaml_parse(text, len, "first", arena, &diags, &documents, &count) < 0) {
		if (diags.errors == 0)
			abort();
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (documents[i]->weight > DOCUMENT_MAX_NODES ||
		    documents[i]->depth > DOCUMENT_MAX_DEPTH + 1)
			abort();
		if (documents[i]->weight <= MAX_WRITTEN)
			check_written(arena, documents[i]);
	}
}

static void
try_load(struct input *in)
{
	cleanup_arena struct arena *arena = arena_new();
	struct provider provider = { in, read_file, list_files, list_changed };
	struct document_options options = { .path = names[0], .provider = &provider };
	struct document document;
	cleanup_buf struct buf text = BUF_INIT;
	struct vars vars;
	struct diags diags;

	diags_init(&diags, arena);
	vars_init(&vars, arena, NULL);
	vars_set_str(&vars, VAR_PROJECT, "A", "a.yml");
	options.vars = &vars;
	if (document_load(&options, arena, &diags, &document) < 0) {
		if (diags.errors == 0)
			abort();
	} else if (document.root->weight > DOCUMENT_MAX_NODES ||
	    document.root->kind != NODE_MAP) {
		abort();
	}
	for (size_t i = 0; i < diags.count; i++)
		diag_format(&diags.items[i], &text);
	vars_clear(&vars);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { .files = STRLIST_INIT };
	const char *rest = (const char *)data, *end = rest + size;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *part = memmem(rest, (size_t)(end - rest), "\n%%\n", 4);
		bool last = part == NULL || i + 1 == ARRAY_LEN(names);

		in.texts[i] = rest;
		in.lens[i] = (size_t)((last ? end : part + 1) - rest);
		rest = last ? end : part + 4;
		strlist_add(&in.files, names[i]);
	}
	try_parse(in.texts[0], in.lens[0]);
	try_load(&in);
	strlist_clear(&in.files);
	return 0;
}
