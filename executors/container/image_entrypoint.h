/* What a job's pawl-init is started by in an image, whoever makes the container. */
#ifndef EXECUTORS_CONTAINER_IMAGE_ENTRYPOINT_H
#define EXECUTORS_CONTAINER_IMAGE_ENTRYPOINT_H

#include "base/str.h"
#include "executors/container/image_manifest.h"
#include "protocol/job.h"

/*
 * Append its words; none are left when there is no entrypoint. What `image:entrypoint`
 * says replaces the image's, and one empty word means none.
 * Source: docs.gitlab.com/ci/docker/using_docker_images, "Override the entrypoint".
 */
void image_entrypoint(const struct job_image *wanted, const struct image_config *image,
    struct strlist *out);

#endif
