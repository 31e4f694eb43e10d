/*
 * VOLUMEs of an image: folders that are to be of the disk, not of the overlay that is the
 * container's root. What stacks overlays of its own there, as Docker's daemon does in
 * /var/lib/docker, could not do it on another one.
 */
#ifndef EXECUTORS_CONTAINER_IMAGE_VOLUME_H
#define EXECUTORS_CONTAINER_IMAGE_VOLUME_H

#include <sys/stat.h>

#include "base/str.h"

#define IMAGE_VOLUMES_MAX 16 /* of one image */

/*
 * Whether an empty folder can stand for path: in none of the layers, the top one first,
 * is anything in it, nor is it behind a link. as gets the folder's mode and owner.
 */
bool image_volume_is_empty(
    const char *path, const struct strlist *layers, struct stat *as);

#endif
