/*
 * What a registry says of an image: manifests, lists of them for several platforms, and
 * the image's configuration (github.com/opencontainers/image-spec, and Docker's schema 2,
 * which looks the same). All of it was written by strangers. Pure: no disk.
 */
#ifndef EXECUTORS_CONTAINER_IMAGE_MANIFEST_H
#define EXECUTORS_CONTAINER_IMAGE_MANIFEST_H

#include "base/arena.h"
#include "base/error.h"

#define IMAGE_JSON_MAX ((size_t)8 << 20) /* bytes of such a text */
#define IMAGE_LAYERS_MAX 500             /* what one overlay takes */

/* "linux/arm64/v8"; variant "" when it does not matter. */
struct image_platform {
	char os[32], architecture[32], variant[32];
};

/* text: "os/architecture[/variant]" or "architecture"; NULL, "": this machine's. */
MUST_CHECK int image_platform_parse(
    const char *text, struct image_platform *out, struct error *err);

struct image_blob {
	const char *digest; /* "sha256:…" */
	int64_t size;
};

struct image_manifest {
	const char *instance; /* of a list: the manifest for the platform; then the rest
				 is empty */
	bool is_old;          /* Docker's schema 1: says nothing of use by itself */
	struct image_blob config;
	struct image_blob *layers; /* the lowest first */
	size_t layer_count;
};

/* ERR_INVALID; ERR_MISSING: a list without this platform, its words name those it has. */
MUST_CHECK int image_manifest_parse(const char *text, size_t len,
    const struct image_platform *platform, struct arena *arena,
    struct image_manifest *out, struct error *err);

/* The manifest an OCI layout's index.json names; there must be exactly one. */
MUST_CHECK int image_index_parse(const char *text, size_t len, struct arena *arena,
    const char **digest, struct error *err);

struct image_strings {
	const char **items;
	size_t count;
};

/* Whether the program in the container is well; see `HEALTHCHECK` of Docker. */
struct image_health {
	struct image_strings test; /* "CMD", "CMD-SHELL" or "NONE" first; empty: none */
	int64_t interval_ns, timeout_ns, start_period_ns; /* 0: not said */
	int64_t retries;
};

/* Strings that are not said are "". */
struct image_config {
	struct image_strings env; /* "NAME=VALUE" */
	struct image_strings entrypoint, cmd;
	const char *workdir, *user, *stop_signal;
	struct image_strings ports;   /* "80/tcp" */
	struct image_strings volumes; /* absolute paths */
	struct image_health health;
	const char *os, *architecture, *variant;
	struct image_strings diff_ids; /* "sha256:…", the lowest first */
};

/* Also of what an engine answers about an image, which has it under "Config". */
MUST_CHECK int image_config_parse(const char *text, size_t len, struct arena *arena,
    struct image_config *out, struct error *err);

/* The same in as few words as it takes, for image_config_parse() to read quickly. */
struct buf;
MUST_CHECK int image_config_shorten(
    const char *text, size_t len, struct buf *out, struct error *err);

#endif
