/* The store's small files, as JSON. What cannot be read is as if it were not there: all
 * of it can be made again. */
#include <jansson.h>

#include "base/hash.h"
#include "base/path.h"
#include "executors/container/image_store_internal.h"

#define VERSION 1

static json_t *
read_json(const char *path, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	json_error_t why;
	json_t *root;

	if (buf_read_file(&text, path, IMAGE_FILE_MAX, err) < 0)
		return NULL;
	root = json_loadb(buf_str(&text), text.len, 0, &why);
	if (json_integer_value(json_object_get(root, "v")) == VERSION)
		return root;
	(void)error_set(err, ERR_INVALID, "%s cannot be read: %s", path,
	    root == NULL ? why.text : "it is of another version of pawl");
	json_decref(root);
	return NULL;
}

/* Takes root. */
static int
write_json(const char *path, json_t *root, struct error *err)
{
	char *text = json_dumps(root, JSON_COMPACT);
	int rc = text == NULL ? error_set(err, ERR_INVALID, "%s cannot be written", path)
			      : path_write_file(path, text, strlen(text), 0600, err);

	free(text);
	json_decref(root);
	return rc;
}

static const char *
text_of(const json_t *root, const char *key, struct arena *arena)
{
	const char *text = json_string_value(json_object_get(root, key));

	return text == NULL ? "" : arena_strdup(arena, text);
}

static uint64_t
count_of(const json_t *root, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(root, key));

	return n < 0 ? 0 : (uint64_t)n;
}

static struct image_strings
list_of(const json_t *root, const char *key, struct arena *arena)
{
	const json_t *list = json_object_get(root, key);
	size_t count = json_array_size(list);
	struct image_strings out = { .items = NULL };

	out.items = arena_calloc(arena, count + 1, sizeof(*out.items));
	for (size_t i = 0; i < count; i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (text != NULL)
			out.items[out.count++] = arena_strdup(arena, text);
	}
	return out;
}

static json_t *
list_json(const struct image_strings *list)
{
	json_t *out = json_array();

	for (size_t i = 0; i < list->count; i++)
		(void)json_array_append_new(out, json_string(list->items[i]));
	return out;
}

/* Names hold slashes and worse: their file has the hash of all that tells them apart. */
static char *
record_file(const char *name, const struct image_platform *platform)
{
	cleanup_free char *key = xasprintf("%s\n%s/%s/%s", name, platform->os,
	    platform->architecture, platform->variant);
	char hex[HASH_SHA256_HEX];

	hash_sha256_hex(key, strlen(key), hex);
	return xasprintf("names/%s", hex);
}

bool
image_record_read_file(const struct image_store *s, const char *file, struct arena *arena,
    struct image_record *out)
{
	cleanup_free char *path = image_store_path(s, "%s", file);
	struct error err = ERROR_INIT;
	json_t *root = read_json(path, &err);

	if (root == NULL)
		return false;
	out->digest = text_of(root, "digest", arena);
	out->image = text_of(root, "image", arena);
	out->stamp = text_of(root, "stamp", arena);
	json_decref(root);
	return image_digest_is_valid(out->digest) && strlen(out->image) == IMAGE_HEX &&
	    strchr(out->image, '/') == NULL;
}

bool
image_record_read(const struct image_store *s, const char *name,
    const struct image_platform *platform, struct arena *arena, struct image_record *out)
{
	cleanup_free char *file = record_file(name, platform);

	return image_record_read_file(s, file, arena, out);
}

int
image_record_write(const struct image_store *s, const char *name,
    const struct image_platform *platform, const struct image_record *r,
    struct error *err)
{
	cleanup_free char *file = record_file(name, platform);
	cleanup_free char *path = image_store_path(s, "%s", file);

	return write_json(path,
	    json_pack("{s:i,s:s,s:s,s:s,s:s}", "v", VERSION, "name", name, "digest",
		r->digest, "image", r->image, "stamp", r->stamp),
	    err);
}

int
image_parts_read(
    const char *folder, struct arena *arena, struct image_parts *out, struct error *err)
{
	cleanup_free char *path = path_join(folder, "image.json");
	json_t *root = read_json(path, err);

	if (root == NULL)
		return err->code;
	out->manifest = text_of(root, "manifest", arena);
	out->config = text_of(root, "config", arena);
	out->layers = list_of(root, "layers", arena);
	out->blobs = list_of(root, "blobs", arena);
	out->owners = count_of(root, "owners");
	out->devices = count_of(root, "devices");
	out->capabilities = count_of(root, "capabilities");
	json_decref(root);
	return 0;
}

int
image_parts_write(const char *folder, const struct image_parts *p, struct error *err)
{
	cleanup_free char *path = path_join(folder, "image.json");

	return write_json(path,
	    json_pack("{s:i,s:s,s:s,s:o,s:o,s:I,s:I,s:I}", "v", VERSION, "manifest",
		p->manifest, "config", p->config, "layers", list_json(&p->layers),
		"blobs", list_json(&p->blobs), "owners", (json_int_t)p->owners, "devices",
		(json_int_t)p->devices, "capabilities", (json_int_t)p->capabilities),
	    err);
}

int
image_layer_read(const char *folder, struct layer_info *out, struct error *err)
{
	cleanup_free char *path = path_join(folder, "layer.json");
	json_t *root = read_json(path, err);

	if (root == NULL)
		return err->code;
	out->entries = count_of(root, "entries");
	out->bytes = count_of(root, "bytes");
	out->hides_all = json_is_true(json_object_get(root, "hides_all"));
	out->owners = count_of(root, "owners");
	out->devices = count_of(root, "devices");
	out->capabilities = count_of(root, "capabilities");
	json_decref(root);
	return 0;
}

int
image_layer_write(const char *folder, const struct layer_info *info, struct error *err)
{
	cleanup_free char *path = path_join(folder, "layer.json");

	return write_json(path,
	    json_pack("{s:i,s:I,s:I,s:b,s:I,s:I,s:I}", "v", VERSION, "entries",
		(json_int_t)info->entries, "bytes", (json_int_t)info->bytes, "hides_all",
		(int)info->hides_all, "owners", (json_int_t)info->owners, "devices",
		(json_int_t)info->devices, "capabilities",
		(json_int_t)info->capabilities),
	    err);
}
