/* Images of a container engine: found there, or pulled by it. */
#ifndef EXECUTORS_DOCKER_PULL_H
#define EXECUTORS_DOCKER_PULL_H

#include "executors/container/image_store.h"
#include "executors/docker/engine.h"

struct docker_image_request {
	const char *name;                  /* as `image:` has it */
	const char *platform;              /* "linux/arm64"; NULL: the engine's own */
	const enum image_policy *policies; /* one after the other until one succeeds */
	size_t policy_count;
	const struct image_auth *auth;
	void (*say)(const char *line, void *data); /* may be NULL */
	void *data;
};

struct docker_image {
	char *id; /* malloced */
	/* What a registry calls it, or for an image made here its id: "sha256:…". In the
	 * arena. */
	const char *digest;
	struct image_config config;
};

/*
 * The image; its configuration lies in the arena. What is wrong with a registry for a
 * while is waited for. ERR_MISSING, ERR_FOREIGN with the engine's words, ERR_CANCELED.
 */
MUST_CHECK int docker_get_image(struct engine *e,
    const struct docker_image_request *request, struct arena *arena,
    struct docker_image *out, struct error *err);
void docker_image_clear(struct docker_image *image);

#endif
