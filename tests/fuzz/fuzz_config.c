/*
 * A stranger's pipeline file, through loading, checking and making the concrete jobs.
 * The file may include itself and nothing else.
 */
#include "base/str.h"
#include "pipelines/config.h"
#include "pipelines/document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *data;
	size_t size;
	struct strlist files;
};

static int
read_file(void *data, const char *project, const char *ref UNUSED, const char *path,
    size_t max, struct buf *out, struct error *err)
{
	const struct input *in = data;

	if (project != NULL || !str_eq(path, ".gitlab-ci.yml"))
		return error_set(err, ERR_MISSING, "%s does not exist", path);
	if (in->size > max)
		return error_set(err, ERR_LIMIT, "%s is too large", path);
	buf_add(out, in->data, in->size);
	return 0;
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
list_changed(void *data UNUSED, const char *compare_to UNUSED, bool *known,
    const struct strlist **out UNUSED, struct error *err UNUSED)
{
	*known = false;
	return 0;
}

static void
try_once(struct input *in, bool shape_only)
{
	cleanup_arena struct arena *arena = arena_new();
	cleanup_buf struct buf text = BUF_INIT;
	struct provider provider = { in, read_file, list_files, list_changed };
	struct document_options load = {
		.path = ".gitlab-ci.yml", .provider = &provider, .shape_only = shape_only
	};
	struct document document;
	struct config *config = NULL;
	struct diags diags;

	diags_init(&diags, arena);
	if (document_load(&load, arena, &diags, &document) == 0 &&
	    config_build(document.root, arena, shape_only || document.incomplete, &diags,
		&config) == 0 &&
	    config == NULL)
		abort();
	for (size_t i = 0; i < diags.count; i++)
		diag_format(&diags.items[i], &text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { .data = data, .size = size };

	strlist_add(&in.files, ".gitlab-ci.yml");
	try_once(&in, false);
	try_once(&in, true);
	strlist_clear(&in.files);
	return 0;
}
