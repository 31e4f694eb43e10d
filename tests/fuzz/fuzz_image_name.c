/* Names of images: a text that is taken says the same when it is written in full. */
#include <assert.h>

#include "base/str.h"
#include "executors/container/image_manifest.h"
#include "executors/container/image_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_again(const struct image_name *n, const char *dir)
{
	cleanup_free char *full = image_name_text(n), *again = NULL;
	cleanup_free char *source = image_name_source(n, NULL, NULL);
	cleanup_image_name struct image_name second = { .kind = IMAGE_REGISTRY };
	struct error err = ERROR_INIT;

	assert(full[0] != '-' && source[0] != '-');
	if (dir == NULL)
		assert(n->kind == IMAGE_REGISTRY && str_starts(source, "docker://"));
	if (image_name_parse(full, dir, &second, &err) < 0)
		abort();
	again = image_name_text(&second);
	assert(str_eq(full, again));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = xstrndup((const char *)data, size);
	struct image_platform platform;
	struct error err = ERROR_INIT;

	for (int i = 0; i < 2; i++) {
		cleanup_image_name struct image_name n = { .kind = IMAGE_REGISTRY };
		const char *dir = i == 0 ? NULL : "/here";

		if (image_name_parse(text, dir, &n, &err) == 0)
			check_again(&n, dir);
		else
			assert(err.code == ERR_INVALID && n.path == NULL);
	}
	(void)(image_platform_parse(text, &platform, &err) == 0);
	return 0;
}
