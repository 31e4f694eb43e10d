/*
 * Queries and forms of strangers, read by a shape that has a field of every kind. What
 * was read has to be JSON that reads, and goes on to read as the same.
 */
#include "base/http_server.h"
#include "protocol/json_params.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct inner {
	const char *key, *value;
	const char **words;
	size_t word_count;
};

struct sample {
	const char *name, *scope, *word;
	int64_t count;
	double share;
	bool on;
	const char **words, **tags;
	size_t word_count, tag_count, item_count;
	struct inner *items;
};

static const struct json_field inner_fields[] = {
	{ JSON_FIELD("key", STRING, struct inner, key) },
	{ JSON_FIELD("value", STRING, struct inner, value) },
	{ JSON_COUNTED("words", STRINGS, struct inner, words, word_count) },
	{ NULL },
};
static const struct json_shape inner_shape = { inner_fields, sizeof(struct inner) };
static const struct json_field filter_fields[] = {
	{ JSON_FIELD("scope", STRING, struct sample, scope) },
	{ NULL },
};
static const struct json_shape filter_shape = { filter_fields, sizeof(struct sample) };
static const struct json_field fields[] = {
	{ JSON_FIELD("name", STRING, struct sample, name) },
	{ JSON_FIELD("word", WORD, struct sample, word) },
	{ JSON_FIELD("count", INT, struct sample, count) },
	{ JSON_FIELD("share", REAL, struct sample, share) },
	{ JSON_FIELD("on", BOOL, struct sample, on) },
	{ JSON_COUNTED("words", STRINGS, struct sample, words, word_count) },
	{ JSON_COUNTED("tags", COMMAS, struct sample, tags, tag_count) },
	{ .key = "filter", .kind = JSON_KIND_OBJECT, .shape = &filter_shape },
	{ JSON_COUNTED("items", OBJECTS, struct sample, items, item_count),
	    .shape = &inner_shape },
	{ NULL },
};
static const struct json_shape shape = { fields, sizeof(struct sample) };

static bool
read_params(const char *text, struct arena *arena, struct sample *out)
{
	cleanup_json_params struct json_params *params = json_params_new(&shape);
	cleanup_http_params struct http_params form = { .count = 0 };
	struct error err = ERROR_INIT;

	http_params_parse(&form, text);
	for (size_t i = 0; i < form.count; i++)
		if (json_params_add(
			params, form.items[i].name, form.items[i].value, &err) < 0)
			return false;
	return json_params_read(params, arena, out, &err) == 0;
}

/* What was written reads, and is written again. */
static void
write_again(const struct buf *json, struct arena *arena, struct buf *out)
{
	struct sample got = { .name = NULL };
	struct error err = ERROR_INIT;

	if (json_shape_read(
		&shape, buf_str(json), json->len, SIZE_MAX, arena, &got, &err) < 0)
		abort();
	json_shape_write(&shape, &got, out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = xstrndup((const char *)data, size);
	cleanup_arena struct arena *arena = arena_new();
	cleanup_buf struct buf first = BUF_INIT, once = BUF_INIT, twice = BUF_INIT;
	struct sample got = { .name = NULL };

	if (!read_params(text, arena, &got))
		return 0;
	json_shape_write(&shape, &got, &first);
	write_again(&first, arena, &once); /* an empty tag is none: it goes here */
	write_again(&once, arena, &twice);
	if (once.len != twice.len || memcmp(once.data, twice.data, once.len) != 0)
		abort();
	return 0;
}
