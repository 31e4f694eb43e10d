/*
 * The container executor: a job with an image runs in a container of it, without a
 * daemon. Images are kept unpacked (image_store.h), their layers are stacked by an
 * overlay, and an OCI runtime starts pawl-init in there.
 */
#ifndef EXECUTORS_CONTAINER_CONTAINER_H
#define EXECUTORS_CONTAINER_CONTAINER_H

#include "executors/executor.h"

extern const struct executor executor_container;

#endif
