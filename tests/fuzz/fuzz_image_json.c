/* What registries and users say of images in JSON: manifests, lists, configurations, and
 * credentials. Digests that are taken can be names of files. */
#include <assert.h>

#include "base/str.h"
#include "executors/container/image_auth.h"
#include "executors/container/image_manifest.h"
#include "executors/container/image_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_manifest(const char *text, size_t size, struct arena *arena)
{
	struct image_platform p = { .os = "linux", .architecture = "amd64" };
	struct image_manifest m;
	struct error err = ERROR_INIT;

	if (image_manifest_parse(text, size, &p, arena, &m, &err) < 0)
		return;
	assert(m.is_old || m.instance != NULL || image_digest_is_valid(m.config.digest));
	assert(m.instance == NULL || image_digest_is_valid(m.instance));
	for (size_t i = 0; i < m.layer_count; i++)
		assert(
		    image_digest_is_valid(m.layers[i].digest) && m.layers[i].size >= 0);
}

/* The short form says the same. */
static void
check_config(const char *text, size_t size, struct arena *arena)
{
	cleanup_buf struct buf small = BUF_INIT;
	struct image_config c, again;
	struct error err = ERROR_INIT;

	if (image_config_parse(text, size, arena, &c, &err) < 0)
		return;
	if (image_config_shorten(text, size, &small, &err) < 0 ||
	    image_config_parse(buf_str(&small), small.len, arena, &again, &err) < 0)
		abort();
	assert(str_eq(c.user, again.user) && c.env.count == again.env.count &&
	    c.diff_ids.count == again.diff_ids.count &&
	    c.ports.count == again.ports.count);
	for (size_t i = 0; i < c.diff_ids.count; i++)
		assert(image_digest_is_valid(c.diff_ids.items[i]));
}

static void
check_auth(const char *text)
{
	struct image_auth_source source = { "it", text, true };
	struct image_auth auth = { .sources = &source, .source_count = 1 };
	cleanup_strlist struct strlist warnings = STRLIST_INIT;
	cleanup_buf struct buf out = BUF_INIT;

	image_auth_find(&auth, "r.org/a/b", &out, &warnings);
	assert(out.len == 0 || str_starts(out.data, "{\"auths\":{\"r.org\":") ||
	    str_starts(out.data, "{\"credHelpers\":{\"r.org\":"));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = xstrndup((const char *)data, size);
	cleanup_arena struct arena *arena = arena_new();
	struct error err = ERROR_INIT;
	const char *digest;

	check_manifest(text, strlen(text), arena);
	check_config(text, strlen(text), arena);
	check_auth(text);
	if (image_index_parse(text, strlen(text), arena, &digest, &err) == 0)
		assert(image_digest_is_valid(digest));
	return 0;
}
