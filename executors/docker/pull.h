/* Images of a container engine: found there, or pulled by it. */
#ifndef EXECUTORS_DOCKER_PULL_H
#define EXECUTORS_DOCKER_PULL_H

#include "executors/docker/engine.h"

struct image_auth; /* executors/container/image_auth.h */

struct docker_image_request {
	const char *name;            /* as `image:` has it */
	const char *platform;        /* "linux/arm64"; NULL: the engine's own */
	const char *const *policies; /* one after the other until one succeeds */
	size_t policy_count;
	const struct image_auth *auth;
	void (*say)(const char *line, void *data); /* may be NULL */
	void *data;
};

/*
 * The image's id, malloced. What is wrong with a registry for a while is waited for.
 * ERR_MISSING, ERR_FOREIGN with the engine's words, ERR_CANCELED.
 */
MUST_CHECK int docker_get_image(struct engine *e,
    const struct docker_image_request *request, char **id, struct error *err);

#endif
