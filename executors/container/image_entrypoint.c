/* The job's or the image's. */
#include "executors/container/image_entrypoint.h"

void
image_entrypoint(
    const struct job_image *wanted, const struct image_config *image, struct strlist *out)
{
	if (wanted->entrypoint_count == 1 && wanted->entrypoint[0][0] == '\0')
		return;
	for (size_t i = 0; i < wanted->entrypoint_count; i++)
		strlist_add(out, wanted->entrypoint[i]);
	for (size_t i = 0; i < image->entrypoint.count && wanted->entrypoint_count == 0;
	     i++)
		strlist_add(out, image->entrypoint.items[i]);
}
