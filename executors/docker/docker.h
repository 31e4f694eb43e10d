/*
 * The executor `docker`: containers of the engine of Docker or Podman, by its API. The
 * job's supervisor starts pawl-docker, which has the container made around pawl-init and
 * carries what those two say to each other. The workspace is a copy that is bound into
 * the container, so the engine has to be on this machine.
 */
#ifndef EXECUTORS_DOCKER_DOCKER_H
#define EXECUTORS_DOCKER_DOCKER_H

#include "executors/executor.h"

extern const struct executor executor_docker;

#endif
